"""Wrong answers to the exercises of chapter 06."""

from tests.wrong_answers import Wrong

WRONG = {
    "6.1": [
        Wrong(
            "the average of the blocks' averages",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    counts = members.sum(axis=0)
    return members.T @ X_block / np.maximum(counts, 1)[:, None], counts

def merge(tallies, centers):
    means = np.array([np.where(counts[:, None] > 0, means, np.nan) for means, counts in tallies])
    seen = [np.sum(~np.isnan(means), axis=0), np.nansum(means, axis=0)]
    return np.where(seen[0] > 0, seen[1] / np.maximum(seen[0], 1), centers)
""",
            "plain mean of the blocks' means",
        ),
        Wrong(
            "means weighted by counts: right in the end, but no sums",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    counts = members.sum(axis=0)
    return members.T @ X_block / np.maximum(counts, 1)[:, None], counts

def merge(tallies, centers):
    counts = sum(counts for _, counts in tallies)
    sums = sum(means * counts[:, None] for means, counts in tallies)
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers)
""",
            "these are means: means of blocks do not add up",
        ),
        Wrong(
            "only the clusters that a block sees",
            """
def tally(X_block, labels, k):
    seen = np.unique(labels)
    return np.array([X_block[labels == j].sum(axis=0) for j in seen]), np.bincount(labels)

def merge(tallies, centers):
    sums, counts = sum(s for s, _ in tallies), sum(c for _, c in tallies)
    return sums / counts[:, None]
""",
            "without a point of cluster 0 has shape (3, 2), expected (4, 2)",
        ),
        Wrong(
            "0/0 for a cluster without points",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    return members.T @ X_block, members.sum(axis=0)

def merge(tallies, centers):
    sums, counts = sum(s for s, _ in tallies), sum(c for _, c in tallies)
    with np.errstate(all="ignore"):
        return sums / counts[:, None]
""",
            "0/0: it keeps the centre it had",
        ),
        Wrong(
            "the origin for a cluster without points",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    return members.T @ X_block, members.sum(axis=0)

def merge(tallies, centers):
    sums, counts = sum(s for s, _ in tallies), sum(c for _, c in tallies)
    return sums / np.maximum(counts, 1)[:, None]
""",
            "went to the origin",
        ),
        Wrong(
            "the sums, never divided",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    return members.T @ X_block, members.sum(axis=0)

def merge(tallies, centers):
    return sum(s for s, _ in tallies)
""",
            "not divided by the counts",
        ),
        Wrong(
            "the old centres changed in place",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    return members.T @ X_block, members.sum(axis=0)

def merge(tallies, centers):
    sums, counts = sum(s for s, _ in tallies), sum(c for _, c in tallies)
    centers[counts > 0] = sums[counts > 0] / counts[counts > 0, None]
    return centers
""",
            "`centers` was changed in place",
        ),
        Wrong(
            "the block itself as its report",
            """
def tally(X_block, labels, k):
    return X_block, labels

def merge(tallies, centers):
    X = np.concatenate([X for X, _ in tallies])
    labels = np.concatenate([labels for _, labels in tallies])
    means = [X[labels == j].mean(axis=0) if (labels == j).any() else centers[j] for j in range(len(centers))]
    return np.array(means)
""",
            "without a point of cluster 0 has shape (8,), expected (4,)",
        ),
        Wrong(
            "the first report takes all others in, in place",
            """
def tally(X_block, labels, k):
    members = labels[:, None] == np.arange(k)
    return members.T @ X_block, members.sum(axis=0)

def merge(tallies, centers):
    sums, counts = tallies[0]
    for more, number in tallies[1:]:
        sums += more
        counts += number
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers)
""",
            "changed a report in place",
        ),
    ],
    "6.2": [
        Wrong(
            "multiplied out, and nothing done about rounding",
            """
def nearest(X, centers):
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return squared.argmin(axis=1), squared.min(axis=1)
""",
            "rounding took it below zero",
        ),
        Wrong(
            "cut off at zero, but far from zero the digits are lost",
            """
def nearest(X, centers):
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return squared.argmin(axis=1), np.maximum(squared.min(axis=1), 0)
""",
            "1,000,000 units away (float64) they are off by up to",
        ),
        Wrong(
            "an array of shape (n, k, d)",
            """
def nearest(X, centers):
    squared = ((X[:, None, :] - centers) ** 2).sum(axis=2)
    return squared.argmin(axis=1), squared.min(axis=1)
""",
            "is there an array of shape (n, k, d)?",
            status="wasteful",
        ),
        Wrong(
            "without the norm of x",
            """
def nearest(X, centers):
    scores = (centers**2).sum(axis=1) - 2 * X @ centers.T
    return scores.argmin(axis=1), scores.min(axis=1)
""",
            "‖x‖² is missing",
        ),
        Wrong(
            "without the norm of c",
            """
def nearest(X, centers):
    labels = (X @ centers.T).argmax(axis=1)
    return labels, ((X - centers[labels]) ** 2).sum(axis=1)
""",
            "these indices ignore ‖c‖²",
        ),
        Wrong(
            "distances, not their squares",
            """
def nearest(X, centers):
    middle = centers.mean(axis=0)
    X, centers = X - middle, centers - middle
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return squared.argmin(axis=1), np.sqrt(np.maximum(squared.min(axis=1), 0))
""",
            "these are distances: return their squares",
        ),
        Wrong(
            "the rows moved in place",
            """
def nearest(X, centers):
    middle = centers.mean(axis=0)
    X -= middle
    centers = centers - middle
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return squared.argmin(axis=1), np.maximum(squared.min(axis=1), 0)
""",
            "was changed in place",
        ),
        Wrong(
            "the whole table of distances",
            """
def nearest(X, centers):
    return (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
""",
            "should return two things",
        ),
        Wrong(
            "indices by products far from zero, then exact distances",
            """
def nearest(X, centers):
    labels = ((centers**2).sum(axis=1) - 2 * X @ centers.T).argmin(axis=1)
    return labels, ((X - centers[labels]) ** 2).sum(axis=1)
""",
            "indices are not the nearest centre",
        ),
        Wrong(
            "distances first",
            """
def nearest(X, centers):
    middle = centers.mean(axis=0)
    X, centers = X - middle, centers - middle
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return np.maximum(squared.min(axis=1), 0), squared.argmin(axis=1)
""",
            "indices first",
        ),
        Wrong(
            "a factor 2 forgotten",
            """
def nearest(X, centers):
    middle = centers.mean(axis=0)
    X, centers = X - middle, centers - middle
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return squared.argmin(axis=1), (X**2).sum(axis=1) + (centers**2).sum(axis=1)[squared.argmin(axis=1)]
""",
            "off near zero already",
        ),
        Wrong(
            "float32 all along",
            """
def nearest(X, centers):
    middle = centers.mean(axis=0)
    X, centers = (X - middle).astype("float32"), (centers - middle).astype("float32")
    squared = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
    return squared.argmin(axis=1), np.maximum(squared.min(axis=1), 0)
""",
            "are float32",
        ),
    ],
    "6.3": [
        Wrong(
            "a compute per block",
            """
def lloyd_step(X, centers):
    blocks = X.to_delayed(optimize_graph=False).ravel()
    reports = [dask.delayed(block_report)(block, centers).compute() for block in blocks]
    return merge([r[:2] for r in reports], centers), sum(r[2] for r in reports)
""",
            "computes where 1 is enough",
            status="wasteful",
        ),
        Wrong(
            "a mean per cluster, in one graph",
            """
def lloyd_step(X, centers):
    squared = da.stack([((X - center) ** 2).sum(axis=1) for center in centers])
    labels = squared.argmin(axis=0)
    members = [labels == cluster for cluster in range(len(centers))]
    sums = [da.where(m[:, None], X, 0).sum(axis=0) for m in members]
    *found, inertia = dask.compute(*sums, *[m.sum() for m in members], squared.min(axis=0).sum())
    k = len(centers)
    return merge([(np.array(found[:k]), np.array(found[k:]))], centers), inertia
""",
            "let a block do all its work in one task",
            status="wasteful",
        ),
        Wrong(
            "the rows are fetched, the work is done here",
            """
def lloyd_step(X, centers):
    sums, counts, inertia = block_report(X.compute(), centers)
    return merge([(sums, counts)], centers), inertia
""",
            "the rows travelled",
            status="wasteful",
        ),
        Wrong(
            "each block merges for itself",
            """
def lloyd_step(X, centers):
    blocks = X.to_delayed(optimize_graph=False).ravel()
    reports = dask.compute(*[dask.delayed(block_report)(block, centers) for block in blocks])
    return np.mean([merge([r[:2]], centers) for r in reports], axis=0), sum(r[2] for r in reports)
""",
            "merge the reports instead",
        ),
        Wrong(
            "the inertia of the new centres",
            """
def lloyd_step(X, centers):
    blocks = X.to_delayed(optimize_graph=False).ravel()
    reports = dask.compute(*[dask.delayed(block_report)(block, centers) for block in blocks])
    new = merge([r[:2] for r in reports], centers)
    after = dask.compute(*[dask.delayed(block_report)(block, new) for block in blocks])
    return new, sum(r[2] for r in after)
""",
            "the inertia of the new centres",
        ),
        Wrong(
            "left lazy",
            """
def lloyd_step(X, centers):
    reports = [dask.delayed(block_report)(block, centers) for block in X.to_delayed(optimize_graph=False).ravel()]
    centers = dask.delayed(merge)([(r[0], r[1]) for r in reports], centers)
    return centers, dask.delayed(sum)([r[2] for r in reports])
""",
            "still lazy",
        ),
        Wrong(
            "the inertia of the last block",
            """
def lloyd_step(X, centers):
    tallies = []
    for block in dask.compute(*[dask.delayed(block_report)(b, centers) for b in X.to_delayed().ravel()]):
        sums, counts, inertia = block
        tallies.append((sums, counts))
    return merge(tallies, centers), inertia
""",
            "the inertia of the last block alone",
        ),
        Wrong(
            "all rows in one block first",
            """
def lloyd_step(X, centers):
    blocks = X.rechunk(X.shape).to_delayed(optimize_graph=False).ravel()
    reports = dask.compute(*[dask.delayed(block_report)(block, centers) for block in blocks])
    return merge([r[:2] for r in reports], centers), sum(r[2] for r in reports)
""",
            "the rows travelled",
            status="wasteful",
        ),
        Wrong(
            "every block asked twice",
            """
def lloyd_step(X, centers):
    blocks = X.to_delayed(optimize_graph=False).ravel()
    tasks = [dask.delayed(block_report)(block, centers) for block in blocks]
    more = [dask.delayed(block_report)(block, centers) for block in blocks]
    reports, again = dask.compute(tasks, more)
    return merge([r[:2] for r in reports], centers), sum(r[2] for r in again)
""",
            "let a block do all its work in one task, once",
            status="wasteful",
        ),
        Wrong(
            "reports taken apart by tasks",
            """
def lloyd_step(X, centers):
    reports = [dask.delayed(block_report)(block, centers) for block in X.to_delayed(optimize_graph=False).ravel()]
    centers = dask.delayed(merge)([(r[0], r[1]) for r in reports], centers)
    return dask.compute(centers, dask.delayed(sum)([r[2] for r in reports]))
""",
            "take the reports apart after the compute",
            status="wasteful",
        ),
    ],
    "6.4": [
        Wrong(
            "as if this block were all rows",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    probability = expected * squared / squared.sum()
    return X_block[np.random.default_rng(seed).random(len(X_block)) < probability]
""",
            "as if its rows were all rows",
        ),
        Wrong(
            "a fixed number per block",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    number = max(1, min(round(expected * squared.sum() / inertia), np.count_nonzero(squared)))
    random = np.random.default_rng(seed)
    return X_block[random.choice(len(X_block), number, replace=False, p=squared / squared.sum())]
""",
            "each row is drawn or not on its own",
        ),
        Wrong(
            "distances, not squared",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    distance = np.sqrt(squared)
    probability = expected * distance / inertia
    return X_block[np.random.default_rng(seed).random(len(X_block)) < probability]
""",
            "proportional to `squared`, as it is",
        ),
        Wrong(
            "squared twice",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    probability = expected * squared**2 / inertia
    return X_block[np.random.default_rng(seed).random(len(X_block)) < probability]
""",
            "proportional to `squared`, as it is",
        ),
        Wrong(
            "all rows alike",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    probability = expected / 4 / len(X_block)
    return X_block[np.random.default_rng(seed).random(len(X_block)) < probability]
""",
            "the probability grows with the distance",
        ),
        Wrong(
            "no generator of its own",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    return X_block[np.random.random(len(X_block)) < expected * squared / inertia]
""",
            "the same seed drew different rows",
        ),
        Wrong(
            "a seed that nobody uses",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    return X_block[np.random.default_rng(0).random(len(X_block)) < expected * squared / inertia]
""",
            "two seeds drew the same rows",
        ),
        Wrong(
            "the indices of the rows",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    return np.flatnonzero(np.random.default_rng(seed).random(len(X_block)) < expected * squared / inertia)
""",
            "return the rows themselves",
        ),
        Wrong(
            "with replacement",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    random = np.random.default_rng(seed)
    number = random.poisson(expected * squared.sum() / inertia)
    return X_block[random.choice(len(X_block), number, p=squared / squared.sum())]
""",
            "drawn more than once",
        ),
        Wrong(
            "without the number to expect",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    return X_block[np.random.default_rng(seed).random(len(X_block)) < squared / inertia]
""",
            "is `expected` in the probability?",
        ),
        Wrong(
            "the generator that all share",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    np.random.seed(seed)
    return X_block[np.random.random(len(X_block)) < expected * squared / inertia]
""",
            "make one of your own",
        ),
        Wrong(
            "a list of rows",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    drawn = np.random.default_rng(seed).random(len(X_block)) < expected * squared / inertia
    return np.array([row for row, taken in zip(X_block, drawn) if taken])
""",
            "has shape (0,), expected (r, 2)",
        ),
        Wrong(
            "a Poisson number of rows",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    random = np.random.default_rng(seed)
    number = min(random.poisson(expected * squared.sum() / inertia), np.count_nonzero(squared))
    if number == 0:
        return X_block[:0]
    return X_block[random.choice(len(X_block), number, replace=False, p=squared / squared.sum())]
""",
            "toss for each row",
        ),
        Wrong(
            "squared divided in place",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    squared /= inertia
    return X_block[np.random.default_rng(seed).random(len(X_block)) < expected * squared]
""",
            "was changed in place",
        ),
        Wrong(
            "one random number for all rows",
            """
def draw_candidates(X_block, squared, inertia, expected, seed):
    return X_block[np.random.default_rng(seed).random() < expected * squared / inertia]
""",
            "a random number of its own",
        ),
    ],
    "6.5": [
        Wrong(
            "one point for all",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    refilled = centers.copy()
    if len(rows):
        refilled[counts == 0] = rows[squared.argmax()]
    return refilled
""",
            "all empty clusters went to the same point",
        ),
        Wrong(
            "one point per block",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    best = sorted([(s[0], tuple(r[0])) for r, s in reports if len(s)], reverse=True)
    refilled = centers.copy()
    for cluster, (_, row) in zip(np.flatnonzero(counts == 0), best):
        refilled[cluster] = row
    return refilled
""",
            "farthest points of different blocks",
        ),
        Wrong(
            "the nearest points",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[:count]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[: len(empty)]]
    return refilled
""",
            "these are the nearest points",
        ),
        Wrong(
            "smallest first",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[len(squared) - min(count, len(squared)):]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[len(squared) - len(empty):]]
    return refilled
""",
            "the right points in the wrong order",
        ),
        Wrong(
            "the centres changed in place",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty = np.flatnonzero(counts == 0)
    centers[empty] = rows[np.argsort(squared)[::-1][: len(empty)]]
    return centers
""",
            "`centers` was changed in place",
        ),
        Wrong(
            "the whole block as its report",
            """
def farthest(X_block, squared, count):
    return X_block, squared

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[::-1][: len(empty)]]
    return refilled
""",
            "asked for 3 reports arrays of shape (50, 2)",
        ),
        Wrong(
            "the order of the blocks in place of the distances",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    rows = np.concatenate([r for r, _ in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[: len(empty)]
    return refilled
""",
            "the array of centres is off",
        ),
        Wrong(
            "the whole block where nothing was asked for",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[-count:]
    return X_block[order], squared[order]

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[::-1][: len(empty)]]
    return refilled
