# %% [markdown]
# # 02 · Dask from the inside
#
# **After this chapter you can**
#
# - read a task graph, run one with a scheduler of your own, and bound the time that any scheduler needs;
# - say which process does what, and follow a task from its birth until nobody remembers it;
# - measure what a task costs, and cut work into pieces that are worth it;
# - choose between threads and processes, and say what a worker does when its memory fills;
# - tell when Dask is the wrong tool.
#
# **Time** about 90 minutes, of which one is computing. **Needs** chapter 00; Python functions and dictionaries.
# **Data** none: this chapter measures Dask itself.

# %% tags=["parameters"]
n_empty_tasks = 500  # tasks that do nothing, to measure overhead; tiny: 100; full: 5_000
loop_length = 16_000_000  # steps of the loop that is cut into pieces; tiny: 400_000; full: 80_000_000
piece_counts = [1, 2, 8, 32, 128, 512, 2048]  # pieces of it; tiny: [1, 2, 32, 256]; full: [1, 2, 8, 64, 512, 4096]
largest_start = 30_000  # numbers whose path is followed in pure Python; tiny: 6_000; full: 200_000
n_products = 60  # products of two 400 x 400 matrices; tiny: 12; full: 400
seconds_per_unit = 0.05  # length of a short task in section 2; tiny: 0.02; full: 0.1
limit_megabytes = 800  # memory limit of the worker of section 7; tiny: 400; full: 1_600

# %%
import contextlib
import logging
import os
import re
import tempfile
import time
from collections import Counter
from operator import truediv

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil
from dask.distributed import Nanny, get_task_stream, wait
from dask.sizeof import sizeof
from IPython.display import IFrame

from helpers.cluster import start_cluster
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution
from helpers.plots import draw_graph, draw_task_stream, pipeline

plt.style.use("helpers.figures")
pipeline("framework")

# %%
client = start_cluster()
n_workers = len(client.nthreads())
client

# %% [markdown]
# ## 1 Where Dask comes from
#
# In December 2014 a scheduler of ten lines that runs a dictionary of tasks; in July 2015 a paper; in February 2016 the
# same on a cluster.
#
# <details><summary>The dates and their sources</summary>
#
# | when | what | source |
# | --- | --- | --- |
# | December 2014 | Matthew Rocklin's first commit: a scheduler of ten lines that runs a dictionary of tasks, part of the Blaze project at Continuum Analytics (now Anaconda), paid by a DARPA programme | ["Dask is one year old"](https://blog.dask.org/2015/12/21/dask-year) |
# | 27 December 2014 | the idea explained: graphs are plain dictionaries, arrays are cut into blocks | ["Towards out-of-core ND-arrays"](https://blog.dask.org/2014/12/27/Towards-OOC) |
# | July 2015 | the paper at SciPy: blocked algorithms on one machine, larger than its memory | [Rocklin 2015](https://doi.org/10.25080/Majora-7b98e3ed-013) |
# | February 2016 | `distributed`: the same graphs on a cluster, with the scheduler, workers and client of this chapter | ["Introducing Dask distributed"](https://blog.dask.org/2016/02/17/dask-distributed-part1) |
# | November 2018 | version 1.0, "late in saying" that it is fit for production | ["Dask version 1.0"](https://blog.dask.org/2018/11/29/version-1.0) |
# | January 2020 | Rocklin founds a company around Dask, today Coiled | ["I'm founding a Dask company"](https://matthewrocklin.com/blog/work/2020/01/08/founding-1) |
# | March 2024 | DataFrames get a query optimiser, `dask-expr`, by default from release 2024.3.0 on | [dask-expr](https://github.com/dask/dask-expr) |
# | January 2025 | release 2025.1.0 drops the old DataFrame; the optimiser moves into Dask | [release plan](https://github.com/dask/community/issues/410), [changelog](https://docs.dask.org/en/stable/changelog.html) |
#
# Read in November 2026. The project's legal home is NumFOCUS, a foundation for scientific software:
# [governance](https://github.com/dask/governance/blob/main/governance.md). Who runs it today is a matter for chapter
# 12, and what changed of late for chapter 13.
#
# </details>
#
# Its **goals** stand in the first posts and still hold: out of core, so that data may exceed memory; low tech, a
# dictionary that anybody can write and any scheduler can run; and few inventions of its own, so that the interfaces
# are those of NumPy, pandas and Python's futures
# ([Dask version 1.0](https://blog.dask.org/2018/11/29/version-1.0)). The parts around it are the subject of this
# chapter.
#
# ## 2 A graph is a dictionary
#
# The mean fare of six taxi trips that lie in two blocks: each block reports a sum and a count.
# Written as the first commit would have had it: a key, and either data or a tuple of a function and its arguments.
# An argument that is a key of the graph stands for that key's result, also inside a list. A key is a word, or a word
# and the number of a block.

# %%
mean_graph = {
    ("block", 0): [5.5, 8.0, 10.0, 13.5],
    ("block", 1): [15.0, 17.5],
    ("sum", 0): (sum, ("block", 0)),
    ("sum", 1): (sum, ("block", 1)),
    ("count", 0): (len, ("block", 0)),
    ("count", 1): (len, ("block", 1)),
    "total": (sum, [("sum", 0), ("sum", 1)]),
    "rows": (sum, [("count", 0), ("count", 1)]),
    "mean": (truediv, "total", "rows"),
}
draw_graph(mean_graph)

# %% [markdown]
# *Figure: two blocks on the left, dashed, as they are data and no tasks; from each an arrow to its sum and one to its count; the sums join in the total, the
# counts in the rows, and both in the mean on the right.*
#
# Nothing has run. A function that is named in a tuple is not called. That is all that **lazy** means: first write
# down, then run. Who runs it is free to choose: this process, or the cluster.

# %% tags=["nbval-check-output"]
print("in this process:", dask.get(mean_graph, "mean"))
print("on the cluster: ", client.get(mean_graph, "mean"))

# %% [markdown]
# The collections of Dask write such graphs for you. A Dask array of six numbers in two blocks, and its mean:

# %%
fares = da.from_array(np.array([5.5, 8.0, 10.0, 13.5, 15.0, 17.5]), chunks=((4, 2),))
draw_graph(fares.mean())

