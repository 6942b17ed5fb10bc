"""The truth and the tracks as they stood at scoring times, on the region's plane."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perisai.geodesy import MEAN_RADIUS_M, Plane, to_plane
from perisai.model import KINDS, THREATS, floats, time_us


@dataclass(frozen=True, slots=True)
class Samples:
    """States at scoring times, rows by time: index of the time, identity, position on the plane, and what goes along.

    extra: (k, c) columns; for tracks p_ee, p_en, p_nn, age_s, likeliest class; for truth the index of the kind, and 1
    if counted.
    """

    tick: np.ndarray
    identity: np.ndarray
    position: np.ndarray
    extra: np.ndarray


def truth_samples(truth: pa.Table, ticks: np.ndarray, plane: Plane, counted: np.ndarray) -> Samples:
    """Objects of a truth table at the times (k,) int64 us between their first row and their last, interpolated.

    counted: (n,) bool per row of the table; a sample is counted as the row at or before it is.
    """
    number, time = truth["object"].to_numpy(), time_us(truth["time"])
    order = np.lexsort((time, number))
    number, time = number[order], time[order]
    counted = counted[order]
    lat, lon = floats(truth["lat"])[order], floats(truth["lon"])[order]
    index = {kind: i for i, kind in enumerate(KINDS)}
    kind = np.array([index.get(k, len(KINDS)) for k in truth["kind"].to_pylist()])[order]
    east, north = to_plane(plane, lat, lon)
    tick, identity, position, kinds = [], [], [], []
    starts = np.flatnonzero(np.r_[True, np.diff(number) != 0])
    for a, b in zip(starts, [*starts[1:], len(number)], strict=True):
        low, high = np.searchsorted(ticks, time[a]), np.searchsorted(ticks, time[b - 1], side="right")
        at = ticks[low:high]
        tick.append(np.arange(low, high))
        identity.append(np.full(high - low, number[a]))
        position.append(np.column_stack([np.interp(at, time[a:b], east[a:b]), np.interp(at, time[a:b], north[a:b])]))
        row = a + np.searchsorted(time[a:b], at, side="right") - 1
        kinds.append(np.column_stack([np.full(high - low, kind[a]), counted[row]]))
    return _by_tick(tick, identity, position, kinds, 2)


def track_samples(tracks: pa.Table, ticks: np.ndarray, plane: Plane, max_age_s: float) -> Samples:
    """Confirmed and coasting tracks at the times: their newest update, carried at its velocity."""
    if tracks.num_rows == 0:
        return _by_tick([], [], [], [], 5)
    number, time = tracks["track"].to_numpy(), time_us(tracks["time"])
    order = np.lexsort((np.arange(len(time)), time, number))
    number, time = number[order], time[order]
    status = np.array(tracks["status"].to_pylist(), dtype=object)[order]
    live = ~np.isin(status.astype(str), ("tentative", "ended"))
    lat, lon = floats(tracks["lat"])[order], floats(tracks["lon"])[order]
    ve, vn = (np.nan_to_num(floats(tracks[name]))[order] for name in ("ve_mps", "vn_mps"))
    covariance = np.column_stack([floats(tracks[name])[order] for name in ("p_ee", "p_en", "p_nn")])
    classes = np.column_stack([np.nan_to_num(floats(tracks[f"p_{threat}"]))[order] for threat in THREATS])
    likeliest = np.where(classes.max(axis=1) > 0, classes.argmax(axis=1), -1)
    tick, identity, position, extra = [], [], [], []
    starts = np.flatnonzero(np.r_[True, np.diff(number) != 0])
    for a, b in zip(starts, [*starts[1:], len(number)], strict=True):
        low = np.searchsorted(ticks, time[a])
        high = np.searchsorted(ticks, time[b - 1] + round(max_age_s * 1e6), side="right")
        row = a + np.searchsorted(time[a:b], ticks[low:high], side="right") - 1
        age = (ticks[low:high] - time[row]) / 1e6
        kept = live[row] & (age <= max_age_s) & np.isfinite(lat[row])
        row, age = row[kept], age[kept]
        # A velocity along true east and north, carried on the sphere, then to the plane.
        ahead_lat = lat[row] + np.degrees(vn[row] * age / MEAN_RADIUS_M)
        ahead_lon = lon[row] + np.degrees(ve[row] * age / (MEAN_RADIUS_M * np.cos(np.radians(lat[row]))))
        tick.append(np.arange(low, high)[kept])
        identity.append(np.full(len(row), number[a]))
        position.append(np.column_stack(to_plane(plane, ahead_lat, ahead_lon)))
        extra.append(np.column_stack([covariance[row], age, likeliest[row]]))
    return _by_tick(tick, identity, position, extra, 5)


def _by_tick(
    tick: list[np.ndarray],
    identity: list[np.ndarray],
    position: list[np.ndarray],
    extra: list[np.ndarray],
    columns: int,
) -> Samples:
    if not tick:
        return Samples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2)), np.empty((0, columns)))
    at = np.concatenate(tick)
    order = np.argsort(at, kind="stable")
    return Samples(at[order], np.concatenate(identity)[order], np.vstack(position)[order], np.vstack(extra)[order])
