"""California housing: the districts of the 1990 census, their median house value to be predicted.

Source: Pace and Barry, "Sparse spatial autoregressions", 1997, as scikit-learn's `fetch_california_housing` has it.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.data.download import Unreachable, download
from helpers.data.places import obtain
from helpers.data.provenance import Provenance, show
from helpers.words import _

UPSTREAM = Provenance(
    dataset="California housing",
    kind="upstream",
    rows=20_640,
    unit=_("districts"),
    source="https://scikit-learn.org/stable/datasets/real_world.html#california-housing-dataset",
    licence=_("none stated"),
    citation="Pace and Barry 1997, Statistics & Probability Letters 33",
)
FILE = "cal_housing_py3.pkz"
FEATURES = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)


@dataclass(frozen=True, eq=False)
class Housing:
    """`X` (n_samples, n_features) and `y` (n_samples,), float64, in memory.

    Real data has 20,640 districts of 8 features, and `y` in units of 100,000 US dollars.
    """

    X: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    feature_names: tuple[str, ...]
    provenance: Provenance = field(repr=False)


def load_housing() -> Housing:
    """California housing as `fetch_california_housing` returns it; without a network the diabetes data stands in.

    The stand-in is scikit-learn's bundled diabetes data: 442 patients of 10 features, real but another problem,
    so take shapes and names from the result. Raises `DownloadError` where a download goes wrong.
    """
    try:
        table, _path, where = obtain(FILE, _read, _fetch)
    except Unreachable as reason:
        return show(_stand_in(reason))
    X = table[:, 1:].copy()
    households = X[:, 5].copy()
    X[:, 2] /= households
    X[:, 3] /= households
    X[:, 5] = X[:, 4] / households
    return show(Housing(X, table[:, 0] / 100_000, FEATURES, UPSTREAM.found(len(X), where)))


def _read(path: Path) -> np.ndarray:
    """Scikit-learn's cache file: value in dollars, then the eight columns, still as totals per district."""
    from helpers.data.pickles import read_joblib

    table = read_joblib(path)
    if not isinstance(table, np.ndarray) or table.dtype != float or table.shape[1:] != (1 + len(FEATURES),):
        message = _("{path} is not scikit-learn's California housing: expected float64 in 9 columns, found {what}.")
        what = f"{getattr(table, 'dtype', type(table).__name__)} {getattr(table, 'shape', '')}"
        raise ValueError(message.format(path=path, what=what))
    return table


def _fetch(target: Path) -> None:
    from sklearn.datasets import fetch_california_housing
    from sklearn.datasets._california_housing import ARCHIVE

    # Scikit-learn's own download has no time-out; it takes a file that is there already and matches its checksum.
    download(ARCHIVE.url, target.with_name(ARCHIVE.filename), f"sha256:{ARCHIVE.checksum}")
    fetch_california_housing(data_home=target.parent)


def _stand_in(reason: Unreachable) -> Housing:
    from sklearn.datasets import load_diabetes

    diabetes = load_diabetes(scaled=False)
    detail = _("{reason} Instead: scikit-learn's diabetes data, 442 patients of 10 features.")
    provenance = UPSTREAM.stand_in(len(diabetes.data), detail.format(reason=reason))
    return Housing(diabetes.data, diabetes.target, tuple(diabetes.feature_names), provenance)
