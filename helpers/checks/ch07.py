"""Chapter 07, neural networks: exercises 7.1 to 7.7 and their checks."""

import numpy as np

from helpers.expect import expect_close, expect_shape
from helpers.judging import Exercise
from helpers.words import _

deep = Exercise(
    "7.1",
    "Backward through any number of layers",
    points=5,
    minutes=15,
    difficulty=4,
    hints=[
        "On the way forward keep what each layer was given: X, then the output of each hidden layer. "
        "At the scores begin with (P - Y) / m.",
        "Layer by layer from the last: the gradient of W is `inputs.T @ back`, that of b the column sums of `back`. "
        "Then `back @ W.T`, set to 0 where this layer's input was cut off at 0, is the `back` of the layer before.",
    ],
)


def _network(rng, sizes=(4, 6, 5, 3)):
    """Random weights W1, b1, W2, b2, ... for layers of these sizes."""
    weights = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        weights += [rng.normal(size=(inputs, outputs)), rng.normal(size=outputs) / 2]
    return weights


def _rows(rng, rows=24, columns=4, classes=3):
    return rng.normal(size=(rows, columns)), rng.integers(classes, size=rows)


def _gradients(weights, X, y, mask=True, softmax=True, target=True):
    """Gradients of the mean loss; each of the last three, where False, is a step that is left out."""
    inputs = [X]
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    back = inputs[-1] @ weights[-2] + weights[-1]
    if softmax:
        back = np.exp(back - back.max(axis=1, keepdims=True))
        back = back / back.sum(axis=1, keepdims=True)
    if target:
        back[np.arange(len(y)), y] -= 1
    back = back / len(y)
    found = []
    for W, given in zip(weights[-2::-2], reversed(inputs), strict=True):
        found = [given.T @ back, back.sum(axis=0), *found]
        back = back @ W.T
        if mask:
            back = back * (given > 0)
    return found


def _scaled(arrays, factor):
    return [factor * array for array in arrays]


def _copies(arrays):
    return [np.array(array) for array in arrays]


def _changed(arrays, copies):
    if len(arrays) != len(copies):
        return True
    return any(not np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))


def _finite(arrays):
    """Whether there is no nan or infinity in `arrays`; what is no list of arrays is left to `_expect_arrays`."""
    try:
        return all(np.isfinite(np.asarray(array, dtype=float)).all() for array in arrays)
    except (TypeError, ValueError):
        return True


