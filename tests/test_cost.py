"""What a client causes, against numbers that can be computed by hand."""

import operator

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client, wait

from helpers.cluster import start_cluster
from helpers.cost import Cost

MILLION = 1_000_000
FEW = 10_000  # bytes: a graph without data in it, and a small result


@pytest.fixture(scope="module")
def client():
    client = start_cluster(2, dashboard_port=0)
    yield client
    client.close()


@pytest.fixture
def workers(client):
    """The addresses of the two workers."""
    return list(client.nthreads())


@pytest.fixture
def cost(client):
    return Cost(client)


def ones():
    """64 ones in four blocks of 4 x 4."""
    return da.ones((8, 8), chunks=(4, 4))


def test_a_sum_over_four_blocks_is_one_compute_of_six_tasks(cost):
    bill = cost.of(ones().sum().compute)
    assert bill.result == 64
    # Four tasks that each make a block and sum it, one that adds the four sums, one that hands over the result.
    assert (bill.computes, bill.tasks) == (1, 6)
    assert 0 < bill.bytes < FEW


def test_two_computes_are_two_and_one_compute_of_both_is_one(cost):
    def one_by_one():
        return ones().sum().compute(), (2 * ones()).sum().compute()

    def together():
        return dask.compute(ones().sum(), (2 * ones()).sum())

    assert cost.of(one_by_one).computes == 2
    assert cost.of(together).computes == 1
    assert cost.of(one_by_one).result == cost.of(together).result == (64, 128)


@pytest.mark.parametrize(
    "persist", [lambda array, client: array.persist(), lambda array, client: client.persist(array)]
)
def test_persist_submits_the_blocks(cost, client, persist):
    assert cost.of(persist, ones() + 7, client)[1:3] == (1, 4)


def test_data_on_the_cluster_is_no_task(cost):
    blocks = (ones() + 8).persist()
    wait(blocks)
    # As for `ones()`: there the four blocks are made by the tasks that sum them.
    assert cost.of(blocks.sum().compute)[1:3] == (1, 6)


def test_submit_map_and_client_compute(cost, client):
    one = client.submit(operator.add, 1, 2, pure=False)
    assert cost.of(lambda: client.submit(operator.add, one, 2, pure=False).result())[:3] == (5, 1, 1)
    assert cost.of(lambda: client.gather(client.map(abs, range(-5, 0), pure=False)))[:3] == ([5, 4, 3, 2, 1], 1, 5)
    assert cost.of(lambda: client.compute(dask.delayed(abs)(-3)).result())[:3] == (3, 1, 1)


def test_graphs_are_counted_though_nobody_waits_for_them(cost, client):
    def fire_and_forget():
        return [client.submit(abs, i, pure=False) for i in range(50)]

    assert cost.of(fire_and_forget)[1:3] == (50, 50)
    # Those sent just before the measurement begins are not its own.
    futures = fire_and_forget()
    assert cost.of(lambda: None)[1:4] == (0, 0, 0)
    wait(futures)


def test_a_submission_that_fails_counts(cost, client):
    future = cost.of(lambda: client.submit(operator.truediv, 1, 0, pure=False)).result
    with pytest.raises(ZeroDivisionError):
        future.result()
    assert cost.of(lambda: wait(client.submit(operator.truediv, 1, 0, pure=False)))[1:3] == (1, 1)


def test_an_array_moves_from_worker_to_worker(cost, client, workers):
    here, there = workers
    array = client.submit(np.ones, MILLION, workers=[here], pure=False)
    bill = cost.of(lambda: client.submit(np.sum, array, workers=[there], pure=False).result())
    assert bill.result == MILLION
    assert bill.bytes == pytest.approx(8 * MILLION, rel=0.01)
    # It is there now, and stays where it is needed.
    assert cost.of(lambda: client.submit(np.max, array, workers=[there], pure=False).result()).bytes < FEW


def test_arrays_between_client_and_cluster(cost, client):
    array = np.random.default_rng(0).random(MILLION)
    scattered = cost.of(client.scatter, array)
    assert scattered[1:4] == (0, 0, 8 * MILLION)
    assert cost.of(scattered.result.result)[1:4] == (0, 0, 8 * MILLION)
    assert cost.of(client.scatter, [array, array[:10]]).bytes == 8 * MILLION + 80
    in_the_graph = cost.of(lambda: client.submit(np.sum, array, pure=False).result())
    assert in_the_graph.bytes == pytest.approx(8 * MILLION, rel=0.01)