# %% [markdown]
# *Figure: the array's two blocks, one mean task per block, and one that joins them.*
#
# Fewer boxes, as one task computes the sum and the count of its block, and the same shape. Is it still a dictionary,
# and are its values still tuples?

# %% tags=["nbval-check-output"]
for key, task in dict(fares.mean().__dask_graph__()).items():
    name = key[0] if isinstance(key, tuple) else key
    print(f"{name.rsplit('-', 1)[0]:20} {type(task).__name__}")

# %% [markdown]
# It is a dictionary, of data, of tuples, and of objects of a class `Task`, which carry a list of their inputs. Most of
# Dask writes such objects today. Before anything runs, Dask turns tuples into them, also those of our graph.
#
# ### Exercise 2.1 · The heart of a scheduler
#
# The scheduler of the first commit was, in essence: to get a key, get its arguments, then call the function. It is
# short, and has two faults. A result that two tasks need is computed twice, and a chain of some thousand tasks
# exceeds Python's recursion limit. Write one without either.
#
# The reading of tasks is plumbing, and here it is:


# %%
def inputs_of(graph: dict, key) -> list:
    """The keys of `graph` whose results the task at `key` needs, each once."""
    value = graph[key]
    waiting = list(value[1:]) if isinstance(value, tuple) and callable(value[0]) else []
    found = []
    while waiting:
        argument = waiting.pop(0)
        if isinstance(argument, list):
            waiting += argument
        elif isinstance(argument, str | tuple) and argument in graph and argument not in found:
            found.append(argument)
    return found


def run_task(graph: dict, key, results: dict):
    """What the task at `key` returns, given the `results` by key of all its inputs; data is returned as it is."""

    def filled(argument):
        if isinstance(argument, list):
            return [filled(item) for item in argument]
        return results[argument] if isinstance(argument, str | tuple) and argument in graph else argument

    value = graph[key]
    if isinstance(value, tuple) and callable(value[0]):
        return value[0](*map(filled, value[1:]))
    return value


print(inputs_of(mean_graph, "mean"), inputs_of(mean_graph, "total"), inputs_of(mean_graph, ("block", 1)))

# %% [markdown]
# Yours is the order: which key next, and when is it enough? Return the result, and the keys in the order in which
# you ran them. (The recursion limit stays as it is.)
#
# Difficulty 3 of 5 · 20 minutes · needs nothing · 6 points · `run_graph(mean_graph, "total")` gives 69.5, and
# `[("block", 0), ("sum", 0), ("block", 1), ("sum", 1), "total"]` or another order that never runs a task before its
# inputs
#
# Stuck? `hint("2.1")` gives a hint, and another one when called again; `solution("2.1")` shows an answer, and
# `solution("2.1", use=True)` defines it, so that you can go on.


# %% exercise="2.1"
def run_graph(graph: dict, key) -> tuple:
    """The result of `key`, and the list of keys that were run for it, in order: only those it needs, each once."""
    ### BEGIN SOLUTION
    results, unfinished = {}, [key]
    while unfinished:
        current = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, current) if needed not in results]
        if missing and current not in results:
            unfinished += missing
        else:
            unfinished.pop()
            if current not in results:
                results[current] = run_task(graph, current, results)
    return results[key], list(results)
    ### END SOLUTION


# %% check="2.1"
check("2.1")

# %%
value, order = run_graph(mean_graph, "mean")
print(f"{value:.2f} after {len(order)} tasks:", *order)

# %% [markdown]
# Dask's own order has one aim more: to let go of data early. It numbers the tasks so that a branch is finished
# before the next begins ([`dask.order`](https://docs.dask.org/en/stable/order.html)), and forgets a result once
# nobody needs it any more.

# %%
draw_graph(mean_graph, numbers=True)

# %% [markdown]
# *Figure: the graph from above, each box with its place in the order. The branch of the total is finished before the
# counts begin.*
#
# ### How fast can it be?
#
# A graph says more than what to run: it bounds the time that running it takes. A pipeline with a slow step: four
# blocks are loaded, and cleaned, one of them with much effort; one task joins them, one fits a model. So that we know
# how long each takes, it multiplies matrices until its time is up.


# %%
def work(seconds, *inputs):
    """Multiplies small matrices until `seconds` are over, whatever the machine; ignores `inputs`."""
    matrix, stop = np.eye(50), time.perf_counter() + seconds
    while time.perf_counter() < stop:
        matrix = matrix @ matrix
    return seconds


# %%
units = {("load", block): 2 for block in range(4)} | {("clean", block): 2 for block in range(4)}
units |= {("clean", 0): 10, "join": 1, "fit": 3}
durations = {key: count * seconds_per_unit for key, count in units.items()}
fit_graph = {("load", block): (work, durations["load", block]) for block in range(4)}
fit_graph |= {("clean", block): (work, durations["clean", block], ("load", block)) for block in range(4)}
fit_graph |= {"join": (work, durations["join"], [("clean", block) for block in range(4)])}
fit_graph |= {"fit": (work, durations["fit"], "join")}
draw_graph(fit_graph)

# %% [markdown]
# *Figure: four chains of load and clean, side by side, lead to join, and join to fit.*
#
# **Predict first.** The tasks take 2 units to load, 10 to clean block 0 and 2 for each other block, 1 to join, 3 to
# fit. How many units does it take at least, on one worker, on two, on a hundred?
#
# <details><summary>Answer</summary>
#
# On one worker the sum of all, 28. On a hundred the longest chain, load 0, clean 0, join, fit: 16. On two, no more
# than two tasks run at a time, so at least 28/2 = 14; but the chain still takes 16, and that is the larger.
#
# </details>
#
# ### Exercise 2.2 · The critical path
#
# The chain of tasks with the largest sum is the **critical path**. Write the lower bound of the time that any
# scheduler needs on `n_workers` workers of one thread each, from the critical path and from the sum of all
# durations. It, too, has to bear a chain of 5,000 tasks.
#
# Difficulty 2 of 5 · 10 minutes · needs the idea of 2.1 · 4 points · for `fit_graph`, with `units` as durations, it
# gives 28 on one worker, 16 on two, and 16 on a hundred


