"""What the page makes of a feed of our choosing: layers, cues, staleness, and a screen that holds it all."""

import re
from typing import Any

import pytest
from live_feed import INK, ROWS, START_US, Feed, alert, ink, partner, tracks
from playwright.sync_api import Page, expect

WAIT_MS = 60_000
IMPACT = {"track": 2, "lat": 50.3, "lon": 30.9, "ee": 2.5e7, "en": 0.0, "nn": 4e7, "time_us": START_US + 90_000_000}


def look_closer(page: Page) -> None:
    page.get_by_role("group", name="Tracks").get_by_role("button").filter(has_text="Drone").first.click()
    page.wait_for_timeout(900)


def test_each_layer_of_the_tracks_can_be_taken_away(page: Page, feed: Feed) -> None:
    look_closer(page)
    feed.tick(30, tracks=tracks([{**row, "lat": row["lat"] + 0.05} for row in ROWS]))
    page.get_by_role("button", name="Layers").click()
    for layer in ("Trails", "Speed vectors", "Uncertainty (90 %)"):
        before = ink(page)
        page.get_by_label(layer).uncheck()
        page.wait_for_timeout(150)
        assert ink(page) < before, layer
        page.get_by_label(layer).check()


def test_the_track_table_is_sorted_by_what_is_clicked(page: Page, feed: Feed) -> None:
    table = page.locator("section[aria-labelledby=tracks-title]")
    ids = table.locator(".row .id")
    for column, up, down in (("No.", ["1", "2", "3"], ["3", "2", "1"]), ("km/h", ["1", "3", "2"], ["2", "3", "1"])):
        order = {"up": up, "down": down}
        table.get_by_role("button", name=f"Sort by {column}").click()
        # Numbers begin with the least, speeds with the greatest.
        expect(ids).to_have_text(order["up" if column == "No." else "down"])
        table.get_by_role("button", name=f"Sort by {column}").click()
        expect(ids).to_have_text(order["down" if column == "No." else "up"])
    table.get_by_role("button", name="Sort by Class").click()


def test_a_ballistic_impact_is_shown_as_a_region_with_its_time(page: Page, feed: Feed) -> None:
    look_closer(page)
    before = ink(page)
    feed.tick(1, impacts=[IMPACT])
    page.wait_for_timeout(300)
    assert ink(page) > before + 500
    page.get_by_role("group", name="Tracks").get_by_role("button").filter(has_text="Ballistic").click()
    expect(page.get_by_role("complementary", name="Track 2")).to_contain_text("Impact region")
    expect(page.get_by_role("complementary", name="Track 2")).to_contain_text("1:29")


def test_the_forecast_of_a_track_is_a_fan_that_moves(page: Page, feed: Feed) -> None:
    near = page.evaluate("window.__perisai.near(30.5, 50.75, 8)")
    rows: list[dict[str, Any]] = [
        {"track": 1, "area": code, "probability": 0.6, "eta_s": 120.0 + 120 * number, "threat": "drone"}
        | {"eta_low_s": 60.0, "eta_high_s": 900.0}
        for number, code in enumerate(near)
    ]  # fmt: skip
    row: dict[str, Any] = dict.fromkeys(("address", "flags", "p_cruise", "p_ballistic", "p_glide_bomb", "p_aircraft"))
    row |= {"track": 1, "existence": 0.9, "status": "confirmed", "sensors": ["r"], "p_drone": 0.9, "p_other": 0.1}
    answer = {"track": row, "neutral": False, "history": [], "forecasts": rows}
    page.route("**/api/v1/tracks/1/history", lambda route: route.fulfill(json=answer))
    assert ink(page, "fan") == 0
    look_closer(page)
    page.wait_for_timeout(500)
    assert ink(page, "fan") > 1000
    image = "document.querySelector('canvas.fan').toDataURL()"
    seen = {page.evaluate(image) for _ in range(3) if page.wait_for_timeout(200) is None}
    assert len(seen) == 3, "the front does not move"


def test_new_alarms_are_told_in_words_and_speech_until_muted(page: Page, feed: Feed) -> None:
    one, two = page.evaluate("window.__perisai.codes.slice(0, 2)")
    page.mouse.click(700, 400)
    feed.tick(1, alerts=[alert(one, 200)])
    name = page.get_by_role("group", name="Alerts").locator("b").first.inner_text()
    expect(page.get_by_text(f"Alarm: {name}, Drone")).to_be_visible()
    assert page.evaluate("window.spoken") == [f"Alarm: {name}, Drone|en-GB"]
    assert page.evaluate("window.tones") == [880, 660, 880]
    page.keyboard.press("m")
    feed.tick(2, alerts=[alert(two, 100)])
    expect(page.get_by_role("group", name="Alerts").get_by_role("button")).to_have_count(2)
    assert len(page.evaluate("window.spoken")) == 1
    assert len(page.evaluate("window.tones")) == 3
    page.keyboard.press("m")
    assert len(page.evaluate("window.spoken")) == 1


def test_numbers_go_with_their_words_in_every_language(page: Page, feed: Feed) -> None:
    codes = page.evaluate("window.__perisai.codes.slice(0, 21)")
    heading = page.locator("section", has=page.locator("#alerts-title")).locator("header")
    words = {"en": ("1 alarm", "2 alarms", "5 alarms", "21 alarms"), "id": tuple(f"{n} bahaya" for n in (1, 2, 5, 21))}
    words["uk"] = ("1 тривога", "2 тривоги", "5 тривог", "21 тривога")
    for at, count in enumerate((1, 2, 5, 21)):
        feed.tick(1 + at, full=True, tracks=tracks(ROWS), alerts=[alert(code, 100) for code in codes[:count]])
        for language, forms in words.items():
            page.locator("header select").select_option(language)
            expect(heading.locator(".count.alarm")).to_have_text(forms[at])
    page.locator("header select").select_option("en")


