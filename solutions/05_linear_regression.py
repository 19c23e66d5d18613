# %% [markdown]
# # 05 · Linear regression
#
# **After this chapter you can**
#
# - say what a block of rows must report so that many blocks learn one model, and prove it;
# - run gradient descent on a cluster, measure what an iteration costs, and cut its overhead twice;
# - fit a linear model in a single pass over the data, with and without a penalty;
# - tell from two measurements whether a cluster is worth it.
#
# **Time** about 90 minutes, of which two are computing. **Needs** chapter 03 (Dask arrays, futures); matrices,
# gradients, eigenvalues of a symmetric matrix. **Data** New York taxi trips, California housing, and generated rows
# where speed is measured.

# %% tags=["parameters"]
n_rows = 1_000_000  # generated rows for the timings of gradient descent; tiny: 40_000; full: 8_000_000
sizes = [10_000, 100_000, 1_000_000]  # rows of the scaling curve; tiny: [800, 8_000]; full: [10_000, 8_000_000]
n_iterations = 10  # gradient steps per timing; tiny: 3

# %%
import time

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from dask.distributed import futures_of, wait
from dask_ml.linear_model import LinearRegression as DaskMLRegression
from sklearn.linear_model import LinearRegression as SingleMachineRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from helpers.cluster import start_cluster
from helpers.data import load_housing, load_taxi
from helpers.exercise import Unsolved, check, hint, progress, reset, solution
from helpers.ml import LinearRegression
from helpers.plots import pipeline

plt.style.use("helpers.figures")
pipeline("algorithm")

# %% [markdown]
# The cluster, and the link to its dashboard. Keep the dashboard's task stream beside this page.

# %%
client = start_cluster()
client

# %% [markdown]
# ## 1 Six trips, two blocks
#
# Six taxi trips, and a first guess of the tariff: 2 dollars plus 3 dollars a mile.

# %%
miles = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
fares = np.array([5.5, 8.0, 10.0, 13.5, 15.0, 17.5])
X_six = np.column_stack([np.ones(6), miles])
guess = np.array([2.0, 3.0])

# %% [markdown]
# The column of ones carries the intercept, so that a prediction is one product: $h_\theta(x) = \theta^\top x$. What
# is left over, prediction minus truth, is the **residual**.

# %% tags=["nbval-check-output"]
residual = X_six @ guess - fares
pd.DataFrame({"miles": miles, "fare": fares, "predicted": X_six @ guess, "residual": residual})

# %% [markdown]
# From three miles on our guess is too dear, most for the longest trips. One number says how bad it is, the **loss**
#
# $$J(\theta) = \frac{1}{2m} \sum_{i=1}^{m} \bigl(h_\theta(x_i) - y_i\bigr)^2$$
#
# and one vector says in which direction it grows fastest, its **gradient**
#
# $$\nabla J(\theta) = \frac{1}{m} X^\top (X\theta - y)$$
#
# with $m$ rows, $n$ columns, $X$ of shape $(m, n)$, $y$ of shape $(m,)$, $\theta$ and $\nabla J$ of shape $(n,)$.

# %% tags=["nbval-check-output"]
print(f"loss      {(residual**2).sum() / (2 * 6):.4f}")
print(f"gradient  {X_six.T @ residual / 6}")

# %% [markdown]
# Both entries of the gradient are positive: lower the intercept, lower the price of a mile.
#
# Now the trips lie on two machines: the first four on one, the last two on the other. Each machine sees only its
# own rows.

# %%
first, second = slice(0, 4), slice(4, 6)
gradient_first = X_six[first].T @ residual[first] / 4
gradient_second = X_six[second].T @ residual[second] / 2

# %% [markdown]
# **Predict first.** Each block has the gradient of its own mean loss. Is their average the gradient of all six
# trips?

# %% tags=["nbval-check-output"]
print("average of the two ", (gradient_first + gradient_second) / 2)
print("all six trips      ", X_six.T @ residual / 6)

# %% [markdown]
# <details><summary>Answer</summary>
#
# No. The second block has two trips and got as much say as the first with four. The average of averages is right
# only where all blocks have the same number of rows.
#
# </details>
#
# A sum over all rows can be taken in any pieces, an average cannot:
#
# $$\nabla J(\theta) = \frac{1}{m} \sum_{\text{blocks } b} X_b^\top (X_b\theta - y_b)$$
#
# Each term needs one block and the small vector $\theta$, and has shape $(n,)$ whatever the size of the block. All
# that follows in this chapter stands on that line.

# %% [markdown]
# ### Exercise 5.1 · What a block reports
#
# Split the gradient into two functions: `report` runs where a block lies and sees nothing else; `combine` gets the
# reports of all blocks and returns the gradient over all rows. Blocks may have different sizes.
#
# Difficulty 2 of 5 · 10 minutes · needs nothing · 4 points · at `guess` our six trips give `[0.917, 4.917]`:
#
# ```python
# combine([report(X_six[first], fares[first], guess), report(X_six[second], fares[second], guess)])
# ```
#
# Stuck? `hint("5.1")` gives a hint, and another one when called again; `solution("5.1")` shows an answer, and
# `solution("5.1", use=True)` defines it, so that you can go on.


