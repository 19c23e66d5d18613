"""Chapter 06, k-means: exercises 6.1 to 6.6 and their checks."""

import tracemalloc

import dask
import dask.array as da
import numpy as np
from distributed import wait

from helpers.expect import expect_close, expect_shape
from helpers.judging import Exercise
from helpers.words import _


def _squared(X, centers):
    """Squared distances (n, k), by the plain formula."""
    return ((X[:, None, :] - centers) ** 2).sum(axis=2)


def _pair(value, what, names):
    """The two parts of `value`; refused where it is anything else than a pair."""
    assert isinstance(value, tuple | list) and len(value) == 2, _(
        "{what} should return two things, {names}, but returned a {kind}"
    ).format(what=what, names=names, kind=type(value).__name__)
    return value


def _numbers(reported):
    """How many numbers there are in what a block reports."""
    return sum(map(_numbers, reported)) if isinstance(reported, tuple | list) else np.size(reported)


report = Exercise(
    "6.1",
    "What a block reports",
    points=4,
    minutes=10,
    difficulty=2,
    hints=[
        "`labels[:, None] == np.arange(k)` has a row per point and a column per cluster, also for one that has no "
        "point here. `np.bincount` has `minlength` for the same reason.",
        "Add up the sums of all blocks, and the counts, before you divide. `np.where` chooses between the mean and the "
        "old centre.",
    ],
)


def _tally(tally, X, labels, k):
    sums, counts = _pair(tally(X, labels, k), "`tally`", _("sums and counts"))
    return sums, counts


@report.check
def blocks_of_any_size_give_the_means(tally, merge, rng):
    """Blocks of any size give the means of all rows together."""
    X, labels, old = rng.normal(size=(60, 3)) + 5, rng.permutation(np.arange(60) % 3), rng.normal(size=(3, 3))
    cuts = np.split(np.arange(60), [7, 20, 31])
    right = np.array([X[labels == cluster].mean(axis=0) for cluster in range(3)])
    seen = [[X[rows][labels[rows] == cluster] for rows in cuts] for cluster in range(3)]
    means = np.array([np.mean([part.mean(axis=0) for part in parts if len(part)], axis=0) for parts in seen])
    reports = [_tally(tally, X[rows], labels[rows], 3) for rows in cuts]
    before = [(np.copy(sums), np.copy(counts)) for sums, counts in reports]
    found = merge(reports, old)
    mistakes = {
        _("this is the plain mean of the blocks' means: a block with one point of a cluster counts as much as one with "
          "ten"): means,
        _("these are the sums: they are not divided by the counts"): right * 20,
        _("the sums are divided by the number of all rows: each cluster has its own count"): right / 3,
        _("these are the old centres: nothing of the blocks went into them"): old,
    }  # fmt: skip
    expect_close(found, right, _("the merged centres"), mistakes=mistakes)
    after, before = ([part for report in all_reports for part in report] for all_reports in (reports, before))
    assert all(map(np.array_equal, after, before)), _(
        "`merge` changed a report in place (`+=` does): it belongs to the task that made it"
    )


@report.check
def a_block_that_misses_a_cluster(tally, rng):
    """A block without a point of some cluster reports zeros for it."""
    X = rng.normal(size=(8, 2))
    for missing in (0, 2, 3):
        labels = np.array([0, 1, 2, 3, 0, 1, 2, 3])
        labels[labels == missing] = 1
        sums, counts = _tally(tally, X, labels, 4)
        expect_shape(counts, (4,), _("the array of counts of a block without a point of cluster {c}").format(c=missing))
        expect_shape(sums, (4, 2), _("the array of sums of a block without a point of cluster {c}").format(c=missing))
        assert np.all(np.isfinite(np.asarray(sums, dtype=float))), _(
            "the sums of a block without a point of cluster {c} hold NaN: a sum over no points is zero"
        ).format(c=missing)
        right = np.array([X[labels == cluster].sum(axis=0) for cluster in range(4)])
        expect_close(counts, np.bincount(labels, minlength=4), _("the array of counts"))
        average = right / np.maximum(np.bincount(labels, minlength=4), 1)[:, None]
        mistakes = {_("these are means: means of blocks do not add up, report the sums"): average}
        expect_close(sums, right, _("the array of sums"), mistakes=mistakes)


