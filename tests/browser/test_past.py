"""Going back in the night: what this page has seen, and what only the service's recording holds."""

import re

from playwright.sync_api import BrowserContext, Page, expect

WAIT_MS = 120_000
HOUR_US = 3_600_000_000
RECORDED = "(async () => (await (await fetch('/api/v1/replay/')).json()).last_us)()"
# Widths of what is drawn in rows `top` to `bottom` of each chart, px; a space of `gap` columns parts two.
WIDTHS = """([top, bottom, gap]) => [...document.querySelectorAll('canvas')].map((canvas) => {
  const {data} = canvas.getContext('2d').getImageData(0, top, canvas.width, bottom - top);
  const drawn = [...Array(canvas.width).keys()].filter((x) => {
    for (let i = 4 * x + 3; i < data.length; i += 4 * canvas.width) if (data[i] > 60) return true;
    return false;
  });
  const widths = [];
  drawn.forEach((x, i) => {
    const step = x - drawn[i - 1];
    if (step <= gap) widths.push(widths.pop() + step);
    else widths.push(1);
  });
  return widths;
})"""


def test_the_past_can_be_looked_at_and_left(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.version > 4", timeout=WAIT_MS)
    bar = operator.get_by_role("region", name="Time bar")
    newest = operator.evaluate("window.__perisai.now_us")
    bar.get_by_role("button", name="Pause").click()
    expect(bar).to_contain_text("Past, not live")
    held = operator.evaluate("window.__perisai.now_us")
    assert held >= newest
    operator.wait_for_function("(held) => window.__perisai.newest_us > held", arg=held)
    assert operator.evaluate("window.__perisai.now_us") == held, "a paused picture moved"
    assert operator.evaluate("window.__perisai.source") == "tape"
    bar.get_by_label("Replay speed").select_option("300")
    operator.wait_for_function("(held) => window.__perisai.now_us > held", arg=held)
    bar.get_by_role("button", name="Live", exact=True).click()
    operator.wait_for_function("(held) => window.__perisai.now_us > held", arg=held)
    expect(bar).not_to_contain_text("Past")


def test_the_night_before_the_page_was_opened_plays_from_the_recording(operator: Page) -> None:
    operator.wait_for_function(RECORDED, timeout=WAIT_MS)
    operator.reload()
    operator.wait_for_function("window.__perisai?.newest_us > window.__perisai?.first_us", timeout=WAIT_MS)
    bar = operator.get_by_role("region", name="Time bar")
    bar.get_by_role("slider").focus()
    operator.keyboard.press("Home")
    operator.wait_for_function("window.__perisai.source === 'disk'")
    expect(bar).to_contain_text("Past, not live")
    first = operator.evaluate("window.__perisai.first_us")
    operator.wait_for_function("(first) => Math.abs(window.__perisai.now_us - first) < 5e6", arg=first)

    bar.get_by_label("Replay speed").select_option("60")
    operator.wait_for_function("(first) => window.__perisai.now_us > first + 90e6", arg=first)
    assert operator.evaluate("window.__perisai.now_us < window.__perisai.newest_us - 30e6")
    bar.get_by_role("button", name="Pause").click()
    operator.wait_for_function("window.__perisai.tracks.length > 0")
    operator.get_by_role("group", name="Tracks").get_by_role("button").first.click()
    expect(operator.get_by_role("heading", name="Why it is classed so")).to_be_visible()
    bar.get_by_role("button", name="Live", exact=True).click()
    operator.wait_for_function("window.__perisai.source === 'now'")


def test_the_night_report_sums_up_what_was_alerted(operator: Page, context: BrowserContext) -> None:
    operator.wait_for_function("window.__perisai.alerts.some((a) => a.level === 'alarm')", timeout=WAIT_MS)
    with context.expect_page() as opened:
        operator.get_by_role("link", name="Report").click()
    report = opened.value
    expect(report.get_by_role("heading", name="Night report")).to_be_visible()
    expect(report.get_by_text("EXERCISE")).to_be_visible()
    rows = report.get_by_role("table").last.get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile(r"\d\d:\d\d"))
    rows_of = "(async () => (await fetch('/api/v1/alerts?most=100000')).json())()"
    alarms = sum(row["level"] == "alarm" for row in report.evaluate(rows_of))
    shown = int(report.locator("dd").first.inner_text().replace(",", ""))
    assert abs(alarms - shown) <= max(5, alarms // 10)


def test_the_first_and_the_last_hour_of_the_night_report_are_drawn_whole(context: BrowserContext) -> None:
    start = 1_767_290_400_000_000
    alerts = [
        {
            "identifier": f"{hour}", "area": "", "level": "alarm", "threat": "drone", "tracks": [], "reason": {},
            "start_us": start + hour * HOUR_US, "end_us": start + hour * HOUR_US + 10**9, "eta_s": 300,
            "probability": 1.0,
        }
        for hour in range(8)
    ]  # fmt: skip
    report = context.new_page()
    report.route("**/api/v1/alerts?*", lambda route: route.fulfill(json=alerts))
    report.goto("/report.html")
    report.wait_for_function("document.querySelectorAll('canvas').length === 2")
    report.wait_for_function(f"({WIDTHS})([110, 130, 12]).every((chart) => chart.length >= 8)")
    for chart in report.evaluate(WIDTHS, [110, 130, 12]):
        labels = [width for width in chart if width > 10]
        assert min(labels) > 0.8 * max(labels), "a label of the axis is cut"
    bars = [width for width in report.evaluate(WIDTHS, [100, 104, 1])[0] if width > 4]
    assert len(bars) == 8 and min(bars) >= max(bars) - 1, "a bar is cut"
