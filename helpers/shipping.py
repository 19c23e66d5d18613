"""Send `helpers` to the processes of a cluster that lack it, and refuse those whose packages differ from ours."""

import importlib
import io
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import cloudpickle
from dask.base import tokenize
from distributed import Client
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from helpers.words import _

# What a notebook, a scheduler and a worker exchange is made by these. A build tag (`2.13.0+cpu`) does not count.
PACKAGES = (
    "cloudpickle",
    "dask",
    "distributed",
    "msgpack",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "torch",
)
# The answers and the author's and instructor's tools have no business on a shared cluster.
LEFT_AT_HOME = {"checks", "course", "grading", "__pycache__"}


def ship_helpers(client: Client) -> None:
    """Make `import helpers` work on the scheduler and on every worker of `client`, also those that join later.

    The scheduler needs it as well: it unpacks the graphs. Raises `RuntimeError` where package versions there
    differ from those here; a worker that joins later raises it in its own log.
    """
    archive, versions = pack_helpers(), package_versions()
    name = f"helpers-{tokenize(archive, versions)}"
    advice = _("package versions differ between this process and {place} (here / there): {differences}. ") + _(
        "Install the course's requirements.txt there, or unset DASK_SCHEDULER_ADDRESS to work on this machine."
    )
    here = sys.modules[__name__]
    # The other side cannot import this module: its classes travel as code.
    cloudpickle.register_pickle_by_value(here)
    try:
        client.register_plugin(_SchedulerParcel(name, archive, versions, advice), name=name)
        try:
            client.register_plugin(_WorkerParcel(name, archive, versions, advice), name=name)
        except BaseException:
            client.unregister_worker_plugin(name)
            raise
    finally:
        cloudpickle.unregister_pickle_by_value(here)


def pack_helpers() -> bytes:
    """`helpers` as a ZIP: equal files give equal bytes. Checks, grading and the author's tools stay at home."""
    package = Path(__file__).parent
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*")):
            inside = path.relative_to(package.parent)
            if path.is_file() and not LEFT_AT_HOME.intersection(inside.parts):
                archive.writestr(zipfile.ZipInfo(inside.as_posix()), path.read_bytes())
    return buffer.getvalue()


def package_versions() -> dict[str, str]:
    """Version of Python (major and minor) and of each of `PACKAGES` in this process; "missing" where it is."""
    versions = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package).partition("+")[0]
        except metadata.PackageNotFoundError:
            versions[package] = "missing"
    return versions


class _Parcel:
    """What travels: the ZIP, the versions that it needs, and what to say where they differ."""

    def __init__(self, name: str, archive: bytes, versions: dict[str, str], advice: str) -> None:
        self.name = name
        self.archive = archive
        self.versions = versions
        self.advice = advice

    def unpack(self, place: str, folder: str) -> None:
        there = package_versions()
        differences = [
            f"{package} {version} / {there[package]}"
            for package, version in self.versions.items()
            if version != there[package]
        ]
        if differences:
            raise RuntimeError(self.advice.format(place=place, differences=", ".join(differences)))
        earlier = [entry for entry in sys.path if Path(entry).name.startswith("helpers-")]
        if any(Path(entry).name == self.name for entry in earlier):
            return
        for entry in earlier:
            sys.path.remove(entry)
        if earlier:
            for module in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
                del sys.modules[module]
        # As files and not as a ZIP on the path: translations are read and compiled kernels are cached beside them.
        target = Path(folder) / self.name
        zipfile.ZipFile(io.BytesIO(self.archive)).extractall(target)
        sys.path.insert(0, str(target))
        importlib.import_module("helpers")  # which calls `prepare_process`


class _SchedulerParcel(_Parcel, SchedulerPlugin):
    # Once is enough for a scheduler, which stays what it is; the workers may have changed since the last notebook.
    idempotent = True

    async def start(self, scheduler) -> None:
        self.unpack(f"scheduler {scheduler.address}", scheduler.local_directory)


class _WorkerParcel(_Parcel, WorkerPlugin):
    def setup(self, worker) -> None:
        self.unpack(f"worker {worker.address}", worker.local_directory)
