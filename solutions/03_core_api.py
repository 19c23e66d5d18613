# %% [markdown]
# # 03 · The core API
#
# **After this chapter you can**
#
# - install the parts of Dask that you need, and say which configuration a process sees;
# - solve one problem with delayed, futures, array, bag and dataframe, and choose between them;
# - write summaries that add up, so that any number of blocks gives the answer of one;
# - predict in which order a graph runs, and read off the task stream whether it did.
#
# **Time** about 100 minutes, of which two are computing. **Needs** chapter 02 (scheduler, worker, task graph); pandas
# and NumPy. **Data** New York taxi trips, written to small CSV files, and for the timings the same trips many times.

# %% tags=["parameters"]
n_trips = 6_000  # at most so many trips are used
copies = [1, 20, 200, 800]  # each trip so many times, for the timings; tiny: [1, 4]; full: [1, 20, 200, 4_000]
most_for_bag = 200  # copies that the bag still gets
resamples = [1, 30, 1_000]  # the same trips, and more and more work for each; tiny: [1, 300]
rounds = 100  # how long one task of section 9 works; tiny: 30

# %%
import inspect
import tempfile
import time
import traceback
from operator import add
from pathlib import Path

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from dask.delayed import Delayed
from dask.distributed import Future, as_completed, get_task_stream, wait
from dask.order import order

from helpers.cluster import start_cluster
from helpers.data import load_taxi
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution
from helpers.plots import draw_graph, draw_task_stream, pipeline

plt.style.use("helpers.figures")
pipeline("framework")

# %% [markdown]
# ## 1 Install and configure
#
# Dask is one package with optional parts, called **extras**. `pip install dask` brings the core alone, which is graphs
# and the local schedulers; `pip install "dask[complete]"` brings arrays, dataframes, the cluster and its dashboard too.
# With conda, `conda install dask` brings them all, and `dask-core` is the bare one
# ([installation](https://docs.dask.org/en/stable/install.html), read November 2026). The versions of client, scheduler
# and workers must agree; `client.get_versions(check=True)` complains where they do not.

# %%
client = start_cluster()
found = {worker["packages"]["dask"] for worker in client.get_versions()["workers"].values()}
print("dask here", dask.__version__, "· on", len(client.nthreads()), "workers", *found)

# %% [markdown]
# Settings have dotted names. Four places can set them, and the later one wins: Dask's own defaults, YAML files,
# environment variables (`DASK_ARRAY__CHUNK_SIZE` sets `array.chunk-size`), and `dask.config.set` in the program, which
# holds for one block or until it is set again:

# %%
print("default  ", da.ones(10_000_000, chunks="auto").chunks[0])
with dask.config.set({"array.chunk-size": "8 MiB"}):
    print("in here  ", da.ones(10_000_000, chunks="auto").chunks[0])

# %% [markdown]
# The array has 80 MB: one chunk at Dask's default of 128 MiB, ten at ours.
#
# **Predict first.** The client sets a value, then asks its workers which value they see. Theirs, or the client's?

# %%
with dask.config.set({"array.chunk-size": "8 MiB"}):
    here = dask.config.get("array.chunk-size")
    there = set(client.run(dask.config.get, "array.chunk-size").values())
print("client", here, "· workers", there)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Their own. A worker is another process: it read files and environment when it started. What workers shall see is
# set before the cluster starts.
#
# </details>

# %% [markdown]
# ## 2 One problem for the whole chapter
#
# **How fast is a taxi, by the hour of the day?** The trips lie in many files, and the answer is one mean speed per
# hour. First two files of three trips, by hand:

# %%
first = pd.DataFrame({"hour": [8, 8, 9], "speed": [10.0, 14.0, 9.0]})
second = pd.DataFrame({"hour": [8, 9, 9], "speed": [30.0, 10.0, 11.0]})

# %% [markdown]
# **Predict first.** Each file gives a mean per hour. Is their mean the mean of all six trips?

# %% tags=["nbval-check-output"]
of_first, of_second = (block.groupby("hour")["speed"].mean() for block in (first, second))
of_all = pd.concat([first, second]).groupby("hour")["speed"].mean()
pd.DataFrame({"first": of_first, "second": of_second, "mean of means": (of_first + of_second) / 2, "all six": of_all})

# %% [markdown]
# <details><summary>Answer</summary>
#
# No: in both hours it is off. One trip at 30 miles per hour got as much say as two slower ones.
#
# </details>
#
# What adds up is the **sum** of the speeds and the **count** of the trips. So a block reports these, reports are
# added, and the division comes last. These three functions serve the whole chapter:


# %%
def hour_sums(trips):
    """Per hour the sum of the speeds and the number of trips of one block."""
    return trips.groupby("hour")["speed"].agg(["sum", "count"])


def add_up(reports):
    """One report of many: the sums and the counts, added hour by hour."""
    return pd.concat(reports).groupby(level="hour").sum()


def means(report):
    """Mean speed in miles per hour, by hour."""
    return report["sum"] / report["count"]


# %% tags=["nbval-check-output"]
means(add_up([hour_sums(first), hour_sums(second)]))

# %% [markdown]
# Equal to the last column. `add_up` also copes with an hour that one block lacks, where a plain `a + b` of two
# reports would say "not a number".
#
# Now real trips. `taxi.frame` is a Dask DataFrame of them, `taxi.provenance` says what they are. We take a sample and
# keep the trips whose distance and duration a ride can have:

# %%
taxi = load_taxi(months=["2019-03"])
month = taxi.frame[["tpep_pickup_datetime", "tpep_dropoff_datetime", "trip_distance"]]
month = month.sample(frac=min(1, n_trips / taxi.provenance.rows), random_state=3).compute()
trips = pd.DataFrame({"pickup": month["tpep_pickup_datetime"].dt.floor("s"), "miles": month["trip_distance"]})
minutes = (month["tpep_dropoff_datetime"] - month["tpep_pickup_datetime"]).dt.total_seconds() / 60
trips["minutes"] = minutes.round(2)
trips = trips[trips["miles"].between(0.1, 50) & trips["minutes"].between(1, 120)]
print(len(trips), "trips are left")
trips.head(3)

