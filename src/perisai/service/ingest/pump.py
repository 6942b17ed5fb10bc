"""From a socket to the parser and on to the bus, in batches; a bus that does not keep up stops the reading."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from perisai.sensors import Imported

from .sink import Sink

FLUSH_S = 0.05
"""How long what was read may wait for more: all of a batch is stored before the next is parsed."""

FULL_BYTES = 32 << 20
log = structlog.get_logger("input")


class LiveParser(Protocol):
    """A parser that remembers: it takes what came (us since 1970 UTC, bytes) and goes on from call to call."""

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported: ...


def now_us() -> int:
    return time.time_ns() // 1000


class Pump:
    """Batches of one input. `pause` and `resume` are called when it is full and when it has room again."""

    def __init__(
        self,
        sink: Sink,
        parser: LiveParser,
        pause: Callable[[], None] = lambda: None,
        resume: Callable[[], None] = lambda: None,
    ) -> None:
        self._sink = sink
        self._parser = parser
        self._pause, self._resume = pause, resume
        self._chunks: list[tuple[int, bytes]] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._busy = asyncio.Lock()

    def offer(self, received_us: int, data: bytes) -> None:
        """Take what was read; never refuses."""
        self._chunks.append((received_us, data))
        self._bytes += len(data)
        self._wake.set()
        if self._bytes > FULL_BYTES and self._room.is_set():
            self._room.clear()
            self._pause()

    async def room(self) -> None:
        """Return once there is room for more."""
        await self._room.wait()

    async def run(self) -> None:
        """Flush often, until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Parse and store all that was read."""
        async with self._busy:
            while self._chunks:
                chunks, size = self._chunks, self._bytes
                self._chunks, self._bytes = [], 0
                self._wake.clear()
                self._sink.heard(len(chunks), size)
                # A cancelled caller must not lose the batch: the work goes on and is waited for.
                work = asyncio.ensure_future(self._work(chunks))
                try:
                    await asyncio.shield(work)
                except asyncio.CancelledError:
                    with contextlib.suppress(asyncio.CancelledError):
                        await work
                    raise
                if not self._room.is_set() and self._bytes <= FULL_BYTES // 2:
                    self._room.set()
                    self._resume()

    async def _work(self, chunks: list[tuple[int, bytes]]) -> None:
        try:
            imported = await asyncio.to_thread(self._parser.take, chunks)
        except Exception as error:  # a parser that fails must not end the input: its batch is counted, and told
            log.exception("batch not parsed", chunks=len(chunks))
            self._sink.rejects[f"internal: {type(error).__name__}"] += len(chunks)
            return
        await self._sink.put(imported)
