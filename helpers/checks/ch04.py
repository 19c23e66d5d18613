"""Chapter 04, data and storage: exercises 4.1 to 4.6 and their checks."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from dask.callbacks import Callback
from distributed import SchedulerPlugin, wait

from helpers.expect import expect_close, expect_lazy, value_of
from helpers.judging import Exercise
from helpers.storage import Reads
from helpers.words import _

features = Exercise(
    "4.1",
    "Features for any partition",
    points=4,
    minutes=10,
    difficulty=2,
    hints=[
        "Write a function of one pandas DataFrame first. What does it give for `trips._meta`, which has no rows?",
        "`map_partitions(add, meta=add(trips._meta))`: the function itself says what it promises. "
        "A division by zero minutes gives infinity: make those minutes missing before you divide.",
    ],
)


def _rides(rng, rows):
    """`rows` trips with pick-up, drop-off and miles; the first took no time, the second more than a day."""
    pickup = pd.Timestamp("2019-03-01") + pd.to_timedelta(rng.integers(86_400, size=rows), unit="s")
    minutes = rng.integers(1, 60, size=rows)
    minutes[:1] = 0
    minutes[1:2] = 1_500
    rides = {"pickup": pickup, "dropoff": pickup + pd.to_timedelta(minutes, unit="min")}
    return pd.DataFrame({**rides, "miles": rng.uniform(0.5, 20, size=rows).round(1), "passengers": 1.0})


@features.check
def the_columns_are_right(with_features, rng):
    """The three columns stand behind the others and are right for every trip."""
    rides = _rides(rng, 40)
    table = dd.from_pandas(rides, npartitions=3, sort=False)
    computed = []
    with _here(), Callback(start=lambda _graph: computed.append(True)):
        lazy = with_features(table)
    expect_lazy(lazy, _("what you return"))
    assert not computed, _("the trips were computed to build this: everything can be said before they are read")
    assert lazy.npartitions == table.npartitions, _(
        "{before} partitions came and {after} leave: work partition by partition, none needs another"
    ).format(before=table.npartitions, after=lazy.npartitions)
    with _here():
        found = value_of(lazy, _("the features"))
    wanted = [*rides.columns, "minutes", "mph", "hour"]
    assert list(found.columns) == wanted, _("the columns are {found}, expected {wanted}").format(
        found=list(found.columns), wanted=wanted
    )
    assert len(found) == len(rides), _("{found} of {rows} trips are left: keep all of them").format(
        found=len(found), rows=len(rides)
    )
    minutes = (rides["dropoff"] - rides["pickup"]).dt.total_seconds().to_numpy() / 60
    mistakes = {
        _("`minutes` are seconds"): 60 * minutes,
        _("`minutes` of a trip of more than a day lack the day: `total_seconds()` has all of it"): minutes % 1_440,
    }
    expect_close(found["minutes"], minutes, _("`minutes`"), mistakes=mistakes)
    mph = found["mph"].to_numpy(dtype=float, na_value=np.nan)
    none = minutes == 0
    assert not np.isinf(mph).any(), _("`mph` is infinite where a trip took no time: there it should be missing")
    assert np.isnan(mph[none]).all(), _("`mph` of a trip that took no time is {found}: it should be missing").format(
        found=mph[none][0]
    )
    right = 60 * rides["miles"].to_numpy()[~none] / minutes[~none]
    mistakes = {_("`mph` is miles per minute: an hour has 60 of them"): right / 60}
    expect_close(mph[~none], right, _("`mph`"), mistakes=mistakes)
    expect_close(found["hour"], rides["pickup"].dt.hour, _("`hour`"))


@features.check
def promises_are_kept(with_features, rng):
    """Dtypes are those promised by the meta, also where a partition is empty."""
    promised = {"minutes": "float64", "mph": "float64", "hour": "int32"}
    rides = _rides(rng, 5)
    for partition, name in ((rides, _("a partition of 5 trips")), (rides.iloc[:0], _("an empty partition"))):
        lazy = with_features(dd.from_pandas(partition, npartitions=1))
        for column, dtype in promised.items():
            said = str(lazy.dtypes.get(column))
            assert said == dtype, _("the meta promises `{column}` as {said}, it should be {dtype}").format(
                column=column, said=said, dtype=dtype
            )
        with _here():
            found = value_of(lazy, name)
        for column in (*rides.columns, *promised):
            said, delivered = str(lazy.dtypes.get(column)), str(found.dtypes.get(column))
            assert said == delivered, _("in {name} `{column}` is {delivered}, but the meta promises {said}").format(
                name=name, column=column, delivered=delivered, said=said
            )


layout = Exercise(
    "4.2",
    "One file per day",
    points=6,
    minutes=15,
    difficulty=3,
    hints=[
        "Each output partition becomes one file. Which operation brings rows into partitions whose limits you know?",
        "`set_index` takes `divisions=`, a sorted list of limits: then it need not look for them. `drop=False` keeps "
        "the column beside the index, and `write_index=False` leaves the index out of the file.",
    ],
)

DAYS = pd.date_range("2019-03-01", "2019-03-05")


def _month_part(seed, rows):
    """`rows` trips of `DAYS` in no order, one of them at midnight sharp, with `id` to tell them apart."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(int((DAYS[-1] - DAYS[0]).total_seconds()), size=rows)
    seconds[0] = 86_400 * (seed % 3 + 1)
    return pd.DataFrame(
        {
            "id": np.arange(rows) + seed * rows,
            "tpep_pickup_datetime": (DAYS[0] + pd.to_timedelta(seconds, unit="s")).as_unit("us"),
            "store_and_fwd_flag": pd.array(rng.choice(["N", "Y"], rows), dtype="str"),
            "payment_type": rng.integers(1, 3, rows),
            "fare_amount": rng.uniform(3, 50, rows).round(2),
            "tip_amount": rng.uniform(0, 9, rows).round(2),
        }
    )


