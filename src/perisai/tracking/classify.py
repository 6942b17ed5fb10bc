"""What a track may be: a probability for each class from how it flies, what it is called and what names itself.

Kinematic densities follow TRACKING.md section 9 (speeds and heights of the classes) as smooth-edged bands. Evidence of
one track is strongly correlated in time, so a look counts for dt / CORRELATION_S of an independent one.
"""

import math

import numpy as np

from perisai.geodesy import kernel

from .bank import IMPLAUSIBLE, Bank
from .settings import CLASSES

DRONE, JET_DRONE, CRUISE, BALLISTIC, GLIDE_BOMB, AIRCRAFT, OTHER = range(len(CLASSES))
CORRELATION_S = 20.0
FLOOR = 0.02
"""Least value of any one factor: no single look rules a class out."""
PRIOR = np.log(np.array([0.30, 0.05, 0.08, 0.04, 0.03, 0.38, 0.12]))
# Speed (low, high, edge) m/s; height (low, high, edge) m above the ellipsoid.
SPEED = np.array(
    [
        [28.0, 75.0, 8.0],
        [95.0, 175.0, 12.0],
        [170.0, 290.0, 15.0],
        [700.0, 3500.0, 150.0],
        [140.0, 330.0, 25.0],
        [60.0, 275.0, 12.0],
        [0.0, 3500.0, 50.0],
    ]
)
HEIGHT = np.array(
    [
        [20.0, 4_500.0, 400.0],
        [100.0, 6_000.0, 600.0],
        [20.0, 900.0, 250.0],
        [0.0, 150_000.0, 3_000.0],
        [0.0, 13_000.0, 800.0],
        [300.0, 15_000.0, 300.0],
        [0.0, 30_000.0, 1_000.0],
    ]
)
CLIMB_MPS = np.array([4.0, 6.0, 12.0, 700.0, 90.0, 14.0, 40.0])
LABELLED = 0.75
"""Chance that a sensor that names a class names the true one."""
ADDRESS_GIVEN = np.log(np.array([0.03, 0.03, 0.03, 0.02, 0.02, 0.90, 0.25]))
"""Chance to see an address on each class, a forged one on those that do not name themselves."""


@kernel
def _band(value, sigma, low, high, edge, span):
    """Log density of a flat band with soft edges, seen with an error of sigma, over a thin floor for all classes."""
    width = math.sqrt(2.0 * (edge * edge + sigma * sigma))
    inside = 0.5 * (math.erf((value - low) / width) - math.erf((value - high) / width))
    return math.log((1.0 - FLOOR) * max(inside, 0.0) / (high - low) + FLOOR / span)


@kernel
def kinematics(speed, speed_sigma, height, height_sigma, height_known, climb, climb_sigma, out):
    """Log likelihood of one look at a track's motion under each class (7,)."""
    for c in range(out.size):
        l = _band(speed, speed_sigma, SPEED[c, 0], SPEED[c, 1], SPEED[c, 2], 3_500.0)
        if height_known:
            l += _band(height, height_sigma, HEIGHT[c, 0], HEIGHT[c, 1], HEIGHT[c, 2], 30_000.0)
            s2 = CLIMB_MPS[c] ** 2 + climb_sigma**2
            l += max(-0.5 * climb * climb / s2, -4.0) - 0.5 * math.log(s2)
        out[c] = l


@kernel
def observe(bank: Bank, i, now, speed, speed_sigma, height, height_sigma, climb, climb_sigma, label, scratch):
    """Fold one look into the track's log class evidence."""
    since = now - bank.class_time[i] if bank.class_time[i] >= 0.0 else CORRELATION_S
    weight = min(max(since / CORRELATION_S, 0.0), 1.0)
    bank.class_time[i] = now
    kinematics(speed, speed_sigma, height, height_sigma, bank.has_height[i], climb, climb_sigma, scratch)
    if label >= 0:
        for c in range(scratch.size):
            agrees = c == label or (label == DRONE and c == JET_DRONE)
            scratch[c] += math.log(LABELLED) if agrees else math.log((1.0 - LABELLED) / (scratch.size - 1))
    top = -1e300
    for c in range(scratch.size):
        bank.log_class[i, c] = 0.97 * bank.log_class[i, c] if weight >= 1.0 else bank.log_class[i, c]
        bank.log_class[i, c] += weight * scratch[c]
        top = max(top, bank.log_class[i, c])
    for c in range(scratch.size):
        bank.log_class[i, c] = max(bank.log_class[i, c] - top, -12.0)


@kernel
def posterior(bank: Bank, i, out):
    """Probabilities of the classes (7,): prior, evidence, and the address as evidence that can be forged."""
    top = -1e300
    for c in range(out.size):
        out[c] = PRIOR[c] + bank.log_class[i, c]
        if bank.address[i] >= 0:
            out[c] += ADDRESS_GIVEN[c]
        top = max(top, out[c])
    total = 0.0
    for c in range(out.size):
        out[c] = math.exp(out[c] - top)
        total += out[c]
    for c in range(out.size):
        out[c] /= total
    if bank.address[i] >= 0:
        if bank.log_class[i, AIRCRAFT] < -5.0:
            bank.flags[i] |= IMPLAUSIBLE
        else:
            bank.flags[i] &= ~IMPLAUSIBLE
