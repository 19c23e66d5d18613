# %% [markdown]
# # 06 · K-means
#
# **After this chapter you can**
#
# - say what a block of rows must report so that many blocks find one set of centres, also where a block has no row
#   of some cluster;
# - run an iteration in one pass over the data instead of one per cluster, and count both;
# - choose a start, and say what k-means|| saves on a cluster;
# - repair an empty cluster, compare numbers of clusters, and tell from measurements when one process is faster.
#
# **Time** about two hours, of which two minutes are computing. **Needs** chapter 05 (sums per block), chapter 03
# (delayed, persisted arrays); Euclidean distance, matrix products. **Data** a photograph that ships with scikit-learn, news
# posts of 1993, and generated points where the truth must be known or speed is measured.

# %% tags=["parameters"]
n_rows = 1_000_000  # generated rows of 20 columns; tiny: 20_000; full: 8_000_000
sizes = [2_000, 50_000, 1_000_000]  # rows of the scaling curve; tiny: [500, 4_000]; full: [2_000, 100_000, 8_000_000]
n_starts = 100  # fits from random starts; tiny: 20
pixel_step = 1  # every pixel of the photograph; tiny: 4
n_posts = 11_314  # news posts; tiny: 1_500

# %%
import time
import tracemalloc

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from dask.distributed import get_task_stream, wait
from dask_ml.cluster import KMeans as DaskMLKMeans
from matplotlib_inline.backend_inline import set_matplotlib_formats
from sklearn.cluster import KMeans as SingleMachineKMeans
from sklearn.cluster import kmeans_plusplus
from sklearn.datasets import load_sample_image, make_blobs
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin_min
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_info, threadpool_limits

from helpers.cluster import start_cluster
from helpers.data import load_newsgroups
from helpers.exercise import Unsolved, check, hint, progress, reset, solution
from helpers.ml import KMeans
from helpers.plots import draw_graph, draw_task_stream, pipeline

plt.style.use("helpers.figures")
pipeline("algorithm")

# %% [markdown]
# The cluster, and the link to its dashboard. Keep the dashboard's task stream beside this page.

# %%
client = start_cluster()
client

# %% [markdown]
# ## 1 Six points, two blocks
#
# Six points in the plane, and nobody says which belong together. We ask for $k = 2$ groups, and start badly: both
# **centres** on points of the same group.

# %%
points = np.array([[1.0, 1.0], [2.0, 1.0], [1.0, 2.0], [6.0, 5.0], [7.0, 5.0], [6.0, 6.0]])
start = np.array([[1.0, 1.0], [2.0, 1.0]])

# %% [markdown]
# Each point goes to the nearest centre. Squared distances serve as well as distances, and spare the root:

# %% tags=["nbval-check-output"]
squared = ((points[:, None, :] - start) ** 2).sum(axis=2)
cluster = squared.argmin(axis=1)
pd.DataFrame(points, columns=["x", "y"]).assign(to_first=squared[:, 0], to_second=squared[:, 1], cluster=cluster)

# %% [markdown]
# `points[:, None, :] - start` has shape (6, 2, 2): every point minus every centre, in each coordinate. One number
# says how bad the centres are, the **inertia**: the sum over all points of the squared distance to the nearest
# centre,
#
# $$\Phi(c) = \sum_{i=1}^{n} \min_{j \le k} \lVert x_i - c_j \rVert^2$$
#
# with $n$ points $x_i$ and $k$ centres $c_j$, all of shape $(d,)$. **Lloyd's algorithm** makes it smaller in two
# steps that it repeats:
#
# ```text
# choose k centres
# repeat until no point changes its cluster
#     assign    each point to the nearest centre
#     average   each centre ← mean of its points
# ```


# %%
def lloyd(X, centers, n_iterations):
    """Centres (k, d) after `n_iterations` steps, and the inertia at the beginning of each."""
    curve = []
    for _ in range(n_iterations):
        squared = ((X[:, None, :] - centers) ** 2).sum(axis=2)
        members = squared.argmin(axis=1)[:, None] == np.arange(len(centers))  # (n, k), one True per row
        centers = members.T @ X / members.sum(axis=0)[:, None]
        curve.append(squared.min(axis=1).sum())
    return centers, curve


# %% [markdown]
# `members.T @ X` adds up the points of each cluster, `members.sum(axis=0)` counts them.
#
# **Predict first.** How does the inertia move over four iterations from our bad start?

# %% tags=["nbval-check-output"]
centers, curve = lloyd(points, start, 4)
print("inertia ", np.round(curve, 2))
print("centres ", np.round(centers, 2).tolist())

# %% [markdown]
# <details><summary>Answer</summary>
#
# It falls until nothing changes any more. Assigning can only lower it, since each point takes its best centre.
# Averaging can only lower it, since the mean of points is where their squared distances add up to least. There are
# finitely many ways to assign points, so it stops. Where it stops depends on the start: section 5.
#
# </details>
#
# Now the points lie on two machines, four and two. Each machine can assign its own points, given the centres. The
# centres after the step are means over both:

# %% tags=["nbval-check-output"]
first, second = slice(0, 4), slice(4, 6)
print("clusters in the first block ", cluster[first])
print("clusters in the second block", cluster[second])

# %% [markdown]
# The second block has no point of cluster 0, so it has no mean of cluster 0 to report. As in chapter 05, means do not
# add up, sums and counts do: and a sum over no points is a vector of zeros, with a count of zero beside it.
#
# ### Exercise 6.1 · What a block reports
#
# `tally` runs where a block lies and reports sums and counts per cluster; `merge` gets the reports of all blocks and
# returns the new centres. A cluster without a point in any block keeps the centre it had.
#
# Difficulty 2 of 5 · 10 minutes · needs nothing · 4 points · for our two blocks and `cluster` it gives `[[1.000,
# 1.500], [5.250, 4.250]]`:
#
# ```python
# merge([tally(points[first], cluster[first], 2), tally(points[second], cluster[second], 2)], start)
# ```
#
# Stuck? `hint("6.1")` gives a hint, and another one when called again; `solution("6.1")` shows an answer, and
# `solution("6.1", use=True)` defines it, so that you can go on.


