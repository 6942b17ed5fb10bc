"""First answer within seconds: greedy by gain, then each unit moved to where it adds most, then seeded shake-ups."""

import math

import numpy as np

from perisai.geodesy import kernel

from .problem import Choice, Problem, check_problem, transpose, value_of


@kernel
def _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, pattern, stage, step):
    """Place (step 1) or lift (-1) a unit: counts of the demand it covers and gains of all that share it."""
    stages = stage_weight.size
    for at in range(start[pattern], start[pattern + 1]):
        i = cover[at]
        change = 0.0
        for t in range(stages - 1, -1, -1):
            if t >= stage:
                old, new = count[i, t], count[i, t] + step
                count[i, t] = new
                before = gains[old] if old < gains.size else 0.0
                after = gains[new] if new < gains.size else 0.0
                change += stage_weight[t] * weight[i] * (after - before)
            if change != 0.0:
                for b in range(back[i], back[i + 1]):
                    gain[holder[b], t] += change


@kernel
def _first_gains(start, cover, weight, gains, stage_weight, count):
    stages = stage_weight.size
    gain = np.zeros((start.size - 1, stages))
    for p in range(start.size - 1):
        for at in range(start[p], start[p + 1]):
            i = cover[at]
            total = 0.0
            for t in range(stages - 1, -1, -1):
                if count[i, t] < gains.size:
                    total += stage_weight[t] * weight[i] * gains[count[i, t]]
                gain[p, t] += total
    return gain


@kernel
def _best(gain, used, allowed, stage):
    best, top = -1, 1e-9
    for p in allowed:
        if not used[p] and gain[p, stage] > top:
            best, top = p, gain[p, stage]
    return best, top


@kernel
def _fill(problem, state, left, spent, pool_of, pattern_of, placed):
    """Greedy: the unit of the largest gain (per cost under a budget) until nothing fits or helps."""
    start, cover, weight, gains, stage_weight, pool_stage, pool_cost, pool_start, pattern, budget = problem
    back, holder, count, gain, used = state
    pools = left.size
    best, top = np.full(pools, -1), np.zeros(pools)
    stale = np.ones(pools, np.bool_)
    while True:
        chosen, worth = -1, 0.0
        for c in range(pools):
            if left[c] == 0 or spent + pool_cost[c] > budget + 1e-6:
                continue
            # Gains only fall while units are added, so an old top is a bound: look again only where it could win.
            rate = 1.0 / max(pool_cost[c], 1e-9) if budget < np.inf else 1.0
            if not stale[c] and best[c] >= 0 and not used[best[c]] and top[c] * rate <= worth:
                continue
            if not stale[c] and best[c] < 0:
                continue
            best[c], top[c] = _best(gain, used, pattern[pool_start[c] : pool_start[c + 1]], pool_stage[c])
            stale[c] = False
            if best[c] >= 0 and top[c] * rate > worth:
                chosen, worth = c, top[c] * rate
        if chosen < 0:
            return placed, spent
        p = best[chosen]
        used[p] = True
        left[chosen] -= 1
        spent += pool_cost[chosen]
        pool_of[placed], pattern_of[placed] = chosen, p
        placed += 1
        _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, p, pool_stage[chosen], 1)


@kernel
def _improve(problem, state, pool_of, pattern_of, placed, passes):
    """Lift each unit and set it where it adds most, until a whole round changes nothing."""
    start, cover, weight, gains, stage_weight, pool_stage, _, pool_start, pattern, _ = problem
    back, holder, count, gain, used = state
    for _ in range(passes):
        moved = False
        for k in range(placed):
            c, p = pool_of[k], pattern_of[k]
            stage = pool_stage[c]
            _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, p, stage, -1)
            used[p] = False
            best, top = _best(gain, used, pattern[pool_start[c] : pool_start[c + 1]], stage)
            if best < 0 or top <= gain[p, stage] * (1.0 + 1e-9) + 1e-9:
                best = p
            else:
                moved = True
            used[best] = True
            pattern_of[k] = best
            _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, best, stage, 1)
        if not moved:
            return


