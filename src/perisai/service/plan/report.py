"""A plan as one page of HTML: maps and tables, nothing to be fetched."""

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
import shapely

from perisai.geodesy import to_plane

from .answer import answer
from .make import HEIGHTS_M, Plan

WIDTH, HEIGHT = 560, 400
COLOURS = {"radar2d": "#7a3b9a", "radar3d": "#2f6f9f", "presence": "#3c8c57", "bearing": "#7f8c3c", "siren": "#d07a1f"}
OTHER = "#1c2430"
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1180px;margin:24px auto;padding:0 16px;color:#1c2430}"
    "h1{font-size:22px}h2{font-size:16px;margin:22px 0 4px}table{border-collapse:collapse;font-size:14px}"
    "td,th{padding:3px 14px 3px 0;text-align:right;border-bottom:1px solid #e3e7ec}"
    "td:first-child,th:first-child{text-align:left}"
    ".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:18px}"
    "svg{width:100%;background:#f7f8fa}.key{margin:2px 0 0;font-size:12px;color:#55606e}.note{color:#8a4b12}"
)


class _Map:
    """Plane metres to the pixels of a drawing that shows the whole region."""

    def __init__(self, plan: Plan) -> None:
        west, south, east, north = plan.region.shape.bounds
        self.scale = min((WIDTH - 20) / max(east - west, 1.0), (HEIGHT - 20) / max(north - south, 1.0))
        self.west, self.north = west, north
        self.ground = "".join(self.ring(part) for part in _rings(plan.region.shape))

    def at(self, east: Any, north: Any) -> tuple[Any, Any]:
        return 10 + (east - self.west) * self.scale, 10 + (self.north - north) * self.scale

    def ring(self, points: np.ndarray) -> str:
        x, y = self.at(points[:, 0], points[:, 1])
        return "M" + "L".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True)) + "Z"

    def drawing(self, title: str, inside: str, note: str) -> str:
        land = f'<path d="{self.ground}" fill="#e8ebef" stroke="#b8c0ca" fill-rule="evenodd"/>'
        return (
            f'<section><h2>{escape(title)}</h2><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(title)}">{land}{inside}</svg><p class="key">{escape(note)}</p></section>'
        )


def plan_report(plan: Plan) -> str:
    """The page, HTML text."""
    told = answer(plan)
    sheet = _Map(plan)
    maps = [
        _units(plan, sheet),
        _areas(plan, sheet, "before"),
        _areas(plan, sheet, "after"),
        *(_corridors(plan, sheet, height) for height in HEIGHTS_M),
    ]
    tables = "".join(f"<h2>{escape(title)}</h2>{table}" for title, table in _tables(plan, told))
    title = f"Plan of {told['units']} units from {told['contributors']} contributors"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{_figures(told)}"
        f'<p class="note">{escape(told["terrain"])}</p><div class="two">{"".join(maps)}</div>{tables}</body></html>\n'
    )


def _figures(told: dict[str, Any]) -> str:
    gap = "heuristic, nothing proven" if told["gap"] is None else f"within {told['gap']:.2%} of the best possible"
    rows = [
        ("Objective", f"{told['objective']}: {gap}"),
        ("Warned in time, before", _percent(told["in_time_before"])),
        ("Warned in time, with the plan", _percent(told["in_time"])),
        ("Residents approached in the mean night, each time counted", _count(told["people_approached"])),
        ("of those warned in time, before", _count(told["people_warned_in_time_before"])),
        ("of those warned in time, with the plan", _count(told["people_warned_in_time"])),
        ("Units placed; offered but without a place that adds anything", f"{told['units']}; {told['spare_units']}"),
        ("Residents who hear a planned siren", _count(told["people_who_hear_a_siren"])),
        ("Cost; crew", f"{_count(told['cost'])}; {_count(told['crew'])}"),
    ]  # fmt: skip
    lived = told["simulated"]
    if lived:
        text = f"{_percent(lived['in_time_before'])} before, {_percent(lived['in_time'])} after"
        nights = "1 night" if lived["nights"] == 1 else f"{lived['nights']} nights"
        rows.append((f"Simulated, {nights} of {lived['hours']:g} h, real tracker and alerter", text))
    return _table(("", ""), rows)


