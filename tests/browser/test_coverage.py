"""The reach of sensors on the map, when asked for; that of a silent sensor looks otherwise."""

import numpy as np
from live_feed import Feed
from playwright.sync_api import Page
from rasterio.io import MemoryFile

WAIT_MS = 60_000


def test_the_reach_of_sensors_is_drawn_and_a_silent_one_looks_otherwise(page: Page, feed: Feed) -> None:
    sensor = page.evaluate("(async () => (await (await fetch('/api/v1/sensors')).json())[0].id)()")
    canvas = page.locator("canvas.maplibregl-canvas").bounding_box()
    assert canvas
    page.get_by_role("button", name="Layers").click()
    box = page.get_by_label("Sensors and reach")

    def drawn(now_s: float, state: str) -> np.ndarray:
        feed.tick(now_s, sensors=[{"id": sensor, "state": state, "age_s": 0.0 if state == "live" else 61.0}])
        page.wait_for_timeout(400)
        page.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
        clip = {"x": canvas["x"] + 380, "y": canvas["y"] + 20, "width": canvas["width"] - 400, "height": 600}
        with MemoryFile(page.screenshot(clip=clip)) as file, file.open() as picture:  # pyright: ignore[reportArgumentType]
            return picture.read().astype(int)

    def differ(one: np.ndarray, other: np.ndarray) -> int:
        return int((np.abs(one - other).max(axis=0) > 8).sum())

    without = drawn(1, "live")
    box.check()
    live = drawn(2, "live")
    silent = drawn(3, "silent")
    box.uncheck()
    again = drawn(4, "live")
    assert differ(without, again) < 200, "the map is as it was"
    assert differ(without, live) > 2_000, "reaches of 90 km are many pixels"
    assert differ(live, silent) > 300, "a dead sensor does not look alive"