""",
            "asked for 0 reports arrays of shape (50, 2)",
        ),
        Wrong(
            "roots reported",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    return X_block[order], np.sqrt(squared[order])

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[::-1][: len(empty)]]
    return refilled
""",
            "these are their roots",
        ),
        Wrong(
            "small blocks filled up with zeros",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    missing = count - len(order)
    return np.pad(X_block[order], ((0, missing), (0, 0))), np.pad(squared[order], (0, missing))

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[::-1][: len(empty)]]
    return refilled
""",
            "asked for 3 reports arrays of shape (3, 2)",
        ),
        Wrong(
            "the distances sorted in place",
            """
def farthest(X_block, squared, count):
    order = np.argsort(squared)[::-1][:count]
    squared.sort()
    return X_block[order], squared[::-1][:count]

def refill(centers, counts, reports):
    rows, squared = np.concatenate([r for r, _ in reports]), np.concatenate([s for _, s in reports])
    empty, refilled = np.flatnonzero(counts == 0), centers.copy()
    refilled[empty] = rows[np.argsort(squared)[::-1][: len(empty)]]
    return refilled
""",
            "`farthest` changed",
        ),
    ],
    "6.6": [
        Wrong(
            "squared distances",
            """
def simplified_silhouette(X, centers):
    def report(block):
        a, b = np.sort(((block[:, None] - centers) ** 2).sum(axis=2), axis=1)[:, :2].T
        return ((b - a) / np.where(b > 0, b, 1)).sum(), len(block)

    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed().ravel()])
    return sum(s for s, _ in reports) / sum(n for _, n in reports)
