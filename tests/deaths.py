"""How tests kill a worker in the middle of its work."""

import os
import signal
import threading
from contextlib import contextmanager


@contextmanager
def a_worker_killed(client, after):
    """SIGKILL for one worker process, `after` seconds into the block, which has to last that long."""
    process = next(iter(client.run(os.getpid).values()))
    killer = threading.Timer(after, os.kill, (process, signal.SIGKILL))
    killer.start()
    yield
    assert not killer.is_alive(), "the block ended before the worker was killed"
    client.wait_for_workers(2, timeout=30)
