"""`Reads` counts what leaves the store, whoever asks: pandas, Dask here and on workers, Zarr, an object store."""

import logging

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import zarr
from distributed import Client

from helpers.storage import Reads


@pytest.fixture
def table():
    """Four columns of 8 bytes that do not compress."""
    rng = np.random.default_rng(4)
    return pd.DataFrame({"time": np.arange(80_000), **{name: rng.random(80_000) for name in ("fare", "tip", "miles")}})


@pytest.fixture
def folder(tmp_path, table):
    dd.from_pandas(table, npartitions=4).to_parquet(tmp_path / "table", write_index=False)
    return tmp_path


def address(folder, name):
    return f"counted+{(folder / name).as_uri()}"


def size(folder):
    return sum(file.stat().st_size for file in folder.iterdir())


def test_a_text_file_is_read_whole(folder, table):
    (folder / "file.txt").write_bytes(b"0123456789" * 1000)
    with Reads() as reads:
        lines = pd.read_csv(address(folder, "file.txt"), header=None)
    assert len(lines) == 1 and reads.bytes == 10_000 and reads.requests >= 1


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_one_column_of_four_is_a_quarter_of_the_bytes(folder, table, scheduler):
    whole = dd.read_parquet(address(folder, "table"))
    with dask.config.set(scheduler=scheduler):
        everything = Reads().of(whole.compute)
        column = Reads().of(whole["fare"].sum().compute)
    assert len(everything.result) == len(table) and column.result == pytest.approx(table["fare"].sum())
    assert everything.bytes == pytest.approx(size(folder / "table"), rel=0.1)
    assert 0.2 < column.bytes / everything.bytes < 0.5


def test_filters_skip_row_groups(folder, table):
    with dask.config.set(scheduler="sync"):
        chosen = Reads().of(
            lambda: dd.read_parquet(address(folder, "table"), columns=["fare"], filters=[("time", "<", 1000)]).compute()
        )
    assert len(chosen.result) == 1000
    assert chosen.bytes < 0.5 * size(folder / "table")


def test_workers_count_too_and_only_inside_the_block(folder, table):
    with Client(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as client:
        whole = dd.read_parquet(address(folder, "table"))
        whole.compute()
        with Reads(client) as reads:
            assert reads.bytes == 0
            whole["fare"].sum().compute()
        counted = reads.bytes
        whole.compute()
        assert reads.bytes == counted
    assert 0.2 < counted / size(folder / "table") < 0.5


def test_workers_in_this_process_count_once(folder):
    with Client(n_workers=2, processes=False, dashboard_address=None):
        everything = Reads().of(dd.read_parquet(address(folder, "table")).compute)
    assert everything.bytes == pytest.approx(size(folder / "table"), rel=0.1)


def test_a_zarr_chunk_is_a_request(tmp_path):
    array = np.arange(60_000, dtype="float64").reshape(60, 1000)
    zarr.create_array(str(tmp_path / "array"), data=array, chunks=(10, 1000), compressors=None)
    stored = da.from_zarr(address(tmp_path, "array"))
    with dask.config.set(scheduler="sync"):
        rows = Reads().of(stored[10:30].compute)
    np.testing.assert_array_equal(rows.result, array[10:30])
    assert (rows.bytes, rows.requests) == (2 * 80_000, 2)


def test_writing_is_not_reading(tmp_path, table):
    with Reads() as reads, dask.config.set(scheduler="sync"):
        dd.from_pandas(table, npartitions=2).to_parquet(address(tmp_path, "written"))
    assert reads.bytes == 0
    assert len(pd.read_parquet(tmp_path / "written")) == len(table)


def test_an_object_store(folder, table):
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        import s3fs

        endpoint = {"endpoint_url": "http://{}:{}".format(*server.get_host_and_port()), "region_name": "eu-west-1"}
        options = {"key": "nobody", "secret": "nothing", "client_kwargs": endpoint}
        s3fs.S3FileSystem(**options).mkdir("bucket", region_name="eu-west-1")
        with dask.config.set(scheduler="sync"):
            dd.from_pandas(table, npartitions=2).to_parquet("s3://bucket/table", storage_options=options)
            whole = dd.read_parquet("counted+s3://bucket/table", storage_options=options)
            column = Reads().of(whole["fare"].sum().compute)
        assert column.result == pytest.approx(table["fare"].sum())
        assert 0.2 < column.bytes / size(folder / "table") < 0.5 and column.requests >= 2
    finally:
        server.stop()
