"""Spans of time per area: union, person-hours, and what is on at a moment."""

import numpy as np


def union(area: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overlapping and touching spans of one area made one; sorted by area and start. Empty spans are left out."""
    use = end > start
    area, start, end = area[use], start[use], end[use]
    if area.size == 0:
        return area, start, end
    order = np.lexsort((start, area))
    area, start, end = area[order], start[order], end[order]
    # Shift each area beyond the last so that a running maximum of ends never reaches over from the area before.
    width = float(end.max() - start.min()) + 1.0
    shift = area * width
    reach = np.maximum.accumulate(end + shift)
    new = np.append(True, (start + shift)[1:] > reach[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], area.size) - 1
    return area[first], start[first], reach[last] - shift[last]


def person_hours(area: np.ndarray, start: np.ndarray, end: np.ndarray, weight: np.ndarray) -> float:
    """Residents times hours under any of the spans (s)."""
    area, start, end = union(area, start, end)
    return float(np.sum(weight[area] * (end - start)) / 3600.0)


def covering(area: np.ndarray, start: np.ndarray, end: np.ndarray, at_area: np.ndarray, at: np.ndarray) -> np.ndarray:
    """For each (area, time) the row of the span of `union` that holds it, or -1. Spans sorted as `union` gives them."""
    if area.size == 0:
        return np.full(at.size, -1, np.int64)
    low = min(float(start.min()), float(at.min()) if at.size else 0.0)
    width = max(float(end.max()), float(at.max()) if at.size else 0.0) - low + 1.0
    found = np.searchsorted(area * width + (start - low), at_area * width + (at - low), side="right") - 1
    safe = np.maximum(found, 0)
    holds = (found >= 0) & (area[safe] == at_area) & (end[safe] >= at)
    return np.where(holds, found, -1)