@report.check
def a_cluster_without_points_keeps_its_centre(tally, merge, rng):
    """A cluster that has no point in any block keeps the centre it had."""
    X, old = rng.normal(size=(20, 2)), rng.normal(size=(3, 2)) + 9
    kept = old.copy()
    labels = np.where(rng.permutation(20) < 9, 0, 2)
    found = merge([_tally(tally, X[:13], labels[:13], 3), _tally(tally, X[13:], labels[13:], 3)], old)
    right = np.array([X[labels == 0].mean(axis=0), kept[1], X[labels == 2].mean(axis=0)])
    expect_shape(found, (3, 2), _("the centres"))
    assert np.all(np.isfinite(np.asarray(found, dtype=float))), _(
        "a cluster without points got the centre NaN or infinity, that is 0/0: it keeps the centre it had"
    )
    mistakes = {
        _("a cluster without points went to the origin: it keeps the centre it had"): right * [[1], [0], [1]],
    }
    expect_close(found, right, _("the centres"), mistakes=mistakes)
    assert np.array_equal(old, kept), _(
        "`centers` was changed in place: other blocks may still need it, work on a copy"
    )


@report.check
def a_report_is_small(tally, rng):
    """A report stays as small as the centres, however many rows the block has."""
    sizes = [
        _numbers(tally(rng.normal(size=(rows, 2)), rng.integers(3, size=rows), 3)) for rows in (30, 3000)
    ]  # fmt: skip
    assert sizes[1] <= sizes[0], _(
        "the report of 3000 rows holds {large} numbers, that of 30 rows {small}: it grows with the block, so it "
        "sends the data instead of a summary"
    ).format(large=sizes[1], small=sizes[0])


closest = Exercise(
    "6.2",
    "The nearest centre",
    points=4,
    minutes=15,
    difficulty=3,
    hints=[
        "For one row, ‖x‖² is the same for all centres: ‖c‖² − 2 x·c alone says which is nearest, and all of those are "
        "one matrix product of shape (n, k).",
        "Subtract the same vector from all points and all centres before you multiply out, for example the mean of the "
        "centres. What rounding leaves below zero is zero: `np.maximum`.",
    ],
)


def _nearest(nearest, X, centers):
    labels, squared = map(np.asarray, _pair(nearest(X, centers), "`nearest`", _("indices and squared distances")))
    assert np.issubdtype(labels.dtype, np.integer), _(
        "the first thing that `nearest` returns holds {kind}: indices first, then squared distances"
    ).format(kind=labels.dtype)
    expect_shape(labels, (len(X),), _("the array of indices"))
    expect_shape(squared, (len(X),), _("the array of squared distances"))
    return labels, squared


@closest.check
def agrees_with_the_plain_formula(nearest, rng):
    """Indices and squared distances are those of the plain formula."""
    X, centers = rng.normal(size=(80, 5)) + 1, rng.normal(size=(7, 5)) + 1
    kept, right = (X.copy(), centers.copy()), _squared(X, centers)
    labels, squared = _nearest(nearest, X, centers)
    assert np.array_equal(X, kept[0]) and np.array_equal(centers, kept[1]), _(
        "`X` or `centers` was changed in place: the next iteration needs them, work on a copy"
    )
    scores = right - (X**2).sum(axis=1)[:, None]
    mistakes = {
        _("these are the centres that are farthest away"): right.argmax(axis=1),
        _("these indices ignore ‖c‖²: it differs from centre to centre"): (X @ centers.T).argmax(axis=1),
    }
    expect_close(labels, right.argmin(axis=1), _("the array of indices"), mistakes=mistakes)
    assert squared.dtype == X.dtype, _("the squared distances are {kind}, the rows float64: keep their digits").format(
        kind=squared.dtype
    )
    mistakes = {
        _("these are distances: return their squares"): np.sqrt(right.min(axis=1)),
        _("‖x‖² is missing: it decides nothing between centres, but it belongs to the distance"): scores.min(axis=1),
        _("‖x‖² is missing, and what came out below zero was cut off"): np.maximum(scores.min(axis=1), 0),
    }
    expect_close(squared, right.min(axis=1), _("the array of squared distances"), atol=1e-8, mistakes=mistakes)


