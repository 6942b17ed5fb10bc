"""From forecasts to what each area has to fear: scores that raise and hold an alarm or a watch at 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import THREATS, floats

from .settings import AlertSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """The forecasts of one beat, m rows: area and threat as indices, times in seconds."""

    area: Ints
    track: Ints
    threat: Ints
    probability: Floats
    median: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """Per area (n,): sums over tracks of probability over cost-loss ratio; 1 is where the alert is worth its cost.

    alarm: arrivals within lead and margin. keep: within look_s more. watch: within the horizon. probability: that
    any track comes. share (m,): what each row adds to its area's alarm and watch, for the reasons.
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
    )


def _ints(column: Any) -> Ints:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), np.int64)


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


def score(rows: Rows, areas: int, settings: AlertSettings) -> Scores:
    """Expected loss averted over cost, per area, summed over independent tracks.

    A track with probability p counts -ln(1 - p), so that many small dangers add up to one as they should.
    """
    policies = [settings.policy(threat) for threat in THREATS]
    need = np.array([p.lead_s + p.margin_s for p in policies])[rows.threat]
    alarm_ratio = np.array([p.alarm_ratio for p in policies])[rows.threat]
    watch_ratio = np.array([p.watch_ratio for p in policies])[rows.threat]
    soon = _danger(rows.probability * arrived_by(rows, need))
    later = _danger(rows.probability * arrived_by(rows, need + settings.look_s))
    ever = _danger(rows.probability)
    early = np.where(rows.low > need + settings.watch_early_s, ever, 0.0)
    # The same threshold in the measure of -ln(1 - p), so that one track alone alarms exactly at its ratio.
    alarm_ratio, watch_ratio = _danger(alarm_ratio), _danger(watch_ratio)

    def total(value: Floats) -> Floats:
        return np.bincount(rows.area, weights=value, minlength=areas).astype(np.float64)

    return Scores(
        alarm=total(soon / alarm_ratio),
        keep=total(later / alarm_ratio),
        watch=total(ever / watch_ratio),
        early=total(early / watch_ratio),
        probability=-np.expm1(-total(ever)),
        share=soon / alarm_ratio + 1e-3 * ever / watch_ratio,
    )


def _danger(probability: Floats) -> Floats:
    return -np.log1p(-np.minimum(probability, 0.999))
