"""Blocks of rows that stay where they lie: an actor on each worker, which is asked about all of its blocks at once."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask
from dask.system import CPU_COUNT
from distributed import ActorFuture, Client, Future, futures_of, get_client, get_worker, wait

ATTEMPTS = 4  # of one question, when workers die
PATIENCE = 5  # seconds between two looks at whether a silent actor is still there


def keep_blocks(make: Callable[..., Any], *columns: list) -> Callable[..., list]:
    """Keep `make(number, *row)` for each row of `columns`, and return how to ask them.

    `columns` are lists of blocks beside each other: Delayed, which are computed once and kept in the memory of the
    workers that hold them (without a cluster, of this process), or in memory. What is returned is a function
    `ask(method, *arguments)`: it calls that method of each of the objects and gives a list of the results, in the
    order of the blocks, wherever they lie.

    Where a worker dies its blocks are computed again and the question is asked again, of objects newly made: an
    answer may depend on what was asked before in how long it takes, and in nothing else.
    """
    if dask.is_dask_collection(columns[0][0]):
        try:
            client = get_client()
        except ValueError:  # there is none
            columns = dask.compute(*columns)
        else:
            return _Actors(client, make, columns).ask
    shard = _Shard(make, list(enumerate(zip(*columns, strict=True))))
    return lambda method, *arguments: [answer for _number, answer in shard.ask(method, *arguments)]


class _Shard:
    """Blocks in one process, and the threads that look at them."""

    def __init__(self, make: Callable[..., Any], blocks: list[tuple[int, tuple]]):
        self.held = {number: make(number, *row) for number, row in blocks}
        try:
            threads = get_worker().state.nthreads
        except ValueError:  # not on a worker
            threads = CPU_COUNT
        self.pool = ThreadPoolExecutor(threads)

    def ask(self, method: str, *arguments: Any) -> list[tuple[int, Any]]:
        """For each block its number and what its object answers."""
        answers = self.pool.map(lambda held: getattr(held, method)(*arguments), self.held.values())
        return list(zip(self.held, answers, strict=True))


class _Actors:
    """One `_Shard` as an actor on each worker, made of the blocks that lie there."""

    def __init__(self, client: Client, make: Callable[..., Any], columns: tuple[list, ...]):
        self.client, self.make = client, make
        futures = [[futures_of(block)[0] for block in client.persist(blocks)] for blocks in columns]
        self.rows = list(zip(*futures, strict=True))
        self.futures, self.actors = [], []

    def ask(self, method: str, *arguments: Any) -> list:
        """The answers in the order of the blocks."""
        # An actor finds its cluster through the current client.
        with self.client.as_current():
            for attempt in range(ATTEMPTS):
                try:
                    if not self.actors:
                        self._place()
                    replies = [actor.ask(method, *arguments) for actor in self.actors]
                    answers = dict(sum(map(_wait_for, replies, self.futures), []))
                    return [answers[number] for number in range(len(self.rows))]
                except (OSError, RuntimeError):  # what distributed raises for a lost actor
                    self.actors = []
                    if attempt == ATTEMPTS - 1:
                        raise

    def _place(self) -> None:
        wait([future for row in self.rows for future in row])
        holders = self.client.who_has([row[0] for row in self.rows])
        blocks = defaultdict(list)
        for number, row in enumerate(self.rows):
            # Of several copies the one whose worker has least to do.
            copies = sorted(holders[row[0].key], key=lambda holder: (len(blocks.get((holder,), ())), holder))
            blocks[tuple(copies[:1])].append((number, row))
        self.futures = [
            self.client.submit(
                _Shard, self.make, lying_there, actor=True, pure=False,
                workers=list(holder) or None, allow_other_workers=bool(holder),
            )
            for holder, lying_there in blocks.items()
        ]  # fmt: skip
        self.actors = self.client.gather(self.futures)


def _wait_for(reply: ActorFuture, actor: Future) -> list:
    """The reply of an actor, however long it takes, or TimeoutError once the actor is lost."""
    while True:
        try:
            return reply.result(timeout=PATIENCE)
        except TimeoutError:
            if actor.status != "finished":
                raise
