"""Blocks of rows of Dask collections: checked, put beside each other, and read in chunks that fit a cache."""

from collections.abc import Iterator

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd

from helpers.words import _

ROWS = 8192  # a chunk of 30 float64 columns is 2 MB: about what a core's own cache holds


def row_blocks(X, y) -> tuple[list, list]:
    """Blocks of rows of `X` (n_samples, n_features) and the blocks of `y` (n_samples,) beside them, as Delayed.

    Chunks that differ are rechunked, and measured first where their lengths are unknown. Raises TypeError for what is
    not a Dask collection of numbers, and ValueError for dimensions or lengths that do not fit.
    """
    if not (isinstance(X, da.Array | dd.DataFrame) and isinstance(y, da.Array | dd.Series)):
        raise TypeError(
            _(
                "X must be a Dask array or DataFrame and y a Dask array or Series, not {x} and {y}: make Dask arrays "
                "with da.from_array, or give both as NumPy"
            ).format(x=type(X).__name__, y=type(y).__name__)
        )
    X, y = _as_array(X, "X"), _as_array(y, "y")
    if X.ndim != 2 or y.ndim != 1:
        raise ValueError(
            _("X must have two dimensions and y one, not {x} and {y}: use y[:, 0] or X[:, None] to change that").format(
                x=X.ndim, y=y.ndim
            )
        )
    if X.numblocks[1] > 1:
        X = X.rechunk({1: -1})
    if X.numblocks[0] != y.numblocks[0]:
        X, y = _with_lengths(X), _with_lengths(y)
    if not np.isnan(len_x := X.shape[0]) and not np.isnan(len_y := y.shape[0]):
        if len_x != len_y:
            raise ValueError(_("X has {x} rows and y has {y}").format(x=len_x, y=len_y))
        y = y.rechunk((X.chunks[0],))
    # dask 2026.8 drops the futures of a persisted array when to_delayed optimises it, and its data may go.
    return tuple(collection.to_delayed(optimize_graph=False).ravel().tolist() for collection in (X, y))


def _with_lengths(array: da.Array) -> da.Array:
    """`array` with known chunk sizes, for which it may have to be computed once; the caller's stays as it is."""
    return array.copy().compute_chunk_sizes() if np.isnan(array.shape[0]) else array


def _as_array(collection, what: str) -> da.Array:
    """A Dask array of numbers; TypeError that names the column where there are none."""
    if isinstance(collection, dd.DataFrame):
        dtypes = {f"{what}[{name!r}]": dtype for name, dtype in collection.dtypes.items()}
    else:
        dtypes = {what: collection.dtype}
    for name, dtype in dtypes.items():
        if not pd.api.types.is_numeric_dtype(dtype):
            raise TypeError(
                _("{name} is of type {dtype}, not a number: encode it or leave it out").format(name=name, dtype=dtype)
            )
    return collection if isinstance(collection, da.Array) else collection.astype(float).to_dask_array()


def row_chunks(length: int) -> Iterator[slice]:
    """Slices that cut `length` rows into chunks of `ROWS`."""
    return (slice(start, start + ROWS) for start in range(0, length, ROWS))


def check_lengths(x: np.ndarray, y: np.ndarray) -> None:
    """Raise ValueError where two blocks that should lie beside each other differ in length."""
    if len(x) != len(y):
        raise ValueError(
            _("X and y differ in length: a block of X has {x} rows, and the block of y beside it {y}").format(
                x=len(x), y=len(y)
            )
        )
