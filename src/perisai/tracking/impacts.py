"""Where and when the ballistic tracks among the rows of a beat come down."""

import numpy as np

from .bank import Bank
from .classify import BALLISTIC
from .falling import Falling
from .lifecycle import ENDED

LIKELY = 0.3
"""Class probability from which an impact is foretold."""


def impacts_of(
    falling: Falling, bank: Bank, slots: np.ndarray, status: np.ndarray, classes: np.ndarray
) -> np.ndarray | None:
    """Impact of each row that is likely ballistic and falls freely (n, 7), NaN elsewhere; None where none is."""
    likely = np.flatnonzero((classes[:, BALLISTIC] > LIKELY) & (status != ENDED))
    if not likely.size:
        return None
    out = np.full((slots.size, 7), np.nan)
    for k in likely.tolist():
        i = int(slots[k])
        if not falling.impact_of(i, int(bank.key[i]), float(bank.t[i]), out[k]):
            out[k] = np.nan
    return out
