"""Generalized optimal sub-pattern assignment (Rahmathullah, Garcia-Fernandez & Svensson 2017, arXiv 1601.05585)."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree


class Gospa(NamedTuple):
    """GOSPA with alpha = 2 and its parts, m; distance**p = location**p + missed**p + false**p.

    truth, track: (k,) indices of the pairs assigned; gap_m: (k,) their distances.
    """

    distance: float
    location: float
    missed: float
    false: float
    truth: np.ndarray
    track: np.ndarray
    gap_m: np.ndarray


def gospa(truth: np.ndarray, track: np.ndarray, cutoff_m: float = 2_000.0, order: float = 2.0) -> Gospa:
    """GOSPA between true positions (n, 2) and track positions (m, 2) on a plane, m.

    A pair costs its distance**order if under cutoff_m; what is left over costs cutoff_m**order / 2 each (equation 1
    with alpha = 2, proposition 1). The assignment is optimal: pairs within the cut-off fall into independent clusters,
    each solved exactly.
    """
    left, right, gap = _candidates(truth, track, cutoff_m)
    chosen = _assign(left, right, gap**order - cutoff_m**order, len(truth), len(track))
    left, right, gap = left[chosen], right[chosen], gap[chosen]
    location = float((gap**order).sum())
    missed = 0.5 * cutoff_m**order * (len(truth) - len(left))
    false = 0.5 * cutoff_m**order * (len(track) - len(left))
    root = 1.0 / order
    return Gospa((location + missed + false) ** root, location**root, missed**root, false**root, left, right, gap)


def _candidates(truth: np.ndarray, track: np.ndarray, cutoff_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs closer than the cut-off: indices into both, and distances."""
    if not len(truth) or not len(track):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    near = KDTree(track).query_ball_point(truth, cutoff_m, return_sorted=True)
    left = np.repeat(np.arange(len(truth)), [len(n) for n in near])
    right = np.concatenate([np.asarray(n, dtype=np.int64) for n in near])
    gap = np.hypot(*(truth[left] - track[right]).T) if len(left) else np.empty(0)
    close = gap < cutoff_m
    return left[close], right[close], gap[close]


def _assign(left: np.ndarray, right: np.ndarray, gain: np.ndarray, n: int, m: int) -> np.ndarray:
    """Indices of the pairs whose sum of gains (all below 0) is least, each truth and each track used at most once."""
    if not len(left):
        return np.empty(0, np.int64)
    graph = coo_matrix((np.ones(len(left)), (left, n + right)), shape=(n + m, n + m))
    _, cluster = connected_components(graph, directed=False)
    of_pair = cluster[left]
    order = np.argsort(of_pair, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(of_pair[order]) != 0])
    chosen: list[np.ndarray] = []
    for pairs in np.split(order, starts[1:]):
        if len(pairs) == 1:
            chosen.append(pairs)
            continue
        rows, row = np.unique(left[pairs], return_inverse=True)
        columns, column = np.unique(right[pairs], return_inverse=True)
        cost = np.zeros((len(rows), len(columns)))
        which = np.full(cost.shape, -1, dtype=np.int64)
        cost[row, column], which[row, column] = gain[pairs], pairs
        picked = which[linear_sum_assignment(cost)]
        chosen.append(picked[picked >= 0])
    return np.sort(np.concatenate(chosen))
