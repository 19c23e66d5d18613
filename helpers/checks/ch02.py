"""Chapter 02, Dask from the inside: exercises 2.1 to 2.6 and their checks."""

import os
from operator import add

import numpy as np

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


def _random_graph(rng, n_tasks=12):
    """A graph in which each task adds up some earlier ones, its keys in random order; and the results by key."""
    graph, values = {}, {}
    for i in range(n_tasks):
        chosen = rng.choice(i, size=min(i, int(rng.integers(1, 4))), replace=False).tolist() if i else []
        if i < 2 or not chosen:
            values[f"t{i}"] = int(rng.integers(1, 100))
            graph[f"t{i}"] = values[f"t{i}"]
        else:
            graph[f"t{i}"] = (sum, [f"t{j}" for j in chosen])
            values[f"t{i}"] = sum(values[f"t{j}"] for j in chosen)
    keys = rng.permutation(list(graph)).tolist()
    return {key: graph[key] for key in keys}, values


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


def _value_and_order(answer):
    assert answer is not None, _("`run_graph` returns None: does it return the result and the order?")
    assert isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], list), _(
        "`run_graph` should return two things, the result and the list of keys in the order in which they were run"
    )
    return answer


@heart.check
def finds_the_result(run_graph, rng):
    """The result is right, in whatever order the keys stand in the graph."""
    graph, values = _random_graph(rng)
    for key in ("t11", "t7", "t0"):
        value, _order = _value_and_order(run_graph(graph, key))
        expect_close(value, values[key], _("the result of a random graph's key"))


@heart.check
def inputs_come_first(run_graph, rng):
    """Each key comes after its inputs, once, and none comes that is not needed."""
    graph, _values = _random_graph(rng)
    needs, wanted = _needs(graph), _needed_for(graph, "t11")
    _value, order = _value_and_order(run_graph(graph, "t11"))
    twice = sorted({key for key in order if order.count(key) > 1})
    assert not twice, _("{n} keys are run more than once, such as {key}: keep its result for whoever needs it").format(
        n=len(twice), key=repr(twice[0]) if twice else ""
    )
    needless = sorted(set(order) - wanted)
    assert not needless, _(
        "{key} is run, though the key that was asked for does not need it: begin at that key and go to its inputs"
    ).format(key=repr(needless[0]) if needless else "")
    missing = wanted - set(order)
    assert not missing, _("{n} keys that were needed are missing from the order").format(n=len(missing))
    for place, key in enumerate(order):
        late = [needed for needed in needs[key] if needed not in order[:place]]
        assert not late, _("{key} is in the order before its input {late}").format(
            key=repr(key), late=repr(late[0]) if late else ""
        )


@heart.check
def shared_results_are_shared(run_graph):
    """A result that two tasks need is computed once."""
    graph = {
        "draw": (lambda: os.urandom(8).hex(),),
        "left": (lambda drawn: [drawn], "draw"),
        "right": (lambda drawn: [drawn], "draw"),
        "both": (add, "left", "right"),
    }
    (left, right), _order = _value_and_order(run_graph(graph, "both"))
    assert left == right, _(
        "in a graph shaped like a diamond the task at the top ran twice, and its two users got different results: "
        "keep the result of a task, and look there first"
    )


@heart.check
def only_what_is_needed_runs(run_graph):
    """A task that the asked key does not need is not run."""
    graph = {"fails": (lambda: 1 / 0,), "one": 1, "two": (add, "one", "one")}
    try:
        value, _order = _value_and_order(run_graph(graph, "two"))
    except ZeroDivisionError:
        raise AssertionError(
            _("a task was run that the asked key does not need: begin at that key, not at all keys of the graph")
        ) from None
    expect_close(value, 2, _("the result of 1 + 1"))


@heart.check
def long_chains_work(run_graph):
    """A chain of 5,000 tasks runs, and the graph is as before."""
    graph = {"step 0": 0} | {f"step {i}": (lambda number: number + 1, f"step {i - 1}") for i in range(1, 5001)}
    before = dict(graph)
    try:
        value, _order = _value_and_order(run_graph(graph, "step 5000"))
    except RecursionError:
        raise AssertionError(
            _("a chain of 5,000 tasks is too deep for a function that calls itself: keep a list of what is to be done")
        ) from None
    expect_close(value, 5000, _("the end of a chain of 5,000 additions of 1"))
    assert graph == before, _("the graph was changed: keep the results in a dictionary of your own")


