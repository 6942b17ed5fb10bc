"""Sensors that are off: found within the errors stated, taken off, and the picture is truer for it."""

import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from test_tracking_single import START_US, polar

from perisai import geodesy
from perisai.evaluation import score_tracks
from perisai.model import Sensor, build, split_frames
from perisai.tracking import SensorRegistration, Tracker

BIASES = {"r1": (350.0, 0.45, 0.6), "r2": (-250.0, -0.3, -0.4), "r3": (0.0, 0.0, 0.0)}
"""Range m, azimuth deg, time s that each radar's reports are too great by."""


def sensors() -> list[Sensor]:
    places = {"r1": (48.0, 35.0), "r2": (48.7, 35.9), "r3": (47.7, 36.0)}
    radars = [
        Sensor(
            id=name, kind="radar3d", lat=lat, lon=lon, alt_m=100.0, max_range_m=150e3, period_s=5.0, clutter_per_scan=3
        )
        for name, (lat, lon) in places.items()
    ]
    return [*radars, Sensor(id="adsb", kind="modes", lat=48.2, lon=35.5, max_range_m=300e3, sigma_m=50.0)]


def scene(seed: int, cooperative: bool, *, spoofed: int = 0, noisy: str = "", seconds: int = 260):
    """(truth, detections): 14 targets, all or none reporting by ADS-B; `spoofed` of these say they are 3 km off."""
    rng = np.random.default_rng(seed)
    n = 14
    lat, lon = 48.2 + rng.uniform(-0.5, 0.5, n), 35.5 + rng.uniform(-0.7, 0.7, n)
    heading, speed, height = rng.uniform(0, 360, n), rng.uniform(90, 240, n), rng.uniform(3_000, 10_000, n)

    def where(k: int, t: float) -> tuple[float, float]:
        a, o = geodesy.destination(lat[k], lon[k], heading[k], speed[k] * t)
        return float(a), float(o)

    truth: list[dict] = []
    rows: list[dict] = []
    for k in range(n):
        for t in range(0, seconds, 5):
            a, o = where(k, t)
            truth.append({"time": START_US + t * 1_000_000, "object": k, "lat": a, "lon": o, "kind": "aircraft"})
    for sensor in sensors()[:3]:
        d_range, d_azimuth, d_time = BIASES[sensor.id]
        loud = 4.0 if sensor.id == noisy else 1.0
        for scan in range(seconds // 5):
            for k in range(n):
                _, turn, _ = polar(sensor, *where(k, scan * 5.0), height[k])
                t = (scan + turn / 360) * 5.0
                r, a, e = polar(sensor, *where(k, t), height[k])
                if r < 148e3 and rng.random() < 0.9:
                    rows.append(
                        {
                            "t": t + d_time,
                            "sensor": sensor.id,
                            "scan": scan,
                            "range_m": r + d_range + loud * rng.normal(0, 60),
                            "azimuth_deg": (a + d_azimuth + loud * rng.normal(0, 0.12)) % 360,
                            "elevation_deg": e + rng.normal(0, 0.3),
                        }
                    )
    if cooperative:
        for k in range(n):
            for t in np.arange(rng.uniform(0, 2), seconds, 2.0):
                a, o = where(k, t)
                off = 3_000.0 if k < spoofed else 0.0
                a, o = geodesy.destination(a, o, rng.uniform(0, 360), abs(rng.normal(0, 60)))
                a, o = geodesy.destination(float(a), float(o), 70.0, off)
                east, north = (
                    speed[k] * math.sin(math.radians(heading[k])),
                    speed[k] * math.cos(math.radians(heading[k])),
                )
                rows.append(
                    {
                        "t": t, "sensor": "adsb", "lat": float(a), "lon": float(o), "alt_m": height[k],
                        "address": f"4b{k:04x}", "ve_mps": east, "vn_mps": north,
                    }
                )  # fmt: skip
    rows.sort(key=lambda row: row["t"])
    names = (
        "sensor",
        "scan",
        "range_m",
        "azimuth_deg",
        "elevation_deg",
        "lat",
        "lon",
        "alt_m",
        "address",
        "ve_mps",
        "vn_mps",
    )
    columns = {name: [row.get(name) for row in rows] for name in names}
    time = START_US + np.array([round(row["t"] * 1e6) for row in rows])
    told = build("detections", columns | {"time": time, "received": time})
    flown = build(
        "truth", {name: [row[name] for row in truth] for name in truth[0]} | {"hostile": [False] * len(truth)}
    )
    return flown, told


def follow(told: pa.Table, register: bool = True) -> tuple[pa.Table, dict[str, SensorRegistration]]:
    tracker = Tracker(sensors())
    if not register:
        tracker._references.learn = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]
    tables = [tracker.step(frame) for frame in split_frames(told)]
    return pa.concat_tables(tables), {health.sensor: health for health in tracker.registration()}


def test_biases_are_found_beside_cooperative_traffic_and_the_picture_is_truer():
    flown, told = scene(1, cooperative=True, spoofed=2)
    tracks, health = follow(told)
    for name, (range_m, azimuth_deg, time_s) in BIASES.items():
        h = health[name]
        assert abs(h.range_m - range_m) < max(3.5 * h.sigma_range_m, 30.0)
        assert abs(h.azimuth_deg - azimuth_deg) < max(3.5 * h.sigma_azimuth_deg, 0.03)
        assert abs(h.time_s - time_s) < max(3.5 * h.sigma_time_s, 0.1)
        assert h.sigma_range_m < 40
        assert h.sigma_azimuth_deg < 0.05
        assert h.state == ("good" if name == "r3" else "biased")
    raw, _ = follow(told, register=False)
    scored, unscored = (score_tracks(table, flown, skip_s=120.0) for table in (tracks, raw))
    assert scored.gospa_m < 0.8 * unscored.gospa_m
    print(f"GOSPA {scored.gospa_m:.0f} m with registration, {unscored.gospa_m:.0f} m without")


def test_without_cooperative_traffic_radars_agree_with_one_another():
    flown, told = scene(2, cooperative=False)
    tracks, health = follow(told)
    for one, other in pairwise(BIASES):
        apart = health[one].azimuth_deg - health[other].azimuth_deg
        sigma = math.hypot(health[one].sigma_azimuth_deg, health[other].sigma_azimuth_deg)
        assert abs(apart - (BIASES[one][1] - BIASES[other][1])) < max(3.0 * sigma, 0.1)
    raw, _ = follow(told, register=False)
    assert score_tracks(tracks, flown, skip_s=120.0).gospa_m < score_tracks(raw, flown, skip_s=120.0).gospa_m


def test_a_radar_that_measures_worse_than_it_says_is_named_and_weighs_less():
    _, told = scene(3, cooperative=True, noisy="r3")
    tracker = Tracker(sensors())
    for frame in split_frames(told):
        tracker.step(frame)
    health = {h.sensor: h for h in tracker.registration()}
    assert health["r3"].state == "inconsistent"
    assert health["r3"].nis > health["r3"].nis_high
    assert health["r1"].state != "inconsistent"
    assert tracker.places.widen[2] == pytest.approx(health["r3"].nis)
    assert tracker.places.widen[0] == 1.0
