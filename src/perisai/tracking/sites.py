"""The sensors as a structure of arrays on the region plane."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perisai.geodesy import Plane, ecef_from_geodetic, plane_at, to_plane
from perisai.model import BadInputError, Sensor

from .settings import TrackerSettings

KIND = {"radar2d": 0, "radar3d": 1, "modes": 2, "remote_id": 3, "position": 4, "bearing": 5, "presence": 6}
RADAR_KINDS = 1
"""Kinds up to this number are radars."""
SIDE = 4
"""Cells along a side of the square round a sensor's coverage, of what is learnt about it by place."""
SECTORS, RINGS = 72, 32
"""Cells of a sensor's disc, of what it tells by place: sectors from north over east, rings of one width."""
MODES, REMOTE_ID, POSITION, BEARING, PRESENCE = 2, 3, 4, 5, 6


class Sites(NamedTuple):
    """n sensors: places (rad, m, ECEF m, plane m), and how each measures (m, rad, s); all float64 (n,) but kind.

    slowness: seconds a metre that what it senses needs (sound), 0 for light. clutter: false reports a scan, over the
    disc of its coverage. What is learnt of a sensor: pd_map (n, SIDE^2) detection probability by cell of its coverage;
    bias (n, 3) range m, azimuth rad and time s that its reports are too great by; widen (n,) factor on its variances.
    What it tells (`told.py`): told (n,) whether it told anything; share (n,) of its Pd that its state leaves; most_pd
    (n,) its Pd by its own word; seen (n, SECTORS) uint32 the cells of its disc that it sees, a bit a ring.
    """

    kind: np.ndarray
    lat_rad: np.ndarray
    lon_rad: np.ndarray
    ecef: np.ndarray
    east_m: np.ndarray
    north_m: np.ndarray
    alt_m: np.ndarray
    max_range_m: np.ndarray
    min_range_m: np.ndarray
    period_s: np.ndarray
    pd: np.ndarray
    clutter: np.ndarray
    sigma_m: np.ndarray
    sigma_range_m: np.ndarray
    sigma_azimuth_rad: np.ndarray
    sigma_elevation_rad: np.ndarray
    slowness: np.ndarray
    pd_map: np.ndarray
    bias: np.ndarray
    widen: np.ndarray
    told: np.ndarray
    share: np.ndarray
    most_pd: np.ndarray
    seen: np.ndarray


def region_plane(sensors: Sequence[Sensor], settings: TrackerSettings) -> Plane:
    """The plane at the given centre, else at the middle of the sensors (mean of their unit vectors)."""
    if settings.centre is not None:
        return plane_at(*settings.centre)
    lat = np.radians([s.lat for s in sensors])
    lon = np.radians([s.lon for s in sensors])
    x, y, z = np.mean([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    return plane_at(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def sites(sensors: Sequence[Sensor], plane: Plane, settings: TrackerSettings) -> Sites:
    """The arrays of the sensors, in their order. Raises BadInputError when there is none."""
    if not sensors:
        raise BadInputError("sensors", "none", "at least one sensor")

    def column(field: str) -> np.ndarray:
        return np.array([s.or_default(field) for s in sensors], dtype=np.float64)

    lat = np.array([s.lat for s in sensors], dtype=np.float64)
    lon = np.array([s.lon for s in sensors], dtype=np.float64)
    alt = np.array([s.alt_m for s in sensors], dtype=np.float64)
    east, north = to_plane(plane, lat, lon)
    ecef = np.array(
        [ecef_from_geodetic(a, o, h) for a, o, h in zip(np.radians(lat), np.radians(lon), alt, strict=True)]
    )
    pd = np.minimum(column("detection_probability"), 0.995)
    clutter = np.array([max(s.clutter_per_scan, _floor(s.kind, settings)) for s in sensors], dtype=np.float64)
    return Sites(
        np.array([KIND[s.kind] for s in sensors], dtype=np.int64),
        np.radians(lat),
        np.radians(lon),
        ecef,
        east,
        north,
        alt,
        column("max_range_m"),
        np.array([s.min_range_m for s in sensors], dtype=np.float64),
        column("period_s"),
        pd,
        clutter,
        column("sigma_m"),
        column("sigma_range_m"),
        np.radians(column("sigma_azimuth_deg")),
        np.radians(column("sigma_elevation_deg")),
        np.array([1.0 / s.delay_mps if s.delay_mps else 0.0 for s in sensors], dtype=np.float64),
        np.repeat(pd[:, None], SIDE * SIDE, axis=1),
        np.zeros((len(sensors), 3)),
        np.ones(len(sensors)),
        np.zeros(len(sensors), np.bool_),
        np.ones(len(sensors)),
        np.ones(len(sensors)),
        np.full((len(sensors), SECTORS), 0xFFFFFFFF, np.uint32),
    )


def _floor(kind: str, settings: TrackerSettings) -> float:
    """No sensor is without false reports: a file that gives 0 gets this many a scan."""
    if kind in ("modes", "remote_id"):
        return 0.01 * settings.clutter_floor
    return (0.2 if kind in ("presence", "bearing") else 1.0) * settings.clutter_floor
