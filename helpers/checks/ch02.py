"""Chapter 02, Dask from the inside: exercises 2.1 to 2.6 and their checks."""

import itertools
import os
import sys
from collections import Counter
from operator import add
from reprlib import repr as short

import numpy as np
from distributed import Future

from helpers.expect import expect_close
from helpers.judging import Exercise
from helpers.words import _

heart = Exercise(
    "2.1",
    "The heart of a scheduler",
    points=6,
    minutes=20,
    difficulty=3,
    hints=[
        "Keep the results in a dictionary by key, and a list of keys still to be done, which begins as `[key]`. "
        "Look at its last entry: are all of its inputs in the results?",
        "If some are missing, append them to the list and look at its new last entry. If none is, run the task, store "
        "its result and take the key off the list. A key can be there twice: run it only if it has no result yet.",
    ],
)


def _random_graph(rng, n_tasks=12, ran=None):
    """A graph in which each task adds up some earlier ones, its keys in random order; and the results by key.

    A task that runs appends its key to the list `ran`.
    """
    graph, values = {}, {}

    def adding(name):
        def add_up(numbers):
            if ran is not None:
                ran.append(name)
            return sum(numbers)

        return add_up

    names = [("t", i) if i % 3 == 1 else f"t{i}" for i in range(n_tasks)]
    for i, name in enumerate(names):
        chosen = rng.choice(i, size=min(i, int(rng.integers(1, 4))), replace=False).tolist() if i else []
        if i < 2 or not chosen:
            graph[name] = values[name] = int(rng.integers(1, 100))
        else:
            graph[name] = (adding(name), [names[j] for j in chosen])
            values[name] = sum(values[names[j]] for j in chosen)
    return {names[i]: graph[names[i]] for i in rng.permutation(n_tasks).tolist()}, values


def _needs(graph):
    """{key: keys that it needs}, for a graph of `_random_graph`."""
    return {key: list(task[1]) if isinstance(task, tuple) else [] for key, task in graph.items()}


def _needed_for(graph, key):
    needs, found = _needs(graph), set()
    waiting = [key]
    while waiting:
        current = waiting.pop()
        found.add(current)
        waiting += needs[current]
    return found


class _Watched(str):
    """A key that tells when it is looked up in a dictionary or a set."""

    def __new__(cls, text, seen):
        key = super().__new__(cls, text)
        key.seen = seen
        return key

    def __hash__(self):
        self.seen()
        return super().__hash__()

    def __reduce__(self):
        return str, (str(self),)


def _call(function, *arguments):
    """What `function` returns; refuses one that raises the recursion limit."""
    limit = sys.getrecursionlimit()
    try:
        return function(*arguments)
    finally:
        changed = sys.getrecursionlimit() != limit
        sys.setrecursionlimit(limit)
        assert not changed, _(
            "`sys.setrecursionlimit` was called: the limit protects all of this process. Keep a list of what is to be "
            "done in place of a function that calls itself"
        )


class _TooManyLooks(Exception):
    pass


class _Chain:
    """A chain of 5,000 tasks that add 1, the last of them first, and how deep in calls its begin was looked up."""

    def __init__(self):
        self.depth = 0
        names = [_Watched("step 0", self._seen), *(f"step {i}" for i in range(1, 5001))]
        places = [5000, *range(1, 5000)]
        self.graph = {names[i]: (lambda number: number + 1, names[i - 1]) for i in places} | {names[0]: 0}

    def _seen(self):
        self.depth = max(self.depth, _calls_on_the_stack())

    def walk(self, function, *arguments):
        """What `function` returns for the chain; refuses functions that call themselves."""
        self.depth, here = 0, _calls_on_the_stack()
        try:
            answer = _call(function, self.graph, *arguments)
        except RecursionError:
            self.depth, answer = here + 5000, None
        assert self.depth - here < 500, _(
            "a chain of 5,000 tasks is too deep for a function that calls itself: keep a list of what is to be done"
        )
        return answer


def _calls_on_the_stack():
    frame, depth = sys._getframe(), 0
    while frame := frame.f_back:
        depth += 1
    return depth


