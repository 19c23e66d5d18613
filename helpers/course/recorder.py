"""A pytest plugin beside nbval: append what each cell put out, and how it failed, to the file `COURSE_RECORD`.

One JSON object a line: {"id", "outputs", "failure": text or null, "differs": whether only its output changed}.
It also ends the run when the kernel dies, where nbval would wait for an answer until its time is up.
"""

import json
import os
import threading

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    done = threading.Event()
    threading.Thread(target=_watch, args=(item, done), daemon=True).start()
    try:
        return (yield)
    finally:
        done.set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" or report.failed:
        error = call.excinfo and call.excinfo.value
        failure = error and "\n".join(filter(None, (str(error), getattr(error, "inner_traceback", None))))
        _record(item, failure, differs=str(error) == "Cell outputs differ")
    return report


def _watch(item, done):
    kernel = item.parent.kernel.km.provisioner.process
    while not done.wait(1):
        if kernel.poll() is not None:
            _record(item, f"the kernel died, with exit code {kernel.returncode}")
            os._exit(1)


def _record(item, failure, differs=False):
    record = {"id": item.cell.id, "outputs": item.test_outputs or [], "failure": failure, "differs": differs}
    with open(os.environ["COURSE_RECORD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
