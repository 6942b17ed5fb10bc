"""The stitcher: the regions' tracks, as they come from the bus, to the tracks of the whole country.

A frame is joined when every region has come as far, or when the first is PATIENCE_US ahead of the last: a region whose
tracker has died holds the others up no longer than that. Which regions were missing is said on the bus and recorded,
so that a replay joins the very same.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import structlog

from perisai.model import FRAME_US, TIME, empty, table_bytes, table_from
from perisai.tracking import Stitcher, TrackerRegion

from ..bus import ABSENT, REGION, Bus, Message, State
from ..config import Config
from ..outbox import Outbox

CHECKPOINT_S = 5.0
PATIENCE_US = 3 * FRAME_US
ROLE = "stitcher"
NO_ROWS = empty("tracks")
log = structlog.get_logger("stitcher")


class Absent(msgspec.Struct, frozen=True):
    """The regions that a frame of the whole picture was made without."""

    end_us: int
    regions: list[str]


class Joint:
    """The regions' frames that wait for each other, and the stitcher behind them."""

    def __init__(self, regions: tuple[TrackerRegion, ...], state: bytes | None = None) -> None:
        """state: a checkpoint to go on from."""
        names = sorted(region.id for region in regions)
        self._waiting: dict[str, deque[tuple[int, pa.Table]]] = {name: deque() for name in names}
        self._come: dict[str, int] = dict.fromkeys(names, 0)
        self._done_us = 0
        if state is None:
            self._stitcher = Stitcher(regions)
            return
        saved: list[Any] = msgspec.msgpack.decode(state)
        stitcher, waiting, self._come, self._done_us = saved
        self._stitcher = Stitcher.restore(stitcher, regions)
        for name, frames in waiting.items():
            self._waiting[name].extend((end_us, table_from(table)) for end_us, table in frames)

    def take(self, region: str, end_us: int, rows: pa.Table) -> Iterator[tuple[int, pa.Table, list[str]]]:
        """(end of the frame, rows of the whole picture, regions missing) of every frame that can be joined now."""
        if region not in self._come or end_us <= self._come[region]:
            return
        self._come[region] = end_us
        self._waiting[region].append((end_us, rows))
        while True:
            ends = [end for frames in self._waiting.values() for end, _ in frames if end > self._done_us]
            if not ends:
                return
            frame_us = min(ends)
            late = [name for name, come in self._come.items() if come < frame_us]
            if late and max(self._come.values()) - frame_us < PATIENCE_US:
                return
            heard = {name: self._until(name, frame_us) for name in self._come if name not in late}
            joined = self._stitcher.step(frame_us, heard)
            issued = pa.array(np.full(joined.num_rows, frame_us)).cast(TIME)
            at = joined.schema.get_field_index("issued")
            self._done_us = frame_us
            yield frame_us, joined.set_column(at, joined.schema.field(at), issued), late

    def _until(self, region: str, end_us: int) -> pa.Table:
        waiting, tables = self._waiting[region], [NO_ROWS]
        while waiting and waiting[0][0] <= end_us:
            tables.append(waiting.popleft()[1])
        return pa.concat_tables(tables)

    def checkpoint(self) -> bytes:
        waiting = {name: [(end, table_bytes(rows)) for end, rows in frames] for name, frames in self._waiting.items()}
        return msgspec.msgpack.encode([self._stitcher.checkpoint(), waiting, self._come, self._done_us])


async def run_stitcher(bus: Bus, config: Config) -> None:
    """Join until cancelled; goes on from the last checkpoint, and says nothing twice."""
    saved = await bus.load_state(ROLE) or State(0, b"")
    joint = await asyncio.to_thread(Joint, config.tracker_region, saved.blob or None)
    outbox = Outbox(bus, ("TRACKS", "ABSENT"))
    await outbox.resume(saved.heads)
    log.info("joining", regions=[region.id for region in config.tracker_region], after=saved.sequence)
    due, missed = time.monotonic() + CHECKPOINT_S, []
    async for message in bus.follow("REGIONS", saved.sequence):
        for end_us, rows, late in _joined(joint, message):
            if late != missed:
                log.warning("regions are late", regions=late) if late else log.info("all regions are there")
                missed = late
            if late:
                said = msgspec.json.encode(Absent(end_us, late))
                await outbox.publish("ABSENT", ABSENT, said, f"absent-{end_us}", end_us)
            await outbox.publish_table("TRACKS", "perisai.tracks", rows, f"tracks-{end_us}", end_us)
        if time.monotonic() >= due:
            blob = await asyncio.to_thread(joint.checkpoint)
            await bus.save_state(ROLE, State(message.sequence, blob, dict(outbox.heads)))
            due = time.monotonic() + CHECKPOINT_S


def _joined(joint: Joint, message: Message) -> Iterator[tuple[int, pa.Table, list[str]]]:
    return joint.take(message.subject.removeprefix(f"{REGION}."), message.end_us, message.table())
