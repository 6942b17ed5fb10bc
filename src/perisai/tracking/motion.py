"""Mixing and prediction of the interacting multiple models (Blom & Bar-Shalom 1988), three models of six states.

State [E, N, h, vE, vN, vh] on the region plane, m and m/s; x is (C, 3, 6), p (C, 3, 6, 6), mu (C, 3). What the models
are depends on the track: see `models`.
"""

import math

from perisai.kernels import inlined, loop

from .models import TURN_SPREAD2, course_of, flight_of, model_set, noise_of, prepare, turn_of
from .settings import MODELS, STATES, Motion


@loop
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


@loop
def _move(x, p, i, m, dt, flight, noise, vertical):
    """x <- F x, P <- F P F' + Q of the full state; flight, noise: see `flight_of` and `noise_of`."""
    f1, f2, cs, sn = flight
    u, v = x[i, m, 3], x[i, m, 4]
    x[i, m, 0] += f1 * u + f2 * v
    x[i, m, 1] += f1 * v - f2 * u
    x[i, m, 2] += dt * x[i, m, 5]
    x[i, m, 3], x[i, m, 4] = cs * u + sn * v, cs * v - sn * u
    for b in range(STATES):
        u, v = p[i, m, 3, b], p[i, m, 4, b]
        p[i, m, 0, b] += f1 * u + f2 * v
        p[i, m, 1, b] += f1 * v - f2 * u
        p[i, m, 2, b] += dt * p[i, m, 5, b]
        p[i, m, 3, b], p[i, m, 4, b] = cs * u + sn * v, cs * v - sn * u
    for a in range(STATES):
        u, v = p[i, m, a, 3], p[i, m, a, 4]
        p[i, m, a, 0] += f1 * u + f2 * v
        p[i, m, a, 1] += f1 * v - f2 * u
        p[i, m, a, 2] += dt * p[i, m, a, 5]
        p[i, m, a, 3], p[i, m, a, 4] = cs * u + sn * v, cs * v - sn * u
    ee, en, nn = noise
    half, third = 0.5 * dt * dt, dt * dt * dt / 3.0
    for a in range(3):
        for b in range(3):
            q = vertical if a == 2 and b == 2 else 0.0
            if a < 2 and b < 2:
                q = en if a != b else (ee if a == 0 else nn)
            p[i, m, a, b] += q * third
            p[i, m, a, b + 3] += q * half
            p[i, m, a + 3, b] += q * half
            p[i, m, a + 3, b + 3] += q * dt
    for a in range(STATES):
        for b in range(a):
            s = 0.5 * (p[i, m, a, b] + p[i, m, b, a])
            p[i, m, a, b], p[i, m, b, a] = s, s


@inlined
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


@inlined
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


@inlined
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


@loop
def _predict_block(x, p, i, m, dt, flight, noise, ee, en, eu, ev, nn, nu, nv, uu, uv, vv):
    """Model m of track i after dt seconds, from its mixed means (in x) and covariance (ee to vv) of place (e, n) and
    velocity (u, v)."""
    f1, f2, cs, sn = flight
    qee, qen, qnn = noise
    half, third = 0.5 * dt * dt, dt * dt * dt / 3.0
    vu, vn = x[i, m, 3], x[i, m, 4]
    x[i, m, 0] += f1 * vu + f2 * vn
    x[i, m, 1] += f1 * vn - f2 * vu
    x[i, m, 3] = cs * vu + sn * vn
    x[i, m, 4] = cs * vn - sn * vu
    # Ppv + A Pvv, with A = [[f1, f2], [-f2, f1]]; then P = P + (that) A' + A Ppv', and its product with B'.
    w00, w01 = eu + f1 * uu + f2 * uv, ev + f1 * uv + f2 * vv
    w10, w11 = nu + f1 * uv - f2 * uu, nv + f1 * vv - f2 * uv
    p[i, m, 0, 0] = ee + f1 * (w00 + eu) + f2 * (w01 + ev) + qee * third
    p[i, m, 1, 1] = nn + f1 * (w11 + nv) - f2 * (w10 + nu) + qnn * third
    p01 = en + f1 * (w01 + nu) + f2 * (nv - w00) + qen * third
    p03, p04 = cs * w00 + sn * w01 + qee * half, cs * w01 - sn * w00 + qen * half
    p13, p14 = cs * w10 + sn * w11 + qen * half, cs * w11 - sn * w10 + qnn * half
    p34 = cs * sn * (vv - uu) + (cs * cs - sn * sn) * uv + qen * dt
    p[i, m, 3, 3] = cs * cs * uu + 2.0 * cs * sn * uv + sn * sn * vv + qee * dt
    p[i, m, 4, 4] = sn * sn * uu - 2.0 * cs * sn * uv + cs * cs * vv + qnn * dt
    p[i, m, 0, 1], p[i, m, 1, 0] = p01, p01
    p[i, m, 0, 3], p[i, m, 3, 0] = p03, p03
    p[i, m, 1, 4], p[i, m, 4, 1] = p14, p14
    p[i, m, 0, 4], p[i, m, 4, 0] = p04, p04
    p[i, m, 1, 3], p[i, m, 3, 1] = p13, p13
    p[i, m, 3, 4], p[i, m, 4, 3] = p34, p34


