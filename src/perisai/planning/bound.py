"""A proven bound on every plan by Lagrangian relaxation, and what it lets us fix for good."""

from dataclasses import dataclass

import numpy as np

from perisai.geodesy import kernel

from .problem import Problem
from .search import arrays


@dataclass(frozen=True, slots=True)
class Bound:
    """No plan is worth more than `value`. price: (n, t) multipliers that prove it; charge: price of the budget.

    profit: (patterns, t) what a pattern earns at these prices when it stands from stage t on.
    """

    value: float
    price: np.ndarray
    charge: float
    profit: np.ndarray


@kernel
def _profits(start, cover, price, profit):
    stages = price.shape[1]
    since = np.empty(price.shape)
    for i in range(price.shape[0]):
        total = 0.0
        for t in range(stages - 1, -1, -1):
            total += price[i, t]
            since[i, t] = total
    for p in range(start.size - 1):
        for t in range(stages):
            profit[p, t] = 0.0
        for at in range(start[p], start[p + 1]):
            for t in range(stages):
                profit[p, t] += since[cover[at], t]


@kernel
def _relaxed(problem, pool_count, already, price, charge, profit, slope):
    """The relaxed problem's value at these prices; `slope` becomes cover minus what was taken, the subgradient."""
    start, cover, weight, gains, stage_weight, pool_stage, pool_cost, pool_start, pattern, budget = problem
    stages = stage_weight.size
    total = 0.0
    for i in range(weight.size):
        for t in range(stages):
            slope[i, t] = 0.0
            for m in range(min(already[i], gains.size)):
                total += stage_weight[t] * weight[i] * gains[m]
            for m in range(already[i], gains.size):
                rest = stage_weight[t] * weight[i] * gains[m] - price[i, t]
                if rest > 0.0:
                    total += rest
                    slope[i, t] -= 1.0
    _profits(start, cover, price, profit)
    spent = 0.0
    for c in range(pool_count.size):
        first, last = pool_start[c], pool_start[c + 1]
        size = last - first
        take = min(pool_count[c], size)
        if take <= 0:
            continue
        stage = pool_stage[c]
        worth = np.empty(size)
        for k in range(size):
            worth[k] = profit[pattern[first + k], stage] - charge * pool_cost[c]
        edge = np.partition(worth, size - take)[size - take]
        # Exactly `take` of them: those above the edge, then those on it in order.
        above = 0
        for k in range(size):
            if worth[k] > edge:
                above += 1
        on_edge = take - above
        for k in range(size):
            if worth[k] <= 0.0 or worth[k] < edge:
                continue
            if worth[k] == edge:
                if on_edge <= 0:
                    continue
                on_edge -= 1
            total += worth[k]
            spent += pool_cost[c]
            p = pattern[first + k]
            for at in range(start[p], start[p + 1]):
                for t in range(stage, stages):
                    slope[cover[at], t] += 1.0
    if budget < np.inf:
        total += charge * budget
    return total, spent


