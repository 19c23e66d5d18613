"""What a check says when it refuses an answer: what is off and where, never the answer itself.

Each function raises AssertionError with a sentence for the learner. Where the value under test is lazy, it is
computed first, and a failure of that computation is the learner's (`LearnerError`).
"""

from collections.abc import Mapping
from typing import Any

import dask
import numpy as np

from helpers.judging import LearnerError, Unsolved
from helpers.words import _


def value_of(actual: Any, what: str) -> Any:
    """`actual`, computed where it is a Dask collection."""
    if not dask.is_dask_collection(actual):
        return actual
    try:
        return actual.compute()
    except Unsolved:
        raise
    except Exception as error:
        raise LearnerError(
            _("computing {what} raised {kind}: {error}").format(what=what, kind=type(error).__name__, error=error)
        ) from error


def expect_lazy(actual: Any, what: str) -> None:
    """`actual` is a Dask collection: built, not computed."""
    assert dask.is_dask_collection(actual), _(
        "{what} should be a lazy Dask collection, but it is a {kind}: build it, do not compute it"
    ).format(what=what, kind=type(actual).__name__)


def expect_shape(actual: Any, shape: tuple[int, ...], what: str) -> None:
    """`actual` has `shape`."""
    found = np.shape(actual)
    assert found == tuple(shape), _("{what} has shape {found}, expected {shape}").format(
        what=what, found=found, shape=tuple(shape)
    )


def expect_close(
    actual: Any,
    expected: Any,
    what: str,
    *,
    rtol: float = 1e-7,
    atol: float = 1e-9,
    mistakes: Mapping[str, Any] | None = None,
) -> None:
    """`actual` equals `expected` within `rtol * |expected| + atol`, in shape and in every entry.

    `mistakes` maps a sentence to the value that a known mistake gives: a wrong answer that equals that value is
    refused with that sentence.
    """
    actual = value_of(actual, what)
    assert actual is not None, _("{what} is None: does your function return it?").format(what=what)
    try:
        found = np.asarray(actual, dtype=float)
    except (TypeError, ValueError):
        raise AssertionError(
            _("{what} should be made of numbers, but it is a {kind}").format(what=what, kind=type(actual).__name__)
        ) from None
    expected = np.asarray(expected, dtype=float)
    if found.shape == expected.shape and np.allclose(found, expected, rtol=rtol, atol=atol):
        return
    for sentence, value in (mistakes or {}).items():
        if np.shape(value) == found.shape and np.allclose(found, value, rtol=rtol, atol=atol):
            raise AssertionError(sentence)
    expect_shape(found, expected.shape, what)
    off = ~np.isclose(found, expected, rtol=rtol, atol=atol)
    if found.ndim == 0:
        raise AssertionError(_("{what} is off: you have {found:.6g}").format(what=what, found=float(found)))
    distance = np.where(np.isfinite(found), np.abs(found - expected), np.inf)
    worst = tuple(int(i) for i in np.unravel_index(distance.argmax(), off.shape))
    raise AssertionError(
        _("{what} is off in {count} of {size} entries, most at index {worst}, where you have {found:.6g}").format(
            what=what, count=int(off.sum()), size=off.size, worst=list(worst), found=float(found[worst])
        )
    )