def _climb(function, make_task, *arguments):
    """What `function` returns for a ladder of 20 diamonds; refuses those that walk every way through it."""
    looks = itertools.count()

    def seen():
        if next(looks) > 400_000:
            raise _TooManyLooks

    def named(name):
        return _Watched(name, seen)

    graph = {named("rung 0"): 1}
    for i in range(20):
        top, left, right = named(f"rung {i}"), named(f"left {i}"), named(f"right {i}")
        graph |= {left: make_task(top), right: make_task(top), named(f"rung {i + 1}"): make_task(left, right)}
    try:
        return _call(function, graph, *arguments)
    except _TooManyLooks:
        raise AssertionError(
            _(
                "a ladder of 20 diamonds has 61 keys, and they were looked up more than 400,000 times: a key that two "
                "others need is visited once for each way that leads to it. Remember which keys you have seen"
            )
        ) from None


def _in(graph, thing):
    try:
        return thing in graph
    except Exception:  # what cannot be hashed is no key
        return False


def _value_and_order(answer, graph):
    assert answer is not None, _("`run_graph` returns None: does it return the result and the order?")
    assert isinstance(answer, tuple | list) and len(answer) == 2, _(
        "`run_graph` should return two things, the result and the list of keys in the order in which they were run"
    )
    value, order = answer
    swapped = isinstance(value, list | tuple) and value and all(_in(graph, key) for key in value)
    assert not swapped, _("the order comes first in what you return: return the result, then the order")
    assert isinstance(order, list | tuple) or type(order).__name__ == "dict_keys", _(
        "the order, the second thing to return, should be a list of keys, but it is a {kind}"
    ).format(kind=type(order).__name__)
    order = list(order)
    for key in order:
        assert _in(graph, key), _(
            "{key} in the order is no key of the graph: put the keys there, as they stand in the graph"
        ).format(key=short(key))
    return value, order


def _expect_runs(ran, order):
    """The tasks `ran`, as they noted it themselves, are those in `order`, and in that order."""
    for key, times in Counter(ran).items():
        assert times == 1, _("{key} ran {times} times: keep its result, and look whether it is there").format(
            key=repr(key), times=times
        )
    for key in order:
        assert key in ran, _("{key} is in the order, but was not run in this process").format(key=repr(key))
    assert ran == order, _("the order that you return is not the one in which the tasks ran")


@heart.check
def finds_the_result(run_graph, rng):
    """The result is right, in whatever order the keys stand in the graph."""
    graph, values = _random_graph(rng)
    for key in ("t11", ("t", 7), "t0"):
        value, _order = _value_and_order(_call(run_graph, dict(graph), key), graph)
        expect_close(value, values[key], _("the result of a random graph's key"))


@heart.check
def inputs_come_first(run_graph, rng):
    """Each key comes after its inputs, once, and none comes that is not needed."""
    ran = []
    graph, _values = _random_graph(rng, ran=ran)
    needs, wanted = _needs(graph), _needed_for(graph, "t11")
    _value, order = _value_and_order(_call(run_graph, dict(graph), "t11"), graph)
    for key, times in Counter(order).items():
        assert times == 1, _(
            "{key} stands {times} times in the order: run it once, and keep its result for whoever needs it"
        ).format(key=repr(key), times=times)
        assert key in wanted, _(
            "{key} is run, though the key that was asked for does not need it: begin at that key and go to its inputs"
        ).format(key=repr(key))
    for key in sorted(wanted, key=str):
        assert key in order, _("{key} was needed, and is missing from the order").format(key=repr(key))
    for place, key in enumerate(order):
        for needed in needs[key]:
            assert needed in order[:place], _("{key} is in the order before its input {late}").format(
                key=repr(key), late=repr(needed)
            )
    _expect_runs(ran, [key for key in order if needs[key]])