# %% [markdown]
# They go into seven CSV files, one per day of the week, so the blocks have different sizes. For timings, the same trips
# will go many times into larger files. (On a cluster of several machines the folder would have to be one
# that all of them see.)


# %%
def write_files(copies, parts=1):
    """Paths of 7 * `parts` CSV files, which together hold every trip `copies` times."""
    paths = []
    for day, group in trips.groupby(trips["pickup"].dt.day_of_week):
        header, _, rows = group.to_csv(index=False).partition("\n")
        for part in range(parts):
            paths.append(Path(folder.name) / f"trips-{copies}-{day}-{part}.csv")
            paths[-1].write_text(header + "\n" + rows * (copies // parts))
    return [str(path) for path in paths]


def read_trips(path):
    """Hour of pick-up and speed in miles per hour of each trip in one file."""
    table = pd.read_csv(path, parse_dates=["pickup"])
    return pd.DataFrame({"hour": table["pickup"].dt.hour, "speed": table["miles"] / table["minutes"] * 60})


# %%
folder = tempfile.TemporaryDirectory()
week = write_files(copies=1)
[len(read_trips(path)) for path in week]

# %% [markdown]
# One machine, one process, pandas: the yardstick for all that follows.


# %%
def by_pandas(paths):
    """Mean speed by hour, in this process."""
    return pd.concat([read_trips(path) for path in paths]).groupby("hour")["speed"].mean()


# %%
speeds = by_pandas(week)
axis = speeds.plot.bar(width=0.8, xlabel="hour of pick-up", ylabel="mean speed (miles per hour)", rot=0)
axis.grid(axis="x", visible=False)
axis.set_title(taxi.provenance.title("Taxi speed by hour"))
plt.show()

# %% [markdown]
# *Figure: 24 bars. Highest in the small hours, with its peak before dawn; flat and lowest through the working day;
# rising again in the evening.*
#
# A taxi before dawn is about twice as fast as one at noon. Every API must now give these 24 numbers, so here is the
# judge:


# %%
def same(answer):
    """True where `answer`, any form of 24 numbers by hour, equals what pandas says."""
    return bool(np.allclose(answer, by_pandas(week).to_numpy()))


# %% [markdown]
# ## 3 Delayed: your functions, later
#
# `dask.delayed(function)` makes a function that does not run. It notes the call as a task and returns a `Delayed`, the
# plainest of Dask's lazy **collections**. Other delayed functions take it as an argument, also inside a list. On our
# two small blocks:

# %%
blocks = [dask.delayed(first), dask.delayed(second)]
reports = [dask.delayed(hour_sums)(block) for block in blocks]
small = dask.delayed(means)(dask.delayed(add_up)(reports))
draw_graph(small)

# %% [markdown]
# *Figure: a graph from left to right. Two blocks of data, from each an arrow to its own hour_sums, from both of these
# to one add_up, from there to means.*
#
# Nothing has run. The picture shows what may run at the same time: the two `hour_sums` are beside each other and
# touch different data. One function on many blocks is **data parallelism**, and the arrows are all that must wait.

# %% tags=["nbval-check-output"]
small.compute()


# %% [markdown]
# The real problem differs in its first function: the files are read inside tasks, so rows never pass through this
# process.


# %%
def by_delayed(paths):
    """Mean speed by hour, from one graph."""
    reports = [dask.delayed(hour_sums)(dask.delayed(read_trips)(path)) for path in paths]
    return dask.delayed(means)(dask.delayed(add_up)(reports)).compute()


same(by_delayed(week))


# %% [markdown]
# Three mistakes are common enough to make once on purpose. The first is to call the function and delay its result:
# `dask.delayed(hour_sums(first))` ran `hour_sums` here and now. The second is `delayed` in `delayed`:


# %%
@dask.delayed
def too_lazy(block):
    """Returns a task where it should return its result."""
    return dask.delayed(hour_sums)(block)


type(too_lazy(first).compute())

# %% [markdown]
# It computed, and what came is another unbuilt graph. Inside a task, call plain functions. The third is `compute()`
# in a loop.
#
# **Predict first.** Seven reports, fetched one by one with `compute()`, or all from one graph: how many times as long
# does the loop take?


# %%
def seconds(function, *arguments, repeats=3):
    """Best time of `function(*arguments)` out of `repeats` runs."""
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        runs.append(time.perf_counter() - start)
    return min(runs)


def by_loop(paths):
    """The same from one graph per file."""
    reports = [dask.delayed(hour_sums)(dask.delayed(read_trips)(path)).compute() for path in paths]
    return means(add_up(reports))


# %%
print(f"the loop takes {seconds(by_loop, week) / seconds(by_delayed, week):.1f} times as long")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Clearly longer. Each `compute()` is a round trip to the scheduler, and while it waits for one file the other workers
# have nothing to do. Build everything, then compute once.
#
# </details>
#
# ### Exercise 3.1 · Two passes, one graph
#
# Which share of the trips of an hour is faster than the mean of that hour? Where a few trips are very fast it is less
# than half. This needs two passes over the blocks: no trip can be compared before the means of all blocks together
# are known. Build both passes into one graph. `hour_sums`, `add_up` and `means` are there; the second pass is yours.
#
# Difficulty 3 of 5 · 15 minutes · needs nothing · 4 points · for `blocks` of section 3, computed, it gives `0.333`
# for 8 o'clock and `0.333` for 9 o'clock


# %% exercise="3.1"
def share_above_mean(blocks: list[Delayed]) -> Delayed:
    """By hour the share of trips faster than that hour's mean over all blocks, a lazy Series sorted by hour.

    Each of `blocks` is a lazy DataFrame with the columns `hour` and `speed` (miles per hour).
    """
    ### BEGIN SOLUTION

    def count_above(trips, mean):
        above = trips["speed"] > trips["hour"].map(mean)
        return above.groupby(trips["hour"]).agg(["sum", "count"])

    mean = dask.delayed(means)(dask.delayed(add_up)([dask.delayed(hour_sums)(block) for block in blocks]))
    counts = [dask.delayed(count_above)(block, mean) for block in blocks]
    return dask.delayed(means)(dask.delayed(add_up)(counts))
    ### END SOLUTION


# %% check="3.1"
check("3.1")

# %% [markdown]
# Look at its shape: the second pass starts where the first one has come together in one task. The means went into every
# task of the second pass as an argument, and nobody had to compute them in between.

# %%
draw_graph(share_above_mean(blocks))

# %% [markdown]
# *Figure: blocks, their two hour_sums, one add_up and one means; then two tasks of the second pass, each with arrows
# from its block and from that means; then again one add_up and one means.*

# %% [markdown]
# ## 4 Futures: work that has already begun
#
# `client.submit` sends one call to the cluster and returns at once with a **future**, a name for the result, which
# stays on its worker. `client.map` does so for many. A future can be an argument of the next call, and then the
# result goes from worker to worker, not through here.

# %%
reports = client.map(hour_sums, client.map(read_trips, week))
total = client.submit(add_up, reports)
total

# %%
wait(total)
total, same(means(total.result()))


# %% [markdown]
# `result()` waits and fetches one, `client.gather` fetches a list, and fetching is what costs: 24 rows came here, and
# no trip. The whole answer as one function:


# %%
def by_futures(paths):
    """Mean speed by hour; work starts while this function is still submitting."""
    reports = client.map(lambda path: hour_sums(read_trips(path)), paths, pure=False)
    return client.submit(means, client.submit(add_up, reports, pure=False), pure=False).result()


same(by_futures(week))

# %% [markdown]
# What is `pure=False` for? **Predict first.** We submit a function twice that returns a random number. Two numbers, or
# the same one twice?


# %%
def roll():
    """A random number from a generator that the operating system seeds."""
    return np.random.default_rng().random()


for pure in (True, False):
    one, two = client.submit(roll, pure=pure), client.submit(roll, pure=pure)
    print(f"pure={pure}: keys equal {one.key == two.key}, numbers equal {one.result() == two.result()}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# With `pure=True`, the default, they are one and the same. The key of a task is made from its function and its
# arguments, and a key that the scheduler knows (it does as long as some future has it) is not run again. That saves
# work where functions are **pure**, and it is wrong for random numbers and for timings.
#
# </details>
#
# ### Errors, retries
#
# A task that fails keeps its error until someone asks for the result. The others go on.

# %%
broken = client.submit(read_trips, "no-such-file.csv")
after = client.submit(hour_sums, broken)
wait(after)
print(broken.status, after.status, type(broken.exception()).__name__)

# %%
with show_error():
    after.result()


# %% [markdown]
# `after` never ran, it inherited the error of its input. Where a failure may pass by itself (a busy disk, a network),
# `retries` says how often a task may be tried again:


# %%
def unreliable(mark):
    """Fails on its first call, of which it leaves a mark, and works from then on."""
    if not Path(mark).exists():
        Path(mark).touch()
        raise OSError("the disk is busy")
    return "read"


# %%
with show_error():
    client.submit(unreliable, str(Path(folder.name) / "mark-1")).result()
client.submit(unreliable, str(Path(folder.name) / "mark-2"), retries=1).result()

# %% [markdown]
# ### As they come
#
# `as_completed` hands futures out in the order in which they finish, whatever the order in which they were sent:

# %%
names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
days = dict(zip(client.map(read_trips, week, pure=False), names, strict=True))
print("sent ", *names)
print("came ", *[days[future] for future in as_completed(days)])
del days

# %% [markdown]
# So a program can decide while work is under way, which no graph that is built in advance can do. (The last line of
# that cell lets go of the futures: a result stays in a worker's memory as long as some future points to it.)
#
# ### Exercise 3.2 · Enough is enough
#
# A quick estimate does not need all files. Add up reports as they arrive, until they hold at least `n_trips` trips;
# then stop, and cancel what has not been used (and no more), so that the cluster is free for other work. One file may
# be on a slow disk, and nobody should wait for it. (What such an estimate hides: quick files may differ from slow ones.)
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · for the files of this chapter and 2,000 trips it takes
# three of the seven reports


# %% exercise="3.2"
def first_enough(client, reports: list[Future], n_trips: int) -> pd.DataFrame:
    """The sum of the reports that arrive first and hold at least `n_trips` trips together; all where none suffice.

    Each future holds what `hour_sums` returns. Those that were not used end up cancelled.
    """
    ### BEGIN SOLUTION
    unused, total, arrived = set(reports), [], 0
    for future in as_completed(reports):
        unused.discard(future)
        total.append(future.result())
        arrived += total[-1]["count"].sum()
        if arrived >= n_trips:
            break
    client.cancel(list(unused))
    return add_up(total)
    ### END SOLUTION


# %% check="3.2"
check("3.2")

# %%
estimate = first_enough(client, client.map(hour_sums, client.map(read_trips, week, pure=False)), n_trips=2_000)
print(f"from {estimate['count'].sum()} of {len(trips)} trips: off by", end=" ")
print(f"{(means(estimate) - speeds).abs().median():.1f} miles per hour in the median hour")

# %% [markdown]
# ## 5 Array: NumPy in blocks
#
# A Dask array is a grid of NumPy arrays, its **chunks**, and knows the shape and the dtype of each. What NumPy does
# entry by entry goes block by block; what NumPy reduces, it reduces in each block first and then among the blocks:

# %%
grid = da.ones((4, 6), chunks=(2, 3))
draw_graph((grid + 1).sum(axis=0))

# %% [markdown]
# *Figure: four blocks of ones (Dask's name for them is `ones_like`), an addition for each, a sum for each, and two final sums, each of which takes the two
# blocks of its columns.*
#
# Blocks have places, so each name carries a position. The sum along `axis=0` joins blocks that stand above each
# other; the two column groups never meet. `rechunk` cuts anew:

# %%
for chunks in [(2, 3), (4, 3), (4, 1)]:
    print(chunks, "→", len(grid.rechunk(chunks).__dask_graph__()) - len(grid.__dask_graph__()), "tasks more")

# %% [markdown]
# Whole blocks are joined by two tasks. Columns of their own take 18: each of the four blocks is split in three, and each
# of the six new blocks is joined of two pieces.
#
# For a function of your own there is `map_blocks`. Dask must know the dtype of what comes out.
#
# **Predict first.** Nothing is computed in the next cell. Does `pace` run?


# %%
def pace(speed):
    """Minutes per mile."""
    print("pace runs on an array of shape", speed.shape)
    return 60 / speed


speed = da.ones(4, chunks=2)
guessed = speed.map_blocks(pace)

# %% [markdown]
# <details><summary>Answer</summary>
#
# It does, on made-up arrays of no entry or one: Dask wants to see what comes back. A function that cannot stand such
# an array fails here, long before your data. `meta=`, an empty example of what it returns, makes the trial needless.
#
# </details>

# %%
told = speed.map_blocks(pace, meta=np.array([], dtype=float))
print("guessed", guessed.dtype, "· told", told.dtype)

# %% [markdown]
# Now the problem. An array has no columns with names and no groups; but hours are the numbers 0 to 23, and
# `bincount` adds up weights by such a number. Our blocks come out of delayed functions, and as nobody has counted
# their rows, their shape says `nan`:


# %%
def hours_and_speeds(paths):
    """Two lazy arrays, one entry per trip: hour of pick-up, and speed in miles per hour."""
    table = dask.delayed(lambda path: read_trips(path).to_numpy())
    pieces = [da.from_delayed(table(path), shape=(np.nan, 2), dtype=float) for path in paths]
    rows = da.concatenate(pieces)
    return rows[:, 0].astype(int), rows[:, 1]


def by_array(paths):
    """Mean speed by hour."""
    hours, speed = hours_and_speeds(paths)
    sums, counts = da.bincount(hours, weights=speed, minlength=24), da.bincount(hours, minlength=24)
    return (sums / counts).compute()


hours_and_speeds(week)[1].chunks, same(by_array(week))

# %% [markdown]
# It works, as neither `bincount` nor the sums ask for the number of rows. What asks, a slice of rows or a `reshape`,
# would fail until `compute_chunk_sizes()` has counted.
#
# ### Exercise 3.3 · Standardise, and stay lazy
#
# Many algorithms want columns of mean 0 and standard deviation 1 (NumPy's, which divides by the number of rows).
# Write it for a tall Dask array, as one lazy expression: same chunks as before, nothing computed. A constant column
# has no deviation to divide by; it becomes zeros. Two traps are in the rounding. The mean of many 0.1 is not exactly
# 0.1, so the *computed* deviation of that column is not exactly 0. And squares of large numbers forget small
# differences, where columns sit far from zero.
#
# Difficulty 2 of 5 · 10 minutes · needs nothing · 3 points · the column 1, 2, 3, 6 becomes
# `[-1.069, -0.535, 0.000, 1.604]`


# %% exercise="3.3"
def standardise(X: da.Array) -> da.Array:
    """`X` (rows, columns), cut along its rows, with columns of mean 0 and standard deviation 1; constant ones 0."""
    ### BEGIN SOLUTION
    constant = X.max(axis=0) == X.min(axis=0)
    return (X - X.mean(axis=0)) / da.where(constant, np.inf, X.std(axis=0))
    ### END SOLUTION


# %% check="3.3"
check("3.3")

# %% [markdown]
# ## 6 Bag: Python objects in blocks
#
# A bag holds any Python objects, in no order that you may rely on: lines of text, JSON records. It has `map`,
# `filter`, `frequencies` and the like, as the tools of functional programming have.

# %%
lines = db.read_text(week).filter(lambda line: line[0].isdigit())
lines.take(1)

# %%
lines.map(lambda line: int(line[11:13])).frequencies().topk(3, key=1).compute()

# %% [markdown]
# The three hours with the most trips, and how many. Nothing here parsed a date: the hour stands at a fixed place. (Of
# JSON records, one a line, `.map(json.loads)` makes dictionaries.)
#
# To group, a bag has two ways. `groupby` brings all records of a group together, so every record travels. `foldby`
# folds each record into a summary where it lies, one summary per key and block, and then merges the summaries. It
# takes two functions: `with_one(summary, record)` runs inside a block, `merge(summary, summary)` between blocks.


# %%
def hour_and_speed(line):
    """(hour of pick-up, speed in miles per hour) from one line of a file."""
    pickup, miles, minutes = line.split(",")
    return int(pickup[11:13]), float(miles) / float(minutes) * 60


def with_one(summary, record):
    """A summary (sum, count) and one record (hour, speed) more."""
    return summary[0] + record[1], summary[1] + 1


def merge(one, other):
    """One summary (sum, count) of two."""
    return one[0] + other[0], one[1] + other[1]


# %%
def by_bag(paths):
    """Mean speed by hour."""
    records = db.read_text(paths).filter(lambda line: line[0].isdigit()).map(hour_and_speed)
    summaries = dict(records.foldby(lambda record: record[0], with_one, (0, 0), merge, (0, 0)).compute())
    return [total / count for _, (total, count) in sorted(summaries.items())]


same(by_bag(week))

# %% [markdown]
# **Predict first.** Tasks of the `foldby` and of a `groupby` on the same seven files: which graph is larger?

# %%
records = lines.map(hour_and_speed)
folded = records.foldby(lambda record: record[0], with_one, (0, 0), merge, (0, 0))
grouped = records.groupby(lambda record: record[0])
print("foldby ", len(folded.__dask_graph__()), "tasks, groupby", len(grouped.__dask_graph__()), "tasks")
print(f"groupby takes {seconds(grouped.compute, repeats=1) / seconds(folded.compute, repeats=1):.1f} times as long")

# %% [markdown]
# <details><summary>Answer</summary>
#
# `groupby`: every block is cut into pieces for every other, which is a **shuffle** (chapter 04). Its graph grows
# faster than the number of blocks, and all records travel.
#
# </details>
#
# ### Exercise 3.4 · The largest few of each key
#
# Which are the three fastest trips of each hour? The bag may be larger than any machine, but a summary of at most
# three values per hour is enough, in a block as between blocks. Write it for pairs of any key and any number.
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · for ("a", 1), ("b", 5), ("a", 3), ("a", 2) and k = 2 it
# gives ("a", [3, 2]) and ("b", [5])


# %% exercise="3.4"
def largest_by_key(pairs: db.Bag, k: int) -> db.Bag:
    """Lazy bag of (key, list of its at most `k` largest values, largest first), from a bag of (key, value).

    Equal values count each for itself.
    """
    ### BEGIN SOLUTION

    def cut(values):
        return sorted(values, reverse=True)[:k]

    return pairs.foldby(
        key=lambda pair: pair[0],
        binop=lambda values, pair: cut([*values, pair[1]]),
        initial=[],
        combine=lambda one, other: cut(one + other),
        combine_initial=[],
    )
    ### END SOLUTION


# %% check="3.4"
check("3.4")

# %%
[(hour, np.round(fastest).tolist()) for hour, fastest in sorted(largest_by_key(records, 3).compute())[:3]]

# %% [markdown]
# ## 7 DataFrame: pandas in blocks
#
# A Dask DataFrame is a row of pandas DataFrames, its **partitions**. `read_csv` looks at the head of the first file
# to learn names and dtypes, and leaves the rest for later:

# %%
table = dd.read_csv(week, parse_dates=["pickup"])
table

# %% [markdown]
# Seven partitions, one per file. Were the table sorted by its index, the left column would show the first index of each
# partition, its **divisions**; here they are unknown (chapter 04 gives them a use). The problem reads as in pandas:


# %%
def lazy_speeds(paths):
    """Lazy mean speed by hour."""
    table = dd.read_csv(paths, parse_dates=["pickup"])
    table = table.assign(hour=table["pickup"].dt.hour, speed=table["miles"] / table["minutes"] * 60)
    return table.groupby("hour")["speed"].mean()


same(lazy_speeds(week).compute().sort_index())

# %% [markdown]
# What we wrote is kept as an expression and rewritten before it becomes tasks. `optimize` does all of that: columns
# that nobody asks for are not read, and steps that follow each other on one partition melt into one task. `compute()`
# on a cluster may leave that last step out, so let us look at what runs:

# %%
for name, query in {"compute()": lazy_speeds(week), "optimize().compute()": lazy_speeds(week).optimize()}.items():
    with get_task_stream() as stream:
        query.compute()
    print(f"{name:21} {len(stream.data)} tasks")


# %%
def by_dataframe(paths):
    """Mean speed by hour."""
    return lazy_speeds(paths).optimize().compute().sort_index()


same(by_dataframe(week))

# %% [markdown]
# The answer is the same, so for dataframes we write `optimize()` in front of `compute()`. (`query.explain()` draws the
# plan, if graphviz is installed; chapter 13 reads such plans.)
#
# A function of your own goes through `map_partitions`, and what it returns must be known in advance here too. Dask
# tries it on a made-up partition, unless `meta` gives an empty example.


# %%
def slow_trips(part):
    """Trips below five miles an hour."""
    print("slow_trips sees", len(part), "rows, of the days", part["pickup"].dt.date.unique())
    return part[part["miles"] / part["minutes"] < 5 / 60]


slow = table.map_partitions(slow_trips)

# %% [markdown]
# We have no trips of 1970: Dask made two rows up. A function that counts on its data being real will trip over them;
# with `meta=table._meta` it is not called before there is data.
#
# `groupby(...).agg` takes an aggregation of your own, in three steps: `chunk` on the grouped values of one partition,
# `agg` on what several chunks, *or several earlier aggs*, returned, and `finalize` once at the end. With many partitions
# Dask adds up in a tree, and `agg` runs on every level of it. Where `chunk` reports several numbers it returns a
# tuple; `agg` then gets one argument for each and returns a tuple too, and `finalize` gets the same arguments. The
# range, largest less smallest:

# %%
spread = dd.Aggregation(
    "spread",
    chunk=lambda grouped: (grouped.max(), grouped.min()),
    agg=lambda largest, smallest: (largest.max(), smallest.min()),
    finalize=lambda largest, smallest: largest - smallest,
)
table.groupby(table["pickup"].dt.hour)["miles"].agg(spread).compute().sort_index().head(2)

# %% [markdown]
# ### Exercise 3.5 · An aggregation that Dask does not have
#
# If all trips of an hour covered the same distance, their speed as a whole would be the **harmonic mean**: the number
# of trips divided by the sum of 1/speed. Make it an aggregation. (1/0 is infinite here, and so the mean 0.)
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · the speeds 10 and 30 have the harmonic mean `15.0`


# %% exercise="3.5"
def harmonic_mean() -> dd.Aggregation:
    """Aggregation for `groupby(...)[column].agg(...)`: number of values / sum of 1/value, without missing values."""
    ### BEGIN SOLUTION
    return dd.Aggregation(
        name="harmonic_mean",
        chunk=lambda grouped: (grouped.count(), grouped.apply(lambda values: (1 / values).sum())),
        agg=lambda counts, inverses: (counts.sum(), inverses.sum()),
        finalize=lambda counts, inverses: counts / inverses,
    )
    ### END SOLUTION


# %% check="3.5"
check("3.5")

# %%
frame = table.assign(hour=table["pickup"].dt.hour, speed=table["miles"] / table["minutes"] * 60)
harmonic = frame.groupby("hour")["speed"].agg(harmonic_mean()).compute().sort_index()
print(
    f"harmonic over arithmetic mean, by hour: from {(harmonic / speeds).min():.2f} to {(harmonic / speeds).max():.2f}"
)

# %% [markdown]
# The harmonic mean is below the arithmetic one in every hour: a slow trip takes longer, and weighs more.

# %% [markdown]
# ## 8 Five answers, one table
#
# All five gave the same 24 numbers. First what they ask of the cluster on the small files: how many lines we wrote,
# and how many tasks ran.


# %%
solvers = {"delayed": by_delayed, "futures": by_futures, "array": by_array, "bag": by_bag, "dataframe": by_dataframe}
per_block = [read_trips, hour_sums, add_up, means]
written = {
    "delayed": [by_delayed, *per_block],
    "futures": [by_futures, *per_block],
    "array": [by_array, hours_and_speeds, read_trips],
    "bag": [by_bag, hour_and_speed, with_one, merge],
    "dataframe": [by_dataframe, lazy_speeds],
}


def describe(name, paths):
    """Whether it is right, its lines of code, and what the task stream saw of it."""
    solver = solvers[name]
    with get_task_stream() as stream:
        answer = solver(paths)
    moves = [span for task in stream.data for span in task["startstops"] if span["action"] == "transfer"]
    return {
        "equal to pandas": same(answer),
        "lines of code": sum(len(inspect.getsource(function).splitlines()) - 2 for function in written[name]),
        "tasks run": len(stream.data),
        "results moved": len(moves),
    }


pd.DataFrame({name: describe(name, week) for name in solvers}).T

# %% [markdown]
# (Lines without signatures and docstrings, each with the helpers it needs. "Results moved" counts arrivals from
# another worker; which worker runs what differs from run to run.) Futures and dataframe run the fewest tasks: one
# per file and a few to join them, in one case because we said so, in the other because the optimiser did. The array
# pays a task for each of its many small steps.
#
# **Predict first.** The next cell times all of them and pandas, on the trips as they are and on the same trips up
# to 800 times over (generated by repeating: about four million rows; the bag stops at one million). Who wins on the
# few thousand rows? Does that change? Which API stays behind?

# %%
times = {}
for n_copies in copies:
    paths = write_files(n_copies, parts=4 if n_copies >= 20 else 1)
    times[n_copies * len(trips)] = {
        name: seconds(solver, paths, repeats=2)
        for name, solver in {"pandas": by_pandas, **solvers}.items()
        if name != "bag" or n_copies <= most_for_bag
    }
times = pd.DataFrame(times).T

# %%
ratios = times.div(times["pandas"], axis=0).round(2)
ratios.index.name = "trips"
figure, axis = plt.subplots()
for (name, column), marker in zip(ratios.items(), "os^vDX", strict=True):
    axis.plot(column.index, column, marker=marker, linestyle="--" if name == "pandas" else "-", label=name)
axis.set(xscale="log", yscale="log", xlabel="trips in the files", ylabel="time as a multiple of pandas' time")
axis.set_title(taxi.provenance.title("Five APIs against pandas, trips repeated"))
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
ratios

# %% [markdown]
# *Figure: time as a multiple of pandas' time against trips, both axes logarithmic. Pandas is the dashed line at 1. The
# others begin far above it at the left and come down towards it, but for the bag's, which ends early and high above.*
#
# <details><summary>Answer</summary>
#
# Below 1 the cluster wins. With the fewest trips Dask loses everywhere: a few milliseconds of work cannot pay for
# messages and graphs. (From 20 copies on there are 28 files, so four times as many tasks.) With more trips delayed,
# futures, array and dataframe gain on pandas, as they read several files at a time; whether they pass it depends on the
# cores that are free, and is in the last row. The bag stays behind: it handles each line as a Python object, and its
# time grows in step with their number.
#
# </details>
#
# Reading a row is little work, so it took very many of them to pay for the cluster. Work per row can grow as well. How
# sure are our means? The **bootstrap** answers by drawing: weigh each trip with a random number of the Poisson
# distribution of mean 1 (as if it had been seen so often), compute the means anew, repeat. Its reports add up too:


# %%
def resampled_sums(path, repeats):
    """Weighted sums of the speeds, and sums of the weights, in an array (repeats, 2, 24 hours)."""
    block = read_trips(path)
    generator, reports = np.random.default_rng(len(block)), np.empty((repeats, 2, 24))
    for report in reports:
        weights = generator.poisson(1, len(block))
        report[0] = np.bincount(block["hour"], weights=weights * block["speed"], minlength=24)
        report[1] = np.bincount(block["hour"], weights=weights, minlength=24)
    return reports


def resample_here(repeats):
    """The sum of all reports, in this process."""
    return sum(resampled_sums(path, repeats) for path in week)


def resample_there(repeats):
    """The same on the cluster, one task per file."""
    return client.submit(sum, client.map(resampled_sums, week, repeats=repeats, pure=False), pure=False).result()


# %%
sums, weights = resample_there(100).swapaxes(0, 1)
errors = (sums / weights).std(axis=0)
print(f"standard error of a mean: {errors.min():.1f} to {errors.max():.1f} miles per hour, by hour")

# %% [markdown]
# **Predict first.** The same seven small files, and more and more repetitions: where does the cluster pass one process?

# %%
for repeats in resamples:
    ratio = seconds(resample_there, repeats, repeats=2) / seconds(resample_here, repeats, repeats=2)
    print(f"{repeats:5} repetitions: the cluster takes {ratio:.2f} times as long as one process")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The cost of messages is the same in each line and the work is not, so the ratio falls. Below 1 the cluster wins, and on
# an idle machine the last line does. The floor is the share of the work that the busiest worker gets. Workers that
# must share their cores with other programs stay above it: a cluster has no cores to give that the machine has not.
#
# </details>
#
# So choose by what your data is, then by what you must control:
#
# | you have | take | you give up |
# | --- | --- | --- |
# | tables | dataframe | control over single tasks |
# | numbers in a grid | array | names of columns, and ease where shapes are unknown |
# | text, JSON, objects to be cleaned | bag, then turn it into a dataframe | speed |
# | functions of your own, known in advance | delayed | an optimiser that knows your data |
# | decisions while work is under way | futures | a graph that can be looked at first |

# %% [markdown]
# ## 9 In which order does a graph run?
#
# Seven reads, added up two by two. As a plain dictionary: each task, and what it needs.

# %%
reads = {("read", day): [] for day in range(7)}
pairs = {("add", i): [("read", 2 * i), ("read", 2 * i + 1)] for i in range(3)}
joins = {
    ("add", 3): [("add", 0), ("add", 1)],
    ("add", 4): [("add", 2), ("read", 6)],
    ("add", 5): [("add", 3), ("add", 4)],
}
needs = {**reads, **pairs, **joins}


# %% [markdown]
# Every task of it shall take about the same time, so `work` computes sines for as many rounds as the parameter says.
# It takes its inputs and does not look at them. In a graph by hand, a task is a tuple: the function, then its arguments,
# in which a key stands for the result of that task. `Delayed(key, graph)` makes a collection of it.


# %%
def work(*inputs):
    """A fixed number of sines."""
    angles = np.linspace(0, 1, 100_000)
    return sum(np.sin(angles).sum() for _ in range(rounds))


graph = {task: (work, *inputs) for task, inputs in needs.items()}
places = order(graph)
draw_graph(graph, numbers=True)

# %% [markdown]
# *Figure: six reads at the left and a seventh one column later, joined two by two in three steps; the number in front
# of each name is its place in Dask's order. It goes up one branch to its addition before it begins the next branch.*
#
# The numbers are from `dask.order`. They do not go column by column: two reads, their addition, two more reads. A sum
# that is done replaces two results in memory by one, so Dask finishes what it has begun. Two more properties can be
# read off the picture. The longest path, four tasks, is the **critical path**: no cluster is faster than that. The
# most tasks that do not wait for each other, the seven reads, are the **width**: more workers than that are of no use.
#
# ### Exercise 3.6 · Predict the schedule
#
# Each task takes one step. In each step every worker takes, of the tasks that are **ready** (all inputs were done in
# earlier steps), the one with the smallest place. Which tasks run in which step? (Places need not be in step with the
# graph: a task may have a smaller place than its input, and then waits while others pass.)
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · for inputs a, b and c, x of a and b, y of x and c,
# places c, a, b, x, y and two workers it gives `[["c", "a"], ["b"], ["x"], ["y"]]`


# %% exercise="3.6"
def schedule(needs: dict, places: dict, n_workers: int) -> list[list]:
    """The tasks of each step, at most `n_workers`, those with smaller places first.

    `needs` maps each task to the list of tasks it needs, `places` each task to its place in the order (unique).
    """
    ### BEGIN SOLUTION
    done, steps = set(), []
    while len(done) < len(needs):
        ready = [task for task in needs if task not in done and done.issuperset(needs[task])]
        steps.append(sorted(ready, key=places.get)[:n_workers])
        done.update(steps[-1])
    return steps
    ### END SOLUTION


# %% check="3.6"
check("3.6")

# %%
for n_workers in (1, 2, 4, 7):
    steps = schedule(needs, places, n_workers)
    shown = " | ".join(" ".join(f"{name[0]}{i}" for name, i in step) for step in steps)
    print(f"{n_workers} at a time, {len(steps):2} steps: {shown}")

# %% [markdown]
# One worker follows the places exactly. With seven there are as many steps as the critical path is long. With two,
# the last steps have one task each: Dask's order is made to keep memory low, not to be the shortest.
#
# **Predict first.** Does a real cluster of two workers start the tasks in this order? It runs the graph twice, once
# on idle workers and once on workers that are still busy with something else when the graph arrives.


# %%
def watch(busy):
    """Records of the graph's tasks on two workers, in the order of their start."""
    two = list(client.nthreads())[:2]
    earlier = [client.submit(work, workers=two[i % 2], pure=False) for i in range(4 if busy else 0)]
    with get_task_stream() as stream:
        wait(client.compute(Delayed(("add", 5), graph), workers=two))
    client.gather(earlier)
    return sorted((record for record in stream.data if record["key"] in graph), key=begin)


def begin(record):
    """When a task began to compute, in seconds."""
    return next(span["start"] for span in record["startstops"] if span["action"] == "compute")


on_idle, on_busy = watch(busy=False), watch(busy=True)

# %%
axis = draw_task_stream(on_busy, "Thirteen equal tasks, two workers")
first_second = min(span["start"] for record in on_busy for span in record["startstops"])
workers = sorted({record["worker"] for record in on_busy})
for record in on_busy:
    middle = (begin(record) + record["startstops"][-1]["stop"]) / 2 - first_second
    axis.text(middle, workers.index(record["worker"]), record["key"][1], ha="center", va="center", weight="bold")
plt.show()

# %% [markdown]
# *Figure: two rows of bars of about equal length with gaps between them, each with the number of its task: first reads,
# then reads and adds mixed, adds at the end. A narrow hatched bar, if there is one, is a result on its way from the
# other worker.* The same as text:


# %%
def short(tasks):
    """`read3 add0 ...`"""
    return " ".join(f"{name}{i}" for name, i in tasks)


print("places      ", short(sorted(graph, key=places.get)))
print("idle workers", short(record["key"] for record in on_idle))
print("busy workers", short(record["key"] for record in on_busy))

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nearly, on the busy workers. They start with reads of small places, but a first addition may come later than planned.
# When a worker ends a read, its next task is in its queue already; that the addition is ready,
# the scheduler learns only now, and by the time it has told the worker, the next read is running. A place decides
# among the tasks that a worker *knows* to be ready, and it interrupts nothing.
#
# On idle workers the first few reads may be others altogether. A worker with nothing to do takes whatever arrives
# first, and a graph's tasks arrive one by one. From the moment on when there is a queue, the places rule.
#
# </details>
#
# How good was the prediction of the time? In lengths of one task:


# %%
def measured_steps(records):
    """From the first start to the last end, in median lengths of a task."""
    lengths = [record["startstops"][-1]["stop"] - begin(record) for record in records]
    return (max(record["startstops"][-1]["stop"] for record in records) - begin(records[0])) / np.median(lengths)


print(f"predicted {len(schedule(needs, places, 2))} steps", end=", ")
print(f"measured {measured_steps(on_idle):.1f} on idle and {measured_steps(on_busy):.1f} on busy workers")

# %% [markdown]
# Above the prediction is time between tasks, results on their way, and tasks that were not equally long after all.
# Below it is possible too: on idle workers the order is another one, and may be shorter.
#
# ### Priorities
#
# The order within a graph is Dask's. Between graphs, what was sent earlier goes first, but graphs that follow each other
# closely count as equally old, and then the order is anyone's guess (`fifo_timeout` says how closely: by default a
# tenth of a second for `submit`, a minute for `compute`). To say it yourself, there is `priority=` of `submit`, `map`,
# `compute` and `persist`, where larger goes earlier.
#
# **Predict first.** Eight ordinary tasks for two workers, then two urgent ones. At which places do these start?

# %%
two = list(client.nthreads())[:2]
with get_task_stream() as stream:
    ordinary = [client.submit(work, key=f"ordinary-{i}", workers=two[i % 2]) for i in range(8)]
    urgent = [client.submit(work, key=f"urgent-{i}", workers=two[i], priority=10) for i in range(2)]
    client.gather(ordinary + urgent)
print(*[record["key"] for record in sorted(stream.data, key=begin)])

# %% [markdown]
# <details><summary>Answer</summary>
#
# Right behind the tasks that were running when they arrived, before the ordinary ones that were waiting. A priority
# moves a task ahead in the queue; it stops nobody. The ordinary ones came too closely for an order among themselves.
#
# </details>
#
# ### Without a cluster, for the debugger
#
# The scheduler that runs a graph can be chosen: `compute(scheduler="threads")` or `"processes"` need no cluster, and
# `"sync"` runs one task after the other in this very thread, where a debugger can stop. Here is a bag with one bad line,
# and what a debugger would find in the failing function:


# %%
def minutes_of(line):
    """Duration of one trip in minutes."""
    return float(line.split(",")[2])


bad = db.from_sequence(["8:01,1.2,9.5", "8:07,0.8,unknown", "8:09,3.1,14.0"], npartitions=1).map(minutes_of)
for scheduler in ["sync", client]:
    try:
        bad.compute(scheduler=scheduler)
    except ValueError as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        print(f"in {frame.f_code.co_name}, local variables: {dict(frame.f_locals)}")

# %% [markdown]
# Both point to the function, and only the first still has its variables: an error that comes from another process
# leaves them there. `compute(scheduler="sync")`, then `%debug` in the next cell, shows the line that was bad.
#
# ### `compute`, `persist`, `optimize`
#
# Three ways to go on from a lazy collection, and what each returns:

# %%
query = lazy_speeds(week)
for name in ["optimize", "persist", "compute"]:
    result = getattr(query, name)()
    kind, left = type(result).__module__.partition(".")[0], len(getattr(result, "dask", ()))
    print(f"{name:9} → {kind} {type(result).__name__}, {left} entries in its graph")
del query, result

# %% [markdown]
# `optimize` returns a lazy collection with a smaller graph, and nothing has run. `persist` sends the work off and
# returns a collection of the same kind at once, whose graph holds little more than the future of its one block: it is
# for what you will use again. `compute` waits and brings the result here, so it must fit here.

# %%
client.close()
folder.cleanup()
progress()

# %% [markdown]
# ## Summary
#
# - One idea served all five APIs: a block reports sums and counts, reports add up, the division comes last.
# - Delayed, array, bag and dataframe build a graph first: build everything, compute once. Futures start at once, and
#   let a program decide while work is under way.
# - Array and dataframe know what they hold, so Dask can rewrite what you wrote; a bag holds anything, and pays for
#   each object.
# - A graph's order goes branch by branch to free memory. Its critical path bounds the time, its width the workers. A
#   place or a priority moves a task ahead among those that wait, and stops none that runs.
# - For a few thousand rows that are only read, pandas is faster than any of them. A cluster pays where there is much
#   work: very many rows, or much to do for each.
#
# **Explain aloud**
#
# 1. Why may `agg` of an aggregation not divide, though the result is right with few partitions?
# 2. When do futures do what delayed cannot, and what does delayed have that futures lack?
# 3. Why did the cluster start a read before an addition that was planned to come first?
#
# **An open problem.** Our schedule gives every task one step. Real tasks differ, and nobody knows their length
# beforehand. Whom would you start first if you did know, and what can a scheduler learn while it runs? (The best
# schedule is hard to find even then: [job-shop scheduling](https://en.wikipedia.org/wiki/Job-shop_scheduling).)
#
# **Next**: 04 · Data and storage, where the files are no longer small, and their layout decides what is read.