@closest.check
def no_distance_is_negative(nearest, rng):
    """Points that lie on a centre are at distance 0 or a rounding error above, in float32 too."""
    centers = rng.normal(size=(20, 4)).astype("float32") * np.float32(50)
    labels, squared = _nearest(nearest, np.repeat(centers, 10, axis=0), centers)
    assert not np.isnan(squared).any(), _("a squared distance is NaN: was the root of a negative number taken?")
    assert squared.min() > -1, _(
        "a point that lies on a centre got the squared distance {least:.1g}: no rounding does that, is a term missing?"
    ).format(least=squared.min())
    assert squared.min() >= 0, _(
        "a squared distance is {least:.1g}: rounding took it below zero, where no square can be"
    ).format(least=squared.min())
    expect_close(labels, np.repeat(np.arange(20), 10), _("the array of indices of points that lie on a centre"))
    assert squared.max() < 0.1, _("points that lie on a centre are at a squared distance of up to {most:.2g}").format(
        most=squared.max()
    )


@closest.check
def keeps_its_digits_far_from_zero(nearest, rng):
    """Far from zero indices and distances are as exact as near it, for close points and in float32 too."""
    cases = [(1e6, 1, "float64", 1e-7), (1e6, 0.01, "float64", 1e-7), (1e4, 1, "float32", 0.01)]
    for shift, apart, dtype, close in cases:
        near, near_centers = ((apart * rng.normal(size=(rows, 3))).astype(dtype) for rows in (100, 6))
        right = _squared(near, near_centers).min(axis=1)
        assert np.abs(_nearest(nearest, near, near_centers)[1] - right).max() < close, _(
            "the squared distances are off near zero already: mend that first"
        )
        X, centers = near + np.array(shift, dtype), near_centers + np.array(shift, dtype)
        right = _squared(X.astype(float), centers.astype(float))
        labels, squared = _nearest(nearest, X, centers)
        chosen, least = right[np.arange(len(X)), labels], right.min(axis=1)
        worst = np.abs(squared - chosen).max()
        assert worst < close, _(
            "near zero your distances are right, {shift:,.0f} units away ({dtype}) they are off by up to {worst:.1g}: "
            "there two huge numbers are subtracted, and few digits are left"
        ).format(shift=shift, dtype=dtype, worst=worst)
        missed = (chosen > least + close).sum()
        assert missed == 0, _(
            "{shift:,.0f} units from zero ({dtype}) {missed} of {n} indices are not the nearest centre, though the "
            "distances are exact: move points and centres before you look for the nearest"
        ).format(shift=shift, dtype=dtype, missed=missed, n=len(X))


def _peak(function, *arguments):
    """Bytes that are allocated at the most while `function(*arguments)` runs in this process."""
    already = tracemalloc.is_tracing()
    if not already:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not already:
            tracemalloc.stop()


@closest.check
def has_no_third_dimension(nearest, reference, cost):
    """It allocates arrays of shape (n, k) at most, not (n, k, d)."""
    random = np.random.default_rng(6)
    X, centers = random.normal(size=(3000, 60)), random.normal(size=(30, 60))

    theirs, mine = (_peak(cost.of, function, X, centers) for function in (reference.nearest, nearest))
    assert mine < 4 * theirs, _(
        "right answer, but it allocates {mine:.0f} MB where {theirs:.1f} MB are enough: is there an array of shape "
        "(n, k, d)?"
    ).format(mine=mine / 1e6, theirs=theirs / 1e6)


