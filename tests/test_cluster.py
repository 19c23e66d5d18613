"""`start_cluster`: on this machine, on a cluster that has never heard of `helpers`, and where nobody answers."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from importlib import import_module, metadata
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import dask
import dask.array as da
import pytest
from dask.system import CPU_COUNT
from distributed import Client
from distributed.system import MEMORY_LIMIT
from distributed.versions import VersionMismatchWarning

from helpers import cluster
from helpers.cluster import start_cluster
from helpers.cost import Cost
from helpers.process import prepare_process
from helpers.shipping import pack_helpers

THREADS = {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}


@pytest.fixture(autouse=True)
def no_cluster_from_outside(monkeypatch):
    """No test meets a cluster or a dashboard of whoever runs it, or leaves its own client behind."""
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setenv("COURSE_DASHBOARD_PORT", "0")
    yield
    with contextlib.suppress(ValueError):
        Client.current().close()


# On this machine


DASKS_OWN = "__DASK_PARENT_PID"


def test_fits_the_machine_and_leaves_the_environment_alone():
    before = dict(os.environ)
    client = start_cluster()
    client.wait_for_workers(1)
    workers = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.identity(n_workers=-1))["workers"].values()
    assert all(worker["nthreads"] == 1 for worker in workers)
    assert 1 <= len(workers) <= CPU_COUNT
    assert sum(worker["memory_limit"] for worker in workers) <= MEMORY_LIMIT

    def expect_variables():
        for there in client.run(lambda: dict(os.environ)).values():
            assert {name: there[name] for name in THREADS} == dict.fromkeys(THREADS, "1")
            assert int(there["MALLOC_MMAP_THRESHOLD_"]) == 2**30
        # They stand in this process's environment while a worker starts, and a moment longer.
        deadline = time.monotonic() + 10
        while (changed := {name for name in os.environ if os.environ[name] != before.get(name)}) - {DASKS_OWN}:
            assert time.monotonic() < deadline, changed
            time.sleep(0.1)

    expect_variables()
    # A worker that died is replaced by one like it.
    victim = next(iter(client.run(os.getpid).values()))
    client.submit(os.kill, victim, signal.SIGKILL, pure=False)
    client.wait_for_workers(len(workers))
    while victim in client.run(os.getpid, on_error="ignore").values():
        time.sleep(0.1)
    client.wait_for_workers(len(workers))
    expect_variables()


def test_its_picture_counts_the_workers():
    client = start_cluster(2)
    page = client._repr_html_()
    assert "Workers:</strong> 2" in page and "Workers:</strong> 0" not in page


INTERRUPTED = """
import gc, os, signal, threading, time
from helpers.cluster import start_cluster

if __name__ == "__main__":
    client = start_cluster(1)
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        client.gather(client.map(time.sleep, [60, 61, 62]))
    except KeyboardInterrupt:
        print("interrupted")
    client.restart()
    gc.collect()
    time.sleep(0.5)
    client.close()
"""


def test_a_restart_after_an_interrupt_is_silent(tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "interrupted\n"
    assert "never retrieved" not in ran.stderr


def test_more_threads_per_worker_are_fewer_workers():
    client = start_cluster(threads_per_worker=CPU_COUNT)
    assert list(client.nthreads().values()) == [CPU_COUNT]


def test_few_gigabytes_are_few_workers(monkeypatch):
    monkeypatch.setattr(cluster, "CPU_COUNT", 64)
    monkeypatch.setattr(cluster, "MEMORY_LIMIT", int(1.9 * 2**30))
    assert len(start_cluster().nthreads()) == 1


def test_called_again_it_is_the_same_client_until_that_is_closed():
    client = start_cluster(1)
    assert start_cluster() is client
    assert start_cluster(1) is client
    with pytest.raises(ValueError, match="a cluster of 1 workers is running, and 2 were asked for"):
        start_cluster(2)
    client.close()
    second = start_cluster(1)
    assert second is not client
    assert second.submit(abs, -1).result() == 1


def test_dashboard_takes_the_first_free_port(monkeypatch):
    monkeypatch.delenv("COURSE_DASHBOARD_PORT")
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        monkeypatch.setattr(cluster, "DASHBOARD_PORTS", [taken, free])
        with start_cluster(1) as client:
            assert client.dashboard_link == f"http://127.0.0.1:{free}/status"
        monkeypatch.setattr(cluster, "DASHBOARD_PORTS", [taken])
        with start_cluster(1) as client:
            assert client.scheduler_info()["services"]["dashboard"] not in (taken, 0)


def test_dashboard_link_goes_through_a_hub(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    with dask.config.set({"distributed.dashboard.link": cluster.DIRECT_LINK}), start_cluster(1) as client:
        port = client.scheduler_info()["services"]["dashboard"]
        assert client.dashboard_link == f"/user/ada/proxy/{port}/status"
    # A link that somebody configured stays.
    with dask.config.set({"distributed.dashboard.link": "/proxy/{port}/status"}), start_cluster(1) as client:
        assert client.dashboard_link.startswith("/proxy/")


SILENT = """
import time
import dask, dask.array as da, psutil
from distributed import wait
from helpers.cluster import start_cluster

