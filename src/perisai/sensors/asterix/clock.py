"""ASTERIX times of day to times: the day comes from when the record was received, or from the date of the recording."""

from datetime import UTC, date, datetime

import numpy as np

from ..imported import UNKNOWN_US

DAY_S = 86_400.0
TRUNCATED_S = 512.0
"""Item 001/141 gives the time of day modulo 512 s."""


def midnight_s(day: date) -> float:
    """Seconds from 1970-01-01 UTC to the day's beginning."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def nearest(modular_s: np.ndarray, reference_s: np.ndarray, modulus_s: float) -> np.ndarray:
    """The time nearest to the reference that is congruent to the value given; all in seconds, (n,)."""
    return modular_s + modulus_s * np.rint((reference_s - modular_s) / modulus_s)


def times(time_of_day_s: np.ndarray, received_us: np.ndarray, day: date) -> np.ndarray:
    """Seconds since 1970 of the times of day, float64 (n,), NaN where they are NaN.

    A record with a time of receipt takes the day that brings it nearest to it. The others follow on from `day` in the
    order of the file: a step back of more than half a day is a midnight passed, one forward an older record before it.
    """
    references = np.where(received_us == UNKNOWN_US, np.nan, received_us / 1e6)
    resolved = nearest(time_of_day_s, references, DAY_S)
    untimed = np.isnan(references) & ~np.isnan(time_of_day_s)
    if untimed.any():
        steps = np.diff(time_of_day_s[untimed], prepend=time_of_day_s[untimed][0])
        days = np.cumsum((steps < -DAY_S / 2).astype(np.int64) - (steps > DAY_S / 2))
        resolved[untimed] = midnight_s(day) + time_of_day_s[untimed] + days * DAY_S
    return resolved


def truncated_times(truncated_s: np.ndarray, reference_s: np.ndarray) -> np.ndarray:
    """Seconds since 1970 of times of day modulo 512 s, nearest to the reference; NaN without one.

    512 s do not divide a day: the count begins anew at midnight, so the days before and after are tried as well.
    """
    midnight = np.floor(reference_s / DAY_S) * DAY_S
    best = np.full(truncated_s.shape, np.nan)
    for start in (midnight - DAY_S, midnight, midnight + DAY_S):
        of_day = nearest(truncated_s, reference_s - start, TRUNCATED_S)
        of_day = np.where(of_day < 0.0, truncated_s, of_day)
        of_day = np.where(of_day >= DAY_S, of_day - TRUNCATED_S, of_day)
        closer = ~(np.abs(start + of_day - reference_s) >= np.abs(best - reference_s))
        best = np.where(closer, start + of_day, best)
    return best
