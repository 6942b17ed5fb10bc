"""What a plan would change, on the console's map: the layers before and after that `perisai plan` writes."""

import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from live_feed import Feed
from playwright.sync_api import BrowserContext, FloatRect, Route
from rasterio.io import MemoryFile

from perisai.cli import main

WAIT_MS = 60_000
OFFERS = "country,type,count\nAA,radar3d,2\nBB,gap-filler,3\nCC,acoustic,20\n"
# A chessboard of areas round Kyiv, where the map of the demo has room for it.
WEST, SOUTH, WIDE, HIGH, SIDE = 29.5, 49.9, 0.4, 0.24, 5

GROUND: FloatRect = {"x": 380, "y": 100, "width": 680, "height": 560}
"""The map without the lists, the menu and the clock, which change by themselves, or with what is ticked."""


def _areas() -> dict[str, object]:
    features: list[dict[str, object]] = []
    for i in range(SIDE * SIDE):
        west, south = WEST + WIDE * (i % SIDE), SOUTH + HIGH * (i // SIDE)
        ring = [[west, south], [west + WIDE, south], [west + WIDE, south + HIGH], [west, south + HIGH], [west, south]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        properties = {"code": f"A{i:02d}", "name_en": f"Area {i}", "population": 20_000 * (1 + i % 3)}
        features.append({"type": "Feature", "properties": properties, "geometry": shape})
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of a plan by the names that the service gives to them: those of the files."""
    folder = tmp_path_factory.mktemp("plan")
    (folder / "areas.geojson").write_text(json.dumps(_areas()))
    (folder / "offers.csv").write_text(OFFERS)
    out = folder / "plan.geojson"
    given = ["--inventory", str(folder / "offers.csv"), "--areas", str(folder / "areas.geojson"), "--nights", "2"]
    main(["plan", *given, "-o", str(out), "--json"])
    return {path.stem: path for path in (out.with_suffix(".before.geojson"), out.with_suffix(".after.geojson"))}


def test_before_and_after_a_plan_are_drawn_apart_and_together(context: BrowserContext, layers: dict[str, Path]) -> None:
    page = context.new_page()
    texts = {name: path.read_text("utf-8") for name, path in layers.items()}
    assert sorted(texts) == ["plan.after", "plan.before"]

    def hand_out(route: Route) -> None:
        route.fulfill(body=texts[route.request.url.rsplit("/", 1)[1]], content_type="application/geo+json")

    page.route("**/api/v1/layers/*", hand_out)
    page.route("**/api/v1/layers/", lambda route: route.fulfill(json=list(texts)))
    # An empty sky of our own: nothing but the layers changes the map.
    feed = Feed(page)
    page.goto("/")
    page.wait_for_function("window.__perisai?.areas > 0 && window.__perisai.settled", timeout=WAIT_MS)
    feed.begin()
    page.get_by_role("button", name="Layers").click()

    seconds = count(1)

    def drawn() -> np.ndarray:
        # A picture that nothing feeds would be shown as stale, in grey.
        feed.tick(next(seconds))
        page.wait_for_timeout(500)
        page.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
        with MemoryFile(page.screenshot(clip=GROUND)) as file, file.open() as picture:
            return picture.read().astype(int)

    def changed(one: np.ndarray, other: np.ndarray) -> int:
        """Pixels that differ to the eye."""
        return int((np.abs(one - other).max(axis=0) > 12).sum())

    bare = drawn()
    page.get_by_label("plan.before").check()
    before = drawn()
    page.get_by_label("plan.after").check()
    both = drawn()
    page.get_by_label("plan.before").uncheck()
    after = drawn()
    page.get_by_label("plan.after").uncheck()
    again = drawn()
    assert changed(bare, again) < 50, "none of it stays"
    # Ways in are lines of some hundred pixels; what is watched with the plan is ground of thousands.
    assert changed(bare, before) > 200 and changed(after, both) > 100
    assert changed(bare, after) > 10 * changed(bare, before)