def torchvision_works():
    from torchvision.transforms import v2
    return v2.__name__

if __name__ == "__main__":
    client = start_cluster(2)
    assert client.submit(torchvision_works).result() == "torchvision.transforms.v2"
    assert isinstance(client.submit(lambda: 1 / 0).exception(), ZeroDivisionError)
    with dask.config.set({"array.rechunk.method": "p2p"}):
        da.ones((100, 100), chunks=(100, 10)).rechunk((10, 100)).sum().compute()
    running = client.submit(time.sleep, 60)
    time.sleep(0.5)
    client.close()
    children = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert all("resource_tracker" in child for child in children), children
    assert not psutil.Process().net_connections("tcp"), psutil.Process().net_connections("tcp")
"""


def test_says_nothing_and_leaves_no_process_and_no_port(tmp_path):
    """Neither for a task that fails, nor for a shuffle, nor when closed while a task runs in a worker with torch."""
    script = tmp_path / "notebook.py"
    script.write_text(SILENT)
    done = subprocess.run([sys.executable, "-W", "always", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


# torchvision beside a CPU-only torch


@pytest.mark.parametrize(
    "imports",
    [
        "import helpers; assert 'torch' not in sys.modules; import torchvision; helpers.prepare_process()",
        # tried first without the cure, which may fail, and then with it
        "\ntry:\n    import torchvision\nexcept RuntimeError:\n    pass\nimport helpers\nimport torchvision",
    ],
)
def test_torchvision_can_be_imported(imports):
    subprocess.run([sys.executable, "-c", f"import sys; {imports}; torchvision.transforms.ToTensor"], check=True)


FAKE_TORCHVISION = """
import torch
LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
def _has_ops():
    return True