def _expect_arrays(found, expected, what, mistakes, **tolerances):
    """`found` holds an array for each in `expected`, equal to it; `mistakes` maps sentences to such lists."""
    assert found is not None, _("{what} is None: does your function return it?").format(what=what)
    assert isinstance(found, list | tuple), _("{what} should be a list of arrays, but it is a {kind}").format(
        what=what, kind=type(found).__name__
    )
    names = [f"{kind}{layer + 1}" for layer in range(len(expected) // 2) for kind in "Wb"]
    shapes, right = [np.shape(array) for array in found], [array.shape for array in expected]
    assert shapes == right or shapes != right[::-1], _(
        "{what} stands in reverse: first what belongs to the first layer's W"
    ).format(what=what)
    assert len(found) == len(expected), _("{what} has {found} arrays, expected {expected}: {names}").format(
        what=what, found=len(found), expected=len(expected), names=", ".join(names)
    )
    for i, name in enumerate(names):
        here = {sentence: values[i] for sentence, values in mistakes.items()}
        expect_close(found[i], expected[i], f"{what}, {name},", mistakes=here, **tolerances)


@deep.check
def any_depth(deep_gradients, rng):
    """One, two, three and four layers: each gradient is right."""
    for sizes in ((4, 6, 5, 3), (4, 6, 3), (4, 3), (4, 5, 6, 5, 3)):
        weights, (X, y) = _network(rng, sizes), _rows(rng)
        right = _gradients(weights, X, y)
        mistakes = {
            _("this is the gradient of a sum over the rows: the loss is their mean"): _scaled(right, len(X)),
            _("the sign is turned round: it is predicted less right"): _scaled(right, -1),
            _("the bend is missing on the way back: where a hidden unit was cut off at 0, nothing passes"): _gradients(
                weights, X, y, mask=False
            ),
            _("the right class is not subtracted from the probabilities"): _gradients(weights, X, y, target=False),
            _("the scores are not turned into probabilities"): _gradients(weights, X, y, softmax=False),
        }
        what = _("the gradient with {n} layers").format(n=len(sizes) - 1)
        _expect_arrays(deep_gradients(_copies(weights), X, y), right, what, mistakes)


@deep.check
def survives_large_scores(deep_gradients, rng):
    """Scores in the thousands do not overflow."""
    weights, (X, y) = _network(rng, (4, 6, 3)), _rows(rng)
    weights[-2] *= 5000
    with np.errstate(all="ignore"):
        found = deep_gradients(_copies(weights), X, y)
    right = _gradients(weights, X, y)
    assert _finite(found), _(
        "with scores in the thousands a gradient is nan or infinite: subtract each row's largest score before `exp`"
    )
    _expect_arrays(found, right, _("the gradient at large scores"), {}, rtol=1e-6)


@deep.check
def leaves_the_weights_alone(deep_gradients, rng):
    """Weights and rows stay as they are."""
    weights, (X, y) = _network(rng), _rows(rng)
    arrays = [*weights, X, y]
    kept = _copies(arrays)
    deep_gradients(weights, X, y)
    assert not _changed(arrays, kept), _("the weights, X or y were changed in place: work on copies")


any_size = Exercise(
    "7.2",
    "Shards of any size",
    points=3,
    minutes=5,
    difficulty=2,
    hints=[
        "A mean over all rows gives each shard as much say as it has rows.",
        "`0 * nan` is still `nan`: a shard without rows has to be left out, not multiplied by 0.",
    ],
)


def _shards(rng, sizes):
    """Weights, the gradients on shards of these sizes, and those over all their rows; an empty shard's are nan."""
    weights, (X, y) = _network(rng, (4, 6, 3)), _rows(rng, sum(sizes))
    cuts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    parts = [_gradients(weights, X[rows], y[rows]) if len(rows) else _scaled(_copies(weights), np.nan) for rows in cuts]
    return parts, _gradients(weights, X, y)


def _weighted(parts, shares):
    return [sum(share * part[i] for part, share in zip(parts, shares, strict=True)) for i in range(len(parts[0]))]


def _mistaken_combinations(parts, sizes):
    n = len(sizes)
    return {
        _("this is the plain average of the shards: one of 1 row has as much say as one of many"): _weighted(
            parts, [1 / n] * n
        ),
        _("this is the sum of the shards' gradients: each is a mean already, and means do not add up"): _weighted(
            parts, [1] * n
        ),
        _("the sums are not divided by the number of all rows"): _weighted(parts, sizes),
        _("the weighted sum is divided by the number of shards, not by that of rows"): _weighted(
            parts, [size / n for size in sizes]
        ),
    }


@any_size.check
def shards_of_unequal_size(combine_gradients, rng):
    """Shards of unequal size give the gradient over all rows."""
    sizes = [1, 7, 30, 4]
    parts, right = _shards(rng, sizes)
    kept = [_copies(part) for part in parts]
    found = combine_gradients(parts, sizes)
    _expect_arrays(found, right, _("the combined gradient"), _mistaken_combinations(kept, sizes))
    assert not any(_changed(part, copy) for part, copy in zip(parts, kept, strict=True)), _(
        "the shards' gradients were changed in place: work on copies"
    )


@any_size.check
def an_empty_shard(combine_gradients, rng):
    """An empty shard has no say, wherever it stands."""
    for sizes in ([0, 5, 9], [6, 0, 0, 3], [8, 0]):
        parts, right = _shards(rng, sizes)
        filled = [(part, size) for part, size in zip(parts, sizes, strict=True) if size]
        mistakes = {
            _("the empty shard is counted as one: divide by the rows of all shards"): _weighted(
                [part for part, _size in filled], [1 / len(sizes)] * len(filled)
            ),
        }
        found = combine_gradients(parts, rows := list(sizes))
        assert len(parts) == len(sizes) and rows == sizes, _(
            "`shards` or `rows` were changed in place: leave the empty shard out without removing it"
        )
        assert _finite(found), _("an empty shard makes entries nan: leave it out, 0 * nan is nan")
        _expect_arrays(found, right, _("the combined gradient with an empty shard"), mistakes)


careful = Exercise(
    "7.3",
    "A server that minds how old the news is",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "The staleness is `self.version`, as it is now, less the `version` that came with the gradient.",
        "Note the arrival, refuse if it is too old, else `self.weights = step(...)`, which makes new arrays; "
        "and count the version up.",
    ],
)


def _server(kind, rng, rate=0.5, bound=3, version=0):
    weights = _network(rng, (3, 4, 2))
    return kind(_copies(weights), version, rate, 1000, bound), weights


def _noise(rng):
    return _network(rng, (3, 4, 2))


@careful.check
def a_fresh_gradient(CarefulServer, rng):
    """A fresh gradient moves the weights by the full rate, and the version by one."""
    server, weights = _server(CarefulServer, rng, version=20)
    gradient = _noise(rng)
    stepped = server.push(0, 20, _copies(gradient))
    moved, version = server.pull()[:2]
    right = [W - 0.5 * G for W, G in zip(weights, gradient, strict=True)]
    mistakes = {
        _("the weights did not move"): weights,
        _("the server went uphill: a step subtracts the gradient"): [
            W + 0.5 * G for W, G in zip(weights, gradient, strict=True)
        ],
        _("half the rate for a fresh gradient: its staleness is 0, so the rate is divided by 1"): [
            W - 0.25 * G for W, G in zip(weights, gradient, strict=True)
        ],
        _("the step does not use the learning rate"): [W - G for W, G in zip(weights, gradient, strict=True)],
    }
    _expect_arrays(moved, right, _("what is pulled after a fresh gradient"), mistakes)
    assert version == 21, _("the version was 20 and is {version} after one step: each step counts it up by one").format(
        version=version
    )
    assert stepped is True or (isinstance(stepped, np.bool_) and stepped), _(
        "`push` stepped, but returned {stepped!r}: return True"
    ).format(stepped=stepped)


@careful.check
def an_old_gradient(CarefulServer, rng):
    """An old gradient moves them by the rate divided by 1 + staleness."""
    server, _weights = _server(CarefulServer, rng, bound=5)
    for version in range(6):
        server.push(0, version, _noise(rng))
    before = _copies(server.pull()[0])
    gradient = _noise(rng)
    server.push(1, 2, _copies(gradient))
    moved = _copies(server.pull()[0])

    def after(divisor):
        return [W - 0.5 / divisor * G for W, G in zip(before, gradient, strict=True)]

    mistakes = {
        _("a gradient of staleness 4 got the full step"): after(1),
        _("the rate is divided by the staleness, not by 1 + staleness: a fresh gradient would divide by 0"): after(4),
        _("the rate is divided by the server's version: what counts is how far it moved since the pull"): after(7),
        _("the rate is divided by the version that was pulled: the older the news, the longer your step"): after(3),
        _("the staleness is counted after the step: compare with the version before it"): after(6),
        _("a gradient of staleness 4 was refused, and the bound is 5"): before,
    }
    _expect_arrays(moved, after(5), _("what is pulled after a gradient of staleness 4"), mistakes)
    fresh = _noise(rng)
    server.push(1, 7, _copies(fresh))
    mistakes = {
        _("a fresh gradient after an old one got a shorter step: `learning_rate` must stay as it is"): [
            W - 0.1 * G for W, G in zip(moved, fresh, strict=True)
        ],
    }
    right = [W - 0.5 * G for W, G in zip(moved, fresh, strict=True)]
    _expect_arrays(
        server.pull()[0], right, _("what is pulled after a fresh gradient that follows an old one"), mistakes
    )


@careful.check
def beyond_the_bound(CarefulServer, rng):
    """Above the bound it is refused: nothing moves. At the bound it is taken."""
    server, _weights = _server(CarefulServer, rng)
    for version in range(5):
        server.push(0, version, _noise(rng))
    before = _copies(server.pull()[0])
    stepped = server.push(1, 1, _noise(rng))
    moved, version = server.pull()[:2]
    assert not _changed(moved, before), _("a gradient of staleness 4 moved the weights, and the bound is 3")
    assert version == 5, _("a refused gradient changed the version: nothing moved, so it stays")
    assert stepped is False or (isinstance(stepped, np.bool_) and not stepped), _(
        "`push` refused, but returned {stepped!r}: return False"
    ).format(stepped=stepped)
    assert server.push(1, 2, _noise(rng)), _("a gradient of staleness 3 was refused, and the bound is 3: above it only")


@careful.check
def every_arrival_is_noted(CarefulServer, rng):
    """Arrivals hold worker and staleness of each gradient, refused ones too."""
    server, _weights = _server(CarefulServer, rng, bound=1)
    for worker, version in [(0, 0), (2, 0), (1, 0), (1, 2)]:
        server.push(worker, version, _noise(rng))
    try:
        found = [tuple(int(number) for number in pair) for pair in server.history()]
    except TypeError:
        raise AssertionError(_("`arrivals` should hold pairs (worker, staleness)")) from None
    assert found != [(0, 0), (2, 1), (1, 0)], _("the refused gradient is missing in `arrivals`")
    assert found == [(0, 0), (2, 1), (1, 2), (1, 0)], _(
        "four gradients came, and `arrivals` holds {found}: (worker, staleness) of each, in the order of arrival"
    ).format(found=found)


@careful.check
def what_was_pulled_stays(CarefulServer, rng):
    """Weights that somebody has pulled, and the gradient, are not changed by a later step."""
    server, _weights = _server(CarefulServer, rng)
    pulled, gradient = server.pull()[0], _noise(rng)
    kept, sent = _copies(pulled), _copies(gradient)
    server.push(0, 0, gradient)
    assert not _changed(pulled, kept), _(
        "a step changed arrays that a worker had pulled before: make new weights instead of changing them in place"
    )
    assert not _changed(gradient, sent), _("`push` changed the gradient in place: work on a copy")


ring = Exercise(
    "7.4",
    "The ring",
    points=6,
    minutes=20,
    difficulty=4,
    hints=[
        "In the figure, from table 0 to table 1: worker 0 sends chunk 0, worker 1 chunk 1, and so on. In each later "
        "step a worker passes on the chunk that it has just received.",
        "So in step `s` worker `i` sends chunk `(i - s) % p` to worker `(i + 1) % p`: added there in the first p - 1 "
        "steps, put in place of the receiver's chunk in the others.",
    ],
)


class _Wire:
    """What workers send to each other: `sent[i, j]` numbers from i to j, in `messages[i, j]` messages."""

    def __init__(self, p, dead=False):
        self.sent, self.messages, self.dead = np.zeros((p, p), dtype=int), np.zeros((p, p), dtype=int), dead
        self.longest = 0

    def send(self, sender, receiver, numbers):
        numbers = np.array(numbers, dtype=float)
        self.sent[sender, receiver] += numbers.size
        self.messages[sender, receiver] += 1
        self.longest = max(self.longest, numbers.size)
        return np.zeros_like(numbers) if self.dead else numbers

    def busiest(self):
        """Most numbers that one worker sends or receives."""
        return int(max(self.sent.sum(axis=0).max(), self.sent.sum(axis=1).max()))


def _vectors(rng, p, n):
    return [rng.normal(size=n) for _worker in range(p)]


@ring.check
def everybody_has_the_sum(ring_all_reduce, rng):
    """Every worker ends with the sum, for any number of workers and any length."""
    for p, n in ((4, 8), (3, 10), (5, 3), (2, 7), (1, 4)):
        vectors = _vectors(rng, p, n)
        kept, total = _copies(vectors), np.sum(vectors, axis=0)
        found = ring_all_reduce(vectors, _Wire(p).send)
        assert found is not None, _("the result is None: does your function return it?")
        assert isinstance(found, list | tuple | np.ndarray), _(
            "the result should be a list of vectors, but it is a {kind}"
        ).format(kind=type(found).__name__)
        assert len(found) == p, _("with {p} workers you return {found} vectors").format(p=p, found=len(found))
        for worker, vector in enumerate(found):
            what = _("worker {worker}'s vector, of {p} workers and {n} numbers,").format(worker=worker, p=p, n=n)
            mistakes = {
                _("worker {worker} ends with the mean: an all-reduce sums").format(worker=worker): total / p,
                _("worker {worker} ends with its own numbers only").format(worker=worker): kept[worker],
            }
            if p > 1:
                expect_close(vector, total, what, mistakes=mistakes)
            else:
                expect_close(vector, total, what)
        assert not _changed(vectors, kept), _("the vectors that you were given were changed in place: work on copies")


@ring.check
def all_through_the_wire(ring_all_reduce, rng):
    """What one worker knows of another has come through `send`."""
    p, n = 4, 12
    vectors = _vectors(rng, p, n)
    found = ring_all_reduce(_copies(vectors), _Wire(p, dead=True).send)
    expect_shape(found, (p, n), _("the list of the workers' vectors"))
    for worker, (vector, own) in enumerate(zip(found, vectors, strict=True)):
        known = np.isclose(vector, 0) | np.isclose(vector, own)
        assert known.all(), _(
            "with a dead wire, on which only zeros arrive, worker {worker} still has numbers of other workers: "
            "use what `send` returns"
        ).format(worker=worker)


@ring.check
def neighbours_only(ring_all_reduce, rng):
    """Each worker sends to one neighbour only."""
    p = 5
    wire = _Wire(p)
    ring_all_reduce(_vectors(rng, p, 20), wire.send)
    pairs = {(int(i), int(j)) for i, j in zip(*np.nonzero(wire.messages), strict=True)}
    right = {(i, (i + 1) % p) for i in range(p)}
    wrong = min(pairs - right, default=None)
    if wrong and pairs != {(j, i) for i, j in right}:
        raise AssertionError(
            _("of 5 workers, worker {i} sends to worker {j}: in the ring it sends to worker {k} only").format(
                i=wrong[0], j=wrong[1], k=(wrong[0] + 1) % p
            )
        )


def _expect_few_messages(mine, theirs):
    assert mine.messages.sum() <= theirs.messages.sum(), _(
        "right answer, but in {mine} messages where {theirs} are enough: each costs its latency"
    ).format(mine=int(mine.messages.sum()), theirs=int(theirs.messages.sum()))


@ring.check
def no_more_than_needed(ring_all_reduce, reference, rng, cost):
    """No worker sends or receives more than 2 n (p - 1) / p numbers."""
    p, n = 5, 1000
    vectors = _vectors(rng, p, n)
    mine, theirs = _Wire(p), _Wire(p)
    cost.of(ring_all_reduce, _copies(vectors), mine.send)
    cost.of(reference.ring_all_reduce, _copies(vectors), theirs.send)
    if mine.longest <= theirs.longest:  # chunks, so if there is too much it is in too many steps
        _expect_few_messages(mine, theirs)
    assert mine.busiest() <= 1.02 * theirs.busiest(), _(
        "right answer, but of 5 workers with {n} numbers each one sends or receives {mine} numbers, where {theirs} are "
        "enough: send chunks, not vectors"
    ).format(n=n, mine=mine.busiest(), theirs=theirs.busiest())
    _expect_few_messages(mine, theirs)


local = Exercise(
    "7.5",
    "One round",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "Every shard begins the round at the same `weights`, whatever the shards before it did.",
        "Collect the model of each shard and its number of rows; then average array by array, as in exercise 7.2.",
    ],
)


