"""`perisai plan`: where offered sensors and sirens protect the most people, and what each offer is worth."""

from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from perisai.geodesy import to_plane
from perisai.model import Areas, BadInputError, write_sensors
from perisai.planning import Inventory, PlanSettings, Terrain, parse_inventory, parse_inventory_csv, read_terrain
from perisai.recording import read_table

from .. import package_data
from ..config import Config, load_config
from ..files import read_areas, read_sensors, read_text
from .output import meter, say, show
from .stages import Json, Out

MARGIN_M = 60e3
"""Terrain is read so far round the areas: a radar at the edge looks beyond it."""
TERRAIN_CELL_M = 300.0


def plan(
    *,
    inventory: Path,
    out: Out,
    areas: Path | None = None,
    existing: Path | None = None,
    terrain: Path | None = None,
    terrain_cell: float = TERRAIN_CELL_M,
    sites: Path | None = None,
    objective: Literal["warned", "covered", "expected", "backup", "corridor", "all"] = "warned",
    truth: list[Path] | None = None,
    nights: int = 20,
    seed: int = 1,
    failure: float | None = None,
    budget: float | None = None,
    crew: float | None = None,
    app_reach: float = 1.0,
    gap: float = 0.02,
    seconds: float = 120.0,
    simulate: int = 0,
    hours: float = 2.0,
    config: Path | None = None,
    json: Json = False,
) -> None:
    """Where offered sensors and sirens protect the most people, and what each contribution is worth.

    Example: perisai plan --inventory offers.toml --areas communities.geojson -o plan.geojson

    Writes PLAN.geojson, and beside it PLAN.sensors.toml (for `perisai simulate` and `perisai run`), PLAN.html, and
    PLAN.before.geojson and PLAN.after.geojson for the console's map ([region] layers).

    Args:
        inventory: offers as TOML ([[contribution]] country, type, count, ready, only_in, box, cost, crew; [[type]] for
            types beyond the catalogue) or CSV with the same columns.
        out: the plan, GeoJSON to write.
        areas: GeoJSON of the areas to protect; without it the communities of Ukraine.
        existing: the sensors TOML of what stands already.
        terrain: elevation that GDAL reads (GeoTIFF, DTED, HGT); without it a smooth Earth.
        terrain_cell: cell at which terrain is used, m.
        sites: GeoJSON points where units may stand; without it a grid over the areas.
        objective: warned (people warned in time), covered (people whose area is watched; Church and ReVelle 1974),
            expected (warned, when units fail; Daskin 1983), backup (with any one unit lost), corridor (the weakest way
            in), all (the cheapest units of the offered types that watch every area, in any number).
        truth: Parquet files of truth to plan for, instead of made-up nights.
        nights: made-up nights to plan for.
        seed: same seed, same plan.
        failure: chance that a unit is out of order, instead of its type's (warned, expected).
        budget: the most that all units may cost.
        crew: the most people that all units may need; only one of budget and crew.
        app_reach: share of residents whom an alert reaches by cell or app (0 to 1); sirens reach more.
        gap: stop when the plan is proven to be within this share of the best.
        seconds: limit of time for the placement.
        simulate: nights to run through simulator, tracker and alerter, before and after.
        hours: hours of each of those nights.
        config: a perisai.toml whose settings those nights use.
        json: print the answers as one JSON object.
    """
    from ..plan.answer import NO_TERRAIN, answer
    from ..plan.layers import console_layer, plan_geojson
    from ..plan.make import make_plan
    from ..plan.report import plan_report
    from ..plan.request import Request, check_request

    if budget is not None and crew is not None:
        raise BadInputError("--budget, --crew", "both", "one of them")
    if out.suffix not in (".geojson", ".json"):
        raise BadInputError("-o", str(out), "a file named .geojson")
    ground = read_areas(areas or package_data.COMMUNITIES)
    offers = _inventory(inventory)
    limit = ("cost", budget) if budget is not None else ("crew", crew) if crew is not None else None
    if limit is not None and not limit[1] >= 0:
        raise BadInputError("--budget, --crew", str(limit[1]), "0 or more")
    settings = PlanSettings(
        objective="covered" if objective == "all" else objective,
        gap=gap, seconds=seconds, seed=seed, limit=limit, failure=failure,
    )  # fmt: skip
    request = Request(
        areas=ground,
        inventory=offers,
        existing=read_sensors(existing) if existing else [],
        sites=_sites(sites) if sites else None,
        truths=[read_table(path, "truth") for path in truth or []],
        settings=settings,
        nights=nights,
        seed=seed,
        app_reach=app_reach,
        simulate=simulate,
        hours=hours,
        config=load_config(config) if config else Config(),
    )
    check_request(request)
    if terrain is None:
        if not json:
            say(f"note: {NO_TERRAIN}")
    else:
        request.terrain = _terrain(terrain, ground, terrain_cell)
    if objective == "all":
        from ..plan.everybody import plan_for_all

        show(plan_for_all(request, out), json)
        return
    with meter() as tell:
        made = make_plan(request, tell)
    files = {"plan": out, "sensors": out.with_suffix(".sensors.toml"), "report": out.with_suffix(".html")}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(plan_geojson(made))
    if made.sensors:
        comment = f"Planned by perisai plan (objective {objective}) with what stood before."
        files["sensors"].write_text(write_sensors(made.sensors, comment), encoding="utf-8")
    else:
        del files["sensors"]
    for when in ("before", "after"):
        files[when] = out.with_suffix(f".{when}.geojson")
        files[when].write_bytes(console_layer(made, when))
    files["report"].write_text(plan_report(made), encoding="utf-8")
    told = answer(made) | {"files": {name: str(path) for name, path in files.items()}}
    show(told if json else _brief(told), json)


def _brief(told: dict[str, Any]) -> dict[str, Any]:
    """The figures for a person; the rest is in the report."""
    names = (
        "objective", "units", "spare_units", "contributors", "gap", "in_time_before", "in_time", "in_time_by_kind",
        "people_approached", "people_warned_in_time", "people_who_hear_a_siren", "cost", "crew", "terrain", "files",
    )  # fmt: skip
    brief = {name: told[name] for name in names}
    if told["simulated"]:
        brief["simulated_in_time"] = {name: told["simulated"][name] for name in ("in_time_before", "in_time")}
    return brief


def _inventory(path: Path) -> Inventory:
    text = read_text(path, "an inventory as TOML or CSV")
    return parse_inventory_csv(text, str(path)) if path.suffix.lower() == ".csv" else parse_inventory(text, str(path))


class _Feature(msgspec.Struct):
    geometry: dict[str, Any]


class _Points(msgspec.Struct):
    features: list[_Feature]


def _sites(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of a GeoJSON's points. Raises BadInputError for anything else."""
    expected = "a GeoJSON FeatureCollection of points in degrees"
    try:
        features = msgspec.json.decode(read_text(path, expected), type=_Points).features
        places = np.array([feature.geometry["coordinates"][:2] for feature in features], float).reshape(-1, 2)
        kinds = {feature.geometry["type"] for feature in features}
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(str(path), str(error), expected) from error
    if not len(places):
        raise BadInputError(str(path), "no site", "at least one point")
    if kinds != {"Point"} or not ((np.abs(places[:, 0]) <= 180) & (np.abs(places[:, 1]) <= 90)).all():
        raise BadInputError(str(path), ", ".join(sorted(map(str, kinds))), expected)
    return places[:, 1].copy(), places[:, 0].copy()


def _terrain(path: Path, areas: Areas, cell_m: float) -> Terrain:
    from ..plan.nights import plane_of

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
