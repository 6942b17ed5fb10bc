"""Starts of what flies too fast for an ordinary start: three plots high up that one fast object explains.

An ordinary start knows nothing of the velocity but that it is seldom above `TrackerSettings.birth_speed_mps`; a missile
that falls at 1,500 m/s lies kilometres outside its gate at the next turn of the radar. So plots with a height above all
air traffic that no track explains wait here. Three of them that lie on a way at 400 to 4,000 m/s, as well as they were
measured and whatever an engine and gravity do between them, start a track with that velocity, if false reports as dense
as there would hardly lie so by chance.
"""

import math

import numpy as np

from perisai.geodesy import Plane, plane_from_geodetic

from .bank import USED, Bank, Grid
from .begin import begin, heard_before, wait
from .detections import Detections
from .forms import FORM_PLANE, FORM_POLAR
from .observe import place
from .settings import MODELS, Rules
from .sites import POSITION, RADAR_KINDS, Sites
from .snapshot import Kept
from .work import Work

POOL = 256
"""Plots that wait; the oldest gives way."""
LEAST_HEIGHT_M = 13_000.0
LEAST_MPS, MOST_MPS = 400.0, 4_000.0
LEAST_S, LONGEST_PERIODS = 2.0, 1.6
"""How far apart in time two that follow one another are at least (s), and at most (of the longer of their periods)."""
PUSH_MPS2 = 20.0
"""1 sigma of an unknown acceleration on each axis: engines push with 30 to 50, gravity pulls with 10."""
GATE = 14.2
"""Squared distance of three components that 0.3 % exceed."""
PRIOR = 0.01
"""Chance that a fast object that no track explains is among the ways that end with a plot, before it is looked at."""
FALSE_RISE_RAD = 0.25
"""False reports are taken to lie between the horizon and this elevation."""
LEAST_DENSITY_PER_M3 = 1e-18
LEAST_EXISTENCE, MOST_EXISTENCE = 0.5, 0.85
"""No track begins under the one; the other is too little to be shown: a fourth plot must bear it out."""
EXPLAINED_EXISTENCE = 0.5
AT, SITE, DENSITY, PERIOD, EAST, HEIGHT = 0, 1, 2, 3, 4, 6
"""Columns of a waiting plot: time s, sensor, false reports per m3, period s; place (3) m and covariance (9) m2."""
COLUMNS = 16