# %% exercise="2.2"
def least_time(graph: dict, durations: dict, n_workers: int) -> float:
    """Least seconds for all of `graph`; `durations` by key, also of other graphs; a key without duration takes none."""
    ### BEGIN SOLUTION
    finished, unfinished = {}, list(graph)
    while unfinished:
        key = unfinished[-1]
        missing = [needed for needed in inputs_of(graph, key) if needed not in finished]
        if missing:
            unfinished += missing
        else:
            before = max((finished[needed] for needed in inputs_of(graph, key)), default=0)
            finished[key] = before + durations.get(key, 0)
            unfinished.pop()
    return max(max(finished.values()), sum(durations.get(key, 0) for key in graph) / n_workers)
    ### END SOLUTION


# %% check="2.2"
check("2.2")

# %% [markdown]
# Now the real thing. The task stream shows what Dask makes of it:

# %%
with get_task_stream() as stream:
    start = time.perf_counter()
    client.get(fit_graph, "fit")
    fit_seconds = time.perf_counter() - start
axis = draw_task_stream(stream.data, "Ten tasks of known duration")
axis.axvline(16 * seconds_per_unit, color="black", linestyle="--")
plt.show()

# %% [markdown]
# *Figure: a row per worker. First the loads, then the cleans, of which one bar is much the longest; join and fit come
# at the end, on one worker while every other waits. Dashed: the length of the critical path.*

# %%
bound = least_time(fit_graph, durations, n_workers)
print(f"{fit_seconds / bound:.2f} times the least possible time on {n_workers} workers")

# %% [markdown]
# What is above 1 is overhead, or an order of tasks that was not the best: the scheduler does not know beforehand
# that cleaning block 0 is slow. (In other graphs the bound itself may be out of reach: it is no more than a bound.)
# However many workers you add, the time cannot fall below the critical path. The remedy is another graph: we cut the
# slow task in two.

# %%
halves = {("half", i): (work, durations["clean", 0] / 2, ("load", 0)) for i in range(2)}
cut_graph = fit_graph | halves | {("clean", 0): (list, [("half", 0), ("half", 1)])}
cut_durations = durations | {("half", i): durations["clean", 0] / 2 for i in range(2)} | {("clean", 0): 0}
for count in (2, 100):
    gain = least_time(fit_graph, durations, count) / least_time(cut_graph, cut_durations, count)
    print(f"on {count} workers the bound is {gain:.2f} times lower")

# %% [markdown]
# ## 3 Who does what
#
# ```text
#   this notebook                                      a worker's process
#  ┌───────────────────────┐      graphs, keys       ┌──────────────────────────────┐
#  │ client   builds graphs│ ───────────────┐        │ worker   runs tasks, in its  │
#  │          and asks for │                ▼        │          threads; keeps the  │
#  │          results      │          ┌───────────┐  │          results             │
#  └───────────────────────┘          │ scheduler │─▶│                              │
#             ▲                       │ knows who │  └──────────────────────────────┘
#             │ results               │ has what, │        ▲  data, worker to worker ▼
#             └───────────────────────│ and what  │  ┌──────────────────────────────┐
#                                     │ is next   │─▶│ worker                       │
#                                     └───────────┘  └──────────────────────────────┘
#                                                           ▲ starts it, watches its memory,
#                                                         nanny   starts it again
# ```
#
# - The **client** is your end: it sends graphs and asks for results.
# - The **scheduler** holds the graph, the state of every task, and who has which result. It runs
#   no task and keeps no result; those that the client asks for it passes on.
# - A **worker** is a process with one or more threads. It runs tasks, keeps their results, and fetches what it needs
#   from other workers directly.
# - A **nanny** is one worker's guardian. It starts the process, and starts it again when it dies.
#
# Each can be asked to run a function and say where it ran. We ask for the number of the process:

# %%
here = os.getpid()
workers = list(client.run(os.getpid).values())
roles = {
    "client": here,
    "scheduler": client.run_on_scheduler(os.getpid),
    "nanny of worker 0": next(iter(client.run(os.getpid, nanny=True).values())),
    **{f"worker {i}": process for i, process in enumerate(workers)},
}
table = pd.DataFrame({"runs in the notebook's process": {role: process == here for role, process in roles.items()}})
table["child of the notebook's process"] = [
    psutil.pid_exists(process) and psutil.Process(process).ppid() == here for process in roles.values()
]
table

# %% [markdown]
# On one machine, `start_cluster()` puts client, scheduler and nannies into the notebook's process, and gives each
# worker a process of its own. On a real cluster each worker and its nanny are on another machine, and the scheduler
# often is. The roles stay the same. (With `DASK_SCHEDULER_ADDRESS` set, you look at such a cluster, and the table
# differs.)
#
# A result is another thing to each of them. The worker has the value, the scheduler knows who has it and how large it
# is, the client holds a **future**, a claim on it.

# %%
future = client.submit(np.ones, 1_000_000, key="million")
wait(future)
known = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.tasks["million"].nbytes)
print(f"the future has {sizeof(future)} bytes here, its result {known:,} bytes, as the scheduler knows")
print(f"the result is on {len(client.who_has(future)['million'])} of {n_workers} workers")
del future

# %% [markdown]
# ## 4 The life of a task
#
# The scheduler keeps each task in one of a few **states**
# ([Dask's own account](https://distributed.dask.org/en/stable/scheduling-state.html)):
#
# ```text
#                     inputs are        a worker has        the worker has
#                     in memory         a thread free       the result
#  released ──▶ waiting ──▶ queued or ──▶ processing ──────▶ memory ──▶ released ──▶ forgotten
#     ▲                     no-worker          │                │       nobody       nobody can
#     │                                        ▼                │       needs it     ask for it
#     │                                      erred              │
#     └─────────────────────────────────────────────────────────┘
#                 a worker was lost, and its results with it: once more
# ```
#
# *Queued*: ready, and kept back until a worker has a thread free. *No-worker*: ready, but no worker that is there may
# run it. *Processing*: handed to a worker, which may have begun. *Erred*: it raised; or something that it needs did,
# and then it goes there without having been run.
#
# A chain of two tasks, and the scheduler's diary of them, which it calls **story**:

# %%
loaded = client.submit(work, 2 * seconds_per_unit, key="load")
trained = client.submit(work, 4 * seconds_per_unit, loaded, key="train")
wait(trained)
print(trained.status)


# %%
def story_of(key):
    """(state before, state after, seconds) of each change of state of a task, as the scheduler noted them."""
    story = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.story(key))
    return [(change.start, change.finish, change.timestamp) for change in story if change.key == key]


