"""Set covering: the cheapest units that reach everybody (Toregas et al. 1971): reduced, searched, proven by HiGHS."""

import time
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from perisai.model import BadInputError

from .cover_search import search_cover
from .highs import solver_of
from .reduce import matrix_of, parts, reduce


@dataclass(frozen=True, slots=True)
class CoverAll:
    """Patterns chosen, their cost, the proven least cost, and demand that no pattern reaches (left out)."""

    pattern: np.ndarray
    cost: float
    bound: float
    unreachable: np.ndarray

    @property
    def gap(self) -> float:
        """How far the cost may be above the least, as a share of it."""
        return max(0.0, self.cost - self.bound) / self.cost if self.cost > 0 else 0.0


STEPS = 200_000
"""Exchanges of the local search over each part that does not fall apart: half a second for 2,000 rows."""
SMALL = 12
"""Patterns up to which HiGHS needs no good start."""


def cover_all(
    start: np.ndarray,
    cover: np.ndarray,
    n: int,
    cost: np.ndarray | None = None,
    already: np.ndarray | None = None,
    gap: float = 0.0,
    seconds: float = 60.0,
    seed: int = 1,
) -> CoverAll:
    """The cheapest patterns that cover every one of n demands that any pattern reaches.

    start, cover: as in Problem. cost: (patterns,), 1 each by default. already: (n,) demand covered before.
    gap, seconds: when HiGHS may stop; what is left of the gap is told. seed: of the local search.
    Raises BadInputError when no pattern reaches anybody.
    """
    begun = time.monotonic()
    start, cover = np.asarray(start, np.int64), np.asarray(cover, np.int32)
    price = np.ones(len(start) - 1) if cost is None else np.asarray(cost, float)
    reached = np.zeros(n, bool)
    reached[cover] = True
    unreachable = np.flatnonzero(~reached)
    if not reached.any():
        raise BadInputError("sites", "no site reaches anybody", "at least one that does")
    if already is not None:
        live = np.asarray(already)[cover] == 0
        sizes = np.bincount(np.repeat(np.arange(len(price)), np.diff(start)), live)[: len(price)]
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        cover = cover[live]
        if not len(cover):
            return CoverAll(np.empty(0, np.int64), 0.0, 0.0, unreachable)
    rows, cols = reduce(start, cover, n, price)
    matrix = matrix_of(start, cover, n, rows, cols)
    chosen: list[np.ndarray] = []
    least = 0.0
    # What is left of the time goes to the largest part, which is the last.
    for part_rows, part_cols in parts(matrix):
        part = matrix[:, part_cols][part_rows]
        left = max(seconds - (time.monotonic() - begun), 1.0)
        found, bound = _solve(part, price[cols[part_cols]], gap, left, seed)
        chosen.append(part_cols[found])
        least += bound
    pattern = np.sort(cols[np.concatenate(chosen)])
    return CoverAll(pattern, float(price[pattern].sum()), least, unreachable)


def _solve(matrix: Any, cost: np.ndarray, gap: float, seconds: float, seed: int) -> tuple[np.ndarray, float]:
    """Columns of a part's cover and the proven least cost of any."""
    rows, cols = matrix.shape
    if cols == 1:
        return np.zeros(1, np.int64), float(cost[0])
    # Whole prices make whole costs: a bound between two of them rises to the upper one.
    whole = bool((cost == np.round(cost)).all())
    first = search_cover(matrix.indptr, matrix.indices, rows, cost, STEPS if cols > SMALL else cols, 0.0, seed)
    lp: Any = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows, cols
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(cols), np.ones(cols)
    lp.row_lower_, lp.row_upper_ = np.ones(rows), np.full(rows, highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    lp.integrality_ = [highspy.HighsVarType.kInteger] * cols
    solver = solver_of(gap, seconds)
    solver.passModel(lp)
    values = np.zeros(cols)
    values[first] = 1.0
    solver.setSolution(cols, np.arange(cols, dtype=np.int32), values)
    solver.run()
    answer = np.flatnonzero(np.array(solver.getSolution().col_value) > 0.5)
    bound = max(solver.getInfo().mip_dual_bound, 0.0)
    if not len(answer) or cost[first].sum() <= cost[answer].sum():
        answer = first
    if whole:
        bound = np.ceil(bound - 1e-6)
    return answer, float(min(bound, cost[answer].sum()))
