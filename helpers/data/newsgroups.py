"""Twenty newsgroups: Usenet posts of 1993, by group, split by date into posts to train and to test.

Source: Lang, "NewsWeeder", 1995, as scikit-learn's `fetch_20newsgroups` has it.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np

from helpers.data.download import Unreachable, download
from helpers.data.places import obtain
from helpers.data.provenance import Provenance, show
from helpers.words import _

UPSTREAM = Provenance(
    dataset="20 newsgroups",
    kind="upstream",
    rows=18_846,
    unit=_("posts"),
    source="https://scikit-learn.org/stable/datasets/real_world.html#the-20-newsgroups-text-dataset",
    licence=_("none stated"),
    citation="Lang 1995, NewsWeeder: learning to filter netnews",
)
FILE = "20news-bydate_py3.pkz"
LIBRARIES = (
    *("IPython", "bokeh", "dask", "distributed", "fsspec", "jinja2", "joblib", "matplotlib", "networkx", "numba"),
    *("numpy", "pandas", "scipy", "setuptools", "sklearn", "sparse", "sympy", "torch", "torchvision", "tornado"),
)
DOCSTRINGS_PER_LIBRARY = 200


@dataclass(frozen=True, eq=False)
class Newsgroups:
    """Posts as lists of str, labels as int64 arrays that index `names`."""

    train_texts: list[str] = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_texts: list[str] = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    provenance: Provenance = field(repr=False)


def load_newsgroups(remove: Sequence[str] = ()) -> Newsgroups:
    """11,314 posts to train and 7,532 to test, in upstream's order; without a network, docstrings.

    `remove` takes what gives a group away out of each post, as in `fetch_20newsgroups`: any of "headers",
    "footers" (signatures) and "quotes". The stand-in is docstrings of the libraries that the course installs,
    under a header with their name, labelled by library: real text of about 3,800 pieces. Raises `DownloadError`
    where a download goes wrong.
    """
    if unknown := set(remove) - {"headers", "footers", "quotes"}:
        message = _("remove takes 'headers', 'footers' and 'quotes', not {unknown}.")
        raise ValueError(message.format(unknown=", ".join(map(repr, sorted(unknown)))))
    try:
        (names, train, test), _path, where = obtain(FILE, _read, _fetch)
        provenance = UPSTREAM.found(len(train[0]) + len(test[0]), where)
    except Unreachable as reason:
        names, train, test = _docstrings()
        detail = _("{reason} Instead: docstrings of the installed libraries, labelled by library.")
        provenance = UPSTREAM.stand_in(len(train[0]) + len(test[0]), detail.format(reason=reason))
    return show(Newsgroups(_strip(train[0], remove), train[1], _strip(test[0], remove), test[1], names, provenance))


def _strip(texts: list[str], remove: Sequence[str]) -> list[str]:
    from sklearn.datasets import _twenty_newsgroups as upstream

    # The order is scikit-learn's: a signature is sought only after the header has gone.
    if "headers" in remove:
        texts = [upstream.strip_newsgroup_header(text) for text in texts]
    if "footers" in remove:
        texts = [upstream.strip_newsgroup_footer(text) for text in texts]
    if "quotes" in remove:
        texts = [upstream.strip_newsgroup_quoting(text) for text in texts]
    return texts


def _read(path: Path) -> tuple:
    """Names, (texts, labels) to train, (texts, labels) to test, from scikit-learn's cache file."""
    from helpers.data.pickles import read_zlib_pickle

    content = read_zlib_pickle(path)
    try:
        names = tuple(content["train"]["target_names"])
        train, test = (
            (list(part["data"]), np.asarray(part["target"], dtype=np.int64))
            for part in (content["train"], content["test"])
        )
        right = all(len(texts) == len(labels) > 0 and max(labels) < len(names) for texts, labels in (train, test))
    except (KeyError, TypeError):
        right = False
    if not right:
        message = _("{path} is not scikit-learn's 20 newsgroups: expected posts and labels to train and to test.")
        raise ValueError(message.format(path=path))
    return names, train, test


def _fetch(target: Path) -> None:
    from sklearn.datasets import fetch_20newsgroups
    from sklearn.datasets._twenty_newsgroups import ARCHIVE

    # Scikit-learn's own download has no time-out; it takes a file that is there already and matches its checksum.
    home = target.parent / "20news_home"
    home.mkdir()
    download(ARCHIVE.url, home / ARCHIVE.filename, f"sha256:{ARCHIVE.checksum}")
    fetch_20newsgroups(data_home=target.parent)


def _docstrings() -> tuple:
    """Like `_read`, from the sources of `LIBRARIES`; of five docstrings three go to train and two to test."""
    parts: dict[bool, tuple[list[str], list[int]]] = {True: ([], []), False: ([], [])}
    for label, library in enumerate(LIBRARIES):
        for number, text in enumerate(islice(_docstrings_of(library), DOCSTRINGS_PER_LIBRARY)):
            texts, labels = parts[number % 5 < 3]
            texts.append(text)
            labels.append(label)
    train, test = ((texts, np.array(labels)) for texts, labels in parts.values())
    return LIBRARIES, train, test


def _docstrings_of(library: str) -> Iterator[str]:
    """The longer docstrings of an installed library, file by file, each under a header like a post's."""
    spec = find_spec(library)
    if spec is None or spec.origin is None:
        return
    root = Path(spec.origin).parent
    for path in sorted(root.rglob("*.py")):
        module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        if {"tests", "_vendor", "extern"} & set(path.parts):
            continue
        for node in _definitions(ast.parse(path.read_bytes())):
            text = ast.get_docstring(node) or ""
            if len(text) >= 200:
                yield f"From: {module}\nSubject: {node.name}\n\n{text}\n"


def _definitions(scope: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in scope.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node)