single = Exercise(
    "6.3",
    "One pass per iteration",
    points=5,
    minutes=15,
    difficulty=3,
    needs="6.1",
    hints=[
        "`dask.delayed(block_report)(block, centers)` is the task of one block. `dask.compute(*tasks)` runs all of "
        "them in one go and returns a tuple of reports.",
        "A report is (sums, counts, inertia). `merge` wants the pairs (sums, counts), and the inertia is one more sum.",
    ],
)


def _in_blocks(X, *sizes):
    return da.from_array(X, chunks=(sizes, X.shape[1]))


@single.check
def equals_one_machine(lloyd_step, rng):
    """Centres and inertia are those of one machine, on blocks of any size."""
    X, centers = rng.normal(size=(60, 3)), rng.normal(size=(4, 3)) / 2
    squared = _squared(X, centers)
    labels, inertia = squared.argmin(axis=1), squared.min(axis=1).sum()

    def means(X, labels):
        members = labels[:, None] == np.arange(4)
        return np.where(
            members.any(axis=0)[:, None], members.T @ X / np.maximum(members.sum(axis=0), 1)[:, None], centers
        )

    right = means(X, labels)
    parts = [slice(0, 10), slice(10, 43), slice(43, 60)]
    found, reported = _pair(lloyd_step(_in_blocks(X, 10, 33, 17), centers), "`lloyd_step`", _("centres and inertia"))
    assert not (dask.is_dask_collection(found) or dask.is_dask_collection(reported)), _(
        "the result is still lazy: compute it before you return it"
    )
    mistakes = {
        _("these are the centres before the step"): centers,
        _("these are the centres of the first block alone"): means(X[parts[0]], labels[parts[0]]),
        _("these are the centres of the last block alone"): means(X[parts[-1]], labels[parts[-1]]),
        _("this is the mean of the centres that each block found for itself: merge the reports instead"): np.mean(
            [means(X[part], labels[part]) for part in parts], axis=0
        ),
        _("these are the centres after two steps: one was asked for"): means(X, _squared(X, right).argmin(axis=1)),
    }
    expect_close(found, right, _("the array of new centres"), mistakes=mistakes)
    of_parts = [squared[part].min(axis=1).sum() for part in parts]
    mistakes = {
        _("this is the inertia of the new centres: return that of the centres you were given"): _squared(X, right)
        .min(axis=1)
        .sum(),
        _("this is the mean inertia of a point: the inertia is a sum"): inertia / 60,
        _("this is the mean inertia of a block: the inertia is a sum"): inertia / 3,
        _("this is the inertia of the first block alone"): of_parts[0],
        _("this is the inertia of the last block alone"): of_parts[-1],
    }
    expect_close(reported, inertia, _("the inertia"), mistakes=mistakes)


def _four_blocks():
    """Rows (40_000, 20) as a Dask array of four blocks, and 10 centres."""
    X = np.random.default_rng(6).normal(size=(40_000, 20))
    return _in_blocks(X, *[10_000] * 4), X[:10]


def _on_workers(client):
    """The same in the workers' memory, every other block on the same worker."""
    X, centers = _four_blocks()
    workers = list(client.nthreads())
    parts = [client.persist(X.blocks[i], workers=[workers[i % len(workers)]]) for i in range(X.numblocks[0])]
    wait(parts)
    X = client.persist(da.concatenate(parts))
    wait(X)
    return X, centers


