"""The course's data sets, one loader each: real data where it can be had, else a stand-in that says so.

A loader looks in the folder `$COURSE_DATA` (upstream's own layout), then in the cache (`$COURSE_CACHE`, else the
user's cache folder), then downloads. Where the network cannot be reached it makes a stand-in. What it returns
carries a `Provenance`, which it also shows: which data this is, how much of it, whose, under what terms.
"""

from helpers.data.cifar10 import CIFAR10, load_cifar10
from helpers.data.download import DownloadError
from helpers.data.housing import Housing, load_housing
from helpers.data.movielens import MovieLens, load_movielens
from helpers.data.newsgroups import Newsgroups, load_newsgroups
from helpers.data.provenance import Provenance
from helpers.data.taxi import Taxi, load_taxi

__all__ = [
    "CIFAR10",
    "DownloadError",
    "Housing",
    "MovieLens",
    "Newsgroups",
    "Provenance",
    "Taxi",
    "load_cifar10",
    "load_housing",
    "load_movielens",
    "load_newsgroups",
    "load_taxi",
]
