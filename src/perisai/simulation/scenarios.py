"""The benchmark scenarios of the tracker: one position sensor over 600 x 600 km, targets alone or in raids.

Motion is simulated on the region's plane in steps of half a second: straight flight, broken by coordinated turns that
begin as a Poisson process (one a minute), last 5-20 s and pull 1-5 m/s2 (slow targets) or 5-20 m/s2 (fast ones).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perisai.geodesy import Plane, from_plane, plane_at, plane_scale
from perisai.model import BadInputError, Sensor, build

from .observe import observe

START_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""
SIDE_M = 600e3
PERIOD_S = 4.0
_STEP_S = 0.5
_TURNS_PER_S = 1.0 / 60.0
_GROUP = 10
_GROUP_SPREAD_M = 700.0
_ALTITUDE_M = 1_000.0
LAYOUTS = ("spread", "raid")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A benchmark run as tables, and the same on the plane for trackers that work there.

    sensor: the one sensor. detections, truth: tables of their schemas; truth has one row per target and scan.
    states: (scans, n, 4) east, north, velocity east, velocity north on the plane, m and m/s.
    plots: (m, 2) east, north of each detection in the order of the table; scan: (m,) its scan, 0..scans-1.
    """

    sensor: Sensor
    detections: pa.Table
    truth: pa.Table
    plane: Plane
    states: np.ndarray
    plots: np.ndarray
    scan: np.ndarray


@dataclass(frozen=True, slots=True)
class MixedFeed:
    """The load of a national centre: many sensors of several kinds at once."""

    sensors: list[Sensor]
    detections: pa.Table
    truth: pa.Table


def benchmark_scenario(layout: str, n: int, seed: int, scans: int = 60) -> Scenario:
    """The scenario on which trackers are compared: `spread` (independent targets) or `raid` (groups of about ten).

    Two thirds of the n targets fly at 50-70 m/s and one third at 180-250 m/s; one 2-D position sensor every 4 s,
    detection probability 0.9, sigma 100 m an axis, n / 2 false reports a scan, uniform over the square.
    Raises BadInputError for another layout or n below 1.
    """
    if layout not in LAYOUTS:
        raise BadInputError("layout", layout, " or ".join(LAYOUTS))
    if n < 1 or scans < 1:
        raise BadInputError("n, scans", f"{n}, {scans}", "at least 1 each")
    motion, sensing = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    leaders = n if layout == "spread" else max(1, round(n / _GROUP))
    member_of = np.arange(n) % leaders
    states = _fly(motion, leaders, scans)[:, member_of]
    if layout == "raid":
        states[:, :, :2] += motion.normal(0.0, _GROUP_SPREAD_M, (n, 2))
    plane = plane_at(49.0, 31.0)
    sensor = Sensor(
        id="benchmark",
        kind="position",
        lat=49.0,
        lon=31.0,
        max_range_m=SIDE_M / np.sqrt(2.0) + 5e3,
        period_s=PERIOD_S,
        detection_probability=0.9,
        clutter_per_scan=n / 2,
        sigma_m=100.0,
    )
    plots, scan = _observe(sensing, states, sensor)
    return Scenario(
        sensor, _detections_table(plane, sensor, plots, scan), _truth_table(plane, states), plane, states, plots, scan
    )


def mixed_feed(seed: int, seconds: float = 120.0, n: int = 4_000) -> MixedFeed:
    """30 sensors of three kinds over 1,200 x 1,200 km and n targets, about n / 2 reports a second.

    Two thirds of the targets are slow and hostile at 1-3 km, one third airliners with transponders at 9-12 km.
    14 radars 2-D and 10 3-D of 280 km with periods of 4-8 s, 6 receivers of Mode S, each with its own noise.
    """
    motion, places = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    side = 2.0 * SIDE_M
    states = _fly(motion, n, int(seconds / PERIOD_S) + 1, side, ((1.0, 5.0), (1.0, 3.0)))
    plane = plane_at(49.0, 31.0)
    truth = _truth_table(plane, states)
    airliner = np.tile(np.arange(n) % 3 == 2, len(states))
    height = np.where(np.arange(n) % 3 == 2, motion.uniform(9e3, 12e3, n), motion.uniform(1e3, 3e3, n))
    for name, values in {
        "alt_m": np.tile(height, len(states)),
        "kind": pa.array(np.where(airliner, "aircraft", "drone")),
        "hostile": ~airliner,
    }.items():
        truth = truth.set_column(truth.schema.get_field_index(name), truth.schema.field(name), [pa.array(values)])
    sensors = [_mixed_sensor(places, plane, i) for i in range(30)]
    return MixedFeed(sensors, observe(truth, sensors, seed), truth)