def _expect_one_task_per_block(function, right, client, cost):
    """`function(X, centers)` is one compute, in which no row moves and each block is worked on once."""
    (blocks, centers), others = _on_workers(client), _on_workers(client)
    mine, theirs = cost.of(function, blocks, centers), cost.of(right, *others)
    n = blocks.numblocks[0]
    assert mine.computes <= theirs.computes, _(
        "right answer, but {mine} computes where {theirs} is enough: make all tasks first, compute once"
    ).format(mine=mine.computes, theirs=theirs.computes)
    assert mine.tasks < theirs.tasks + n, _(
        "right answer, but {mine} tasks for {n} blocks where {theirs} are enough: let a block do all its work in one "
        "task, once, and take the reports apart after the compute"
    ).format(mine=mine.tasks, theirs=theirs.tasks, n=n)
    moved = mine.bytes
    for _again in range(3):  # a worker that has nothing to do may take a task, and its block, from another
        if moved > theirs.bytes + blocks.nbytes / 8:
            moved = min(moved, cost.of(function, *_on_workers(client)).bytes)
    assert moved <= theirs.bytes + blocks.nbytes / 8, _(
        "right answer, but {mine:.1f} MB went over the wire where {theirs:.1f} MB are enough: the rows travelled"
    ).format(mine=moved / 1e6, theirs=theirs.bytes / 1e6)
    assert mine.tasks >= n, _(
        "right answer, but {mine} tasks for {n} blocks: the rows travelled, to one place that does all the work"
    ).format(mine=mine.tasks, n=n)


@single.check
def one_compute_and_one_task_per_block(lloyd_step, reference, client, cost):
    """An iteration is one compute with about one task per block, and the blocks do not travel."""
    _expect_one_task_per_block(lloyd_step, reference.lloyd_step, client, cost)


candidates = Exercise(
    "6.4",
    "A round of k-means|| in one block",
    points=4,
    minutes=15,
    difficulty=2,
    hints=[
        "Each row has a probability of its own, `expected * squared / inertia`, and its own toss of the coin: the "
        "number of rows drawn is not known beforehand.",
        "`np.random.default_rng(seed).random(m)` are m numbers between 0 and 1. A number falls below p with "
        "probability p, and always where p is 1 or more.",
    ],
)


def _block_of_two_kinds():
    """1000 near rows and 1000 far rows (their index, 0), and squared distances of 1 and 9."""
    X = np.column_stack([np.arange(2000.0), np.zeros(2000)])
    return X, np.where(np.arange(2000) < 1000, 1.0, 9.0)


def _drawn(draw_candidates, *arguments):
    X = arguments[0]
    kept = X.copy(), arguments[1].copy()
    rows = np.asarray(draw_candidates(*arguments))
    assert np.array_equal(X, kept[0]) and np.array_equal(arguments[1], kept[1]), _(
        "`X_block` or `squared` was changed in place: the next round needs them"
    )
    assert rows.dtype != bool and rows.ndim == 2 and rows.shape[1] == X.shape[1], _(
        "what was drawn has shape {found}, expected (r, {d}): return the rows themselves, not their indices or a mask"
    ).format(found=rows.shape, d=X.shape[1])
    indices = rows[:, 0].astype(int)
    assert np.array_equal(rows, X[np.clip(indices, 0, len(X) - 1)]), _("what was drawn are not rows of the block")
    return indices


@candidates.check
def with_the_right_probability(draw_candidates, rng):
    """Each row is drawn with a probability proportional to its squared distance, measured against all blocks."""
    X, squared = _block_of_two_kinds()
    # Three more blocks like this one: 10,000 of the inertia is here, 40,000 in all. 10 and 90 rows to expect.
    drawn = [_drawn(draw_candidates, X, squared, 40_000.0, 400, int(seed)) for seed in rng.integers(2**31, size=30)]
    sizes = [len(indices) for indices in drawn]
    far = sum((indices >= 1000).sum() for indices in drawn)
    near = sum(sizes) - far
    assert near + far > 30, _(
        "with 400 rows expected over four blocks like this one, it drew {mean:.1f} on average: is `expected` in the "
        "probability?"
    ).format(mean=np.mean(sizes))
    assert any(size % 1000 for size in sizes), _(
        "of rows at the same distance it drew all or none: each row needs a random number of its own"
    )
    assert far > 2 * near, _(
        "rows 3 times as far away were drawn {ratio:.1f} times as often: the probability grows with the distance"
    ).format(ratio=far / max(near, 1))
    assert 5 < far / max(near, 1) < 20, _(
        "rows 3 times as far away, with 9 times the squared distance, were drawn {ratio:.0f} times as often: the "
        "probability is proportional to `squared`, as it is"
    ).format(ratio=far / max(near, 1))
    assert near + far < 6000, _(
        "of 400 rows that are expected over all blocks it drew {mean:.0f} in this one, which has a quarter of the "
        "inertia: it draws as if its rows were all rows"
    ).format(mean=np.mean(sizes))
    assert 2650 < near + far < 3350, _(
        "it drew {mean:.1f} rows on average, too many or too few: this block has a quarter of the inertia, and 400 "
        "rows are expected over all blocks"
    ).format(mean=np.mean(sizes))
    assert len(set(sizes)) > 1, _(
        "every seed drew exactly {n} rows: each row is drawn or not on its own, so the number varies"
    ).format(n=sizes[0])


