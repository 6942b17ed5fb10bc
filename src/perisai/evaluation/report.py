"""The after-action report: one page of HTML with the figures of a night and four drawings, nothing to be fetched."""

from html import escape

import numpy as np
import pyarrow as pa

from perisai.model import Areas

from .alerts import AFTER_S, AlertScores, Spans, lead_times, perfect_spans, practice_spans, read_spans, regions
from .forecast_skill import Reliability
from .passages import on_plane, passages
from .spans import union

WIDTH, HEIGHT, EDGE = 420, 260, 44
STEPS = 160
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:920px;margin:24px auto;color:#1c2430}"
    "h1{font-size:22px}h2{font-size:15px;margin:0 0 4px}table{border-collapse:collapse}td{padding:2px 14px 2px 0}"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:18px}svg{width:100%;background:#fff}"
    "text{font-size:11px;fill:#55606e}"
    "@media print{body{margin:0}}"
)


def after_action_report(scores: AlertScores, alerts: pa.Table, truth: pa.Table, areas: Areas, title: str) -> str:
    """The page, HTML text: figures, lead times, reliability, person-hours over the night, a map of what was missed.

    scores: of these alerts (see score_alerts). alerts, truth: tables of their schemas. Drawings are inline SVG.
    """
    flights, circles = on_plane(truth, areas)
    events = passages(flights, circles)
    alarm = read_spans(alerts, areas, "alarm", flights.origin_us, float(flights.time.max()) + AFTER_S)
    leads = lead_times(events, alarm)
    counted = events.counted
    on_time = leads >= events.lead - 1e-6
    raion = practice_spans(flights, circles, regions(areas)[0])
    curves = {
        "alerts": alarm, "perfect knowledge": perfect_spans(events, flights), "by raion": raion,
    }  # fmt: skip
    missed = np.unique(events.area[counted & ~on_time])
    warned = np.setdiff1d(np.unique(events.area[counted]), missed)
    drawings = [
        ("Lead times of the alarms", _histogram((leads - events.lead)[counted & ~np.isnan(leads)] / 60.0)),
        ("Reliability of the forecasts", _reliability(scores.forecasts.reliability if scores.forecasts else [])),
        ("Residents under alarm over the night, millions", _over_time(curves, circles.weight)),
        ("Areas warned in time, and too late or not", _map(circles.east, circles.north, warned, missed)),
    ]
    boxes = "".join(f"<section><h2>{escape(name)}</h2>{svg}</section>" for name, svg in drawings)
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in _figures(scores))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1><table>{rows}</table>"
        f'<div class="two">{boxes}</div></body></html>\n'
    )


def _figures(s: AlertScores) -> list[tuple[str, str]]:
    rows = [
        ("Warned in time, by residents", f"{s.in_time:.2%} of {s.events} events"),
        ("Without an alarm; too late", f"{s.missed}; {s.late}"),
        ("Alarms; with no event", f"{s.alarms}; {s.false_alarms}"),
        ("Person-hours under alarm", f"{s.person_hours:,.0f}"),
        ("Against perfect knowledge", f"{s.ratio_to_perfect:.2f} x"),
        ("Alerts by raion against perfect", f"{s.raion_ratio_to_perfect:.2f} x"),
        ("Alerts by oblast against perfect", f"{s.oblast_ratio_to_perfect:.2f} x"),
        ("Short or repeated alerts", f"{s.flicker_share:.1%}"),
    ]
    if s.in_time_seen is not None:
        rows.insert(1, ("Of what the sensors had in view in time", f"{s.in_time_seen:.2%} of {s.events_seen} events"))
    if s.forecasts:
        f = s.forecasts
        coverage = "none" if f.coverage is None else f"{f.coverage:.1%}"
        rows.append(("Brier score; log score; 90 % intervals hold", f"{f.brier:.4f}; {f.log_score:.4f}; {coverage}"))
    return rows


