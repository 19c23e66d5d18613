"""Wrong answers to the exercises of chapter 03."""

from tests.wrong_answers import Wrong

WRONG = {
    "3.1": [
        Wrong(
            "each block is compared with its own mean",
            """
def share_above_mean(blocks):
    def count_above(trips):
        above = trips["speed"] > trips["hour"].map(means(hour_sums(trips)))
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    return dask.delayed(means)(dask.delayed(add_up)([dask.delayed(count_above)(block) for block in blocks]))
""",
            "compared with its own mean",
        ),
        Wrong(
            "the mean of the blocks' means",
            """
def share_above_mean(blocks):
    def mean_of_means(parts):
        return pd.concat(parts).groupby(level="hour").mean()

    def count_above(trips, mean):
        above = trips["speed"] > trips["hour"].map(mean)
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    parts = [dask.delayed(means)(dask.delayed(hour_sums)(block)) for block in blocks]
    mean = dask.delayed(mean_of_means)(parts)
    counts = [dask.delayed(count_above)(block, mean) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "the mean of the blocks' means",
        ),
        Wrong(
            "one mean for all hours",
            """
def share_above_mean(blocks):
    def count_above(trips, total):
        above = trips["speed"] > total["sum"].sum() / total["count"].sum()
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    total = dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks])
    counts = [dask.delayed(count_above)(block, total) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "not with that of their own hour",
        ),
        Wrong(
            "the shares of the blocks are averaged",
            """
def share_above_mean(blocks):
    def share(trips, mean):
        return (trips["speed"] > trips["hour"].map(mean)).groupby(trips["hour"]).mean()

    def average(parts):
        return pd.concat(parts).groupby(level="hour").mean()

    mean = dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks]))
    return dask.delayed(average)([dask.delayed(share)(block, mean) for block in blocks])
""",
            "the mean of the blocks' shares",
        ),
        Wrong(
            "the answer is computed",
            """
def share_above_mean(blocks):
    trips = pd.concat(dask.compute(*blocks))
    return (trips["speed"] > trips["hour"].map(means(hour_sums(trips)))).groupby(trips["hour"]).mean()
""",
            "build it, do not compute it",
        ),
        Wrong(
            "delayed inside a task",
            """
def share_above_mean(blocks):
    def everything(*trips):
        return dask.delayed(add_up)([hour_sums(block) for block in trips])

    return dask.delayed(everything)(*blocks)
""",
            "inside a task call plain functions",
        ),
        Wrong(
            "a block gets a new column",
            """
def share_above_mean(blocks):
    def count_above(trips, mean):
        trips["above"] = trips["speed"] > trips["hour"].map(mean)
        return trips.groupby("hour")["above"].agg(["sum", "count"])

    mean = dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks]))
    counts = [dask.delayed(count_above)(block, mean) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "changed in place",
        ),
        Wrong(
            "the means are computed in between",
            """
def share_above_mean(blocks):
    def count_above(trips, mean):
        above = trips["speed"] > trips["hour"].map(mean)
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    mean = dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks])).compute()
    counts = [dask.delayed(count_above)(block, mean) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "1 computes while the graph was built",
            status="wasteful",
        ),
        Wrong(
            "the first pass is built anew for every block",
            """
def share_above_mean(blocks):
    def count_above(trips, mean):
        above = trips["speed"] > trips["hour"].map(mean)
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    def mean():
        return dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks]))

    counts = [dask.delayed(count_above)(block, mean()) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "the first pass once per block",
            status="wasteful",
        ),
        Wrong(
            "all blocks in one task",
            """
def share_above_mean(blocks):
    def share(parts):
        trips = pd.concat(parts)
        return (trips["speed"] > trips["hour"].map(means(hour_sums(trips)))).groupby(trips["hour"]).mean()

    return dask.delayed(share)(blocks)
""",
            "Does a task take several blocks",
            status="wasteful",
        ),
        Wrong(
            "as fast as the mean counts as faster",
            """
def share_above_mean(blocks):
    def count_above(trips, mean):
        above = trips["speed"] >= trips["hour"].map(mean)
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    mean = dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks]))
    counts = [dask.delayed(count_above)(block, mean) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "a trip as fast as the mean is not faster",
        ),
        Wrong(
            "below the mean",
            """
def share_above_mean(blocks):
    def count_above(trips, mean):
        above = trips["speed"] < trips["hour"].map(mean)
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    mean = dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks]))
    counts = [dask.delayed(count_above)(block, mean) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "the trips below the mean",
        ),
        Wrong(
            "an hour without a faster trip has no share",
            """
def share_above_mean(blocks):
    def faster(trips, mean):
        return hour_sums(trips[trips["speed"] > trips["hour"].map(mean)])

    total = dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks])
    mean = dask.delayed(means)(total)
    above = dask.delayed(add_up)([dask.delayed(faster)(block, mean) for block in blocks])
    return dask.delayed(lambda above, total: above["count"] / total["count"])(above, total)
