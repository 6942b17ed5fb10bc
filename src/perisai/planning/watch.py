"""Which approaches a unit would track in time: looks at the object while a warning can still be in time."""

import math
from dataclasses import dataclass

import numpy as np

from perisai.geodesy import kernel, to_plane
from perisai.model import KINDS

from .approaches import STEP_S, Approaches
from .coverage import Placed, sight
from .horizon import ROOT_M
from .terrain import Terrain
from .units import EARS, UnitType

SURE = 0.9
"""Chance of a confirmed track from which a unit counts as covering an approach in a placement problem."""


TERMS = 5
"""The most detections that any type may need for a track."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Per approach (n,): sums over all looks, and the fewest detections that make a track of the units that look.

    sums: (n, 1 + TERMS): ln of the chance that all looks miss, and the power sums of the odds p / (1 - p).
    """

    sums: np.ndarray
    needed: np.ndarray

    def chance(self) -> np.ndarray:
        """Chance of a confirmed track in time, (n,): at least `needed` of looks that differ in their chance."""
        return tail(self.sums, self.needed)


@kernel
def _tail(sums, needed, out):
    # Poisson-binomial: prod (q + p z) = prod q * prod (1 + r z); Newton's identities give the coefficients of the last.
    c = np.empty(sums.shape[1])
    for e in range(needed.size):
        out[e] = 0.0
        if sums[e, 1] <= 0.0:
            continue
        c[0] = 1.0
        below = 1.0
        for j in range(1, needed[e]):
            c[j] = 0.0
            for i in range(1, j + 1):
                c[j] += (1.0 if i % 2 else -1.0) * sums[e, i] * c[j - i]
            # Looks in fractions (a period longer than the step) may leave a little below zero.
            c[j] = max(c[j] / j, 0.0)
            below += c[j]
        out[e] = min(max(1.0 - math.exp(sums[e, 0]) * below, 0.0), 1.0)


def tail(sums: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """P(at least `needed` detections) from the sums of `Looks`, (n,)."""
    out = np.empty(len(needed))
    _tail(sums, needed, out)
    return out


@kernel
def _balls(points, ball):
    for e in range(points.shape[0]):
        low = np.full(2, np.inf)
        high = np.full(2, -np.inf)
        for k in range(points.shape[1]):
            for a in range(2):
                if points[e, k, a] == points[e, k, a]:
                    low[a] = min(low[a], points[e, k, a])
                    high[a] = max(high[a], points[e, k, a])
        ball[e, 0], ball[e, 1] = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])
        ball[e, 2] = 0.5 * math.hypot(high[0] - low[0], high[1] - low[1])


@kernel
def _look(points, ball, slant, kind, x, y, unit, lowest, use, west0, north0, cell0, sums):
    """The looks of one unit at every approach, written to sums as in `Looks`.

    unit: antenna (m; below 0 for an ear), nearest range (m), chance, sigma (m, or 0), looks a point.
    """
    antenna, least, chance, sigma, each = unit[0], unit[1], unit[2], unit[3], unit[4]
    root = math.sqrt(max(antenna, 0.0))
    for e in range(kind.size):
        sums[e, :] = 0.0
        reach = slant[kind[e]]
        if reach <= 0.0 or math.hypot(ball[e, 0] - x, ball[e, 1] - y) > reach + ball[e, 2]:
            continue
        for k in range(points.shape[1]):
            dx, dy, h = points[e, k, 0] - x, points[e, k, 1] - y, points[e, k, 2]
            gap = dx * dx + dy * dy
            range2 = gap + h * h
            if not (least * least <= range2 <= reach * reach):
                continue
            if antenna >= 0.0:
                i, j = int((north0 - points[e, k, 1]) / cell0), int((points[e, k, 0] - west0) / cell0)
                if use and 0 <= i < lowest.shape[0] and 0 <= j < lowest.shape[1]:
                    if not lowest[i, j] <= h:
                        continue
                elif math.sqrt(gap) > ROOT_M * (root + math.sqrt(max(h, 0.0))):
                    continue
            p = min(chance, 0.999) * math.exp(-0.5 * range2 / (sigma * sigma)) if sigma > 0.0 else min(chance, 0.999)
            sums[e, 0] += each * math.log1p(-p)
            odds = p / (1.0 - p)
            power = each
            for a in range(1, sums.shape[1]):
                power *= odds
                sums[e, a] += power


class Watcher:
    """Counts looks at a set of approaches, over a smooth Earth or over terrain.

    Heights of approaches count above the ground. Bearings, and what hears transponders, give no track of their own.
    """

    def __init__(self, approaches: Approaches, terrain: Terrain | None) -> None:
        self.approaches, self.terrain = approaches, terrain
        self._points = np.ascontiguousarray(approaches.points)
        self._ball = np.empty((len(approaches), 3))
        _balls(self._points, self._ball)
        self._sums = np.empty((len(approaches), 1 + TERMS))

    def look(self, unit: UnitType, lat: float, lon: float, x: float, y: float) -> np.ndarray:
        """The sums of a unit's looks from a place (see `Looks`); the array is used again by the next call."""
        slant = np.array([0.0 if unit.kind == "bearing" else unit.slant_m(kind) for kind in KINDS])
        ear = unit.kind in EARS
        sigma = (unit.sigma_m or 0.0) if unit.kind == "presence" else 0.0
        figures = np.array(
            [
                -1.0 if ear else unit.antenna_m,
                unit.min_range_m,
                unit.detection_probability,
                sigma,
                STEP_S / unit.period_s,
            ]
        )
        seen = sight(unit, self.terrain, lat, lon, float(slant.max()))
        lowest, west, north = seen if seen else (np.zeros((1, 1), np.float32), 0.0, 0.0)
        cell = self.terrain.cell_m if self.terrain else 1.0
        _look(
            self._points, self._ball, slant, self.approaches.kind, x, y, figures, lowest, seen is not None, west, north,
            cell, self._sums,
        )  # fmt: skip
        return self._sums

    def covers(self, unit: UnitType, lat: float, lon: float, x: float, y: float) -> np.ndarray:
        """Approaches (indices, rising) of which a unit alone has a track in time with chance SURE."""
        sums = self.look(unit, lat, lon, x, y)
        some = np.flatnonzero(sums[:, 1] > 0.0)
        chance = tail(sums[some], np.full(len(some), unit.needed))
        return some[chance >= SURE].astype(np.int32)

    def joint(self, placed: Placed) -> Looks:
        """Looks of all placed units together: a track is fed by every one of them."""
        n = len(self.approaches)
        total, needed = np.zeros((n, 1 + TERMS)), np.full(n, TERMS)
        x, y = to_plane(self.approaches.plane, np.asarray(placed.lat, float), np.asarray(placed.lon, float))
        for k, unit in enumerate(placed.unit):
            own = self.look(unit, float(placed.lat[k]), float(placed.lon[k]), float(x[k]), float(y[k]))
            total += own
            np.minimum(needed, unit.needed, out=needed, where=own[:, 1] > 0.0)
        return Looks(total, needed)
