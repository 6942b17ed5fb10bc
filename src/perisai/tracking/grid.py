"""Finding tracks by place: a uniform grid of four cell sizes, rebuilt once a beat."""

import math

from perisai.kernels import loop

from .bank import Bank, Grid
from .settings import MODELS

GATE_SIGMAS = 4.6
"""Half width of a gate in sigmas: sqrt of the squared distance for two components, rounded up."""
MOVED = 1.5
"""A track lies where it will be at the end of the beat: share of its reach that it may be off, and one."""


@loop
def _axis(value, half_m, size_m, side):
    return min(max(math.floor((value + half_m) / size_m), 0), side - 1)


@loop
def insert(bank: Bank, grid: Grid, i, until):
    """Put track i where it will be at time `until`, in the smallest cells that its gate fits in."""
    dt = max(until - bank.t[i], 0.0)
    east = 0.0
    north = 0.0
    speed = 0.0
    variance = 0.0
    for m in range(MODELS):
        w = bank.mu[i, m]
        east += w * (bank.x[i, m, 0] + dt * bank.x[i, m, 3])
        north += w * (bank.x[i, m, 1] + dt * bank.x[i, m, 4])
        speed += w * (abs(bank.x[i, m, 3]) + abs(bank.x[i, m, 4]))
        for a in range(2):
            p = bank.p
            v = p[i, m, a, a] + 2.0 * dt * p[i, m, a, a + 3] + dt * dt * p[i, m, a + 3, a + 3]
            variance = max(variance, v + 150.0 * dt * dt * dt)
    reach = GATE_SIGMAS * math.sqrt(variance) + speed
    level = 0
    while level < grid.size_m.size - 1 and reach > grid.size_m[level]:
        level += 1
    side = grid.side[level]
    column = _axis(east, grid.half_m, grid.size_m[level], side)
    row = _axis(north, grid.half_m, grid.size_m[level], side)
    cell = grid.start[level] + row * side + column
    bank.gate_m[i] = reach
    bank.level[i] = level
    grid.count[level] += 1
    grid.reach_m[level] = max(grid.reach_m[level], reach)
    bank.cell[i] = cell
    bank.after[i] = grid.head[cell]
    grid.head[cell] = i


@loop
def rebuild(bank: Bank, grid: Grid, used, until):
    """Place all living tracks for a beat that ends at `until`."""
    for i in range(used):
        if bank.cell[i] >= 0:
            grid.head[bank.cell[i]] = -1
            bank.cell[i] = -1
    for level in range(grid.count.size):
        grid.count[level] = 0
        grid.reach_m[level] = 0.0
    for i in range(used - 1, -1, -1):
        if bank.alive[i]:
            insert(bank, grid, i, until)


@loop
def near(after, grid: Grid, east, north, radius_m, found):
    """Tracks whose gate may touch the disc, into `found`; gives their number (stops when `found` is full)."""
    n = 0
    half_m = grid.half_m
    for level in range(grid.size_m.size):
        if grid.count[level] == 0:
            continue
        size = grid.size_m[level]
        side = grid.side[level]
        margin = radius_m + MOVED * grid.reach_m[level]
        c0 = _axis(east - margin, half_m, size, side)
        c1 = _axis(east + margin, half_m, size, side)
        r0 = _axis(north - margin, half_m, size, side)
        r1 = _axis(north + margin, half_m, size, side)
        for row in range(r0, r1 + 1):
            base = grid.start[level] + row * side
            for column in range(c0, c1 + 1):
                i = grid.head[base + column]
                while i >= 0:
                    if n == found.size:
                        return n
                    found[n] = i
                    n += 1
                    i = after[i]
    return n
