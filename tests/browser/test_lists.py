"""The lists, the map and the details show the same thing; the past can be looked at; keys work."""

import re

from playwright.sync_api import Page, expect

WAIT_MS = 120_000


def alerts(page: Page) -> None:
    page.wait_for_function("window.__perisai.alerts.length > 1", timeout=WAIT_MS)


def test_what_is_selected_in_a_list_is_selected_everywhere(operator: Page) -> None:
    alerts(operator)
    row = operator.locator(".row.alarm, .row.watch").first
    name = row.locator("b").inner_text()
    row.click()
    expect(operator.get_by_role("complementary", name=name)).to_be_visible()
    assert operator.evaluate("window.__perisai.selected.kind") == "area"
    expect(operator.get_by_role("heading", name="Timeline")).to_be_visible()
    expect(operator.get_by_role("complementary", name=name).get_by_text("ongoing").first).to_be_visible()

    operator.keyboard.press("Escape")
    assert operator.evaluate("window.__perisai.selected") is None


def test_a_track_says_why_it_is_classed_so(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.tracks.length > 0", timeout=WAIT_MS)
    tracks = operator.get_by_role("group", name="Tracks")
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


def test_the_past_can_be_looked_at_and_left(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.version > 4", timeout=WAIT_MS)
    bar = operator.get_by_role("region", name="Time bar")
    newest = operator.evaluate("window.__perisai.now_us")
    bar.get_by_role("button", name="Back 30 ticks").click()
    expect(bar).to_contain_text("Past, not live")
    past = operator.evaluate("window.__perisai.now_us")
    assert past < newest
    operator.wait_for_timeout(2500)
    assert operator.evaluate("window.__perisai.now_us") == past, "a paused picture moved"
    bar.get_by_role("button", name="Play").click()
    operator.wait_for_function("(past) => window.__perisai.now_us > past", arg=past)
    bar.get_by_role("button", name="Live", exact=True).click()
    operator.wait_for_function("(newest) => window.__perisai.now_us > newest", arg=newest)
    expect(bar).not_to_contain_text("Past")


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
