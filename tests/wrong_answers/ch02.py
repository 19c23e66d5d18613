"""Wrong answers to the exercises of chapter 02."""

from tests.wrong_answers import Wrong


def _order_of(returned):
    """A right `run_graph`, but for what it returns, made of `result`, `order` and `results`."""
    return f"""
def run_graph(graph, key):
    results, unfinished = {{}}, [key]
    while unfinished:
        current = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, current) if needed not in results]
        if missing and current not in results:
            unfinished += missing
        else:
            unfinished.pop()
            if current not in results:
                results[current] = run_task(graph, current, results)
    result, order = results[key], list(results)
    return {returned}
"""


WRONG = {
    "2.1": [
        Wrong(
            "the first commit: shared tasks run again",
            """
def run_graph(graph, key):
    order = []

    def get(key):
        results = {needed: get(needed) for needed in inputs_of(graph, key)}
        order.append(key)
        return run_task(graph, key, results)

    return get(key), order
""",
            "the task at the top ran 3 times",
        ),
        Wrong(
            "a function that calls itself, with a memory",
            """
def run_graph(graph, key):
    results = {}

    def get(key):
        if key not in results:
            for needed in inputs_of(graph, key):
                get(needed)
            results[key] = run_task(graph, key, results)
        return results[key]

    return get(key), list(results)
""",
            "too deep for a function that calls itself",
        ),
        Wrong(
            "every key of the graph",
            """
def run_graph(graph, key):
    results = {}
    while len(results) < len(graph):
        for name in graph:
            if name not in results and all(needed in results for needed in inputs_of(graph, name)):
                results[name] = run_task(graph, name, results)
    return results[key], list(results)
""",
            "a task was run that the asked key does not need",
        ),
        Wrong(
            "in the order of the dictionary",
            """
def run_graph(graph, key):
    results = {}
    for name in graph:
        results[name] = run_task(graph, name, results)
        if name == key:
            return results[key], list(results)
""",
            "your code raised KeyError",
        ),
        Wrong(
            "Dask does it",
            """
def run_graph(graph, key):
    import dask

    return dask.get(graph, key)
""",
            "should return two things",
        ),
        Wrong(
            "a key that waits twice is run twice",
            """
def run_graph(graph, key):
    results, order, unfinished = {}, [], [key]
    while unfinished:
        current = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, current) if needed not in results]
        if missing:
            unfinished += missing
        else:
            results[current] = run_task(graph, current, results)
            order.append(unfinished.pop())
    return results[key], order
""",
            "times in the order",
        ),
        Wrong(
            "a word is a key, a tuple is none",
            """
def run_graph(graph, key):
    results, unfinished = {}, [key]
    while unfinished:
        current = unfinished[-1]
        missing = [i for i in inputs_of(graph, current) if i not in results and isinstance(i, str)]
        if missing and current not in results:
            unfinished += missing
        else:
            unfinished.pop()
            if current not in results:
                results[current] = run_task(graph, current, results)
    return results[key], list(results)
""",
            "your code raised KeyError",
        ),
        Wrong("keys as words", _order_of("result, [str(key) for key in order]"), "is no key of the graph"),
        Wrong(
            "the first word of a key",
            _order_of("result, [key[0] if isinstance(key, tuple) else key for key in order]"),
            "is no key of the graph",
        ),
        Wrong("the results as the order", _order_of("result, list(results.values())"), "is no key of the graph"),
        Wrong("one key too many", _order_of('result, [*order, ("block", 7)]'), "is no key of the graph"),
        Wrong("keys in lists", _order_of("result, [[key] for key in order]"), "is no key of the graph"),
        Wrong("the order first", _order_of("order, result"), "the order comes first"),
        Wrong("the results by key", _order_of("result, results"), "should be a list of keys"),
        Wrong("the result alone", _order_of("result"), "should return two things"),
        Wrong("run here, and again by Dask", _order_of("__import__('dask').get(graph, key), order"), "ran 2 times"),
        Wrong("backwards", _order_of("result, order[::-1]"), "in the order before its input"),
        Wrong(
            "listed once, but run twice",
            """
def run_graph(graph, key):
    results, order, unfinished = {}, [], [key]
    while unfinished:
        current = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, current) if needed not in results]
        if missing:
            unfinished += missing
        else:
            unfinished.pop()
            results[current] = run_task(graph, current, results)
            if current not in order:
                order.append(current)
    return results[key], order
""",
            "ran 2 times",
        ),
        Wrong(
            "a result of 0 or None is no result",
            """
def run_graph(graph, key):
    results, unfinished = {}, [key]
    while unfinished:
        current = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, current) if needed not in results]
        if missing:
            unfinished += missing
        else:
            unfinished.pop()
            if not results.get(current):
                results[current] = run_task(graph, current, results)
    return results[key], list(results)
""",
            "with 0 as its result",
        ),
        Wrong(
            "a higher recursion limit",
            """
def run_graph(graph, key):
    import sys

    sys.setrecursionlimit(100_000)
    results = {}

    def get(key):
        if key not in results:
            for needed in inputs_of(graph, key):
                get(needed)
            results[key] = run_task(graph, key, results)
        return results[key]

    return get(key), list(results)
""",
            "`sys.setrecursionlimit` was called",
        ),
        Wrong(
            "a higher recursion limit for a while",
            """
def run_graph(graph, key):
    import sys

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    results = {}

    def get(key):
        if key not in results:
            for needed in inputs_of(graph, key):
                get(needed)
            results[key] = run_task(graph, key, results)
        return results[key]

    try:
        return get(key), list(results)
    finally:
        sys.setrecursionlimit(before)
""",
            "too deep for a function that calls itself",
        ),
        Wrong(
            "every way that leads to a key",
            """
def run_graph(graph, key):
    wanted = [key]
    for current in wanted:
        wanted += inputs_of(graph, current)
    results = {}
    for current in reversed(wanted):
        if current not in results:
            results[current] = run_task(graph, current, results)
    return results[key], list(results)
""",
            "visited once for each way",
        ),
        Wrong(
            "results written into the graph",
            """
def run_graph(graph, key):
    unfinished, done = [key], []
    while unfinished:
        current = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, current) if needed not in done]
        if missing and current not in done:
            unfinished += missing
        else:
            unfinished.pop()
            if current not in done:
                graph[current] = run_task(graph, current, graph)
                done.append(current)
    return graph[key], done
""",
            "the graph was changed",
        ),
    ],
    "2.2": [
        Wrong(
            "the sum of all",
            """
def least_time(graph, durations, n_workers):
    return sum(durations.values())
""",
            "can run at the same time",
        ),
        Wrong(
            "the work over the workers",
            """
def least_time(graph, durations, n_workers):
    return sum(durations.values()) / n_workers
""",
            "still waits for its inputs",
        ),
        Wrong(
            "the longest task",
            """
def least_time(graph, durations, n_workers):
    return max(max(durations.values()), sum(durations.values()) / n_workers)
""",
            "the longest single task",
        ),
        Wrong(
            "the chain alone",
            """
def least_time(graph, durations, n_workers):
    finished = {}
    def finish(key):
        if key not in finished:
            finished[key] = durations.get(key, 0) + max(map(finish, inputs_of(graph, key)), default=0)
        return finished[key]
    return max(map(finish, graph))
""",
            "the longest chain alone",
        ),
        Wrong(
            "inputs one after the other",
            """
def least_time(graph, durations, n_workers):
    def finish(key):
        return durations.get(key, 0) + sum(map(finish, inputs_of(graph, key)))
    return max(max(map(finish, graph)), sum(durations.values()) / n_workers)
""",
            "only the latest of them counts",
        ),
        Wrong(
            "the number of tasks on the chain",
            """
def least_time(graph, durations, n_workers):
    def finish(key):
        return (key in durations) + max(map(finish, inputs_of(graph, key)), default=0)
    return max(max(map(finish, graph)), sum(durations.values()) / n_workers)
""",
            "add up their durations",
        ),
        Wrong(
            "only the chain that ends in the last key",
            """
def least_time(graph, durations, n_workers):
    finished = {}
    def finish(key):
        if key not in finished:
            finished[key] = durations.get(key, 0) + max(map(finish, inputs_of(graph, key)), default=0)
        return finished[key]
    return max(finish(list(graph)[-1]), sum(durations.values()) / n_workers)
""",
            "every task of the graph has to run",
        ),
        Wrong(
            "the smaller bound",
            """
def least_time(graph, durations, n_workers):
    def finish(key):
        return durations.get(key, 0) + max(map(finish, inputs_of(graph, key)), default=0)
    return min(max(map(finish, graph)), sum(durations.values()) / n_workers)
""",
            "still waits for its inputs",
        ),
        Wrong(
            "a function that calls itself, with a memory",
            """
def least_time(graph, durations, n_workers):
    finished = {}

    def finish(key):
        if key not in finished:
            finished[key] = durations.get(key, 0) + max([finish(i) for i in inputs_of(graph, key)], default=0)
        return finished[key]

    return max(max([finish(key) for key in graph]), sum(durations.get(key, 0) for key in graph) / n_workers)
""",
            "too deep for a function that calls itself",
        ),
        Wrong(
            "every way that leads to a key",
            """
def least_time(graph, durations, n_workers):
    longest, unfinished = 0, [(key, 0) for key in graph]
    while unfinished:
        key, after = unfinished.pop()
        after += durations.get(key, 0)
        longest = max(longest, after)
        unfinished += [(needed, after) for needed in inputs_of(graph, key)]
    return max(longest, sum(durations.get(key, 0) for key in graph) / n_workers)
""",
            "visited once for each way",
        ),
        Wrong(
            "all durations, whosoever they are",
            """
def least_time(graph, durations, n_workers):
    finished, unfinished = {}, list(graph)
    while unfinished:
        key = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, key) if needed not in finished]
        if missing:
            unfinished += missing
        else:
            before = max((finished[needed] for needed in inputs_of(graph, key)), default=0)
            finished[key] = before + durations.get(key, 0)
            unfinished.pop()
    return max(max(finished.values()), sum(durations.values()) / n_workers)
""",
            "tasks that are not in the graph",
        ),
        Wrong(
            "in the order of the dictionary",
            """
def least_time(graph, durations, n_workers):
    finished = {}
    for key in graph:
        before = max((finished.get(needed, 0) for needed in inputs_of(graph, key)), default=0)
        finished[key] = before + durations.get(key, 0)
    return max(max(finished.values()), sum(durations.get(key, 0) for key in graph) / n_workers)
""",
            "a key may stand before its inputs",
        ),
        Wrong(
            "the example's answer",
            """
def least_time(graph, durations, n_workers):
    return 28 if n_workers == 1 else 16
""",
            "this is the answer for `fit_graph`",
        ),
    ],
    "2.3": [
        Wrong(
            "seconds for the state that was left",
            """
def seconds_in_states(story, now):
    seconds = {}
    for (before, after, when), (_, _, then) in zip(story, story[1:]):
        seconds[before] = seconds.get(before, 0) + then - when
    return seconds
""",
            "for the state *after* a change",
        ),
        Wrong(
            "the last state is left out",
            """
def seconds_in_states(story, now):
    seconds = {}
    for (before, after, when), (_, _, then) in zip(story, story[1:]):
        seconds[after] = seconds.get(after, 0) + then - when
    return seconds
""",
            "it lasts until `now`",
        ),
        Wrong(
            "the second time overwrites the first",
            """
def seconds_in_states(story, now):
    ends = [when for _, _, when in story[1:]] + [now]
    return {state: end - when for (_, state, when), end in zip(story, ends) if state != "forgotten"}
""",
            "only the last time is there",
        ),
        Wrong(
            "forgotten as a state",
            """
def seconds_in_states(story, now):
    seconds = {}
    ends = [when for _, _, when in story[1:]] + [now]
    for (_, state, when), end in zip(story, ends):
        seconds[state] = seconds.get(state, 0) + end - when
    return seconds
""",
            "is not a state",
        ),
        Wrong(
            "all until now",
            """
def seconds_in_states(story, now):
    return {state: now - when for _, state, when in story if state != "forgotten"}
""",
            "the time in state 'waiting' is off",
        ),
        Wrong(
            "the first time alone",
            """
def seconds_in_states(story, now):
    seconds = {}
    ends = [when for _, _, when in story[1:]] + [now]
    for (_, state, when), end in zip(story, ends):
        if state != "forgotten":
            seconds.setdefault(state, end - when)
    return seconds
""",
            "only the first time is there",
        ),
        Wrong(
            "the example's answer",
            """
def seconds_in_states(story, now):
    return {"waiting": 0.5, "processing": 2.0}
""",
            "the time in state 'released' is off",
        ),
        Wrong(
            "until now, though it was forgotten",
            """
def seconds_in_states(story, now):
    story = [change for change in story if change[1] != "forgotten"]
    seconds = {}
    ends = [when for _, _, when in story[1:]] + [now]
    for (_, state, when), end in zip(story, ends):
        seconds[state] = seconds.get(state, 0) + end - when
    return seconds
""",
            "still went to its last state",
        ),
        Wrong(
            "nothing is returned",
            """
def seconds_in_states(story, now):
    story.append(("", "", now))
""",
            "a dictionary of seconds by state is asked for",
        ),
    ],
    "2.4": [
        Wrong(
            "a task per item",
            """
def map_in_batches(client, function, items, batch_size):
    return client.gather(client.map(function, items, pure=False))
""",
            "60 tasks where 6 are enough",
            status="wasteful",
        ),
        Wrong(
            "the last batch is lost",
            """
def map_in_batches(client, function, items, batch_size):
    batches = [items[i * batch_size : (i + 1) * batch_size] for i in range(len(items) // batch_size)]
    results = client.gather(client.map(lambda batch: [function(item) for item in batch], batches, pure=False))
    return [result for batch in results for result in batch]
""",
            "what becomes of the last batch",
        ),
        Wrong(
            "a list per batch",
            """
def map_in_batches(client, function, items, batch_size):
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    return client.gather(client.map(lambda batch: [function(item) for item in batch], batches, pure=False))
""",
            "one per batch",
        ),
        Wrong(
            "here instead of there",
            """
def map_in_batches(client, function, items, batch_size):
    return [function(item) for item in items]
""",
            "a process that is no worker",
        ),
        Wrong(
            "every batch_size-th item",
            """
def map_in_batches(client, function, items, batch_size):
    n_batches = -(-len(items) // batch_size)
    batches = [items[start::n_batches] for start in range(n_batches)]
    results = client.gather(client.map(lambda batch: [function(item) for item in batch], batches, pure=False))
    return [result for batch in results for result in batch]
""",
            "not in the order of the items",
        ),
        Wrong(
            "one batch after the other",
            """
def map_in_batches(client, function, items, batch_size):
    results = []
    for start in range(0, len(items), batch_size):
        batch = items[start : start + batch_size]
        results += client.submit(lambda batch: [function(item) for item in batch], batch, pure=False).result()
    return results
""",
            "then gather once",
            status="wasteful",
        ),
        Wrong(
            "one batch for all",
            """
def map_in_batches(client, function, items, batch_size):
    return client.submit(lambda batch: [function(item) for item in batch], items, pure=False).result()
""",
            "with larger batches than `batch_size`",
            status="wasteful",
        ),
        Wrong(
            "equal batches are one task",
            """
def map_in_batches(client, function, items, batch_size):
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    results = client.gather(client.map(lambda batch: [function(item) for item in batch], batches))
    return [result for batch in results for result in batch]
""",
            "unless you say `pure=False`",
        ),
        Wrong(
            "all items travel with every task",
            """
def map_in_batches(client, function, items, batch_size):
    def run(start):
        return [function(item) for item in items[start : start + batch_size]]

    results = client.gather(client.map(run, range(0, len(items), batch_size), pure=False))
    return [result for batch in results for result in batch]
""",
            "times the bytes of its batch",
            status="wasteful",
        ),
        Wrong(
            "not gathered",
            """
def map_in_batches(client, function, items, batch_size):
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    return client.map(lambda batch: [function(item) for item in batch], batches, pure=False)
""",
            "these are futures",
        ),
        Wrong(
            "nothing comes of it",
            """
def map_in_batches(client, function, items, batch_size):
    return [None for item in items]
""",
            "not what the function returned",
        ),
    ],
    "2.5": [
        Wrong(
            "the other share",
            """
def share_under_lock(alone, together, n_threads):
    return min(1.0, max(0.0, 1 - (together / alone - 1) / (n_threads - 1)))
""",
            "runs without the lock",
        ),
        Wrong(
            "two threads only",
            """
def share_under_lock(alone, together, n_threads):
    return min(1.0, max(0.0, together / alone - 1))
""",
            "right for 2 threads only",
        ),
        Wrong(
            "divided by n",
            """
def share_under_lock(alone, together, n_threads):
    return min(1.0, max(0.0, (together / alone - 1) / n_threads))
""",
            "waits for nobody",
        ),
        Wrong(
            "a ratio",
            """
def share_under_lock(alone, together, n_threads):
    return together / alone
""",
            "not yet a share",
        ),
        Wrong(
            "noise goes through",
            """
def share_under_lock(alone, together, n_threads):
    return (together / alone - 1) / (n_threads - 1)
""",
            "no number between 0 and 1",
        ),
    ],
    "2.6": [
        Wrong(
            "managed memory alone",
            """
def blocks_in_memory(limit, unmanaged, block):
    return int(0.6 * limit // block)
""",
            "reaches 70 % first",
        ),
        Wrong(
            "the process alone",
            """
def blocks_in_memory(limit, unmanaged, block):
    return max(0, int((0.7 * limit - unmanaged) // block))
""",
            "managed memory reaches 60 % first",
        ),
        Wrong(
            "unmanaged memory counted as managed",
            """
def blocks_in_memory(limit, unmanaged, block):
    return max(0, int((0.6 * limit - unmanaged) // block))
""",
            "it counts for the line at 70 % only",
        ),
        Wrong(
            "until the pause",
            """
def blocks_in_memory(limit, unmanaged, block):
    return max(0, int((0.8 * limit - unmanaged) // block))
""",
            "at 80 % the worker pauses",
        ),
        Wrong(
            "parts of blocks",
            """
def blocks_in_memory(limit, unmanaged, block):
    return max(0, min(0.6 * limit, 0.7 * limit - unmanaged) / block)
""",
            "the number of blocks is off",
        ),
        Wrong(
            "fewer than none",
            """
def blocks_in_memory(limit, unmanaged, block):
    return int(min(0.6 * limit, 0.7 * limit - unmanaged) // block)
""",
            "room for none",
        ),
        Wrong(
            "a line that is reached counts as crossed",
            """
def blocks_in_memory(limit, unmanaged, block):
    return max(0, -int(-min(0.6 * limit, 0.7 * limit - unmanaged) // block) - 1)
""",
            "it still fits",
        ),
    ],
}
