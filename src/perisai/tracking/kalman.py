"""Measurement likelihood and update, one scalar component after the other.

The components of a detection are independent, so processing them in sequence is exact and needs no matrix inverse
(Bar-Shalom, Li & Kirubarajan 2001, 7.4); the sum of squared normalised innovations is the squared Mahalanobis distance
of all together. States are addressed as x[i, m], p[i, m] (track, model) and detections as z[j]: passing whole arrays
and indices keeps numba from building views in the hot loops.
"""

import math

from perisai.kernels import loop

from .settings import MODELS, STATES

LOG_2PI = math.log(2.0 * math.pi)


@loop
def fold(x, p, i, m, row, innovation, variance, gain):
    """Update x[i, m] (6,), p[i, m] (6, 6) by one scalar with slope row (6,); squared distance and log likelihood."""
    s = variance
    for a in range(STATES):
        g = 0.0
        for b in range(STATES):
            g += p[i, m, a, b] * row[b]
        gain[a] = g
    for a in range(STATES):
        s += row[a] * gain[a]
    inverse = 1.0 / s
    step = innovation * inverse
    for a in range(STATES):
        x[i, m, a] += gain[a] * step
        ka = gain[a] * inverse
        for b in range(STATES):
            p[i, m, a, b] -= ka * gain[b]
    d2 = innovation * step
    return d2, -0.5 * (d2 + math.log(s) + LOG_2PI)


@loop
def fold_unit(x, p, i, m, k, innovation, variance, gain):
    """`fold` for the row that picks component k."""
    for a in range(STATES):
        gain[a] = p[i, m, a, k]
    s = gain[k] + variance
    inverse = 1.0 / s
    step = innovation * inverse
    for a in range(STATES):
        x[i, m, a] += gain[a] * step
        ka = gain[a] * inverse
        for b in range(STATES):
            p[i, m, a, b] -= ka * gain[b]
    d2 = innovation * step
    return d2, -0.5 * (d2 + math.log(s) + LOG_2PI)


@loop
def plane_likelihood(x, p, mu, i, dt, z, j, variance, gate):
    """(log sum over models of mu N(z; ...), least squared distance) of an east-north position, closed form 2 x 2.

    dt: the detection's time less the track's, s; the mean is moved by it in a straight line. variance: of each axis.
    Beyond the gate the likelihood is not computed.
    """
    closest = 1e300
    total = 0.0
    for m in range(MODELS):
        de = z[j, 0] - x[i, m, 0] - dt * x[i, m, 3]
        dn = z[j, 1] - x[i, m, 1] - dt * x[i, m, 4]
        see = p[i, m, 0, 0] + variance
        snn = p[i, m, 1, 1] + variance
        sen = p[i, m, 0, 1]
        inverse = 1.0 / (see * snn - sen * sen)
        d2 = (snn * de * de - 2.0 * sen * de * dn + see * dn * dn) * inverse
        closest = min(closest, d2)
        if d2 <= gate + 20.0:
            total += mu[i, m] * math.sqrt(inverse) * math.exp(-0.5 * d2)
    if closest > gate:
        return -1e300, closest
    return math.log(max(total, 1e-300)) - LOG_2PI, closest


