"""Whom an alert by hand reaches: the areas under a drawn polygon, and the people in areas."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import shapely

from perisai.model import Areas, BadInputError

SHARE = 0.01
"""An area is meant when it and the polygon share at least this part of either's ground."""
MOST_POINTS = 5_000


def areas_within(areas: Areas, polygon: dict[str, Any]) -> tuple[str, ...]:
    """Codes of the areas that a GeoJSON Polygon or MultiPolygon (degrees, WGS84) covers, in the order of the areas.

    Raises BadInputError when it is no such polygon.
    """
    expected = "a GeoJSON Polygon or MultiPolygon"
    try:
        drawn = shapely.from_geojson(msgspec.json.encode(polygon))
    except (shapely.errors.GEOSException, msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise BadInputError("polygon", str(error).splitlines()[0][:200], expected) from error
    kind = getattr(drawn, "geom_type", "null")
    if drawn is None or kind not in ("Polygon", "MultiPolygon") or drawn.is_empty:
        raise BadInputError("polygon", kind, expected)
    points = int(shapely.get_num_coordinates(drawn))
    if points > MOST_POINTS:
        raise BadInputError("polygon", f"{points} points", f"{MOST_POINTS} at most")
    west, south, east, north = drawn.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise BadInputError("polygon", f"bounds {drawn.bounds}", "longitude and latitude in degrees")
    drawn = drawn if drawn.is_valid else shapely.make_valid(drawn)
    touched = np.flatnonzero(shapely.intersects(areas.geometry, drawn))
    shared = shapely.area(shapely.intersection(areas.geometry[touched], drawn))
    smaller = np.minimum(shapely.area(areas.geometry[touched]), drawn.area)
    return tuple(areas.code[i] for i in touched[shared >= SHARE * np.maximum(smaller, 1e-12)])


def population(areas: Areas, codes: Iterable[str]) -> int:
    """Residents of the areas with these codes, each counted as a whole number, as the desk does."""
    wanted = set(codes)
    return sum(int(areas.population[i]) for i, code in enumerate(areas.code) if code in wanted)
