"""Registration: what each radar's range, azimuth and clock are wrong by, and whether it measures as well as it says.

One Kalman filter over [range m, azimuth rad, time s] of all radars, which hardly move: reports of cooperative traffic
say it of one radar, two radars' plots of one track say it of both (TRACKING.md 7; with time beside range and azimuth as
in Ru et al. 2011). Robust: a residual far outside what is expected moves nothing, but counts against the sensor.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from perisai.kernels import loop

from .sites import RADAR_KINDS, Sites
from .snapshot import Kept

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


class SensorRegistration(msgspec.Struct, frozen=True, kw_only=True):
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


class Radars(NamedTuple):
    """The filter over R radars: site (R,), place (number of each site among them, or -1), mean (3 R,), cov (3 R, 3 R).

    nis (R, 4): weighted sum of NIS, its weight, number of residuals and of those beside references. time (1,): s. gain
    (3 R,), radar (2,), slope (2, 3): scratch; the last two hold the terms of the residual that is folded.
    """

    site: np.ndarray
    place: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    nis: np.ndarray
    time: np.ndarray
    gain: np.ndarray
    radar: np.ndarray
    slope: np.ndarray


@loop
def drift(radars: Radars, now_s):
    """Let the biases wander up to now."""
    dt = now_s - radars.time[0]
    if dt > 0.0:
        for k in range(radars.mean.size):
            room = PRIOR[k % 3] * PRIOR[k % 3] - radars.cov[k, k]
            radars.cov[k, k] += min(max(DRIFT_PER_S[k % 3] * dt, 0.0), room)
        radars.time[0] = now_s


@loop
def fold(radars: Radars, terms, residual, variance, doubted):
    """Update with one scalar: residual = sum over the terms of slope (3,) times the bias of their radar, plus noise.

    What is doubted changes nothing. False for an outlier. A radar with enough references is judged by these alone,
    since two radars' plots say that one of the two is off, not which.
    """
    mean, cov, nis, gain, radar, slope = radars.mean, radars.cov, radars.nis, radars.gain, radars.radar, radars.slope
    for k in range(mean.size):
        gain[k] = 0.0
        for q in range(terms):
            for c in range(3):
                gain[k] += cov[k, 3 * radar[q] + c] * slope[q, c]
    s, nu = variance, residual
    for q in range(terms):
        for c in range(3):
            s += slope[q, c] * gain[3 * radar[q] + c]
            nu -= slope[q, c] * mean[3 * radar[q] + c]
    squared = nu * nu / s
    for q in range(terms):
        r = radar[q]
        if not doubted and (terms == 1 or nis[r, 3] < LEAST_SAMPLES):
            nis[r, 0] = nis[r, 0] * (1.0 - 1.0 / MEMORY) + min(squared, OUTLIER)
            nis[r, 1] = nis[r, 1] * (1.0 - 1.0 / MEMORY) + 1.0
            nis[r, 2] += 1.0
            if terms == 1:
                nis[r, 3] += 1.0
    if squared > OUTLIER:
        return False
    if not doubted:
        for k in range(mean.size):
            mean[k] += gain[k] * (nu / s)
            for m in range(mean.size):
                cov[k, m] -= gain[k] * gain[m] / s
    return True


@loop
def apply(radars: Radars, bias, widen):
    """Write what is known well enough into the sites' bias (n, 3) and widen (n,)."""
    for r in range(radars.site.size):
        site = radars.site[r]
        enough = radars.nis[r, 2] >= LEAST_SAMPLES
        for c in range(3):
            mean, sigma = radars.mean[3 * r + c], math.sqrt(radars.cov[3 * r + c, 3 * r + c])
            sure = enough and sigma < KNOWN * PRIOR[c] and abs(mean) > SURE * sigma
            bias[site, c] = mean if sure else 0.0
        nis = radars.nis[r, 0] / radars.nis[r, 1] if radars.nis[r, 1] > 0.0 else 1.0
        widen[site] = min(nis, WIDEST) if enough and nis > 1.0 + BAND else 1.0


class Registration:
    """The filter over all radars among the sites. What it finds is written into `sites.bias` and `sites.widen`."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.radars = np.flatnonzero(sites.kind <= RADAR_KINDS)
        place = np.full(sites.kind.size, -1)
        place[self.radars] = np.arange(self.radars.size)
        n = 3 * self.radars.size
        self.mean, self.nis = np.zeros(n), np.zeros((self.radars.size, 4))
        self.cov = np.diag(np.tile(PRIOR**2, self.radars.size))
        time = np.zeros(1)
        self.filter = Radars(
            self.radars,
            place,
            self.mean,
            self.cov,
            self.nis,
            time,
            np.zeros(n),
            np.zeros(2, np.int64),
            np.zeros((2, 3)),
        )
        self.kept = Kept(self.mean, self.cov, self.nis, time, sites.bias, sites.widen)

    def _of(self, radar: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(3 * radar, 3 * radar + 3)
        return self.mean[part], np.sqrt(self.cov.diagonal()[part])

    def _nis(self, radar: int) -> float:
        total, weight = self.nis[radar, :2]
        return float(total / weight) if weight > 0.0 else 1.0

    def health(self, names: Sequence[str]) -> list[SensorRegistration]:
        """The health of each radar; names: of all sensors, in the order of the sites."""
        out: list[SensorRegistration] = []
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
                SensorRegistration(
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
