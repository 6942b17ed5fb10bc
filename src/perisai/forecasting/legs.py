"""Which leg an object is on: a few hypotheses of when it last turned, each with its own state, weighed by the rows.

A Bayesian run-length filter (Adams & MacKay 2007): each hypothesis is a Kalman filter of an object that has flown
straight since its last turn. With every row each may go on, or a turn may have come since the row before.
"""

import math

from perisai.kernels import inlined

HYPOTHESES = 5
"""Most kept of one track; beyond, the least likely is let go."""
# Columns of one hypothesis: m, m/s on the plane; variances of each axis; s since its turn (negative: unknown); weight.
X, Y, VX, VY, PP, PV, VV, SINCE, WEIGHT = range(9)
COLUMNS = 9

APART_S = 20.0
"""Turns of two hypotheses lie at least so far apart, for rows of a second tell nothing finer."""
LEAST_HAZARD = 0.1
"""A turn sooner than legs are known to last has this share of the usual rate: a loiter, or another enemy."""
SCATTER = 1.4
"""Legs scatter about a mean course; from one leg to the next they differ by so much more."""
MOST_HAZARD = 0.5
RAYLEIGH_MEAN = math.sqrt(math.pi) / 2.0
"""Of a Rayleigh time of scale 1: legs last least + such a time, here and in `flight._lasts`."""


@inlined
def begin(legs, x, y, vx, vy, pp, vv, since):
    """One hypothesis only, as the row says."""
    legs[:, :] = 0.0
    legs[0, X], legs[0, Y], legs[0, VX], legs[0, VY] = x, y, vx, vy
    legs[0, PP], legs[0, VV], legs[0, SINCE], legs[0, WEIGHT] = pp, vv, since, 1.0


@inlined
def _ahead(h, q, gap):
    """Variances of place (m2), place with velocity, and velocity (m2/s2) of h gap seconds on, with noise q (m2/s3)."""
    p = h[PP] + 2.0 * gap * h[PV] + gap * gap * h[VV] + q * gap**3 / 3.0
    return p, h[PV] + gap * h[VV] + q * gap * gap / 2.0, h[VV] + q * gap


@inlined
def _updated(h, z, r_p, r_v, q, gap, out):
    """Fill out with hypothesis h predicted by gap (s) with noise q (m2/s3) and updated with the row z (x, y, vx, vy),
    whose variances are r_p (m2) and r_v (m2/s2)."""
    px, py = h[X] + gap * h[VX], h[Y] + gap * h[VY]
    p, c, v = _ahead(h, q, gap)
    s11, s22 = p + r_p, v + r_v
    det = s11 * s22 - c * c
    k11, k12 = (p * s22 - c * c) / det, (c * s11 - p * c) / det
    k21, k22 = (c * s22 - v * c) / det, (v * s11 - c * c) / det
    ex, ey, ux, uy = z[0] - px, z[1] - py, z[2] - h[VX], z[3] - h[VY]
    out[X], out[Y] = px + k11 * ex + k12 * ux, py + k11 * ey + k12 * uy
    out[VX], out[VY] = h[VX] + k21 * ex + k22 * ux, h[VY] + k21 * ey + k22 * uy
    out[PP] = p - k11 * p - k12 * c
    out[PV] = c - k11 * c - k12 * v
    out[VV] = v - k21 * c - k22 * v


@inlined
def _likelihood(h, z, pp, vv, q, gap):
    """Log likelihood of the row under hypothesis h, and the variance of the velocity it was judged with."""
    p, c, v = _ahead(h, q, gap)
    s11, s22 = p + pp, v + vv
    det = s11 * s22 - c * c
    ex, ey, ux, uy = z[0] - h[X] - gap * h[VX], z[1] - h[Y] - gap * h[VY], z[2] - h[VX], z[3] - h[VY]
    fit = (s22 * (ex * ex + ey * ey) - 2.0 * c * (ex * ux + ey * uy) + s11 * (ux * ux + uy * uy)) / det
    return -0.5 * fit - math.log(det), s22


