"""Where units may stand: a hexagonal grid over the areas, or the user's own list, and who may stand at which."""

from dataclasses import dataclass

import numpy as np
import shapely

from perisai.geodesy import Plane, from_plane, to_plane
from perisai.model import Areas, BadInputError

from .inventory import Contribution
from .units import EARS, UnitType

SPACING_M = (3_500.0, 25_000.0)
SPACING_PART = 0.8
"""Of an ear's radius; sites closer than that change little."""
MOST_SITES = 12_000


@dataclass(frozen=True, slots=True)
class Sites:
    """m candidate sites: degrees, plane metres, and the index of the area that holds each (-1: none)."""

    lat: np.ndarray
    lon: np.ndarray
    east: np.ndarray
    north: np.ndarray
    area: np.ndarray

    def __len__(self) -> int:
        return len(self.lat)


def ground_of(areas: Areas, plane: Plane) -> shapely.Geometry:
    """The areas as one shape on the plane, seams closed."""
    whole = shapely.union_all(areas.geometry, grid_size=1e-4)
    whole = shapely.transform(whole, lambda lonlat: np.column_stack(to_plane(plane, lonlat[:, 1], lonlat[:, 0])))
    return whole.simplify(500.0).buffer(1_500.0).buffer(-1_500.0)


def spacing_m(unit: UnitType, ground_m2: float) -> float:
    """Spacing of candidate sites for a type: in step with its reach, and no more sites than MOST_SITES."""
    wish = SPACING_PART * unit.max_range_m if unit.kind in EARS else 0.25 * unit.max_range_m
    return max(min(max(wish, SPACING_M[0]), SPACING_M[1]), (ground_m2 / 0.866 / MOST_SITES) ** 0.5)


def hexagons(ground: shapely.Geometry, spacing: float) -> np.ndarray:
    """Points (m, 2) of a hexagonal grid inside a shape of the plane; a point inside it where none is."""
    west, south, east, north = ground.bounds
    rows = np.arange(south + 0.25 * spacing, north, spacing * np.sqrt(0.75))
    lines = [np.arange(west + spacing * (0.25 + 0.5 * (k % 2)), east, spacing) for k in range(len(rows))]
    points = np.column_stack([np.concatenate([*lines, np.empty(0)]), np.repeat(rows, [len(line) for line in lines])])
    inside = points[shapely.contains_xy(ground, points)] if len(points) else points
    middle = shapely.point_on_surface(ground)
    return inside if len(inside) else np.array([[shapely.get_x(middle), shapely.get_y(middle)]])


def sites_at(areas: Areas, plane: Plane, east: np.ndarray, north: np.ndarray) -> Sites:
    """Sites at places of the plane."""
    lat, lon = from_plane(plane, np.ascontiguousarray(east), np.ascontiguousarray(north))
    return Sites(lat, lon, np.asarray(east), np.asarray(north), area_at(areas, lat, lon))


def sites_from(areas: Areas, plane: Plane, lat: np.ndarray, lon: np.ndarray) -> Sites:
    """The user's own sites. Raises BadInputError when there is none."""
    if not len(lat):
        raise BadInputError("sites", "no site", "at least one point")
    east, north = to_plane(plane, np.asarray(lat, float), np.asarray(lon, float))
    return Sites(np.asarray(lat, float), np.asarray(lon, float), east, north, area_at(areas, lat, lon))


def area_at(areas: Areas, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Index of the area that holds each place, -1 where none does."""
    tree = shapely.STRtree(areas.geometry)
    point, area = tree.query(shapely.points(lon, lat), predicate="intersects")
    found = np.full(len(lat), -1)
    found[point[::-1]] = area[::-1]
    return found


def may_stand(given: Contribution, sites: Sites, areas: Areas) -> np.ndarray:
    """Which sites a contribution may use, bool (m,).

    only_in: codes of areas or of their parents, or what such codes begin with (an oblast's UA46). Raises BadInputError
    for a code that no area has.
    """
    allowed = np.ones(len(sites), bool)
    if given.only_in:
        known = np.zeros(len(areas), bool)
        for code in given.only_in:
            of = np.array(
                [
                    own.startswith(code) or parent.startswith(code)
                    for own, parent in zip(areas.code, areas.parent, strict=True)
                ]
            )
            if not code or not of.any():
                raise BadInputError(f"inventory: {given.country}: only_in", repr(code), "a code of the areas file")
            known |= of
        allowed &= (sites.area >= 0) & known[np.maximum(sites.area, 0)]
    if given.box is not None:
        west, south, east, north = given.box
        allowed &= (sites.lon >= west) & (sites.lon <= east) & (sites.lat >= south) & (sites.lat <= north)
    return allowed