def _tables(plan: Plan, told: dict[str, Any]) -> Iterable[tuple[str, str]]:
    names = {code: plan.request.areas.name(i) for i, code in enumerate(plan.request.areas.code)}
    yield "Stages", _table(("ready", "in time"), [(s["ready"], _percent(s["in_time"])) for s in told["stages"]])
    worths = ("marginal", "shapley", "shapley_error", "hear_a_siren")
    if plan.worth:
        yield (
            "What each contribution adds (people a mean night)",
            _table(
                ("contributor", "units", "lost without it", "fair share", "± standard error", "siren by it alone"),
                [(r["country"], r["units"], *(_count(r[name]) for name in worths)) for r in told["contributions"]],
            ),
        )
    yield (
        "What to ask for next",
        _table(
            ("type", "one more adds", "where"),
            [(a["type"], _count(a["adds"]), names.get(a["area"], "")) for a in told["next"]],
        ),
    )
    yield (
        "The losses that hurt most",
        _table(
            ("unit", "of", "in", "people no longer warned"),
            [(u["id"], u["country"], names.get(u["area"], ""), _count(u["loses"])) for u in told["worst_losses"]],
        ),
    )
    yield (
        "Corridors to the ten largest areas (open: an even chance or better to come unseen)",
        _table(
            ("height, m", "open before", "open after", "weakest goal", "chance unseen", "km unwatched"),
            [
                (
                    f"{c['height_m']:g}", f"{c['open_before']} of {c['goals']}", f"{c['open_after']} of {c['goals']}",
                    names.get(c["weakest_goal"], ""), _percent(c["undetected"]), f"{c['unwatched_km']:.0f}",
                )
                for c in told["corridors"]
            ],
        ),
    )  # fmt: skip


def _units(plan: Plan, sheet: _Map) -> str:
    dots = ""
    ordered = sorted(plan.units, key=lambda unit: unit.reach_m)
    if ordered:
        lat, lon = np.array([u.lat for u in ordered]), np.array([u.lon for u in ordered])
        x, y = sheet.at(*to_plane(plan.region.plane, lat, lon))
        for k, unit in reversed(list(enumerate(ordered))):
            colour = COLOURS.get(unit.kind, OTHER)
            if unit.kind.startswith("radar"):
                reach = unit.reach_m * sheet.scale
                dots += (
                    f'<circle cx="{x[k]:.0f}" cy="{y[k]:.0f}" r="{reach:.0f}" fill="{colour}" fill-opacity="0.06" '
                    f'stroke="{colour}" stroke-opacity="0.35"/>'
                )
            size = 3.5 if unit.kind.startswith("radar") else 1.8
            label = escape(f"{unit.id}, ready {unit.stage}")
            dots += (
                f'<circle cx="{x[k]:.1f}" cy="{y[k]:.1f}" r="{size}" fill="{colour}"><title>{label}</title></circle>'
            )
    note = "purple radar 2-D, blue radar 3-D with reach at 100 m; green ears; orange sirens"
    return sheet.drawing("Where the units stand", dots, note)


def _areas(plan: Plan, sheet: _Map, when: str) -> str:
    areas = plan.request.areas
    share = getattr(plan, when).by_area
    x, y = sheet.at(*to_plane(plan.region.plane, areas.lat, areas.lon))
    size = np.clip(np.sqrt(areas.population) / 180.0, 1.0, 8.0)
    dots = "".join(
        f'<circle cx="{x[i]:.1f}" cy="{y[i]:.1f}" r="{size[i]:.1f}" fill="{_shade(float(share[i]))}"/>'
        for i in np.argsort(-areas.population)
    )
    return sheet.drawing(f"Warned in time, {when}", dots, "red none, yellow half, green all; size by residents")


def _corridors(plan: Plan, sheet: _Map, height: float) -> str:
    layer = HEIGHTS_M.index(height)
    # A little wider than a cell: rounded, neighbours would leave hairs of ground between them.
    cell = max(plan.grid.cell_m * sheet.scale, 1.0) + 0.2
    joint = plan.seen["after"][layer]
    east, north = plan.grid.centres()
    squares = ""
    for row, col in zip(*np.nonzero(joint >= 0.5), strict=True):
        x, y = sheet.at(east[col], north[row])
        squares += f"M{x - cell / 2:.1f} {y - cell / 2:.1f}h{cell:.1f}v{cell:.1f}h{-cell:.1f}z"
    inside = f'<path d="{squares}" fill="#2f6f9f" fill-opacity="0.25" shape-rendering="crispEdges"/>'
    for way in plan.ways:
        if way.height_m == height and len(way.after.east) > 1:
            x, y = sheet.at(way.after.east, way.after.north)
            line = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(x, y, strict=True))
            colour = "#b3412e" if way.after.undetected >= 0.5 else "#8893a1"
            inside += f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    note = "blue: watched; lines: weakest ways in to the ten largest areas, red: likelier unseen than not"
    return sheet.drawing(f"At {height:g} m, with the plan", inside, note)


def _rings(shape: Any) -> list[np.ndarray]:
    plain = shape.simplify(1_500.0)
    parts = plain.geoms if hasattr(plain, "geoms") else [plain]
    rings = [ring for part in parts if not part.is_empty for ring in (part.exterior, *part.interiors)]
    return [shapely.get_coordinates(ring) for ring in rings]


def _shade(share: float) -> str:
    """From red by yellow to green."""
    share = min(max(share, 0.0), 1.0)
    return f"hsl({120.0 * share:.0f},62%,45%)"


def _table(heading: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heading)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _count(value: float) -> str:
    return f"{value:,.0f}"
