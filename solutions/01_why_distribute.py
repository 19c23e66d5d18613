# %% [markdown]
# # 01 · Why distribute machine learning
#
# **After this chapter you can**
#
# - say what distributed machine learning is, what it gains, what it costs and where it is used;
# - predict from a few measurements how far more workers will help, and what a message costs;
# - recognise stragglers, lost workers, stale updates and skew on your own cores, and name a remedy for each.
#
# **Time** about 90 minutes, of which two are computing. **Needs** chapter 00, NumPy, least squares, gradients.
# **Data** California housing, New York taxi trips, docstrings of NumPy; generated rows where only work is measured.

# %% tags=["parameters"]
n_rows = 10_000  # districts of California housing; tiny: 2_000; full: 20_640
degree = 3  # of the polynomial features; tiny: 2
n_resamples = 64  # models fitted per worker count; tiny: 16; full: 512
largest_message = 50_000_000  # bytes; tiny: 5_000_000
text_length = 600  # characters compared; tiny: 200; full: 1_500
skewed_rows = 3_000_000  # generated rows of the skewed table; tiny: 200_000; full: 30_000_000
n_rounds = 30  # gradients from each worker; tiny: 15

# %%
import itertools
import logging
import math
import os
import signal
import threading
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from dask.distributed import as_completed, get_task_stream, get_worker, wait
from matplotlib.colors import ListedColormap
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from helpers.cluster import start_cluster
from helpers.data import load_housing, load_taxi
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution
from helpers.plots import draw_task_stream, pipeline

plt.style.use("helpers.figures")
pipeline("framework")

# %% [markdown]
# The cluster of this notebook, and the names of its workers. Keep the dashboard's task stream beside this page. Dask's
# active memory manager (`amm`) looks for surplus copies of data every two seconds and drops them. We stop it until the
# end: here we decide how many copies there are.

# %%
client = start_cluster()
client.amm.stop()
workers = list(client.nthreads())
n_workers = len(workers)
client

# %% [markdown]
# ## 1 What it is, and where it is used
#
# Machine learning is **distributed** when several computers, or several processes that share no memory, make one
# model together and send each other messages for it. ([Verbraeken et al. 2020](https://doi.org/10.1145/3377454) survey the
# field.) Three reasons bring people to it:
#
# - **The data is too large** for one machine's memory, or for its disk.
# - **The computation takes too long**, and parts of it do not depend on each other.
# - **The data is spread already**: over data centres, hospitals, telephones. It may be too large to move, or not be
#   allowed to.
#
# All three were met in well-known systems (papers looked up in November 2026):
#
# | application | what is distributed | source |
# | --- | --- | --- |
# | building Google's web index | records, by *map* and *reduce* | [Dean, Ghemawat 2004](https://research.google/pubs/mapreduce-simplified-data-processing-on-large-clusters/) |
# | film recommendations, Netflix Prize | blocks of users, blocks of films | [Zhou et al. 2008](https://doi.org/10.1007/978-3-540-68880-8_32) |
# | sparse logistic regression and topic models on petabytes | rows, and the parameters too | [Li et al. 2014](https://www.usenix.org/conference/osdi14/technical-sessions/presentation/li_mu) |
# | image classification: ImageNet in one hour on 256 GPUs | images of a mini-batch | [Goyal et al. 2017](https://arxiv.org/abs/1706.02677) |
# | next-word prediction on telephone keyboards | data that never leaves its telephone | [Hard et al. 2018](https://arxiv.org/abs/1811.03604) |
# | language models of 8.3 billion parameters on 512 GPUs | the weights of each layer, and the texts | [Shoeybi et al. 2019](https://arxiv.org/abs/1909.08053) |
#
# What one process gets for free must now be arranged: work must be divided, messages cost time, some worker is
# always the slowest, some worker dies, two workers see two versions of the truth, and the pieces are not equally
# large. The rest of this chapter meets each of these, measures it on your cores and tries a remedy.

# %% [markdown]
# ## 2 Two ways to cut a model
#
# A layer of a neural network, a linear model, a recommender: at the core of each stands a product $XW$, with $X$ of
# shape (rows, inputs) and $W$ of shape (inputs, outputs). Four rows, two inputs, two outputs:

# %% tags=["nbval-check-output"]
X_small = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
W_small = np.array([[1, 0], [2, 1]])
X_small @ W_small

# %% [markdown]
# **Data-parallel**: each of two workers takes half of the rows of $X$ and all of $W$. **Model-parallel**: each takes
# all of $X$ and half of the columns of $W$.

# %% tags=["nbval-check-output"]
by_rows = np.vstack([X_small[:2] @ W_small, X_small[2:] @ W_small])
by_columns = np.hstack([X_small @ W_small[:, :1], X_small @ W_small[:, 1:]])
np.array_equal(by_rows, X_small @ W_small), np.array_equal(by_columns, X_small @ W_small)

# %%
down, across, whole = [[0], [1]], [[0, 1]], [[2]]  # 0 is worker 1, 1 is worker 2, 2 is both
cuts = {"data-parallel": (down, whole, down), "model-parallel": (whole, across, across)}
figure, axes = plt.subplots(2, 3, figsize=(3.6, 4.2), sharex=True, sharey=True)
for row, (title, owners) in zip(axes, cuts.items(), strict=True):
    for axis, name, owner, height in zip(row, ["X", "W", "XW"], owners, [4, 2, 4], strict=True):
        axis.imshow(owner, cmap=ListedColormap(["C0", "C1", "white"]), vmin=0, vmax=2, extent=(0, 2, 0, height))
        axis.add_patch(plt.Rectangle((0, 0), 2, height, fill=False, clip_on=False))
        axis.text(1, height / 2, name, ha="center", va="center", bbox={"fc": "white", "boxstyle": "round"})
        axis.axis("off")
    row[1].set(title=title, xlim=(0, 2), ylim=(0, 4))
plt.show()

# %% [markdown]
# *Figure: above, X and XW are cut into an upper half (worker 1, blue) and a lower half (worker 2, orange), and W is
# whole. Below, W and XW are cut into a left and a right half, and X is whole. White is what both workers need.*
#
# Colour stays where it is, white must be sent to every worker. So data-parallel work sends $W$ around, and
# model-parallel work sends $X$. On the cluster, `client.scatter` puts an object into the memory of the worker that
# `workers=` names, or with `broadcast=True` a copy into that of each. It returns a future, which stands for the object
# when a task is submitted. `client.nbytes` says how many bytes each object takes.
#
# **Predict first.** 20,000 rows, 100 inputs, 10 outputs: which cut moves fewer bytes to two workers? And 100 rows,
# 500 inputs, 2,000 outputs?