# %% exercise="6.1"
def tally(X_block: np.ndarray, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums (k, d) and counts (k,) of the rows of `X_block` (m, d) in each cluster; `labels` (m,) are from 0 to k - 1."""
    ### BEGIN SOLUTION
    members = labels[:, None] == np.arange(k)
    return members.T @ X_block, members.sum(axis=0)
    ### END SOLUTION


def merge(tallies: list[tuple[np.ndarray, np.ndarray]], centers: np.ndarray) -> np.ndarray:
    """Centres (k, d) after a step, from what `tally` returned for each block; `centers` (k, d) are those before it."""
    ### BEGIN SOLUTION
    sums, counts = (sum(parts) for parts in zip(*tallies, strict=True))
    means = sums / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, centers)
    ### END SOLUTION


# %% check="6.1"
check("6.1")

# %% [markdown]
# ## 2 Distances, without the third dimension
#
# More points: nine heaps of them, drawn so that they can be looked at, and `lloyd` from nine random points.

# %%
heaps = np.array([[x, y] for x in (0, 4, 8) for y in (0, 4, 8)], dtype=float)
X_heaps, heap = make_blobs(n_samples=1800, centers=heaps, cluster_std=0.7, random_state=6)
unlucky = X_heaps[np.random.default_rng(9).choice(len(X_heaps), 9, replace=False)]


def show_clusters(axis, X, centers, title):
    """Every third point in the colour of its nearest centre, and the centres as crosses."""
    X = X[::3]
    axis.scatter(
        *X.T, c=pairwise_distances_argmin_min(X, centers)[0], s=5, linewidths=0, antialiased=False, cmap="tab10"
    )
    axis.plot(*centers.T, "X", color="black", markeredgecolor="white", markersize=9)
    axis.set(title=title, aspect="equal", xlabel="x (no unit)")


# %%
figure, axes = plt.subplots(1, 4, figsize=(9, 2.7), sharey=True)
for axis, n_iterations in zip(axes, (0, 1, 3, 30), strict=True):
    show_clusters(axis, X_heaps, lloyd(X_heaps, unlucky, n_iterations)[0], f"iterations: {n_iterations}")
axes[0].set_ylabel("y (no unit)")
plt.show()

# %% [markdown]
# *Figure: nine round heaps of points on a grid, four times, with nine crosses for the centres. The crosses begin on
# random points and move. After 30 iterations one heap has two crosses, and one cross stands between two heaps.*
#
# The iterations have come to rest, and anyone who looks could do better: section 5 comes back to that. First a more
# pressing matter. `X[:, None, :] - centers` makes an array of shape $(n, k, d)$:

# %%
X_part = np.random.default_rng(6).normal(size=(20_000, 20))
some_centers = X_part[:20]


def peak_memory(function, *arguments):
    """Megabytes that are allocated at the most while `function(*arguments)` runs."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


print(
    f"{X_part.nbytes / 1e6:.1f} MB of rows; one iteration allocates {peak_memory(lloyd, X_part, some_centers, 1):.0f} MB"
)

# %% [markdown]
# With 20 centres it takes more than 20 times the memory of the data: each worker would run out long before its data
# filled it. The way out is to multiply out the square:
#
# $$\lVert x - c \rVert^2 = \lVert x \rVert^2 - 2\, x \cdot c + \lVert c \rVert^2$$
#
# The middle term for all points and centres is one matrix product, $X C^\top$ of shape $(n, k)$, and matrix products
# are what a processor does best. The formula has a price:

# %%
x = np.array([1000.1, 2000.2], dtype="float32")
c = x + np.float32(0.01)
print(f"as a difference {((x - c) ** 2).sum():.5f}, multiplied out {x @ x - 2 * x @ c + c @ c:.5f}")

# %% [markdown]
# Two numbers of several millions are subtracted to find one of a few ten-thousandths, and float32 has seven digits to
# do it with. The result can even be negative, and the root of that is NaN. What helps: no distance changes when all
# points and centres move together.
#
# ### Exercise 6.2 · The nearest centre
#
# Find for each row the nearest centre and the squared distance to it, without an array of shape $(n, k, d)$. No
# distance may be negative, and points that lie a million units from zero must keep their digits.
#
# Difficulty 3 of 5 · 15 minutes · needs nothing · 4 points · `nearest(points, start)` gives `[0, 1, 0, 1, 1, 1]` and
# `[0, 0, 1, 32, 41, 41]`


# %% exercise="6.2"
def nearest(X: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the nearest of `centers` (k, d) for each row of `X` (n, d), and the squared distance to it: (n,), (n,)."""
    ### BEGIN SOLUTION
    middle = centers.mean(axis=0)
    X, centers = X - middle, centers - middle
    scores = X @ (-2 * centers.T)
    scores += (centers**2).sum(axis=1)
    labels = scores.argmin(axis=1)
    squared = scores[np.arange(len(X)), labels] + (X**2).sum(axis=1)
    return labels, np.maximum(squared, 0)
    ### END SOLUTION


# %% check="6.2"
check("6.2")

# %% [markdown]
# $\lVert x \rVert^2$ is the same for all centres, so that it need not be known to find the nearest one.
#
# **Predict first.** Three ways for 20,000 rows: all differences at once, one centre after the other, and yours. Which
# takes the least time, and which saves the memory?


# %%
def broadcast(X, centers):
    """What `nearest` returns, by an array of shape (n, k, d)."""
    squared = ((X[:, None, :] - centers) ** 2).sum(axis=2)
    return squared.argmin(axis=1), squared.min(axis=1)


def loop(X, centers):
    """The same, one centre after the other: an array of shape (k, n), and k passes over the rows."""
    squared = np.array([((X - center) ** 2).sum(axis=1) for center in centers])
    return squared.argmin(axis=0), squared.min(axis=0)


def seconds(function, *arguments, repeats=5):
    """Shortest time of `function(*arguments)` over `repeats` runs, after one to warm up: the least disturbed."""
    function(*arguments)
    runs = []
    for _ in range(repeats):
        start_time = time.perf_counter()
        function(*arguments)
        runs.append(time.perf_counter() - start_time)
    return min(runs)


# %%
for name, function in [("broadcast", broadcast), ("loop", loop), ("nearest", nearest)]:
    with threadpool_limits(1):  # matrix products on one thread, as on a worker
        time_taken = seconds(function, X_part, some_centers)
    print(f"{name:9}  {time_taken * 1e3:6.1f} ms  {peak_memory(function, X_part, some_centers):6.1f} MB")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The loop and `nearest` save the third dimension: what is left is of shape $(n, k)$ and $(n, d)$. The loop goes over
# all rows once per centre; `nearest` leaves that to one matrix product, which is made for it, and is the fastest.
#
# </details>

# %% [markdown]
# ## 3 One pass instead of one per cluster
#
# From here on the rows are in the workers' memory, each block born where it lies (chapter 05 measured why that
# matters): 20 columns around 20 hidden centres, for this section in eight blocks.

# %%
n_workers = len(client.nthreads())
n_blocks = 4 * n_workers
truth = np.random.default_rng(6).normal(scale=0.8, size=(20, 20))


def make_block(rows, seed, hidden=truth):
    """`rows` points (rows, 20), each around one of the centres `hidden`."""
    random = np.random.default_rng(seed)
    return hidden[random.integers(len(hidden), size=rows)] + random.normal(size=(rows, 20))


def generate(rows, n_blocks=n_blocks, hidden=truth):
    """X (rows, 20) as a Dask array of `n_blocks` blocks in the workers' memory."""
    rows //= n_blocks
    blocks = [dask.delayed(make_block)(rows, seed, hidden) for seed in range(n_blocks)]
    X = client.persist(da.concatenate([da.from_delayed(block, (rows, 20), float) for block in blocks]))
    wait(X)
    return X


# %%
X_small = generate(n_rows // 10, n_blocks=8)
start_20 = X_small[:20].compute()
print(f"{X_small.nbytes / 1e6:.1f} MB in {X_small.numblocks[0]} blocks on {n_workers} workers")

# %% [markdown]
# An iteration as one would write it down with Dask arrays: the distances to each centre, the nearest, and for each
# cluster the mean of its rows.


# %%
def distances_to(X, centers):
    """Squared distances (k, n), lazy, a layer of the graph for every centre."""
    return da.stack([((X - center) ** 2).sum(axis=1) for center in centers])


def natural_step(X, centers):
    """New centres (k, d): one mean per cluster, each computed when it is needed."""
    labels = distances_to(X, centers).argmin(axis=0)
    return np.array([X[labels == cluster].mean(axis=0).compute() for cluster in range(len(centers))])


# %% [markdown]
# The graph of **one** of its means, for two blocks and two centres:

# %%
X_two = da.from_array(points, chunks=(3, 2))
labels_two = distances_to(X_two, start).argmin(axis=0)
draw_graph(X_two[labels_two == 0].mean(axis=0), optimize=True)

# %% [markdown]
# *Figure: a graph in five columns; the boxes on the left are the two blocks and the two centres. For each block there is
# a task per centre for the distances, one that finds the nearest, and one that adds up the rows under the mask; a last
# task divides.*
#
# The mean of the next cluster does all of it again, since nothing of this graph is kept.
#
# **Predict first.** With six clusters, how often does `natural_step` read the data?

# %%
streams = {}


def watch(name, step, *arguments):
    """Run `step(*arguments)`, print what it took, keep its tasks for a picture. Six points go first, to warm up."""
    step(X_two, start)
    with get_task_stream() as stream:
        start_time = time.perf_counter()
        step(*arguments)
        took = time.perf_counter() - start_time
    streams[name] = stream.data
    print(f"{name}: {len(stream.data)} tasks for {X_small.numblocks[0]} blocks, {took:.2f} s")


watch("a compute per cluster", natural_step, X_small, start_20[:6])


# %% [markdown]
# <details><summary>Answer</summary>
#
# Once per cluster: six passes over the data for one iteration, in six graphs that follow each other. With 20 clusters
# it would be 20 passes, each of them longer.
#
# </details>
#
# The first remedy is known from chapter 05. Build all means lazily and compute once; then the clusters share the
# distances.


# %%
def shared_step(X, centers):
    """New centres (k, d): one mean per cluster, all in one graph."""
    labels = distances_to(X, centers).argmin(axis=0)
    return np.array(dask.compute(*[X[labels == cluster].mean(axis=0) for cluster in range(len(centers))]))


watch("one compute", shared_step, X_small, start_20[:6])

# %% [markdown]
# One pass over the rows, and the tasks fall by a multiple. But every block still passes through a few tasks per
# cluster, most of them too short to be worth their management. The second remedy: what a block has to do in an
# iteration is one function call, so it can be one task. This is it, made of your two functions; it adds the third
# thing that all blocks can sum up, the inertia:


# %%
def block_report(X_block, centers):
    """Sums (k, d), counts (k,) and inertia of one block of rows."""
    labels, squared = nearest(X_block, centers)
    return *tally(X_block, labels, len(centers)), squared.sum()


# %% [markdown]
# ### Exercise 6.3 · One pass per iteration
#
# Write one iteration of Lloyd's algorithm for a Dask array: one `block_report` per block, one `compute()`, one
# `merge`. `X.to_delayed(optimize_graph=False)` hands out the blocks of a persisted array one by one.
#
# Difficulty 3 of 5 · 15 minutes · needs 6.1 and 6.2 · 5 points · `lloyd_step(X_two, start)` gives `[[1.000, 1.500],
# [5.250, 4.250]]` and an inertia of 115


# %% exercise="6.3"
def lloyd_step(X: da.Array, centers: np.ndarray) -> tuple[np.ndarray, float]:
    """Centres (k, d) after one iteration over `X` (n, d), cut into blocks of rows, and the inertia of `centers` (k, d)."""
    ### BEGIN SOLUTION
    blocks = X.to_delayed(optimize_graph=False).ravel()
    reports = dask.compute(*[dask.delayed(block_report)(block, centers) for block in blocks])
    tallies = [(sums, counts) for sums, counts, _ in reports]
    return merge(tallies, centers), sum(inertia for _, _, inertia in reports)
    ### END SOLUTION


# %% check="6.3"
check("6.3")

# %%
watch("one task per block", lloyd_step, X_small, start_20[:6])

# %% [markdown]
# The same as a picture, one row per worker, with the same axis for all:

# %%
figure, axes = plt.subplots(len(streams), 1, figsize=(7, 1.9 * len(streams)), sharex=True)
for axis, (name, records) in zip(np.atleast_1d(axes), streams.items(), strict=True):
    draw_task_stream(records, name, axis).set_xlabel("")
    if legend := axis.get_legend():
        legend.remove()  # dozens of names; the colours tell tasks apart
axis.set_xlabel("seconds since the first task began")
plt.show()

# %% [markdown]
# *Figure: task streams of one iteration, a colour per kind of task, transfers hatched. With a compute per cluster the
# stream is long and mostly empty: short tasks with gaps between the graphs. With one compute it is a fraction as long,
# and with one task per block there are a few bars and nothing else.*
#
# Do the forms give the same centres?

# %%
np.allclose(shared_step(X_small, start_20[:6]), lloyd_step(X_small, start_20[:6])[0])

# %% [markdown]
# They do. The first stream is mostly waiting, for one graph after the other.

# %% [markdown]
# ## 4 The same as scikit-learn
#
# From the same start all correct programs take the same steps as long as no cluster is empty: assignments and means
# leave nothing to choose.
# scikit-learn accepts centres as `init`; with `tol=0` it goes on until no label changes, or `max_iter` is reached.

# %%
X_here = X_small.compute()
peer = SingleMachineKMeans(20, init=start_20, n_init=1, max_iter=10, tol=0, algorithm="lloyd").fit(X_here)

# %%
found = start_20
for _ in range(10):
    found, _ = lloyd_step(X_small, found)
print(f"largest difference from scikit-learn's centres: {np.abs(found - peer.cluster_centers_).max():.1e}")

# %% [markdown]
# Equal within rounding. Sums added in another order differ in the last digits, which is all that the cut into blocks
# can change.
#
# What this chapter arrives at is in `helpers.ml`, with scikit-learn's interface: one pass per iteration, the blocks
# stay where they lie. **Predict first.** In which digit do the centres of two cuts of the same rows first differ?

# %%
for rows_per_chunk in (len(X_here), len(X_here) // 17):
    X_cut = X_small.rechunk((rows_per_chunk, -1)).persist()
    model = KMeans(20, init=start_20, max_iter=10, tol=0).fit(X_cut)
    same = (model.labels_.compute() == peer.labels_).mean()
    difference = np.abs(model.cluster_centers_ - peer.cluster_centers_).max()
    print(f"{X_cut.numblocks[0]:2} blocks: centres within {difference:.0e}, {same:.2%} of the labels equal")

# %% [markdown]
# <details><summary>Answer</summary>
#
# In one of the last, whatever the chunks. A label can differ only where a row lies as far from two centres, to the
# last digits.
#
# </details>
#
# What no rounding explains are rules that programs choose: when to stop, and what to do with an empty cluster.
# `KMeans` follows scikit-learn in both; section 6 is about the second.

# %% [markdown]
# ## 5 Where it starts decides
#
# Back to the nine heaps. scikit-learn fits them from many random starts, and from as many starts by **k-means++**
# (Arthur and Vassilvitskii, *The advantages of careful seeding*, 2007), which draws the first centre at random and
# each further one with a probability proportional to the squared distance to the nearest centre so far: far from all
# centres is where one is missing. scikit-learn's variant is greedy: it draws several candidates for each centre and
# keeps the one that lowers the inertia most.
#
# **Predict first.** Out of a hundred random starts, how many find the nine heaps?


# %%
def final_inertias(init):
    """Inertia after fitting the heaps from `n_starts` starts."""
    return [
        SingleMachineKMeans(9, init=init, n_init=1, random_state=seed).fit(X_heaps).inertia_ for seed in range(n_starts)
    ]


inertias = {"random points": final_inertias("random"), "scikit-learn's k-means++": final_inertias("k-means++")}
best = min(min(values) for values in inertias.values())
bins = np.linspace(1, max(map(max, inertias.values())) / best * 1.001, 40)
figure, axes = plt.subplots(2, 1, figsize=(7, 3.6), sharex=True, sharey=True)
for axis, (name, values) in zip(axes, inertias.items(), strict=True):
    axis.hist(np.array(values) / best, bins=bins)
    axis.set(title=f"Nine heaps, starts from {name}", ylabel="number of starts")
axis.set_xlabel("inertia after the last iteration (best = 1)")
plt.show()

# %% [markdown]
# *Figure: two histograms of the inertia, as a multiple of the best. Random starts stand in several peaks: at the
# best, a little below two and below three times the best. Starts by k-means++ stand nearly all at the best.*
#
# <details><summary>Answer</summary>
#
# Fewer than half. Each peak to the right is one more pair of heaps that shares a centre while another heap has one too
# many.
# No iteration repairs it: between them lies empty space, and a mean does not jump.
#
# </details>
#
# So draw the start by k-means++. On a cluster it has a flaw: each centre is drawn by distances to all centres before
# it, so it takes **k passes** over the data, one after the other. For a thousand clusters that is a thousand passes
# before the first iteration.
#
# **k-means||** ([Bahmani et al. 2012](https://arxiv.org/abs/1203.6402)) draws many candidates per pass:
#
# ```text
# candidates ← one row
# repeat about 5 times                                          one pass each
#     Φ ← inertia of the candidates over all blocks
#     in each block: take every row with probability ℓ · d²(row) / Φ, independently of the others
#     candidates ← candidates and all rows taken                about ℓ more
# weights ← for each candidate the number of rows nearest to it   one pass
# centres ← k-means of the few weighted candidates, in one process
# ```
#
# $\ell$ is the number of candidates to expect per round, a small multiple of $k$; $d^2$ is the squared distance to
# the nearest candidate. A block needs one number from outside, $\Phi$: the draws do not depend on each other.
#
# ### Exercise 6.4 · A round of k-means|| in one block
#
# Write what happens in one block in one round. The same seed must give the same rows, also on another worker: then a
# block that is lost can be drawn again.
#
# Difficulty 2 of 5 · 15 minutes · needs nothing · 4 points · for the six points with squared distances `[0, 1, 1, 41,
# 52, 50]`, an inertia of 145 and 2 rows expected it returns 2 of the points on average, nearly always from the last
# three


# %% exercise="6.4"
def draw_candidates(X_block: np.ndarray, squared: np.ndarray, inertia: float, expected: float, seed: int) -> np.ndarray:
    """Rows (r, d) of `X_block` (m, d) that are drawn; `squared` (m,) to the nearest candidate, `inertia` of all blocks."""
    ### BEGIN SOLUTION
    probability = expected * squared / inertia
    return X_block[np.random.default_rng(seed).random(len(X_block)) < probability]
    ### END SOLUTION


# %% check="6.4"
check("6.4")

# %% [markdown]
# The rest is plumbing: the distances stay on the workers from round to round, and the rows are compared with new
# candidates only. Beside it stands k-means++ with one candidate per draw, on the same blocks.


# %%
def distances(X_block, candidates, before):
    """Squared distance (m,) of each row to the nearest candidate, or `before` (m,) where that is less."""
    return np.minimum(nearest(X_block, candidates)[1], before)


def weights(X_block, candidates):
    """For each candidate the number of rows of the block that are nearest to it."""
    return np.bincount(nearest(X_block, candidates)[0], minlength=len(candidates))


def draw_one(X_block, squared, seed):
    """The sum of `squared` (m,), and one row (1, d), drawn with a probability proportional to its entry."""
    row = np.random.default_rng(seed).choice(len(X_block), p=squared / squared.sum())
    return squared.sum(), X_block[[row]]


def on_blocks(function, *columns):
    """Delayed calls of `function`, one per block; each of `columns` has an entry per block."""
    return [dask.delayed(function)(*arguments) for arguments in zip(*columns, strict=True)]


# %%
def k_means_parallel(X, k, seed, n_rounds=5):
    """Centres (k, d) to start from."""
    blocks = X.to_delayed(optimize_graph=False).ravel().tolist()
    n = len(blocks)
    seeds = np.random.default_rng(seed).integers(2**32, size=(n_rounds, n)).tolist()
    candidates = new = X[:1].compute()
    squared = [np.inf] * n
    for in_round in seeds:
        squared = dask.persist(*on_blocks(distances, blocks, [new] * n, squared))
        inertia = sum(dask.compute(*on_blocks(np.sum, squared)))
        drawn = on_blocks(draw_candidates, blocks, squared, [inertia] * n, [2 * k] * n, in_round)
        new = np.concatenate(dask.compute(*drawn))
        candidates = np.concatenate([candidates, new])
    counts = sum(dask.compute(*on_blocks(weights, blocks, [candidates] * n)))
    return SingleMachineKMeans(k, n_init=3, random_state=seed).fit(candidates, sample_weight=counts).cluster_centers_


def k_means_plus_plus(X, k, seed):
    """Centres (k, d) to start from, each drawn from all blocks."""
    blocks = X.to_delayed(optimize_graph=False).ravel().tolist()
    n, random = len(blocks), np.random.default_rng(seed)
    centers, squared = X[:1].compute(), [np.inf] * n
    for in_round in random.integers(2**32, size=(k - 1, n)).tolist():
        squared = dask.persist(*on_blocks(distances, blocks, [centers[-1:]] * n, squared))
        sums, rows = zip(*dask.compute(*on_blocks(draw_one, blocks, squared, in_round)), strict=True)
        centers = np.concatenate([centers, rows[random.choice(n, p=np.array(sums) / sum(sums))]])
    return centers


# %% [markdown]
# To see a difference the start has to matter: 50 heaps that are far apart, in 20 columns. A **pass** is counted on the
# workers: a block that `distances` or `weights` goes through, divided by the number of blocks.


# %%
X_apart = generate(n_rows // 10, n_blocks=8, hidden=np.random.default_rng(7).normal(scale=4, size=(50, 20)))
X_apart_here = X_apart.compute()


def inertia_of(X, centers):
    """The sum of squared distances to the nearest centre, by scikit-learn."""
    return (pairwise_distances_argmin_min(X, centers)[1] ** 2).sum()


def race(name, start, *arguments):
    """Print passes and seconds of a start, and the inertia per row with it and after fitting from it."""
    with get_task_stream() as stream:
        start_time = time.perf_counter()
        centers = start(*arguments)
        took = time.perf_counter() - start_time
    passes = sum(record["key"].startswith(("distances", "weights")) for record in stream.data) / X_apart.numblocks[0]
    before = inertia_of(X_apart_here, centers) / len(X_apart)
    after = KMeans(50, init=centers).fit(X_apart).inertia_ / len(X_apart)
    print(
        f"{name:22} {passes:3.0f} passes on workers, {took:5.2f} s; inertia per row {before:5.1f}, in the end {after:5.1f}"
    )


# %% [markdown]
# **Predict first.** Random rows, k-means++ and k-means||: how many passes does each take, and where does a fit from it
# end?

# %%
race("random rows", lambda: X_apart_here[np.random.default_rng(6).choice(len(X_apart), 50, replace=False)])
race("k-means++", k_means_plus_plus, X_apart, 50, 6)
for n_rounds in (1, 2, 5):
    race(f"k-means||, {n_rounds} rounds", k_means_parallel, X_apart, 50, 6, n_rounds)
race("scikit-learn, here", lambda: kmeans_plusplus(X_apart_here, 50, random_state=6)[0])

# %% [markdown]
# <details><summary>Answer</summary>
#
# k-means++ takes a pass per further centre; k-means|| one per round and one for the weights, whatever $k$. A pass of
# k-means|| is more work, as every row meets some $2k$ candidates in place of one centre: what is saved is waiting, pass
# by pass, and the seconds show it. From two rounds on it also ends lower: with candidates to spare hardly a heap is
# missed. The last line is the greedy variant, in one process: where all rows fit, ask first whether that will do.
#
# </details>
#
# `KMeans` of `helpers.ml` starts this way, with two rounds, the first of which draws all rows alike: they bring most of the gain.

# %% [markdown]
# ## 6 A cluster without points
#
# A start can lose a cluster in the first step. Two of these nine centres are far from all points:

# %%
lost = heaps.copy()
lost[[2, 6]] = [[-30.0, 0.0], [0.0, -30.0]]
with np.errstate(invalid="ignore"):  # 0/0 is what this cell is about
    print(lloyd(X_heaps, lost, 1)[0].round(1).tolist())

# %% [markdown]
# The mean of no points is 0/0: NaN, "not a number". From here on every distance to it is NaN as well, and so is the
# inertia. `merge` keeps the old centre, which is safe and of no use, since it stays empty:

# %%
X_spread = da.from_array(X_heaps, chunks=(500, 2))
kept = lost
for _ in range(10):
    kept, inertia = lloyd_step(X_spread, kept)
print(f"{inertia / best:.1f} times the best inertia; centre 2 is still at {kept[2].tolist()}")

# %% [markdown]
# scikit-learn moves an empty cluster to the point that is farthest from its own centre: there a centre is missed
# most. With several empty clusters, it takes as many of the farthest points. When the rows lie in blocks, no block
# knows which points those are.
#
# ### Exercise 6.5 · Refill the empty
#
# `farthest` runs where a block lies and reports what is needed, however many rows the block has; `refill` gets the
# reports of all blocks and puts each empty cluster on one of the farthest points: the first empty cluster on the
# farthest of all, the next on the second farthest.
#
# Difficulty 3 of 5 · 15 minutes · needs the idea of 6.1 · 4 points · for our two blocks it gives `[[0.000, 0.000],
# [7.000, 5.000]]`:
#
# ```python
# reports = [farthest(points[first], np.array([0, 1, 1, 41]), 2), farthest(points[second], np.array([52, 50]), 2)]
# refill(np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([6, 0]), reports)
# ```


# %% exercise="6.5"
def farthest(X_block: np.ndarray, squared: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `X_block` (m, d) with the largest `squared` (m,) distances, and these distances: `count`, or all m if fewer."""
    ### BEGIN SOLUTION
    order = np.argsort(squared)[::-1][:count]
    return X_block[order], squared[order]
    ### END SOLUTION


def refill(centers: np.ndarray, counts: np.ndarray, reports: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """`centers` (k, d), each with a count (k,) of zero moved to a far point; `reports` from `farthest` of each block."""
    ### BEGIN SOLUTION
    rows, squared = (np.concatenate(parts) for parts in zip(*reports, strict=True))
    empty = np.flatnonzero(counts == 0)
    far = np.argsort(squared)[::-1][: len(empty)]
    refilled = centers.copy()
    refilled[empty[: len(far)]] = rows[far]
    return refilled
    ### END SOLUTION


# %% check="6.5"
check("6.5")


# %%
def count_and_farthest(X_block, centers):
    """Points (k,) of each cluster in a block, and its farthest points: k of them, as many as could be needed."""
    labels, squared = nearest(X_block, centers)
    return np.bincount(labels, minlength=len(centers)), farthest(X_block, squared, len(centers))


def repaired(X, centers):
    """`centers` (k, d), those without points refilled from all blocks of `X`, in one pass."""
    blocks = X.to_delayed(optimize_graph=False).ravel()
    counts, reports = zip(*dask.compute(*on_blocks(count_and_farthest, blocks, [centers] * len(blocks))), strict=True)
    return refill(centers, sum(counts), reports)


# %%
refilled = repaired(X_spread, lost)
for _ in range(10):
    refilled, inertia = lloyd_step(X_spread, refilled)
print(f"{inertia / best:.1f} times the best inertia, after a refill and ten iterations")

# %% [markdown]
# All clusters are in use, and here they end at the best inertia. That is luck as well: the farthest points can be
# neighbours, and then two refilled clusters land in one heap. A refill repairs emptiness, not a bad start. The
# estimators refill inside their iterations; some others keep the old centre, or drop the cluster, and so two correct
# programs can part ways here.

# %% [markdown]
# ## 7 A photograph in a few colours
#
# A pixel is a point in the space of red, green and blue. k-means finds $k$ colours, a **palette**, such that as
# little as possible is lost when each pixel takes the nearest of them. The
# [photograph](https://www.flickr.com/photos/danielbuechele/6061409035/) by danielbuechele (CC BY 2.0) ships with
# scikit-learn.

# %%
photograph = load_sample_image("china.jpg")[::pixel_step, ::pixel_step] / 255
pixels = photograph.reshape(-1, 3)
X_pixels = da.from_array(pixels, chunks=(len(pixels) // n_blocks + 1, 3)).persist()
print(f"{photograph.shape[0]} by {photograph.shape[1]} pixels, {len(np.unique(pixels, axis=0)):,} different colours")

# %%
palettes = {k: KMeans(k, random_state=6).fit(X_pixels) for k in (4, 16, 64)}
for k, model in palettes.items():
    error = np.sqrt(model.inertia_ / len(pixels))
    print(f"{k:2} colours: {model.n_iter_} iterations, root mean squared error {error:.3f}")

# %% [markdown]
# The error is a distance between colours; black and white are $\sqrt 3$ apart. As PNG a photograph is large, so the
# next cell asks for JPEG.

# %%
pictures = {"before": photograph}
for k, model in palettes.items():
    colours = model.cluster_centers_[model.labels_.compute()]
    pictures[f"{k} colours"] = colours.reshape(photograph.shape).clip(0, 1)

set_matplotlib_formats("jpeg")
figure, axes = plt.subplots(2, 2, figsize=(7, 5))
for axis, (title, picture) in zip(axes.flat, pictures.items(), strict=True):
    axis.imshow(picture)
    axis.set_title(title)
    axis.axis("off")
plt.show()
set_matplotlib_formats("png")

# %% [markdown]
# *Figure: a tower above trees and a lake, four times. With 4 and with 16 colours its red storeys are brown and the sky
# shows bands; with 64 faint bands are left.*
#
# The red is lost first: few pixels have it, and k-means spends centres where many points are.
#
# **Predict first.** Uncompressed, a pixel takes three bytes. What does it take with 16 colours, and what else must be
# stored?

# %%
for k in palettes:
    bits = int(np.log2(k))
    print(f"{k:2} colours: {bits} bits in place of 24 per pixel, and once {3 * k} bytes for the palette")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The number of its colour, four bits: a sixth. And once for the whole picture the palette.
#
# </details>
#
# Which colours, and how much of the picture takes each?

# %%
palette = palettes[16]
shares = np.bincount(palette.labels_.compute(), minlength=16) / len(pixels) * 100
order = np.argsort(shares)[::-1]
left = np.cumsum(shares[order]) - shares[order]
figure, axis = plt.subplots(figsize=(7, 1.5))
axis.barh(0, shares[order], left=left, color=palette.cluster_centers_[order].clip(0, 1))
axis.set(yticks=[], xlim=(0, 100), xlabel="share of the pixels (%)", title="The palette of 16 colours")
plt.show()

# %% [markdown]
# *Figure: a bar cut into 16 colours by their share of the pixels, the most common first: three pale blues of the sky,
# then near-black, greys and browns; none is the red of the storeys.*
#
# Neighbouring pixels are alike. Does the palette need all of them? Learn it from every fiftieth pixel, and measure
# the error on all.

# %%
few = KMeans(16, random_state=6).fit(pixels[::50])
for name, model in [("one pixel in fifty", few), ("all pixels", palette)]:
    error = np.sqrt(inertia_of(pixels, model.cluster_centers_) / len(pixels))
    print(f"learned from {name}: error on all pixels {error:.4f}")

# %% [markdown]
# Nearly the same error from a fiftieth of the rows. Before you distribute, ask whether a sample will do: 16 centres
# of 3 numbers do not need hundreds of thousands of rows. The labels of all rows are then one pass.

# %% [markdown]
# ## 8 How many clusters?
#
# Inertia cannot say: with the best centres, each further one lowers it, down to zero for $k = n$. One looks for the
# **elbow**, the $k$ from which on it falls slowly. The **silhouette** asks of each point whether it is closer to its
# own cluster than to the next: with its mean distance $a$ to the points of its own and $b$ to those of the nearest
# other, it is $(b - a) / \max(a, b)$, from −1 to 1. That takes the distances of all pairs, $n^2$ of them. With the
# distance to the **centre** in place of the mean distance to all points it takes one pass over the blocks, and is
# called the simplified silhouette.
#
# ### Exercise 6.6 · The silhouette in one pass
#
# For every row let $a$ be the distance (not squared) to the nearest centre and $b$ that to the second nearest. Return
# the mean of $(b - a) / \max(a, b)$ over all rows of a Dask array; a row with $a = b$ counts 0.
#
# Difficulty 3 of 5 · 15 minutes · needs nothing · 3 points · for `X_two` and the centres `points[[0, 3]]` it gives
# `0.895`


# %% exercise="6.6"
def simplified_silhouette(X: da.Array, centers: np.ndarray) -> float:
    """Mean simplified silhouette of the rows of `X` (n, d), cut into blocks of rows; `centers` (k, d), k at least 2."""
    ### BEGIN SOLUTION
    blocks = X.to_delayed(optimize_graph=False).ravel()

    def sum_and_count(block):
        squared = np.array([((block - center) ** 2).sum(axis=1) for center in centers])
        a, b = np.sqrt(np.sort(squared, axis=0)[:2])
        return ((b - a) / np.where(b > 0, b, 1)).sum(), len(block)

    sums, rows = zip(*dask.compute(*[dask.delayed(sum_and_count)(block) for block in blocks]), strict=True)
    return sum(sums) / sum(rows)
    ### END SOLUTION


# %% check="6.6"
check("6.6")

# %% [markdown]
# Three data sets of 1,800 points: our nine heaps, wider heaps around the same centres, and points spread evenly over
# the square, which have no clusters at all.

# %%
X_wide, _ = make_blobs(n_samples=1800, centers=heaps, cluster_std=1.4, random_state=6)
X_even = np.random.default_rng(6).uniform(-2, 10, size=(1800, 2))
data_sets = {"nine heaps": X_heaps, "nine wide heaps": X_wide, "no clusters": X_even}
numbers = range(2, 15)

# %% [markdown]
# Fits for different $k$ do not depend on each other, and each is small: one task per fit, with scikit-learn inside.


# %%
def fitted(X, k):
    """The best of five fits of `k` clusters."""
    return SingleMachineKMeans(k, n_init=5, random_state=6).fit(X)


tasks = [[dask.delayed(fitted)(X, k) for k in numbers] for X in data_sets.values()]
models = dict(zip(data_sets, dask.compute(*tasks), strict=True))

# %% [markdown]
# **Predict first.** Where has each of the three an elbow?

# %%
figure, axis = plt.subplots()
for (name, fits), marker in zip(models.items(), "os^", strict=True):
    axis.plot(numbers, [model.inertia_ / 1800 for model in fits], marker=marker, label=name)
axis.set(yscale="log", xlabel="number of clusters k", ylabel="inertia per point (squared units)")
axis.set_title("Elbows")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: inertia against the number of clusters on a logarithmic axis. The curve of the nine heaps falls steeply up
# to nine and slowly from there on; the other two bend gently, and early.*
#
# <details><summary>Answer</summary>
#
# The nine heaps have theirs at nine. The others bend near four, though the
# one has nine heaps and the other none.
#
# </details>
#
# And the silhouette? It is one number per fit, from one pass:

# %%
figure, axis = plt.subplots()
for (name, fits), marker in zip(models.items(), "os^", strict=True):
    X_blocks = da.from_array(data_sets[name], chunks=(900, 2))
    heights = [simplified_silhouette(X_blocks, model.cluster_centers_) for model in fits]
    axis.plot(numbers, heights, marker=marker, label=name)
axis.set(xlabel="number of clusters k", ylabel="mean simplified silhouette", title="Silhouettes")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: the mean silhouette against the number of clusters. That of the nine heaps has a high peak at nine. The
# other two lie far lower and change little, with a highest value near four or five.*
#
# No rule is an oracle. Where the heaps are far apart both rules find nine. Where they overlap, and where there are no
# clusters at all, the two curves can hardly be told apart. k-means still returns $k$ clusters, and the silhouette
# still has a largest value: look at its height, not only at its place. And ask what the clusters are for: the palette
# of section 7 has no true $k$, it has a size in bytes.

# %% [markdown]
# ## 9 What do people write about?
#
# Posts to twenty newsgroups of 1993, without headers, signatures and quotes. k-means gets the texts, not the groups.

# %%
posts = load_newsgroups(remove=("headers", "footers", "quotes"))
order = np.random.default_rng(6).permutation(len(posts.train_texts))[:n_posts]
chosen = [i for i in order if len(posts.train_texts[i].split()) >= 20]
print(f"{len(chosen):,} posts of at least 20 words, {len(posts.names)} groups")

# %% [markdown]
# A post becomes a vector with a column per word. It holds **TF-IDF**: how often the post has the word, times how rare
# the word is among all posts (chapter 09 builds it on Dask). Thousands of columns, most of them zero, do not suit
# k-means: two posts about the same thing may share no word, and then lie as far apart as any two.

# %%
vectorizer = TfidfVectorizer(max_df=0.3, min_df=5, max_features=10_000, stop_words="english", sublinear_tf=True)
tf_idf = vectorizer.fit_transform([posts.train_texts[i] for i in chosen])
print(f"{tf_idf.shape[1]:,} words, of which a post has {tf_idf.nnz / tf_idf.shape[0]:.0f} on average")

# %% [markdown]
# A singular value decomposition keeps the 50 directions in which words occur together. Rows scaled to length 1 make
# the squared distance a matter of the angle only, so that a long post is not far from a short one about the same.

# %%
reduced = normalize(TruncatedSVD(50, random_state=6).fit_transform(tf_idf))
X_posts = da.from_array(reduced, chunks=(len(reduced) // n_blocks + 1, 50))
topics = KMeans(20, n_init=3, random_state=6).fit(X_posts).labels_.compute()

# %% [markdown]
# What is a cluster about? The words with the largest mean TF-IDF in its posts. Beside them stands what we know and
# k-means does not: the group that most of its posts were sent to.

# %%
words, groups, rows = vectorizer.get_feature_names_out(), posts.train_labels[chosen], []
for topic in np.argsort(np.bincount(topics, minlength=20))[::-1]:
    mean = np.asarray(tf_idf[topics == topic].mean(axis=0)).ravel()
    counts = np.bincount(groups[topics == topic], minlength=len(posts.names))
    top_words = " ".join(words[np.argsort(mean)[::-1][:6]])
    rows.append([counts.sum(), top_words, posts.names[counts.argmax()], f"{counts.max() / counts.sum():.0%}"])
pd.DataFrame(rows, columns=["posts", "words", "most were sent to", "share"])

# %%
names = [posts.names[group] for group in np.unique(groups)]
table = pd.crosstab(groups, topics, normalize="index").to_numpy() * 100
figure, axis = plt.subplots(figsize=(6.6, 4.5))
image = axis.imshow(table[:, np.argsort(table.argmax(axis=0))], aspect="auto", vmin=0)
axis.set(yticks=range(len(names)), yticklabels=names, xticks=[], xlabel="clusters, one per column")
axis.set_title(posts.provenance.title("Where the posts of each group went"))
axis.grid(False)
figure.colorbar(image, label="share of the group's posts (%)")
plt.show()

# %% [markdown]
# *Figure: groups as rows, clusters as columns, the share of a group's posts as brightness. Some groups have one
# bright cell, related groups share columns, and some columns take something from nearly every row.*
#
# One number for the agreement is the **adjusted Rand index**: on how many of all pairs of posts do groups and
# clusters agree whether they belong together? It is scaled so that chance gives 0 and a perfect match 1.

# %%
dealt_out = np.random.default_rng(6).permutation(topics)
print(
    f"clusters {adjusted_rand_score(groups, topics):.2f}, dealt out at random {adjusted_rand_score(groups, dealt_out):z.2f}"
)

# %% [markdown]
# Well above chance, and far from 1: the groups are one way to sort posts among many. A low index says that the clusters
# are not the groups, not that they are wrong.

# %% [markdown]
# ## 10 Who is fastest, and where Dask loses
#
# Three programs, the same start, the same iterations on the same generated rows, each with its data in memory:
# scikit-learn in this process, dask-ml and the course's `KMeans` on the workers. A time means little unless the
# result is the same, so the inertia of the final centres stands beside it, computed by scikit-learn for all three.
# Times are those of a whole `fit`, divided by its iterations; dask-ml's is one run, the others' the best of five.
#
# Which machine is this? On the cluster, workers times threads work at the same time; here, scikit-learn has threads
# of its own (`openmp`) and those of matrix products (`blas`).

# %%
threads = {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()}
print(f"threads of each worker: {list(client.nthreads().values())}; threads here: {threads}")

# %% [markdown]
# **Predict first.** Who wins at a few thousand rows, who at the most?


# %%
def fit_all(rows):
    """A line per program: its milliseconds per iteration, the true inertia, and the one that it reports."""
    X = generate(rows)
    X_here = np.require(X.compute(), requirements="A")  # aligned: rows that came over the wire are not (chapter 05)
    settings = {"init": X_here[:20], "max_iter": 5, "tol": 0}
    lines = []
    for name, model, data, repeats in [
        ("scikit-learn", SingleMachineKMeans(20, n_init=1, **settings), X_here, 5),
        ("this course, on Dask", KMeans(20, **settings), X, 5),
        ("dask-ml", DaskMLKMeans(20, **settings), X, 1),
    ]:
        took = seconds(model.fit, data, repeats=repeats) / model.n_iter_
        lines.append([name, len(X), took * 1e3, inertia_of(X_here, model.cluster_centers_), model.inertia_])
    return lines


# %%
columns = ["program", "rows", "ms per iteration", "true inertia", "inertia_"]
curve = pd.DataFrame([line for rows in sizes for line in fit_all(rows)], columns=columns)
curve.round({"ms per iteration": 2, "true inertia": 1, "inertia_": 1})

# %%
figure, axis = plt.subplots()
for (name, times), marker in zip(curve.groupby("program", sort=False), "os^", strict=True):
    axis.plot(times["rows"], times["ms per iteration"], marker=marker, label=name)
axis.set(xscale="log", yscale="log", xlabel="rows of 20 columns", ylabel="milliseconds per iteration")
axis.set_title("One iteration with 20 clusters, generated data")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: three curves of time against rows, both axes logarithmic. For few rows scikit-learn is far below the other
# two; to the right all rise.*
#
# For few rows Dask loses by a wide margin: an iteration of a few thousand rows is too short to be worth its messages.
# The table says who is ahead at the most rows on your machine. What it cannot show is room: rows that do not fit into
# one machine's memory have to be spread.
#
# ### What dask-ml reports
#
# The last two columns should be equal. dask-ml's are not, though its centres are as good as the others'. Is its
# number a sum of distances that were not squared?

# %%
X_check = make_block(5000, seed=6)
X_cut = da.from_array(X_check, chunks=(2500, 20))
for name, max_iter in [("after 3 iterations", 3), ("after 300 at most", 300)]:
    model = DaskMLKMeans(20, init=X_check[:20], max_iter=max_iter, tol=1e-20).fit(X_cut)
    away = pairwise_distances_argmin_min(X_check, model.cluster_centers_)[1]
    print(f"{name}: inertia_ {model.inertia_:.6g}; distances {away.sum():.6g}, squared {(away**2).sum():.6g}")

# %% [markdown]
# It is, while the centres still moved in the last iteration: the last assignment leaves out `squared`. Where they had
# come to rest, the number is the inertia of the iteration before
# ([`k_means.py`](https://github.com/dask/dask-ml/blob/main/dask_ml/cluster/k_means.py), version 2025.1.0, read in
# November 2026). A number that you did not compute is a claim: check it once.

# %%
client.close()
progress()

# %% [markdown]
# ## Summary
#
# - Blocks report sums, counts and inertia. A block without a point of some cluster reports zeros, and nothing
#   breaks.
# - One task per block and iteration, with distances by a matrix product: one pass over the data in place of one per
#   cluster, and no array of shape $(n, k, d)$.
# - From the same start all correct programs agree within rounding, on any chunks, while no cluster is empty. The
#   start decides how good the result is; k-means|| finds one in a handful of passes, whatever $k$.
# - Empty clusters need a rule. The number of clusters needs a purpose.
# - A sample, or one process, is often enough. Compare times only where the true inertia is the same.
#
# **Explain aloud**
#
# 1. Why may a block report its farthest points but not its mean points?
# 2. Why can k-means|| draw its rows independently in each block, and k-means++ not draw its centres so?
# 3. Inertia falls in every iteration. Why is the result still not the best one?
#
# **An open problem.** An iteration reads all rows, though most of them will not change their cluster. Which rows
# could be skipped, and what would each worker have to remember to know? (Look for "Elkan" and "mini-batch" in
# [scikit-learn's guide](https://scikit-learn.org/stable/modules/clustering.html#k-means), and ask what becomes of
# both when the rows lie on many machines.)
#
# **Next**: 07 · Neural networks, where a step is a gradient again, and workers have to agree on it hundreds of times
# a second.