stories = {key: story_of(key) for key in ("load", "train")}
begin = stories["load"][0][-1]
pd.DataFrame(
    [(key, *states, round(1000 * (when - begin), 1)) for key, story in stories.items() for *states, when in story],
    columns=["task", "from", "to", "milliseconds"],
)

# %% [markdown]
# Load is handed out at once. Train waits until load is in memory, and is handed out in the same moment.
#
# ### Exercise 2.3 · How long in which state?
#
# Turn a story into durations: how many seconds was the task in each state? A task may be in a state several times, as
# it is when its worker was lost. Its last state lasts until `now`. "Forgotten" is no state: there the story ends.
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 3 points ·
# `seconds_in_states([("released", "waiting", 5.0), ("waiting", "processing", 5.5)], now=7.5)` gives
# `{"waiting": 0.5, "processing": 2.0}`


# %% exercise="2.3"
def seconds_in_states(story: list[tuple[str, str, float]], now: float) -> dict[str, float]:
    """Seconds in each state entered, from changes (state before, state after, time in seconds), the earliest first."""
    ### BEGIN SOLUTION
    ends = [when for _, _, when in story[1:]] + [now]
    seconds = {}
    for (_, state, when), end in zip(story, ends, strict=True):
        if state != "forgotten":
            seconds[state] = seconds.get(state, 0) + end - when
    return seconds
    ### END SOLUTION


# %% check="2.3"
check("2.3")

# %%
end = max(when for story in stories.values() for *_, when in story)
pd.DataFrame({key: seconds_in_states(story, end) for key, story in stories.items()}).round(3)

# %% [markdown]
# Processing holds the work and a few milliseconds more: to send the task, and to hear that it is done. Section 5
# measures them.
#
# ### Who forgets?
#
# The results stay in memory as long as somebody may ask for them: a future, or a task that needs them. We drop our
# two futures.

# %%
del loaded, trained
for _ in range(100):
    if not client.run_on_scheduler(lambda dask_scheduler: {"load", "train"} & dask_scheduler.tasks.keys()):
        break
    time.sleep(0.01)
print("\n".join(f"load: {start} → {finish}" for start, finish, _ in story_of("load")[-2:]))

# %% [markdown]
# Nobody called a function to free memory. It follows from what you hold, as everywhere in Python; and futures in a
# forgotten list keep gigabytes alive.
#
# A task that raises ends in another state, and takes with it what depends on it:

# %%
failed = client.submit(truediv, 1, 0, key="divide")
after = client.submit(work, seconds_per_unit, failed, key="after")
wait(after)
print({key: story_of(key)[-1][:2] for key in ("divide", "after")})
with show_error():
    after.result()

# %% [markdown]
# `after` was never run; it carries its ancestor's error. With more tasks than threads, most states can be seen at
# once. We submit sixteen tasks per worker and look once, while they run. (`pure=False`: without it Dask takes two calls
# of the same function on the same arguments for one task, and runs it once.)

# %%
many = client.map(work, [seconds_per_unit] * 16 * n_workers, key="many", pure=False)
wait(many[0])
client.run_on_scheduler(
    lambda dask_scheduler: dict(
        Counter(task.state for task in dask_scheduler.tasks.values() if "many" in str(task.key))
    )
)

# %%
wait(many)
del failed, after, many

# %% [markdown]
# Few are processing, the rest is queued: a worker gets little more than it has threads for. That is deliberate. A
# task that is not handed out yet can still go to whoever is free first, and its result fills no memory too early
# ([queuing](https://distributed.dask.org/en/stable/scheduling-policies.html)).
#
# ## 5 What a task costs
#
# Every change of state above was a message, an entry in a book, or both. How much is that per task? We run tasks that
# do nothing, so all their time is overhead. (`dask.delayed` writes a call down as a task of a graph; chapter 03 tells
# more.)
#
# **Predict first.** A plain call of an empty function takes less than a microsecond. How many times as long does it
# take as a task of Dask, in threads of this process, and on the cluster?


# %%
def nothing(number):
    """Returns what it got."""
    return number


def best_seconds(function, *arguments, repeats=3):
    """Least time of `function(*arguments)` over `repeats` runs: other programs can only add to it."""
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        runs.append(time.perf_counter() - start)
    return min(runs)


def empty_tasks():
    """Many tasks, and one that counts their results."""
    return dask.delayed(len)([dask.delayed(nothing, pure=False)(number) for number in range(n_empty_tasks)])


numbers = range(n_empty_tasks)
ways = {
    "plain calls": lambda: [nothing(number) for number in numbers],
    "threads": lambda: empty_tasks().compute(scheduler="threads"),
    "cluster, one graph": lambda: empty_tasks().compute(),
    "cluster, futures": lambda: client.gather(client.map(nothing, numbers, pure=False)),
}
overhead = pd.Series({name: best_seconds(run) / n_empty_tasks for name, run in ways.items()})

# %%
figure, axis = plt.subplots(figsize=(7, 2.4))
bars = axis.barh(overhead.index[::-1], 1e6 * overhead[::-1])
axis.bar_label(bars, [f" {value:,.0f} µs" if value > 10 else f" {value:.2g} µs" for value in 1e6 * overhead[::-1]])
axis.set(xscale="log", xlabel="microseconds per task (logarithmic)", title="An empty task, four ways")
axis.margins(x=0.2)
plt.show()

# %% [markdown]
# *Figure: four bars on a logarithmic axis. The plain call is the shortest by far, then come Dask's threads, then the
# two ways on the cluster.*
#
# <details><summary>Answer</summary>
#
# Threads take thousands of times as long as the plain call, the cluster tens of thousands: from some hundred
# microseconds to a few milliseconds per task, graph, messages and result included. Dask's documentation
# [says](https://distributed.dask.org/en/stable/limitations.html) "a few hundred microseconds" for the central
# scheduler alone, and advises tasks of more than 10 to 100 milliseconds.
#
# </details>
#
# Here Dask loses, by three to five orders of magnitude: a loop over small things stays a loop. The scheduler is one
# process and one thread, so a thousand workers together get their tasks no faster than two.
#
# ### Pieces: too few, too many
#
# A fixed amount of work, cut into more and more pieces, on all workers. Few pieces leave workers idle, many pieces
# are overhead.