def _walk(weights, X, y, rate, n_steps):
    for _step in range(n_steps):
        weights = [W - rate * G for W, G in zip(weights, _gradients(weights, X, y), strict=True)]
    return weights


@local.check
def average_of_walks(local_round, rng):
    """Each shard walks from the same weights, and the average weighs them by rows."""
    weights, (X, y) = _network(rng, (4, 6, 3)), _rows(rng, 40)
    sizes, rate, n_steps = [4, 30, 6], 0.2, 3
    shards = [(X[rows], y[rows]) for rows in np.split(np.arange(40), [4, 34])]
    shares = [size / 40 for size in sizes]
    models = [_walk(weights, *shard, rate, n_steps) for shard in shards]
    chain = weights
    chained = []
    for shard in shards:
        chain = _walk(chain, *shard, rate, n_steps)
        chained.append(chain)
    mistakes = {
        _("this is the plain average: weigh the shards by their rows"): _weighted(models, [1 / 3] * 3),
        _("each shard went on from where the one before it ended: all start from the same weights"): _weighted(
            chained, shares
        ),
        _("each shard went on from where the one before it ended, and the last one's weights are the result"): chain,
        _("this is one step per shard: take `n_steps` of them before you average"): _walk(weights, X, y, rate, 1),
        _("this averages the gradients after every step: in local SGD the shards walk alone"): _walk(
            weights, X, y, rate, n_steps
        ),
        _("the weighted sum is not divided by the number of all rows"): _weighted(models, sizes),
    }
    kept = _copies(weights)
    found = local_round(weights, shards, rate, n_steps)
    assert not _changed(weights, kept), _("`weights` were changed in place: work on copies")
    _expect_arrays(found, _weighted(models, shares), _("the averaged model"), mistakes)