""",
            "with squared distances",
        ),
        Wrong(
            "the average of the blocks' averages",
            """
def simplified_silhouette(X, centers):
    def report(block):
        a, b = np.sort(np.sqrt(((block[:, None] - centers) ** 2).sum(axis=2)), axis=1)[:, :2].T
        return ((b - a) / np.where(b > 0, b, 1)).mean()

    return np.mean(dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed().ravel()]))
""",
            "mean of the blocks' means",
        ),
        Wrong(
            "0/0 where two centres coincide",
            """
def simplified_silhouette(X, centers):
    def report(block):
        a, b = np.sort(np.sqrt(((block[:, None] - centers) ** 2).sum(axis=2)), axis=1)[:, :2].T
        with np.errstate(invalid="ignore"):
            return ((b - a) / b).sum(), len(block)

    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed().ravel()])
    return sum(s for s, _ in reports) / sum(n for _, n in reports)
""",
            "it is NaN, 0/0",
        ),
        Wrong(
            "the farthest centre as the competitor",
            """
def simplified_silhouette(X, centers):
    def report(block):
        far = np.sqrt(((block[:, None] - centers) ** 2).sum(axis=2))
        a, b = far.min(axis=1), far.max(axis=1)
        return ((b - a) / np.where(b > 0, b, 1)).sum(), len(block)

    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed().ravel()])
    return sum(s for s, _ in reports) / sum(n for _, n in reports)
