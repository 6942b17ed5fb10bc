"""Ballistic missiles over four radars: how often the 90 % impact ellipse holds the impact, by time to go, and its size.

Missiles of 150-550 km from every side, eight at a time, as `simulation.ballistic` flies them (ln beta normal about
12,000 kg/m2 with sigma 0.25); radars with elevation, 6 s, 50 m, 0.15 degrees. Tuned on seed 1.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from perisai.geodesy import (
    azimuth_deg,
    destination,
    distance_m,
    ecef_from_geodetic,
    enu_from_ecef_offset,
    geodetic_from_ecef,
)
from perisai.model import Sensor, build, floats, split_frames, time_us
from perisai.simulation.ballistic import Shot, shoot
from perisai.tracking import Tracker

from .targets import EPOCH_US

TIMES_TO_GO_S = (240, 180, 120, 60, 30)
LATEST_S = 25.0
"""A row up to so long after the time to go begins counts for it."""
CHI2_90 = 4.605
TOGETHER = 8
PERIOD_S = 6.0
SIGMA_RANGE_M, SIGMA_ANGLE_DEG = 50.0, 0.15
SITES = ((48.0, 34.0), (49.2, 35.5), (48.0, 36.8), (47.0, 35.3))


class Impact(NamedTuple):
    """When (s) and where (degrees) a missile came down."""

    at_s: float
    lat: float
    lon: float


def radars() -> list[Sensor]:
    """The four radars."""
    return [
        Sensor(
            id=f"radar-{k}", kind="radar3d", lat=lat, lon=lon, alt_m=100.0, max_range_m=450e3, period_s=PERIOD_S,
            detection_probability=0.9, clutter_per_scan=2.0, sigma_range_m=SIGMA_RANGE_M,
            sigma_azimuth_deg=SIGMA_ANGLE_DEG, sigma_elevation_deg=SIGMA_ANGLE_DEG,
        )
        for k, (lat, lon) in enumerate(SITES)
    ]  # fmt: skip


def salvo(seed: int, number: int) -> tuple[pa.Table, list[Impact]]:
    """What the radars report of one salvo, and where it came down; the same seed and number give the same."""
    rng = np.random.default_rng([seed, number])
    sensors = radars()
    rows: list[tuple] = []
    impacts: list[Impact] = []
    while len(impacts) < TOGETHER:
        target = (48.2 + rng.uniform(-0.8, 0.8), 35.4 + rng.uniform(-1.2, 1.2))
        lat, lon = (float(v) for v in destination(*target, rng.uniform(0, 360), rng.uniform(150e3, 550e3)))
        lift, beta = float(rng.uniform(38, 50)), float(rng.lognormal(np.log(12_000), 0.25))
        shot = shoot((lat, lon, 0.0), target, lift, beta, 0.5)
        start_s = rng.uniform(0, 40)
        down = geodetic_from_ecef(*shot.rows[-1, 1:4])
        impacts.append(Impact(start_s + shot.rows[-1, 0], *np.degrees(down[:2]).tolist()))
        for sensor in sensors:
            rows += _reports(rng, sensor, shot, start_s)
    rows.sort()
    names = ("time", "sensor", "scan", "range_m", "azimuth_deg", "elevation_deg", "range_rate_mps")
    columns: dict[str, Any] = dict(zip(names, zip(*rows, strict=True), strict=True))
    return build("detections", columns | {"received": columns["time"]}), impacts


def _reports(rng: np.random.Generator, sensor: Sensor, shot: Shot, start_s: float) -> list[tuple]:
    """One radar's plots of one missile."""
    place = np.radians([sensor.lat, sensor.lon])
    site = np.array(ecef_from_geodetic(*place, sensor.alt_m))
    time = shot.rows[:, 0]
    out: list[tuple] = []
    for scan in range(int((start_s + time[-1]) / PERIOD_S) + 1):
        t = scan * PERIOD_S + rng.uniform(0, PERIOD_S) - start_s
        if not 0.0 < t < time[-1] - 0.5 or rng.random() > 0.9:
            continue
        state = np.array([np.interp(t, time, shot.rows[:, c]) for c in range(1, 7)])
        local = np.array(enu_from_ecef_offset(*place, *(state[:3] - site)))
        slant, tilt = float(np.linalg.norm(local)), np.degrees(np.arctan2(local[2], np.hypot(*local[:2])))
        if slant > 450e3 or tilt < 0.3:
            continue
        rate = float(np.array(enu_from_ecef_offset(*place, *state[3:])) @ local) / slant
        azimuth = np.degrees(np.arctan2(local[0], local[1])) + rng.normal(0, SIGMA_ANGLE_DEG)
        at = EPOCH_US + round((t + start_s) * 1e6)
        polar = (slant + rng.normal(0, SIGMA_RANGE_M), azimuth % 360.0, tilt + rng.normal(0, SIGMA_ANGLE_DEG))
        out.append((at, sensor.id, scan, *polar, rate + rng.normal(0, 3.0)))
    return out


