# %% [markdown]
# # 04 · Data and storage
#
# **After this chapter you can**
#
# - design the flow from raw files to features, and say at each step which rows have to meet;
# - turn CSV into partitioned Parquet, and lay it out so that a query reads a small part of it;
# - measure what a query reads, in bytes and requests, on a disk and on an object store;
# - choose partitions and chunks, and join tables without sending the large one through the network.
#
# **Time** about 90 minutes, of which two are computing. **Needs** chapter 03 (Dask DataFrame, `persist`); pandas.
# **Data** New York taxi trips of March 2019, and as many more as we ask for, generated from them.

# %% tags=["parameters"]
n_trips = 1_500_000  # trips in the large table; tiny: 40_000; full: 7_000_000
partition_counts = [1, 4, 16, 64, 256]  # of the same table, for its timings; tiny: [1, 4, 16]

# %%
import logging
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import dask.array as da
import dask.dataframe as dd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow.parquet
import s3fs
import zarr
from dask.distributed import wait
from moto.server import ThreadedMotoServer

from helpers.cluster import start_cluster
from helpers.cost import Cost
from helpers.data import load_taxi
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution
from helpers.plots import draw_graph, pipeline
from helpers.storage import Reads

plt.style.use("helpers.figures")
pipeline("preprocessing")

# %% [markdown]
# The cluster, and a temporary folder for the files of this chapter; its last cell removes both.

# %%
client = start_cluster()
temporary = TemporaryDirectory()
folder = Path(temporary.name)
client

# %% [markdown]
# ## 1 The flow, and where rows meet
#
# Data-parallel work cuts a table into **partitions**, sets of rows, and does the same to each:
#
# ```text
# raw files ───> partitions ───> clean ───> features ──┬──> sums ───> model       rows stay where they are
#  CSV,           each one a      types,     minutes,  │
#  Parquet,       pandas          missing    speed,    └──> sort, join, group     rows must meet:
#  Zarr           DataFrame       values     hour           ▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔     they travel
# ```
#
# All the way along the upper line a partition needs nothing from its neighbours. Such steps are cheap however many
# workers there are. Where rows of different partitions must meet, they travel through the network: that is a
# **shuffle**, and it is the expensive part of most pipelines. So a design asks three questions:
#
# 1. *What is read?* The least that answers the question. (Sections 3 to 5, 8 and 9)
# 2. *In which pieces?* Dask's advice is partitions of about 100 MB in memory ([best practices](
#    https://docs.dask.org/en/stable/dataframe-best-practices.html), read in November 2026): several per worker, so
#    that all stay busy, and several at once in a worker's memory. (Section 6)
# 3. *Which rows must meet?* As few as possible, as late as possible, as sums if it can be. (Section 7)

# %% [markdown]
# ## 2 Six trips by hand
#
# Two files with three trips each. In the second, nobody counted the passengers of one trip, and one trip took no
# time at all.

# %%
six = folder / "six"
six.mkdir()
(six / "am.csv").write_text("""pickup,dropoff,miles,passengers
2019-03-01 08:00:00,2019-03-01 08:10:00,1.5,1
2019-03-01 08:20:00,2019-03-01 08:50:00,6.0,2
2019-03-01 09:05:00,2019-03-01 09:11:00,1.0,1
""")
(six / "pm.csv").write_text("""pickup,dropoff,miles,passengers
2019-03-01 18:00:00,2019-03-01 18:24:00,3.0,
2019-03-01 19:30:00,2019-03-01 19:30:00,0.0,1
2019-03-01 23:50:00,2019-03-02 00:08:00,4.5,3
""")
pd.read_csv(six / "am.csv")

# %% [markdown]
# pandas reads one of them. Dask reads both as one table of two partitions, one per file (a large file becomes
# several):

# %% tags=["nbval-check-output"]
guessed = dd.read_csv(six / "*.csv")
print(guessed.npartitions, "partitions, with divisions", guessed.divisions)
guessed.dtypes

# %% [markdown]
# **Divisions** are the values of the index at which one partition ends and the next begins. Nobody looked into the
# files for them, so they are unknown, `None`. The **dtypes** are known: Dask read the beginning of the first file
# and asked pandas to guess.
#
# **Predict first.** `passengers` is said to be `int64`. What happens when all six trips are read?

# %%
with show_error():
    guessed.compute()

# %% [markdown]
# <details><summary>Answer</summary>
#
# The second file has a missing value, which makes its column `float64`. The guess was made on a sample that did not
# hold one, so the error arrives when that partition is read: on a large table hours after the mistake.
#
# </details>
#
# The message also names the cure: say the dtypes, guess nothing. Times of day need `parse_dates`, otherwise they
# stay text.

