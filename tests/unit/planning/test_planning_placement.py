"""Placement against enumeration, against spopt, and the worth of contributions against their definitions."""

import math
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, permutations, product
from pathlib import Path

import numpy as np
import pytest

from perisai.model import BadInputError
from perisai.planning import (
    Problem,
    backup_gains,
    cover_all,
    covering_gains,
    expected_gains,
    from_mask,
    next_gains,
    one_pool,
    solve,
    unit_losses,
    value_of,
    worth,
)


def _instance(seed: int, demand: int = 40, sites: int = 12, radius: float = 0.25):
    rng = np.random.default_rng(seed)
    where, stand = rng.random((demand, 2)), rng.random((sites, 2))
    cost = np.hypot(*(where[:, None, :] - stand[None, :, :]).transpose(2, 0, 1))
    return rng.integers(1, 50, demand).astype(float), cost, cost <= radius


def _pools(seed: int, gains: np.ndarray, budget: float = math.inf) -> Problem:
    """Two pools of a stage each over 9 patterns; the second may use only some."""
    weight, _, mask = _instance(seed, 30, 9)
    start, cover = from_mask(mask)
    return Problem(
        weight=weight,
        start=start,
        cover=cover,
        gains=gains,
        stage_weight=np.array([0.4, 0.6]),
        pool_count=np.array([2, 1]),
        pool_stage=np.array([0, 1]),
        pool_cost=np.array([1.0, 3.0]),
        pool_start=np.array([0, 9, 13]),
        pattern=np.array([*range(9), 1, 4, 6, 8], np.int32),
        already=np.random.default_rng(seed).integers(0, 2, 30).astype(np.int32) * (seed % 2),
        budget=budget,
    )


def _best_by_enumeration(problem: Problem) -> float:
    best = 0.0
    choices = [
        [set_ for n in range(int(problem.pool_count[c]) + 1) for set_ in combinations(problem.allowed(c).tolist(), n)]
        for c in range(problem.pools)
    ]
    for sets in product(*choices):
        pattern = [p for one in sets for p in one]
        pool = [c for c, one in enumerate(sets) for _ in one]
        if len(set(pattern)) < len(pattern) or problem.pool_cost[pool].sum() > problem.budget:
            continue
        best = max(best, value_of(problem, np.array(pool, np.int64), np.array(pattern, np.int64)))
    return best


@pytest.mark.parametrize(
    "gains", [covering_gains(), expected_gains(0.2), backup_gains()], ids=("mclp", "daskin", "backup")
)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("budget", [math.inf, 4.0])
def test_a_plan_with_gap_nought_is_the_best_there_is(seed, gains, budget):
    problem = _pools(seed, gains, budget)
    plan = solve(problem, gap=0.0, seconds=20.0)
    best = _best_by_enumeration(problem)
    assert plan.value == pytest.approx(best, rel=1e-9)
    assert plan.bound >= best - 1e-6 * best
    assert plan.gap <= 1e-6
    assert problem.pool_cost[plan.pool].sum() <= budget
    assert len(set(plan.pattern.tolist())) == len(plan.pattern)
    for pool, pattern in zip(plan.pool, plan.pattern, strict=True):
        assert pattern in problem.allowed(int(pool))


def test_progress_is_told_and_the_bound_never_rises():
    told = []
    weight, _, mask = _instance(3, 300, 80, 0.12)
    solve(one_pool(weight, *from_mask(mask), 10), 0.0, 10.0, progress=lambda *row: told.append(row))
    assert told
    seconds, values, bounds = (np.array(column) for column in zip(*told, strict=True))
    assert (np.diff(seconds) >= 0).all()
    assert (values <= bounds * (1 + 1e-9)).all()
    assert (np.diff(values) >= 0).all()
    assert (np.diff(bounds) <= 1e-6 * bounds[0]).all()


@pytest.mark.oracle
@pytest.mark.parametrize(("seed", "units"), [(1, 3), (2, 5), (7, 8)])
def test_maximal_covering_as_spopt(seed, units):
    import pulp
    from spopt.locate import MCLP

    weight, cost, mask = _instance(seed, 120, 40, 0.15)
    theirs = MCLP.from_cost_matrix(cost, weight, 0.15, p_facilities=units).solve(pulp.PULP_CBC_CMD(msg=False))
    ours = solve(one_pool(weight, *from_mask(mask), units), gap=0.0, seconds=20.0)
    assert ours.value == pytest.approx(pulp.value(theirs.problem.objective))


