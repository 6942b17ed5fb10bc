"""A plan with proof: search, bound, annealing in rising rounds, and HiGHS for what is left of the gap."""

import math
import time

import numpy as np

from .anneal import anneal
from .bound import Bound, bound, fixings
from .exact import Progress, solve_exact
from .problem import Choice, Problem
from .search import search

ROUNDS = (300_000, 1_000_000, 4_000_000)
"""Proposals of the rounds of annealing."""
STEPS = 1_500
SMALL = 20_000
"""Entries of cover up to which HiGHS takes over after the first round: it proves such a problem in a second or two."""
CLOSE, MIDDLING = 0.005, 250_000
"""Likewise up to MIDDLING entries when the gap is CLOSE by then: the relaxation is as good as tight."""
CORES = (1 / 16, 1.0)
"""Shares of the gap within which HiGHS looks for a better plan, one after the other: the first mostly holds the best
plan and is solved in a tenth of the time; the last, by then with that plan's gap, is the whole problem."""
WORK = 2e9
"""Demand visits that the rounds of annealing may cost together, so that large problems keep to their time."""


def solve(
    problem: Problem, gap: float = 0.01, seconds: float = 60.0, seed: int = 1, progress: Progress | None = None
) -> Choice:
    """A plan whose value is proven within `gap` (a share) of the best, or the best found within the time.

    progress: called after each step with seconds, value and bound. The steps do not depend on the clock until HiGHS
    takes over, so that a problem that closes before gives the same plan on any machine. Raises BadInputError when there
    is nothing to decide.
    """
    begun = time.monotonic()
    best = search(problem)

    def tell(plan: Choice) -> Choice:
        if progress:
            progress(time.monotonic() - begun, plan.value, plan.bound)
        return plan

    proof: Bound | None = None
    visits = float(np.mean(np.diff(problem.start)) + 1.0) * len(problem.stage_weight)
    size = len(problem.cover) * len(problem.stage_weight)
    for moves in (0, *ROUNDS):
        if moves:
            best = anneal(problem, best, int(min(moves, WORK / visits / len(ROUNDS))), seed)
        found = bound(problem, best.value, STEPS, gap, begin=proof)
        if proof is None or found.value <= proof.value:
            proof = found
        best = tell(Choice(best.pool, best.pattern, best.value, max(proof.value, best.value)))
        if best.gap <= gap or time.monotonic() - begun > seconds:
            return best
        if moves and size <= (MIDDLING if best.gap <= CLOSE else SMALL):
            break
    if proof is None:
        return best
    for part in CORES:
        left = seconds - (time.monotonic() - begun)
        # No plan above `known` uses what is fixed at it: the closer it lies to the bound, the less is left to decide.
        known = proof.value - part * (proof.value - best.value)
        out, must = fixings(problem, proof, known)
        if left <= 1.0 or _entries(problem, out) > 5e7:
            return best
        onward = _onward(progress, time.monotonic() - begun, best.bound, known)
        found = solve_exact(problem, best, out, must, gap, left if part == CORES[-1] else 0.25 * left, onward)
        best = tell(Choice(found.pool, found.pattern, found.value, min(best.bound, max(found.bound, known))))
        if best.gap <= gap:
            return best
    return best


def _onward(progress: Progress | None, begun_s: float, bound: float, known: float) -> Progress | None:
    """Progress of a part of the problem told as of the whole: what was left out may hold plans worth `known`."""
    if progress is None:
        return None
    return lambda at, value, limit: progress(begun_s + at, value, min(bound, max(limit, known)))


def _entries(problem: Problem, out: np.ndarray) -> float:
    """Size of the exact programme's matrix; beyond some 50 million entries it would not fit in 4 GB."""
    length = np.diff(problem.start)[problem.pattern[~out]]
    return float(length.sum()) * len(problem.stage_weight) if len(length) else math.inf