@local.check
def one_step_is_the_full_gradient(local_round, rng):
    """With one step it is a step along the gradient over all rows."""
    weights, (X, y) = _network(rng, (4, 6, 3)), _rows(rng, 30)
    shards = [(X[rows], y[rows]) for rows in np.split(np.arange(30), [3, 10])]
    what = _("the model after a round of one step")
    _expect_arrays(local_round(_copies(weights), shards, 0.3, 1), _walk(weights, X, y, 0.3, 1), what, {})


schedule = Exercise(
    "7.6",
    "Scale and warm up",
    points=2,
    minutes=5,
    difficulty=2,
    hints=[
        "The full rate is the base rate times the number of base batches that fit into one batch.",
        "In step `number` of the warm-up, `number / warmup` of the way from the base rate to the full rate is done.",
    ],
)


def _rates(function, base, base_rows, batch_rows, warmup, steps):
    return [function(number, base, base_rows, batch_rows, warmup) for number in range(steps)]


@schedule.check
def equal_increments(learning_rate_at, rng):
    """From the base rate to the scaled one in equal increments, then level."""
    base = float(rng.uniform(0.01, 0.1))
    factor, warmup = 8, 5
    ramp = np.minimum(np.arange(9) / warmup, 1)
    right = base + (factor - 1) * base * ramp
    mistakes = {
        _("the rate is not scaled: it stays at its base"): np.full(9, base),
        _("the rate is the full one from the first step on: the warm-up is missing"): np.full(9, factor * base),
        _("the warm-up starts from 0: it starts from the base rate"): factor * base * ramp,
        _("the warm-up starts above the base rate: step 0 is at the base rate"): factor
        * base
        * np.minimum(np.arange(1, 10) / warmup, 1),
        _("the full rate comes one step late: step `warmup` is the first at the full rate"): base
        + (factor - 1) * base * np.minimum(np.arange(9) / (warmup + 1), 1),
        _("the full rate comes one step early: step `warmup` is the first at the full rate"): base
        + (factor - 1) * base * np.minimum(np.arange(9) / (warmup - 1), 1),
        _("the rate shrinks with the batch: a larger batch takes a longer step"): base + (1 / factor - 1) * base * ramp,
        _("the rate goes on rising after the warm-up"): base + (factor - 1) * base * np.arange(9) / warmup,
    }
    found = _rates(learning_rate_at, base, 32, 32 * factor, warmup, 9)
    expect_close(found, right, _("the rate, by number of the step,"), mistakes=mistakes)


