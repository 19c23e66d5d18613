"""`start_cluster()`: the one Dask client of a notebook, on this machine or on the cluster that it was given."""

import asyncio
import logging
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, Nanny, Security, Worker, rpc
from distributed.system import MEMORY_LIMIT

from helpers.shipping import ship_helpers
from helpers.words import _

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
ANSWER_SECONDS = 8
DASHBOARD_PORTS = range(8787, 8798)
DIRECT_LINK = "{scheme}://{host}:{port}/status"  # Dask's own default
MEMORY_PER_WORKER = 2**30  # bytes; Python with the course's libraries takes a third of it

# The nanny's MALLOC_TRIM_THRESHOLD_ makes glibc hand freed memory back after every training step and fault it in
# again for the next, which halves PyTorch's speed. Large blocks kept in the heap, and a heap that grows in large
# steps, avoid that. glibc reads these when a process starts, hence `pre-spawn-environ`.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": 2**30, "MALLOC_TOP_PAD_": 2**26}

FALSE_ALARMS = (
    # the exception of a task reaches whoever asks for its result
    "Compute Failed",
    "Run Failed",
    # a cluster that closes: tasks still run, a heartbeat is under way, Python takes seconds to leave torch
    "ended with CancelledError",
    "Failed to communicate with scheduler during heartbeat",
    "still alive after",
    # `restart` while somebody still waits for a result
    "exception=AllExit()",
    # a shuffle begins and ends
    "initialized by task",
    "deactivated due to stimulus",
)


