"""`perisai plan`: where offered sensors and sirens protect the most people, and what each offer is worth."""

from pathlib import Path
from typing import Any, Literal

from perisai.model import BadInputError
from perisai.planning import PlanSettings
from perisai.recording import read_table

from .. import package_data
from ..config import Config, load_config
from ..files import read_areas, read_sensors
from .output import meter, say, show
from .stages import Json, Out

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
    from ..plan.everybody import plan_for_all
    from ..plan.given import limit_of, read_inventory, read_sites, terrain_over
    from ..plan.make import make_plan
    from ..plan.request import Request, check_request
    from ..plan.write import write_plan

    if out.suffix not in (".geojson", ".json"):
        raise BadInputError("-o", str(out), "a file named .geojson")
    ground = read_areas(areas or package_data.COMMUNITIES)
    request = Request(
        areas=ground,
        inventory=read_inventory(inventory),
        existing=read_sensors(existing) if existing else [],
        sites=read_sites(sites) if sites else None,
        truths=[read_table(path, "truth") for path in truth or []],
        settings=PlanSettings(
            objective="covered" if objective == "all" else objective,
            gap=gap, seconds=seconds, seed=seed, limit=limit_of(budget, crew), failure=failure,
        ),
        nights=nights,
        seed=seed,
        app_reach=app_reach,
        simulate=simulate,
        hours=hours,
        config=load_config(config) if config else Config(),
    )  # fmt: skip
    check_request(request)
    if terrain is not None:
        request.terrain = terrain_over(terrain, ground, terrain_cell)
    elif not json:
        say(f"note: {NO_TERRAIN}")
    if objective == "all":
        show(plan_for_all(request, out), json)
        return
    with meter() as tell:
        made = make_plan(request, tell)
    files = write_plan(made, out)
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
