"""From forecasts to what each area has to fear: scores that raise and hold an alarm or a watch at 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import ARRIVED_S, ARRIVED_STEP_S, THREATS, floats

from .settings import AlertSettings

LATE_S = 40.0
"""An alarm that comes so much later than the lead still serves; chosen on simulated nights (docs/adr/0016)."""
SURE_SHARE = 0.5
"""Where an object comes almost surely, an alarm at this share of its ratio is only early, not for nothing."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """The forecasts of one beat, m rows: area and threat as indices, times in seconds.

    arrived (m, len(ARRIVED_S)): the probability that it has come by then, NaN where it is not told.
    """

    area: Ints
    track: Ints
    threat: Ints
    probability: Floats
    median: Floats
    low: Floats
    high: Floats
    arrived: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """Per area (n,): sums over tracks of probability over cost-loss ratio; 1 is where the alert is worth its cost.

    alarm: arrivals that can just be told in time, and those that cannot any more. keep: all within lead, margin and
    look_s more. watch: within the horizon. probability: that any track comes. share (m,): what each row
    adds to its area's danger, for the reasons.
    """

    alarm: Floats
    keep: Floats
    watch: Floats
    early: Floats
    probability: Floats
    share: Floats


def read_rows(forecasts: pa.Table, codes: pa.Array) -> Rows:
    """The rows of a forecasts table whose area is known; a missing arrival time counts as now."""
    area: Any = pc.index_in(forecasts["area"], value_set=codes)
    known = np.asarray(pc.is_valid(area).combine_chunks().to_numpy(zero_copy_only=False), bool)
    table = forecasts.filter(pa.array(known))
    threat: Any = pc.index_in(table["threat"], value_set=pa.array(THREATS))
    median = np.nan_to_num(floats(table["eta_s"]), nan=0.0)
    low, high = floats(table["eta_low_s"]), floats(table["eta_high_s"])
    return Rows(
        area=_ints(pc.index_in(table["area"], value_set=codes)),
        track=_ints(table["track"]),
        threat=_ints(pc.fill_null(threat, len(THREATS) - 1)),
        probability=np.nan_to_num(floats(table["probability"]), nan=0.0),
        median=median,
        low=np.minimum(np.where(np.isnan(low), median, low), median),
        high=np.maximum(np.where(np.isnan(high), median, high), median),
        arrived=_arrived(table),
    )


def _arrived(table: pa.Table) -> Floats:
    """The column `arrived` as (m, len(ARRIVED_S)); NaN in rows that have none of that length."""
    column: Any = table["arrived"].combine_chunks()
    length = _ints(pc.fill_null(pc.list_value_length(column), 0))
    told = length == len(ARRIVED_S)
    found = np.full((len(told), len(ARRIVED_S)), np.nan)
    if told.any():
        values: Any = pc.list_flatten(column.filter(pa.array(told)))
        found[told] = floats(values).reshape(-1, len(ARRIVED_S))
    return found


def _ints(column: Any) -> Ints:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(array.to_numpy(zero_copy_only=False), np.int64)


def arrived_by(rows: Rows, t: Floats) -> Floats:
    """Share of the arrivals by time t (m,): straight lines through the 5, 50 and 95 % times.

    The first 5 % are spread over a third of the step from the median down, at most 30 s: about 2.2 sigma of a normal.
    """
    first = rows.low - np.clip(0.33 * (rows.median - rows.low), 1.0, 30.0)
    last = rows.high + np.clip(0.33 * (rows.high - rows.median), 1.0, 300.0)
    share = 0.05 * (t - first) / np.maximum(rows.low - first, 1e-9)
    share = np.where(t >= rows.low, 0.05 + 0.45 * (t - rows.low) / np.maximum(rows.median - rows.low, 1e-9), share)
    share = np.where(
        t >= rows.median, 0.5 + 0.45 * (t - rows.median) / np.maximum(rows.high - rows.median, 1e-9), share
    )
    share = np.where(t >= rows.high, 0.95 + 0.05 * (t - rows.high) / np.maximum(last - rows.high, 1e-9), share)
    return np.clip(share, 0.0, 1.0)


def come_by(rows: Rows, t: Floats) -> Floats:
    """Probability that each row's object has come by time t (m,): from `arrived`, else along the three times."""
    plain = rows.probability * arrived_by(rows, t)
    if not len(rows.area):
        return plain
    at = np.minimum(t / ARRIVED_STEP_S, len(ARRIVED_S) - 1.0)
    low = at.astype(np.int64)
    row, part = np.arange(len(at)), at - low
    high = np.minimum(low + 1, len(ARRIVED_S) - 1)
    exact = rows.arrived[row, low] * (1.0 - part) + rows.arrived[row, high] * part
    return np.where(np.isnan(exact) | (t > ARRIVED_S[-1]), plain, exact)


def score(rows: Rows, areas: int, settings: AlertSettings) -> Scores:
    """Expected loss averted over cost, per area, summed over independent tracks.

    A track with probability p counts -ln(1 - p), so that many small dangers add up to one as they should.
    """
    policies = [settings.policy(threat) for threat in THREATS]

    def of(name: str) -> Floats:
        return np.array([getattr(p, name) for p in policies])[rows.threat]

    need = of("lead_s") + of("margin_s")
    near = come_by(rows, need)
    # What arrives sooner than this can only be told late.
    late = come_by(rows, np.maximum(of("lead_s") - LATE_S, 0.0))
    timely = np.maximum(near - late, 0.0)
    ever = _danger(rows.probability)
    early = np.where(rows.low > need + settings.watch_early_s, ever, 0.0)
    # The same threshold in the measure of -ln(1 - p), so that one track alone alarms exactly at its ratio.
    alarm_ratio, late_ratio, watch_ratio = (_danger(of(f"{name}_ratio")) for name in ("alarm", "late", "watch"))
    soon = come_by(rows, need + settings.look_s)
    raises = _danger(timely) / _danger(of("alarm_ratio") * (1.0 - SURE_SHARE * soon)) + _danger(late) / late_ratio

    def total(value: Floats) -> Floats:
        return np.bincount(rows.area, weights=value, minlength=areas).astype(np.float64)

    return Scores(
        alarm=total(raises),
        keep=total(_danger(soon) / alarm_ratio),
        watch=total(ever / watch_ratio),
        early=total(early / watch_ratio),
        probability=-np.expm1(-total(ever)),
        share=_danger(near) / alarm_ratio + 1e-3 * ever / watch_ratio,
    )


def _danger(probability: Floats) -> Floats:
    return -np.log1p(-np.minimum(probability, 0.999))
