"""Scores of tracks against the truth: GOSPA and its parts, identity, completeness, delay, consistency."""

import math
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from perisai.geodesy import plane_at
from perisai.model import KINDS, BadInputError, floats, time_us

from .gospa import gospa
from .standing import Samples, track_samples, truth_samples

MAX_AGE_S = 60.0
_NEES_95 = 5.991
"""95 % point of chi-squared with two degrees of freedom."""


class KindScores(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the objects of one kind; delays in seconds after the object's first appearance, null if none."""

    kind: str
    objects: int
    tracked: int
    completeness: float
    rms_m: float | None
    initiation_s: float | None
    kind_right: float | None


class TrackScores(msgspec.Struct, frozen=True, kw_only=True):
    """The score of a set of tracks; means are over the scoring times.

    gospa_m and its parts: cut-off 2 km, order 2, alpha 2. missed, false: mean numbers at a time. rms_m: of assigned
    pairs. identity_switches: per object and minute flown. false_tracks_per_h: tracks that follow no object for half
    their time. completeness: share of the objects' time under a track. initiation_*: from an object's first appearance
    to its first confirmed track, over those ever tracked. latency_*: age of the newest update of a track in use.
    nees: mean normalised estimation error squared in position (2 when consistent), nees_in_95: share inside the 95 %
    bound; null when the tracks carry no covariance. kind_right: share of the assigned whose likeliest class is true.
    """

    times: int
    objects: int
    tracks: int
    gospa_m: float
    location_m: float
    missed_m: float
    false_m: float
    missed: float
    false: float
    rms_m: float | None
    identity_switches: float
    false_tracks_per_h: float
    completeness: float
    initiation_p50_s: float | None
    initiation_p90_s: float | None
    latency_p50_s: float | None
    latency_p99_s: float | None
    nees: float | None
    nees_in_95: float | None
    kind_right: float | None
    kinds: tuple[KindScores, ...]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Every assignment made, by time: rows of the truth's and of the tracks' samples, and the gap, m."""

    truth: np.ndarray
    track: np.ndarray
    gap_m: np.ndarray


def score_tracks(
    tracks: pa.Table,
    truth: pa.Table,
    period_s: float = 10.0,
    *,
    skip_s: float = 0.0,
    max_age_s: float = MAX_AGE_S,
    cutoff_m: float = 2_000.0,
    counted: np.ndarray | None = None,
) -> TrackScores:
    """Scores confirmed and coasting tracks every period_s from the truth's first time (plus skip_s) to its last.

    tracks, truth: tables of their schemas. A track stands at a scoring time where its newest update at or before it,
    no older than max_age_s and not ended, carries it at its velocity; an object stands between its rows.
    counted: (n,) bool per row of the truth: where false, an object without a track is not missed (nothing could see
    it), and one with a track is no fault. GOSPA with p = 2, alpha = 2 and cutoff_m (arXiv 1601.05585). Raises
    BadInputError for an empty truth.
    """
    if truth.num_rows == 0:
        raise BadInputError("truth", "no rows", "at least one object")
    plane = plane_at(float(np.nanmean(floats(truth["lat"]))), float(np.nanmean(floats(truth["lon"]))))
    time = time_us(truth["time"])
    first = int(time.min()) + round(skip_s * 1e6)
    ticks = np.arange(first, int(time.max()) + 1, round(period_s * 1e6), dtype=np.int64)
    counted = np.ones(truth.num_rows, dtype=bool) if counted is None else counted
    true = truth_samples(truth, ticks, plane, counted)
    found = track_samples(tracks, ticks, plane, max_age_s)
    parts, pairs = _match(true, found, len(ticks), cutoff_m)
    right = _kind_right(true, found, pairs)
    delays = _delays(true, pairs, ticks, _first_times(truth, counted))
    asked = true.extra[:, 1] > 0
    hours = max(len(ticks) * period_s / 3600.0, 1e-9)
    age = found.extra[pairs.track, 3]
    nees = _nees(true, found, pairs)
    return TrackScores(
        times=len(ticks),
        objects=len(np.unique(np.asarray(truth["object"].to_numpy()))),
        tracks=len(np.unique(found.identity)),
        gospa_m=float(parts[:, 0].mean()),
        location_m=float(parts[:, 1].mean()),
        missed_m=float(parts[:, 2].mean()),
        false_m=float(parts[:, 3].mean()),
        missed=float(parts[:, 4].mean()),
        false=float(parts[:, 5].mean()),
        rms_m=_rms(pairs.gap_m),
        identity_switches=_switches(true, found, pairs) / max(asked.sum() * period_s / 60.0, 1e-9),
        false_tracks_per_h=_false_tracks(found, pairs) / hours,
        completeness=float(asked[pairs.truth].sum() / max(asked.sum(), 1)),
        initiation_p50_s=_quantile(np.array(list(delays.values())), 0.5),
        initiation_p90_s=_quantile(np.array(list(delays.values())), 0.9),
        latency_p50_s=_quantile(age, 0.5),
        latency_p99_s=_quantile(age, 0.99),
        nees=None if not len(nees) else float(nees.mean()),
        nees_in_95=None if not len(nees) else float((nees < _NEES_95).mean()),
        kind_right=_mean(right),
        kinds=_by_kind(true, pairs, right, delays),
    )


def _match(true: Samples, found: Samples, ticks: int, cutoff_m: float) -> tuple[np.ndarray, _Pairs]:
    """GOSPA, location, missed, false, and the numbers missed and false, at each time (ticks, 6); and all pairs."""
    parts = np.empty((ticks, 6))
    a = np.searchsorted(true.tick, np.arange(ticks + 1))
    b = np.searchsorted(found.tick, np.arange(ticks + 1))
    truth_rows, track_rows, gaps = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for k in range(ticks):
        one = gospa(true.position[a[k] : a[k + 1]], found.position[b[k] : b[k + 1]], cutoff_m)
        missing = np.ones(a[k + 1] - a[k], dtype=bool)
        missing[one.truth] = False
        missed = int((missing & (true.extra[a[k] : a[k + 1], 1] > 0)).sum())
        missed_m = cutoff_m * (0.5 * missed) ** 0.5
        distance = math.sqrt(one.location**2 + missed_m**2 + one.false**2)
        parts[k] = (distance, one.location, missed_m, one.false, missed, b[k + 1] - b[k] - len(one.truth))
        truth_rows.append(one.truth + a[k])
        track_rows.append(one.track + b[k])
        gaps.append(one.gap_m)
    return parts, _Pairs(np.concatenate(truth_rows), np.concatenate(track_rows), np.concatenate(gaps))


def _switches(true: Samples, found: Samples, pairs: _Pairs) -> int:
    """How often an object's track is another than the last one it had."""
    who, track = true.identity[pairs.truth], found.identity[pairs.track]
    order = np.lexsort((true.tick[pairs.truth], who))
    who, track = who[order], track[order]
    return int(((who[1:] == who[:-1]) & (track[1:] != track[:-1])).sum())


def _false_tracks(found: Samples, pairs: _Pairs) -> int:
    assigned = np.zeros(len(found.tick))
    assigned[pairs.track] = 1.0
    _, which = np.unique(found.identity, return_inverse=True)
    if not len(which):
        return 0
    return int((np.bincount(which, assigned) / np.bincount(which) < 0.5).sum())


def _first_times(truth: pa.Table, counted: np.ndarray) -> dict[int, int]:
    """When each object first counted."""
    number, time = np.asarray(truth["object"].to_numpy())[counted], time_us(truth["time"])[counted]
    if not len(number):
        return {}
    order = np.lexsort((time, number))
    starts = order[np.flatnonzero(np.r_[True, np.diff(number[order]) != 0])]
    return {int(number[i]): int(time[i]) for i in starts}


def _delays(true: Samples, pairs: _Pairs, ticks: np.ndarray, began: dict[int, int]) -> dict[int, float]:
    """Seconds from when an object first counted, or the first scoring time, to its first track; 0 if it had one."""
    who, first = np.unique(true.identity[pairs.truth], return_index=True)
    # Pairs are in order of time, so the first of each object is its earliest.
    at = ticks[true.tick[pairs.truth[first]]]
    start = int(ticks[0])
    return {
        int(o): max(0, int(t) - max(began[int(o)], start)) / 1e6
        for o, t in zip(who, at, strict=True)
        if int(o) in began
    }


def _nees(true: Samples, found: Samples, pairs: _Pairs) -> np.ndarray:
    """Normalised estimation error squared of the assigned pairs whose track has a covariance."""
    error = found.position[pairs.track] - true.position[pairs.truth]
    ee, en, nn = found.extra[pairs.track, :3].T
    determinant = ee * nn - np.nan_to_num(en) ** 2
    known = np.isfinite(determinant) & (determinant > 0)
    error, ee, en, nn = error[known], ee[known], np.nan_to_num(en)[known], nn[known]
    squared = nn * error[:, 0] ** 2 - 2.0 * en * error[:, 0] * error[:, 1] + ee * error[:, 1] ** 2
    return squared / determinant[known]


def _kind_right(true: Samples, found: Samples, pairs: _Pairs) -> np.ndarray:
    """For each pair 1 where the track's likeliest class is the object's kind, 0 where not, NaN where it has none."""
    likeliest = found.extra[pairs.track, 4]
    # KINDS and THREATS begin with the same names in the same order; the threat `other` is no kind.
    return np.where(likeliest < 0, np.nan, likeliest == true.extra[pairs.truth, 0])


def _by_kind(true: Samples, pairs: _Pairs, right: np.ndarray, delays: dict[int, float]) -> tuple[KindScores, ...]:
    scores: list[KindScores] = []
    pair_kind = true.extra[pairs.truth, 0]
    asked = true.extra[:, 1] > 0
    for i, kind in enumerate(KINDS):
        mine = true.extra[:, 0] == i
        if not mine.any():
            continue
        objects = np.unique(true.identity[mine & asked])
        waits = np.array([delays[int(o)] for o in objects if int(o) in delays])
        scores.append(
            KindScores(
                kind=kind,
                objects=len(objects),
                tracked=len(waits),
                completeness=float(((pair_kind == i) & asked[pairs.truth]).sum() / max((mine & asked).sum(), 1)),
                rms_m=_rms(pairs.gap_m[pair_kind == i]),
                initiation_s=_quantile(waits, 0.5),
                kind_right=_mean(right[pair_kind == i]),
            )
        )
    return tuple(scores)


def _rms(gap_m: np.ndarray) -> float | None:
    return float(np.sqrt(np.mean(gap_m**2))) if len(gap_m) else None


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _quantile(values: np.ndarray, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None
