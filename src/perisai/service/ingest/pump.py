"""From a socket to the parser and on to the bus, in batches; a bus that does not keep up stops the reading."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol

import structlog

from perisai.sensors import Imported

from .sink import Sink
from .spool import Spool

FLUSH_S = 0.05
"""Least time between two batches: what comes after a pause is stored at once, what comes thick in batches."""

FULL_BYTES = 32 << 20
log = structlog.get_logger("input")


class LiveParser(Protocol):
    """A parser that remembers: it takes what came (us since 1970 UTC, bytes) and goes on from call to call."""

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported: ...


def now_us() -> int:
    return time.time_ns() // 1000


async def to_the_end(batch: Coroutine[Any, Any, None]) -> None:
    """Store a batch: a caller that is cancelled meanwhile must not lose it, so it is waited for all the same."""
    work = asyncio.ensure_future(batch)
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        with contextlib.suppress(asyncio.CancelledError):
            await work
        raise


class Pump:
    """Batches of one input. `pause` and `resume` are called when it is full and when it has room again."""

    def __init__(
        self,
        sink: Sink,
        parser: LiveParser,
        pause: Callable[[], None] = lambda: None,
        resume: Callable[[], None] = lambda: None,
        spool: Spool | None = None,
    ) -> None:
        self._sink = sink
        self._parser = parser
        self._pause, self._resume = pause, resume
        self._spool = spool
        self._chunks: list[tuple[int, bytes]] = []
        self._stored: list[Callable[[], object]] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._busy = asyncio.Lock()

    async def recover(self) -> None:
        """Parse anew what a process before had read, and store what of it the bus does not have; before `offer`."""
        if self._spool is None:
            return
        await self._sink.resume(self._spool.name)
        for number, chunks in self._spool.recover():
            if number < self._sink.stored[0]:
                await asyncio.to_thread(self._parser.take, chunks)  # for what it remembers
            else:
                await self._work(chunks, number)
        self._spool.number = max(self._spool.number, self._sink.stored[0])

    def offer(self, received_us: int, data: bytes, stored: Callable[[], object] | None = None) -> None:
        """Take what was read; never refuses. stored: called when the bus has what came of it."""
        if self._spool is not None:
            self._spool.append(received_us, data)
        if stored is not None:
            self._stored.append(stored)
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
        due_s = 0.0
        while True:
            await self._wake.wait()
            if not self._stored:  # a sender that waits for an answer sends no more before it
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            due_s = time.monotonic() + FLUSH_S
            await self.flush()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flushes often meanwhile; what was read is stored at the end."""
        pumping = asyncio.create_task(self.run())
        try:
            yield
        finally:
            pumping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pumping
            await self.flush()

    async def flush(self) -> None:
        """Parse and store all that was read."""
        async with self._busy:
            while self._chunks:
                chunks, size = self._chunks, self._bytes
                stored = self._stored
                self._chunks, self._bytes, self._stored = [], 0, []
                number = self._spool.cut() if self._spool is not None else 0
                self._wake.clear()
                self._sink.heard(len(chunks), size)
                await to_the_end(self._work(chunks, number))
                for tell in stored:
                    tell()
                if not self._room.is_set() and self._bytes <= FULL_BYTES // 2:
                    self._room.set()
                    self._resume()

    async def _work(self, chunks: list[tuple[int, bytes]], number: int) -> None:
        try:
            if self._spool is not None:
                await asyncio.to_thread(self._spool.settle)
            imported = await asyncio.to_thread(self._parser.take, chunks)
        except Exception as error:  # a parser that fails must not end the input: its batch is counted, and told
            log.exception("batch not parsed", chunks=len(chunks))
            self._sink.rejects[f"internal: {type(error).__name__}"] += len(chunks)
            return
        await self._sink.put(imported, number)
        if self._spool is not None:
            self._spool.done(number)
