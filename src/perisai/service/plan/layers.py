"""A plan as GeoJSON: units, areas, watched ground and corridors, before and after (docs/planning.md)."""

from typing import Any

import msgspec
import numpy as np
import shapely

from perisai.geodesy import from_plane
from perisai.planning import Corridor, Grid

from .answer import answer
from .make import HEIGHTS_M, Plan

WATCHED = 0.5
"""Joint chance of detection a period from which a cell counts as watched."""


def plan_geojson(plan: Plan) -> bytes:
    """A FeatureCollection; each feature's `role` is unit, existing, area, watched or corridor."""
    features = [*_units(plan), *_existing(plan), *_areas(plan), *_watched(plan), *_corridors(plan)]
    document = {"type": "FeatureCollection", "perisai": answer(plan), "features": features}
    return msgspec.json.encode(document, enc_hook=float)


LAYER_HEIGHT_M = 100.0


def console_layer(plan: Plan, when: str) -> bytes:
    """What the console draws of `before` or `after` (`[region] layers`): units, watched ground and corridors at 100 m.

    A feature's `name` labels it.
    """
    shown = [
        feature
        for feature in (*_watched(plan), *_corridors(plan))
        if feature["properties"]["when"] == when and feature["properties"]["height_m"] == LAYER_HEIGHT_M
    ]
    points = _existing(plan) + (_units(plan) if when == "after" else [])
    return msgspec.json.encode({"type": "FeatureCollection", "features": shown + points}, enc_hook=float)


def feature_at(lat: float, lon: float, **properties: Any) -> dict[str, Any]:
    """A point feature; degrees are rounded to 0.1 m."""
    place = {"type": "Point", "coordinates": [round(float(lon), 6), round(float(lat), 6)]}
    return {"type": "Feature", "properties": properties, "geometry": place}


def _units(plan: Plan) -> list[dict[str, Any]]:
    names = {code: plan.request.areas.name(i) for i, code in enumerate(plan.request.areas.code)}
    rows: list[dict[str, Any]] = []
    for unit in plan.units:
        rest = msgspec.to_builtins(unit)
        del rest["lat"], rest["lon"]
        label = f"{unit.country}: {unit.type}, {unit.stage}"
        rows.append(feature_at(unit.lat, unit.lon, role="unit", name=label, **rest, area_name=names.get(unit.area, "")))
    return rows


def _existing(plan: Plan) -> list[dict[str, Any]]:
    return [
        feature_at(
            sensor.lat, sensor.lon, role="existing", name=sensor.id, id=sensor.id, kind=sensor.kind, owner=sensor.owner
        )
        for sensor in plan.request.existing
    ]


def _areas(plan: Plan) -> list[dict[str, Any]]:
    areas = plan.request.areas
    return [
        feature_at(
            areas.lat[i],
            areas.lon[i],
            role="area",
            code=areas.code[i],
            name=areas.name(i),
            population=float(areas.population[i]),
            before=round(float(plan.before.by_area[i]), 4),
            after=round(float(plan.after.by_area[i]), 4),
        )
        for i in range(len(areas))
    ]


def watched(grid: Grid, joint: np.ndarray) -> shapely.Geometry:
    """Cells (rows, cols) that are watched, as one shape in degrees."""
    boxes: list[Any] = []
    for row in range(grid.rows):
        on = np.concatenate([[0], (joint[row] >= WATCHED).astype(np.int8), [0]])
        turns = np.flatnonzero(np.diff(on))
        # The next row's top by the same sum: edges that differ in the last bit would keep the rows apart.
        top, foot = grid.north_m - row * grid.cell_m, grid.north_m - (row + 1) * grid.cell_m
        for a, b in zip(turns[0::2], turns[1::2], strict=True):
            west, east = grid.west_m + a * grid.cell_m, grid.west_m + b * grid.cell_m
            boxes.append(shapely.box(west, foot, east, top))
    shape = shapely.union_all(boxes)

    def degrees(points: np.ndarray) -> np.ndarray:
        lat, lon = from_plane(grid.plane, np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1]))
        return np.round(np.column_stack([lon, lat]), 4)

    # Cells that touch at a corner may fall together when their corners are rounded.
    return shapely.make_valid(shapely.transform(shape, degrees), method="structure")


def _watched(plan: Plan) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for when, joint in plan.seen.items():
        for layer, height in enumerate(HEIGHTS_M):
            shape = watched(plan.grid, joint[layer])
            if shape.is_empty:
                continue
            label = f"watched at {height:g} m, {when}"
            properties = {
                "role": "watched",
                "name": label,
                "when": when,
                "height_m": height,
                "threat": "drone",
                "least": WATCHED,
            }
            # A polygon a feature: maps tell polygons from multi-polygons in their styles.
            for part in shapely.get_parts(shape):
                geometry = msgspec.Raw(shapely.to_geojson(part).encode())
                rows.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return rows


def _corridors(plan: Plan) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    names = {code: plan.request.areas.name(i) for i, code in enumerate(plan.request.areas.code)}
    for way in plan.ways:
        for when, corridor in (("before", way.before), ("after", way.after)):
            label = f"{names[way.goal]} at {way.height_m:g} m: {corridor.undetected:.0%} unseen"
            properties = {
                "role": "corridor", "name": label, "when": when, "height_m": way.height_m, "goal": way.goal,
                "undetected": round(corridor.undetected, 6), "unwatched_km": round(corridor.unwatched_m / 1e3, 1),
                "length_km": round(corridor.length_m / 1e3, 1),
            }  # fmt: skip
            rows.append({"type": "Feature", "properties": properties, "geometry": _line(plan.grid, corridor)})
    return rows


def _line(grid: Grid, corridor: Corridor) -> dict[str, Any]:
    lat, lon = from_plane(grid.plane, corridor.east, corridor.north)
    points = [[round(float(x), 4), round(float(y), 4)] for x, y in zip(lon, lat, strict=True)]
    if len(points) == 1:
        return {"type": "Point", "coordinates": points[0]}
    return {"type": "LineString", "coordinates": points}
