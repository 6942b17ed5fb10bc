"""Undetected corridors: the way in that meets the least watching, and raising the weakest one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from .coverage import Grid
from .problem import Choice, Problem

LOOK_S = 10.0
"""Period to which a joint chance of detection belongs."""
_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class Corridor:
    """A way from outside to a goal: east, north (k,) m, exposure (expected detections) and metres with none likely."""

    east: np.ndarray
    north: np.ndarray
    exposure: float
    unwatched_m: float
    length_m: float

    @property
    def undetected(self) -> float:
        """Chance that nothing detects an object that flies it."""
        return float(np.exp(-self.exposure))


def network(grid: Grid, density: np.ndarray) -> sparse.csr_array:
    """Eight-neighbour graph of a grid; density (rows, cols): exposure a metre. A small price on length breaks ties."""
    number = np.arange(grid.rows * grid.cols).reshape(grid.rows, grid.cols)
    price = density + 1e-9
    sources, targets, costs = [], [], []
    for down, right in _STEPS:
        a = number[: grid.rows - down, max(-right, 0) : grid.cols - max(right, 0)]
        b = number[down:, max(right, 0) : grid.cols + min(right, 0)]
        length = grid.cell_m * (2.0**0.5 if down and right else 1.0)
        mean = 0.5 * (price.ravel()[a.ravel()] + price.ravel()[b.ravel()])
        sources.append(a.ravel())
        targets.append(b.ravel())
        costs.append(mean * length)
    size = grid.rows * grid.cols
    entries = np.concatenate(costs), (np.concatenate(sources), np.concatenate(targets))
    return sparse.coo_matrix(entries, shape=(size, size)).tocsr()


def rim(grid: Grid) -> np.ndarray:
    """Cells along the edge of a grid, flat indices."""
    edge = np.ones((grid.rows, grid.cols), bool)
    edge[1:-1, 1:-1] = False
    return np.flatnonzero(edge)


def rim_near(grid: Grid, east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Cells of the rim nearest to points outside (or inside) the grid; the whole rim when there is no point."""
    if not len(east):
        return rim(grid)
    x, y = grid.centres()
    edge = rim(grid)
    gap = np.hypot(x[edge % grid.cols][:, None] - east[None, :], y[edge // grid.cols][:, None] - north[None, :])
    return np.unique(edge[np.argmin(gap, axis=0)])


def cell_of(grid: Grid, east: float, north: float) -> int:
    """Flat index of the cell that holds a point, or of the nearest one."""
    col = min(max(int((east - grid.west_m) / grid.cell_m), 0), grid.cols - 1)
    row = min(max(int((grid.north_m - north) / grid.cell_m), 0), grid.rows - 1)
    return row * grid.cols + col


def weakest(grid: Grid, density: np.ndarray, starts: np.ndarray, goals: np.ndarray) -> list[np.ndarray]:
    """For each goal (cell) the path of cells from the best of the starts with the least exposure.

    The minimal exposure path, for sensors of differing strength what the maximal-breach path is for equal ones
    (Meguerdichian, Koushanfar, Potkonjak & Srivastava 2001).
    """
    _, before, _ = dijkstra(
        network(grid, density), directed=False, indices=starts, return_predecessors=True, min_only=True
    )
    paths: list[np.ndarray] = []
    for goal in goals:
        path = [int(goal)]
        while before[path[-1]] >= 0:
            path.append(int(before[path[-1]]))
        paths.append(np.array(path[::-1]))
    return paths


def density_of(joint: np.ndarray, speed_mps: float) -> np.ndarray:
    """Expected detections a metre, from the joint chance of detection a period and the speed of the object."""
    return -np.log1p(-np.minimum(joint, 1.0 - 1e-9)) / (LOOK_S * speed_mps)


def corridors(grid: Grid, density: np.ndarray, starts: np.ndarray, goals: np.ndarray) -> list[Corridor]:
    """The weakest way in to each goal, with what it meets."""
    x, y = grid.centres()
    found: list[Corridor] = []
    for path in weakest(grid, density, starts, goals):
        east, north = x[path % grid.cols], y[path // grid.cols]
        length = np.hypot(np.diff(east), np.diff(north))
        along = density.ravel()[path]
        mean = 0.5 * (along[1:] + along[:-1])
        blind = float(length[(along[1:] < 1e-7) & (along[:-1] < 1e-7)].sum())
        found.append(Corridor(east, north, float((mean * length).sum()), blind, float(length.sum())))
    return found


def raise_weakest(
    problem: Problem,
    grid: Grid,
    starts: np.ndarray,
    goals: np.ndarray,
    tell: Callable[[int, float], None] | None = None,
) -> Choice:
    """Units set one after the other where they watch most of the corridor that is weakest then.

    The problem's demand are the cells of the grid in order. The value of the plan is the exposure of the weakest
    corridor to any goal: metres times units that watch them. A heuristic: nothing bounds it (the bound is infinite).
    Large pools are set in steps of a two-hundredth.
    """
    count = problem.already.astype(float).copy()
    left = np.asarray(problem.pool_count, np.int64).copy()
    used = np.zeros(problem.patterns, bool)
    pool_of: list[int] = []
    pattern_of: list[int] = []
    spent = 0.0
    batch = max(1, int(left.sum()) // 200)
    owner = np.repeat(np.arange(problem.patterns), np.diff(problem.start))
    while left.any():
        path, _ = _weakest_of(grid, count, starts, goals)
        on = np.zeros(len(count))
        on[path] = 1.0
        gain = np.bincount(owner, on[problem.cover] * (1.0 + 1.0 / (1.0 + count[problem.cover])), problem.patterns)
        gain[used] = 0.0
        placed = 0
        for c in np.argsort([problem.pool_stage[c] for c in range(problem.pools)], kind="stable"):
            allowed = problem.allowed(int(c))
            while left[c] and placed < batch and len(allowed) and spent + problem.pool_cost[c] <= problem.budget + 1e-6:
                best = int(allowed[np.argmax(gain[allowed])])
                if gain[best] <= 0.0:
                    break
                gain[best] = 0.0
                used[best] = True
                count[problem.covered(best)] += 1.0
                left[c] -= 1
                spent += float(problem.pool_cost[c])
                pool_of.append(int(c))
                pattern_of.append(best)
                placed += 1
        if not placed:
            break
        if tell:
            tell(len(pool_of), _weakest_of(grid, count, starts, goals)[1])
    value = _weakest_of(grid, count, starts, goals)[1]
    return Choice(np.array(pool_of, np.int64), np.array(pattern_of, np.int64), value, np.inf)


def _weakest_of(grid: Grid, count: np.ndarray, starts: np.ndarray, goals: np.ndarray) -> tuple[np.ndarray, float]:
    density = count.reshape(grid.rows, grid.cols)
    paths = weakest(grid, density, starts, goals)
    found = corridors(grid, density, starts, goals)
    worst = int(np.argmin([corridor.exposure for corridor in found]))
    return paths[worst], found[worst].exposure