# %% exercise="5.1"
def report(X_block: np.ndarray, y_block: np.ndarray, theta: np.ndarray) -> tuple:
    """What one block of shape (rows, n), (rows,) says about the gradient at `theta` (n,), in a size that rows do not change."""
    ### BEGIN SOLUTION
    return X_block.T @ (X_block @ theta - y_block), len(X_block)
    ### END SOLUTION


def combine(reports: list[tuple]) -> np.ndarray:
    """Gradient of J over the rows of all blocks, shape (n,), from what `report` returned for each block."""
    ### BEGIN SOLUTION
    sums, rows = zip(*reports, strict=True)
    return sum(sums) / sum(rows)
    ### END SOLUTION


# %% check="5.1"
check("5.1")

# %% [markdown]
# ## 2 The same formula on a Dask array
#
# A Dask array is cut into blocks already, and `@` on it does per block what `report` did by hand. We cut our six
# trips the same way:

# %% tags=["nbval-check-output"]
X_blocks = da.from_array(X_six, chunks=((4, 2), (2,)))
y_blocks = da.from_array(fares, chunks=((4, 2),))
lazy_gradient = X_blocks.T @ (X_blocks @ guess - y_blocks) / 6
lazy_gradient

# %% [markdown]
# Nothing is computed so far; `lazy_gradient` knows its shape and how to be made. One `compute()` sends the whole
# graph off:

# %% tags=["nbval-check-output"]
lazy_gradient.compute()

# %% [markdown]
# Equal to the gradient of section 1, to the last digit shown. It took longer than six rows deserve; section 4 asks
# why.
#
# ### Exercise 5.2 · One gradient, many blocks
#
# Write the gradient for Dask arrays of any size. It arrives as NumPy numbers, and costs one `compute()`.
#
# Difficulty 2 of 5 · 10 minutes · needs nothing · 4 points · for our six trips and `guess` it gives `[0.917,
# 4.917]`


# %% exercise="5.2"
def mse_gradient(X: da.Array, y: da.Array, theta: np.ndarray) -> np.ndarray:
    """Gradient of J at `theta`, shape (n,), over every row of `X` (m, n) and `y` (m,)."""
    ### BEGIN SOLUTION
    residual = X @ theta - y
    return (X.T @ residual / len(X)).compute()
    ### END SOLUTION


# %% check="5.2"
check("5.2")

# %% [markdown]
# ## 3 Taxi fares by gradient descent
#
# What does a mile cost in New York, and what a minute? Real trips, as a Dask DataFrame:

# %%
taxi = load_taxi(months=["2019-03"])
trips = taxi.frame[["tpep_pickup_datetime", "tpep_dropoff_datetime", "trip_distance", "fare_amount", "RatecodeID"]]
trips.head(3)

# %% [markdown]
# We keep trips at the standard rate, with a distance, a duration and a fare that a taxi ride can have. Refunds,
# flat fares to the airport and broken meters follow other rules, and squared errors would listen to them most.

# %%
minutes = (trips["tpep_dropoff_datetime"] - trips["tpep_pickup_datetime"]).dt.total_seconds() / 60
table = trips.assign(minutes=minutes)
table = table[
    (table["RatecodeID"] == 1)
    & table["trip_distance"].between(0.1, 30)
    & table["minutes"].between(1, 90)
    & table["fare_amount"].between(2.5, 100)
]
rides = table[["trip_distance", "minutes", "fare_amount"]].compute()
rides.describe().loc[["count", "mean", "std", "max"]].round(1)

# %% [markdown]
# Few enough rows to look at on one machine, so this section does, and section 4 distributes. Gradient descent walks
# downhill, in steps of $\alpha$ times the gradient; $\alpha$ is the **learning rate**:
#
# ```text
# choose θ and a learning rate α
# repeat T times
#     h ← X θ                      predictions of all m rows
#     g ← (1/m) Xᵀ (h − y)         the gradient of J
#     θ ← θ − α g                  one step downhill
# ```
#
# The code mirrors it line by line. `dask.compute` leaves NumPy arrays as they are, so the same function serves
# both.


# %%
def gradient_descent(X, y, learning_rate, n_iterations):
    """theta (n,) after `n_iterations` steps from zero, and the loss before each step."""
    theta, losses = np.zeros(X.shape[1]), []
    for _ in range(n_iterations):
        residual = X @ theta - y
        gradient, loss = dask.compute(X.T @ residual / len(X), (residual**2).mean() / 2)
        theta = theta - learning_rate * gradient
        losses.append(loss)
    return theta, losses


# %%
y_taxi = rides["fare_amount"].to_numpy()
X_raw = np.column_stack([np.ones(len(rides)), rides["trip_distance"], rides["minutes"]])
_, losses = gradient_descent(X_raw, y_taxi, learning_rate=0.1, n_iterations=6)
print("  ".join(f"{loss:.1e}" for loss in losses))