""",
            "farthest centre for b",
        ),
        Wrong(
            "one ratio of two sums",
            """
def simplified_silhouette(X, centers):
    def report(block):
        a, b = np.sort(np.sqrt(((block[:, None] - centers) ** 2).sum(axis=2)), axis=1)[:, :2].T
        return (b - a).sum(), b.sum()

    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed().ravel()])
    return sum(s for s, _ in reports) / max(sum(b for _, b in reports), 1e-30)
""",
            "ratio of two sums",
        ),
        Wrong(
            "a compute per block",
            """
def simplified_silhouette(X, centers):
    def report(block):
        a, b = np.sort(np.sqrt(((block[:, None] - centers) ** 2).sum(axis=2)), axis=1)[:, :2].T
        return ((b - a) / np.where(b > 0, b, 1)).sum(), len(block)

    reports = [dask.delayed(report)(block).compute() for block in X.to_delayed(optimize_graph=False).ravel()]
    return sum(s for s, _ in reports) / sum(n for _, n in reports)
""",
            "computes where 1 is enough",
            status="wasteful",
        ),
        Wrong(
            "a layer of tasks per centre",
            """
def simplified_silhouette(X, centers):
    far = da.stack([da.sqrt(((X - center) ** 2).sum(axis=1)) for center in centers])
    a, b = da.topk(-far, 2, axis=0) * -1
    return float((da.where(b > 0, (b - a) / da.where(b > 0, b, 1), 0)).mean().compute())
