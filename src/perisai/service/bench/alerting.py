"""Alerts against perfect knowledge, on nights nothing was tuned on: from noisy true tracks, and from detections."""

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.alerting import Alerter
from perisai.evaluation import AlertScores, score_alerts
from perisai.forecasting import Forecaster
from perisai.model import Areas, alerts_table, split_frames
from perisai.simulation import (
    benchmark_scenario,
    communities,
    default_network,
    median_night,
    observe,
    raid_truth,
    tracks_from_truth,
    visible,
)

from ..config import Config
from ..pipeline import AlertBook, AlertStage, TrackStage
from .cone import NARROW, WIDE, cone_alerts

LARGEST = "2025-09-07"
MEDIAN_SEEDS, LARGEST_SEEDS, DETECTION_SEED = (7012, 7013, 7014), (7105, 7106), 7205
"""Seeds of the report; nothing is tuned on them."""
QUICK_HOURS = 1.0
QUICK_FROM_H = 2.0
"""Quick runs take the hour from two hours after the first take-off, when the raid is on its way."""
LOAD_TRACKS, LOAD_SCANS = 1000, 20


def run(quick: bool = False) -> dict[str, Any]:
    """The bars of issue 8 as figures. Quick: one hour of one night of each kind, and of the one from detections."""
    areas = communities()
    hours = QUICK_HOURS if quick else None
    median = [_night(median_night(seed, areas), seed, areas, hours) for seed in MEDIAN_SEEDS[: 1 if quick else None]]
    largest = [_night(raid_truth(LARGEST, seed, areas), seed, areas, hours) for seed in LARGEST_SEEDS]
    return {
        "median_night_from_tracks": median,
        "largest_night_from_tracks": largest,
        "from_detections": from_detections(DETECTION_SEED, hours, areas),
        "live": latency(200 if quick else LOAD_TRACKS),
    }


def _night(truth: pa.Table, seed: int, areas: Areas, hours: float | None) -> dict[str, Any]:
    """Figures of one night, or of some hours of it, from tracks, beside those of plain cones on the same tracks."""
    chosen = truth if hours is None else _middle(truth, hours)
    began = time.process_time()
    figures = {"seed": seed, "hours": hours} | _figures(from_tracks(chosen, seed, areas))
    figures["cpu_s"] = round(time.process_time() - began, 1)
    tracks = tracks_from_truth(chosen, seed)
    for name, cone in (("cone_wide", WIDE), ("cone_narrow", NARROW)):
        scores = score_alerts(cone_alerts(tracks, areas, cone), chosen, areas)
        figures[name] = {"in_time": scores.in_time, "ratio_to_perfect": scores.ratio_to_perfect}
    return figures


def from_tracks(truth: pa.Table, seed: int, areas: Areas, config: Config | None = None) -> AlertScores:
    """Scores of the alerts made from tracks of 30 s, 300 m and 3 m/s noise (ALERTING.md)."""
    settings = config or Config()
    forecaster, alerter = Forecaster(areas, settings.forecasting), Alerter(areas, settings.alerting)
    frames = split_frames(tracks_from_truth(truth, seed), "tracks")
    return score_alerts(_alerts(forecaster, alerter, ((f.table, f.end_us) for f in frames)), truth, areas)


def from_detections(seed: int, hours: float | None, areas: Areas) -> dict[str, Any]:
    """Scores of the alerts made by the real tracker from what the default network detects of a median night."""
    network = default_network(areas)
    truth = median_night(seed, areas)
    truth = truth if hours is None else _middle(truth, hours)
    tracker, forecaster, alerter = TrackStage(network, Config()), Forecaster(areas), Alerter(areas)
    feed = split_frames(observe(truth, network, seed))
    alerts = _alerts(forecaster, alerter, ((tracker.step(frame), frame.end_us) for frame in feed))
    scores = score_alerts(alerts, truth, areas, seen=visible(truth, network))
    return {"seed": seed, "hours": hours} | _figures(scores)


def latency(tracks: int) -> dict[str, Any]:
    """Seconds from the close of a frame to its CAP messages out, at so many targets; frames of 1 s come on top."""
    made = benchmark_scenario("spread", tracks, 9401, LOAD_SCANS)
    tracker, stage = TrackStage([made.sensor], Config()), AlertStage(communities(), Config())
    spent: list[float] = []
    messages = 0
    for frame in split_frames(made.detections):
        began = time.perf_counter()
        step = stage.step(tracker.step(frame), frame.end_us)
        spent.append(time.perf_counter() - began)
        messages += len(step.cap)
    warm = np.array(spent[8:])
    p50, p99 = np.quantile(warm, [0.5, 0.99])
    return {"tracks": tracks, "cap_messages": messages, "frame_p50_s": float(p50), "frame_p99_s": float(p99)}


def _alerts(forecaster: Forecaster, alerter: Alerter, steps: Iterable[tuple[pa.Table, int]]) -> pa.Table:
    """The alerts decided on, as AlertStage decides, without writing a CAP message for each."""
    book = AlertBook()
    for rows, end_us in steps:
        forecasts = forecaster.step(rows, end_us)
        for change in alerter.step(forecasts, end_us) if forecaster.beat(end_us) else []:
            book.apply(change)
    return alerts_table(book.alerts())


def _middle(truth: pa.Table, hours: float) -> pa.Table:
    """The rows of so many hours, from two hours after the first."""
    start = pc.min(truth["time"]).as_py() + timedelta(hours=QUICK_FROM_H)
    chosen = pc.and_(
        pc.greater_equal(truth["time"], pa.scalar(start, truth["time"].type)),
        pc.less(truth["time"], pa.scalar(start + timedelta(hours=hours), truth["time"].type)),
    )
    return truth.filter(chosen)


def _figures(s: AlertScores) -> dict[str, Any]:
    names = (
        "events", "in_time", "in_time_by_kind", "missed", "late", "ratio_to_perfect", "ratio_to_raion",
        "ratio_to_oblast", "alarms", "false_alarms", "flicker_share", "events_seen", "in_time_seen",
    )  # fmt: skip
    return {name: getattr(s, name) for name in names if getattr(s, name) is not None}