def test_the_desk_follows_orders_while_the_picture_stands_still(page: Page, feed: Feed) -> None:
    empty: dict[str, Any] = {"proposals": [], "pending": [], "kept": {}}
    code = page.evaluate("window.__perisai.codes[0]")
    waits = {"identifier": "waits", "area": code, "level": "alarm", "threat": "drone", "probability": 0.8}
    waits |= {"reason": "Drone 90 km away, 5 min.", "since_us": START_US, "releases_us": None}
    button = page.get_by_role("button", name="Desk")
    feed.tick(1, desk=empty | {"pending": [waits]})
    expect(button).to_have_text(re.compile(r"Desk\s*1"))
    button.click()
    desk = page.get_by_role("complementary", name="Desk")
    expect(desk).to_contain_text("Waits to be released")
    feed.tick(1, desk=empty)
    expect(desk).not_to_contain_text("Waits to be released")
    expect(button).to_have_text("Desk")


def test_live_operation_has_no_exercise_frame(page: Page, feed: Feed) -> None:
    expect(page.get_by_text("EXERCISE", exact=True)).to_be_visible()
    feed.tick(1, mode="actual")
    expect(page.get_by_text("EXERCISE", exact=True)).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (2560, 1440)])
def test_everything_is_in_sight_in_every_language(page: Page, feed: Feed, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    codes = page.evaluate("window.__perisai.codes.slice(0, 40)")
    states = [{"id": "radar-1", "state": "silent", "age_s": 70.0}]
    suspect = {"sensor": "radar-1", "why": "jammed", "since_us": START_US, "last_us": START_US, "count": 21}
    trust = {"sensors": [suspect], "claims": []}
    feed.tick(1, alerts=[alert(code, 100) for code in codes], sensors=states, trust=trust)
    for language in ("uk", "en", "id"):
        page.locator("header select").select_option(language)
        page.locator("header").get_by_role("button").last.wait_for()
        outside = page.evaluate(
            """() => [...document.querySelectorAll('header *, section *, aside button')].filter((element) => {
              const box = element.getBoundingClientRect();
              return box.width && (box.right > innerWidth + 1 || box.left < -1) && !element.closest('.box, svg');
            }).map((element) => element.outerHTML.slice(0, 90))"""
        )
        assert outside == [], language
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("header select").select_option("en")


def test_partners_layers_are_drawn_when_asked_for(page: Page, feed: Feed) -> None:
    place = {"type": "Point", "coordinates": [30.5, 50.4]}
    shelters = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"name": "Shelter"}, "geometry": place}],
    }
    page.route("**/api/v1/layers/shelters", lambda route: route.fulfill(json=shelters))
    page.get_by_role("button", name="Layers").click()
    page.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
    before = page.locator("canvas.maplibregl-canvas").screenshot()
    page.get_by_label("shelters").check()
    page.wait_for_timeout(300)
    page.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
    assert page.locator("canvas.maplibregl-canvas").screenshot() != before


def test_a_partner_nations_tracks_are_a_layer_that_can_be_switched_off(page: Page, feed: Feed) -> None:
    big = 2**51 + 7
    rows = [{"id": big, "lat": 50.7, "lon": 30.9, "ve": -60.0}, {"id": 2, "lat": 50.1, "lon": 30.1, "vn": 70.0}]
    feed.tick(1, partners=[partner("Romania", rows)])
    page.wait_for_function("window.__perisai.partners[0]?.tracks === 2")
    assert page.evaluate("window.__perisai.tracks.length") == 3, "never among our own"
    page.wait_for_function(f"({INK})('partners') > 100")
    page.get_by_role("button", name="Layers").click()
    row = page.locator("section.menu label", has_text="Romania")
    expect(row).to_contain_text("2 tracks, 2 s old")
    row.get_by_role("checkbox").uncheck()
    page.wait_for_function(f"({INK})('partners') === 0")
    feed.tick(2, partners=[partner("Romania", [], [big], "silent", 41.0)])
    page.wait_for_function("window.__perisai.partners[0].tracks === 1")
    expect(row).to_contain_text("silent, 1 track, 41 s old")
    assert page.evaluate(f"({INK})('partners')") == 0, "off stays off"
    row.get_by_role("checkbox").check()
    page.wait_for_function(f"({INK})('partners') > 50")
    feed.begin(tracks=tracks(ROWS))
    page.wait_for_function("window.__perisai.partners.length === 0")


def test_what_is_stale_says_so_at_once(page: Page, feed: Feed) -> None:
    sensor = page.evaluate("(async () => (await (await fetch('/api/v1/sensors')).json())[0].id)()")
    feed.tick(1, sensors=[{"id": sensor, "state": "live", "age_s": 0.0}])
    expect(page.get_by_role("button", name="Sensors 1/1")).to_be_visible()
    feed.tick(2, sensors=[{"id": sensor, "state": "silent", "age_s": 61.0}])
    expect(page.get_by_role("button", name="1 silent")).to_be_visible(timeout=1500)
    page.get_by_role("button", name="1 silent").click()
    first = page.get_by_role("group", name="Sensors").locator(".row").first
    expect(first).to_contain_text(sensor)
    expect(first).to_contain_text("Silent")

    feed.refuse()
    expect(page.get_by_text("Lost connection")).to_be_visible(timeout=6_000)
    expect(page.get_by_role("alert")).to_contain_text("old")
