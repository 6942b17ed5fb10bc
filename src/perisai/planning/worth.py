"""What a contribution is worth: exactly at the margin, and fairly by Shapley's value; what to ask for next."""

from dataclasses import dataclass

import numpy as np

from perisai.geodesy import kernel

from .problem import Problem, counts, value_of


@dataclass(frozen=True, slots=True)
class Worth:
    """Per player (p,): what is lost without it, its Shapley value and that value's standard error.

    total: what all players add together; the Shapley values sum to it.
    """

    marginal: np.ndarray
    shapley: np.ndarray
    error: np.ndarray
    total: float
    permutations: int


@kernel
def _add(start, cover, stage, weight, gains, stage_weight, pattern, count):
    """Gain of the units of one player on top of count (n, t), which they are added to."""
    gain = 0.0
    for k in range(pattern.size):
        for at in range(start[pattern[k]], start[pattern[k] + 1]):
            i = cover[at]
            for t in range(stage[k], stage_weight.size):
                if count[i, t] < gains.size:
                    gain += stage_weight[t] * weight[i] * gains[count[i, t]]
                count[i, t] += 1
    return gain


def worth(
    problem: Problem, pool: np.ndarray, pattern: np.ndarray, player: np.ndarray, seed: int, rounds: int = 400
) -> Worth:
    """The worth of each player's placed units, which stay where the plan put them.

    pool, pattern: (k,) of the placed units; player: (k,) whose they are, 0 to p - 1. rounds: random orders sampled
    (Castro, Gomez & Tejada 2009), half of them the reverse of the others, which lowers the error. With at most six
    players all orders are taken and the error is 0.
    """
    players = int(player.max()) + 1 if len(player) else 0
    whole = value_of(problem, pool, pattern)
    none = value_of(problem, pool[:0], pattern[:0])
    marginal = np.array([whole - value_of(problem, pool[player != p], pattern[player != p]) for p in range(players)])
    stage = problem.pool_stage[pool]
    units = [np.flatnonzero(player == p) for p in range(players)]
    base = counts(problem, pool[:0], pattern[:0])
    orders = _orders(players, seed, rounds)
    gains = np.zeros((len(orders), players))
    for r, order in enumerate(orders):
        count = base.copy()
        for p in order:
            own = units[p]
            gains[r, p] = _add(
                problem.start, problem.cover, stage[own], problem.weight, problem.gains, problem.stage_weight,
                pattern[own], count,
            )  # fmt: skip
    if players <= _EXACT:
        error = np.zeros(players)
    else:
        # An order and its reverse are one draw.
        pairs = 0.5 * (gains[0::2] + gains[1::2])
        error = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    mean = gains.mean(axis=0) if len(orders) else np.zeros(players)
    return Worth(marginal, mean, error, whole - none, len(orders))


_EXACT = 6


def _orders(players: int, seed: int, rounds: int) -> list[np.ndarray]:
    from itertools import permutations

    if players <= _EXACT:
        return [np.array(order) for order in permutations(range(players))] if players else []
    rng = np.random.default_rng(seed)
    forward = [rng.permutation(players) for _ in range(max(rounds // 2, 2))]
    return [order for one in forward for order in (one, one[::-1])]


def unit_losses(problem: Problem, pool: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """What is lost with each placed unit alone, (k,)."""
    count = counts(problem, pool, pattern)
    out = np.zeros(len(pool))
    _losses(
        problem.start, problem.cover, problem.pool_stage[pool], problem.weight, problem.gains, problem.stage_weight,
        np.asarray(pattern, np.int64), count, out,
    )  # fmt: skip
    return out


@kernel
def _losses(start, cover, stage, weight, gains, stage_weight, pattern, count, out):
    for k in range(pattern.size):
        for at in range(start[pattern[k]], start[pattern[k] + 1]):
            i = cover[at]
            for t in range(stage[k], stage_weight.size):
                if count[i, t] <= gains.size:
                    out[k] += stage_weight[t] * weight[i] * gains[count[i, t] - 1]


def next_gains(problem: Problem, pool: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """What one more unit in each pattern would add in the last stage, (patterns,), when everything stands."""
    count = counts(problem, pool, pattern)[:, -1]
    step = np.append(problem.gains, 0.0)[np.minimum(count, len(problem.gains))] * problem.weight
    sums = np.concatenate([[0.0], np.cumsum(step[problem.cover])])
    return sums[problem.start[1:]] - sums[problem.start[:-1]]