@candidates.check
def by_its_seed(draw_candidates, rng):
    """The same seed draws the same rows, another seed others."""
    X, squared = _block_of_two_kinds()
    one, other = (int(seed) for seed in rng.choice(2**31, size=2, replace=False))
    state = np.random.get_state()[1].copy()
    first, again, second = (
        _drawn(draw_candidates, X, squared, 40_000.0, 400, seed) for seed in (one, one, other)
    )  # fmt: skip
    assert np.array_equal(first, again), _(
        "the same seed drew different rows: a block that is lost could not be drawn again, make a generator from `seed`"
    )
    assert np.array_equal(state, np.random.get_state()[1]), _(
        "the generator that all code on this worker shares (`np.random`) was used or seeded: make one of your own from "
        "`seed`"
    )
    assert len(first) + len(second) > 0, _("two seeds drew no row at all, where 100 are to expect from each")
    assert not np.array_equal(first, second), _("two seeds drew the same rows: is `seed` used?")


@candidates.check
def never_twice_and_never_a_candidate(draw_candidates, rng):
    """A row far away from all others is drawn once, a row that is a candidate already is not drawn."""
    X = np.column_stack([np.arange(50.0), np.ones(50)])
    squared = np.full(50, 1e-9)
    squared[7], squared[:5] = 1e6, 0
    for seed in rng.integers(2**31, size=5):
        indices = _drawn(draw_candidates, X, squared, float(squared.sum()), 20, int(seed))
        assert len(set(indices)) == len(indices), _("a row was drawn more than once")
        assert 7 in indices, _("a row that holds nearly all the inertia was not drawn: its probability is 1")
        assert not set(indices) & set(range(5)), _("a row was drawn that is a candidate already: its distance is 0")
    for seed in rng.integers(2**31, size=20):
        n = len(_drawn(draw_candidates, X, np.ones(50), 50.0, 50, int(seed)))
        assert n == 50, _(
            "of 50 rows with probability 1 it drew {n}: do not draw a number of rows first, toss for each row"
        ).format(n=n)
    _drawn(draw_candidates, X, np.zeros(50), 50.0, 20, 1)


empty = Exercise(
    "6.5",
    "Refill the empty",
    points=4,
    minutes=15,
    difficulty=3,
    hints=[
        "The two farthest points of all blocks are among the two farthest of each block: no block needs to "
        "report more.",
        "`np.argsort(squared)[::-1][:count]` are the places of the largest. Put all reports together with "
        "`np.concatenate`, and do the same once more.",
    ],
)


def _far_points(rng):
    """Rows (40, 2), distinct squared distances, and a cut into blocks, one of them of one row."""
    X, squared = rng.normal(size=(40, 2)), rng.permutation(np.arange(40.0))
    return X, squared, np.split(np.arange(40), [1, 12, 27])


def _refilled(farthest, refill, X, squared, cuts, centers, counts):
    n, reports = int((counts == 0).sum()), []
    for rows in cuts:
        block, away = X[rows], squared[rows]
        reports.append(_pair(farthest(block, away, n), "`farthest`", _("rows and their squared distances")))
        assert np.array_equal(block, X[rows]) and np.array_equal(away, squared[rows]), _(
            "`farthest` changed `X_block` or `squared` in place: work on a copy"
        )
    return refill(centers, counts, reports)


