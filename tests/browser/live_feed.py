"""A made-up live feed for the page alone: ticks of our choosing over its own socket, for what a demo cannot promise."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from playwright.sync_api import Page, WebSocketRoute

START_US = 1_757_203_200_000_000
FLOATS = ("lat", "lon", "alt_m", "ve", "vn", "p_ee", "p_en", "p_nn")
INK = """(name) => [...document.querySelectorAll(`canvas.${name}`)].map((canvas) => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i]) ink++;
  return ink;
}).reduce((sum, ink) => sum + ink, 0)"""
SPEAK = """window.spoken = [];
SpeechSynthesis.prototype.speak = function (words) { window.spoken.push(words.text + '|' + words.lang); };
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (when) {
  window.tones.push(this.frequency.value);
  return start.call(this, when);
};"""
KYIV: dict[str, float] = {"lat": 50.45, "lon": 30.5}
ROWS = [
    {"id": 1, **KYIV, "ve": 10.0, "vn": 50.0, "p_ee": 9e6, "p_nn": 4e6},
    {"id": 2, "lat": 50.2, "lon": 31.2, "ve": 10.0, "vn": 1500.0, "threat": 2},
    {"id": 3, "lat": 50.9, "lon": 29.9, "ve": 200.0, "vn": 40.0, "threat": 4, "neutral": 1},
]
SENSORS = [
    {"id": name, "kind": "radar3d", "lat": 50.4, "lon": lon, "owner": "north", "max_range_m": 90_000.0}
    for name, lon in (("radar-1", 30.2), ("radar-2", 30.7), ("radar-3", 31.2))
]
BYTES = ("existence", "confidence", "status", "threat", "neutral")


def ink(page: Page, name: str = "tracks") -> int:
    """Pixels of a canvas over the map with anything drawn on them."""
    return int(page.evaluate(INK, name))


class Feed:
    """Answers the page's live socket in place of the service."""

    def __init__(self, page: Page) -> None:
        self._sockets: list[WebSocketRoute] = []
        self._seq = 0
        self._refusing = False
        page.route_web_socket("**/api/v1/live", self._accept)

    def _accept(self, socket: WebSocketRoute) -> None:
        if self._refusing:
            socket.close()
        self._sockets.append(socket)

    def refuse(self) -> None:
        """The line breaks and does not come back."""
        self._refusing = True
        self._sockets[-1].close()

    def tick(self, now_s: float, **parts: Any) -> None:
        """Sends a tick; parts: any of tracks (from `tracks`), gone, alerts, arrivals, impacts, sensors, full, mode."""
        self._seq += 1
        message = {
            "t": "tick", "seq": self._seq, "now_us": START_US + int(now_s * 1e6), "mode": "exercise",
            "full": self._seq == 1, "tracks": {}, "gone": b"", "alerts": [], "arrivals": {}, "impacts": [],
            "sensors": [], "partners": [], "health": {"lag_s": 0.0, "detections_per_s": 0.0},
        }  # fmt: skip
        self._sockets[-1].send(msgspec.msgpack.encode(message | parts))

    def begin(self, **parts: Any) -> None:
        """Everything anew from time 0, as after a restart of the service."""
        self.tick(0, full=True, **parts)


def alert(area: str, eta_s: float | None, level: str = "alarm", end_s: float | None = None) -> dict[str, Any]:
    """An alert of an area that began with the feed."""
    return {
        "identifier": f"test.{area}", "area": area, "level": level, "threat": "drone", "start_us": START_US,
        "end_us": None if end_s is None else START_US + int(end_s * 1e6), "eta_s": eta_s, "probability": 0.9,
        "tracks": [1], "reason": "Drone 90 km away, 5 min.",
    }  # fmt: skip


def partner(
    name: str, rows: Sequence[dict[str, float]], gone: Sequence[int] = (), state: str = "live", age_s: float = 2.0
) -> dict[str, Any]:
    """A partner nation's layer with these tracks."""
    columns = tracks([row | {"id": 0} for row in rows]) | {"id": np.array([row["id"] for row in rows], "<f8").tobytes()}
    told = {"id": name.lower()[:2], "names": {"en": name}, "state": state, "age_s": age_s}
    return told | {"tracks": columns, "gone": np.array(gone, "<f8").tobytes()}


def tracks(rows: Sequence[dict[str, float]]) -> dict[str, bytes]:
    """Rows with lat, lon and any other column of a tick, as its columns."""
    usual = {"alt_m": 800.0, "p_ee": 4e5, "p_nn": 4e5, "existence": 255, "confidence": 230, "status": 1}
    columns = {name: np.array([row.get(name, usual.get(name, 0.0)) for row in rows], "<f4") for name in FLOATS}
    columns |= {name: np.array([row.get(name, usual.get(name, 0)) for row in rows], "u1") for name in BYTES}
    columns["id"] = np.array([row["id"] for row in rows], "<u4")
    return {name: column.tobytes() for name, column in columns.items()}
