"""Set-up: one lock behind every way of installing, a stamp that tells the truth, a doctor who finds what is amiss."""

import ast
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path

import psutil
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.course import doctor

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [Requirement(line) for line in PROJECT["dependencies"]]
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
# What torch's CUDA build brings along, at versions that it pins itself.
CUDA = re.compile(r"nvidia-|cuda-|triton")
CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"


def instructions(text: str) -> list[str]:
    """The lines of `text` that are not comments."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def applies(requirement: Requirement, extras: set[str] = frozenset()) -> bool:
    """Whether `requirement` counts on this platform, for one of `extras` or without any."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""})


# One lock


def test_the_lock_pins_every_package_exactly():
    loose = [str(pin) for pin in LOCK if not re.fullmatch(r"==[^*,]+", str(pin.specifier))]
    assert LOCK and not loose


@pytest.mark.parametrize("direct", DIRECT, ids=str)
def test_the_lock_satisfies_what_pyproject_asks_for(direct):
    pins = [pin for pin in LOCK if canonicalize_name(pin.name) == canonicalize_name(direct.name)]
    assert pins, f"{direct} is not in requirements.txt: run make lock"
    for pin in pins:
        assert direct.specifier.contains(str(pin.specifier).removeprefix("==")), f"{pin} is not {direct}: run make lock"


def test_the_installed_environment_is_the_lock():
    wrong = {}
    for pin in filter(applies, LOCK):
        # A pin admits the local versions of its release: torch==2.13.0 is also 2.13.0+cpu.
        installed = importlib.metadata.version(pin.name)
        if installed not in pin.specifier:
            wrong[str(pin)] = installed
    assert not wrong, "the environment is not what requirements.txt pins: run make setup"


def test_the_lock_holds_what_the_direct_dependencies_need_and_nothing_else():
    needed, queue = {}, list(DIRECT)
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        extras = needed.setdefault(name, set())
        if not CUDA.match(name) and not ({""} | requirement.extras) <= extras:
            extras |= {""} | requirement.extras
            children = map(Requirement, importlib.metadata.requires(name) or [])
            queue += [child for child in children if applies(child, extras)]
    locked = {canonicalize_name(pin.name) for pin in filter(applies, LOCK)}
    assert {name for name in needed if not CUDA.match(name)} == locked


def test_conda_installs_the_lock_with_the_cpu_build_of_torch():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip"]
    assert pip == {"pip": [CPU_INDEX, "-r requirements.txt", "-e ."]}


def test_binder_installs_the_lock_with_the_cpu_build_of_torch():
    assert instructions((ROOT / "binder/requirements.txt").read_text()) == [CPU_INDEX, "-r ../requirements.txt"]
    assert (ROOT / "binder/runtime.txt").read_text() == "python-3.11\n"
    assert os.access(ROOT / "binder/postBuild", os.X_OK)


def test_the_citation_the_changelog_and_the_package_name_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert PROJECT["version"] in (ROOT / "CHANGELOG.md").read_text()
    assert " AND ".join(citation["license"]) == PROJECT["license"]


# Making the environment

FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *ensurepip*) echo "$0" ;;
    *"venv --clear .venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "venv" >>log ;;
    *"pip install"*) echo "$*" >>log && [ ! -e interrupted ] ;;
