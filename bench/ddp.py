"""Data-parallel PyTorch side by side: `helpers.ml.ddp` in Dask workers, torchrun, and plain PyTorch in one process.

All train one network from one start on the same global batches of CIFAR-10, with every core. The clock runs from the
end of a few first steps to the end of the last, in the training itself: what a peer takes to start is left out. Runs
are interleaved, so that a slow minute of the machine falls on all of them.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
import torch.distributed as dist
from peers import CORES, Measured, Run, machine, measure, parser, publish, rows_of
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from helpers.cluster import start_cluster
from helpers.data import load_cifar10
from helpers.ml import ddp

PLAIN = "plain PyTorch, one process, all cores"
TORCHRUN = "torchrun, a process per core"
OURS = "this course, in the workers of `start_cluster()`"
TRAP = "this course, in those of a plain `LocalCluster`"
FIRST_STEPS = 10  # not timed: memory is allocated, kernels are chosen
TESTED = 2_000  # images

Train = Callable[[], Measured]


@cache
def images() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, str]:
    """Images to train with, float32 (n, 3, 32, 32), and their labels, the same to test with, and what they are."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        data = load_cifar10()

    def tensors(images, labels):
        return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)

    test = tensors(data.test_images[:TESTED], data.test_labels[:TESTED])
    return *tensors(data.train_images, data.train_labels), *test, data.provenance.title("CIFAR-10")


def scaled(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.float() / 127.5 - 1


def network() -> nn.Module:
    """Three convolutions and two dense layers, 356,810 parameters, the same start every time."""
    torch.manual_seed(2026)
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(2048, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def train(index: int, size: int, steps: int, batch: int) -> tuple[float, float, float]:
    """Seconds of all steps but the first, and loss and accuracy on images to test with, as rank `index` of `size`."""
    X, y, test_X, test_y, _title = images()
    model = network()
    trained = DistributedDataParallel(model) if size > 1 else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        if step == FIRST_STEPS:
            start = now_of_all(size)
        rows = torch.arange(step * batch + index, (step + 1) * batch, size) % len(X)
        optimizer.zero_grad()
        cross_entropy(trained(scaled(X[rows])), y[rows]).backward()
        optimizer.step()
    seconds = now_of_all(size) - start
    with torch.no_grad():
        scores = model(scaled(test_X))
    return seconds, float(cross_entropy(scores, test_y)), float((scores.argmax(1) == test_y).float().mean())


def now_of_all(size: int) -> float:
    """The time once every rank is here."""
    if size > 1:
        dist.barrier()
    return time.perf_counter()


def measured(seconds: float, loss: float, accuracy: float) -> Measured:
    return Measured(seconds, (loss, accuracy))


# Each peer below is a context that yields what can be timed, by name.


@contextmanager
def plain(steps: int, batch: int) -> Iterator[dict[str, Train]]:
    torch.set_num_threads(CORES)
    yield {PLAIN: lambda: measured(*train(0, 1, steps, batch))}


@contextmanager
def torchrun(steps: int, batch: int) -> Iterator[dict[str, Train]]:
    def run() -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder) / "answer.json"
            command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={CORES}"]
            command += [__file__, f"--steps={steps}", f"--batch={batch}", f"--answer={answer}"]
            ran = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
            if ran.returncode:
                raise RuntimeError(ran.stderr)
            return measured(*json.loads(answer.read_text()))

    yield {TORCHRUN: run}


def rank_of_torchrun(steps: int, batch: int, answer: str) -> None:
    """What each process that torchrun starts does; the first writes `train`'s result into the file `answer`."""
    dist.init_process_group("gloo")
    result = train(dist.get_rank(), dist.get_world_size(), steps, batch)
    if dist.get_rank() == 0:
        Path(answer).write_text(json.dumps(result))
    dist.destroy_process_group()


def rank_of_dask(rank: ddp.Rank, steps: int, batch: int) -> tuple[float, float, float]:
    return train(rank.index, rank.size, steps, batch)


@contextmanager
def with_malloc_setting(steps: int, batch: int) -> Iterator[dict[str, Train]]:
    with start_cluster(n_workers=CORES, dashboard_port=0):
        yield {OURS: lambda: measured(*ddp.train(rank_of_dask, steps, batch)[0])}


@contextmanager
def without_malloc_setting(steps: int, batch: int) -> Iterator[dict[str, Train]]:
    from distributed import Client, LocalCluster

    warnings.filterwarnings("ignore", message="these workers hand freed memory back")
    with (
        LocalCluster(n_workers=CORES, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        yield {TRAP: lambda: measured(*ddp.train(rank_of_dask, steps, batch)[0])}


PEERS = {
    "plain": plain,
    "torchrun": torchrun,
    "start_cluster": with_malloc_setting,
    "LocalCluster": without_malloc_setting,
}


def table(steps: int, batch: int, results: dict[str, Run], missing: dict[str, str]) -> str:
    speeds = {name: (steps - FIRST_STEPS) * batch / run.seconds for name, run in results.items()}
    lines = [["", "images per second", "of torchrun's", "of plain PyTorch's", "test loss", "test accuracy"]]
    for name, speed in sorted(speeds.items(), key=lambda item: -item[1]):
        ratios = [f"{speed / speeds[base]:.2f}" if base in speeds else "" for base in (TORCHRUN, PLAIN)]
        loss, accuracy = results[name].value
        lines.append([name, f"{speed:,.0f}", *ratios, f"{loss:.4f}", f"{accuracy:.1%}"])
    lines += [[peer, f"not measured: {reason}", "", "", "", ""] for peer, reason in missing.items()]
    return "\n".join(rows_of(lines))


def main() -> None:
    arguments = parser(__doc__, PEERS)
    arguments.add_argument("--steps", type=int, default=200, help=f"steps of a run, the first {FIRST_STEPS} untimed")
    arguments.add_argument("--batch", type=int, default=128, help="images in a global batch")
    arguments.add_argument("--answer", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    size = (options.steps, options.batch)
    if options.steps <= FIRST_STEPS:
        arguments.error(f"--steps must be more than the {FIRST_STEPS} that are not timed")
    if options.answer:
        rank_of_torchrun(*size, options.answer)
        return
    results, missing = measure({name: PEERS[name] for name in options.peers}, size, options.repeats)
    report = [
        f"`bench/ddp.py`, medians of {options.repeats} interleaved runs. "
        + machine(["torch", "dask", "distributed", "numpy"]),
        "",
        f"A convolutional network of {sum(p.numel() for p in network().parameters()):,} parameters on {images()[-1]}: "
        f"{options.steps} steps, global batches of {options.batch} images, float32; {CORES} ranks of one thread each "
        f"where there are ranks. The first {FIRST_STEPS} steps are not timed. Loss and accuracy on {TESTED:,} test "
        "images.",
        "",
        table(*size, results, missing),
    ]
    publish("Data-parallel training", "\n".join(report), options.write)


if __name__ == "__main__":
    main()
