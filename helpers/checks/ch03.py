"""Chapter 03, the core API: exercises 3.1 to 3.6 and their checks."""

import operator
import sys
import time

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.callbacks import Callback
from distributed import Event, wait

from helpers.expect import expect_close, expect_lazy, value_of
from helpers.judging import Exercise, LearnerError
from helpers.words import _

two_passes = Exercise(
    "3.1",
    "Two passes, one graph",
    points=4,
    minutes=15,
    difficulty=3,
    hints=[
        "The first pass is the chapter's own: reports of all blocks, added up, then `means`. Do not compute it: a "
        "Delayed can be an argument of the next delayed function, whole.",
        "Write a plain function of one block and the means. `trips['hour'].map(mean)` gives each trip the mean of its "
        "hour; per hour, report how many trips lie above and how many there are. Such reports add up, too.",
    ],
)


def _trips(rng, sizes):
    """Blocks of trips with columns hour and speed; few hours, so that a block may lack one."""
    return [
        pd.DataFrame({"hour": rng.integers(6, 10, size), "speed": (rng.gamma(4, 3, size) + 1) * rng.uniform(0.5, 2)})
        for size in sizes
    ]


def _share(trips, mean):
    above = trips["speed"] > (trips["hour"].map(mean) if isinstance(mean, pd.Series) else mean)
    return above.groupby(trips["hour"]).mean()


def _by_hour(trips):
    return trips.groupby("hour")["speed"].mean()


@two_passes.check
def equals_pandas(share_above_mean, rng):
    """The shares are those that pandas finds in all trips at once."""
    blocks = _trips(rng, [5, 40, 17, 80])
    # At 11 o'clock all trips are equally fast, at 12 there is one: none is above its mean.
    level = pd.DataFrame({"hour": [11, 11, 12], "speed": [8.0, 8.0, 9.0]})
    blocks[1:3] = [pd.concat([blocks[1], level]), pd.concat([blocks[2], level[:1]])]
    together = pd.concat(blocks)
    expected = _share(together, _by_hour(together))
    difference = together["speed"] - together["hour"].map(_by_hour(together))
    of_means = pd.concat([_by_hour(block) for block in blocks]).groupby(level=0).mean()
    own = pd.concat([_share(block, _by_hour(block)) * block.groupby("hour").size() for block in blocks])
    shares = pd.concat([_share(block, _by_hour(together)) for block in blocks])
    lazy = share_above_mean([dask.delayed(block) for block in blocks])
    expect_lazy(lazy, _("the answer"))
    found = value_of(lazy, _("the answer"))
    assert not dask.is_dask_collection(found) and not isinstance(found, list), _(
        "the answer, computed, is a {kind} that holds lazy values: inside a task call plain functions, and pass a list "
        "of Delayed to a delayed function"
    ).format(kind=type(found).__name__)
    mistakes = {
        _("each block was compared with its own mean: the means must come from all blocks together"): (
            own.groupby(level=0).sum() / together.groupby("hour").size()
        ),
        _("the trips were compared with the mean of the blocks' means: means do not add up"): _share(
            together, of_means
        ),
        _("the trips were compared with the mean over all hours, not with that of their own hour"): _share(
            together, together["speed"].mean()
        ),
        _("this is the mean of the blocks' shares: a block of 5 trips counts as much as one of 80"): shares.groupby(
            level=0
        ).mean(),
        _("a trip as fast as the mean is not faster than it"): (difference >= 0).groupby(together["hour"]).mean(),
        _("this is the share of the trips below the mean"): (difference < 0).groupby(together["hour"]).mean(),
        _("these are numbers of trips: divide them by the trips of the hour"): (
            expected * together.groupby("hour").size()
        ),
    }
    if isinstance(found, pd.Series):
        lost = sorted(set(expected.index) - set(found.dropna().index))
        assert not lost, _("hour {hour} has no share: where no trip is faster than the mean it is 0").format(
            hour=next(iter(lost), None)
        )
    if isinstance(found, pd.Series) and set(found.index) == set(expected.index):
        assert list(found.index) == list(expected.index), _("the hours are not sorted: they come as {hours}").format(
            hours=list(found.index)
        )
    # Shares are fractions of few trips: by chance a mistake can give the right ones.
    mistakes = {sentence: value for sentence, value in mistakes.items() if not np.allclose(value, expected)}
    expect_close(found, expected, _("the share by hour"), mistakes=mistakes)