# %% [markdown]
# The loss grows by orders of magnitude with every step. Minutes are several times larger numbers than miles, so the
# loss is a narrow valley: a step that suits one direction jumps across the other. Columns of mean 0 and standard
# deviation 1 make the valley round:

# %%
features = rides[["trip_distance", "minutes"]]
center, scale = features.mean().to_numpy(), features.std().to_numpy()
X_taxi = np.column_stack([np.ones(len(rides)), (features - center) / scale])
theta, losses = gradient_descent(X_taxi, y_taxi, learning_rate=0.1, n_iterations=6)
print("  ".join(f"{loss:.1e}" for loss in losses))

# %% [markdown]
# The same data, the same learning rate, and the loss now falls.
#
# **Predict first.** With learning rates of 0.01, 0.1, 0.5, 1.0 and 1.2, which curve falls fastest, and does any of
# them rise?

# %%
learning_rates = [0.01, 0.1, 0.5, 1.0, 1.2]
figure, axis = plt.subplots()
for learning_rate in learning_rates:
    _, losses = gradient_descent(X_taxi, y_taxi, learning_rate, n_iterations=60)
    axis.plot(losses, label=f"α = {learning_rate}")
axis.set(yscale="log", ylim=(0.05, 1e3), xlabel="iteration", ylabel="loss J (dollars²)")
axis.set_title(taxi.provenance.title("Loss by learning rate"))
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: five curves of the loss on a logarithmic axis over 60 iterations. That of 0.01 falls slowly, those of 0.5
# and 1.0 quickly to the same floor, that of 1.2 falls once and then rises out of the picture.*
#
# 0.5 is the quickest at first. 1.0 overshoots in one direction, but each overshoot is smaller than the last, so it
# arrives later. 1.2 gains in its first step and overshoots further with each one that follows. Somewhere between
# lies a bound.
#
# The loss is a bowl with the curvature matrix $H = \frac{1}{m} X^\top X$, of shape $(n, n)$. With its minimum at
# $\theta^*$, the gradient is $H(\theta - \theta^*)$, so that a step turns the error $\theta - \theta^*$ into $(I -
# \alpha H)(\theta - \theta^*)$.
#
# ### Exercise 5.3 · How fast may it learn?
#
# From $X^\top X$ alone, give the learning rate at which gradient descent turns from converging to diverging.
#
# Difficulty 3 of 5 · 15 minutes · needs nothing · 4 points · for `X_taxi` it gives about 1.12 on the sample of
# March 2019


# %% exercise="5.3"
def largest_learning_rate(gram: np.ndarray, rows: int) -> float:
    """Least upper bound of the learning rates that converge, from `gram` = XᵀX of shape (n, n) over `rows` rows."""
    ### BEGIN SOLUTION
    return 2 / np.linalg.eigvalsh(gram / rows)[-1]
    ### END SOLUTION


# %% check="5.3"
check("5.3")

# %% [markdown]
# With a rate safely below that bound, 0.9, and enough iterations, what did we learn about New York? We take the
# scaling back, so that the numbers are dollars:

# %%
theta, losses = gradient_descent(X_taxi, y_taxi, learning_rate=0.9, n_iterations=400)
per_mile, per_minute = theta[1:] / scale
start = theta[0] - theta[1:] @ (center / scale)
print(f"{start:.2f} dollars to start, {per_mile:.2f} a mile, {per_minute:.2f} a minute")
print(f"right within a dollar for {(np.abs(X_taxi @ theta - y_taxi) < 1).mean():.0%} of the trips")

# %%
figure, axis = plt.subplots(figsize=(4.2, 3.4))
axis.plot(y_taxi, X_taxi @ theta, ".", markersize=2)
axis.plot([0, 80], [0, 80], color="black", linewidth=0.8)
axis.set(xlabel="fare paid (dollars)", ylabel="fare predicted (dollars)")
axis.set_title(taxi.provenance.title("Fares, predicted and paid"))
plt.show()

# %% [markdown]
# *Figure: predicted against paid fares. The points lie along the diagonal, nearly all within two dollars.*
#
# The [tariff of 2019](https://www.nyc.gov/site/tlc/passengers/taxi-fare.page) was 2.50 dollars to start and 50
# cents for every fifth of a mile at speed **or** every minute in slow traffic. The model knows only "and", so it
# settles for less of each: it found a tariff that nobody wrote down and that is right within a dollar for most
# trips.

# %% [markdown]
# ## 4 What an iteration costs
#
# The gradient by blocks is right; is it fast? From here on we measure, on **generated** rows with 30 columns, four
# blocks per worker, all in the workers' memory.

# %%
n_workers = len(client.nthreads())
n_blocks = 4 * n_workers
truth = np.linspace(-1, 1, 30)


