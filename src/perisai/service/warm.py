"""The kernels compiled before they are needed: at the first start after an update, never in the middle of a raid.

`python -m perisai.service.warm` flies a drill of a few minutes, with every kind of sensor and of object, through the
stages; what numba compiles on the way it keeps on disk. A mark beside the kernels says for which sources that was done.
"""

import contextlib
import hashlib
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pyarrow as pa

from perisai.geodesy import destination
from perisai.kernels import PACKAGE, stage_stamp
from perisai.model import Areas, Frame, Sensor, build, parse_areas, split_frames
from perisai.model.sensor import SensorKind

STAGES = ("tracking", "forecasting", "simulation")
LAT, LON = 50.0, 36.0
START_US = 1_767_225_600_000_000
SECONDS = 300
GRAVITY = 9.81
REHEARSED = 30
"""Frames after which every kernel of a raid's beginning has run."""


@contextlib.contextmanager
def warming(say: Callable[[str], None]) -> Iterator[None]:
    """Around work that may go on meanwhile: all kernels of the live way are on disk when it ends.

    They are compiled in a process of their own, unless these sources have been compiled here. Ctrl-C ends that at once.
    say: told of the wait where a person watches.
    """
    if _mark().exists():
        yield
        return
    if sys.stderr.isatty():
        say("compiling the kernels, once after an update; this takes a minute")
    child = subprocess.Popen([sys.executable, "-m", "perisai.service.warm"], stdin=subprocess.DEVNULL)
    try:
        yield
        child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def drill_sensors() -> list[Sensor]:
    """One or more of each kind within reach of the drill."""
    kinds: list[tuple[SensorKind, float, float]] = [
        ("radar2d", 0.0, 0.0),
        ("radar3d", 0.3, 0.4),
        ("radar3d", -0.4, 0.3),
        ("modes", 0.1, 0.1),
        ("remote_id", -0.1, 0.2),
        ("position", 0.2, -0.2),
        *(("presence", 0.04 * n, 0.06) for n in range(6)),
        *(("bearing", 0.05 * n, -0.1 + 0.08 * n) for n in range(5)),
    ]
    return [
        Sensor(
            id=f"drill-{number}",
            kind=kind,
            lat=LAT + north,
            lon=LON + east,
            alt_m=100.0,
            max_range_m=8e3 if kind == "presence" else 25e3 if kind == "bearing" else 250e3,
            period_s=5.0,
            detection_probability=0.9,
            clutter_per_scan=0.0 if kind in {"modes", "remote_id"} else 1.0,
            delay_mps=343.0 if kind == "presence" else None,
        )
        for number, (kind, north, east) in enumerate(kinds)
    ]


def drill_truth() -> pa.Table:
    """A formation of drones, a cruise missile, an airliner, a glide bomb and a ballistic missile, for five minutes."""
    parts: list[pa.Table] = []
    flights = [*(("drone", -0.05 + 0.004 * n, 0.02 * (n % 3), 10.0, 52.0, 600.0) for n in range(12))]
    flights += [("cruise", -0.4, -0.4, 45.0, 230.0, 80.0), ("aircraft", 0.5, -0.6, 100.0, 220.0, 10_000.0)]
    flights += [("glide_bomb", 0.3, 0.5, 230.0, 250.0, 9_000.0), ("ballistic", -0.9, -0.9, 40.0, 1_200.0, 40_000.0)]
    for number, (kind, north, east, course_deg, speed_mps, alt_m) in enumerate(flights):
        at_s = np.arange(0.0, SECONDS, 2.0)
        if kind == "ballistic":
            at_s = at_s[at_s < 80.0]
        lat, lon = destination(LAT + north, LON + east, course_deg, speed_mps * at_s)
        height = alt_m + (200.0 * at_s - 0.5 * GRAVITY * at_s**2 if kind == "ballistic" else 0.0 * at_s)
        n = at_s.size
        columns = {
            "time": START_US + (at_s * 1e6).astype(np.int64),
            "object": np.full(n, number, np.int64),
            "lat": lat,
            "lon": lon,
            "alt_m": height,
            "ve_mps": np.full(n, speed_mps * np.sin(np.radians(course_deg))),
            "vn_mps": np.full(n, speed_mps * np.cos(np.radians(course_deg))),
            "kind": [kind] * n,
            "hostile": [kind != "aircraft"] * n,
            "impact": [False] * n,
        }
        parts.append(build("truth", columns))
    return pa.concat_tables(parts)


def drill_areas() -> Areas:
    """Sixteen squares under the drill."""
    squares: list[dict[str, Any]] = []
    for number in range(16):
        west, south = LON - 0.6 + 0.3 * (number % 4), LAT - 0.6 + 0.3 * (number // 4)
        ring = [[west, south], [west + 0.3, south], [west + 0.3, south + 0.3], [west, south + 0.3], [west, south]]
        properties = {"code": f"D{number:02d}", "name_en": f"D{number}", "population": 1000 * number}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        squares.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return parse_areas(json.dumps({"type": "FeatureCollection", "features": squares}).encode(), "drill")


def drill_frames(seed: int = 1) -> Iterator[Frame]:
    """What the sensors of the drill report, a second a frame. seed: of their chance."""
    from perisai.simulation import observe

    aircraft = 13
    yield from split_frames(observe(drill_truth(), drill_sensors(), seed, {aircraft: "4ca001", 0: "3c0001"}))


def rehearse() -> None:
    """The first seconds of the drill, so that this process has loaded the kernels before it takes a role over."""
    fly_drill(REHEARSED)


def fly_drill(frames: int | None = None) -> int:
    """The drill through the stages, or so many frames of it; returns the number of its alert changes."""
    from .config import Config
    from .pipeline import AlertStage, TrackStage

    tracks, alerts, changes = TrackStage(drill_sensors(), Config()), AlertStage(drill_areas(), Config()), 0
    for frame in itertools.islice(drill_frames(), frames):
        changes += len(alerts.step(tracks.step(frame), frame.end_us).changes)
    return changes


def _mark() -> Path:
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__} {sys.version}".encode())
    for stage in STAGES:
        digest.update(stage_stamp(stage))
    return PACKAGE / "__pycache__" / f"warm-{digest.hexdigest()[:16]}"


def main() -> None:
    """Fly the drill, once for these sources, and leave the mark; where the package cannot be written, the kernels live
    as long as a process."""
    if _mark().exists():
        return
    fly_drill()
    try:
        _mark().parent.mkdir(exist_ok=True)
        _mark().touch()
    except OSError:
        return


if __name__ == "__main__":
    main()