@heart.check
def shared_results_are_shared(run_graph):
    """A result that two tasks need is computed once, also where it is 0, None or an empty list."""
    for result in ("drawn", 0, None, []):
        ran = []

        def task(name, returns, ran=ran):
            def run(*inputs):
                ran.append(name)
                return returns(*inputs)

            return run

        graph = {
            ("draw", 0): (task(("draw", 0), lambda result=result: result),),
            "left": (task("left", lambda drawn: [drawn]), ("draw", 0)),
            "right": (task("right", lambda drawn: [drawn]), ("draw", 0)),
            "both": (task("both", lambda drawn, left, right: left + right), ("draw", 0), "left", "right"),
        }
        value, order = _value_and_order(_call(run_graph, dict(graph), "both"), graph)
        times = ran.count(("draw", 0))
        assert times <= 1, _(
            "in a graph shaped like a diamond the task at the top ran {times} times, with {result} as its result: keep "
            "the result of a task, and look whether it is there before you run it"
        ).format(times=times, result=repr(result))
        assert isinstance(value, list) and value == [result, result], _(
            "the result of a graph shaped like a diamond is off: you have {found}"
        ).format(found=short(value))
        _expect_runs(ran, order)


@heart.check
def only_what_is_needed_runs(run_graph):
    """A task that the asked key does not need is not run."""
    graph = {"fails": (lambda: 1 / 0,), "one": 1, "two": (add, "one", "one")}
    try:
        value, _order = _value_and_order(_call(run_graph, dict(graph), "two"), graph)
    except ZeroDivisionError:
        raise AssertionError(
            _("a task was run that the asked key does not need: begin at that key, not at all keys of the graph")
        ) from None
    expect_close(value, 2, _("the result of 1 + 1"))


@heart.check
def long_chains_work(run_graph):
    """A chain of 5,000 tasks runs, a ladder of diamonds too, and the graph is as before."""
    answer = _climb(run_graph, lambda *needed: (lambda *numbers: sum(numbers), *needed), "rung 20")
    assert isinstance(answer, tuple | list) and len(answer) == 2, _("`run_graph` should return two things")
    expect_close(answer[0], 2**20, _("the top of a ladder of 20 diamonds"))
    chain = _Chain()
    before = dict(chain.graph)
    answer = chain.walk(run_graph, "step 5000")
    value, _order = _value_and_order(answer, before)
    expect_close(value, 5000, _("the end of a chain of 5,000 additions of 1"))
    assert chain.graph == before, _("the graph was changed: keep the results in a dictionary of your own")


path = Exercise(
    "2.2",
    "The critical path",
    points=4,
    minutes=10,
    difficulty=2,
    hints=[
        "When can a task finish at the earliest, if there are workers enough? Its own duration after the latest of its "
        "inputs. The order of 2.1 serves again.",
        "Two bounds hold: the latest of all earliest finishes, and the sum of all durations over the workers. The "
        "larger one counts.",
    ],
)


def _chain_bound(graph, durations, weight=max):
    needs, finished = _needs(graph), {}

    def finish(key):
        if key not in finished:
            finished[key] = durations.get(key, 0) + weight([finish(needed) for needed in needs[key]] or [0])
        return finished[key]

    return max(finish(key) for key in graph)


def _bound_in_one_pass(graph, durations):
    """What one pass over the dictionary gives, in which a key that comes later counts as finished at 0."""
    finished = {}
    for key, needed in _needs(graph).items():
        finished[key] = durations.get(key, 0) + max((finished.get(name, 0) for name in needed), default=0)
    return max(finished.values())


def _durations(rng, graph):
    return {key: float(rng.integers(1, 20)) for key, task in graph.items() if isinstance(task, tuple)}


@path.check
def the_chain_bounds_from_below(least_time, rng):
    """With many workers, the longest chain decides."""
    graph, _values = _random_graph(rng, n_tasks=14)
    durations = _durations(rng, graph)
    expected = _chain_bound(graph, durations)
    counted = _chain_bound(graph, dict.fromkeys(durations, 1))
    mistakes = {
        _("this is the sum of all durations: tasks that do not need each other can run at the same time"): sum(
            durations.values()
        ),
        _("this is the sum of all durations over the workers: a task still waits for its inputs"): sum(
            durations.values()
        )
        / 1000,
        _("this is the longest single task: it waits for its inputs, and theirs"): max(durations.values()),
        _("this counts the tasks of the longest chain: add up their durations"): counted,
        _("inputs that run at the same time are added up: only the latest of them counts"): _chain_bound(
            graph, durations, sum
        ),
        _("in the dictionary a key may stand before its inputs: first finish those"): _bound_in_one_pass(
            graph, durations
        ),
        _("this is the answer for `fit_graph`, whatever the graph: compute it from the arguments"): 16,
    }
    mistakes = {sentence: value for sentence, value in mistakes.items() if abs(value - expected) > 1e-6}
    found = _call(least_time, dict(graph), dict(durations), 1000)
    expect_close(found, expected, _("the least time on 1000 workers"), mistakes=mistakes)