path = Exercise(
    "2.2",
    "The critical path",
    points=4,
    minutes=15,
    difficulty=3,
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
    }
    mistakes = {sentence: value for sentence, value in mistakes.items() if abs(value - expected) > 1e-6}
    expect_close(least_time(graph, durations, 1000), expected, _("the least time on 1000 workers"), mistakes=mistakes)


@path.check
def the_work_bounds_from_below(least_time, rng):
    """With few workers, the sum of all work decides, and never less than the chain."""
    graph = {"zero": 0} | {f"t{i}": (sum, ["zero"]) for i in range(9)}
    durations = {key: float(rng.integers(1, 9)) for key in graph if key != "zero"}
    total, longest = sum(durations.values()), max(durations.values())
    for n_workers in (1, 2, 3):
        mistakes = {
            _("this is the longest chain alone: {n} workers cannot run 9 tasks at the same time").format(
                n=n_workers
            ): longest,
            _("this is the smaller of the two bounds: both hold, so the larger one counts"): min(
                longest, total / n_workers
            ),
            _("this is the sum of both bounds: the larger one counts"): longest + total / n_workers,
        }
        expected = max(longest, total / n_workers)
        mistakes = {sentence: value for sentence, value in mistakes.items() if abs(value - expected) > 1e-6}
        what = _("the least time of 9 tasks that need nobody, on {n} workers").format(n=n_workers)
        expect_close(least_time(graph, durations, n_workers), expected, what, mistakes=mistakes)


@path.check
def a_sink_of_its_own_counts(least_time):
    """A long task that nobody needs counts too, wherever it stands in the graph."""
    graph = {"a": 1, "long": (sum, ["a"]), "b": (sum, ["a"]), "c": (sum, ["b"])}
    found = least_time(graph, {"long": 10.0, "b": 1.0, "c": 2.0}, 100)
    mistakes = {
        _("this follows only the chain of the last key: every task of the graph has to run"): 3.0,
    }
    expect_close(found, 10.0, _("the least time of a graph with two ends"), mistakes=mistakes)


