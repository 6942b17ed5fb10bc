"""What a network could have known: when each object was in view, whether or not it was then reported."""

import numpy as np
import pyarrow as pa

from perisai.model import Sensor

from .coverage import EARS, paths_of, sightings
from .observe import COOPERATIVE

_PHASE = 0.5


def visible(truth: pa.Table, sensors: list[Sensor], within_s: float = 60.0, hits: int = 3) -> np.ndarray:
    """For each row of a truth table whether its object was in view `hits` times in the within_s seconds up to it.

    In view: in range and over the horizon of a radar or position sensor at one of its scans; ears give no place and
    receivers need a transponder, so neither counts. An alert can be asked for only where this is true in time.
    Returns bool (n,) in the order of the table's rows.
    """
    if truth.num_rows == 0:
        return np.zeros(0, dtype=bool)
    paths, order = paths_of(truth)
    number = np.asarray(truth["object"].to_numpy())[order]
    chosen = [sensor for sensor in sensors if sensor.kind not in EARS and sensor.kind not in COOPERATIVE]
    seen = [sightings(paths, sensor, _PHASE)[:, [0, 2]] for sensor in chosen]
    looks = np.vstack([np.empty((0, 2)), *seen])
    _, which = np.unique(number, return_inverse=True)
    # One sorted axis for all objects: each has a stretch of its own, longer than any flight.
    stretch = paths.end_s + 10.0 * within_s + 1.0
    at = np.sort(which[looks[:, 0].astype(np.int64)] * stretch + looks[:, 1])
    now = which * stretch + paths.state[:, 0]
    count = np.searchsorted(at, now, side="right") - np.searchsorted(at, now - within_s, side="right")
    inside = np.empty(truth.num_rows, dtype=bool)
    inside[order] = count >= hits
    return inside