def _unordered(rows, parts=5):
    """A lazy table of `parts` times `rows` trips, made where it is needed."""

    def make(seed, rows=rows, make_part=_month_part):
        return make_part(seed, rows)

    return dd.from_map(make, range(parts), meta=_month_part(0, 1).iloc[:0])


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def _here():
    """For small tables: computed in this process, shuffled without a cluster."""
    return dask.config.set({"scheduler": "sync", "dataframe.shuffle.method": "tasks"})


def _parquet_files(folder):
    files = sorted(folder.rglob("*.parq*"))
    assert files, _("there is no Parquet file in the folder: is something written, and not only planned?")
    return files


def _pickups(file):
    names = pq.ParquetFile(file).schema_arrow.names
    assert "tpep_pickup_datetime" in names, _("the files have not the column {missing}").format(
        missing="tpep_pickup_datetime"
    )
    return pq.read_table(file, columns=["tpep_pickup_datetime"]).column(0).to_pandas()


@layout.check
def every_trip_is_there(write_by_day):
    """Every trip is in the files, with its columns and their types."""
    with _folder() as folder, _here():
        write_by_day(_unordered(60), str(folder / "trips"), DAYS)
        files = _parquet_files(folder)
        found = pd.concat([pq.ParquetFile(file).read().to_pandas() for file in files])
        read_back = list(dd.read_parquet(folder / "trips").columns)
    wanted = pd.concat([_month_part(seed, 60) for seed in range(5)]).set_index("id")
    found = found.reset_index() if found.index.name else found
    missing = [name for name in ["id", *wanted.columns] if name not in found.columns]
    assert not missing, _("the files have not the column {missing}").format(missing=", ".join(missing))
    assert len(found) == len(wanted), _("the files hold {found} trips, the table has {wanted}").format(
        found=len(found), wanted=len(wanted)
    )
    extra = sorted(set(found.columns) - {"id", *wanted.columns})
    assert not extra, _("the files have a column that the table has not: {extra}").format(extra=", ".join(extra))
    assert read_back == ["id", *wanted.columns], _(
        "read back, the columns are {found}, and they were {wanted}: is the pick-up time written as an index?"
    ).format(found=", ".join(read_back), wanted=", ".join(["id", *wanted.columns]))
    found = found.set_index("id").sort_index()[wanted.columns]
    for column in wanted.columns:
        kinds = [wanted[column].dtype.kind, found[column].dtype.kind]
        assert kinds[0] == kinds[1], _("`{column}` is {found} in the files, it was {wanted}").format(
            column=column, found=found[column].dtype, wanted=wanted[column].dtype
        )
        same = found[column].to_numpy() == wanted[column].to_numpy()
        assert same.all(), _("`{column}` differs for {count} trips").format(column=column, count=(~same).sum())


