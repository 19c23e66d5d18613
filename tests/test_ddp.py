"""`helpers.ml.ddp` against plain PyTorch in one process, and against ranks that fail, hang, and are killed."""

import gc
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from unittest.mock import Mock

import cloudpickle
import dask
import dask.array as da
import numpy as np
import psutil
import pytest
import torch
import torch.distributed as dist
from distributed import Client, LocalCluster, get_worker
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from helpers.ml import ddp

# A notebook's functions travel as code, and so do these.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BATCH = 64
STEPS = 40
HALT = 25  # the step in which a rank waits to be killed

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore:these workers hand freed memory back", "error:.* did not stop within"),
]


@pytest.fixture(scope="module")
def client():
    """Two worker processes, as on a learner's machine; one that takes long to come back is not given up."""
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "5 minutes"}),
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def two_workers(request):
    """Each test finds two workers and leaves nothing in them."""
    if "client" not in request.fixturenames:
        yield
        return
    client = request.getfixturevalue("client")
    client.wait_for_workers(2, timeout=60)
    yield
    client.wait_for_workers(2, timeout=60)
    deadline = time.monotonic() + 5
    while any(client.processing().values()):
        assert time.monotonic() < deadline, client.processing()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def digits():
    """1,797 images of 8 x 8 pixels and their digits."""
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def network():
    """The same start every time. In float64, for rounding is not what is tested."""
    torch.manual_seed(7)
    layers = torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    return torch.nn.Sequential(*layers).double()


def rows_of_step(step):
    """The global batch of a step."""
    return np.random.default_rng(step).choice(1797, BATCH, replace=False)


def take_step(model, optimizer, X, y):
    optimizer.zero_grad()
    loss = cross_entropy(model(torch.from_numpy(X)), torch.from_numpy(y))
    loss.backward()
    optimizer.step()
    return loss.detach()


