"""Bearings that start tracks: where two of them cross widely, and a third report or the silence of others bears it out.

A bearing that no track explains waits for partners from other places. Two that cross at more than 15 degrees give a
place with its covariance, once for each emission time: what is heard left its source the distance over the speed of
sound ago, so the crossing is dated back. It becomes a candidate track when a third bearing passes through it, or when
those sensors around that would have heard it, and were heard from lately, are so few that their silence says little
(TRACKING.md 3; asynchronous triangulation after Musicki 2008).
"""

import math

import numpy as np

from perisai.geodesy import Plane, plane_convergence

from .bank import USED, Bank, Grid
from .begin import begin, heard_before, wait
from .birth import HEARD_SPEED_MPS
from .detections import Detections
from .forms import FORM_BEARING, FORM_PRESENCE
from .settings import MODELS, Rules
from .sites import BEARING, PRESENCE, Sites
from .snapshot import Kept
from .work import Work

POOL = 256
"""Bearings that wait; the oldest gives way."""
TOGETHER_S = 20.0
LEAST_CROSSING_RAD = math.radians(15.0)
EXPLAINED_SIGMAS = 3.0
THROUGH_SIGMAS = 2.5
MOVES_MPS = 60.0
"""How fast what is heard may have moved between two bearings, 1 sigma."""
LIVE_S = 120.0
LEAST_EXISTENCE = 0.15
PAIR_ODDS, TRIPLE_ODDS = 0.4, 4.0
"""Odds that a crossing of two bearings, and one that a third passes through, is a target."""
AT, SITE, AZIMUTH, SIGMA = range(4)


