"""PyTorch's DistributedDataParallel in Dask workers: one rank per worker, watched from the notebook.

`train(function, ...)` calls `function(rank, ...)` once in each worker, inside a process group of torch.distributed
(https://docs.pytorch.org/docs/stable/distributed.html), and returns what the calls return. Dask places the ranks and
notices who dies; the gradients go from worker to worker by gloo (CPU) or nccl (one GPU per rank), past the scheduler.

The life of a run: every worker opens its door to the run and the first one a `TCPStore`; the ranks start, meet at the
store, form the group, train and report. A rank that fails leaves the group, which makes the others fail at their next
exchange. Whatever ends the run, the notebook closes all doors: ranks that still run are interrupted, and a worker whose
rank does not listen is restarted.
"""

import asyncio
import contextlib
import ctypes
import gc
import hashlib
import inspect
import io
import os
import pickle
import queue
import socket
import sys
import threading
import time
import traceback
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from datetime import timedelta
from itertools import count
from numbers import Number
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import dask
import numpy as np
import psutil
import torch
import torch.distributed as dist

# DistributedDataParallel imports it with the group open, and its functions would keep that group as their default.
import torch.distributed.nn.functional
from dask.utils import key_split
from distributed import Client, Future, Worker, get_worker
from distributed.comm import get_address_host

from helpers.words import _

TOPIC = "helpers.ml.ddp"  # of Dask's events, which carry what ranks report
LOOK = 0.5  # seconds between two looks at which workers are there
GRACE = 5  # seconds that a rank which should stop is given before its worker is restarted
RESTART = 30  # seconds that such a worker is given to come back
POLL = 0.01  # seconds between two looks at who else has come to the store

_training = threading.Lock()


class per_rank(list):
    """An argument of `train` of which rank i gets item i: `per_rank([shard_0, shard_1])`; items may be futures."""


