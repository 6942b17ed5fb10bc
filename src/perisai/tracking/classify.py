"""What a track may be: a probability for each class from how it flies, what it is called and what names itself.

Kinematic densities follow TRACKING.md section 9 (speeds and heights of the classes) as smooth-edged bands. An object
holds its speed and height for long, so a thousand looks at them are worth few: the evidence is LOOKS times the mean
look, and the mean is an envelope. It falls fast when a flight leaves what a class can do and rises slowly, so that an
airliner seen at cruise is still an airliner on its approach.
"""

import math

import numpy as np

from perisai.kernels import loop

from .bank import IMPLAUSIBLE
from .settings import CLASS_PRIOR, CLASSES

DRONE, JET_DRONE, CRUISE, BALLISTIC, GLIDE_BOMB, AIRCRAFT, OTHER = range(len(CLASSES))
LOOKS = 2.0
"""Independent looks that a whole flight is worth."""
FALL_S, RISE_S = 30.0, 600.0
"""Time constants of the envelope of a class's mean look, down and up."""
FORGED = 3.0
"""Nats by which an aircraft's mean look may lie under that of a flight well inside its bands before its address is
held implausible."""
FLOOR = 0.02
"""Least value of any one factor: no single look rules a class out."""
PRIOR = np.log(CLASS_PRIOR)
# Speed (low, high, edge) m/s; height (low, high, edge) m above the ellipsoid.
SPEED = np.array(
    [
        [28.0, 75.0, 8.0],
        [95.0, 175.0, 12.0],
        [170.0, 290.0, 15.0],
        [700.0, 3500.0, 150.0],
        [140.0, 330.0, 25.0],
        [28.0, 285.0, 10.0],
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
        [50.0, 15_000.0, 150.0],
        [0.0, 30_000.0, 1_000.0],
    ]
)
CLIMB_MPS = np.array([4.0, 6.0, 12.0, 700.0, 90.0, 14.0, 40.0])
LIGHT = 0.3
"""Share of light aircraft and helicopters among aircraft."""
LIGHT_SPEED, LIGHT_HEIGHT, LIGHT_CLIMB_MPS = (10.0, 85.0, 8.0), (0.0, 3_000.0, 300.0), 5.0
SLOW_MPS = (28.0, 60.0)
"""Slower than the first is a taxi or a hover, faster than the second may be an airliner's approach."""
SLOW_BELOW_M = 1_500.0
LABELLED = 0.75
"""Chance that a sensor that names a class names the true one."""
ADDRESS_GIVEN = np.log(np.array([0.003, 0.003, 0.003, 0.002, 0.002, 0.90, 0.10]))
"""Chance to see an address on each class, a forged one on those that do not name themselves."""

USUAL_FLAT = -math.log(SPEED[AIRCRAFT, 1] - SPEED[AIRCRAFT, 0])
USUAL_HEIGHT = -math.log(HEIGHT[AIRCRAFT, 1] - HEIGHT[AIRCRAFT, 0]) - math.log(CLIMB_MPS[AIRCRAFT])
"""Log likelihood of a look at an aircraft well inside its bands: its speed alone, and what its height adds."""


@loop
def _erf(x):
    """The error function, 1 beyond 4 (to 2e-8), where most bands lie."""
    if abs(x) > 4.0:
        return 1.0 if x > 0.0 else -1.0
    return math.erf(x)


@loop
def _band(value, sigma, low, high, edge, span):
    """Log density of a flat band with soft edges, seen with an error of sigma, over a thin floor for all classes."""
    width = math.sqrt(2.0 * (edge * edge + sigma * sigma))
    inside = 0.5 * (_erf((value - low) / width) - _erf((value - high) / width))
    return math.log((1.0 - FLOOR) * max(inside, 0.0) / (high - low) + FLOOR / span)


