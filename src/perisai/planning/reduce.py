"""A set covering problem made smaller: what others make needless goes, and the rest falls into parts."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from perisai.geodesy import kernel

from .problem import transpose


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
def _needless(start, items, back, holder, cost, larger):
    """Of two lists of which one holds the other at no more cost, the held one, or with `larger` the holder.

    The first of equals stays. (start, items) are the lists, (back, holder) the same relation by item.
    """
    n = start.size - 1
    gone = np.zeros(n, np.bool_)
    for j in range(n):
        size = start[j + 1] - start[j]
        if size == 0 or gone[j]:
            continue
        # Whoever holds list j holds its rarest item too.
        rare = items[start[j]]
        for k in range(start[j], start[j + 1]):
            if back[items[k] + 1] - back[items[k]] < back[rare + 1] - back[rare]:
                rare = items[k]
        for k in range(back[rare], back[rare + 1]):
            i = holder[k]
            other = start[i + 1] - start[i]
            if i == j or gone[i] or other < size or cost[i] > cost[j]:
                continue
            if other == size and cost[i] == cost[j] and (i > j) != larger:
                continue
            if _contains(start, items, i, j):
                if larger:
                    gone[i] = True
                else:
                    gone[j] = True
                    break
    return gone


def reduce(start: np.ndarray, cover: np.ndarray, n: int, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Demand rows and patterns that are left once implied rows and patterns no better than others are gone.

    Some least-cost cover of the rows left by the patterns left is a least-cost cover of all (Balas & Ho 1980).
    """
    patterns = np.repeat(np.arange(len(start) - 1), np.diff(start))
    rows, cols = np.unique(cover), np.arange(len(start) - 1)
    keep_row, keep_col = np.zeros(n, bool), np.ones(len(cols), bool)
    keep_row[rows] = True
    free = np.zeros(n)
    while True:
        sub_start, sub_cover, back, holder = _left(start, cover, patterns, keep_row, keep_col)
        keep_col &= ~_needless(sub_start, sub_cover, back, holder, cost, False) & (np.diff(sub_start) > 0)
        sub_start, sub_cover, back, holder = _left(start, cover, patterns, keep_row, keep_col)
        # A row is implied by one whose patterns are among its own: the same test, the other way round.
        implied = _needless(back, holder, sub_start, sub_cover, free, True)
        keep_row &= ~implied
        if not implied.any():
            return np.flatnonzero(keep_row), np.flatnonzero(keep_col)


def _left(start: np.ndarray, cover: np.ndarray, patterns: np.ndarray, keep_row: np.ndarray, keep_col: np.ndarray):
    """The relation of what is kept, by pattern and by row; what is not kept has empty lists."""
    live = keep_row[cover] & keep_col[patterns]
    sub_start = np.searchsorted(patterns[live], np.arange(len(start))).astype(np.int64)
    return sub_start, cover[live], *transpose(sub_start, cover[live], len(keep_row))


def matrix_of(start: np.ndarray, cover: np.ndarray, n: int, rows: np.ndarray, cols: np.ndarray) -> sparse.csc_matrix:
    """The relation of these rows and patterns, ones where a pattern covers a row."""
    ones = np.ones(len(cover))
    whole = sparse.csc_matrix((ones, cover.astype(np.int32), start.astype(np.int32)), shape=(n, len(start) - 1))
    part = whole[:, cols].tocsr()[rows].tocsc()
    part.sort_indices()
    return part


def parts(matrix: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of each part that shares nothing with the others, the smallest first.

    After `reduce` a row that one pattern alone covers is a part of its own: that pattern is essential.
    """
    rows = matrix.shape[0]
    count, label = connected_components(sparse.bmat([[None, matrix], [matrix.T, None]], format="csr"), directed=False)
    by_row = np.argsort(label[:rows], kind="stable")
    by_col = np.argsort(label[rows:], kind="stable")
    row_end = np.cumsum(np.bincount(label[:rows], minlength=count))
    col_end = np.cumsum(np.bincount(label[rows:], minlength=count))
    found = list(zip(np.split(by_row, row_end[:-1]), np.split(by_col, col_end[:-1]), strict=True))
    return sorted(found, key=lambda part: len(part[1]))
