# %% [markdown]
# # 00 · Start here
#
# **After this chapter you can**
#
# - run a computation on a cluster, and see in the task stream that its workers share it;
# - read the panes of the Dask dashboard, and tell a healthy one from one that asks for help;
# - let the course check your answers, and ask it for hints, solutions and your progress;
# - say which of the things that the course presupposes you should read up first;
# - get out again when something is stuck.
#
# **Time** 30 to 45 minutes, of which less than one is computing. **Needs** Python and NumPy; section 4 asks how
# much of them. **Data** none, only random points.
#
# **How to use this page.** It is made of text and of cells with code. Click a cell and press **Shift+Enter**: it
# runs, its output appears below it, and the next cell is selected. Run them from top to bottom. In JupyterLab,
# *Esc* then *B* makes a new cell below the current one, to try things in. You cannot break anything: `make lab`
# opened **your own copy**, in the folder `work/`, and nothing ever overwrites that.
# The next cell holds the sizes; those called *tiny* are for tests.

# %% tags=["parameters"]
n_blocks = 48  # blocks of random points; tiny: 8
points_per_block = 3_000_000  # points in each of them; tiny: 100_000

# %%
import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from dask.distributed import get_task_stream, wait
from IPython.display import IFrame
from numpy.polynomial import Polynomial
from platformdirs import user_cache_path

from helpers.cluster import start_cluster
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution
from helpers.plots import draw_task_stream, pipeline

plt.style.use("helpers.figures")
pipeline("framework")

# %% [markdown]
# That picture returns at the head of each chapter and says where you are on the way from a framework to collected
# results.
#
# ## 1 A distributed computation in three minutes
#
# **Dask** is a Python library that cuts work into tasks and lets many processes do them, on one machine or on many.
# This line starts such a cluster on yours:

# %%
client = start_cluster()
client

# %% [markdown]
# Press *Launch dashboard in JupyterLab* in the box above, twice: first JupyterLab learns where the dashboard is, then
# it opens three panes of it. (Nothing opens? The link under *Dashboard* shows the same in a tab of its own.) They
# are empty until something runs:
#
# ![JupyterLab: the list of files at the left, this notebook in the middle, at the right three panes, of which the upper shows two rows of bars](pictures/00-lab.png)
#
# *Figure: JupyterLab, this chapter in the middle, three panes at its right: above the task stream, below the workers'
# memory and the progress. On the left edge, third from above, the Dask symbol, behind which are more panes.*
#
# A Dask cluster has **workers**, which compute, and a **scheduler**, which tells each worker what to do next. You
# talk to them through the **client**. Workers are processes of their own, with memory of their own. Each can tell
# its process number:

# %%
processes = client.run(os.getpid)
print(f"{len(client.nthreads())} workers, in {len(set(processes.values()))} processes")
print("one of them is the process of this notebook:", os.getpid() in processes.values())

# %% [markdown]
# As many processes as workers, and this notebook is none of them. A worker knows only what was sent to it.
#
# ### Six points by hand
#
# We need something to compute. Throw points into a square of side 1, at random, and count those no further than 1
# from the corner (0, 0). They fill a quarter of a circle, whose area is $\pi / 4$. So four times the share of
# points inside is an estimate of $\pi$.

# %% tags=["nbval-check-output"]
six_points = np.array([[0.1, 0.2], [0.9, 0.8], [0.5, 0.5], [0.7, 0.9], [0.3, 0.6], [0.8, 0.1]])
distances = np.sqrt((six_points**2).sum(axis=1))
pd.DataFrame({"x": six_points[:, 0], "y": six_points[:, 1], "distance": distances.round(2), "inside": distances <= 1})

# %% [markdown]
# Four of six are inside: $\pi \approx 4 \cdot 4/6 \approx 2.67$. That is a poor estimate, and more points make a
# better one:

# %%
many_points = np.random.default_rng(0).random((1500, 2))
inside = (many_points**2).sum(axis=1) <= 1
figure, axis = plt.subplots(figsize=(4.6, 3.2))
axis.plot(*many_points[inside].T, ".", markersize=2.5, label="inside")
axis.plot(*many_points[~inside].T, "x", markersize=2.5, label="outside")
axis.set(
    aspect="equal",
    xlabel="x (sides of the square)",
    ylabel="y (sides of the square)",
    title=f"1,500 points: pi is about {4 * inside.mean():.2f}",
)
axis.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=3)
plt.show()

