"""`perisai bench tracking`: throughput, truth and consistency beside Stone Soup's tracker on the same plots.

The settings were tuned on seed 0; everything here is measured on other seeds. Rates are of one core and hold the whole
way from a table of detections to a table of tracks. The figures that belong to bars are the ratios.
"""

import time
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.evaluation.gospa import gospa
from perisai.model import Frame, Sensor, floats
from perisai.tracking import Tracker

from . import ballistic, calibration, endurance, stone_soup
from .mixed_feed import feed
from .targets import PERIOD_S, Scenario, frames, scenario, standing

FIRST_SCAN = 11
SEEDS = (1, 2, 3, 4, 5)
LAYOUTS = ("spread", "raid")
CHI2_95 = 5.991


def run(quick: bool = False) -> dict[str, Any]:
    """All figures; quick: one seed, no large peer, a shorter feed."""
    _track(*_of(scenario("raid", 50, 0, 12)))  # kernels compiled or loaded
    out: dict[str, Any] = {"stone_soup": stone_soup.available()}
    seeds = SEEDS[:1] if quick else SEEDS
    for layout in LAYOUTS:
        out[layout] = {"n100": _beside(layout, 100, seeds), "n1000": _ours(layout, 1000, seeds)}
        if not quick and out["stone_soup"]:
            out[layout]["n1000_beside"] = _beside(layout, 1000, SEEDS[:1])
    made = scenario("raid", 10_000, 1, 20 if quick else 60)
    seconds = _track(*_of(made))[0][3:]
    out["raid_10000"] = {"scan_p50_ms": _ms(seconds, 0.5), "scan_p99_ms": _ms(seconds, 0.99)}
    out["mixed_feed"] = _mixed(30.0 if quick else 120.0)
    out["ballistic"] = ballistic.run((12,) if quick else (12, 13, 14, 15), 1 if quick else 17)
    out["calibration"] = calibration.run((11,) if quick else (11, 12, 13))
    out["endurance"] = endurance.run(2.0 if quick else 24.0)
    return out


def _of(made: Scenario) -> tuple[list[Sensor], list[Frame]]:
    return [made.sensor], frames(made)


def _track(sensors: list[Sensor], given: list[Frame]) -> tuple[np.ndarray, list[pa.Table]]:
    """Seconds of each frame and the rows it gave."""
    tracker = Tracker(sensors)
    seconds, rows = np.empty(len(given)), []
    for k, frame in enumerate(given):
        began = time.perf_counter()
        rows.append(tracker.step(frame))
        seconds[k] = time.perf_counter() - began
    return seconds, rows


def _ms(seconds: np.ndarray, share: float) -> float:
    return round(1e3 * float(np.quantile(seconds, share)), 2)


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


def _ours(layout: str, targets: int, seeds: tuple[int, ...]) -> dict[str, Any]:
    scores, plots, spent, nees = [], 0, 0.0, []
    for seed in seeds:
        made = scenario(layout, targets, seed)
        given = frames(made)
        seconds, rows = _track([made.sensor], given)
        plots, spent = plots + sum(frame.table.num_rows for frame in given), spent + float(seconds.sum())
        picture = standing(rows, made)
        scores.append(score(made, picture))
        nees.append(_nees(made, rows, picture))
    squared = np.concatenate(nees)
    return _mean(scores) | {
        "detections_per_s": round(plots / spent),
        "nees_mean": round(float(squared.mean()), 3),
        "nees_in_95": round(float((squared < CHI2_95).mean()), 4),
    }


def _nees(made: Scenario, rows: list[pa.Table], picture: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Normalised estimation error squared (2 when consistent) of every row updated in its scan, of assigned tracks."""
    out = [np.empty(0)]
    for scan in range(FIRST_SCAN, len(picture)):
        identity, place = picture[scan]
        one = gospa(made.truth[scan, :, :2], place)
        table = rows[scan]
        where = {track: k for k, track in enumerate(table["track"].to_pylist())}
        ee, en, nn = (floats(table[name]) for name in ("p_ee", "p_en", "p_nn"))
        for a, b in zip(one.truth.tolist(), one.track.tolist(), strict=True):
            k = where.get(int(identity[b]))
            if k is not None:
                e, n = place[b] - made.truth[scan, a, :2]
                s = (nn[k] * e * e - 2 * en[k] * e * n + ee[k] * n * n) / (ee[k] * nn[k] - en[k] ** 2)
                out.append(np.array([s]))
    return np.concatenate(out)


def _beside(layout: str, targets: int, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Ours and Stone Soup's on the same plots, and the ratios ours / theirs."""
    ours = _ours(layout, targets, seeds)
    if stone_soup.available() is None:
        return {"perisai": ours}
    scores, ratios, plots, spent = [], [], 0, 0.0
    for seed in seeds:
        made = scenario(layout, targets, seed)
        seconds, picture = stone_soup.run(made)
        plots, spent = plots + sum(len(found) for found in made.plots), spent + seconds
        scores.append(score(made, picture))
        mine = score(made, standing(_track([made.sensor], frames(made))[1], made))
        ratios.append(mine["gospa_m"] / scores[-1]["gospa_m"])
    peer = _mean(scores) | {"detections_per_s": round(plots / spent)}
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
        "frame_p50_ms": _ms(settled, 0.5),
        "frame_p99_ms": _ms(settled, 0.99),
    }
