"""The default network of sensors over any areas: radars, receivers of Mode S, ears and citizens."""

import numpy as np
import shapely

from perisai.geodesy import from_plane, plane_at, to_plane
from perisai.model import SOUND_MPS, Areas, Sensor

OWNER = "default network"
RADAR_SPACING_M = 150e3
RECEIVER_SPACING_M = 350e3
EAR_SPACING_M = 24e3
BORDER_BAND_M = 30e3
CITIZENS = 400


def default_network(areas: Areas) -> list[Sensor]:
    """Sensors spread over the areas; the same areas give the same sensors.

    Radars every 150 km, by turns 2-D (250 km, 10 s) and 3-D (200 km, 6 s), antennas at 30 m. Mode S receivers every
    350 km. Ears (presence) every 24 km, and every 12 km within 30 km of the outline. A citizen's bearings from each of
    the 400 most populous areas. Hexagonal grids on the region's plane.
    """
    plane = plane_at(float(np.mean(areas.lat)), float(np.mean(areas.lon)))
    ground = shapely.union_all(areas.geometry, grid_size=1e-4)
    ground = shapely.transform(ground, lambda lonlat: np.column_stack(to_plane(plane, lonlat[:, 1], lonlat[:, 0])))
    ground = ground.simplify(1e3).buffer(3e3).buffer(-3e3)
    sensors: list[Sensor] = []

    def place(points: np.ndarray) -> list[tuple[float, float]]:
        lat, lon = from_plane(plane, points[:, 0], points[:, 1])
        return [(round(float(a), 5), round(float(o), 5)) for a, o in zip(lat, lon, strict=True)]

    for i, (lat, lon) in enumerate(place(_hexagons(ground, RADAR_SPACING_M)), start=1):
        sensors.append(_radar(i, lat, lon))
    for i, (lat, lon) in enumerate(place(_hexagons(ground, RECEIVER_SPACING_M)), start=1):
        sensors.append(
            Sensor(
                id=f"modes-{i:02d}",
                kind="modes",
                lat=lat,
                lon=lon,
                alt_m=50.0,
                owner=OWNER,
                max_range_m=400e3,
                period_s=5.0,
                detection_probability=0.9,
                sigma_m=50.0,
            )
        )
    points = _hexagons(ground, EAR_SPACING_M / 2.0)
    coarse = _hexagons(ground, EAR_SPACING_M)
    inside = shapely.contains_xy(ground.buffer(-BORDER_BAND_M), points)
    points = np.vstack([points[~inside], coarse[shapely.contains_xy(ground.buffer(-BORDER_BAND_M), coarse)]])
    for i, (lat, lon) in enumerate(place(points), start=1):
        sensors.append(_ear(i, lat, lon))
    for i, area in enumerate(sorted(np.argsort(-areas.population, kind="stable")[:CITIZENS]), start=1):
        sensors.append(_citizen(i, float(areas.lat[area]), float(areas.lon[area])))
    return sensors


def _hexagons(ground: shapely.Geometry, spacing_m: float) -> np.ndarray:
    """Points (n, 2) of a hexagonal grid inside the ground; the middle of its box where none is."""
    west, south, east, north = ground.bounds
    rows = np.arange(south + spacing_m / 3, north, spacing_m * np.sqrt(0.75))
    points = np.vstack(
        [
            np.column_stack([x, np.full(len(x), y)])
            for k, y in enumerate(rows)
            for x in [np.arange(west + spacing_m * (0.25 + 0.5 * (k % 2)), east, spacing_m)]
        ]
        or [np.empty((0, 2))]
    )
    inside = points[shapely.contains_xy(ground, points)]
    return inside if len(inside) else np.array([[(west + east) / 2, (south + north) / 2]])


def _radar(i: int, lat: float, lon: float) -> Sensor:
    if i % 2:
        return Sensor(
            id=f"radar2d-{i:02d}",
            kind="radar2d",
            lat=lat,
            lon=lon,
            alt_m=30.0,
            owner=OWNER,
            max_range_m=250e3,
            min_range_m=1e3,
            period_s=10.0,
            detection_probability=0.85,
            clutter_per_scan=4.0,
            sigma_range_m=80.0,
            sigma_azimuth_deg=0.15,
        )
    return Sensor(
        id=f"radar3d-{i:02d}",
        kind="radar3d",
        lat=lat,
        lon=lon,
        alt_m=30.0,
        owner=OWNER,
        max_range_m=200e3,
        min_range_m=500.0,
        period_s=6.0,
        detection_probability=0.9,
        clutter_per_scan=2.0,
        sigma_range_m=50.0,
        sigma_azimuth_deg=0.2,
        sigma_elevation_deg=0.3,
    )


def _ear(i: int, lat: float, lon: float) -> Sensor:
    return Sensor(
        id=f"ear-{i:04d}",
        kind="presence",
        lat=lat,
        lon=lon,
        owner=OWNER,
        max_range_m=5e3,
        period_s=10.0,
        detection_probability=0.8,
        clutter_per_scan=0.0005,
        sigma_m=2500.0,
        delay_mps=SOUND_MPS,
    )


def _citizen(i: int, lat: float, lon: float) -> Sensor:
    return Sensor(
        id=f"citizen-{i:03d}",
        kind="bearing",
        lat=lat,
        lon=lon,
        owner=OWNER,
        max_range_m=4e3,
        period_s=30.0,
        detection_probability=0.3,
        clutter_per_scan=0.001,
        sigma_azimuth_deg=12.0,
        delay_mps=SOUND_MPS,
    )