@layout.check
def one_file_for_each_day(write_by_day):
    """There is one file for each day, with the trips of that day alone."""
    with _folder() as folder, _here():
        write_by_day(_unordered(60), str(folder / "trips"), DAYS)
        files = _parquet_files(folder)
        spans = [(times.min(), times.max()) for times in map(_pickups, files) if len(times)]
    n_days = len(DAYS) - 1
    mixed = sum(first.date() != last.date() for first, last in spans)
    assert not mixed, _(
        "{mixed} of {files} files hold trips of more than one day, so their footers exclude little. Trips have to move "
        "to the partition of their day first; midnight sharp belongs to the day that begins"
    ).format(mixed=mixed, files=len(files))
    assert len(files) == n_days, _(
        "{files} files for {days} days, {empty} of them empty. Does each partition write its own file for each day? "
        "Trips of one day have to meet in one partition first, one partition for each of the days that are given"
    ).format(files=len(files), days=n_days, empty=len(files) - len(spans))


@layout.check
def a_file_is_in_order_of_time(write_by_day):
    """Within a file trips stand by time of pick-up."""
    with _folder() as folder, _here():
        write_by_day(_unordered(60), str(folder / "trips"), DAYS)
        ordered = [_pickups(file).is_monotonic_increasing for file in _parquet_files(folder)]
    assert all(ordered), _(
        "in {count} of {files} files the trips are in no order of time: row groups within a day could not be skipped"
    ).format(count=len(ordered) - sum(ordered), files=len(ordered))


class _Largest(SchedulerPlugin):
    """The most bytes that a task held: its inputs together, or what it made."""

    name = "largest-task"

    def __init__(self):
        self.bytes = 0

    def start(self, scheduler):
        self.scheduler = scheduler

    def transition(self, key, start, finish, *args, **kwargs):
        if finish == "memory":
            task = self.scheduler.tasks[key]
            self.bytes = max(self.bytes, task.nbytes, sum(needed.nbytes for needed in task.dependencies))


@contextmanager
def _largest_task(client) -> Iterator[list[int]]:
    """The bytes of `_Largest` are in the list when the block has ended."""
    found = []
    client.register_plugin(_Largest())
    try:
        yield found
        found.append(client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.plugins[_Largest.name].bytes))
    finally:
        client.unregister_scheduler_plugin(_Largest.name)


@layout.check
def made_once_and_not_fetched(write_by_day, reference, client, cost):
    """The table is made once, and does not come through this process."""
    rows = 8_000
    bills, largest = [], []
    for write in (write_by_day, reference.write_by_day):
        with _folder() as folder, _largest_task(client) as held:
            bills.append(cost.of(write, _unordered(rows), str(folder / "trips"), DAYS))
        largest += held
    mine, theirs = bills
    table = 5 * _month_part(0, rows).memory_usage(deep=True).sum()
    assert mine.computes <= theirs.computes, _(
        "right files, but {mine} computes where {theirs} is enough: the whole table is made once more, to find where a "
        "day ends or for each day anew. You know where days end: say it, and write all of them at once"
    ).format(mine=mine.computes, theirs=theirs.computes)
    assert mine.bytes < theirs.bytes + 0.6 * table, _(
        "right files, but {mine:.1f} MB went over the wire where {theirs:.1f} MB are enough: the table came through "
        "this process"
    ).format(mine=mine.bytes / 1e6, theirs=theirs.bytes / 1e6)
    assert largest[0] < max(2 * largest[1], 0.6 * table), _(
        "right files, but one task holds {share:.0%} of the table: a larger one would not fit into a worker's memory"
    ).format(share=largest[0] / table)


