"""Whether probabilities mean what they say: classes and existence of the tracks of simulated nights.

A night: a raid through the default network of sensors, with civil flights beside it. Every track is asked once a
minute. Its class is that of the object within 3 km of it; a track near none is false. Calibration error: the mean
distance between what was said and how often it was so, over ten bins weighed by their size.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from perisai.geodesy import plane_at, to_plane
from perisai.model import THREATS, Sensor, floats, split_frames, time_us
from perisai.simulation import communities, default_network, made_up_night, observe
from perisai.simulation.civil import civil_flights
from perisai.simulation.flights import truth_table
from perisai.tracking import Tracker

COUNTS = {"drone": 30, "cruise": 6, "ballistic": 5, "glide_bomb": 5}
HOURS = 0.5
LONGEST_S = 2_400
CIVIL = 12
NEAR_M = 3_000.0
EVERY_S = 60
BINS = 10


class Asked(NamedTuple):
    """n questions: existence said (n,), probabilities said (n, 6) in the order of THREATS, the truth (-1: false)."""

    existence: np.ndarray
    said: np.ndarray
    kind: np.ndarray


def night(seed: int) -> tuple[pa.Table, pa.Table, list[Sensor]]:
    """(truth, detections, sensors) of the first LONGEST_S of a night."""
    areas = communities()
    sensors = default_network(areas)
    raid = made_up_night(seed, COUNTS, HOURS, areas)
    first = int(time_us(raid["time"]).min())
    civil = civil_flights(areas, seed, CIVIL, first - 900_000_000, first + LONGEST_S * 1_000_000)
    flown = truth_table(civil)
    shift = int(np.asarray(raid["object"].to_numpy()).max()) + 1
    numbers = np.asarray(flown["object"].to_numpy())
    addresses = {int(shift + k): flight.address or "" for k, flight in enumerate(civil)}
    flown = flown.set_column(flown.schema.get_field_index("object"), "object", pa.array(numbers + shift))
    truth = pa.concat_tables([raid, flown]).sort_by("time")
    truth = truth.filter(pa.array(time_us(truth["time"]) < first + LONGEST_S * 1_000_000))
    truth = truth.filter(pa.array(time_us(truth["time"]) >= first))
    return truth, observe(truth, sensors, seed, addresses), sensors


def asked(seed: int) -> Asked:
    """Every public track of a night, once a minute."""
    truth, detections, sensors = night(seed)
    tracker = Tracker(sensors)
    rows = pa.concat_tables([tracker.step(frame) for frame in split_frames(detections)])
    rows = rows.filter(pa.array([status != "ended" for status in rows["status"].to_pylist()]))
    minute = time_us(rows["time"]) // (EVERY_S * 1_000_000)
    track = np.asarray(rows["track"].to_numpy())
    _, first = np.unique(np.column_stack([track, minute]), axis=0, return_index=True)
    rows = rows.take(pa.array(np.sort(first)))
    return Asked(
        floats(rows["existence"]),
        np.column_stack([floats(rows[f"p_{threat}"]) for threat in THREATS]),
        _kinds(rows, truth),
    )


def _kinds(rows: pa.Table, truth: pa.Table) -> np.ndarray:
    """The index in THREATS of the object nearest to each row, -1 where none is near."""
    plane = plane_at(float(np.nanmean(floats(truth["lat"]))), float(np.nanmean(floats(truth["lon"]))))
    at = time_us(rows["time"]) * 1e-6
    east, north = to_plane(plane, floats(rows["lat"]), floats(rows["lon"]))
    best, kind = np.full(rows.num_rows, np.inf), np.full(rows.num_rows, -1)
    number, when = np.asarray(truth["object"].to_numpy()), time_us(truth["time"]) * 1e-6
    x, y = to_plane(plane, floats(truth["lat"]), floats(truth["lon"]))
    kinds = truth["kind"].to_pylist()
    for who in np.unique(number).tolist():
        mine = np.flatnonzero(number == who)
        there = (at >= when[mine[0]] - 5.0) & (at <= when[mine[-1]] + 5.0)
        gap = np.hypot(np.interp(at, when[mine], x[mine]) - east, np.interp(at, when[mine], y[mine]) - north)
        nearer = there & (gap < np.minimum(best, NEAR_M))
        best[nearer], kind[nearer] = gap[nearer], THREATS.index(kinds[mine[0]])
    return kind


def error(said: np.ndarray, true: np.ndarray) -> float:
    """Expected calibration error of probabilities (n,) for what was true or not (n,)."""
    which = np.minimum((said * BINS).astype(int), BINS - 1)
    size = np.bincount(which, minlength=BINS)
    gap = abs(np.bincount(which, said, BINS) - np.bincount(which, true.astype(float), BINS))
    return float(gap.sum() / max(size.sum(), 1))


def run(seeds: tuple[int, ...]) -> dict[str, Any]:
    """Calibration error of existence and of each class, the Brier score of the classes, the share right."""
    parts = [asked(seed) for seed in seeds]
    existence, said, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
    real = kind >= 0
    truth = np.eye(len(THREATS))[kind[real]]
    return {
        "asked": len(kind),
        "existence_error": round(error(existence, real), 3),
        "class_errors": {threat: round(error(said[real, k], kind[real] == k), 3) for k, threat in enumerate(THREATS)},
        "asked_by_class": {threat: int((kind == k).sum()) for k, threat in enumerate(THREATS)},
        "brier": round(float(((said[real] - truth) ** 2).sum(axis=1).mean()), 3),
        "right": round(float((said[real].argmax(axis=1) == kind[real]).mean()), 3),
    }