@path.check
def the_work_bounds_from_below(least_time, rng):
    """With few workers, the sum of all work decides, and never less than the chain."""
    graph = {"zero": 0} | {f"t{i}": (sum, ["zero"]) for i in range(9)}
    durations = {key: float(rng.integers(1, 9)) for key in graph if key != "zero"}
    total, longest = sum(durations.values()), max(durations.values())
    for n_workers in (1, 2, 3):
        mistakes = {
            _("this is the longest chain alone: {n} of these 9 tasks run at a time, no more").format(
                n=n_workers
            ): longest,
            _("this is the smaller of the two bounds: both hold, so the larger one counts"): min(
                longest, total / n_workers
            ),
            _("this is the sum of both bounds: the larger one counts"): longest + total / n_workers,
            _("durations of tasks that are not in the graph are counted: add up over the graph's keys"): max(
                longest, (total + 1000) / n_workers
            ),
        }
        expected = max(longest, total / n_workers)
        mistakes = {sentence: value for sentence, value in mistakes.items() if abs(value - expected) > 1e-6}
        what = _("the least time of 9 tasks that do not need each other, with n_workers = {n},").format(n=n_workers)
        found = _call(least_time, dict(graph), durations | {"of another graph": 1000.0}, n_workers)
        expect_close(found, expected, what, mistakes=mistakes)


@path.check
def a_sink_of_its_own_counts(least_time):
    """A long task that nobody needs counts too, wherever it stands in the graph."""
    graph = {"a": 1, "long": (sum, ["a"]), "b": (sum, ["a"]), "c": (sum, ["b"])}
    found = _call(least_time, graph, {"long": 10.0, "b": 1.0, "c": 2.0}, 100)
    mistakes = {
        _("this follows only the chain of the last key: every task of the graph has to run"): 3.0,
    }
    expect_close(found, 10.0, _("the least time of a graph with two ends"), mistakes=mistakes)


@path.check
def long_chains_are_walked(least_time):
    """A chain of 5,000 tasks, and a ladder of diamonds."""
    durations = {f"{side} {i}": 1.0 for side in ("left", "right", "rung") for i in range(21)}
    found = _climb(least_time, lambda *needed: (add, *needed), durations, 100)
    expect_close(found, 41, _("the least time of a ladder of 20 diamonds"))
    chain = _Chain()
    found = chain.walk(least_time, {f"step {i}": 2.0 for i in range(1, 5001)}, 100)
    expect_close(found, 10_000, _("the least time of a chain of 5,000 tasks of 2 s"))


states = Exercise(
    "2.3",
    "How long in which state?",
    points=3,
    minutes=5,
    difficulty=2,
    hints=[
        "A task enters a state with one change and leaves it with the next. The last one lasts until `now`.",
        "Go through the changes in pairs with their successors, and add to the entry of the state *after* each change.",
    ],
)


def _story(rng):
    """A life in which the worker was lost once, and times of the changes."""
    names = ["released", "waiting", "processing", "memory", "released", "waiting", "processing", "memory"]
    times = np.cumsum(rng.uniform(0.1, 5, size=len(names))).tolist()
    return list(zip(names[:-1], names[1:], times, strict=False)), times[len(names) - 1]


def _seconds(seconds_in_states, story, now):
    mine = list(story)
    found = seconds_in_states(mine, now)
    assert isinstance(found, dict), _("a dictionary of seconds by state is asked for, and you return a {kind}").format(
        kind=type(found).__name__
    )
    assert mine == story, _("the story was changed: it belongs to whoever calls the function")
    return found