def fit(rank, X, y, halting=None):
    """Weights after `STEPS` steps on this rank's part of each batch. Rank `halting` waits at `HALT` the first time."""
    model = DistributedDataParallel(network().to(rank.device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    state = rank.restore() or {"step": 0}
    if state["step"]:
        model.module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    for step in range(state["step"], STEPS):
        mine = rows_of_step(step)[rank.index :: rank.size]
        loss = take_step(model, optimizer, X[mine], y[mine])
        rank.report(step=step, loss=loss, process=os.getpid())
        if step % 10 == 9:
            rank.save({"step": step + 1, "model": model.module.state_dict(), "optimizer": optimizer.state_dict()})
        if (step, rank.index) == (HALT, halting) and not state["step"]:
            for _moment in range(1200):
                time.sleep(0.05)
    return {name: value.numpy() for name, value in model.module.state_dict().items()}


def as_bytes(weights):
    return {name: value.tobytes() for name, value in weights.items()}


@pytest.fixture(scope="module")
def undisturbed(client, digits):
    return [as_bytes(weights) for weights in ddp.train(fit, *digits)]


# What comes out


@pytest.mark.parametrize("n_ranks", [1, 2])
def test_equals_plain_pytorch_on_the_same_batches(client, digits, n_ranks):
    X, y = digits
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = [take_step(model, optimizer, X[rows], y[rows]) for rows in map(rows_of_step, range(STEPS))]
    results = ddp.train(fit, X, y, n_ranks=n_ranks)
    assert losses[-1] < losses[0] / 2, "it learns"
    for name, value in model.state_dict().items():
        assert_allclose(results[0][name], value, rtol=1e-9, atol=1e-12)
    assert len(results) == n_ranks
    assert as_bytes(results[0]) == as_bytes(results[-1])


def test_results_come_in_the_order_of_the_workers_names(client):
    names = ddp.train(lambda rank: (rank.index, rank.size, str(rank.device), get_worker().name))
    assert names == [(0, 2, "cpu", 0), (1, 2, "cpu", 1)]


def places(rank, array, tensor, table, own):
    """Where each argument starts, counted from an address that suits its type."""
    arrays = array, table["deep"][0]
    odd = [a.ctypes.data % a.itemsize for a in arrays], tensor.data_ptr() % tensor.element_size()
    return odd, float(array.sum()), own


def test_arguments_arrive_as_values_and_aligned(client):
    array, tensor = np.arange(999.0), torch.rand(999)
    remote, remote_tensor = client.scatter([array, tensor])
    assert not client.submit(lambda a: a.flags.aligned, remote).result(), "the wire does what this test is about"
    own = ddp.per_rank([client.submit(abs, -5), 6])
    results = ddp.train(places, remote, remote_tensor, {"deep": [remote]}, own)
    assert results == [(([0, 0], 0), array.sum(), 5), (([0, 0], 0), array.sum(), 6)]


# What the notebook sees


def wait_for_an_answer(rank, path):
    for value in (torch.tensor(0.5), np.float32(0.25), 1):
        rank.report(loss=value)
    deadline = time.monotonic() + 30
    while not Path(path).exists():
        if time.monotonic() > deadline:
            return "no answer"
        time.sleep(0.01)
    return "answered"


def test_metrics_arrive_while_the_ranks_train(client, tmp_path):
    records, threads = [], set()

    def on_metrics(record):
        records.append(record)
        threads.add(threading.get_ident())
        if record["loss"] == 1:
            (tmp_path / "answer").touch()

    assert ddp.train(wait_for_an_answer, str(tmp_path / "answer"), on_metrics=on_metrics) == ["answered"] * 2
    assert threads == {threading.get_ident()}
    for rank in (0, 1):
        assert [record["loss"] for record in records if record["rank"] == rank] == [0.5, 0.25, 1]


def test_no_record_is_lost(client):
    records = []
    ddp.train(lambda rank: [rank.report(i=i) for i in range(3000)], on_metrics=records.append)
    assert [record["i"] for record in records if record["rank"] == 1] == list(range(3000))
    assert len(records) == 6000


class CannotComeBack(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def fail(rank, error, arguments):
    model = DistributedDataParallel(network())
    for step in range(1000):
        if (rank.index, step) == (1, 3):
            raise error(*arguments)
        model(torch.zeros(1, 64).double()).sum().backward()


def everything_in(dask_worker):
    """What a run could leave in a worker's process."""
    gc.collect()
    return {
        "variables": dict(os.environ),
        "hook": sys.excepthook.__name__,
        "frozen": gc.get_freeze_count(),
        "group": dist.is_initialized(),
        "run": (ddp._doors, ddp._stores),
        "torch": torch.get_num_threads(),
        "executing": len(dask_worker.state.executing),
    }


def count_threads():
    return psutil.Process().num_threads()


def test_the_first_error_is_raised_and_nothing_is_left(client):
    client.restart()  # what is imported while a first group is open must not keep it open
    fresh, threads = client.run(everything_in), []
    for error, arguments in [(ZeroDivisionError, ("my own",)), (KeyError, ("age",))]:
        with pytest.raises(error, match=arguments[0]) as caught:
            ddp.train(fail, error, arguments)
        threads.append(client.run(count_threads))
        assert caught.value.__notes__ == ["in rank 1 on worker 1"]
        assert "raise error(*arguments)" in "".join(traceback.format_exception(caught.value))
    assert client.run(everything_in) == fresh
    assert threads[0] == threads[1], "but for those that the libraries start once and keep"


def test_an_error_that_does_not_unpickle_keeps_its_name_and_words(client):
    with pytest.raises(RuntimeError, match="CannotComeBack: this and that") as caught:
        ddp.train(fail, CannotComeBack, ("this", "that"))
    assert "in fail" in caught.value.__notes__[0]


def test_says_that_a_rank_had_returned(client):
    def uneven(rank):
        for _step in range(3 + rank.index):
            dist.all_reduce(torch.ones(1))

    with pytest.raises(RuntimeError) as caught:
        ddp.train(uneven)
    assert "rank 0 on worker 0 had returned already: does each rank take" in caught.value.__notes__[1]


def exchange_for_ever(rank):
    while True:
        dist.all_reduce(torch.ones(1))
        rank.report(exchanged=1)


def compute_for_ever(rank):
    rank.report(exchanged=0)
    while True:
        pass


@pytest.mark.parametrize("function", [exchange_for_ever, compute_for_ever])
def test_an_interrupt_stops_the_ranks(client, function):
    killer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))

    def on_metrics(record):
        if not killer.is_alive() and not killer.finished.is_set():
            killer.start()

    processes = client.run(os.getpid)
    with pytest.raises(KeyboardInterrupt):
        ddp.train(function, on_metrics=on_metrics)
    assert client.run(os.getpid) == processes, "without a restart"
    assert client.run(lambda dask_worker: len(dask_worker.state.executing)) == dict.fromkeys(processes, 0)


def test_an_error_in_on_metrics_stops_the_ranks(client):
    with pytest.raises(LookupError):
        ddp.train(exchange_for_ever, on_metrics=lambda record: record["accuracy"])


def test_a_worker_whose_rank_hangs_is_restarted(client):
    def hang(rank):
        if rank.index == 1:
            time.sleep(1000)
        dist.all_reduce(torch.ones(1))

    processes = client.run(os.getpid)
    with (
        pytest.raises(RuntimeError, match="Timed out"),
        pytest.warns(UserWarning, match="rank 1 on worker 1 did not stop within 5 s: restarted"),
    ):
        ddp.train(hang, timeout=2)
    client.wait_for_workers(2, timeout=60)
    assert len(set(client.run(os.getpid).values()) & set(processes.values())) == 1
    assert ddp.train(lambda rank: rank.index) == [0, 1]


def test_a_busy_worker_is_named(client):
    address = next(place for place, name in client.run(lambda dask_worker: dask_worker.name).items() if name == 1)
    busy = client.submit(time.sleep, 4, workers=[address])
    with pytest.raises(TimeoutError, match="rank 1 on worker 1 did not start within 1 s: .* busy with sleep"):
        ddp.train(lambda rank: rank.index, timeout=1)
    assert ddp.train(lambda rank: rank.index) == [0, 1], "it waits for up to a minute"
    assert busy.done()


# Checkpoints and deaths


def test_goes_on_from_a_checkpoint(client, digits, undisturbed, tmp_path):
    path = tmp_path / "model.pt"

    def stop_halfway(record):
        if record["step"] == HALT:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ddp.train(fit, *digits, 0, checkpoint=path, on_metrics=stop_halfway)
    assert torch.load(path)["step"] == 20
    steps = []
    results = ddp.train(fit, *digits, checkpoint=path, on_metrics=lambda record: steps.append(record["step"]))
    assert min(steps) == 20
    assert [as_bytes(weights) for weights in results] == undisturbed


def restarts(records):
    return [record for record in records if "restart" in record]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_costs_time_and_nothing_else(client, digits, undisturbed, tmp_path, victim):
    records = []

    def kill(record):
        records.append(record)
        if record.get("step") == HALT and record["rank"] == victim and not restarts(records):
            os.kill(record["process"], signal.SIGKILL)

    results = ddp.train(fit, *digits, victim, checkpoint=tmp_path / "model.pt", on_metrics=kill)
    assert [as_bytes(weights) for weights in results] == undisturbed
    assert restarts(records) == [{"restart": 1, "died": [victim]}]
    after = records[records.index({"restart": 1, "died": [victim]}) + 1 :]
    assert {record["step"] for record in after} == set(range(20, STEPS))
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def die(rank):
    if rank.index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()


def test_restarts_are_counted_and_told(client):
    with (
        pytest.warns(UserWarning, match="worker 1 died: the ranks start again"),
        pytest.raises(RuntimeError, match="worker 1 died, and restarts=1 are used up"),
    ):
        ddp.train(die)


def test_data_that_dies_with_its_worker_is_named(client):
    shards = client.scatter([1, 2], workers=list(client.nthreads())[:1])
    victim = client.who_has(shards[:1])[shards[0].key][0]
    index = client.run(lambda dask_worker: dask_worker.name)[victim]
    own = ddp.per_rank([*shards] if index == 0 else [*shards][::-1])

    def die_with_data(rank, shard, index):
        if rank.index == index:
            os.kill(os.getpid(), signal.SIGKILL)
        dist.barrier()

    with pytest.raises(RuntimeError, match="an argument of rank . on worker . is lost"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the restart
        ddp.train(die_with_data, own, index)


def test_a_state_that_could_not_be_restored_is_refused(client, tmp_path):
    with pytest.raises(TypeError, match="the state holds what torch.load"):
        ddp.train(lambda rank: rank.save({"rng": np.arange(3)}), checkpoint=tmp_path / "model.pt")
    assert not list(tmp_path.iterdir())


def test_without_a_checkpoint_nothing_is_saved_or_restored(client):
    assert ddp.train(lambda rank: (rank.save({"a": 1}), rank.restore())) == [(None, None)] * 2


def test_what_a_rank_left_that_died_while_it_saved_goes(client, tmp_path):
    (tmp_path / "model.pt.part").touch()
    assert ddp.train(lambda rank: rank.restore(), checkpoint=tmp_path / "model.pt") == [None, None]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(client, tmp_path):
    with pytest.raises(FileNotFoundError, match="folder .*/nowhere does not exist"):
        ddp.train(lambda rank: None, checkpoint=tmp_path / "nowhere" / "model.pt")


@pytest.mark.skipif(sys.platform != "linux", reason="takes a file that each process sees differently")
def test_a_folder_that_is_not_shared_is_noticed(client):
    with pytest.raises(RuntimeError, match="the ranks see different files at /proc/self/status"):
        ddp.train(lambda rank: None, checkpoint="/proc/self/status")


# What is refused before anything starts


class TestRefuses:
    def test_ranks_that_do_not_fit(self, client):
        with pytest.raises(ValueError, match="n_ranks must be at least 1, not 0"):
            ddp.train(fit, n_ranks=0)
        with pytest.raises(ValueError, match="n_ranks=3, but the cluster has 2 workers"):
            ddp.train(fit, n_ranks=3)
        with pytest.raises(ValueError, match=r"per_rank\(\) has 3 items for 2 ranks"):
            ddp.train(fit, ddp.per_rank([1, 2, 3]))

    def test_what_does_not_pickle(self, client, capfd):
        guard = threading.Lock()

        def guarded(rank):
            with guard:
                return rank.index

        with pytest.raises(TypeError, match="guard, used by guarded, cannot be sent .*cannot pickle '_thread.lock'"):
            ddp.train(guarded)
        with pytest.raises(TypeError, match="argument 2, of type lock, cannot be sent"):
            ddp.train(fit, 1, guard)
        with pytest.raises(TypeError, match="cannot pickle '_thread.lock'") as caught:
            ddp.train(lambda rank: threading.Lock())
        assert "in rank " in caught.value.__notes__[0]
        assert "Failed to serialize" not in capfd.readouterr().err

    def test_a_dask_collection(self, client):
        with pytest.raises(TypeError, match="argument 1 is a Dask Array"):
            ddp.train(fit, da.ones(3))

    def test_a_report_that_is_no_number(self, client):
        with pytest.raises(TypeError, match="report.. takes numbers, and loss is 'high'"):
            ddp.train(lambda rank: rank.report(loss="high"), on_metrics=print)

    def test_a_training_within_a_training(self, client):
        with pytest.raises(RuntimeError, match=r"another train\(\) is under way"):
            ddp.train(exchange_for_ever, on_metrics=lambda record: ddp.train(fit))

    def test_no_client(self, monkeypatch):
        monkeypatch.setattr(Client, "current", Mock(side_effect=ValueError))
        with pytest.raises(ValueError, match="call start_cluster"):
            ddp.train(fit)

    def test_workers_that_are_threads(self):
        with (
            LocalCluster(n_workers=2, processes=False, dashboard_address=":0") as cluster,
            Client(cluster, set_as_default=False) as client,
            pytest.raises(RuntimeError, match="the workers are threads of this process"),
        ):
            ddp.train(fit, client=client)


def test_tells_of_workers_that_trim_their_memory(client):
    with pytest.warns(UserWarning, match="set MALLOC_MMAP_THRESHOLD_"):
        ddp.train(lambda rank: None)


def test_a_group_that_did_not_form_leaves_no_number_behind():
    """Ranks look for each other under the number of their group: one that counts otherwise would wait in vain."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    alone = ddp._Post("run", 0, 2, ("127.0.0.1", store.port), "cpu", 1, None, False)
    with pytest.raises(dist.DistStoreError):
        ddp._join(alone, store)
    assert dist.distributed_c10d._world.group_count == 0
