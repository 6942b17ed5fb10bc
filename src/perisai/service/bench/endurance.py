"""A day of flights in ten-second frames: does the tracker's memory stay as it was after the first hours?

Sixty aircraft at any time, each with an address of its own that is never seen again, by a transponder receiver and a
radar with clutter; a tenth of the rows come up to half a minute late.
"""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.geodesy import destination
from perisai.model import Frame, Sensor, build
from perisai.tracking import Tracker

from .targets import EPOCH_US

FRAME_S = 10
FLIGHT_S = 2_400.0
AT_ONCE = 60
CLUTTER = 20
SETTLED_H = 3.0
SENSORS = [
    Sensor(id="adsb", kind="modes", lat=49.0, lon=31.0, max_range_m=600e3, period_s=10.0, sigma_m=50.0),
    Sensor(
        id="radar", kind="position", lat=49.0, lon=31.0, max_range_m=400e3, period_s=10.0, sigma_m=150.0,
        clutter_per_scan=float(CLUTTER),
    ),
]  # fmt: skip


def frames(hours: float, seed: int) -> Iterator[Frame]:
    """The frames of so many hours."""
    rng = np.random.default_rng(seed)
    late: list[tuple[int, pa.Table]] = []
    for k in range(int(hours * 3600 / FRAME_S)):
        now = k * FRAME_S
        first = max(0, int((now - FLIGHT_S) / FLIGHT_S * AT_ONCE) + 1)
        number = np.arange(first, int(now / FLIGHT_S * AT_ONCE) + 1)
        # Where a flight begins and heads follows from its number alone.
        angle = number * 137.508
        age = now - number * FLIGHT_S / AT_ONCE
        lat, lon = destination(49.0, 31.0, angle % 360.0, np.full(number.size, 250e3))
        lat, lon = destination(lat, lon, (angle + 180.0 + (number % 41) - 20) % 360.0, 210.0 * age)
        table = _reports(rng, EPOCH_US + now * 1_000_000, k, number, np.asarray(lat), np.asarray(lon))
        held = rng.random(table.num_rows) < 0.1
        late.append((k + int(rng.integers(1, 4)), table.filter(pa.array(held))))
        due = [rows for when, rows in late if when <= k]
        late = [(when, rows) for when, rows in late if when > k]
        yield Frame(EPOCH_US + now * 1_000_000, pa.concat_tables([table.filter(pa.array(~held)), *due]))


def _reports(
    rng: np.random.Generator, at_us: int, scan: int, number: np.ndarray, lat: np.ndarray, lon: np.ndarray
) -> pa.Table:
    n = number.size
    far_lat, far_lon = rng.uniform(46.0, 52.0, CLUTTER), rng.uniform(26.0, 36.0, CLUTTER)
    noise = rng.normal(0.0, 1.5e-3, (2, n))
    return build(
        "detections",
        {
            "time": np.full(2 * n + CLUTTER, at_us),
            "received": np.full(2 * n + CLUTTER, at_us),
            "sensor": ["adsb"] * n + ["radar"] * (n + CLUTTER),
            "scan": np.concatenate([np.full(n, scan), np.full(n + CLUTTER, scan)]),
            "lat": np.concatenate([lat, lat + noise[0], far_lat]),
            "lon": np.concatenate([lon, lon + noise[1], far_lon]),
            "address": [f"{k:06x}" for k in number.tolist()] + [None] * (n + CLUTTER),
        },
    )


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def run(hours: float = 24.0) -> dict[str, Any]:
    """Resident memory (MB) once settled and at the end, the most in between, and the addresses seen."""
    tracker = Tracker(SENSORS)
    settled, most, shown = 0.0, 0.0, 0
    for k, frame in enumerate(frames(hours, 1)):
        rows = tracker.step(frame)
        shown = max(shown, int(np.max(rows["track"].to_numpy(), initial=0)))
        if k % int(3600 / FRAME_S) == 0:
            gc.collect()
            now = resident_mb()
            most = max(most, now)
            if k * FRAME_S <= SETTLED_H * 3600:
                settled = now
    gc.collect()
    return {
        "hours": hours,
        "settled_mb": round(settled),
        "end_mb": round(resident_mb()),
        "most_mb": round(most),
        "tracks": shown,
    }