@two_passes.check
def leaves_the_blocks_alone(share_above_mean):
    """The blocks are not changed: other tasks may need them."""
    block = _trips(np.random.default_rng(3), [20])[0]
    kept = block.copy()
    with dask.config.set(scheduler="sync"):
        value_of(share_above_mean([dask.delayed(block, traverse=False)]), _("the answer"))
    assert block.equals(kept), _("a block was changed in place: a task may not change its input, work on a copy")


@two_passes.check
def computes_nothing(share_above_mean, reference, cost):
    """Nothing is computed while the graph is built, and the graph is no larger than needed."""
    blocks = [dask.delayed(block) for block in _trips(np.random.default_rng(3), [8] * 6)]
    mine = cost.of(share_above_mean, blocks)
    assert mine.computes == 0, _(
        "right answer, but {mine} computes while the graph was built: hand the lazy means on, both passes fit into one "
        "graph"
    ).format(mine=mine.computes)
    mine = cost.of(lambda: mine.result.compute())
    theirs = cost.of(lambda: reference.share_above_mean(blocks).compute())
    assert mine.tasks <= 1.5 * theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} are enough: is something done once per pair of blocks, or the "
        "first pass once per block?"
    ).format(mine=mine.tasks, theirs=theirs.tasks)


@two_passes.check
def blocks_stay_apart(share_above_mean, reference, client, cost):
    """Only reports and means travel, the blocks stay where they are."""
    workers = list(client.nthreads())
    trips = _trips(np.random.default_rng(3), [20_000] * 4)
    blocks = []
    for i, block in enumerate(trips):
        lazy = dask.delayed(pd.DataFrame)({name: block[name].to_numpy() for name in block})
        blocks.append(client.persist(lazy, workers=[workers[i % len(workers)]]))
    wait(blocks)
    size = trips[0].memory_usage(index=False).sum()
    mine = cost.of(lambda: share_above_mean(blocks).compute())
    theirs = cost.of(lambda: reference.share_above_mean(blocks).compute())
    assert mine.bytes <= theirs.bytes + size / 2, _(
        "right answer, but {mine:.1f} MB went over the wire where {theirs:.2f} MB are enough: blocks of {block:.1f} MB "
        "left their worker. Does a task take several blocks, or is a pass built more than once?"
    ).format(mine=mine.bytes / 1e6, theirs=theirs.bytes / 1e6, block=size / 1e6)


enough = Exercise(
    "3.2",
    "Enough is enough",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "`for future in as_completed(reports)` hands them out as they finish. A loop can end early.",
        "Keep a set of the futures that did not come yet, or that you did not use. `client.cancel` takes a list.",
    ],
)


def _report(i):
    """Ten trips: five at hour 0, which all reports have, and five at an hour of their own."""
    return pd.DataFrame({"sum": [1.0 + i, 10.0 * i], "count": [5, 5]}, index=pd.Index([0, i + 1], name="hour"))


def _reports(client, n=8):
    """Futures of reports, each on its way."""
    return [client.submit(operator.getitem, [_report(i)], 0, pure=False) for i in range(n)]


def _late(client, i, seconds):
    """An event that lets the report `i` come, `seconds` later at the latest; what waits for it; that report."""
    event = Event(client=client)
    gate = client.submit(Event.wait, event, timeout=seconds, pure=False)
    return event, gate, client.submit(operator.getitem, [_report(i), gate], 0, pure=False)


def _used(found):
    """Numbers of the reports in the sum `found`."""
    assert isinstance(found, pd.DataFrame) and list(found.columns) == ["sum", "count"], _(
        "the answer should be a frame with the columns sum and count, but it is a {kind}: fetch the reports, "
        "and return their sum"
    ).format(kind=type(found).__name__)
    return [int(hour) - 1 for hour in found.index if hour]


