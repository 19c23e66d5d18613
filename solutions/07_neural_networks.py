# %% [markdown]
# # 07 · Neural networks
#
# **After this chapter you can**
#
# - prove that workers with shards of the data train the network that one machine would train, and say when they do not;
# - write a parameter server with Dask actors, synchronous and asynchronous, and tell what stale gradients do;
# - write the ring all-reduce, and count what it and its rivals send;
# - train with fewer messages by local SGD, and with larger batches by scaling the learning rate;
# - run PyTorch's DistributedDataParallel in Dask workers, watch it, break it, and resume it;
# - measure whether more workers are faster on your machine.
#
# **Time** about two and a half hours, of which two minutes are computing. **Needs** chapter 05 (gradients by blocks, actors), chapter 01
# (latency and bandwidth); the chain rule. **Data** 1,797 handwritten digits that come with scikit-learn.

# %% tags=["parameters"]
n_steps = 100  # gradient steps of each timed training; tiny: 10
n_pushes = 300  # gradients that a parameter server takes; tiny: 40
n_gradients = 192  # gradients per worker under local SGD; tiny: 32
n_epochs = 8  # passes over the digits in PyTorch; tiny: 3
n_orders = 5  # orders of the rows that the batch sizes are tried with; tiny: 1
n_images = 2560  # images of the speed measurement; tiny: 256; full: 16_384

# %%
import logging
import os
import resource
import signal
import tempfile
import time
import traceback
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from dask.distributed import Client, LocalCluster, wait
from IPython.display import display
from sklearn.datasets import load_digits
from torch.nn.parallel import DistributedDataParallel

from helpers.cluster import start_cluster
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution
from helpers.ml import ddp
from helpers.plots import pipeline

folder = tempfile.TemporaryDirectory()
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # these networks are too small for a GPU; chapter 08 takes it
n_cores = torch.get_num_threads()
torch.set_num_threads(1)  # small products are done before a second thread has begun; section 10 tries more
plt.style.use("helpers.figures")
pipeline("algorithm")

# %% [markdown]
# The cluster, and the link to its dashboard. Keep the task stream beside this page.

# %%
client = start_cluster()
workers = list(client.nthreads())
n_workers = len(workers)
client

# %% [markdown]
# ## 1 A network by hand
#
# Four rows of two inputs, in two classes: the class is 1 where exactly one input is 1. No line through the plane
# separates the classes, so no linear model can learn them. A **hidden layer** can. Ours has two units, and weights that are made
# up, not trained:

# %%
X_four = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
y_four = np.array([0, 1, 1, 0])
W1, b1 = np.array([[1.0, 1], [1, 1]]), np.array([0.5, -0.5])
W2, b2 = np.array([[0.0, 1], [0, -1]]), np.array([0.0, 0])

# %% [markdown]
# A layer is a product, a shift and a bend. With $m$ rows, $n$ inputs, $u$ hidden units and $c$ classes:
#
# $$H = \max(0,\ X W_1 + b_1) \qquad S = H W_2 + b_2 \qquad
# P_{ij} = \frac{e^{S_{ij}}}{\sum_k e^{S_{ik}}}$$
#
# $X$ has shape $(m, n)$, $W_1$ $(n, u)$, $H$ $(m, u)$, $W_2$ $(u, c)$, and the scores $S$ and the probabilities $P$
# $(m, c)$. The last formula is the **softmax**: it turns scores into probabilities.


# %%
def forward(weights, X):
    """Hidden units (m, u) and probabilities (m, c) of the rows of `X`."""
    W1, b1, W2, b2 = weights
    hidden = np.maximum(X @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))  # shifted: same ratio, and no overflow
    return hidden, powers / powers.sum(axis=1, keepdims=True)


# %% tags=["nbval-check-output"]
weights_four = [W1, b1, W2, b2]
hidden, probabilities = forward(weights_four, X_four)
pd.DataFrame(np.c_[X_four, hidden, probabilities[:, 1], y_four], columns=["x1", "x2", "h1", "h2", "P(1)", "y"]).round(3)

# %% [markdown]
# The third row can be followed by hand: inputs 1 and 0 give $h = (1.5, 0.5)$ and a score of $1.5 - 0.5 = 1$ for class 1.
# The fourth row is still wrong. The **loss** is the mean of $-\log P$ of the right class; a probability of 1 costs nothing.
#
# Its gradient goes through the layers backwards. At the scores it is what was predicted less what is right, divided by
# $m$ as the loss is a mean; each step back is a product with the transposed weights, and where a hidden unit was cut
# off at 0 nothing passes:
#
# $$D = \tfrac{1}{m}(P - Y) \qquad \nabla W_2 = H^\top D \qquad D_H = (D\,W_2^\top) \odot [H > 0] \qquad
# \nabla W_1 = X^\top D_H$$
#
# $Y$ is 1 at the right class and 0 elsewhere, $\odot$ multiplies entry by entry, and the gradients of $b_1$ and $b_2$
# are the column sums of $D_H$ and $D$.


# %%
def loss(weights, X, y):
    """Mean of -log P of the right class."""
    right = forward(weights, X)[1][np.arange(len(y)), y]
    return -np.log(np.maximum(right, 1e-300)).mean()  # a probability may round to 0


def gradients(weights, X, y):
    """Gradient of `loss` at `weights`, an array for each of W1, b1, W2, b2."""
    hidden, back = forward(weights, X)
    back[np.arange(len(y)), y] -= 1
    back = back / len(y)
    back_hidden = back @ weights[2].T * (hidden > 0)
    return [X.T @ back_hidden, back_hidden.sum(axis=0), hidden.T @ back, back.sum(axis=0)]


# %% [markdown]
# Trust no gradient that you have not compared with a numerical one. The loss, with one weight moved a little either
# way:

# %% tags=["nbval-check-output"]
nudge = np.array([[1e-5, 0], [0, 0]])
above, below = (loss([W1, b1, W2 + sign * nudge, b2], X_four, y_four) for sign in (1, -1))
print(f"numerical {(above - below) / 2e-5:.6f}")
print(f"by hand   {gradients(weights_four, X_four, y_four)[2][0, 0]:.6f}")

# %% [markdown]
# Two layers took two steps back. With more layers it is the same step again and again, and each needs what its layer
# was given on the way forward.
#
# ### Exercise 7.1 · Backward through any number of layers
#
# Write the gradients of a network with any number of layers. All but the last end in $\max(0, \cdot)$, the last in the
# softmax; one layer alone is allowed.
#
# Difficulty 4 of 5 · 15 minutes · needs nothing · 5 points · with two layers it gives what `gradients` gives, so for
# `deep_gradients(weights_four, X_four, y_four)[3]`, the gradient of $b_2$: `[-0.204, 0.204]`
#
# Stuck? `hint("7.1")` gives a hint, and another one when called again; `solution("7.1")` shows an answer, and
# `solution("7.1", use=True)` defines it, so that you can go on.


