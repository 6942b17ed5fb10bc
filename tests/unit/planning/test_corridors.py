"""The weakest way in, and raising it, against every way and every choice counted out on small grids."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest

from perisai.geodesy import plane_at
from perisai.planning import Grid, corridors, from_mask, one_pool, rim
from perisai.planning.corridors import raise_weakest

ROWS, COLS, CELL_M = 3, 4, 1000.0
GRID = Grid(plane_at(50.0, 30.0), 0.0, ROWS * CELL_M, CELL_M, ROWS, COLS)
GOALS = np.array([5, 6])
STARTS = rim(GRID)


def _ways(goal: int) -> list[tuple[int, ...]]:
    """Every path of neighbouring cells, none twice, from the rim to a goal."""
    found: list[tuple[int, ...]] = []

    def go(path: tuple[int, ...]) -> None:
        if path[-1] in STARTS:
            found.append(path[::-1])
        row, col = divmod(path[-1], COLS)
        for r in range(max(row - 1, 0), min(row + 2, ROWS)):
            for c in range(max(col - 1, 0), min(col + 2, COLS)):
                if r * COLS + c not in path:
                    go((*path, r * COLS + c))

    go((goal,))
    return found


def _weights(way: tuple[int, ...]) -> np.ndarray:
    """Metres that each cell's density counts for along a way: half of each step."""
    out = np.zeros(ROWS * COLS)
    for a, b in pairwise(way):
        step = CELL_M * math.hypot(a // COLS - b // COLS, a % COLS - b % COLS)
        out[[a, b]] += 0.5 * step
    return out


WAYS = {int(goal): np.array([_weights(way) for way in _ways(int(goal))]) for goal in GOALS}


def _least(density: np.ndarray, goal: int) -> float:
    return float((WAYS[goal] @ density.ravel()).min())


@pytest.mark.parametrize("seed", range(6))
def test_the_weakest_way_is_the_least_of_all_ways(seed):
    rng = np.random.default_rng(seed)
    density = rng.exponential(1e-3, (ROWS, COLS)) * (rng.random((ROWS, COLS)) < 0.7)
    for goal, found in zip(GOALS, corridors(GRID, density, STARTS, GOALS), strict=True):
        least = _least(density, int(goal))
        assert found.exposure == pytest.approx(least, abs=1e-5)
        assert found.undetected == pytest.approx(math.exp(-least), abs=1e-5)


def _offers(seed: int) -> np.ndarray:
    """(cells, sites): which cells a unit at each of six sites watches."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 1, (6, 2)) * (COLS, ROWS)
    cells = np.stack([np.arange(ROWS * COLS) % COLS + 0.5, np.arange(ROWS * COLS) // COLS + 0.5], axis=1)
    return np.hypot(*(cells[:, None] - at[None]).transpose(2, 0, 1)) <= 1.3


def _weakest(mask: np.ndarray, chosen) -> float:
    density = mask[:, list(chosen)].sum(axis=1).astype(float)
    return min(_least(density, int(goal)) for goal in GOALS)


def test_raising_the_weakest_is_exact_in_its_figure_and_mostly_in_its_choice():
    best_found = 0
    for seed in range(10):
        mask = _offers(seed)
        found = raise_weakest(one_pool(np.ones(ROWS * COLS), *from_mask(mask), 3), GRID, STARTS, GOALS)
        best = max(_weakest(mask, chosen) for chosen in combinations(range(6), 3))
        assert found.value == pytest.approx(_weakest(mask, found.pattern), abs=0.01)
        assert 0.5 * best - 0.01 <= found.value <= best + 0.01
        best_found += found.value >= best - 0.01
    # A heuristic, as docs/planning.md says: of these ten it misses two.
    assert best_found >= 8


def test_the_weakest_way_in_is_the_gap_in_the_wall_and_closing_it_raises_the_weakest():
    grid = Grid(plane_at(50.0, 30.0), 0.0, 21_000.0, 1_000.0, 21, 21)
    density = np.zeros((21, 21))
    density[5, 1:20] = density[15, 1:20] = density[5:16, 1] = density[5:16, 19] = 1e-3
    goal = np.array([10 * 21 + 10])
    whole = corridors(grid, density, rim(grid), goal)[0]
    # One row of cells is crossed: half of a step on either side of it.
    assert whole.exposure == pytest.approx(1.0, rel=1e-6)
    assert whole.undetected == pytest.approx(math.exp(-1.0), rel=1e-6)
    density[5, 12] = 0.0
    density[5, 13] = 1e-4
    gap = corridors(grid, density, rim(grid), goal)[0]
    assert gap.exposure < 1e-6 and gap.unwatched_m == pytest.approx(gap.length_m)
    assert (gap.east == 12_500.0).any()
    density[5, 12] = 1e-3
    closed = corridors(grid, density, rim(grid), goal)[0]
    assert closed.exposure == pytest.approx(0.1, rel=1e-6)