@pytest.mark.oracle
@pytest.mark.parametrize("seed", [1, 2, 7])
def test_set_covering_as_spopt(seed):
    import pulp
    from spopt.locate import LSCP

    _, cost, mask = _instance(seed, 120, 60, 0.3)
    reached = mask.any(axis=1)
    theirs = LSCP.from_cost_matrix(cost[reached], 0.3).solve(pulp.PULP_CBC_CMD(msg=False))
    ours = cover_all(*from_mask(mask), 120)
    assert ours.cost == pytest.approx(pulp.value(theirs.problem.objective))
    assert ours.bound == ours.cost
    assert ours.unreachable.tolist() == np.flatnonzero(~reached).tolist()
    assert mask[:, ours.pattern].any(axis=1)[reached].all()


@pytest.mark.parametrize("seed", range(6))
def test_the_cheapest_cover_is_the_cheapest_of_all(seed):
    rng = np.random.default_rng(seed)
    mask = _instance(seed, 30, 11, 0.28)[2]
    price = rng.integers(1, 6, 11).astype(float)
    already = rng.random(30) < 0.1 * (seed % 2)
    left = mask.any(axis=1) & ~already
    least = min(
        price[list(some)].sum()
        for size in range(12)
        for some in combinations(range(11), size)
        if mask[np.ix_(left, list(some))].any(axis=1).all()
    )
    found = cover_all(*from_mask(mask), 30, price, already)
    assert found.cost == found.bound == least
    assert mask[np.ix_(left, found.pattern)].any(axis=1).all()


def test_local_search_covers_all_rows_and_needs_fewer_than_greedy():
    from perisai.planning.cover_search import search_cover

    mask = _instance(21, 600, 250, 0.1)[2]
    mask = mask[mask.any(axis=1)]
    start, cover = from_mask(mask)
    ones = np.ones(mask.shape[1])
    greedy, found = (search_cover(start, cover, len(mask), ones, steps) for steps in (0, 20_000))
    assert mask[:, found].any(axis=1).all() and mask[:, greedy].any(axis=1).all()
    assert len(found) < len(greedy)
    # A pattern that no plan can do without is never lost, and the same seed finds the same plan.
    np.testing.assert_array_equal(found, search_cover(start, cover, len(mask), ones, 20_000))
    assert len(found) <= 1.03 * cover_all(start, cover, len(mask), seconds=5.0).bound


