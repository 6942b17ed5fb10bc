"""Simulated annealing of a plan: a unit at a time moves to a site that shares demand with its own."""

import math

import numpy as np

from perisai.geodesy import kernel

from .problem import Choice, Problem, transpose, value_of
from .search import arrays


@kernel
def _next(state):
    """Xorshift64* (Vigna 2016): a float64 in [0, 1) from the state (1,) of uint64."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@kernel
def _anneal(problem, back, holder, member, count, pool_of, pattern_of, used, moves, hot, cold, seed):
    """Runs `moves` proposals from temperature hot to cold; returns the best patterns met and what they add."""
    start, cover, weight, gains, stage_weight, pool_stage, _, pool_start, pattern, _ = problem
    stages, depth = stage_weight.size, gains.size
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(2654435769) + np.uint64(88172645463325252)
    best_of = pattern_of.copy()
    now, best = 0.0, 0.0
    cool = (cold / hot) ** (1.0 / max(moves, 1))
    heat = hot
    for _ in range(moves):
        heat *= cool
        k = int(_next(state) * pool_of.size)
        c, p = pool_of[k], pattern_of[k]
        stage = pool_stage[c]
        if _next(state) < 0.9 and start[p + 1] > start[p]:
            i = cover[start[p] + int(_next(state) * (start[p + 1] - start[p]))]
            q = holder[back[i] + int(_next(state) * (back[i + 1] - back[i]))]
        else:
            q = pattern[pool_start[c] + int(_next(state) * (pool_start[c + 1] - pool_start[c]))]
        if used[q] or not member[c, q]:
            continue
        change = 0.0
        for at in range(start[p], start[p + 1]):
            i = cover[at]
            for t in range(stage, stages):
                count[i, t] -= 1
                if count[i, t] < depth:
                    change -= stage_weight[t] * weight[i] * gains[count[i, t]]
        for at in range(start[q], start[q + 1]):
            i = cover[at]
            for t in range(stage, stages):
                if count[i, t] < depth:
                    change += stage_weight[t] * weight[i] * gains[count[i, t]]
                count[i, t] += 1
        if change >= 0.0 or _next(state) < math.exp(change / heat):
            now += change
            pattern_of[k] = q
            used[p], used[q] = False, True
            if now > best + 1e-9:
                best = now
                best_of[:] = pattern_of
            continue
        for at in range(start[q], start[q + 1]):
            for t in range(stage, stages):
                count[cover[at], t] -= 1
        for at in range(start[p], start[p + 1]):
            for t in range(stage, stages):
                count[cover[at], t] += 1
    return best_of, best


HOT, COLD = 0.05, 0.01
"""Temperatures at begin and end, in units of the mean worth of a placed unit."""


def anneal(problem: Problem, first: Choice, moves: int, seed: int = 1) -> Choice:
    """The best plan met on the way, never worse than `first`; the same seed gives the same plan.

    moves: proposals in all, over which the temperature falls from HOT to COLD.
    Kirkpatrick, Gelatt & Vecchi 1983.
    """
    from .problem import counts

    if len(first.pool) == 0 or moves <= 0:
        return first
    back, holder = transpose(problem.start, problem.cover, len(problem.weight))
    member = np.zeros((problem.pools, problem.patterns), bool)
    for c in range(problem.pools):
        member[c, problem.allowed(c)] = True
    used = np.zeros(problem.patterns, bool)
    used[first.pattern] = True
    base = value_of(problem, first.pool[:0], first.pattern[:0])
    mean = max((first.value - base) / len(first.pool), 1e-9)
    pattern, _ = _anneal(
        arrays(problem),
        back,
        holder,
        member,
        counts(problem, first.pool, first.pattern),
        first.pool.astype(np.int64),
        first.pattern.astype(np.int64),
        used,
        moves,
        HOT * mean,
        COLD * mean,
        seed,
    )
    value = value_of(problem, first.pool, pattern)
    return Choice(first.pool, pattern, value, first.bound) if value > first.value else first
