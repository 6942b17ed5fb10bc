"""A frame: the beat of the house. What was received in one interval, closed at its end.

Every stage is driven by frames and by nothing else, so a recording replays to the same tracks and the same alerts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .schemas import TIME
from .table import time_us

FRAME_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """`table`: the rows received in (end - FRAME_US, end]; `end_us`: its end, int64 microseconds since 1970 UTC."""

    end_us: int
    table: pa.Table


def frame_end_us(received_us: np.ndarray, period_us: int = FRAME_US) -> np.ndarray:
    """The end of the frame that each time of receipt falls in, int64 (n,)."""
    return -(-received_us // period_us) * period_us


def split_frames(detections: pa.Table, period_us: int = FRAME_US) -> Iterator[Frame]:
    """The detections in order of receipt (time where `received` is null), cut into frames; none between is left out.

    Rows without any time are gathered in the first frame, where the tracker counts them as rejects.
    """
    if detections.num_rows == 0:
        return
    received = pc.coalesce(detections["received"], detections["time"])
    known = time_us(received)
    unknown = np.iinfo(np.int64).min
    if (known != unknown).any():
        known = np.where(known == unknown, known[known != unknown].min(), known)
    order = np.argsort(known, kind="stable")
    ends = frame_end_us(known[order], period_us)
    ordered = detections.take(pa.array(order))
    first, last = int(ends[0]), int(ends[-1])
    for end_us in range(first, last + period_us, period_us):
        low, high = np.searchsorted(ends, [end_us, end_us + 1])
        yield Frame(end_us, ordered.slice(int(low), int(high - low)))


def timestamp(end_us: int) -> pa.Scalar:
    """The time as an Arrow scalar."""
    return pa.scalar(end_us, type=TIME)
