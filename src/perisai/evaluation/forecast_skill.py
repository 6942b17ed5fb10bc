"""How good the probabilities and times of arrival were: Brier and log score, reliability, interval coverage."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import Areas, floats, time_us

from .passages import Circles, Flights, Passages, on_plane, passages

HORIZON_S = 1200.0
BINS = 10
SLACK_S = 300.0
"""A forecaster goes on for a while with a track that has ended."""


class Reliability(msgspec.Struct, frozen=True):
    """One bin: mean forecast, how often it came true, number of cases."""

    forecast: float
    observed: float
    cases: int


class ForecastSkill(msgspec.Struct, frozen=True, kw_only=True):
    """`by_track`: forecasts whose track numbers are the truth's objects, case by case; else by area: any track, any
    object. log_score: mean -ln of the probability given to what happened, kept off 0 and 1 by 1e-3.
    coverage: share of arrivals inside their 5 to 95 % interval, of tracks that were not inside at the forecast."""

    by_track: bool
    cases: int
    base_rate: float
    brier: float
    log_score: float
    reliability: list[Reliability]
    coverage: float | None
    arrivals: int


def score_forecasts(
    forecasts: pa.Table,
    flights: Flights,
    events: Passages,
    areas: Areas,
    circles: Circles,
    horizon_s: float = HORIZON_S,
) -> ForecastSkill | None:
    """Skill over the rows of a forecasts table; None when it has no row of a known area.

    A case comes true when the object is within the danger radius at the forecast or enters within the horizon.
    """
    area = pc.index_in(forecasts["area"], value_set=pa.array(areas.code, pa.string()))
    forecasts = forecasts.filter(pc.is_valid(area))
    if forecasts.num_rows == 0:
        return None
    where = pc.drop_null(area).combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)
    when = (time_us(forecasts["time"]) - flights.origin_us) / 1e6
    track = forecasts["track"].combine_chunks().to_numpy(zero_copy_only=False)
    p = floats(forecasts["probability"])
    row = np.minimum(np.searchsorted(flights.number, track), len(flights.number) - 1)
    by_track = _same_numbers(flights, row, track, when)
    if by_track:
        eta = _arrival(row * len(areas) + where, when, events.object * len(areas) + events.area, events, horizon_s)
        eta = np.where(flights.number[row] == track, eta, np.nan)
    else:
        key = np.unique(np.stack([np.round(when * 1e3), where.astype(float)]), axis=1, return_inverse=True)[1].reshape(
            -1
        )
        log_none = np.bincount(key, np.log1p(-np.minimum(p, 0.999999)))
        first = np.unique(key, return_index=True)[1]
        p, where, when = -np.expm1(log_none), where[first], when[first]
        eta = _arrival(where, when, events.area, events, horizon_s)
    came = ~np.isnan(eta)
    safe = np.clip(p, 1e-3, 1.0 - 1e-3)
    coverage, arrivals = None, 0
    if by_track:
        low, high = floats(forecasts["eta_low_s"]), floats(forecasts["eta_high_s"])
        use = came & (eta > 0.0) & (high > 0.0)
        arrivals = int(use.sum())
        coverage = float(np.mean((eta[use] >= low[use]) & (eta[use] <= high[use]))) if arrivals else None
    return ForecastSkill(
        by_track=by_track,
        cases=len(p),
        base_rate=float(came.mean()),
        brier=float(np.mean((p - came) ** 2)),
        log_score=float(-np.mean(np.where(came, np.log(safe), np.log1p(-safe)))),
        reliability=_reliability(p, came),
        coverage=coverage,
        arrivals=arrivals,
    )


def _same_numbers(flights: Flights, row: np.ndarray, track: np.ndarray, when: np.ndarray) -> bool:
    """Whether the tracks are the truth's own objects. A tracker counts from 1 too: its numbers are objects by chance,
    but of other times. row: the flight of each track's number, or the next; when: s since the origin."""
    known = flights.number[row] == track
    flies = (when >= flights.born[row] - SLACK_S) & (when <= flights.died[row] + SLACK_S)
    return bool(known.mean() > 0.5 and flies[known].mean() > 0.9)


def _arrival(case: np.ndarray, when: np.ndarray, event: np.ndarray, events: Passages, horizon_s: float) -> np.ndarray:
    """Seconds from each case to the first stay that is not over by then; 0 inside, NaN when none inside the horizon."""
    eta = np.full(len(case), np.nan)
    if not len(event):
        return eta
    order = np.lexsort((events.enter, event))
    key, enter, leave = event[order], events.enter[order], events.leave[order]
    span = float(max(leave.max(), when.max()) - min(leave.min(), when.min())) + 1.0
    low = float(min(leave.min(), when.min()))
    found = np.searchsorted(key * span + (leave - low), case * span + (when - low))
    safe = np.minimum(found, len(key) - 1)
    wait = np.maximum(enter[safe] - when, 0.0)
    hit = (found < len(key)) & (key[safe] == case) & (wait <= horizon_s)
    eta[hit] = wait[hit]
    return eta


def _reliability(p: np.ndarray, came: np.ndarray) -> list[Reliability]:
    which = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    rows: list[Reliability] = []
    for b in range(BINS):
        use = which == b
        if use.any():
            rows.append(Reliability(float(p[use].mean()), float(came[use].mean()), int(use.sum())))
    return rows


def pooled_log_score(forecasts: pa.Table, truth: pa.Table, areas: Areas, period_s: float) -> float:
    """Log loss per arrival that was due in the horizon of a beat; an arrival without a row counts as foreseen at 1e-3.

    So forecasters that give out different rows can be compared. period_s: seconds between beats. inf without arrivals.
    """
    flights, circles = on_plane(truth, areas)
    events = passages(flights, circles)
    born = flights.born[events.object] if len(events.object) else np.empty(0)
    begin = np.maximum(events.enter - HORIZON_S, born)
    due = float(np.floor(np.maximum(events.leave - begin, 0.0) / period_s).sum())
    skill = score_forecasts(forecasts, flights, events, areas, circles)
    if skill is None or due <= 0.0:
        return float("inf")
    missing = max(0.0, due - skill.base_rate * skill.cases)
    return (skill.log_score * skill.cases + missing * -float(np.log(1e-3))) / due
