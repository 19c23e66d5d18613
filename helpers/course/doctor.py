"""Look at this machine and say of each thing that the course lacks what the lack costs.

Runs before anything is installed, on any Python from 3.8 on and its standard library alone:
`python3 -m helpers.course.doctor`. Ends with status 1 where the course cannot run, else with 0.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from helpers.words import _

ROOT = Path(__file__).resolve().parents[2]
GIB = 2**30
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
MAC_BROWSER = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


@dataclass
class Finding:
    """One row of the report: `cost` says what a lack costs and what cures it, and is empty where all is well."""

    subject: str
    found: str
    cost: str = ""
    fatal: bool = False


def main() -> int:
    """Print the report; returns the exit status."""
    findings = [
        system(),
        python(),
        tools(),
        memory(memory_bytes()),
        cores(core_count()),
        disk(shutil.disk_usage(ROOT).free),
        ports(),
        browser(),
        sandbox(),
        gpu(),
    ]
    print(table(findings))
    fatal = [finding.subject for finding in findings if finding.fatal]
    if fatal:
        print(_("The course cannot run here yet. See above: {subjects}.").format(subjects=", ".join(fatal)))
        return 1
    print(_("The course runs here. `make lab` opens it."))
    return 0


def table(findings: list[Finding]) -> str:
    """One line per finding, and below it, indented, what its lack costs."""
    width = max(len(finding.subject) for finding in findings)
    indent = " " * (8 + width)
    lines = []
    for finding in findings:
        mark = _("STOP") if finding.fatal else _("lack") if finding.cost else _("ok")
        lines.append(f"{mark:<4}  {finding.subject:<{width}}  {finding.found}")
        lines += textwrap.wrap(finding.cost, 110, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


def system() -> Finding:
    """Linux (WSL2 is one) or macOS, as far as the locked PyTorch has wheels for it."""
    name = f"{platform.system()} {platform.mac_ver()[0] or platform.release()}, {platform.machine()}"
    if platform.system() == "Linux":
        return Finding(_("system"), name)
    if platform.system() == "Darwin":
        if platform.machine() == "arm64" and int(platform.mac_ver()[0].split(".")[0]) >= 14:
            return Finding(_("system"), name)
        cost = _("PyTorch comes for macOS 14 and later on Apple silicon only: use Binder or a Linux machine.")
        return Finding(_("system"), name, cost, fatal=True)
    cost = _("The course runs on Linux and macOS. On Windows, use WSL2: https://learn.microsoft.com/windows/wsl")
    return Finding(_("system"), name, cost, fatal=True)


def python() -> Finding:
    """The Python that set-up will take."""
    search = subprocess.run([str(ROOT / "bin" / "find-python")], capture_output=True, text=True)
    if search.returncode:
        return Finding("Python", _("none that the course can use"), search.stderr.strip(), fatal=True)
    path = search.stdout.strip()
    version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout.split()[-1]
    return Finding("Python", f"{version} ({path})")


def tools() -> Finding:
    missing = [tool for tool in ("make", "git") if not shutil.which(tool)]
    if not missing:
        return Finding(_("tools"), "make, git")
    cost = _("Without make, README.md gives the commands that it would run; without git, there are no updates.")
    return Finding(_("tools"), _("no {tools}").format(tools=", ".join(missing)), cost)


def memory(size: int) -> Finding:
    """`size`: bytes that this machine or container may use."""
    cost = ""
    if size < 2 * GIB:
        cost = _("JupyterLab, a notebook and two workers with PyTorch need 2 GiB: close programs or use Binder.")
    elif size < 6 * GIB:
        cost = _("Chapters run one at a time: close each notebook before the next, and keep to scale laptop.")
    return Finding(_("memory"), f"{size / GIB:.1f} GiB", cost, fatal=size < 2 * GIB)


def cores(count: float) -> Finding:
    """`count`: CPU cores that this process may use."""
    cost = _("Two workers share one core: all is correct, but no speed-up can be seen.") if count < 2 else ""
    return Finding(_("cores"), f"{count:g}", cost)


def disk(free: int) -> Finding:
    """`free`: bytes on the disk that holds the course."""
    cost, fatal = "", False
    if not (ROOT / ".venv").exists() and free < 3 * GIB:
        cost, fatal = _("The environment takes 2.3 GB with torch's CPU build: make room."), True
    elif free < 5 * GIB:
        cost = _("Downloaded data and what workers spill may fill it: keep 5 GiB free.")
    return Finding(_("disk"), _("{size:.1f} GiB free").format(size=free / GIB), cost, fatal)


def ports() -> Finding:
    """The ports of Dask's dashboards, which are also what a firewall or a tunnel lets through, and JupyterLab's."""
    taken = [port for port in [*range(8787, 8798), 8888] if not is_free(port)]
    if not taken:
        return Finding(_("ports"), _("8787 to 8797 and 8888 are free"))
    found = _("{ports} taken").format(ports=", ".join(map(str, taken)))
    if taken == [8888]:
        return Finding(_("ports"), found, _("JupyterLab takes the next free port: read its address in the terminal."))
    if len(taken) < 11:
        return Finding(_("ports"), found)
    cost = _("No port is left for the Dask dashboard: close notebooks and clusters that are still running.")
    return Finding(_("ports"), found, cost)


def browser() -> Finding:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if MAC_BROWSER.exists():
        found = str(MAC_BROWSER)
    if found:
        return Finding(_("browser"), found)
    cost = _("The browser tests are skipped (cure: bin/install-system-packages). To learn, any browser will do.")
    return Finding(_("browser"), _("no Chromium or Chrome"), cost)


def sandbox() -> Finding:
    """Whether students' code can be isolated: bubblewrap, and the user namespaces that it and the fast runner need."""
    lost = _("`make grade` cannot fully isolate what students hand in; learning is not affected.")
    if platform.system() != "Linux":
        return Finding(_("sandbox"), _("only on Linux"), lost)
    if not shutil.which("bwrap"):
        return Finding(_("sandbox"), _("no bubblewrap"), lost + " " + _("Cure: bin/install-system-packages"))
    trial_run = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    trial = subprocess.run(trial_run, capture_output=True, text=True)
    if trial.returncode:
        found = _("bubblewrap is refused: {reason}").format(reason=trial.stderr.strip())
        return Finding(_("sandbox"), found, lost + " " + _("Ask who runs this machine for user namespaces."))
    return Finding(_("sandbox"), _("bubblewrap, with user namespaces"))


