"""Two tracker regions with a border between them, and rows of tracks near it."""

import pyarrow as pa

from perisai.model import build, empty
from perisai.tracking import TrackerRegion

T0_US = 1_767_225_600_000_000
WEST = TrackerRegion(id="west", south=49.0, west=34.0, north=51.0, east=36.0, overlap_km=30.0)
EAST = TrackerRegion(id="east", south=49.0, west=36.0, north=51.0, east=38.0, overlap_km=30.0)
M_DEG = 111_195.0


def row(number: int, second: float, lon: float, *, lat: float = 50.0, speed: float = -50.0, **more: object) -> dict:
    """A track's row: due east or west along a parallel."""
    given = {
        "time": T0_US + int(second * 1e6), "track": number, "lat": lat, "lon": lon, "ve_mps": speed, "vn_mps": 0.0,
        "p_ee": 8_000.0, "p_en": 0.0, "p_nn": 8_000.0, "v_ee": 9.0, "v_en": 0.0, "v_nn": 9.0, "existence": 1.0,
        "status": "confirmed", "p_drone": 1.0,
    }  # fmt: skip
    return given | more


def rows(*given: dict) -> pa.Table:
    if not given:
        return empty("tracks")
    names = {name for one in given for name in one}
    return build("tracks", {name: [one.get(name) for one in given] for name in names})
