"""From offers and approaches to a plan: where every unit stands, what it adds, and what stays open."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec
import numpy as np

from perisai.geodesy import Plane, to_plane
from perisai.model import KINDS, Areas, BadInputError

from .approaches import STEP_S, WINDOW_S, Approaches
from .corridors import cell_of, raise_weakest, rim_near
from .cover_all import CoverAll, cover_all
from .coverage import Grid, Placed, grid_over
from .inventory import Inventory
from .patterns import Patterns, assemble, placement, watch_patterns
from .problem import Choice, Problem, backup_gains, covering_gains, expected_gains
from .sirens import Blocks, blocks_of, heard
from .sites import Sites, ground_of, hexagons, sites_at, spacing_m
from .solve import solve
from .terrain import Terrain
from .units import UnitType
from .watch import SURE, Watcher, tail

Objective = Literal["warned", "covered", "expected", "backup", "corridor"]
OBJECTIVES = get_args(Objective)
WATCH_HEIGHT_M = 100.0
"""Height at which an area must be watched to count as covered, and of the corridors that are raised."""
GOALS = 10
CORRIDOR_CELLS = 8_000
Tell = Callable[[str, float], None]


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to plan. gap: proven share at which to stop; seconds: limit of time for the sensors' problem.

    limit: ("cost" or "crew", the most of it). failure: Daskin's q; None takes the mean of the offered types.
    """

    objective: Objective = "warned"
    gap: float = 0.02
    seconds: float = 60.0
    seed: int = 1
    limit: tuple[str, float] | None = None
    failure: float | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A solved problem: its patterns, which contributions are its pools, the problem and the choice."""

    patterns: Patterns
    chosen: list[int]
    problem: Problem
    choice: Choice

    def contribution(self) -> np.ndarray:
        """Index of the contribution of each placed unit."""
        return np.array(self.chosen, np.int64)[self.choice.pool]


@dataclass(frozen=True, slots=True)
class Region:
    """What is planned for: areas, their plane and shape on it, terrain when known, blocks of people."""

    areas: Areas
    plane: Plane
    terrain: Terrain | None
    shape: Any
    blocks: Blocks

    def goals(self) -> np.ndarray:
        """The most populous areas, indices."""
        return np.argsort(-self.areas.population, kind="stable")[:GOALS]


def region_of(areas: Areas, plane: Plane, terrain: Terrain | None) -> Region:
    """Raises BadInputError when nobody lives in the areas."""
    if not (areas.population > 0).any():
        raise BadInputError("areas", "nobody lives there (population 0 or missing everywhere)", "areas with population")
    return Region(areas, plane, terrain, ground_of(areas, plane), blocks_of(areas, plane))


def place_sensors(
    region: Region,
    inventory: Inventory,
    approaches: Approaches,
    existing: Placed,
    settings: PlanSettings,
    own_sites: Sites | None = None,
    tell: Tell | None = None,
) -> Placement | None:
    """Where the sensing units stand; None when only sirens are offered.

    approaches: the demand of the objectives warned, expected and backup. existing: units that stand already.
    """
    chosen = [c for c, g in enumerate(inventory.contributions) if inventory.types[g.type].kind != "siren"]
    if not any(inventory.contributions[c].count for c in chosen):
        return None
    offered = sorted({inventory.contributions[c].type for c in chosen})
    extra = [t for t, unit in sorted(inventory.types.items()) if t not in offered and unit.kind != "siren"]
    types = tuple(inventory.types[t] for t in (*offered, *extra))
    stand = [own_sites if own_sites is not None else _stand(region, unit) for unit in types]
    demand, weight, grid = _demand(region, approaches, settings)
    patterns = watch_patterns(
        types, stand, demand, region.terrain, (lambda f: tell("who sees what", f)) if tell else None
    )
    problem = placement(
        patterns, inventory, chosen, region.areas, weight, _gains(settings, inventory, chosen),
        _standing(existing, demand, region.terrain), settings.limit,
    )  # fmt: skip
    if grid is not None:
        starts = rim_near(grid, *approaches.entry.T)
        goals = np.array([_cell(region, grid, a) for a in region.goals()])
        total = max(int(problem.pool_count.sum()), 1)
        raised = raise_weakest(
            problem, grid, starts, goals, (lambda n, _: tell("corridors", n / total)) if tell else None
        )
        return Placement(patterns, chosen, problem, raised)
    step = (
        (lambda at, value, bound: tell(f"placing, gap {_gap(value, bound):.1%}", at / settings.seconds))
        if tell
        else None
    )
    return Placement(patterns, chosen, problem, solve(problem, settings.gap, settings.seconds, settings.seed, step))


def place_sirens(
    region: Region, inventory: Inventory, danger: np.ndarray, settings: PlanSettings, seconds: float = 30.0
) -> Placement | None:
    """Where the sirens stand, so that most people hear one, weighted by the danger of their area (areas,); or None."""
    chosen = [c for c, g in enumerate(inventory.contributions) if inventory.types[g.type].kind == "siren" and g.count]
    if not chosen:
        return None
    blocks = region.blocks
    types = tuple(inventory.types[t] for t in sorted({inventory.contributions[c].type for c in chosen}))
    stand, covers = [], []
    for unit in types:
        radius = unit.audible_m()
        rows = _siren_sites(blocks, radius)
        sites = sites_at(region.areas, region.plane, blocks.east[rows], blocks.north[rows])
        # A block belongs to its area also where the outline of the areas file leaves its middle out.
        stand.append(Sites(sites.lat, sites.lon, sites.east, sites.north, blocks.area[rows]))
        covers.append(heard(blocks, sites.east, sites.north, radius))
    patterns = assemble(types, stand, covers)
    weight = blocks.people * danger[blocks.area]
    problem = placement(
        patterns, inventory, chosen, region.areas, weight, covering_gains(), np.zeros(len(blocks), np.int32),
        settings.limit,
    )  # fmt: skip
    return Placement(patterns, chosen, problem, solve(problem, settings.gap, seconds, settings.seed))


def need_for_all(
    region: Region, inventory: Inventory, existing: Placed, settings: PlanSettings, own_sites: Sites | None = None
) -> tuple[Patterns, CoverAll]:
    """The cheapest units of the offered types, in any number, that watch every area (set covering; Toregas 1971).

    Units without a cost count as one each when no offered type has one.
    """
    types = tuple(
        u for u in (inventory.types[t] for t in sorted({g.type for g in inventory.contributions})) if u.kind != "siren"
    )
    if not types:
        raise BadInputError("inventory", "only sirens", "a type that senses")
    demand = standing(region.areas, region.plane, WATCH_HEIGHT_M, region.areas.population)
    stand = [own_sites if own_sites is not None else _stand(region, unit) for unit in types]
    patterns = watch_patterns(types, stand, demand, region.terrain)
    price = np.array([patterns.unit(p).cost for p in range(len(patterns))])
    price = np.where(price > 0, price, price.max(initial=0.0) or 1.0)
    already = _standing(existing, demand, region.terrain)
    found = cover_all(patterns.start, patterns.cover, len(demand), price, already, settings.gap, settings.seconds)
    return patterns, found


def units_of(placement: Placement) -> Placed:
    """The placed units."""
    rows = placement.choice.pattern
    return Placed(
        tuple(placement.patterns.unit(p) for p in rows), placement.patterns.lat[rows], placement.patterns.lon[rows]
    )


def standing(areas: Areas, plane: Plane, height_m: float, people: np.ndarray) -> Approaches:
    """The areas' middles as demand: something that stays over each at a height, for the objective `covered`."""
    east, north = to_plane(plane, areas.lat, areas.lon)
    return _hover(plane, east, north, height_m, people)


