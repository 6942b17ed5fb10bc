"""A small made-up region for forecasting, alerting and evaluation tests: a chessboard of square areas."""

import json

import numpy as np
import pyarrow as pa

from perisai.model import Areas, build, parse_areas

T0_US = 1_757_200_000_000_000
"""2025-09-06 23:06:40 UTC, a whole multiple of 10 s."""
LAT, LON = 49.0, 31.0
STEP_LAT, STEP_LON = 0.18, 0.2743
"""20 km at 49 degrees north."""


def chessboard(columns: int = 12, rows: int = 12, population: int = 10_000) -> Areas:
    """Squares of 20 km, code x-y, four to a parent; the south-west corner is at (LAT, LON)."""
    features = []
    for x in range(columns):
        for y in range(rows):
            w, s = LON + x * STEP_LON, LAT + y * STEP_LAT
            e, n = w + STEP_LON, s + STEP_LAT
            ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
            properties = {
                "code": f"{x}-{y}",
                "name_en": f"{x}-{y}",
                "population": population,
                "parent": f"{x // 2}-{y // 2}",
            }
            features.append(
                {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
            )
    return parse_areas(json.dumps({"type": "FeatureCollection", "features": features}), "chessboard")


def middle(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of the middle of square x, y (fractions allowed)."""
    return LAT + (y + 0.5) * STEP_LAT, LON + (x + 0.5) * STEP_LON


def track_rows(
    start: tuple[float, float],
    velocity: tuple[float, float],
    times_s: np.ndarray,
    *,
    track: int = 1,
    kind: str = "drone",
    **columns: object,
) -> pa.Table:
    """Rows of one object at constant velocity (east, north; m/s) from a place (squares), at seconds after T0_US."""
    lat, lon = middle(*start)
    t = np.asarray(times_s, float)
    n = len(t)
    given = {
        "time": (T0_US + t * 1e6).astype(np.int64),
        "track": np.full(n, track),
        "lat": lat + velocity[1] * t / 111_220.0,
        "lon": lon + velocity[0] * t / (111_220.0 * np.cos(np.radians(lat))),
        "ve_mps": np.full(n, float(velocity[0])),
        "vn_mps": np.full(n, float(velocity[1])),
        "alt_m": np.full(n, 500.0),
        "existence": np.ones(n),
        "status": ["confirmed"] * n,
        f"p_{kind}": np.ones(n),
    }
    return build("tracks", given | columns)


def truth_rows(
    start: tuple[float, float], velocity: tuple[float, float], times_s: np.ndarray, **columns: object
) -> pa.Table:
    """The same flight as truth of a hostile drone; keywords replace columns."""
    rows = track_rows(start, velocity, times_s)
    n = rows.num_rows
    given = {name: rows[name] for name in ("time", "lat", "lon", "alt_m", "ve_mps", "vn_mps")}
    given |= {
        "object": np.ones(n, np.int64),
        "kind": ["drone"] * n,
        "hostile": np.ones(n, bool),
        "impact": np.zeros(n, bool),
    }
    return build("truth", given | columns)
