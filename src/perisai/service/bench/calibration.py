"""Whether probabilities mean what they say: classes and existence of the tracks of simulated nights (`night`).

Every track is asked once a minute. Its class is that of the object within 3 km of it; a track near none is false.
Calibration error: the mean distance between what was said and how often it was so, over ten bins weighed by their size.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from perisai.model import THREATS, floats, time_us

from .night import nearest, tracked

EVERY_S = 60
BINS = 10


class Asked(NamedTuple):
    """n questions: existence said (n,), probabilities said (n, 6) in the order of THREATS, the truth (-1: false)."""

    existence: np.ndarray
    said: np.ndarray
    kind: np.ndarray


def asked(seed: int) -> Asked:
    """Every public track of a night, once a minute."""
    truth, rows = tracked(seed)
    rows = rows.filter(pa.array([status != "ended" for status in rows["status"].to_pylist()]))
    minute = time_us(rows["time"]) // (EVERY_S * 1_000_000)
    track = np.asarray(rows["track"].to_numpy())
    _, first = np.unique(np.column_stack([track, minute]), axis=0, return_index=True)
    rows = rows.take(pa.array(np.sort(first)))
    return Asked(
        floats(rows["existence"]),
        np.column_stack([floats(rows[f"p_{threat}"]) for threat in THREATS]),
        nearest(rows, truth).kind,
    )


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