@kernel
def _descend(problem, pool_count, already, known, price, charge, steps, target):
    """Subgradient descent with Polyak's step and a deflected direction; returns the best bound, prices and charge."""
    _, _, weight, gains, stage_weight, _, _pool_cost, _, _, budget = problem
    profit = np.empty((problem[0].size - 1, stage_weight.size))
    slope = np.empty(price.shape)
    way = np.zeros(price.shape)
    charge_way = 0.0
    best, best_price, best_charge = np.inf, price.copy(), charge
    scale, idle = 1.0, 0
    # The charge has another unit than the prices: it moves in units of worth per cost.
    unit = 1.0
    if budget < np.inf:
        unit = known / max(budget, 1e-9) / 10.0
    for _ in range(steps):
        total, spent = _relaxed(problem, pool_count, already, price, charge, profit, slope)
        if total < best - 1e-9 * abs(best) or best == np.inf:
            if total < best - 1e-4 * (best - known) or best == np.inf:
                idle = 0
            best, best_charge = total, charge
            best_price[:] = price
        else:
            idle += 1
        if best - known <= target * best:
            break
        if idle >= 20:
            scale *= 0.7
            idle = 0
            price[:] = best_price
            charge = best_charge
            way[:] = 0.0
            charge_way = 0.0
            if scale < 1e-4:
                break
            continue
        norm = 0.0
        for i in range(weight.size):
            for t in range(stage_weight.size):
                # At its end a price cannot go farther: that part of the slope is no direction.
                if price[i, t] <= 0.0 and slope[i, t] > 0.0:
                    slope[i, t] = 0.0
                way[i, t] = 0.8 * way[i, t] + slope[i, t]
                norm += way[i, t] ** 2
        charge_slope = 0.0
        if budget < np.inf:
            charge_slope = (budget - spent) * unit
            charge_way = 0.8 * charge_way + charge_slope
            norm += charge_way**2
        if norm <= 0.0:
            break
        step = scale * max(total - known, 1e-9) / norm
        for i in range(weight.size):
            for t in range(stage_weight.size):
                most = stage_weight[t] * weight[i] * (gains[already[i]] if already[i] < gains.size else 0.0)
                price[i, t] = min(max(price[i, t] - step * way[i, t], 0.0), most)
        charge = max(charge - step * charge_way * unit, 0.0)
    return best, best_price, best_charge


def bound(problem: Problem, known: float, steps: int = 600, target: float = 0.0, begin: Bound | None = None) -> Bound:
    """The smallest bound found in a number of steps, at most, or as soon as `known` is within `target` (a share) of it.

    known: value of a plan at hand. begin: an earlier bound to go on from. The relation between units and demand is
    relaxed (Galvao & ReVelle 1996), the pools keep their counts; the limit is the bound of linear programming.
    """
    stages = len(problem.stage_weight)
    if begin is None:
        first = np.where(problem.already < len(problem.gains), 1.0, 0.0)
        scale = problem.gains[np.minimum(problem.already, len(problem.gains) - 1)]
        price = 0.5 * (first * scale * problem.weight)[:, None] * problem.stage_weight[None, :]
        charge = 0.0
    else:
        price, charge = begin.price.copy(), begin.charge
    counts = np.asarray(problem.pool_count, np.int64)
    best, price, charge = _descend(
        arrays(problem), counts, problem.already, known, np.ascontiguousarray(price), charge, steps, target
    )
    profit = np.empty((problem.patterns, stages))
    _profits(problem.start, problem.cover, price, profit)
    return Bound(float(best), price, float(charge), profit)


def fixings(problem: Problem, proof: Bound, known: float) -> tuple[np.ndarray, np.ndarray]:
    """Which entries of `problem.pattern` can be left out, and which must be in, in every plan better than `known`.

    Forcing an entry against the relaxed choice lowers the bound by the difference of its worth to the pool's edge;
    when that falls to `known` or below, no better plan does so. Two boolean arrays over problem.pattern.
    """
    out, must = np.zeros(len(problem.pattern), bool), np.zeros(len(problem.pattern), bool)
    slack = proof.value - known
    for c in range(problem.pools):
        first, last = problem.pool_start[c], problem.pool_start[c + 1]
        take = min(int(problem.pool_count[c]), last - first)
        worth = proof.profit[problem.pattern[first:last], problem.pool_stage[c]] - proof.charge * problem.pool_cost[c]
        if take == 0:
            out[first:last] = True
            continue
        order = np.sort(worth)[::-1]
        edge_in = max(order[take - 1], 0.0)
        edge_out = max(order[take], 0.0) if take < len(order) else 0.0
        chosen = (worth >= edge_in) & (worth > 0)
        out[first:last] = ~chosen & (edge_in - worth > slack * (1 + 1e-9) + 1e-9)
        must[first:last] = chosen & (worth - edge_out > slack * (1 + 1e-9) + 1e-9)
    return out, must