# %% tags=["nbval-check-output"]
trips_six = dd.read_csv(six / "*.csv", dtype={"passengers": "float64"}, parse_dates=["pickup", "dropoff"])
trips_six.compute()

# %% [markdown]
# ### `meta`: what Dask knows before it has read anything
#
# Behind a Dask DataFrame stands an empty pandas DataFrame, its **meta**: names and dtypes and no rows. Every step is
# done on the meta at once, and on the partitions later.

# %% tags=["nbval-check-output"]
trips_six._meta.assign(kilometres=trips_six._meta["miles"] * 1.609).dtypes

# %% [markdown]
# Where the step is a function of ours, Dask cannot know what comes out. Without `meta=` it calls the function on
# two made-up rows to find out, so a function may see rows that are not in any file. With `meta=` it believes us:

# %% tags=["nbval-check-output"]
half = trips_six.map_partitions(lambda part: part["miles"] / 2, meta=("half", "int64"))
print("promised:", half.dtype, "  delivered:", half.compute().dtype)

# %% [markdown]
# Nobody checked. The lie comes to light where somebody relies on it, for example in a file that has to have one type
# per column:

# %%
with show_error():
    half.to_frame().to_parquet(folder / "half")

# %% [markdown]
# ### Exercise 4.1 · Features for any partition
#
# Add three columns to the trips, partition by partition: `minutes` and `mph` (miles per hour) as `float64`, `hour` of
# the pick-up as `int32`. Where a trip took no time its `mph` is missing. A partition may be **empty**, which happens
# after any filter: your function must work on it, too.
#
# Difficulty 2 of 5 · 10 minutes · needs nothing · 4 points · `with_features(trips_six).compute()["mph"]` gives
# `[9.0, 12.0, 10.0, 7.5, nan, 15.0]`
#
# Stuck? `hint("4.1")` gives a hint, and another one when called again; `solution("4.1", use=True)` defines an answer.


# %% exercise="4.1"
def with_features(trips: dd.DataFrame) -> dd.DataFrame:
    """Lazily `trips` (with `pickup`, `dropoff`, `miles`), with `minutes`, `mph` (float64) and `hour` (int32) added."""

    ### BEGIN SOLUTION
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        mph = 60 * part["miles"] / minutes.where(minutes > 0)
        return part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)

    return trips.map_partitions(add, meta=add(trips._meta))
    ### END SOLUTION


# %% check="4.1"
check("4.1")

# %% [markdown]
# ## 3 CSV, a hundred thousand rows at a time
#
# Now many trips. The notice below says which are real: where there are fewer than we ask for, each of the others is a
# real trip moved to another week and another second of its hour. Hours, days of the week and all that belongs
# together within a trip stay real; differences between weeks do not, and no new fare or distance appears. The workers
# make the trips, partition by partition, in no order.

# %%
taxi = load_taxi(months=["2019-03"])
many = taxi.at_scale(n_trips)
trips = many.frame
print(f"{trips.npartitions} partitions of {len(trips.columns)} columns")

# %% [markdown]
# Meters break and clocks are wrong, so a month of real trips may hold some from other years. We keep those of the
# month. (All the generated ones are.)

# %%
days = pd.date_range("2019-03-01", "2019-04-01")
pickup = trips["tpep_pickup_datetime"]
trips = trips[(pickup >= days[0]) & (pickup < days[-1])]

# %% [markdown]
# A quarter of the partitions goes into CSV files. Each partition becomes a file, written by the worker that has it,
# so nobody ever holds the whole table.


# %%
def size(path):
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