@states.check
def durations_between_changes(seconds_in_states, rng):
    """A state lasts from the change that enters it to the next one."""
    times = np.cumsum(rng.uniform(0.1, 5, size=4)).tolist()
    story = [("released", "waiting", times[0]), ("waiting", "processing", times[1]), ("processing", "memory", times[2])]
    found = _seconds(seconds_in_states, story, times[3])
    gaps = np.diff(times)
    assert "released" not in found, _(
        '"released" was never entered in this story: seconds count for the state *after* a change, not before it'
    )
    assert "memory" in found, _("the last state, memory, is missing: it lasts until `now`")
    expect_close(found["memory"], gaps[2], _("the time in the last state"))
    for state, gap in (("waiting", gaps[0]), ("processing", gaps[1])):
        assert state in found, _("the state {state} is missing").format(state=repr(state))
        what = _("the time in state {state}").format(state=repr(state))
        expect_close(found[state], gap, what, mistakes={_("this is a point in time, not a duration"): times[1]})
    for state in found:
        assert state in ("waiting", "processing", "memory"), _("{state} is no state of this story").format(
            state=short(state)
        )


@states.check
def a_state_entered_twice(seconds_in_states, rng):
    """A state that was entered twice has the sum of both times."""
    story, now = _story(rng)
    times = [when for *_states, when in story] + [now]
    seconds = _seconds(seconds_in_states, story, now)
    for state, places in (("waiting", (0, 4)), ("processing", (1, 5)), ("memory", (2, 6)), ("released", (3,))):
        lasted = [times[i + 1] - times[i] for i in places]
        mistakes = {}
        if len(lasted) == 2:
            mistakes = {
                _("the state {state} was entered twice, and only the last time is there: add up").format(
                    state=repr(state)
                ): lasted[1],
                _("the state {state} was entered twice, and only the first time is there: add up").format(
                    state=repr(state)
                ): lasted[0],
            }
        what = _("the time in state {state}").format(state=repr(state))
        expect_close(seconds.get(state, 0.0), sum(lasted), what, mistakes=mistakes)


@states.check
def forgotten_is_no_state(seconds_in_states, rng):
    """Where a task is forgotten its story ends, and `now` does not matter."""
    story, when = _story(rng)
    lasted = story[4][2] - story[3][2] + 1.0
    story += [("memory", "released", when), ("released", "forgotten", when + 1.0)]
    found = _seconds(seconds_in_states, story, when + 1000)
    assert "forgotten" not in found, _('"forgotten" is not a state: the task is in none any more')
    mistakes = {
        _("after the task was forgotten, seconds still went to its last state"): lasted + 999,
        _("the last state before the task was forgotten lasted until then"): lasted - 1.0,
    }
    expect_close(found.get("released", 0.0), lasted, _("the time in state 'released'"), mistakes=mistakes)


batches = Exercise(
    "2.4",
    "Batches",
    points=4,
    minutes=15,
    difficulty=2,
    hints=[
        "Cut the items into lists of `batch_size`, the last one shorter; a task runs `function` over one such list.",
        "`client.map(run_batch, batches, pure=False)`, one `client.gather` for all of its futures, and a flat list of "
        "what it returns: gather keeps the order.",
    ],
)


def _numbers(count):
    """`count` different numbers, different in each call: no cluster has seen them before."""
    first = int.from_bytes(os.urandom(5))
    return [first + (7 * i) % 31 + 31 * (i % 2) for i in range(count)]


def _tagged(function):
    """`function`, beside the process that ran it."""
    return lambda item: (function(item), os.getpid())