@enough.check
def stops_when_it_has_enough(first_enough, client):
    """It adds up the reports that came first, and no more than needed."""
    for n_trips, needed in ((31, 4), (30, 3)):
        reports = _reports(client)
        wait(reports)
        found = first_enough(client, reports, n_trips)
        used = _used(found)
        assert len(used) >= needed, _(
            "asked for {n_trips} trips you used {used} reports of 10 trips each: that is too few"
        ).format(n_trips=n_trips, used=len(used))
        assert len(used) < len(reports), _("all reports were used, where {needed} of them hold enough trips").format(
            needed=needed
        )
        assert len(used) == needed, _(
            "asked for {n_trips} trips you used {used} reports of 10 trips each: {needed} hold enough"
        ).format(n_trips=n_trips, used=len(used), needed=needed)
        expected = pd.concat([_report(i) for i in used]).groupby(level=0).sum()
        expect_close(found, expected, _("the sum of the reports"))


@enough.check
def does_not_wait_for_a_slow_one(first_enough, client):
    """It does not wait for a report that comes late; what was not used is cancelled, and nothing else."""
    quick = _reports(client)
    wait(quick)
    event, gate, late = _late(client, 8, seconds=3)
    reports = [late, *quick]
    found = first_enough(client, reports, 80)
    in_time = not gate.done()
    event.set()
    used = _used(found)
    assert len(used) < len(reports), _("all reports were used, where the 8 quick ones hold enough trips")
    assert 8 not in used, _(
        "the first report is on a slow disk, and you waited for it: take them as they complete, not as they were sent"
    )
    assert in_time, _("you had enough trips, and waited for one more report: stop as soon as there are enough")
    assert late.cancelled(), _(
        "a report that was not used is still to come: cancel it, so that the cluster is free for other work"
    )
    assert not any(report.cancelled() for report in quick), _(
        "reports that were used are cancelled as well: whoever else holds them loses them, so cancel the unused ones"
    )


@enough.check
def takes_all_where_none_suffice(first_enough, client):
    """Where all reports together hold too few trips, it returns the sum of all."""
    found = first_enough(client, _reports(client, n=3), 1_000)
    assert len(_used(found)) == 3, _("with 3 reports and too few trips you used {used} of them: take all").format(
        used=len(_used(found))
    )


@enough.check
def fetches_each_report_once(first_enough, reference, client, cost):
    """A report is fetched once, and nothing is computed here while reports are on their way."""

    def measured(function):
        _event, _gate, late = _late(client, 11, seconds=0.6)
        begin = time.thread_time()
        bill = cost.of(function, client, [late, *_reports(client, n=11)], 120)
        return bill, time.thread_time() - begin

    mine, my_seconds = measured(first_enough)
    theirs, their_seconds = measured(reference.first_enough)
    assert mine.fetches <= 1.5 * theirs.fetches, _(
        "right answer, but {mine} fetches where {theirs} are enough: each `result()` fetches again, so keep what came"
    ).format(mine=mine.fetches, theirs=theirs.fetches)
    assert my_seconds <= their_seconds + 0.15, _(
        "right answer, but your loop kept a core busy for {mine:.1f} s while it waited: `as_completed` sleeps until a "
        "report comes"
    ).format(mine=my_seconds)


standard = Exercise(
    "3.3",
    "Standardise, and stay lazy",
    points=3,
    minutes=10,
    difficulty=2,
    hints=[
        "`X.mean(axis=0)` and `X.std(axis=0)` are lazy arrays of one entry per column, and NumPy's rules for adding a "
        "row to a table hold for Dask arrays.",
        "A column is constant where its largest entry equals its smallest. There, let `da.where` put another number "
        "in place of the deviation: divided by infinity (`np.inf`), anything finite is 0.",
    ],
)


def _standardised(X):
    return (X - X.mean(axis=0)) / np.where(X.max(axis=0) > X.min(axis=0), X.std(axis=0), np.inf)


def _of_blocks(standardise, X, cuts):
    """What the answer makes of `X` cut into blocks of `cuts` rows, and the largest array that a task returned."""
    table = da.concatenate([da.from_array(part, chunks=-1) for part in np.split(X, np.cumsum(cuts)[:-1])])
    sizes = [0]

    def look(key, result, *_rest):
        if not str(key).startswith("finalize"):  # Dask's own: the blocks, put together for who asked
            sizes.append(getattr(result, "nbytes", 0))

    with dask.config.set(scheduler="sync"), np.errstate(all="ignore"), Callback(posttask=look):
        found = value_of(standardise(table), _("the standardised table"))
    return found, max(sizes)


