"""The parts of a plan's answer: its units, what each contribution is worth, and what to ask for next."""

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from perisai.planning import Blocks, Inventory, Placement, Terrain, Worth, next_gains, unit_losses, value_of, worth

from .request import Request


class PlannedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of the plan. people: residents a mean night not warned in time (sirens: who hear none) without it."""

    id: str
    country: str
    type: str
    kind: str
    lat: float
    lon: float
    ground_m: float
    area: str
    stage: str
    reach_m: float
    cost: float
    crew: float
    people: float


@dataclass(frozen=True)
class Ask:
    """What one more unit of a type would add, people a mean night, and where."""

    type: str
    people: float
    cost: float
    area: str
    lat: float
    lon: float


def ground_at(terrain: Terrain | None, lat: float, lon: float) -> float:
    """Height of the ground, m; 0 where no terrain tells."""
    cell = terrain.cell(lat, lon) if terrain else None
    return float(terrain.ground_m[cell]) if terrain and cell else 0.0


def units_told(request: Request, placement: Placement | None) -> list[PlannedUnit]:
    """The placed units by country and type, numbered."""
    if placement is None:
        return []
    patterns, choice, inventory = placement.patterns, placement.choice, request.inventory
    lost = unit_losses(placement.problem, choice.pool, choice.pattern)
    out: list[PlannedUnit] = []
    number: dict[tuple[str, str], int] = {}
    order = np.lexsort((choice.pattern, placement.contribution()))
    for k in order:
        given = inventory.contributions[placement.contribution()[k]]
        unit = inventory.types[given.type]
        n = number[given.country, unit.id] = number.get((given.country, unit.id), 0) + 1
        p = int(choice.pattern[k])
        lat, lon, area = float(patterns.lat[p]), float(patterns.lon[p]), int(patterns.area[p])
        siren = unit.kind == "siren"
        out.append(
            PlannedUnit(
                id=f"{given.country}-{unit.id}-{n:03d}".replace(" ", "-"),
                country=given.country,
                type=unit.id,
                kind=unit.kind,
                lat=round(lat, 6),
                lon=round(lon, 6),
                ground_m=round(ground_at(request.terrain, lat, lon), 1),
                area=request.areas.code[area] if area >= 0 else "",
                stage=given.ready.isoformat() if given.ready.year > 1 else "start",
                reach_m=round(unit.audible_m() if siren else unit.reach_m("drone", 100.0)),
                cost=unit.cost if given.cost is None else given.cost,
                crew=unit.crew if given.crew is None else given.crew,
                people=round(float(lost[k]), 1),
            )
        )
    return out


def worth_of(request: Request, placement: Placement | None) -> Worth | None:
    """The worth of each giver's sensing units; None when nothing stands or nothing is valued by demand."""
    if placement is None or request.settings.objective == "corridor" or not len(placement.choice.pool):
        return None
    giver = [request.inventory.contributions[c].country for c in placement.contribution()]
    _, player = np.unique(giver, return_inverse=True)
    return worth(placement.problem, placement.choice.pool, placement.choice.pattern, player, request.seed)


def givers(inventory: Inventory, placement: Placement | None) -> list[str]:
    """The countries that the rows of a placement's worth belong to."""
    return [] if placement is None else sorted({inventory.contributions[c].country for c in placement.contribution()})


def siren_worth(request: Request, sirens: Placement | None, blocks: Blocks) -> dict[str, float]:
    """By giver the residents who would hear no siren without its own."""
    if sirens is None:
        return {}
    problem, choice = sirens.problem, sirens.choice
    people = replace(problem, weight=blocks.people, stage_weight=_last(len(problem.stage_weight)))
    giver = np.array([request.inventory.contributions[c].country for c in sirens.contribution()])
    whole = value_of(people, choice.pool, choice.pattern)
    return {
        str(name): whole - value_of(people, choice.pool[giver != name], choice.pattern[giver != name])
        for name in np.unique(giver)
    }


def _last(stages: int) -> np.ndarray:
    """All weight on the last stage."""
    return np.eye(stages)[-1]


def asks_of(request: Request, placement: Placement | None) -> list[Ask]:
    """For each sensing type what one more unit adds at its best place, the most people first."""
    if placement is None or not len(placement.patterns):
        return []
    patterns, problem, choice = placement.patterns, placement.problem, placement.choice
    gain = next_gains(problem, choice.pool, choice.pattern)
    gain[choice.pattern] = 0.0
    asks: list[Ask] = []
    for t, unit in enumerate(patterns.types):
        own = np.flatnonzero(patterns.type_of == t)
        if not len(own):
            continue
        best = int(own[np.argmax(gain[own])])
        area = int(patterns.area[best])
        code = request.areas.code[area] if area >= 0 else ""
        asks.append(
            Ask(unit.id, float(gain[best]), unit.cost, code, float(patterns.lat[best]), float(patterns.lon[best]))
        )
    return sorted(asks, key=lambda ask: -ask.people)