class Rank:
    """What a training function knows of its place in the run, and its ways to the notebook.

    Attributes
    ----------
    index, size : this rank's number, from 0, and how many there are.
    device : the `torch.device` to train on.
    """

    def __init__(self, post: "_Post", checkpoint: bytes | None):
        self.index = post.index
        self.size = post.size
        self.device = torch.device(post.device)
        self._post = post
        self._checkpoint = checkpoint
        self._saved = False

    def report(self, **numbers: float) -> None:
        """Send numbers to `on_metrics` in the notebook; returns at once. One-element tensors and arrays are numbers."""
        if self._post.listening:
            record = {name: _plain(name, value) for name, value in numbers.items()}
            _send(self._post, {"record": {"rank": self.index} | record})

    def save(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint by `state`: tensors, numbers, strings and containers of them, as in `torch.save`.

        Rank 0 writes, the others do nothing, and so does rank 0 where `train` was given no `checkpoint`. A reader
        finds the old file or the new one, never a part. Raises TypeError, on a rank's first call, for a state that
        `restore` could not read back.
        """
        if self.index or self._post.checkpoint is None:
            return
        path = Path(self._post.checkpoint)
        part = _part(path)
        torch.save(state, part)
        if not self._saved:
            try:
                torch.load(part, weights_only=True, map_location="cpu")
            except pickle.UnpicklingError as error:
                part.unlink()
                raise TypeError(
                    _(
                        "the state holds what torch.load(weights_only=True) refuses: {error}. Save tensors, numbers, "
                        "strings and lists, tuples or dicts of them"
                    ).format(error=str(error).splitlines()[-1].strip())
                ) from error
            self._saved = True
        os.replace(part, path)

    def restore(self) -> dict[str, Any] | None:
        """What the checkpoint held when the ranks started, the same for all of them; None where there was none.

        Its tensors are on the CPU.
        """
        if self._checkpoint is None:
            return None
        return torch.load(io.BytesIO(self._checkpoint), weights_only=True, map_location="cpu")


def train(
    function: Callable[..., Any],
    *arguments: Any,
    n_ranks: int | None = None,
    timeout: float = 60,
    restarts: int = 1,
    checkpoint: str | os.PathLike | None = None,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
    client: Client | None = None,
) -> list[Any]:
    """Call `function(rank, *arguments)` once per rank, each in a Dask worker of its own; the results in rank order.

    The function finds an initialised process group: it builds its model, wraps it in
    `torch.nn.parallel.DistributedDataParallel`, trains, and returns what pickles, such as `model.module.state_dict()`.
    PyTorch has as many threads there as the worker. A `DataLoader` has to load in the worker itself (`num_workers=0`).

    Parameters
    ----------
    function : a function; takes a `Rank` and the arguments. One from a notebook travels as code.
    arguments : as values, or Dask futures, which arrive as values; `per_rank(...)` has one item for each rank. Arrays
        and tensors arrive aligned. Large data is better loaded inside the function.
    n_ranks : how many ranks, at most one per worker; all workers by default. Ranks are numbered in the order of the
        workers' names.
    timeout : seconds that a rank waits for the others, at the start and in every exchange.
    restarts : how often to start again where a worker died, once another has come in its place.
    checkpoint : path of the file that `rank.save` writes and `rank.restore` reads, in a folder that all workers share.
        It stays, and another call with the same path goes on from it: delete it to begin anew.
    on_metrics : is called in this thread, while the ranks train, with each record that a rank reports:
        `{"rank": 0, "loss": 0.7}`. Where rank 1's worker died and all start again, with `{"restart": 1, "died": [1]}`,
        which is a warning otherwise.
    client : by default the current one.

    Raises
    ------
    The error of the rank that failed first, with that rank's traceback and, as a note, its number and worker.
    ValueError for a number of ranks that does not fit the cluster, RuntimeError for a cluster of threads or a worker
    that died once too often, TypeError for what does not pickle, TimeoutError naming the worker that did not start.

    Nothing goes on in the workers once it has returned or raised, KeyboardInterrupt included. A rank that does not
    stop within five seconds, such as one in a long `time.sleep`, is ended by restarting its worker.

    The ranks talk over plain TCP, also where Dask uses TLS. The path over nccl has not been run.
    """
    if n_ranks is not None and n_ranks < 1:
        raise ValueError(_("n_ranks must be at least 1, not {n}").format(n=n_ranks))
    payload = _pickled(function, arguments)
    client = client or _current_client()
    path = None if checkpoint is None else str(Path(checkpoint).absolute())
    if not _training.acquire(blocking=False):
        raise RuntimeError(_("another train() is under way in this process: wait until it has returned"))
    try:
        for attempt in count(1):
            workers = _choose_workers(client, n_ranks, timeout)
            if attempt == 1:
                _warn_of_trimming(workers)
            try:
                return _Run(client, workers, timeout, on_metrics).results(payload, arguments, path)
            except _WorkersDied as death:
                if attempt > restarts:
                    message = _("{workers} died, and restarts={restarts} are used up: was it short of memory?")
                    raise RuntimeError(message.format(workers=death, restarts=restarts)) from None
                n_ranks = len(workers)
                _tell_of_restart(attempt, death, on_metrics)
                _wait_for_workers(client, n_ranks, timeout)
    finally:
        _training.release()


# In the notebook: who takes part


class _Place(NamedTuple):
    """What a worker tells of itself: `gpus` as it sees them, `visible` the variable that chose them."""

    address: str
    name: Any
    host: str
    gpus: int
    visible: str | None
    trims: bool


def _describe(dask_worker: Worker) -> _Place:
    trims = sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" in os.environ and "MALLOC_TOP_PAD_" not in os.environ
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = torch.cuda.device_count()
    return _Place(dask_worker.address, dask_worker.name, _host(dask_worker), gpus, visible, trims)


def _current_client() -> Client:
    try:
        return Client.current()
    except ValueError:
        raise ValueError(_("there is no Dask client: call start_cluster() first, or give client=")) from None


def _choose_workers(client: Client, n_ranks: int | None, timeout: float) -> list[_Place]:
    addresses = list(client.nthreads())
    if (n_ranks or 1) > len(addresses):
        raise ValueError(
            _(
                "n_ranks={ranks}, but the cluster has {workers} workers, and a worker runs one rank: ask for fewer, or "
                "start more workers"
            ).format(ranks=n_ranks or 1, workers=len(addresses))
        )
    if any(address.startswith("inproc") for address in addresses):
        raise RuntimeError(
            _(
                "the workers are threads of this process, and a process holds one rank: start the cluster with "
                "processes, as start_cluster() or LocalCluster(processes=True) does"
            )
        )
    places = _ask(client, addresses, timeout, _describe)
    if silent := [address for address in addresses if address not in places]:
        raise TimeoutError(
            _("{workers} did not answer within {timeout} s: restart it").format(
                workers=", ".join(silent), timeout=timeout
            )
        )
    # Workers of one machine are numbered, others may be called by their address.
    ordered = sorted(places.values(), key=lambda place: (isinstance(place.name, str), place.name, place.address))
    return ordered[:n_ranks]


def _devices(workers: list[_Place]) -> list[str]:
    """A GPU for each rank if there are enough on every host, else the CPU for all."""
    seen: Counter = Counter()
    devices = []
    for place in workers:
        # dask-cuda gives each worker an order of its own, in which its GPU comes first.
        devices.append(seen[place.host, place.visible])
        seen[place.host, place.visible] += 1
    if any(device >= place.gpus for device, place in zip(devices, workers, strict=True)):
        return ["cpu"] * len(workers)
    return [f"cuda:{device}" for device in devices]


def _ask(client: Client, addresses: Iterable[str], seconds: float, function: Callable, *arguments: Any) -> dict:
    """What `function(*arguments)` returns in each worker, by address, without those that are dead or silent."""

    async def ask_all() -> dict:
        asked = {asyncio.ensure_future(client.run(function, *arguments, workers=[name])): name for name in addresses}
        done, silent = await asyncio.wait(asked, timeout=seconds) if asked else ((), ())
        for task in silent:
            task.cancel()
        answers = {}
        for task in done:
            with contextlib.suppress(OSError):  # it died
                answers |= task.result()
        return answers

    return client.sync(ask_all)


def _warn_of_trimming(workers: list[_Place]) -> None:
    if any(place.trims for place in workers):
        warnings.warn(
            _(
                "these workers hand freed memory back after every training step and fault it in again, which can halve "
                "PyTorch's speed: start them with start_cluster(), or set MALLOC_MMAP_THRESHOLD_=1073741824 and "
                "MALLOC_TOP_PAD_=67108864 under distributed.nanny.pre-spawn-environ"
            ),
            stacklevel=3,
        )


def _tell_of_restart(attempt: int, death: "_WorkersDied", on_metrics: Callable | None) -> None:
    if on_metrics:
        on_metrics({"restart": attempt, "died": death.ranks})
    else:
        warnings.warn(_("{workers} died: the ranks start again").format(workers=death), stacklevel=3)


def _wait_for_workers(client: Client, n_ranks: int, timeout: float) -> None:
    try:
        client.wait_for_workers(n_ranks, timeout=timeout)
    except TimeoutError:
        message = _("a worker died and no other came within {timeout} s: start {n} workers, each with a nanny")
        raise RuntimeError(message.format(timeout=timeout, n=n_ranks)) from None


def _pickled(function: Callable, arguments: tuple) -> bytes:
    """`function` as bytes; TypeError that names what in it, or which argument, does not pickle."""
    advice = _("{what} cannot be sent to the workers ({error}): make it inside the function")
    for number, argument in enumerate(arguments, start=1):
        if dask.is_dask_collection(argument):
            raise TypeError(
                _("argument {number} is a Dask {kind}: pass its computed parts, or load them in the function").format(
                    number=number, kind=type(argument).__name__
                )
            )
        if error := _pickling_error(argument):
            what = _("argument {number}, of type {kind},").format(number=number, kind=type(argument).__name__)
            raise TypeError(advice.format(what=what, error=error))
    if error := _pickling_error(function):
        uses = inspect.getclosurevars(function) if inspect.isfunction(function) else None
        names = uses.globals | uses.nonlocals if uses else {}
        at_fault = [name for name, value in names.items() if _pickling_error(value)]
        name = getattr(function, "__name__", repr(function))
        what = _("{names}, used by {function},").format(names=", ".join(at_fault), function=name) if at_fault else name
        raise TypeError(advice.format(what=what, error=error))
    return cloudpickle.dumps(function)


def _pickling_error(value: Any) -> str:
    try:
        # Arrays stay where they are: their buffers are not copied.
        cloudpickle.dumps(value, protocol=5, buffer_callback=lambda buffer: None)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


# In the notebook: one start of the ranks


class _WorkersDied(Exception):
    """Names the workers of `ranks`."""

    def __init__(self, ranks: list[int], names: list[Any]):
        super().__init__(", ".join(_("worker {name}").format(name=name) for name in names))
        self.ranks = ranks


class _Failure(NamedTuple):
    """An error as it travels: pickled with its frames, and what is left of it where that does not work."""

    pickled: bytes
    text: str
    trace: str
    echo: bool  # of another rank's failure


class _Outcome(NamedTuple):
    """How a rank ended. `stranger`: the process is not the one that had opened its door to the run."""

    value: bytes | None = None
    failure: _Failure | None = None
    stranger: bool = False


class _Post(NamedTuple):
    """What a rank needs to find its place."""

    run: str
    index: int
    size: int
    store: tuple[str, int]
    device: str
    timeout: float
    checkpoint: str | None
    listening: bool


class _Run:
    """All ranks from their start to their end, seen from the notebook."""

    def __init__(self, client: Client, workers: list[_Place], timeout: float, on_metrics: Callable | None):
        self.client = client
        self.workers = workers
        self.timeout = timeout
        self.on_metrics = on_metrics
        self.name = uuid.uuid4().hex
        self.inbox: queue.SimpleQueue[tuple[float, dict]] = queue.SimpleQueue()
        self.futures: list[Future] = []
        self.started: set[int] = set()
        self.outcomes: dict[int, _Outcome] = {}
        self.dead: set[int] = set()
        self.lost: set[int] = set()
        self.stuck: set[int] = set()
        self.looked = 0.0
        self.stopping = False

    def results(self, payload: bytes, arguments: tuple, checkpoint: str | None) -> list[Any]:
        """What the ranks return, or the error of the first that failed, or `_WorkersDied`."""
        self.client.subscribe_topic(TOPIC, self.inbox.put)
        try:
            self._start(payload, arguments, checkpoint)
            self._follow()
        finally:
            self._stop()
            self.client.unsubscribe_topic(TOPIC)
        if self.dead:
            ranks = sorted(self.dead)
            raise _WorkersDied(ranks, [self.workers[index].name for index in ranks])
        if self.lost:
            message = _("an argument of {rank} is lost, as scattered data is with its worker: load it in the function")
            raise RuntimeError(message.format(rank=self._named(min(self.lost))))
        self._raise_failure()
        return [_unpickled(self.outcomes[index].value, index) for index in range(len(self.workers))]

    def _start(self, payload: bytes, arguments: tuple, checkpoint: str | None) -> None:
        for argument in arguments:
            if isinstance(argument, per_rank) and len(argument) != len(self.workers):
                raise ValueError(
                    _("per_rank() has {items} items for {ranks} ranks").format(
                        items=len(argument), ranks=len(self.workers)
                    )
                )
        addresses = [place.address for place in self.workers]
        doors = _ask(self.client, addresses, self.timeout, _open_door, self.name, addresses[0])
        if missing := {index for index, address in enumerate(addresses) if address not in doors}:
            self.dead |= missing
            return
        store = self.workers[0].host, doors[addresses[0]]
        for index, (place, device) in enumerate(zip(self.workers, _devices(self.workers), strict=True)):
            post = _Post(
                self.name, index, len(self.workers), store, device, self.timeout, checkpoint,
                listening=self.on_metrics is not None,
            )  # fmt: skip
            own = [argument[index] if isinstance(argument, per_rank) else argument for argument in arguments]
            future = self.client.submit(
                _run_rank, post, payload, *own, key=f"ddp-rank-{self.name}-{index}", pure=False, retries=0,
                workers=[place.address], allow_other_workers=False,
            )  # fmt: skip
            self.futures.append(future)
            ended = {"run": self.name, "ended": index}
            future.add_done_callback(lambda _future, ended=ended: self.inbox.put((time.time(), ended)))

    def _follow(self) -> None:
        """Until all ranks have returned, or one has failed or is lost."""
        deadline = time.monotonic() + self.timeout
        while len(self.outcomes) < len(self.workers):
            self._receive(LOOK)
            self._look()
            if self.dead or self.lost or any(outcome.failure for outcome in self.outcomes.values()):
                return
            if len(self.started) < len(self.workers) and time.monotonic() > deadline:
                raise TimeoutError(self._who_did_not_start())

    def _receive(self, seconds: float) -> None:
        """Wait for a message and act on it."""
        try:
            _time, message = self.inbox.get(timeout=seconds)
        except queue.Empty:
            return
        if message["run"] != self.name:  # of another client, or of an earlier run
            return
        if "record" in message:
            if self.on_metrics and not self.stopping:
                self.on_metrics(message["record"])
        elif "started" in message:
            self.started.add(message["started"])
        else:
            self._fetch(message["ended"])

    def _fetch(self, index: int) -> None:
        future = self.futures[index]
        try:
            outcome = future.result(timeout=self.timeout)
        except CancelledError:  # so does the scheduler with a task whose scattered arguments died with their worker
            self.lost.add(index)
            return
        except TimeoutError:  # its worker died with it
            self.dead.add(index)
            return
        except Exception as error:  # what `_run_rank` cannot catch
            outcome = _Outcome(failure=_failure_of(error))
        self.outcomes[index] = outcome
        if outcome.stranger:
            self.dead.add(index)

    def _look(self, often: bool = False) -> None:
        """Note whose worker is gone."""
        if often or time.monotonic() > self.looked + LOOK:
            there = self.client.nthreads()
            self.looked = time.monotonic()
            gone = {index for index, place in enumerate(self.workers) if place.address not in there}
            self.dead |= gone - self.outcomes.keys()

    def _running(self) -> set[int]:
        return self.started - self.outcomes.keys() - self.dead - self.lost

    def _stop(self) -> None:
        """End what still runs, and leave nothing of the run in the workers."""
        self.stopping = True
        waiting = [future for index, future in enumerate(self.futures) if index not in self.started]
        self.client.cancel(waiting)
        self._look(often=True)
        there = [place.address for index, place in enumerate(self.workers) if index not in self.dead]
        if self._running():
            deadline = time.monotonic() + GRACE
            _ask(self.client, there, GRACE, _close_door, self.name)
            while self._running() and time.monotonic() < deadline:
                self._receive(POLL)
                self._look()
        self.stuck = self._running()
        stuck = [self.workers[index].address for index in self.stuck]
        _ask(self.client, set(there) - set(stuck), GRACE, _close_store, self.name)
        self.client.cancel(self.futures)
        if stuck:
            self._restart(stuck)

    def _restart(self, addresses: list[str]) -> None:
        ranks = ", ".join(self._named(index) for index in sorted(self.stuck))
        try:
            self.client.restart_workers(addresses, timeout=RESTART, raise_for_error=False)
            message = _("{ranks} did not stop within {grace} s: restarted, and data held there is lost")
        except ValueError:
            message = _("{ranks} did not stop within {grace} s and goes on: there is no nanny that could restart it")
        warnings.warn(message.format(ranks=ranks, grace=GRACE), stacklevel=5)

    def _raise_failure(self) -> None:
        failed = {index: outcome.failure for index, outcome in self.outcomes.items() if outcome.failure}
        if not failed:
            return
        index = min(failed, key=lambda index: failed[index].echo)  # of equals the first to arrive
        failure = failed[index]
        try:
            error, frames = pickle.loads(failure.pickled)
            note = _("in {rank}")
        except Exception:
            error, frames = RuntimeError(failure.text), None
            note = _("in {rank}") + "\n" + failure.trace
        error.add_note(note.format(rank=self._named(index)))
        if failure.echo:
            message = _("{rank} had returned already: does each rank take the same number of steps?")
            for other in sorted(self.outcomes.keys() - failed.keys()):
                error.add_note(message.format(rank=self._named(other)))
        raise error.with_traceback(frames) from None

    def _named(self, index: int) -> str:
        return _("rank {index} on worker {worker}").format(index=index, worker=self.workers[index].name)

    def _who_did_not_start(self) -> str:
        late = [index for index in range(len(self.workers)) if index not in self.started]
        busy = self.client.processing([self.workers[index].address for index in late])
        others = sorted({key_split(key) for keys in busy.values() for key in keys} - {"ddp-rank"})
        return _("{ranks} did not start within {timeout} s: the worker is busy with {tasks}").format(
            ranks=", ".join(map(self._named, late)),
            timeout=self.timeout,
            tasks=", ".join(others) or _("nothing that Dask knows of"),
        )


def _unpickled(value: bytes, index: int) -> Any:
    try:
        return pickle.loads(value)
    except Exception as error:
        error.add_note(_("what rank {index} returned does not unpickle here").format(index=index))
        raise


# In a worker


class _Stopped(BaseException):
    """Raised in a rank that has to stop. Not an Exception, for training functions may catch those."""


_lock = threading.Lock()
_doors: dict[str, int | None] = {}  # open runs, and the thread of the rank once it is here
_stores: dict[str, dist.TCPStore] = {}


def _open_door(run: str, keeper: str, dask_worker: Worker) -> int | None:
    """Let a rank of `run` in. The worker at address `keeper` also opens the store, and returns its port."""
    with _lock:
        _doors[run] = None
    if dask_worker.address != keeper:
        return None
    patience = timedelta(seconds=GRACE)
    _stores[run] = dist.TCPStore(_host(dask_worker), 0, is_master=True, wait_for_workers=False, timeout=patience)
    return _stores[run].port


def _close_door(run: str) -> None:
    """Let no rank of `run` in, and interrupt the one that is."""
    with _lock:
        thread = _doors.pop(run, None)
        if thread is not None:
            _raise_in(thread, _Stopped)


def _close_store(run: str) -> None:
    _close_door(run)
    _stores.pop(run, None)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have `thread` raise `error` before its next Python instruction; None takes that back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error and ctypes.py_object(error))


@contextlib.contextmanager
def _inside(run: str) -> Iterator[None]:
    """Where `_close_door` interrupts this thread, and nowhere else."""
    with _lock:
        if run not in _doors:
            raise _Stopped
        _doors[run] = threading.get_ident()
    try:
        yield
    finally:
        with _lock:
            if run in _doors:
                _doors[run] = None
            else:
                _raise_in(threading.get_ident(), None)


def _run_rank(post: _Post, payload: bytes, *arguments: Any) -> _Outcome:
    """The task of a rank: how it ended."""
    if post.run not in _doors:
        return _Outcome(stranger=True)
    _send(post, {"started": post.index})
    gc.freeze()  # what was there before need not be looked at again
    try:
        with _surroundings(post):
            try:
                with _inside(post.run):
                    checkpoint = _read_checkpoint(post)
                    store = _meet(post, checkpoint)
                # Not interrupted: what PyTorch has half set up it does not take back.
                _join(post, store)
                with _inside(post.run):
                    value = pickle.loads(payload)(Rank(post, checkpoint), *map(_aligned, arguments))
                    return _Outcome(cloudpickle.dumps(value))
            except BaseException as error:
                return _Outcome(failure=_failure_of(error))
    finally:
        _doors.pop(post.run, None)
        # The model refers to the group and to itself: only once it is collected do the connections close.
        gc.collect()
        gc.unfreeze()


def _send(post: _Post, message: dict[str, Any]) -> None:
    get_worker().log_event(TOPIC, {"run": post.run} | message)


@contextlib.contextmanager
def _surroundings(post: _Post) -> Iterator[None]:
    """PyTorch's threads, network interface and GPU for a rank; at its end they are as before, and the group is left."""
    if dist.is_initialized():
        raise RuntimeError(_("this worker is in another torch.distributed group: wait for that training to end"))
    worker = get_worker()
    threads, hook = torch.get_num_threads(), sys.excepthook
    # By default they would take the address of the host's name, which on many machines is the loopback's.
    interface = _interface(_host(worker))
    variables = {"GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"} - os.environ.keys() if interface else set()
    gpu = contextlib.nullcontext() if post.device == "cpu" else torch.cuda.device(post.device)
    try:
        torch.set_num_threads(worker.state.nthreads)
        os.environ.update(dict.fromkeys(variables, interface))
        with gpu:
            yield
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        torch.set_num_threads(threads)
        sys.excepthook = hook  # each group puts its own around it
        for name in variables:
            del os.environ[name]


def _interface(host: str) -> str | None:
    """The network interface of this machine that has the address `host`."""
    own = {found[4][0] for found in socket.getaddrinfo(host, None)}
    for interface, addresses in psutil.net_if_addrs().items():
        if own.intersection(address.address for address in addresses):
            return interface
    return None


def _host(worker: Worker) -> str:
    """Where other workers reach this one."""
    return get_address_host(worker.contact_address or worker.address)


def _read_checkpoint(post: _Post) -> bytes | None:
    if post.checkpoint is None:
        return None
    path = Path(post.checkpoint)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            _("the checkpoint's folder {folder} does not exist on the worker of rank {rank}").format(
                folder=path.parent, rank=post.index
            )
        )
    if post.index == 0:
        _part(path).unlink(missing_ok=True)  # of a rank that died while it wrote
    return path.read_bytes() if path.exists() else None


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _meet(post: _Post, checkpoint: bytes | None) -> dist.TCPStore:
    """The store, once all ranks have come to it with the same checkpoint."""
    store = dist.TCPStore(*post.store, is_master=False, timeout=timedelta(seconds=GRACE))
    store.set_timeout(timedelta(seconds=post.timeout))
    store.set(f"checkpoint/{post.index}", hashlib.sha256(checkpoint or b"").hexdigest())
    everyone = [f"checkpoint/{index}" for index in range(post.size)]
    # The notebook stops this wait with a better message, unless it is no longer there.
    deadline = time.monotonic() + post.timeout + GRACE
    while not store.check(everyone):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(POLL)
    if len(set(store.multi_get(everyone))) > 1:
        message = _("the ranks see different files at {path}: put the checkpoint into a folder that all workers share")
        raise RuntimeError(message.format(path=post.checkpoint))
    return store


