"""MovieLens: who rated which film how high, in four sizes.

Source: Harper and Konstan, "The MovieLens datasets: history and context", 2015, https://doi.org/10.1145/2827872
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.data.download import Unreachable, download
from helpers.data.places import obtain, unzip
from helpers.data.provenance import Provenance, show
from helpers.words import _

if TYPE_CHECKING:
    import pandas as pd

UPSTREAM = Provenance(
    dataset="MovieLens",
    kind="upstream",
    rows=0,
    unit=_("ratings"),
    source="https://grouplens.org/datasets/movielens/",
    licence=_("research use, no redistribution"),
    citation="Harper and Konstan 2015, doi:10.1145/2827872",
)
BASE_URL = "https://files.grouplens.org/datasets/movielens/"


@dataclass(frozen=True)
class Size:
    """One of GroupLens' archives. `checksum` is None where GroupLens replaces the file now and then."""

    folder: str
    users: int
    items: int
    ratings: int
    files: tuple[str, ...]
    checksum: str | None


SIZES = {
    "100k": Size(
        "ml-100k",
        943,
        1_682,
        100_000,
        ("u.data", "u.item", "u.genre", "u.user"),
        "md5:0e33842e24a9c977be4e0107933c0723",
    ),
    "latest-small": Size("ml-latest-small", 610, 9_742, 100_836, ("ratings.csv", "movies.csv"), None),
    "1m": Size(
        "ml-1m",
        6_040,
        3_883,
        1_000_209,
        ("ratings.dat", "movies.dat", "users.dat"),
        "md5:c4d9eecfca2ab87c1945afe126590906",
    ),
    "25m": Size(
        "ml-25m",
        162_541,
        62_423,
        25_000_095,
        ("ratings.csv", "movies.csv"),
        "md5:6b51fb2759a8657d3bfcbfc42b592ada",
    ),
}
STAND_IN_RANK = 4
STAND_IN_NOISE = 0.6  # standard deviation, in stars, before rounding to whole stars


@dataclass(frozen=True, eq=False)
class MovieLens:
    """pandas frames in memory.

    `ratings`: user (int32), item (int32), rating (float32, in stars), timestamp (datetime64).
    `movies`: item (int32), title (str), genres (str, "Action|Comedy"); not every film has a rating.
    `users`: user, age, gender, occupation, zip in 100k and 1m, elsewhere None.
    """

    ratings: "pd.DataFrame" = field(repr=False)
    movies: "pd.DataFrame" = field(repr=False)
    users: "pd.DataFrame | None" = field(repr=False)
    provenance: Provenance = field(repr=False)


def load_movielens(size: str = "100k") -> MovieLens:
    """MovieLens in `size` "100k", "latest-small", "1m" or "25m"; without a network, ratings of known rank.

    The stand-in has as many users, films and ratings (for "25m" as many as "1m"). A rating is 3.5 stars, plus a
    bias of the user and of the film, plus a product of rank 4, plus noise of 0.6 stars, rounded; some users and
    films have many more ratings than others. Raises `DownloadError` where a download goes wrong.
    """
    if size not in SIZES:
        message = _("MovieLens comes in the sizes {sizes}; there is no {size!r}.")
        raise ValueError(message.format(sizes=", ".join(map(repr, SIZES)), size=size))
    facts = SIZES[size]
    upstream = replace(UPSTREAM, dataset=f"MovieLens {size}", rows=facts.ratings)
    try:
        frames, _path, where = obtain(
            facts.folder, lambda path: _read(path, size), lambda target: _fetch(target, facts)
        )
        provenance = upstream.found(len(frames[0]), where)
    except Unreachable as reason:
        frames = _stand_in(SIZES["1m"] if size == "25m" else facts)
        detail = _("{reason} Instead: random ratings of rank {rank} plus noise.")
        provenance = upstream.stand_in(len(frames[0]), detail.format(reason=reason, rank=STAND_IN_RANK))
    return show(MovieLens(*frames, provenance))


def _fetch(target: Path, size: Size) -> None:
    archive = target.with_suffix(".zip")
    download(BASE_URL + archive.name, archive, size.checksum)
    unzip(archive, [f"{size.folder}/{name}" for name in size.files])


def _read(folder: Path, size: str) -> tuple:
    ratings, movies, users = {"100k": _read_100k, "1m": _read_1m}.get(size, _read_csv)(folder)
    if not len(ratings) or not ratings["rating"].between(0.5, 5).all() or not len(movies):
        message = _("{folder} holds no MovieLens ratings from 0.5 to 5 stars.")
        raise ValueError(message.format(folder=folder))
    return ratings, movies, users


