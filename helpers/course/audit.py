"""What a kernel holds that a notebook must give back: child processes and listening ports.

A run puts `start()` before a notebook's first cell and `report()` after its last.
"""

import json
import time

import psutil

# Python's own helper process ends with the interpreter, not with the pool that it serves.
_PYTHONS_OWN = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
_before: set[str] = set()


def start() -> None:
    """Remember what the kernel itself holds."""
    _before.update(_held())


def report(patience: float = 5.0) -> None:
    """Print, as a JSON list, what came since `start` and is still there after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (left := _held() - _before) and time.monotonic() < deadline:
        time.sleep(0.1)
    print(json.dumps(sorted(left)))


def _held() -> set[str]:
    kernel = psutil.Process()
    ports = {
        f"port {connection.laddr.port}"
        for connection in kernel.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    processes = set()
    for child in kernel.children(recursive=True):
        try:
            command = " ".join(child.cmdline())
        except psutil.NoSuchProcess:
            continue
        if command and not any(name in command for name in _PYTHONS_OWN):
            processes.add(f"process {child.pid} ({command[:80]})")
    return ports | processes
