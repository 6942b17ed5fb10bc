"""Where alerts wait for an operator (`release = "confirm"`): one is released at the desk and goes out to the feed.

A demo of its own: the other one lets alerts out by itself. It takes the night that one has simulated.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import feedparser
import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import LAPTOP, Demo, free_port

WAIT_MS = 120_000
CONFIRM = '[alerting.operators]\nrelease = "confirm"\n'
PENDING = "(async () => (await (await fetch('/api/v1/pending')).json()).map((one) => one.area))()"


@pytest.fixture
def waiting(demo: Demo | None, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The console of a centre in confirm mode."""
    url, own = os.environ.get("PERISAI_TEST_CONFIRM_URL"), None
    if url is None:
        (tmp_path / "perisai.toml").write_text(CONFIRM)
        (tmp_path / "data").mkdir()
        if demo is not None:
            (tmp_path / "data/nights").symlink_to(demo.data / "nights")
        own = Demo(tmp_path / "data", free_port())
        own.start("--config", str(tmp_path / "perisai.toml"))
        url = own.url
    context = browser.new_context(viewport=LAPTOP, locale="en-GB", base_url=url, bypass_csp=True)  # pyright: ignore[reportArgumentType]
    try:
        page = context.new_page()
        page.goto("/")
        page.wait_for_function("window.__perisai?.version > 0 && window.__perisai.areas > 0", timeout=WAIT_MS)
        yield page
    finally:
        context.close()
        if own is not None:
            own.stop()


def told(page: Page) -> set[str]:
    """Areas by code that the public feed has alerted."""
    base = page.evaluate("location.origin")
    texts = [httpx.get(entry.links[0].href).text for entry in feedparser.parse(f"{base}/cap.atom").entries]
    return {code for text in texts for code in re.findall(r"<value>([^<]+)</value>", text)}


def test_what_waits_is_released_at_the_desk_and_reaches_the_public_feed(waiting: Page) -> None:
    waiting.wait_for_function(f"{PENDING}.then((areas) => areas.length > 0)", timeout=WAIT_MS)
    waiting.get_by_role("button", name="Sign in").click()
    waiting.get_by_role("dialog").get_by_role("button", name=re.compile(" · operator")).first.click()
    waiting.get_by_role("button", name=re.compile(r"Desk\s*\d+")).click()
    desk = waiting.get_by_role("complementary", name="Desk")
    desk.get_by_role("article").first.locator("button.name").click()
    area = waiting.evaluate("window.__perisai.selected.code")
    # What waits changes meanwhile: from here on it is this one, wherever it stands.
    name = waiting.evaluate("(code) => window.__perisai.name(code)", area)
    one = desk.get_by_role("article").filter(has=waiting.get_by_role("button", name=name, exact=True))
    expect(one).to_contain_text("Waits to be released")
    on = f"window.__perisai.alerts.some((alert) => alert.area === '{area}')"
    assert not waiting.evaluate(on), "it waits: nobody is alerted"
    assert area not in told(waiting)

    one.get_by_role("button", name="Release").click()
    waiting.wait_for_function(on, timeout=20_000)
    waiting.wait_for_function(f"{PENDING}.then((areas) => !areas.includes('{area}'))", timeout=20_000)
    deadline = time.monotonic() + 20
    while area not in told(waiting) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert area in told(waiting)
    still = waiting.evaluate(PENDING)
    assert not set(still) & told(waiting), "what nobody released is not in the feed"