def generate(rows):
    """X (rows, 30) and y (rows,) as Dask arrays of `n_blocks` blocks, in the workers' memory."""
    random = da.random.default_rng(5)
    X = random.normal(size=(rows, 30), chunks=(rows // n_blocks, 30))
    y = X @ truth + random.normal(size=rows, chunks=rows // n_blocks)
    table = client.persist([X, y])
    wait(table)
    return table


def fetch(table):
    """The same rows as NumPy arrays in this process, laid out as if made here (`requirements="A"`: aligned; why, the end of this section says)."""
    return [np.require(array, requirements="A") for array in dask.compute(*table)]


# %% [markdown]
# Two tables: a large one, and one with ten rows a block. On the small one there is nothing to compute, so its time
# is **overhead**: building graphs, scheduling tasks, sending messages.

# %%
large, tiny = generate(n_rows), generate(10 * n_blocks)
print(f"{large[0].nbytes / 1e6:.0f} MB and {tiny[0].nbytes / 1e3:.0f} kB, {n_blocks} blocks each, {n_workers} workers")

# %%
timings = {}


def seconds(function, *arguments, repeats=3):
    """Median time of `function(*arguments)` over `repeats` runs, after one to warm up."""
    function(*arguments)
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        runs.append(time.perf_counter() - start)
    return np.median(runs)


def measure(name, descent, large, tiny):
    """Time one iteration of `descent` on both tables, in milliseconds."""
    timings[name] = [seconds(descent, *table) / n_iterations * 1e3 for table in (large, tiny)]
    print(f"{name}: {timings[name][0]:.3g} ms per iteration; on the tiny table {timings[name][1]:.3g} ms")


# %% [markdown]
# **Predict first.** `gradient_descent` of section 3, without its losses, once on NumPy arrays in this process and
# once on the cluster: who is faster, and what does the tiny table take? (The cell runs for up to half a minute.)


# %%
def descend(X, y):
    """theta (30,) after `n_iterations` steps from zero."""
    theta = np.zeros(30)
    for _ in range(n_iterations):
        (gradient,) = dask.compute(X.T @ (X @ theta - y) / len(X))
        theta = theta - 0.5 * gradient
    return theta


measure("NumPy, one process", descend, fetch(large), fetch(tiny))
measure("compute() per step", descend, large, tiny)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The cluster loses by a multiple, though it has more cores. A table of a few kilobytes alone costs it more than
# NumPy needs for the large one.
#
# </details>
#
# Every step builds a graph of several layers, sends it to the scheduler, which optimises it and hands out tasks,
# many of which take longer to manage than to run. The tasks can be counted, before optimisation:

# %%
residual = large[0] @ truth - large[1]
step = large[0].T @ residual / len(large[0])
print(f"{len(dict(step.__dask_graph__()))} tasks in the graph of one gradient, for {n_blocks} blocks")

# %% [markdown]
# ### First cut: one task per block, pinned
#
# A block's share of the gradient is one function call, so it can be one task. A step must send $\theta$ to each
# block and fetch one sum from each; the blocks themselves can stay.
#
# `place` is plumbing for that: `futures_of` lists the futures behind a persisted array, `client.who_has` says which
# worker has each, `to_delayed` hands out the array's blocks one by one. It makes one future per block, a pair of
# its rows of X and y, and says where it lies. `workers=` sends a task there, however idle another worker may be;
# `allow_other_workers=True` lets it go elsewhere should that worker die.


# %%
def pair(X_block, y_block):
    """The two as one object, laid out as if made on this worker, should one of them have come from another."""
    return np.require(X_block, requirements="A"), np.require(y_block, requirements="A")


def place(client, X, y):
    """For each block of the persisted `X` a future of the pair (X block, y block), and the worker that has it."""
    holders = client.who_has(futures_of(X))
    blocks = []
    for block in zip(*(array.to_delayed(optimize_graph=False).ravel() for array in (X, y)), strict=True):
        worker = holders[block[0].key][0]
        future = client.compute(dask.delayed(pair)(*block), workers=worker, allow_other_workers=True)
        blocks.append((future, worker))
    wait([block for block, _ in blocks])
    return blocks


def block_gradient(block, theta):
    """A block's sum for the gradient at `theta` (n,), and its number of rows."""
    X, y = block
    return X.T @ (X @ theta - y), len(X)


# %% [markdown]
# ### Exercise 5.4 · Blocks that stay
#
# Write gradient descent with `place`, `block_gradient` and futures: per step one task per block, on the worker that
# has the block, and nothing but $\theta$ and sums on the wire. Watch the task stream while your check runs.
#
# Difficulty 4 of 5 · 20 minutes · needs the idea of 5.1 · 6 points · it ends where `gradient_descent` ends


# %% exercise="5.4"
def pinned_descent(client, X: da.Array, y: da.Array, learning_rate: float, n_iterations: int) -> np.ndarray:
    """theta (n,) after `n_iterations` steps of gradient descent from zero; `X` (m, n), `y` (m,) in row blocks."""
    ### BEGIN SOLUTION
    blocks = place(client, X, y)
    theta = np.zeros(X.shape[1])
    for _ in range(n_iterations):
        reports = [
            client.submit(block_gradient, block, theta, workers=worker, allow_other_workers=True)
            for block, worker in blocks
        ]
        sums, rows = zip(*client.gather(reports), strict=True)
        theta = theta - learning_rate * sum(sums) / sum(rows)
    return theta
    ### END SOLUTION


# %% check="5.4"
check("5.4")

# %%
measure("one task per block", lambda X, y: pinned_descent(client, X, y, 0.5, n_iterations), large, tiny)

# %% [markdown]
# The overhead, the time on the tiny table, falls by a multiple, though `place` is timed with it. Every task is
# still a new message to the scheduler, a new entry in its books, and a result to fetch.
#
# ### Second cut: one actor per worker
#
# An **actor** is an object that lives on a worker. A call of one of its methods is no task: there is no graph,
# nothing to schedule and nothing to remember, only a message there and one back. One actor per worker takes the
# blocks that lie there, and a step is one call to each:


# %%
class BlockKeeper:
    """Lives on one worker, holds its blocks, and answers with one sum for all of them."""

    def __init__(self, *blocks):
        self.blocks = blocks
        self.random = np.random.default_rng(len(blocks))

    def gradient(self, theta):
        """The sum for the gradient at `theta` (n,) over all its rows, and their number."""
        sums, rows = zip(*(block_gradient(block, theta) for block in self.blocks), strict=True)
        return sum(sums), sum(rows)

    def batch_gradient(self, theta, size):
        """The same for `size` random rows of one of its blocks (for section 6)."""
        X, y = self.blocks[self.random.integers(len(self.blocks))]
        rows = self.random.integers(len(X), size=size)
        return block_gradient((X[rows], y[rows]), theta)


def keepers_for(client, X, y):
    """One `BlockKeeper` on each worker that holds blocks of `X` and `y`."""
    on_worker = {}
    for block, worker in place(client, X, y):
        on_worker.setdefault(worker, []).append(block)
    keepers = [client.submit(BlockKeeper, *kept, actor=True, workers=worker) for worker, kept in on_worker.items()]
    return client.gather(keepers)


def actor_descent(keepers, learning_rate, n_iterations):
    """theta (30,) after `n_iterations` steps; the keepers work at the same time."""
    theta = np.zeros(30)
    for _ in range(n_iterations):
        calls = [keeper.gradient(theta) for keeper in keepers]
        sums, rows = zip(*(call.result(timeout=60) for call in calls), strict=True)
        theta = theta - learning_rate * sum(sums) / sum(rows)
    return theta


# %%
keepers, tiny_keepers = keepers_for(client, *large), keepers_for(client, *tiny)
measure("one actor per worker", lambda keepers: actor_descent(keepers, 0.5, n_iterations), [keepers], [tiny_keepers])

# %% [markdown]
# An actor's blocks die with its worker: then the call fails after at most a minute, and the actors must be made
# again. The estimator at the end of this chapter does that.
#
# (Here the actors were made before the clock started.) All forms take the same steps, so they must end at the same
# $\theta$:

# %%
np.allclose(actor_descent(keepers, 0.5, n_iterations), descend(*large), rtol=1e-10)

# %%
bars = pd.DataFrame(timings, index=["large table", "tiny table: overhead"]).T
axis = bars[::-1].plot.barh(logx=True, width=0.75, xlabel="milliseconds per iteration (logarithmic)")
for group in axis.containers:
    axis.bar_label(group, fmt=" %.3g")
axis.set_title("One step of gradient descent, generated data")
axis.legend(loc="upper left", bbox_to_anchor=(1.05, 1), reverse=True)
plt.show()

# %% [markdown]
# *Figure: for each form two bars with their milliseconds, for a step on the large and on the tiny table. Among the
# three forms on the cluster the overhead shrinks from one to the next.*
#
# Where the two bars of a form are alike, you pay for management; where they are far apart, for arithmetic. On a
# large table more cores can show in the last two forms, on a smaller one only in the last, and only where cores are
# free. Whether they beat NumPy on your machine is in the figure.
#
# Why do `fetch` and `pair` call `np.require`? A block that crossed the wire works more slowly than one that was
# born where it is used:

# %%
born_here = np.random.default_rng(5).normal(size=(100_000, 30))
travelled = client.gather(client.scatter(born_here, direct=False), direct=False)
theta = np.ones(30)
slowdown = seconds(lambda: travelled @ theta) / seconds(lambda: born_here @ theta)
print(f"aligned: {born_here.flags.aligned} where it was born, {travelled.flags.aligned} after its travels")
print(f"the product takes {slowdown:.0f} times as long")

# %% [markdown]
# Its bytes are the same, but they no longer begin at a multiple of 8, so NumPy copies the array inside every
# product. `np.require(array, requirements="A")` copies once. Better still: load a block where it is used, and leave
# it there.

# %% [markdown]
# ## 5 No iterations at all
#
# At the minimum the gradient is zero, and $X^\top(X\theta - y) = 0$ can be solved as it stands. These are the
# **normal equations**
#
# $$(X^\top X)\,\theta = X^\top y$$
#
# **Predict first.** With a million rows and 30 columns, how many numbers does a block have to report?
#
# <details><summary>Answer</summary>
#
# $X_b^\top X_b$ has shape $(n, n)$ and $X_b^\top y_b$ shape $(n,)$: 930 numbers, whatever the number of rows. And
# it reports them once, not once per step.
#
# </details>


# %%
def block_sums(block):
    """XᵀX (n, n) and Xᵀy (n,) of a block."""
    X, y = block
    return X.T @ X, X.T @ y


def add(*reports):
    """Entry by entry the sum of reports."""
    return tuple(sum(terms) for terms in zip(*reports, strict=True))


# %% [markdown]
# The reports could all be sent here and added. With thousands of blocks that makes this process the bottleneck, so
# workers add in pairs, and pairs of pairs: a **tree reduction**, whose depth grows with the logarithm of the number
# of blocks.
#
# ```text
# block 1 ──┐
#           ├── + ──┐
# block 2 ──┘       │
#                   ├── +   XᵀX and Xᵀy of all rows
# block 3 ──┐       │
#           ├── + ──┘
# block 4 ──┘
# ```


# %%
def tree_sum(client, reports):
    """Future of the sum of all `reports`, added two by two on the workers."""
    while len(reports) > 1:
        reports = [client.submit(add, *reports[i : i + 2]) for i in range(0, len(reports), 2)]
    return reports[0]


# %%
blocks = place(client, *large)


def normal_equations():
    """theta (30,) from one pass over the blocks."""
    reports = [
        client.submit(block_sums, block, workers=worker, allow_other_workers=True, pure=False)
        for block, worker in blocks
    ]
    gram, moment = tree_sum(client, reports).result()
    return np.linalg.solve(gram, moment)


print(f"largest difference from the truth behind the data: {np.abs(normal_equations() - truth).max():.4f}")

# %% [markdown]
# The difference is noise in the data, not in the method: it shrinks with the square root of the number of rows. Now
# the time of the whole fit, against the first steps of gradient descent:

# %%
one_pass = seconds(normal_equations)
steps = seconds(lambda: actor_descent(keepers, 0.5, n_iterations))
print(f"normal equations take as long as {one_pass / steps * n_iterations:.0f} steps of our fastest gradient descent")

# %% [markdown]
# So why gradient descent at all? Because it needs only gradients. A neural network (chapter 07) has them and has no
# normal equations; and with $n$ = 100,000 columns, $X^\top X$ alone would fill 80 GB.
#
# ### Ridge: a penalty, and no second pass
#
# With many columns and few rows the minimum of the loss follows the noise. **Ridge** regression adds
# $\frac{\alpha}{2m}$ times the sum of the squared coefficients to the loss, all but the intercept's (this $\alpha$
# is a penalty, not a learning rate).
#
# ### Exercise 5.5 · Ridge from the same sums
#
# Given $X^\top X$ and $X^\top y$, find the $\theta$ that minimises the penalised loss. Column 0 of X is the column
# of ones.
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · for our six trips and alpha = 2: `[4.000, 2.167]`


# %% exercise="5.5"
def ridge_from_sums(gram: np.ndarray, moment: np.ndarray, alpha: float) -> np.ndarray:
    """theta (n,) of ridge regression from `gram` = XᵀX (n, n) and `moment` = Xᵀy (n,); the intercept goes free."""
    ### BEGIN SOLUTION
    penalty = alpha * np.eye(len(gram))
    penalty[0, 0] = 0
    return np.linalg.solve(gram + penalty, moment)
    ### END SOLUTION


# %% check="5.5"
check("5.5")

# %% [markdown]
# The sums buy more than one fit. Take California's 20,640 districts, each with its median house value in 100,000
# dollars, in eight blocks: leave one block out by *subtracting* its sums, fit on the rest, and score on the block
# left out. That is **cross-validation** of any number of penalties, and the data is read once.

# %%
housing = load_housing()
order = np.random.default_rng(5).permutation(len(housing.y))
folds = np.array_split(order, 8)


def fold_sums(columns):
    """XᵀX, Xᵀy and yᵀy of each fold."""
    return [(*block_sums((columns[fold], housing.y[fold])), housing.y[fold] @ housing.y[fold]) for fold in folds]


def cross_validated_error(parts, alpha):
    """Root mean squared error on the folds left out, from sums alone: ‖Xθ − y‖² = θᵀXᵀXθ − 2θᵀXᵀy + yᵀy."""
    whole, squared = add(*parts), 0
    for gram, moment, square in parts:
        theta = ridge_from_sums(whole[0] - gram, whole[1] - moment, alpha)
        squared += theta @ gram @ theta - 2 * theta @ moment + square
    return np.sqrt(squared / len(housing.y))


# %% [markdown]
# **Predict first.** Once with the columns as they are, once with all their squares and products too, once with
# these and outliers clipped (scaled on all rows, for brevity): which model is better without a penalty, which with
# one?

# %%
alphas, curves = np.logspace(-3, 6, 37), {}
clipped = np.clip(housing.X, *np.quantile(housing.X, [0.01, 0.99], axis=0))
for name, table, degree in [
    ("columns as they are", housing.X, 1),
    ("with squares and products", housing.X, 2),
    ("the same, outliers clipped", clipped, 2),
]:
    columns = make_pipeline(PolynomialFeatures(degree), StandardScaler()).fit_transform(table)
    columns[:, 0] = 1  # scaling turned the column of ones into zeros
    parts = fold_sums(columns)
    curves[name] = [cross_validated_error(parts, alpha) for alpha in alphas]
axis = pd.DataFrame(curves, index=alphas).plot(logx=True, style=["-", "--", "-."])
axis.set(xlabel="penalty α", ylabel="cross-validated error\n(100,000 dollars)", ylim=(0.5, 2))
axis.set_title(housing.provenance.title("Ridge on house values"))
plt.show()

# %% [markdown]
# *Figure: error against penalty. For the columns as they are it is flat up to penalties of hundreds. With squares
# and products it leaves the picture on the left, dips, rises to a hump and dips again; both dips are a shade below
# the first curve. With every column cut off at its 1st and 99th percentile it is lowest of all, flat, and rises
# only for large penalties.*
#
# A few extreme districts, squared, rule the fit without a penalty. The penalty takes that power away, and gains a
# few percent over the plain columns. Clipping those districts gains far more, and then no penalty is needed: a
# penalty repairs a model, a look at the data makes a better one.

# %% [markdown]
# ## 6 Mini-batches: many cheap steps
#
# A full gradient reads every row to take one step. **Stochastic gradient descent** reads a few random rows, a
# mini-batch, and steps at once: a noisier direction, many times as often, with a smaller learning rate as it is
# less to be trusted. Back to the taxi fares, three passes over the rows:


# %%
def minibatch_descent(X, y, batch_size, learning_rate, passes, random):
    """Passes done and the loss over all rows, about ten times per pass; each pass shuffles the rows."""
    theta, history = np.zeros(X.shape[1]), []
    batches = len(X) // batch_size
    for step in range(passes * batches + 1):
        if step % max(1, batches // 10) == 0:
            history.append((step / batches, ((X @ theta - y) ** 2).mean() / 2))
        if step % batches == 0:
            order = random.permutation(len(X))
        rows = order[step % batches * batch_size :][:batch_size]
        theta = theta - learning_rate * X[rows].T @ (X[rows] @ theta - y[rows]) / batch_size
    return np.array(history).T


# %%
figure, axis = plt.subplots()
for batch_size, learning_rate in [(len(X_taxi), 0.9), (256, 0.3), (16, 0.05)]:
    passes_done, losses = minibatch_descent(X_taxi, y_taxi, batch_size, learning_rate, 3, np.random.default_rng(5))
    axis.plot(passes_done, losses, marker=".", label=f"{batch_size} rows per step, α = {learning_rate}")
axis.set(yscale="log", xlabel="passes over the data", ylabel="loss J (dollars²)")
axis.set_title(taxi.provenance.title("Loss by batch size"))
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: after three passes and three steps the full batch is still well above the others; with 256 and with 16
# rows per step the loss is down within the first pass.*
#
# Per row read, small batches win by far. Per second on a cluster? Each keeper draws its share of the batch from one
# of its blocks, and a step is again one call to each.
#
# **Predict first.** A step on 16 rows, here and over the actors: how many times as long does it take there?

# %%
X_here, y_here = fetch(large)
random = np.random.default_rng(5)


def batch_here(theta, size=16):
    """Gradient over `size` random rows in this process."""
    rows = random.integers(len(X_here), size=size)
    total, count = block_gradient((X_here[rows], y_here[rows]), theta)
    return total / count


def batch_on_workers(theta, size=16):
    """Gradient over `size` random rows, an equal share from each keeper."""
    calls = [keeper.batch_gradient(theta, size // len(keepers)) for keeper in keepers]
    sums, rows = zip(*(call.result(timeout=60) for call in calls), strict=True)
    return sum(sums) / sum(rows)


def hundred_steps(batch_gradient):
    """theta (30,) after 100 noisy steps."""
    theta = np.zeros(30)
    for _ in range(100):
        theta = theta - 0.05 * batch_gradient(theta)
    return theta


# %%
ratio = seconds(hundred_steps, batch_on_workers) / seconds(hundred_steps, batch_here)
print(f"a mini-batch step over the actors takes {ratio:.0f} times as long as here")

# %% [markdown]
# Here Dask loses, and no trick in this chapter saves it: a step that small is over before a message arrives. What
# helps is to talk less often, to let each worker take many steps on its own rows between two messages. That is
# local SGD, in chapter 07.

# %% [markdown]
# ## 7 The estimator, and whether to use it
#
# What this chapter arrived at is in `helpers.ml`, with scikit-learn's interface: one pass, one task per block where
# it lies, and the intercept handled by centring, which keeps digits that plain $X^\top X$ would lose. On the same
# table, it must agree with scikit-learn.

# %%
X_large, y_large = large
model = LinearRegression().fit(X_large, y_large)
peer = SingleMachineRegression().fit(X_here, y_here)
print(f"largest difference of a coefficient from scikit-learn's: {np.abs(model.coef_ - peer.coef_).max():.1e}")

# %% [markdown]
# And on California housing, beside dask-ml too? $R^2$ is the share of the variance that a model explains.

# %%
X_here, y_here = StandardScaler().fit_transform(housing.X), housing.y
X_blocks, y_blocks = da.from_array(X_here, chunks=(3000, -1)), da.from_array(y_here, chunks=3000)
predictions = {
    "scikit-learn": SingleMachineRegression().fit(X_here, y_here).predict(X_here),
    "dask-ml, Newton": DaskMLRegression(solver="newton").fit(X_blocks, y_blocks).predict(X_blocks).compute(),
    "this course": LinearRegression().fit(X_blocks, y_blocks).predict(X_blocks).compute(),
}
for name, predicted in predictions.items():
    print(f"{name:16} R² = {1 - ((predicted - y_here) ** 2).mean() / y_here.var():.6f}")

# %% [markdown]
# One loss has one minimum, and all three find it. They differ in what they pay.
#
# **Predict first.** Against scikit-learn in one process and dask-ml on the same cluster, at ten thousand rows and
# at a million: who wins where?


# %%
def fit_times(rows):
    """Seconds to fit `rows` rows that are in memory already: on the workers, or here for scikit-learn."""
    X, y = generate(rows)
    X_here, y_here = fetch([X, y])
    return {
        "scikit-learn, one process": seconds(lambda: SingleMachineRegression().fit(X_here, y_here)),
        "dask-ml, Newton": seconds(lambda: DaskMLRegression(solver="newton").fit(X, y), repeats=1),
        "this course, on Dask": seconds(lambda: LinearRegression().fit(X, y)),
    }


# %%
curve = pd.DataFrame({rows: fit_times(rows) for rows in sizes}).T
figure, axis = plt.subplots()
for (name, times), marker in zip(curve.items(), "os^", strict=True):
    axis.plot(times.index, times, marker=marker, label=name)
axis.set(xscale="log", yscale="log", xlabel="rows of 30 columns", ylabel="seconds per fit")
axis.set_title("Time to fit, generated data in memory")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: three curves of time against rows, both axes logarithmic. scikit-learn's is lowest for few rows and rises
# with them; ours rises far less; dask-ml's starts highest.*
#
# A curve that hardly rises is overhead. dask-ml's Newton method reads the data several times, with graphs of its
# own each time. For ten thousand rows scikit-learn is the fastest: use it, there is nothing to distribute. Further
# right the lines cross. scikit-learn solves by singular value decomposition, which is safer for nearly dependent
# columns and costs more arithmetic: part of our lead is another algorithm, and NumPy with the normal equations in
# one process has it too ([benchmarks](../docs/benchmarks.md)).

# %% [markdown]
# ### Exercise 5.6 · Is it worth a cluster?
#
# Two measurements tell: what a fit costs on a table of almost no rows, and what each row adds on either side. From
# which number of rows on does the cluster pay?
#
# Difficulty 1 of 5 · 5 minutes · needs nothing · 2 points · for 0.5 s, 2 µs and 1 µs it gives 500,000 rows


# %% exercise="5.6"
def break_even_rows(overhead: float, one_process: float, cluster: float) -> float:
    """Rows at which both take equally long: `overhead` in seconds, the others in seconds per row; inf if never."""
    ### BEGIN SOLUTION
    if cluster >= one_process:
        return np.inf
    return overhead / (one_process - cluster)
    ### END SOLUTION


# %% check="5.6"
check("5.6")

# %%
few, many = sizes[0], sizes[-1]
per_row = (curve.loc[many] - curve.loc[few]) / (many - few)
overhead = curve.loc[few, "this course, on Dask"]
rows = break_even_rows(overhead, per_row["scikit-learn, one process"], per_row["this course, on Dask"])
print(f"on this machine the cluster pays from about {rows:.1g} rows on")

# %% [markdown]
# That holds for data that is in memory on both sides. The cluster's better argument comes before speed: **rows that
# do not fit into one machine's memory**, or that already lie spread over many.

# %%
client.close()
progress()

# %% [markdown]
# ## Summary
#
# - The gradient of a mean loss is a sum over blocks divided by the number of all rows. Sums travel, means do not
#   add up.
# - A step of gradient descent is small. What it costs on a cluster is overhead: count tasks and messages, then let
#   data stay and keep long-lived objects beside it.
# - With few columns, the normal equations need one pass, $n(n+1)$ numbers per block and a tree to add them; ridge
#   and cross-validation come out of the same sums.
# - Small steps and small tables belong on one machine. Two measurements tell where the line is.
#
# **Explain aloud**
#
# 1. Why may blocks have different sizes for the sum, and not for the average of averages?
# 2. Of the four forms of gradient descent, which costs grow with the number of blocks, and which with the number of
#    workers?
# 3. Why can ridge be cross-validated without reading the data again, and why can a neural network not?
#
# **An open problem.** Our actors wait for the slowest worker in every step. What could a worker do with the time,
# and what would that do to the gradient? (Chapters 01 and 07 take it up.)
#
# **Next**: 06 · K-means, where blocks report sums again, and the iterations cannot be avoided.