def test_shards_of_a_shuffle_move_between_workers_but_not_within_one(cost, client, workers):
    here, _ = workers
    blocks = client.persist(da.random.default_rng(0).random((1000, 1000), chunks=(1000, 500)), workers=[here])
    wait(blocks)

    def by_rows(**where):
        with dask.config.set({"array.rechunk.method": "p2p"}):
            wait(client.persist(blocks.rechunk((500, 1000)) + len(where), **where))

    # 8 MB in all. P2P shares the new blocks out evenly, so at least one of the two crosses.
    assert 4 * MILLION <= cost.of(by_rows).bytes < 8.1 * MILLION
    assert cost.of(by_rows, workers=[here]).bytes < FEW


def test_an_actor_costs_its_submission_and_the_bytes_of_its_calls(cost, client):
    class Doubler:
        def double(self, array):
            return 2 * array

    created = cost.of(lambda: client.submit(Doubler, actor=True).result())
    assert created[1:3] == (1, 1)
    called = cost.of(lambda: created.result.double(np.ones(MILLION)).result())
    assert called[1:4] == (0, 0, 16 * MILLION)


def test_another_clients_work_is_left_out(cost, client, workers):
    here, there = workers
    with Client(client.scheduler.address, set_as_default=False) as other, cost:
        array = other.submit(np.ones, MILLION, workers=[here], pure=False)
        assert other.submit(np.sum, array, workers=[there], pure=False).result() == MILLION
        client.submit(abs, -1, pure=False).result()
    assert (cost.computes, cost.tasks) == (1, 1)
    assert cost.bytes < FEW


def test_readable_while_it_runs_and_nested(cost, client):
    with cost:
        ones().sum().compute()
        assert cost.computes == 1
        assert cost.of(ones().sum().compute).computes == 1
        assert cost.computes == 2
        with pytest.raises(RuntimeError, match="measuring already"), cost:
            pass
    assert cost.computes == 2
    assert cost.tasks == 12
    with cost:
        pass
    assert cost.computes == 0, "a second measurement starts from nothing"


def test_an_error_passes_through_and_leaves_nothing_attached(cost, client):
    with pytest.raises(ZeroDivisionError), cost:
        client.submit(abs, -1, pure=False).result()
        _ = 1 // 0
    assert cost.computes == 1

    assert "_send_to_scheduler" not in vars(client)
    assert not [
        name
        for name in client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.plugins))
        if name.startswith("cost-")
    ]
    plugins = client.run(lambda dask_worker: list(dask_worker.plugins))
    assert not [name for names in plugins.values() for name in names if name.startswith("cost-")]


def test_a_client_closed_inside_the_block(client):
    with Client(client.scheduler.address, set_as_default=False) as other, Cost(other) as cost:
        other.close()
    with pytest.raises(RuntimeError, match="keep the client open"):
        _ = cost.computes


def test_a_local_scheduler_beside_the_cluster_counts(cost):
    assert cost.of(lambda: ones().sum().compute(scheduler="threads"))[1:4] == (1, 6, 0)


@pytest.mark.parametrize("scheduler", ["threads", "sync"])
def test_without_a_cluster_bytes_are_unknown(scheduler, monkeypatch):
    monkeypatch.setattr("helpers.cost._current_client", lambda: None)
    with dask.config.set(scheduler=scheduler):
        bill = Cost().of(lambda: [ones().sum().compute(scheduler=scheduler) for _ in range(2)])
    assert bill[1:4] == (2, 12, None)


def test_each_wait_for_results_is_a_fetch(client):
    def at_once():
        client.gather(client.map(abs, range(4), pure=False))

    def one_by_one():
        for number in range(4):
            client.submit(abs, number, pure=False).result()

    assert [Cost(client).of(form).fetches for form in (at_once, one_by_one)] == [1, 4]


def test_nothing_measured_yet():
    with pytest.raises(RuntimeError, match="nothing was measured"):
        _ = Cost().computes
