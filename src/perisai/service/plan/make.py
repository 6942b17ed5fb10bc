"""One plan from request to answer: placement, worth, corridors, and who is warned in time before and after."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from perisai.geodesy import to_plane
from perisai.model import Sensor
from perisai.planning import (
    Approaches,
    Corridor,
    Grid,
    Placed,
    Placement,
    Prediction,
    Region,
    Worth,
    corridor_grid,
    corridors,
    density_of,
    joined,
    joint_detection,
    place_sensors,
    place_sirens,
    predict,
    reached_share,
    region_of,
    rim_near,
    sites_from,
    stage_dates,
    thinned,
    units_of,
)

from .nights import Lived, approaches_from, live, mean_night, night, placed_of, plane_of
from .parts import Ask, PlannedUnit, asks_of, siren_worth, units_told, worth_of
from .request import Request

HEIGHTS_M = (50.0, 100.0, 500.0)
CORRIDOR_SPEED_MPS = 50.0
DEMAND = 12_000
"""Approaches that the placement weighs; more are thinned to so many."""
HELD_OUT, LIVED = 900_000, 950_000
"""Seeds of nights for the forecast of the share, and of simulated nights, begin so far above the plan's own."""
Tell = Callable[[str, float], None]


@dataclass(frozen=True)
class Way:
    """The weakest way in to a goal at a height, before and after."""

    height_m: float
    goal: str
    before: Corridor
    after: Corridor


@dataclass(frozen=True)
class Plan:
    """Everything that is written and told of a plan.

    alarmed: share whose alarm is in time before and after, whoever hears it; before, after: whom it also reaches.
    seen: joint chance of detection by layer of HEIGHTS_M on the grid. spare: units for which no place adds anything.
    """

    request: Request
    region: Region
    units: list[PlannedUnit]
    sensors: list[Sensor]
    spare: int
    placement: Placement | None
    sirens: Placement | None
    worth: Worth | None
    hears: dict[str, float]
    asks: list[Ask]
    grid: Grid
    seen: dict[str, np.ndarray]
    ways: list[Way]
    alarmed: tuple[float, float]
    before: Prediction
    after: Prediction
    stages: list[tuple[str, float]]
    siren_people: float
    lived: list[tuple[Lived, Lived]]


def make_plan(request: Request, tell: Tell | None = None) -> Plan:
    """The plan. Raises BadInputError as its parts do, before anything is written."""
    note: Tell = tell or (lambda _what, _share: None)
    areas, inventory, settings = request.areas, request.inventory, request.settings
    region = region_of(areas, plane_of(areas), request.terrain)
    demand, held_out = _nights(request, note)
    existing = placed_of(request.existing, request.terrain)
    own = None if request.sites is None else sites_from(areas, region.plane, *request.sites)
    placement = place_sensors(region, inventory, demand, existing, settings, own, note)
    placed = units_of(placement) if placement else Placed((), np.empty(0), np.empty(0))
    both = _together(existing, placed)
    before = predict(held_out, existing, len(areas), request.terrain)
    after = predict(held_out, both, len(areas), request.terrain)
    alarmed = before.share, after.share
    note("sirens", 0.0)
    danger = np.bincount(held_out.area, held_out.people, len(areas)) / np.maximum(areas.population, 500.0)
    sirens = _sirens(request, region, placement, danger * after.by_area)
    hears = np.zeros(len(region.blocks), bool)
    if sirens:
        for p in sirens.choice.pattern:
            hears[sirens.problem.covered(int(p))] = True
    nobody = reached_share(region.blocks, np.zeros_like(hears), len(areas), request.app_reach)
    reach = reached_share(region.blocks, hears, len(areas), request.app_reach)
    before = predict(held_out, existing, len(areas), request.terrain, nobody)
    after = predict(held_out, both, len(areas), request.terrain, reach)
    grid = corridor_grid(region)
    note("corridors", 0.0)
    seen = {
        when: joint_detection(units, grid, HEIGHTS_M, "drone", request.terrain)
        for when, units in (("before", existing), ("after", both))
    }
    units = units_told(request, placement) + units_told(request, sirens)
    sensors = _sensors(request, units)
    return Plan(
        request=request,
        region=region,
        units=units,
        sensors=sensors,
        spare=sum(given.count for given in inventory.contributions) - len(units),
        placement=placement,
        sirens=sirens,
        worth=worth_of(request, placement),
        hears=siren_worth(request, sirens, region.blocks),
        asks=asks_of(request, placement),
        grid=grid,
        seen=seen,
        ways=_ways(region, grid, seen, demand),
        alarmed=alarmed,
        before=before,
        after=after,
        stages=_stages(request, placement, existing, held_out, reach),
        siren_people=float(region.blocks.people[hears].sum()),
        lived=_lived(request, sensors, note),
    )


