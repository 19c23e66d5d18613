"""Chapter 00, start here: the warm-up exercise 0.1 and its checks."""

from numbers import Real

import dask
import dask.array as da
import numpy as np
from distributed import wait

from helpers.expect import expect_close
from helpers.judging import Exercise
from helpers.words import _

warm_up = Exercise(
    "0.1",
    "Pi from points",
    points=2,
    minutes=5,
    difficulty=1,
    hints=[
        "Do it for `six_points` first, in NumPy: square the coordinates, add each point's two squares, compare with 1. "
        "What does the mean of the resulting truth values say?",
        "A Dask array has the same methods as a NumPy array: write the same line, and end it with `.compute()`.",
    ],
)


def _on_blocks(points, rows):
    return da.from_array(points, chunks=(rows, (2,)))


def _expect_the_border_inside(estimate_pi):
    distance = np.array([1.0] * 3 + [1 - 1e-6] * 4 + [1 + 1e-6] * 5)
    points = np.column_stack([distance, np.zeros(12)])
    points[::2] = points[::2, ::-1]
    mistakes = {
        _("points at a distance of exactly 1 count as outside: at most 1 from the origin includes them"): 4 * 4 / 12,
        _("points a millionth within the circle count as outside: compare with 1 and no less"): 0.0,
        _("points a millionth beyond the circle count as inside: compare with 1 and no more"): 4.0,
    }
    what = _("the estimate for 12 points close to the circle")
    expect_close(estimate_pi(_on_blocks(points, (6, 6))), 4 * 7 / 12, what, mistakes=mistakes)


@warm_up.check
def any_points(estimate_pi, rng):
    """It gives four times the share of points at most 1 from the origin, for any points in blocks of any size."""
    # Not uniform, so that pi itself is wrong; 307 and 57 are such that no mistake gives the right number by chance.
    points = rng.random((307, 2)) * np.linspace(0.7, 1.2, 307)[:, None]
    inside = (points**2).sum(axis=1) <= 1
    estimate = 4 * inside.mean()
    found = estimate_pi(_on_blocks(points, (250, 57)))
    assert not dask.is_dask_collection(found), _("the estimate is still lazy: call `.compute()` on it at the end")
    assert found is None or isinstance(found, Real | np.ndarray), _(
        "the estimate should be a number, but it is a {kind}"
    ).format(kind=type(found).__name__)
    mistakes = {
        _("this is the share of the points inside: a quarter of a circle is a quarter of pi"): inside.mean(),
        _("this is a number of points: divide it by the number of all points"): inside.sum(),
        _("this is four times a number of points: divide it by the number of all points"): 4 * inside.sum(),
        _("these are points below the diagonal, x + y <= 1: square the coordinates before you add them"): 4
        * (points.sum(axis=1) <= 1).mean(),
        _("these are single coordinates up to 1: add the two squares of each point, along axis 1"): 4
        * (points**2 <= 1).mean(),
        _(
            "no point counts as inside: add the two squares of each point, along axis 1, and not the squares of "
            "different points"
        ): 0.0,
        _("these are the points outside: inside, the distance from the origin is at most 1"): 4 * (~inside).mean(),
        _("this is pi itself, whatever the points: use those that you are given"): np.pi,
        _("this is the first block alone: use all blocks"): 4 * inside[:250].mean(),
        _("this is the mean of the blocks' shares: a block of 57 points has as much say as one of 250"): 4
        * np.mean([inside[:250].mean(), inside[250:].mean()]),
    }
    mistakes |= {
        _("the estimate is rounded to {n} places: return it as it is").format(n=places): round(estimate, places)
        for places in range(7)
    }
    other_points = _on_blocks(points[:150] * 0.9, (100, 50))
    mistakes[_("this is the same number whatever the points: use those that you are given")] = estimate_pi(other_points)
    expect_close(found, estimate, _("the estimate for 307 points in blocks of 250 and 57"), mistakes=mistakes)
    _expect_the_border_inside(estimate_pi)


@warm_up.check
def computes_once(estimate_pi, reference, cost):
    """One compute is enough."""
    points = da.random.default_rng(0).random((400, 2), chunks=(100, 2))
    mine = cost.of(estimate_pi, points)
    theirs = cost.of(reference.estimate_pi, points)
    assert mine.computes <= theirs.computes, _(
        "right answer, but {mine} computes where {theirs} is enough: build first, compute once"
    ).format(mine=mine.computes, theirs=theirs.computes)


@warm_up.check
def points_stay_on_the_workers(estimate_pi, reference, client, cost):
    """The points stay on the workers; one number travels."""
    n_points = 200_000
    points = client.persist(da.random.default_rng(0).random((n_points, 2), chunks=(n_points // 4, 2)))
    wait(points)
    mine = cost.of(estimate_pi, points)
    theirs = cost.of(reference.estimate_pi, points)
    # One byte for each point, the least that an array of truth values takes, is twice what is allowed.
    assert mine.bytes < theirs.bytes + n_points / 2, _(
        "right answer, but {mine:.0f} kB went over the wire where {theirs:.0f} kB are enough: something was fetched "
        "for every point. Count the points where they lie, and fetch one number"
    ).format(mine=mine.bytes / 1e3, theirs=theirs.bytes / 1e3)
