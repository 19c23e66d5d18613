"""Read pickles that somebody else wrote, without letting them run code.

A pickle may name any function to call. These readers know a short list of names that rebuild plain arrays and
scikit-learn's dictionary, and refuse every other.
Source: https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import io
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from joblib import numpy_pickle
from sklearn.utils import Bunch

from helpers.words import _

_reconstruct = np.empty(1).__reduce__()[0]
_frombuffer = np.empty(1).__reduce_ex__(5)[0]

# NumPy and scikit-learn moved these between releases; files name them by the place they had when written.
ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.numeric", "_frombuffer"): _frombuffer,
    ("sklearn.utils", "Bunch"): Bunch,
    ("sklearn.utils._bunch", "Bunch"): Bunch,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): numpy_pickle.NumpyArrayWrapper,
}


def _find_class(module: str, name: str) -> Any:
    if (module, name) not in ALLOWED:
        message = _("The file is not data only: it asks for {module}.{name}, so it was not read.")
        raise pickle.UnpicklingError(message.format(module=module, name=name))
    return ALLOWED[module, name]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _find_class(module, name)


class _JoblibUnpickler(numpy_pickle.NumpyUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _find_class(module, name)


def read_pickle(path: Path) -> Any:
    """A pickle of Python 2 or 3; strings of Python 2 are decoded as Latin-1. Raises `pickle.UnpicklingError`."""
    with path.open("rb") as file:
        return _Unpickler(file, encoding="latin1").load()


def read_zlib_pickle(path: Path) -> Any:
    """A pickle compressed by zlib, as `fetch_20newsgroups` keeps one. Raises `pickle.UnpicklingError`."""
    return _Unpickler(io.BytesIO(zlib.decompress(path.read_bytes()))).load()


def read_joblib(path: Path) -> Any:
    """What `joblib.dump(array, compress=...)` wrote through zlib. Raises `pickle.UnpicklingError`."""
    content = io.BytesIO(zlib.decompress(path.read_bytes()))
    return _JoblibUnpickler(str(path), content, ensure_native_byte_order=True).load()
