"""Ballistic flight as a filter of its own in ECEF: position, velocity and ln beta, under thrust or coasting.

Two models, mixed as an IMM: thrust (acceleration unknown) and coast (gravity with J2, rotation and drag, see
`ballistic`). Seven states are carried by 14 cubature points (Arasaratnam & Haykin 2009) and RK4; plots update them in
the sensor's own frame. Before each beat the plane track is led along the flight, so that gating and association see
what gravity and drag do. An impact is foretold once the engine is likely out. TRACKING.md 8.
"""

import math

import numpy as np

from perisai.geodesy import (
    Plane,
    enu_from_ecef_offset,
    geodetic_from_ecef,
    kernel,
    plane_convergence,
    plane_from_geodetic,
    plane_scale,
)

from .ballistic import LN_BETA, LN_BETA_SIGMA, impact, rk4, to_ecef, wander
from .bank import Bank
from .classify import BALLISTIC
from .detections import Detections
from .mixture import moments
from .settings import STATES
from .sighting import beside, plots_of
from .sites import Sites

FLIGHTS = 64
"""Ballistic flights followed at once; later ones keep their plane track alone."""
THRUST, COAST = 0, 1
ACCELERATION = np.array([6_000.0, 2e-4])
"""Spectral density of the acceleration that the models do not know, m2/s3. What falls freely is known to a hundredth of
a m/s2 above the air, and in the air its drag by `ballistic.wander`."""
LEAVE_S = np.array([25.0, 1e6])
"""Mean stay under thrust and in coast: an engine does not start again. By a shorter one thrust's uncertainty mixes into
the coast at each plot, at 4,000 s by some hundredths of a m2/s3 (reckoned), a hundred times ACCELERATION."""
FALLING = 0.99
"""Probability of coasting from which an impact is foretold."""
LEAST_UPDATES = 4
START_SHARE, START_MPS, START_CLIMB_MPS = 0.3, 450.0, 120.0
"""A track flies ballistically from this class probability, speed or speed up or down on."""
START_EXISTENCE = 0.5
LEAD_S = 0.5
"""The plane track is led to this long before the end of a beat, the middle of its detections."""
GATE = 25.0
GROUND_M = -300.0
LONGEST_LEAD_S = 40.0
"""A flight not seen for longer is left to its plane track, which then ends."""


