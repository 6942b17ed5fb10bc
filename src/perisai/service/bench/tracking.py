"""`perisai bench tracking`: throughput, truth and consistency beside Stone Soup's tracker on the same plots.

The settings were tuned on seed 0; everything here is measured on other seeds. Rates are of one core and hold the whole
way from a table of detections to a table of tracks, by processor time. The figures that belong to bars are the ratios.
"""

import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from perisai.evaluation.gospa import gospa
from perisai.model import Frame, Sensor
from perisai.tracking import Tracker

from . import ballistic, bars, calibration, consistency, endurance, mixed_day, stone_soup
from .mixed_feed import feed
from .targets import PERIOD_S, Scenario, frames, scenario, standing

FIRST_SCAN = 11
SEEDS = (1, 2, 3, 4, 5)
NIGHTS = (63, 64, 65, 66, 67)
LAYOUTS = ("spread", "raid")


def run(quick: bool = False) -> dict[str, Any]:
    """All figures and the bars they are held against; quick: one seed, no large peer, shorter feeds, no whole day."""
    out = dict(parts(quick))
    return out | {"bars": bars.held(out)}


def parts(quick: bool) -> Iterator[tuple[str, Any]]:
    """The figures one after the other, since all of them take long."""
    _flown.cache_clear()
    _track(*_of(scenario("raid", 50, 0, 12)))  # kernels compiled or loaded
    yield "stone_soup", stone_soup.available()
    seeds = SEEDS[:1] if quick else SEEDS
    for layout in LAYOUTS:
        found = {"n100": _beside(layout, 100, seeds), "n1000": _ours(layout, 1000, seeds)}
        if not quick and stone_soup.available() is not None:
            found["n1000_beside"] = _beside(layout, 1000, SEEDS[:1])
        yield layout, found
    yield "nis_spread", consistency.run(seeds)
    yield "nees_nights", consistency.nights(NIGHTS[:1] if quick else NIGHTS)
    made = scenario("raid", 10_000, 1, 20 if quick else 60)
    spent = _track(*_of(made))[0][3:]
    yield "raid_10000", _latency(spent, "scan")
    yield "mixed_feed", _mixed(30.0 if quick else 120.0)
    yield "ballistic", ballistic.run((12,) if quick else (12, 13, 14, 15), 1 if quick else 17)
    yield "calibration", calibration.run((11,) if quick else (11, 12, 13))
    yield "endurance", endurance.run(2.0 if quick else 24.0)
    if not quick:
        yield "mixed_day", mixed_day.run(24.0, say=lambda line: sys.stderr.write(line + "\n"))


def _of(made: Scenario) -> tuple[list[Sensor], list[Frame]]:
    return [made.sensor], frames(made)


def _track(sensors: list[Sensor], given: list[Frame]) -> tuple[np.ndarray, list[pa.Table]]:
    """Seconds of each frame (n, 2), of processor time and by the clock, and the rows it gave."""
    tracker = Tracker(sensors)
    seconds, rows = np.empty((len(given), 2)), []
    for k, frame in enumerate(given):
        began = time.process_time(), time.perf_counter()
        rows.append(tracker.step(frame))
        seconds[k] = time.process_time() - began[0], time.perf_counter() - began[1]
    return seconds, rows


def _latency(seconds: np.ndarray, what: str) -> dict[str, float]:
    out = {}
    for name, column in (("", 1), ("processor_", 0)):
        for share in (50, 99):
            quantile = np.quantile(seconds[:, column], share / 100)
            out[f"{what}_{name}p{share}_ms"] = round(1e3 * float(quantile), 2)
    return out


def score(made: Scenario, picture: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """GOSPA (p = 2, c = 2 km, alpha = 2), its counts, RMS and identity switches per target and minute: scan 11 on."""
    targets = made.truth.shape[1]
    parts, gaps, switches = [], [], 0
    last: dict[int, int] = {}
    for scan in range(FIRST_SCAN, len(picture)):
        identity, place = picture[scan]
        one = gospa(made.truth[scan, :, :2], place)
        parts.append((one.distance, targets - len(one.truth), len(place) - len(one.track)))
        gaps.append(one.gap_m)
        for a, b in zip(one.truth.tolist(), identity[one.track].tolist(), strict=True):
            switches += last.get(a, b) != b
            last[a] = b
    distance, missed, false = np.mean(parts, axis=0)
    minutes = targets * len(parts) * PERIOD_S / 60.0
    return {
        "gospa_m": float(distance),
        "missed": float(missed),
        "false": float(false),
        "rms_m": float(np.sqrt(np.mean(np.concatenate(gaps) ** 2))),
        "switches_per_target_min": switches / minutes,
    }


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([s[name] for s in scores])), 3) for name in scores[0]}


class Flown(NamedTuple):
    """What the tracker made of a scenario: its score, NEES of each scan, plots, processor time (s)."""

    score: dict[str, float]
    nees: list[consistency.Step]
    plots: int
    seconds: float


@cache
def _flown(layout: str, targets: int, seed: int) -> Flown:
    made = scenario(layout, targets, seed)
    seconds, rows = _track(*_of(made))
    picture = standing(rows, made)
    plots = sum(len(found) for found in made.plots)
    return Flown(score(made, picture), consistency.nees(made, rows, picture), plots, float(seconds[:, 0].sum()))


def _ours(layout: str, targets: int, seeds: tuple[int, ...]) -> dict[str, Any]:
    flown = [_flown(layout, targets, seed) for seed in seeds]
    return _mean([one.score for one in flown]) | {
        "detections_per_s": round(sum(one.plots for one in flown) / sum(one.seconds for one in flown)),
        "nees": consistency.verdict([step for one in flown for step in one.nees]),
    }


def _beside(layout: str, targets: int, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Ours and Stone Soup's on the same plots, and the ratios ours / theirs."""
    ours = _ours(layout, targets, seeds)
    if stone_soup.available() is None:
        return {"perisai": ours}
    scores, plots, spent = [], 0, 0.0
    for seed in seeds:
        made = scenario(layout, targets, seed)
        seconds, picture = stone_soup.run(made)
        plots, spent = plots + sum(len(found) for found in made.plots), spent + seconds
        scores.append(score(made, picture))
    peer = _mean(scores) | {"detections_per_s": round(plots / spent)}
    ratios = [
        _flown(layout, targets, seed).score["gospa_m"] / theirs["gospa_m"]
        for seed, theirs in zip(seeds, scores, strict=True)
    ]
    return {
        "perisai": ours,
        "stone_soup": peer,
        "gospa_ratio": round(float(np.mean(ratios)), 3),
        "gospa_ratios": [round(ratio, 3) for ratio in ratios],
        "speed_ratio": round(ours["detections_per_s"] / peer["detections_per_s"]),
    }


def _mixed(seconds: float) -> dict[str, Any]:
    sensors, given = feed(seconds, 1)
    spent, rows = _track(sensors, given)
    settled = spent[len(spent) // 3 :]
    last = {track for table in rows[-24:] for track in table["track"].to_pylist()}
    return {
        "reports_per_s": round(sum(frame.table.num_rows for frame in given) / seconds),
        "tracks": len(last),
        **_latency(settled, "frame"),
    }