# %% [markdown]
# *Figure: 1,500 points in a square. Those within a quarter of a circle around the lower left corner are drawn as
# dots, the others as crosses.*
#
# ### Millions of points, one process
#
# The points come in blocks. Each block has its number as its seed, so it holds the same points wherever and
# whenever it is made:


# %%
def count_inside(block, n_points=points_per_block):
    """How many of `n_points` random points lie inside; `block` is the seed."""
    points = np.random.default_rng(block).random((n_points, 2))
    return int(((points**2).sum(axis=1) <= 1).sum())


# %%
start = time.perf_counter()
counts_here = [count_inside(block) for block in range(n_blocks)]
seconds_here = time.perf_counter() - start
print(f"pi is about {4 * sum(counts_here) / (n_blocks * points_per_block):.4f}, in {seconds_here:.2f} s")

# %% [markdown]
# ### The same points, all workers
#
# A pane can stand inside this page too, live. (In a copy that is not running it stays empty; the drawing further
# down shows the same.)

# %%
IFrame(client.dashboard_link.replace("/status", "/individual-task-stream"), width="100%", height=260)

# %% [markdown]
# `client.map` has the workers call a function once for each block. Each of these calls is a **task**. `client.map`
# itself returns at once, with a **future** for each result; `client.gather` waits for the results and fetches them.
# `get_task_stream` records what happens meanwhile.
#
# **Predict first.** How many of the blocks will each worker compute?

# %%
with get_task_stream() as stream:
    start = time.perf_counter()
    counts = client.gather(client.map(count_inside, range(n_blocks)))
    seconds_there = time.perf_counter() - start
print(f"pi is about {4 * sum(counts) / (n_blocks * points_per_block):.4f}, in {seconds_there:.2f} s")

# %%
draw_task_stream(stream.data, "The blocks that each worker counted")
plt.show()

# %% [markdown]
# *Figure: one row of bars for each worker, all in one colour. Each bar is one block. The rows run side by side in
# time, with next to no gaps.*
#
# There they are: the workers share one computation, each in its own row, at the same time. How many blocks did each
# take?

# %%
blocks_per_worker = pd.Series([record["worker"] for record in stream.data]).value_counts()
print("blocks per worker:", blocks_per_worker.tolist())

# %% [markdown]
# <details><summary>Answer</summary>
#
# About the same number each, and rarely exactly. Nobody dealt the blocks out beforehand: the scheduler gives the
# next one to a worker that has room for it. Where something else keeps a core busy, that worker takes fewer.
#
# </details>
#
# Same blocks, same seeds, so it must be the same result, to the last point:

# %% tags=["nbval-check-output"]
np.array_equal(counts, counts_here)

# %%
ratio = seconds_there / seconds_here
print(f"the cluster took {ratio:.2f} of the time of one process, with {len(client.nthreads())} workers")

# %% [markdown]
# With two workers about one half is the best to hope for. Function and results have
# to travel, the first call on each worker takes longer than the rest, and a core may be busy with something else,
# in either run. Chapter 01 measures what can be gained at best.
#
# ### Where Dask loses
#
# `client.submit` sends a single call, and `result()` waits for what it returns.
#
# **Predict first.** For our six points, how many times as long does the cluster take?

# %%
start = time.perf_counter()
for _ in range(20):
    count_inside(0, 6)
one_process = time.perf_counter() - start
start = time.perf_counter()
for _ in range(20):
    client.submit(count_inside, 0, 6, pure=False).result()
print(f"the cluster takes {(time.perf_counter() - start) / one_process:.0f} times as long")

# %% [markdown]
# <details><summary>Answer</summary>
#
# By orders of magnitude. The task travels to the scheduler and to a worker, and its result comes back: that costs
# milliseconds, whatever the task. Six points take microseconds. Work is worth sending where it takes much longer
# than the journey.
#
# </details>
#
# (`pure=False` says: compute again. Otherwise Dask takes it that the same function of the same arguments gives the
# same result, and reuses a result that it still has.)

