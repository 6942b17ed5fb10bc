"""The update of a position that tells which model a track flew by before from which it flies by now.

The IMM mixes its models before each detection. Here every pair of models, before and now, is predicted and weighed by
the detection, and only then are those with the same model now joined (generalised pseudo-Bayes of second order,
Bar-Shalom, Li & Kirubarajan 2001, 11.6.4): a turn's beginning and end stay apart from its middle for one scan more.
"""

import math

from perisai.kernels import loop

from .models import STANDARD, TURN_SPREAD2, course_of, flight_of, noise_of, prepare, turn_of
from .settings import MODELS, Motion

PAST = 14
"""Numbers kept of each model: E, N, vE, vN, and the upper half of their covariance by rows."""
ROW = 16
"""The same of a pair, its weight and its squared distance."""


@loop
def remember(x, p, mu, i, past, past_mu, k):
    """Keep what track i was before it is brought on in past[k] (3, 14) and past_mu[k] (3,)."""
    for m in range(MODELS):
        past_mu[k, m] = mu[i, m]
        past[k, m, 0], past[k, m, 1], past[k, m, 2], past[k, m, 3] = x[i, m, 0], x[i, m, 1], x[i, m, 3], x[i, m, 4]
        past[k, m, 4], past[k, m, 5], past[k, m, 6] = p[i, m, 0, 0], p[i, m, 0, 1], p[i, m, 0, 3]
        past[k, m, 7], past[k, m, 8], past[k, m, 9] = p[i, m, 0, 4], p[i, m, 1, 1], p[i, m, 1, 3]
        past[k, m, 10], past[k, m, 11], past[k, m, 12] = p[i, m, 1, 4], p[i, m, 3, 3], p[i, m, 3, 4]
        past[k, m, 13] = p[i, m, 4, 4]


@loop
def _pair(past, k, h, lapse, flight, noise, z, j, variance, dt, out, c):
    """Row c of out: model h of past[k] flown on for `lapse` seconds and updated with detection j (see
    `kalman.update_place`), the root of the weight of its likelihood, and its squared distance."""
    f1, f2, cs, sn = flight
    qee, qen, qnn = noise
    half, third = 0.5 * lapse * lapse, lapse * lapse * lapse / 3.0
    u, v = past[k, h, 2], past[k, h, 3]
    ee, en, eu, ev = past[k, h, 4], past[k, h, 5], past[k, h, 6], past[k, h, 7]
    nn, nu, nv = past[k, h, 8], past[k, h, 9], past[k, h, 10]
    uu, uv, vv = past[k, h, 11], past[k, h, 12], past[k, h, 13]
    east, north = past[k, h, 0] + f1 * u + f2 * v, past[k, h, 1] + f1 * v - f2 * u
    u, v = cs * u + sn * v, cs * v - sn * u
    w00, w01 = eu + f1 * uu + f2 * uv, ev + f1 * uv + f2 * vv
    w10, w11 = nu + f1 * uv - f2 * uu, nv + f1 * vv - f2 * uv
    p00 = ee + f1 * (w00 + eu) + f2 * (w01 + ev) + qee * third
    p11 = nn + f1 * (w11 + nv) - f2 * (w10 + nu) + qnn * third
    p01 = en + f1 * (w01 + nu) + f2 * (nv - w00) + qen * third
    p03, p04 = cs * w00 + sn * w01 + qee * half, cs * w01 - sn * w00 + qen * half
    p13, p14 = cs * w10 + sn * w11 + qen * half, cs * w11 - sn * w10 + qnn * half
    p34 = cs * sn * (vv - uu) + (cs * cs - sn * sn) * uv + qen * lapse
    p33 = cs * cs * uu + 2.0 * cs * sn * uv + sn * sn * vv + qee * lapse
    p44 = sn * sn * uu - 2.0 * cs * sn * uv + cs * cs * vv + qnn * lapse
    gap_e, gap_n = z[j, 0] - east - dt * u, z[j, 1] - north - dt * v
    e0, e1, e3, e4 = p00 + dt * p03, p01 + dt * p13, p03 + dt * p33, p04 + dt * p34
    n0, n1, n3, n4 = p01 + dt * p04, p11 + dt * p14, p13 + dt * p34, p14 + dt * p44
    see, snn, sen = e0 + dt * e3 + variance, n1 + dt * n4 + variance, e1 + dt * e4
    inverse = 1.0 / (see * snn - sen * sen)
    we, wn, wx = snn * inverse, see * inverse, -sen * inverse
    ge0, ge1, ge3, ge4 = we * e0 + wx * n0, we * e1 + wx * n1, we * e3 + wx * n3, we * e4 + wx * n4
    gn0, gn1, gn3, gn4 = wx * e0 + wn * n0, wx * e1 + wn * n1, wx * e3 + wn * n3, wx * e4 + wn * n4
    out[c, 0], out[c, 1] = east + ge0 * gap_e + gn0 * gap_n, north + ge1 * gap_e + gn1 * gap_n
    out[c, 2], out[c, 3] = u + ge3 * gap_e + gn3 * gap_n, v + ge4 * gap_e + gn4 * gap_n
    out[c, 4], out[c, 5] = p00 - ge0 * e0 - gn0 * n0, p01 - ge0 * e1 - gn0 * n1
    out[c, 6], out[c, 7] = p03 - ge0 * e3 - gn0 * n3, p04 - ge0 * e4 - gn0 * n4
    out[c, 8], out[c, 9], out[c, 10] = p11 - ge1 * e1 - gn1 * n1, p13 - ge1 * e3 - gn1 * n3, p14 - ge1 * e4 - gn1 * n4
    out[c, 11], out[c, 12], out[c, 13] = p33 - ge3 * e3 - gn3 * n3, p34 - ge3 * e4 - gn3 * n4, p44 - ge4 * e4 - gn4 * n4
    out[c, 14] = math.sqrt(inverse)
    out[c, 15] = we * gap_e * gap_e + 2.0 * wx * gap_e * gap_n + wn * gap_n * gap_n