@schedule.check
def without_warm_up(learning_rate_at):
    """Without warm-up it is the full rate from the first step on; a batch may be smaller than the base, too."""
    found = _rates(learning_rate_at, 0.1, 16, 64, 0, 3)
    expect_close(found, [0.4, 0.4, 0.4], _("the rate without warm-up"))
    found = _rates(learning_rate_at, 0.1, 16, 8, 2, 4)
    expect_close(found, [0.1, 0.075, 0.05, 0.05], _("the rate for a batch of half the base's rows"))


share = Exercise(
    "7.7",
    "A rank's share",
    points=3,
    minutes=10,
    difficulty=3,
    hints=[
        "Every `size`-th row from row `index` on gives parts that differ by at most one row.",
        "DDP gives a rank the weight 1/size, and it should have rows/all rows: the factor turns one into the other.",
    ],
)


def _pair(found):
    assert isinstance(found, list | tuple) and len(found) == 2, _("return two things: the rows, and the factor")
    return found


@share.check
def every_row_once(rank_share, rng):
    """Every row goes to exactly one rank, and their numbers differ by at most one."""
    for rows, size in ((48, 2), (49, 2), (11, 4), (5, 4), (9, 4), (10, 4), (5, 5), (7, 1)):
        batch = rng.permutation(1000)[:rows]
        kept = batch.copy()
        parts = [np.asarray(_pair(rank_share(batch, index, size))[0]) for index in range(size)]
        where = _("{rows} rows and {size} ranks: ").format(rows=rows, size=size)
        together = np.concatenate([part.ravel() for part in parts])
        strange = set(together.tolist()) - set(kept.tolist())
        assert not strange, where + _("{number} is no entry of `batch`: return its entries, not their places").format(
            number=min(strange)
        )
        assert len(together) <= rows, where + _("some rows go to more than one rank")
        assert len(set(together.tolist())) == rows, where + _("some rows go to no rank")
        lengths = [len(part) for part in parts]
        assert max(lengths) - min(lengths) <= 1, where + _(
            "the ranks get {lengths} rows: they may differ by one at most"
        ).format(lengths=lengths)
        assert np.array_equal(batch, kept), _("`batch` was changed in place: work on a copy")