def test_the_solver_leaves_standard_output_alone():
    """HiGHS announces itself on standard output once a process, where the command's JSON goes."""
    code = (
        "import numpy as np; from perisai.planning import cover_all, from_mask\n"
        "mask = np.random.default_rng(1).random((40, 20)) < 0.2\n"
        "cover_all(*from_mask(mask), 40)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == ""


@pytest.mark.oracle
def test_the_textbook_example_of_spopt():
    """The streets of spopt's own documentation: a 10 x 10 lattice, 100 clients of weight 1 to 12, 10 facilities."""
    import pulp
    from spopt.locate import MCLP

    lattice = np.array([(x, y) for x in range(1, 10) for y in range(1, 10)], float)
    rng = np.random.default_rng(5)
    clients = lattice[rng.integers(0, 81, 100)] + rng.uniform(-0.4, 0.4, (100, 2))
    facilities = lattice[rng.choice(81, 10, replace=False)]
    cost = np.abs(clients[:, None, :] - facilities[None, :, :]).sum(axis=2)
    weight = rng.integers(1, 12, 100).astype(float)
    theirs = MCLP.from_cost_matrix(cost, weight, 3.0, p_facilities=4).solve(pulp.PULP_CBC_CMD(msg=False))
    ours = solve(one_pool(weight, *from_mask(cost <= 3.0), 4), gap=0.0)
    assert ours.value == pytest.approx(pulp.value(theirs.problem.objective))


@pytest.mark.oracle
def test_san_francisco_as_in_spopts_own_example():
    """16 stores and 205 census tracts over the street network, in spopt's package and notebooks: within 5 km."""
    import pandas
    import pulp
    import spopt
    from spopt.locate import LSCP, MCLP

    folder = Path(spopt.__file__).parent / "tests/test_locate/data"
    rows = pandas.read_csv(folder / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    cost = rows.pivot_table(values="distance", index="DestinationName", columns="name").to_numpy()
    weight = rows.drop_duplicates("DestinationName").sort_values("DestinationName").demand.to_numpy(float)
    assert cost.shape == (205, 16) and len(weight) == 205
    start, cover = from_mask(cost <= 5_000.0)
    theirs = LSCP.from_cost_matrix(cost, 5_000.0).solve(pulp.PULP_CBC_CMD(msg=False))
    ours = cover_all(start, cover, 205)
    assert ours.cost == ours.bound == pulp.value(theirs.problem.objective)
    for units in (2, 4):
        theirs = MCLP.from_cost_matrix(cost, weight, 5_000.0, p_facilities=units).solve(pulp.PULP_CBC_CMD(msg=False))
        best = solve(one_pool(weight, start, cover, units), gap=0.0)
        assert best.value == pytest.approx(pulp.value(theirs.problem.objective)) and best.gap == 0.0


def test_shapley_and_the_margin_are_what_their_definitions_say():
    problem = _pools(2, expected_gains(0.1))
    problem = replace(problem, pool_count=np.array([4, 2]))
    plan = solve(problem, gap=0.0)
    player = np.arange(len(plan.pool)) % 4

    def worth_of(who) -> float:
        rows = np.isin(player, list(who))
        return value_of(problem, plan.pool[rows], plan.pattern[rows])

    exact = np.zeros(4)
    for order in permutations(range(4)):
        for k, p in enumerate(order):
            exact[p] += (worth_of(order[: k + 1]) - worth_of(order[:k])) / 24.0
    found = worth(problem, plan.pool, plan.pattern, player, seed=1)
    np.testing.assert_allclose(found.shapley, exact, rtol=1e-9)
    np.testing.assert_allclose(found.marginal, [plan.value - worth_of({0, 1, 2, 3} - {p}) for p in range(4)])
    assert found.shapley.sum() == pytest.approx(found.total)
    assert (found.error == 0).all()


def test_sampled_shapley_keeps_the_sum_and_its_error_covers_the_truth():
    weight, _, mask = _instance(11, 200, 30, 0.25)
    problem = one_pool(weight, *from_mask(mask), 8)
    plan = solve(problem, gap=0.0)
    player = np.arange(8)
    found = worth(problem, plan.pool, plan.pattern, player, seed=3, rounds=600)
    many = worth(problem, plan.pool, plan.pattern, player, seed=4, rounds=6_000)
    assert found.shapley.sum() == pytest.approx(found.total)
    assert (found.error > 0).any()
    assert (np.abs(found.shapley - many.shapley) <= 5 * np.hypot(found.error, many.error) + 1e-9).all()


def test_losses_and_the_next_unit_are_differences_of_values():
    problem = _pools(3, expected_gains(0.1))
    plan = solve(problem, gap=0.0)
    losses = unit_losses(problem, plan.pool, plan.pattern)
    for k in range(len(plan.pool)):
        rest = np.arange(len(plan.pool)) != k
        assert losses[k] == pytest.approx(plan.value - value_of(problem, plan.pool[rest], plan.pattern[rest]))
    gains = next_gains(problem, plan.pool, plan.pattern)
    last = replace(problem, stage_weight=np.array([0.0, 1.0]))
    for p in set(range(9)) - set(plan.pattern.tolist()):
        more = value_of(last, np.append(plan.pool, 0), np.append(plan.pattern, p))
        assert gains[p] == pytest.approx(more - value_of(last, plan.pool, plan.pattern))


def test_nothing_to_decide_is_one_clear_line():
    weight, _, mask = _instance(1)
    start, cover = from_mask(mask)
    with pytest.raises(BadInputError, match="no units"):
        solve(one_pool(weight, start, cover, 0))
    with pytest.raises(BadInputError, match="nobody lives there"):
        solve(one_pool(0 * weight, start, cover, 3))
    with pytest.raises(BadInputError, match="no site"):
        solve(one_pool(weight, np.zeros(1, np.int64), cover[:0], 3))
    with pytest.raises(BadInputError, match="no site reaches anybody"):
        cover_all(np.array([0, 0]), np.empty(0, np.int32), 4)