question = Exercise(
    "4.3",
    "A question to the night",
    points=4,
    minutes=5,
    difficulty=2,
    hints=[
        "Section 5 has both parts: the columns that are needed, and conditions that the footers can answer.",
        "`dd.read_parquet(path, columns=[...], filters=[(column, '>=', value), ...])`. Conditions in one list hold "
        "together; a column of a condition need not be among the columns that come back.",
    ],
)


def _write_days(folder, rows, n_days=6):
    """A file of `rows` trips for each of `n_days` days from `DAYS[0]` on, with columns that no question needs."""
    folder.mkdir()
    rng = np.random.default_rng(4)
    days = []
    for day in range(n_days):
        seconds = np.sort(rng.integers(86_400_000, size=rows)) / 1000
        seconds[0] = 0
        trips = {"tpep_pickup_datetime": DAYS[0] + pd.to_timedelta(86_400 * day + seconds, unit="s")}
        trips |= {name: rng.uniform(0, 9, rows) for name in ("extra", "tolls_amount", "tip_amount", "total_amount")}
        days.append(pd.DataFrame({**trips, "payment_type": rng.integers(1, 3, rows)}))
        days[-1].to_parquet(folder / f"part.{day}.parquet", index=False)
    return pd.concat(days, ignore_index=True)


def _mean_tip(trips, start, end, closed="left"):
    chosen = trips["tpep_pickup_datetime"].between(start, end, inclusive=closed) & (trips["payment_type"] == 1)
    return trips["tip_amount"][chosen].mean()


