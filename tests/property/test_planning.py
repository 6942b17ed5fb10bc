"""Whatever the offers: a unit more never protects fewer, and no plan is above its bound."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.geodesy import from_plane, plane_at
from perisai.planning import CATALOGUE, Approaches, Placed, from_mask, one_pool, predict, solve, value_of

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
