"""Mixing and prediction of the interacting multiple models (Blom & Bar-Shalom 1988), three models of six states.

State [E, N, h, vE, vN, vh] on the region plane, m and m/s. All models move at constant velocity and differ in the
spectral density of their white acceleration, so one transition serves all; x is (C, 3, 6), p (C, 3, 6, 6), mu (C, 3).
"""

import math

from perisai.geodesy import kernel

from .settings import MODELS, STATES, Motion


@kernel
def transition(motion: Motion, dt, pi):
    """Fill pi (3, 3) with the chance to pass from model i to j in dt seconds: expm(G dt) by its eigenvectors."""
    for i in range(MODELS):
        total = 0.0
        for j in range(MODELS):
            s = 0.0
            for k in range(MODELS):
                s += motion.left[i, k] * math.exp(motion.rate[k] * dt) * motion.right[k, j]
            pi[i, j] = max(s, 0.0)
            total += pi[i, j]
        for j in range(MODELS):
            pi[i, j] /= total


@kernel
def _mix(x, p, mu, i, pi, w, d, c):
    """Mixed initial conditions of each model, in place: w_ij = pi_ij mu_i / c_j.

    With d_i = x_i - x_0 and e_j = sum_i w_ij d_i the mixed covariance is sum_i w_ij (P_i + d_i d_i') - e_j e_j'; only
    its upper half is computed. Scratch: w (3, 3), d (6, 6) rows d_i then e_j, c (3,).
    """
    for j in range(MODELS):
        total = 0.0
        for m in range(MODELS):
            w[m, j] = pi[m, j] * mu[i, m]
            total += w[m, j]
        c[j] = total
        for m in range(MODELS):
            w[m, j] /= total
    for a in range(STATES):
        base = x[i, 0, a]
        d1 = x[i, 1, a] - base
        d2 = x[i, 2, a] - base
        d[1, a] = d1
        d[2, a] = d2
        for j in range(MODELS):
            e = w[1, j] * d1 + w[2, j] * d2
            d[3 + j, a] = e
            x[i, j, a] = base + e
    for a in range(STATES):
        for b in range(a, STATES):
            p0 = p[i, 0, a, b]
            p1 = p[i, 1, a, b] + d[1, a] * d[1, b]
            p2 = p[i, 2, a, b] + d[2, a] * d[2, b]
            for j in range(MODELS):
                s = w[0, j] * p0 + w[1, j] * p1 + w[2, j] * p2 - d[3 + j, a] * d[3 + j, b]
                p[i, j, a, b] = s
                p[i, j, b, a] = s
    for j in range(MODELS):
        mu[i, j] = c[j]


@kernel
def _move(x, p, i, m, dt, q, qv):
    """x <- F x, P <- F P F' + Q with F = I + dt E, used directly."""
    for a in range(3):
        x[i, m, a] += dt * x[i, m, a + 3]
    dt2 = dt * dt
    for a in range(3):
        for b in range(a, 3):
            s = p[i, m, a, b] + dt * (p[i, m, a, b + 3] + p[i, m, b, a + 3]) + dt2 * p[i, m, a + 3, b + 3]
            p[i, m, a, b] = s
            p[i, m, b, a] = s
    for a in range(3):
        for b in range(3):
            s = p[i, m, a, b + 3] + dt * p[i, m, a + 3, b + 3]
            p[i, m, a, b + 3] = s
            p[i, m, b + 3, a] = s
    for a in range(3):
        noise = q if a < 2 else qv
        cross = 0.5 * noise * dt2
        p[i, m, a, a] += noise * dt2 * dt / 3.0
        p[i, m, a, a + 3] += cross
        p[i, m, a + 3, a] += cross
        p[i, m, a + 3, a + 3] += noise * dt


@kernel
def advance(x, p, mu, t, r, has_height, i, to, motion: Motion, pi, cached_dt, w, d, c):
    """Bring track i to time `to` (s); nothing when it is already there or beyond. Existence decays with mean life."""
    dt = to - t[i]
    if dt <= 0.0:
        return
    if dt != cached_dt[0]:
        transition(motion, dt, pi)
        cached_dt[0] = dt
    _mix(x, p, mu, i, pi, w, d, c)
    for m in range(MODELS):
        vertical = motion.vertical_noise[m] if has_height[i] else 0.0
        _move(x, p, i, m, dt, motion.noise[m], vertical)
    t[i] = to
    r[i] *= math.exp(-dt / motion.survival_s)


@kernel
def moments(x, p, mu, i, mean, cov):
    """Mean (6,) and covariance (6, 6) of the mixture of track i."""
    for a in range(STATES):
        s = 0.0
        for m in range(MODELS):
            s += mu[i, m] * x[i, m, a]
        mean[a] = s
    for a in range(STATES):
        for b in range(STATES):
            s = 0.0
            for m in range(MODELS):
                s += mu[i, m] * (p[i, m, a, b] + (x[i, m, a] - mean[a]) * (x[i, m, b] - mean[b]))
            cov[a, b] = s