# %%
def product_in_parts(pieces, whole, multiply):
    """One part of the product from each worker, and the megabytes that were sent to all and fetched from all."""
    stays = [client.scatter(piece, workers=[worker]) for piece, worker in zip(pieces, workers, strict=True)]
    sent = client.scatter(whole, broadcast=True)
    parts = [client.submit(multiply, piece, sent, workers=[w]) for piece, w in zip(stays, workers, strict=True)]
    results = client.gather(parts)
    held = client.nbytes(summary=False)  # bytes of every object on the cluster, as Dask counts them
    return results, n_workers * held[sent.key] / 1e6, sum(held[part.key] for part in parts) / 1e6


random = np.random.default_rng(1)
for rows, inputs, outputs in [(20_000, 100, 10), (100, 500, 2_000)]:
    X, W = random.normal(size=(rows, inputs)), random.normal(size=(inputs, outputs))
    print(f"X {X.shape}, W {W.shape}")
    parts, sent, fetched = product_in_parts(np.array_split(X, n_workers), W, lambda piece, whole: piece @ whole)
    print(
        f"  data-parallel:  {sent:7.3f} MB sent, {fetched:.3f} MB fetched, equal: {np.allclose(np.vstack(parts), X @ W)}"
    )
    parts, sent, fetched = product_in_parts(np.array_split(W, n_workers, axis=1), X, lambda piece, whole: whole @ piece)
    print(
        f"  model-parallel: {sent:7.3f} MB sent, {fetched:.3f} MB fetched, equal: {np.allclose(np.hstack(parts), X @ W)}"
    )

# %% [markdown]
# <details><summary>Answer</summary>
#
# With many rows and a small model, the data-parallel cut moves thousands of times less. With few rows and a large
# model it is the other way round, by the ratio of the sizes of $X$ and $W$.
#
# </details>
#
# The product has the same size either way. In training a gradient comes back in its place, as large as $W$ where $W$
# was sent, as large as $X$ where $X$ was. Keep the large thing where it lies, and move the small one. Most of this course is data-parallel;
# chapter 07 returns to models that do not fit into one machine.

# %% [markdown]
# ## 3 More workers, less time?
#
# How well does a model predict house values in California, and how sure are we of that number? The **bootstrap** answers:
# draw as many districts as there are, with repetition, fit, and measure the error on those that were not drawn. Do that
# many times and look at the spread. The table gets all products of its columns up to the given degree, outliers clipped
# (chapter 05 says why).

# %%
housing = load_housing()
clipped = np.clip(housing.X, *np.quantile(housing.X, [0.01, 0.99], axis=0))
order = np.random.default_rng(1).permutation(len(housing.y))[:n_rows]
X_houses = PolynomialFeatures(degree).fit_transform(StandardScaler().fit_transform(clipped[order]))
y_houses = housing.y[order]
print(f"{X_houses.shape[0]} districts, {X_houses.shape[1]} columns, {X_houses.nbytes / 1e6:.0f} MB")


# %% [markdown]
# Two functions. The first takes as penalty a millionth of the largest eigenvalue of $X^TX$, found by power iteration.
# Each step needs the one before, and every resample needs the result: this is the **serial part**. The second function
# fits resamples, which any number of workers can share.


# %%
def choose_penalty(X):
    """A millionth of the largest eigenvalue of XᵀX, by 500 steps of power iteration; X (rows, columns)."""
    X, direction = np.require(X, requirements="A"), np.ones(X.shape[1])  # A: aligned
    for _ in range(500):
        image = X.T @ (X @ direction)
        direction = image / np.linalg.norm(image)
    return 1e-6 * np.linalg.norm(image)


