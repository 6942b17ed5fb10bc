"""A plan as one plain object: what `--json` prints and what the report's tables show."""

import math
from typing import Any

import numpy as np

from .make import HEIGHTS_M, Plan
from .parts import givers

WORST = 10
NO_TERRAIN = (
    "no terrain given: line of sight over a smooth 4/3 Earth; hills and valleys only lower what is promised here"
)


def answer(plan: Plan) -> dict[str, Any]:
    """Figures of the plan; people are residents in the mean night, shares 0 to 1."""
    placement, request = plan.placement, plan.request
    choice = placement.choice if placement else None
    spent = {name: sum(getattr(unit, name) for unit in plan.units) for name in ("cost", "crew")}
    return {
        "objective": request.settings.objective,
        "units": len(plan.units),
        "spare_units": plan.spare,
        "existing_sensors": len(request.existing),
        "contributors": len({given.country for given in request.inventory.contributions}),
        "areas": len(request.areas),
        "population": float(request.areas.population.sum()),
        "value": choice.value if choice else 0.0,
        "bound": choice.bound if choice and math.isfinite(choice.bound) else None,
        "gap": choice.gap if choice and math.isfinite(choice.bound) else None,
        "people_approached": plan.after.approached,
        "people_warned_in_time_before": plan.before.warned,
        "people_warned_in_time": plan.after.warned,
        "in_time_before": _share(plan.before.share),
        "in_time": _share(plan.after.share),
        "in_time_by_kind": plan.after.by_kind,
        "alarm_in_time_before": _share(plan.alarmed[0]),
        "alarm_in_time": _share(plan.alarmed[1]),
        "stages": [{"ready": day, "in_time": _share(share)} for day, share in plan.stages],
        "people_who_hear_a_siren": plan.siren_people,
        "cost": spent["cost"],
        "crew": spent["crew"],
        "contributions": contributions(plan),
        "next": [_ask(plan, ask) for ask in plan.asks],
        "worst_losses": _losses(plan),
        "corridors": _corridors(plan),
        "simulated": _lived(plan),
        "terrain": _terrain(plan),
    }


def contributions(plan: Plan) -> list[dict[str, Any]]:
    """What each contributor's units add: exactly at the margin, and as a fair share with its standard error."""
    offered = sorted({given.country for given in plan.request.inventory.contributions})
    rows: list[dict[str, Any]] = []
    known = givers(plan.request.inventory, plan.placement) if plan.worth else []
    for country in offered:
        own = [unit for unit in plan.units if unit.country == country]
        row: dict[str, Any] = {"country": country, "units": len(own), "cost": sum(unit.cost for unit in own)}
        if plan.worth:
            at = known.index(country) if country in known else -1
            marginal, shapley, error = plan.worth.marginal, plan.worth.shapley, plan.worth.error
            row["marginal"] = float(marginal[at]) if at >= 0 else 0.0
            row["shapley"] = float(shapley[at]) if at >= 0 else 0.0
            row["shapley_error"] = float(error[at]) if at >= 0 else 0.0
        row["hear_a_siren"] = plan.hears.get(country, 0.0)
        rows.append(row)
    return sorted(rows, key=lambda row: (-row.get("shapley", 0.0), -row["hear_a_siren"], row["country"]))


def _ask(plan: Plan, ask: Any) -> dict[str, Any]:
    per = ask.people / ask.cost if ask.cost > 0 else None
    return {
        "type": ask.type, "adds": ask.people, "cost": ask.cost, "adds_per_cost": per, "area": ask.area,
        "lat": round(ask.lat, 5), "lon": round(ask.lon, 5),
    }  # fmt: skip


def _losses(plan: Plan) -> list[dict[str, Any]]:
    sensing = [unit for unit in plan.units if unit.kind != "siren"]
    worst = sorted(sensing, key=lambda unit: -unit.people)[:WORST]
    return [{"id": u.id, "country": u.country, "type": u.type, "area": u.area, "loses": u.people} for u in worst]


def _corridors(plan: Plan) -> list[dict[str, Any]]:
    """By height: the weakest way in of all, and how many of the goals can be reached with an even chance unseen."""
    rows: list[dict[str, Any]] = []
    for height in HEIGHTS_M:
        ways = [way for way in plan.ways if way.height_m == height]
        worst = min(ways, key=lambda way: way.after.exposure)
        rows.append(
            {
                "height_m": height,
                "goals": len(ways),
                "open_before": sum(way.before.undetected >= 0.5 for way in ways),
                "open_after": sum(way.after.undetected >= 0.5 for way in ways),
                "weakest_goal": worst.goal,
                "undetected": worst.after.undetected,
                "unwatched_km": worst.after.unwatched_m / 1e3,
                "watched_share_before": _watched(plan, "before", height),
                "watched_share_after": _watched(plan, "after", height),
            }
        )
    return rows


def _watched(plan: Plan, when: str, height: float) -> float:
    """Mean joint chance of detection a period over the grid."""
    return float(np.mean(plan.seen[when][HEIGHTS_M.index(height)]))


def _lived(plan: Plan) -> dict[str, Any] | None:
    if not plan.lived:
        return None
    shares = {
        name: np.array([pair[half].share for pair in plan.lived]) for half, name in enumerate(("before", "after"))
    }
    return {
        "nights": len(plan.lived),
        "hours": plan.request.hours,
        "people_warned_in_time_before": float(np.mean([pair[0].warned for pair in plan.lived])),
        "people_warned_in_time": float(np.mean([pair[1].warned for pair in plan.lived])),
        "in_time_before": _share(float(shares["before"].mean())),
        "in_time": _share(float(shares["after"].mean())),
        "by_night": [{"seed": b.seed, "before": _share(b.share), "after": _share(a.share)} for b, a in plan.lived],
    }


def _terrain(plan: Plan) -> str:
    terrain = plan.request.terrain
    if terrain is None:
        return NO_TERRAIN
    rows, cols = terrain.ground_m.shape
    return f"{rows} x {cols} cells of {terrain.cell_m:.0f} m, {terrain.holes} without a height (taken as 0 m)"


def _share(value: float) -> float | None:
    return None if math.isnan(value) else value
