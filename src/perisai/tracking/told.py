"""What sensors tell of themselves, as the tracker reckons with it: where each can see now, and how well.

SAPIENT status reports, ASTERIX status messages and silence come as `SensorHealth` in the frames. What a sensor cannot
see does not speak against a track there; what it reports all the same is taken as before.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from perisai.geodesy import Plane, azimuth_deg, distance_m, from_plane
from perisai.model import Cone, PdMap, Polygon, SensorHealth

from .sites import RINGS, SECTORS, Sites

SHARES = {"ok": 1.0, "degraded": 0.5, "failed": 0.0, "off": 0.0}
"""What is left of the detection probability in each state. Degraded: nobody says by how much; a half lets what the
sensor reports count, and its silence for little."""

CORNERS = 3
"""A cell is seen where all of CORNERS x CORNERS places of it are: its silence counts where it surely looks."""


EDGE = 0.02
"""How far inside its edges a cell is looked at, as a share of it: a region that ends with a cell holds it."""


def known(told: Sequence[SensorHealth], index: Mapping[str, int], rejects: Counter[str]) -> tuple[SensorHealth, ...]:
    """What is told of sensors that are known here; the rest is counted."""
    ours = tuple(health for health in told if health.sensor in index)
    if len(ours) < len(told):
        rejects["health_of_unknown_sensor"] += len(told) - len(ours)
    return ours


def hear(told: Iterable[SensorHealth], index: Mapping[str, int], sites: Sites, plane: Plane) -> None:
    """Take over the reports in place, one after another. index: the sensors' numbers; each report names one of them."""
    for health in told:
        s = index[health.sensor]
        sites.told[s] = True
        sites.share[s] = SHARES[health.state]
        if health.coverage is not None:
            pd = health.coverage.pd
            sites.most_pd[s] = 1.0 if pd is None else pd
            sites.seen[s] = seen_cells(health.coverage, s, sites, plane)


def seen_cells(coverage: PdMap, s: int, sites: Sites, plane: Plane) -> np.ndarray:
    """The cells of sensor s's disc that it sees whole, (SECTORS,) uint32, a bit a ring from the inside."""
    inner = np.linspace(EDGE, 1.0 - EDGE, CORNERS)
    turn = 2.0 * math.pi / SECTORS * (np.arange(SECTORS)[:, None, None, None] + inner[None, None, :, None])
    out = sites.max_range_m[s] / RINGS * (np.arange(RINGS)[None, :, None, None] + inner[None, None, None, :])
    east, north = sites.east_m[s] + out * np.sin(turn), sites.north_m[s] + out * np.cos(turn)
    lat, lon = from_plane(plane, east.ravel(), north.ravel())
    whole = sees(coverage, np.asarray(lat), np.asarray(lon)).reshape(east.shape).all(axis=(2, 3))
    return (whole.astype(np.uint32) << np.arange(RINGS, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)


def sees(coverage: PdMap, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Whether places (n,), degrees, lie where the sensor says it sees, bool (n,)."""
    inside = np.zeros(lat.shape, bool) if coverage.sees else np.ones(lat.shape, bool)
    for region in coverage.sees:
        inside |= _within(coverage, region, lat, lon)
    for region in coverage.hidden:
        inside &= ~_within(coverage, region, lat, lon)
    return inside


def blind_at(sites: Sites, s: int, east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Whether sensor s said it cannot see places of the plane (n,), as `coverage.blind` has it, bool (n,)."""
    if not sites.told[s]:
        return np.zeros(east.shape, bool)
    if sites.share[s] <= 0.0:
        return np.ones(east.shape, bool)
    de, dn = east - sites.east_m[s], north - sites.north_m[s]
    ring = np.minimum((np.hypot(de, dn) / sites.max_range_m[s] * RINGS).astype(np.int64), RINGS - 1)
    sector = (np.arctan2(de, dn) % (2.0 * math.pi) / (2.0 * math.pi) * SECTORS).astype(np.int64) % SECTORS
    return (sites.seen[s][sector] >> ring.astype(np.uint32)) & np.uint32(1) == 0


def _within(coverage: PdMap, region: Cone | Polygon, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    if isinstance(region, Polygon):
        return _in_polygon(np.array(region.corners), lat, lon)
    turned = np.asarray(azimuth_deg(coverage.lat, coverage.lon, lat, lon)) - region.azimuth_deg
    inside = np.abs((turned + 180.0) % 360.0 - 180.0) <= region.extent_deg / 2.0
    if region.range_m is not None:
        inside &= np.asarray(distance_m(coverage.lat, coverage.lon, lat, lon)) <= region.range_m
    return inside


def _in_polygon(corners: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Even-odd rule; corners (m, 2) as lat, lon. The region is small and does not lie across the date line."""
    inside = np.zeros(lat.shape, bool)
    for (lat1, lon1), (lat2, lon2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if lat1 == lat2:
            continue
        crosses = (lat1 > lat) != (lat2 > lat)
        inside ^= crosses & (lon < lon1 + (lat - lat1) / (lat2 - lat1) * (lon2 - lon1))
    return inside