@loop
def _advance_blocks(x, p, mu, i, dt, vertical, solid_hits, surprise, habit, motion: Motion, pi):
    """`_mix` and `_move` of a track whose height is not tied to its place: 4 x 4, and 2 x 2 where height is known.
    The models are written out: indexing what is kept per model costs more than the sums."""
    w = _weights(mu, i, pi)
    e, n, u, v = _mixed(x, i, w, 0), _mixed(x, i, w, 1), _mixed(x, i, w, 3), _mixed(x, i, w, 4)
    ee0, ee1, ee2 = _spread(p, i, w, e, e, 0, 0)
    en0, en1, en2 = _spread(p, i, w, e, n, 0, 1)
    eu0, eu1, eu2 = _spread(p, i, w, e, u, 0, 3)
    ev0, ev1, ev2 = _spread(p, i, w, e, v, 0, 4)
    nn0, nn1, nn2 = _spread(p, i, w, n, n, 1, 1)
    nu0, nu1, nu2 = _spread(p, i, w, n, u, 1, 3)
    nv0, nv1, nv2 = _spread(p, i, w, n, v, 1, 4)
    uu0, uu1, uu2 = _spread(p, i, w, u, u, 3, 3)
    uv0, uv1, uv2 = _spread(p, i, w, u, v, 3, 4)
    vv0, vv1, vv2 = _spread(p, i, w, v, v, 4, 4)
    mean_u = mu[i, 0] * x[i, 0, 3] + mu[i, 1] * x[i, 1, 3] + mu[i, 2] * x[i, 2, 3]
    mean_v = mu[i, 0] * x[i, 0, 4] + mu[i, 1] * x[i, 1, 4] + mu[i, 2] * x[i, 2, 4]
    course = course_of(mean_u, mean_v, uu0 + vv0)
    kind = model_set(solid_hits, surprise, i, course[0])
    turn, spread2 = turn_of(habit, i, dt), habit[i, TURN_SPREAD2]
    flight, noise = flight_of(kind, 0, dt, turn), noise_of(motion, kind, 0, course, spread2)
    _predict_block(x, p, i, 0, dt, flight, noise, ee0, en0, eu0, ev0, nn0, nu0, nv0, uu0, uv0, vv0)
    flight, noise = flight_of(kind, 1, dt, turn), noise_of(motion, kind, 1, course, spread2)
    _predict_block(x, p, i, 1, dt, flight, noise, ee1, en1, eu1, ev1, nn1, nu1, nv1, uu1, uv1, vv1)
    flight, noise = flight_of(kind, 2, dt, turn), noise_of(motion, kind, 2, course, spread2)
    _predict_block(x, p, i, 2, dt, flight, noise, ee2, en2, eu2, ev2, nn2, nu2, nv2, uu2, uv2, vv2)
    if vertical:
        half, third = 0.5 * dt * dt, dt * dt * dt / 3.0
        h, k = _mixed(x, i, w, 2), _mixed(x, i, w, 5)
        hh, hk, kk = _spread(p, i, w, h, h, 2, 2), _spread(p, i, w, h, k, 2, 5), _spread(p, i, w, k, k, 5, 5)
        for m in range(MODELS):
            q = motion.vertical[kind, m]
            x[i, m, 2] += dt * x[i, m, 5]
            p[i, m, 2, 2] = hh[m] + 2.0 * dt * hk[m] + dt * dt * kk[m] + q * third
            p25 = hk[m] + dt * kk[m] + q * half
            p[i, m, 2, 5], p[i, m, 5, 2] = p25, p25
            p[i, m, 5, 5] = kk[m] + q * dt


@loop
def advance(
    x, p, mu, t, r, has_height, coupled, solid_hits, surprise, habit, i, to, motion: Motion, pi, cached_dt, w, d, c
):
    """Bring track i to time `to` (s); nothing when it is already there or beyond. Existence decays with mean life."""
    dt = to - t[i]
    if dt <= 0.0:
        return
    if dt != cached_dt[0]:
        prepare(motion, dt, pi)
        cached_dt[0] = dt
    if coupled[i]:
        _mix(x, p, mu, i, pi, w, d, c)
        u = mu[i, 0] * x[i, 0, 3] + mu[i, 1] * x[i, 1, 3] + mu[i, 2] * x[i, 2, 3]
        v = mu[i, 0] * x[i, 0, 4] + mu[i, 1] * x[i, 1, 4] + mu[i, 2] * x[i, 2, 4]
        course = course_of(u, v, p[i, 0, 3, 3] + p[i, 0, 4, 4])
        kind = model_set(solid_hits, surprise, i, course[0])
        turn, spread2 = turn_of(habit, i, dt), habit[i, TURN_SPREAD2]
        for m in range(MODELS):
            vertical = motion.vertical[kind, m] if has_height[i] else 0.0
            noise = noise_of(motion, kind, m, course, spread2)
            _move(x, p, i, m, dt, flight_of(kind, m, dt, turn), noise, vertical)
    else:
        _advance_blocks(x, p, mu, i, dt, has_height[i], solid_hits, surprise, habit, motion, pi)
    t[i] = to
    r[i] *= math.exp(-dt / motion.survival_s)
