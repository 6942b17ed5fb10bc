"""Inputs that connect to a receiver and come back when the connection ends."""

import asyncio
import time

import structlog

from . import metrics
from .gate import Pace
from .pump import LiveParser, Pump, now_us
from .settings import LiveInput, address
from .sink import Sink
from .spool import Spool

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
CONNECT_S = 10.0
MESSAGE_BYTES = {"beast": 23, "sbs": 90}
"""What a message of each stream takes on an average: a sender above its limit is read more slowly, nothing is lost."""

log = structlog.get_logger("input")


class _Line(asyncio.Protocol):
    """Hands on what the socket gives at once, and then reads no more until it is told to."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._news = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pump.offer(now_us(), data)
        self._size += len(data)
        if self._transport is not None:
            self._transport.pause_reading()
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._news.set()

    async def read(self) -> int:
        """Bytes that came since the last call, once there are some; 0 at the end."""
        await self._news.wait()
        size, self._size = self._size, 0
        if self._transport is not None:
            self._news.clear()
        return size

    def more(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


class TcpInput:
    """Reads a stream. A receiver that says nothing for `silent_s` is connected to anew: the line may be dead."""

    def __init__(self, settings: LiveInput, sink: Sink, parser: LiveParser, spool: Spool | None = None) -> None:
        self._settings = settings
        self._sink = sink
        self._pace = Pace(settings.max_messages_per_s)
        self._pump = Pump(sink, parser, spool=spool)
        self.connections = 0

    async def run(self) -> None:
        """Read until cancelled; what was read is stored then."""
        await self._pump.recover()
        wait_s = FIRST_WAIT_S
        async with self._pump.running():
            while True:
                begun = time.monotonic()
                try:
                    await self._connection()
                except (OSError, TimeoutError) as error:
                    log.warning("no connection", input=self._settings.name, reason=str(error) or type(error).__name__)
                lasted = time.monotonic() - begun
                wait_s = FIRST_WAIT_S if lasted > LONGEST_WAIT_S else min(2.0 * wait_s, LONGEST_WAIT_S)
                await asyncio.sleep(wait_s)

    async def _connection(self) -> None:
        host, port = address("connect", self._settings.connect)
        async with asyncio.timeout(CONNECT_S):
            transport, line = await asyncio.get_running_loop().create_connection(lambda: _Line(self._pump), host, port)
        self.connections += 1
        connected = metrics.CONNECTED.labels(self._settings.name)
        connected.inc()
        log.info("connected", input=self._settings.name, to=self._settings.connect)
        try:
            while True:
                async with asyncio.timeout(self._settings.silent_s):
                    size = await line.read()
                if not size:
                    log.info("connection ended", input=self._settings.name)
                    return
                await asyncio.sleep(self._pace.wait_s(size / MESSAGE_BYTES[self._settings.kind], time.monotonic()))
                await self._pump.room()
                line.more()
        finally:
            connected.dec()
            transport.close()
