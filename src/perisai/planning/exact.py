"""The exact programme by HiGHS, as small as presolve and the relaxation leave it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from .highs import solver_of
from .problem import Choice, Problem, transpose, value_of

Progress = Callable[[float, float, float], None]
"""Called with seconds since the start, the value of the best plan and the proven bound."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Demand rows that the same entries cover and that had the same cover before, as one: weight and group of each."""

    weight: np.ndarray
    group: np.ndarray


def merge_demand(problem: Problem, entries: np.ndarray) -> Merged:
    """Groups of demand that no plan of these entries (indices of patterns) tells apart; uncovered demand is -1."""
    keep = np.zeros(problem.patterns, bool)
    keep[entries] = True
    back, holder = transpose(problem.start, problem.cover, len(problem.weight))
    groups: dict[bytes, int] = {}
    group = np.full(len(problem.weight), -1)
    weight: list[float] = []
    for i in range(len(problem.weight)):
        mine = holder[back[i] : back[i + 1]]
        mine = mine[keep[mine]]
        if len(mine) == 0 or problem.already[i] >= len(problem.gains):
            continue
        key = mine.tobytes() + bytes([int(problem.already[i])])
        at = groups.setdefault(key, len(weight))
        if at == len(weight):
            weight.append(0.0)
        weight[at] += float(problem.weight[i])
        group[i] = at
    return Merged(np.array(weight), group)


@dataclass(frozen=True, slots=True)
class _Model:
    lp: highspy.HighsLp
    entry: np.ndarray
    pool: np.ndarray
    constant: float
    matrix: Any


