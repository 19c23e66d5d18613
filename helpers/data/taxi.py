"""New York's yellow taxi trips, one Parquet file a month, as the Taxi and Limousine Commission (TLC) publishes them.

Columns: https://www.nyc.gov/assets/tlc/downloads/pdf/data_dictionary_trip_records_yellow.pdf
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.data.download import DownloadError, Unreachable, download
from helpers.data.places import cache, classroom, keep, obtain
from helpers.data.provenance import Provenance, show
from helpers.words import _

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd

UPSTREAM = Provenance(
    dataset=_("NYC yellow-taxi trips"),
    kind="upstream",
    # The emptiest month so far, April 2020, has 237,993 trips, so a file of fewer than this is a sample.
    rows=100_000,
    unit=_("trips"),
    source="https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page",
    licence=_("NYC Open Data terms of use"),
    citation="New York City Taxi and Limousine Commission, TLC trip record data",
)
BASE_URL = "https://d37ci6vzurychx.cloudfront.net/trip-data/"

# The columns that every month since 2011 has, as the frame holds them. The files disagree: a month writes counts
# as integers or, where some are missing, as floats. A dtype of None stays as it is in the file.
COLUMNS = {
    "VendorID": "int64",
    "tpep_pickup_datetime": None,
    "tpep_dropoff_datetime": None,
    "passenger_count": "float64",
    "trip_distance": "float64",
    "RatecodeID": "float64",
    "store_and_fwd_flag": None,
    "PULocationID": "int64",
    "DOLocationID": "int64",
    "payment_type": "int64",
    "fare_amount": "float64",
    "extra": "float64",
    "mta_tax": "float64",
    "tip_amount": "float64",
    "tolls_amount": "float64",
    "improvement_surcharge": "float64",
    "total_amount": "float64",
    "congestion_surcharge": "float64",
}

# The stand-in's rule: fare = 2.50 + 1.75 per mile + 0.35 per minute + noise of standard deviation 0.50, in dollars.
STAND_IN_FARE = {"base": 2.50, "per_mile": 1.75, "per_minute": 0.35, "noise": 0.50}
STAND_IN_ROW_GROUP = 100_000
GENERATED_BLOCK = 100_000  # trips in a partition of generated ones: 15 MB in memory, so that two workers have many
LEAST_BLOCKS = 8
WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True, eq=False)
class Taxi:
    """`frame`: a lazy Dask DataFrame of all months, with `COLUMNS`; money in dollars, `trip_distance` in miles.

    `files`: the Parquet files behind it, one a month, for chapters that open them in their own way.
    """

    frame: "dd.DataFrame" = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)
    provenance: Provenance = field(repr=False)

    def at_scale(self, rows: int) -> "Taxi":
        """As many trips as `rows`: the first of these where there are that many, else generated from them.

        A generated trip is one of these, drawn with replacement and moved to another week of its month and another
        second of its hour, its drop-off with it. So days of the week, hours and all that belongs together in one trip
        stay as they are; differences between weeks go, and no fare or distance is new, so that files compress
        better than real ones. The trips are in no order. Workers make them, block by block and always the same,
        from `files`. `files` stays. Raises `ValueError` where `rows` is not positive.
        """
        if rows < 1:
            raise ValueError(_("rows is how many trips you want, at least 1, not {rows}.").format(rows=rows))
        there = sum(map(_count_trips, self.files))
        if rows > there:
            detail = _(
                "The generated trips are real ones moved to another week and another second of their hour: hours and "
                "days of the week are as they were, differences between weeks are gone."
            )
            source = self.provenance.generated(rows, detail)
            return show(replace(self, frame=_generated(self, rows), provenance=source))
        source = self.provenance
        if rows < there:
            source = replace(source, kind="sample" if source.kind == "upstream" else source.kind, rows=rows)
        return show(replace(self, frame=_first(self, rows), provenance=source))


def load_taxi(months: Sequence[str] = ("2019-03",), rows: int = 300_000) -> Taxi:
    """The trips of `months`, such as ("2019-03", "2019-04"), from January 2011 on; without a network, made-up trips.

    The stand-in has `rows` trips a month, whose fares follow `STAND_IN_FARE`; it is written to the cache. It
    stands in only where no asked month is real: a month missing beside real ones is a `DownloadError`, as are
    a month that the TLC does not have and a download that goes wrong. Raises `ValueError` for what is no month.
    """
    if isinstance(months, str) or not months:
        raise ValueError(_("months is a list such as ['2019-03'], not {months!r}.").format(months=months))
    for month in months:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            raise ValueError(_("{month!r} is no month; write it as 2019-03.").format(month=month))
    try:
        counts, files, where = zip(*(obtain(_file(month), _count_trips, _fetch) for month in months), strict=True)
    except Unreachable as reason:
        if there := _months_there():
            message = _(
                "{reason} So the trips of {missing} are missing; on this machine are those of {there}. Ask only "
                "for these, or put {file} into the folder that COURSE_DATA names."
            )
            missing = [month for month in months if month not in there]
            raise DownloadError(
                message.format(
                    reason=reason,
                    missing=", ".join(missing),
                    there=", ".join(there),
                    file=", ".join(map(_file, missing)),
                )
            ) from reason
        files = tuple(_stand_in(month, rows) for month in months)
        detail = _("{reason} Instead: made-up trips whose fares follow a known rule.").format(reason=reason)
        provenance = UPSTREAM.stand_in(rows * len(months), detail)
    else:
        # One month that is a sample makes the whole a sample.
        provenance = UPSTREAM.found(min(counts), " ".join(dict.fromkeys(where)))
        provenance = replace(provenance, rows=sum(counts))
    return show(Taxi(_frame(files), files, provenance))


def _frame(files: Sequence[Path]) -> "dd.DataFrame":
    import dask.dataframe as dd

    dtypes = {name: dtype for name, dtype in COLUMNS.items() if dtype}
    # Each month on its own, so that its own column types are known before they are made alike.
    return dd.concat(
        [dd.read_parquet(file, columns=list(COLUMNS), split_row_groups=True).astype(dtypes) for file in files]
    )


def _first(taxi: Taxi, rows: int) -> "dd.DataFrame":
    """The first `rows` trips of the files, in as many partitions as they fill."""
    import dask.dataframe as dd
    import pyarrow.parquet as pq

    footers = [pq.ParquetFile(file).metadata for file in taxi.files]
    lengths = [footer.row_group(i).num_rows for footer in footers for i in range(footer.num_row_groups)]
    ends = np.cumsum(lengths)
    last = int(np.searchsorted(ends, rows))
    if ends[last] == rows:
        return taxi.frame.partitions[: last + 1]
    rest = rows - int(ends[last] - lengths[last])
    cut = taxi.frame.partitions[last].map_partitions(lambda part: part.head(rest), meta=taxi.frame._meta)
    return dd.concat([taxi.frame.partitions[:last], cut]) if last else cut


def _generated(taxi: Taxi, rows: int) -> "dd.DataFrame":
    """`rows` trips drawn from those in the files; the graph holds the files' names and a number per block."""
    import dask.dataframe as dd

    blocks = max(min(LEAST_BLOCKS, rows), -(-rows // GENERATED_BLOCK))
    sizes = [len(part) for part in np.array_split(np.empty(rows, bool), blocks)]
    return dd.from_map(
        _draw, range(blocks), sizes, files=taxi.files, meta=taxi.frame._meta, enforce_metadata=False, label="draw-trips"
    )


def _draw(block: int, rows: int, files: Sequence[Path], columns: list[str] | None = None) -> "pd.DataFrame":
    """Block number `block` of generated trips, of which `columns` are wanted."""
    import pandas as pd

    columns = list(COLUMNS) if columns is None else list(columns)
    times = ["tpep_pickup_datetime", "tpep_dropoff_datetime"]
    months = [_read_month(file, dict.fromkeys([*columns, *times])) for file in files]
    rng = np.random.default_rng([len(files), block])
    drawn = rng.integers(sum(map(len, months)), size=rows)
    trips = pd.concat(months, ignore_index=True).take(drawn)
    first = np.repeat([_month(file) for file in files], [len(month) for month in months])[drawn]
    last = (first + 1).astype("datetime64[us]")
    first = first.astype("datetime64[us]")
    pickup, dropoff = (trips[time].to_numpy().astype("datetime64[us]") for time in times)
    since = (pickup - first).astype("timedelta64[h]") % WEEK  # whole hours since the month's first week began
    weeks = (last - first - since - np.timedelta64(1, "h")) // WEEK  # that its week may move without leaving the month
    moved = first + since + rng.integers(weeks + 1) * WEEK + rng.integers(3_600, size=rows).astype("timedelta64[s]")
    kept = {time: trips[time].dtype for time in times}
    trips = trips.assign(**dict(zip(times, (moved, moved + (dropoff - pickup)), strict=True))).astype(kept)
    return trips[columns].reset_index(drop=True)


def _read_month(file: Path, columns: Sequence[str]) -> "pd.DataFrame":
    """`columns` of the trips in `file`, as the frame holds them."""
    import pandas as pd

    trips = pd.read_parquet(file, columns=list(columns))
    return trips.astype({name: COLUMNS[name] for name in columns if COLUMNS[name]})


def _month(file: Path) -> np.datetime64:
    return np.datetime64(re.search(r"_(\d{4}-\d{2})", file.stem)[1], "M")


def _file(month: str) -> str:
    return f"yellow_tripdata_{month}.parquet"


def _months_there() -> list[str]:
    """The months of real trips in the classroom's folder and in the cache."""
    folders = [folder for folder in (classroom(), cache()) if folder]
    return sorted({path.stem[-7:] for folder in folders for path in folder.glob(_file("*"))})


def _fetch(target: Path) -> None:
    download(BASE_URL + target.name, target)


def _count_trips(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        message = _("{path} is no whole Parquet file ({error}). Delete it and load the month again.")
        raise ValueError(message.format(path=path, error=error)) from error
    if missing := set(COLUMNS) - set(file.schema_arrow.names):
        message = _(
            "{path} has not the columns of the TLC's trips since 2011; missing are {missing}. Months before "
            "2011 were written otherwise."
        )
        raise ValueError(message.format(path=path, missing=", ".join(sorted(missing))))
    return file.metadata.num_rows


def _stand_in(month: str, rows: int) -> Path:
    """The cache's file of made-up trips in `month`, written if it is not there."""
    path = cache() / f"stand-in_tripdata_{month}_{rows}.parquet"
    keep(
        path,
        lambda target: _made_up_trips(month, rows).to_parquet(target, row_group_size=STAND_IN_ROW_GROUP),
    )
    return path


def _made_up_trips(month: str, rows: int) -> "pd.DataFrame":
    """`rows` trips in the TLC's columns, by time of pick-up; speed depends on the hour, the fare on `STAND_IN_FARE`."""
    import pandas as pd

    rng = np.random.default_rng(int(month.replace("-", "")))
    first = np.datetime64(month, "s")
    seconds = (np.datetime64(month, "M") + 1).astype("datetime64[s]") - first
    pickup = first + np.sort(rng.integers(0, seconds.astype(int), rows))
    hour = pickup.astype("datetime64[h]").astype(int) % 24
    miles = rng.lognormal(0.6, 0.8, rows).clip(0.1, 60).round(2)
    speed = 11 - 4 * np.sin((hour - 6) * np.pi / 12) * (hour >= 6) + rng.normal(0, 1.5, rows)  # miles an hour
    minutes = 60 * miles / speed.clip(4) + rng.exponential(2, rows)
    whole_seconds = (60 * minutes).astype(int)
    fare = STAND_IN_FARE["base"] + STAND_IN_FARE["per_mile"] * miles
    fare += STAND_IN_FARE["per_minute"] * whole_seconds / 60 + rng.normal(0, STAND_IN_FARE["noise"], rows)
    fare = fare.round(2)
    by_card = rng.random(rows) < 0.7
    tip = (by_card * fare * rng.uniform(0, 0.3, rows)).round(2)
    congestion = np.full(rows, 2.5)
    return pd.DataFrame(
        {
            "VendorID": rng.integers(1, 3, rows),
            "tpep_pickup_datetime": pickup,
            "tpep_dropoff_datetime": pickup + whole_seconds,
            "passenger_count": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], rows, p=[0.7, 0.15, 0.05, 0.03, 0.04, 0.03]),
            "trip_distance": miles,
            "RatecodeID": np.ones(rows),
            "store_and_fwd_flag": np.full(rows, "N"),
            "PULocationID": rng.integers(1, 264, rows),
            "DOLocationID": rng.integers(1, 264, rows),
            "payment_type": np.where(by_card, 1, 2),
            "fare_amount": fare,
            "extra": np.zeros(rows),
            "mta_tax": np.full(rows, 0.5),
            "tip_amount": tip,
            "tolls_amount": np.zeros(rows),
            "improvement_surcharge": np.full(rows, 0.3),
            "total_amount": (fare + 0.8 + tip + congestion).round(2),
            "congestion_surcharge": congestion,
        }
    )