@kernel
def _search(problem, back, holder, already, counts_of_pools, passes, shakes, part, picks, pool_of, pattern_of):
    start, cover, weight, gains, stage_weight, pool_stage, pool_cost, _pool_start, _pattern, _budget = problem
    stages = stage_weight.size
    count = np.zeros((weight.size, stages), np.int32)
    for i in range(weight.size):
        count[i, :] = already[i]
    gain = _first_gains(start, cover, weight, gains, stage_weight, count)
    used = np.zeros(start.size - 1, np.bool_)
    state = (back, holder, count, gain, used)
    left = counts_of_pools.copy()
    placed, spent = _fill(problem, state, left, 0.0, pool_of, pattern_of, 0)
    _improve(problem, state, pool_of, pattern_of, placed, passes)
    total = _worth(weight, gains, stage_weight, count)
    keep_pool, keep_pattern, kept = pool_of.copy(), pattern_of.copy(), placed
    for s in range(shakes):
        out = max(1, int(part * placed))
        for j in range(out):
            if placed == 0:
                break
            k = int(picks[s, j % picks.shape[1]] * placed)
            c, p = pool_of[k], pattern_of[k]
            _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, p, pool_stage[c], -1)
            used[p] = False
            left[c] += 1
            spent -= pool_cost[c]
            placed -= 1
            pool_of[k], pattern_of[k] = pool_of[placed], pattern_of[placed]
            # A lifted pattern may not be taken again at once, else greedy puts it straight back.
            if j == 0:
                banned = p
        used[banned] = True
        placed, spent = _fill(problem, state, left, spent, pool_of, pattern_of, placed)
        used[banned] = False
        _improve(problem, state, pool_of, pattern_of, placed, passes)
        placed, spent = _fill(problem, state, left, spent, pool_of, pattern_of, placed)
        now = _worth(weight, gains, stage_weight, count)
        if now > total * (1.0 + 1e-12):
            total = now
            keep_pool[:placed], keep_pattern[:placed], kept = pool_of[:placed], pattern_of[:placed], placed
        else:
            for k in range(placed):
                c, p = pool_of[k], pattern_of[k]
                _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, p, pool_stage[c], -1)
                used[p] = False
            left[:] = counts_of_pools
            spent = 0.0
            placed = kept
            for k in range(kept):
                c, p = keep_pool[k], keep_pattern[k]
                pool_of[k], pattern_of[k] = c, p
                _bump(start, cover, back, holder, weight, gains, stage_weight, count, gain, p, pool_stage[c], 1)
                used[p] = True
                left[c] -= 1
                spent += pool_cost[c]
    return keep_pool[:kept], keep_pattern[:kept]


@kernel
def _worth(weight, gains, stage_weight, count):
    total = 0.0
    for i in range(weight.size):
        for t in range(stage_weight.size):
            for m in range(min(count[i, t], gains.size)):
                total += stage_weight[t] * weight[i] * gains[m]
    return total


def arrays(problem: Problem) -> tuple:
    """What the kernels take of a problem."""
    return (
        problem.start,
        problem.cover,
        problem.weight,
        problem.gains,
        problem.stage_weight,
        problem.pool_stage,
        problem.pool_cost,
        problem.pool_start,
        problem.pattern,
        float(problem.budget),
    )


def search(problem: Problem, passes: int = 20, shakes: int = 0, part: float = 0.1, seed: int = 1) -> Choice:
    """A good plan by greedy and local search; the same seed gives the same plan.

    passes: rounds of single moves. shakes: times that `part` of the units is lifted at random and set again, kept when
    better. The bound of the answer is infinite: `bound` finds one. Greedy alone is within 1/2 of the best over any
    pools and within 1 - 1/e with one (Nemhauser, Wolsey & Fisher 1978). Raises BadInputError as `check_problem`.
    """
    check_problem(problem)
    back, holder = transpose(problem.start, problem.cover, len(problem.weight))
    units = int(np.minimum(problem.pool_count, np.diff(problem.pool_start)).sum())
    most = max(1, min(units, problem.patterns))
    picks = np.random.default_rng(seed).random((max(shakes, 1), max(1, int(part * most) + 1)))
    pool, pattern = _search(
        arrays(problem),
        back,
        holder,
        problem.already,
        np.asarray(problem.pool_count, np.int64).copy(),
        passes,
        shakes,
        part,
        picks,
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
    )
    return Choice(pool, pattern, value_of(problem, pool, pattern), math.inf)
