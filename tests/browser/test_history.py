"""A track's history and an area's timeline: what is shown is what the service told."""

import re
from typing import Any

import pytest
from live_feed import START_US, Feed, alert
from playwright.sync_api import Page, expect

from perisai.alerting import reason

LINE = """(canvas) => {
  const [w, h] = [canvas.width, canvas.height];
  const data = canvas.getContext('2d').getImageData(0, 0, w, h).data;
  const accent = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(accent.slice(i, i + 2), 16));
  const points = [];
  for (let x = 0; x < w; x++) {
    const ys = [];
    for (let y = 0; y < h; y++) {
      const i = 4 * (y * w + x);
      const far = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
      if (data[i + 3] > 200 && far < 30) ys.push(y);
    }
    if (ys.length) points.push([x, ys.reduce((a, b) => a + b) / ys.length]);
  }
  return points;
}"""
"""Where the line of a chart runs, in pixels: for each column the mean height of what has its colour."""


def test_the_charts_of_a_track_run_as_its_history_does(page: Page, feed: Feed) -> None:
    # 100 m further north and 100 m higher every ten seconds, then level: 36 km/h, 500 to 1,500 m.
    history: list[dict[str, Any]] = [
        {"time_us": START_US + n * 10_000_000, "lat": 50.0 + n * 100 / 111_195, "lon": 30.5}
        | {"alt_m": 500.0 + 100.0 * min(n, 10), "classes": [0.05 * n, 1 - 0.05 * n, 0, 0, 0, 0]}
        for n in range(21)
    ]
    row: dict[str, Any] = dict.fromkeys(("address", "flags", "p_ballistic", "p_glide_bomb", "p_aircraft", "p_other"))
    row |= {
        "track": 1,
        "existence": 0.93,
        "status": "confirmed",
        "sensors": ["radar-1"],
        "p_drone": 1.0,
        "p_cruise": 0.0,
    }
    answer = {"track": row, "neutral": False, "history": history, "forecasts": []}
    page.route("**/api/v1/tracks/1/history", lambda route: route.fulfill(json=answer))
    page.get_by_role("group", name="Tracks").get_by_role("button").filter(has_text="Drone").first.click()
    panel = page.get_by_role("complementary", name="Track 1")
    expect(panel.get_by_role("img", name="Altitude: 1,500 m (500–1,500)")).to_be_visible()
    expect(panel.get_by_role("img", name="Speed: 36 km/h (36–36)")).to_be_visible()
    expect(panel.get_by_role("img", name="Class over time: Drone 100 % (0–100)")).to_be_visible()
    expect(panel).to_contain_text("93 %")

    canvas = panel.get_by_role("img", name="Altitude").locator("canvas")
    canvas.wait_for()
    page.wait_for_timeout(200)
    points = canvas.evaluate(LINE)
    (left, low), (right, high) = points[0], points[-1]
    heights = {round(20 * (x - left) / (right - left), 1): y for x, y in points}

    def share(step: float) -> float:
        """How far up the line is after so many of the 20 steps."""
        nearest = min(heights, key=lambda at: abs(at - step))
        return (heights[nearest] - low) / (high - low)

    assert low - high > 20, "it rises"
    assert abs(share(5) - 0.5) < 0.12 and share(10.5) > 0.9 and share(15) > 0.9


def test_why_an_area_is_in_alarm_and_what_happened_before(page: Page, feed: Feed) -> None:
    code = page.evaluate("window.__perisai.codes[3]")
    before = alert(code, 240, "watch", end_s=600) | {"identifier": "before", "reason": "Two drones 90 km away."}
    now = alert(code, 300) | {"start_us": START_US + 900_000_000, "reason": "A drone 40 km away, 4 to 7 min."}
    forecasts = [
        {"track": 1, "probability": 0.82, "eta_s": 300.0, "eta_low_s": 240.0, "eta_high_s": 420.0, "threat": "drone"},
        {"track": 2, "probability": 0.34, "eta_s": 60.0, "eta_low_s": 50.0, "eta_high_s": 80.0, "threat": "ballistic"},
    ]
    answer = {"code": code, "alerts": [now, before], "forecasts": forecasts, "now_us": START_US + 900_000_000}
    page.route(f"**/api/v1/areas/{code}/timeline", lambda route: route.fulfill(json=answer))
    feed.tick(900, alerts=[now], arrivals={code: START_US + 1_200_000_000})
    page.get_by_role("group", name="Alerts").get_by_role("button").first.click()
    panel = page.get_by_role("complementary").filter(has=page.get_by_role("heading", name="Timeline"))
    expect(panel).to_contain_text("A drone 40 km away, 4 to 7 min.")
    expect(panel).to_contain_text("5:00")
    bars = panel.locator("ul").first.get_by_role("listitem")
    expect(bars.nth(0)).to_contain_text("Track 1")
    expect(bars.nth(0)).to_contain_text("82 %")
    expect(bars.nth(0)).to_contain_text("Drone 4–7 min")
    expect(bars.nth(1)).to_contain_text("34 %")
    expect(bars.nth(1)).to_contain_text("Ballistic 0–2 min")
    spans = panel.locator("ol").get_by_role("listitem")
    expect(spans.nth(0)).to_contain_text("00:15:00 – ongoing")
    expect(spans.nth(1)).to_contain_text("00:00:00 – 00:10:00 Watch · Drone")
    expect(spans.nth(1)).to_contain_text("Two drones 90 km away.")
    bars.nth(0).get_by_role("button").click()
    assert page.evaluate("window.__perisai.selected") == {"kind": "track", "id": 1}


@pytest.mark.parametrize("language", ["uk", "id"])
def test_the_reason_of_an_alert_is_told_in_the_language_of_the_page(page: Page, feed: Feed, language: str) -> None:
    code = page.evaluate("window.__perisai.codes[3]")
    once = reason.raised("alarm", "drone", 1, 300.0, 0.64)
    why = (reason.PASSED, reason.SILENT, reason.TIME_UP, reason.RELEASED, reason.UNANSWERED, reason.by_order("7"))
    told = [
        once, reason.raised("watch", "cruise", 3, 60.0, 0.004), reason.raised("alarm", "drone", 2, 0.0, 0.9),
        reason.by_hand("alarm", "7"), *(reason.ended(once, one) for one in why),
    ]  # fmt: skip
    spans = [alert(code, 300) | {"identifier": str(n), "reason": text} for n, text in enumerate(told)]
    answer = {"code": code, "alerts": spans, "forecasts": [], "now_us": START_US}
    page.route(f"**/api/v1/areas/{code}/timeline", lambda route: route.fulfill(json=answer))
    page.locator("header select").select_option(language)
    feed.tick(1, alerts=spans[:1])
    page.locator("section[aria-labelledby=alerts-title]").get_by_role("button").first.click()
    reasons = page.locator("aside ol small")
    expect(reasons).to_have_count(len(told))
    english = re.compile(
        r"\b(the|may|will|reach|area|probability|operator raised|itself|again|passed)\b", re.IGNORECASE
    )
    for shown, text in zip(reasons.all_inner_texts(), told, strict=True):
        assert not english.search(shown), f"{text} is shown as {shown}"
        assert [*re.findall(r"\d+", shown)] == [*re.findall(r"\d+", text)], "the same numbers"
    page.locator("header select").select_option("en")