class FastStarts:
    """The plots that wait, as an array changed in place."""

    def __init__(self, sites: Sites, plane: Plane) -> None:
        self.sites, self.plane = sites, plane
        self.pool = np.full((POOL, COLUMNS), np.nan)
        self.kept = Kept(self.pool)

    def start(self, d: Detections, bank: Bank, grid: Grid, until_s: float, rules: Rules, work: Work) -> None:
        """Start tracks from the plots of a beat; the bank as the beat left it, with room for as many."""
        for j in np.flatnonzero(self._maybe_high(d)).tolist():
            if self._explained(d, j, bank):
                continue
            mine = self._plot(d, j)
            if mine[HEIGHT] < LEAST_HEIGHT_M:
                continue
            self.kept.changed()
            way = self._way(mine)
            if way is None:
                wait(self.pool, mine)
            else:
                rows, existence = way
                self._open(mine, self.pool[rows], existence, bank, grid, until_s, rules, work)
                self.pool[rows] = np.nan

    def _maybe_high(self, d: Detections) -> np.ndarray:
        """Which detections (n,) are plots of something that may be as high; on a sphere, with a tenth to spare."""
        kind, rise = self.sites.kind[d.sensor], d.z[:, 2]
        flat = d.z[:, 0] * np.cos(rise)
        polar = (d.form == FORM_POLAR) & (kind <= RADAR_KINDS)
        height = np.where(polar, d.z[:, 0] * np.sin(rise) + flat**2 / 12.7e6, rise)
        return d.mask[:, 2] & (polar | (kind == POSITION)) & (height > 0.9 * LEAST_HEIGHT_M)

    def _explained(self, d: Detections, j: int, bank: Bank) -> bool:
        """Whether a track that is likely an object took the plot."""
        used = int(bank.counters[USED])
        took = (bank.ring_sensor[:used] == d.sensor[j]) & (bank.ring_hit[:used] == d.t[j])
        slots = np.flatnonzero(
            took.any(axis=1) & bank.alive[:used] & (bank.hits[:used] > 1) & (bank.r[:used] > EXPLAINED_EXISTENCE)
        )
        ahead = d.t[j] - bank.t[slots]
        away = np.hypot(
            bank.x[slots, 0, 0] + ahead * bank.x[slots, 0, 3] - d.east_m[j],
            bank.x[slots, 0, 1] + ahead * bank.x[slots, 0, 4] - d.north_m[j],
        )
        return bool((away < 2.0 * d.radius_m[j]).any())

    def _plot(self, d: Detections, j: int) -> np.ndarray:
        """A detection as a row of the pool."""
        at, s = self.sites, int(d.sensor[j])
        reach = at.max_range_m[s]
        false = d.clutter[j] / (math.pi * reach * reach)
        z, var = d.z[j], d.var[j]
        if d.form[j] == FORM_PLANE:
            where, cov, deep = z[:3], np.diag(var[:3]), 10_000.0
        else:
            lat, lon, height = place(at.lat_rad[s], at.lon_rad[s], *at.ecef[s], z[0], z[1], 0.0, True, z[2])
            east, north = plane_from_geodetic(self.plane, lat, lon)
            where, deep = np.array([east, north, height]), FALSE_RISE_RAD * z[0]
            gap = where[:2] - (at.east_m[s], at.north_m[s])
            toward = gap / max(float(np.hypot(*gap)), 1.0)
            up, flat = math.sin(z[2]), math.cos(z[2])
            axes = np.array(
                [[*(flat * toward), up], [toward[1], -toward[0], 0.0], [*(-up * toward), flat]]
            )  # along the ray, across it, above it
            cov = axes.T @ np.diag([var[0], var[1] * (flat * z[0]) ** 2, var[2] * z[0] ** 2]) @ axes
        density = max(false / deep, LEAST_DENSITY_PER_M3)
        return np.array([d.t[j], s, density, at.period_s[s], *where, *cov.ravel()])

    def _way(self, mine: np.ndarray) -> tuple[np.ndarray, float] | None:
        """(two rows of the pool, existence) of the likeliest way of a fast object that ends with this plot."""
        found = [
            (float(self._likelihood(self.pool[a], self.pool[b], mine)), a, b)
            for b in self._before(mine)
            for a in self._before(self.pool[b])
        ]
        if not found:
            return None
        likelihood, a, b = max(found)
        odds = PRIOR / len(found) * self.sites.pd[int(mine[SITE])] * likelihood / mine[DENSITY]
        if odds < LEAST_EXISTENCE / (1.0 - LEAST_EXISTENCE):
            return None
        return np.array([a, b]), min(odds / (1.0 + odds), MOST_EXISTENCE)

    def _before(self, last: np.ndarray) -> list[int]:
        """The rows of the pool from which something fast may have come to the plot `last`."""
        took = last[AT] - self.pool[:, AT]
        longest = LONGEST_PERIODS * np.maximum(self.pool[:, PERIOD], last[PERIOD])
        gap = last[EAST : HEIGHT + 1] - self.pool[:, EAST : HEIGHT + 1]
        way = np.sqrt((gap**2).sum(axis=1))
        far = (way > LEAST_MPS * took) & (way < MOST_MPS * took)
        return np.flatnonzero((took >= LEAST_S) & (took <= longest) & far).tolist()

    def _likelihood(self, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        """Density (1/m3) of plot c where an object leads that was at a and b; 0 outside the gate."""
        first, second = b[AT] - a[AT], c[AT] - b[AT]
        part = second / first
        place_a, place_b, place_c = (row[EAST : HEIGHT + 1] for row in (a, b, c))
        cov_a, cov_b, cov_c = (row[HEIGHT + 1 :].reshape(3, 3) for row in (a, b, c))
        gap = place_c - place_b - part * (place_b - place_a)
        pushed = (0.5 * PUSH_MPS2 * second * (first + second)) ** 2
        spread = cov_c + (1.0 + part) ** 2 * cov_b + part**2 * cov_a + pushed * np.eye(3)
        squared = float(gap @ np.linalg.solve(spread, gap))
        if squared > GATE:
            return 0.0
        return math.exp(-0.5 * squared) / math.sqrt((2.0 * math.pi) ** 3 * float(np.linalg.det(spread)))

    def _open(
        self, mine: np.ndarray, others: np.ndarray, existence: float, bank: Bank, grid: Grid, until_s: float,
        rules: Rules, work: Work,
    ) -> None:  # fmt: skip
        """Start the track of a way at its last plot, with its velocity."""
        a = others[0]
        took = mine[AT] - a[AT]
        cov, cov_a = (row[HEIGHT + 1 :].reshape(3, 3) for row in (mine, a))
        velocity = (mine[EAST : HEIGHT + 1] - a[EAST : HEIGHT + 1]) / took
        known = (cov + cov_a) / took**2 + (0.5 * PUSH_MPS2 * took) ** 2 * np.eye(3)
        i = begin(
            bank, grid, float(mine[AT]), int(mine[SITE]), FORM_PLANE, np.append(mine[EAST : HEIGHT + 1], velocity),
            np.append(np.diag(cov), np.diag(known)), 0.0, until_s, self.sites, self.plane, rules, work,
        )  # fmt: skip
        bank.r[i], bank.hits[i], bank.solid_hits[i], bank.coupled[i] = existence, 3, 3, True
        for m in range(MODELS):
            bank.p[i, m, :3, :3], bank.p[i, m, 3:, 3:] = cov, known
            bank.p[i, m, :3, 3:] = bank.p[i, m, 3:, :3] = cov / took
        sensors = dict.fromkeys(s for s in others[:, SITE].astype(int).tolist() if s != int(mine[SITE]))
        heard_before(bank, i, ((s, float(others[others[:, SITE] == s, AT].max())) for s in sensors))
