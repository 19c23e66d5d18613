"""Chapter 07 keeps what it promises: the outputs in its text, right answers of other kinds, and its deaths."""

import os
import signal
import threading
import traceback

import numpy as np
import pytest
import torch
from distributed import Client
from numpy.testing import assert_allclose

from helpers import solutions
from helpers.checks import ch07
from helpers.judging import judge, load_exercises


def chapter(*names):
    """A namespace with these top-level names of the chapter and all that they need."""
    source = "\n\n".join(code for _marker, code in solutions.code_cells(solutions.chapter_source("07")))
    namespace = {"__name__": "chapter_07"}
    solutions.run_source(solutions.needed_source(source, names), "chapter 07", namespace)
    return namespace


def text_of(id):
    """The prose of an exercise, on one line."""
    text = solutions.chapter_source("07").partition(f"# ### Exercise {id} ")[2].partition(f'exercise="{id}"')[0]
    return " ".join(text.replace("\n#", "\n").split())


def last_shift_of_four_rows():
    names = chapter("weights_four", "X_four", "y_four")
    found = solutions.reference("7.1").deep_gradients(names["weights_four"], names["X_four"], names["y_four"])
    return "`[" + ", ".join(f"{number:.3f}" for number in found[3]) + "]`"


def ring_of_three():
    vectors = [np.array([1.0, 2]), np.array([10.0, 20]), np.array([100.0, 200])]
    (total, *_others) = solutions.reference("7.4").ring_all_reduce(vectors, lambda sender, receiver, numbers: numbers)
    return f"`[{total[0]:.0f}, {total[1]:.0f}]`"


def five_rates():
    rate = solutions.reference("7.6").learning_rate_at
    return ", ".join(f"{rate(number, 0.1, 16, 64, 3):.1f}" for number in range(5))


def shares_of_49():
    pairs = [solutions.reference("7.7").rank_share(np.arange(49), index, 2) for index in range(2)]
    rows, factors = zip(*sorted((len(rows), factor) for rows, factor in pairs), strict=True)
    return f"{rows[0]} and {rows[1]}, with factors of about {factors[0]:.2f} and {factors[1]:.2f}"


@pytest.mark.parametrize(
    ("id", "compute"),
    [("7.1", last_shift_of_four_rows), ("7.4", ring_of_three), ("7.6", five_rates), ("7.7", shares_of_49)],
)
def test_the_expected_output_in_the_text(id, compute):
    assert compute() in text_of(id)


def test_a_round_of_one_step_and_two_shards_are_what_the_text_says():
    names = chapter("X", "y", "gradients", "step", "new_weights")
    X, y, weights = names["X"], names["y"], names["new_weights"]()
    full = names["gradients"](weights, X, y)
    cut = [names["gradients"](weights, X[rows], y[rows]) for rows in (slice(0, 40), slice(40, 1440))]
    for found, right in zip(solutions.reference("7.2").combine_gradients(cut, [40, 1400]), full, strict=True):
        assert_allclose(found, right, atol=1e-12)
    shards = [(X[:40], y[:40]), (X[40:], y[40:])]
    round_of_one = chapter("local_round")["local_round"](weights, shards, 0.3, 1)
    for found, right in zip(round_of_one, names["step"](weights, full, 0.3), strict=True):
        assert_allclose(found, right, atol=1e-12)


def test_the_gradients_that_checks_compare_with_are_those_of_pytorch():
    rng = np.random.default_rng(7)
    for sizes in ((4, 3), (4, 6, 3), (4, 5, 6, 3)):
        weights, (X, y) = ch07._network(rng, sizes), ch07._rows(rng)
        tensors = [torch.tensor(array, requires_grad=True) for array in weights]
        hidden = torch.from_numpy(X)
        for layer, (W, b) in enumerate(zip(tensors[::2], tensors[1::2], strict=True), start=1):
            hidden = hidden @ W + b
            hidden = hidden if layer == len(sizes) - 1 else hidden.relu()
        torch.nn.functional.cross_entropy(hidden, torch.from_numpy(y)).backward()
        for found, tensor in zip(ch07._gradients(weights, X, y), tensors, strict=True):
            assert_allclose(found, tensor.grad.numpy(), atol=1e-12)


def gradients_by_pytorch(weights, X, y):
    tensors = [torch.tensor(array, requires_grad=True) for array in weights]
    hidden = torch.from_numpy(X)
    for W, b in zip(tensors[:-2:2], tensors[1:-2:2], strict=True):
        hidden = (hidden @ W + b).relu()
    torch.nn.functional.cross_entropy(hidden @ tensors[-2] + tensors[-1], torch.from_numpy(y)).backward()
    return [tensor.grad.numpy() for tensor in tensors]


