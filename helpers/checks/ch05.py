"""Chapter 05, linear regression: exercises 5.1 to 5.6 and their checks."""

import dask
import dask.array as da
import numpy as np
from distributed import wait
from sklearn.linear_model import Ridge

from helpers.expect import expect_close
from helpers.judging import Exercise
from helpers.words import _

blocks = Exercise(
    "5.1",
    "What a block reports",
    points=4,
    minutes=10,
    difficulty=2,
    hints=[
        "Write down the gradient of all six trips, then cross out everything that one block cannot know.",
        "Sums travel, means do not add up: `report` returns a sum and the number of rows behind it.",
    ],
)


def _regression(rng, rows=60, columns=3):
    """Random X (rows, columns) with a column of ones, y (rows,) and theta (columns,)."""
    X = np.column_stack([np.ones(rows), rng.normal(size=(rows, columns - 1))])
    return X, X @ rng.normal(size=columns) + rng.normal(size=rows), rng.normal(size=columns)


def _gradient(X, y, theta):
    return X.T @ (X @ theta - y) / len(X)


def _on_workers(client, X, y, n_blocks=4):
    """`X` and `y` as Dask arrays of `n_blocks` row blocks, in the workers' memory."""
    rows = len(X) // n_blocks
    arrays = [da.from_array(X, chunks=(rows, X.shape[1])), da.from_array(y, chunks=rows)]
    arrays = client.persist(arrays)
    wait(arrays)
    return arrays


def _expect_blocks_stayed(mine, theirs, block):
    """At most what the reference sent, and less than one block of `block` bytes more."""
    assert mine.bytes < theirs.bytes + block, _(
        "right answer, but {mine:.1f} MB went over the wire where {theirs:.1f} MB are enough: blocks of {block:.1f} MB "
        "travelled, here or to another worker"
    ).format(mine=mine.bytes / 1e6, theirs=theirs.bytes / 1e6, block=block / 1e6)


@blocks.check
def blocks_of_any_size_add_up(report, combine, rng):
    """Blocks of any size give the gradient of all rows together."""
    X, y, theta = _regression(rng)
    cuts = np.split(np.arange(len(X)), [7, 20, 21])
    expected = _gradient(X, y, theta)
    parts = [_gradient(X[rows], y[rows], theta) for rows in cuts]
    mistakes = {
        _("this is the plain mean of the blocks' means: a block of 1 row counts as much as one of 39"): np.mean(
            parts, axis=0
        ),
        _("this is the sum over all rows: it is not divided by their number"): expected * len(X),
        _("this is the sum of the blocks' means: means do not add up"): np.sum(parts, axis=0),
        _("the sign is turned round: the residual is prediction minus truth"): -expected,
    }
    combined = combine([report(X[rows], y[rows], theta) for rows in cuts])
    expect_close(combined, expected, _("the combined gradient"), mistakes=mistakes)


@blocks.check
def a_report_is_small(report, rng):
    """A report stays as small as theta, however many rows the block has."""
    sizes = []
    for rows in (50, 5000):
        reported = report(*_regression(rng, rows))
        sizes.append(sum(np.size(part) for part in (reported if isinstance(reported, tuple | list) else [reported])))
    assert sizes[1] <= sizes[0], _(
        "the report of 5000 rows holds {large} numbers, that of 50 rows {small}: it grows with the block, "
        "so it sends the data instead of a summary"
    ).format(large=sizes[1], small=sizes[0])


once = Exercise(
    "5.2",
    "One gradient, many blocks",
    points=4,
    minutes=10,
    difficulty=2,
    hints=[
        "Dask arrays know `@`, `-` and `.T`: the formula can be written as it stands.",
        "Every `compute()` walks the whole graph again. Build the gradient lazily, call `compute()` on it at the end.",
    ],
)


@once.check
def agrees_with_finite_differences(mse_gradient, rng):
    """The gradient matches a numerical derivative of the loss."""
    X, y, theta = _regression(rng, rows=90, columns=4)

    def loss(at):
        return ((X @ at - y) ** 2).mean() / 2

    steps = 1e-4 * np.eye(4)
    numerical = np.array([(loss(theta + step) - loss(theta - step)) / 2e-4 for step in steps])
    mistakes = {
        _("this is the gradient of the mean squared error without the 1/2: twice too large"): 2 * numerical,
        _("this is a sum over the rows: the loss is a mean"): 90 * numerical,
        _("the sign is turned round: the residual is prediction minus truth"): -numerical,
    }
    found = mse_gradient(da.from_array(X, chunks=(35, 4)), da.from_array(y, chunks=35), theta)
    assert not dask.is_dask_collection(found), _("the gradient is still lazy: compute it before you return it")
    expect_close(found, numerical, _("the gradient"), rtol=1e-5, atol=1e-6, mistakes=mistakes)


