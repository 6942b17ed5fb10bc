"""The flights of a simulation on their way to the truth table."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perisai.geodesy import Plane, destination, enu_from_ecef_offset, from_plane, geodetic_from_ecef, kernel
from perisai.model import build


@dataclass(frozen=True, slots=True)
class Flight:
    """One object: rows (n, 6) seconds after start_us, latitude, longitude (degrees), alt_m, ve, vn (true m/s).

    impact: it came down on the ground at the last row. address: its ICAO address where it carries a transponder.
    """

    start_us: int
    rows: np.ndarray
    kind: str
    hostile: bool
    impact: bool
    address: str | None = None


def on_earth(plane: Plane, rows: np.ndarray) -> np.ndarray:
    """Rows of a Flight from rows (n, 6) seconds, east, north, alt_m and velocity along the plane's axes."""
    lat, lon = from_plane(plane, rows[:, 1], rows[:, 2])
    speed = np.hypot(rows[:, 4], rows[:, 5])
    ahead_lat, ahead_lon = from_plane(plane, rows[:, 1] + rows[:, 4], rows[:, 2] + rows[:, 5])
    course = np.arctan2((ahead_lon - lon) * np.cos(np.radians(lat)), ahead_lat - lat)
    return np.column_stack([rows[:, 0], lat, lon, rows[:, 3], speed * np.sin(course), speed * np.cos(course)])


@kernel
def _from_ecef(rows, out):
    for i in range(rows.shape[0]):
        lat, lon, alt = geodetic_from_ecef(rows[i, 1], rows[i, 2], rows[i, 3])
        ve, vn, _ = enu_from_ecef_offset(lat, lon, rows[i, 4], rows[i, 5], rows[i, 6])
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = rows[i, 0], np.degrees(lat), np.degrees(lon), alt
        out[i, 4], out[i, 5] = ve, vn


def from_ecef(rows: np.ndarray) -> np.ndarray:
    """Rows of a Flight from rows (n, 7) seconds, x, y, z, vx, vy, vz."""
    out = np.empty((len(rows), 6))
    _from_ecef(rows, out)
    out[-1, 3] = max(out[-1, 3], 0.0)
    return out


def along(start: tuple[float, float], course_deg: float, distance_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (degrees) on a great circle at distances (n,) from its start."""
    lat, lon = destination(start[0], start[1], course_deg, distance_m)
    return np.asarray(lat), np.asarray(lon)


def cut(rows: np.ndarray, end_s: float) -> np.ndarray:
    """The rows up to a time, the last one interpolated at it."""
    if end_s >= rows[-1, 0]:
        return rows
    before = rows[rows[:, 0] < end_s]
    i = len(before)
    part = (end_s - rows[i - 1, 0]) / (rows[i, 0] - rows[i - 1, 0])
    return np.vstack([before, rows[i - 1] + part * (rows[i] - rows[i - 1])])


def truth_table(flights: Iterable[Flight]) -> pa.Table:
    """The truth: objects numbered in the order given, rows by object and time."""
    flights = list(flights)
    sizes = np.array([len(flight.rows) for flight in flights], dtype=np.int64)
    if not flights:
        return build("truth", {"time": np.empty(0, np.int64), "object": np.empty(0, np.int64)})
    rows = np.vstack([flight.rows for flight in flights])
    start = np.repeat(np.array([flight.start_us for flight in flights], dtype=np.int64), sizes)
    impact = np.zeros(len(rows), dtype=bool)
    impact[np.cumsum(sizes) - 1] = [flight.impact for flight in flights]
    which = np.repeat(np.arange(len(flights)), sizes)
    return build(
        "truth",
        {
            "time": start + np.round(rows[:, 0] * 1e6).astype(np.int64),
            "object": which,
            "lat": rows[:, 1],
            "lon": rows[:, 2],
            "alt_m": rows[:, 3],
            "ve_mps": rows[:, 4],
            "vn_mps": rows[:, 5],
            "kind": pa.array([flight.kind for flight in flights]).take(pa.array(which)),
            "hostile": np.array([flight.hostile for flight in flights])[which],
            "impact": impact,
        },
    )