def bootstrap(X, y, penalty, seeds):
    """Root mean squared error on the rows left out, for the resample that each seed draws."""
    errors = []
    for seed in seeds:
        drawn = np.random.default_rng(seed).integers(len(X), size=len(X))
        gram, moment = penalty * np.eye(X.shape[1]), np.zeros(X.shape[1])
        for some in np.array_split(drawn, 1 + len(X) // 1_000):  # small pieces stay in the processor's cache
            gram += X[some].T @ X[some]
            moment += X[some].T @ y[some]
        left_out = np.bincount(drawn, minlength=len(X)) == 0
        theta = np.linalg.solve(gram, moment)
        errors.append(np.sqrt(((X[left_out] @ theta - y[left_out]) ** 2).mean()))
    return errors


# %% [markdown]
# First here, in one process; then on the cluster, where each worker gets the table once and a task fits one resample.


# %%
def bootstrap_here(X, y, resamples):
    """All errors, in this process: first the serial part, then `resamples` fits."""
    return bootstrap(X, y, choose_penalty(X), range(resamples))


def bootstrap_on(some_workers, X, y, resamples):
    """The same on the cluster, where `X` and `y` lie: the fits are dealt out to `some_workers` in turn."""
    penalty = client.submit(choose_penalty, X, workers=some_workers, pure=False).result()
    fits = [
        client.submit(bootstrap, X, y, penalty, [seed], workers=[worker], pure=False)
        for worker, seed in zip(itertools.cycle(some_workers), range(resamples), strict=False)
    ]
    return np.concatenate(client.gather(fits))


X_there, y_there = client.scatter([X_houses, y_houses], broadcast=True)
errors = bootstrap_on(workers, X_there, y_there, 8)
print("equal to one process:", np.allclose(errors, bootstrap_here(X_houses, y_houses, 8)))
print(f"error {np.mean(errors):.2f}, spread {np.std(errors):.3f} (100,000 dollars)")

# %% [markdown]
# (`np.require` copies the table once where it arrived askew in memory: NumPy would otherwise copy it in each step.
# `pure=False` asks for the work to be done although it may have been done before. Section 5 meets the reason
# again.) Now with one worker, with two, and so on. The task stream tells how long each fit took inside its worker: the
# same work everywhere, so it should be the same in all rows.


# %%
def task_seconds(stream, name):
    """How long each task `name` of a recorded task stream computed, in seconds."""
    spans = [span for record in stream.data if name in record["key"] for span in record["startstops"]]
    return np.array([span["stop"] - span["start"] for span in spans if span["action"] == "compute"])


def seconds_of(function, *arguments):
    """Time of one call of `function(*arguments)`."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measured_run(p, resamples):
    """Workers, resamples, seconds of `bootstrap_on`, and the mean milliseconds of a fit in it."""
    with get_task_stream() as stream:
        took = seconds_of(bootstrap_on, workers[:p], X_there, y_there, resamples)
    return p, resamples, took, 1e3 * task_seconds(stream, "bootstrap").mean()


# %%
columns = ["workers", "resamples", "seconds", "ms per fit"]
counts = sorted({2**k for k in range(7) if 2**k <= n_workers} | {n_workers})
runs = pd.DataFrame([measured_run(p, n_resamples) for _ in range(3) for p in counts], columns=columns)
ratio = runs["ms per fit"].max() / runs["ms per fit"].min()
print(f"the fits of one run took {ratio:.1f} times as long as those of another")
runs.sort_values("workers", kind="stable").round(2)

# %% [markdown]
# Near 1.0 times, every worker had a core to itself. Where rows of one number of workers differ, something else is using
# your cores: close it and run the cell again. Where fits take longer the more workers there are, these are in each
# other's way. Both are in all that follows.
#
# On a quiet machine, twice the workers need less time, but more than half of it: the serial part does not shrink. With
# one worker's time as unit and $s$ the serial share of it, $p$ workers need
#
# $$T(p) = s + \frac{1-s}{p}, \qquad \text{speed-up } S(p) = \frac{1}{s + (1-s)/p} < \frac{1}{s}$$
#
# ([Amdahl 1967](https://doi.org/10.1145/1465482.1465560) made the argument, in words). However many workers, the
# speed-up stays below $1/s$.
#
# ### Exercise 1.1 · The part that stays
#
# Find $s$ from measured times. They are noisy, so no single one of them may be the unit: fit both parts, the serial
# and the divided one, to all times together.
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 3 points · for 1, 2 and 4 workers and 10, 6 and 4 seconds it gives
# `0.2`
#
# Stuck? `hint("1.1")` gives a hint, and another one when called again; `solution("1.1")` shows an answer, and
# `solution("1.1", use=True)` defines it, so that you can go on.


# %% exercise="1.1"
def serial_fraction(workers: np.ndarray, seconds: np.ndarray) -> float:
    """Least-squares estimate of s, in [0, 1], from times (runs,) with `workers` (runs,); 1 worker need not be among them."""
    ### BEGIN SOLUTION
    columns = np.column_stack([np.ones(len(workers)), 1 / np.asarray(workers)])
    serial, divided = np.linalg.lstsq(columns, seconds)[0]
    return float(np.clip(serial / (serial + divided), 0, 1))
    ### END SOLUTION


# %% check="1.1"
check("1.1")

# %% [markdown]
# **Predict first.** How fast would 64 workers be by your measurements: nearly 64 times as fast as one, half of that, or
# far less?


# %%
def amdahl(p, s):
    """Speed-up with `p` workers where the share `s` of one worker's time is serial."""
    return 1 / (s + (1 - s) / p)


def fit_runs():
    """The serial share, and the seconds of one worker as all runs together have them."""
    share = serial_fraction(runs["workers"].to_numpy(), runs["seconds"].to_numpy())
    shape = 1 / amdahl(runs["workers"], share)
    return share, runs["seconds"] @ shape / (shape @ shape)


# %%
share, one = fit_runs()
with get_task_stream() as stream:
    client.gather([client.submit(choose_penalty, X_there, workers=workers[:1], pure=False) for _ in range(3)])
alone = np.median(task_seconds(stream, "choose_penalty")) / one
print(f"serial share: {share:.0%} by the fit; the serial part timed alone takes {alone:.0%} of one worker's time")
print(f"64 workers would be {amdahl(64, share):.1f} times as fast as one")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Below $1/s$, so far below 64 unless $s$ is less than one or two percent: a serial share of a tenth alone keeps any
# number of workers below a speed-up of 10.
#
# </details>
#
# Where the fit's share is the larger one, more than the serial part did not shrink: workers on one machine share its
# memory, its caches and whatever else runs, and two hardware threads of one core are not two cores. With one and two
# workers only, a curve with two unknowns goes through two points, and nothing tests its form. Beyond your last point it
# is a forecast, and forgets what section 4 is about: more workers send more messages.

# %% [markdown]
# ### Or more work in the same time
#
# Nobody buys 64 machines to have yesterday's answer sooner by a factor of six. With more machines people ask larger
# questions: more resamples, more rows. Let the divided part grow with $p$ and keep the time; then one worker would
# need $s + (1-s)p$ times as long ([Gustafson 1988](https://doi.org/10.1145/42411.42415)):
#
# $$S(p) = s + (1-s)\,p$$
#
# Here $s$ is the serial share of the time on $p$ workers. We give every worker as many resamples as one had
# before, so it is the same $s$ as above.
#
# **Predict first.** On twice as many workers, twice as many resamples: how long does it take?

# %%
grown = pd.DataFrame([measured_run(p, p * n_resamples) for _ in range(2) for p in counts], columns=columns)
grown.sort_values("workers", kind="stable").round(2)

# %%
share, one = fit_runs()
gustafson = share + (1 - share) * grown["workers"]
p = np.arange(1, 65)
figure, axis = plt.subplots()
axis.plot(p, share + (1 - share) * p, label="Gustafson: the work grows")
axis.plot(grown["workers"], one * gustafson / grown["seconds"], "o", color="C0", label="measured, the work grows")
axis.plot(p, amdahl(p, share), "--", color="C1", label="Amdahl: the same work")
axis.plot(runs["workers"], one / runs["seconds"], "s", color="C1", fillstyle="none", label="measured, the same work")
if share:
    axis.axhline(1 / share, color="black", linewidth=0.8, linestyle=":", label="1/s")
ticks = [1, 2, 4, 8, 16, 32, 64]
axis.set(xscale="log", yscale="log", xlabel="workers", ylabel="speed-up", ylim=(0.5, 80))
axis.set(xticks=ticks, xticklabels=ticks, yticks=ticks, yticklabels=ticks)
axis.minorticks_off()
axis.set_title(housing.provenance.title(f"Bootstrap of {n_rows:,} districts, serial share {share:.0%}"))
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: speed-up over the fitted time of one worker against the number of workers, both axes logarithmic up to 64.
# Gustafson's line goes up; Amdahl's, with the same serial share, flattens towards 1/s, dotted. The measured points lie
# on the left, at the numbers of workers that you have.*
#
# <details><summary>Answer</summary>
#
# Nearly as long as before, where every worker has a core of its own to run on. Where it has none, the time grows
# with the work.
#
# </details>
#
# Amdahl's curve is fitted to its points; Gustafson's is not, it has only $s$ from there. Growing work is what clusters
# are built for, and why a serial share of a few percent does not rule them out.
#
# ### Exercise 1.2 · How many workers are worth paying for
#
# **Efficiency** is $S(p)/p$: the share of the paid worker hours that was not wasted. Give the largest number of
# workers whose efficiency is still at least as asked, under either law.
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 3 points · for a serial share of 0.04 and an efficiency of 0.7:
# 11 workers by Amdahl, any number (`inf`) by Gustafson


# %% exercise="1.2"
def workers_by_amdahl(serial: float, efficiency: float) -> float:
    """Largest whole p with S(p)/p >= `efficiency` (above 0, at most 1) when the work is fixed; math.inf if any p will do."""
    ### BEGIN SOLUTION
    if serial == 0:
        return math.inf
    return np.floor(1 + (1 / efficiency - 1) / serial + 1e-9)
    ### END SOLUTION


def workers_by_gustafson(serial: float, efficiency: float) -> float:
    """The same when the work grows with p; `serial` is then the serial share of the time on p workers."""
    ### BEGIN SOLUTION
    if efficiency <= 1 - serial:
        return math.inf
    return np.floor(serial / (efficiency - (1 - serial)) + 1e-9)
    ### END SOLUTION


# %% check="1.2"
check("1.2")

# %%
print("for an efficiency of at least 70 %:")
for serial in (0.001, 0.01, 0.1, 0.35):
    fixed, growing = workers_by_amdahl(serial, 0.7), workers_by_gustafson(serial, 0.7)
    print(f"  serial share {serial:5.1%}: {fixed:3.0f} workers by Amdahl, {growing:3.0f} by Gustafson")

# %% [markdown]
# By Amdahl, a tenth of the serial part allows ten times the workers. Shortening it is often worth more than buying
# machines.

# %% [markdown]
# ## 4 What a message costs
#
# The first new problem is **communication**. We send arrays of a kilobyte up to many megabytes to one worker and
# take the time. For `scatter`, `direct=True` means straight to the worker, without the scheduler between, and
# `hash=False` keeps Dask from recognising what it has sent before.
#
# **Predict first.** The largest message is thousands of times as large as the smallest. How many times as
# long does it take?

# %%
message_sizes = np.unique(np.geomspace(1_000, largest_message, 13).astype(int) // 8 * 8)


def time_of_message(nbytes):
    """Seconds until an array of `nbytes` bytes lies in the first worker's memory."""
    array = np.ones(nbytes // 8)
    return seconds_of(lambda: client.scatter(array, workers=workers[:1], direct=True, hash=False))


for _ in range(10):
    time_of_message(1_000)  # to warm up
messages = pd.DataFrame(
    [(nbytes, np.median([time_of_message(nbytes) for _ in range(7)])) for nbytes in message_sizes],
    columns=["bytes", "seconds"],
)
smallest, largest = messages["seconds"].iloc[[0, -1]]
print(f"{message_sizes[-1] / message_sizes[0]:,.0f} times the bytes took {largest / smallest:.0f} times as long")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Far less than the ratio of the sizes. Most of the time of a small message is spent on something that does not
# depend on its size.
#
# </details>
#
# The usual model has two numbers ([Hockney 1994](https://doi.org/10.1016/S0167-8191%2806%2980021-9)): the **latency**
# $\alpha$, paid once per message, and $\beta$, paid per byte, the inverse of the **bandwidth**:
#
# $$\text{time} = \alpha + \beta \cdot \text{bytes}$$
#
# ### Exercise 1.3 · Latency and bandwidth
#
# Fit both to measured messages whose sizes span several orders of magnitude. Noise is *relative*: every time is off by
# some percent of itself. Plain least squares listens to the largest messages alone, where a few percent are more
# than the whole of $\alpha$. Fit so that a relative error, (model − time)/time, counts the same whatever the size.
#
# Difficulty 3 of 5 · 10 minutes · needs the idea of 1.1 · 4 points · for messages of 1,000, 100,000 and 10,000,000
# bytes that took 1.001, 1.1 and 11 ms: `(0.001, 1e-09)`


# %% exercise="1.3"
def fit_message_cost(nbytes: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """(alpha in seconds, beta in seconds per byte) from messages (runs,), by least squares of the relative errors."""
    ### BEGIN SOLUTION
    columns = np.column_stack([np.ones(len(nbytes)), nbytes]) / np.asarray(seconds)[:, None]
    alpha, beta = np.linalg.lstsq(columns, np.ones(len(nbytes)))[0]
    return float(alpha), float(beta)
    ### END SOLUTION


# %% check="1.3"
check("1.3")

# %%
alpha, beta = fit_message_cost(messages["bytes"].to_numpy(), messages["seconds"].to_numpy())
half = alpha / beta
slope, intercept = np.polyfit(messages["bytes"], messages["seconds"], 1)
figure, axis = plt.subplots()
axis.plot(messages["bytes"], messages["seconds"] * 1e3, "o", label="measured, medians of 7")
axis.plot(messages["bytes"], (alpha + beta * messages["bytes"]) * 1e3, label="fit of the relative errors")
plain = np.maximum(intercept + slope * messages["bytes"], 1e-6) * 1e3
axis.plot(messages["bytes"], plain, linestyle="--", label="plain least squares")
axis.axvline(half, color="black", linewidth=0.8, linestyle=":", label="α / β: latency = transfer")
axis.set(xscale="log", yscale="log", xlabel="bytes per message", ylabel="milliseconds")
axis.set(ylim=(0.3 * messages["seconds"].min() * 1e3, 3 * messages["seconds"].max() * 1e3))
axis.set_title("Sending an array to a worker on this machine")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
print(f"alpha {alpha * 1e3:.2g} ms, 1/beta {1 / beta / 1e9:.2g} GB/s, both cost the same at {half / 1e6:.2g} MB")

# %% [markdown]
# *Figure: time against size, both axes logarithmic. The measured points lie flat on the left and rise on the right.
# The fit of the relative errors has a bend, marked by a dotted vertical line, and lets no size decide alone; the plain
# fit, dashed, is tied to the points on the right and passes the others as the noise has it.*
#
# Points that lie off the solid line, above all at its right end, say that two numbers are too few: a message that fits
# into a cache costs less per byte than one that does not.
#
# Left of the dotted line you pay for having a message at all, right of it for its bytes. Between two machines on a
# network both numbers are worse than here. The consequence is the same: **few large messages**. The same bytes as
# 200 messages and as one:

# %%
small = seconds_of(lambda: [time_of_message(4_000) for _ in range(200)])
big = seconds_of(lambda: time_of_message(800_000))
print(f"200 messages of 4 kB take {small / big:.0f} times as long as one of 800 kB")

# %% [markdown]
# Batching, compression, sending sums in place of rows, moving the function to the data: all remedies against
# communication make messages fewer or smaller. Chapters 04 to 06 live on them.

# %% [markdown]
# ## 5 The slowest worker decides
#
# The second problem is the **straggler**: a worker that is slow for no fault of its work, because of a neighbour, a
# worn disk, a warm processor. Our work: how alike is the documentation of NumPy's functions, pair by pair? The **edit
# distance** of two texts counts the insertions, deletions and replacements that turn one into the other. In plain
# Python it is slow and even: every pair of equally long texts costs the same.


# %%
def edit_distance(texts):
    """Least number of single-character edits between the two strings of `texts`."""
    one, other = texts
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, counterpart in enumerate(other, 1):
            cheapest = min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != counterpart))
            diagonal, row[j] = row[j], cheapest
    return row[-1]


functions = [np.mean, np.average, np.median, np.std, np.var, np.sum, np.prod, np.max, np.min, np.cumsum, np.argmax]
texts = [function.__doc__[:text_length] for function in [*functions, np.argmin, np.cumprod, np.any, np.all]]
pairs = list(itertools.combinations(texts, 2))[: 6 * n_workers]
edit_distance(("kitten", "sitting"))

# %% [markdown]
# Three edits, as can be counted by hand. Now we give one worker noisy neighbours: three threads that burn time inside
# its process. Python runs one thread at a time in a process, so the worker's own task gets about a quarter, or less.


# %%
def start_neighbours(dask_worker):
    """Three busy threads in this worker's process, until `stop_neighbours`."""
    dask_worker.neighbours_stay = True

    def burn():
        while dask_worker.neighbours_stay:
            sum(range(20_000))

    for _ in range(3):
        threading.Thread(target=burn, daemon=True).start()


def stop_neighbours(dask_worker):
    """Let the busy threads end."""
    dask_worker.neighbours_stay = False


def compare_all():
    """Edit distance of every pair, dealt out to the workers in turn before anything runs."""
    dealt = [workers[i % n_workers] for i in range(len(pairs))]
    tasks = [client.submit(edit_distance, pair, workers=[w], pure=False) for pair, w in zip(pairs, dealt, strict=True)]
    return client.gather(tasks)


# %% [markdown]
# **Predict first.** Every worker gets as many pairs as the others. One worker runs at a fraction of its speed. How
# much longer does the whole job take, and what do the other workers do meanwhile?

# %%
slow, quick = workers[0], workers[1]
with get_task_stream() as even:
    even_seconds = seconds_of(compare_all)
client.run(start_neighbours, workers=[slow])
with get_task_stream() as uneven:
    uneven_seconds = seconds_of(compare_all)
client.run(stop_neighbours, workers=[slow])
print(f"with one slow worker the job takes {uneven_seconds / even_seconds:.1f} times as long")
usual = task_seconds(even, "edit_distance")
print(
    f"(before the neighbours came, the slowest pair took {usual.max() / usual.min():.1f} times as long as the quickest)"
)

# %%
draw_task_stream(uneven.data, "Equal shares, one worker with noisy neighbours")
plt.show()

# %% [markdown]
# *Figure: one row per worker, one bar per pair of texts, over seconds. One worker's bars are a multiple as long as
# the others'; the others end early and the rest of their rows is empty.*
#
# <details><summary>Answer</summary>
#
# About as much longer as the slow worker is slower. The others wait: a job is done when its last task is.
#
# </details>
#
# The more workers, the likelier one of them is slow just now. Two remedies. The first: do not deal out everything
# beforehand, let a worker that is free take the next task. Dask does that unless we pin tasks, as `compare_all`
# did.

# %%
client.run(start_neighbours, workers=[slow])
start = time.perf_counter()
with get_task_stream() as free:
    distances = client.gather(client.map(edit_distance, pairs, pure=False))
free_seconds = time.perf_counter() - start
client.run(stop_neighbours, workers=[slow])
on_slow = sum(record["worker"] == slow for record in free.data)
print(f"dealt out beforehand: {uneven_seconds / even_seconds:.1f} times as long as without neighbours")
print(f"not dealt out: {free_seconds / even_seconds:.1f} times, the slow worker ran {on_slow} of {len(pairs)} tasks")
print(f"(edits between the most alike texts: {min(distances)}, between the least alike: {max(distances)})")

# %% [markdown]
# A slow worker comes back for the next task less often, so it gets fewer. It still holds those that it was given, and
# the last of them may decide when the job ends. The second remedy is for these: when a task is late, start a **backup**
# of it elsewhere and take whichever copy finishes first. MapReduce did so towards the end of a job; without backups, one sort took 44 % longer
# ([Dean, Ghemawat 2004](https://research.google/pubs/mapreduce-simplified-data-processing-on-large-clusters/),
# sections 3.6 and 5.4; see also [Dean, Barroso 2013](https://doi.org/10.1145/2408776.2408794)). Here we write it
# ourselves, for tasks that may safely run twice. Dask has the parts:
#
# - `wait(futures, timeout=seconds)` returns as soon as all are done, or raises `TimeoutError` when the time is over;
# - `as_completed(futures)` is an iterator that hands out the futures in the order in which they get done;
# - `client.cancel(futures)` tells the cluster that nobody wants these results any more.
#
# ### Exercise 1.4 · A backup task
#
# Submit the task to one worker, wait for as long as your patience lasts, then send a copy to another worker. Return
# the result of whichever copy gets done first (if that is an error, raise it), and cancel the other one.
#
# Difficulty 4 of 5 · 15 minutes · needs the three above, `pure=False` · 4 points · `with_backup(client, edit_distance, ("kitten",
# "sitting"), slow, quick, 1.0)` gives `3`


# %% exercise="1.4"
def with_backup(client, function, argument, first: str, second: str, patience: float):
    """Result of `function(argument)` on worker `first`, or of a copy, sent to `second` after `patience` seconds."""
    ### BEGIN SOLUTION
    copies = [client.submit(function, argument, workers=[first], pure=False)]
    try:
        wait(copies, timeout=patience)
    except TimeoutError:
        copies.append(client.submit(function, argument, workers=[second], pure=False))
    winner = next(iter(as_completed(copies)))
    client.cancel([copy for copy in copies if copy is not winner])
    return winner.result()
    ### END SOLUTION


# %% check="1.4"
check("1.4")

# %% [markdown]
# One late pair, with and without a backup. Our patience is the time that a pair took on a worker without neighbours:

# %%
client.run(start_neighbours, workers=[slow])
patience = even_seconds * n_workers / len(pairs)
unaided = seconds_of(lambda: client.submit(edit_distance, pairs[0], workers=[slow], pure=False).result())

# %%
backed = seconds_of(with_backup, client, edit_distance, pairs[0], slow, quick, patience)
print(f"late pair: {unaided / patience:.1f} times its usual time; with a backup {backed / patience:.1f} times")

# %%
client.run(stop_neighbours, workers=[slow])
print("the neighbours have left")

# %% [markdown]
# With a backup it takes the patience, one run on the second worker and some messages, however slow the first worker
# is. The price is work done twice: Dask drops the result of the copy that lost, but does not interrupt a thread that
# runs. Shorter patience costs more double work, longer patience more waiting.

# %% [markdown]
# ## 6 A worker dies
#
# A machine that fails once in a thousand days is reliable; of a thousand such machines one fails on most days. In one
# data centre, over three months, 7.8 % of the machine learning jobs of about 100 machine hours failed and 24.7 % of
# those of 10,000 ([Li et al. 2014](https://www.usenix.org/conference/osdi14/technical-sessions/presentation/li_mu),
# table 1). So what is lost when we kill a worker? Three kinds of data lie on the cluster: eight blocks that
# tasks made, an array that we scattered to one worker, and one that we scattered to all. Each call of `make_block` writes
# a line into a log on the scheduler (`log_event`), which we read afterwards (`get_events`); `who_has` says on which
# workers a result lies. Dask's memory manager, `amm`, removes second copies that nobody needs, every two seconds. We
# stop it for this section, as we want to keep them.


# %%
topic = f"made {time.time()}"


def make_block(number):
    """100,000 random numbers from a seed; says that it was called."""
    get_worker().log_event(topic, number)
    return np.random.default_rng(number).normal(size=100_000)


def die_soon():
    """Kill the process that calls this, a moment after it answered."""
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()


# %%
blocks = client.map(make_block, range(8), pure=False)
wait(blocks)
homes = client.who_has(blocks)
victim = homes[blocks[0].key][0]
client.amm.stop()
only_there = client.scatter(np.arange(1000.0), workers=[victim])
everywhere = client.scatter(np.ones(1000), broadcast=True)

# %% [markdown]
# **Predict first.** After the kill we ask for the sum of all blocks. How many of the eight must be made again?
#
# (Dask would report the death in red; `logging.disable` keeps that off this page until the section ends.)

# %%
logging.disable(logging.ERROR)
client.run(die_soon, workers=[victim])
while victim in client.nthreads():
    time.sleep(0.01)
total = client.submit(lambda *parts: sum(part.sum() for part in parts), *blocks).result()
expected = sum(np.random.default_rng(number).normal(size=100_000).sum() for number in range(8))
print("the sum is right:", np.isclose(total, expected))

# %%
made = pd.Series([number for _, number in client.get_events(topic)]).value_counts()
was_there = [victim in homes[block.key] for block in blocks]
pd.DataFrame({"was on the killed worker": was_there, "times made": made}, index=pd.Index(range(8), name="block")).T

# %% [markdown]
# <details><summary>Answer</summary>
#
# Exactly those that lay on the killed worker: each was made twice, the others once.
#
# </details>
#
# The scheduler remembers for every result which task made it and from what: its **lineage**. A lost result is made
# again from its recipe, and so is what that recipe needs, as far back as something is missing. Nothing had to be
# saved, and no line of our program speaks of failure. A new worker takes the place of the dead one, because each
# worker has a **nanny** that starts it again:

# %%
client.wait_for_workers(n_workers, timeout=30)
print(f"{len(client.nthreads())} of {n_workers} workers; the killed one is among them: {victim in client.nthreads()}")

# %% [markdown]
# What we scattered has no recipe. Its bytes came from this process, and Dask kept no copy here:

# %%
with show_error():
    only_there.result()
print("a copy of the other array survived:", everywhere.result().sum())

# %%
logging.disable(logging.NOTSET)
client.amm.start()
workers = list(client.nthreads())
slow, quick = workers[:2]
del blocks, everywhere, only_there

# %% [markdown]
# So load data in tasks, from files that all workers can read, and give what cannot be made again a second home, which the
# memory manager must not clear away. A long training run has a recipe too, but one that starts from the beginning: it
# writes **checkpoints** (chapter 08).
# Chapter 02 looks inside scheduler and nanny.

# %% [markdown]
# ## 7 Old news
#
# Workers that train one model must agree on its parameters. **Synchronous** training waits in every step for all
# workers: each gradient is fresh, and the slowest decides. **Asynchronous** training lets each worker send its
# gradient when it is ready. Nobody waits, but in the meantime others have moved the parameters: the gradient is
# **stale**. What does that do? A simulation first, of linear regression on the housing table's own columns:

# %%
X_train = np.column_stack([np.ones(len(order)), StandardScaler().fit_transform(clipped[order])])


def loss(theta, X=X_train, y=y_houses):
    """Half the mean squared error of `theta` (n,)."""
    return ((X @ theta - y) ** 2).mean() / 2


def gradient(theta, X=X_train, y=y_houses):
    """Gradient of `loss` at `theta` (n,)."""
    return X.T @ (X @ theta - y) / len(X)


# %% [markdown]
# ### Exercise 1.5 · Descent by old gradients
#
# Take step $t$ with the gradient that was computed `delay` steps ago, at $\theta_{t-\text{delay}}$. In the first
# steps there is none that old: use that of the start, $\theta_0$.
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 3 points · for the gradient `lambda theta: theta`, from `[1.0]`
# with a rate of 0.5, delay 1 and 3 steps: `[[1.0], [0.5], [0.0], [-0.25]]`


# %% exercise="1.5"
def stale_descent(gradient, theta: np.ndarray, learning_rate: float, delay: int, n_steps: int) -> np.ndarray:
    """Every theta from the start (n,) on, shape (n_steps + 1, n); `gradient(theta)` gives a gradient (n,)."""
    ### BEGIN SOLUTION
    path = [theta]
    for step in range(n_steps):
        seen = path[max(0, step - delay)]
        path.append(path[-1] - learning_rate * gradient(seen))
    return np.array(path)
    ### END SOLUTION


# %% check="1.5"
check("1.5")

# %% [markdown]
# **Predict first.** With one learning rate, 0.2, and delays of 0, 2 and 8 steps: which curves fall, and does any
# rise? What would you change for a delay of 8?

# %%
start_theta, cases = np.zeros(X_train.shape[1]), [(0, 0.2), (2, 0.2), (8, 0.2), (8, 0.05)]
paths = [stale_descent(gradient, start_theta, rate, delay, 60) for delay, rate in cases]
figure, axis = plt.subplots()
for (delay, rate), path, style in zip(cases, paths, ["-", "--", ":", "-."], strict=True):
    axis.plot([loss(theta) for theta in path], style, label=f"delay {delay}, rate {rate}")
highest = loss(start_theta)
axis.set(yscale="log", ylim=(highest / 20, highest * 8), xlabel="step", ylabel="loss J ((100,000 dollars)²)")
axis.set_title(housing.provenance.title(f"Stale gradients, {n_rows:,} districts"))
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: loss on a logarithmic axis over 60 steps. Without delay and with a delay of 2 it falls to the same floor; with
# a delay of 8 at the same rate it swings ever higher, out of the picture; with a delay of 8 and a quarter of the rate
# it falls, later.*
#
# <details><summary>Answer</summary>
#
# Those with delays of 0 and 2 fall, that with a delay of 8 rises. A smaller learning rate repairs it, and costs time.
#
# </details>
#
# An old gradient still points downhill from where it was taken, and the walk goes on in that direction after the
# valley is crossed. The older the news, the smaller the step that is safe.
#
# How old is the news when real workers send it? Each worker holds a part of the rows and has one task in flight.
# With every gradient that arrives, $\theta$ moves and its version number grows by one, and the worker that sent it gets
# the new $\theta$. `sent` remembers for each task its worker and the version that it was given. A gradient's
# **staleness** is the version when it arrives less that one. (`as_completed` takes further futures by `add`.)

# %%
rows_of = np.array_split(np.arange(len(X_train)), n_workers)
parts = [
    client.scatter([(X_train[rows], y_houses[rows])], workers=[worker], hash=False)[0]
    for rows, worker in zip(rows_of, workers, strict=True)
]


def part_gradient(part, theta):
    """Gradient of the loss on the rows of one part."""
    X, y = part
    return X.T @ (X @ theta - y) / len(X)


def send(worker, theta):
    """A task that computes the gradient at `theta` on the rows of worker number `worker`."""
    return client.submit(part_gradient, parts[worker], theta, workers=[workers[worker]], pure=False)


# %%
def synchronous(learning_rate, n_rounds):
    """theta (n,) after `n_rounds` steps, each of which waits for one gradient from every worker."""
    theta = np.zeros(X_train.shape[1])
    for _ in range(n_rounds):
        gradients = client.gather([send(worker, theta) for worker in range(n_workers)])
        theta = theta - learning_rate * np.mean(gradients, axis=0)
    return theta


def asynchronous(learning_rate, n_gradients):
    """theta (n,) after `n_gradients`, each used when it arrives; and of each its worker's number and its staleness."""
    theta, version, arrived = np.zeros(X_train.shape[1]), 0, []
    tasks = [send(worker, theta) for worker in range(n_workers)]
    sent = {task.key: (worker, version) for worker, task in enumerate(tasks)}
    arriving = as_completed(tasks)
    for task in arriving:
        worker, given = sent.pop(task.key)
        arrived.append((worker, version - given))
        theta, version = theta - learning_rate * task.result() / n_workers, version + 1
        if version + len(sent) < n_gradients:
            new = send(worker, theta)
            sent[new.key] = worker, version
            arriving.add(new)
    return theta, arrived


# %% [markdown]
# In both, a round of one gradient per worker moves $\theta$ as far as one full step. One worker has its noisy
# neighbours again.
#
# **Predict first.** Which loop uses more gradients per second, and whose gradients are stale in `asynchronous`?

# %%
client.run(start_neighbours, workers=[slow])
start = time.perf_counter()
theta_together = synchronous(0.2, n_rounds)
middle = time.perf_counter()
theta_apart, arrived = asynchronous(0.2, n_rounds * n_workers)
end = time.perf_counter()
client.run(stop_neighbours, workers=[slow])
n_gradients = n_rounds * n_workers
print(f"synchronous:  {n_gradients / (middle - start):4.0f} gradients per second, loss {loss(theta_together):.3f}")
print(f"asynchronous: {n_gradients / (end - middle):4.0f} gradients per second, loss {loss(theta_apart):.3f}")

# %%
senders, staleness = np.array(arrived).T
number = np.arange(1, len(arrived) + 1)
figure, axis = plt.subplots()
axis.plot(number[senders > 0], staleness[senders > 0], ".", label="a quick worker's")
axis.plot(number[senders == 0], staleness[senders == 0], "s", label="the slow worker's")
axis.set(xlabel="number of the gradient, in the order of arrival", ylabel="staleness (versions of θ)")
axis.set_title("Asynchronous updates, one slow worker")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: staleness of each gradient in the order of arrival. Those of the quick workers, small dots, lie near the
# bottom; the slow worker's, squares, are few, and higher where others delivered much in the meantime.*
#
# <details><summary>Answer</summary>
#
# The asynchronous loop, as far as the slow worker holds up the others. A gradient is as stale as the others delivered
# gradients while it was made. A quick worker is soon done: beside one slow worker hardly anything came in between;
# with more quick ones about one from each. While the slow worker was at it, the quick ones went on.
#
# </details>
#
# More updates per second are not yet a better model. The quick workers' rows had more say than the slow one's,
# and the order of arrival is left to chance. The remedies lie in between: bound the staleness, shrink the step by
# it, average models now and then in place of gradients always. Chapter 07 builds a parameter server on that.

# %% [markdown]
# ## 8 Unequal pieces
#
# The last problem is in the data. Group taxi trips by the zone where they began:

# %%
taxi = load_taxi(months=["2019-03"])
trips = taxi.frame["PULocationID"].compute().value_counts()
figure, axis = plt.subplots()
axis.bar(np.arange(len(trips)), trips, width=1)
axis.set(xlabel="pick-up zone, the busiest first", ylabel="trips")
axis.set_title(taxi.provenance.title("Trips by pick-up zone, March 2019"))
plt.show()

# %% [markdown]
# *Figure: trips per zone in falling order. A minority of the zones has nearly all, a long tail has almost none.*
#
# That is **skew**. (Only real trips show it; made-up ones begin everywhere alike.) Words, users, films and cities look
# the same. A model per zone means tasks of very different length, and it matters who gets which. In order to have
# something to compute, we generate rows in proportion to the trips; a zone's task makes its rows and sums their
# products.

# %%
zone_rows = (trips / trips.sum() * skewed_rows).astype(int).to_numpy()


def zone_sums(rows):
    """XᵀX (20, 20) of `rows` generated rows, 10,000 at a time."""
    random, gram = np.random.default_rng(rows), np.zeros((20, 20))
    for first in range(0, rows, 10_000):
        X = random.normal(size=(min(10_000, rows - first), 20))
        gram += X.T @ X
    return gram


def sums_of_zones(rows_per_zone):
    """`zone_sums` of each zone."""
    return [zone_sums(rows) for rows in rows_per_zone]


def run_shares(shares):
    """Run the zones of each share on its own worker, one task per worker."""
    tasks = [
        client.submit(sums_of_zones, zone_rows[list(share)], workers=[worker], pure=False)
        for share, worker in zip(shares, workers, strict=True)
    ]
    wait(tasks)


# %% [markdown]
# The zones stand in the table as `value_counts` left them, the busiest first. The most natural division follows the
# table: each worker gets the next zones, as many as the others get. By hand, with two workers and zones of 7, 6, 2, 2
# and 1 thousand rows: 7, 6 and 2 against 2 and 1. The job takes as long as 15 thousand rows do, where 9 would be
# possible. The load of the fullest worker is the **makespan**; no division can go below
#
# $$\max\Bigl(\frac{\text{all rows}}{\text{workers}},\ \text{largest block}\Bigr)$$
#
# To find the best division is hard in general. A simple rule comes close: take one block after the other, and give it to
# the worker that has the least so far. Whatever the order, that is never more than $2 - \frac{1}{p}$ times the best
# makespan; in one order never more than $\frac{4}{3} - \frac{1}{3p}$ times
# ([Graham 1969](https://doi.org/10.1137/0117039)).
#
# ### Exercise 1.6 · Deal fairly
#
# Divide blocks of known size among workers so that the fullest has at most 2 % more than this rule gives it in that one
# order. Other ways to get there are welcome.
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · `assign(np.array([7, 6, 2, 2, 1]), 2)` gives both workers
# a load of 9, for example `[[0, 3], [1, 2, 4]]`


# %% exercise="1.6"
def assign(sizes: np.ndarray, n_workers: int) -> list[list[int]]:
    """For each worker the indices of its blocks; `sizes` (blocks,) are their sizes. Each block goes to one worker."""
    ### BEGIN SOLUTION
    shares, loads = [[] for _ in range(n_workers)], [0] * n_workers
    for block in sorted(range(len(sizes)), key=lambda block: -sizes[block]):
        idlest = loads.index(min(loads))
        shares[idlest].append(block)
        loads[idlest] += sizes[block]
    return shares
    ### END SOLUTION


# %% check="1.6"
check("1.6")


# %%
def equal_numbers(sizes, n_workers):
    """The next zones of the table, as many for each worker as for the others."""
    return np.array_split(np.arange(len(sizes)), n_workers)


def in_turn(sizes, n_workers):
    """One zone for each worker in turn."""
    return [np.arange(worker, len(sizes), n_workers) for worker in range(n_workers)]


def makespan(shares):
    """Rows of the fullest worker, as a multiple of the lower bound."""
    bound = max(zone_rows.sum() / len(shares), zone_rows.max())
    return max(zone_rows[list(share)].sum() for share in shares) / bound


# %% [markdown]
# **Predict first.** How far above 1 is each with two workers, and how far with 32: equal numbers, in turn, or yours?

# %%
divisions = [equal_numbers, in_turn, assign]
numbers = [2, 4, 8, 16, 32]
pd.DataFrame({rule.__name__: [makespan(rule(zone_rows, n)) for n in numbers] for rule in divisions}, numbers).round(2)

# %% [markdown]
# Rows are numbers of workers, entries multiples of the lower bound: 1 cannot be beaten.
#
# <details><summary>Answer</summary>
#
# Equal numbers are far off at once: the first worker has all the busy zones. In turn is good as long as the first
# worker's lead in every round is small beside its load, which with many workers it is not. The largest first has small
# blocks left to fill the gaps with.
#
# </details>
#
# Does the clock agree? On your workers, equal numbers and your rule:

# %%
with get_task_stream() as before:
    run_shares(equal_numbers(zone_rows, n_workers))
with get_task_stream() as after:
    run_shares(assign(zone_rows, n_workers))
figure, axes = plt.subplots(2, 1, figsize=(7, 4), sharex=True)
draw_task_stream(before.data, "Equal numbers of zones", ax=axes[0])
draw_task_stream(after.data, "Equal loads", ax=axes[1])
axes[0].set_xlabel("")
plt.show()

# %% [markdown]
# *Figure: two task streams over seconds, one bar per worker. Above, one worker's bar is a multiple of the shortest;
# below, the bars are about equally long, as far as nothing else keeps the cores busy.*
#
# No assignment helps where one block alone is larger than a worker's fair share: then the block must be cut, which
# its sums allow (chapter 05). And where sizes are not known beforehand, small tasks and free workers balance
# themselves, as in section 5; chapter 11 watches Dask steal work for that.

# %% [markdown]
# ## 9 Where it loses
#
# All these problems are the price of distribution. Small work pays the price and gains nothing. The bootstrap of
# section 3 once more, on 200 districts and ten columns:
#
# **Predict first.** How many times as long do all your workers need as this one process?

# %%
X_few, y_few = X_houses[:200, :10].copy(), y_houses[:200]
X_sent, y_sent = client.scatter([X_few, y_few], broadcast=True)
here = min(seconds_of(bootstrap_here, X_few, y_few, 16) for _ in range(3))
there = min(seconds_of(bootstrap_on, workers, X_sent, y_sent, 16) for _ in range(3))
print(f"the cluster takes {there / here:.1f} times as long as one process")

# %% [markdown]
# A few messages of section 4 cost more than the whole work. Distribute when one machine is too small or too slow,
# and not before: try a better algorithm, a sample, a faster library first.
#
# What we met, and where it comes back:
#
# | problem | what we measured | remedy | chapter |
# | --- | --- | --- | --- |
# | serial part | the speed-up bends | shorten it; grow the work | 11 |
# | communication | latency and bandwidth | few large messages; move functions, not data | 03, 04, 05 |
# | stragglers | the job ends with its slowest task | small unpinned tasks; backups | 11 |
# | failures | blocks made again, scattered data lost | lineage, second copies, checkpoints | 02, 08 |
# | consistency | stale gradients overshoot | bounded staleness, smaller steps, local steps | 07 |
# | skew | makespan above its bound | deal by size, cut large blocks | 04, 11 |

# %%
client.amm.start()
client.close()
progress()

# %% [markdown]
# ## Summary
#
# - Distributed learning is one model made by processes that exchange messages, because of size, time, or where the
#   data is.
# - Cut rows or cut the model: the large thing stays, the small one travels.
# - With fixed work the serial part bounds the speed-up; with work that grows it hardly matters. Either is a
#   measurement and a fit away.
# - A message costs a fixed price and a price per byte. For most small messages the fixed price is all.
# - Somebody is always slow, somebody dies, somebody has old news, and somebody has too much. For each there is a
#   remedy, and each remedy has a price: double work, second copies, smaller steps, planning.
#
# **Explain aloud**
#
# 1. Why do Amdahl and Gustafson disagree about the same machine, and which of the two describes your own work?
# 2. Why does a plain least-squares fit get the latency wrong, and how would you see that in a plot?
# 3. Which data on a cluster can be made again after a worker died, and who remembers how?
#
# **An open problem.** If every machine failed independently, with the same chance in every hour, and one failure
# ended a job, then ten times the machine hours would mean nearly ten times the failures, as long as they are rare. In
# the numbers of section 6, a hundred times the hours meant about three times the failures. What could explain that?
#
# **Next**: 02 · Dask from the inside, where scheduler, workers and nannies are opened.