@empty.check
def the_farthest_of_all_blocks(farthest, refill, rng):
    """Empty clusters get the farthest points of all blocks, the first the farthest."""
    X, squared, cuts = _far_points(rng)
    in_last = cuts[3][squared[cuts[3]].argsort()[::-1][:3]]
    squared[in_last] = [100.0, 99.0, 98.0]  # the three farthest share a block
    centers, counts = rng.normal(size=(6, 2)) + 50, np.array([0, 9, 11, 0, 20, 0])
    kept = centers.copy()

    def filled(points):
        result = kept.copy()
        result[counts == 0] = points
        return result

    order = squared.argsort()[::-1]
    per_block = np.array([rows[squared[rows].argmax()] for rows in cuts])
    per_block = per_block[squared[per_block].argsort()[::-1]]
    mistakes = {
        _("all empty clusters went to the same point: then they are one cluster, and the rest is empty again"): filled(
            X[order[0]]
        ),
        _("these are the nearest points, where no centre is missed"): filled(X[order[::-1][:3]]),
        _("these are the farthest points of different blocks: here the three farthest lie in one block"): filled(
            X[per_block[:3]]
        ),
        _("the right points in the wrong order: the first empty cluster gets the farthest of all"): filled(
            X[order[:3][::-1]]
        ),
        _("nothing was refilled"): kept,
        _("these are the farthest points of the first blocks alone"): filled(X[np.r_[cuts[0], cuts[1]]][
            squared[np.r_[cuts[0], cuts[1]]].argsort()[::-1][:3]
        ]),
        _("clusters that have points were moved, and empty ones were not"): np.vstack([X[order[:3]], kept[3:]]),
    }  # fmt: skip
    found = _refilled(farthest, refill, X, squared, cuts, centers, counts)
    expect_close(found, filled(X[order[:3]]), _("the array of centres"), mistakes=mistakes)
    assert np.array_equal(centers, kept), _("`centers` was changed in place: work on a copy")


@empty.check
def nothing_empty_nothing_moved(farthest, refill, rng):
    """Without an empty cluster all centres stay; with small blocks there are enough points."""
    X, squared, cuts = _far_points(rng)
    centers = rng.normal(size=(2, 2))
    found = _refilled(farthest, refill, X, squared, cuts, centers, np.array([15, 25]))
    expect_close(found, centers, _("the array of centres, where no cluster is empty,"))
    singles = np.arange(40)[:, None]
    found = _refilled(farthest, refill, X, squared, singles, centers, np.array([0, 40]))
    expect_close(found, [X[squared.argmax()], centers[1]], _("the array of centres, from blocks of one row,"))


@empty.check
def a_report_is_as_small_as_it_can_be(farthest, rng):
    """A block reports as many points as asked for, or all if it has fewer, with their squared distances."""
    for rows, count in ((50, 3), (2000, 3), (50, 0), (2, 3)):
        X, squared = rng.normal(size=(rows, 2)), rng.random(rows) * 9
        reported, away = _pair(farthest(X, squared, count), "`farthest`", _("rows and their squared distances"))
        n = min(rows, count)
        assert np.shape(away) == (n,) and np.shape(reported) == (n, 2), _(
            "a block of {rows} rows that was asked for {count} reports arrays of shape {found} and {away}, expected "
            "({n}, 2) and ({n},)"
        ).format(rows=rows, count=count, found=np.shape(reported), away=np.shape(away), n=n)
        right = np.sort(squared)[rows - n :]
        mistakes = {_("these are their roots: report what `squared` holds"): np.sqrt(right)}
        expect_close(np.sort(away), right, _("the array of distances that a block reports"), mistakes=mistakes)


silhouette = Exercise(
    "6.6",
    "The silhouette in one pass",
    points=3,
    minutes=15,
    difficulty=3,
    hints=[
        "A row needs its two smallest distances: `np.sort(distances, axis=1)[:, :2]`. The larger of the two is b, so "
        "it is also the maximum.",
        "Blocks may have different sizes: let each report the sum over its rows and their number. Where b is 0, a is 0 "
        "too, and 0/0 must not come out.",
    ],
)


