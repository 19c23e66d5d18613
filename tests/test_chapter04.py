"""Chapter 04 keeps what it promises: the outputs that its text gives."""

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from helpers import solutions

TRIPS = pd.DataFrame(
    {
        "pickup": pd.to_datetime(["2019-03-01 08:00", "2019-03-01 08:20", "2019-03-01 19:30"]),
        "dropoff": pd.to_datetime(["2019-03-01 08:10", "2019-03-01 08:50", "2019-03-01 19:30"]),
        "miles": [1.5, 6.0, 0.0],
    }
)


@pytest.fixture(autouse=True)
def here():
    with dask.config.set({"scheduler": "sync", "dataframe.shuffle.method": "tasks"}):
        yield


def test_speeds_of_the_first_trips():
    found = solutions.reference("4.1").with_features(dd.from_pandas(TRIPS, npartitions=2)).compute()
    np.testing.assert_array_equal(found["mph"], [9.0, 12.0, np.nan])
    assert found["hour"].tolist() == [8, 8, 19]


def test_a_table_in_a_hundred_pieces_becomes_five():
    table = dd.from_pandas(pd.DataFrame({"x": np.arange(80_000.0)}), npartitions=100)
    resized = solutions.reference("4.4").resized(table, 80_000 * 8 // 5)
    assert resized.npartitions in (5, 6)


def test_zone_fares_of_six_trips():
    trips = pd.DataFrame({"PULocationID": [1, 1, 2, 2, 2, 3], "fare_amount": [4.0, 6, 9, 9, 12, 20]})
    found = solutions.reference("4.5").with_zone_fare(dd.from_pandas(trips, npartitions=3)).compute()
    assert found["zone_fare"].tolist() == [5.0, 5.0, 10.0, 10.0, 10.0, 20.0]


def test_chunks_for_a_zone():
    assert solutions.reference("4.6").chunks_for((40, 266, 266), 4, 1, 1_000_000) == (40, 24, 266)


def test_days_with_no_trip_and_midnight_sharp(tmp_path):
    days = pd.date_range("2019-03-01", "2019-03-04")
    pickup = pd.to_datetime(["2019-03-03 00:00", "2019-03-01 00:00", "2019-03-01 23:59", "2019-03-03 12:00"])
    trips = dd.from_pandas(pd.DataFrame({"tpep_pickup_datetime": pickup, "tip": range(4)}), npartitions=2, sort=False)
    solutions.reference("4.2").write_by_day(trips, str(tmp_path / "days"), days)
    written = [pd.read_parquet(file)["tip"].tolist() for file in sorted((tmp_path / "days").glob("*.parquet"))]
    assert [tips for tips in written if tips] == [[1, 2], [0, 3]]