@standard.check
def columns_as_numpy_would(standardise, rng):
    """The columns have mean 0 and standard deviation 1, over all blocks together."""
    X = rng.normal(size=(60, 3)) * [1.0, 20.0, 0.1] + [0.0, 5.0, -3.0] + np.linspace(0, 2, 60)[:, None]
    cuts = [7, 33, 20]
    parts = np.split(X, np.cumsum(cuts)[:-1])
    found, _size = _of_blocks(standardise, X, cuts)
    mistakes = {
        _("each block was standardised by itself: mean and deviation are those of all rows"): np.concatenate(
            [_standardised(part) for part in parts]
        ),
        _("mean and deviation are taken over the whole table: take them along axis 0, per column"): (
            (X - X.mean()) / X.std()
        ),
        _("this is the deviation that divides by the rows less one (ddof=1)"): (X - X.mean(axis=0))
        / X.std(axis=0, ddof=1),
        _("the columns were divided by their variance: the deviation is its root"): (X - X.mean(axis=0))
        / X.var(axis=0),
        _("the mean is still in the columns"): X / X.std(axis=0),
        _("the columns are centred, but not divided by their deviation"): X - X.mean(axis=0),
    }
    expect_close(found, _standardised(X), _("the standardised table"), rtol=1e-6, atol=1e-8, mistakes=mistakes)


@standard.check
def constant_columns_become_zeros(standardise):
    """A constant column becomes zeros, whatever its value."""
    constants = [7.0, 0.0, 0.1, 0.3, 1.1, 1e5 + 0.1]
    X = np.column_stack([*[np.full(60, value) for value in constants], np.arange(60.0)])
    found, _size = _of_blocks(standardise, X, [20, 20, 20])
    assert not np.isnan(np.asarray(found, dtype=float)).any(), _(
        "a constant column became nan: it has no deviation to divide by"
    )
    if np.shape(found) == X.shape:
        off = [value for value, column in zip(constants, found.T, strict=False) if abs(column).max() > 1e-6]
        assert not off, _(
            "a column of {value} only does not become zeros: its computed deviation is not exactly 0, because the mean "
            "of many {value} is rounded. Tell a constant column by its entries"
        ).format(value=next(iter(off), None))
    expect_close(found, _standardised(X), _("the table with constant columns"), atol=1e-6)


@standard.check
def any_magnitude(standardise, rng):
    """Columns far from zero keep their digits, and columns of tiny numbers count as any other."""
    X, cuts = rng.normal(size=(50, 2)), [20, 20, 10]
    plain, far, tiny = (_of_blocks(standardise, table, cuts)[0] for table in (X, X + 1e9, X * 1e-9))
    expect_close(plain, _standardised(X), _("a table of ordinary numbers"), rtol=1e-6, atol=1e-8)
    assert np.allclose(far, plain, rtol=1e-4, atol=1e-4), _(
        "columns near a billion come out wrong, and the same columns near zero do not: a mean of squares less a "
        "squared mean loses the digits; subtract first"
    )
    assert np.allclose(tiny, plain, rtol=1e-4, atol=1e-4), _(
        "columns of billionths come out wrong, and a billion times larger they do not: is something added to the "
        "deviation, or a small one taken for none?"
    )


@standard.check
def blocks_stay_apart_in_the_table(standardise):
    """No task holds more than a block."""
    X, cuts = np.random.default_rng(3).normal(size=(100, 4)), [10] * 10
    found, size = _of_blocks(standardise, X, cuts)
    assert size <= 3 * X.nbytes / len(cuts), _(
        "one task holds {times:.0f} blocks: a table that fits in one block needs no Dask, so bring only sums together"
    ).format(times=size * len(cuts) / X.nbytes)