@loop
def kinematics(speed, speed_sigma, height, height_sigma, height_known, climb, climb_sigma, out):
    """Log likelihood of one look at a track's motion under each class (7,); aircraft are a mixture of two kinds."""
    for c in range(out.size):
        l = _band(speed, speed_sigma, SPEED[c, 0], SPEED[c, 1], SPEED[c, 2], 3_500.0)
        if height_known:
            l += _band(height, height_sigma, HEIGHT[c, 0], HEIGHT[c, 1], HEIGHT[c, 2], 30_000.0)
            l += _climb(climb, climb_sigma, CLIMB_MPS[c])
        out[c] = l
    l = _band(speed, speed_sigma, LIGHT_SPEED[0], LIGHT_SPEED[1], LIGHT_SPEED[2], 3_500.0)
    if height_known:
        l += _band(height, height_sigma, LIGHT_HEIGHT[0], LIGHT_HEIGHT[1], LIGHT_HEIGHT[2], 30_000.0)
        l += _climb(climb, climb_sigma, LIGHT_CLIMB_MPS)
    heavy, light = math.log(1.0 - LIGHT) + out[AIRCRAFT], math.log(LIGHT) + l
    out[AIRCRAFT] = max(heavy, light) + math.log1p(math.exp(-abs(heavy - light)))


@loop
def _climb(climb, sigma, usual):
    s2 = usual * usual + sigma * sigma
    return max(-0.5 * climb * climb / s2, -4.0) - 0.5 * math.log(s2)


@loop
def observe(
    log_class, class_time, slow_since, height_known, i, born, now, speed, speed_sigma, height, height_sigma, climb,
    climb_sigma, label, scratch,
):  # fmt: skip
    """Fold one look into track i's mean look under each class (arrays of `Bank`: a whole bank is slow to pass).

    While a flight is young the mean rises as a plain mean does: its first looks, when its velocity was hardly known,
    say little and must not stand for minutes.
    """
    kinematics(speed, speed_sigma, height, height_sigma, height_known, climb, climb_sigma, scratch)
    if label >= 0:
        for c in range(scratch.size):
            agrees = c == label or (label == DRONE and c == JET_DRONE)
            scratch[c] += math.log(LABELLED) if agrees else math.log((1.0 - LABELLED) / (scratch.size - 1))
    slow = SLOW_MPS[0] < speed < SLOW_MPS[1] and height_known and height < SLOW_BELOW_M
    if not slow:
        slow_since[i] = -1.0
    elif slow_since[i] < 0.0:
        slow_since[i] = now
    first = class_time[i] < 0.0
    since = max(now - class_time[i], 0.0)
    class_time[i] = now
    rise_s = min(max(now - born, since), RISE_S)
    for c in range(scratch.size):
        step = scratch[c] - log_class[i, c]
        log_class[i, c] += step if first else step * min(since / (FALL_S if step < 0.0 else rise_s), 1.0)


@loop
def posterior(log_class, class_time, address, has_height, flags, i, shares):
    """Probabilities of the classes into shares[i] (7,): prior, evidence, and the address as evidence that can be
    forged; whether it is held implausible into flags[i]."""
    top = -1e300
    for c in range(shares.shape[1]):
        shares[i, c] = PRIOR[c] + LOOKS * log_class[i, c]
        if address[i] >= 0:
            shares[i, c] += ADDRESS_GIVEN[c]
        top = max(top, shares[i, c])
    total = 0.0
    for c in range(shares.shape[1]):
        shares[i, c] = math.exp(shares[i, c] - top)
        total += shares[i, c]
    for c in range(shares.shape[1]):
        shares[i, c] /= total
    if address[i] >= 0:
        usual = USUAL_FLAT + (USUAL_HEIGHT if has_height[i] else 0.0)
        if class_time[i] >= 0.0 and log_class[i, AIRCRAFT] < usual - FORGED:
            flags[i] |= IMPLAUSIBLE
        else:
            flags[i] &= ~IMPLAUSIBLE


@loop
def mix_habits(habits, shares, i, habit):
    """How track i turns, by what it may be: habits (7, 2) of the classes weighed by its class probabilities."""
    for a in range(habit.shape[1]):
        habit[i, a] = 0.0
        for c in range(habits.shape[0]):
            habit[i, a] += shares[i, c] * habits[c, a]