@question.check
def the_mean_is_right(mean_tip):
    """It is the mean tip of the trips that are asked for, for any stretch of time."""
    with _folder() as folder, _here():
        trips = _write_days(folder / "trips", 80)
        card = trips[trips["payment_type"] == 1]["tpep_pickup_datetime"]
        some = card.iloc[len(card) // 2]
        for start, end in (
            (pd.Timestamp("2019-03-01 22:00"), pd.Timestamp("2019-03-02 04:00")),
            (DAYS[1], DAYS[2]),
            (some, some + pd.Timedelta(5, "h")),
            (some - pd.Timedelta(9, "h"), some),
            (DAYS[1] + pd.Timedelta(20, "h"), DAYS[3] + pd.Timedelta(4, "h")),
        ):
            tips, inside = trips["tip_amount"], trips["tpep_pickup_datetime"].between(start, end, inclusive="left")
            mistakes = {
                _("this is the mean over all payments: only those by card are asked for"): tips[inside].mean(),
                _("this counts a trip that begins at `end`, too"): _mean_tip(trips, start, end, "both"),
                _("this leaves out a trip that begins at `start`"): _mean_tip(trips, start, end, "neither"),
                _("this is the mean over the whole table"): trips["tip_amount"][trips["payment_type"] == 1].mean(),
                _("this is the mean of whole days: choose the trips within them, too"): _mean_tip(
                    trips, start.normalize(), end.ceil("D")
                ),
            }
            right = _mean_tip(trips, start, end)
            # Dask reads small files together, which would hide what is wrong between partitions.
            with dask.config.set({"dataframe.parquet.minimum-partition-size": 1}):
                found = mean_tip(str(folder / "trips"), start, end)
            assert not dask.is_dask_collection(found), _("the mean is still lazy: compute it before you return it")
            paid = trips[inside & (trips["payment_type"] == 1)]
            file = (paid["tpep_pickup_datetime"] - DAYS[0]).dt.days
            for files in range(1, 6):  # in a partition
                means = paid.groupby(file // files)["tip_amount"].mean()
                if len(means) > 1 and isinstance(found, float) and np.isclose(found, means.mean()):
                    sentence = _("this is the mean of the partitions' means: sums and counts add up, means do not")
                    mistakes[sentence] = means.mean()
            expect_close(found, right, _("the mean tip"), mistakes=mistakes)


@question.check
def few_bytes_are_read(mean_tip, reference, client, cost):
    """No column and no row group is read that the question does not need."""
    night = pd.Timestamp("2019-03-02 22:00"), pd.Timestamp("2019-03-03 04:00")
    with _folder() as folder:
        _write_days(folder / "mine", 40_000)
        shutil.copytree(folder / "mine", folder / "theirs")  # Dask remembers footers that it has read
        addresses = ["counted+" + (folder / name).as_uri() for name in ("mine", "theirs")]
        bill = cost.of(Reads(client).of, mean_tip, addresses[0], *night)
        mine, theirs = bill.result, Reads(client).of(reference.mean_tip, addresses[1], *night)
    assert mine.bytes > 0.3 * theirs.bytes, _("nothing was read from the address that was given: {path}").format(
        path="counted+file://…"
    )
    assert mine.bytes < 1.25 * theirs.bytes, _(
        "right answer, but {mine:.1f} times the bytes that are enough were read: say which columns you need, and give "
        "`filters=` conditions that the footers can answer"
    ).format(mine=mine.bytes / theirs.bytes)


pieces = Exercise(
    "4.4",
    "Sensible pieces",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "`table.partitions[:3]` is a table of three partitions. How much memory does it take, what follows for all?",
        "`memory_usage(deep=True).sum().compute()` on the three; then `repartition(npartitions=...)`, at least 1 and "
        "at most as many as there are.",
    ],
)


def _tiny_parts(seed, parts, rows=30):
    """A lazy table of `parts` partitions of `rows` rows, half of whose memory is text; and the same in pandas."""
    rng = np.random.default_rng(seed)
    note = rng.integers(10, size=(parts * rows, 1)).astype(str)
    text = np.array([row[0] * 40 for row in note])
    whole = pd.DataFrame({"id": rng.integers(1e6, size=parts * rows), "note": pd.array(text, dtype="str")})
    starts = range(0, parts * rows, rows)

    def make(start, whole=whole, rows=rows):
        return whole.iloc[start : start + rows]

    return dd.from_map(make, starts, meta=whole.iloc[:0]), whole


@pieces.check
def the_same_rows_in_order(resized, rng):
    """All rows are there, in the same order, and what you return is lazy."""
    table, whole = _tiny_parts(rng.integers(1e6), 12)
    with _here():
        lazy = resized(table, int(whole.memory_usage(deep=True, index=False).sum() // 3))
    expect_lazy(lazy, _("what you return"))
    with _here():
        found = value_of(lazy, _("the table"))
    assert len(found) == len(whole), _("{found} rows of {whole} are left").format(found=len(found), whole=len(whole))
    same = np.array_equal(found["id"], whole["id"]) and list(found["note"]) == list(whole["note"])
    assert same, _("the rows are not in the order in which they came: merging neighbours keeps it, a shuffle does not")


@pieces.check
def of_the_right_size(resized):
    """Partitions have about the size that was asked for."""
    for parts, wanted in ((40, 5), (40, 10), (6, 0.7), (9, 3)):
        table, whole = _tiny_parts(1, parts, rows=200)
        total = whole.memory_usage(deep=True, index=False).sum()
        with _here():
            found = resized(table, int(1.05 * total / wanted)).npartitions
        assert found, _("no partition is left: of a table smaller than the target, one stays")
        expected = min(max(1, wanted), parts)
        if found == parts and expected < parts:
            raise AssertionError(_("{parts} partitions came and {parts} leave: nothing was merged").format(parts=parts))
        assert 0.7 * expected <= found <= 1.5 * expected, _(
            "{parts} partitions of {size} bytes came, {target} bytes are asked for, and {found} leave: too {much}. "
            "Is the size that you measured that of one partition, strings included? Is the number rounded, and not cut?"
        ).format(
            parts=parts,
            size=total // parts,
            target=int(1.05 * total / wanted),
            found=found,
            much=_("few") if found < expected else _("many"),
        )


@pieces.check
def three_partitions_are_enough(resized, reference, cost):
    """No more than three partitions are made to find out their size."""
    table, whole = _tiny_parts(2, 60)
    target = int(whole.memory_usage(deep=True, index=False).sum() / 4)

    def plan(function):
        return function(table, target).npartitions  # Dask puts off its own measuring until somebody asks

    with _here():
        mine, theirs = (cost.of(plan, function) for function in (resized, reference.resized))
    assert mine.tasks <= 2 * theirs.tasks, _(
        "right sizes, but {mine} tasks where {theirs} are enough to find them out: every partition was made to plan, "
        "and will be made again to work"
    ).format(mine=mine.tasks, theirs=theirs.tasks)


zone = Exercise(
    "4.5",
    "What a zone usually costs",
    points=5,
    minutes=15,
    difficulty=3,
    hints=[
        "The mean by zone is a table of a few hundred rows at most, in one partition: it can go to the trips.",
        "`merge` of the trips with that lazy table, `left_on=` the zone, `right_index=True` and `how='left'`: with one "
        "partition on the right, every partition of the trips is joined where it is.",
    ],
)


def _fares(seed, rows=30):
    rng = np.random.default_rng(seed)
    zones = rng.integers(1, 6, size=rows)
    return pd.DataFrame(
        {"PULocationID": zones, "fare_amount": rng.uniform(3, 50, rows).round(2), "trip": np.arange(rows) + 1000 * seed}
    )


def _fares_table(seeds, rows=30):
    def make(seed, make_part=_fares, rows=rows):
        return make_part(seed, rows)

    return dd.from_map(make, seeds, meta=_fares(0).iloc[:0])


@zone.check
def means_of_all_trips(with_zone_fare, rng):
    """Each trip has the mean fare of all trips from its zone, in a last column."""
    seeds = [int(seed) for seed in rng.integers(1000, size=3)]
    whole = pd.concat([_fares(seed) for seed in seeds], ignore_index=True)
    with _here():
        lazy = with_zone_fare(_fares_table(seeds))
        expect_lazy(lazy, _("what you return"))
        found = value_of(lazy, _("the table"))
    wanted = [*whole.columns, "zone_fare"]
    assert list(found.columns) == wanted, _("the columns are {found}, expected {wanted}").format(
        found=list(found.columns), wanted=wanted
    )
    assert len(found) == len(whole), _("{found} trips, but {whole} came in: each of them stays, once").format(
        found=len(found), whole=len(whole)
    )
    assert np.array_equal(found["trip"], whole["trip"]), _(
        "the trips are not in the order in which they came: a shuffle or a sort moved them"
    )
    part = np.concatenate([_fares(seed).groupby("PULocationID")["fare_amount"].transform("mean") for seed in seeds])
    right = whole.groupby("PULocationID")["fare_amount"].transform("mean")
    mistakes = {
        _("these are means over one partition: a zone's trips lie in all of them"): part,
        _("these are sums: a mean is asked for"): whole.groupby("PULocationID")["fare_amount"].transform("sum"),
        _("this is the mean of all trips, whatever their zone"): np.full(len(whole), whole["fare_amount"].mean()),
        _("these are medians: a mean is asked for"): whole.groupby("PULocationID")["fare_amount"].transform("median"),
    }
    expect_close(found["zone_fare"], right, _("`zone_fare`"), mistakes=mistakes)
    assert str(lazy.dtypes["zone_fare"]) == "float64", _("the meta promises `zone_fare` as {dtype}").format(
        dtype=lazy.dtypes["zone_fare"]
    )


@zone.check
def trips_do_not_travel(with_zone_fare, reference, client, cost):
    """Sums and means travel, the trips do not, and nothing is computed on the way."""
    rows = 20_000

    def run(function):
        wait(client.persist(function(_fares_table(range(6), rows))))

    bills, largest = [], []
    for function in (with_zone_fare, reference.with_zone_fare):
        with _largest_task(client) as held:
            bills.append(cost.of(run, function))
        largest += held
    mine, theirs = bills
    assert mine.computes <= theirs.computes, _(
        "right answer, but {mine} computes where {theirs} is enough: the table is made once more for the means. Join "
        "with the lazy means"
    ).format(mine=mine.computes, theirs=theirs.computes)
    table = 6 * rows * 24
    assert mine.bytes < theirs.bytes + 0.25 * table, _(
        "right answer, but {mine:.0f} kB went over the wire where {theirs:.0f} kB are enough: the trips travelled"
    ).format(mine=mine.bytes / 1e3, theirs=theirs.bytes / 1e3)
    # Where one worker happened to make all of them, nothing had to travel.
    assert largest[0] < max(2 * largest[1], 0.6 * table), _(
        "right answer, but one task holds {share:.0%} of the trips: on more workers, the trips travelled to it"
    ).format(share=largest[0] / table)


chunking = Exercise(
    "4.6",
    "Chunks for a question",
    points=2,
    minutes=5,
    difficulty=2,
    hints=[
        "One read needs every position of the other axes. So how long is a chunk along those?",
        "How many bytes has one position along `axis`, and how many positions does it take to have `least_bytes`? "
        "Round up, and no chunk is longer than its axis.",
    ],
)


@chunking.check
def as_thin_as_allowed(chunks_for, rng):
    """Whole along the other axes, and along `axis` as thin as `least_bytes` allows."""
    examples = [((31, 266, 266), 4, 1, 1_000_000), ((31, 266, 266), 4, 0, 1_000_000), ((500, 40), 8, 0, 320)]
    for _example in range(6):
        shape = tuple(int(length) for length in rng.integers(5, 60, size=3))
        examples.append((shape, int(rng.choice([2, 4, 8])), int(rng.integers(3)), int(rng.integers(2_000, 90_000))))
    for shape, itemsize, axis, least in examples:
        found = chunks_for(shape, itemsize, axis, least)
        call = f"chunks_for({shape}, {itemsize}, {axis}, {least})"
        assert isinstance(found, tuple | list) and len(found) == len(shape), _(
            "{call} gives {found}: it should be a length for each of the {axes} axes"
        ).format(call=call, found=found, axes=len(shape))
        found = tuple(int(length) for length in found)
        others = [i for i in range(len(shape)) if i != axis]
        cut = [i for i in others if found[i] != shape[i]]
        assert not cut, _(
            "{call} gives {found}, whose chunks are not whole along axis {cut}: one read would need several of them"
        ).format(call=call, found=found, cut=cut[0])
        slab = itemsize * int(np.prod([shape[i] for i in others]))
        assert 1 <= found[axis] <= shape[axis], _("{call} gives {found}: axis {axis} has {length} positions").format(
            call=call, found=found, axis=axis, length=shape[axis]
        )
        enough = found[axis] * slab >= least or found[axis] == shape[axis]
        assert enough, _("{call} gives {found}, chunks of {bytes} bytes: that is less than is asked for").format(
            call=call, found=found, bytes=found[axis] * slab
        )
        thinner = (found[axis] - 1) * slab
        assert found[axis] == 1 or thinner < least, _(
            "{call} gives {found}: chunks one position thinner still have {bytes} bytes, and a read would touch less"
        ).format(call=call, found=found, bytes=thinner)