""",
            "where no trip is faster than the mean it is 0",
        ),
        Wrong(
            "every task of the second pass takes all blocks",
            """
def share_above_mean(blocks):
    def count_above(trips, all_blocks):
        above = trips["speed"] > trips["hour"].map(means(add_up([hour_sums(block) for block in all_blocks])))
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    counts = [dask.delayed(count_above)(block, blocks) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
""",
            "Does a task take several blocks",
            status="wasteful",
        ),
    ],
    "3.2": [
        Wrong(
            "all reports",
            """
def first_enough(client, reports, n_trips):
    return add_up(client.gather(reports))
""",
            "all reports were used",
        ),
        Wrong(
            "in the order in which they were sent",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = list(reports), [], 0
    while unused and arrived < n_trips:
        taken.append(unused.pop(0).result())
        arrived += taken[-1]["count"].sum()
    client.cancel(unused)
    return add_up(taken)
""",
            "take them as they complete",
        ),
        Wrong(
            "nothing is cancelled",
            """
def first_enough(client, reports, n_trips):
    taken, arrived = [], 0
    for future in as_completed(reports):
        taken.append(future.result())
        arrived += taken[-1]["count"].sum()
        if arrived >= n_trips:
            break
    return add_up(taken)
""",
            "cancel it, so that the cluster is free",
        ),
        Wrong(
            "stops when there would be more than enough",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = set(reports), [], 0
    for future in as_completed(reports):
        unused.discard(future)
        taken.append(future.result())
        arrived += taken[-1]["count"].sum()
        if arrived > n_trips:
            break
    client.cancel(list(unused))
    return add_up(taken)
""",
            "3 hold enough",
        ),
        Wrong(
            "a report too few",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = set(reports), [], 0
    for future in as_completed(reports):
        report = future.result()
        arrived += report["count"].sum()
        if arrived > n_trips:
            break
        unused.discard(future)
        taken.append(report)
    client.cancel(list(unused))
    return add_up(taken)
""",
            "that is too few",
        ),
        Wrong(
            "counts reports, not trips",
            """
def first_enough(client, reports, n_trips):
    unused, taken = set(reports), []
    for future in as_completed(reports):
        unused.discard(future)
        taken.append(future.result())
        if len(taken) >= n_trips:
            break
    client.cancel(list(unused))
    return add_up(taken)
""",
            "all reports were used, where",
        ),
        Wrong(
            "the means instead of the sums",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = set(reports), [], 0
    for future in as_completed(reports):
        unused.discard(future)
        taken.append(future.result())
        arrived += taken[-1]["count"].sum()
        if arrived >= n_trips:
            break
    client.cancel(list(unused))
    total = add_up(taken)
    return total["sum"] / total["count"]
""",
            "return their sum",
        ),
        Wrong(
            "asks for all results again and again",
            """
def first_enough(client, reports, n_trips):
    taken = []
    for future in as_completed(reports):
        taken.append(future)
        if sum(each.result()["count"].sum() for each in taken) >= n_trips:
            break
    client.cancel([future for future in reports if future not in taken])
    return add_up([future.result() for future in taken])
""",
            "keep what came",
            status="wasteful",
        ),
        Wrong(
            "waits for one report more",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = set(reports), [], 0
    for future in as_completed(reports):
        if arrived >= n_trips:
            break
        unused.discard(future)
        taken.append(future.result())
        arrived += taken[-1]["count"].sum()
    client.cancel(list(unused))
    return add_up(taken)
""",
            "and waited for one more report",
        ),
        Wrong(
            "cancels the used ones too",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = set(reports), [], 0
    for future in as_completed(reports):
        unused.discard(future)
        taken.append(future.result())
        arrived += taken[-1]["count"].sum()
        if arrived >= n_trips:
            break
    client.cancel(reports)
    return add_up(taken)
""",
            "cancel the unused ones",
        ),
        Wrong(
            "counts hours, not trips",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = set(reports), [], 0
    for future in as_completed(reports):
        unused.discard(future)
        taken.append(future.result())
        arrived += len(taken[-1])
        if arrived >= n_trips:
            break
    client.cancel(list(unused))
    return add_up(taken)
""",
            "where the 8 quick ones hold enough",
        ),
        Wrong(
            "asks again and again who is done",
            """
def first_enough(client, reports, n_trips):
    unused, taken, arrived = list(reports), [], 0
    while unused and arrived < n_trips:
        for future in [future for future in unused if future.done()]:
            unused.remove(future)
            taken.append(future.result())
            arrived += taken[-1]["count"].sum()
            if arrived >= n_trips:
                break
    client.cancel(unused)
    return add_up(taken)
""",
            "kept a core busy",
            status="wasteful",
        ),
    ],
    "3.3": [
        Wrong(
            "each block by itself",
            """
def standardise(X):
    def one(block):
        scale = block.std(axis=0)
        return (block - block.mean(axis=0)) / np.where(block.max(axis=0) > block.min(axis=0), scale, np.inf)

    return X.map_blocks(one, dtype=float)
""",
            "each block was standardised by itself",
        ),
        Wrong(
            "no axis",
            """
def standardise(X):
    return (X - X.mean()) / X.std()
""",
            "take them along axis 0",
        ),
        Wrong(
            "divided by the rows less one",
            """
def standardise(X):
    scale = X.std(axis=0, ddof=1)
    return (X - X.mean(axis=0)) / da.where(X.max(axis=0) > X.min(axis=0), scale, np.inf)
""",
            "ddof=1",
        ),
        Wrong(
            "constant columns are forgotten",
            """
def standardise(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)
""",
            "became nan",
        ),
        Wrong(
            "mean of squares less squared mean",
            """
def standardise(X):
    scale = da.sqrt(da.maximum((X**2).mean(axis=0) - X.mean(axis=0) ** 2, 0))
    return (X - X.mean(axis=0)) / da.where(X.max(axis=0) > X.min(axis=0), scale, np.inf)
""",
            "loses the digits",
        ),
        Wrong(
            "computed",
            """
def standardise(X):
    X = X.compute()
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(X.max(axis=0) > X.min(axis=0), scale, np.inf)
""",
            "build it, do not compute it",
        ),
        Wrong(
            "one block for all rows",
            """
def standardise(X):
    def whole(block):
        scale = block.std(axis=0)
        return (block - block.mean(axis=0)) / np.where(block.max(axis=0) > block.min(axis=0), scale, np.inf)

    return X.rechunk((-1, X.shape[1])).map_blocks(whole, dtype=float)
""",
            "each block can stay as it is",
        ),
        Wrong(
            "mean and deviation are computed first",
            """
def standardise(X):
    mean, scale = X.mean(axis=0).compute(), X.std(axis=0).compute()
    return (X - mean) / da.where(X.max(axis=0) > X.min(axis=0), scale, np.inf)
""",
            "2 computes while the expression was built",
            status="wasteful",
        ),
        Wrong(
            "column by column",
            """
def standardise(X):
    columns = []
    for j in range(X.shape[1]):
        column = X[:, j]
        scale = column.std()
        columns.append((column - column.mean()) / da.where(column.max() > column.min(), scale, np.inf))
    return da.stack(columns, axis=1).rechunk(X.chunks)
""",
            "does each column go through by itself",
            status="wasteful",
        ),
        Wrong(
            "a deviation that is not exactly zero",
            """
def standardise(X):
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / da.where(scale > 0, scale, 1)
""",
            "its computed deviation is not exactly 0",
        ),
        Wrong(
            "something is added to the deviation",
            """
def standardise(X):
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-8)
""",
            "is something added to the deviation",
        ),
        Wrong(
            "small deviations are taken for none",
            """
def standardise(X):
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / da.where(scale < 1e-6, np.inf, scale)
""",
            "or a small one taken for none?",
        ),
        Wrong(
            "what is not a number becomes zero",
            """
def standardise(X):
    return da.nan_to_num((X - X.mean(axis=0)) / X.std(axis=0))
""",
            "its computed deviation is not exactly 0",
        ),
        Wrong(
            "all rows in one block and back",
            """
def standardise(X):
    def whole(block):
        scale = block.std(axis=0)
        return (block - block.mean(axis=0)) / np.where(block.max(axis=0) > block.min(axis=0), scale, np.inf)

    return X.rechunk(X.shape).map_blocks(whole, dtype=float).rechunk(X.chunks)
""",
            "one task holds 10 blocks",
        ),
        Wrong(
            "the example by heart",
            """
def standardise(X):
    return da.from_array(np.array([[-1.069], [-0.535], [0.0], [1.604]]))
""",
            "has shape (4, 1)",
        ),
    ],
    "3.4": [
        Wrong(
            "the start value is changed in place",
            """
def largest_by_key(pairs, k):
    def add_one(values, pair):
        values.append(pair[1])
        values.sort(reverse=True)
        del values[k:]
        return values

    def join(one, other):
        return sorted(one + other, reverse=True)[:k]

    return pairs.foldby(lambda pair: pair[0], add_one, [], join, [])
""",
            "is the start value changed in place?",
        ),
        Wrong(
            "the merge does not cut",
            """
def largest_by_key(pairs, k):
    def add_one(values, pair):
        return sorted([*values, pair[1]], reverse=True)[:k]

    return pairs.foldby(lambda pair: pair[0], add_one, [], lambda one, other: sorted(one + other, reverse=True), [])
""",
            "must cut as well",
        ),
        Wrong(
            "the smallest",
            """
def largest_by_key(pairs, k):
    def cut(values):
        return sorted(values)[:k]

    return pairs.foldby(lambda p: p[0], lambda v, p: cut([*v, p[1]]), [], lambda a, b: cut(a + b), [])
""",
            "do not begin with the largest",
        ),
        Wrong(
            "a set of values",
            """
def largest_by_key(pairs, k):
    def cut(values):
        return sorted(set(values), reverse=True)[:k]

    return pairs.foldby(lambda p: p[0], lambda v, p: cut([*v, p[1]]), [], lambda a, b: cut(a + b), [])
""",
            "each counts for itself",
        ),
        Wrong(
            "only the first block's summary is kept",
            """
def largest_by_key(pairs, k):
    def cut(values):
        return sorted(values, reverse=True)[:k]

    return pairs.foldby(lambda p: p[0], lambda v, p: cut([*v, p[1]]), [], lambda a, b: a or b, [])
""",
            "largest of all blocks",
        ),
        Wrong(
            "the largest of each block, never merged",
            """
def largest_by_key(pairs, k):
    def summaries(part):
        found = {}
        for key, value in part:
            found[key] = sorted([*found.get(key, []), value], reverse=True)[:k]
        return list(found.items())

    return pairs.map_partitions(summaries)
""",
            "were not merged",
        ),
        Wrong(
            "computed",
            """
def largest_by_key(pairs, k):
    found = {}
    for key, value in pairs.compute():
        found[key] = sorted([*found.get(key, []), value], reverse=True)[:k]
    return found
""",
            "build it, do not compute it",
        ),
        Wrong(
            "groupby",
            """
def largest_by_key(pairs, k):
    groups = pairs.groupby(lambda pair: pair[0])
    return groups.map(lambda group: (group[0], sorted((v for _, v in group[1]), reverse=True)[:k]))
""",
            "`groupby` sends every pair",
            status="wasteful",
        ),
        Wrong(
            "all values, cut at the end",
            """
def largest_by_key(pairs, k):
    lists = pairs.foldby(lambda p: p[0], lambda v, p: [*v, p[1]], [], lambda a, b: a + b, [])
    return lists.map(lambda group: (group[0], sorted(group[1], reverse=True)[:k]))
""",
            "cut to k values inside the block",
            status="wasteful",
        ),
        Wrong(
            "keys become strings",
            """
def largest_by_key(pairs, k):
    def cut(values):
        return sorted(values, reverse=True)[:k]

    named = pairs.map(lambda p: (str(p[0]), p[1]))
    return named.foldby(lambda p: p[0], lambda v, p: cut([*v, p[1]]), [], lambda a, b: cut(a + b), [])
""",
            "the keys are",
        ),
        Wrong(
            "starts from zeros",
            """
def largest_by_key(pairs, k):
    def cut(values):
        return sorted(values, reverse=True)[:k]

    zeros = [0] * k
    return pairs.foldby(lambda p: p[0], lambda v, p: cut([*v, p[1]]), zeros, lambda a, b: cut(a + b), zeros)
""",
            "what does the start value hold?",
        ),
        Wrong(
            "merges grow, and are cut at the end",
            """
def largest_by_key(pairs, k):
    def cut(values):
        return sorted(values, reverse=True)[:k]

    lists = pairs.foldby(lambda p: p[0], lambda v, p: cut([*v, p[1]]), [], lambda a, b: a + b, [])
    return lists.map(lambda group: (group[0], cut(group[1])))
""",
            "again where two summaries are merged",
            status="wasteful",
        ),
    ],
    "3.5": [
        Wrong(
            "the mean of harmonic means",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: grouped.apply(lambda values: len(values) / (1 / values).sum()),
        lambda parts: parts.mean(),
    )
""",
            "3 trips count as much as 40",
        ),
        Wrong(
            "divides in agg",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: (grouped.count(), grouped.apply(lambda values: (1 / values).sum())),
        lambda counts, inverses: (counts.sum() / inverses.sum(), inverses.sum() / inverses.sum()),
        lambda means, ones: means,
    )
""",
            "divide in `finalize`",
        ),
        Wrong(
            "upside down",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: (grouped.count(), grouped.apply(lambda values: (1 / values).sum())),
        lambda counts, inverses: (counts.sum(), inverses.sum()),
        lambda counts, inverses: inverses / counts,
    )
