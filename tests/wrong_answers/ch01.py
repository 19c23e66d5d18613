"""Wrong answers to the exercises of chapter 01."""

from tests.wrong_answers import Wrong

WRONG = {
    "1.1": [
        Wrong(
            "the divided part",
            """
def serial_fraction(workers, seconds):
    columns = np.column_stack([np.ones(len(workers)), 1 / workers])
    serial, divided = np.linalg.lstsq(columns, seconds)[0]
    return divided / (serial + divided)
""",
            "the one that stays",
        ),
        Wrong(
            "seconds in place of a share",
            """
def serial_fraction(workers, seconds):
    return np.linalg.lstsq(np.column_stack([np.ones(len(workers)), 1 / workers]), seconds)[0][0]
""",
            "divide by the time of one worker",
        ),
        Wrong(
            "serial over divided",
            """
def serial_fraction(workers, seconds):
    divided, serial = np.polyfit(1 / workers, seconds, 1)
    return serial / divided
""",
            "the share is of both together",
        ),
        Wrong(
            "the first time is the unit",
            """
def serial_fraction(workers, seconds):
    more = workers > 1
    speedup = seconds[0] / seconds[more]
    p = workers[more]
    return float(np.clip(np.mean((1 / speedup - 1 / p) / (1 - 1 / p)), 0, 1))
""",
            "one run is your unit",
        ),
        Wrong(
            "the first time taken for one worker's",
            """
def serial_fraction(workers, seconds):
    divided, serial = np.polyfit(1 / workers, seconds, 1)
    return float(np.clip(serial / seconds[0], 0, 1))
""",
            "it may be missing",
        ),
        Wrong(
            "two of the runs",
            """
def serial_fraction(workers, seconds):
    p, speedup = workers[-1], seconds[0] / seconds[-1]
    return float(np.clip((1 / speedup - 1 / p) / (1 - 1 / p), 0, 1))
""",
            "ignores the others",
        ),
        Wrong(
            "below zero",
            """
def serial_fraction(workers, seconds):
    divided, serial = np.polyfit(1 / workers, seconds, 1)
    return serial / (serial + divided)
""",
            "more than twice as fast",
        ),
    ],
    "1.2": [
        Wrong(
            "the same law for both",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial == 0 else np.floor(1 + (1 / efficiency - 1) / serial)

def workers_by_gustafson(serial, efficiency):
    return workers_by_amdahl(serial, efficiency)
""",
            "this is Amdahl's answer",
        ),
        Wrong(
            "the other law for both",
            """
def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else np.floor(serial / (efficiency - 1 + serial) + 1e-9)

def workers_by_amdahl(serial, efficiency):
    return workers_by_gustafson(serial, efficiency)
""",
            "this is Gustafson's answer",
        ),
        Wrong(
            "rounded up",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial == 0 else np.ceil(1 + (1 / efficiency - 1) / serial)

def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else np.ceil(serial / (efficiency - 1 + serial))
""",
            "rounded up",
        ),
        Wrong(
            "not rounded",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial == 0 else 1 + (1 / efficiency - 1) / serial

def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else serial / (efficiency - 1 + serial)
""",
            "round down",
        ),
        Wrong(
            "a negative number of workers",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial == 0 else np.floor(1 + (1 / efficiency - 1) / serial + 1e-9)

def workers_by_gustafson(serial, efficiency):
    return np.floor(serial / (efficiency - 1 + serial))
""",
            "a negative number of workers",
        ),
        Wrong(
            "no serial part, no answer",
            """
def workers_by_amdahl(serial, efficiency):
    return np.floor(1 + (1 / efficiency - 1) / serial + 1e-9)

def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else np.floor(serial / (efficiency - 1 + serial) + 1e-9)
""",
            "division by zero",
        ),
        Wrong(
            "the example of the text, always",
            """
def workers_by_amdahl(serial, efficiency):
    return 11

def workers_by_gustafson(serial, efficiency):
    return np.inf
""",
            "the number of workers by Amdahl",
        ),
    ],
    "1.3": [
        Wrong(
            "plain least squares",
            """
def fit_message_cost(nbytes, seconds):
    beta, alpha = np.polyfit(nbytes, seconds, 1)
    return alpha, beta
""",
            "every second counts the same",
        ),
        Wrong(
            "the wrong way round",
            """
def fit_message_cost(nbytes, seconds):
    columns = np.column_stack([np.ones(len(nbytes)), nbytes]) / seconds[:, None]
    alpha, beta = np.linalg.lstsq(columns, np.ones(len(nbytes)))[0]
    return beta, alpha
""",
            "the wrong way round",
        ),
        Wrong(
            "bandwidth in place of its inverse",
            """
def fit_message_cost(nbytes, seconds):
    columns = np.column_stack([np.ones(len(nbytes)), nbytes]) / seconds[:, None]
    alpha, beta = np.linalg.lstsq(columns, np.ones(len(nbytes)))[0]
    return alpha, 1 / beta
""",
            "beta is its inverse",
        ),
        Wrong(
            "a straight line through logarithms",
            """
def fit_message_cost(nbytes, seconds):
    beta, alpha = np.polyfit(np.log(nbytes), np.log(seconds), 1)
    return np.exp(alpha), beta
""",
            "(alpha, beta) is off",
        ),
        Wrong(
            "the smallest and the largest message alone",
            """
def fit_message_cost(nbytes, seconds):
    return seconds[np.argmin(nbytes)], seconds[np.argmax(nbytes)] / np.max(nbytes)
""",
            "(alpha, beta) is off",
        ),
        Wrong(
            "times overwritten",
            """
def fit_message_cost(nbytes, seconds):
    columns = np.column_stack([np.ones(len(nbytes)), nbytes]) / seconds[:, None]
    seconds /= seconds
    return tuple(np.linalg.lstsq(columns, seconds)[0])
""",
            "changed in place",
        ),
    ],
    "1.4": [
        Wrong(
            "the copy has the same key",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[first])]
    try:
        wait(copies, timeout=patience)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second]))
    return next(iter(as_completed(copies))).result()
