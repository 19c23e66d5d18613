"""Blocks of rows of Dask collections: checked, put beside each other, and read in chunks that fit a cache."""

from collections.abc import Iterator

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd

from helpers.words import _

ROWS = 8192  # a chunk of 30 float64 columns is 2 MB: about what a core's own cache holds


def row_blocks(X, y, name: str = "y") -> tuple[list, list]:
    """Blocks of rows of `X` (n_samples, n_features) and the blocks of `y` (n_samples,) beside them, as Delayed.

    Chunks that differ are rechunked, and measured first where their lengths are unknown. Raises TypeError for what is
    not a Dask collection of numbers, and ValueError for dimensions or lengths that do not fit; errors call y `name`.
    """
    if not (isinstance(X, da.Array | dd.DataFrame) and isinstance(y, da.Array | dd.Series)):
        raise TypeError(
            _(
                "X must be a Dask array or DataFrame and {name} a Dask array or Series, not {x} and {y}: make Dask "
                "arrays with da.from_array, or give both as NumPy"
            ).format(name=name, x=type(X).__name__, y=type(y).__name__)
        )
    X, y = as_matrix(X), _as_array(y, name)
    if y.ndim != 1:
        raise ValueError(
            _("{name} must have one dimension, not {y}: use {name}[:, 0] to change that").format(name=name, y=y.ndim)
        )
    if X.numblocks[0] != y.numblocks[0]:
        X, y = _with_lengths(X), _with_lengths(y)
    if not np.isnan(len_x := X.shape[0]) and not np.isnan(len_y := y.shape[0]):
        if len_x != len_y:
            raise ValueError(_("X has {x} rows and {name} has {y}").format(x=len_x, name=name, y=len_y))
        y = y.rechunk((X.chunks[0],))
    return delayed_blocks(X), delayed_blocks(y)


def as_matrix(X) -> da.Array:
    """`X` as an array of numbers with two dimensions, whose blocks hold whole rows; errors as of `row_blocks`."""
    X = _as_array(X, "X")
    if X.ndim != 2:
        raise ValueError(
            _("X must have two dimensions, not {x}: use X[:, None] to make a column of it").format(x=X.ndim)
        )
    return X.rechunk({1: -1}) if X.numblocks[1] > 1 else X


def delayed_blocks(array: da.Array) -> list:
    """The blocks of `array`, whose other dimensions have one block, as Delayed."""
    # dask 2026.8 drops the futures of a persisted array when to_delayed optimises it, and its data may go.
    return array.to_delayed(optimize_graph=False).ravel().tolist()


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
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            raise TypeError(
                _("{name} is of type {dtype}, not a number: encode it or leave it out").format(name=name, dtype=dtype)
            )
    return collection if isinstance(collection, da.Array) else collection.astype(float_type(collection)).to_dask_array()


def float_type(data) -> np.dtype:
    """The type that computations with `data` take: float32 for an array or frame of nothing but float32, else float64.

    `data` may be a Dask collection or in memory.
    """
    dtypes = set(np.atleast_1d(data.dtypes)) if hasattr(data, "dtypes") else {data.dtype}
    return np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)


def row_chunks(length: int) -> Iterator[slice]:
    """Slices that cut `length` rows into chunks of `ROWS`."""
    return (slice(start, start + ROWS) for start in range(0, length, ROWS))


def check_lengths(x: np.ndarray, y: np.ndarray, name: str = "y") -> None:
    """Raise ValueError where two blocks that should lie beside each other differ in length."""
    if len(x) != len(y):
        raise ValueError(
            _("X and {name} differ in length: a block of X has {x} rows, and the block of {name} beside it {y}").format(
                name=name, x=len(x), y=len(y)
            )
        )