""",
            "the harmonic mean is its inverse",
        ),
        Wrong(
            "the ordinary mean",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: (grouped.count(), grouped.sum()),
        lambda counts, sums: (counts.sum(), sums.sum()),
        lambda counts, sums: sums / counts,
    )
""",
            "the ordinary mean of the speeds",
        ),
        Wrong(
            "no finalize",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: grouped.apply(lambda values: (1 / values).sum()),
        lambda inverses: inverses.sum(),
    )
""",
            "divide the number of trips by it",
        ),
        Wrong(
            "a plain function",
            """
def harmonic_mean():
    return lambda values: len(values) / (1 / values).sum()
""",
            "should return a dd.Aggregation",
        ),
        Wrong(
            "every value goes to the end",
            """
def harmonic_mean():
    import pandas as pd

    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: grouped.apply(list),
        lambda lists: lists.sum(),
        lambda lists: lists.map(lambda values: pd.Series(values).count() / (1 / pd.Series(values)).sum()),
    )
""",
            "passes the values on instead of a summary",
            status="wasteful",
        ),
        Wrong(
            "divides in agg, without finalize",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: (grouped.count(), grouped.apply(lambda values: (1 / values).sum())),
        lambda counts, inverses: counts.sum() / inverses.sum(),
    )
""",
            "take and return as many numbers as",
        ),
        Wrong(
            "counts missing values",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: (grouped.size(), grouped.apply(lambda values: (1 / values).sum())),
        lambda counts, inverses: (counts.sum(), inverses.sum()),
        lambda counts, inverses: counts / inverses,
    )