def _mixed_sensor(rng: np.random.Generator, plane: Plane, i: int) -> Sensor:
    """One of 30 sensors on a jittered grid of 6 by 5; every fifth a receiver, the others radars."""
    east = (i % 6 - 2.5) * 200e3 + rng.uniform(-50e3, 50e3)
    north = (i // 6 - 2.0) * 240e3 + rng.uniform(-50e3, 50e3)
    lat, lon = from_plane(plane, np.array([east]), np.array([north]))
    kind = "modes" if i % 5 == 4 else "radar3d" if i % 5 in (1, 3) and i < 25 else "radar2d"
    return Sensor(
        id=f"{kind}-{i:02d}",
        kind=kind,
        lat=float(lat[0]),
        lon=float(lon[0]),
        alt_m=50.0,
        max_range_m=280e3,
        min_range_m=500.0,
        period_s=float(rng.uniform(4.0, 8.0)),
        detection_probability=0.9,
        clutter_per_scan=0.0 if kind == "modes" else 20.0,
    )


def _fly(
    rng: np.random.Generator,
    n: int,
    scans: int,
    side_m: float = SIDE_M,
    pulls: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 5.0), (5.0, 20.0)),
) -> np.ndarray:
    """States (scans, n, 4) of n independent targets on the plane, at the scan times; pulls of slow and fast, m/s2."""
    fast = np.arange(n) % 3 == 2
    speed = np.where(fast, rng.uniform(180.0, 250.0, n), rng.uniform(50.0, 70.0, n))
    heading = rng.uniform(0.0, 2.0 * np.pi, n)
    position = rng.uniform(-side_m / 2, side_m / 2, (n, 2))
    turn_left_s = np.zeros(n)
    rate = np.zeros(n)
    states = np.empty((scans, n, 4))
    per_scan = round(PERIOD_S / _STEP_S)
    for step in range((scans - 1) * per_scan + 1):
        velocity = speed[:, None] * np.column_stack([np.sin(heading), np.cos(heading)])
        if step % per_scan == 0:
            states[step // per_scan] = np.hstack([position, velocity])
        begins = (turn_left_s <= 0.0) & (rng.random(n) < _TURNS_PER_S * _STEP_S)
        pull = np.where(fast, rng.uniform(*pulls[1], n), rng.uniform(*pulls[0], n)) * rng.choice([-1.0, 1.0], n)
        rate = np.where(begins, pull / speed, np.where(turn_left_s > 0.0, rate, 0.0))
        turn_left_s = np.where(begins, rng.uniform(5.0, 20.0, n), turn_left_s - _STEP_S)
        # The chord of an arc lies along the mean heading; its length differs from the arc by under 0.1 % here.
        middle = heading + 0.5 * rate * _STEP_S
        position = position + (speed * _STEP_S)[:, None] * np.column_stack([np.sin(middle), np.cos(middle)])
        heading = heading + rate * _STEP_S
    return states


def _observe(rng: np.random.Generator, states: np.ndarray, sensor: Sensor) -> tuple[np.ndarray, np.ndarray]:
    """Plots (m, 2) on the plane and the scan of each, targets and clutter shuffled inside a scan."""
    plots: list[np.ndarray] = []
    for positions in states[:, :, :2]:
        seen = positions[rng.random(len(positions)) < sensor.or_default("detection_probability")]
        noisy = seen + rng.normal(0.0, sensor.or_default("sigma_m"), seen.shape)
        clutter = rng.uniform(-SIDE_M / 2, SIDE_M / 2, (rng.poisson(sensor.clutter_per_scan), 2))
        plots.append(rng.permutation(np.vstack([noisy, clutter])))
    return np.vstack(plots), np.repeat(np.arange(len(plots)), [len(p) for p in plots])


def _detections_table(plane: Plane, sensor: Sensor, plots: np.ndarray, scan: np.ndarray) -> pa.Table:
    lat, lon = from_plane(plane, plots[:, 0], plots[:, 1])
    time = START_US + np.round(scan * PERIOD_S * 1e6).astype(np.int64)
    return build(
        "detections",
        {"time": time, "received": time, "sensor": [sensor.id] * len(scan), "scan": scan, "lat": lat, "lon": lon},
    )


def _truth_table(plane: Plane, states: np.ndarray) -> pa.Table:
    scans, n, _ = states.shape
    east, north, v_east, v_north = states.reshape(-1, 4).T
    lat, lon = from_plane(plane, east, north)
    scale = plane_scale(plane, east, north)
    # Over a second's flight the geodetic difference gives true east and north without the convergence formula.
    lat2, lon2 = from_plane(plane, east + v_east, north + v_north)
    turn = np.arctan2((lon2 - lon) * np.cos(np.radians(lat)), lat2 - lat) - np.arctan2(v_east, v_north)
    return build(
        "truth",
        {
            "time": START_US + np.repeat(np.round(np.arange(scans) * PERIOD_S * 1e6).astype(np.int64), n),
            "object": np.tile(np.arange(n), scans),
            "lat": lat,
            "lon": lon,
            "alt_m": np.full(scans * n, _ALTITUDE_M),
            "ve_mps": (v_east * np.cos(turn) + v_north * np.sin(turn)) / scale,
            "vn_mps": (v_north * np.cos(turn) - v_east * np.sin(turn)) / scale,
            "kind": np.where(np.hypot(v_east, v_north) < 100.0, "drone", "cruise"),
            "hostile": np.ones(scans * n, dtype=bool),
            "impact": np.zeros(scans * n, dtype=bool),
        },
    )
