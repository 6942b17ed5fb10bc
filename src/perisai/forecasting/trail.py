"""Where each track has been, and whom it follows: objects of one group fly the same way minutes behind one another."""

import math

import numpy as np

from perisai.geodesy import kernel

from . import book as bk

CRUMBS = 40
"""Places kept of each track, newest last; with CRUMB_S apart they reach back 20 min."""
CRUMB_S = 30.0
LEADERS = 3
"""Most predecessors considered of one track: those furthest ahead know most."""
FOLLOW_M = 1_800.0
"""Members of a group keep within some hundred metres of the same way; both ends of the comparison are noisy."""
FOLLOW_COS = math.cos(math.radians(25.0))
FOLLOW_S = (10.0, 900.0)
"""Time ahead of a predecessor."""
SPEED_RATIO = 1.25
NEAR_M = 60_000.0


@kernel
def drop_crumbs(book, slots, rows, trail, count, now_s):
    """Remember the filtered place of each track that was just measured, unless its last crumb is fresh.

    trail (tracks, CRUMBS, 3): x, y (m on the plane) and time (s on the forecaster's clock); count (tracks,): how many.
    """
    for i in range(slots.size):
        s = slots[i]
        if rows[i, bk.R_COAST] > 0.0 or book[s, bk.AGE] != rows[i, bk.R_AGE]:
            continue
        when = now_s - book[s, bk.AGE]
        m = count[s]
        if m > 0 and when - trail[s, m - 1, 2] < 0.8 * CRUMB_S:
            continue
        if m == CRUMBS:
            for k in range(CRUMBS - 1):
                trail[s, k] = trail[s, k + 1]
            m -= 1
        trail[s, m, 0], trail[s, m, 1], trail[s, m, 2] = book[s, bk.X], book[s, bk.Y], when
        count[s] = m + 1


@kernel
def find_leaders(book, chosen, trail, count, now_s, leader, crumb, ahead):
    """For each chosen track the predecessors whose way it is on, those furthest ahead first.

    leader, crumb (chosen, LEADERS) int64: slot of the predecessor or -1, and its first crumb that still lies before the
    track; ahead (chosen, LEADERS): s that it is ahead.
    """
    leader[:] = -1
    for i in range(chosen.size):
        b = book[chosen[i]]
        speed = math.hypot(b[bk.VX], b[bk.VY])
        if speed < 1.0:
            continue
        when = now_s - b[bk.AGE]
        for j in range(chosen.size):
            o = book[chosen[j]]
            if j == i or o[bk.KIND] != b[bk.KIND] or abs(o[bk.X] - b[bk.X]) > NEAR_M or abs(o[bk.Y] - b[bk.Y]) > NEAR_M:
                continue
            other = math.hypot(o[bk.VX], o[bk.VY])
            if other > SPEED_RATIO * speed or speed > SPEED_RATIO * other:
                continue
            k, lead = _on_trail(b, speed, trail[chosen[j]], count[chosen[j]], when)
            if k < 0:
                continue
            for m in range(LEADERS):
                if leader[i, m] < 0 or lead > ahead[i, m]:
                    for n in range(LEADERS - 1, m, -1):
                        leader[i, n], crumb[i, n], ahead[i, n] = leader[i, n - 1], crumb[i, n - 1], ahead[i, n - 1]
                    leader[i, m], crumb[i, m], ahead[i, m] = j, k, lead
                    break


@kernel
def _on_trail(b, speed, crumbs, count, when):
    """(first crumb ahead, time ahead s) where a trail passes the place of b the same way; (-1, 0) where it does not."""
    best, found, lead = FOLLOW_M * FOLLOW_M, -1, 0.0
    for k in range(count - 1):
        x0, y0 = crumbs[k, 0], crumbs[k, 1]
        dx, dy = crumbs[k + 1, 0] - x0, crumbs[k + 1, 1] - y0
        long2 = dx * dx + dy * dy
        if long2 < 1.0:
            continue
        part = ((b[bk.X] - x0) * dx + (b[bk.Y] - y0) * dy) / long2
        if part < -0.2 or part > 1.2:
            continue
        away2 = (b[bk.X] - x0 - part * dx) ** 2 + (b[bk.Y] - y0 - part * dy) ** 2
        if away2 >= best:
            continue
        gap = when - (crumbs[k, 2] + part * (crumbs[k + 1, 2] - crumbs[k, 2]))
        if gap < FOLLOW_S[0] or gap > FOLLOW_S[1]:
            continue
        # The course over a longer stretch: a single step is as noisy as it is long.
        first, last = max(0, k - 1), min(count - 1, k + 2)
        cx, cy = crumbs[last, 0] - crumbs[first, 0], crumbs[last, 1] - crumbs[first, 1]
        if cx * b[bk.VX] + cy * b[bk.VY] < FOLLOW_COS * math.hypot(cx, cy) * speed:
            continue
        best, found, lead = away2, k + 1, gap
    return found, lead


def no_trail(tracks: int) -> tuple[np.ndarray, np.ndarray]:
    """Empty trails (tracks, CRUMBS, 3) and their counts (tracks,)."""
    return np.zeros((tracks, CRUMBS, 3)), np.zeros(tracks, np.int64)
