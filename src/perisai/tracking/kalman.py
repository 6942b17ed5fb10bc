"""Measurement likelihood and update, one scalar component after the other.

The components of a detection are independent, so processing them in sequence is exact and needs no matrix inverse
(Bar-Shalom, Li & Kirubarajan 2001, 7.4); the sum of squared normalised innovations is the squared Mahalanobis distance
of all together. Row h of a component is either a unit row (plane form) or a row of the Jacobian (polar form).
"""

import math

from perisai.geodesy import kernel

from .settings import STATES

LOG_2PI = math.log(2.0 * math.pi)


@kernel
def fold(x, p, row, innovation, variance, gain):
    """Update x (6,), p (6, 6) by one scalar in place; gives its squared distance and log likelihood."""
    s = variance
    for a in range(STATES):
        g = 0.0
        for b in range(STATES):
            g += p[a, b] * row[b]
        gain[a] = g
    for a in range(STATES):
        s += row[a] * gain[a]
    inverse = 1.0 / s
    step = innovation * inverse
    for a in range(STATES):
        x[a] += gain[a] * step
        ka = gain[a] * inverse
        for b in range(STATES):
            p[a, b] -= ka * gain[b]
    d2 = innovation * step
    return d2, -0.5 * (d2 + math.log(s) + LOG_2PI)


@kernel
def fold_unit(x, p, k, innovation, variance, gain):
    """`fold` for the row that picks component k."""
    for a in range(STATES):
        gain[a] = p[a, k]
    s = gain[k] + variance
    inverse = 1.0 / s
    step = innovation * inverse
    for a in range(STATES):
        x[a] += gain[a] * step
        ka = gain[a] * inverse
        for b in range(STATES):
            p[a, b] -= ka * gain[b]
    d2 = innovation * step
    return d2, -0.5 * (d2 + math.log(s) + LOG_2PI)


@kernel
def plane_likelihood(x, p, i, m, dt, z, var):
    """Squared distance and log likelihood of an east-north position under model m of track i, closed form 2 x 2.

    dt: the detection's time less the track's, s; the mean is moved by it in a straight line.
    """
    de = z[0] - x[i, m, 0] - dt * x[i, m, 3]
    dn = z[1] - x[i, m, 1] - dt * x[i, m, 4]
    see = p[i, m, 0, 0] + var[0]
    snn = p[i, m, 1, 1] + var[1]
    sen = p[i, m, 0, 1]
    det = see * snn - sen * sen
    d2 = (snn * de * de - 2.0 * sen * de * dn + see * dn * dn) / det
    return d2, -0.5 * (d2 + math.log(det)) - LOG_2PI


@kernel
def measure(polar, x, p, z, var, mask, dt, seen, jacobian, mean, gain, row):
    """Fold all components of a detection into one model's x (6,), p (6, 6), in place; squared distance, log likelihood.

    Plane form: z are E, N, h, vE, vN, vh. Polar form: z are range, azimuth, elevation, range rate; `seen` (4,) is what
    the sensor would measure of the mean (6,) and `jacobian` (4, 6) its slope there. dt: see `plane_likelihood`.
    """
    d2 = 0.0
    log_likelihood = 0.0
    moved = dt != 0.0
    if polar:
        for c in range(4):
            if not mask[c]:
                continue
            nu = z[c] - seen[c]
            for a in range(STATES):
                row[a] = jacobian[c, a]
                nu -= row[a] * (x[a] - mean[a])
            if moved and c < 3:
                for a in range(3):
                    nu -= dt * row[a] * x[a + 3]
                    row[a + 3] += dt * row[a]
            if c == 1:
                nu -= 2.0 * math.pi * math.floor((nu + math.pi) / (2.0 * math.pi))
            d, l = fold(x, p, row, nu, var[c], gain)
            d2 += d
            log_likelihood += l
        return d2, log_likelihood
    for c in range(STATES):
        if not mask[c]:
            continue
        if moved and c < 3:
            for a in range(STATES):
                row[a] = 0.0
            row[c] = 1.0
            row[c + 3] = dt
            d, l = fold(x, p, row, z[c] - x[c] - dt * x[c + 3], var[c], gain)
        else:
            d, l = fold_unit(x, p, c, z[c] - x[c], var[c], gain)
        d2 += d
        log_likelihood += l
    return d2, log_likelihood