@standard.check
def lazy_and_cut_as_before(standardise):
    """The answer is a lazy array with the chunks of X."""
    X = da.from_array(np.random.default_rng(3).normal(size=(30, 2)), chunks=((4, 20, 6), 2))
    found = standardise(X)
    expect_lazy(found, _("the standardised table"))
    assert getattr(found, "chunks", None) == X.chunks, _(
        "the chunks are now {found}, and were {before}: each block can stay as it is"
    ).format(found=getattr(found, "chunks", None), before=X.chunks)


@standard.check
def one_expression(standardise, reference, cost):
    """Nothing is computed while it is built, and the columns go through together."""
    X = da.from_array(np.random.default_rng(3).normal(size=(80, 6)), chunks=(10, 6))
    mine = cost.of(standardise, X)
    assert mine.computes == 0, _(
        "right answer, but {mine} computes while the expression was built: `mean` and `std` can stay lazy"
    ).format(mine=mine.computes)
    mine = cost.of(lambda: mine.result.compute())
    theirs = cost.of(lambda: reference.standardise(X).compute())
    assert mine.tasks <= 1.5 * theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} are enough: does each column go through by itself, or is "
        "something worked out twice?"
    ).format(mine=mine.tasks, theirs=theirs.tasks)


largest = Exercise(
    "3.4",
    "The largest few of each key",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "A summary is a short list. One function adds a value to it and cuts it to k, the other joins two summaries "
        "and cuts again.",
        "`pairs.foldby(key, binop, initial, combine, combine_initial)`: `binop(values, pair)` and "
        "`combine(values, values)` return new lists, because the empty list they start from is shared.",
    ],
)


def _pairs(rng, n, keys="abcd", least=1):
    which, values = rng.integers(len(keys), size=n), rng.integers(least, least + 40, size=n)
    return [(keys[i], int(value)) for i, value in zip(which, values, strict=True)]


def _largest(pairs, k):
    return {key: sorted((v for other, v in pairs if other == key), reverse=True)[:k] for key in {p[0] for p in pairs}}


def _expect_largest(found, pairs, k):
    values = value_of(found, _("the bag"))
    try:
        found = dict(values)
        lists = {key: [value + 0 for value in some] for key, some in found.items()}
    except (TypeError, ValueError):
        raise AssertionError(
            _("the bag should hold (key, list of values), but its first item is {item!r}").format(
                item=next(iter(values), None)
            )
        ) from None
    assert len(found) == len(values), _("a key turns up more than once: the blocks' summaries were not merged")
    expected = _largest(pairs, k)
    assert set(lists) == set(expected), _("the keys are {found}, expected are {expected}").format(
        found=sorted(map(repr, lists)), expected=sorted(map(repr, expected))
    )
    for key, some in lists.items():
        of_key = [value for other, value in pairs if other == key]
        foreign = [value for value in some if value not in of_key]
        assert not set(foreign) & {value for _other, value in pairs}, _(
            "key {key!r} has values of another key: is the start value changed in place? It is shared by all keys of a "
            "block"
        ).format(key=key)
        assert not foreign, _(
            "key {key!r} has the value {value}, which no pair has: what does the start value hold?"
        ).format(key=key, value=next(iter(foreign), None))
        assert len(some) <= k, _(
            "key {key!r} has {found} values where k is {k}: the function that merges two summaries must cut as well"
        ).format(key=key, found=len(some), k=k)
        assert some == sorted(some, reverse=True), _("the values of key {key!r} do not begin with the largest").format(
            key=key
        )
        assert some != sorted(set(of_key), reverse=True)[:k] or some == expected[key], _(
            "equal values of key {key!r} were counted once: each counts for itself"
        ).format(key=key)
        twice = [value for value in some if some.count(value) > of_key.count(value)]
        assert not twice, _(
            "the value {value} of key {key!r} turns up more often than it is in the pairs: does the merge add it twice?"
        ).format(value=twice[0] if twice else None, key=key)
        assert len(some) == len(expected[key]), _(
            "key {key!r} has {found} values, and there are {expected} to give"
        ).format(key=key, found=len(some), expected=len(expected[key]))
        assert some == expected[key], _("the values of key {key!r} are not the {k} largest of all blocks").format(
            key=key, k=k
        )