def start_cluster(
    n_workers: int | None = None, threads_per_worker: int = 1, dashboard_port: int | None = None
) -> Client:
    """The notebook's Dask client; `client.close()` ends it, with all that was started for it.

    A client that is still running is returned as it is. Otherwise, where `DASK_SCHEDULER_ADDRESS` is set, the
    client of that cluster, to which `helpers` is sent; the cluster keeps its own size. Otherwise that of a new
    cluster of processes on this machine: `n_workers` of `threads_per_worker` threads each, by default as many as
    the CPUs and the memory that this process may use (container limits included) allow, each with one BLAS
    thread. Its dashboard takes `dashboard_port` (0: any), by default `COURSE_DASHBOARD_PORT` or the first free
    port from 8787 to 8797.

    Raises `ConnectionError` within ten seconds where no scheduler answers at `DASK_SCHEDULER_ADDRESS`,
    `RuntimeError` where that cluster's package versions differ, `ValueError` where `n_workers` contradicts the
    cluster that is running.
    """
    client = _running_client()
    if client is not None:
        _expect_workers(client, n_workers)
        return client
    _link_dashboard_through_proxy()
    address = os.environ.get(ADDRESS_VARIABLE)
    if address:
        return _connect(address)
    if n_workers is None:
        n_workers = max(1, min(CPU_COUNT // threads_per_worker, MEMORY_LIMIT // MEMORY_PER_WORKER))
    _hush_false_alarms()
    port = _free_dashboard_port() if dashboard_port is None else dashboard_port
    # Without arguments of its own for a cluster, Dask would still connect to an address that was set when it was
    # imported. A client that starts its cluster also closes it.
    with dask.config.set({"scheduler-address": None}):
        client = Client(
            n_workers=n_workers,
            threads_per_worker=threads_per_worker,
            host="127.0.0.1",  # otherwise Dask looks for the machine's address, and warns without a network
            dashboard_address=f"127.0.0.1:{port}",
            worker_class=_TidyNanny,
            preload=__name__,
        )
    # distributed 2026.8 shows there what it learned before the first worker came: 0 workers, 0 threads.
    client.cluster.scheduler_info.update(client.cluster.scheduler.identity())
    return client


def _running_client() -> Client | None:
    try:
        client = Client.current()
    except ValueError:
        return None
    return client if client.status == "running" else None


def _expect_workers(client: Client, n_workers: int | None) -> None:
    if n_workers is not None and isinstance(client.cluster, LocalCluster):
        running = len(client.cluster.worker_spec)
        if running != n_workers:
            message = _(
                "a cluster of {running} workers is running, and {n_workers} were asked for: "
                "close its client first, with client.close()"
            )
            raise ValueError(message.format(running=running, n_workers=n_workers))


def _connect(address: str) -> Client:
    try:
        # On a thread of its own: a notebook's main thread already runs an event loop. `Client(timeout=...)`
        # would not do: it waits for ever where something else than Dask listens, a dashboard for example.
        with ThreadPoolExecutor(1) as pool:
            role = pool.submit(asyncio.run, _ask_role(address)).result()
    except (OSError, ValueError, TimeoutError) as error:
        message = _(
            "no Dask scheduler answers at {address}, where {variable} points: {error}. Start one there "
            "(`dask scheduler`), correct the variable, or unset it to work on this machine."
        )
        raise ConnectionError(
            message.format(address=address, variable=ADDRESS_VARIABLE, error=str(error) or type(error).__name__)
        ) from error
    if role != "Scheduler":
        message = _(
            "at {address}, where {variable} points, answers a Dask {role} and not a scheduler: "
            "set the variable to the scheduler's address"
        )
        raise ConnectionError(message.format(address=address, variable=ADDRESS_VARIABLE, role=role))
    client = Client(address)
    try:
        ship_helpers(client)
    except BaseException:
        client.close()
        raise
    return client


async def _ask_role(address: str) -> str:
    """What answers at `address`: "Scheduler", "Worker" or "Nanny"."""
    async with rpc(address, connection_args=Security().get_connection_args("client")) as server:
        return (await asyncio.wait_for(server.identity(), ANSWER_SECONDS))["type"]


def _free_dashboard_port() -> int:
    chosen = os.environ.get("COURSE_DASHBOARD_PORT")
    if chosen:
        return int(chosen)
    for port in DASHBOARD_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the dashboard's server does
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return 0


def _link_dashboard_through_proxy() -> None:
    """Where a JupyterHub or Binder serves this notebook, reach the dashboard through its server."""
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if prefix and dask.config.get("distributed.dashboard.link") == DIRECT_LINK:
        dask.config.set({"distributed.dashboard.link": prefix.rstrip("/") + "/proxy/{port}/status"})


def dask_setup(worker: Worker) -> None:
    """Dask calls this in each worker of a local cluster, whose preload is this module; its import was the cure."""
    _hush_false_alarms()


def _hush_false_alarms() -> None:
    """Keep off the reader's screen what Dask logs as a warning or an error though the reader can do nothing about it.

    The worker's logs (`client.get_worker_logs()`) keep all of it.
    """
    for handler in logging.getLogger("distributed").handlers:
        handler.addFilter(_is_alarm)
    logging.getLogger("asyncio").addFilter(_is_alarm)


def _is_alarm(record: logging.LogRecord) -> bool:
    return not any(phrase in record.getMessage() for phrase in FALSE_ALARMS)


class _TidyNanny(Nanny):
    """Starts its worker with `MALLOC`, and leaves none of its variables in this process's environment."""

    _starting = 0
    _outside: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with dask.config.set({f"distributed.nanny.pre-spawn-environ.{name}": MALLOC[name] for name in MALLOC}):
            super().__init__(*args, **kwargs)

    async def instantiate(self) -> Any:
        # Nannies start their workers side by side and each sets the variables for all: the last one tidies up.
        nannies = _TidyNanny
        if not nannies._starting:
            nannies._outside = dict(os.environ)
        nannies._starting += 1
        try:
            return await super().instantiate()
        finally:
            nannies._starting -= 1
            if not nannies._starting:
                for name in self.pre_spawn_env:
                    if name in nannies._outside:
                        os.environ[name] = nannies._outside[name]
                    else:
                        os.environ.pop(name, None)
