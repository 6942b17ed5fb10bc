"""Inputs that connect to a receiver and come back when the connection ends."""

import asyncio
import contextlib
import time

import structlog

from . import metrics
from .gate import Pace
from .pump import LiveParser, Pump, now_us
from .settings import LiveInput, address
from .sink import Sink

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
CONNECT_S = 10.0
READ_BYTES = 1 << 16
MESSAGE_BYTES = {"beast": 23, "sbs": 90}
"""What a message of each stream takes on an average: a sender above its limit is read more slowly, nothing is lost."""

log = structlog.get_logger("input")


class TcpInput:
    """Reads a stream. A receiver that says nothing for `silent_s` is connected to anew: the line may be dead."""

    def __init__(self, settings: LiveInput, sink: Sink, parser: LiveParser) -> None:
        self._settings = settings
        self._sink = sink
        self._pace = Pace(settings.max_messages_per_s)
        self._pump = Pump(sink, parser)
        self.connections = 0

    async def run(self) -> None:
        """Read until cancelled; what was read is stored then."""
        pumping = asyncio.create_task(self._pump.run())
        wait_s = FIRST_WAIT_S
        try:
            while True:
                begun = time.monotonic()
                try:
                    await self._connection()
                except (OSError, TimeoutError) as error:
                    log.warning("no connection", input=self._settings.name, reason=str(error) or type(error).__name__)
                lasted = time.monotonic() - begun
                wait_s = FIRST_WAIT_S if lasted > LONGEST_WAIT_S else min(2.0 * wait_s, LONGEST_WAIT_S)
                await asyncio.sleep(wait_s)
        finally:
            pumping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pumping
            await self._pump.flush()

    async def _connection(self) -> None:
        host, port = address("connect", self._settings.connect)
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
        self.connections += 1
        connected = metrics.CONNECTED.labels(self._settings.name)
        connected.inc()
        log.info("connected", input=self._settings.name, to=self._settings.connect)
        try:
            while True:
                await self._pump.room()
                async with asyncio.timeout(self._settings.silent_s):
                    data = await reader.read(READ_BYTES)
                if not data:
                    log.info("connection ended", input=self._settings.name)
                    return
                self._pump.offer(now_us(), data)
                await asyncio.sleep(self._pace.wait_s(len(data) / MESSAGE_BYTES[self._settings.kind], time.monotonic()))
        finally:
            connected.dec()
            writer.close()
