"""A wide area's feed: 30 radars of different periods, 2,000 reports/s, 4,000 targets; the load published for ARTAS."""

import math

import numpy as np

from perisai.geodesy import destination, ecef_from_geodetic, enu_from_ecef_offset, kernel
from perisai.model import Frame, Sensor, build, split_frames

from .targets import EPOCH_US

TARGETS = 4_000
SIDE_M = 600_000.0
CORNER = (46.5, 27.5)


@kernel
def _look(lat0, lon0, alt0, lat, lon, alt, out):
    """Slant range m, azimuth deg, elevation deg (n, 3) of places (rad, m) from a sensor."""
    x0, y0, z0 = ecef_from_geodetic(lat0, lon0, alt0)
    for i in range(lat.size):
        x, y, z = ecef_from_geodetic(lat[i], lon[i], alt[i])
        e, n, u = enu_from_ecef_offset(lat0, lon0, x - x0, y - y0, z - z0)
        out[i, 0] = math.sqrt(e * e + n * n + u * u)
        out[i, 1] = math.degrees(math.atan2(e, n)) % 360.0
        out[i, 2] = math.degrees(math.atan2(u, math.hypot(e, n)))


def feed(seconds: float, seed: int, lap_s: float | None = None) -> tuple[list[Sensor], list[Frame]]:
    """The sensors, and the one-second frames of what they report of targets that fly straight; with `lap_s` in
    circles of that time, so that the feed can be played over and over."""
    rng = np.random.default_rng(seed)
    sensors = []
    for k in range(30):
        lat, lon = destination(*CORNER, 0.0, SIDE_M * (k // 6 + 0.5) / 5)
        lat, lon = destination(lat, lon, 90.0, SIDE_M * (k % 6 + 0.5) / 6)
        period = (6.0, 10.0, 12.0)[k % 3]
        sensors.append(
            Sensor(
                id=f"r{k:02}", kind="radar3d", lat=float(lat), lon=float(lon), alt_m=100.0, max_range_m=150e3,
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
            # Where the beam meets each target: its azimuth as the scan begins says when, and where it is by then.
            polar = np.empty((TARGETS, 3))
            at = np.full(TARGETS, begin)
            for _ in range(2):
                turned, gone = (0.0, speed * at) if lap_s is None else (360.0 / lap_s * at, speed * lap_s / math.tau)
                lat, lon = (np.radians(part) for part in destination(lat0, lon0, heading + turned, gone))
                _look(np.radians(sensor.lat), np.radians(sensor.lon), 100.0, lat, lon, height, polar)
                at = begin + polar[:, 1] / 360.0 * period
            seen = (polar[:, 0] < 148e3) & (polar[:, 2] > 0.0) & (rng.random(TARGETS) < 0.9)
            slant, azimuth, tilt = polar[seen].T
            n, m = slant.size, rng.poisson(20)
            clutter = rng.uniform(0, 360, m)
            turn = np.concatenate([azimuth, clutter])
            columns["time"].append(EPOCH_US + np.round((begin + turn / 360.0 * period) * 1e6).astype(np.int64))
            columns["sensor"].append(np.full(n + m, number))
            columns["scan"].append(np.full(n + m, scan))
            columns["range"].append(np.concatenate([slant + rng.normal(0, 60, n), rng.uniform(2e3, 148e3, m)]))
            columns["azimuth"].append(np.concatenate([azimuth + rng.normal(0, 0.08, n), clutter]))
            tilt = tilt + rng.normal(0, 0.2, n)
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
