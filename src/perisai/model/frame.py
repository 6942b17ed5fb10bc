"""A frame: the beat of the house. What was received in one interval, closed at its end.

Every stage is driven by frames and by nothing else, so a recording replays to the same tracks and the same alerts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .health import SensorHealth
from .schemas import TIME
from .table import empty, time_us

FRAME_US = 1_000_000
SILENCE_US = 3_600 * 1_000_000
"""After an hour without a row every stage is at rest."""
RECEIPT = {"detections": "received", "tracks": "issued"}
"""The column of each table that says when a row reached the next stage."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`table`: the rows received in (end - FRAME_US, end]; `end_us`: its end, int64 microseconds since 1970 UTC.

    `health`: what sensors said of themselves in it, in the order in which it came. `counted`: bool (n,), the rows that
    count as rejects here where they cannot be used, the others count in another tracker region; all when None.
    """

    end_us: int
    table: pa.Table
    health: tuple[SensorHealth, ...] = ()
    counted: np.ndarray | None = None


def frame_end_us(received_us: np.ndarray, period_us: int = FRAME_US) -> np.ndarray:
    """The end of the frame that each time of receipt falls in, int64 (n,)."""
    return -(-received_us // period_us) * period_us


def close_frame(
    batches: list[pa.Table], kind: str, end_us: int, period_us: int = FRAME_US, health: tuple[SensorHealth, ...] = ()
) -> Frame:
    """The frame that holds the batches, in order of receipt; what came too late for its own frame counts in this one.

    kind: `detections` or `tracks`. The frame's table, once recorded, is cut into the very same frame by `split_frames`.
    """
    if not batches:
        return Frame(end_us, empty(kind), health)
    table = pa.concat_tables(batches)
    column = RECEIPT[kind]
    received = np.clip(time_us(pc.coalesce(table[column], table["time"])), end_us - period_us + 1, end_us)
    table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), _times(received))
    return Frame(end_us, table.take(pa.array(np.argsort(received, kind="stable"))), health)


def split_frames(table: pa.Table, kind: str = "detections", period_us: int = FRAME_US) -> Iterator[Frame]:
    """The rows in order of receipt (`time` where that is null), cut into frames.

    None between is left out but what is beyond the first SILENCE_US of a silence: a file may hold nights of different
    years, or one row with a wrong date.

    kind: `detections` (by `received`) or `tracks` (by `issued`). Rows without any time are gathered in the first frame,
    where the tracker counts them as rejects.
    """
    if table.num_rows == 0:
        return
    received = time_us(pc.coalesce(table[RECEIPT[kind]], table["time"]))
    unknown = np.iinfo(np.int64).min
    if (received != unknown).any():
        received = np.where(received == unknown, received[received != unknown].min(), received)
    order = np.argsort(received, kind="stable")
    ends = frame_end_us(received[order], period_us)
    ordered = table.take(pa.array(order))
    told_us, counts = np.unique(ends, return_counts=True)
    before_us, low = int(told_us[0]) - period_us, 0
    for end_us, high in zip(told_us.tolist(), np.cumsum(counts).tolist(), strict=True):
        for quiet_us in range(before_us + period_us, min(end_us, before_us + SILENCE_US + period_us), period_us):
            yield Frame(quiet_us, ordered.slice(low, 0))
        yield Frame(end_us, ordered.slice(low, high - low))
        before_us, low = end_us, high


def _times(values_us: np.ndarray) -> pa.Array:
    return pa.array(values_us).cast(TIME)