@loop
def update_place(x, p, mu, i, z, j, variance, dt):
    """Update all models of track i, whose covariance is in blocks, with an east-north position, and their
    probabilities with its likelihoods; closed form. Gives the least squared distance. dt and variance: see
    `plane_likelihood`."""
    l0, l1, l2 = 0.0, 0.0, 0.0
    d0, d1, d2 = 0.0, 0.0, 0.0
    for m in range(MODELS):
        nu_e = z[j, 0] - x[i, m, 0] - dt * x[i, m, 3]
        nu_n = z[j, 1] - x[i, m, 1] - dt * x[i, m, 4]
        p01, p03, p04 = p[i, m, 0, 1], p[i, m, 0, 3], p[i, m, 0, 4]
        p13, p14, p34 = p[i, m, 1, 3], p[i, m, 1, 4], p[i, m, 3, 4]
        p33, p44 = p[i, m, 3, 3], p[i, m, 4, 4]
        # P H' with H = [I, dt I]: columns for east and north.
        e0, e1, e3, e4 = p[i, m, 0, 0] + dt * p03, p01 + dt * p13, p03 + dt * p33, p04 + dt * p34
        n0, n1, n3, n4 = p01 + dt * p04, p[i, m, 1, 1] + dt * p14, p13 + dt * p34, p14 + dt * p44
        see = e0 + dt * e3 + variance
        snn = n1 + dt * n4 + variance
        sen = e1 + dt * e4
        inverse = 1.0 / (see * snn - sen * sen)
        we, wn, wx = snn * inverse, see * inverse, -sen * inverse
        ge0, ge1, ge3, ge4 = we * e0 + wx * n0, we * e1 + wx * n1, we * e3 + wx * n3, we * e4 + wx * n4
        gn0, gn1, gn3, gn4 = wx * e0 + wn * n0, wx * e1 + wn * n1, wx * e3 + wn * n3, wx * e4 + wn * n4
        x[i, m, 0] += ge0 * nu_e + gn0 * nu_n
        x[i, m, 1] += ge1 * nu_e + gn1 * nu_n
        x[i, m, 3] += ge3 * nu_e + gn3 * nu_n
        x[i, m, 4] += ge4 * nu_e + gn4 * nu_n
        p[i, m, 0, 0] -= ge0 * e0 + gn0 * n0
        p[i, m, 1, 1] -= ge1 * e1 + gn1 * n1
        p[i, m, 3, 3] = p33 - ge3 * e3 - gn3 * n3
        p[i, m, 4, 4] = p44 - ge4 * e4 - gn4 * n4
        p01 -= ge0 * e1 + gn0 * n1
        p03 -= ge0 * e3 + gn0 * n3
        p04 -= ge0 * e4 + gn0 * n4
        p13 -= ge1 * e3 + gn1 * n3
        p14 -= ge1 * e4 + gn1 * n4
        p34 -= ge3 * e4 + gn3 * n4
        p[i, m, 0, 1], p[i, m, 1, 0] = p01, p01
        p[i, m, 0, 3], p[i, m, 3, 0] = p03, p03
        p[i, m, 0, 4], p[i, m, 4, 0] = p04, p04
        p[i, m, 1, 3], p[i, m, 3, 1] = p13, p13
        p[i, m, 1, 4], p[i, m, 4, 1] = p14, p14
        p[i, m, 3, 4], p[i, m, 4, 3] = p34, p34
        d = we * nu_e * nu_e + 2.0 * wx * nu_e * nu_n + wn * nu_n * nu_n
        l = mu[i, m] * math.sqrt(inverse)
        if m == 0:
            d0, l0 = d, l
        elif m == 1:
            d1, l1 = d, l
        else:
            d2, l2 = d, l
    least = min(d0, d1, d2)
    l0 *= math.exp(0.5 * (least - d0))
    l1 *= math.exp(0.5 * (least - d1))
    l2 *= math.exp(0.5 * (least - d2))
    floor = 1e-6 * max(l0, l1, l2)
    l0, l1, l2 = max(l0, floor), max(l1, floor), max(l2, floor)
    total = l0 + l1 + l2
    mu[i, 0], mu[i, 1], mu[i, 2] = l0 / total, l1 / total, l2 / total
    return least


