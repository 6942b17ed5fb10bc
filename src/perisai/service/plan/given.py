"""What a person gives for a plan: files and limits, read and checked."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from perisai.geodesy import to_plane
from perisai.model import NOT_JSON, Areas, BadInputError
from perisai.planning import Inventory, PlanSettings, Terrain, parse_inventory, parse_inventory_csv, read_terrain
from perisai.recording import read_table

from .. import package_data
from ..config import Config, load_config
from ..files import read_areas, read_sensors, read_text
from .nights import plane_of
from .options import PlanOptions
from .request import Request, check_request

MARGIN_M = 60e3
"""Terrain is read so far round the areas: a radar at the edge looks beyond it."""


def request_of(options: PlanOptions) -> Request:
    """The request, its files read. Raises BadInputError naming the option at fault."""
    areas = read_areas(options.areas or package_data.COMMUNITIES)
    request = Request(
        areas=areas,
        inventory=read_inventory(options.inventory),
        existing=read_sensors(options.existing) if options.existing else [],
        sites=read_sites(options.sites) if options.sites else None,
        truths=[read_table(path, "truth") for path in options.truth or []],
        settings=PlanSettings(
            objective="covered" if options.objective == "all" else options.objective,
            gap=options.gap,
            seconds=options.seconds,
            seed=options.seed,
            limit=limit_of(options.budget, options.crew),
            failure=options.failure,
        ),
        nights=options.nights,
        seed=options.seed,
        app_reach=options.app_reach,
        simulate=options.simulate,
        hours=options.hours,
        config=load_config(options.config) if options.config else Config(),
    )
    check_request(request)
    if options.terrain is not None:
        request.terrain = terrain_over(options.terrain, areas, options.terrain_cell)
    return request


def read_inventory(path: Path) -> Inventory:
    """Offers from CSV, or from TOML when the file is not named .csv."""
    text = read_text(path, "an inventory as TOML or CSV")
    return parse_inventory_csv(text, str(path)) if path.suffix.lower() == ".csv" else parse_inventory(text, str(path))


def limit_of(budget: float | None, crew: float | None) -> tuple[str, float] | None:
    """What is limited, and the most of it. Raises BadInputError for both, or for less than nothing."""
    if budget is not None and crew is not None:
        raise BadInputError("--budget, --crew", "both", "one of them")
    kind, most = ("cost", budget) if crew is None else ("crew", crew)
    if most is None:
        return None
    if not most >= 0:
        raise BadInputError("--budget, --crew", str(most), "0 or more")
    return kind, most


class _Feature(msgspec.Struct):
    geometry: dict[str, Any]


class _Points(msgspec.Struct):
    features: list[_Feature]


def read_sites(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of a GeoJSON's points. Raises BadInputError for anything else."""
    expected = "a GeoJSON FeatureCollection of points in degrees"
    try:
        features = msgspec.json.decode(read_text(path, expected), type=_Points).features
        places = np.array([feature.geometry["coordinates"][:2] for feature in features], float).reshape(-1, 2)
        kinds = {feature.geometry["type"] for feature in features}
    except (*NOT_JSON, KeyError, TypeError, ValueError) as error:
        raise BadInputError(str(path), str(error), expected) from error
    if not len(places):
        raise BadInputError(str(path), "no site", "at least one point")
    if kinds != {"Point"} or not ((np.abs(places[:, 0]) <= 180) & (np.abs(places[:, 1]) <= 90)).all():
        raise BadInputError(str(path), ", ".join(sorted(map(str, kinds))), expected)
    return places[:, 1].copy(), places[:, 0].copy()


def terrain_over(path: Path, areas: Areas, cell_m: float) -> Terrain:
    """Elevation on the areas' plane, with a margin. Raises BadInputError for a raster that lies elsewhere."""
    if not cell_m >= 10:
        raise BadInputError("--terrain-cell", str(cell_m), "10 m or more")
    plane = plane_of(areas)
    east, north = to_plane(plane, areas.lat, areas.lon)
    edge = areas.radius_m.max() + MARGIN_M
    bounds = (float(east.min() - edge), float(north.min() - edge), float(east.max() + edge), float(north.max() + edge))
    size = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / cell_m**2
    if size > 2e8:
        raise BadInputError("--terrain-cell", f"{cell_m:g} ({size / 1e6:.0f} million cells)", "a larger cell")
    return read_terrain(path, plane, bounds, cell_m)