@kernel
def predict(mean, cov, dt, acceleration):
    """Carry a mean (7,) and covariance (7, 7) over dt seconds, in place."""
    n = mean.size
    walk = wander(mean, dt)
    root = np.linalg.cholesky(cov + 1e-9 * np.eye(n))
    points = np.empty((2 * n, n))
    k1, k2, k3, k4, tmp, s = np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    steps = max(1, math.ceil(dt))
    for q in range(2 * n):
        sign = math.sqrt(n) * (1.0 if q % 2 == 0 else -1.0)
        for a in range(n):
            points[q, a] = mean[a] + sign * root[a, q // 2]
        for a in range(6):
            s[a] = points[q, a]
        for _ in range(steps):
            rk4(s, points[q, 6], dt / steps, k1, k2, k3, k4, tmp)
        for a in range(6):
            points[q, a] = s[a]
    for a in range(n):
        total = 0.0
        for q in range(2 * n):
            total += points[q, a]
        mean[a] = total / (2 * n)
    for a in range(n):
        for b in range(n):
            total = 0.0
            for q in range(2 * n):
                total += (points[q, a] - mean[a]) * (points[q, b] - mean[b])
            cov[a, b] = total / (2 * n)
    for a in range(3):
        cov[a, a] += acceleration * dt * dt * dt / 3.0
        cov[a, a + 3] += acceleration * dt * dt / 2.0
        cov[a + 3, a] += acceleration * dt * dt / 2.0
        cov[a + 3, a + 3] += acceleration * dt
    cov[6, 6] += walk


@kernel
def to_plane_state(plane: Plane, s, out):
    """An ECEF position and velocity (6 or more,) as a plane state (6,); the inverse of `ballistic.to_ecef`."""
    lat, lon, height = geodetic_from_ecef(s[0], s[1], s[2])
    out[0], out[1] = plane_from_geodetic(plane, lat, lon)
    out[2] = height
    k = plane_scale(plane, out[0], out[1]) / (1.0 + height / 6_371_008.8)
    g = plane_convergence(plane, lat, lon)
    e, n, u = enu_from_ecef_offset(lat, lon, s[3], s[4], s[5])
    out[3] = k * (math.cos(g) * e - math.sin(g) * n)
    out[4] = k * (math.sin(g) * e + math.cos(g) * n)
    out[5] = u


class Falling:
    """The ballistic flights of a bank, as arrays changed in place; each belongs to a slot and the track born there."""

    def __init__(self, sites: Sites, plane: Plane) -> None:
        self.sites, self.plane = sites, plane
        self.owner = np.full((FLIGHTS, 3), -1, np.int64)  # slot, key of the track, updates
        self.time = np.zeros(FLIGHTS)
        self.share = np.zeros((FLIGHTS, 2))
        self.mean = np.zeros((FLIGHTS, 2, 7))
        self.cov = np.zeros((FLIGHTS, 2, 7, 7))
        self.arrays = [self.owner, self.time, self.share, self.mean, self.cov]

    def lead(self, bank: Bank, used: int, until_s: float) -> None:
        """Bring the plane tracks of all flights to where these will be in the beat that ends at until_s."""
        for f in np.flatnonzero(self.owner[:, 0] >= 0).tolist():
            slot, key, _ = self.owner[f].tolist()
            dt = until_s - LEAD_S - self.time[f]
            if slot >= used or not bank.alive[slot] or bank.key[slot] != key or not 0.0 < dt < LONGEST_LEAD_S:
                continue
            mean, cov = self.mean[f].copy(), self.cov[f].copy()
            for m in (THRUST, COAST):
                predict(mean[m], cov[m], dt, ACCELERATION[m])
            share = self.share[f]
            middle = share @ mean
            gap = mean - middle
            whole = (share[:, None, None] * (cov + gap[:, :, None] * gap[:, None, :])).sum(axis=0)
            state = np.empty(STATES)
            to_plane_state(self.plane, middle, state)
            if state[2] < GROUND_M and state[5] < 0.0:
                bank.r[slot] = 0.0  # it has come down, and ends with this beat
                continue
            slope = np.linalg.inv(ecef_moments(self.plane, state)[1])
            bank.x[slot], bank.p[slot] = state, slope @ whole[:6, :6] @ slope.T
            bank.t[slot], bank.coupled[slot] = until_s - LEAD_S, True

    def learn(self, detections: Detections, bank: Bank, used: int) -> None:
        """Follow a beat: end flights whose track ended, update the others with its plots, begin new ones."""
        for f in np.flatnonzero(self.owner[:, 0] >= 0).tolist():
            slot, key, _ = self.owner[f]
            if slot >= used or not bank.alive[slot] or bank.key[slot] != key:
                self.owner[f] = -1
        fast = bank.touched[:used] & bank.alive[:used] & bank.has_height[:used] & (bank.hits[:used] >= 3)
        slots = np.flatnonzero(fast)
        if not slots.size:
            return
        velocity = bank.x[slots, 0, 3:]
        speed = np.sqrt((velocity**2).sum(axis=1))
        likely = (speed > START_MPS) | (abs(velocity[:, 2]) > START_CLIMB_MPS)
        likely |= bank.shares[slots, BALLISTIC] > START_SHARE
        likely &= bank.r[slots] > START_EXISTENCE
        followed = np.isin(slots, self.owner[:, 0])
        for slot in slots[followed].tolist():
            f = int(np.flatnonzero(self.owner[:, 0] == slot)[0])
            for j in plots_of(detections, bank, slot):
                self._update(f, detections, j)
        for slot in slots[likely & ~followed].tolist():
            free = np.flatnonzero(self.owner[:, 0] < 0)
            if free.size:
                self._begin(int(free[0]), bank, slot)

    def _begin(self, f: int, bank: Bank, slot: int) -> None:
        mean, cov = np.empty(STATES), np.empty((STATES, STATES))
        moments(bank.x, bank.p, bank.mu, slot, bank.coupled[slot], mean, cov)
        state, jacobian = ecef_moments(self.plane, mean)
        whole = np.zeros((7, 7))
        whole[:6, :6] = jacobian @ cov @ jacobian.T
        whole[6, 6] = LN_BETA_SIGMA**2
        self.owner[f] = slot, bank.key[slot], 0
        self.time[f] = bank.t[slot]
        self.share[f] = 0.5, 0.5
        self.mean[f] = np.append(state, LN_BETA)
        self.cov[f] = whole

    def _mix(self, f: int, dt: float) -> None:
        """The IMM's mixing: a model's state becomes that of what may have passed to it (Blom & Bar-Shalom 1988)."""
        leave = 1.0 - np.exp(-dt / LEAVE_S)
        passes = np.array([[1.0 - leave[0], leave[0]], [leave[1], 1.0 - leave[1]]])
        weight = passes * self.share[f][:, None]
        share = weight.sum(axis=0)
        weight /= share
        mean = weight.T @ self.mean[f]
        gap = self.mean[f][:, None] - mean[None]
        spread = self.cov[f][:, None] + gap[..., None] * gap[..., None, :]
        self.cov[f] = (weight[..., None, None] * spread).sum(axis=0)
        self.mean[f], self.share[f] = mean, share

    def _update(self, f: int, d: Detections, j: int) -> None:
        """Bring flight f to a plot's time and fold the plot in."""
        dt = d.t[j] - self.time[f]
        if dt < 0.0:
            return
        if dt > 0.0:
            self._mix(f, dt)
            for m in (THRUST, COAST):
                predict(self.mean[f, m], self.cov[f, m], dt, ACCELERATION[m])
            self.time[f] = d.t[j]
        log = np.empty(2)
        done = []
        for m in (THRUST, COAST):
            residual, slope, noise = beside(self.sites, self.plane, self.mean[f, m], d, j)
            if not residual.size:
                return
            p = self.cov[f, m]
            s = slope @ p @ slope.T + noise
            inverse = np.linalg.inv(s)
            d2 = float(residual @ inverse @ residual)
            gain = p @ slope.T @ inverse
            if m == THRUST:
                # Under thrust drag cannot be told from it: ln beta is carried and not learnt (Schmidt 1966), or each
                # plot ahead of what was predicted would lower the drag.
                gain[6] = 0.0
            keep = np.eye(7) - gain @ slope
            done.append((self.mean[f, m] + gain @ residual, keep @ p @ keep.T + gain @ noise @ gain.T, d2))
            log[m] = math.log(max(self.share[f, m], 1e-12)) - 0.5 * (d2 + math.log(np.linalg.det(s)))
        if min(d2 for _, _, d2 in done) > GATE:
            return
        for m, (mean, cov, _) in enumerate(done):
            self.mean[f, m], self.cov[f, m] = mean, 0.5 * (cov + cov.T)
        share = np.exp(log - log.max())
        self.share[f] = share / share.sum()
        self.owner[f, 2] += 1

    def impact_of(self, slot: int, key: int, at_s: float, out: np.ndarray) -> bool:
        """Fill out (7,), see `ballistic.impact`, for a track at a time; False while nothing can be foretold."""
        flight = np.flatnonzero((self.owner[:, 0] == slot) & (self.owner[:, 1] == key))
        if not flight.size:
            return False
        f = int(flight[0])
        if self.share[f, COAST] < FALLING or self.owner[f, 2] < LEAST_UPDATES:
            return False
        ok = impact(self.mean[f, COAST], self.cov[f, COAST], ACCELERATION[COAST], 0.0, out)
        out[2] += self.time[f] - at_s
        return bool(ok)


def ecef_moments(plane: Plane, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A plane state (6,) in ECEF, and the slope (6, 6) of that."""
    state, moved, jacobian = np.empty(6), np.empty(6), np.empty((6, 6))
    to_ecef(plane, mean, state)
    for a in range(6):
        other = mean.copy()
        step = 10.0 if a < 3 else 1.0
        other[a] += step
        to_ecef(plane, other, moved)
        jacobian[:, a] = (moved - state) / step
    return state, jacobian