def _model(problem: Problem, out: np.ndarray, must: np.ndarray) -> _Model:
    """max sum v w g_m y[j,t,m]  so that  sum_m y[j,t,m] <= sum of x over what covers j by stage t,  0 <= y <= 1.

    The y need not be integral: with gains that do not rise they fill in order by themselves.
    """
    entry = np.flatnonzero(~out)
    pools = np.repeat(np.arange(problem.pools), np.diff(problem.pool_start))[entry]
    pattern = problem.pattern[entry].astype(np.int64)
    merged = merge_demand(problem, np.unique(pattern))
    stages, groups, xs = len(problem.stage_weight), len(merged.weight), len(entry)
    base = np.zeros(groups, np.int64)
    known = merged.group >= 0
    base[merged.group[known]] = problem.already[known]
    # One row of demand stands for its group: its cover is the group's.
    first = np.full(groups, -1)
    first[merged.group[known][::-1]] = np.flatnonzero(known)[::-1]
    lead = np.full(len(problem.weight), -1)
    lead[first] = np.arange(groups)
    length = np.diff(problem.start)[pattern]
    total = int(length.sum())
    at = np.repeat(problem.start[pattern] - np.concatenate([[0], np.cumsum(length)[:-1]]), length) + np.arange(total)
    row, col = lead[problem.cover[at]], np.repeat(np.arange(xs), length)
    row, col = row[row >= 0], col[row >= 0]
    since = problem.pool_stage[pools][col]
    rows = [row[since <= t] + t * groups for t in range(stages)]
    cols = [col[since <= t] for t in range(stages)]
    data = [np.full(len(part), -1.0) for part in rows]
    cost = [np.zeros(xs)]
    next_col = xs
    for t in range(stages):
        for m in range(len(problem.gains)):
            level = base + m
            here = np.flatnonzero(level < len(problem.gains))
            rows.append(here + t * groups)
            cols.append(next_col + np.arange(len(here)))
            data.append(np.ones(len(here)))
            cost.append(problem.stage_weight[t] * merged.weight[here] * problem.gains[level[here]])
            next_col += len(here)
    cover_rows = groups * stages
    rows.append(cover_rows + pools)
    cols.append(np.arange(xs))
    data.append(np.ones(xs))
    upper = [np.zeros(cover_rows), np.asarray(problem.pool_count, float)]
    extra = cover_rows + problem.pools
    if problem.pools > 1:
        # A pattern is one place: it is taken once.
        seen, where = np.unique(pattern, return_inverse=True)
        rows.append(extra + where)
        cols.append(np.arange(xs))
        data.append(np.ones(xs))
        upper.append(np.ones(len(seen)))
        extra += len(seen)
    if math.isfinite(problem.budget):
        rows.append(np.full(xs, extra))
        cols.append(np.arange(xs))
        data.append(problem.pool_cost[pools])
        upper.append(np.array([problem.budget]))
        extra += 1
    matrix = sparse.coo_matrix(
        (np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=(extra, next_col)
    ).tocsc()
    lp: Any = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = next_col, extra
    lp.col_cost_ = -np.concatenate(cost)
    lower = np.zeros(next_col)
    lower[:xs] = must[entry]
    lp.col_lower_, lp.col_upper_ = lower, np.ones(next_col)
    lp.row_lower_, lp.row_upper_ = np.full(extra, -highspy.kHighsInf), np.concatenate(upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    lp.integrality_ = [highspy.HighsVarType.kInteger] * xs + [highspy.HighsVarType.kContinuous] * (next_col - xs)
    gained = np.concatenate([[0.0], np.cumsum(problem.gains)])
    before = gained[np.minimum(problem.already, len(problem.gains))]
    constant = float(problem.weight @ before) * float(problem.stage_weight.sum())
    return _Model(lp, entry, pools, constant, matrix)


def solve_exact(
    problem: Problem,
    first: Choice,
    out: np.ndarray,
    must: np.ndarray,
    gap: float,
    seconds: float,
    progress: Progress | None = None,
) -> Choice:
    """The best plan among those that keep to `out` and `must` (see `fixings`), or `first` when none is better.

    gap: stop when the plan is within this share of the bound. seconds: limit of time. The bound of the answer holds for
    the whole problem: what was fixed cannot hold a better plan than `first`.
    """
    model = _model(problem, out, must)
    solver = solver_of(gap, seconds)
    begun = time.monotonic()
    state = {"value": first.value, "bound": first.bound}

    def tell(event) -> None:
        bound = model.constant - event.data_out.mip_dual_bound
        primal = model.constant - event.data_out.mip_primal_bound
        if math.isfinite(bound):
            state["bound"] = min(state["bound"], max(bound, first.value))
        if math.isfinite(primal):
            state["value"] = max(state["value"], primal)
        if progress:
            progress(time.monotonic() - begun, state["value"], state["bound"])
        if state["bound"] - state["value"] <= gap * state["bound"]:
            event.interrupt()

    solver.cbMipInterrupt.subscribe(tell)
    solver.passModel(model.lp)
    _offer(solver, problem, model, first)
    solver.run()
    info = solver.getInfo()
    bound = first.bound
    if math.isfinite(info.mip_dual_bound):
        bound = min(bound, max(model.constant - info.mip_dual_bound, first.value))
    values = np.array(solver.getSolution().col_value)
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible and len(values):
        chosen = np.flatnonzero(values[: len(model.entry)] > 0.5)
        pool = model.pool[chosen]
        pattern = problem.pattern[model.entry[chosen]].astype(np.int64)
        value = value_of(problem, pool, pattern)
        if value > first.value:
            return Choice(pool, pattern, value, max(bound, value))
    return Choice(first.pool, first.pattern, first.value, max(bound, first.value))


def _offer(solver, problem: Problem, model: _Model, first: Choice) -> None:
    """Give the solver the plan at hand, x and y: told only x, HiGHS 1.16 may book the plan under a wrong objective."""
    key = {(int(c), int(p)): k for k, (c, p) in enumerate(zip(model.pool, problem.pattern[model.entry], strict=True))}
    at = [key.get((int(c), int(p))) for c, p in zip(first.pool, first.pattern, strict=True)]
    if any(k is None for k in at):
        return
    matrix, xs = model.matrix, len(model.entry)
    values = np.zeros(matrix.shape[1])
    values[np.array(at, np.int64)] = 1.0
    left = -(matrix[:, :xs] @ values[:xs])
    # Each y has one row, that of its demand, and those of a demand come in the order in which they fill.
    row = matrix.indices[matrix.indptr[xs:-1]]
    for y, r in enumerate(row, start=xs):
        values[y] = min(max(left[r], 0.0), 1.0)
        left[r] -= values[y]
    solver.setSolution(len(values), np.arange(len(values), dtype=np.int32), values)