@inlined
def _hazard(since, gap, mean_leg, least_leg):
    """Probability that a leg that has lasted `since` s ends within gap: the law of `flight._lasts`."""
    rate = 1.0 / mean_leg
    if since >= 0.0:
        scale = (mean_leg - least_leg) / RAYLEIGH_MEAN
        rate = max(LEAST_HAZARD * rate, 2.0 * (since + 0.5 * gap - least_leg) / (scale * scale))
    return min(MOST_HAZARD, rate * gap)


@inlined
def weigh(legs, grown, score, z, pp, vv, gap, correlation_s, straight_q, law):
    """Take one row into the hypotheses legs (HYPOTHESES, COLUMNS); returns the index of the likeliest.

    z: (x, y, vx, vy) of the row, pp, vv its variances. law: (mean leg s, least leg s, turn sigma rad, speed sigma).
    grown (HYPOTHESES, COLUMNS), score (HYPOTHESES,): room. Errors of rows close in time are alike: their variance is
    raised, and what they say counts less, by correlation_s / gap.
    """
    mean_leg, least_leg, turn_sigma, speed_sigma = law
    loose = max(1.0, correlation_s / max(gap, 0.1))
    newest = 1e9
    for k in range(HYPOTHESES):
        if legs[k, WEIGHT] > 0.0 and legs[k, SINCE] >= 0.0:
            newest = min(newest, legs[k, SINCE])
    # The time in which a turn is looked for with this row: since the newest hypothesis, or the last row.
    span = gap if newest >= 1e9 else min(max(gap, APART_S), newest + gap)
    turns = newest + gap >= APART_S
    turned = best_turn = -1e300
    parent = -1
    most = -1e300
    for k in range(HYPOTHESES):
        score[k] = -1e300
        if legs[k, WEIGHT] <= 0.0:
            continue
        h = legs[k]
        straight, s22 = _likelihood(h, z, pp, vv, straight_q, gap)
        hazard = _hazard(h[SINCE], span, mean_leg, least_leg) if turns else 0.0
        score[k] = math.log(h[WEIGHT]) + math.log(1.0 - hazard) + straight / loose
        if turns:
            speed = math.hypot(h[VX], h[VY])
            q = (SCATTER * turn_sigma * speed) ** 2 / gap + straight_q
            turn, t22 = _likelihood(h, z, pp, vv, q, gap)
            # A turn changes the course, not the speed: across it is wide, along as narrow as a straight leg.
            slower = math.hypot(z[2], z[3]) - speed
            turn += 0.5 * math.log(t22 / s22) - 0.5 * slower * slower / (s22 + (speed_sigma * speed) ** 2)
            turn = math.log(h[WEIGHT]) + math.log(hazard) + turn / loose
            if turn > best_turn:
                best_turn, parent = turn, k
            turned = max(turned, turn) + math.log1p(math.exp(-abs(turned - turn)))
        most = max(most, score[k])
    if turns:
        most = max(most, turned)
    worst, weakest = -1, 1e300
    for k in range(HYPOTHESES):
        if legs[k, WEIGHT] <= 0.0:
            worst, weakest = k, -1e300
            continue
        if score[k] < weakest:
            worst, weakest = k, score[k]
        _updated(legs[k], z, pp * loose, vv * loose, straight_q, gap, grown[k])
        grown[k, SINCE] = legs[k, SINCE] + gap if legs[k, SINCE] >= 0.0 else legs[k, SINCE]
    if turns and turned > weakest:
        h = legs[parent]
        q = (SCATTER * turn_sigma * math.hypot(h[VX], h[VY])) ** 2 / gap + straight_q
        _updated(h, z, pp * loose, vv * loose, q, gap, grown[worst])
        grown[worst, SINCE] = 0.5 * gap
        score[worst] = turned
    total = 0.0
    for k in range(HYPOTHESES):
        grown[k, WEIGHT] = math.exp(score[k] - most) if score[k] > -1e299 else 0.0
        total += grown[k, WEIGHT]
    likeliest = 0
    for k in range(HYPOTHESES):
        legs[k] = grown[k]
        legs[k, WEIGHT] /= total
        if legs[k, WEIGHT] < 1e-4:
            legs[k, WEIGHT] = 0.0
        if legs[k, WEIGHT] > legs[likeliest, WEIGHT]:
            likeliest = k
    return likeliest