@silhouette.check
def equals_the_formula(simplified_silhouette, rng):
    """It is the mean over all rows, with distances that are not squared."""
    X = np.concatenate([rng.normal(size=(25, 3)), rng.normal(size=(35, 3)) * 2 + 3])
    centers = np.vstack([X[:2], X[-2:]]) + 0.1
    squared = np.sort(_squared(X, centers), axis=1)
    a, b = np.sqrt(squared[:, :2].T)
    far = np.sqrt(squared[:, -1])
    rows = (b - a) / b
    parts = np.split(rows, [7, 12, 40])
    mistakes = {
        _("this is the mean with squared distances: take the roots"): (1 - squared[:, 0] / squared[:, 1]).mean(),
        _("this is the mean of the blocks' means: a block of 5 rows counts as much as one of 28"): np.mean(
            [part.mean() for part in parts]
        ),
        _("this is the sum over all rows: return the mean"): rows.sum(),
        _("this takes the farthest centre for b: it is the second nearest that competes"): ((far - a) / far).mean(),
        _("the sign is turned round: b is the larger distance"): -rows.mean(),
        _("this is the ratio of two sums: every row has its own ratio"): (b - a).sum() / b.sum(),
        _("this is b − a, not divided by the larger of the two"): (b - a).mean(),
        _("b is the mean distance to all other centres: it is the distance to the second nearest"): (
            1 - a / np.sqrt(squared[:, 1:]).mean(axis=1)
        ).mean(),
    }
    kept = centers.copy()
    found = simplified_silhouette(_in_blocks(X, 7, 5, 28, 20), centers)
    assert np.array_equal(centers, kept), _("`centers` was changed in place: work on a copy")
    assert not dask.is_dask_collection(found), _("the silhouette is still lazy: compute it before you return it")
    expect_close(found, rows.mean(), _("the silhouette"), mistakes=mistakes)


@silhouette.check
def rows_between_and_on_centres(simplified_silhouette):
    """A row on its centre counts 1, a row as far from two centres 0, also where two centres coincide."""
    X = _in_blocks(np.array([[0.0], [4.0], [2.0]]), 2, 1)
    expect_close(simplified_silhouette(X, np.array([[0.0], [4.0]])), 2 / 3, _("the silhouette of 0, 4 and 2"))
    found = float(simplified_silhouette(X, np.array([[0.0], [0.0]])))
    assert not np.isnan(found), _(
        "where two centres lie on the same point as a row it is NaN, 0/0: such a row counts 0"
    )
    expect_close(found, 0, _("the silhouette with two equal centres"))
    found = float(simplified_silhouette(X, np.array([[0.0], [0.0], [4.0]])))
    mistakes = {_("rows with a = b = 0 were left out: they count 0, and they count as rows"): 1 / 2}
    expect_close(found, 1 / 3, _("the silhouette of 0, 4 and 2 for centres at 0, 0 and 4"), mistakes=mistakes)


@silhouette.check
def reads_the_rows_once(simplified_silhouette, reference, client, cost):
    """It is one compute with about one task per block, and the blocks do not travel."""
    _expect_one_task_per_block(simplified_silhouette, reference.simplified_silhouette, client, cost)


@silhouette.check
def has_no_third_dimension_either(simplified_silhouette, reference, cost):
    """It allocates arrays of shape (m, k) per block at most, not (m, k, d)."""
    random = np.random.default_rng(6)
    X, centers = da.from_array(random.normal(size=(3000, 60)), chunks=(3000, 60)), random.normal(size=(30, 60))
    with dask.config.set(scheduler="sync"):
        # The least of three: other threads of this process allocate too.
        theirs, mine = (
            min(_peak(cost.of, function, X, centers) for _run in range(3))
            for function in (reference.simplified_silhouette, simplified_silhouette)
        )
    assert mine < 4 * theirs, _(
        "right answer, but it allocates {mine:.0f} MB where {theirs:.1f} MB are enough: is there an array of shape "
        "(m, k, d)?"
    ).format(mine=mine / 1e6, theirs=theirs / 1e6)