def _nights(request: Request, note: Tell) -> tuple[Approaches, Approaches]:
    """Approaches to plan for, thinned, and others to foretell the share on (the same when the user gave the nights)."""
    if request.truths:
        given = joined([approaches_from(truth, request.areas) for truth in request.truths])
        return thinned(given, DEMAND, request.seed), given
    note("nights", 0.0)
    first = request.seed * 1000
    own = mean_night(range(first, first + request.nights), request.areas)
    other = first + HELD_OUT
    return thinned(own, DEMAND, request.seed), mean_night(
        range(other, other + max(4, request.nights // 2)), request.areas
    )


def _together(one: Placed, other: Placed) -> Placed:
    return Placed(one.unit + other.unit, np.concatenate([one.lat, other.lat]), np.concatenate([one.lon, other.lon]))


def _sirens(request: Request, region: Region, sensors: Placement | None, danger: np.ndarray) -> Placement | None:
    settings = request.settings
    if settings.limit:
        kind, most = settings.limit
        spent = float(sensors.problem.pool_cost[sensors.choice.pool].sum()) if sensors else 0.0
        settings = msgspec.structs.replace(settings, limit=(kind, max(most - spent, 0.0)))
    # Where nobody is warned in time a siren still serves other alarms: a little weight everywhere.
    return place_sirens(region, request.inventory, danger + 1e-3 * max(float(danger.max(initial=0.0)), 1e-9), settings)


def _sensors(request: Request, units: list[PlannedUnit]) -> list[Sensor]:
    """What stands already and what the plan adds, as the simulator and the service take it."""
    taken = {sensor.id for sensor in request.existing}
    planned: list[Sensor] = []
    for unit in units:
        if unit.kind == "siren":
            continue
        name = unit.id if unit.id not in taken else f"{unit.id}-plan"
        kind = request.inventory.types[unit.type]
        planned.append(kind.sensor(name, unit.lat, unit.lon, unit.ground_m, unit.country))
    return [*request.existing, *planned]


def _ways(region: Region, grid: Grid, seen: dict[str, np.ndarray], demand: Approaches) -> list[Way]:
    goals = region.goals()
    east, north = to_plane(region.plane, region.areas.lat[goals], region.areas.lon[goals])
    col = np.clip(((east - grid.west_m) / grid.cell_m).astype(int), 0, grid.cols - 1)
    row = np.clip(((grid.north_m - north) / grid.cell_m).astype(int), 0, grid.rows - 1)
    cells = row * grid.cols + col
    starts = rim_near(grid, *demand.entry.T)
    ways: list[Way] = []
    for layer, height in enumerate(HEIGHTS_M):
        found = {
            when: corridors(grid, density_of(p[layer], CORRIDOR_SPEED_MPS), starts, cells) for when, p in seen.items()
        }
        for g, area in enumerate(goals):
            ways.append(Way(height, region.areas.code[area], found["before"][g], found["after"][g]))
    return ways


def _stages(
    request: Request, placement: Placement | None, existing: Placed, held_out: Approaches, reach: np.ndarray
) -> list[tuple[str, float]]:
    """Share warned in time once each stage's units stand."""
    if placement is None:
        return []
    units, choice = units_of(placement), placement.choice
    since = placement.problem.pool_stage[choice.pool]
    shares: list[tuple[str, float]] = []
    for t, day in enumerate(stage_dates(request.inventory)):
        rows = np.flatnonzero(since <= t)
        part = Placed(tuple(units.unit[k] for k in rows), units.lat[rows], units.lon[rows])
        found = predict(held_out, _together(existing, part), len(request.areas), request.terrain, reach)
        shares.append((day, found.share))
    return shares


def _lived(request: Request, sensors: list[Sensor], note: Tell) -> list[tuple[Lived, Lived]]:
    """The same nights through the real chain with what stands already, and with the plan."""
    rows: list[tuple[Lived, Lived]] = []
    first = request.seed * 1000 + LIVED
    for k in range(request.simulate):
        truth = night(first + k, request.areas, request.hours)
        pair: list[Lived] = []
        for half, network in enumerate((request.existing, sensors)):
            done = (k + 0.5 * half) / request.simulate

            def step(share: float, done: float = done) -> None:
                note("simulated nights", done + 0.5 * share / request.simulate)

            pair.append(live(network, truth, request.areas, first + k, request.config, step))
        rows.append((pair[0], pair[1]))
    return rows