class Crossings:
    """The bearings that wait and when each sensor was heard from last, as arrays changed in place."""

    def __init__(self, sites: Sites, plane: Plane) -> None:
        self.sites, self.plane = sites, plane
        self.pool = np.full((POOL, 4), np.nan)
        self.heard = np.full(sites.kind.size, -np.inf)
        self.kept = Kept(self.pool, self.heard)
        self._turn = np.array(
            [plane_convergence(plane, a, o) for a, o in zip(sites.lat_rad, sites.lon_rad, strict=True)]
        )

    def start(self, d: Detections, bank: Bank, grid: Grid, until_s: float, rules: Rules, work: Work) -> None:
        """Start tracks from the bearings of a beat; the bank as the beat left it, with room for as many."""
        if not (d.form >= FORM_BEARING).any():
            return
        self.kept.changed()
        kind = self.sites.kind[d.sensor]
        self.heard[d.sensor[(kind == BEARING) | (kind == PRESENCE)]] = until_s
        used = int(bank.counters[USED])
        for j in np.flatnonzero((d.form == FORM_BEARING) & (kind == BEARING)).tolist():
            # Azimuths are turned to the plane, where east and north lie.
            mine = np.array([d.t[j], d.sensor[j], d.z[j, 1] - self._turn[d.sensor[j]], math.sqrt(d.var[j, 1])])
            if self._explained(mine, bank, used):
                continue
            found = self._crossing(mine)
            if found is not None:
                members, place, cov, at_s, existence = found
                self._open(
                    np.vstack([mine, self.pool[members]]), place, cov, at_s, existence, bank, grid, until_s, rules, work
                )
                used = int(bank.counters[USED])
                self.pool[members] = np.nan
            else:
                wait(self.pool, mine)

    def _explained(self, mine: np.ndarray, bank: Bank, used: int) -> bool:
        """Whether a living track lies along the bearing."""
        s = int(mine[SITE])
        slots = np.flatnonzero(bank.alive[:used] & (bank.r[:used] > 0.1))
        if not slots.size:
            return False
        ahead = (mine[AT] - bank.t[slots])[:, None]
        gap = bank.x[slots, 0, :2] + ahead * bank.x[slots, 0, 3:5] - (self.sites.east_m[s], self.sites.north_m[s])
        far = np.hypot(gap[:, 0], gap[:, 1])
        off = np.arctan2(gap[:, 0], gap[:, 1]) - mine[AZIMUTH]
        off = abs(np.mod(off + math.pi, 2.0 * math.pi) - math.pi)
        spread = np.sqrt(bank.p[slots, 0, 0, 0] + bank.p[slots, 0, 1, 1]) / np.maximum(far, 100.0)
        wide = EXPLAINED_SIGMAS * np.hypot(mine[SIGMA], np.minimum(spread, 0.5))
        return bool(((far < 1.2 * self.sites.max_range_m[s]) & (off < wide)).any())

    def _crossing(self, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float] | None:
        """(pool rows, place (2,), covariance (2, 2), time s, existence) of the likeliest crossing with one waiting."""
        live = np.flatnonzero((mine[AT] - self.pool[:, AT] < TOGETHER_S) & (self.pool[:, SITE] != mine[SITE]))
        best = None
        for q in live.tolist():
            met = self._cross(mine, self.pool[q])
            if met is None:
                continue
            place, cov, at_s = met
            third = [k for k in live.tolist() if k != q and self._through(self.pool[k], place, cov, at_s)]
            sites = {int(mine[SITE]), int(self.pool[q, SITE])}
            third = [k for k in third if int(self.pool[k, SITE]) not in sites]
            odds = TRIPLE_ODDS if third else PAIR_ODDS
            odds *= self._silence(place, sites | {int(self.pool[k, SITE]) for k in third}, mine[AT])
            existence = odds / (1.0 + odds)
            if existence >= LEAST_EXISTENCE and (best is None or existence > best[4]):
                best = (np.array([q, *third[:1]]), place, cov, at_s, existence)
        return best

    def _cross(self, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, float] | None:
        """Place, covariance and time of what two bearings point at, if they cross widely and within both reaches."""
        turn = math.remainder(one[AZIMUTH] - other[AZIMUTH], 2.0 * math.pi)
        if abs(math.sin(turn)) < math.sin(LEAST_CROSSING_RAD):
            return None
        a, b = int(one[SITE]), int(other[SITE])
        at = self.sites
        base = np.array([at.east_m[b] - at.east_m[a], at.north_m[b] - at.north_m[a]])
        toward = np.array([[math.sin(v[AZIMUTH]), math.cos(v[AZIMUTH])] for v in (one, other)])
        reach = np.linalg.solve(np.column_stack([toward[0], -toward[1]]), base)
        if not ((reach > 50.0) & (reach < 1.2 * at.max_range_m[[a, b]])).all():
            return None
        place = np.array([at.east_m[a], at.north_m[a]]) + reach[0] * toward[0]
        emitted = np.array([one[AT], other[AT]]) - reach * at.slowness[[a, b]]
        moved = MOVES_MPS * abs(emitted[0] - emitted[1])
        information = np.zeros((2, 2))
        for k, bearing in enumerate((one, other)):
            across = np.array([toward[k, 1], -toward[k, 0]])
            information += np.outer(across, across) / ((reach[k] * bearing[SIGMA]) ** 2 + moved**2)
        return place, np.linalg.inv(information), float(emitted.mean())

    def _through(self, bearing: np.ndarray, place: np.ndarray, cov: np.ndarray, at_s: float) -> bool:
        """Whether a bearing passes through a place, as well as both are known."""
        s = int(bearing[SITE])
        gap = place - (self.sites.east_m[s], self.sites.north_m[s])
        far = float(np.hypot(*gap))
        if not 50.0 < far < 1.2 * self.sites.max_range_m[s]:
            return False
        off = math.remainder(math.atan2(gap[0], gap[1]) - bearing[AZIMUTH], 2.0 * math.pi)
        across = np.array([gap[1], -gap[0]]) / far
        moved = MOVES_MPS * (bearing[AT] - far * self.sites.slowness[s] - at_s)
        sigma = math.sqrt((far * bearing[SIGMA]) ** 2 + float(across @ cov @ across) + moved**2)
        return abs(math.sin(off)) * far < THROUGH_SIGMAS * sigma and math.cos(off) > 0.0

    def _silence(self, place: np.ndarray, reported: set[int], now_s: float) -> float:
        """The chance that every other live sensor that could hear a target at a place said nothing."""
        at = self.sites
        others = np.flatnonzero((now_s - self.heard < LIVE_S) & (at.kind >= BEARING))
        far = np.hypot(at.east_m[others] - place[0], at.north_m[others] - place[1])
        fall = np.where(at.kind[others] == PRESENCE, np.exp(-0.5 * (far / at.sigma_m[others]) ** 2), 1.0)
        miss = 1.0 - at.share[others] * at.pd[others] * np.where(far < at.max_range_m[others], fall, 0.0)
        return float(np.prod(miss[~np.isin(others, list(reported))]))

    def _open(
        self, rows: np.ndarray, place: np.ndarray, cov: np.ndarray, at_s: float, existence: float, bank: Bank,
        grid: Grid, until_s: float, rules: Rules, work: Work,
    ) -> None:  # fmt: skip
        """Start the track of a crossing as one that was heard, and give it the crossing's covariance and sensors."""
        wide = float(np.linalg.eigvalsh(cov)[-1])
        i = begin(
            bank, grid, at_s, int(rows[0, SITE]), FORM_PRESENCE, place, np.full(2, wide), math.sqrt(wide), until_s,
            self.sites, self.plane, rules, work,
        )  # fmt: skip
        bank.r[i] = existence
        bank.hits[i] = len(rows)
        for m in range(MODELS):
            bank.p[i, m, :2, :2] = cov
            bank.p[i, m, 3, 3] = bank.p[i, m, 4, 4] = HEARD_SPEED_MPS**2
        heard_before(bank, i, ((int(row[SITE]), float(row[AT])) for row in rows[1:]))