""",
            "let a block do all its work in one task",
            status="wasteful",
        ),
        Wrong(
            "the rows are fetched, the work is done here",
            """
def simplified_silhouette(X, centers):
    block = X.compute()
    far = np.sqrt([((block - center) ** 2).sum(axis=1) for center in centers])
    a, b = np.sort(far, axis=0)[:2]
    return ((b - a) / np.where(b > 0, b, 1)).mean()
""",
            "the rows travelled",
            status="wasteful",
        ),
        Wrong(
            "all rows in one block first",
            """
def simplified_silhouette(X, centers):
    def report(block):
        far = np.sqrt([((block - center) ** 2).sum(axis=1) for center in centers])
        a, b = np.sort(far, axis=0)[:2]
        return ((b - a) / np.where(b > 0, b, 1)).mean()

    (block,) = X.rechunk(X.shape).to_delayed(optimize_graph=False).ravel()
    return dask.delayed(report)(block).compute()
""",
            "the rows travelled",
            status="wasteful",
        ),
        Wrong(
            "an array of shape (m, k, d)",
            """
def simplified_silhouette(X, centers):
    def report(block):
        a, b = np.sort(np.sqrt(((block[:, None] - centers) ** 2).sum(axis=2)), axis=1)[:, :2].T
        return ((b - a) / np.where(b > 0, b, 1)).sum(), len(block)

    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed(optimize_graph=False).ravel()])
    return sum(s for s, _ in reports) / sum(n for _, n in reports)
