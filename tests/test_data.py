"""The loaders: real data against those who made it, stand-ins against their own rules, and what a notebook shows."""

import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
import threading
import zipfile
import zlib
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from helpers.data import (
    DownloadError,
    cifar10,
    load_cifar10,
    load_housing,
    load_movielens,
    load_newsgroups,
    load_taxi,
    movielens,
    newsgroups,
    pickles,
    provenance,
    taxi,
)

LOADERS = [load_cifar10, load_housing, load_movielens, load_newsgroups, load_taxi]


@pytest.fixture
def offline(monkeypatch):
    """Neither a classroom's folder nor a network."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    """A folder whose files a local server offers at `upstream.url`."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    folder = tmp_path / "upstream"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Bunch(folder=folder, url=f"http://127.0.0.1:{server.server_port}/", stop=server.shutdown)
        server.shutdown()


def digest(algorithm: str, path) -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def tar(path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


# Real data, in upstream's layouts


def test_housing_is_what_scikit_learn_returns(course_data):
    from sklearn.datasets import fetch_california_housing

    housing = load_housing()
    theirs = fetch_california_housing(data_home=course_data, download_if_missing=False)
    np.testing.assert_array_equal(housing.X, theirs.data)
    np.testing.assert_array_equal(housing.y, theirs.target)
    assert list(housing.feature_names) == theirs.feature_names
    assert (housing.provenance.kind, housing.provenance.rows, housing.provenance.label) == ("upstream", 20_640, "")


@pytest.mark.parametrize("remove", [(), ("headers", "footers", "quotes")])
def test_newsgroups_are_what_scikit_learn_returns(course_data, remove):
    from sklearn.datasets import fetch_20newsgroups

    posts = load_newsgroups(remove=remove)
    for subset, texts, labels in [
        ("train", posts.train_texts, posts.train_labels),
        ("test", posts.test_texts, posts.test_labels),
    ]:
        theirs = fetch_20newsgroups(
            data_home=course_data, subset=subset, shuffle=False, remove=remove, download_if_missing=False
        )
        assert texts == theirs.data
        np.testing.assert_array_equal(labels, theirs.target)
        assert list(posts.names) == theirs.target_names
    assert (posts.provenance.kind, posts.provenance.rows) == ("upstream", 18_846)


def test_cifar10_is_what_its_page_says(course_data):
    """Read as on https://www.cs.toronto.edu/~kriz/cifar.html: red, green and blue planes, row by row."""
    data = load_cifar10()
    assert data.train_images.shape == (50_000, 32, 32, 3) and data.test_images.shape == (10_000, 32, 32, 3)
    assert data.train_images.dtype == np.uint8 and data.train_images.flags.c_contiguous
    assert np.bincount(data.train_labels).tolist() == [5_000] * 10
    assert data.class_names[0] == "airplane" and data.class_names[9] == "truck"
    batch = pickle.loads((course_data / "cifar-10-batches-py" / "test_batch").read_bytes(), encoding="bytes")
    assert data.test_labels.tolist() == batch[b"labels"]
    for plane, colour in enumerate(np.split(batch[b"data"][7], 3)):
        np.testing.assert_array_equal(data.test_images[7, :, :, plane].ravel(), colour)
    assert data.provenance.kind == "upstream"


def test_movielens_100k_is_what_its_readme_says(course_data):
    data = load_movielens()
    assert len(data.ratings) == 100_000
    assert (data.ratings.user.nunique(), data.ratings.item.nunique(), len(data.users)) == (943, 1_682, 943)
    assert data.ratings.iloc[0].tolist() == [196, 242, 3.0, pd.Timestamp("1997-12-04 15:55:49")]
    film = data.movies.set_index("item").loc[1]
    assert (film.title, film.genres) == ("Toy Story (1995)", "Animation|Children's|Comedy")
    assert data.users.iloc[0].tolist() == [1, 24, "M", "technician", "85711"]
    assert (data.provenance.dataset, data.provenance.kind) == ("MovieLens 100k", "upstream")


def test_taxi_is_the_file_shown_as_the_sample_that_it_is(course_data):
    trips = load_taxi(["2019-03"])
    theirs = pd.read_parquet(course_data / "yellow_tripdata_2019-03.parquet")
    frame = trips.frame.compute()
    assert list(frame.columns) == list(taxi.COLUMNS)
    np.testing.assert_array_equal(frame.fare_amount, theirs.fare_amount)
    np.testing.assert_array_equal(frame.tpep_pickup_datetime, theirs.tpep_pickup_datetime)
    assert trips.provenance.kind == "sample"
    assert trips.provenance.label == "sample of 5,500 trips"


def test_a_month_that_is_missing_beside_real_ones_is_an_error(course_data, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with pytest.raises(DownloadError, match="trips of 2019-04 are missing.*are those of 2019-03"):
        load_taxi(["2019-03", "2019-04"])


def write_month(path, **columns):
    """Two trips in the TLC's columns, some of them replaced."""
    trips = taxi._made_up_trips("2019-03", 2)
    trips.assign(**columns).to_parquet(path)


def test_months_whose_columns_differ_make_one_frame(tmp_path, monkeypatch):
    """As the TLC's files do: counts are integers or, where one is missing, floats; some columns come and go."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_month(tmp_path / "yellow_tripdata_2011-01.parquet", congestion_surcharge=None, passenger_count=[1.0, np.nan])
    write_month(tmp_path / "yellow_tripdata_2023-02.parquet", passenger_count=[1, 2], Airport_fee=1.25)
    frame = load_taxi(["2011-01", "2023-02"]).frame
    assert frame.compute().dtypes.to_dict() == frame.dtypes.to_dict()
    assert frame.passenger_count.sum().compute() == 4
    assert frame.congestion_surcharge.count().compute() == 2


def test_only_the_columns_that_are_used_are_read(tmp_path, monkeypatch):
    from dask.dataframe.dask_expr.io.parquet import ReadParquet

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_month(tmp_path / "yellow_tripdata_2019-03.parquet")
    frame = load_taxi().frame
    (read,) = frame[["fare_amount"]].simplify().expr.find_operations(ReadParquet)
    assert read.columns == ["fare_amount"]


@pytest.mark.parametrize(
    "months, words", [("2019-03", "is a list"), ([], "is a list"), (["2019-13"], "'2019-13' is no month")]
)
def test_what_is_no_month_is_refused(months, words):
    with pytest.raises(ValueError, match=words):
        load_taxi(months)


def test_names_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="'100k', 'latest-small', '1m', '25m'; there is no '10m'"):
        load_movielens("10m")
    with pytest.raises(ValueError, match="not 'header'"):
        load_newsgroups(remove=("header",))


@pytest.mark.parametrize(
    "name, content, load",
    [
        ("yellow_tripdata_2019-03.parquet", b"PAR1", load_taxi),
        ("cal_housing_py3.pkz", None, load_housing),
        ("20news-bydate_py3.pkz", zlib.compress(pickle.dumps({"train": []})), load_newsgroups),
    ],
)
def test_a_file_of_another_layout_is_named(tmp_path, monkeypatch, name, content, load):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    if content is None:
        joblib.dump(np.zeros((3, 4)), tmp_path / name, compress=6)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        load()


# Downloads from a local server


def test_taxi_downloads_a_month_once(upstream, monkeypatch):
    monkeypatch.setattr(taxi, "BASE_URL", upstream.url)
    write_month(upstream.folder / "yellow_tripdata_2019-03.parquet")
    assert len(load_taxi().frame) == 2
    upstream.stop()
    assert load_taxi().provenance.detail == "Downloaded from the source."


def test_a_month_that_upstream_has_not_is_an_error_and_no_stand_in(upstream, monkeypatch):
    monkeypatch.setattr(taxi, "BASE_URL", upstream.url)
    with pytest.raises(DownloadError, match="404"):
        load_taxi(["2036-01"])


def test_housing_downloads_through_scikit_learn(upstream, monkeypatch):
    from sklearn.datasets import _california_housing as theirs

    row = b"-122.23,37.88,41.0,880.0,129.0,322.0,126.0,8.3252,452600.0\n"
    path = upstream.folder / "cal_housing.tgz"
    tar(path, {"CaliforniaHousing/cal_housing.data": row * 3})
    remote = theirs.RemoteFileMetadata(path.name, upstream.url + path.name, digest("sha256", path))
    monkeypatch.setattr(theirs, "ARCHIVE", remote)
    housing = load_housing()
    assert housing.X.shape == (3, 8)
    assert housing.y[0] == pytest.approx(4.526)
    assert housing.X[0, 2] == pytest.approx(880 / 126)
    assert housing.provenance.kind == "sample"


def test_newsgroups_download_through_scikit_learn(upstream, monkeypatch):
    from sklearn.datasets import _twenty_newsgroups as theirs

    path = upstream.folder / "20news-bydate.tar.gz"
    posts = {
        f"20news-bydate-{part}/{group}/{number}": f"Subject: {number}\n\n{group}".encode()
        for part in ("train", "test")
        for group in ("sci.med", "sci.space")
        for number in range(3)
    }
    tar(path, posts)
    remote = theirs.RemoteFileMetadata(path.name, upstream.url + path.name, digest("sha256", path))
    monkeypatch.setattr(theirs, "ARCHIVE", remote)
    loaded = load_newsgroups(remove=("headers",))
    assert loaded.names == ("sci.med", "sci.space")
    assert [loaded.names[label] for label in loaded.train_labels] == loaded.train_texts


def test_cifar10_downloads_and_unpacks(upstream, monkeypatch):
    rng = np.random.default_rng(0)
    files = {"cifar-10-batches-py/batches.meta": pickle.dumps({"label_names": list("abcdefghij")}, protocol=2)}
    for name in (*cifar10.TRAIN_BATCHES, "test_batch"):
        batch = {"data": rng.integers(0, 256, (4, 3072), dtype=np.uint8), "labels": [0, 1, 2, 9]}
        files[f"cifar-10-batches-py/{name}"] = pickle.dumps(batch)
    path = upstream.folder / "cifar-10-python.tar.gz"
    tar(path, files)
    monkeypatch.setattr(cifar10, "URL", upstream.url + path.name)
    with pytest.raises(DownloadError, match="checksum"):
        load_cifar10()
    monkeypatch.setattr(cifar10, "CHECKSUM", "md5:" + digest("md5", path))
    data = load_cifar10()
    assert data.train_images.shape == (20, 32, 32, 3)
    assert data.provenance.label == "sample of 24 images"


MOVIELENS = {
    "latest-small": {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,10,4.5,964982703\n2,10,3.0,964982704\n",
        "movies.csv": 'movieId,title,genres\n10,"American President, The (1995)",Comedy|Drama\n',
    },
    "1m": {
        "ratings.dat": "1::10::4::978300760\n2::10::3::978302109\n",
        "movies.dat": "10::Alien: Resurrection (1997)::Sci-Fi\n",
        "users.dat": "1::F::1::10::48067\n2::M::56::16::70072\n",
    },
}


@pytest.mark.parametrize("size", MOVIELENS)
def test_movielens_downloads_and_unpacks(upstream, monkeypatch, size):
    facts = movielens.SIZES[size]
    path = upstream.folder / f"{facts.folder}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in MOVIELENS[size].items():
            archive.writestr(f"{facts.folder}/{name}", content)
    monkeypatch.setattr(movielens, "BASE_URL", upstream.url)
    checksum = facts.checksum and "md5:" + digest("md5", path)
    monkeypatch.setitem(movielens.SIZES, size, replace(facts, checksum=checksum))
    data = load_movielens(size)
    assert data.ratings.user.tolist() == [1, 2]
    assert data.ratings.dtypes.astype(str).tolist()[:3] == ["int32", "int32", "float32"]
    assert data.ratings.timestamp.dt.year.tolist() == [2000, 2000]
    assert data.movies.title[0] in ("American President, The (1995)", "Alien: Resurrection (1997)")
    assert data.provenance.kind == "sample"


# Pickles that would run code


class Hostile:
    def __reduce__(self):
        return eval, ("open('was-here', 'w')",)


@pytest.mark.parametrize(
    "write, read",
    [
        (lambda path: path.write_bytes(pickle.dumps(Hostile())), pickles.read_pickle),
        (lambda path: path.write_bytes(zlib.compress(pickle.dumps(Hostile()))), pickles.read_zlib_pickle),
        (lambda path: joblib.dump(Hostile(), path, compress=6), pickles.read_joblib),
        (lambda path: joblib.dump(np.array([Hostile()]), path, compress=6), pickles.read_joblib),
    ],
    ids=["pickle", "zlib", "joblib", "joblib's nested pickle"],
)
def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch, write, read):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "hostile")
    with pytest.raises(pickle.UnpicklingError, match="builtins.eval"):
        read(tmp_path / "hostile")
    assert not (tmp_path / "was-here").exists()


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_every_python_3_protocol_are_read(tmp_path, protocol):
    path = tmp_path / "bunch"
    path.write_bytes(pickle.dumps(Bunch(data=np.arange(3), names=np.array(["a", "b"])), protocol))
    assert pickles.read_pickle(path).data.tolist() == [0, 1, 2]


# Stand-ins


@pytest.mark.parametrize("load", LOADERS, ids=lambda load: load.__name__)
def test_without_a_network_a_stand_in_says_so(offline, capsys, load):
    source = load().provenance
    assert source.kind == "stand-in"
    assert source.label == f"stand-in data, not {source.dataset}"
    shown = capsys.readouterr().out
    assert f"Stand-in data, not {source.dataset}: {source.rows:,} rows" in shown
    assert "COURSE_OFFLINE is set" in shown


def test_a_server_that_cannot_be_reached_gives_a_stand_in_that_says_why(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(movielens, "BASE_URL", "http://nowhere.invalid/")
    source = load_movielens("latest-small").provenance
    assert source.kind == "stand-in" and "nowhere.invalid cannot be reached" in source.detail


def test_stand_in_trips_follow_their_fare_rule(offline):
    trips = load_taxi(["2019-02", "2020-02"], rows=20_000)
    frame = trips.frame.compute()
    assert len(frame) == trips.provenance.rows == 40_000
    minutes = (frame.tpep_dropoff_datetime - frame.tpep_pickup_datetime).dt.total_seconds() / 60
    inputs = np.column_stack([np.ones(len(frame)), frame.trip_distance, minutes])
    rule, squares, _rank, _singular = np.linalg.lstsq(inputs, frame.fare_amount)
    expected = taxi.STAND_IN_FARE
    np.testing.assert_allclose(rule, [expected["base"], expected["per_mile"], expected["per_minute"]], rtol=0.02)
    assert np.sqrt(squares[0] / len(frame)) == pytest.approx(expected["noise"], rel=0.02)
    assert frame.tpep_pickup_datetime.dt.strftime("%Y-%m").unique().tolist() == ["2019-02", "2020-02"]


def test_stand_in_trips_come_in_several_partitions(offline):
    assert load_taxi(rows=250_000).frame.npartitions == 3


def test_stand_in_ratings_rate_each_film_once_per_user(offline):
    data = load_movielens("100k")
    assert len(data.ratings) == 100_000
    assert not data.ratings.duplicated(["user", "item"]).any()
    assert data.ratings.rating.between(1, 5).all()
    assert data.ratings.user.between(1, 943).all() and data.ratings.item.isin(data.movies.item).all()
    pd.testing.assert_frame_equal(data.ratings, load_movielens("100k").ratings)


def test_the_stand_in_of_the_largest_size_is_made_quickly(offline):
    assert load_movielens("25m").provenance.rows == 1_000_209


def test_stand_in_images_are_the_same_each_time():
    images, labels = cifar10._render(200, seed=0)
    again, _labels = cifar10._render(200, seed=0)
    other, _labels = cifar10._render(200, seed=1)
    np.testing.assert_array_equal(images, again)
    assert (images != other).any()
    assert images.shape == (200, 32, 32, 3) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [20] * 10


def test_stand_in_posts_have_headers_to_remove(monkeypatch, offline):
    monkeypatch.setattr(newsgroups, "LIBRARIES", ("joblib", "fsspec"))
    posts, bare = load_newsgroups(), load_newsgroups(remove=("headers",))
    assert len(posts.train_texts) == len(posts.train_labels) > len(posts.test_texts) > 50
    assert all(text.startswith("From: joblib") for text in posts.train_texts[:10])
    assert not any("From: " in text for text in bare.train_texts)


# What a reader sees


SAMPLE = replace(taxi.UPSTREAM, dataset="trips <b>& co</b>").found(5_500, "by hand")


def test_a_notebook_shows_a_box_with_a_text_twin_and_keeps_the_facts():
    from IPython.core.interactiveshell import InteractiveShell

    content, metadata = InteractiveShell().display_formatter.format(SAMPLE)
    assert "a sample of 5,500 trips" in content["text/plain"]
    assert "trips &lt;b&gt;&amp; co&lt;/b&gt;" in content["text/html"] and "<b>" not in content["text/html"]
    assert metadata == {"course": {"data": {"dataset": "trips <b>& co</b>", "kind": "sample", "rows": 5_500}}}


def test_the_box_takes_its_colours_from_the_page():
    assert "color:" not in provenance.BOX.replace("currentColor", "") and "#" not in provenance.BOX


def test_an_executed_notebook_holds_which_data_it_ran_on(offline):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("from helpers.data import load_housing\nhousing = load_housing()")]
    )
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output.metadata["course"]["data"] == {"dataset": "California housing", "kind": "stand-in", "rows": 442}


def test_importing_the_loaders_imports_no_heavy_library():
    heavy = "{'pandas', 'dask', 'sklearn', 'torch', 'pyarrow', 'matplotlib', 'IPython'}"
    code = f"import sys, helpers.data; sys.exit(', '.join({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


# More trips than there are


def test_more_trips_are_drawn_from_the_real_ones(course_data):
    taxi_month = load_taxi(["2019-03"])
    many = taxi_month.at_scale(50_000)
    frame, real = many.frame.compute(), taxi_month.frame.compute()
    assert (len(frame), many.provenance.rows, many.provenance.kind) == (50_000, 50_000, "generated")
    assert many.provenance.label == "50,000 trips generated from a sample of 5,500"
    assert "50,000 trips, generated from a sample of 5,500 real ones" in str(many.provenance)
    assert frame.dtypes.to_dict() == many.frame.dtypes.to_dict()
    together = ["trip_distance", "fare_amount", "PULocationID", "DOLocationID", "total_amount"]
    assert set(frame[together].itertuples(index=False)) <= set(real[together].itertuples(index=False))
    pickup = frame.tpep_pickup_datetime
    assert pickup.between("2019-03-01", "2019-04-01", inclusive="left").all()
    assert pickup.nunique() > 5 * real.tpep_pickup_datetime.nunique()
    for part in ("hour", "day_of_week"):
        generated, original = (getattr(times.dt, part) for times in (pickup, real.tpep_pickup_datetime))
        shares = [times.value_counts(normalize=True).sort_index() for times in (generated, original)]
        np.testing.assert_allclose(*shares, atol=0.01)
    minutes, real_minutes = (
        set((table.tpep_dropoff_datetime - table.tpep_pickup_datetime).dt.total_seconds()) for table in (frame, real)
    )
    assert minutes <= real_minutes


def test_generated_trips_are_the_same_each_time_whatever_is_asked_for(course_data):
    many = load_taxi(["2019-03"]).at_scale(20_000)
    frame = many.frame.compute()
    pd.testing.assert_frame_equal(frame, many.frame.compute())
    pd.testing.assert_frame_equal(frame[["tip_amount"]], many.frame[["tip_amount"]].compute())
    assert not frame.duplicated().all() and many.frame.npartitions == taxi.LEAST_BLOCKS
    blocks = [many.frame.partitions[i].compute() for i in (0, 1)]
    assert not blocks[0].reset_index(drop=True).equals(blocks[1].reset_index(drop=True))


def test_the_graph_of_generated_trips_holds_no_trips(course_data):
    import cloudpickle

    many = load_taxi(["2019-03"]).at_scale(3_000_000)
    assert many.frame.npartitions == 30
    assert len(cloudpickle.dumps(many.frame.optimize().expr)) < 100_000


def test_fewer_trips_than_there_are_come_as_they_are(course_data):
    month = load_taxi(["2019-03"])
    few = month.at_scale(1_000)
    assert few.provenance.label == "sample of 1,000 trips"
    theirs = month.frame.compute().head(1_000)
    np.testing.assert_array_equal(few.frame.compute().total_amount, theirs.total_amount)


def test_the_first_trips_of_several_row_groups(offline):
    made_up = load_taxi(["2019-03"], rows=250_000)
    few = made_up.at_scale(150_000)
    assert (few.frame.npartitions, len(few.frame)) == (2, 150_000)
    assert few.provenance.kind == "stand-in"


def test_trips_drawn_from_a_stand_in_stay_one(offline):
    many = load_taxi(["2019-02", "2019-04"], rows=1_000).at_scale(10_000)
    assert (many.provenance.kind, many.provenance.rows) == ("stand-in", 10_000)
    assert many.provenance.label == "stand-in data, not NYC yellow-taxi trips"
    assert "moved to another week" in many.provenance.detail
    months = many.frame.compute().tpep_pickup_datetime.dt.strftime("%Y-%m")
    assert sorted(months.unique()) == ["2019-02", "2019-04"]


def test_no_trips_at_all_are_refused(offline):
    with pytest.raises(ValueError, match="at least 1, not 0"):
        load_taxi(rows=1_000).at_scale(0)