@once.check
def computes_once(mse_gradient, reference, cost, rng):
    """Everything is built lazily and computed once."""
    X, y, theta = _regression(rng)
    arguments = da.from_array(X, chunks=(20, 3)), da.from_array(y, chunks=20), theta
    mine = cost.of(mse_gradient, *arguments)
    theirs = cost.of(reference.mse_gradient, *arguments)
    assert mine.computes <= theirs.computes, _(
        "right answer, but {mine} computes where {theirs} is enough: build first, compute once"
    ).format(mine=mine.computes, theirs=theirs.computes)


@once.check
def blocks_stay_where_they_are(mse_gradient, reference, client, cost, rng):
    """Only theta and sums travel, the blocks do not."""
    X, y, theta = _regression(rng, rows=20_000, columns=20)
    mine = cost.of(mse_gradient, *_on_workers(client, X, y), theta)
    theirs = cost.of(reference.mse_gradient, *_on_workers(client, X, y), theta)
    _expect_blocks_stayed(mine, theirs, X.nbytes / 4)


stable = Exercise(
    "5.3",
    "How fast may it learn?",
    points=4,
    minutes=15,
    difficulty=3,
    hints=[
        "Along an eigenvector of H with eigenvalue λ, one step multiplies the error by 1 − αλ.",
        "The error shrinks while |1 − αλ| < 1, and the largest eigenvalue is the first to break that. "
        "`np.linalg.eigvalsh` sorts them in ascending order.",
    ],
)


@stable.check
def known_curvatures(largest_learning_rate):
    """Where H is diagonal, the largest curvature alone decides."""
    for curvatures in ([1.0], [1.0, 4.0, 2.0]):
        largest = max(curvatures)
        found = largest_learning_rate(40 * np.diag(curvatures), 40)
        mistakes = {
            _("you used the sums as they are: the loss is a mean, so its curvature is XᵀX divided by the rows"): 2
            / (40 * largest),
            _("at this rate one step lands exactly in the minimum: it may be larger and still converge"): 1 / largest,
            _("this is the bound of the flattest direction, or of the first one: the steepest breaks before it"): 2.0,
        }
        if len(curvatures) == 1:
            mistakes.popitem()
        expect_close(found, 2 / largest, _("the largest learning rate"), mistakes=mistakes)


@stable.check
def just_below_and_just_above(largest_learning_rate, rng):
    """Gradient descent converges 1 % below the rate and diverges 1 % above it."""
    X, y, _theta = _regression(rng, rows=200, columns=4)
    X = X * [1.0, 2.0, 0.5, 3.0]
    rate = float(largest_learning_rate(X.T @ X, len(X)))
    best = np.linalg.lstsq(X, y)[0]
    # Start one unit from the minimum, along the steepest direction.
    start = best + np.linalg.eigh(X.T @ X)[1][:, -1]

    def distance_after(learning_rate):
        theta = start
        for _step in range(50):
            theta = theta - learning_rate * _gradient(X, y, theta)
        return np.linalg.norm(theta - best)

    assert distance_after(0.99 * rate) < 1, _("with 0.99 of your rate, {rate:.4g}, the descent diverges").format(
        rate=rate
    )
    assert distance_after(1.01 * rate) > 1, _("with 1.01 of your rate, {rate:.4g}, it still converges").format(
        rate=rate
    )


stay = Exercise(
    "5.4",
    "Blocks that stay",
    points=6,
    minutes=20,
    difficulty=4,
    hints=[
        "`place(client, X, y)` belongs before the loop: what is placed once need not be placed again.",
        "A future given to `client.submit` is not fetched. Submit one `block_gradient` per block with "
        "`workers=` its worker, then `client.gather` all of them at once.",
    ],
)


@stay.check
def equals_one_machine(pinned_descent, client, rng):
    """It ends where gradient descent on one machine ends."""
    X, y, _theta = _regression(rng, rows=4000, columns=5)
    trace = [np.zeros(5)]
    for _step in range(6):
        trace.append(trace[-1] - 0.3 * _gradient(X, y, trace[-1]))
    undivided = np.zeros(5)
    for _step in range(5):
        undivided = undivided - 0.3 * _gradient(X, y, undivided) * len(X)
    found = pinned_descent(client, *_on_workers(client, X, y), 0.3, 5)
    mistakes = {
        _("this is one step short of the number that was asked for"): trace[4],
        _("this is one step more than was asked for"): trace[6],
        _("the sums are not divided by the number of rows"): undivided,
    }
    expect_close(found, trace[5], _("theta after 5 steps"), rtol=1e-8, mistakes=mistakes)


