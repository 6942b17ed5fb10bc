"""A partner nation's layer while the past is shown: as it was then."""

from live_feed import INK, Feed, partner, tracks
from playwright.sync_api import Page, expect


def test_a_partners_layer_is_shown_as_it_was_while_the_past_is(page: Page, feed: Feed) -> None:
    rows = [{"id": 8, "lat": 50.7, "lon": 30.9, "ve": -60.0}, {"id": 9, "lat": 50.1, "lon": 30.1, "vn": 70.0}]
    feed.tick(1, partners=[partner("Romania", rows)])
    for second in range(2, 100, 10):
        feed.tick(second)
    feed.tick(100, partners=[partner("Romania", [], [8, 9], "silent", 70.0)])
    page.wait_for_function("window.__perisai.partners[0]?.tracks === 0")
    page.wait_for_function(f"({INK})('partners') === 0")
    bar = page.get_by_role("region", name="Time bar")
    bar.get_by_role("button", name="Back 1 min").click()
    expect(bar).to_contain_text("Past, not live: 00:00:3")
    page.wait_for_function("window.__perisai.partners[0].tracks === 2")
    assert page.evaluate("window.__perisai.partners[0].state") == "live"
    page.wait_for_function(f"({INK})('partners') > 100")
    bar.get_by_role("button", name="Live", exact=True).click()
    page.wait_for_function("window.__perisai.partners[0].tracks === 0")
    feed.begin(tracks=tracks([]))
