"""The ingest role: what sensors send goes onto the bus as it comes, and a tick closes each frame."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from perisai.model import FRAME_US, TIME, Frame, SensorHealth, table_bytes

from ..bus import DETECTIONS, HEALTH, TICK, Bus
from ..ingest.shedding import Shedder
from ..tracing import span

AHEAD_US = 20 * FRAME_US
"""How far played frames may run ahead of the picture before the player waits for the house to follow."""

log = structlog.get_logger("ingest")


class Ingest:
    """The one way in. A batch that `accept` has returned from is on disk."""

    def __init__(self, bus: Bus, now_us: Callable[[], int], shedder: Shedder | None = None) -> None:
        """now_us: the clock, microseconds since 1970 UTC. shedder: what gives up detections when there are too many."""
        self._bus = bus
        self._now_us = now_us
        self._shedder = shedder
        self.accepted = 0

    async def accept(self, source: str, table: pa.Table, identity: str) -> int:
        """Publish a detections table of one source; rows without a time of receipt are received now.

        identity: names the batch, so that one sent again is not taken twice. Returns the rows accepted: all, unless
        there is no room for them.
        """
        if self._shedder is not None and (table := self._shedder.admit(table, time.monotonic())).num_rows == 0:
            return 0
        now = pa.scalar(self._now_us()).cast(TIME)
        received = pc.fill_null(table["received"], now)
        table = table.set_column(table.schema.get_field_index("received"), table.schema.field("received"), received)
        with span("ingest.accept", source=source, rows=table.num_rows):
            await self._bus.publish(f"{DETECTIONS}.{source}", table_bytes(table), f"{source}-{identity}")
        self.accepted += table.num_rows
        return table.num_rows

    async def last(self, source: str) -> str:
        """The identity of the newest batch of a source on the bus, empty when there is none."""
        return await self._bus.last_identity(f"{DETECTIONS}.{source}", "INPUT")

    async def hear(self, source: str, told: Sequence[SensorHealth], identity: str) -> None:
        """Publish what sensors of one source said of themselves; identity as with `accept`."""
        await self._bus.publish(f"{HEALTH}.{source}", msgspec.json.encode(told), f"health-{source}-{identity}")

    async def tick(self, end_us: int) -> None:
        """Close the frame that ends then."""
        await self._bus.publish(TICK, b"", f"tick-{end_us}", end_us)

    async def run(self) -> None:
        """Tick by the clock until cancelled; never before the frame closed last, whatever the clock does."""
        end_us = max(self._now_us() // FRAME_US * FRAME_US, await self._bus.last_end_us(TICK, "INPUT"))
        while True:
            end_us = max(end_us + FRAME_US, self._now_us() // FRAME_US * FRAME_US)
            await asyncio.sleep(max(0.0, (end_us - self._now_us()) / 1e6))
            await self.tick(end_us)

    async def close(self) -> None:
        """Close the frame that is open, once the clock has reached its end: what came last is in a frame as well."""
        end_us = (self._now_us() // FRAME_US + 1) * FRAME_US
        await asyncio.sleep(max(0.0, (end_us - self._now_us()) / 1e6))
        await self.tick(end_us)

    async def play(self, frames: Iterable[Frame], speed: float, picture_us: Callable[[], int]) -> None:
        """Play recorded frames at a multiple of their own pace, no faster than the picture (its time) can follow.

        Frames that are on the bus already, from before a crash, are left out. Returns when the last one is on the bus.
        """
        known_us = await self._bus.last_end_us(TICK, "INPUT")
        begun, first_us = 0.0, 0
        for frame in frames:
            if frame.end_us <= known_us:
                continue
            if not first_us:
                begun, first_us = time.monotonic(), frame.end_us
            delay = begun + (frame.end_us - first_us) / 1e6 / speed - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            # A house that starts has no picture yet: then no farther than so much ahead of the first frame.
            while frame.end_us - (picture_us() or first_us) > AHEAD_US * max(1.0, speed):
                await asyncio.sleep(0.05)
                begun += 0.05
            if frame.table.num_rows:
                await self._bus.publish(f"{DETECTIONS}.played", table_bytes(frame.table), f"played-{frame.end_us}")
                self.accepted += frame.table.num_rows
            if frame.health:
                await self.hear("played", frame.health, str(frame.end_us))
            await self.tick(frame.end_us)
        log.info("played to the end")
