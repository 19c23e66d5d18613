"""Wrong answers to the exercises of chapter 02."""

from tests.wrong_answers import Wrong

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
            "the task at the top ran twice",
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
            "run more than once",
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
            "the seconds in state 'waiting' is off",
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
    ],
}