def _results(found, n_items, batch_size, client):
    """The results in what `map_in_batches` returned for a `_tagged` function."""
    assert isinstance(found, list), _("a list of results is asked for, and you return a {kind}").format(
        kind=type(found).__name__
    )
    assert not any(isinstance(part, Future) for part in found), _("these are futures: gather them")
    assert not any(isinstance(part, list) for part in found), _(
        "the results are still in lists, one per batch: put them into one flat list"
    )
    assert len(found) == n_items, _(
        "{found} results for {n} items in batches of {size}: what becomes of the last batch, which may be shorter?"
    ).format(found=len(found), n=n_items, size=batch_size)
    assert all(isinstance(part, tuple) and len(part) == 2 for part in found), _(
        "the results are not what the function returned: the first one is {found}"
    ).format(found=short(found[0]))
    on_workers = set(client.run(os.getpid).values())
    assert {process for _value, process in found} <= on_workers, _(
        "the function ran in a process that is no worker: send it to the cluster"
    )
    return [value for value, _process in found]


@batches.check
def results_in_order(map_in_batches, client):
    """All results come from the workers, in the order of the items, also where the last batch is shorter."""
    for batch_size in (3, 4, 11, 50):
        items = _numbers(11)
        before = list(items)
        found = map_in_batches(client, _tagged(lambda item: item**2 - 2 * item), items, batch_size)
        found, expected = _results(found, 11, batch_size, client), [item**2 - 2 * item for item in before]
        assert items == before, _("the list of items was changed: it belongs to whoever calls the function")
        assert sorted(found, key=repr) == sorted(expected, key=repr), _(
            "the results are not those of the function for these items"
        )
        assert found == expected, _("all results are there, but not in the order of the items")


@batches.check
def every_item_is_worked_on(map_in_batches, client):
    """The function is called for every item, also for equal ones."""
    item = _numbers(1)[0]
    found = map_in_batches(client, _tagged(lambda item: os.urandom(8).hex()), [item] * 6, 2)
    found = _results(found, 6, 2, client)
    assert len(set(found)) == 6, _(
        "six equal items were given to a function that draws random numbers, and some came back twice: `map` and "
        "`submit` take calls of the same function on the same arguments for one task, unless you say `pure=False`"
    )


@batches.check
def one_task_per_batch(map_in_batches, reference, client, cost):
    """One task per batch, which brings the items of that batch, and one fetch for all."""

    def weigh(item):
        import cloudpickle
        from distributed import get_worker

        worker = get_worker()
        return len(cloudpickle.dumps(worker.state.tasks[worker.get_current_task()].run_spec))

    mine = cost.of(map_in_batches, client, weigh, [os.urandom(2_000) for _item in range(60)], 10)
    theirs = cost.of(reference.map_in_batches, client, weigh, [os.urandom(2_000) for _item in range(60)], 10)
    assert mine.tasks <= 1.1 * theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} are enough: a task for each item, or one more per batch?"
    ).format(mine=mine.tasks, theirs=theirs.tasks)
    assert mine.tasks >= theirs.tasks, _(
        "right answer, but {mine} where {theirs} tasks were asked for: with larger batches than `batch_size`, workers "
        "can stay idle"
    ).format(mine=mine.tasks, theirs=theirs.tasks)
    assert mine.fetches <= theirs.fetches, _(
        "right answer, but you waited {mine} times where {theirs} is enough: submit all batches, then gather once"
    ).format(mine=mine.fetches, theirs=theirs.fetches)
    assert max(mine.result) <= 2 * max(theirs.result), _(
        "right answer, but each task brings {times:.0f} times the bytes of its batch: does its function refer to the "
        "whole list of items? Then that list travels with every task. Give each its own batch as an argument"
    ).format(times=max(mine.result) / max(theirs.result))


lock = Exercise(
    "2.5",
    "How much of it holds the lock?",
    points=2,
    minutes=5,
    difficulty=2,
    hints=[
        "Solve the formula for g: divide by T₁ first.",
        "With T = together / alone it reads T − 1 = (n − 1) g. Then cut what is below 0 or above 1.",
    ],
)


