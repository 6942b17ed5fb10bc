"""What the models of a track are (Li & Jilkov 2003): how each flies on in a step, and how much it may err.

Straight and a turn to either side as the track's class makes them; three straight ones of growing noise for what
surprised the filter, of far larger for what flies so fast that an engine may push it, and calm ones for what was only
ever heard. A turn changes the course far more than the speed, so the noise is split along and across the course.
m, m/s, s, radians, on the region plane.
"""

import math

from perisai.kernels import loop

from .settings import MODELS, Motion

TURN_RATE, TURN_SPREAD2 = 0, 1
"""Columns of `Bank.habit`."""
STANDARD, AGILE, HEARD, THRUST = 0, 1, 2, 3
"""Rows of the arrays of `Motion`."""
SURPRISED = 4.5
"""Running mean of the squared distance of a track's detections (for two components) from which it is agile."""
THRUST_MPS = 400.0
"""Speed from which a rocket may push it: 30 to 50 m/s2 for a minute, 20,000 m2/s3 and more seen every ten seconds."""
TURN_LASTS_S = 12.0
"""How long a turn goes on within one step; longer steps hold some straight flight too."""
FAST_MPS = 300.0
"""Speed from which the noise across the course grows no more."""


@loop
def prepare(motion: Motion, dt, pi):
    """pi (3, 3): the chance to pass from model i to j in dt seconds, expm(G dt) by its eigenvectors."""
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


@loop
def turn_of(habit, i, dt):
    """(f1, f2, cos, sin) of the turn that track i's class makes: E += f1 vE + f2 vN, N += f1 vN - f2 vE."""
    angle = habit[i, TURN_RATE] * min(dt, TURN_LASTS_S)
    w = angle / dt
    cs, sn = math.cos(angle), math.sin(angle)
    return sn / w, (1.0 - cs) / w, cs, sn


@loop
def model_set(solid_hits, surprise, i, speed2):
    """Which set of models track i flies by."""
    if solid_hits[i] == 0:
        return HEARD
    if speed2 > THRUST_MPS * THRUST_MPS:
        return THRUST
    return AGILE if surprise[i] > SURPRISED else STANDARD


@loop
def flight_of(kind, m, dt, turn):
    """(f1, f2, cos, sin) of model m of a set; see `turn_of`."""
    if kind != STANDARD or m == 0:
        return dt, 0.0, 1.0, 0.0
    side = 1.0 if m == 1 else -1.0
    return turn[0], side * turn[1], turn[2], side * turn[3]


@loop
def course_of(u, v, spread2):
    """(squared speed, how sure the course is, east-east, east-north and north-north of its direction) at mean velocity
    u, v whose components have variances of the sum spread2."""
    speed2 = u * u + v * v
    sure = speed2 / (speed2 + spread2 + 1.0)
    each = 1.0 / max(speed2, 1e-9)
    return speed2, sure * sure, u * u * each, u * v * each, v * v * each


@loop
def noise_of(motion: Motion, kind, m, course, turn_spread2):
    """(east-east, east-north, north-north) noise density of model m: as far as the course is known, it is split along
    and across it, where turns of the standard set have turn_spread2 times the squared speed more."""
    speed2, sure, ee, en, nn = course
    across = motion.across[kind, m]
    if kind == STANDARD and m > 0:
        across += turn_spread2 * min(speed2, FAST_MPS * FAST_MPS)
    along = sure * motion.along[kind, m] + (1.0 - sure) * max(motion.along[kind, m], across)
    return along * ee + across * nn, (along - across) * en, along * nn + across * ee