""",
            "a missing value is counted",
        ),
        Wrong(
            "leaves zeros out",
            """
def harmonic_mean():
    return dd.Aggregation(
        "harmonic_mean",
        lambda grouped: (grouped.count(), grouped.apply(lambda values: (1 / values[values > 0]).sum())),
        lambda counts, inverses: (counts.sum(), inverses.sum()),
        lambda counts, inverses: counts / inverses,
    )
""",
            "a zero is left out",
        ),
        Wrong(
            "the median",
            """
def harmonic_mean():
    return dd.Aggregation("harmonic_mean", lambda grouped: grouped.median(), lambda medians: medians.median())
""",
            "the harmonic mean before there is a tree is off",
        ),
    ],
    "3.6": [
        Wrong(
            "an input in the same step",
            """
def schedule(needs, places, n_workers):
    done, steps = set(), []
    while len(done) < len(needs):
        step = []
        while len(step) < n_workers:
            ready = [task for task in needs if task not in done and done.issuperset(needs[task])]
            if not ready:
                break
            step.append(min(ready, key=places.get))
            done.add(step[-1])
        steps.append(step)
    return steps
""",
            "must be done in an earlier step",
        ),
        Wrong(
            "level by level",
            """
def schedule(needs, places, n_workers):
    done, steps = set(), []
    while len(done) < len(needs):
        level = sorted((t for t in needs if t not in done and done.issuperset(needs[t])), key=places.get)
        steps += [level[i : i + n_workers] for i in range(0, len(level), n_workers)]
        done.update(level)
    return steps