def _histogram(minutes: np.ndarray) -> str:
    """Minutes more (right of the line) or less than needed."""
    if not len(minutes):
        return _frame("no alarm before an event", "")
    edges = np.arange(-5.0, 31.0, 1.0)
    count = np.histogram(np.clip(minutes, edges[0], edges[-1] - 1e-9), edges)[0]
    top = max(int(count.max()), 1)
    bars = ""
    for left, n in zip(edges[:-1], count, strict=True):
        x0, x1 = _x(left, edges[0], edges[-1]), _x(left + 1.0, edges[0], edges[-1])
        y = _y(float(n), 0.0, float(top))
        colour = "#b3412e" if left < 0 else "#2f6f9f"
        tall, wide = HEIGHT - EDGE - y, x1 - x0 - 1.0
        bars += f'<rect x="{x0:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{colour}"/>'
    zero = _x(0.0, edges[0], edges[-1])
    bars += f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="12" y2="{HEIGHT - EDGE}" stroke="#1c2430"/>'
    return _frame("minutes before (right) or after the warning was due", bars, f"{top}", ("-5", "30+"))


def _reliability(bins: list[Reliability]) -> str:
    diagonal = f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#b8c0ca"/>'
    dots = "".join(f'<circle cx="{_x(b.forecast):.1f}" cy="{_y(b.observed):.1f}" r="4" fill="#2f6f9f"/>' for b in bins)
    if not bins:
        return _frame("no forecasts given", diagonal)
    line = " ".join(f"{_x(b.forecast):.1f},{_y(b.observed):.1f}" for b in bins)
    line = f'<polyline points="{line}" fill="none" stroke="#2f6f9f"/>'
    return _frame("forecast probability; upwards: share that came true", diagonal + line + dots, "1", ("0", "1"))


def _over_time(curves: dict[str, Spans], weight: np.ndarray) -> str:
    low = min((float(s.start.min()) for s in curves.values() if len(s.start)), default=0.0)
    high = max((float(s.end.max()) for s in curves.values() if len(s.end)), default=1.0)
    at = np.linspace(low, high, STEPS)
    people = {}
    for name, spans in curves.items():
        area, start, end = union(spans.area, spans.start, spans.end)
        people[name] = np.array([weight[area[(start <= t) & (end > t)]].sum() for t in at]) / 1e6
    top = max(1e-6, *(float(values.max()) for values in people.values()))
    drawn = ""
    for k, ((name, values), colour) in enumerate(zip(people.items(), ("#2f6f9f", "#3c8c57", "#b8862b"), strict=True)):
        points = " ".join(f"{_x(t, low, high):.1f},{_y(v, 0.0, top):.1f}" for t, v in zip(at, values, strict=True))
        drawn += f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        drawn += f'<text x="{EDGE + 8}" y="{22 + 14 * k}" style="fill:{colour}">{escape(name)}</text>'
    return _frame("hours of the night", drawn, f"{top:.1f}", ("0", f"{(high - low) / 3600.0:.1f}"))


def _map(east: np.ndarray, north: np.ndarray, warned: np.ndarray, missed: np.ndarray) -> str:
    size = max(float(np.ptp(east)), float(np.ptp(north)) * WIDTH / HEIGHT, 1.0)
    x = WIDTH / 2 + (east - (east.max() + east.min()) / 2) / size * (WIDTH - 24)
    y = HEIGHT / 2 - (north - (north.max() + north.min()) / 2) / size * (WIDTH - 24)
    groups = (
        (np.arange(len(east)), 0.8, "#d5dae0"), (warned, 1.8, "#2f6f9f"), (missed, 3.2, "#b3412e"),
    )  # fmt: skip
    dots = "".join(
        f'<circle cx="{x[a]:.1f}" cy="{y[a]:.1f}" r="{r}" fill="{colour}"/>'
        for which, r, colour in groups
        for a in which
    )
    note = f'<text x="8" y="{HEIGHT - 8}">blue: in time ({len(warned)}), red: too late or not ({len(missed)})</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{dots}{note}</svg>'


def _x(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return EDGE + (value - low) / (high - low) * (WIDTH - EDGE - 12)


def _y(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return HEIGHT - EDGE - (value - low) / (high - low) * (HEIGHT - EDGE - 12)


def _frame(label: str, inside: str, top: str = "", ends: tuple[str, str] = ("", "")) -> str:
    floor = HEIGHT - EDGE
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><path d="M{EDGE} 12V{floor}H{WIDTH - 12}" fill="none" '
        f'stroke="#8893a1"/>{inside}<text x="6" y="18">{escape(top)}</text>'
        f'<text x="{EDGE}" y="{floor + 15}">{escape(ends[0])}</text>'
        f'<text x="{WIDTH - 34}" y="{floor + 15}">{escape(ends[1])}</text>'
        f'<text x="{EDGE}" y="{HEIGHT - 10}">{escape(label)}</text></svg>'
    )