def ring_to_the_left(vectors, send):
    p = len(vectors)
    cuts = [len(vectors[0]) * i // p for i in range(p + 1)]
    results = [np.array(vector, dtype=float) for vector in vectors]
    for number in range(2 * p - 2):
        outgoing = []
        for worker in range(p):
            chunk = (worker + 3 + number) % p
            part = slice(cuts[chunk], cuts[chunk + 1])
            outgoing.append((worker, part, results[worker][part].copy()))
        for worker, part, numbers in outgoing:
            left = (worker - 1) % p
            arrived = send(worker, left, numbers)
            results[left][part] = arrived + results[left][part] if number < p - 1 else arrived
    return results


def share_in_one_piece(batch, index, size):
    rows = np.array_split(batch, size)[index]
    return rows, rows.size / batch.size * size


def share_as_tensor(batch, index, size):
    rows = torch.from_numpy(batch)[index::size]
    return rows, len(rows) * size / len(batch)


@pytest.mark.parametrize(
    ("id", "name", "answer"),
    [
        ("7.1", "deep_gradients", gradients_by_pytorch),
        ("7.4", "ring_all_reduce", ring_to_the_left),
        ("7.7", "rank_share", share_in_one_piece),
        ("7.7", "rank_share", share_as_tensor),
    ],
)
def test_another_right_answer_is_accepted(id, name, answer):
    exercise = load_exercises("07")[id]
    fixtures = {"cost": lambda: _Free(), "reference": lambda: solutions.reference(id)}
    for seed in range(20):
        verdict = judge(exercise, {name: answer}, seed=str(seed).encode(), fixtures=fixtures)
        assert verdict.status == "ok", [(result.name, result.message) for result in verdict.results]


class _Free:
    """A `cost` that only calls."""

    def of(self, function, *arguments):
        return function(*arguments)


# Deaths


@pytest.fixture
def client():
    with Client(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as client:
        yield client


def kill(client, worker, after):
    """Kill the process of `worker` in so many seconds."""
    pid = client.run(os.getpid, workers=[worker])[worker]
    timer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return timer


def trainings(client):
    names = chapter("train_synchronously", "train_asynchronously", "train_here", "difference")
    names["train_synchronously"](2)  # the shards are loaded
    return names


@pytest.mark.parametrize(("role", "position"), [("the server's", 0), ("another", -1)])
def test_a_synchronous_server_ends_equal_when_a_worker_dies(client, capsys, role, position):
    names = trainings(client)
    timer = kill(client, list(client.nthreads())[position], after=0.5)
    weights, log = names["train_synchronously"](120)
    assert not timer.is_alive(), "the training was over before the worker was killed"
    assert names["difference"](weights, names["train_here"](120)) < 1e-12
    assert log[-1][1] == 240
    assert ("the server was lost" in capsys.readouterr().out) == (role == "the server's")


@pytest.mark.parametrize(
    ("position", "said"), [(0, "the server was lost"), (-1, "changed its worker after")], ids=["server", "other"]
)
def test_an_asynchronous_server_finishes_when_a_worker_dies(client, capsys, position, said):
    names = trainings(client)
    timer = kill(client, list(client.nthreads())[position], after=0.7)
    arrivals, log = names["train_asynchronously"](600, 200)
    assert not timer.is_alive(), "the training was over before the worker was killed"
    assert log[-1][1] >= 600
    assert arrivals
    assert said in capsys.readouterr().out


def test_a_server_with_a_fault_of_its_own_does_not_go_on_for_ever(client):
    names = trainings(client)

    class Faulty(names["AsynchronousServer"]):
        def push(self, worker, version, gradient):
            raise ValueError("a fault")

    class Stuck(names["AsynchronousServer"]):
        def push(self, worker, version, gradient):
            self.arrivals.append((worker, 0))

    with pytest.raises(ValueError, match="a fault"):
        names["train_asynchronously"](20, kind=Faulty)
    arrivals, _log = names["train_asynchronously"](20, kind=Stuck)
    assert len(arrivals) == 120


@pytest.mark.filterwarnings("ignore:these workers hand freed memory back")
def test_ranks_resume_from_the_checkpoint_and_end_equal(client, tmp_path):
    names = chapter("train_rank", "train_in_spite_of_death", "train_with_a_bad_label", "ddp")
    train = names["ddp"].train
    with pytest.raises(IndexError) as failure:
        train(names["train_with_a_bad_label"], n_ranks=2, client=client)
    told = "".join(traceback.format_exception(failure.value)[-4:])
    assert "in train_with_a_bad_label" in told
    assert "rank 1" in told
    undisturbed = train(names["train_rank"], 4, n_ranks=2, client=client, on_metrics=lambda record: None)
    records = []
    path = tmp_path / "digits.pt"
    resumed = train(names["train_in_spite_of_death"], 4, n_ranks=2, checkpoint=path, on_metrics=records.append)
    assert any("restart" in record for record in records)
    epochs = [record["epoch"] for record in records if record.get("rank") == 0]
    assert epochs[-2:] == [2, 3]
    assert len(epochs) in (4, 5)  # the second epoch is repeated if its checkpoint was not yet written
    for name, weights in undisturbed[0].items():
        assert torch.equal(resumed[0][name], weights)
        assert torch.equal(resumed[1][name], weights)
