"""No serious violation of WCAG 2.2 AA on each page and theme, by axe."""

import re
from pathlib import Path
from typing import Any

import pytest
from live_feed import ROWS, START_US, Feed, alert, partner, tracks
from playwright.sync_api import BrowserContext, Page, expect

from conftest import area_row

SIREN = {
    "channel": "mqtt", "name": "school", "state": "on", "order": "", "follows": False, "fault": "horn stuck",
    "age_s": 2.0,
}  # fmt: skip
SIGN = {"since_us": START_US, "last_us": START_US, "count": 21}
CLAIM = SIGN | {"number": 1, "lat": 50.45, "lon": 30.5, "verdict": "unseen", "reports": 61, "held": 60}
TRUST = {
    "sensors": [SIGN | {"sensor": "radar-2", "why": "jammed"}],
    "claims": [CLAIM | {"reporters": ["a"], "silent": ["radar-1"], "seen_by": []}],
}

AXE = Path(__file__).parents[2] / "console/node_modules/axe-core/axe.min.js"
RUN = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"


def violations(page: Page) -> list[str]:
    """Serious and critical ones, each with its rule and first element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN)["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['html'][:120]} ({rule['nodes'][0].get('failureSummary', '')[:200]})"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


def desk(area: str) -> dict[str, Any]:
    """A desk with an alert that waits to be released, and an order that waits for a second operator."""
    both = {"level": "alarm", "threat": "drone"}
    pending = both | {"identifier": "waits", "area": area, "probability": 0.8, "reason": "Drone 90 km away, 5 min."}
    proposal = both | {
        "order": "o-1",
        "kind": "alert",
        "by": "somebody",
        "areas": [area],
        "people": 1,
        "text": "Smoke.",
    }
    return {
        "pending": [pending | {"since_us": START_US, "releases_us": START_US + 60_000_000}],
        "proposals": [proposal | {"until_us": None, "expires_us": START_US + 60_000_000}],
        "kept": {area: None},
    }


@pytest.mark.parametrize("theme", ["day", "night"])
def test_operator(operator: Page, theme: str) -> None:
    operator.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    operator.reload()
    operator.wait_for_function("window.__perisai?.tracks.length > 0", timeout=120_000)
    assert violations(operator) == []
    operator.get_by_role("group", name="Tracks").get_by_role("button").first.click()
    operator.get_by_role("button", name="Layers").click()
    assert violations(operator) == []
    operator.keyboard.press("?")
    assert violations(operator) == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_desk_and_orders(operator: Page, theme: str) -> None:
    operator.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    operator.reload()
    operator.get_by_role("button", name="Sign in").click()
    assert violations(operator) == []
    operator.get_by_role("dialog").get_by_role("button", name="operator").first.click()
    operator.wait_for_function("window.__perisai.alerts.length > 0", timeout=120_000)
    area_row(operator).click()
    operator.get_by_role("group", name="Orders").get_by_role("button", name="Cancel").click()
    operator.get_by_role("button", name="Alert by hand").click()
    assert violations(operator) == []
    operator.get_by_role("button", name="Desk").click()
    assert violations(operator) == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_panels_that_a_demo_may_leave_empty(page: Page, feed: Feed, theme: str) -> None:
    """Sensors that are not believed, partners, sirens, what waits for a release, an area's details, the past."""
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.mouse.click(700, 400)
        page.keyboard.press("d")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    code = page.evaluate("window.__perisai.codes[0]")
    page.route("**/api/v1/sirens", lambda route: route.fulfill(json=[SIREN | {"area": code}]))
    sensors = [{"id": "radar-1", "state": "silent", "age_s": 70.0}, {"id": "radar-2", "state": "live", "age_s": 1.0}]
    feed.tick(1, alerts=[alert(code, 300)], sensors=sensors, trust=TRUST, desk=desk(code))
    feed.tick(2, partners=[partner("Romania", [], [], "silent", 41.0)], tracks=tracks(ROWS))
    page.get_by_role("button", name=re.compile("^Sensors")).click()
    rows = page.get_by_role("group", name="Sensors").locator(".row")
    expect(rows.first).to_contain_text("Not believed")
    rows.first.click()
    found = {"sensors": violations(page)}
    page.get_by_role("button", name="Layers").click()
    page.get_by_label("Sirens", exact=True).check()
    expect(page.locator("section.menu")).to_contain_text("silent")
    found["layers"] = violations(page)
    page.get_by_label("Sirens", exact=True).uncheck()
    page.get_by_role("button", name=re.compile("^Desk")).click()
    expect(page.get_by_role("complementary", name="Desk")).to_contain_text("goes out by itself")
    found["desk"] = violations(page)
    page.get_by_role("group", name="Alerts").get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="Sirens")).to_be_visible()
    found["area"] = violations(page)
    page.get_by_role("region", name="Time bar").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("region", name="Time bar")).to_contain_text("Past, not live")
    found["past"] = violations(page)
    page.get_by_role("region", name="Time bar").get_by_role("button", name="Live", exact=True).click()
    assert {where: rules for where, rules in found.items() if rules} == {}


@pytest.mark.parametrize("theme", ["day", "night"])
def test_report(operator: Page, theme: str) -> None:
    operator.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    operator.goto("/report.html")
    operator.get_by_role("heading", name="Night report").wait_for()
    assert operator.evaluate("document.documentElement.dataset.theme") == theme
    operator.wait_for_timeout(500)
    assert violations(operator) == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_citizen(context: BrowserContext, theme: str) -> None:
    page = context.new_page()
    page.goto("/citizen")
    page.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    page.reload()
    assert violations(page) == []
    page.get_by_label("Town or community").fill("Kyiv")
    page.get_by_role("listitem").get_by_role("button").first.click()
    page.get_by_role("heading", name="What to do").wait_for()
    assert violations(page) == []
