"""The gateway role: keeps the picture from the bus, and sends ticks of it to the consoles."""

import asyncio
import time

import msgspec
import pyarrow as pa
import structlog

from perisai.model import Alert, AlertChange

from ..bus import PARTNER, Bus
from ..orders import Answered
from ..picture import Picture
from ..taps import Tap
from ..trusted import TrustTold
from .frames import input_frames

TICK_S = 1.0
CATCH_UP = 300
"""Messages of the past read at the start: every living track has a row in the last frames."""

log = structlog.get_logger("gateway")


class Console:
    """One connected console: the newest tick it has not got yet, and the version it has seen.

    A console that is slow gets one full tick in place of all it missed; nothing queues.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._message: bytes | None = None
        self._ready = asyncio.Event()
        self.skipped = 0

    @property
    def waiting(self) -> bool:
        return self._message is not None

    def offer(self, message: bytes, version: int) -> None:
        self._message, self.seen = message, version
        self._ready.set()

    async def next(self) -> bytes:
        await self._ready.wait()
        self._ready.clear()
        message, self._message = self._message, None
        assert message is not None
        return message


class Gateway:
    """Follows the streams into a picture and ticks."""

    def __init__(self, bus: Bus, picture: Picture) -> None:
        self._bus = bus
        self.picture = picture
        self.consoles: set[Console] = set()
        self.track_taps: set[Tap[pa.Table]] = set()
        self.alert_taps: set[Tap[Alert]] = set()
        self.detections_per_s = 0.0

    async def run(self) -> None:
        """Keep the picture until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._alerts())
            group.create_task(self._tracks())
            group.create_task(self._forecasts())
            group.create_task(self._input())
            group.create_task(self._desk())
            group.create_task(self._answers())
            group.create_task(self._trust())
            group.create_task(self._partners())
            group.create_task(self._tick())

    async def _tracks(self) -> None:
        after = max(0, await self._bus.last_sequence("TRACKS") - CATCH_UP)
        async for message in self._bus.follow("TRACKS", after):
            rows = message.table()
            self.picture.take_tracks(rows, message.end_us)
            for tap in self.track_taps if rows.num_rows else ():
                tap.offer(rows)

    async def _alerts(self) -> None:
        async for message in self._bus.follow("ALERTS"):
            change = msgspec.json.decode(message.data, type=AlertChange)
            self.picture.take_change(change)
            for tap in self.alert_taps:
                tap.offer(change.alert)

    async def _forecasts(self) -> None:
        after = max(0, await self._bus.last_sequence("FORECASTS") - 1)
        async for message in self._bus.follow("FORECASTS", after):
            self.picture.take_forecasts(message.table())

    async def _partners(self) -> None:
        after = max(0, await self._bus.last_sequence("PARTNERS") - CATCH_UP)
        async for message in self._bus.follow("PARTNERS", after):
            partner = message.subject.removeprefix(f"{PARTNER}.")
            self.picture.take_partner(partner, message.table(), message.end_us)

    async def _desk(self) -> None:
        after = max(0, await self._bus.last_sequence("DESK") - 1)
        async for message in self._bus.follow("DESK", after):
            self.picture.take_desk(msgspec.json.decode(message.data))

    async def _trust(self) -> None:
        after = max(0, await self._bus.last_sequence("TRUST") - CATCH_UP)
        async for message in self._bus.follow("TRUST", after):
            self.picture.take_trust(msgspec.json.decode(message.data, type=TrustTold))

    async def _answers(self) -> None:
        async for message in self._bus.follow("ANSWERS", await self._bus.last_sequence("ANSWERS")):
            self.picture.take_answers(msgspec.json.decode(message.data, type=Answered))

    async def _input(self) -> None:
        after = max(0, await self._bus.last_sequence("INPUT") - CATCH_UP)
        async for _, frame in input_frames(self._bus, after):
            self.picture.take_detections(frame.table, frame.end_us)

    async def _tick(self) -> None:
        counted, at = 0, time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self.detections_per_s = (self.picture.detections - counted) / (now - at)
            counted, at = self.picture.detections, now
            self._send()

    def _send(self) -> None:
        picture, messages = self.picture, {}
        known = picture.oldest_gone()
        for console in self.consoles:
            if console.waiting:
                console.seen, console.skipped = 0, console.skipped + 1
            since = console.seen if console.seen >= known else 0
            if since not in messages:
                messages[since] = picture.tick(since, self.detections_per_s)
            console.offer(messages[since], picture.version)