quarter = trips.partitions[: trips.npartitions // 4]
n_quarter = len(quarter)
quarter.to_csv(folder / "csv", index=False)
print(f"{size(folder / 'csv') / n_quarter:.0f} bytes per trip, as CSV")

# %% [markdown]
# What does it take to read *one* column of it? `Reads` counts the bytes that leave the files, here and in the
# workers: of those files whose address begins with `counted+`. (Such an address is
# [fsspec](https://filesystem-spec.readthedocs.io)'s: the word in front says which file system to ask. Ours asks the
# one behind the plus sign and counts.)
#
# **Predict first.** The mean tip needs one column of 18. Which share of the bytes is read?

# %%
address = "counted+" + folder.as_uri()
with Reads(client) as reads:
    dd.read_csv(f"{address}/csv/*.part", usecols=["tip_amount"])["tip_amount"].mean().compute()
print(f"{reads.bytes / size(folder / 'csv'):.0%} of the bytes")

# %% [markdown]
# <details><summary>Answer</summary>
#
# All of them, and the sample for the dtypes twice. A text file does not say where a column is: one line ends where
# the next begins, and whoever wants the fifteenth value of each line reads the fourteen before it.
#
# </details>

# %% [markdown]
# ## 4 Parquet: columns apart, and a table of contents
#
# [Parquet](https://parquet.apache.org/docs/file-format/) turns the table round. A file holds one or more **row
# groups**; in each of them the values of a column lie together, as a **column chunk**, encoded and compressed; and at
# its end a footer says where each chunk begins, of which type it is, and what its smallest and largest values are.
#
# ```text
# ┌───────────────── row group 0 ─────────────────┬─ row group 1 ─┬──────────── footer ─────────────┐
# │ pick-up chunk │ miles chunk │ fare chunk │ …  │ …             │ where, type, minimum, maximum   │
# └───────────────┴─────────────┴────────────┴────┴───────────────┴─────────────────────────────────┘
# ```

# %%
trips.to_parquet(folder / "unordered", write_index=False)
print(f"{size(folder / 'unordered') / len(trips):.0f} bytes per trip, as Parquet")

# %% [markdown]
# A fraction of the bytes: numbers stay numbers and are not printed. (Generated trips flatter Parquet, since their
# fares and zones repeat; real ones shrink less.) What does a file say about itself?

# %%
files = sorted((folder / "unordered").glob("*.parquet"))
footer = pyarrow.parquet.ParquetFile(files[0]).metadata
chunks = [footer.row_group(0).column(i) for i in range(footer.num_columns)]
contents = pd.DataFrame(
    {
        "bytes": [chunk.total_compressed_size for chunk in chunks],
        "least": [chunk.statistics.min for chunk in chunks],
        "greatest": [chunk.statistics.max for chunk in chunks],
    },
    index=[chunk.path_in_schema for chunk in chunks],
)
print(f"{len(files)} files; the first has {footer.num_rows} rows in {footer.num_row_groups} row group")
contents.sort_values("bytes", ascending=False).iloc[[0, 1, 2, 3, 4, -3, -2, -1]]

# %% [markdown]
# Columns that differ in every row, like the times, take most of the room. Columns that repeat, like surcharges and
# flags, take next to none: each distinct value is stored once, and the rows hold short numbers (a *dictionary*).
# Negative amounts are in the data, and a least value of zero is stored as `-0.0`.
#
# **Predict first.** All columns, three columns, one column: how many bytes are read? (`Reads(client).of(query)` calls
# `query` inside such a `with` block. For a function such as `len`, into which Dask cannot look, it reads all columns.)

# %%
read = {}


def measure(name, query):
    """Run `query()`, keep what it read per trip of the whole table, return its result."""
    result, read_bytes, requests = Reads(client).of(query)
    read[name] = read_bytes / len(trips)
    print(f"{name}: {read[name]:.1f} bytes per trip, {requests} requests")
    return result


table = dd.read_parquet(f"{address}/unordered")
three = ["tpep_pickup_datetime", "payment_type", "tip_amount"]
measure("all columns", lambda: len(table.map_partitions(len).compute()))
measure("three columns", lambda: table[three].count().compute())
mean_of_all = measure("one column", lambda: table["tip_amount"].mean().compute())

# %% [markdown]
# This is **column pruning**. We did not ask for it: Dask looks at the whole expression before it reads, finds that
# one column is enough, and asks for that one alone. Its plan shows it, `columns` is among the arguments of the read.
# (In a large file, its footer is one request, and so is each stretch of neighbouring columns.)

# %%
plan = table["tip_amount"].mean().simplify().expr.tree_repr()
print(plan.replace(address, "folder"))

# %% [markdown]
# ## 5 Predicate pushdown, and the layout that makes it work
#
# Next, rows. What did people who paid by card tip, late in one Saturday night? (Tips in cash are not recorded.) Of
# the three columns we need the rows of six hours of a month, less than one in a hundred.

# %%
night = pd.Timestamp("2019-03-02 22:00"), pd.Timestamp("2019-03-03 04:00")


def by_mask(path):
    """Mean tip of the night: read, then choose the rows."""
    table = dd.read_parquet(path)
    pickup = table["tpep_pickup_datetime"]
    chosen = table[(pickup >= night[0]) & (pickup < night[1]) & (table["payment_type"] == 1)]
    return chosen["tip_amount"].mean()


tip = measure("mask, unordered", lambda: by_mask(f"{address}/unordered").compute())
print(f"mean tip of the night: {tip:.2f} dollars")

# %% [markdown]
# As many bytes as for the three columns, one in a hundred of which we keep. The footers know the least and the
# greatest pick-up time of every row group; `filters=` makes Dask compare them first and skip what cannot match, and
# choose the rows from the rest. This is **predicate pushdown**.
#
# **Predict first.** Our files are in no order. How much does it save?

# %%
conditions = [("tpep_pickup_datetime", ">=", night[0]), ("tpep_pickup_datetime", "<", night[1])]


def by_filters(path):
    """Mean tip of the night: choose the row groups, then the rows in them."""
    chosen = dd.read_parquet(path, columns=three, filters=[*conditions, ("payment_type", "==", 1)])
    return chosen["tip_amount"].mean()


tip = measure("filters, unordered", lambda: by_filters(f"{address}/unordered").compute())
print(f"mean tip of the night: {tip:.2f} dollars")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nothing. Every file holds trips from the first to the last day, so no file can be skipped, and reading the footers
# comes on top.
#
# </details>

# %%
spans = [pyarrow.parquet.ParquetFile(file).metadata.row_group(0).column(1).statistics for file in files]
figure, axis = plt.subplots(figsize=(6, 2.8))
for row, span in enumerate(spans):
    axis.plot([span.min, span.max], [row, row], linewidth=2, color="C0")
axis.axvspan(*night, color="C1", label="the night we ask for")
axis.set(xlabel="pick-up time (day of March)", ylabel="file (number)", title=many.provenance.title("Unordered files"))
axis.set_xticks(days[::5], days[::5].strftime("%d"))
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: for each file a line from its least to its greatest pick-up time. All lines run from the first to the last
# day of the month, so all of them cross the narrow band of the night.*
#
# Statistics help only where rows that are asked for together lie together. That is a matter of **layout**, decided
# when the table is written.
#
# A first idea: one folder per day, `partition_on="day"`. On a few files of ours:

# %%
few = dd.read_parquet(files[:4])
few.assign(day=few["tpep_pickup_datetime"].dt.day).to_parquet(folder / "folders", partition_on="day", write_index=False)
small = list((folder / "folders").rglob("*.parquet"))
print(f"{len(small)} files of {size(folder / 'folders') / len(small) / 1e3:.0f} kB from {len(files[:4])} files")

# %% [markdown]
# Every partition wrote a file of its own into every folder, since each holds trips of every day. With a thousand
# partitions it would be 31,000 files. Rows of one day must meet *before* they are written.
#
# `set_index` makes rows meet: it sorts by a column, which becomes the index. The divisions say where partitions begin
# and end; if we name them, Dask need not read the table to find them. Our six trips, cut at nine and at 20 o'clock:

# %% tags=["nbval-check-output"]
limits = pd.to_datetime(["2019-03-01 00:00", "2019-03-01 09:00", "2019-03-01 20:00", "2019-03-02 00:00"])
by_time = trips_six.set_index("pickup", divisions=list(limits))
print(by_time.map_partitions(len).compute().tolist(), "trips, divisions known:", by_time.known_divisions)

# %% [markdown]
# Two trips before nine, three before 20 o'clock, one after it. A trip at nine sharp would be in the second partition.
#
# ### Exercise 4.2 · One file per day
#
# Write the trips as Parquet with one file for each day, in it the trips by time of pick-up, so that footers are worth
# reading. All rows are kept, and all columns with their order and dtypes; the pick-up time stays a column. Rows go from
# worker to worker, not through this notebook nor all to one worker, and the trips are computed once.
#
# Difficulty 3 of 5 · 15 minutes · needs nothing · 6 points · for the trips of March: 31 files, the first of the trips
# of March 1


# %% exercise="4.2"
def write_by_day(trips: dd.DataFrame, path: str, days: pd.DatetimeIndex) -> None:
    """Write `trips` as Parquet into the folder `path`: file i has those picked up from `days[i]` until before `days[i + 1]`."""
    ### BEGIN SOLUTION
    by_time = trips.set_index("tpep_pickup_datetime", divisions=list(days), drop=False)
    by_time.to_parquet(path, write_index=False)
    ### END SOLUTION


# %% check="4.2"
check("4.2")

# %% [markdown]
# The large table, laid out by your function (a shuffle of all columns; it takes the longest of this chapter), and the
# same query again:

# %%
write_by_day(trips, str(folder / "by day"), days)
measure("mask, by day", lambda: by_mask(f"{address}/by day").compute())
measure("filters, by day", lambda: by_filters(f"{address}/by day").compute())
print(f"{size(folder / 'by day') / len(trips):.0f} bytes on the disk per trip")

# %% [markdown]
# Now `filters=` reads two files of 31, and the footers of the others. (A footer is small, but to find it pyarrow asks
# for the last 64 kB of a file. On a table of a few megabytes that alone would eat the gain.) The mask still reads its
# three columns in all files: Dask prunes columns by itself, and rows when it is told. Which of its readers does what
# changes from version to version, so measure.
#
# The mask reads less than before because the files are smaller. Neighbours in time have similar times, and those take
# fewer bits.

# %%
bars = pd.Series(read)[::-1]
axis = bars.plot.barh(width=0.7, figsize=(6, 3), xlabel="bytes read per trip of the whole table")
axis.bar_label(axis.containers[0], fmt="%.1f", padding=4)
axis.set(title=many.provenance.title("What a query reads"), ylabel="")
axis.margins(x=0.15)
plt.show()

# %% [markdown]
# *Figure: a bar for each query above. All columns take the most; three columns a part of it; the mask on unordered
# files as much as the three columns; filters on unordered files a little more. With a file per day the mask takes
# less, as the files are smaller, and filters take a small fraction.*
#
# ### Exercise 4.3 · A question to the night
#
# Answer such a question for any stretch of time, reading as few bytes as you can.
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 4 points · `mean_tip(str(folder / "unordered"), *night)` gives what
# `by_mask` gave


# %% exercise="4.3"
def mean_tip(path: str, start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Mean `tip_amount` (dollars) of trips paid by card (`payment_type` 1), picked up from `start` until before `end`."""
    ### BEGIN SOLUTION
    paid_by_card = [
        ("tpep_pickup_datetime", ">=", start),
        ("tpep_pickup_datetime", "<", end),
        ("payment_type", "==", 1),
    ]
    columns = ["tpep_pickup_datetime", "payment_type", "tip_amount"]
    return dd.read_parquet(path, columns=columns, filters=paid_by_card)["tip_amount"].mean().compute()
    ### END SOLUTION


# %% check="4.3"
check("4.3")

# %% [markdown]
# ## 6 How many partitions?
#
# The same rows in memory, in more and more partitions, and the same work on each: the speed of all trips. We time the
# whole, with one task per partition.


# %%
def mean_speed(part):
    """Mean speed of a partition's trips in miles per hour, and text that takes as long as a text feature would."""
    duration = (part["tpep_dropoff_datetime"] - part["tpep_pickup_datetime"]).dt.total_seconds()
    when = part["tpep_pickup_datetime"].dt.day_name().str.cat(part["tpep_pickup_datetime"].dt.hour.astype(str))
    return (3600 * part["trip_distance"] / duration.clip(lower=60))[when.str.len() > 0].mean()


columns = ["tpep_pickup_datetime", "tpep_dropoff_datetime", "PULocationID", "trip_distance", "fare_amount"]
narrow = client.persist(trips[columns])
wait(narrow)
narrow_bytes = narrow.memory_usage(index=False).sum().compute()
narrow.map_partitions(mean_speed, meta=(None, "float64")).compute()  # so that the workers have warmed up
print(f"{narrow_bytes / 1e6:.0f} MB in {narrow.npartitions} partitions")

# %% [markdown]
# **Predict first.** Which of the counts of partitions is the fastest, and by how much is the largest slower?

# %%
times = []
for count in partition_counts:
    pieces = client.persist(narrow.repartition(npartitions=count))
    wait(pieces)
    start = time.perf_counter()
    pieces.map_partitions(mean_speed, meta=(None, "float64")).compute()
    times.append(time.perf_counter() - start)

# %%
figure, axis = plt.subplots()
axis.plot(partition_counts, times, marker="o")
axis.set(xscale="log", ylim=0, xlabel="partitions of the same table", ylabel="seconds for all")
axis.set_xticks(partition_counts, partition_counts, minor=False)
axis.minorticks_off()
axis.set_title(many.provenance.title("The same work in more pieces"))
plt.show()

# %% [markdown]
# *Figure: time against the number of partitions. With one partition, one worker does everything. Towards the right
# the curve rises: every partition is a task that has to be scheduled, and a pandas call that has its own start-up.*
#
# Where the lowest point is depends on the machine. Too few partitions leave workers idle and overfill their memory, too
# many pay overhead for every piece. A filter makes partitions small, a join can make them large, so look at their
# sizes on the way.
#
# `repartition` merges neighbours without a shuffle. `repartition(partition_size="100MB")` finds the number itself, but
# to do so it computes the memory of *every* partition, at once: the table is read to plan how to read it.
#
# ### Exercise 4.4 · Sensible pieces
#
# A table comes in many tiny partitions of about the same size. Bring it to partitions of about `target_bytes` in
# memory, strings included, the same rows in the same order. Look at no more than three of the partitions to find out
# how large they are.
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · `resized(narrow.repartition(npartitions=100),
# narrow_bytes // 5)` has five partitions, or one more


# %% exercise="4.4"
def resized(table: dd.DataFrame, target_bytes: int) -> dd.DataFrame:
    """Lazily the rows of `table` in order, in partitions of about `target_bytes`, at least one."""
    ### BEGIN SOLUTION
    look = table.partitions[:3]
    per_partition = look.memory_usage(deep=True).sum().compute() / look.npartitions
    wanted = round(per_partition * table.npartitions / target_bytes)
    return table.repartition(npartitions=max(1, min(wanted, table.npartitions)))
    ### END SOLUTION


# %% check="4.4"
check("4.4")

# %% [markdown]
# ## 7 Rows that must meet: shuffles and joins, in bytes
#
# `Cost` is what the checks of this course measure with. Here it counts the bytes that went over the wire, from worker
# to worker and from here to there. The mean fare of each pick-up zone can be had from sums; the *median* needs all
# fares of a zone in one place.
#
# **Predict first.** The table of five columns has 40 bytes a row. How many of them travel for the mean, for the
# median, and to sort it by time?


# %%
def travelled(name, work):
    """Run `work()` and count what went over the wire, in bytes per trip."""
    bill = Cost(client).of(work)
    wire[name] = bill.bytes / len(trips)
    print(f"{name}: {wire[name]:.2f} bytes per trip")


def done(collection):
    """Compute on the workers, fetch nothing; optimised, so that a partition is read and joined in one task."""
    wait(client.persist(collection.optimize()))


wire = {}
narrow = dd.read_parquet(folder / "unordered", columns=columns)
by_zone = narrow.groupby("PULocationID")["fare_amount"]
travelled("mean by zone", lambda: by_zone.mean().compute())
travelled("median by zone", lambda: by_zone.median().compute())
travelled("sort by time", lambda: done(narrow.set_index("tpep_pickup_datetime", divisions=list(days))))

# %% [markdown]
# <details><summary>Answer</summary>
#
# For the mean next to nothing: each partition sends a sum and a count per zone, and a tree adds them. For the median,
# the two columns that are needed travel, but for the rows that are on the right worker already. Sorting moves all
# five. (A row that travels carries its index as well, 8 bytes, and the number of its new partition, 1 to 8 bytes.) With
# more workers a smaller share of the rows is right already, and the network is all the busier.
#
# </details>
#
# The two plans, on four of the files. On the left the partitions, on the right the result (`getitem` takes a column):

# %%
some = dd.read_parquet(files[:4], columns=["PULocationID", "fare_amount"])
draw_graph(some.groupby("PULocationID")["fare_amount"].mean())

# %%
draw_graph(some.groupby("PULocationID")["fare_amount"].median())

# %% [markdown]
# *Figures: task graphs. For the mean, each partition becomes a small table of sums and these become one. For the
# median every partition hands its rows to a transfer, all transfers meet in one barrier, and behind it each output
# partition collects its rows from everywhere.*
#
# The barrier is the price that bytes do not show: nothing behind it can begin before all before it has ended. Rows
# shuffled by Dask's P2P method also go through the workers' disks, so a shuffle needs room there.
#
# ### Joins
#
# A table with one row per zone shall be joined to the trips: here each zone's mean fare. It comes as a pandas
# DataFrame, or as a Dask DataFrame of four partitions, as if from four files.

# %%
zones = by_zone.mean().compute().rename("zone_fare").reset_index()
in_pieces = dd.from_pandas(zones, npartitions=4)
travelled("join with a pandas table", lambda: done(narrow.merge(zones, on="PULocationID")))
travelled("join with four partitions", lambda: done(narrow.merge(in_pieces, on="PULocationID")))
travelled("the same, broadcast=True", lambda: done(narrow.merge(in_pieces, on="PULocationID", broadcast=True)))

# %%
bars = pd.Series(wire)[::-1]
axis = bars.plot.barh(width=0.7, figsize=(6, 2.8), xlabel="bytes over the wire per trip")
axis.bar_label(axis.containers[0], fmt="%.2f", padding=4)
axis.set(title=many.provenance.title("What travels"), ylabel="")
axis.margins(x=0.15)
plt.show()

# %% [markdown]
# *Figure: a bar for each of the six. The mean and the join with a pandas table are next to zero; the median, the sort
# and both joins with a table in pieces take a quarter of the table's 40 bytes a row, or much more.*
#
# The small tables hold the same rows, one per zone. As a pandas DataFrame they go to every partition and no trip
# moves. In four partitions Dask cannot know that they are small, and shuffles both sides. `broadcast=True` does not
# help here and can cost more: it cuts every partition of the trips to match the pieces. A small table belongs into one
# piece.
#
# Two large tables have to shuffle once. Sorted by the same index, with known divisions, they join piece by piece from
# then on; so write them out sorted.
#
# ### Exercise 4.5 · What a zone usually costs
#
# A useful feature: the mean fare of all trips that start in the same zone. Add it to every trip as `zone_fare`
# without moving the trips. All is lazy, and rows keep their order.
#
# Difficulty 3 of 5 · 15 minutes · needs nothing · 5 points · on six trips from zones 1, 1, 2, 2, 2, 3 with fares 4, 6,
# 9, 9, 12, 20 it gives `[5.0, 5.0, 10.0, 10.0, 10.0, 20.0]`


# %% exercise="4.5"
def with_zone_fare(trips: dd.DataFrame) -> dd.DataFrame:
    """Lazily `trips` with a last column `zone_fare` (float64): mean `fare_amount` of all trips with the same `PULocationID`."""
    ### BEGIN SOLUTION
    zone_fare = trips.groupby("PULocationID")["fare_amount"].mean().rename("zone_fare").to_frame()
    return trips.merge(zone_fare, left_on="PULocationID", right_index=True, how="left")
    ### END SOLUTION


# %% check="4.5"
check("4.5")

# %% [markdown]
# ## 8 Arrays: the chunk is what is read
#
# Count the trips from each zone to each zone on each day: an array of three axes. Arrays have their own format,
# [Zarr](https://zarr.dev): a folder with one object per **chunk**, and a small file that says shape, dtype and chunks.

# %%
routes = ["tpep_pickup_datetime", "PULocationID", "DOLocationID"]
ends = dd.read_parquet(folder / "unordered", columns=routes)
ends["day"] = ends["tpep_pickup_datetime"].dt.day - 1
counted = ends.groupby(["day", "PULocationID", "DOLocationID"]).size().compute()
demand = np.zeros((31, 266, 266), "int32")
demand[tuple(np.array(counted.index.to_list()).T)] = counted
print(f"{demand.nbytes / 1e6:.1f} MB for {demand.sum():,} trips")

# %% [markdown]
# Two questions: the map of one day, `demand[7]`, and the whole history of one pick-up zone, `demand[:, 161]`. And
# three ways to cut the array, without compression, so that bytes can be predicted:
#
# **Predict first.** Which cut is best for which question, and what does it cost the other one?

# %%
cuts = {"a day": (1, 266, 266), "nine pick-up zones": (31, 9, 266), "blocks": (8, 67, 67)}
rows = {}
for name, chunk_shape in cuts.items():
    zarr.create_array(
        str(folder / "zarr" / name),
        data=demand,
        chunks=chunk_shape,
        compressors=None,
        config={"write_empty_chunks": True},  # chunks of zeros too
    )
    stored = da.from_zarr(f"{address}/zarr/{name}")
    day, zone = Reads(client).of(stored[7].compute), Reads(client).of(stored[:, 161].compute)
    rows[name] = [day.bytes / 1e6, day.requests, zone.bytes / 1e6, zone.requests]
pd.DataFrame(rows, index=["a day: MB", "a day: requests", "a zone: MB", "a zone: requests"]).T.round(2)

# %% [markdown]
# <details><summary>Answer</summary>
#
# A chunk is read whole or not at all. A cut that is right for one question makes the other one read everything, in as
# many requests as there are chunks (and a little more than everything where the last chunk is filled up); blocks serve
# both halfway.
#
# </details>
#
# There is no best chunk shape, there is one per question, and a second copy for the second question is often the
# cheapest answer.
#
# ### Exercise 4.6 · Chunks for a question
#
# Somebody will read one position along `axis` at a time, and all of the other axes: `array[7]` for axis 0,
# `array[:, 161]` for axis 1. Such a read shall need a single chunk, and in it as few bytes as possible. But a chunk has
# at least `least_bytes`: a smaller object is not worth a request. Which shape has it?
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 2 points · `chunks_for((40, 266, 266), 4, 1, 1_000_000)` gives
# `(40, 24, 266)`


# %% exercise="4.6"
def chunks_for(shape: tuple[int, ...], itemsize: int, axis: int, least_bytes: int) -> tuple[int, ...]:
    """Chunk shape for reading one position along `axis`; items have `itemsize` bytes. If all is too small: `shape`."""
    ### BEGIN SOLUTION
    slab = itemsize * int(np.prod(shape)) // shape[axis]
    chunk = list(shape)
    chunk[axis] = min(shape[axis], -(-least_bytes // slab))
    return tuple(chunk)
    ### END SOLUTION


# %% check="4.6"
check("4.6")

# %% [markdown]
# ## 9 An object store
#
# In a cloud there is no folder. An **object store** keeps objects under keys, and answers requests: *list* the keys,
# *get* an object or a range of its bytes, *put* one. Amazon calls its own S3, and others speak the same protocol. To
# have one on this machine we start [moto](https://docs.getmoto.org), a **test server**: it speaks S3 over HTTP to our
# workers, keeps all objects in memory, believes every password, and is not Amazon's. It tells its log about each
# request, and we keep what it tells.


# %%
class RequestLog(logging.Handler):
    """Keeps the first word of each request: GET, HEAD, PUT, ..."""

    def __init__(self):
        super().__init__()
        self.kinds = []

    def emit(self, record):
        message = record.getMessage()
        self.kinds += [kind for kind in ("GET", "HEAD", "PUT", "POST") if f"{kind} /" in message]


log = RequestLog()
server_log = logging.getLogger("werkzeug")
server_log.handlers, server_log.propagate = [log], False
server_log.setLevel(logging.INFO)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()

# %% [markdown]
# For Dask, only the address changes: `s3://` in place of a path, and `storage_options` for what the store wants to
# know. A real password comes from the environment and never stands in a notebook; this one opens nothing.

# %%
options = {
    "key": "nobody",
    "secret": "nothing",
    "client_kwargs": {"endpoint_url": "http://{}:{}".format(*server.get_host_and_port()), "region_name": "eu-west-1"},
}
s3fs.S3FileSystem(**options).mkdir("course", region_name="eu-west-1")
sample = dd.read_parquet(files[:4])
sample.to_parquet("s3://course/large files", write_index=False, storage_options=options)
sample.repartition(npartitions=16).to_parquet("s3://course/small files", write_index=False, storage_options=options)
pd.Series(log.kinds).value_counts().to_dict()

# %% [markdown]
# **Predict first.** The same rows, in 4 objects and in 16. We read one column of each. How many bytes and requests,
# and which takes longer?

# %%
reports = {}
for name in ("large files", "small files"):
    log.kinds.clear()
    start = time.perf_counter()
    table = dd.read_parquet(f"counted+s3://course/{name}", storage_options=options)
    one = Reads(client).of(table["tip_amount"].mean().compute)
    seconds = time.perf_counter() - start
    reports[name] = [one.bytes / 1e3, one.requests, len(log.kinds), seconds]
pd.DataFrame(reports, index=["kB read", "of data, requests", "requests in all", "seconds"]).T.round(2)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Column pruning works through HTTP as it does on a disk: a footer and a range, and no more. Small files pay for it more
# often, in bytes too: each has a footer to be fetched, 64 kB of it.
#
# </details>
#
# A request has a price that does not depend on its size. Here it is a few milliseconds. Amazon names
# [100 to 200](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html) (read in November
# 2026) until the first byte of a small object. Then, if they come one after another on each worker:

# %%
for name, (_kilobytes, _requests, in_all, _seconds) in reports.items():
    print(f"{name}: about {in_all * 0.15 / len(client.nthreads()):.0f} seconds of waiting, at 0.15 s a request")

# %% [markdown]
# That is why partitions are large, why layouts avoid many small files, and why a service that counts requests sends a
# bill for them. The server stops here and forgets everything:

# %%
server.stop()
server_log.handlers, server_log.propagate = [], True

# %% [markdown]
# ## 10 Where Dask loses
#
# Our first six trips, or a thousand times as many, fit into one process many times over.
#
# **Predict first.** A CSV file of 5,000 trips: pandas against Dask on the cluster, for the mean tip?

# %%
(first, *_others) = sorted((folder / "csv").glob("*.part"))


def seconds(work):
    """Median of three timings."""
    runs = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        runs.append(time.perf_counter() - start)
    return np.median(runs)


pd.read_csv(first, nrows=5_000).to_csv(folder / "small.csv", index=False)
with_pandas = seconds(lambda: pd.read_csv(folder / "small.csv")["tip_amount"].mean())
with_dask = seconds(lambda: dd.read_csv(folder / "small.csv")["tip_amount"].mean().compute())
print(f"on 5,000 trips Dask takes {with_dask / with_pandas:.0f} times as long")

# %% [markdown]
# Under a few hundred megabytes use pandas, and Parquet with `columns=` and `filters=` all the same: layout pays on one
# machine too.

# %%
client.close()
temporary.cleanup()
progress()

# %% [markdown]
# ## Summary
#
# - Say dtypes and `meta`, do not let them be guessed; an empty partition is a partition too.
# - CSV is read whole. Parquet is read by columns, and by rows where its layout lets footers exclude the rest: rows
#   that are asked for together should lie together, in few files.
# - Dask prunes columns by itself. For rows say `filters=`, and measure what was read.
# - Partitions of about 100 MB, merged without a shuffle. Sums travel lightly, rows do not; a small table joins from
#   one piece.
# - A chunk, like a file, is read whole; a request costs time whatever its size.
#
# **Explain aloud**
#
# 1. Why do `filters=` save nothing on files in no order, though every footer was read?
# 2. A colleague writes one folder per day and per zone. How many files can that make, and who pays for them?
# 3. Why can a mean by zone be computed without a shuffle, and a median not? What about a standard deviation?
#
# **An open problem.** Trips are asked for by day *and* by zone. A file can be sorted by one of them. Could rows be
# ordered so that both questions skip most row groups? (Look up the Z-order curve, then measure it with `Reads`.)
#
# **Next**: 05 · Linear regression, where blocks of rows report sums, and nothing else travels.