# %% [markdown]
# ## 2 The dashboard, pane by pane
#
# Each pane answers one question. Answer it from the picture, unfold, then make something happen in your own pane.
#
# ### Task stream: who does what, when?
#
# Two streams of the same tasks on the same points, drawn to the same scale. Dark bars make a block of x or of y, light
# green ones take a block of each and count. In one run both were made on the same worker, in the other on two.
#
# ![Two task streams of two workers, A above B. A has many wide red bars and is the longer one, B has bars of two colours only](pictures/00-task-stream.png)
#
# *Figure: two task streams, A and B, each with a row for each of two workers. A is crossed by many red bars and
# takes longer, B by none.*
#
# **Which one is healthy?**
#
# <details><summary>Answer</summary>
#
# B. In A each red bar is a **transfer**, a block on its way from the other worker, and the same work took 3.7 s
# instead of 2.4 s. Red is translucent: pink over white, brown over a bar. Both runs give the same count, to the last
# point: no result tells you, the stream does.
#
# </details>
#
# Now make a transfer. `workers=` says where a task has to run: a block of 80 MB is made on one worker, and summed
# on the other. **Predict first.** What comes between the two bars?

# %%
one, other = list(client.nthreads())[:2]
with get_task_stream() as stream:
    block = client.submit(np.ones, 10_000_000, workers=one, pure=False)
    client.submit(np.sum, block, workers=other, pure=False).result()
draw_task_stream(stream.data, "80 MB made on one worker, summed on the other")
plt.show()

# %% [markdown]
# *Figure: a bar in each row, and between them in time, in the second row, a hatched one: the transfer. In the
# dashboard it is red.*
#
# ### Status: is everybody busy?
#
# The page behind the dashboard's link, while points are thrown into the square in 40 blocks:
#
# ![The dashboard's status page: at the left bars of memory and of tasks, at the right the task stream of two workers and below it the progress bars](pictures/00-status.png)
#
# *Figure: the status page. Left the memory, and below it the tasks that each worker has at hand; right the task
# stream, and below it the progress, one bar for each kind of task.*
#
# **Is everybody busy, and how many of the 40 blocks are made?**
#
# <details><summary>Answer</summary>
#
# Both have two tasks at hand, and rows with few gaps. 8 blocks are made: `random-sum-s...` in the progress counts
# them. Full colour is a result in memory, paler one that is no longer needed; plain grey is at a worker, hatched is
# queued, almost white waits. (The orange stripe is a transfer: red over yellow.)
#
# </details>
#
# Now make it unhealthy, with the task stream or the status page in view. **Predict first.** What do you see if all
# blocks have to go to one worker?

