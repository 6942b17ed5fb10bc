"""What a person may say to `perisai plan`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Objective = Literal["warned", "covered", "expected", "backup", "corridor", "all"]


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Files, limits and what to aim at.

    Args:
        inventory: offers as TOML ([[contribution]] country, type, count, ready, only_in, box, cost, crew; [[type]] for
            types beyond the catalogue) or CSV with the same columns.
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
    """

    inventory: Path
    areas: Path | None = None
    existing: Path | None = None
    terrain: Path | None = None
    terrain_cell: float = 300.0
    sites: Path | None = None
    objective: Objective = "warned"
    truth: list[Path] | None = None
    nights: int = 20
    seed: int = 1
    failure: float | None = None
    budget: float | None = None
    crew: float | None = None
    app_reach: float = 1.0
    gap: float = 0.02
    seconds: float = 120.0
    simulate: int = 0
    hours: float = 2.0
    config: Path | None = None
