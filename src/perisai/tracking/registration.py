"""Registration: what each radar's range, azimuth and clock are wrong by, and whether it measures as well as it says.

One Kalman filter over [range m, azimuth rad, time s] of all radars, which hardly move: reports of cooperative traffic
say it of one radar, two radars' plots of one track say it of both (TRACKING.md 7; with time beside range and azimuth as
in Ru et al. 2011). Robust: a residual far outside what is expected moves nothing, but counts against the sensor.
"""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from .sites import RADAR_KINDS, Sites

PRIOR = np.array([400.0, math.radians(0.6), 1.0])
"""1 sigma of what a radar may be wrong by: m, rad, s."""
DRIFT_PER_S = np.array([20.0, math.radians(0.01), 0.02]) ** 2 / 3600.0
OUTLIER = 12.0
"""Squared normalised residual of one component beyond which it moves nothing."""
LEAST_SAMPLES = 40
KNOWN = 0.5
"""Share of the prior's sigma under which a bias is known well enough to be taken off, where it is also SURE sigmas."""
SURE = 2.5
MEMORY = 80.0
"""Residuals that the mean NIS is worth; its 99.8 % band is 1 +- 3.1 sqrt(2 / MEMORY)."""
BAND = 3.1 * math.sqrt(2.0 / MEMORY)
WIDEST = 25.0


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How far a radar's reports are off, with 1 sigma, and how well it measures beside what it says of itself.

    range_m, azimuth_deg, time_s: too great by so much. nis: mean squared normalised residual of a component, 1 when
    the sensor is as good as its sigmas; inside nis_low..nis_high in 99.8 % of the time. samples: residuals so far.
    state: `unknown` until there are enough, `good`, `biased` (and corrected), `inconsistent` (and given less weight).
    """

    sensor: str
    state: Literal["unknown", "good", "biased", "inconsistent"]
    range_m: float
    azimuth_deg: float
    time_s: float
    sigma_range_m: float
    sigma_azimuth_deg: float
    sigma_time_s: float
    nis: float
    nis_low: float
    nis_high: float
    samples: int


class Registration:
    """The filter over all radars among the sites. What it finds is written into `sites.bias` and `sites.widen`."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.radars = np.flatnonzero(sites.kind <= RADAR_KINDS)
        self.place = np.full(sites.kind.size, -1)
        self.place[self.radars] = np.arange(self.radars.size)
        n = 3 * self.radars.size
        self.mean = np.zeros(n)
        self.cov = np.diag(np.tile(PRIOR**2, self.radars.size))
        # Per radar: weighted sum of NIS, its weight, number of residuals and of those beside references.
        self.nis = np.zeros((self.radars.size, 4))
        self.time = np.zeros(1)
        self.arrays = [self.mean, self.cov, self.nis, self.time]

    def drift(self, now_s: float) -> None:
        """Let the biases wander up to now."""
        dt = now_s - self.time[0]
        if dt > 0.0 and self.radars.size:
            grown = np.minimum(np.tile(PRIOR**2, self.radars.size) - self.cov.diagonal(), np.inf)
            np.einsum("ii->i", self.cov)[:] += np.clip(np.tile(DRIFT_PER_S * dt, self.radars.size), 0.0, grown)
            self.time[0] = now_s

    def fold(
        self, terms: Sequence[tuple[int, np.ndarray]], residual: float, variance: float, doubted: bool = False
    ) -> bool:
        """Update with one scalar: residual = sum of slope (3,) times the bias of radar (its number), plus noise.

        What is doubted changes nothing. False for an outlier. A radar with enough references is judged by these alone,
        since two radars' plots say that one of the two is off, not which.
        """
        at = np.concatenate([np.arange(3 * radar, 3 * radar + 3) for radar, _ in terms])
        slope = np.concatenate([slope for _, slope in terms])
        gain = self.cov[:, at] @ slope
        s = float(slope @ gain[at]) + variance
        nu = residual - float(slope @ self.mean[at])
        squared = nu * nu / s
        alone = len(terms) == 1
        for radar, _ in terms:
            if not doubted and (alone or self.nis[radar, 3] < LEAST_SAMPLES):
                self.nis[radar, :2] *= 1.0 - 1.0 / MEMORY
                self.nis[radar] += (min(squared, OUTLIER), 1.0, 1.0, float(alone))
        if squared > OUTLIER:
            return False
        if not doubted:
            self.mean += gain * (nu / s)
            self.cov -= np.outer(gain, gain) / s
        return True

    def apply(self) -> None:
        """Write what is known well enough into the sites."""
        for radar, site in enumerate(self.radars):
            mean, sigma = self._of(radar)
            enough = self.nis[radar, 2] >= LEAST_SAMPLES
            sure = enough & (sigma < KNOWN * PRIOR) & (abs(mean) > SURE * sigma)
            self.sites.bias[site] = np.where(sure, mean, 0.0)
            mean_nis = self._nis(radar)
            self.sites.widen[site] = min(mean_nis, WIDEST) if enough and mean_nis > 1.0 + BAND else 1.0

    def _of(self, radar: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(3 * radar, 3 * radar + 3)
        return self.mean[part], np.sqrt(self.cov.diagonal()[part])

    def _nis(self, radar: int) -> float:
        total, weight = self.nis[radar, :2]
        return float(total / weight) if weight > 0.0 else 1.0

    def health(self, names: Sequence[str]) -> list[SensorHealth]:
        """The health of each radar; names: of all sensors, in the order of the sites."""
        out: list[SensorHealth] = []
        for radar, site in enumerate(self.radars.tolist()):
            mean, sigma = self._of(radar)
            nis, samples = self._nis(radar), int(self.nis[radar, 2])
            state = "good"
            if samples < LEAST_SAMPLES:
                state = "unknown"
            elif abs(nis - 1.0) > BAND and nis > 1.0:
                state = "inconsistent"
            elif self.sites.bias[site].any():
                state = "biased"
            out.append(
                SensorHealth(
                    sensor=names[site],
                    state=state,
                    range_m=float(mean[0]),
                    azimuth_deg=math.degrees(mean[1]),
                    time_s=float(mean[2]),
                    sigma_range_m=float(sigma[0]),
                    sigma_azimuth_deg=math.degrees(sigma[1]),
                    sigma_time_s=float(sigma[2]),
                    nis=nis,
                    nis_low=1.0 - BAND,
                    nis_high=1.0 + BAND,
                    samples=samples,
                )
            )
        return out