states = Exercise(
    "2.3",
    "How long in which state?",
    points=3,
    minutes=10,
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


@states.check
def durations_between_changes(seconds_in_states, rng):
    """A state lasts from the change that enters it to the next one."""
    times = np.cumsum(rng.uniform(0.1, 5, size=4)).tolist()
    story = [("released", "waiting", times[0]), ("waiting", "processing", times[1]), ("processing", "memory", times[2])]
    found = seconds_in_states(list(story), times[3])
    assert isinstance(found, dict), _("a dictionary of seconds by state is asked for, and you return a {kind}").format(
        kind=type(found).__name__
    )
    gaps = np.diff(times)
    assert "released" not in found, _(
        '"released" was never entered in this story: seconds count for the state *after* a change, not before it'
    )
    assert "memory" in found, _("the last state, memory, is missing: it lasts until `now`")
    expect_close(found["memory"], gaps[2], _("the seconds in the last state"))
    for state, gap in (("waiting", gaps[0]), ("processing", gaps[1])):
        assert state in found, _("the state {state} is missing").format(state=repr(state))
        what = _("the seconds in state {state}").format(state=repr(state))
        expect_close(found[state], gap, what, mistakes={_("this is a point in time, not a duration"): times[1]})


@states.check
def a_state_entered_twice(seconds_in_states, rng):
    """A state that was entered twice has the sum of both times."""
    story, now = _story(rng)
    times = [when for *_states, when in story] + [now]
    for state, places in (("waiting", (0, 4)), ("processing", (1, 5)), ("memory", (2, 6)), ("released", (3,))):
        lasted = [times[i + 1] - times[i] for i in places]
        found = seconds_in_states(list(story), now).get(state, 0.0)
        mistakes = {}
        if len(lasted) == 2:
            mistakes = {
                _("the task was {state} twice, and only the last time is there: add up").format(state=state): lasted[1],
                _("the task was {state} twice, and only the first time is there: add up").format(state=state): lasted[
                    0
                ],
            }
        expect_close(found, sum(lasted), _("the seconds in state {state}").format(state=repr(state)), mistakes=mistakes)


@states.check
def forgotten_is_no_state(seconds_in_states, rng):
    """Where a task is forgotten its story ends, and `now` does not matter."""
    story, when = _story(rng)
    story += [("memory", "released", when), ("released", "forgotten", when + 1.0)]
    found = seconds_in_states(list(story), when + 1000)
    assert "forgotten" not in found, _('"forgotten" is not a state: the task is in none any more')
    assert found.get("released", 0) < 900, _("after the task was forgotten, seconds still went to its last state")


batches = Exercise(
    "2.4",
    "Batches",
    points=4,
    minutes=15,
    difficulty=2,
    hints=[
        "Cut the items into lists of `batch_size`, the last one shorter; a task runs `function` over one such list.",
        "`client.map(run_batch, batches)`, one `client.gather` for all of its futures, and a flat list of what it "
        "returns: gather keeps the order.",
    ],
)


def _expect_results(found, expected, batch_size):
    assert isinstance(found, list), _("a list of results is asked for, and you return a {kind}").format(
        kind=type(found).__name__
    )
    flat = not any(isinstance(part, list) for part in found)
    assert flat, _("the results are still in lists, one per batch: put them into one flat list")
    assert len(found) == len(expected), _(
        "{found} results for {n} items in batches of {size}: what becomes of the last batch, which may be shorter?"
    ).format(found=len(found), n=len(expected), size=batch_size)
    assert sorted(found) == sorted(expected), _("the results are not those of the function for these items")
    assert found == expected, _("all results are there, but not in the order of the items")


@batches.check
def results_in_order(map_in_batches, client):
    """All results, in the order of the items, also where the last batch is shorter."""
    items = [7, -3, 12, 5, -9, 0, 4, -11, 30, 1, -2]
    for batch_size in (3, 4, 11, 50):
        found = map_in_batches(client, lambda item: item**3 - 2 * item, list(items), batch_size)
        _expect_results(found, [item**3 - 2 * item for item in items], batch_size)


@batches.check
def runs_on_the_workers(map_in_batches, client):
    """The function runs on the workers."""
    found = map_in_batches(client, lambda item: os.getpid(), list(range(6)), 2)
    _expect_results([0 * process for process in found], [0] * 6, 2)
    on_workers = set(client.run(os.getpid).values())
    assert set(found) <= on_workers, _("the function ran in a process that is no worker: send it to the cluster")


@batches.check
def one_task_per_batch(map_in_batches, reference, client, cost):
    """One task per batch, and one fetch for all."""
    items = list(range(60))
    mine = cost.of(map_in_batches, client, lambda item: item + 1, list(items), 10)
    theirs = cost.of(reference.map_in_batches, client, lambda item: item + 1, list(items), 10)
    assert mine.tasks <= 1.1 * theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} are enough: a task for each item, or one more per batch?"
    ).format(mine=mine.tasks, theirs=theirs.tasks)
    assert mine.tasks >= theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} were asked for: with larger batches than `batch_size`, workers "
        "can stay idle"
    ).format(mine=mine.tasks, theirs=theirs.tasks)
    assert mine.fetches <= theirs.fetches, _(
        "right answer, but you waited {mine} times where {theirs} is enough: submit all batches, then gather once"
    ).format(mine=mine.fetches, theirs=theirs.fetches)


lock = Exercise(
    "2.5",
    "How much of it holds the lock?",
    points=2,
    minutes=10,
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
    minutes=10,
    difficulty=2,
    needs=None,
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
    found = blocks_in_memory(1000e6, 900e6, 20e6)
    mistakes = {_("a negative number of blocks: with 90 % unmanaged there is room for none"): -10}
    expect_close(found, 0, _("the number of blocks with 90 % unmanaged"), mistakes=mistakes)