@share.check
def plain_average_becomes_right(rank_share, rng):
    """With the factors, the plain average over the ranks is the mean over the batch."""
    for rows, size in ((49, 2), (11, 4), (48, 2), (10, 4), (9, 9)):
        batch = rng.permutation(1000)[:rows]
        shares = [_pair(rank_share(batch, index, size)) for index in range(size)]
        lengths = np.array([np.size(np.asarray(part)) for part, _factor in shares])
        assert lengths.min() > 0, _("{rows} rows and {size} ranks: a rank gets no row").format(rows=rows, size=size)
        right = lengths * size / rows
        mistakes = {
            _("the factor is the rank's part of the rows: DDP divides by the number of ranks as well"): lengths / rows,
            _("the factor is upside down: the rank with more rows needs the larger one"): rows / (lengths * size),
            _("the factor is the number of rows: the mean over the batch divides by all of them"): lengths.astype(
                float
            ),
        }
        if len(set(lengths)) > 1:
            mistakes[_("a factor of 1 leaves the plain average as it is, and the ranks' rows differ")] = np.ones(size)
        factors = [factor for _part, factor in shares]
        what = _("the factor for {rows} rows, by rank of {size},").format(rows=rows, size=size)
        expect_close(factors, right, what, mistakes=mistakes)