""",
            "is there an array of shape (m, k, d)?",
            status="wasteful",
        ),
        Wrong(
            "rows on two centres left out",
            """
def simplified_silhouette(X, centers):
    def report(block):
        far = np.sqrt([((block - center) ** 2).sum(axis=1) for center in centers])
        a, b = np.sort(far, axis=0)[:2]
        with np.errstate(invalid="ignore"):
            rows = (b - a) / b
        return np.nansum(rows), (~np.isnan(rows)).sum()

    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed(optimize_graph=False).ravel()])
    return sum(s for s, _ in reports) / max(sum(n for _, n in reports), 1)
""",
            "they count as rows",
        ),
        Wrong(
            "the centres turned round in place",
            """
def simplified_silhouette(X, centers):
    def report(block):
        far = np.sqrt([((block - center) ** 2).sum(axis=1) for center in centers])
        a, b = np.sort(far, axis=0)[:2]
        return ((b - a) / np.where(b > 0, b, 1)).sum(), len(block)

    centers[:] = centers[::-1].copy()
    reports = dask.compute(*[dask.delayed(report)(block) for block in X.to_delayed(optimize_graph=False).ravel()])
    return sum(s for s, _ in reports) / sum(n for _, n in reports)
""",
            "`centers` was changed in place",
        ),
    ],
}
