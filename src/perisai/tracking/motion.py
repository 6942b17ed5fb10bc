"""Mixing and prediction of the interacting multiple models (Blom & Bar-Shalom 1988), three models of six states.

State [E, N, h, vE, vN, vh] on the region plane, m and m/s. All models move at constant velocity and differ in the
spectral density of their white acceleration, so one transition serves all; x is (C, 3, 6), p (C, 3, 6, 6), mu (C, 3).
"""

import math

from perisai.geodesy import kernel

from .settings import MODELS, STATES, Motion

HEARD_NOISE = 0.03
"""Share of the noise of the models that a track of microphones and bearings alone is given."""


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
def _weights(mu, i, pi):
    """The nine weights w_ij = pi_ij mu_i / c_j by rows; mu becomes c."""
    m0, m1, m2 = mu[i, 0], mu[i, 1], mu[i, 2]
    a0, a1, a2 = pi[0, 0] * m0, pi[1, 0] * m1, pi[2, 0] * m2
    b0, b1, b2 = pi[0, 1] * m0, pi[1, 1] * m1, pi[2, 1] * m2
    c0, c1, c2 = pi[0, 2] * m0, pi[1, 2] * m1, pi[2, 2] * m2
    a, b, c = a0 + a1 + a2, b0 + b1 + b2, c0 + c1 + c2
    mu[i, 0], mu[i, 1], mu[i, 2] = a, b, c
    a, b, c = 1.0 / a, 1.0 / b, 1.0 / c
    return a0 * a, b0 * b, c0 * c, a1 * a, b1 * b, c1 * c, a2 * a, b2 * b, c2 * c


@kernel
def _mixed(x, i, w, a):
    """Mixed means of component a, in place; gives (d_1, d_2, e_0, e_1, e_2) of `_mix` for it."""
    base = x[i, 0, a]
    d1 = x[i, 1, a] - base
    d2 = x[i, 2, a] - base
    e0 = w[3] * d1 + w[6] * d2
    e1 = w[4] * d1 + w[7] * d2
    e2 = w[5] * d1 + w[8] * d2
    x[i, 0, a] = base + e0
    x[i, 1, a] = base + e1
    x[i, 2, a] = base + e2
    return d1, d2, e0, e1, e2


@kernel
def _spread(p, i, w, f, g, a, b):
    """Mixed covariances of components a and b in the three models; f, g: what `_mixed` gave for them."""
    p0 = p[i, 0, a, b]
    p1 = p[i, 1, a, b] + f[0] * g[0]
    p2 = p[i, 2, a, b] + f[1] * g[1]
    return (
        w[0] * p0 + w[3] * p1 + w[6] * p2 - f[2] * g[2],
        w[1] * p0 + w[4] * p1 + w[7] * p2 - f[3] * g[3],
        w[2] * p0 + w[5] * p1 + w[8] * p2 - f[4] * g[4],
    )