@loop
def _join(x, p, i, m, out, total):
    """Model m of track i becomes the mixture of rows m, 3 + m and 6 + m of out, whose weights sum to total."""
    a, b, c = out[m, 14] / total, out[MODELS + m, 14] / total, out[2 * MODELS + m, 14] / total
    mean = (
        a * out[m, 0] + b * out[3 + m, 0] + c * out[6 + m, 0],
        a * out[m, 1] + b * out[3 + m, 1] + c * out[6 + m, 1],
        a * out[m, 2] + b * out[3 + m, 2] + c * out[6 + m, 2],
        a * out[m, 3] + b * out[3 + m, 3] + c * out[6 + m, 3],
    )
    at = 4
    for q in range(4):
        row = q if q < 2 else q + 1
        x[i, m, row] = mean[q]
        for s in range(q, 4):
            column = s if s < 2 else s + 1
            value = (
                a * (out[m, at] + (out[m, q] - mean[q]) * (out[m, s] - mean[s]))
                + b * (out[3 + m, at] + (out[3 + m, q] - mean[q]) * (out[3 + m, s] - mean[s]))
                + c * (out[6 + m, at] + (out[6 + m, q] - mean[q]) * (out[6 + m, s] - mean[s]))
            )
            p[i, m, row, column], p[i, m, column, row] = value, value
            at += 1


@loop
def update_histories(x, p, mu, habit, i, kind, motion: Motion, work, past, past_mu, k, lapse, z, j, variance, dt):
    """`kalman.update_place` over the pairs of models before and now of track i, whose state `lapse` seconds ago is in
    past[k] (m and m/s on the region plane); kind: its set of models. z: detections, m; variance: of each axis of z[j],
    m2; dt: its time less the track's, s. From one turn straight into the other is left to two scans."""
    pi, out = work.transition, work.pairs
    if lapse != work.cached_dt[0]:
        prepare(motion, lapse, pi)
        work.cached_dt[0] = lapse
    turn, spread2 = turn_of(habit, i, lapse), habit[i, TURN_SPREAD2]
    least = 1e300
    for h in range(MODELS):
        course = course_of(past[k, h, 2], past[k, h, 3], past[k, h, 11] + past[k, h, 13])
        for m in range(MODELS):
            c = MODELS * h + m
            if kind == STANDARD and h + m == MODELS:
                for a in range(ROW):
                    out[c, a] = 0.0
                continue
            flight, noise = flight_of(kind, m, lapse, turn), noise_of(motion, kind, m, course, spread2)
            _pair(past, k, h, lapse, flight, noise, z, j, variance, dt, out, c)
            out[c, 14] *= past_mu[k, h] * pi[h, m]
            least = min(least, out[c, 15])
    whole, most = 0.0, 0.0
    for c in range(MODELS * MODELS):
        out[c, 14] *= math.exp(max(0.5 * (least - out[c, 15]), -100.0))
        most = max(most, out[c, 14])
    for m in range(MODELS):
        total = out[m, 14] + out[3 + m, 14] + out[6 + m, 14]
        _join(x, p, i, m, out, total)
        mu[i, m] = max(total, 1e-6 * most)
        whole += mu[i, m]
    for m in range(MODELS):
        mu[i, m] /= whole
