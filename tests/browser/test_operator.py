"""What an operator notices: tracks move, areas turn to alarm with a time of arrival, an exercise says so."""

import base64
import re
from pathlib import Path

from playwright.sync_api import Page, expect

WAIT_MS = 120_000
COLOURS = """async (png) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const draw = canvas.getContext('2d');
  draw.drawImage(image, 0, 0);
  return new Set(new Uint32Array(draw.getImageData(0, 0, image.width, image.height).data.buffer)).size;
}"""


def wait_for_alarm(page: Page) -> str:
    """The code of an area that is under alarm."""
    page.wait_for_function("window.__perisai.alerts.some((alert) => alert.level === 'alarm')", timeout=WAIT_MS)
    return page.evaluate("window.__perisai.alerts.find((alert) => alert.level === 'alarm').area")


def test_tracks_move_over_a_drawn_map(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.tracks.length > 0", timeout=WAIT_MS)
    before = {track["id"]: track for track in operator.evaluate("window.__perisai.tracks")}
    operator.wait_for_function(
        "(seen) => window.__perisai.version >= seen + 3", arg=operator.evaluate("window.__perisai.version")
    )
    after = {track["id"]: track for track in operator.evaluate("window.__perisai.tracks")}
    moved = [key for key in before.keys() & after.keys() if before[key]["lon"] != after[key]["lon"]]
    assert moved, "no track has another place three ticks later"

    operator.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
    canvas = operator.locator("canvas.maplibregl-canvas").screenshot()
    assert operator.evaluate(COLOURS, base64.b64encode(canvas).decode()) > 40, "the map is blank"


def test_an_area_turns_to_alarm_and_is_listed_with_its_time_of_arrival(operator: Page, artefacts: Path) -> None:
    wait_for_alarm(operator)
    alerts = operator.get_by_role("group", name="Alerts")
    row = alerts.get_by_role("button").filter(has_text="Alarm").first
    expect(row).to_be_visible()
    expect(row).to_contain_text(re.compile(r"\d+:\d\d|now"))
    expect(row).to_contain_text(re.compile(r"Drone|Cruise missile|Ballistic|Glide bomb|Aircraft|Unknown"))
    operator.wait_for_function("window.__perisai.settled", timeout=WAIT_MS)
    operator.screenshot(path=artefacts / "console.png")


def test_an_exercise_cannot_be_mistaken(operator: Page) -> None:
    assert operator.evaluate("window.__perisai.mode") == "exercise"
    expect(operator.get_by_text("EXERCISE", exact=True)).to_be_visible()
    for code, word in {"uk": "НАВЧАННЯ", "id": "LATIHAN"}.items():
        operator.get_by_label(re.compile("Language|Мова|Bahasa")).select_option(code)
        expect(operator.get_by_text(word, exact=True)).to_be_visible()
