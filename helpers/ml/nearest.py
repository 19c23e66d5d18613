"""Which centre is nearest to each row, compiled: k-means spends its time here.

As ‖x - c‖² = ‖x‖² - 2 x·c + ‖c‖², the nearest centre of x is that of the least ‖c‖² - 2 x·c. Rows are looked at in
tiles that stay in the first-level cache, turned so that one instruction serves several rows, and four centres by four
columns at a time, so that a number once loaded is used four times.

The first call in a process takes some tens of milliseconds; the very first on a machine compiles for a few seconds, and
the result is kept beside this file.
"""

import numpy as np
from numba import njit

TILE = 64  # rows: 20 columns of float64 are 10 kB
STEP = 4  # centres, and columns, at a time

# Products may be fused into sums. To reorder sums as well would let x - origin - c become x - (origin + c), which
# loses what the origin is there for.
_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})


def nearest(x: np.ndarray, centers: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row of `x` (n_samples, n_features) the index of the nearest centre and the squared distance to it.

    `centers` (n_clusters, n_features) are counted from `origin` (n_features,), and so is `x` before it meets them:
    an origin amid the data keeps the digits that squares of large numbers would lose. Ties go to the first centre. `x`
    is C-contiguous, float32 or float64, which is also the type of the distances; indices are int32.
    """
    centers = centers.astype(x.dtype)
    return _nearest(x, *_padded(centers), centers, origin.astype(x.dtype))


def cluster_sums(x: np.ndarray, weights: np.ndarray | None, centers: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """[Σ w (x - origin) | Σ w] over the rows nearest to each centre, in float64; shape (n_clusters, n_features + 1).

    Arguments as for `nearest`, and `weights` (n_samples,) in float64, or None where all are 1.
    """
    return _cluster_sums(x, weights, *_padded(centers.astype(x.dtype)), origin.astype(x.dtype))[: len(centers)]


def _padded(centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-2 c and ‖c‖² with rows and columns up to a multiple of `STEP`; what is added is infinitely far away."""
    k, d = centers.shape
    coefficients = np.zeros((-(-k // STEP) * STEP, -(-d // STEP) * STEP), centers.dtype)
    coefficients[:k, :d] = -2 * centers
    norms = np.full(len(coefficients), np.inf, centers.dtype)
    norms[:k] = (centers.astype(float) ** 2).sum(axis=1)
    return coefficients, norms


@_compiled
def _tile_buffers(x, columns):
    """For `_search_tile`: the turned tile, products of `STEP` centres, least product and its centre for each row."""
    tile = np.zeros((columns, TILE), x.dtype)
    return tile, np.zeros((STEP, TILE), x.dtype), np.zeros(TILE, x.dtype), np.zeros(TILE, np.int32)


@_compiled
def _four(row, f):
    return row[f], row[f + 1], row[f + 2], row[f + 3]


@_compiled
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]


@_compiled
def _search_tile(rows, origin, coefficients, norms, buffers):
    """Find for each of at most `TILE` rows the centre of the least ‖c‖² - 2 x·c."""
    tile, products, least, label = buffers
    for i in range(rows.shape[0]):
        for f in range(rows.shape[1]):
            tile[f, i] = rows[i, f] - origin[f]
    least[:] = np.inf
    for j in range(0, len(norms), STEP):
        for centre in range(STEP):
            products[centre] = norms[j + centre]
        for f in range(0, len(tile), STEP):
            # Tuples stay in registers; arrays, which might overlap, would be read again for every product.
            a, b = _four(coefficients[j], f), _four(coefficients[j + 1], f)
            c, d = _four(coefficients[j + 2], f), _four(coefficients[j + 3], f)
            for i in range(TILE):
                x = tile[f, i], tile[f + 1, i], tile[f + 2, i], tile[f + 3, i]
                products[0, i] += _dot(a, x)
                products[1, i] += _dot(b, x)
                products[2, i] += _dot(c, x)
                products[3, i] += _dot(d, x)
        for i in range(TILE):
            best, which = least[i], label[i]
            for centre in range(STEP):
                closer = products[centre, i] < best
                best = products[centre, i] if closer else best
                which = np.int32(j + centre) if closer else which
            least[i], label[i] = best, which


@_compiled
def _nearest(x, coefficients, norms, centers, origin):
    labels, distances = np.empty(len(x), np.int32), np.empty(len(x), x.dtype)
    buffers = _tile_buffers(x, coefficients.shape[1])
    for start in range(0, len(x), TILE):
        rows = x[start : start + TILE]
        _search_tile(rows, origin, coefficients, norms, buffers)
        tile, _products, _least, label = buffers
        for i in range(len(rows)):
            distance = x.dtype.type(0)
            for f in range(rows.shape[1]):
                difference = tile[f, i] - centers[label[i], f]
                distance += difference * difference
            labels[start + i], distances[start + i] = label[i], distance
    return labels, distances


@_compiled
def _cluster_sums(x, weights, coefficients, norms, origin):
    sums = np.zeros((len(norms), x.shape[1] + 1))
    buffers = _tile_buffers(x, coefficients.shape[1])
    label = buffers[3]
    for start in range(0, len(x), TILE):
        rows = x[start : start + TILE]
        _search_tile(rows, origin, coefficients, norms, buffers)
        for i in range(len(rows)):
            weight = 1.0 if weights is None else weights[start + i]
            of_cluster = sums[label[i]]
            for f in range(rows.shape[1]):
                of_cluster[f] += weight * (rows[i, f] - origin[f])
            of_cluster[-1] += weight
    return sums
