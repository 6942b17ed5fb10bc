"""What the picture learns by place: false reports of each sensor, its detection probability, and where targets begin.

False reports: Gamma counts by cell of a sensor's coverage; detection probability: Beta counts of the looks at sure
tracks. Both begin with the sensor's own figures, worth PRIOR_SCANS scans or PRIOR_LOOKS looks, and forget. Targets that
no sensor has reported yet: a grid whose density decays where a radar looked, fills again with time, sooner where no
radar looks, and is greater where tracks have begun before (TRACKING.md 4 and 5; the "P" of PMB).
"""

import math

import numpy as np

from perisai.kernels import loop

from .bank import SCAN_BEGAN, SCAN_ID, SCAN_OPEN, Bank
from .coverage import cell_of
from .forms import FORM_BEARING
from .settings import RING
from .sites import POSITION, RADAR_KINDS, SIDE, Sites
from .snapshot import Kept
from .told import blind_at

GROSS_SHARE, GROSS_SIGMA_RAD = 0.2, math.radians(8.0)
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
        self.taught = np.flatnonzero((sites.kind <= RADAR_KINDS) | (sites.kind == POSITION))
        """The sensors whose scans are learnt from."""
        self._counts = (self.crowding, self.false, self.scans, self.hits, self.looks)
        self.kept = Kept(*self._counts, self.due, self.undetected, self.births, self.time, sites.pd_map)
        axis = (np.arange(self.side) + 0.5) * GRID_CELL_M - half_m
        self._east, self._north = np.tile(axis, self.side), np.repeat(axis, self.side)
        self._share = _shares_of_disc()
        radars = np.flatnonzero(sites.kind <= RADAR_KINDS).tolist()
        self._inside = {s: np.flatnonzero(self._watched(s)) for s in radars}
        seen = np.zeros(self.side * self.side, np.bool_)
        for cells in self._inside.values():
            seen[cells] = True
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

    def learn(self, bank: Bank, used: int, before: np.ndarray, after: np.ndarray, now_s: float) -> None:
        """Fold the scans that closed in a beat; before, after: what was known of the scans of `taught` (`beat`)."""
        changed = before[:, SCAN_ID] != after[:, SCAN_ID]
        at_once = changed & (after[:, SCAN_OPEN] == 0.0)
        closed = at_once | ((before[:, SCAN_OPEN] > 0.0) & (changed | (after[:, SCAN_OPEN] == 0.0)))
        for k in np.flatnonzero(closed & (now_s >= self.due[self.taught])).tolist():
            s = int(self.taught[k])
            began = float(after[k, SCAN_BEGAN] if at_once[k] else before[k, SCAN_BEGAN])
            self.due[s] = now_s + EVERY_S
            _scan(bank, used, s, began, self.sites, self._share, *self._counts)
            if self.sites.kind[s] <= RADAR_KINDS:
                self._look(s)
            self.kept.changed()
        dt = now_s - self.time[0]
        if dt >= EVERY_S:
            self.kept.changed()
            rest = self._rest * (BIRTHS + self.births) / (BIRTHS + self.births.mean())
            self.undetected += (rest - self.undetected) * (1.0 - math.exp(-dt / FILL_S))
            self.births *= math.exp(-dt / 86_400.0)
            self.time[0] = now_s

    def begun(self, east: np.ndarray, north: np.ndarray) -> None:
        """Tracks were made public for the first time at these places (m on the plane)."""
        self.kept.changed()
        np.add.at(self.births, self.cell(east, north), 1.0)

    def _look(self, s: int) -> None:
        inside = self._inside[s]
        if self.sites.told[s]:
            inside = inside[~blind_at(self.sites, s, self._east[inside], self._north[inside])]
        left = self.undetected[inside] * (1.0 - 0.5 * self.sites.share[s] * self.sites.pd[s])
        self.undetected[inside] = np.maximum(left, LEAST_SHARE * self.even)


@loop
def expected(sites: Sites, crowding, undetected, side, half_m, s, form, azimuth_var, east, north):
    """(false reports a scan, undetected targets per m2) as they are at the place of a detection of sensor s."""
    clutter = sites.clutter[s]
    clutter *= crowding[s, cell_of(east - sites.east_m[s], north - sites.north_m[s], sites.max_range_m[s])]
    if form == FORM_BEARING and azimuth_var >= GROSS_SIGMA_RAD * GROSS_SIGMA_RAD:
        clutter = (clutter + GROSS_SHARE * sites.pd[s]) / (1.0 - GROSS_SHARE)
    column = min(max(int((east + half_m) / GRID_CELL_M), 0), side - 1)
    row = min(max(int((north + half_m) / GRID_CELL_M), 0), side - 1)
    return clutter, undetected[row * side + column]


@loop
def _scan(bank: Bank, used, s, began, sites: Sites, share, crowding, false, scans, hits, looks):
    """Count a scan of sensor s that began at `began` (s): what it started, and which sure tracks it reported."""
    e, n, reach = sites.east_m[s], sites.north_m[s], sites.max_range_m[s]
    for c in range(share.size):
        false[s, c] *= FORGET
        hits[s, c] *= FORGET
        looks[s, c] *= FORGET
    scans[s] = FORGET * scans[s] + 1.0
    for i in range(used):
        if not bank.alive[i]:
            continue
        sure = bank.confirmed[i] and bank.r[i] > SURE
        new = bank.ring_sensor[i, 0] == s and bank.born[i] >= began and bank.hits[i] == 1
        if not sure and not new:
            continue
        cell = cell_of(bank.x[i, 0, 0] - e, bank.x[i, 0, 1] - n, reach)
        if new:
            false[s, cell] += 1.0 - bank.r[i]
        if sure:
            last = -np.inf
            for k in range(RING):
                if bank.ring_sensor[i, k] == s:
                    last = max(last, bank.ring_hit[i, k])
            if last >= began - LATELY_SCANS * sites.period_s[s]:
                looks[s, cell] += 1.0
                if last >= began:
                    hits[s, cell] += 1.0
    for c in range(share.size):
        # A cell that hardly any clutter falls into learns as slowly as one in which one false report was expected.
        usual = PRIOR_SCANS * sites.clutter[s] * share[c]
        crowded = (usual + false[s, c] + 1.0) / ((PRIOR_SCANS + scans[s]) * sites.clutter[s] * share[c] + 1.0)
        crowding[s, c] = min(max(crowded, LEAST_CROWDING), MOST_CROWDING)
        pd = (PRIOR_LOOKS * sites.pd[s] + hits[s, c]) / (PRIOR_LOOKS + looks[s, c])
        # No more than the sensor is said to have: what is counted are tracks that hold, and those it sees too well.
        sites.pd_map[s, c] = min(max(pd, LEAST_PD), sites.pd[s])


def _shares_of_disc() -> np.ndarray:
    """The share of a disc's area in each cell of the square round it."""
    axis = (np.arange(400) + 0.5) / 200.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    inside = x * x + y * y < 1.0
    cell = np.minimum((0.5 * (y + 1.0) * SIDE).astype(int), SIDE - 1) * SIDE
    cell += np.minimum((0.5 * (x + 1.0) * SIDE).astype(int), SIDE - 1)
    return np.bincount(cell[inside], minlength=SIDE * SIDE) / inside.sum()