def _hover(plane: Plane, east: np.ndarray, north: np.ndarray, height_m: float, people: np.ndarray) -> Approaches:
    n, k = len(east), round(WINDOW_S / STEP_S) + 1
    points = np.stack([np.repeat(v[:, None], k, axis=1) for v in (east, north, np.full(n, height_m))], axis=2)
    drone = np.full(n, KINDS.index("drone"))
    return Approaches(plane, points, drone, np.arange(n), np.asarray(people, float), np.empty((0, 2)))


def _stand(region: Region, unit: UnitType) -> Sites:
    shape = region.shape
    points = hexagons(shape, spacing_m(unit, float(shape.area)))
    return sites_at(region.areas, region.plane, points[:, 0], points[:, 1])


def _demand(
    region: Region, approaches: Approaches, settings: PlanSettings
) -> tuple[Approaches, np.ndarray, Grid | None]:
    if settings.objective == "covered":
        people = region.areas.population
        return standing(region.areas, region.plane, WATCH_HEIGHT_M, people), people, None
    if settings.objective == "corridor":
        grid = corridor_grid(region)
        x, y = grid.centres()
        east, north = np.tile(x, grid.rows), np.repeat(y, grid.cols)
        return _hover(region.plane, east, north, WATCH_HEIGHT_M, np.ones(len(east))), np.ones(len(east)), grid
    if not len(approaches):
        raise BadInputError("nights", "no approach to any area", "nights whose objects come within 3 km of an area")
    return approaches, approaches.people, None