"""


def test_a_torchvision_that_has_its_operators_is_left_alone(tmp_path):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from torchvision import extension")
    (package / "extension.py").write_text(FAKE_TORCHVISION)
    code = "import helpers, torchvision; print(torchvision.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == (str(package / "__init__.py"), "")


def test_prepare_process_changes_nothing_the_second_time():
    finders = list(sys.meta_path)
    prepare_process()
    assert sys.meta_path == finders


# On a cluster that was started elsewhere


class Elsewhere:
    """A scheduler and two workers in an environment with our packages but without `helpers`, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "empty").mkdir()
        venv.create(folder / "venv", symlinks=True)
        root = str(folder / "venv")
        packages = Path(sysconfig.get_path("purelib", vars={"base": root, "platbase": root}))
        # Python reads `.pth` files in an environment's own folder only: not the one there that leads to `helpers`.
        (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))
        self.processes: list[subprocess.Popen] = []
        self.log("scheduler", "--port", "0", "--no-dashboard")
        self.log("worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard")
        with Client(scheduler_file=str(folder / "scheduler.json"), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            self.address = client.scheduler.address
            self.worker = next(iter(client.nthreads()))
            assert set(client.run(lambda: find_spec("helpers")).values()) == {None}
            assert client.run_on_scheduler(lambda: find_spec("helpers")) is None

    def log(self, role: str, *options: str, **variables: str) -> Path:
        """Start a scheduler or workers, and return the file that they write their log to."""
        path = self.folder / f"{len(self.processes)}.log"
        files = ["--scheduler-file", str(self.folder / "scheduler.json"), "--host", "127.0.0.1"]
        with path.open("w") as log:
            process = subprocess.Popen(
                [self.folder / "venv" / "bin" / "python", "-m", "dask", role, *files, *options],
                cwd=self.folder / "empty",
                env={name: os.environ[name] for name in os.environ if not name.startswith(("PYTHON", "DASK"))}
                | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return path

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    cluster = Elsewhere(tmp_path_factory.mktemp("elsewhere"))
    yield cluster
    cluster.stop()


@pytest.fixture
def remote(elsewhere, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", elsewhere.address)
    return elsewhere


def test_helpers_arrive_on_the_scheduler_and_on_workers_now_and_later(remote):
    client = start_cluster()
    assert client.scheduler.address == remote.address
    remote.log("worker", "--nthreads", "1", "--no-dashboard")
    client.wait_for_workers(3, timeout=60)

    origins = client.run(lambda: find_spec("helpers").origin)
    assert len(origins) == 3
    for origin in [*origins.values(), client.run_on_scheduler(lambda: find_spec("helpers").origin)]:
        assert "helpers-" in origin
    # A function of ours travels by its name, and torchvision has had its cure, though nobody here imported it.
    assert client.submit(prepare_process).result() is None
    assert client.submit(lambda: import_module("torchvision.transforms.v2").__name__).result()
    # A second notebook of the same learner finds everything in place.
    client.close()
    assert start_cluster().run(lambda: find_spec("helpers").origin) == origins


def test_what_is_shipped_holds_no_answers(tmp_path):
    names = zipfile.ZipFile(BytesIO(pack_helpers())).namelist()
    assert {"helpers/__init__.py", "helpers/cluster.py", "helpers/words.py"} <= set(names)
    assert not [name for name in names if name.startswith(("helpers/checks", "helpers/course", "helpers/grading"))]
    assert pack_helpers() == pack_helpers()


def test_cost_is_counted_on_a_remote_scheduler(remote):
    start_cluster()
    bill = Cost().of(da.ones((8, 8), chunks=(4, 4)).sum().compute)
    assert bill[:3] == (64, 1, 6)
    assert 0 < bill.bytes < 10_000


def test_other_versions_are_refused_by_name_number_and_place(remote, tmp_path):
    older = tmp_path / "numpy-1.0.dist-info"
    older.mkdir()
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.0\n")
    remote.log("worker", "--nthreads", "1", "--no-dashboard", "--name", "older", PYTHONPATH=str(tmp_path))
    with Client(remote.address, set_as_default=False) as observer:
        while "older" not in {worker["name"] for worker in observer.scheduler_info(n_workers=-1)["workers"].values()}:
            time.sleep(0.1)
    with pytest.warns(VersionMismatchWarning), pytest.raises(RuntimeError) as refusal:
        start_cluster()
    ours = metadata.version("numpy")
    assert re.search(rf"worker tcp://127.0.0.1:\d+ \(here / there\): numpy {ours} / 1.0\.", str(refusal.value))
    with pytest.raises(ValueError, match="No client"):
        Client.current()


# Where nobody answers


def a_port_without_listener() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["nonsense", "tcp://no-such-host.invalid:8786", "http://127.0.0.1:8786", None])
def test_a_wrong_address_is_named_in_time(monkeypatch, address):
    address = address or a_port_without_listener()
    assert cluster.ANSWER_SECONDS < 10
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 1)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    with pytest.raises(ConnectionError, match=f"no Dask scheduler answers at {address}, where DASK_SCHEDULER_ADDRESS"):
        start_cluster()


def test_a_port_where_something_else_listens(monkeypatch):
    """A dashboard's address, for example: `distributed.Client` waits there for ever."""
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ConnectionError, match="no Dask scheduler answers at .* TimeoutError"):
            start_cluster()


def test_a_workers_address(elsewhere, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", elsewhere.worker)
    with pytest.raises(ConnectionError, match=f"at {elsewhere.worker}, .* answers a Dask Worker and not a scheduler"):
        start_cluster()


def test_the_variable_can_be_unset(monkeypatch):
    """The remedy that the error names works in the same process, though Dask remembers the address."""
    with dask.config.set({"scheduler-address": a_port_without_listener()}):
        assert start_cluster(1).submit(abs, -1).result() == 1