@kernel
def _advance_blocks(x, p, mu, i, dt, vertical, share, motion: Motion, pi):
    """`_mix` and `_move` of a track whose height is not tied to its place: 4 x 4, and 2 x 2 where height is known."""
    w = _weights(mu, i, pi)
    e, n, u, v = _mixed(x, i, w, 0), _mixed(x, i, w, 1), _mixed(x, i, w, 3), _mixed(x, i, w, 4)
    ee, en, eu, ev = (
        _spread(p, i, w, e, e, 0, 0),
        _spread(p, i, w, e, n, 0, 1),
        _spread(p, i, w, e, u, 0, 3),
        _spread(p, i, w, e, v, 0, 4),
    )
    nn, nu, nv = _spread(p, i, w, n, n, 1, 1), _spread(p, i, w, n, u, 1, 3), _spread(p, i, w, n, v, 1, 4)
    uu, uv, vv = _spread(p, i, w, u, u, 3, 3), _spread(p, i, w, u, v, 3, 4), _spread(p, i, w, v, v, 4, 4)
    dt2 = dt * dt
    for m in range(MODELS):
        noise = share * motion.noise[m]
        cross = 0.5 * noise * dt2
        cube = noise * dt2 * dt / 3.0
        x[i, m, 0] += dt * x[i, m, 3]
        x[i, m, 1] += dt * x[i, m, 4]
        p[i, m, 0, 0] = ee[m] + 2.0 * dt * eu[m] + dt2 * uu[m] + cube
        p[i, m, 1, 1] = nn[m] + 2.0 * dt * nv[m] + dt2 * vv[m] + cube
        p01 = en[m] + dt * (ev[m] + nu[m]) + dt2 * uv[m]
        p03 = eu[m] + dt * uu[m] + cross
        p14 = nv[m] + dt * vv[m] + cross
        p04 = ev[m] + dt * uv[m]
        p13 = nu[m] + dt * uv[m]
        p[i, m, 0, 1], p[i, m, 1, 0] = p01, p01
        p[i, m, 0, 3], p[i, m, 3, 0] = p03, p03
        p[i, m, 1, 4], p[i, m, 4, 1] = p14, p14
        p[i, m, 0, 4], p[i, m, 4, 0] = p04, p04
        p[i, m, 1, 3], p[i, m, 3, 1] = p13, p13
        p[i, m, 3, 4], p[i, m, 4, 3] = uv[m], uv[m]
        p[i, m, 3, 3] = uu[m] + noise * dt
        p[i, m, 4, 4] = vv[m] + noise * dt
    if vertical:
        h, k = _mixed(x, i, w, 2), _mixed(x, i, w, 5)
        hh, hk, kk = _spread(p, i, w, h, h, 2, 2), _spread(p, i, w, h, k, 2, 5), _spread(p, i, w, k, k, 5, 5)
        for m in range(MODELS):
            noise = motion.vertical_noise[m]
            x[i, m, 2] += dt * x[i, m, 5]
            p[i, m, 2, 2] = hh[m] + 2.0 * dt * hk[m] + dt2 * kk[m] + noise * dt2 * dt / 3.0
            p25 = hk[m] + dt * kk[m] + 0.5 * noise * dt2
            p[i, m, 2, 5], p[i, m, 5, 2] = p25, p25
            p[i, m, 5, 5] = kk[m] + noise * dt


@kernel
def advance(x, p, mu, t, r, has_height, coupled, solid_hits, i, to, motion: Motion, pi, cached_dt, w, d, c):
    """Bring track i to time `to` (s); nothing when it is already there or beyond. Existence decays with mean life.

    What was only ever heard is taken to fly as slow targets do: its reports are too coarse to tell the models apart.
    """
    dt = to - t[i]
    if dt <= 0.0:
        return
    if dt != cached_dt[0]:
        transition(motion, dt, pi)
        cached_dt[0] = dt
    share = 1.0 if solid_hits[i] > 0 else HEARD_NOISE
    if coupled[i]:
        _mix(x, p, mu, i, pi, w, d, c)
        for m in range(MODELS):
            vertical = motion.vertical_noise[m] if has_height[i] else 0.0
            _move(x, p, i, m, dt, share * motion.noise[m], vertical)
    else:
        _advance_blocks(x, p, mu, i, dt, has_height[i], share, motion, pi)
    t[i] = to
    r[i] *= math.exp(-dt / motion.survival_s)


@kernel
def moments(x, p, mu, i, coupled, mean, cov):
    """Mean (6,) and covariance (6, 6) of the mixture of track i."""
    m0, m1, m2 = mu[i, 0], mu[i, 1], mu[i, 2]
    for a in range(STATES):
        mean[a] = m0 * x[i, 0, a] + m1 * x[i, 1, a] + m2 * x[i, 2, a]
    for a in range(STATES):
        for b in range(a, STATES):
            if not coupled and (a % 3 == 2) != (b % 3 == 2):
                cov[a, b] = 0.0
                cov[b, a] = 0.0
                continue
            s = (
                m0 * (p[i, 0, a, b] + (x[i, 0, a] - mean[a]) * (x[i, 0, b] - mean[b]))
                + m1 * (p[i, 1, a, b] + (x[i, 1, a] - mean[a]) * (x[i, 1, b] - mean[b]))
                + m2 * (p[i, 2, a, b] + (x[i, 2, a] - mean[a]) * (x[i, 2, b] - mean[b]))
            )
            cov[a, b] = s
            cov[b, a] = s
