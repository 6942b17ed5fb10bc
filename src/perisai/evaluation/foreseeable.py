"""Which events a network could have known of in time: only for those can an alert in time be asked."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import time_us

from .passages import Flights, Passages

WITHIN_S = 120.0
"""An object last in view longer than this before the warning was due was not known then."""


def foreseeable(truth: pa.Table, seen: np.ndarray, flights: Flights, events: Passages) -> np.ndarray:
    """Whether each event's object was in view within 2 min up to the moment its warning was due, bool (m,).

    seen: (n,) bool per row of the truth table, as `simulation.visible` gives it. flights, events: of the same truth.
    """
    hostile = np.asarray(pc.fill_null(truth["hostile"], True).combine_chunks().to_numpy(zero_copy_only=False), bool)
    number = truth["object"].combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)[hostile]
    when = (time_us(truth["time"])[hostile] - flights.origin_us) / 1e6
    inside = seen[hostile]
    width = float(when.max(initial=0.0)) + WITHIN_S + 1.0
    at = np.sort(np.searchsorted(flights.number, number[inside]) * width + when[inside])
    due = events.object * width + np.maximum(events.enter - events.lead, 0.0)
    begin = np.maximum(due - WITHIN_S, events.object * width)
    return np.searchsorted(at, due, side="right") > np.searchsorted(at, begin)