def gpu() -> Finding:
    """Never a lack: nothing in the course needs one."""
    if not shutil.which("nvidia-smi"):
        return Finding("GPU", _("none from NVIDIA; none is needed, and set-up takes torch's small CPU build"))
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    names = subprocess.run(query, capture_output=True, text=True).stdout.split("\n")
    return Finding("GPU", ", ".join(filter(None, names)) or _("NVIDIA's driver finds none"))


def is_free(port: int) -> bool:
    """Whether a server could listen on `port`."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def memory_bytes(root: Path = Path("/")) -> int:
    """Memory of the machine, or less where a control group sets a limit."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for group in control_groups("memory", root):
        for limit in (text(group / "memory.max"), text(group / "memory.limit_in_bytes")):
            if limit.isdigit():
                size = min(size, int(limit))
    return size


def core_count(root: Path = Path("/")) -> float:
    """Cores that this process may use, or less where a control group sets a quota, which need not be whole."""
    count = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for group in control_groups("cpu", root):
        quota, _space, period = text(group / "cpu.max").partition(" ")
        if not period:
            quota, period = text(group / "cpu.cfs_quota_us"), text(group / "cpu.cfs_period_us")
        if quota.isdigit():
            count = min(count, int(quota) / int(period))
    return count


def control_groups(controller: str, root: Path = Path("/")) -> list[Path]:
    """Folders of the control groups around this process, innermost first; none on macOS.

    Source: https://man7.org/linux/man-pages/man7/cgroups.7.html, versions 1 (a tree per controller) and 2 (one tree).
    """
    folders = []
    for line in text(root / "proc/self/cgroup").splitlines():
        _number, controllers, group = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            tree = root / "sys/fs/cgroup" / (controller if controllers else "")
            names = group.strip("/").split("/")
            folders += [tree.joinpath(*names[:depth]) for depth in range(len(names), -1, -1)]
    return folders


def text(file: Path) -> str:
    """Contents of a file of the kernel's, or nothing where this kernel has no such file."""
    return file.read_text().strip() if file.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
