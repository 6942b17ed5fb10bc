"""Which areas' danger circles touch which cell of a raster on the region's plane."""

from typing import NamedTuple

import numpy as np

from perisai.geodesy import MEAN_RADIUS_M, Plane, kernel, plane_at, to_plane
from perisai.model import Areas

CELL_M = 8_000.0
MAX_CELLS = 4_000_000


class AreaIndex(NamedTuple):
    """n circles on a plane and a raster of cells that lists, for each, the circles touching it (CSR).

    east, north: centres, m on the plane. radius: danger radius, m on the plane (n,); core: without the margin.
    start (cells + 1,), member: the areas of cell row * columns + column. origin_e, origin_n: its south-west corner, m.
    """

    plane: Plane
    east: np.ndarray
    north: np.ndarray
    radius: np.ndarray
    core: np.ndarray
    start: np.ndarray
    member: np.ndarray
    origin_e: float
    origin_n: float
    cell_m: float
    columns: int
    rows: int


@kernel
def _fill(east, north, radius, origin_e, origin_n, cell, columns, rows, start, member, count_only):
    for a in range(east.size):
        low_c = max(0, int((east[a] - radius[a] - origin_e) / cell))
        high_c = min(columns - 1, int((east[a] + radius[a] - origin_e) / cell))
        low_r = max(0, int((north[a] - radius[a] - origin_n) / cell))
        high_r = min(rows - 1, int((north[a] + radius[a] - origin_n) / cell))
        for r in range(low_r, high_r + 1):
            for c in range(low_c, high_c + 1):
                de = max(origin_e + c * cell - east[a], 0.0, east[a] - origin_e - (c + 1) * cell)
                dn = max(origin_n + r * cell - north[a], 0.0, north[a] - origin_n - (r + 1) * cell)
                if de * de + dn * dn <= radius[a] * radius[a]:
                    k = r * columns + c
                    if not count_only:
                        member[start[k]] = a
                    start[k] += 1


def build_index(areas: Areas, danger_radius_m: float) -> AreaIndex:
    """The raster of the areas' circles of equal area grown by the danger radius, on a plane through their middle."""
    plane = plane_at(
        float(np.mean([areas.lat.min(), areas.lat.max()])), float(np.mean([areas.lon.min(), areas.lon.max()]))
    )
    east, north = to_plane(plane, areas.lat, areas.lon)
    scale = 1.0 + (east**2 + north**2) / (4.0 * MEAN_RADIUS_M**2)
    radius = (areas.radius_m + danger_radius_m) * scale
    origin_e, origin_n = float((east - radius).min()), float((north - radius).min())
    width, height = float((east + radius).max()) - origin_e, float((north + radius).max()) - origin_n
    cell = max(CELL_M, float(np.sqrt(width * height / MAX_CELLS)))
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    count = np.zeros(columns * rows + 1, np.int64)
    none = np.empty(0, np.int32)
    _fill(east, north, radius, origin_e, origin_n, cell, columns, rows, count, none, True)
    start = np.concatenate([[0], np.cumsum(count[:-1])])
    member = np.empty(int(start[-1]), np.int32)
    _fill(east, north, radius, origin_e, origin_n, cell, columns, rows, start[:-1].copy(), member, False)
    return AreaIndex(
        plane, east, north, radius, areas.radius_m * scale, start, member, origin_e, origin_n, cell, columns, rows
    )