@loop
def blur(p, i, variance, spread2):
    """Widen track i, just updated with a position of this variance (m2, each axis), by the doubt which one was its own:
    its mean would have lain elsewhere by the gain times the difference, whose mean square on each axis is spread2."""
    share = spread2 / (variance * variance)
    for m in range(MODELS):
        e0, e1, e3, e4 = p[i, m, 0, 0], p[i, m, 0, 1], p[i, m, 0, 3], p[i, m, 0, 4]
        n1, n3, n4 = p[i, m, 1, 1], p[i, m, 1, 3], p[i, m, 1, 4]
        p[i, m, 0, 0] += share * (e0 * e0 + e1 * e1)
        p[i, m, 1, 1] += share * (e1 * e1 + n1 * n1)
        p[i, m, 3, 3] += share * (e3 * e3 + n3 * n3)
        p[i, m, 4, 4] += share * (e4 * e4 + n4 * n4)
        p01 = e1 + share * (e0 * e1 + e1 * n1)
        p03, p04 = e3 + share * (e0 * e3 + e1 * n3), e4 + share * (e0 * e4 + e1 * n4)
        p13, p14 = n3 + share * (e1 * e3 + n1 * n3), n4 + share * (e1 * e4 + n1 * n4)
        p34 = p[i, m, 3, 4] + share * (e3 * e4 + n3 * n4)
        p[i, m, 0, 1], p[i, m, 1, 0] = p01, p01
        p[i, m, 0, 3], p[i, m, 3, 0] = p03, p03
        p[i, m, 0, 4], p[i, m, 4, 0] = p04, p04
        p[i, m, 1, 3], p[i, m, 3, 1] = p13, p13
        p[i, m, 1, 4], p[i, m, 4, 1] = p14, p14
        p[i, m, 3, 4], p[i, m, 4, 3] = p34, p34


@loop
def measure(polar, x, p, i, m, z, var, mask, j, widen, dt, seen, jacobian, centre, q, gain, row):
    """Fold all components of detection j into model m of track i, in place; squared distance and log likelihood.

    Plane form: z are E, N, h, vE, vN, vh. Polar form: z are range, azimuth, elevation, range rate; seen[q] (4,) is what
    the sensor would measure of the mean centre[q] (6,) and jacobian[q] (4, 6) its slope there. widen: factor on the
    variances. dt: see `plane_likelihood`.
    """
    d2 = 0.0
    log_likelihood = 0.0
    if polar:
        for c in range(4):
            if not mask[j, c]:
                continue
            nu = z[j, c] - seen[q, c]
            for a in range(STATES):
                row[a] = jacobian[q, c, a]
                nu -= row[a] * (x[i, m, a] - centre[q, a])
            if c < 3:
                for a in range(3):
                    nu -= dt * row[a] * x[i, m, a + 3]
                    row[a + 3] += dt * row[a]
            if c == 1:
                nu -= 2.0 * math.pi * math.floor((nu + math.pi) / (2.0 * math.pi))
            d, l = fold(x, p, i, m, row, nu, widen * var[j, c], gain)
            d2 += d
            log_likelihood += l
        return d2, log_likelihood
    for c in range(STATES):
        if not mask[j, c]:
            continue
        if dt != 0.0 and c < 3:
            for a in range(STATES):
                row[a] = 0.0
            row[c] = 1.0
            row[c + 3] = dt
            nu = z[j, c] - x[i, m, c] - dt * x[i, m, c + 3]
            d, l = fold(x, p, i, m, row, nu, widen * var[j, c], gain)
        else:
            d, l = fold_unit(x, p, i, m, c, z[j, c] - x[i, m, c], widen * var[j, c], gain)
        d2 += d
        log_likelihood += l
    return d2, log_likelihood


@loop
def try_measure(polar, x, p, mu, i, z, var, mask, j, widen, dt, seen, jacobian, centre, q, gain, row, xs, ps):
    """`measure` on a copy in xs (1, 3, 6), ps: (log sum over models of mu N(z; ...), least squared distance)."""
    closest = 1e300
    top = -1e300
    total = 0.0
    for m in range(MODELS):
        for a in range(STATES):
            xs[0, m, a] = x[i, m, a]
            for b in range(STATES):
                ps[0, m, a, b] = p[i, m, a, b]
        d2, l = measure(polar, xs, ps, 0, m, z, var, mask, j, widen, dt, seen, jacobian, centre, q, gain, row)
        closest = min(closest, d2)
        l += math.log(mu[i, m])
        if l > top:
            total = total * math.exp(max(top - l, -700.0)) + 1.0
            top = l
        else:
            total += math.exp(l - top)
    return top + math.log(total), closest