# %% exercise="7.1"
def deep_gradients(weights: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Gradients of the mean loss, in the order and the shapes of `weights`: W1, b1, W2, b2, ...; `y` (m,) are classes."""
    ### BEGIN SOLUTION
    matrices, shifts = weights[::2], weights[1::2]
    inputs = [X]
    for W, b in zip(matrices[:-1], shifts[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    scores = inputs[-1] @ matrices[-1] + shifts[-1]
    back = np.exp(scores - scores.max(axis=1, keepdims=True))
    back /= back.sum(axis=1, keepdims=True)
    back[np.arange(len(y)), y] -= 1
    back /= len(y)
    found = []
    for layer in reversed(range(len(matrices))):
        found = [inputs[layer].T @ back, back.sum(axis=0), *found]
        back = back @ matrices[layer].T * (inputs[layer] > 0)
    return found
    ### END SOLUTION


# %% check="7.1"
check("7.1")

# %% [markdown]
# ### Real digits
#
# 1,797 digits, written by hand and scanned to 8 × 8 pixels. 1,440 of them are for training, the others are held out to
# measure **accuracy**, the share that is recognised.


# %%
def training_digits():
    """The training rows: pixels from 0 to 1 of shape (1440, 64), and digits (1440,)."""
    digits, order = load_digits(), np.random.default_rng(7).permutation(1797)[:1440]
    return digits.data[order] / 16, digits.target[order]


def held_out_digits():
    """The other rows, (357, 64) and (357,)."""
    digits, order = load_digits(), np.random.default_rng(7).permutation(1797)[1440:]
    return digits.data[order] / 16, digits.target[order]


X, y = training_digits()
X_held, y_held = held_out_digits()


# %%
figure, axes = plt.subplots(1, 10, figsize=(7, 1.2))
for axis, image, digit in zip(axes, X, y, strict=False):
    axis.imshow(image.reshape(8, 8), cmap="gray_r")
    axis.set_title(digit)
    axis.set_axis_off()
figure.suptitle("The first ten training images and their digits", fontsize=11)
plt.show()

# %% [markdown]
# *Figure: ten grey images of 8 × 8 pixels, each with the digit that it shows above it.*


# %%
def new_weights(sizes=(64, 32, 10)):
    """Random weights for layers of these sizes, as W1, b1, W2, b2, ...; always the same ones."""
    random, weights = np.random.default_rng(7), []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        weights += [random.normal(size=(inputs, outputs)) * np.sqrt(2 / inputs), np.zeros(outputs)]
    return weights


def accuracy(weights):
    """Share of the held-out digits that are recognised."""
    return (forward(weights, X_held)[1].argmax(axis=1) == y_held).mean()


def step(weights, gradient, learning_rate):
    """New weights, one step downhill; the old ones stay as they are."""
    return [W - learning_rate * G for W, G in zip(weights, gradient, strict=True)]


# %%
weights = new_weights()
for epoch in range(20):
    for rows in np.array_split(np.random.default_rng(epoch).permutation(len(y)), 45):
        weights = step(weights, gradients(weights, X[rows], y[rows]), learning_rate=0.2)
print(f"loss {loss(weights, X, y):.2f}, accuracy {accuracy(weights):.1%} on digits that it has not seen")

# %% [markdown]
# Nine of ten and more, after a second in one process: mini-batches of 32 rows, as in chapter 05, with another
# gradient. The network has 2,410 weights. All that this chapter distributes is small enough to be watched, and so small
# that one process is hard to beat. We shall see by how much.

# %% [markdown]
# ## 2 Shards
#
# **Data parallelism**: every worker has all the weights and a part of the rows, a **shard**. Each computes the gradient
# on its own rows, and the gradients are averaged. Two equal shards, and the full batch:


# %%
def difference(one, other):
    """Largest absolute difference between two lists of arrays."""
    return max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))


start, full = new_weights(), gradients(new_weights(), X, y)
halves = [gradients(start, X[rows], y[rows]) for rows in (slice(0, 720), slice(720, 1440))]
average = [np.mean(parts, axis=0) for parts in zip(*halves, strict=True)]
print(f"difference from the full gradient: {difference(average, full):.0e}")

# %% [markdown]
# Equal within rounding. The loss is a mean over rows, and the derivative of a mean is the mean of the derivatives:
#
# $$\nabla \frac{1}{m} \sum_{i=1}^{m} \ell_i = \sum_{\text{shards } s} \frac{m_s}{m}
# \Bigl(\frac{1}{m_s} \sum_{i \in s} \nabla \ell_i\Bigr)$$
#
# Nothing in that line asks what $\ell$ is, so it holds for a network of any depth. With $p$ equal shards every
# $m_s/m$ is $1/p$, and the weighted average is the plain one.
#
# **Predict first.** The same rows, cut into shards of 40 and 1,400. How far is the plain average from the full
# gradient, compared with the size of the gradient itself?

# %%
cut = [gradients(start, X[rows], y[rows]) for rows in (slice(0, 40), slice(40, 1440))]
plain = [np.mean(parts, axis=0) for parts in zip(*cut, strict=True)]
largest = max(np.abs(G).max() for G in full)
print(f"the plain average is off by {difference(plain, full) / largest:.0%} of the largest entry")

# %% [markdown]
# <details><summary>Answer</summary>
#
# By a good part of it. 40 rows got as much say as 1,400.
#
# </details>
#
# ### Exercise 7.2 · Shards of any size
#
# Combine the gradients of shards of any size into the gradient over all rows. A shard may be empty, when a filter left
# none of its rows; the mean over no rows is `nan`, so its gradient is too.
#
# Difficulty 2 of 5 · 5 minutes · needs the idea of 5.1 · 3 points · for `cut` and rows `[40, 1400]` it gives `full`


# %% exercise="7.2"
def combine_gradients(shards: list[list[np.ndarray]], rows: list[int]) -> list[np.ndarray]:
    """Gradient of the mean loss over all rows; `shards[s]` is that over the `rows[s]` rows of shard s, one array per weight."""
    ### BEGIN SOLUTION
    total = sum(rows)
    filled = [(shard, count / total) for shard, count in zip(shards, rows, strict=True) if count]
    return [sum(share * shard[i] for shard, share in filled) for i in range(len(shards[0]))]
    ### END SOLUTION


# %% check="7.2"
check("7.2")

# %% [markdown]
# ## 3 Futures: what a step costs
#
# Each worker loads its own shard, and in each step draws 32 of its rows. The draw depends on the number of the step
# alone, so that anybody can repeat it, also a worker that takes over from one that died. `place` names the worker that a
# task should run on; if that one is gone, another may take it.


# %%
def load_shard(number):
    """Every `n_workers`-th training row, from row `number` on."""
    X, y = training_digits()
    return X[number::n_workers], y[number::n_workers]


def batch_gradients(shard, weights, number, size=32):
    """Gradients over `size` rows of the shard, drawn for the step with this number."""
    X, y = shard
    rows = np.random.default_rng(number).integers(len(y), size=size)
    return gradients(weights, X[rows], y[rows])


def mean_of(shards):
    """The plain average of gradients: right, as all batches are of one size."""
    return [np.mean(parts, axis=0) for parts in zip(*shards, strict=True)]


# %%
places = [dict(workers=[worker], allow_other_workers=True) for worker in workers]
shards = [client.submit(load_shard, number, **place) for number, place in enumerate(places)]
local_shards = [load_shard(number) for number in range(n_workers)]


def train_with_futures(n_steps):
    """Weights after `n_steps`: in each, one task per worker and one average here."""
    weights = new_weights()
    for number in range(n_steps):
        tasks = [
            client.submit(batch_gradients, shard, weights, number, pure=False, **place)
            for shard, place in zip(shards, places, strict=True)
        ]
        weights = step(weights, mean_of(client.gather(tasks)), learning_rate=0.2)
    return weights


def train_here(n_steps):
    """The same in this process."""
    weights = new_weights()
    for number in range(n_steps):
        parts = [batch_gradients(shard, weights, number) for shard in local_shards]
        weights = step(weights, mean_of(parts), learning_rate=0.2)
    return weights


# %% [markdown]
# **Predict first.** The gradients are computed by all workers at the same time. How much longer does the cluster take,
# or how much shorter?


# %%
def timed(function, *arguments):
    """What `function(*arguments)` returns, and the milliseconds it took per step."""
    began = time.perf_counter()
    result = function(*arguments)
    return result, (time.perf_counter() - began) / n_steps * 1e3


train_with_futures(2)
alone, alone_time = timed(train_here, n_steps)
together, together_time = timed(train_with_futures, n_steps)
print(f"difference of the weights: {difference(alone, together):.0e}; for both ", end="")
print(f"loss {loss(together, X, y):.2f}, accuracy {accuracy(together):.0%}")
print(f"a step takes {alone_time:.2g} ms here and {together_time:.2g} ms on the cluster")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Far longer. The gradients over 32 rows are done before the first message has arrived.
#
# </details>
#
# The same network, and **here Dask loses**. A step's messages cost milliseconds whatever is in them. Distribution pays
# where a step is work of many times that: a larger network, larger batches, or less talk. The next sections go through
# who talks to whom.
#
# One price can be avoided at once. We loaded every shard where it is used. Had we sent it from here, it would have
# arrived **misaligned**, as chapter 05 found: its bytes begin at an address that is no multiple of 8, and NumPy copies
# it in each product. Twenty copies of the digits, sent to a worker, and the product for $\nabla W_1$ there:


# %%
def product_time(images, cure):
    """Whether `images` lie aligned, and the seconds of the best of 5 products; `cure` aligns them first."""
    images = np.require(images, requirements="A") if cure else images
    back, times = np.ones((len(images), 32)), []
    for _ in range(5):
        began = time.perf_counter()
        images.T @ back
        times.append(time.perf_counter() - began)
    return images.flags.aligned, min(times)


# %%
sent = client.scatter(np.tile(X, (20, 1)), workers=workers[:1])
for cure in (False, True):
    aligned, taken = client.submit(product_time, sent, cure, workers=workers[:1]).result()
    print(f"aligned: {aligned!s:5}  {taken * 1e3:.1f} ms")

# %% [markdown]
# `np.require(array, requirements="A")` copies once, on arrival. The best cure is not to send: load the shard inside the
# worker.

# %% [markdown]
# ## 4 A parameter server
#
# In the training above this notebook kept the weights, and every gradient came by. A **parameter server** is that role
# as a process of its own
# ([Dean et al. 2012](https://proceedings.neurips.cc/paper/2012/hash/6aca97005c68f1206823815f66102863-Abstract.html),
# [Li et al. 2014](https://www.usenix.org/conference/osdi14/technical-sessions/presentation/li_mu)): workers **pull** the
# weights from it and **push** gradients to it.


# %%
def draw_server(axis, names):
    """The server with one worker per name, and the two messages between them."""
    box = dict(boxstyle="round,pad=0.5", facecolor="white", edgecolor="C0")
    axis.text(0.5, 0.85, "server: weights, version", ha="center", va="center", bbox=box)
    for place, name in zip(np.linspace(0.1, 0.9, len(names)), names, strict=True):
        axis.text(place, 0.12, name, ha="center", va="center", bbox=box)
        top = 0.5 + (place - 0.5) * 0.4
        axis.annotate("", (place - 0.03, 0.27), (top - 0.03, 0.72), arrowprops=dict(arrowstyle="->", color="C0"))
        axis.annotate("", (top + 0.03, 0.72), (place + 0.03, 0.27), arrowprops=dict(arrowstyle="->", color="C1"))
    axis.text(0.0, 0.6, "pull: weights", color="C0")
    axis.text(1.0, 0.6, "push: gradient", color="C1", ha="right")
    axis.set_axis_off()
    axis.set_title("A parameter server")


figure, axis = plt.subplots(figsize=(6, 2.2))
draw_server(axis, ["worker, shard 0", "worker, shard 1", "worker, shard 2"])
plt.show()

# %% [markdown]
# *Figure: a box for the server, which holds weights and their version, above three workers with a shard each. From the
# server an arrow, pull, goes to each worker, and from each an arrow, push, goes back.*
#
# With Dask the server is an **actor**: an object on one of the workers, whose methods others call. Dask runs the methods
# of one actor one after the other, so two pushes cannot get into each other's way.
#
# ### Synchronous: nobody goes on alone
#
# The server waits for the gradients of all shards at its present **version**, then steps and counts the version up.


# %%
class SynchronousServer:
    """Holds the weights; steps once the gradients of all shards at the present version are there."""

    def __init__(self, weights, version, learning_rate):
        self.weights, self.version, self.learning_rate = weights, version, learning_rate
        self.arrived = {}

    def pull(self):
        """The weights and their version."""
        return self.weights, self.version

    def push(self, shard, version, gradient):
        """Take a shard's gradient, unless it belongs to an older version; the version after it."""
        if version == self.version:
            self.arrived[shard] = gradient
        if len(self.arrived) == n_workers:
            mean = mean_of([self.arrived[shard] for shard in sorted(self.arrived)])
            self.weights, self.version = step(self.weights, mean, self.learning_rate), self.version + 1
            self.arrived = {}
        return self.version


patience = 10  # seconds that a call of an actor may take; after that its worker counts as dead


def pull_and_push(server, shard, number, extra):
    """One worker's part of a round; `extra` gradients more make it slow. The version afterwards."""
    weights, version = server.pull().result(timeout=patience)
    for _ in range(1 + extra):
        gradient = batch_gradients(shard, weights, version)
    return server.push(number, version, gradient).result(timeout=patience)


# %% [markdown]
# What if a worker dies? A task that dies with it is run again by Dask, on another worker, with a shard loaded again. It
# may push twice, which does no harm: `arrived` has one place per shard, and as the batch depends on the version alone,
# the second gradient for a version is the first.
#
# The server is another matter: **an actor's state dies with its worker**, and Dask does not make it again. So we fetch
# the weights every ten rounds, a **checkpoint**, and if the server is lost we start another from there. The draw of a
# batch depends on the version alone, so the rounds that are repeated come out as before.


# %%
LOST = (OSError, RuntimeError, ValueError, TimeoutError)  # what a call of an actor raises when its worker is gone


def start_server(kind, *arguments):
    """An actor of class `kind` on one of the workers, as a future that must be kept, and the actor."""
    first, *_ = client.nthreads()
    future = client.submit(kind, *arguments, actor=True, pure=False, workers=[first], allow_other_workers=True)
    return future, future.result()


def send_out(task, server, *arguments, slow):
    """`task` once for each shard, on its worker; shard 0 computes `slow` gradients more."""
    return [
        client.submit(task, server, shard, number, *arguments, extra=slow * (number == 0), pure=False, **place)
        for number, (shard, place) in enumerate(zip(shards, places, strict=True))
    ]


def tell(error, deaths, version):
    """Say that a call of the server failed. The third time it is no accident: the error is raised."""
    if deaths == 3:
        raise error
    print(f"the server was lost, or its method failed ({error!r}); another one starts at version {version}")


# %%
def train_synchronously(n_steps, slow=0, learning_rate=0.2):
    """Weights after `n_steps`, and a log: (seconds, gradients used, weights) of each checkpoint."""
    checkpoint, kept, deaths, log, began = (new_weights(), 0), None, 0, [], time.perf_counter()
    while checkpoint[1] < n_steps:
        try:
            if kept is None:
                kept, server = start_server(SynchronousServer, *checkpoint, learning_rate)
            for _ in range(min(10, n_steps - checkpoint[1])):
                client.gather(send_out(pull_and_push, server, slow=slow))
            checkpoint = server.pull().result(timeout=patience)
            log.append((time.perf_counter() - began, checkpoint[1] * n_workers, checkpoint[0]))
        except LOST as error:
            kept, deaths = None, deaths + 1
            tell(error, deaths, checkpoint[1])
    return checkpoint[0], log


# %%
served, log = train_synchronously(n_steps)
print(f"difference from one process: {difference(alone, served):.0e}")

# %% [markdown]
# The weights are those of one process. Now one worker becomes slow: it computes its gradient some two hundred times
# before it sends it, and all others wait for it in every round.
#
# ### Asynchronous: nobody waits
#
# Each worker pulls, computes, pushes, and pulls again. The server steps with every gradient that arrives. In the
# meantime others may have pushed: then the gradient is **stale**, it belongs to weights that are no longer there. Its
# **staleness** is the server's version when it arrives less the version that was pulled.


# %%
class AsynchronousServer:
    """Steps with every gradient that arrives, until `enough` have."""

    def __init__(self, weights, version, learning_rate, enough):
        self.weights, self.version, self.learning_rate, self.enough = weights, version, learning_rate, enough
        self.arrivals = []

    def pull(self):
        """The weights, their version, and whether more gradients are wanted."""
        return self.weights, self.version, self.version < self.enough

    def push(self, worker, version, gradient):
        """Step; and note who sent the gradient and how stale it was."""
        self.arrivals.append((worker, self.version - version))
        self.weights = step(self.weights, gradient, self.learning_rate)
        self.version += 1

    def history(self):
        """(worker, staleness) of each gradient, in the order of arrival."""
        return self.arrivals


# %% [markdown]
# A worker's loop is now one long task. The server's "enough" ends it, so no worker has a quota that would be lost with
# it.


# %%
def keep_pushing(server, shard, number, most, extra):
    """Pull, compute, push, until the server has enough, or `most` were pushed; the number of gradients pushed."""
    pushed = 0
    weights, version, wanted = server.pull().result(timeout=patience)
    while wanted and pushed < most:
        for _ in range(1 + extra):
            gradient = batch_gradients(shard, weights, [number, pushed])
        server.push(number, version, gradient).result(timeout=patience)
        pushed += 1
        weights, version, wanted = server.pull().result(timeout=patience)
    return pushed


def train_asynchronously(n_pushes, slow=0, kind=AsynchronousServer, learning_rate=0.2):
    """Arrivals at the server, and a log as above, of the notebook's looks at it, which are its checkpoints too."""
    checkpoint, kept, deaths, log, began = (new_weights(), 0), None, 0, [], time.perf_counter()
    while True:
        try:
            if kept is None:
                kept, server = start_server(kind, *checkpoint, learning_rate / n_workers, n_pushes)
                tasks = send_out(keep_pushing, server, 3 * n_pushes, slow=slow)
            *checkpoint, wanted = server.pull().result(timeout=patience)
            log.append((time.perf_counter() - began, checkpoint[1], checkpoint[0]))
            client.gather([task for task in tasks if task.done()])  # raises what a task has raised
            if not wanted or all(task.done() for task in tasks):
                counts, arrivals = client.gather(tasks), server.history().result(timeout=patience)
                break
            time.sleep(0.05)
        except LOST as error:
            kept, deaths = None, deaths + 1
            tell(error, deaths, checkpoint[1])
    for number, count in enumerate(counts):
        earlier = sum(worker == number for worker, _ in arrivals) - count
        if earlier > 0:
            print(f"shard {number} changed its worker after {earlier} gradients")
    return arrivals, log


# %% [markdown]
# **Predict first.** Two or more workers, the first slow. How stale are the gradients of the slow worker, and of the
# others? Which training uses more gradients per second, and which is further down after the same number of gradients?

# %%
slow = 200  # gradients more, for shard 0
_, synchronous_log = train_synchronously(max(1, n_pushes // n_workers), slow)
arrivals, asynchronous_log = train_asynchronously(n_pushes, slow)
senders, staleness = np.array(arrivals).T

# %%
number = np.arange(1, len(arrivals) + 1)
figure, axis = plt.subplots()
axis.plot(number[senders > 0], staleness[senders > 0], ".", label="other workers")
axis.plot(number[senders == 0], staleness[senders == 0], "s", label="the slow worker")
axis.set(xlabel="number of the gradient, in the order of arrival", ylabel="staleness (versions)")
axis.set_title("Asynchronous parameter server, one slow worker")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: staleness of each gradient in the order of arrival. The other workers' dots lie near the bottom, the slow
# worker's squares are few and lie higher, where others delivered in the meantime.*

# %%
figure, axes = plt.subplots(1, 2, sharey=True)
for name, log, style in [("synchronous", synchronous_log, "o-"), ("asynchronous", asynchronous_log, "s--")]:
    taken, used, models = zip(*log, strict=True)
    losses = [loss(model, X, y) for model in models]
    axes[0].plot(used, losses, style, markersize=3, label=name)
    axes[1].plot(taken, losses, style, markersize=3, label=name)
    print(f"{name:12} {used[-1] / taken[-1]:4.0f} gradients per second, accuracy {accuracy(models[-1]):.0%}")
axes[0].set(xlabel="gradients used", ylabel="training loss")
axes[1].set(xlabel="seconds")
axes[1].legend()
figure.suptitle("The same number of gradients, one slow worker", fontsize=11)
plt.show()

# %% [markdown]
# *Figure: training loss of both servers, on the left against the number of gradients used, on the right against
# seconds.*
#
# <details><summary>Answer</summary>
#
# A gradient is as stale as others were delivered while it was made: more for the slow worker, about one from each of the
# quick ones for a quick one, and hardly any where there is only one of those. The asynchronous server does not wait, so
# it uses more gradients per second as far as the slow worker holds up the others. Per gradient the two curves are close
# here, as most gradients are fresh. That hides two things: the slow worker's shard had less of a say, and the next run
# arrives in another order.
#
# </details>
#
# ### What staleness does
#
# Few stale gradients among fresh ones do little harm. Many do. Eight workers that take turns, played in this process so
# that chance has no part: each pushes what it computed seven versions ago.


# %%
def take_turns(server, n_players, n_pushes):
    """(number, training loss) after every fourth push; the players pull and push one after the other."""
    pulled, losses = [server.pull()[:2]] * n_players, []
    for number in range(n_pushes):
        weights, version = pulled[number % n_players]
        server.push(number % n_players, version, batch_gradients((X, y), weights, number))
        pulled[number % n_players] = server.pull()[:2]
        if number % 4 == 0:
            losses.append((number, loss(server.pull()[0], X, y)))
    return losses


def draw_turns(curves):
    """Loss against pushes, a curve per name."""
    figure, axis = plt.subplots()
    for (name, losses), style in zip(curves.items(), ["-", "--", ":"], strict=False):
        axis.plot(*zip(*losses, strict=True), style, label=name)
    axis.set(xlabel="gradients used", ylabel="training loss", ylim=(0, 4), title="Workers that take turns")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plt.show()


# %% [markdown]
# **Predict first.** A learning rate of 0.2 for one worker and for eight that take turns. Do both learn?

# %%
turns = {
    f"{players} worker{'s' * (players > 1)}": take_turns(AsynchronousServer(new_weights(), 0, 0.2, 400), players, 400)
    for players in (1, 8)
}
draw_turns(turns)

# %% [markdown]
# *Figure: training loss over 400 gradients. With one worker it falls towards zero; with eight that take turns it swings
# up and down, far above, for most of the way.*
#
# <details><summary>Answer</summary>
#
# The one does; the eight late and erratically, if at all. All eight see the same slope, and all eight walk down it before anybody looks again:
# the step is eight times too long, as in chapter 01.
#
# </details>
#
# Two remedies: a step divided by the age of its gradient
# ([Zhang et al. 2016](https://arxiv.org/abs/1511.05950)), and a bound beyond which old news is refused, so that
# its sender has to pull again
# ([Ho et al. 2013](https://proceedings.neurips.cc/paper/2013/hash/b7bb35b9c6ca2aee2df08cf09d7016c2-Abstract.html)
# let the quick wait instead).
#
# ### Exercise 7.3 · A server that minds how old the news is
#
# Write `push`: with a learning rate divided by $1 + \text{staleness}$, and with gradients refused whose staleness is
# *above* `bound`. A refused gradient leaves weights and version as they are. Who has pulled keeps what was pulled: a
# step must not change those arrays.
#
# Difficulty 3 of 5 · 10 minutes · needs nothing · 4 points · below, eight workers that take turns learn with it


# %% exercise="7.3"
class CarefulServer:
    """An asynchronous server that steps by the age of a gradient, and refuses old ones."""

    def __init__(self, weights, version, learning_rate, enough, bound=50):
        self.weights, self.version, self.learning_rate, self.enough = weights, version, learning_rate, enough
        self.bound, self.arrivals = bound, []

    def pull(self):
        """The weights, their version, and whether more gradients are wanted."""
        return self.weights, self.version, self.version < self.enough

    def push(self, worker: int, version: int, gradient: list[np.ndarray]) -> bool:
        """Note (worker, staleness) in `arrivals`, refused or not; step unless refused; whether it stepped."""
        ### BEGIN SOLUTION
        staleness = self.version - version
        self.arrivals.append((worker, staleness))
        if staleness > self.bound:
            return False
        self.weights = step(self.weights, gradient, self.learning_rate / (1 + staleness))
        self.version += 1
        return True
        ### END SOLUTION

    def history(self):
        """(worker, staleness) of each gradient, in the order of arrival."""
        return self.arrivals


# %% check="7.3"
check("7.3")

# %%
careful = take_turns(CarefulServer(new_weights(), 0, 0.2, 400), 8, 400)
draw_turns(turns | {"8 workers, careful server": careful})

# %% [markdown]
# *Figure: the two curves from before and a third, of eight workers with the careful server, which falls, later than
# that of one worker.*
#
# It learns again, at an eighth of the step: staleness was moved from harm to cost. As all gradients but the first are
# equally old here, a rate of 0.2/8 would do the same. To mind the age pays where ages differ: the fresh keep their full
# step. As an actor it works like the other one, and refuses what is too old:


# %%
class PickyServer(CarefulServer):
    """Takes fresh and nearly fresh gradients only."""

    def __init__(self, *arguments):
        super().__init__(*arguments, bound=2 * n_workers)


arrivals, _ = train_asynchronously(n_pushes, slow, kind=PickyServer)
refused = sum(age > 2 * n_workers for _, age in arrivals)
from_slow = sum(worker == 0 for worker, _ in arrivals)
print(f"{len(arrivals)} gradients arrived, {refused} were refused; {from_slow} came from the slow worker")

# %% [markdown]
# A bound protects the model from a slow worker, and the slow worker's rows from being learned. Data that only one
# worker has must not depend on how fast that worker is.

# %% [markdown]
# ## 5 All-reduce: no server at all
#
# Everything goes through the server's connection. With $p$ workers and a model of $n$ bytes, in every step it
# receives $pn$ bytes and sends $pn$, while each worker receives $n$ and sends $n$. More workers make the server's share
# longer and nothing shorter.
#
# An **all-reduce** gives every worker the sum of all workers' vectors, and the **ring** does it without a centre
# ([Patarasuk, Yuan 2009](https://doi.org/10.1016/j.jpdc.2008.09.002)). Each worker talks to its right neighbour only.
# The vector is cut into $p$ chunks. In the first $p - 1$ steps, **reduce-scatter**, a worker sends one chunk to the
# right and adds the one that comes from the left to its own. Then each worker has one chunk with everybody's numbers in
# it. In $p - 1$ further steps, **all-gather**, the finished chunks travel once round the ring.

# %%
counts = [
    "1111 1111 1111 1111", "1112 2111 1211 1121", "1132 2113 3211 1321", "1432 2143 3214 4321",
    "4432 2443 3244 4324", "4434 4443 3444 4344", "4444 4444 4444 4444",
]  # fmt: skip
figure, axes = plt.subplots(1, 7, figsize=(9, 2.1))
for number, (axis, rows) in enumerate(zip(axes, counts, strict=True)):
    table = np.array([[int(count) for count in row] for row in rows.split()])
    axis.imshow(table, vmin=1, vmax=4, cmap="cividis")
    for (row, column), count in np.ndenumerate(table):
        axis.text(column, row, count, ha="center", va="center", color="black" if count > 2 else "white")
    phase = "start" if number == 0 else "reduce" if number < 4 else "gather"
    axis.set(xticks=range(4), yticks=range(4), xlabel="chunk", title=f"{number}: {phase}")
    axis.grid(False)
axes[0].set_ylabel("worker")
figure.suptitle("Ring all-reduce among four workers: how many workers' numbers are in each chunk", fontsize=11)
plt.show()

# %% [markdown]
# *Figure: seven tables with a row per worker and a column per chunk, before the first and after each of six steps. At the
# start each cell holds 1. In three reduce steps one cell per worker grows to 4; in three gather steps the 4s spread,
# until all cells hold 4.*
#
# **Predict first.** How many bytes does one worker send in all, of a vector of $n$ bytes, with 2, with 4 and with 1,000
# workers?
#
# <details><summary>Answer</summary>
#
# One chunk of $n/p$ bytes in each of $2(p-1)$ steps: $2n\frac{p-1}{p}$. That is $n$, $1.5\,n$ and nearly $2n$: hardly
# more for a thousand workers than for four.
#
# </details>
#
# ### Exercise 7.4 · The ring
#
# Write it for any number of workers, and vectors of any length. Every number that goes from one worker to another must
# go through `send`, which returns what the receiver gets. Which worker sends which chunk in which step? Draw the arrows
# between two tables of the figure.
#
# Difficulty 4 of 5 · 20 minutes · needs nothing · 6 points · three vectors `[1, 2]`, `[10, 20]`, `[100, 200]` all become
# `[111, 222]`


# %% exercise="7.4"
def ring_all_reduce(vectors: list[np.ndarray], send) -> list[np.ndarray]:
    """For each worker the sum of all `vectors` (n,); `send(sender, receiver, numbers)` is the receiver's copy of `numbers`."""
    ### BEGIN SOLUTION
    p = len(vectors)
    chunks = [np.array_split(np.array(vector), p) for vector in vectors]
    for moved in range(2 * (p - 1)):
        for sender in range(p):
            receiver, chunk = (sender + 1) % p, (sender - moved) % p
            numbers = send(sender, receiver, chunks[sender][chunk])
            if moved < p - 1:
                numbers = chunks[receiver][chunk] + numbers
            chunks[receiver][chunk] = numbers
    return [np.concatenate(parts) for parts in chunks]
    ### END SOLUTION


# %% check="7.4"
check("7.4")

# %% [markdown]
# Your ring on real gradients, those of four shards, with a `send` that counts bytes:


# %%
def reduce_gradients(p=4):
    """Difference of the ring's average from the full gradient, and the bytes that each of `p` workers sent."""
    flat = [np.concatenate([G.ravel() for G in gradients(start, X[i::p], y[i::p])]) for i in range(p)]
    sent = np.zeros(p, dtype=int)

    def send(sender, receiver, numbers):
        sent[sender] += numbers.nbytes
        return numbers.copy()

    sums = ring_all_reduce(flat, send)
    everything = np.concatenate([G.ravel() for G in full])
    return max(np.abs(total / p - everything).max() for total in sums), sent, flat[0].nbytes


off, sent_bytes, vector_bytes = reduce_gradients()
print(f"average of the ring, off by {off:.0e}")
print(f"sent by each worker: {sent_bytes / vector_bytes} times the vector")

# %% [markdown]
# Bytes are one half of a message's cost, latency the other (chapter 01): the ring has $2(p-1)$ messages one after the
# other. With latency $\alpha$ and $\beta$ seconds per byte
#
# $$\text{ring: } 2(p-1)\Bigl(\alpha + \frac{n}{p}\beta\Bigr) \qquad
# \text{server: } 2\,(\alpha + p\,n\,\beta)$$
#
# if the server's messages wait for each other only on its own connection.
#
# **Predict first.** With 0.1 ms and 1 GB/s: who wins for a vector of 1 kB, who for one of 100 MB?

# %%
p, alpha, beta = np.array([2, 4, 8, 16, 32, 64, 128, 256]), 1e-4, 1e-9
figure, axes = plt.subplots(1, 2)
for axis, n, name in zip(axes, [1e3, 1e8], ["1 kB", "100 MB"], strict=True):
    axis.plot(p, 2 * (alpha + p * n * beta) * 1e3, "s--", label="server")
    axis.plot(p, 2 * (p - 1) * (alpha + n / p * beta) * 1e3, "o-", label="ring")
    axis.set(xscale="log", yscale="log", xlabel="workers", ylabel="milliseconds", title=f"vector of {name}")
    axis.set_xticks([2, 8, 32, 128], [2, 8, 32, 128])
axes[0].legend()
figure.suptitle("Model of one all-reduce: 0.1 ms latency, 1 GB/s", fontsize=11)
plt.show()

# %% [markdown]
# *Figure: modelled time against workers for a server and a ring, both axes logarithmic. For 1 kB the ring's line
# rises from the start and the server's bends up late; for 100 MB the server's rises and the ring's is almost flat.*
#
# <details><summary>Answer</summary>
#
# The server for the small vector, the ring for the large one: there are no more bytes on any connection with 256
# workers than with a few.
#
# </details>
#
# So large vectors are for rings, and many small ones should first become a large one. PyTorch puts gradients into
# buckets of 25 MB before it reduces them, and reduces the first buckets while the rest of the backward pass still runs
# ([Li et al. 2020](https://www.vldb.org/pvldb/vol13/p3005-li.pdf); the size is that of
# [its documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html)).

# %% [markdown]
# ## 6 Local SGD: talk less often
#
# An all-reduce makes a step cheaper. The other way is to have fewer of them: every worker takes $k$ steps on its own
# rows, then the *weights* are averaged, and all go on from the average. That is **local SGD**
# ([Stich 2019](https://arxiv.org/abs/1805.09767)). With $k = 1$ and equal shards it is what we had, as the
# average of the steps is the step along the average.
#
# ### Exercise 7.5 · One round
#
# Write a round of local SGD, with full gradients so that chance has no part: from the same weights, each shard takes
# `n_steps` steps along its own gradient, and the results are averaged by the shards' rows. `gradients` and `step`
# are there.
#
# Difficulty 3 of 5 · 10 minutes · needs the idea of 7.2 · 4 points · with one step on any shards of `X` and `y` it gives
# `step(weights, gradients(weights, X, y), learning_rate)`


# %% exercise="7.5"
def local_round(weights: list[np.ndarray], shards: list[tuple], learning_rate: float, n_steps: int) -> list[np.ndarray]:
    """Weights after one round; `shards` are pairs X (rows, n), y (rows,), none of them empty."""
    ### BEGIN SOLUTION
    models, rows = [], []
    for X_shard, y_shard in shards:
        model = weights
        for _ in range(n_steps):
            model = step(model, gradients(model, X_shard, y_shard), learning_rate)
        models.append(model)
        rows.append(len(y_shard))
    return [sum(r * W for r, W in zip(rows, parts, strict=True)) / sum(rows) for parts in zip(*models, strict=True)]
    ### END SOLUTION


# %% check="7.5"
check("7.5")

# %% [markdown]
# On the cluster a round is one task per worker, with mini-batches, and its steps need no message between them:


# %%
def local_steps(shard, weights, first, k):
    """Weights after `k` mini-batch steps on one shard, the first with number `first`."""
    for number in range(first, first + k):
        weights = step(weights, batch_gradients(shard, weights, number), learning_rate=0.2)
    return weights


def train_locally(shards, k):
    """Log of (seconds, steps taken by each worker, weights): averages after every `k` steps."""
    weights, log, began = new_weights(), [], time.perf_counter()
    for first in range(0, n_gradients, k):
        tasks = [
            client.submit(local_steps, shard, weights, first, k, pure=False, **place)
            for shard, place in zip(shards, places, strict=True)
        ]
        weights = mean_of(client.gather(tasks))
        log.append((time.perf_counter() - began, first + k, weights))
    return log


# %% [markdown]
# Shards as mixed as ours look alike, so workers drift apart slowly. What if they do not look alike, as where every
# hospital trains on its own patients? Sorted by digit, each worker sees only some of the ten.


# %%
def load_sorted_shard(number):
    """The `number`-th of `n_workers` parts of the training rows sorted by their digit."""
    X, y = training_digits()
    rows = np.array_split(np.argsort(y, kind="stable"), n_workers)[number]
    return X[rows], y[rows]


sorted_shards = [client.submit(load_sorted_shard, number, **place) for number, place in enumerate(places)]
_ = wait(sorted_shards)

# %% [markdown]
# **Predict first.** Averages after every step and after every 4, 16 and 32 steps, on mixed and on sorted shards: how
# much less time does the last take than the first? Where does the loss suffer?

# %%
every = [k for k in (1, 4, 16, 32) if k <= n_gradients]
figure, axes = plt.subplots(1, 2, sharey=True)
for axis, name, parts in zip(axes, ["mixed shards", "shards sorted by digit"], [shards, sorted_shards], strict=True):
    for k, style in zip(every, ["-", "--", "-.", ":"], strict=False):
        taken, steps_taken, models = zip(*train_locally(parts, k), strict=True)
        axis.plot(steps_taken, [loss(model, X, y) for model in models], style, marker=".", label=f"k = {k}")
        print(f"{name:22} k = {k:2}: {taken[-1] / n_gradients * 1e3:5.2f} ms per step, ", end="")
        print(f"{len(models):3} rounds, loss {loss(models[-1], X, y):.2f}, accuracy {accuracy(models[-1]):.0%}")
    axis.set(xlabel="steps taken by each worker", title=name)
axes[0].set_ylabel("training loss")
axes[1].legend()
plt.show()

# %% [markdown]
# *Figure: training loss against the steps that each worker took, for averages after every 1, 4, 16 and 32 steps. On mixed
# shards the curves lie on each other; on sorted shards those with longer rounds lie higher.*
#
# <details><summary>Answer</summary>
#
# A step costs many times less in long rounds, since its messages are shared by all steps of a round. On mixed shards
# that costs nothing here. On sorted shards each worker walks towards a model that knows its own digits alone, and the
# average of such models is worse than a model of all: the longer the round, the farther the **drift**.
#
# </details>
#
# Of all that this chapter has tried, this changed the price of distribution most. Chapter 13 meets it again under the
# name of federated averaging, with clients that no one would call alike.

# %% [markdown]
# ## 7 Larger batches, larger steps
#
# With $p$ workers of 32 rows each the global batch has $32p$ rows, and an epoch, one pass over the rows, has $p$ times
# fewer steps. If nothing else changes, the model is trained less. The **linear scaling rule**: as many times the rows,
# as many times the learning rate ([Goyal et al. 2017](https://arxiv.org/abs/1706.02677)). $k$ small steps in nearly the
# same place go as far as one that is $k$ times as long, as long as it *is* nearly the same place. In the first steps it
# is not, so they start with a small rate and let it grow: the **warm-up**.
#
# ### Exercise 7.6 · Scale and warm up
#
# The rate for step `number` (0 is the first): the base rate, scaled by the batch; over the first `warmup` steps it grows
# from the base rate in equal increments, so that step `warmup` is the first at the full rate.
#
# Difficulty 2 of 5 · 5 minutes · needs nothing · 2 points · for a base of 0.1 at 16 rows, a batch of 64 and a warm-up of
# 3 steps, the first five rates are 0.1, 0.2, 0.3, 0.4, 0.4


# %% exercise="7.6"
def learning_rate_at(number: int, base: float, base_rows: int, batch_rows: int, warmup: int) -> float:
    """Learning rate of step `number`; `base` is right for batches of `base_rows`; without warm-up, `warmup` is 0."""
    ### BEGIN SOLUTION
    full_rate = base * batch_rows / base_rows
    if number >= warmup:
        return full_rate
    return base + (full_rate - base) * number / warmup
    ### END SOLUTION


# %% check="7.6"
check("7.6")

# %% [markdown]
# **Predict first.** 20 epochs with batches of 16 to 512 rows: once always with the rate that suits 16 rows, 0.1; once
# scaled; once scaled, with 50 steps of warm-up, or half of the steps where 50 are more. (Rows that fill no batch are left
# out of an epoch.) Where does the rule hold, and where does it end?


# %%
def train_epochs(batch_rows, rate_at, seed, epochs=20):
    """Training loss after `epochs` at the rates `rate_at(step)`; and the hidden units that are 0 for every row."""
    weights, random, number = new_weights(), np.random.default_rng(seed), 0
    for _ in range(epochs):
        order = random.permutation(len(y))
        for first in range(0, len(y) - batch_rows + 1, batch_rows):
            rows = order[first : first + batch_rows]
            weights = step(weights, gradients(weights, X[rows], y[rows]), rate_at(number))
            number += 1
    return min(loss(weights, X, y), 10), (forward(weights, X)[0] == 0).all(axis=0).sum()


batches = [16, 32, 64, 128, 256, 512]
fixed = [[train_epochs(rows, lambda number: 0.1, seed) for seed in range(n_orders)] for rows in batches]

# %%
runs = {"the rate stays": fixed}
for name, warmup in [("scaled", 0), ("scaled, warm-up", 50)]:
    runs[name] = [
        [
            train_epochs(
                rows, lambda n, r=rows, w=warmup: learning_rate_at(n, 0.1, 16, r, min(w, len(y) // r * 10)), seed
            )
            for seed in range(n_orders)
        ]
        for rows in batches
    ]
figure, axis = plt.subplots()
for (name, values), style, colour, side in zip(
    runs.items(), ["o-", "s--", "^:"], ["C0", "C1", "C2"], [0.94, 1, 1.06], strict=True
):
    losses, dead = np.moveaxis(np.array(values), -1, 0)  # each (batch sizes, orders)
    axis.plot(np.array(batches) * side, np.median(losses, axis=1), style, color=colour, label=name)
    axis.plot(np.array(batches) * side, losses, ".", color=colour, markersize=4)
    print(
        f"{name:16} 512 rows: loss {np.median(losses[-1]):.2f}, {np.median(dead[-1]):.0f} of 32 hidden units are dead"
    )
axis.set(xscale="log", yscale="log", xlabel="rows per batch", ylabel="training loss")
axis.set_xticks(batches, batches)
axis.minorticks_off()
axis.set_title("20 epochs over the digits")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: loss after 20 epochs against rows per batch, both axes logarithmic; dots are single orders of the rows, lines
# their medians. With a rate that stays it rises with every doubling. Scaled, it is level up to 128 rows; at 256 the dots
# scatter widely; at 512 both scaled lines are high.*
#
# <details><summary>Answer</summary>
#
# Up to 128 rows the scaled rate keeps the loss where it was, with an eighth of the steps. At 256 a rate of 1.6 is too
# long for the first steps; the warm-up helps in most orders, not in all. At 512 it helps no more: 2.3 is $\log 10$, the
# loss of guessing. The long steps have thrown most hidden units to where they are 0 for every row. Such a unit is
# **dead**: no gradient passes through it, so it stays there.
#
# </details>
#
# A batch can be scaled up to a limit that the problem sets, and no cluster moves it. Goyal et al. found the rule to hold
# up to 8,192 rows for a network of fifty layers on ImageNet; for our digits the end comes at a few hundred.

# %% [markdown]
# ## 8 When the model does not fit: model and pipeline parallelism
#
# So far each worker had all the weights. A model that is too large for one worker can be cut itself. **Model
# parallelism** puts its layers, or parts of each layer, on different workers; what travels is then activations on the
# way forward, and their gradients on the way back. Layers wait for each other, so with one batch at a time all workers
# but one are idle. **Pipeline parallelism** cuts the batch into **micro-batches** and sends them down one after the
# other ([Huang et al. 2019](https://arxiv.org/abs/1811.06965)):


# %%
def draw_pipeline(axis, p, m):
    """`m` micro-batches forward and back over `p` workers, one tick per layer and micro-batch."""
    for worker in range(p):
        for batch in range(m):
            back = p + m - 1 + (p - 1 - worker) + (m - 1 - batch)
            for start_tick, colour in [(worker + batch, "C0"), (back, "C1")]:
                label = {"C0": "forward", "C1": "backward"}[colour] if worker == batch == 0 else None
                axis.barh(worker, 1, left=start_tick, color=colour, edgecolor="white", label=label)
                axis.text(start_tick + 0.5, worker, batch, ha="center", va="center", color="white", fontsize=8)
    ticks = 2 * (p + m - 1)
    axis.set(yticks=range(p), yticklabels=[f"worker {w}" for w in range(p)], xlim=(0, ticks), xlabel="ticks")
    axis.grid(False)
    axis.set_title(f"{m} micro-batch{'es' * (m > 1)}: {(p - 1) / (m + p - 1):.0%} idle")


figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), sharey=True, width_ratios=[1, 1.6])
for axis, m in zip(axes, (1, 4), strict=True):
    draw_pipeline(axis, 4, m)
axes[0].invert_yaxis()
axes[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Figure: two schedules of four workers, one row each, over ticks. Blue boxes, forward, go down the rows like stairs;
# orange boxes, backward, go up again. With one micro-batch a single worker is busy at any time; with four the stairs
# overlap, and the empty corners, the bubble, are smaller.*
#
# With $p$ workers and $m$ micro-batches the forward half takes $m + p - 1$ ticks, of which each worker works $m$. The
# idle share, the **bubble**, is
#
# $$\frac{p - 1}{m + p - 1}$$
#
# **Predict first.** How many micro-batches keep the bubble of four workers below a tenth?
#
# <details><summary>Answer</summary>
#
# $3/(m+3) < 0.1$ means $m > 27$: twenty-eight. And each must still be large enough to keep its worker busy.
#
# </details>
#
# Large models are trained with all of these at once: cut across the machines that share the fastest connections, and
# copied, with all-reduce between the copies, across the rest. None of it is Dask's business: Dask brings processes, data
# and functions together, and the training framework moves the tensors. That is the division of labour of the next
# section.

# %% [markdown]
# ## 9 PyTorch in Dask workers
#
# All by hand so far; now the tool that the field uses. In
# [DistributedDataParallel](https://docs.pytorch.org/docs/stable/notes/ddp.html), DDP for short, each process is a
# **rank**: it has the whole model and its part of every batch, and in `backward()` the gradients are averaged by
# all-reduce. The optimiser then takes the same step everywhere. The network from before, in float64 so that we can
# compare, and one epoch of it for any rank:


# %%
def network():
    """The network of section 1 in PyTorch; always with the same weights to start from."""
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)).double()


def run_epoch(model, optimiser, epoch, index=0, size=1):
    """One pass over the training digits in global batches of 48 rows; the mean loss of this rank's parts."""
    pixels, digits = map(torch.from_numpy, training_digits())
    order, losses = torch.randperm(len(digits), generator=torch.Generator().manual_seed(epoch)), []
    for batch in order.split(48):
        rows = batch[index::size]
        optimiser.zero_grad()
        batch_loss = torch.nn.functional.cross_entropy(model(pixels[rows]), digits[rows])
        batch_loss.backward()
        optimiser.step()
        losses.append(batch_loss.item())
    return np.mean(losses)


# %%
single = network()
optimiser = torch.optim.SGD(single.parameters(), lr=0.2, momentum=0.5)
for epoch in range(n_epochs):
    mean_loss = run_epoch(single, optimiser, epoch)
print(f"one process: loss {mean_loss:.3f} in the last epoch")

# %% [markdown]
# `ddp.train(function)` from `helpers.ml` calls `function(rank)` once in each Dask worker, with the ranks connected, and
# returns what they return. `rank.index` and `rank.size` say who one is, `rank.report` sends numbers to the notebook
# while the training runs. Nothing of the model goes through Dask: the ranks talk to each other, by gloo on CPUs.


# %%
def train_rank(rank, n_epochs):
    """Train this rank's copy of the network; its weights at the end."""
    model = DistributedDataParallel(network())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    for epoch in range(n_epochs):
        rank.report(epoch=epoch, loss=run_epoch(model, optimiser, epoch, rank.index, rank.size))
    return model.module.state_dict()


class LiveCurves:
    """A figure that grows while records come in."""

    def __init__(self):
        self.records, self.shown = [], None
        self.figure, self.axis = plt.subplots(figsize=(5, 2.6))
        plt.close(self.figure)  # shown by `display` alone

    def __call__(self, record):
        self.records.append(record)
        table = pd.DataFrame(self.records)
        self.axis.clear()
        for (index, rows), style in zip(table.groupby("rank"), ["o-", "s--"], strict=False):
            self.axis.plot(rows["epoch"], rows["loss"], style, label=f"rank {index}")
        self.axis.set(xlabel="epoch", xticks=range(n_epochs), ylabel="mean loss", title="Two ranks, live")
        self.axis.legend()
        if self.shown is None:
            self.shown = display(self.figure, display_id=True)
        else:
            self.shown.update(self.figure)


# %% [markdown]
# **Predict first.** Two ranks with different rows of the same batches: are their losses equal? Their weights at the end?

# %%
ranks = ddp.train(train_rank, n_epochs, n_ranks=2, on_metrics=LiveCurves())

# %% [markdown]
# *Figure: mean loss of each rank's rows against epoch, for two ranks; it grew while they trained. The two curves fall together, close but not
# equal.*

# %%
same = all(torch.equal(ranks[0][name], ranks[1][name]) for name in ranks[0])
off = max((ranks[0][name] - weights).abs().max().item() for name, weights in single.state_dict().items())
print(f"the two ranks have identical weights: {same}")
print(f"largest difference from one process on the same global batches: {off:.0e}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The losses differ, as the rows do. The weights are the same to the last bit: both ranks started alike and took the
# same averaged steps. And they are those of one process, within rounding.
#
# </details>
#
# That is section 2 again: 48 rows by two ranks are 24 each, and DDP's average is a *plain* one. With a batch of 49 rows
# it would be off, and nobody would be told.
#
# ### Exercise 7.7 · A rank's share
#
# DDP averages the ranks' gradients plainly. Give a rank its rows of a batch, and the factor for its loss with which that
# plain average becomes the gradient of the mean loss over the whole batch. Every row goes to exactly one rank, and the
# ranks' numbers of rows differ by at most one. A batch has at least as many rows as there are ranks.
#
# Difficulty 3 of 5 · 10 minutes · needs the idea of 7.2 · 3 points · of 49 rows the ranks of two get 24 and 25, with
# factors of about 0.98 and 1.02


# %% exercise="7.7"
def rank_share(batch: np.ndarray, index: int, size: int) -> tuple[np.ndarray, float]:
    """The entries of `batch` (rows,) that rank `index` of `size` takes, and the factor for the mean loss over them."""
    ### BEGIN SOLUTION
    rows = batch[index::size]
    return rows, len(rows) * size / len(batch)
    ### END SOLUTION


# %% check="7.7"
check("7.7")

# %% [markdown]
# (PyTorch's [DistributedSampler](https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler)
# makes shares equal another way: it hands some rows out twice, or leaves the last ones out.)
#
# ### What can go wrong
#
# Two accidents follow, an error and a death. (Dask would report the death in red; `logging.disable` keeps that off this
# page. The shards of the sections before are no longer needed, so we give them up.)

# %%
client.cancel([*shards, *sorted_shards, sent])
logging.disable(logging.ERROR)

# %% [markdown]
# An error in one rank is a trap: the others wait in the next all-reduce for a rank that does not come. `ddp.train` ends
# them, and raises the error here, with the traceback of the rank and its number as a note. The end of what you would see:


# %%
def train_with_a_bad_label(rank):
    """Rank 1 finds a label that does not exist; rank 0 waits for it in the all-reduce."""
    model = DistributedDataParallel(network())
    label = torch.tensor([10 if rank.index == 1 else 3])
    torch.nn.functional.cross_entropy(model(torch.zeros(1, 64).double()), label).backward()


# %%
with show_error():
    try:
        ddp.train(train_with_a_bad_label, n_ranks=2)
    except IndexError as error:
        print("...\n" + "".join(traceback.format_exception(error)[-4:]))
        raise

# %% [markdown]
# And a worker may die. A rank's state lives in its process alone, so it needs a **checkpoint**: `rank.save` writes one
# (rank 0 does), `rank.restore` reads the last. When a worker is lost, `ddp.train` ends the other ranks, waits until Dask
# has started another worker, and calls the function again. Here rank 1 kills its own process after the second epoch,
# when there is nothing restored, that is on the first attempt:


# %%
def train_in_spite_of_death(rank, n_epochs):
    """As `train_rank`, with a checkpoint after each epoch, and one death."""
    model = DistributedDataParallel(network())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    saved = rank.restore() or {"epoch": -1}
    if "model" in saved:
        model.module.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
    for epoch in range(saved["epoch"] + 1, n_epochs):
        rank.report(epoch=epoch, loss=run_epoch(model, optimiser, epoch, rank.index, rank.size))
        rank.save({"model": model.module.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch})
        if rank.index == 1 and epoch == 1 and "model" not in saved:
            os.kill(os.getpid(), signal.SIGKILL)
    return model.module.state_dict()


# %% [markdown]
# The optimiser belongs into the checkpoint too: with momentum it remembers past gradients, and without that memory the
# run would go on elsewhere.
#
# **Predict first.** Will the weights at the end be those of the run that nobody disturbed: identical, close, or other?

# %%
records = []
resumed = ddp.train(
    train_in_spite_of_death, n_epochs, n_ranks=2,
    checkpoint=Path(folder.name) / "digits.pt", on_metrics=records.append,
)  # fmt: skip
for record in records:
    if "restart" in record or record["rank"] == 0:
        print(record)

# %%
logging.disable(logging.NOTSET)
print("identical to the undisturbed run:", all(torch.equal(resumed[0][name], ranks[0][name]) for name in ranks[0]))

# %% [markdown]
# <details><summary>Answer</summary>
#
# Identical. The checkpoint holds all that the next epoch depends on: weights, momentum, and the number of the epoch,
# which seeds the order of the rows.
#
# </details>
#
# The death cost the time of a new process, and whatever was trained since the last checkpoint.

# %% [markdown]
# ## 10 How fast, honestly
#
# The digits are too small for more workers to help. So we enlarge them to 32 × 32 pixels and train a convolutional
# network on them, with the same global batch in every contender. Loss and accuracy stand beside each speed: a fast
# training that learns nothing is no use. We also count **page faults** per step, the moments in which the system has to
# fetch a page of memory for the process.


# %%
def enlarged(split):
    """Images (rows, 1, 32, 32) and digits (rows,) of `split`, a function that returns rows of 64 pixels."""
    pixels, digits = split()
    images = torch.from_numpy(pixels.reshape(-1, 1, 8, 8)).float()
    return torch.nn.functional.interpolate(images, size=32), torch.from_numpy(digits)


def convolutions():
    """A network of three convolutions, 66,000 weights."""
    torch.manual_seed(7)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(32, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(64, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(4),
        torch.nn.Flatten(), torch.nn.Linear(1024, 10),
    )  # fmt: skip


def page_faults():
    """Page faults of this process so far, those without reading a disk."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


# %%
def train_images(model, index, size, n_images):
    """Train on `n_images` in global batches of about 128; images per second, page faults per step, held-out loss, accuracy."""
    images, digits = enlarged(training_digits)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.005)
    n_rows = max(1, 128 // size) * size
    steps, warm = n_images // n_rows, 2
    for number in range(warm + steps):
        if number == warm:  # the first steps set things up
            began, faults_before = time.perf_counter(), page_faults()
        rows = torch.randint(len(digits), (n_rows,), generator=torch.Generator().manual_seed(number))[index::size]
        optimiser.zero_grad()
        batch_loss = torch.nn.functional.cross_entropy(model(images[rows]), digits[rows])
        batch_loss.backward()
        optimiser.step()
    taken, faults = time.perf_counter() - began, page_faults() - faults_before
    images, digits = enlarged(held_out_digits)
    with torch.no_grad():
        scores = model(images)
    right = (scores.argmax(axis=1) == digits).float().mean().item()
    return steps * n_rows / taken, faults / steps, torch.nn.functional.cross_entropy(scores, digits).item(), right


def train_images_alone(n_threads, n_images):
    """The same in one process, with so many threads."""
    torch.set_num_threads(n_threads)
    try:
        return train_images(convolutions(), 0, 1, n_images)
    finally:
        torch.set_num_threads(1)


def in_one_worker(n_threads):
    """What `train_images_alone` returns, as a task in the first worker."""
    return client.submit(
        train_images_alone, n_threads, n_images, pure=False, workers=list(client.nthreads())[:1]
    ).result()


def train_images_rank(rank, n_images):
    """The same as a rank."""
    return train_images(DistributedDataParallel(convolutions()), rank.index, rank.size, n_images)


def faster_of_two(train, *arguments, **keywords):
    """What `train(*arguments, **keywords)` returns, from the run with more images per second."""
    return max(train(*arguments, **keywords) for _ in range(2))


# %% [markdown]
# The one process is a task in one of the workers, so that all contenders live in the same surroundings.
#
# **Predict first.** One process with one thread, one with a thread per core, or one rank per worker: which trains most
# images per second?

# %%
columns = ["images per second", "page faults per step", "held-out loss", "held-out accuracy"]
speeds = pd.DataFrame(columns=columns, dtype=float)
for n_threads in sorted({1, n_cores}):
    speeds.loc[f"1 process, threads: {n_threads}"] = faster_of_two(in_one_worker, n_threads)
speeds.loc[f"DDP, {n_workers} ranks"] = faster_of_two(ddp.train, train_images_rank, n_images)[0]
speeds.round(2)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Compare your own lines; where others use the machine too, they move. Threads share out every operation of a step, and
# wait for each other at the end of each: for operations as small as ours that may gain or lose. Ranks share out the rows
# and wait once per step, in the all-reduce. What DDP has to beat is the *better* of the first two lines.
#
# </details>
#
# There is a trap beside it. Dask's nanny starts its workers with
# `MALLOC_TRIM_THRESHOLD_=65536`, which makes the C library of Linux hand freed memory back to the system at once
# ([documentation](https://distributed.dask.org/en/stable/worker-memory.html#automatically-trim-memory)). That is kind
# to neighbours. But a training step frees and takes the same memory again and again, and each page handed back is
# a page fault later. `start_cluster()` adds two settings that keep the memory; a plain `LocalCluster` does not, and
# `ddp.train` warns of it below.

# %% tags=["shows-warning"]
plain_cluster = LocalCluster(n_workers=n_workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0")
with plain_cluster, Client(plain_cluster, set_as_default=False) as plain_client:
    result = faster_of_two(ddp.train, train_images_rank, n_images, client=plain_client)
    plain_client.run(logging.disable, logging.ERROR)  # else a worker may complain while its cluster closes
speeds.loc[f"DDP, {n_workers} ranks, plain cluster"] = result[0]
speeds.round(2)

# %% [markdown]
# The same code, the same loss, and on Linux many times the page faults per step: how much speed they cost depends on the
# model and on the machine. On macOS the C library knows neither setting, and the lines should be alike.
#
# So how do you see which machine you have? Count faults per step as above, look at the task stream, and always run
# plain PyTorch beside, with one thread and with all: no number of workers impresses where the better of these is faster.
# Chapter 08 does so for real images.

# %%
client.close()
folder.cleanup()
progress()

# %% [markdown]
# ## Summary
#
# | way | who talks to whom | bytes sent per step | staleness |
# | --- | --- | --- | --- |
# | futures | all with the notebook | $n$ by each worker, $pn$ by the notebook | none |
# | synchronous server | all with the server | $n$ by each worker, $pn$ by the server | none |
# | asynchronous server | all with the server | the same per gradient | as many versions as others push meanwhile |
# | ring all-reduce | each with its neighbour | $2n\,(p-1)/p$ by each worker | none |
# | local SGD | any of the above, every $k$ steps | one $k$-th | none, but drift |
# | pipeline | each with the next layers' worker | activations of a micro-batch | none, but a bubble |
#
# - The gradient over all rows is the average of the shards' gradients, weighted by their rows. DDP's average is plain:
#   shares must be equal, or their losses weighted.
# - Old gradients overshoot. Fewer messages drift. Larger batches want larger steps, up to a limit.
# - State that lives in a process dies with it: servers and ranks need checkpoints, and checkpoints need *all* of the state.
# - A small network belongs into one process. Measure that one first.
#
# **Explain aloud**
#
# 1. After the start, the ranks of DDP never exchange their weights. Why do they stay identical?
# 2. Ten times the workers: what happens to the bytes on the busiest connection with a server, and with a ring?
# 3. Why did local SGD cost nothing on mixed shards, and something on sorted ones?
#
# **An open problem.** Local SGD with long rounds on sorted shards drifts. What could workers exchange, besides weights
# and no more often, so that they drift less?
#
# **Next**: 08 · Image classification, the same with photographs, from the files to the confusion matrix.