""",
            "no copy ever started",
        ),
        Wrong(
            "no backup",
            """
def with_backup(client, function, argument, first, second, patience):
    return client.submit(function, argument, workers=[first], pure=False).result()
""",
            "no copy ever started",
        ),
        Wrong(
            "both at once",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[w], pure=False) for w in (first, second)]
    return next(iter(as_completed(copies))).result()
""",
            "a copy was started all the same",
        ),
        Wrong(
            "sleeps through its patience",
            """
def with_backup(client, function, argument, first, second, patience):
    import time

    copies = [client.submit(function, argument, workers=[first], pure=False)]
    time.sleep(patience)
    if not copies[0].done():
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    return next(iter(as_completed(copies))).result()
""",
            "is no `wait`",
        ),
        Wrong(
            "waits for both",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=patience)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    return client.gather(copies)[-1]
""",
            "did not take its result",
        ),
        Wrong(
            "gives the first one up",
            """
def with_backup(client, function, argument, first, second, patience):
    future = client.submit(function, argument, workers=[first], pure=False)
    try:
        return future.result(timeout=patience)
    except TimeoutError:
        future.cancel()
        return client.submit(function, argument, workers=[second], pure=False).result()
""",
            "did not take its result",
        ),
        Wrong(
            "the copy goes to the same worker",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=patience)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[first], pure=False))
    return next(iter(as_completed(copies))).result()
""",
            "no copy ever started",
        ),
        Wrong(
            "returns the future",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=patience)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    return next(iter(as_completed(copies)))
