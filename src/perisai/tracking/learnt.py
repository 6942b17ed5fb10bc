"""What the picture learns by place: false reports of each sensor, its detection probability, and where targets begin.

False reports: Gamma counts by cell of a sensor's coverage; detection probability: Beta counts of the looks at sure
tracks. Both begin with the sensor's own figures, worth PRIOR_SCANS scans or PRIOR_LOOKS looks, and forget. Targets that
no sensor has reported yet: a grid whose density decays where a radar looked, fills again with time, sooner where no
radar looks, and is greater where tracks have begun before (TRACKING.md 4 and 5; the "P" of PMB).
"""

import math

import numpy as np

from .bank import SCAN_BEGAN, SCAN_ID, SCAN_OPEN, Bank
from .forms import FORM_BEARING
from .sites import POSITION, RADAR_KINDS, SIDE, Sites
from .told import blind_at

GROSS_SHARE, GROSS_SIGMA_DEG = 0.2, 8.0
"""Bearings with a sigma from this on are of phones: this share of them points anywhere."""
GRID_CELL_M = 25_000.0
EVERY_S = 10.0
"""A sensor is learnt from in one scan of so many seconds, to keep it cheap."""
FORGET = 0.98
PRIOR_SCANS, PRIOR_LOOKS = 15.0, 60.0
LEAST_CROWDING, MOST_CROWDING = 0.1, 10.0
LEAST_PD = 0.05
SURE = 0.99
LATELY_SCANS = 5.5
"""A track counts for a sensor's detection probability while that sensor has reported it within so many scans."""
FILL_S = 300.0
LEAST_SHARE = 0.3
"""Share of the undetected targets that looking never takes away: those under the horizon."""
UNWATCHED = 2.0
BIRTHS = 4.0
"""Births that the even density is worth beside those seen."""


