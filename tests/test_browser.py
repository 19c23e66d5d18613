"""A learner's first minutes in a real browser: open a chapter in JupyterLab, answer wrong, wasteful and right, ask for
a hint, look at progress and at the dashboard. `COURSE_PICTURES` names a folder that keeps what the browser showed."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright

from helpers.course import doctor, lab

EXECUTABLE = doctor.browser()
pytestmark = pytest.mark.skipif(
    bool(EXECUTABLE.cost), reason="needs Chromium or Chrome: bin/install-system-packages installs one"
)
CHAPTER = "05_linear_regression.ipynb"
UPHILL = "def mse_gradient(X, y, theta):\n    return (X.T @ (y - X @ theta) / len(X)).compute()"
TWICE = """\
def mse_gradient(X, y, theta):
    residual = (X @ theta - y).compute()
    return (X.T @ residual / len(X)).compute()"""
ONCE = "def mse_gradient(X, y, theta):\n    return (X.T @ (X @ theta - y) / len(X)).compute()"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Address of a JupyterLab on a learner's own copy of the course, with its own settings."""
    home = tmp_path_factory.mktemp("home")
    lab.prepare(work=home / "work")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "COURSE_STATE": str(home / "progress.json"),
    }
    options = [
        f"--port={port}",
        "--no-browser",
        "--allow-root",
        "--IdentityProvider.token=",
        "--ServerApp.port_retries=0",
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={home / 'work'}", *options],
            env=environment,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{address}/api", timeout=5).raise_for_status()
            break
        except requests.RequestException:
            assert server.poll() is None and time.monotonic() < deadline, (home / "log").read_text()
            time.sleep(0.2)
    yield address
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="module")
def page(desk):
    with sync_playwright() as playwright:
        # Chromium refuses to sandbox itself for root; it opens nothing but this test's own server.
        quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=EXECUTABLE.found, args=["--no-sandbox", *quiet])
        page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
        open_notebook(page, desk, CHAPTER)
        dismiss_news(page)
        yield page
        browser.close()


def open_notebook(page: Page, desk: str, name: str) -> None:
    """Open a chapter and wait for its kernel: a cell that is run before asks the reader to select one."""
    page.goto(f"{desk}/lab/tree/{name}")
    expect(page.locator(".jp-Notebook")).to_be_visible(timeout=60_000)
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("Python 3 (ipykernel)", timeout=60_000)
    expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle", timeout=60_000)


def dismiss_news(page: Page) -> None:
    """JupyterLab asks on its first start whether it may fetch news."""
    no = page.get_by_role("button", name="No", exact=True)
    if no.is_visible():
        no.click()


def cell(page: Page, text: str):
    """The code cell that holds `text`, scrolled to."""
    found = page.locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text=text)).first
    found.scroll_into_view_if_needed()
    return found


def run(page: Page, found) -> None:
    found.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")


def answer(page: Page, code: str) -> str:
    """Type `code` over exercise 5.2, run it and its check; returns the verdict as the reader sees it."""
    exercise = cell(page, "def mse_gradient")
    exercise.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    return say(page, 'check("5.2")')


def say(page: Page, call: str) -> str:
    """Run the cell that holds `call`; returns what it shows once it is done."""
    found = cell(page, call)
    run(page, found)
    expect(found.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"), timeout=60_000)
    return found.locator(".jp-OutputArea").inner_text()


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("COURSE_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_the_chapter_runs_and_shows_where_we_are(page):
    for text in ("n_rows =", 'pipeline("algorithm")', "client = start_cluster()"):
        run(page, cell(page, text))
    expect(page.get_by_role("img", name=re.compile("This chapter's stage"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Launch dashboard in JupyterLab")).to_be_visible(timeout=60_000)
    page.locator(".jp-Notebook").get_by_role(
        "heading", name=re.compile("05 · Linear regression")
    ).scroll_into_view_if_needed()
    keep(page, "chapter")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (UPHILL, "wrong, 0 of 4 points"),
        (TWICE, "right but wasteful, 3.5 of 4 points"),
        (ONCE, "ok, 4 of 4 points"),
    ],
    ids=["uphill", "twice", "once"],
)
def test_an_answer_gets_its_verdict(page, code, verdict):
    shown = answer(page, code)
    assert verdict in shown
    keep(page, "verdict-" + verdict.partition(",")[0].replace(" ", "-"))


def test_hint_and_progress(page):
    standing = 'check("5.2")'
    for call, words in (('hint("5.2")', "Hint 1 of 2"), ("progress()", "4 / 24")):
        cell(page, standing).locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(call)
        assert words in say(page, call)
        standing = call


def test_the_first_chapter_shows_its_pictures_and_a_live_pane(page, desk):
    first = page.context.new_page()
    open_notebook(first, desk, "00_start_here.ipynb")
    picture = first.locator(".jp-MarkdownOutput img").first
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.naturalWidth") > 300
    for text in ("n_blocks =", 'pipeline("framework")', "client = start_cluster()", "IFrame(client"):
        run(first, cell(first, text))
    pane = first.frame_locator("iframe[src*='individual-task-stream']")
    expect(pane.locator("canvas").first).to_be_visible(timeout=60_000)
    first.close()


def test_the_dashboard_shows_the_tasks(page, desk):
    link = page.locator("a[href*='/status']").first.get_attribute("href")
    dashboard = page.context.new_page()
    dashboard.goto(link)
    expect(dashboard.locator("canvas").first).to_be_visible(timeout=60_000)
    run(page, cell(page, "lazy_gradient.compute()"))
    # Bokeh draws on canvases: how many bars there are is asked of the data behind them.
    drawn = """() => Bokeh.documents.flatMap(document => [...document._all_models.values()])
        .filter(model => model.type == "ColumnDataSource" && model.columns().includes("worker_thread"))
        .map(model => model.get_length())"""
    deadline = time.monotonic() + 30
    while not any(dashboard.evaluate(drawn)) and time.monotonic() < deadline:
        time.sleep(0.5)
    keep(dashboard, "task-stream")
    assert any(dashboard.evaluate(drawn))
