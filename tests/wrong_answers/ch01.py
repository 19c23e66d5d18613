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
        Wrong(
            "the mean of one worker's runs is the unit",
            """
def serial_fraction(workers, seconds):
    alone = workers == 1
    if not alone.any():
        divided, serial = np.polyfit(1 / workers, seconds, 1)
        return serial / (serial + divided)
    share, p = seconds[~alone] / seconds[alone].mean(), workers[~alone]
    return float(np.clip(np.mean((share - 1 / p) / (1 - 1 / p)), 0, 1))
""",
            "the runs with one worker alone make your unit",
        ),
        Wrong(
            "the mean for each count of workers",
            """
def serial_fraction(workers, seconds):
    counts = np.unique(workers)
    divided, serial = np.polyfit(1 / counts, [seconds[workers == p].mean() for p in counts], 1)
    return float(np.clip(serial / (serial + divided), 0, 1))
""",
            "one number for each count of workers",
        ),
        Wrong(
            "above one",
            """
def serial_fraction(workers, seconds):
    divided, serial = np.polyfit(1 / workers, seconds, 1)
    return max(0, serial / (serial + divided))
""",
            "two workers were slower than one",
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
        Wrong(
            "a search that ends at a hundred",
            """
def workers_by_amdahl(serial, efficiency):
    if serial == 0:
        return np.inf
    return max(p for p in range(1, 101) if 1 / (serial * p + 1 - serial) >= efficiency - 1e-12)

def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else np.floor(serial / (efficiency - 1 + serial) + 1e-9)
""",
            "is too small: one worker more",
        ),
        Wrong(
            "a small share taken for none",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial <= 0.005 else np.floor(1 + (1 / efficiency - 1) / serial + 1e-9)

def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else np.floor(serial / (efficiency - 1 + serial) + 1e-9)
""",
            "is too large: with that many",
        ),
        Wrong(
            "the border divides by zero",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial == 0 else np.floor(1 + (1 / efficiency - 1) / serial + 1e-9)

def workers_by_gustafson(serial, efficiency):
    if serial == 0 or efficiency < 1 - serial:
        return np.inf
    return np.floor(float(serial) / float(efficiency - 1 + serial) + 1e-9)
""",
            "end in a division by zero",
        ),
        Wrong(
            "more than asked, in place of at least",
            """
def workers_by_amdahl(serial, efficiency):
    return np.inf if serial == 0 else max(1, np.ceil(1 + (1 / efficiency - 1) / serial) - 1)

def workers_by_gustafson(serial, efficiency):
    return np.inf if efficiency <= 1 - serial else max(1, np.ceil(serial / (efficiency - 1 + serial)) - 1)
""",
            "is too small: one worker more",
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
            "is a power law",
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
        Wrong(
            "a line through the first and the last message",
            """
def fit_message_cost(nbytes, seconds):
    b = (seconds[-1] - seconds[0]) / (nbytes[-1] - nbytes[0])
    return seconds[0] - b * nbytes[0], b
""",
            "a line through two ends",
        ),
        Wrong(
            "a line through the smallest and the largest message",
            """
def fit_message_cost(nbytes, seconds):
    low, high = np.argmin(nbytes), np.argmax(nbytes)
    b = (seconds[high] - seconds[low]) / (nbytes[high] - nbytes[low])
    return seconds[low] - b * nbytes[low], b
""",
            "a line through two ends",
        ),
        Wrong(
            "a line through two quarters",
            """
def fit_message_cost(nbytes, seconds):
    order, n = np.argsort(nbytes), len(nbytes) // 4
    low, high = order[:n], order[-n:]
    b = (seconds[high].mean() - seconds[low].mean()) / (nbytes[high].mean() - nbytes[low].mean())
    return seconds[low].mean() - b * nbytes[low].mean(), b
""",
            "a line through two ends",
        ),
        Wrong(
            "half of the way",
            """
def fit_message_cost(nbytes, seconds):
    beta, alpha = np.polyfit(nbytes, seconds, 1, w=1 / np.sqrt(seconds))
    return alpha, beta
""",
            "half of the way",
        ),
        Wrong(
            "the middle of the small ones, the middle of the large ones",
            """
def fit_message_cost(nbytes, seconds):
    alpha = np.median(seconds[nbytes <= np.quantile(nbytes, 0.2)])
    large = nbytes >= np.quantile(nbytes, 0.8)
    return alpha, np.median((seconds[large] - alpha) / nbytes[large])
""",
            "is not as small as it can be",
        ),
        Wrong(
            "a constant",
            """
def fit_message_cost(nbytes, seconds):
    return 0.001, 1e-9
""",
            "(alpha, beta) is off",
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
            "before the patience of",
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
            "started twice on the first worker",
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
        Wrong(
            "a patience of its own, too short",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=0.2)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    winner = next(iter(as_completed(copies)))
    client.cancel([copy for copy in copies if copy is not winner])
    return winner.result()
""",
            "seconds was over: wait for as long as",
        ),
        Wrong(
            "a patience of its own, too long",
            """
def with_backup(client, function, argument, first, second, patience):
    copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=1)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    winner = next(iter(as_completed(copies)))
    client.cancel([copy for copy in copies if copy is not winner])
    return winner.result()
""",
            "end at about the same time",
        ),
        Wrong(
            "the loser is kept",
            """
def with_backup(client, function, argument, first, second, patience):
    global keep
    keep = copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=patience)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    return next(iter(as_completed(copies))).result()
""",
            "still to finish the copy that lost",
        ),
        Wrong(
            "the first worker alone",
            """
def with_backup(client, function, argument, first, second, patience):
    return client.submit(function, argument, workers=[first]).result()
""",
            "no copy ever started",
        ),
        Wrong(
            "called here",
            """
def with_backup(client, function, argument, first, second, patience):
    return function(argument)
""",
            "the function ran here",
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
        Wrong(
            "every gradient again at every step",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        gradients = [gradient(seen) for seen in path]
        path.append(path[-1] - learning_rate * gradients[max(0, step - delay)])
    return np.array(path)
""",
            "do not compute the earlier ones again",
        ),
        Wrong(
            "a list",
            """
def stale_descent(gradient, theta, learning_rate, delay, n_steps):
    path = [theta]
    for step in range(n_steps):
        path.append(path[-1] - learning_rate * gradient(path[max(0, step - delay)]))
    return path
""",
            "make one array of it",
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
        Wrong(
            "sorted by argsort, the largest first in turn",
            """
def assign(sizes, n_workers):
    order = np.argsort(sizes)[::-1]
    return [order[worker::n_workers] for worker in range(n_workers)]
""",
            "the larger block in every round",
        ),
        Wrong(
            "to and fro",
            """
def assign(sizes, n_workers):
    order, shares = np.argsort(sizes)[::-1], [[] for _ in range(n_workers)]
    for place, block in enumerate(order):
        turn, worker = divmod(place, n_workers)
        shares[n_workers - 1 - worker if turn % 2 else worker].append(block)
    return shares
""",
            "dealt out to and fro",
        ),
        Wrong(
            "sorted, then cut into equal numbers",
            """
def assign(sizes, n_workers):
    return np.array_split(np.argsort(sizes)[::-1], n_workers)
""",
            "one worker gets all the large ones",
        ),
    ],
}
