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

Part = tuple[np.ndarray, np.ndarray]
"""Rows and columns of a matrix."""


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


STEPS, EACH = 50_000, 100
"""Exchanges without a cheaper cover after which the search of a part ends, in all (a tenth of a second for 2,000 rows)
and for each of its patterns."""
TRIES = 2
"""Searches, of which the best counts."""
SMALL = 12
"""Patterns up to which parts are solved together."""


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
    essential, apart = _jobs(parts(matrix))
    chosen = [essential]
    least = float(price[cols[essential]].sum())
    # What is left of the time goes to the largest part, which is the last.
    for part_rows, part_cols in apart:
        part = matrix[:, part_cols][part_rows]
        left = max(seconds - (time.monotonic() - begun), 1.0)
        found, bound = _solve(part, price[cols[part_cols]], gap, left, seed)
        chosen.append(part_cols[found])
        least += bound
    pattern = np.sort(cols[np.concatenate(chosen)])
    return CoverAll(pattern, float(price[pattern].sum()), least, unreachable)


def _jobs(apart: list[Part]) -> tuple[np.ndarray, list[Part]]:
    """Columns alone in their part, which are needed; and the other parts, those of few patterns as one.

    To set HiGHS up for each small part takes longer than to solve them all.
    """
    few = [part for part in apart if 1 < len(part[1]) <= SMALL]
    many = [part for part in apart if len(part[1]) > SMALL]
    alone = np.array([cols[0] for _, cols in apart if len(cols) == 1], np.int64)
    joint = [(np.concatenate([rows for rows, _ in few]), np.concatenate([cols for _, cols in few]))] if few else []
    return alone, joint + many


def _solve(matrix: Any, cost: np.ndarray, gap: float, seconds: float, seed: int) -> tuple[np.ndarray, float]:
    """Columns of a part's cover and the proven least cost of any."""
    rows, cols = matrix.shape
    whole = bool((cost == np.round(cost)).all())
    steps = min(STEPS, EACH * cols)
    found = [search_cover(matrix.indptr, matrix.indices, rows, cost, steps, 0.0, seed + k) for k in range(TRIES)]
    first = min(found, key=lambda chosen: float(cost[chosen].sum()))
    lp: Any = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows, cols
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(cols), np.ones(cols)
    lp.row_lower_, lp.row_upper_ = np.ones(rows), np.full(rows, highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    lp.integrality_ = [highspy.HighsVarType.kInteger] * cols
    solver = solver_of(gap, seconds)
    known = float(cost[first].sum())

    def tell(event: Any) -> None:
        bound = event.data_out.mip_dual_bound
        if np.isfinite(bound) and known - _risen(bound, whole) <= gap * known + 1e-9:
            event.interrupt()

    # HiGHS is not told of the cover at hand: with it, it prunes where its cuts alone would have proven the same sooner.
    solver.cbMipInterrupt.subscribe(tell)
    solver.passModel(lp)
    solver.run()
    answer = np.flatnonzero(np.array(solver.getSolution().col_value) > 0.5)
    bound = _risen(max(solver.getInfo().mip_dual_bound, 0.0), whole)
    if not _covers(matrix, answer) or known <= cost[answer].sum():
        answer = first
    return answer, float(min(bound, cost[answer].sum()))


def _risen(bound: float, whole: bool) -> float:
    """Whole prices make whole costs: a bound between two of them rises to the upper one."""
    return float(np.ceil(bound - 1e-6)) if whole else bound


def _covers(matrix: Any, chosen: np.ndarray) -> bool:
    return bool((matrix[:, chosen].sum(axis=1) > 0).all())