@lock.check
def inverts_the_formula(share_under_lock, rng):
    """From times that follow the formula it finds the share."""
    for n_threads in (2, 4, 7):
        share, alone = rng.uniform(0.05, 0.95), rng.uniform(0.5, 20)
        together = alone * (n_threads * share + 1 - share)
        found = share_under_lock(alone, together, n_threads)
        mistakes = {
            _("this is the share that runs without the lock: the other one is asked for"): 1 - share,
            _("this is right for 2 threads only: with n threads, n - 1 of them wait"): min(1, together / alone - 1),
            _("this is a ratio of the times, not yet a share: of tasks with no lock at all it would give 1"): together
            / alone,
            _("divided by n, not by n - 1: the first thread waits for nobody"): (together / alone - 1) / n_threads,
        }
        if n_threads == 2:
            mistakes.pop(_("this is right for 2 threads only: with n threads, n - 1 of them wait"))
        mistakes = {sentence: value for sentence, value in mistakes.items() if abs(value - share) > 1e-6}
        what = _("the share from {n} threads").format(n=n_threads)
        expect_close(found, share, what, mistakes=mistakes)


@lock.check
def stays_a_share(share_under_lock):
    """Whatever the noise of a measurement, a share lies between 0 and 1."""
    for alone, together, expected in ((2.0, 1.9, 0.0), (2.0, 4.3, 1.0)):
        found = share_under_lock(alone, together, 2)
        mistakes = {
            _("for {alone} s alone and {together} s together you give no number between 0 and 1").format(
                alone=alone, together=together
            ): together / alone - 1
        }
        expect_close(found, expected, _("the share from noisy times"), mistakes=mistakes)


spill = Exercise(
    "2.6",
    "When does it begin to spill?",
    points=3,
    minutes=5,
    difficulty=2,
    hints=[
        "Write down both conditions for n blocks: n · block against one line, unmanaged + n · block against the other.",
        "The smaller room decides. A block is in memory or it is not: round down, and not below 0.",
    ],
)


@spill.check
def the_first_line_decides(blocks_in_memory, rng):
    """The first of the two lines decides."""
    limit = float(rng.integers(800, 4000)) * 1e6
    block = limit / float(rng.uniform(60, 90))
    for share in (0.02, 0.25):
        unmanaged = share * limit
        managed_room, process_room = 0.6 * limit, 0.7 * limit - unmanaged
        expected = min(managed_room, process_room) // block
        mistakes = {
            _(
                "this looks at managed memory alone: the process has {share:.0%} unmanaged and reaches 70 % first"
            ).format(share=share): managed_room // block,
            _("this looks at the process alone: managed memory reaches 60 % first"): process_room // block,
            _("the unmanaged memory is forgotten, which counts for the line at 70 %"): 0.7 * limit // block,
            _("the unmanaged memory is no part of what a worker manages: it counts for the line at 70 % only"): (
                0.6 * limit - unmanaged
            )
            // block,
            _("at 80 % the worker pauses: it has begun to spill before"): (0.8 * limit - unmanaged) // block,
            _("this is the whole limit: the worker begins to spill before it"): (limit - unmanaged) // block,
        }
        mistakes = {sentence: value for sentence, value in mistakes.items() if value != expected}
        found = blocks_in_memory(limit, unmanaged, block)
        expect_close(found, expected, _("the number of blocks"), mistakes=mistakes)


@spill.check
def whole_blocks(blocks_in_memory):
    """Blocks are whole, and there are never fewer than none."""
    found = blocks_in_memory(1000e6, 0.0, 70e6)
    mistakes = {
        _("there is no such thing as a part of a block: round down"): 600 / 70,
        _("this is rounded up: the last block goes over the line"): 9,
    }
    expect_close(found, 8, _("the number of blocks of 70 MB on 1000 MB"), mistakes=mistakes)
    for unmanaged, share, expected in ((50e6, 60, 30), (200e6, 70, 25)):
        found = blocks_in_memory(1000e6, unmanaged, 20e6)
        mistakes = {
            _("with block {n} the line of {share} % is reached and not yet crossed: it still fits").format(
                n=expected, share=share
            ): expected - 1
        }
        expect_close(found, expected, _("the number of blocks of 20 MB on 1000 MB"), mistakes=mistakes)
    found = blocks_in_memory(1000e6, 900e6, 20e6)
    mistakes = {_("a negative number of blocks: with 90 % unmanaged there is room for none"): -10}
    expect_close(found, 0, _("the number of blocks with 90 % unmanaged"), mistakes=mistakes)
