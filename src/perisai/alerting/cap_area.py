"""Areas as CAP draws them: closed polygons without holes, `lat,lon lat,lon ...`, on a grid of 1e-4 degrees."""

from typing import Any

import numpy as np
import shapely

GRID_DEG = 1e-4
METRES_A_DEGREE = 111_195.0


def polygons(geometry: Any, tolerance_m: float) -> list[str]:
    """The `polygon` texts (CAP 1.2, 3.2.4) of an area, or an empty list when it is too small to be drawn.

    geometry: shapely Polygon or MultiPolygon, lon/lat degrees. tolerance_m: how far the drawn border may leave the
    true one (Douglas-Peucker in degrees of latitude; less along a parallel). CAP knows no holes: an area around
    another one is cut through its holes, so that the people inside are not alerted with those around them.
    Each text has at least four pairs, first and last the same, and describes a valid polygon.
    """
    simple = shapely.simplify(geometry, tolerance_m / METRES_A_DEGREE, preserve_topology=True)
    texts = [_ring(part) for part in _hole_free(simple)]
    return texts or [_ring(part) for part in _hole_free(geometry)]


def circle(lat: float, lon: float, radius_m: float) -> str:
    """`lat,lon radius` with the radius in km (CAP 1.2, 3.2.4), for an area too small to be drawn."""
    return f"{lat:.4f},{lon:.4f} {max(radius_m, 100.0) / 1e3:.2f}"


def _hole_free(geometry: Any) -> list[Any]:
    """Valid polygons on the grid without holes, largest first."""
    waiting = _parts(shapely.set_precision(geometry, GRID_DEG))
    done: list[Any] = []
    while waiting:
        part = waiting.pop()
        holes = [ring for ring in shapely.get_rings(part)[1:] if _columns(ring)[1] - _columns(ring)[0] > 1]
        if not holes:
            done.append(shapely.polygons(shapely.get_exterior_ring(part)))
            continue
        left, right = _columns(holes[0])
        cut = (left + right) // 2 * GRID_DEG
        west, south, east, north = part.bounds
        for half in (shapely.box(west, south, cut, north), shapely.box(cut, south, east, north)):
            waiting.extend(_parts(shapely.set_precision(shapely.intersection(part, half), GRID_DEG)))
    return sorted(done, key=lambda part: (-part.area, part.bounds))


def _columns(ring: Any) -> tuple[int, int]:
    """First and last column of the grid that a ring touches; a hole one column wide (10 m) is too thin to cut."""
    left, _, right, _ = ring.bounds
    return round(left / GRID_DEG), round(right / GRID_DEG)


def _parts(geometry: Any) -> list[Any]:
    parts: Any = shapely.get_parts(shapely.get_parts(geometry))
    return [part for part in parts if part.geom_type == "Polygon" and not part.is_empty and part.area > 0]


def _ring(polygon: Any) -> str:
    lonlat: np.ndarray = shapely.get_coordinates(shapely.get_exterior_ring(polygon))
    return " ".join(f"{lat:.4f},{lon:.4f}" for lon, lat in lonlat.tolist())
