"""`Cost`: the computes, tasks and bytes that a Dask client causes, so that "compute once" can be checked."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple, Self
from unittest.mock import patch
from uuid import uuid4

from dask.callbacks import Callback
from dask.sizeof import sizeof
from distributed import Client, Scheduler, SchedulerPlugin, Worker, WorkerPlugin
from distributed.comm import Comm
from distributed.shuffle._core import barrier_key
from distributed.utils import nbytes

Reading = tuple[int, int, int | None, int]  # computes, tasks, bytes, fetches


class Bill(NamedTuple):
    """What one call returned, and what it cost; the fields are those of `Cost`."""

    result: Any
    computes: int
    tasks: int
    bytes: int | None
    fetches: int


class Cost:
    """Measures what a client causes while a `with` block runs; readable inside the block and after it.

    - `computes`: graphs that the client submits: a `compute`, `persist` or `submit` (also of an actor) is one,
      and so is a `map`. On a local scheduler: runs of it.
    - `tasks`: keys in those graphs after optimisation, without those of data that is already on the cluster.
    - `bytes`: what moves between client and scheduler (graphs as they are pickled, data scattered, results
      gathered, arguments and results of actors' methods) and from worker to worker (dependencies of the
      client's tasks, shards of P2P shuffles). Values count by `dask.sizeof`, uncompressed. None without a
      distributed client: a local scheduler moves nothing, or does not say what.

    - `fetches`: how often the client waited for results to come: a `compute` or a `gather` is one, and so is each
      `result()` of a future. On a local scheduler: runs of it.

    Other clients' work is left out, and with it what tasks submit from inside a worker. Not counted as bytes:
    scheduler to worker (a broadcast counts once), `client.run`, queues and variables, and what a worker
    received before it was restarted. Work that still runs at the end counts as far as it got; wait for it.

    `client` is by default the current distributed client when the block begins. Local schedulers are always
    watched, so `compute(scheduler="threads")` beside a cluster counts as well. Blocks can be nested.

    Graphs are optimised and laid out on the scheduler, so that is where they are counted: by plugins, which
    leave with the block. The client's own side is counted by wrapping methods of this one client object.
    """

    def __init__(self, client: Client | None = None) -> None:
        self._client = client
        self._reading: Reading | None = None
        self._attached: ExitStack | None = None

    def __enter__(self) -> Self:
        if self._attached is not None:
            raise RuntimeError("this Cost is measuring already: nest a new one, or use its method `of`")
        client = self._client or _current_client()
        self._local_tasks: list[int] = []
        with ExitStack() as stack:
            stack.enter_context(Callback(start=lambda graph: self._local_tasks.append(len(graph))))
            self._meter = stack.enter_context(_ClientMeter(client)) if client else None
            self._attached = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        attached, self._attached = self._attached, None
        with attached:
            # The measured code may have closed its client: then there is nobody left to ask.
            self._reading = self._read() if self._meter is None or self._meter.is_running() else None

    @property
    def computes(self) -> int:
        return self._now()[0]

    @property
    def tasks(self) -> int:
        return self._now()[1]

    @property
    def bytes(self) -> int | None:
        return self._now()[2]

    @property
    def fetches(self) -> int:
        return self._now()[3]

    def of(self, function: Callable, /, *args: Any, **kwargs: Any) -> Bill:
        """Call `function(*args, **kwargs)`, return its result and what this one call cost."""
        with Cost(self._client) as cost:
            result = function(*args, **kwargs)
        return Bill(result, *cost._now())

    def _now(self) -> Reading:
        reading = self._reading if self._attached is None else self._read()
        if reading is None:
            raise RuntimeError("nothing was measured: use `with cost:`, and keep the client open inside it")
        return reading

    def _read(self) -> Reading:
        computes, tasks = len(self._local_tasks), sum(self._local_tasks)
        if self._meter is None:
            return computes, tasks, None, computes
        submitted, keys, moved = self._meter.read()
        return computes + submitted, tasks + keys, moved, computes + self._meter.fetches


def _current_client() -> Client | None:
    try:
        return Client.current()
    except ValueError:
        return None


class _ClientMeter:
    """Counts for one distributed client, between `__enter__` and `__exit__`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.name = f"cost-{uuid4().hex}"
        self.client_bytes = 0
        self.fetches = 0
        self.patches = ExitStack()

    def __enter__(self) -> Self:
        self._wait_for_graphs()
        self.client.register_plugin(_GraphCounter(self.client.id), name=self.name)
        self.client.register_plugin(_TransferCounter(), name=self.name)
        for owner, wrap in (
            (self.client, self._send_to_scheduler),
            (self.client, self._gather_remote),
            (self.client, self._scatter),
            (self.client.scheduler, self.proxy),
        ):
            name = wrap.__name__
            self.patches.enter_context(patch.object(owner, name, wrap(getattr(owner, name))))
        return self

    def __exit__(self, *exception: object) -> None:
        self.patches.close()
        if self.is_running():
            self.client.unregister_worker_plugin(self.name)
            self.client.unregister_scheduler_plugin(self.name)

    def is_running(self) -> bool:
        return self.client.status == "running"

    def read(self) -> tuple[int, int, int]:
        """Computes, tasks, bytes so far."""
        self._wait_for_graphs()
        computes, tasks, keys = self.client.run_on_scheduler(_graphs, self.name)
        received = self.client.run(_received, self.name)
        between_workers = sum(counts[key] for counts in received.values() for key in keys & counts.keys())
        return computes, tasks, self.client_bytes + between_workers

    def _wait_for_graphs(self) -> None:
        """Return when every graph sent so far has arrived: that is what publishing waits for."""
        name = f"cost-{uuid4().hex}"
        self.client.publish_dataset(None, name=name)
        self.client.unpublish_dataset(name)

    # Each takes one of the client's methods and returns the same method, counted.

    def _send_to_scheduler(self, send: Callable) -> Callable:
        def counted(message: dict) -> None:
            send(message)
            if message["op"] == "update-graph":
                self.client_bytes += sum(map(nbytes, message["expr_ser"].frames))

        return counted

    def _gather_remote(self, gather: Callable) -> Callable:
        async def counted(*args: Any, **kwargs: Any) -> dict:
            self.fetches += 1
            response = await gather(*args, **kwargs)
            self.client_bytes += sum(map(sizeof, response.get("data", {}).values()))
            return response

        return counted

    def _scatter(self, scatter: Callable) -> Callable:
        async def counted(data: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(data, Iterator):
                data = list(data)
            self.client_bytes += _size_of_items(data)
            return await scatter(data, *args, **kwargs)

        return counted

    def proxy(self, call: Callable) -> Callable:
        """Methods of actors, which the scheduler passes on to the actor's worker."""

        async def counted(worker: str, msg: dict) -> dict:
            response = await call(worker=worker, msg=msg)
            arguments = [*msg.get("args", ()), *msg.get("kwargs", {}).values()]
            self.client_bytes += sum(sizeof(argument.data) for argument in arguments)
            self.client_bytes += sizeof(response.get("result"))
            return response

        return counted


def _size_of_items(data: Any) -> int:
    """Bytes of `data`; item by item, because `sizeof` estimates a long collection from a sample of it."""
    if type(data) in (list, tuple, set, frozenset):
        return sum(map(sizeof, data))
    return sum(map(sizeof, data.values())) if type(data) is dict else sizeof(data)


class _GraphCounter(SchedulerPlugin):
    """Graphs, tasks and keys of one client, where they arrive."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.graphs = 0
        self.tasks = 0
        self.keys: set = set()

    def update_graph(self, scheduler: Scheduler, *, client: str, tasks: list, **kwargs: Any) -> None:
        if client == self.client:
            self.keys.update(tasks)  # with the data they depend on, which may have to move

    def log_event(self, topic: str, msg: Any) -> None:
        # The scheduler logs every graph once under its client's name, also one that it had to refuse.
        if topic == self.client and msg["action"] == "update-graph":
            self.graphs += 1
            self.tasks += msg.get("metrics", {}).get("tasks", 0)


class _TransferCounter(WorkerPlugin):
    """Bytes that a worker receives from other workers, by key."""

    def setup(self, worker: Worker) -> None:
        self.worker = worker
        self.received: Counter = Counter()
        self.receive_shards = worker.handlers["shuffle_receive"]
        worker.handlers["shuffle_receive"] = self.count_shards

    def teardown(self, worker: Worker) -> None:
        worker.handlers["shuffle_receive"] = self.receive_shards

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        if start == "flight" and finish == "memory":
            self.received[key] += self.worker.state.tasks[key].get_nbytes()

    async def count_shards(self, comm: Comm, shuffle_id: str, run_id: int, data: Any) -> Any:
        # A worker sends its own shards to itself as well, through a connection of which it holds both ends.
        own_connections = self.worker.rpc.occupied.get(self.worker.address, ())
        if comm.peer_address not in {own.local_address for own in own_connections}:
            size = len(data) if isinstance(data, bytes) else sum(sizeof(shard) for _place, shard in data)
            self.received[barrier_key(shuffle_id)] += size
        return await self.receive_shards(shuffle_id=shuffle_id, run_id=run_id, data=data)


def _received(name: str, dask_worker: Worker) -> Counter:
    return dask_worker.plugins[name].received


def _graphs(name: str, dask_scheduler: Scheduler) -> tuple[int, int, set]:
    """Graphs and tasks counted, and the keys that belong to the client."""
    counter = dask_scheduler.plugins[name]
    wanted = {task.key for task in dask_scheduler.clients[counter.client].wants_what}
    return counter.graphs, counter.tasks, counter.keys | wanted