# %%
with get_task_stream() as stream:
    client.gather(client.map(count_inside, range(n_blocks // 2), workers=one, pure=False))
print("blocks per worker:", pd.Series([record["worker"] for record in stream.data]).value_counts().tolist())

# %% [markdown]
# <details><summary>Answer</summary>
#
# One row of bars, and one long bar under *Tasks Processing*; the count above has a single entry. When you see this
# unasked, work or data lies on one worker.
#
# </details>
#
# ### Memory: is there room?
#
# ![Memory of two workers: the upper bar is orange and ends in a long grey part that almost reaches the end of the axis, the lower one is short and blue](pictures/00-memory.png)
#
# *Figure: bytes stored per worker. The axis ends at a worker's limit. The lower bar is blue and short; the upper
# one is orange, and ends in a long grey part.*
#
# **Which worker is short of memory, and what does it do about it?**
#
# <details><summary>Answer</summary>
#
# The upper one. Beyond 60 % of the limit it is orange, and has moved data to disk, the grey part. The darkest part
# of a bar is results that somebody still needs, the paler rest is the process itself. At 80 % a worker turns red
# and takes no new task, at 95 % it is killed and started again ([memory
# management](https://distributed.dask.org/en/stable/worker-memory.html), read in November 2026). Chapter 02 lets
# you watch that happen.
#
# </details>
#
# Now fill some, with the memory pane in view:

# %%
held = client.map(np.ones, [5_000_000] * 4, pure=False)
wait(held)
print(f"{sum(client.nbytes(summary=False).values()) / 1e6:.0f} MB of results, held by the workers for you")

# %% [markdown]
# Four blocks of 40 MB, and the one of 80 MB from before. The workers keep them as long as you keep their futures:

# %%
del held, block

# %% [markdown]
# The dark part of the bars is gone.
#
# ### Graph: what waits for what?
#
# ![A task graph: eight squares at the left, each joined to one further right, these in two groups of four to two squares, these to one and that to a last one](pictures/00-graph.png)
#
# *Figure: a task graph on two workers, from left to right. Eight blocks are made (first column), counted (second),
# and the counts are joined. In the first column four squares are yellow, two green and two red.*
#
# **How many blocks are made so far?**
#
# <details><summary>Answer</summary>
#
# Two: here red is good news, a result in memory. The two counts that need them are green, at a worker. Chapter 02
# comes back to graphs.
#
# </details>
#
# ### The colours, side by side
#
# | colour | task stream | progress | memory | graph |
# | --- | --- | --- | --- | --- |
# | red | transfer from another worker | hatched: no worker may run it | paused, or at the limit | in memory: good |
# | orange | to or from disk | | beyond 60 % of the limit | |
# | grey | unpacking | plain: at a worker; hatched: queued | moved to disk | waits for others |
# | black | failed | failed | | failed |
# | white | idle | waits for others | free | |
# | others | one for each kind of task | as in the stream | blue: all is well | yellow: queued; green: at a worker; blue: no longer needed |
#
# If you look at one pane only, look at the task stream.

# %% [markdown]
# ## 3 Check, hint, solution, progress
#
# ### A Dask array
#
# The exercise works on a **Dask array**. It has NumPy's methods, but consists of blocks, and it is **lazy**: a line
# of code says which tasks will make the result, and runs none of them.

# %% tags=["nbval-check-output"]
blocks = da.from_array(six_points, chunks=(3, 2))
total = blocks.sum(axis=0)
total

# %% [markdown]
# No sum yet, only its shape, and a graph of tasks that make it from two blocks of three points. `.compute()` has the
# workers run them, and fetches the result as NumPy:

# %% tags=["nbval-check-output"]
total.compute()

# %% [markdown]
# The six points lay in this notebook and travelled to the workers. Larger arrays are better made there, block by
# block, as `da.random` does.
#
# ### Exercise 0.1 · Pi from points
#
# Exercises ask for a function. Its docstring says what it gets and what it returns; in place of the line `raise
# Unsolved(...)` you write the rest. Then `check` calls it on inputs of its own and shows a **verdict**. Here the
# answer is short, so that you can see all four verdicts: write the estimate of section 1 for a Dask array.
#
# 1. Run the next two cells as they are. The verdict is **todo**.
# 2. Return `1.0` and run both again: **wrong**, with what is off.
# 3. Begin with `points = points.compute()`, and estimate: **right but wasteful**, at the price of some points. The
#    number is right, yet every point travelled to get it.
# 4. Let the workers count, and fetch one number: **ok**.
#
# Difficulty 1 of 5 · 5 minutes · needs nothing · 2 points · for the six points of section 1 it gives `2.667`:
#
# ```python
# estimate_pi(da.from_array(six_points, chunks=(3, 2)))
# ```


# %% exercise="0.1"
def estimate_pi(points: da.Array) -> float:
    """Four times the share of `points` (n, 2) that are at most 1 from the origin, counted on the workers."""
    ### BEGIN SOLUTION
    inside = (points**2).sum(axis=1) <= 1
    return 4 * inside.mean().compute()
    ### END SOLUTION


# %% check="0.1"
check("0.1")

# %% [markdown]
# On as many points as in section 1, which here `da.random` makes on the workers: other points, hence another number.
# While the exercise is unsolved, this cell stops with `Unsolved`, and *Run All* with it.

# %%
estimate_pi(da.random.default_rng(0).random((n_blocks * points_per_block, 2), chunks=(points_per_block, 2)))

# %% [markdown]
# Stuck, or curious? These are all the commands, for any exercise, to be typed in any cell:
#
# | command | what it does |
# | --- | --- |
# | `check("0.1")` | judges your answer and remembers the verdict; as often as you like |
# | `hint("0.1")` | shows a hint; called again, the next one |
# | `solution("0.1")` | shows an answer, folded |
# | `solution("0.1", use=True)` | also defines it in your notebook, so that you can go on |
# | `reset("0.1")` | forgets the attempt |
# | `progress()` | shows what is done, in all chapters |

# %%
progress()

# %% [markdown]
# The sign beside an exercise's number is its verdict. A small *h* says that a hint was seen, a small *s* that the
# solution was. Neither costs points: they are there for you.
#
# Your progress is in a file of its own. It survives when you restart the kernel or close JupyterLab, and **what is
# done stays done**: a check that fails later takes nothing away. Your answers themselves are in the notebook: save
# it, with *Ctrl+S* (*Cmd+S* on a Mac).

# %% [markdown]
# ## 4 A self-test
#
# Nine short cells. **Predict first** what each will show, then run it, and unfold why. Nobody counts; at the end a
# table says what to read for those that surprised you.
#
# ### Python
#
# **1.** A function that uses a name from outside. What does it return?

# %% tags=["nbval-check-output"]
step = 1


def add_step(number):
    """`number` and one step more."""
    return number + step


step = 100
add_step(10)

# %% [markdown]
# <details><summary>Why</summary>
#
# 110. A function looks `step` up when it is called, not when it is made. On a cluster it is called later, and
# elsewhere: better give it all that it needs as arguments.
#
# </details>
#
# **2.** A sum, twice:

# %% tags=["nbval-check-output"]
generated = (number**2 for number in range(4))
sum(generated), sum(generated)

# %% [markdown]
# <details><summary>Why</summary>
#
# 14 and then 0. In round brackets it is a generator: it computes on demand, once, and is used up. Square brackets
# would have made a list. Dask computes on demand too, but can do so again.
#
# </details>
#
# **3.** Which lines are printed?

# %% tags=["nbval-check-output"]
with suppress(ZeroDivisionError):
    print("before")
    1 / 0
    print("after")
print("outside")

# %% [markdown]
# <details><summary>Why</summary>
#
# `before` and `outside`. The block ends at the error; `suppress` is told of it, and lets the program go on after the
# block. In this course `with` starts and stops measurements.
#
# </details>
#
# ### NumPy and pandas
#
# **4.** A sum along axis 0 of two rows and three columns. What is its shape?

# %% tags=["nbval-check-output"]
table = np.arange(6).reshape(2, 3)
table.sum(axis=0)

# %% [markdown]
# <details><summary>Why</summary>
#
# `(3,)`: the axis that you name is the one that goes. Rows are axis 0, and the sum over rows has an entry for each
# column.
#
# </details>
#
# **5.** Four true values, four predictions. How many differences?

# %% tags=["nbval-check-output"]
truth, predicted = np.ones(4), np.ones((4, 1))
(predicted - truth).shape

# %% [markdown]
# <details><summary>Why</summary>
#
# 16. Broadcasting stretches `(4, 1)` and `(4,)` to `(4, 4)`, without a word. Look at shapes before you believe a
# loss.
#
# </details>
#
# **6.** Which entries of `numbers` have changed?

# %% tags=["nbval-check-output"]
numbers = np.zeros(4)
numbers[:2][0] = 5
numbers[[2, 3]][0] = 5
numbers

# %% [markdown]
# <details><summary>Why</summary>
#
# Only the first. A slice is a view of the same memory; a list of indices makes a copy, which was changed and thrown
# away. A task on the worker that holds a result gets that very array, no copy: change nothing in place.
#
# </details>
#
# **7.** Two shops and their sales. Is the mean of the shops' means the mean of all sales?

# %% tags=["nbval-check-output"]
sales = pd.DataFrame({"shop": ["A", "A", "A", "B"], "euros": [1.0, 2.0, 3.0, 10.0]})
sales.groupby("shop")["euros"].mean().mean(), sales["euros"].mean()

# %% [markdown]
# <details><summary>Why</summary>
#
# 6 and 4. `groupby` makes one row per shop, and then shop B's one sale counts as much as A's three. Read "block"
# for "shop", and you have the most frequent mistake of distributed statistics.
#
# </details>
#
# ### Machine learning
#
# **8.** Ten points along a straight line, with noise, to learn from and ten to test on; two polynomials are fitted.
# Which has the smaller error on which ten?

# %% tags=["nbval-check-output"]
random = np.random.default_rng(1)
x = random.uniform(size=20)
y = 2 * x + random.normal(scale=0.3, size=20)
for degree in (1, 9):
    model = Polynomial.fit(x[:10], y[:10], degree)
    squares = (model(x) - y) ** 2
    learned, tested = np.sqrt(squares[:10].mean()), np.sqrt(squares[10:].mean())
    print(f"degree {degree}: error {learned:.2f} on what it learned from, {tested:.2f} on the test")

# %% [markdown]
# <details><summary>Why</summary>
#
# Degree 9 has ten coefficients and goes through all ten points, noise included: no error there, a huge one between
# them. That is overfitting, and only rows that were not learned from reveal it.
#
# </details>
#
# **9.** The loss is $(\theta - 3)^2$, $\theta$ is 0, the learning rate 0.1. Where is $\theta$ after one step of
# gradient descent?

# %% tags=["nbval-check-output"]
theta = 0.0
gradient = 2 * (theta - 3)
print(f"{theta - 0.1 * gradient:.1f}")

# %% [markdown]
# <details><summary>Why</summary>
#
# At 0.6. The gradient, −6, points to where the loss grows; a step goes the other way, the learning rate times as
# far.
#
# </details>
#
# **Surprised? Read this**, all of it free and by the people who make the thing:
#
# | question | about | read | needed from |
# | --- | --- | --- | --- |
# | 1, 3 | functions, scopes, `with` | [Python tutorial, 4](https://docs.python.org/3/tutorial/controlflow.html#defining-functions), [scopes](https://docs.python.org/3/tutorial/classes.html#python-scopes-and-namespaces), [`with`](https://docs.python.org/3/reference/compound_stmts.html#the-with-statement) | chapter 01 |
# | 2 | generators | [Python tutorial, 9.9](https://docs.python.org/3/tutorial/classes.html#generators) | chapter 03 |
# | 4, 5 | shapes and broadcasting | [NumPy for absolute beginners](https://numpy.org/doc/stable/user/absolute_beginners.html), [broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html) | chapter 01 |
# | 6 | views and copies | [copies and views](https://numpy.org/doc/stable/user/basics.copies.html) | chapter 02 |
# | 7 | pandas | [10 minutes to pandas](https://pandas.pydata.org/docs/user_guide/10min.html), [group by](https://pandas.pydata.org/docs/user_guide/groupby.html) | chapter 04 |
# | 8 | training, testing, overfitting | [scikit-learn: getting started](https://scikit-learn.org/stable/getting_started.html), [the scikit-learn MOOC](https://inria.github.io/scikit-learn-mooc/) | chapter 05 |
# | 9 | derivatives, gradient descent | [scikit-learn: stochastic gradient descent](https://scikit-learn.org/stable/modules/sgd.html#mathematical-formulation) | chapter 05 |
#
# Six or more as you said? Go on. Fewer? Go on too, and read before the chapter that needs it.

# %% [markdown]
# ## 5 When something is stuck
#
# ### A cell never ends
#
# Press the square in the toolbar, *Interrupt the kernel*. That ends what runs **here**. What was sent to the
# workers goes on. If its futures have a name, cancel them. Here is far too much work, sent off by mistake:

# %%
too_many = client.map(count_inside, range(1000, 1500), pure=False)
client.cancel(too_many)
sum(future.cancelled() for future in too_many)

# %% [markdown]
# The client has given up all of them. A task that has begun still runs to its end, as a worker cannot be
# interrupted in the middle of a function.
#
# Work that has no name, as in `client.gather(client.map(...))`, you cannot cancel: interrupt, then
# `client.restart()`. That also helps when workers are in a state that nobody understands. (Each worker has a
# **nanny**, which starts it again when it dies, and warns. Here the death is wanted: no warnings while it lasts.)

# %%
kept = client.submit(count_inside, 0, 1000)
wait(kept)
logging.disable(logging.WARNING)
client.restart()
logging.disable(logging.NOTSET)
with show_error():
    kept.result()

# %% [markdown]
# The workers are new processes; scheduler and client are still the same. But **the workers' memory was lost**: the
# result that `kept` stood for is gone, and so is all else that lay there. Run the cells that made what you need.
# The cluster works:

# %%
4 * client.submit(count_inside, 0, 1000).result() / 1000

# %% [markdown]
# If that does not help, restart the **kernel**: menu *Kernel*, *Restart Kernel and Clear Outputs of All Cells*. The
# cluster ends with it, all variables are gone, your text and your progress stay. Run the cells from the top.
#
# ### The disk is full
#
# Workers that run out of memory write data to disk, and the course keeps what it downloads. How much room is there
# where the workers write, and how much do the downloads take? (`client.run` calls a function on every worker; an
# argument named `dask_worker` gets the worker itself.)

# %%
free = client.run(lambda dask_worker: shutil.disk_usage(dask_worker.local_directory).free)
cache_folder = Path(os.environ.get("COURSE_CACHE") or user_cache_path("dask-ml-course"))
downloads = sum(file.stat().st_size for file in cache_folder.rglob("*") if file.is_file())
print(f"free: {min(free.values()) / 1e9:.0f} GB; downloads: {downloads / 1e6:.0f} MB")

# %% [markdown]
# `print(cache_folder)` tells where the downloads are. You may delete the folder: a chapter that needs them fetches
# them again. What workers write is deleted when the cluster ends. After a crash it may be left behind, in a folder
# `dask-scratch-space`, where `dask_worker.local_directory` is: delete it while no cluster runs. To let workers
# write elsewhere, set `DASK_TEMPORARY_DIRECTORY` to a folder before you start JupyterLab.
#
# ### All else
#
# <details><summary>A table to come back to: what you see, what it is, what to do</summary>
#
# | what you see | what it is | what to do |
# | --- | --- | --- |
# | `Unsolved: exercise ... is not solved yet` | the cell needs an answer that you have not given | solve the exercise, or `solution("...", use=True)` |
# | `NameError: name ... is not defined` | a cell above was not run, often after a restart of the kernel | *Run*, *Run All Above Selected Cell* |
# | `KilledWorker` | the task was tried on several workers, and each died; nearly always out of memory | smaller blocks; look at the memory pane; chapter 02 |
# | the kernel dies without a word | the notebook itself ran out of memory, or the container did | do not fetch so much: compute a sum or a mean on the workers, and fetch that; close other notebooks |
# | everything is slow | several chapters have a cluster each | run each chapter's last cell, or *Kernel*, *Shut Down All Kernels* |
# | a dashboard at another address than yesterday | its port, 8787, was taken: `start_cluster()` takes the next free one up to 8797 | take the link that the client shows; set `COURSE_DASHBOARD_PORT` before you start JupyterLab to choose one |
# | the dashboard's link is dead | the cluster was closed, or JupyterLab runs on another machine | run `start_cluster()` again; from afar, forward the dashboard's port as you do JupyterLab's, or set `DASK_DISTRIBUTED__DASHBOARD__LINK='/proxy/{port}/status'` before you start JupyterLab |
# | the panes of JupyterLab are empty | they still listen to an older cluster | press *Launch dashboard in JupyterLab* again |
# | a figure says *stand-in data* | there was no network to download real data | all works, with other numbers; with a network, run the chapter again |
# | `ModuleNotFoundError` for `helpers` or `dask` | the notebook runs in another Python | start JupyterLab by `make lab`; `make doctor` looks at your machine |
#
# </details>
#
# <details><summary>On Binder</summary>
#
# On Binder ([its rules](https://mybinder.readthedocs.io/en/latest/about/user-guidelines.html), read in November
# 2026) you get one gigabyte of memory for certain and two at most, beyond which the kernel is restarted. A session
# ends after ten minutes without activity; it is meant to last up to six hours, or up to one hour of CPU time if it
# computes a lot. Then **everything in it is lost**. So run one chapter at a time, and before you leave, download
# your notebook: right-click its name in the file list, *Download*.
#
# </details>

# %%
client.close()
progress()

# %% [markdown]
# ## Summary
#
# - `start_cluster()` gives you workers, processes with memory of their own, and a client to talk to them. Work goes there as
#   tasks, results come back, and equal seeds give equal results wherever they are computed.
# - The task stream shows who does what when. Long bars side by side are good; much red is data on the move, white is idle.
# - Small work is done sooner here than there: a journey costs milliseconds.
# - `check` tells wrong from right and right from wasteful; `hint`, `solution` and `progress` are always there.
# - When stuck: interrupt, cancel what has a name, restart the workers, restart the kernel, in this order.
#
# **Explain aloud**
#
# 1. Why is the count of the cluster equal to that of one process, to the last point, though nobody decided which worker
#    computes which block?
# 2. What do you see in the task stream if one worker gets all the work, and what if blocks travel?
# 3. After `client.restart()`, why is the result of `kept` gone while `counts` is still there?
#
# **An open problem.** The blocks were equal and every worker as fast as the other. What should a scheduler do when
# one worker is three times slower, and it only finds out while the work is under way? (Chapters 01 and 11 take it
# up.)
#
# **Next**: 01 · Why distribute machine learning, where you measure on your own cores what can be gained, and what
# gets in the way.
