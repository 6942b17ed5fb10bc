"""Civil flights beside the raid: airliners on straight courses round the outside of the areas."""

import numpy as np
import pyarrow as pa

from perisai.geodesy import azimuth_deg, distance_m
from perisai.model import Areas, floats, time_us

from .flights import Flight, along, truth_table

_MARGIN_DEG = 0.6
_ROW_S = 10.0


def civil_flights(areas: Areas, seed: int, n: int, first_us: int, last_us: int) -> list[Flight]:
    """n airliners (kind aircraft, not hostile) along the west, south and north edges, outside the areas' box.

    In a war the air above the areas is closed to them; what passes close by is what a picture must not take for a
    threat. Addresses are made up: 24 bits from 4a0000 on.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0xC1, n)))
    box = np.array([shape.bounds for shape in areas.geometry])
    west, south, east, north = *(box[:, :2].min(axis=0) - _MARGIN_DEG), *(box[:, 2:].max(axis=0) + _MARGIN_DEG)
    corners = [((south, west), (north, west)), ((south, west), (south, east)), ((north, west), (north, east))]
    flights: list[Flight] = []
    for i in range(n):
        ends = [np.array(corner) for corner in corners[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]]
        if rng.random() < 0.5:
            ends.reverse()
        out = rng.uniform(0.0, 0.5, 2)
        start, end = (_outward(point, out, south, west) for point in ends)
        length = float(distance_m(*start, *end))
        course = float(azimuth_deg(*start, *end))
        speed = float(rng.uniform(215.0, 255.0))
        seconds = np.append(np.arange(0.0, length / speed, _ROW_S), length / speed)
        lat, lon = along(start, course, seconds * speed)
        ahead_lat, ahead_lon = along(start, course, seconds * speed + 100.0)
        heading = np.radians(azimuth_deg(lat, lon, ahead_lat, ahead_lon))
        height = round(float(rng.uniform(9_000.0, 11_900.0)) / 304.8) * 304.8
        rows = np.column_stack(
            [seconds, lat, lon, np.full(len(lat), height), speed * np.sin(heading), speed * np.cos(heading)]
        )
        start_us = first_us + round(rng.uniform(-0.1, 1.0) * (last_us - first_us) / 1e6) * 1_000_000
        flights.append(Flight(start_us, rows, "aircraft", False, False, f"{0x4A0000 + i * 257:06x}"))
    return flights


def _outward(point: np.ndarray, out: np.ndarray, south: float, west: float) -> tuple[float, float]:
    """A corner moved away from the box by `out` degrees, and along its edges not at all."""
    lat = point[0] - out[0] if point[0] == south else point[0] + out[0]
    lon = point[1] - out[1] if point[1] == west else point[1] + out[1]
    return float(min(max(lat, -88.0), 88.0)), float(lon)


def recorded_flights(flights: pa.Table, start_us: int | None = None, gap_s: float = 300.0) -> list[Flight]:
    """Recorded positions with addresses (a detections table) as civil flights; a gap over gap_s starts another.

    start_us: moves all in time so that the first begins then. Rows without position, height or address are left out.
    Speeds missing are taken from the neighbouring positions.
    """
    lat, lon, alt = (floats(flights[name]) for name in ("lat", "lon", "alt_m"))
    time = time_us(flights["time"])
    address = np.array([a or "" for a in flights["address"].to_pylist()])
    kept = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon) & np.isfinite(alt) & (address != ""))
    kept = kept[np.lexsort((time[kept], address[kept]))]
    kept = kept[np.r_[True, (address[kept][1:] != address[kept][:-1]) | (np.diff(time[kept]) > 0)]]
    breaks = np.flatnonzero((address[kept][1:] != address[kept][:-1]) | (np.diff(time[kept]) > gap_s * 1e6))
    pieces = np.split(kept, breaks + 1)
    ve, vn = floats(flights["ve_mps"]), floats(flights["vn_mps"])
    moved = 0 if start_us is None or not len(kept) else start_us - int(time[kept].min())
    found: list[Flight] = []
    for piece in pieces:
        if len(piece) < 3:
            continue
        seconds = (time[piece] - time[piece[0]]) / 1e6
        north = np.gradient(np.radians(lat[piece]) * 6_371e3, seconds)
        east = np.gradient(np.radians(lon[piece]) * 6_371e3, seconds) * np.cos(np.radians(lat[piece]))
        rows = np.column_stack(
            [
                seconds,
                lat[piece],
                lon[piece],
                alt[piece],
                np.where(np.isfinite(ve[piece]), ve[piece], east),
                np.where(np.isfinite(vn[piece]), vn[piece], north),
            ]
        )
        found.append(Flight(int(time[piece[0]]) + moved, rows, "aircraft", False, False, str(address[piece[0]])))
    return found


def flights_truth(flights: pa.Table, gap_s: float = 300.0) -> pa.Table:
    """Recorded flights (a detections table with positions, heights and addresses) as a truth table, for `observe`."""
    return truth_table(recorded_flights(flights, gap_s=gap_s))