def corridor_grid(region: Region, cells: int = CORRIDOR_CELLS) -> Grid:
    """A grid over the region with a margin, of about so many cells."""
    west, south, east, north = region.shape.bounds
    margin = 0.04 * max(east - west, north - south) + 10e3
    cell = max(math.sqrt((east - west + 2 * margin) * (north - south + 2 * margin) / cells), 1e3)
    return grid_over(region.plane, np.array([west, east]), np.array([south, north]), margin, cell)


def _cell(region: Region, grid: Grid, area: int) -> int:
    east, north = to_plane(region.plane, region.areas.lat[area : area + 1], region.areas.lon[area : area + 1])
    return cell_of(grid, float(east[0]), float(north[0]))


def _gains(settings: PlanSettings, inventory: Inventory, chosen: list[int]) -> np.ndarray:
    if settings.objective == "backup":
        return backup_gains()
    if settings.objective in ("covered", "corridor"):
        return covering_gains()
    q = settings.failure
    if q is None:
        counts = np.array([inventory.contributions[c].count for c in chosen], float)
        q = float(
            np.average([inventory.types[inventory.contributions[c].type].failure for c in chosen], weights=counts)
        )
    # A third unit over an approach adds q squared: left out, it only slows the proof, where failures are rare.
    return expected_gains(q, 4 if settings.objective == "expected" else 2)


def _standing(existing: Placed, demand: Approaches, terrain: Terrain | None) -> np.ndarray:
    """How many of the standing units track each approach alone."""
    watcher = Watcher(demand, terrain)
    count = np.zeros(len(demand), np.int32)
    x, y = to_plane(demand.plane, np.asarray(existing.lat, float), np.asarray(existing.lon, float))
    for k, unit in enumerate(existing.unit):
        sums = watcher.look(unit, float(existing.lat[k]), float(existing.lon[k]), float(x[k]), float(y[k]))
        count += tail(sums, np.full(len(demand), unit.needed)) >= SURE
    return count


def _siren_sites(blocks: Blocks, radius_m: float) -> np.ndarray:
    """Blocks that may hold a siren: all where a siren reaches few of them, else one in each square of half a radius."""
    side = max(0.5 * radius_m, 1.0)
    key = np.column_stack([np.floor(blocks.east / side), np.floor(blocks.north / side)])
    return np.sort(np.unique(key, axis=0, return_index=True)[1])


def _gap(value: float, bound: float) -> float:
    return max(0.0, bound - value) / bound if bound > 0 and math.isfinite(bound) else 1.0


def stage_dates(inventory: Inventory) -> list[str]:
    """The days of the stages as text; `start` for what is ready from the beginning."""
    return [day.isoformat() if day != dt.date.min else "start" for day in inventory.stages()]
