"""A falling object as a sensor sees it: which plots are its own, and how a plot lies beside its state in ECEF."""

import math

import numpy as np

from perisai.geodesy import Plane, ecef_from_geodetic, geodetic_from_plane

from .bank import Bank
from .detections import Detections
from .forms import FORM_PLANE, FORM_POLAR
from .sites import Sites


def _axes(lat_rad: float, lon_rad: float) -> np.ndarray:
    """East, north and up as rows in ECEF (3, 3)."""
    sa, ca, so, co = math.sin(lat_rad), math.cos(lat_rad), math.sin(lon_rad), math.cos(lon_rad)
    return np.array([[-so, co, 0.0], [-sa * co, -sa * so, ca], [ca * co, ca * so, sa]])


def beside(
    sites: Sites, plane: Plane, mean: np.ndarray, d: Detections, j: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residual (k,), its slope (k, 7) and noise (k, k) of a plot beside a state; none where it says no height."""
    if d.form[j] == FORM_PLANE and d.mask[j, 2]:
        lat, lon = geodetic_from_plane(plane, d.z[j, 0], d.z[j, 1])
        slope = np.zeros((3, 7))
        slope[:, :3] = _axes(lat, lon)
        place = np.array(ecef_from_geodetic(lat, lon, d.z[j, 2]))
        return slope[:, :3] @ (place - mean[:3]), slope, np.diag(d.var[j, :3])
    if d.form[j] != FORM_POLAR:
        return np.empty(0), np.empty((0, 7)), np.empty((0, 0))
    s = int(d.sensor[j])
    axes = _axes(sites.lat_rad[s], sites.lon_rad[s])
    local, speed = axes @ (mean[:3] - sites.ecef[s]), axes @ mean[3:6]
    e, n, u = local
    ground2 = e * e + n * n
    ground, rho = math.sqrt(ground2), math.sqrt(ground2 + u * u)
    toward = local / rho
    rate = float(toward @ speed)
    seen = np.array([rho, math.atan2(e, n), math.atan2(u, ground), rate])
    rows = np.zeros((4, 6))
    rows[0, :3] = toward
    rows[1, :3] = (n / ground2, -e / ground2, 0.0)
    rows[2, :3] = (-u * e / (ground * rho**2), -u * n / (ground * rho**2), ground / rho**2)
    rows[3, :3] = (speed - rate * toward) / rho
    rows[3, 3:] = toward
    given = np.flatnonzero(d.mask[j, :4])
    residual = d.z[j, given] - seen[given]
    residual[given == 1] = math.remainder(float(residual[given == 1][0]), 2.0 * math.pi)
    slope = np.zeros((given.size, 7))
    slope[:, :3] = rows[given, :3] @ axes
    slope[:, 3:6] = rows[given, 3:] @ axes
    return residual, slope, np.diag(d.var[j, given])


def plots_of(d: Detections, bank: Bank, slot: int) -> list[int]:
    """The detections of this beat that the tracker gave to a track, in order of time."""
    out: list[int] = []
    for s, t in zip(bank.ring_sensor[slot].tolist(), bank.ring_hit[slot].tolist(), strict=True):
        found = np.flatnonzero((d.sensor == s) & (d.t == t)) if s >= 0 else np.empty(0, np.int64)
        if found.size > 1:
            place = bank.x[slot, 0, :2]
            found = found[[np.hypot(d.east_m[found] - place[0], d.north_m[found] - place[1]).argmin()]]
        out += found.tolist()
    return sorted(out, key=lambda j: float(d.t[j]))
