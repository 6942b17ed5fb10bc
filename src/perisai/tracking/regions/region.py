"""A tracker region: a box of the map, and how far beyond it its tracker looks."""

import re
from collections.abc import Sequence

import msgspec
import numpy as np

METRES_A_DEGREE = 111_195.0
"""Of latitude, on the mean sphere."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z")


class TrackerRegion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[tracker_region]]`: a box with a tracker of its own.

    id: its place on the bus and in the metrics. south, west, north, east: degrees; with west above east it lies across
    the antimeridian. What lies in no box belongs to the nearest. overlap_km: how far beyond its box its tracker takes
    detections, so that a track is known on both sides before it crosses; more than an object flies in a minute.
    """

    id: str
    south: float
    west: float
    north: float
    east: float
    overlap_km: float = 60.0

    def __post_init__(self) -> None:
        """Raises ValueError naming the field at fault."""
        if not _NAME.match(self.id):
            raise ValueError(f"id: `{self.id}`; expected letters, digits, - and _, at most 32")
        if not -90.0 <= self.south < self.north <= 90.0:
            raise ValueError(f"south: {self.south} with north {self.north}; expected south below north, -90 to 90")
        for name in ("west", "east"):
            if not -180.0 <= getattr(self, name) <= 180.0:
                raise ValueError(f"{name}: {getattr(self, name)}; expected -180 to 180")
        if self.west == self.east:
            raise ValueError(f"west: {self.west}, as east; expected a box with a width")
        if not 1.0 <= self.overlap_km <= 1000.0:
            raise ValueError(f"overlap_km: {self.overlap_km}; expected 1 to 1000")

    @property
    def centre(self) -> tuple[float, float]:
        """Latitude and longitude of its middle, degrees."""
        return 0.5 * (self.south + self.north), (self.west + 0.5 * self._width + 180.0) % 360.0 - 180.0

    @property
    def _width(self) -> float:
        return (self.east - self.west) % 360.0 or 360.0

    def beyond_m(self, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        """How far places (degrees, any equal shape) lie outside the box, m: 0 inside; exact enough for an overlap."""
        middle_lat, middle_lon = self.centre
        north = np.maximum(abs(lat - middle_lat) - 0.5 * (self.north - self.south), 0.0)
        aside = np.maximum(abs((lon - middle_lon + 180.0) % 360.0 - 180.0) - 0.5 * self._width, 0.0)
        return METRES_A_DEGREE * np.hypot(north, aside * np.cos(np.radians(np.clip(lat, -90.0, 90.0))))


def beyond_all(regions: Sequence[TrackerRegion], lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """`beyond_m` of each region, (regions, places); an unknown place lies in the first."""
    out = np.stack([region.beyond_m(lat, lon) for region in regions])
    unknown = ~np.isfinite(out).all(axis=0)
    out[:, unknown] = np.inf
    out[0, unknown] = 0.0
    return out


def homes(beyond_m: np.ndarray) -> np.ndarray:
    """The region that each place of (regions, places) belongs to: the first it lies in, else the nearest."""
    return beyond_m.argmin(axis=0)
