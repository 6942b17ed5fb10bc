"""What a set of sensors sees: joint probability of detection per cell, height layer and kind of threat."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perisai.geodesy import Plane, kernel, to_plane

from .terrain import Terrain
from .units import EARS, UnitType
from .viewshed import lowest_visible_m


@dataclass(frozen=True, slots=True)
class Placed:
    """n units where they stand: type of each, and lat, lon (n,) in degrees."""

    unit: tuple[UnitType, ...]
    lat: np.ndarray
    lon: np.ndarray

    def __len__(self) -> int:
        return len(self.unit)


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells on the region's plane, rows from north to south; west_m, north_m: outer corner of the first."""

    plane: Plane
    west_m: float
    north_m: float
    cell_m: float
    rows: int
    cols: int

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """East (cols,) and north (rows,) of the cells' middles, m."""
        return (
            self.west_m + (np.arange(self.cols) + 0.5) * self.cell_m,
            self.north_m - (np.arange(self.rows) + 0.5) * self.cell_m,
        )


def grid_over(plane: Plane, east: np.ndarray, north: np.ndarray, margin_m: float, cell_m: float) -> Grid:
    """A grid over points of the plane and a margin around them."""
    west, south = float(east.min()) - margin_m, float(north.min()) - margin_m
    cols = max(1, math.ceil((float(east.max()) + margin_m - west) / cell_m))
    rows = max(1, math.ceil((float(north.max()) + margin_m - south) / cell_m))
    return Grid(plane, west, south + rows * cell_m, cell_m, rows, cols)


@kernel
def _miss(east, north, x, y, least, reach, p, lowest, use, west0, north0, cell0, height, out):
    """Multiply by 1 - p where one unit reaches; with terrain, where the target's height is above the least seen."""
    for r in range(north.size):
        dy = north[r] - y
        if abs(dy) > reach:
            continue
        for c in range(east.size):
            dx = east[c] - x
            gap = dx * dx + dy * dy
            if gap > reach * reach or gap < least * least:
                continue
            if use:
                i = int((north0 - north[r]) / cell0)
                j = int((east[c] - west0) / cell0)
                # Beyond the raster the smooth Earth holds: `reach` is already cut at its horizon by the caller.
                if 0 <= i < lowest.shape[0] and 0 <= j < lowest.shape[1] and not lowest[i, j] <= height:
                    continue
            out[r, c] *= 1.0 - p


def sight(unit: UnitType, terrain: Terrain | None, lat: float, lon: float, radius_m: float):
    """Least visible height above ground around a site within the terrain: (array, west, north) or None.

    None for ears, which need no line of sight, with no terrain, and for a site off the raster.
    """
    if terrain is None or unit.kind in EARS:
        return None
    place = terrain.cell(lat, lon)
    if place is None:
        return None
    rows, cols = terrain.window(*place, radius_m)
    lowest = lowest_visible_m(
        terrain.ground_m[rows, cols],
        place[0] - rows.start,
        place[1] - cols.start,
        unit.antenna_m,
        (terrain.cell_m, terrain.cell_m),
        radius_m,
    )
    return lowest, terrain.west_m + cols.start * terrain.cell_m, terrain.north_m - rows.start * terrain.cell_m


def joint_detection(
    placed: Placed, grid: Grid, heights_m: Sequence[float], threat: str, terrain: Terrain | None = None
) -> np.ndarray:
    """Probability that at least one unit detects a target in one of its periods: float64 (layers, rows, cols).

    1 - prod(1 - p) over the units that reach the cell at that height above ground. Radars see over the smooth 4/3
    Earth, or over the terrain; on a site higher than its surroundings they may see beyond the smooth horizon.
    """
    east, north = grid.centres()
    x, y = to_plane(grid.plane, np.asarray(placed.lat, float), np.asarray(placed.lon, float))
    out = np.ones((len(heights_m), grid.rows, grid.cols))
    nothing = np.zeros((1, 1), dtype=np.float32)
    for k, unit in enumerate(placed.unit):
        slant = unit.slant_m(threat)
        if slant <= 0.0:
            continue
        seen = sight(unit, terrain, float(placed.lat[k]), float(placed.lon[k]), slant)
        lowest, west0, north0 = seen if seen else (nothing, 0.0, 0.0)
        for layer, height in enumerate(heights_m):
            reach = math.sqrt(max(slant**2 - height**2, 0.0)) if seen else unit.reach_m(threat, height)
            cell = terrain.cell_m if seen and terrain else 1.0
            _miss(
                east,
                north,
                x[k],
                y[k],
                unit.min_range_m,
                reach,
                unit.detection_probability,
                lowest,
                seen is not None,
                west0,
                north0,
                cell,
                height,
                out[layer],
            )
    return 1.0 - out


def people_reached(lat, lon, radius_m, people_lat, people_lon, people, people_radius_m) -> np.ndarray:
    """People within hearing of each of m sirens, float64 (m,): by the share of each place covered.

    lat, lon, radius_m: (m,). people_*: n places as discs of equal area with evenly spread people (radius 0: a point).
    """
    from perisai.geodesy import distance_m

    out = np.zeros(len(lat))
    for k in range(len(lat)):
        gap = distance_m(lat[k], lon[k], people_lat, people_lon)
        near = np.flatnonzero(gap < radius_m[k] + people_radius_m)
        for i in near:
            out[k] += people[i] * disc_share(float(gap[i]), float(radius_m[k]), float(people_radius_m[i]))
    return out


def disc_share(gap_m: float, radius_m: float, disc_m: float) -> float:
    """Share of a disc's area (radius disc_m) inside a circle of radius_m whose centre is gap_m away (the lens)."""
    if gap_m >= radius_m + disc_m:
        return 0.0
    if gap_m + disc_m <= radius_m:
        return 1.0
    if gap_m + radius_m <= disc_m:
        return (radius_m / disc_m) ** 2
    a = math.acos((gap_m**2 + radius_m**2 - disc_m**2) / (2 * gap_m * radius_m))
    b = math.acos((gap_m**2 + disc_m**2 - radius_m**2) / (2 * gap_m * disc_m))
    lens = radius_m**2 * (a - math.sin(2 * a) / 2) + disc_m**2 * (b - math.sin(2 * b) / 2)
    return lens / (math.pi * disc_m**2)