class Learnt:
    """Counts and densities as arrays, changed in place. half_m: the plane is covered from -half to half."""

    def __init__(self, sites: Sites, half_m: float, undetected_per_m2: float) -> None:
        n = sites.pd.size
        self.sites, self.half_m = sites, half_m
        self.even = undetected_per_m2
        self.side = max(1, math.ceil(2.0 * half_m / GRID_CELL_M))
        self.crowding = np.ones((n, SIDE * SIDE))
        self.false = np.zeros((n, SIDE * SIDE))
        self.scans = np.zeros(n)
        self.hits, self.looks = np.zeros((n, SIDE * SIDE)), np.zeros((n, SIDE * SIDE))
        self.due = np.full(n, -np.inf)
        self.undetected = np.full(self.side * self.side, undetected_per_m2)
        self.births = np.zeros(self.side * self.side)
        self.time = np.zeros(1)
        self.arrays = [
            self.crowding, self.false, self.scans, self.hits, self.looks, self.due, self.undetected, self.births,
            self.time,
        ]  # fmt: skip
        axis = (np.arange(self.side) + 0.5) * GRID_CELL_M - half_m
        self._east, self._north = np.tile(axis, self.side), np.repeat(axis, self.side)
        self._share = _shares_of_disc()
        watched = [self._watched(s) for s in np.flatnonzero(sites.kind <= RADAR_KINDS).tolist()]
        seen = np.logical_or.reduce(watched) if watched else np.zeros(self.side * self.side, np.bool_)
        self._rest = np.where(seen, 1.0, UNWATCHED) * undetected_per_m2

    def _watched(self, s: int) -> np.ndarray:
        """The cells of the grid well inside the coverage of sensor s."""
        reach = 0.8 * self.sites.max_range_m[s]
        return np.hypot(self._east - self.sites.east_m[s], self._north - self.sites.north_m[s]) < reach

    def cell(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """The cell of the undetected targets' grid that each place (m on the plane) lies in."""
        column = np.clip((east + self.half_m) / GRID_CELL_M, 0, self.side - 1).astype(np.int64)
        row = np.clip((north + self.half_m) / GRID_CELL_M, 0, self.side - 1).astype(np.int64)
        return row * self.side + column

    def _part(self, site: np.ndarray | int, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """The cell of the coverage of a sensor (or one each), as `coverage.cell_of` has it."""
        reach = self.sites.max_range_m[site]
        column = np.clip(0.5 * ((east - self.sites.east_m[site]) / reach + 1.0) * SIDE, 0, SIDE - 1)
        row = np.clip(0.5 * ((north - self.sites.north_m[site]) / reach + 1.0) * SIDE, 0, SIDE - 1)
        return row.astype(np.int64) * SIDE + column.astype(np.int64)

    def at(
        self, site: np.ndarray, form: np.ndarray, var: np.ndarray, east: np.ndarray, north: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(false reports a scan, undetected targets per m2) as they are at the places of detections (n,)."""
        clutter = self.sites.clutter[site] * self.crowding[site, self._part(site, east, north)]
        phone = (form == FORM_BEARING) & (var[:, 1] >= math.radians(GROSS_SIGMA_DEG) ** 2)
        if phone.any():
            clutter[phone] = (clutter[phone] + GROSS_SHARE * self.sites.pd[site[phone]]) / (1.0 - GROSS_SHARE)
        return clutter, self.undetected[self.cell(east, north)]

    def learn(self, bank: Bank, used: int, before: np.ndarray, after: np.ndarray, now_s: float) -> None:
        """Fold the scans that closed in a beat; before, after: what was known of each sensor's scan (`beat`)."""
        changed = before[:, SCAN_ID] != after[:, SCAN_ID]
        at_once = changed & (after[:, SCAN_OPEN] == 0.0)
        closed = at_once | ((before[:, SCAN_OPEN] > 0.0) & (changed | (after[:, SCAN_OPEN] == 0.0)))
        kind = self.sites.kind
        for s in np.flatnonzero(closed & (now_s >= self.due) & ((kind <= RADAR_KINDS) | (kind == POSITION))).tolist():
            began = float(after[s, SCAN_BEGAN] if at_once[s] else before[s, SCAN_BEGAN])
            self.due[s] = now_s + EVERY_S
            self._scan(bank, used, s, began)
            if kind[s] <= RADAR_KINDS:
                self._look(s)
        dt = now_s - self.time[0]
        if dt >= EVERY_S:
            rest = self._rest * (BIRTHS + self.births) / (BIRTHS + self.births.mean())
            self.undetected += (rest - self.undetected) * (1.0 - math.exp(-dt / FILL_S))
            self.births *= math.exp(-dt / 86_400.0)
            self.time[0] = now_s

    def begun(self, east: np.ndarray, north: np.ndarray) -> None:
        """Tracks were made public for the first time at these places (m on the plane)."""
        np.add.at(self.births, self.cell(east, north), 1.0)

    def _scan(self, bank: Bank, used: int, s: int, began: float) -> None:
        ring = bank.ring_sensor[:used] == s
        alive = bank.alive[:used]
        new = np.flatnonzero(alive & ring[:, 0] & (bank.born[:used] >= began) & (bank.hits[:used] == 1))
        sure = np.flatnonzero(alive & bank.confirmed[:used] & (bank.r[:used] > SURE) & ring.any(axis=1))
        for table in (self.false, self.hits, self.looks):
            table[s] *= FORGET
        self.scans[s] = FORGET * self.scans[s] + 1.0
        if new.size:
            np.add.at(self.false[s], self._part(s, bank.x[new, 0, 0], bank.x[new, 0, 1]), 1.0 - bank.r[new])
        if sure.size:
            hit = np.where(ring[sure], bank.ring_hit[sure], -np.inf).max(axis=1)
            lately = hit >= began - LATELY_SCANS * self.sites.period_s[s]
            sure, hit = sure[lately], hit[lately] >= began
            part = self._part(s, bank.x[sure, 0, 0], bank.x[sure, 0, 1])
            np.add.at(self.looks[s], part, 1.0)
            np.add.at(self.hits[s], part[hit], 1.0)
        usual = PRIOR_SCANS * self.sites.clutter[s] * self._share
        expected = (PRIOR_SCANS + self.scans[s]) * self.sites.clutter[s] * self._share
        # A cell that hardly any clutter falls into learns as slowly as one in which one false report was expected.
        self.crowding[s] = np.clip((usual + self.false[s] + 1.0) / (expected + 1.0), LEAST_CROWDING, MOST_CROWDING)
        pd = (PRIOR_LOOKS * self.sites.pd[s] + self.hits[s]) / (PRIOR_LOOKS + self.looks[s])
        # No more than the sensor is said to have: what is counted are tracks that hold, and those it sees too well.
        self.sites.pd_map[s] = np.clip(pd, LEAST_PD, self.sites.pd[s])

    def _look(self, s: int) -> None:
        inside = self._watched(s) & ~blind_at(self.sites, s, self._east, self._north)
        left = self.undetected[inside] * (1.0 - 0.5 * self.sites.share[s] * self.sites.pd[s])
        self.undetected[inside] = np.maximum(left, LEAST_SHARE * self.even)


def _shares_of_disc() -> np.ndarray:
    """The share of a disc's area in each cell of the square round it."""
    axis = (np.arange(400) + 0.5) / 200.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    inside = x * x + y * y < 1.0
    cell = np.minimum((0.5 * (y + 1.0) * SIDE).astype(int), SIDE - 1) * SIDE
    cell += np.minimum((0.5 * (x + 1.0) * SIDE).astype(int), SIDE - 1)
    return np.bincount(cell[inside], minlength=SIDE * SIDE) / inside.sum()