# %%
def sum_of_squares(begin, end):
    """Sum of i² for begin <= i < end, in a Python loop."""
    total = 0
    for i in range(begin, end):
        total += i * i
    return total


def in_pieces(n_pieces):
    """The sum over the whole loop, cut into `n_pieces` tasks."""
    cuts = np.linspace(0, loop_length, n_pieces + 1).astype(int).tolist()
    return sum(client.gather(client.map(sum_of_squares, cuts[:-1], cuts[1:], pure=False)))


expected = sum_of_squares(0, loop_length)
assert all(in_pieces(n_pieces) == expected for n_pieces in (1, 7))

# %% [markdown]
# **Predict first.** Draw the time against the number of pieces, both axes logarithmic. Where is it lowest? (The next
# cell measures for some 15 seconds.)

# %%
one_piece = best_seconds(sum_of_squares, 0, loop_length, repeats=2)
times = [best_seconds(in_pieces, n_pieces, repeats=2) for n_pieces in piece_counts]
model = [one_piece / min(n, n_workers) + n * overhead["cluster, futures"] for n in piece_counts]

# %%
figure, axis = plt.subplots()
axis.plot(piece_counts, times, marker="o", label="measured")
axis.plot(piece_counts, model, "--", label="work / workers + pieces × overhead")
axis.axhline(one_piece, color="black", linestyle=":", label="a loop in this process, no Dask")
axis.set(xscale="log", yscale="log", xlabel="number of pieces", ylabel="seconds")
axis.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
axis.yaxis.set_major_formatter("{x:g}")
axis.yaxis.set_minor_formatter("")
axis.set_title("One loop, cut into more and more tasks")
axis.legend(loc="upper left")
plt.show()
fair = 2 / 3 < times[0] / one_piece < 1.5
print(f"The same loop in one task took {times[0] / one_piece:.2f} times as long as without Dask:")
print("about the same, as it should be." if fair else "other programs, or too short a loop, disturb these figures.")

# %% [markdown]
# *Figure: time against pieces, measured, and as a dashed line what two numbers predict; dotted, a loop without Dask.*
#
# <details><summary>Answer</summary>
#
# On cores that are free it falls from one piece to as many as there are workers, has its valley there, and rises
# where pieces are many and short.
#
# </details>
#
# Two numbers explain it: the work divided by the workers, and the pieces times the overhead. A few pieces per worker
# are enough, and more gain nothing. So the rule is not "as small as possible", it is "long enough that overhead does
# not count". If the work comes in items that are too small, put many into one task.
#
# ### Exercise 2.4 · Batches
#
# Write `map` for small items: the results of `function(item)`, in the order of the items, with `batch_size` items in
# one task. The function is called for every item, also where two items are equal.
#
# Difficulty 2 of 5 · 15 minutes · needs nothing · 4 points ·
# `map_in_batches(client, abs, [-1, 2, -3], 2)` gives `[1, 2, 3]` in two tasks


# %% exercise="2.4"
def map_in_batches(client, function, items: list, batch_size: int) -> list:
    """`[function(item) for item in items]`, computed on the workers, `batch_size` items per task, fetched once."""

    ### BEGIN SOLUTION
    def run_batch(batch):
        return [function(item) for item in batch]

    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    results = client.gather(client.map(run_batch, batches, pure=False))
    return [result for batch in results for result in batch]
    ### END SOLUTION


# %% check="2.4"
check("2.4")

