"""The record of real sirens: how long residents sat under alert, so that a centre sees its own practice in figures."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import Areas, BadInputError, time_us

from .spans import union

STUCK_S = 86_400.0
"""An interval longer than this was not ended by anybody; it is set aside and counted."""
OBLAST_CHARACTERS = 4


class SirenScores(msgspec.Struct, frozen=True, kw_only=True):
    """What `perisai evaluate sirens` reports of one region (or of all) and one month (or of all).

    alerts, stuck: intervals counted, and those over 24 h set aside. hours_per_month: hours under alert of a place in
    the region per month of 30.44 days, the mean over its oblasts. duration_min: quantiles. by_month: those hours, month
    by month. snapshots: see SnapshotScores.
    """

    region: str
    month: str
    alerts: int
    stuck: int
    hours_per_month: float
    duration_min: dict[str, float]
    restarts_within_2_min: int
    by_month: dict[str, float]
    snapshots: "SnapshotScores | None" = None


class SnapshotScores(msgspec.Struct, frozen=True, kw_only=True):
    """What was active at the moments of the daily record.

    nights: moments with an alert. entries: active entries by level. stuck: those older than 24 h, set aside.
    residents, residents_oblast_wide: mean number under alert then, as alerted and had each alert been oblast-wide.
    spared: the share that alerts smaller than an oblast spare.
    """

    nights: int
    entries: dict[str, int]
    stuck: int
    residents: float
    residents_oblast_wide: float
    spared: float


def score_sirens(
    intervals: pa.Table,
    region: str = "",
    month: str = "",
    snapshots: pa.Table | None = None,
    areas: Areas | None = None,
) -> SirenScores:
    """Statistics of recorded sirens.

    intervals: columns region, started_at, finished_at (timestamps, UTC), oblast_code. region: a name as in the
    record or the beginning of an oblast code; empty for all. month: YYYY-MM; empty for all. snapshots: columns snap,
    level, oblast_code, raion_code, hromada_code, started_at; needs areas for the residents.
    Raises BadInputError when a column is missing or nothing of the record is of the region and month.
    """
    _need(intervals, ("region", "started_at", "finished_at", "oblast_code"), "intervals")
    intervals = _of_region(intervals, region, "region")
    start, end = (
        time_us(intervals[name].cast(pa.timestamp("us", "UTC"))) / 1e6 for name in ("started_at", "finished_at")
    )
    ended = end - start <= STUCK_S
    low, high = _month_span(month, start[ended], end[ended])
    stuck = (end > low) & (start < high) & ~ended
    use = (end > low) & (start < high) & ended
    if not use.any():
        raise BadInputError("intervals", f"none of {region!r}, month {month!r}", "a region and month of the record")
    place = np.unique(np.array(intervals["region"].cast(pa.string()).to_pylist())[use], return_inverse=True)[1]
    where, begins, ends = union(place, np.maximum(start[use], low), np.minimum(end[use], high))
    places = int(place.max()) + 1
    months = _months(low, high)
    hours = {
        name: float(np.clip(np.minimum(ends, b) - np.maximum(begins, a), 0.0, None).sum() / 3600.0 / places)
        for name, a, b in months
    }
    length = (end - start)[use] / 60.0
    again = (where[1:] == where[:-1]) & (begins[1:] - ends[:-1] < 120.0)
    whole = max((high - low) / (30.44 * 86_400.0), 1e-9)
    return SirenScores(
        region=region or "all",
        month=month or "all",
        alerts=int(use.sum()),
        stuck=int(stuck.sum()),
        hours_per_month=float((ends - begins).sum() / 3600.0 / places / whole),
        duration_min={f"{q:g}": float(np.quantile(length, q)) for q in (0.05, 0.25, 0.5, 0.75, 0.95)},
        restarts_within_2_min=int(np.count_nonzero(again)),
        by_month=hours,
        snapshots=None if snapshots is None or areas is None else _snapshots(snapshots, region, month, areas),
    )


def _snapshots(snapshots: pa.Table, region: str, month: str, areas: Areas) -> SnapshotScores | None:
    names = ("snap", "level", "oblast_code", "raion_code", "hromada_code", "started_at")
    _need(snapshots, names, "snapshots")
    code = region if region.startswith("UA") else ""
    snapshots = _of_region(snapshots, code, "oblast_code")
    snap, start = (_seconds(snapshots, name) for name in ("snap", "started_at"))
    low, high = _month_span(month, snap, snap + 1.0)
    use = (snap >= low) & (snap < high)
    stuck = use & (snap - start > STUCK_S)
    use &= ~stuck
    if not use.any():
        return None
    oblast, raion, hromada = (snapshots[name].cast(pa.string()).to_pylist() for name in names[2:5])
    level = snapshots["level"].cast(pa.string()).to_pylist()
    own_oblast = np.array([c[:OBLAST_CHARACTERS] for c in areas.code])
    own_raion, own_code = np.array(areas.parent), np.array(areas.code)
    people = np.maximum(areas.population, 500.0)
    as_alerted, oblast_wide = 0.0, 0.0
    moments = np.unique(snap[use])
    for moment in moments:
        on, wide = np.zeros(len(people), bool), np.zeros(len(people), bool)
        for i in np.flatnonzero(use & (snap == moment)):
            inside = own_oblast == oblast[i][:OBLAST_CHARACTERS]
            wide |= inside
            on |= (
                inside
                if level[i] == "oblast"
                else own_raion == raion[i]
                if level[i] == "raion"
                else own_code == hromada[i]
            )
        as_alerted += float(people[on].sum())
        oblast_wide += float(people[wide].sum())
    counts = {
        name: int(sum(1 for i in np.flatnonzero(use) if level[i] == name)) for name in ("oblast", "raion", "hromada")
    }
    nights = len(moments)
    spared = 1.0 - as_alerted / oblast_wide if oblast_wide > 0.0 else 0.0
    return SnapshotScores(
        nights=nights, entries=counts, stuck=int(stuck.sum()), residents=as_alerted / nights,
        residents_oblast_wide=oblast_wide / nights, spared=spared,
    )  # fmt: skip


def _seconds(table: pa.Table, name: str) -> np.ndarray:
    return time_us(table[name].cast(pa.timestamp("us", "UTC"))) / 1e6


def _need(table: pa.Table, names: tuple[str, ...], what: str) -> None:
    for name in names:
        if name not in table.column_names:
            raise BadInputError(f"{what}: column {name}", "missing", f"columns {', '.join(names)}")


def _of_region(table: pa.Table, region: str, column: str) -> pa.Table:
    if not region:
        return table
    name = pc.equal(table[column].cast(pa.string()), region)
    code = pc.starts_with(table["oblast_code"].cast(pa.string()), region)
    return table.filter(pc.fill_null(pc.or_(name, code), False))


def _month_span(month: str, start: np.ndarray, end: np.ndarray) -> tuple[float, float]:
    if not month:
        return float(start.min(initial=np.inf)), float(end.max(initial=-np.inf))
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadInputError("month", repr(month), "YYYY-MM") from error
    return first.timestamp(), _next(first).timestamp()


def _next(first: datetime) -> datetime:
    return datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)


def _months(low: float, high: float) -> list[tuple[str, float, float]]:
    """(YYYY-MM, begin, end) of every month the span touches, cut to the span."""
    at = datetime.fromtimestamp(low, UTC)
    first = datetime(at.year, at.month, 1, tzinfo=UTC)
    out: list[tuple[str, float, float]] = []
    while first.timestamp() < high:
        after = _next(first)
        out.append((first.strftime("%Y-%m"), max(first.timestamp(), low), min(after.timestamp(), high)))
        first = after
    return out
