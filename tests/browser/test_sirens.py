"""What sirens say of themselves, on the map: a mark of its own for each state, a tooltip, and a word when unknown."""

from typing import Any

import numpy as np
from live_feed import START_US, Feed, alert
from playwright.sync_api import FloatRect, Page, Route, expect
from rasterio.io import MemoryFile

WAIT_MS = 60_000
CLEAR: FloatRect = {"x": 380, "y": 200, "width": 690, "height": 480}
"""Of the map, what neither lists nor menu nor notices lie over."""
WIDE = """() => !document.querySelector('#detail-title')
  && document.querySelector('canvas.maplibregl-canvas').getBoundingClientRect().right > innerWidth - 20"""
"""The details are shut, and the map has its new size."""
STATES: dict[str, dict[str, Any]] = {
    "Sounds": {"state": "on"}, "Quiet": {"state": "off"}, "Line cut": {"state": "lost"},
    "horn stuck": {"state": "off", "fault": "horn stuck"},
}  # fmt: skip


def siren(area: str, name: str = "", **more: Any) -> dict[str, Any]:
    told = {"channel": "mqtt", "area": area, "name": name, "state": "on", "order": "", "follows": True, "fault": ""}
    return told | {"age_s": 2.0} | more


def test_sirens_are_marked_by_state_and_explained(page: Page, feed: Feed) -> None:
    code = page.evaluate("window.__perisai.near(30.5, 50.45, 1)[0]")
    rows: list[dict[str, Any]] = []
    page.route("**/api/v1/sirens", lambda route: route.fulfill(json=rows))
    page.get_by_label("Search area, number, class").fill("")
    feed.begin()
    go_to(page, feed, code)
    page.get_by_role("button", name="Layers").click()
    box = page.get_by_label("Sirens", exact=True)
    tip = page.get_by_role("tooltip")

    def drawn() -> np.ndarray:
        page.mouse.move(400, 140)
        page.wait_for_timeout(250)
        page.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
        with MemoryFile(page.screenshot(clip=CLEAR)) as file, file.open() as picture:
            return picture.read().astype(int)

    pictures = [drawn()]
    for number, (word, told) in enumerate(STATES.items()):
        rows[:] = [siren(code, **told)]
        box.check()
        feed.tick(10 + number)
        expect(page.get_by_text("1 in all")).to_be_visible()
        pictures.append(drawn())
        south, east = np.nonzero(differing(pictures[0], pictures[-1]))
        assert 15 < len(east) < 3_000, "one mark"
        page.mouse.move(CLEAR["x"] + float(np.median(east)), CLEAR["y"] + float(np.median(south)))
        expect(tip).to_contain_text(word)
        page.mouse.move(400, 140)
        box.uncheck()
        expect(tip).to_be_hidden()
    differ = [int(differing(one, other).sum()) for i, one in enumerate(pictures) for other in pictures[:i]]
    assert min(differ) > 15, differ


def differing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which pixels of two pictures are not the same."""
    return np.abs(one - other).max(axis=0) > 12


def test_the_worst_of_an_areas_sirens_is_told_and_each_in_its_details(page: Page, feed: Feed) -> None:
    code = page.evaluate("window.__perisai.near(30.5, 50.45, 1)[0]")
    rows = [
        siren(code, "school", state="off"),
        siren(code, "town hall", follows=False),
        siren(code, "mill", state="silent"),
    ]
    page.route("**/api/v1/sirens", lambda route: route.fulfill(json=rows))
    feed.tick(1)
    go_to(page, feed, code, keep=True)
    panel = page.get_by_role("complementary").filter(has=page.get_by_role("heading", name="Sirens"))
    for words in (
        "school",
        "Quiet",
        "town hall",
        "follows an order that no longer stands",
        "mill",
        "Not heard for five minutes",
    ):
        expect(panel).to_contain_text(words)
    page.get_by_role("button", name="Layers").click()
    page.get_by_label("Sirens", exact=True).check()
    expect(page.get_by_text("0 sound, 2 with trouble, 3 in all")).to_be_visible()
    # What is not known is not drawn as if it were.
    page.get_by_label("Sirens", exact=True).uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.route("**/api/v1/sirens", unknown)
    page.get_by_role("button", name="Layers").click()
    page.get_by_label("Sirens", exact=True).check()
    expect(page.get_by_text("No word of the sirens.")).to_be_visible()
    page.get_by_label("Sirens", exact=True).uncheck()


def unknown(route: Route) -> None:
    route.fulfill(status=503, json={"status_code": 503, "detail": "nobody has the role gateway"})


def go_to(page: Page, feed: Feed, code: str, keep: bool = False) -> None:
    """The map on the middle of an area; its details open only if kept."""
    feed.tick(5, alerts=[alert(code, 300)])
    page.get_by_role("group", name="Alerts").get_by_role("button").first.click()
    page.wait_for_timeout(900)
    feed.tick(6, alerts=[alert(code, 300) | {"end_us": START_US + 1}])
    if not keep:
        page.keyboard.press("Escape")
        page.wait_for_function(WIDE, timeout=WAIT_MS)
    page.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
