"""The book of what radars are measured by: the newest report of each aircraft, and the last plots of each track."""

from typing import NamedTuple

import numpy as np

from .settings import STATES

BOOK = 4096
"""Aircraft remembered; a newcomer takes the place of another with the same number modulo this."""
PLOTS = 1024
EACH_BEAT = 24
"""Plots looked at in a beat, spread evenly over it."""
HEIGHT_M, HEIGHT_SIGMA_M = 3_000.0, 2_500.0
"""Of what no height is known of."""
CODE, TIME, EAST, NORTH, HEIGHT, VE, VN, SIGMA, DOUBT = range(9)
KEY, SITE, AT, P_EAST, P_NORTH, P_RANGE, P_AZIMUTH, P_SLOPE = range(8)


class Book(NamedTuple):
    """reports (BOOK, 9) of aircraft, plots (PLOTS, 8), next (1,): where the next plot goes.

    Scratch: live (BOOK,), chosen, count and owner (EACH_BEAT,), mean (6,), seen (1, 4), slope (1, 4, 6).
    """

    reports: np.ndarray
    plots: np.ndarray
    next: np.ndarray
    live: np.ndarray
    chosen: np.ndarray
    count: np.ndarray
    owner: np.ndarray
    mean: np.ndarray
    seen: np.ndarray
    slope: np.ndarray


def new_book() -> Book:
    """An empty book."""
    chosen, count, owner = np.zeros((3, EACH_BEAT), np.int64)
    return Book(
        np.full((BOOK, 9), np.nan), np.full((PLOTS, 8), np.nan), np.zeros(1, np.int64), np.zeros(BOOK, np.int64),
        chosen, count, owner, np.zeros(STATES), np.zeros((1, 4)), np.zeros((1, 4, STATES)),
    )  # fmt: skip