def samples(seed: int, number: int) -> np.ndarray:
    """(n, 5) of a salvo, one a missile and time to go: that time s, squared distance of the impact in the foretold
    ellipse, larger and smaller semi-axis of the 90 % ellipse m, distance of the impact from its middle m."""
    detections, impacts = salvo(seed, number)
    tracker = Tracker(radars())
    rows = pa.concat_tables([tracker.step(frame) for frame in split_frames(detections)])
    rows = rows.filter(pa.array(np.isfinite(floats(rows["impact_lat"]))))
    at = (time_us(rows["time"]) - EPOCH_US) * 1e-6
    due = (time_us(rows["impact_time"]) - EPOCH_US) * 1e-6
    lat, lon = floats(rows["impact_lat"]), floats(rows["impact_lon"])
    # A row belongs to the missile whose impact is nearest in place and time, 20 km for 20 s.
    gap = np.array([distance_m(lat, lon, i.lat, i.lon) / 20e3 + abs(due - i.at_s) / 20.0 for i in impacts])
    owner = gap.argmin(axis=0)
    out: list[tuple] = []
    for number_of, impact in enumerate(impacts):
        left = np.where(owner == number_of, impact.at_s - at, np.inf)
        for wanted in TIMES_TO_GO_S:
            fits = np.flatnonzero((left <= wanted) & (left > wanted - LATEST_S))
            if fits.size:
                out.append((wanted, *_inside(rows, int(fits[0]), impact)))
    return np.array(out).reshape(-1, 5)


def _inside(rows: pa.Table, k: int, impact: Impact) -> tuple[float, float, float, float]:
    row = rows.slice(k, 1).to_pylist()[0]
    far = float(distance_m(row["impact_lat"], row["impact_lon"], impact.lat, impact.lon))
    course = np.radians(float(azimuth_deg(row["impact_lat"], row["impact_lon"], impact.lat, impact.lon)))
    gap = far * np.array([np.sin(course), np.cos(course)])
    cov = np.array([[row["impact_ee"], row["impact_en"]], [row["impact_en"], row["impact_nn"]]])
    small, large = np.sqrt(CHI2_90 * np.linalg.eigvalsh(cov))
    return float(gap @ np.linalg.solve(cov, gap)), large, small, far


def run(seeds: tuple[int, ...], salvos: int) -> dict[str, Any]:
    """By time to go: missiles, share inside the 90 % ellipse, median semi-axes and median distance, km."""
    found = np.concatenate([samples(seed, number) for seed in seeds for number in range(salvos)])
    out: dict[str, Any] = {"missiles": len(seeds) * salvos * TOGETHER}
    for wanted in TIMES_TO_GO_S:
        part = found[found[:, 0] == wanted]
        if len(part):
            large, small, gap = np.median(part[:, 2:], axis=0) / 1e3
            out[f"{wanted}_s_to_go"] = {
                "n": len(part),
                "inside_90": round(float((part[:, 1] < CHI2_90).mean()), 3),
                "semi_axes_km": [round(float(large), 2), round(float(small), 2)],
                "distance_km": round(float(gap), 2),
            }
    return out