""",
            "is it a future",
        ),
    ],
    "1.5": [
        Wrong(
            "fresh gradients",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for _ in range(n_steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path)
""",
            "the delay has no effect",
        ),
        Wrong(
            "one step too old",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        path.append(path[-1] - learning_rate * gradient(path[max(0, step - delay - 1)]))
    return np.array(path)
""",
            "one step too old",
        ),
        Wrong(
            "a list indexed from its end",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        path.append(path[-1] - learning_rate * gradient(path[-min(delay, len(path))]))
    return np.array(path)
""",
            "every gradient is that of the start",
        ),
        Wrong(
            "steps from the old theta",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        seen = path[max(0, step - delay)]
        path.append(seen - learning_rate * gradient(seen))
    return np.array(path)
""",
            "you step from the old theta",
        ),
        Wrong(
            "idle at first",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        path.append(path[-1] - (learning_rate * gradient(path[step - delay]) if step >= delay else 0))
    return np.array(path)
""",
            "nothing happens in the first steps",
        ),
        Wrong(
            "the last theta alone",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        path.append(path[-1] - learning_rate * gradient(path[max(0, step - delay)]))
    return path[-1]
""",
            "has shape (1,)",
        ),
        Wrong(
            "in place",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta.copy()]
    for step in range(n_steps):
        theta -= learning_rate * gradient(path[max(0, step - delay)])
        path.append(theta.copy())
    return np.array(path)
""",
            "changed in place",
        ),
        Wrong(
            "one array, listed many times",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    theta = theta.copy()
    path = [theta]
    for step in range(n_steps):
        theta -= learning_rate * gradient(path[max(0, step - delay)])
        path.append(theta)
    return np.array(path)
""",
            "is off in",
        ),
    ],
    "1.6": [
        Wrong(
            "in turn",
            """
def assign(sizes, n_workers):
    return [list(range(worker, len(sizes), n_workers)) for worker in range(n_workers)]
""",
            "dealt out in turn, whatever their size",
        ),
        Wrong(
            "in their order, to the least loaded",
            """
def assign(sizes, n_workers):
    shares, loads = [[] for _ in range(n_workers)], [0] * n_workers
    for block, size in enumerate(sizes):
        idlest = loads.index(min(loads))
        shares[idlest].append(block)
        loads[idlest] += size
    return shares
""",
            "a large one may come last",
        ),
        Wrong(
            "the smallest first",
            """
def assign(sizes, n_workers):
    shares, loads = [[] for _ in range(n_workers)], [0] * n_workers
    for block in np.argsort(sizes):
        idlest = loads.index(min(loads))
        shares[idlest].append(block)
        loads[idlest] += sizes[block]
    return shares
""",
            "the smallest blocks are dealt out first",
        ),
        Wrong(
            "sorted, then in turn",
            """
def assign(sizes, n_workers):
    order = sorted(range(len(sizes)), key=lambda block: -sizes[block])
    return [order[worker::n_workers] for worker in range(n_workers)]
""",
            "the larger block in every round",
        ),
        Wrong(
            "equal numbers of neighbours",
            """
def assign(sizes, n_workers):
    return np.array_split(np.arange(len(sizes)), n_workers)
""",
            "as many neighbouring blocks",
        ),
        Wrong(
            "sizes in place of indices",
            """
def assign(sizes, n_workers):
    shares = [[] for _ in range(n_workers)]
    for size in sorted(sizes, reverse=True):
        min(shares, key=sum).append(size)
    return shares
""",
            "are these sizes?",
        ),
        Wrong(
            "everything to one worker",
            """
def assign(sizes, n_workers):
    return [list(range(len(sizes)))] + [[] for _ in range(n_workers - 1)]
""",
            "than the rule of the text gives it",
        ),
        Wrong(
            "only one share where one block is there",
            """
def assign(sizes, n_workers):
    shares, loads = [[] for _ in range(n_workers)], [0] * n_workers
    for block in sorted(range(len(sizes)), key=lambda block: -sizes[block]):
        idlest = loads.index(min(loads))
        shares[idlest].append(block)
        loads[idlest] += sizes[block]
    return [share for share in shares if share]
""",
            "shares for 4 workers",
        ),
        Wrong(
            "sorted in place",
            """
def assign(sizes, n_workers):
    order = np.argsort(sizes)[::-1]
    sizes.sort()
    shares, loads = [[] for _ in range(n_workers)], [0] * n_workers
    for block, size in zip(order, sizes[::-1]):
        idlest = loads.index(min(loads))
        shares[idlest].append(int(block))
        loads[idlest] += size
    return shares
""",
            "changed in place",
        ),
    ],
}
