"""Whom the trackers do not believe, as the operator is told of it: which sensor and why, and which reports."""

from live_feed import START_US, Feed, tracks
from playwright.sync_api import Page, expect

SUSPECT = {"sensor": "radar-2", "why": "jammed", "since_us": START_US, "last_us": START_US, "count": 21}
LIVE = [{"id": f"radar-{n}", "state": "live", "age_s": 0.0} for n in (1, 2, 3)]


def claim(number: int, verdict: str, silent: list[str]) -> dict[str, object]:
    told = {"number": number, "lat": 50.45, "lon": 30.5, "since_us": START_US, "last_us": START_US, "verdict": verdict}
    return told | {"reports": 61, "held": 60, "count": 55, "reporters": ["a"], "silent": silent, "seen_by": []}


def test_a_sensor_that_is_not_believed_is_named_with_the_reason(page: Page, feed: Feed) -> None:
    feed.tick(1, sensors=LIVE)
    expect(page.get_by_role("button", name="Sensors 3/3", exact=True)).to_be_visible()
    feed.tick(2, trust={"sensors": [SUSPECT], "claims": []})
    button = page.get_by_role("button", name="Sensors 3/3")
    expect(button).to_contain_text("1 suspect")
    button.click()
    rows = page.get_by_role("group", name="Sensors").locator(".row")
    expect(rows.first).to_contain_text("radar-2")
    expect(rows.first).to_contain_text("Not believed")
    expect(rows.nth(1)).not_to_contain_text("Not believed")
    rows.first.click()
    reason = page.get_by_role("status").filter(has_text="radar-2")
    expect(reason).to_contain_text("Not believed: jammed: many plots that no track explains")
    expect(reason).to_contain_text("since 00:00:00, 21 signs")
    feed.tick(3, trust={"sensors": [], "claims": []})
    expect(button).not_to_contain_text("suspect")
    expect(reason).not_to_contain_text("Not believed")


def test_reports_that_instruments_contradict_are_shown_with_who_is_silent(page: Page, feed: Feed) -> None:
    claims = [claim(1, "unseen", ["radar-7", "ear-12"]), claim(2, "seen", []), claim(3, "open", [])]
    feed.tick(1, sensors=LIVE, trust={"sensors": [], "claims": claims})
    page.get_by_role("button", name="Sensors 3/3").click()
    told = page.get_by_role("region", name="Reports that instruments contradict")
    expect(told.get_by_role("listitem")).to_have_count(1)
    expect(told).to_contain_text("61 reports, 60 held back; silent: radar-7, ear-12")
    told.get_by_role("button").click()
    # The area that holds the place, though the middle of another one is nearer.
    assert page.evaluate("window.__perisai.selected.code") == page.evaluate("window.__perisai.codes[0]")
    expect(told.locator("b")).to_have_text("Kyiv")
    feed.begin(tracks=tracks([]), sensors=LIVE[:1])
    expect(told).to_be_hidden()
    expect(page.get_by_role("button", name="Sensors 1/1", exact=True)).to_be_visible()