def _read_100k(folder: Path) -> tuple:
    import pandas as pd

    names = ["user", "item", "rating", "timestamp"]
    ratings = pd.read_csv(folder / "u.data", sep="\t", names=names)
    genres = pd.read_csv(folder / "u.genre", sep="|", names=["genre", "code"])["genre"].to_numpy()
    table = pd.read_csv(folder / "u.item", sep="|", header=None, encoding="latin-1")
    flags = table.iloc[:, 5:].to_numpy(dtype=bool)
    movies = pd.DataFrame({"item": table[0], "title": table[1], "genres": ["|".join(genres[row]) for row in flags]})
    users = pd.read_csv(
        folder / "u.user", sep="|", names=["user", "age", "gender", "occupation", "zip"], dtype={"zip": str}
    )
    return _typed_ratings(ratings), _typed_movies(movies), users


def _read_1m(folder: Path) -> tuple:
    import pandas as pd

    # Read as if ":" parted the fields, with empty ones between: pandas' fast parser knows separators of one character.
    ratings = pd.read_csv(folder / "ratings.dat", sep=":", header=None, usecols=[0, 2, 4, 6])
    ratings.columns = ["user", "item", "rating", "timestamp"]
    # A title may hold ":" itself.
    movies = pd.read_csv(
        folder / "movies.dat",
        sep="::",
        engine="python",
        names=["item", "title", "genres"],
        encoding="latin-1",
    )
    users = pd.read_csv(
        folder / "users.dat",
        sep="::",
        engine="python",
        names=["user", "gender", "age", "occupation", "zip"],
        dtype={"zip": str},
    )
    return (
        _typed_ratings(ratings),
        _typed_movies(movies),
        users[["user", "age", "gender", "occupation", "zip"]],
    )


def _read_csv(folder: Path) -> tuple:
    import pandas as pd

    ratings = pd.read_csv(folder / "ratings.csv").rename(columns={"userId": "user", "movieId": "item"})
    movies = pd.read_csv(folder / "movies.csv").rename(columns={"movieId": "item"})
    return _typed_ratings(ratings), _typed_movies(movies), None


def _typed_ratings(ratings: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    return ratings.astype({"user": np.int32, "item": np.int32, "rating": np.float32}).assign(
        timestamp=pd.to_datetime(ratings["timestamp"], unit="s")
    )


def _typed_movies(movies: "pd.DataFrame") -> "pd.DataFrame":
    return movies.astype({"item": np.int32})


def _stand_in(size: Size) -> tuple:
    """Frames like those of `_read`; who rated what is drawn so that some rate, and are rated, far more often."""
    import pandas as pd

    rng = np.random.default_rng(0)
    pairs = np.empty(0, dtype=np.int64)
    while len(pairs) < size.ratings:
        draws = (2 * size.ratings, 2)
        user, item = (rng.beta(0.6, 2, draws) * (size.users, size.items)).astype(np.int64).T
        pairs = np.union1d(pairs, user * size.items + item)
    user, item = np.divmod(rng.choice(pairs, size.ratings, replace=False), size.items)

    tastes = rng.normal(scale=0.7, size=(size.users, STAND_IN_RANK)).astype(np.float32)
    traits = rng.normal(scale=0.7, size=(size.items, STAND_IN_RANK)).astype(np.float32)
    rating = 3.5 + rng.normal(scale=0.4, size=size.users)[user] + rng.normal(scale=0.4, size=size.items)[item]
    rating += np.einsum("nk,nk->n", tastes[user], traits[item])
    rating += rng.normal(scale=STAND_IN_NOISE, size=size.ratings)

    seconds = rng.integers(0, 20 * 365 * 86_400, size.ratings)
    ratings = pd.DataFrame(
        {
            "user": (user + 1).astype(np.int32),
            "item": (item + 1).astype(np.int32),
            "rating": rating.round().clip(1, 5).astype(np.float32),
            "timestamp": np.datetime64("2000-01-01", "s") + seconds,
        }
    )
    items = np.arange(1, size.items + 1, dtype=np.int32)
    genres = np.array(["Action", "Comedy", "Drama", "Romance|Comedy", "Thriller", "Documentary"])
    movies = pd.DataFrame(
        {
            "item": items,
            "title": [f"Stand-in film {item} ({1950 + item % 50})" for item in items],
            "genres": rng.choice(genres, len(items)),
        }
    )
    return ratings, movies, None
