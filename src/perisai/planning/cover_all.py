"""Set covering: the cheapest units that reach everybody (Toregas et al. 1971), reduced, then exact by HiGHS."""

import time
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from perisai.geodesy import kernel
from perisai.model import BadInputError

from .problem import transpose


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


@kernel
def _contains(a_start, a, i, j):
    """Whether the rising list i of (a_start, a) holds the whole of list j."""
    x, y = a_start[i], a_start[j]
    while y < a_start[j + 1]:
        while x < a_start[i + 1] and a[x] < a[y]:
            x += 1
        if x == a_start[i + 1] or a[x] != a[y]:
            return False
        y += 1
    return True


@kernel
def _dominated(start, items, back, holder, cost):
    """Lists that another list holds at no more cost: the first of equals stays. start, items by back, holder."""
    n = start.size - 1
    gone = np.zeros(n, np.bool_)
    for j in range(n):
        size = start[j + 1] - start[j]
        if size == 0:
            continue
        # Whoever holds list j holds its rarest item too.
        rare = items[start[j]]
        for k in range(start[j], start[j + 1]):
            if back[items[k] + 1] - back[items[k]] < back[rare + 1] - back[rare]:
                rare = items[k]
        for k in range(back[rare], back[rare + 1]):
            i = holder[k]
            if i == j or gone[i] or cost[i] > cost[j]:
                continue
            other = start[i + 1] - start[i]
            if other < size or (other == size and cost[i] == cost[j] and i > j):
                continue
            if _contains(start, items, i, j):
                gone[j] = True
                break
    return gone


def _reduce(start: np.ndarray, cover: np.ndarray, n: int, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Demand rows and patterns that are left once implied rows and patterns no better than others are gone."""
    patterns = np.repeat(np.arange(len(start) - 1), np.diff(start))
    rows, cols = np.unique(cover), np.arange(len(start) - 1)
    keep_row, keep_col = np.zeros(n, bool), np.ones(len(cols), bool)
    keep_row[rows] = True
    while True:
        live = keep_row[cover] & keep_col[patterns]
        sub_start = np.searchsorted(patterns[live], np.arange(len(start)))
        sub_cover = cover[live]
        back, holder = transpose(sub_start.astype(np.int64), sub_cover, n)
        gone_col = _dominated(sub_start.astype(np.int64), sub_cover, back, holder, cost) | (np.diff(sub_start) == 0)
        keep_col &= ~gone_col
        live = keep_row[cover] & keep_col[patterns]
        sub_start = np.searchsorted(patterns[live], np.arange(len(start))).astype(np.int64)
        back, holder = transpose(sub_start, cover[live], n)
        # A row is implied by one whose patterns are among its own: the same test, the other way round.
        gone_row = _implied(back, holder, sub_start, cover[live])
        keep_row &= ~gone_row
        if not gone_row.any():
            return np.flatnonzero(keep_row), np.flatnonzero(keep_col)


@kernel
def _implied(back, holder, start, cover):
    n = back.size - 1
    gone = np.zeros(n, np.bool_)
    for j in range(n):
        size = back[j + 1] - back[j]
        if size == 0 or gone[j]:
            continue
        # Every row that holds j's patterns appears under the first of them with the fewest rows.
        rare = holder[back[j]]
        for k in range(back[j], back[j + 1]):
            if start[holder[k] + 1] - start[holder[k]] < start[rare + 1] - start[rare]:
                rare = holder[k]
        for k in range(start[rare], start[rare + 1]):
            i = cover[k]
            if i == j or gone[i] or back[i + 1] - back[i] < size:
                continue
            if back[i + 1] - back[i] == size and i < j:
                continue
            if _contains(back, holder, i, j):
                gone[i] = True
    return gone


def cover_all(
    start: np.ndarray,
    cover: np.ndarray,
    n: int,
    cost: np.ndarray | None = None,
    already: np.ndarray | None = None,
    gap: float = 0.0,
    seconds: float = 60.0,
) -> CoverAll:
    """The cheapest patterns that cover every one of n demands that any pattern reaches.

    start, cover: as in Problem. cost: (patterns,), 1 each by default. already: (n,) demand covered before.
    gap, seconds: when HiGHS may stop. Raises BadInputError when no pattern reaches anybody.
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
    rows, cols = _reduce(start, cover, n, price)
    lead = np.full(n, -1)
    lead[rows] = np.arange(len(rows))
    row = np.concatenate([lead[cover[start[c] : start[c + 1]]] for c in cols])
    col = np.repeat(np.arange(len(cols)), np.diff(start)[cols])
    matrix = sparse.csc_matrix((np.ones((row >= 0).sum()), (row[row >= 0], col[row >= 0])), (len(rows), len(cols)))
    chosen, bound = _solve(matrix, len(rows), price[cols], gap, max(seconds - (time.monotonic() - begun), 1.0))
    pattern = cols[chosen]
    return CoverAll(pattern, float(price[pattern].sum()), bound, unreachable)


def _solve(matrix: Any, demands: int, cost: np.ndarray, gap: float, seconds: float) -> tuple[np.ndarray, float]:
    lp: Any = highspy.HighsLp()
    rows, cols = demands, len(cost)
    lp.num_row_, lp.num_col_ = rows, cols
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(cols), np.ones(cols)
    lp.row_lower_, lp.row_upper_ = np.ones(rows), np.full(rows, highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    lp.integrality_ = [highspy.HighsVarType.kInteger] * cols
    solver = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", gap), ("time_limit", seconds)):
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    first = _greedy(matrix, demands, cost)
    values = np.zeros(cols)
    values[first] = 1.0
    solver.setSolution(cols, np.arange(cols, dtype=np.int32), values)
    solver.run()
    answer = np.flatnonzero(np.array(solver.getSolution().col_value) > 0.5)
    bound = solver.getInfo().mip_dual_bound
    if not len(answer) or cost[first].sum() < cost[answer].sum():
        answer = first
    if (cost == np.round(cost)).all():
        bound = np.ceil(bound - 1e-6)
    return answer, float(min(max(bound, 0.0), cost[answer].sum()))


def _greedy(matrix: Any, demands: int, cost: np.ndarray) -> np.ndarray:
    """The pattern with most new rows per cost, again and again (Chvatal 1979), then what became needless is dropped."""
    left = np.ones(demands)
    chosen: list[int] = []
    while left.any():
        best = int(np.argmax((left @ matrix) / np.maximum(cost, 1e-9)))
        chosen.append(best)
        left[matrix.indices[matrix.indptr[best] : matrix.indptr[best + 1]]] = 0.0
    count = np.asarray(matrix[:, chosen].sum(axis=1)).ravel()
    kept = []
    for c in sorted(chosen, key=lambda c: -cost[c]):
        mine = matrix.indices[matrix.indptr[c] : matrix.indptr[c + 1]]
        if (count[mine] > 1).all():
            count[mine] -= 1
        else:
            kept.append(c)
    return np.array(sorted(kept), np.int64)