@stay.check
def one_task_per_block_and_step(pinned_descent, reference, client, cost, rng):
    """A step costs one task per block."""
    X, y, _theta = _regression(rng, rows=4000, columns=5)
    mine = cost.of(pinned_descent, client, *_on_workers(client, X, y), 0.3, 6)
    theirs = cost.of(reference.pinned_descent, client, *_on_workers(client, X, y), 0.3, 6)
    assert mine.tasks <= 1.1 * theirs.tasks, _(
        "right answer, but {mine} tasks where {theirs} are enough: is something placed or summed again in every step?"
    ).format(mine=mine.tasks, theirs=theirs.tasks)


@stay.check
def blocks_do_not_travel(pinned_descent, reference, client, cost, rng):
    """Only theta and sums travel, the blocks do not."""
    X, y, _theta = _regression(rng, rows=40_000, columns=20)
    mine = cost.of(pinned_descent, client, *_on_workers(client, X, y), 0.3, 4)
    theirs = cost.of(reference.pinned_descent, client, *_on_workers(client, X, y), 0.3, 4)
    _expect_blocks_stayed(mine, theirs, X.nbytes / 4)


@stay.check
def one_wait_per_step(pinned_descent, reference, client, cost, rng):
    """A step waits once, for all blocks together, so that they work at the same time."""
    X, y, _theta = _regression(rng, rows=4000, columns=5)
    mine = cost.of(pinned_descent, client, *_on_workers(client, X, y), 0.3, 4)
    theirs = cost.of(reference.pinned_descent, client, *_on_workers(client, X, y), 0.3, 4)
    assert mine.fetches <= theirs.fetches, _(
        "right answer, but you waited {mine} times where {theirs} are enough: submit for all blocks before you wait "
        "for the first result"
    ).format(mine=mine.fetches, theirs=theirs.fetches)


penalty = Exercise(
    "5.5",
    "Ridge from the same sums",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "Setting the gradient of the penalised loss to zero changes one term of the normal equations.",
        "Add alpha to the diagonal of XᵀX, except where the column of ones meets itself.",
    ],
)


@penalty.check
def agrees_with_scikit_learn(ridge_from_sums, rng):
    """The coefficients are those of scikit-learn's Ridge."""
    X, y, _theta = _regression(rng, rows=80, columns=5)
    y = y + 10
    gram, moment = X.T @ X, X.T @ y
    alpha = 25.0
    model = Ridge(alpha=alpha).fit(X[:, 1:], y)

    def ridge(strength):
        return np.linalg.solve(gram + strength * np.diag([0.0, 1, 1, 1, 1]), moment)

    mistakes = {
        _("the intercept is penalised too: then a shift of all fares would change the slopes"): np.linalg.solve(
            gram + alpha * np.eye(5), moment
        ),
        _("these are the coefficients without a penalty"): np.linalg.solve(gram, moment),
        _("the penalty is too strong by a factor of 2: the 1/2 stands before both parts of the loss"): ridge(2 * alpha),
        _("the penalty is weaker than asked: both parts of the loss are divided by m, so m cancels"): ridge(alpha / 80),
        _("the penalty has the wrong sign: it rewards large coefficients"): ridge(-alpha),
    }
    found = ridge_from_sums(gram, moment, alpha)
    expect_close(found, [model.intercept_, *model.coef_], _("theta"), rtol=1e-6, mistakes=mistakes)


@penalty.check
def leaves_the_sums_alone(ridge_from_sums, rng):
    """The sums are not changed: the next alpha needs them again."""
    X, y, _theta = _regression(rng)
    gram, moment = X.T @ X, X.T @ y
    kept = gram.copy()
    ridge_from_sums(gram, moment, 3.0)
    assert np.array_equal(gram, kept), _("`gram` was changed in place: work on a copy")


worth = Exercise(
    "5.6",
    "Is it worth a cluster?",
    points=2,
    minutes=5,
    difficulty=1,
    hints=[
        "Write down both times for n rows, and set them equal.",
        "Where the cluster is not faster per row, no number of rows pays: return `math.inf`.",
    ],
)


@worth.check
def both_take_the_same_time_there(break_even_rows):
    """At the answer, both ways take the same time."""
    found = break_even_rows(0.5, 2e-6, 1e-6)
    mistakes = {
        _("this forgets that the cluster needs time per row too"): 0.5 / 2e-6,
        _("the two speeds are the wrong way round"): 0.5 / (1e-6 - 2e-6),
    }
    expect_close(found, 500_000, _("the number of rows"), mistakes=mistakes)


@worth.check
def never(break_even_rows):
    """Where the cluster is slower per row, the answer is infinity."""
    for rates in ((1e-6, 1e-6), (1e-6, 2e-6)):
        found = break_even_rows(0.5, *rates)
        assert found == np.inf, _("for rates {rates} per row you return {found}: no number of rows pays there").format(
            rates=rates, found=found
        )
