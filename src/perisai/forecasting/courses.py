"""What the legs flown so far say of where an object is sent: each leg's course scatters about that place's bearing."""

import math

import numpy as np

from perisai.kernels import inlined, kernel

LEGS_KEPT = 6
"""Finished legs remembered of each track."""
# Columns of a remembered leg: where it began (m on the plane), its unit course, and when it began (s).
X, Y, UX, UY, BORN = range(5)
SHORT_S = 120.0
"""A leg this short is part of a circle, or a turn seen in two steps."""
SAME_S = 5.0
HALF = 0.5
"""No leg is longer than this share of the way that is left: an object corrects its course as it nears the place."""
TOO_LONG = 0.05
"""Weight of a place for which the present leg is already longer than that."""
ON_COURSE_RAD = math.radians(35.0)
"""The present course and the bearing of the place agree so well, 1 sigma, also late on a leg."""
NEAR_SHARE, NEAR_M = 0.4, 600.0
"""Where in an area the last run ends: share of its radius, and metres, 1 sigma."""


@inlined
def remember(begun, had, legs, count):
    """Keep the leg that ended with this row, or take back one that did not.

    begun: when the likeliest leg began, s, now; had: (x, y, vx, vy, when it began, when last measured) before. legs
    (LEGS_KEPT, 5), count: those of the track. Returns the new count.
    """
    x, y, vx, vy, born, seen = had
    if begun > born + SAME_S:
        if begun - born >= SHORT_S:
            if count == LEGS_KEPT:
                for k in range(LEGS_KEPT - 1):
                    legs[k] = legs[k + 1]
                count -= 1
            speed = max(math.hypot(vx, vy), 1.0)
            legs[count, X], legs[count, Y] = x - vx * (seen - born), y - vy * (seen - born)
            legs[count, UX], legs[count, UY], legs[count, BORN] = vx / speed, vy / speed, born
            count += 1
    elif begun < born - SAME_S:
        while count > 0 and legs[count - 1, BORN] >= begun - SAME_S:
            count -= 1
    return count


@kernel
def destinations(index, weight, state, legs, count, sigma, last_run_m, running):
    """Fill `running` (areas,) with the running sum of the areas' weights as destinations.

    weight (areas,): prior. state: as `flight.fly` takes it. legs, count: finished legs. Each leg's course scatters by
    sigma (rad) about the bearing of the destination from where the leg began, with the tails of a Student t of 3
    degrees of freedom; a leg that began within last_run_m of it goes straight there.
    """
    speed = max(math.hypot(state[2], state[3]), 1.0)
    ux, uy = state[2] / speed, state[3] / speed
    flown = math.hypot(state[0] - state[9], state[1] - state[10])
    far = 2.0 / (3.0 * (sigma * sigma + (state[5] / speed) ** 2))
    old = 2.0 / (3.0 * sigma * sigma)
    now = 2.0 / (3.0 * ON_COURSE_RAD * ON_COURSE_RAD)
    running[:] = 1.0
    for k in range(count):
        x, y, leg_x, leg_y = legs[k, X], legs[k, Y], legs[k, UX], legs[k, UY]
        for a in range(running.size):
            dx, dy = index.east[a] - x, index.north[a] - y
            running[a] *= 1.0 + old - old * (dx * leg_x + dy * leg_y) / math.sqrt(dx * dx + dy * dy + 1.0)
    total = 0.0
    for a in range(running.size):
        fit = running[a]
        dx, dy = index.east[a] - state[9], index.north[a] - state[10]
        gap = math.sqrt(dx * dx + dy * dy + 1.0)
        off = max(0.0, 1.0 - (dx * ux + dy * uy) / gap)
        more = 1.0
        if gap < last_run_m:
            spread = (NEAR_SHARE * index.core[a] + NEAR_M + state[4]) / gap
            spread2 = min(spread * spread + (state[5] / speed) ** 2, sigma * sigma)
            fit *= 1.0 + 2.0 / (3.0 * spread2) * off
            more = sigma / math.sqrt(spread2)
        else:
            fit *= 1.0 + far * off
            if flown > HALF * gap:
                more = TOO_LONG
        dx, dy = index.east[a] - state[0], index.north[a] - state[1]
        gap = math.sqrt(dx * dx + dy * dy)
        if gap > index.core[a]:
            fit *= 1.0 + now * (1.0 - (dx * ux + dy * uy) / gap)
        total += weight[a] * more / (fit * fit)
        running[a] = total


def no_legs(tracks: int) -> tuple[np.ndarray, np.ndarray]:
    """Nothing remembered: (tracks, LEGS_KEPT, 5) and counts (tracks,)."""
    return np.zeros((tracks, LEGS_KEPT, 5)), np.zeros(tracks, np.int64)
