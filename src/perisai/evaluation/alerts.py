"""The skill of alerts against what really flew, as ../shared/ALERTING.md defines it."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import KINDS, Areas, BadInputError, time_us

from .forecast_skill import ForecastSkill, score_forecasts
from .foreseeable import foreseeable
from .passages import Circles, Flights, Passages, on_plane, passages, within
from .spans import covering, person_hours, union

AFTER_S = 120.0
"""Perfect knowledge ends an alarm this long after the danger."""
PRACTICE_NEAR_M, PRACTICE_AHEAD_S, PRACTICE_AFTER_S = 15_000.0, 600.0, 600.0
FLICKER_S = 120.0
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95)


class AlertScores(msgspec.Struct, frozen=True, kw_only=True):
    """What `perisai evaluate alerts` reports.

    in_time: share of counted events warned in time, weighted by residents (at least 500); per kind in in_time_by_kind.
    missed: counted events whose area had no alarm at the entry; late: those with one that came too late.
    false_alarms: alarm spans during which, and 2 min after which, no object threatened the area.
    person_hours under alarm; *_person_hours: perfect knowledge and the practices of alerting the whole raion or oblast.
    ratio_*: this over those. lead_s: quantiles of entry minus start of the alarm, over counted events with an alarm.
    flickers: spans under 2 min or begun within 2 min of the end of one of the same level in the area; a watch that an
    alarm follows at once is not one.
    in_time_seen, events_seen: the same share over those events that the sensors had in view in time, when known.
    """

    events: int
    events_not_counted: int
    in_time: float
    in_time_by_kind: dict[str, float]
    missed: int
    late: int
    alarms: int
    watches: int
    false_alarms: int
    person_hours: float
    watch_person_hours: float
    perfect_person_hours: float
    raion_person_hours: float
    oblast_person_hours: float
    ratio_to_perfect: float
    ratio_to_raion: float
    ratio_to_oblast: float
    raion_ratio_to_perfect: float
    oblast_ratio_to_perfect: float
    lead_s: dict[str, float]
    flickers: int
    flicker_share: float
    events_seen: int | None = None
    in_time_seen: float | None = None
    forecasts: ForecastSkill | None = None


class Spans(msgspec.Struct, frozen=True):
    """Alert spans of one level as arrays: area index, start and end in seconds since the origin of the flights."""

    area: np.ndarray
    start: np.ndarray
    end: np.ndarray


def read_spans(alerts: pa.Table, areas: Areas, level: str, origin_us: int, until_s: float) -> Spans:
    """The spans of one level; one still active lasts until until_s. Raises BadInputError for an unknown area."""
    table = alerts.filter(pc.equal(alerts["level"], level))
    area = pc.index_in(table["area"], value_set=pa.array(areas.code, pa.string())).combine_chunks()
    if area.null_count:
        code = table["area"].filter(pc.is_null(area))[0].as_py()
        raise BadInputError("alerts: column area", repr(code), "a code of the areas file")
    start = (time_us(table["start"]) - origin_us) / 1e6
    ends = time_us(table["end"])
    end = np.where(ends < 0, np.maximum(until_s, start), (ends - origin_us) / 1e6)
    return Spans(area.to_numpy(zero_copy_only=False).astype(np.int64), start, end)


def perfect_spans(events: Passages, flights: Flights) -> Spans:
    """What perfect knowledge does: from the lead before each entry (or the object's first row) to 2 min after."""
    born = flights.born[events.object]
    start = np.maximum(events.enter - events.lead, np.minimum(born, events.enter))
    return Spans(events.area, start, events.leave + AFTER_S)


def practice_spans(flights: Flights, circles: Circles, region: np.ndarray) -> Spans:
    """The whole region (index per area) while an object is within 15 km of it or will be in 10 min, off 10 min later.

    Nearness is to the circles of equal area of the region's members.
    """
    everyone = np.ones(len(flights.kind), bool)
    near = within(flights, circles, PRACTICE_NEAR_M, everyone, np.zeros(len(flights.kind)))
    of = region[near[:, 1].astype(np.int64)]
    start = near[:, 2] - PRACTICE_AHEAD_S
    if len(near):
        start = np.maximum(start, flights.born[near[:, 0].astype(np.int64)])
    which, start, end = union(of, start, near[:, 3] + PRACTICE_AFTER_S)
    members = [np.flatnonzero(region == r) for r in range(int(region.max()) + 1)]
    sizes = np.array([len(members[r]) for r in which], np.int64)
    area = np.concatenate([members[r] for r in which]) if len(which) else np.empty(0, np.int64)
    return Spans(area, np.repeat(start, sizes), np.repeat(end, sizes))


def regions(areas: Areas) -> tuple[np.ndarray, np.ndarray]:
    """Index per area of its raion (the parent; itself where it has none) and of its oblast.

    The oblast is told by the first four characters of a Ukrainian code (KATOTTG); other codes have only their parent.
    """
    raion = [parent or code for parent, code in zip(areas.parent, areas.code, strict=True)]
    oblast = [
        code[:4] if code.startswith("UA") and code[2:4].isdigit() else r
        for code, r in zip(areas.code, raion, strict=True)
    ]
    return np.unique(raion, return_inverse=True)[1], np.unique(oblast, return_inverse=True)[1]


def lead_times(events: Passages, alarm: Spans) -> np.ndarray:
    """Seconds from the start of the unbroken alarm that is on at each entry; NaN where none is on."""
    area, start, end = union(alarm.area, alarm.start, alarm.end)
    row = covering(area, start, end, events.area, events.enter)
    return np.where(row >= 0, events.enter - start[np.maximum(row, 0)] if len(start) else np.nan, np.nan)


def count_false(events: Passages, alarm: Spans) -> int:
    """Alarm spans that no passage of their area touches, also not within 2 min after."""
    danger = union(events.area, events.enter - 1e-3, events.leave + 1e-3)
    area, start, end = alarm.area, alarm.start, alarm.end + AFTER_S
    if not len(danger[0]):
        return len(area)
    inside = covering(*danger, area, start) >= 0
    low = float(min(danger[1].min(), start.min(initial=0.0)))
    width = float(max(danger[2].max(), end.max(initial=0.0))) - low + 1.0
    key = danger[0] * width + danger[1] - low
    before = np.searchsorted(key, area * width + start - low)
    after = np.searchsorted(key, area * width + end - low, side="right")
    return int(np.count_nonzero(~inside & (after <= before)))


def count_flickers(spans: Spans, succeeded: Spans | None = None) -> int:
    """Spans under 2 min, or begun within 2 min of the end of the one before in their area.

    A span at whose end one of `succeeded` begins in the same area is not counted for being short.
    """
    order = np.lexsort((spans.start, spans.area))
    area, start, end = spans.area[order], spans.start[order], spans.end[order]
    short = end - start < FLICKER_S
    again = np.zeros(len(area), bool)
    again[1:] = (area[1:] == area[:-1]) & (start[1:] - end[:-1] < FLICKER_S)
    if succeeded is not None and len(succeeded.area):
        known = set(zip(succeeded.area.tolist(), np.round(succeeded.start, 3).tolist(), strict=True))
        passed_on = np.array(
            [pair in known for pair in zip(area.tolist(), np.round(end, 3).tolist(), strict=True)], bool
        )
        short &= ~passed_on
        again[1:] &= ~passed_on[:-1]
    return int(np.count_nonzero(short | again))


def score_alerts(
    alerts: pa.Table, truth: pa.Table, areas: Areas, forecasts: pa.Table | None = None, seen: np.ndarray | None = None
) -> AlertScores:
    """Score alerts (tables of the schemas `alerts` and `truth`; forecasts too when given).

    seen: (n,) bool per row of the truth, whether the sensors had the object in view then.

    In time means: the alarm was on without a break from the lead of the kind before the entry (300 s drone, 120 s
    cruise missile, 60 s ballistic) until the entry.
    Raises BadInputError when the truth has no hostile row or an area is unknown.
    """
    flights, circles = on_plane(truth, areas)
    if len(flights.number) == 0:
        raise BadInputError("truth", "no hostile object", "at least one hostile object to score against")
    events = passages(flights, circles)
    until = float(flights.time.max()) + AFTER_S
    alarm = read_spans(alerts, areas, "alarm", flights.origin_us, until)
    watch = read_spans(alerts, areas, "watch", flights.origin_us, until)
    leads = lead_times(events, alarm)
    weight = circles.weight[events.area]
    ok = leads >= events.lead - 1e-6
    counted = events.counted
    have = leads[counted & ~np.isnan(leads)]
    known = None if seen is None else counted & foreseeable(truth, seen, flights, events)
    raion, oblast = regions(areas)
    own = person_hours(alarm.area, alarm.start, alarm.end, circles.weight)
    others = [perfect_spans(events, flights), *(practice_spans(flights, circles, of) for of in (raion, oblast))]
    costs = [person_hours(spans.area, spans.start, spans.end, circles.weight) for spans in others]
    flickers = count_flickers(alarm) + count_flickers(watch, alarm)
    return AlertScores(
        events=int(counted.sum()),
        events_not_counted=int((~counted).sum()),
        in_time=_share(weight[counted & ok].sum(), weight[counted].sum()),
        in_time_by_kind=_by_kind(events, flights, ok, weight),
        missed=int(np.count_nonzero(counted & np.isnan(leads))),
        late=int(np.count_nonzero(counted & ~np.isnan(leads) & ~ok)),
        alarms=len(alarm.area),
        watches=len(watch.area),
        false_alarms=count_false(events, alarm),
        person_hours=own,
        watch_person_hours=person_hours(watch.area, watch.start, watch.end, circles.weight),
        perfect_person_hours=costs[0],
        raion_person_hours=costs[1],
        oblast_person_hours=costs[2],
        ratio_to_perfect=_share(own, costs[0]),
        ratio_to_raion=_share(own, costs[1]),
        ratio_to_oblast=_share(own, costs[2]),
        raion_ratio_to_perfect=_share(costs[1], costs[0]),
        oblast_ratio_to_perfect=_share(costs[2], costs[0]),
        lead_s={f"{q:g}": float(np.quantile(have, q)) for q in QUANTILES} if len(have) else {},
        flickers=flickers,
        flicker_share=_share(flickers, len(alarm.area) + len(watch.area)),
        events_seen=None if known is None else int(known.sum()),
        in_time_seen=None if known is None else _share(weight[known & ok].sum(), weight[known].sum()),
        forecasts=None if forecasts is None else score_forecasts(forecasts, flights, events, areas, circles),
    )


def _by_kind(events: Passages, flights: Flights, ok: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    kind = flights.kind[events.object]
    shares: dict[str, float] = {}
    for k, name in enumerate(KINDS):
        use = events.counted & (kind == k)
        if use.any():
            shares[name] = _share(weight[use & ok].sum(), weight[use].sum())
    return shares


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else float("nan")
