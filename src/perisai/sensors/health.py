"""What a sensor says of itself: its state, and where it can see."""

from typing import Literal

import msgspec
import numpy as np

from perisai.geodesy import azimuth_deg, distance_m

HealthState = Literal["ok", "degraded", "failed", "off"]
"""`off`: it took its leave, or was not heard for too long."""


class Cone(msgspec.Struct, frozen=True, kw_only=True):
    """A sector around the sensor: from north over east, degrees and metres; an extent of 360 is the whole circle."""

    azimuth_deg: float = 0.0
    extent_deg: float = 360.0
    range_m: float | None = None


class Polygon(msgspec.Struct, frozen=True):
    """A region on the ground by its corners (lat, lon), degrees."""

    corners: tuple[tuple[float, float], ...]


class PdMap(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sensor detects, and how likely: one of `sees`, and none of `hidden`. Places in degrees."""

    lat: float
    lon: float
    pd: float
    sees: tuple[Cone | Polygon, ...] = ()
    hidden: tuple[Cone | Polygon, ...] = ()

    def at(self, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        """Detection probability at places (n,), degrees; a sensor that names no region sees everywhere."""
        inside = np.zeros(lat.shape, bool) if self.sees else np.ones(lat.shape, bool)
        for region in self.sees:
            inside |= self._within(region, lat, lon)
        for region in self.hidden:
            inside &= ~self._within(region, lat, lon)
        return np.where(inside, self.pd, 0.0)

    def _within(self, region: Cone | Polygon, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        if isinstance(region, Polygon):
            return _in_polygon(np.array(region.corners), lat, lon)
        turned = np.asarray(azimuth_deg(self.lat, self.lon, lat, lon)) - region.azimuth_deg
        inside = np.abs((turned + 180.0) % 360.0 - 180.0) <= region.extent_deg / 2.0
        if region.range_m is not None:
            inside &= np.asarray(distance_m(self.lat, self.lon, lat, lon)) <= region.range_m
        return inside


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a sensor on itself. time_us: microseconds since 1970 UTC. coverage: when it was told anew."""

    sensor: str
    time_us: int
    state: HealthState
    detail: str = ""
    coverage: PdMap | None = None


def _in_polygon(corners: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Even-odd rule; corners (m, 2) as lat, lon. The region is small and does not lie across the date line."""
    inside = np.zeros(lat.shape, bool)
    for (lat1, lon1), (lat2, lon2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if lat1 == lat2:
            continue
        crosses = (lat1 > lat) != (lat2 > lat)
        inside ^= crosses & (lon < lon1 + (lat - lat1) / (lat2 - lat1) * (lon2 - lon1))
    return inside
