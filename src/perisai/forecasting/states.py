"""From what is kept of the tracks to what a rollout begins with: states of the hypotheses, and how each may move."""

import math

import numpy as np

from perisai.model import THREATS

from . import book as bk
from . import legs as lg
from .settings import ForecastSettings, Motion

COURSE_KNOWN_S = 900.0
"""After so long on its way half of what is to be known of an object's mean course is known."""
CIRCLING_RAD = 1.3
"""An object that has turned so far to one side of late circles: it goes on so for a while, then on its way."""


def motions(settings: ForecastSettings) -> np.ndarray:
    """One row a threat: what `fly` takes (see there), and the usual speed."""
    table = np.zeros((len(THREATS), 11))
    for i, threat in enumerate(THREATS):
        m: Motion = getattr(settings, threat, settings.other)
        table[i] = (
            3600 / m.turns_per_hour, m.leg_min_s, math.radians(m.turn_sigma_deg), m.loiter_share, m.loiter_s,
            m.ends_per_hour / 3600, m.speed_sigma, m.course_pull, m.aim_share,
            m.last_run_m, m.usual_speed_mps,
        )  # fmt: skip
    return table


def moving(
    b: np.ndarray, legs: np.ndarray, motion: np.ndarray, now_s: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State rows of the hypotheses of the tracks (likeliest first), their running weights, and motion rows, as `fly`
    takes them, of the book's rows b.
    """
    motion = motion.copy()
    kept = np.hypot(b[:, bk.CE], b[:, bk.CN])
    motion[:, 7] *= kept / (kept + COURSE_KNOWN_S)
    motion[:, :2] *= np.minimum(1.0, motion[:, 10:] / np.maximum(np.hypot(b[:, bk.VX], b[:, bk.VY]), 1.0)[:, None])
    order = np.argsort(-legs[:, :, lg.WEIGHT], axis=1, kind="stable")
    legs = np.take_along_axis(legs, order[:, :, None], axis=1)
    state = np.empty((len(b), lg.HYPOTHESES, 12))
    state[:, :, :4] = legs[:, :, :4]
    state[:, :, 4], state[:, :, 5] = np.sqrt(legs[:, :, lg.PP]), np.sqrt(legs[:, :, lg.VV])
    state[:, :, 6] = legs[:, :, lg.SINCE]
    state[:, :, 7], state[:, :, 8] = b[:, None, bk.CE], b[:, None, bk.CN]
    whole = (now_s - b[:, bk.AGE] - b[:, bk.FIRST])[:, None]
    flown_s = np.where(legs[:, :, lg.SINCE] >= 0.0, legs[:, :, lg.SINCE], whole)
    state[:, :, 9:11] = legs[:, :, :2] - legs[:, :, 2:4] * flown_s[:, :, None]
    circles = np.abs(b[:, bk.SPIN]) > CIRCLING_RAD
    state[:, :, 11] = np.where(circles, b[:, bk.SPIN] / bk.SPIN_S, 0.0)[:, None]
    # A single row cut out is contiguous to numba and many are not: it would compile `forecast_all` a second time.
    return state, np.cumsum(legs[:, :, lg.WEIGHT], axis=1), np.ascontiguousarray(motion[:, :10])
