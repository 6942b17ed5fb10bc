"""The service is killed and comes back: the console says so, keeps what it knew, and goes on by itself.

The server is the service's own gateway and pages over a made-up picture (benchmarks/console.py): it is back in seconds.
"""

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, expect

from conftest import LAPTOP, ROOT, free_port

SCRIPT = Path(ROOT, "benchmarks/console.py")
TRACKS = 50


def start(port: int) -> "subprocess.Popen[bytes]":
    """The server, answering."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), "--serve", str(port), "--tracks", str(TRACKS)])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health/live", timeout=2).close()
            return process
        except OSError:
            time.sleep(0.3)
    process.kill()
    raise RuntimeError("the server did not come up")


def test_the_console_recovers_by_itself_when_the_service_is_killed(browser: Browser) -> None:
    port = free_port()
    server = start(port)
    context = browser.new_context(
        viewport=LAPTOP,  # pyright: ignore[reportArgumentType]
        locale="en-GB",
        bypass_csp=True,
        base_url=f"http://127.0.0.1:{port}",
    )
    try:
        page = context.new_page()
        page.goto("/")
        page.wait_for_function("window.__perisai?.tracks.length > 0 && window.__perisai.alerts.length > 0")
        server.kill()
        server.wait()
        expect(page.get_by_text("Lost connection")).to_be_visible(timeout=10_000)
        expect(page.get_by_role("alert")).to_contain_text("old")
        assert page.evaluate("window.__perisai.tracks.length") == TRACKS, "what was known is kept on show"

        server = start(port)
        before = page.evaluate("window.__perisai.version")
        page.wait_for_function("(seen) => window.__perisai.version > seen + 2", arg=before, timeout=60_000)
        page.wait_for_function("window.__perisai.state === 'live'", timeout=10_000)
        expect(page.get_by_text("Lost connection")).to_be_hidden()
        assert page.evaluate("window.__perisai.tracks.length") == TRACKS
    finally:
        context.close()
        server.kill()
        server.wait()
