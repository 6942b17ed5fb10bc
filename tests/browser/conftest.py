"""A real Chromium against the real service: one demo on loopback for the whole session."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_feed import ROWS, SENSORS, SPEAK, Feed, tracks
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
CONSOLE = ROOT / "src/perisai/service/console_dist/index.html"
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
# Slow enough that an alert outlives the click that was meant for it.
NIGHT, SPEED = "2025-09-07", "10"
READY_S = 270
LAPTOP = {"width": 1366, "height": 768}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = None
    if not CHROMIUM:
        reason = "chromium is not installed"
    elif not CONSOLE.is_file():
        reason = "the console is not built (make console)"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Demo:
    """`perisai demo` as a child process, in its own data directory."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port, self.url = data, port, f"http://127.0.0.1:{port}"
        self.log = data.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Starts, with more arguments for `perisai demo`, and waits until it answers."""
        command = [sys.executable, "-m", "perisai.cli", "demo", "--port", str(self.port), "--data", str(self.data)]
        command += ["--speed", SPEED, "--night", NIGHT, *more]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        deadline = time.monotonic() + READY_S
        while not ready(self.url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the demo did not come up:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.3)

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo | None]:
    """The running demo; None where PERISAI_TEST_URL names one that runs already."""
    if os.environ.get("PERISAI_TEST_URL"):
        yield None
        return
    # PERISAI_TEST_DATA names a directory that keeps the simulated night between runs.
    data = os.environ.get("PERISAI_TEST_DATA")
    made = Demo(Path(data) if data else tmp_path_factory.mktemp("demo") / "data", free_port())
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def service(demo: Demo | None) -> str:
    """The address of the demo."""
    return demo.url if demo else os.environ["PERISAI_TEST_URL"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser, service: str) -> Iterator[BrowserContext]:
    """A fresh browser profile at the service, in English; any request that leaves the service fails the test.

    The tests' own waiting evaluates strings, which the content policy forbids: test_policy.py looks at that.
    """
    made = browser.new_context(viewport=LAPTOP, locale="en-GB", base_url=service, bypass_csp=True)  # pyright: ignore[reportArgumentType]
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((service, "data:", "blob:")):
            foreign.append(request.url)

    made.on("request", note)
    yield made
    made.close()
    assert not foreign, f"asked for from elsewhere: {foreign[:3]}"


@pytest.fixture
def operator(context: BrowserContext) -> Iterator[Page]:
    """The operator's page with a first picture in it; a script error fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/")
    page.wait_for_function("window.__perisai?.version > 0", timeout=30_000)
    yield page
    assert not errors, errors


@pytest.fixture(scope="module")
def screen(browser: Browser, service: str) -> Iterator[tuple[Page, Feed]]:
    """One console with a feed of its own for all tests of a file: opening one takes longer than most of them."""
    context = browser.new_context(viewport=LAPTOP, locale="en-GB", base_url=service, bypass_csp=True)  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(SPEAK)
    page.route("**/api/v1/layers/", lambda route: route.fulfill(json=["shelters"]))
    page.route("**/api/v1/sensors", lambda route: route.fulfill(json=SENSORS))
    feed = Feed(page)
    page.goto("/")
    page.wait_for_function("window.__perisai?.areas > 0 && window.__perisai.settled", timeout=60_000)
    yield page, feed
    context.close()
    assert not errors, errors


@pytest.fixture
def page(screen: tuple[Page, Feed]) -> Page:
    return screen[0]


@pytest.fixture
def feed(screen: tuple[Page, Feed]) -> Feed:
    """A picture of three tracks near Kyiv, one of them ballistic; nothing selected, nothing open."""
    page, made = screen
    for _ in range(4):
        page.keyboard.press("Escape")
    made.begin(tracks=tracks(ROWS))
    page.wait_for_function("window.__perisai.tracks.length === 3 && window.__perisai.alerts.length === 0")
    return made


def area_row(page: Page) -> Locator:
    """The first area of the alert list; a region whose areas are reached now is opened for it."""
    rows = page.get_by_role("group", name="Alerts")
    rows.get_by_role("button").first.wait_for()
    areas = rows.locator("button:not([aria-expanded])")
    if areas.count() == 0:
        rows.get_by_role("button").first.click()
    areas.first.hover()
    return areas.first


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where screenshots are kept."""
    folder = ROOT / "artefacts"
    folder.mkdir(exist_ok=True)
    return folder
