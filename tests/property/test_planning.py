"""Whatever the offers: a unit more never protects fewer, and no plan is above its bound."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.geodesy import from_plane, plane_at
from perisai.planning import (
    CATALOGUE,
    Approaches,
    Grid,
    Placed,
    Problem,
    backup_gains,
    corridors,
    cover_all,
    covering_gains,
    density_of,
    expected_gains,
    from_mask,
    joint_detection,
    one_pool,
    predict,
    rim,
    solve,
    value_of,
)

PLANE = plane_at(47.0, 11.0)
SEEDS = st.integers(0, 2**32 - 1)
TYPES = ("acoustic", "gap-filler", "radar2d", "radar3d")


def _approaches(seed: int, n: int = 60) -> Approaches:
    rng = np.random.default_rng(seed)
    begin, step = rng.uniform(-60e3, 60e3, (n, 2)), rng.normal(0.0, 600.0, (n, 2))
    points = np.empty((n, 13, 3))
    points[:, :, :2] = begin[:, None, :] + step[:, None, :] * np.arange(13)[None, :, None]
    points[:, :, 2] = rng.uniform(30.0, 3000.0, n)[:, None]
    points[: n // 5, :4] = np.nan
    return Approaches(PLANE, points, rng.integers(0, 3, n), rng.integers(0, 7, n), rng.uniform(1, 9, n), begin)


def _units(seed: int, n: int) -> Placed:
    rng = np.random.default_rng(seed)
    lat, lon = from_plane(PLANE, rng.uniform(-60e3, 60e3, n), rng.uniform(-60e3, 60e3, n))
    return Placed(tuple(CATALOGUE[TYPES[k]] for k in rng.integers(0, 4, n)), lat, lon)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SEEDS, st.integers(0, 8))
def test_a_unit_more_never_protects_fewer(seed, other, n):
    approaches, units = _approaches(seed), _units(other, n + 1)
    fewer = Placed(units.unit[:n], units.lat[:n], units.lon[:n])
    before, after = (predict(approaches, placed, 7) for placed in (fewer, units))
    assert after.warned >= before.warned - 1e-9 * before.approached
    assert (after.by_area >= before.by_area - 1e-9).all()
    assert 0.0 <= after.share <= 1.0


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.integers(1, 12), st.floats(0.05, 0.4))
def test_an_offer_more_never_makes_the_plan_worse_and_bounds_hold(seed, units, radius):
    rng = np.random.default_rng(seed)
    demand, sites = rng.random((60, 2)), rng.random((15, 2))
    mask = np.hypot(*(demand[:, None] - sites[None]).transpose(2, 0, 1)) <= radius
    if not mask.any():
        return
    weight = rng.integers(0, 30, 60).astype(float)
    if not weight[mask.any(axis=1)].any():
        return
    plans = [solve(one_pool(weight, *from_mask(mask), n), 0.0, 5.0) for n in (units, units + 1)]
    assert plans[1].value >= plans[0].value - 1e-6
    for n, plan in zip((units, units + 1), plans, strict=True):
        problem = one_pool(weight, *from_mask(mask), n)
        assert len(plan.pool) <= n
        assert plan.value <= plan.bound * (1 + 1e-9)
        some = rng.permutation(15)[: min(n, 15)]
        assert value_of(problem, np.zeros(len(some), np.int64), some) <= plan.bound * (1 + 1e-6)


GAINS = {
    "covered": covering_gains(),
    "warned": expected_gains(0.1, 2),
    "expected": expected_gains(0.2),
    "backup": backup_gains(),
}


def _staged(seed: int, gains: np.ndarray) -> Problem:
    """Two pools, two stages, 12 patterns over 50 demands of which some are covered already."""
    rng = np.random.default_rng(seed)
    start, cover = from_mask(rng.random((50, 12)) < rng.uniform(0.05, 0.4))
    return Problem(
        weight=rng.integers(0, 90, 50).astype(float), start=start, cover=cover, gains=gains,
        stage_weight=rng.uniform(0.1, 1.0, 2), pool_count=np.array([6, 6]), pool_stage=np.array([0, 1]),
        pool_cost=np.zeros(2), pool_start=np.array([0, 12, 24]), pattern=np.tile(np.arange(12, dtype=np.int32), 2),
        already=rng.integers(0, 3, 50).astype(np.int32), budget=math.inf,
    )  # fmt: skip


@pytest.mark.parametrize("objective", GAINS)
@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(0, 11))
def test_by_every_objective_of_demand_a_unit_more_is_never_worth_less(objective, seed, n):
    problem = _staged(seed, GAINS[objective])
    rng = np.random.default_rng(seed)
    pattern, pool = rng.permutation(12), rng.integers(0, 2, 12)
    values = [value_of(problem, pool[:k], pattern[:k]) for k in (n, n + 1)]
    assert values[1] >= values[0] - 1e-9
    # And the first adds most: what a unit adds falls with what stands before.
    alone = value_of(problem, pool[n : n + 1], pattern[n : n + 1]) - value_of(problem, pool[:0], pattern[:0])
    assert values[1] - values[0] <= alone + 1e-9


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(0, 6))
def test_a_unit_more_never_opens_a_corridor(seed, n):
    units, grid = _units(seed, n + 1), Grid(PLANE, -60e3, 60e3, 4_000.0, 30, 30)
    goals = np.random.default_rng(seed).integers(0, 900, 3)
    fewer = Placed(units.unit[:n], units.lat[:n], units.lon[:n])
    ways = [
        corridors(grid, density_of(joint_detection(placed, grid, (100.0,), "drone")[0], 50.0), rim(grid), goals)
        for placed in (fewer, units)
    ]
    for before, after in zip(*ways, strict=True):
        # The small price on length that breaks ties is no exposure.
        assert after.exposure >= before.exposure - 1e-9 * (before.length_m + after.length_m)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(3, 10))
def test_an_offered_place_more_never_makes_watching_everybody_dearer(seed, n):
    rng = np.random.default_rng(seed)
    mask = rng.random((40, n + 1)) < 0.35
    mask = mask[mask[:, :n].any(axis=1)]
    if not len(mask):
        return
    price = rng.integers(1, 5, n + 1).astype(float)
    costs = [cover_all(*from_mask(mask[:, :k]), len(mask), price[:k]).cost for k in (n, n + 1)]
    assert costs[1] <= costs[0] + 1e-9
