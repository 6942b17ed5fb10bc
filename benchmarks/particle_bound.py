"""How consistent a filter can be that states one ellipse: particles that fly by the scenario's own law.

`python benchmarks/particle_bound.py [TARGETS] [PARTICLES] [SEED]` tracks targets apart (`service/bench/targets.py`)
with a bootstrap particle filter that is told what no tracker is: the law, which plot is whose, each target's first
course and speed. Its NEES is judged as the tracker's is (`service/bench/consistency.py`). A minute for 80 targets.
"""

import json
import sys

import numpy as np

from perisai.service.bench import consistency
from perisai.service.bench.targets import PD, PERIOD_S, SIGMA_M, STEP_S, fly_on, scenario

BATCH = 25
USUAL = ["250", "40000", "31"]
ROUGH_M, ROUGH_MPS, ROUGH_RAD = 5.0, 0.5, 0.004
"""Roughening after each choice of particles (Gordon, Salmond & Smith 1993), else copies of a few remain."""


class Particles:
    """Hypotheses (n, m) of n targets: place, course, speed, and the turn each is in."""

    def __init__(self, first: np.ndarray, plots: np.ndarray, count: int, rng: np.random.Generator) -> None:
        """first (n, 4): the true states; plots (n, 2): the first measured places."""
        shape = (len(first), count)
        self._rng = rng
        speed = np.hypot(first[:, 2], first[:, 3])[:, None]
        self._fast = np.broadcast_to(speed > 100.0, shape)
        self.east = plots[:, :1] + rng.normal(0.0, SIGMA_M, shape)
        self.north = plots[:, 1:] + rng.normal(0.0, SIGMA_M, shape)
        low, high = np.where(self._fast, 180.0, 50.0), np.where(self._fast, 250.0, 70.0)
        self._speed = np.clip(speed + np.where(self._fast, 12.0, 4.0) * rng.normal(size=shape), low, high)
        self._course = np.arctan2(first[:, 2], first[:, 3])[:, None] + 0.1 * rng.normal(size=shape)
        self._left = np.where(rng.random(shape) < 0.17, rng.uniform(0.0, 20.0, shape), 0.0)
        self._rate = np.zeros(shape)

    def fly(self) -> None:
        """A step by the scenario's law."""
        east, north, self._course, self._left, self._rate = fly_on(
            self._rng, self._fast, self._speed, self._course, self._left, self._rate
        )
        self.east, self.north = self.east + east, self.north + north

    def choose(self, weight: np.ndarray) -> None:
        """As many again, drawn by weight (n, m), each a little off."""
        rng, (n, m) = self._rng, self.east.shape
        steps = (rng.random((n, 1)) + np.arange(m)) / m
        sums = np.cumsum(weight, axis=1)
        pick = np.stack([np.searchsorted(sums[i], steps[i] * sums[i, -1]) for i in range(n)]).clip(max=m - 1)
        for name, rough in (("east", ROUGH_M), ("north", ROUGH_M), ("_speed", ROUGH_MPS), ("_course", ROUGH_RAD)):
            setattr(self, name, np.take_along_axis(getattr(self, name), pick, 1) + rng.normal(0.0, rough, (n, m)))
        self._left = np.take_along_axis(self._left, pick, 1)
        self._rate = np.take_along_axis(self._rate, pick, 1)


def squared_errors(truth: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Normalised squared errors and errors (m), (scans, n), of the targets of truth (scans, n, 4); NaN without plot."""
    plots = truth[:, :, :2] + rng.normal(0.0, SIGMA_M, truth[:, :, :2].shape)
    seen = rng.random(truth.shape[:2]) < PD
    particles = Particles(truth[0], plots[0], count, rng)
    squared, error = np.full(seen.shape, np.nan), np.full(seen.shape, np.nan)
    for scan in range(1, len(truth)):
        for _ in range(round(PERIOD_S / STEP_S)):
            particles.fly()
        away = (particles.east - plots[scan, :, :1]) ** 2 + (particles.north - plots[scan, :, 1:]) ** 2
        log = np.where(seen[scan][:, None], -0.5 * away / SIGMA_M**2, 0.0)
        weight = np.exp(log - log.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        east, north = (weight * particles.east).sum(axis=1), (weight * particles.north).sum(axis=1)
        de, dn = particles.east - east[:, None], particles.north - north[:, None]
        ee, en, nn = (weight * de * de).sum(axis=1), (weight * de * dn).sum(axis=1), (weight * dn * dn).sum(axis=1)
        e, n = east - truth[scan, :, 0], north - truth[scan, :, 1]
        one = (nn * e * e - 2.0 * en * e * n + ee * n * n) / (ee * nn - en * en)
        squared[scan], error[scan] = np.where(seen[scan], one, np.nan), np.where(seen[scan], np.hypot(e, n), np.nan)
        particles.choose(weight)
    return squared, error


def main() -> None:
    given = sys.argv[1:]
    targets, count, seed = (int(text) for text in given + USUAL[len(given) :])
    made, rng = scenario("spread", targets, seed), np.random.default_rng(seed)
    parts = [squared_errors(made.truth[:, k : k + BATCH], count, rng) for k in range(0, targets, BATCH)]
    squared = np.concatenate([part[0] for part in parts], axis=1)[consistency.FIRST_SCAN :]
    error = np.concatenate([part[1] for part in parts], axis=1)[consistency.FIRST_SCAN :]
    steps = [consistency.Step(row[np.isfinite(row)], np.flatnonzero(np.isfinite(row))) for row in squared]
    print(json.dumps({"rms_m": round(float(np.sqrt(np.nanmean(error**2))), 1), "nees": consistency.verdict(steps)}))


if __name__ == "__main__":
    main()
