"""The lists, the map and the details show the same thing; the past can be looked at; keys work."""

import re

from live_feed import START_US, Feed, alert
from playwright.sync_api import BrowserContext, Locator, Page, expect

from conftest import area_row

WAIT_MS = 120_000


def alerts(page: Page) -> None:
    page.wait_for_function("window.__perisai.alerts.length > 1", timeout=WAIT_MS)


def test_what_is_selected_in_a_list_is_selected_everywhere(operator: Page) -> None:
    alerts(operator)
    row = area_row(operator)
    name = row.locator("b").inner_text()
    row.click()
    expect(operator.get_by_role("complementary", name=name)).to_be_visible()
    assert operator.evaluate("window.__perisai.selected.kind") == "area"
    expect(operator.get_by_role("heading", name="Timeline")).to_be_visible()
    # Its alert may have ended by now: the night goes on. The timeline holds it either way.
    entries = operator.get_by_role("complementary", name=name).get_by_role("listitem")
    expect(entries.filter(has_text=re.compile("(Alarm|Watch) · ")).first).to_be_visible()

    operator.keyboard.press("Escape")
    assert operator.evaluate("window.__perisai.selected") is None


def test_rows_stay_under_the_pointer(context: BrowserContext) -> None:
    """A list that sorts itself anew under a hand that is about to click sends it to the wrong community."""
    page = context.new_page()
    feed = Feed(page)
    page.goto("/")
    page.wait_for_function("window.__perisai?.areas > 0", timeout=WAIT_MS)
    codes = page.evaluate("window.__perisai.codes.slice(0, 4)")
    feed.tick(0, alerts=[alert(code, 100.0 * number) for number, code in enumerate(codes[:3], 1)])
    rows = page.get_by_role("group", name="Alerts").get_by_role("button")
    expect(rows).to_have_count(3)
    before = rows.locator("b").all_inner_texts()

    page.mouse.move(*middle(rows.nth(1)))
    page.wait_for_timeout(100)
    # The last becomes the soonest, the first ends, and a fourth comes that is sooner than all.
    feed.tick(
        1, alerts=[alert(codes[0], 100, end_s=1), alert(codes[3], 10)], arrivals={codes[2]: START_US + 20_000_000}
    )
    expect(page.get_by_role("button", name="1 new below")).to_be_visible()
    assert in_sight(rows)[:3] == before
    expect(rows.filter(has_text=before[0])).to_contain_text("Ended")
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("complementary", name=before[1])).to_be_visible()

    page.mouse.move(900, 400)
    expect(rows).to_have_count(3)
    assert in_sight(rows)[1:] == [before[2], before[1]]


def test_areas_reached_now_stand_together_by_region_and_open_by_key(context: BrowserContext) -> None:
    page = context.new_page()
    feed = Feed(page)
    page.goto("/")
    page.wait_for_function("window.__perisai?.areas > 0", timeout=WAIT_MS)
    now = page.evaluate("window.__perisai.near(28.47, 49.23, 6)")
    later = page.evaluate("window.__perisai.near(24.0, 49.8, 1)")
    feed.tick(10, alerts=[*(alert(code, 5) for code in now), alert(later[0], 300)])
    rows = page.get_by_role("group", name="Alerts").get_by_role("button")
    expect(rows).to_have_count(2)
    region = rows.filter(has_text="6 areas")
    expect(region).to_contain_text("Vinny")
    expect(region).to_contain_text("now")
    expect(region).to_have_attribute("aria-expanded", "false")
    region.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(8)
    expect(region).to_have_attribute("aria-expanded", "true")
    expect(region).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)

    # What is searched for is never hidden in a region.
    page.keyboard.press("/")
    page.keyboard.type("alarm")
    expect(rows).to_have_count(7)


def middle(row: Locator) -> tuple[float, float]:
    box = row.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def in_sight(rows: Locator) -> list[str]:
    """Names of the rows from top to bottom as they stand on the screen."""
    placed = [(middle(row)[1], row.locator("b").inner_text()) for row in rows.all()]
    return [name for _, name in sorted(placed)]


def test_a_track_says_why_it_is_classed_so(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.tracks.length > 0", timeout=WAIT_MS)
    tracks = operator.get_by_role("group", name="Tracks")
    tracks.get_by_role("button").first.hover()
    tracks.get_by_role("button").first.click()
    detail = operator.locator("aside", has=operator.get_by_role("heading", name="Why it is classed so"))
    expect(detail).to_be_visible()
    expect(detail).to_contain_text(re.compile(r"\d+ %"))
    expect(detail).to_contain_text("Identity")
    selected = operator.evaluate("window.__perisai.selected.id")
    expect(detail.get_by_role("heading", name=f"Track {selected}")).to_be_visible()


def test_search_narrows_the_lists(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.tracks.length > 1", timeout=WAIT_MS)
    operator.keyboard.press("/")
    wanted = operator.evaluate("window.__perisai.tracks[0].id")
    operator.keyboard.type(str(wanted))
    shown = operator.get_by_role("group", name="Tracks").locator(".row .id")
    expect(shown.first).to_contain_text(str(wanted))
    assert all(str(wanted) in text for text in shown.all_inner_texts())
    operator.keyboard.press("Escape")
    operator.keyboard.press("Escape")
    expect(operator.get_by_label("Search area, number, class")).to_have_value("")


def test_every_key_of_the_help_sheet_is_there(operator: Page) -> None:
    operator.keyboard.press("?")
    sheet = operator.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    operator.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    operator.keyboard.press("d")
    expect(operator.locator("html")).to_have_attribute("data-theme", "day")
    operator.keyboard.press("m")
    expect(operator.get_by_label("Sound on new alarms")).to_have_attribute("aria-pressed", "false")
    operator.keyboard.press("s")
    expect(operator.get_by_role("complementary", name="Sensors")).to_be_visible()
