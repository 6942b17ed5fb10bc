"""What the picture learns by place: false reports of each sensor, its detection probability, and where targets begin.

False reports: Gamma counts by cell of a sensor's coverage; detection probability: Beta counts of the looks at sure
tracks. Both begin with the sensor's own figures, worth PRIOR_SCANS scans or PRIOR_LOOKS looks, and forget. Targets that
no sensor has reported yet: a grid whose density decays where a radar looked and fills again (TRACKING.md 4 and 5).
"""

import math

import numpy as np

from .forms import FORM_BEARING
from .sites import SIDE, Sites

GROSS_SHARE, GROSS_SIGMA_DEG = 0.2, 8.0
"""Bearings with a sigma from this on are of phones: this share of them points anywhere."""
GRID_CELL_M = 25_000.0


class Learnt:
    """Counts and densities as arrays, changed in place. half_m: the plane is covered from -half to half."""

    def __init__(self, sites: Sites, half_m: float, undetected_per_m2: float) -> None:
        n = sites.pd.size
        self.side = max(1, math.ceil(2.0 * half_m / GRID_CELL_M))
        self.half_m = half_m
        self.crowding = np.ones((n, SIDE * SIDE))
        self.undetected = np.full(self.side * self.side, undetected_per_m2)
        self.arrays = [self.crowding, self.undetected]

    def cell(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """The cell of the undetected targets' grid that each place (m on the plane) lies in."""
        column = np.clip((east + self.half_m) / GRID_CELL_M, 0, self.side - 1).astype(np.int64)
        row = np.clip((north + self.half_m) / GRID_CELL_M, 0, self.side - 1).astype(np.int64)
        return row * self.side + column

    def at(
        self, site: np.ndarray, form: np.ndarray, var: np.ndarray, east: np.ndarray, north: np.ndarray, sites: Sites
    ) -> tuple[np.ndarray, np.ndarray]:
        """(false reports a scan, undetected targets per m2) as they are at the places of detections (n,)."""
        reach = sites.max_range_m[site]
        column = np.clip(0.5 * ((east - sites.east_m[site]) / reach + 1.0) * SIDE, 0, SIDE - 1).astype(np.int64)
        row = np.clip(0.5 * ((north - sites.north_m[site]) / reach + 1.0) * SIDE, 0, SIDE - 1).astype(np.int64)
        clutter = sites.clutter[site] * self.crowding[site, row * SIDE + column]
        phone = (form == FORM_BEARING) & (var[:, 1] >= math.radians(GROSS_SIGMA_DEG) ** 2)
        if phone.any():
            clutter[phone] = (clutter[phone] + GROSS_SHARE * sites.pd[site[phone]]) / (1.0 - GROSS_SHARE)
        return clutter, self.undetected[self.cell(east, north)]
