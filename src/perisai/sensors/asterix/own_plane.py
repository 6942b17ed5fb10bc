"""Positions in a system's own plane: x east, y north of where the system stands."""

from collections.abc import Mapping

import numpy as np

from perisai.geodesy import destination
from perisai.model import Sensor


def places(
    told: tuple[np.ndarray, np.ndarray],
    plane: tuple[np.ndarray, np.ndarray],
    sources: np.ndarray,
    sensors: Mapping[str, Sensor],
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude, degrees (n,): as told where they are, else of x and y, m, from the place of the source.

    NaN where neither is known. sources: names of the systems (n,); those that `sensors` does not have place nothing.
    """
    (lat, lon), (x, y) = told, plane
    flat = (np.isnan(lat) | np.isnan(lon)) & ~np.isnan(x) & ~np.isnan(y)
    for source in set(sources[flat]):
        sensor = sensors.get(source)
        if sensor is not None:
            own = flat & (sources == source)
            azimuth, distance = np.degrees(np.arctan2(x[own], y[own])), np.hypot(x[own], y[own])
            lat[own], lon[own] = destination(sensor.lat, sensor.lon, azimuth, distance)
    return lat, lon
