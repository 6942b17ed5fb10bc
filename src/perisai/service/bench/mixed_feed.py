"""A wide area's feed: 30 radars of different periods, 2,000 reports/s, 4,000 targets; the load published for ARTAS."""

import numpy as np

from perisai.geodesy import azimuth_deg, destination, distance_m
from perisai.model import Frame, Sensor, build, split_frames

from .targets import EPOCH_US

TARGETS = 4_000
SIDE_M = 600_000.0
CORNER = (46.5, 27.5)


def feed(seconds: float, seed: int) -> tuple[list[Sensor], list[Frame]]:
    """The sensors, and the one-second frames of what they report of targets that fly straight."""
    rng = np.random.default_rng(seed)
    sensors = []
    for k in range(30):
        lat, lon = destination(*CORNER, 0.0, SIDE_M * (k // 6 + 0.5) / 5)
        lat, lon = destination(lat, lon, 90.0, SIDE_M * (k % 6 + 0.5) / 6)
        period = (6.0, 10.0, 12.0)[k % 3]
        sensors.append(
            Sensor(
                id=f"r{k:02}", kind="radar3d", lat=float(lat), lon=float(lon), alt_m=100.0, max_range_m=140e3,
                period_s=period, detection_probability=0.9, clutter_per_scan=20.0,
            )
        )  # fmt: skip
    lat0, lon0 = destination(*CORNER, 0.0, rng.uniform(0, SIDE_M, TARGETS))
    lat0, lon0 = destination(lat0, lon0, 90.0, rng.uniform(0, SIDE_M, TARGETS))
    heading, speed = rng.uniform(0, 360, TARGETS), rng.uniform(50, 250, TARGETS)
    height = rng.uniform(3_000, 11_000, TARGETS)
    columns: dict[str, list] = {name: [] for name in ("time", "sensor", "scan", "range", "azimuth", "elevation")}
    for number, sensor in enumerate(sensors):
        period = sensor.period_s or 10.0
        for scan in range(int(seconds / period) + 1):
            begin = scan * period + 0.1 * number
            lat, lon = destination(lat0, lon0, heading, speed * begin)
            ground = np.asarray(distance_m(sensor.lat, sensor.lon, lat, lon))
            seen = (ground < 130e3) & (rng.random(TARGETS) < 0.9)
            azimuth = np.asarray(azimuth_deg(sensor.lat, sensor.lon, lat, lon))[seen] % 360.0
            ground, up = ground[seen], height[seen] - 100.0
            # Height over the sensor's tangent plane, and the slant range (mean sphere; the bias is metres).
            rise = up - ground * ground / (2.0 * 6_371_008.8)
            slant = np.hypot(ground, rise)
            n, m = slant.size, rng.poisson(20)
            clutter = rng.uniform(0, 360, m)
            turn = np.concatenate([azimuth, clutter])
            columns["time"].append(EPOCH_US + np.round((begin + turn / 360.0 * period) * 1e6).astype(np.int64))
            columns["sensor"].append(np.full(n + m, number))
            columns["scan"].append(np.full(n + m, scan))
            columns["range"].append(np.concatenate([slant + rng.normal(0, 60, n), rng.uniform(2e3, 130e3, m)]))
            columns["azimuth"].append(np.concatenate([azimuth + rng.normal(0, 0.08, n), clutter]))
            tilt = np.degrees(np.arctan2(rise, ground)) + rng.normal(0, 0.2, n)
            columns["elevation"].append(np.concatenate([tilt, rng.uniform(0, 10, m)]))
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(whole["time"], kind="stable")
    order = order[whole["time"][order] < EPOCH_US + round(seconds * 1e6)]
    names = [sensors[k].id for k in whole["sensor"][order]]
    time = whole["time"][order]
    table = build(
        "detections",
        {
            "time": time, "received": time, "sensor": names, "scan": whole["scan"][order],
            "range_m": whole["range"][order], "azimuth_deg": whole["azimuth"][order] % 360.0,
            "elevation_deg": whole["elevation"][order], "sigma_range_m": np.full(time.size, 60.0),
            "sigma_azimuth_deg": np.full(time.size, 0.08), "sigma_elevation_deg": np.full(time.size, 0.2),
        },
    )  # fmt: skip
    return sensors, list(split_frames(table))