@largest.check
def equals_sorting_everything(largest_by_key, rng):
    """The lists are those that sorting all pairs would give."""
    pairs = _pairs(rng, 90) + [("rare", 1), ("rare", 1)]
    found = largest_by_key(db.from_sequence(pairs, npartitions=6), 3)
    expect_lazy(found, _("the answer"))
    with dask.config.set(scheduler="sync"):
        _expect_largest(found, pairs, 3)


@largest.check
def any_k(largest_by_key, rng):
    """It works for k = 1, for one block, for keys and values of other kinds."""
    pairs = _pairs(rng, 30, keys=[7, 8, (9, "x")], least=-60)
    with dask.config.set(scheduler="sync"):
        _expect_largest(largest_by_key(db.from_sequence(pairs, npartitions=1), 5), pairs, 5)
        _expect_largest(largest_by_key(db.from_sequence(pairs, npartitions=5), 1), pairs, 1)


@largest.check
def only_summaries_travel(largest_by_key, reference, client, cost):
    """Summaries of at most k values travel, not the pairs: out of a block, and out of a merge."""
    pairs = _pairs(np.random.default_rng(3), 8_000)
    bag = client.persist(db.from_sequence(pairs, npartitions=8))
    wait(bag)
    mine = cost.of(largest_by_key, bag, 3)
    assert mine.computes == 0, _("right answer, but {mine} computes while the bag was built: return a lazy bag").format(
        mine=mine.computes
    )
    mine = cost.of(lambda: mine.result.compute())
    theirs = cost.of(lambda: reference.largest_by_key(bag, 3).compute())
    assert mine.tasks <= 2 * theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} are enough: `groupby` sends every pair from block to block, "
        "`foldby` only summaries"
    ).format(mine=mine.tasks, theirs=theirs.tasks)
    longest = _longest_list(largest_by_key(db.from_sequence(pairs, npartitions=8), 3))
    assert longest <= 3, _(
        "right answer, but a summary of {longest} values came out of a task where k is 3: cut to k values inside the "
        "block, and again where two summaries are merged"
    ).format(longest=longest)


def _longest_list(bag):
    """The most values of one key in what any task of `bag` returns."""
    lengths = [0]

    def look(_key, result, *_rest):
        items = result.items() if isinstance(result, dict) else result if isinstance(result, list) else ()
        pairs = [item for item in items if isinstance(item, tuple) and len(item) == 2]
        lengths.extend(len(value) for _name, value in pairs if isinstance(value, list | tuple))

    with dask.config.set(scheduler="sync"), Callback(posttask=look):
        bag.compute(optimize_graph=False)
    return max(lengths)


harmonic = Exercise(
    "3.5",
    "An aggregation that Dask does not have",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "What must a partition report, so that reports add up and the harmonic mean can be made of the sums?",
        "`chunk` returns a tuple, `(grouped.count(), grouped.apply(lambda values: (1 / values).sum()))`. `agg` gets "
        "one grouped Series for each of the two and adds it up; `finalize` divides.",
    ],
)