# %%
items = list(numbers)
batched = best_seconds(map_in_batches, client, nothing, items, len(items) // n_workers)
one_by_one = best_seconds(ways["cluster, futures"])
print(f"one item per task takes {one_by_one / batched:.0f} times as long as one batch per worker")

# %% [markdown]
# The same workers, the same function. What is gone is management.
#
# ## 6 Threads or processes? The GIL
#
# A worker is a process with threads. How many of each? Python's **global interpreter lock**, the GIL, lets one thread
# of a process run Python code at a time. Code in C may let go of the lock while it computes; NumPy does in most of
# its operations, a Python loop cannot.
#
# To see it we need workers of both kinds. One more worker joins the cluster, with two threads; it is started by a
# nanny of its own. (How it is started is plumbing; nothing later needs it.)


# %%
def join_worker(**options):
    """A further worker in the cluster, started and watched by the nanny that is returned."""

    async def start():
        return await Nanny(client.scheduler.address, host="127.0.0.1", silence_logs=logging.CRITICAL, **options)

    return client.sync(start)


single = list(client.nthreads())[:2]
pair = join_worker(nthreads=2, name="two threads", memory_limit="600 MB")
print(sorted(client.nthreads().values()), "threads")


# %% [markdown]
# Two tasks: how many steps does a number take to 1, if even numbers are halved and odd ones become $3n + 1$ (pure
# Python)? And products of matrices (NumPy).


# %%
def longest_path(largest_start):
    """Steps of the longest path to 1 from a start below `largest_start`."""
    longest = 0
    for number in range(1, largest_start):
        steps = 0
        while number > 1:
            number = number // 2 if number % 2 == 0 else 3 * number + 1
            steps += 1
        longest = max(longest, steps)
    return longest


def multiply_matrices(n_products):
    """`n_products` products of two matrices of shape (400, 400), all into the same memory."""
    matrix, product = np.full((400, 400), 1 / 400), np.empty((400, 400))
    for _ in range(n_products):
        np.matmul(matrix, matrix, out=product)
    return product[0, 0]


# %% [markdown]
# Each runs alone, then twice at the same time: once on two workers of one thread, once on the worker of two threads.
#
# **Predict first.** Two at a time instead of one after the other: how many times as fast, in each of the four cases?


# %%
def together(function, size, places):
    """Seconds of one task per entry of `places`, all at the same time, and the records of their task stream."""
    with get_task_stream() as stream:
        start = time.perf_counter()
        wait([client.submit(function, size, workers=place, pure=False) for place in places])
        seconds = time.perf_counter() - start
    return seconds, stream.data


both_ways = {"one thread alone": single[:1], "two processes": single, "two threads": [pair.worker_address] * 2}
tasks = {"Python loop": (longest_path, largest_start), "NumPy products": (multiply_matrices, n_products)}
for function, _ in tasks.values():
    together(function, 2, [*single, pair.worker_address, pair.worker_address])

# %% [markdown]
# Eight rounds of all six, one after the other, so that what else the machine does meets all alike; the fastest of
# each counts. (Some 15 seconds.)

# %%
fastest = {}
for _ in range(8):
    for name, task in tasks.items():
        for way, places in both_ways.items():
            run = together(*task, places)
            fastest[name, way] = min(run, fastest.get((name, way), run), key=lambda run: run[0])
lasted = pd.DataFrame({name: {way: fastest[name, way][0] for way in both_ways} for name in tasks})
speed_up = (2 * lasted.loc["one thread alone"] / lasted).drop("one thread alone")
least = speed_up.loc["two processes"].min()
busy = "other programs keep the cores busy: do not trust these figures"
trust = "the cores were free enough" if least >= 1.5 else busy
print(f"two processes gain at least {least:.2f}: {trust}")

# %%
axis = speed_up.T.plot.bar(rot=0, figsize=(7, 3), width=0.6)
for group in axis.containers:
    axis.bar_label(group, fmt="%.2f", label_type="center", color="white")
axis.axhline(1, color="black", linewidth=0.8)
axis.set(ylabel="speed-up over one after the other", title="Two tasks at a time: processes against threads")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: two groups of two bars, the Python loop and the NumPy products, each on two processes and on two threads.*
#
# <details><summary>Answer</summary>
#
# With two cores free: near 2, but for the Python loop on two threads, which gains nothing. Its threads take turns;
# the taking of turns itself can make it slower than 1. Processes share no lock, so two of them should gain nearly 2:
# where they gain less than 1.5, as the cell above tells, close what else runs, and run the rounds again.
#
# </details>
#
# In the task stream, the fastest runs of the Python loop:

# %%
figure, axes = plt.subplots(2, 1, figsize=(7, 3.6), sharex=True)
for axis, way in zip(axes, ("two processes", "two threads"), strict=True):
    draw_task_stream(fastest["Python loop", way][1], f"Python loop on {way}", ax=axis)
axes[0].set_xlabel("")
plt.show()

# %% [markdown]
# *Figure: above, two bars on two workers; below, two bars on two threads of one worker, with two cores free about
# twice as long.*
#
# On two threads both seem busy all the time. A task stream cannot tell computing from waiting for the lock. What
# betrays the GIL is that the same task takes longer beside another one.
#
# ### Exercise 2.5 · How much of it holds the lock?
#
# Most real tasks are a mixture. Suppose a task holds the GIL for a share $g$ of its time, when it runs alone. While
# $n$ of them run on $n$ threads, the parts under the lock queue up, the others overlap, so that all of them together
# last about $T_n = T_1\,(n g + 1 - g)$. Give $g$ from the two times: 1 if nothing overlaps, 0 if nothing waits.
# Measurements are noisy, a share is not: keep it between 0 and 1.
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 2 points · for 3 s alone, 4.5 s on two threads it gives 0.5


# %% exercise="2.5"
def share_under_lock(alone: float, together: float, n_threads: int) -> float:
    """Share (0 to 1) of a task's time under the GIL, from seconds `alone` and of `n_threads` of them `together`."""
    ### BEGIN SOLUTION
    share = (together / alone - 1) / (n_threads - 1)
    return min(1.0, max(0.0, share))
    ### END SOLUTION


# %% check="2.5"
check("2.5")

# %%
for name, column in lasted.items():
    share = share_under_lock(column["one thread alone"], column["two threads"], 2)
    print(f"{name:15} seems to hold the lock for {share:.0%} of its time")
print(trust)

# %% [markdown]
# (Where cores are busy with other things the share comes out wrong, mostly too large: waiting for a core looks like
# waiting for the lock.)
#
# So `n_workers` and `threads_per_worker` are a choice. NumPy, pandas and scikit-learn on numbers: a few threads per
# worker, who then share memory. Python objects, text, loops: one thread per worker, and data must travel between
# processes. `start_cluster()` takes one thread per worker, the choice that no code can spoil. A Python without the
# GIL exists since 3.13, as a build of its own
# ([free threading](https://docs.python.org/3/howto/free-threading-python.html), read in November 2026); where it is
# used, and the libraries with it, this section will need new figures.

# %%
closed = client.sync(pair.close)

# %% [markdown]
# ## 7 A worker runs out of memory
#
# Each worker has a memory limit, and four thresholds
# ([worker memory](https://distributed.dask.org/en/stable/worker-memory.html)):
#
# | share of the limit | of what | then the worker |
# | --- | --- | --- |
# | 60 % (target) | results that it keeps: **managed** memory | moves the least recently used to disk |
# | 70 % (spill) | all of its process's memory | moves results to disk, until below 60 % |
# | 80 % (pause) | all of its process's memory | starts no further task |
# | 95 % (terminate) | all of its process's memory | is killed by its nanny, and started again |
#
# They are settings, and these are their defaults:

# %% tags=["nbval-check-output"]
thresholds = {
    name: dask.config.get(f"distributed.worker.memory.{name}") for name in ("target", "spill", "pause", "terminate")
}
thresholds

# %% [markdown]
# We watch them on a worker with a small limit, which spills into a folder of ours. It has a **resource** that we call
# "small": tasks that ask for it run there and nowhere else, also after the worker was started again under another
# address.

# %%
limit = 1_000_000 * limit_megabytes
block_bytes = limit // 40
folder = tempfile.TemporaryDirectory()
small = join_worker(nthreads=1, name="small", memory_limit=limit, local_directory=folder.name, resources={"small": 1})


def look(dask_worker):
    """Megabytes of the process, of results in memory and of results on disk; number of results in memory; status."""
    data = dask_worker.data
    managed = sum(map(sizeof, data.memory.values()))
    process = psutil.Process().memory_info().rss
    return process / 1e6, managed / 1e6, data.spilled_total.disk / 1e6, len(data.memory), dask_worker.status.name


def look_at_small():
    """What `look` says of the small worker, now."""
    return client.run(look, workers=[small.worker_address])[small.worker_address]


idle_megabytes = look_at_small()[0]
print(f"{idle_megabytes:.0f} of {limit_megabytes} MB before the first task: the interpreter and its libraries")

# %% [markdown]
# ### Exercise 2.6 · When does it begin to spill?
#
# The worker will be given blocks to keep, each a fortieth of its limit. How many can it keep before the first must go
# to disk? It goes when the blocks cross 60 %, or when the whole process crosses 70 %: blocks and **unmanaged** memory,
# which is all that is no result of a task, such as the interpreter. A line that is reached is not yet crossed.
#
# Difficulty 2 of 5 · 5 minutes · needs the table above · 3 points · for a limit of 1000 MB and blocks of 20 MB it
# gives 30 with 50 MB unmanaged, and 25 with 200 MB


# %% exercise="2.6"
def blocks_in_memory(limit: float, unmanaged: float, block: float) -> int:
    """Most blocks of `block` bytes that a worker keeps in memory, with `unmanaged` bytes besides, and none on disk."""
    ### BEGIN SOLUTION
    room = min(0.6 * limit, 0.7 * limit - unmanaged)
    return max(0, int(room // block))
    ### END SOLUTION


# %% check="2.6"
check("2.6")

# %%
print(f"{blocks_in_memory(limit, 1e6 * idle_megabytes, block_bytes)} blocks of {block_bytes / 1e6:.0f} MB should fit")


# %% [markdown]
# Now fill it. Three acts: it is given forty blocks to keep; then tasks leave objects behind of which Dask knows
# nothing, in a global list, the way a careless cache does; then that list is emptied. We look at it all the time,
# and so can you: this pane of the dashboard shows the memory of each worker while the cells below run (it is empty
# in an edition that is only read). Managed memory is dark, unmanaged light, spilled grey.

# %%
IFrame(client.dashboard_link.replace("/status", "/individual-workers-memory"), width="100%", height=240)


# %% [markdown]
# The functions of the three acts:


# %%
def random_block(number, size=block_bytes):
    """A block of `size` bytes."""
    return np.random.default_rng(number).normal(size=size // 8)


def careless(number):
    """Keeps a block in a list that lives as long as the process (hung on a module), and returns something small."""
    np.left_behind = [*getattr(np, "left_behind", []), random_block(number, block_bytes // 2)]
    return number


def tidy_up():
    """Empties that list."""
    np.left_behind = []


# %%
diary = []


def watch(futures, act, patience=30):
    """Notes how the small worker is until all `futures` are done, or it stays paused, or `patience` seconds passed."""
    before, start = (diary[-1][0] if diary else 0), time.perf_counter()  # the reader's pauses do not count
    while (watched := time.perf_counter() - start) < patience and not all(future.done() for future in futures):
        diary.append((before + watched, act, *look_at_small()))
        if [status for _, about, *_, status in diary if about == act][-25:] == ["paused"] * 25:
            break
        time.sleep(0.02)


def on_small(function, count):
    """`count` tasks for the small worker."""
    return client.map(function, range(count), resources={"small": 1}, pure=False)


kept = on_small(random_block, 40)
watch(kept, "results pile up")

# %%
small_results = on_small(careless, 80)
watch(small_results, "objects left behind")
print(f"status: {look_at_small()[-1]}; {sum(future.done() for future in small_results)} of 80 tasks are done")

# %% [markdown]
# A paused worker starts no task, but it answers, and finishes what it had begun. So it can be told to tidy up:

# %%
client.run(tidy_up, workers=[small.worker_address])
watch(small_results, "tidied up", patience=10)
print(f"status: {look_at_small()[-1]}; {sum(future.done() for future in small_results)} of 80 tasks are done")

# %%
for future in small_results:
    future.cancel()
columns = ["seconds", "act", "process", "managed", "on disk", "blocks in memory", "status"]
watched = pd.DataFrame(diary, columns=columns)
watched.groupby("act", sort=False)[["process", "managed", "on disk"]].max().round()

# %%
figure, axis = plt.subplots(figsize=(7.5, 4))
for name, style in (("process", "-"), ("managed", "--"), ("on disk", ":")):
    axis.plot(watched["seconds"], 100 * watched[name] * 1e6 / limit, style, label=name)
for name, share in thresholds.items():
    axis.axhline(100 * share, color="black", linewidth=0.8)
    axis.text(1.01, 100 * share, f"{share:.0%} {name}", va="center", transform=axis.get_yaxis_transform())
paused = watched["status"] == "paused"
axis.fill_between(watched["seconds"], 0, 105, where=paused, alpha=0.2, color="grey", linewidth=0, label="paused")
for act, rows in watched.groupby("act", sort=False):
    axis.axvline(rows["seconds"].iloc[0], color="grey", linewidth=0.8, linestyle=":")
    axis.text(rows["seconds"].iloc[0], 108, act, fontsize=8, rotation=15)
axis.set(xlabel="seconds watched", ylabel="share of the memory limit (%)", ylim=(0, 105), xlim=(0, None))
axis.set_title("A worker fills up, and is emptied", pad=42)
axis.legend(loc="upper left", bbox_to_anchor=(1.26, 1))
plt.show()

# %% [markdown]
# *Figure: memory of the process, managed memory and bytes on disk against time, with the four thresholds, which do not
# concern what is on disk; dotted lines between the acts. Managed memory climbs to 60 % and not beyond, and the bytes on
# disk begin to climb; it falls back whenever the process crosses 70 %. When objects are left behind, managed memory falls to
# nothing, the process climbs beyond 80 %, and a grey band says paused. After tidying up, the process falls, and the
# tasks that had waited run.*

# %%
first = watched[watched["on disk"] > 0].index[0]
print(f"{watched['blocks in memory'][:first].max()} blocks were in memory before the first went to disk")
files = [os.path.join(place, name) for place, _, names in os.walk(folder.name) for name in names]
print(f"{sum(map(os.path.getsize, files)) / 1e6:.0f} MB in {len(files)} files in its folder now")

# %% [markdown]
# In the first act everything works as it should: what is kept stays below the lines, the rest goes to disk, and comes
# back when it is needed. It is slow, and it is correct. (Your number of blocks may miss the prediction by a few: we
# look only every so often, and a block in the making counts as unmanaged.)
#
# In the second act Dask is helpless. It moves all that it manages to disk, and still the process grows, as what fills
# it is no result of a task. At 80 % it pauses, in the hope that somebody lets go. Unmanaged memory may be a leak, as
# here; libraries; or memory that Python freed and the system has not taken back yet.

# %%
del kept, small_results, future

# %% [markdown]
# ### The nanny steps in
#
# A pause stops the next task, not one that runs. The last act: one task that takes more and more. The nanny looks
# ten times a second.
#
# **Predict first.** The nanny kills the worker at 95 %. What becomes of the task?
#
# Such an end makes noise: nanny and scheduler log warnings. We collect them instead of showing them, and look at the
# first. (How they are collected is plumbing.)


# %%
@contextlib.contextmanager
def collected_logs():
    """Keeps what `distributed` logs in this process off the screen; gives it as a list of lines."""
    logger, lines = logging.getLogger("distributed"), []
    shown, collector = list(logger.handlers), logging.Handler()
    collector.emit = lambda record: lines.append(f"{record.name}: {record.getMessage()}")
    logger.handlers = [collector]
    try:
        yield lines
    finally:
        logger.handlers = shown


def greedy(block_count):
    """Takes a block more, and another one, and lets go of none."""
    random = np.random.default_rng(2)
    return len([random.random(block_bytes // 8) for _ in range(block_count)])


# %%
with collected_logs() as lines:
    doomed = client.submit(greedy, 80, resources={"small": 1}, pure=False)
    wait(doomed, timeout=60)
kills = [re.sub(r"pid=\d+", "pid=…", line) for line in lines if "memory budget" in line]
print(f"{len(kills)} times; the first: {kills[0]}")

# %%
with show_error():
    doomed.result()

# %% [markdown]
# <details><summary>Answer</summary>
#
# It is run again, and when it has cost four workers their lives, it ends in an error.
#
# </details>
#
# The scheduler cannot know whether the task killed the worker or only happened to be there. So it tries again, and
# gives up when as many workers have died as the setting `allowed-failures` permits, and one more: `KilledWorker`. (It
# would try elsewhere, but only one worker has the resource. Each start of it counts as a different worker.) Whoever reads that name looks at memory first
# ([why did my worker die?](https://distributed.dask.org/en/stable/killed.html)). A task that needs more than a worker
# has must become several tasks, or get a larger worker.
#
# What survives such a death? All that can be computed again: the scheduler still has the graph. What does not:
# whatever was left behind in a process.

# %%
closed = client.sync(small.close)
folder.cleanup()
print(f"{len(client.nthreads())} workers are left, as at the start: {len(client.nthreads()) == n_workers}")

# %% [markdown]
# ## 8 Strengths, limits, and when not to use it
#
# First a number of your machine. One scheduler serves all: $n$ workers ask for $n$ tasks in the time $t$ that one task
# takes, and each costs $c$ seconds. Where $t$ is shorter than $n\,c$, workers wait for the scheduler. (Our $c$ holds the
# client's work and the way of the result too, so this is on the safe side.)

# %%
cost = overhead["cluster, futures"]
for count in (n_workers, 100):
    print(f"{count} workers wait for the scheduler where tasks are shorter than {1000 * count * cost:.0f} ms")

# %% [markdown]
# **Strengths**: any graph runs, here and on a cluster alike (section 2). Data stays where it was made, and goes from
# worker to worker (3). What nobody needs is forgotten, what does not fit goes to disk (4, 7). A worker that dies is
# started again, its tasks run once more (7). Threads and processes in one system, and Python on both sides (6).
#
# | limit | seen in | what helps |
# | --- | --- | --- |
# | each task costs some hundred microseconds to a few milliseconds, on one scheduler for all | section 5 | fewer, longer tasks |
# | no speed beyond the critical path, and none within a task | section 2 | another graph |
# | Python code on threads takes turns | section 6 | one thread per worker |
# | memory that is no task's result is out of its control | section 7 | smaller blocks, nothing global |
# | a task may run more than once, and the scheduler guesses durations | sections 2 and 7 | functions without side effects |
# | whoever reaches the scheduler runs code on your machines ([limitations](https://distributed.dask.org/en/stable/limitations.html)) | section 3: `client.run` | trusted networks, TLS |
#
# **When not to use it**
#
# | your case | rather |
# | --- | --- |
# | the data fits into memory and the answer comes within seconds | NumPy, pandas, Polars, scikit-learn as they are: the dotted line of section 5 |
# | thousands of steps, each short and each waiting for the last | one process; or fewer, larger steps (chapter 05) |
# | items of microseconds | a vectorised call, Numba, or batches (exercise 2.4) |
# | a Python loop is slow on one core | a better algorithm first: a hundredfold gain is rare by adding cores |
# | everything is a query on tables | a database |
# | an answer within milliseconds, for many users | a web service, with a model loaded in it |
#
# The project's first anniversary post
# [has a section](https://blog.dask.org/2015/12/21/dask-year) called "Avoid parallelism". The loop of section 5 shows
# why: it adds squares one by one.
#
# **Predict first.** All workers together on the best number of pieces, or one line of NumPy on one core: which is
# faster?

# %%
vectorised = best_seconds(lambda: (np.arange(loop_length, dtype=np.int64) ** 2).sum())
print(f"the cluster at its best takes {min(times) / vectorised:.0f} times as long as one line of NumPy")

# %% [markdown]
# <details><summary>Answer</summary>
#
# NumPy, by far: it runs the same loop in C. And for a sum of squares there is a formula, which needs no loop at all.
#
# </details>

# %%
client.close()
progress()

# %% [markdown]
# ## Summary
#
# - A task graph is a dictionary. A scheduler runs each task after its inputs, once; the critical path and the sum of
#   all work bound the time from below.
# - The client claims, the scheduler knows, workers compute and keep, nannies watch. Tasks go from released over
#   waiting and processing to memory, and are forgotten when nobody holds a future.
# - A task costs from some hundred microseconds to a few milliseconds. Pieces should be a few per worker, and long.
# - Python code needs processes, NumPy is content with threads.
# - A worker spills at 60 and 70 %, pauses at 80 %, is killed at 95 % of its limit. It controls results of tasks and
#   nothing else.
#
# **Explain aloud**
#
# 1. Why can twice as many workers leave the time of a graph unchanged? Give two reasons.
# 2. A worker is paused, and its results are all on disk. Where is its memory, and what can you do?
# 3. The task stream shows all threads busy, and yet two threads are no faster than one. How do you find out why?
#
# **An open problem.** The scheduler of a large cluster is one Python process. What would have to be agreed upon, and
# how often, if there were two? (Frameworks such as Ray decide on each node instead; what do they give up?)
#
# **Next**: 03 · The core API, in which Dask writes the graphs, and you predict them.
