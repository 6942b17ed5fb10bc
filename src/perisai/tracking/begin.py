"""A track begun from several detections at once, as `crossings` and `fast` do, and the pools in which those wait."""

from collections.abc import Iterable

import numpy as np

from perisai.geodesy import Plane

from .bank import NEXT_KEY, USED, Bank, Grid
from .birth import bear
from .detections import NOTHING
from .settings import RING, STATES, Rules
from .sites import Sites
from .work import Work


def begin(
    bank: Bank, grid: Grid, at_s: float, sensor: int, form: int, z: np.ndarray, var: np.ndarray, radius_m: float,
    until_s: float, sites: Sites, plane: Plane, rules: Rules, work: Work,
) -> int:  # fmt: skip
    """Begin a track as of one detection of a sensor that is no false report; gives its slot.

    z (k,): place and what else is known of the state on the region plane, m and m/s; var (k,): its variances, m2 and
    m2/s2. radius_m: see `Detections`. at_s, until_s: time of it and end of the beat, s.
    """
    blank = np.zeros(STATES - len(z))
    one = NOTHING._replace(
        t=np.array([at_s]), sensor=np.array([sensor]), scan=np.array([-1]), form=np.array([form], np.int8),
        z=np.array([[*z, *blank]]), var=np.array([[*var, *blank]]), mask=np.array([np.arange(STATES) < len(z)]),
        east_m=z[:1].copy(), north_m=z[1:2].copy(), radius_m=np.array([radius_m]), address=np.full(1, -1, np.int32),
        label=np.full(1, -1, np.int32), confidence=np.ones(1), head=np.ones(1, np.bool_), clutter=np.ones(1),
        undetected=np.ones(1),
    )  # fmt: skip
    bear(bank, grid, one, 0, np.ones(1), until_s, sites, plane, rules, work)
    return int(np.flatnonzero(bank.key[: bank.counters[USED]] == bank.counters[NEXT_KEY] - 1)[0])


def heard_before(bank: Bank, i: int, reports: Iterable[tuple[int, float]]) -> None:
    """Note in the ring of track i, just begun, which sensors reported it before, and when (s)."""
    for k, (sensor, at_s) in zip(range(1, RING), reports, strict=False):
        bank.ring_sensor[i, k] = sensor
        bank.ring_look[i, k] = bank.ring_hit[i, k] = at_s


def wait(pool: np.ndarray, row: np.ndarray) -> None:
    """Put a row into a pool (its first column the time, s, NaN where free) in the place of the oldest."""
    pool[int(np.argmin(np.nan_to_num(pool[:, 0], nan=-1e18)))] = row