def _speeds(sizes, seed=3):
    """Trips as one frame, cut into partitions of `sizes` rows."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"hour": rng.integers(3, size=size), "speed": rng.uniform(1, 9, size) * (1 + i), "part": i})
        for i, size in enumerate(sizes)
    ]
    return pd.concat(parts, ignore_index=True)


def _lazy(frame):
    """`frame` with one partition per value of its column part."""
    parts = [dd.from_pandas(part, npartitions=1, sort=False) for _part, part in frame.groupby("part")]
    return dd.concat(parts)


def _harmonic(values):
    return values.count() / (1 / values).sum()


def _aggregated(frame, aggregation, **options):
    assert isinstance(aggregation, dd.Aggregation), _(
        "harmonic_mean() should return a dd.Aggregation, but it returns a {kind}"
    ).format(kind=type(aggregation).__name__)
    with dask.config.set(scheduler="sync"):
        try:
            return frame.groupby("hour")["speed"].agg(aggregation, **options).compute().sort_index()
        except Exception as error:
            raise LearnerError(
                _(
                    "Dask could not apply it ({kind}: {error}). Let `agg` take and return as many numbers as `chunk` "
                    "returns, in a tuple where there are several, and `finalize` make one number of them"
                ).format(kind=type(error).__name__, error=error)
            ) from error


@harmonic.check
def equals_pandas_in_one_step(harmonic_mean):
    """With a few unequal partitions it gives what pandas gives."""
    frame = _speeds([3, 40, 11])
    speed = frame.groupby("hour")["speed"]
    by_part = frame.groupby(["part", "hour"])["speed"].apply(_harmonic).groupby("hour").mean()
    inverse = (1 / frame["speed"]).groupby(frame["hour"])
    mistakes = {
        _("this is the mean of the partitions' harmonic means: 3 trips count as much as 40"): by_part,
        _("this is the ordinary mean of the speeds"): speed.mean(),
        _("this is the mean of 1/speed: the harmonic mean is its inverse"): inverse.mean(),
        _("this is the sum of 1/speed: divide the number of trips by it"): inverse.sum(),
    }
    expect_close(
        _aggregated(_lazy(frame), harmonic_mean()),
        speed.apply(_harmonic),
        _("the harmonic mean by hour"),
        mistakes=mistakes,
    )


@harmonic.check
def equals_pandas_in_a_tree(harmonic_mean):
    """With partitions that are added up in a tree it gives the same."""
    frame = _speeds([20, 4, 9, 16, 2, 30])
    expected = frame.groupby("hour")["speed"].apply(_harmonic)
    expect_close(_aggregated(_lazy(frame), harmonic_mean()), expected, _("the harmonic mean before there is a tree"))
    found = _aggregated(_lazy(frame), harmonic_mean(), split_every=2)
    assert np.shape(found) == expected.shape and np.allclose(found, expected), _(
        "right for few partitions, and wrong where `agg` runs on several levels of a tree: what it returns is given to "
        "it again, so let it only add up, and divide in `finalize`"
    )


@harmonic.check
def any_data(harmonic_mean, rng):
    """Other hours, other speeds, one partition; a missing value does not count, and a zero does."""
    frame = pd.DataFrame({"hour": rng.integers(20, 23, 30), "speed": rng.uniform(0.5, 50, 30)})
    frame.loc[3, "speed"] = np.nan
    frame.loc[[8, 9]] = [[23, 0.0], [23, 10.0]]
    grouped = frame.groupby("hour")["speed"]
    missing = _("a missing value is counted: `size` counts rows, `count` counts values")
    zeros = _("a zero is left out: 1/0 is infinite, and the harmonic mean is then 0")
    mistakes = {
        missing: grouped.apply(lambda values: len(values) / (1 / values).sum()),
        zeros: grouped.apply(lambda values: values.count() / (1 / values[values > 0]).sum()),
    }
    found = _aggregated(dd.from_pandas(frame, npartitions=1), harmonic_mean())
    expect_close(found, grouped.apply(_harmonic), _("the harmonic mean by hour"), mistakes=mistakes)


@harmonic.check
def reports_are_small(harmonic_mean, reference, client, cost):
    """A partition reports a few numbers per group, however many rows it has."""
    frame = client.persist(_lazy(_speeds([20_000] * 4)))
    wait(frame)
    mine = cost.of(lambda: frame.groupby("hour")["speed"].agg(harmonic_mean()).compute())
    theirs = cost.of(lambda: frame.groupby("hour")["speed"].agg(reference.harmonic_mean()).compute())
    assert mine.bytes <= 3 * theirs.bytes, _(
        "right answer, but {mine:.0f} kB went over the wire where {theirs:.0f} kB are enough: `chunk` passes the "
        "values on instead of a summary"
    ).format(mine=mine.bytes / 1e3, theirs=theirs.bytes / 1e3)


predict = Exercise(
    "3.6",
    "Predict the schedule",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "Keep the set of tasks that are done. A task is ready when all it needs is in that set; update the set only "
        "after the step is complete.",
        "`sorted(ready, key=places.get)[:n_workers]` is one step. Go on until every task is done.",
    ],
)


def _steps(needs, places, n_workers):
    done, steps = set(), []
    while len(done) < len(needs):
        ready = sorted((t for t in needs if t not in done and set(needs[t]) <= done), key=places.get)
        steps.append(ready[:n_workers])
        done |= set(steps[-1])
    return steps


def _graph(rng, n):
    """A random graph of `n` tasks, and a random place for each, not always behind its inputs."""
    tasks = [f"t{i}" for i in range(n)]
    needs = {
        t: [str(s) for s in rng.choice(tasks[:i], min(i, int(rng.integers(3))), replace=False)]
        for i, t in enumerate(tasks)
    }
    shuffled = [tasks[i] for i in rng.permutation(n)]
    return {task: needs[task] for task in shuffled}, {t: int(p) for t, p in zip(tasks, rng.permutation(n), strict=True)}


def _ended(schedule, needs, places, n_workers, most=100_000):
    """`schedule(...)`, given up after `most` lines: an answer that waits for ever would fill the memory."""
    left = most

    def count(_frame, _event, _value):
        nonlocal left
        left -= 1
        if left < 0:
            raise LearnerError(
                _("it does not end: a task that is not ready must not stop the others, which may have larger places")
            )
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return schedule(needs, places, n_workers)
    finally:
        sys.settrace(before)


def _expect_schedule(found, needs, places, n_workers):
    """`found` obeys every rule of a schedule; each broken rule has its own sentence."""
    assert isinstance(found, list) and all(isinstance(step, list) for step in found), _(
        "a schedule is a list of lists, one list of tasks per step; this is {found!r:.80}"
    ).format(found=found)
    run = [task for step in found for task in step]
    assert len(run) == len(set(run)), _("task {task!r} runs twice").format(
        task=next((task for task in run if run.count(task) > 1), None)
    )
    assert set(run) == set(needs), _("{n} of {of} tasks never run").format(n=len(set(needs) - set(run)), of=len(needs))
    done: set = set()
    for number, step in enumerate(found, start=1):
        assert step, _("step {number} is empty, though no worker has to wait there").format(number=number)
        early = [task for task in step if not set(needs[task]) <= done]
        assert not early, _(
            "in step {number} task {task!r} runs before an input of it is done: inputs must be done in an earlier step"
        ).format(number=number, task=early[0])
        assert len(step) <= n_workers, _("step {number} has {n} tasks for {workers} workers").format(
            number=number, n=len(step), workers=n_workers
        )
        ready = sorted((task for task in needs if task not in done and set(needs[task]) <= done), key=places.get)
        assert len(step) == min(n_workers, len(ready)), _(
            "in step {number} a worker has nothing to do, though a task is ready: {task!r}. No step waits for a whole "
            "level of the graph, and no task for its turn"
        ).format(number=number, task=next(iter(task for task in ready if task not in step), None))
        assert set(step) == set(ready[:n_workers]), _(
            "in step {number} another ready task has a smaller place than {task!r}: that one goes first"
        ).format(number=number, task=max(step, key=places.get))
        assert step == ready[:n_workers], _("step {number} is not sorted by place").format(number=number)
        done |= set(step)


@predict.check
def a_tree_on_a_few_workers(schedule):
    """A tree on two or three workers: each step takes the ready tasks with the smallest places."""
    needs = {"a": [], "b": [], "c": [], "d": [], "x": ["a", "b"], "y": ["c", "d"], "z": ["x", "y"]}
    for order in ("abxcdyz", "abcdxyz", "dcybaxz", "acxbyzd"):
        places = {task: place for place, task in enumerate(order)}
        for n_workers in (3, 2):
            _expect_schedule(_ended(schedule, dict(needs), dict(places), n_workers), needs, places, n_workers)


@predict.check
def any_graph_and_any_number_of_workers(schedule, rng):
    """Random graphs, on one worker up to as many as there are tasks."""
    for n_workers in (1, 2, 3, 12):
        needs, places = _graph(rng, 12)
        _expect_schedule(_ended(schedule, dict(needs), dict(places), n_workers), needs, places, n_workers)


@predict.check
def leaves_the_graph_alone(schedule):
    """The graph is not changed: it is to run afterwards."""
    needs, places = _graph(np.random.default_rng(3), 10)
    before = {task: list(inputs) for task, inputs in needs.items()}, dict(places)
    _ended(schedule, needs, places, 2)
    assert (needs, places) == before, _("`needs` or `places` was changed in place: work on copies")