""",
            "No step waits for a whole level",
        ),
        Wrong(
            "by place alone, whether ready or not",
            """
def schedule(needs, places, n_workers):
    queue = sorted(needs, key=places.get)
    return [queue[i : i + n_workers] for i in range(0, len(queue), n_workers)]
""",
            "runs before an input of it is done",
        ),
        Wrong(
            "waits for its turn",
            """
def schedule(needs, places, n_workers):
    queue, done, steps = sorted(needs, key=places.get), set(), []
    while queue:
        step = []
        while queue and len(step) < n_workers and done.issuperset(needs[queue[0]]):
            step.append(queue.pop(0))
        if not step:
            later = next(task for task in queue if done.issuperset(needs[task]))
            queue.remove(later)
            step.append(later)
        steps.append(step)
        done.update(step)
    return steps
""",
            "a worker has nothing to do",
        ),
        Wrong(
            "in the order of the dictionary",
            """
def schedule(needs, places, n_workers):
    done, steps = set(), []
    while len(done) < len(needs):
        ready = [task for task in needs if task not in done and done.issuperset(needs[task])]
        steps.append(ready[:n_workers])
        done.update(steps[-1])
    return steps
""",
            "that one goes first",
        ),
        Wrong(
            "any number of workers",
            """
def schedule(needs, places, n_workers):
    done, steps = set(), []
    while len(done) < len(needs):
        ready = [task for task in needs if task not in done and done.issuperset(needs[task])]
        steps.append(sorted(ready, key=places.get))
        done.update(ready)
    return steps
""",
            "tasks for 3 workers",
        ),
        Wrong(
            "the graph is used up",
            """
def schedule(needs, places, n_workers):
    done, steps = set(), []
    while needs:
        ready = sorted((task for task in needs if done.issuperset(needs[task])), key=places.get)[:n_workers]
        for task in ready:
            del needs[task]
        done.update(ready)
        steps.append(ready)
    return steps
""",
            "changed in place",
        ),
        Wrong(
            "an empty step at the end",
            """
def schedule(needs, places, n_workers):
    done, steps = set(), []
    while not steps or steps[-1]:
        ready = [task for task in needs if task not in done and done.issuperset(needs[task])]
        steps.append(sorted(ready, key=places.get)[:n_workers])
        done.update(steps[-1])
    return steps
""",
            "is empty, though no worker has to wait there",
        ),
        Wrong(
            "waits for ever for its turn",
            """
def schedule(needs, places, n_workers):
    queue, done, steps = sorted(needs, key=places.get), set(), []
    while queue:
        step = []
        while queue and len(step) < n_workers and done.issuperset(needs[queue[0]]):
            step.append(queue.pop(0))
        steps.append(step)
        done.update(step)
    return steps
""",
            "it does not end",
        ),
    ],
}