esac
"""
LINUX = "#!/bin/sh\necho Linux\n"


class Checkout:
    """A checkout on a Linux machine without a GPU, whose only Python just writes down what it is told to do."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.path = folder / "path"
        self.path.mkdir()
        for name in ("Makefile", "requirements.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "bin", folder / "bin")
        for tool in ("awk", "cp", "make", "mkdir", "rm", "touch"):
            (self.path / tool).symlink_to(shutil.which(tool))
        self.program("uname", LINUX)
        self.program("python3.12", FAKE_PYTHON.format(version="3.12"))

    def program(self, name: str, script: str) -> None:
        """Put an executable `name` on the path."""
        (self.path / name).write_text(script)
        (self.path / name).chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess:
        (self.folder / "log").write_text("")
        environment = {"PATH": str(self.path)}
        return subprocess.run(["make", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True)

    @property
    def told(self) -> list[str]:
        """What the last make told Python to do."""
        return (self.folder / "log").read_text().splitlines()

    @property
    def stamps(self) -> list[str]:
        return [stamp.name for stamp in (self.folder / ".venv").glob(".stamp*")]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_set_up_installs_the_lock_once(checkout):
    assert checkout.make("setup").returncode == 0
    venv, lock, editable = checkout.told
    assert venv == "venv"
    assert lock.endswith(f"{CPU_INDEX} --requirement requirements.txt")
    assert editable.endswith("--no-deps --no-build-isolation --editable .")

    checkout.make("setup")
    assert checkout.told == []


def test_an_interrupted_set_up_leaves_no_stamp_and_the_next_one_starts_afresh(checkout):
    (checkout.folder / "interrupted").touch()
    assert checkout.make("setup").returncode != 0
    assert checkout.stamps == []

    (checkout.folder / "interrupted").unlink()
    checkout.make("setup")
    assert checkout.told[0] == "venv" and checkout.stamps == [".stamp-cpu"]


def test_a_changed_lock_is_installed_into_the_same_environment(checkout):
    checkout.make("setup")
    os.utime(checkout.folder / ".venv/.stamp-cpu", (0, 0))
    checkout.make("setup")
    assert len(checkout.told) == 2 and "venv" not in checkout.told


def test_set_up_says_which_torch_it_takes_and_why(checkout):
    assert "TORCH=cpu, because no NVIDIA GPU was found" in checkout.make("setup").stdout

    checkout.program("nvidia-smi", "#!/bin/sh\n")
    shutil.rmtree(checkout.folder / ".venv")
    assert "TORCH=pypi, because this machine has an NVIDIA GPU" in checkout.make("setup").stdout


def test_another_torch_makes_another_environment_which_then_stays(checkout):
    checkout.make("setup")
    assert "TORCH=pypi, because you asked for it" in checkout.make("setup", "TORCH=pypi").stdout
    assert checkout.told[0] == "venv" and "index" not in checkout.told[1]
    assert checkout.stamps == [".stamp-pypi"]

    checkout.make("setup")
    assert checkout.told == []


def test_an_unknown_torch_is_refused(checkout):
    assert 'TORCH is "gpu"; give TORCH=cpu' in checkout.make("setup", "TORCH=gpu").stderr


def test_without_a_python_that_fits_set_up_says_what_it_looked_for(checkout):
    (checkout.path / "python3.12").unlink()
    checkout.program("python3", FAKE_PYTHON.format(version="3.10"))
    failed = checkout.make("setup")
    assert failed.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in failed.stderr and "Found: Python 3.10" in failed.stderr


def test_help_lists_every_target(checkout):
    phony = re.search(r"^.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = [line.split()[1] for line in checkout.make().stdout.splitlines()]
    assert listed == phony[1].split()


# The doctor


def lacks(finding: doctor.Finding) -> bool:
    return bool(finding.cost)


def test_the_doctor_can_be_read_by_an_old_python():
    ast.parse(Path(doctor.__file__).read_text(), feature_version=(3, 8))


def test_the_doctor_reports_every_subject_and_ends_well_here(capsys):
    assert doctor.main() == 0
    lines = capsys.readouterr().out.splitlines()
    subjects = [line.split()[1] for line in lines[:-1] if not line.startswith(" ")]
    assert subjects == ["system", "Python", "tools", "memory", "cores", "disk", "ports", "browser", "sandbox", "GPU"]


def test_the_doctor_ends_with_an_error_where_the_course_cannot_run(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "memory_bytes", lambda: 1 * doctor.GIB)
    assert doctor.main() == 1
    assert "STOP  memory   1.0 GiB" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, release, machine, runs",
    [
        ("Linux", "", "x86_64", True),
        ("Darwin", "15.1", "arm64", True),
        ("Darwin", "13.6", "arm64", False),
        ("Darwin", "15.1", "x86_64", False),
        ("Windows", "", "AMD64", False),
    ],
)
def test_systems_without_a_pytorch_are_refused(monkeypatch, name, release, machine, runs):
    monkeypatch.setattr(doctor.platform, "system", lambda: name)
    monkeypatch.setattr(doctor.platform, "mac_ver", lambda: (release, ("", "", ""), machine))
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    assert doctor.system().fatal != runs


def test_without_make_a_browser_or_a_sandbox_the_course_runs_and_the_doctor_names_the_cost(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(doctor, "MAC_BROWSER", Path("/no/browser"))
    for finding, cost in [
        (doctor.tools(), "README.md gives the commands"),
        (doctor.browser(), "browser tests are skipped"),
        (doctor.sandbox(), "cannot fully isolate"),
    ]:
        assert cost in finding.cost and not finding.fatal
    assert not lacks(doctor.gpu())


def test_a_sandbox_that_the_kernel_refuses_is_a_lack(monkeypatch):
    monkeypatch.setattr(doctor.platform, "system", lambda: "Linux")
    monkeypatch.setattr(shutil, "which", lambda program: "/usr/bin/bwrap")
    refusal = subprocess.CompletedProcess([], 1, stdout="", stderr="bwrap: No permissions to create new namespace")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: refusal)
    assert "No permissions to create new namespace" in doctor.sandbox().found
    assert lacks(doctor.sandbox())


@pytest.mark.parametrize(
    "finding, mark",
    [
        (doctor.memory(1 * doctor.GIB), "STOP"),
        (doctor.memory(4 * doctor.GIB), "lack"),
        (doctor.memory(8 * doctor.GIB), "ok"),
        (doctor.cores(1.5), "lack"),
        (doctor.cores(2), "ok"),
        (doctor.disk(4 * doctor.GIB), "lack"),
        (doctor.disk(50 * doctor.GIB), "ok"),
    ],
)
def test_what_is_too_little_is_marked(finding, mark):
    assert doctor.table([finding]).startswith(mark)


def test_a_full_disk_stops_set_up_only_where_there_is_no_environment_yet(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert doctor.disk(2 * doctor.GIB).fatal
    (tmp_path / ".venv").mkdir()
    assert not doctor.disk(2 * doctor.GIB).fatal


def test_a_taken_port_is_seen():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not doctor.is_free(server.getsockname()[1])


def test_the_doctor_says_what_a_taken_port_costs(monkeypatch):
    monkeypatch.setattr(doctor, "is_free", lambda port: port != 8888)
    assert "JupyterLab takes the next" in doctor.ports().cost
    monkeypatch.setattr(doctor, "is_free", lambda port: port == 8888)
    assert "No port is left for the Dask dashboard" in doctor.ports().cost
    monkeypatch.setattr(doctor, "is_free", lambda port: port != 8787)
    assert doctor.ports().found == "8787 taken" and not lacks(doctor.ports())


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_limits_of_control_groups_count_in_version_2(tmp_path):
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/lectures/learner\n",
            "sys/fs/cgroup/lectures/memory.max": "1073741824\n",
            "sys/fs/cgroup/lectures/learner/memory.max": "max\n",
            "sys/fs/cgroup/lectures/learner/cpu.max": "50000 100000\n",
        },
    )
    assert doctor.memory_bytes(tmp_path) == doctor.GIB
    assert doctor.core_count(tmp_path) == 0.5


def test_limits_of_control_groups_count_in_version_1(tmp_path):
    write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/learner\n1:cpu,cpuacct:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/learner/memory.limit_in_bytes": "1073741824\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "75000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert doctor.memory_bytes(tmp_path) == doctor.GIB
    assert doctor.core_count(tmp_path) == 0.75


def test_without_control_groups_the_machine_itself_counts(tmp_path):
    assert doctor.memory_bytes(tmp_path) == psutil.virtual_memory().total
    assert doctor.core_count(tmp_path) >= 1