def _join(post: _Post, store: dist.TCPStore) -> None:
    try:
        dist.init_process_group(
            "gloo" if post.device == "cpu" else "nccl",
            store=dist.PrefixStore("group", store),
            rank=post.index,
            world_size=post.size,
            timeout=timedelta(seconds=post.timeout),
        )
    except BaseException:
        # Ranks find each other under the number of their group, which PyTorch resets at the end of a group only: a
        # group that was never there would leave the next run's ranks waiting for each other under two names.
        dist.distributed_c10d._world.group_count = 0
        raise


def _aligned(value: Any) -> Any:
    """`value`, its arrays and tensors copied where Dask's wire has put them at odd addresses."""
    if isinstance(value, np.ndarray):
        return np.require(value, requirements="A")
    if isinstance(value, torch.Tensor):
        return value.clone() if value.device.type == "cpu" and value.data_ptr() % value.element_size() else value
    if type(value) in (list, tuple):
        return type(value)(map(_aligned, value))
    if type(value) is dict:
        return {key: _aligned(item) for key, item in value.items()}
    return value


def _plain(name: str, value: Any) -> float:
    """A number that msgpack knows."""
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, Number):
        raise TypeError(_("report() takes numbers, and {name} is {value!r}").format(name=name, value=value))
    return value


def _failure_of(error: BaseException) -> _Failure:
    """What is told of `error`."""
    frames = error.__traceback__.tb_next  # without the one that caught it
    trace = "".join(traceback.format_exception(type(error), error, frames))
    pickled = b""
    with contextlib.suppress(Exception):
        pickled = cloudpickle.dumps((error, frames))
    return _Failure(pickled, f"{type(error).__name__}: {error}", trace, _is_echo(error))


def _is_echo(error: BaseException | None) -> bool:
    """Whether a rank failed for want of another, which may have failed itself or left: torch.distributed says so."""
    if error is None:
        return False
    told = isinstance(error, RuntimeError) and ("gloo" in str(error) or "NCCL" in str(error))
    return told or isinstance(error, dist.DistError | _Stopped) or _is_echo(error.__cause__ or error.__context__)
