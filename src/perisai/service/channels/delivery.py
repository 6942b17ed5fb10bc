"""Delivery of messages to those who asked for them, each once: what is on its way, what is settled, what is next."""

import asyncio
from collections.abc import Callable

from perisai.alerting import CapMessage
from perisai.channels.fan_out import Outcome

from .store import ChannelStore

FLUSH_S = 0.2

Send = Callable[[CapMessage, frozenset[str], Callable[[Outcome], None]], "asyncio.Future[list[Outcome]]"]
"""Starts sending a message to all who want it but those named, telling what becomes of each; done when none is left."""


class Delivery:
    """The book of one channel. Messages go out at once, side by side; the cursor follows behind, past those that are
    settled with everybody. What was settled beyond the cursor is in the store, so a restart repeats nothing of it."""

    def __init__(self, channel: str, store: ChannelStore, send: Send, now_us: Callable[[], int], *, latest: bool):
        """latest: of what waited while the channel was down, only the last message of each incident is sent."""
        self._channel, self._store, self._send, self._now_us, self._latest = channel, store, send, now_us, latest
        self._cursor = store.cursor(channel)
        self._done = store.settled(channel)
        self._closed: dict[int, bool] = {}
        self._backlog: list[tuple[int, CapMessage]] = []
        self._running = False
        self._settled: dict[int, list[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, message: CapMessage, sequence: int) -> None:
        """A message of the stream; nothing happens with one that is settled or too old."""
        if sequence <= self._cursor:
            return
        self._closed[sequence] = message.expires_us <= self._now_us()
        if self._closed[sequence]:
            return
        if self._running:
            self._start(sequence, message)
        else:
            self._backlog.append((sequence, message))

    async def run(self) -> None:
        """Sends what waits, then keeps the book until cancelled."""
        self._running = True
        backlog, self._backlog = self._backlog, []
        last = {message.incident: sequence for sequence, message in backlog}
        for sequence, message in backlog:
            if self._latest and last[message.incident] != sequence:
                self._closed[sequence] = True
            else:
                self._start(sequence, message)
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await asyncio.to_thread(self._write, *self._page())
        finally:
            self._running = False
            for task in list(self._tasks):
                task.cancel()
            self._write(*self._page())

    def _start(self, sequence: int, message: CapMessage) -> None:
        def tell(outcome: Outcome) -> None:
            self._settled.setdefault(sequence, []).append(outcome.key)

        async def finish() -> None:
            await sending
            self._closed[sequence] = True

        sending = self._send(message, frozenset(self._done.pop(sequence, ())), tell)
        task = asyncio.get_running_loop().create_task(finish())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _page(self) -> tuple[int, dict[int, list[str]]]:
        """The cursor, past all that is settled with everybody, and what was settled beyond it since last time."""
        before = self._cursor
        for sequence in sorted(self._closed):
            if not self._closed[sequence]:
                break
            self._cursor = sequence
            del self._closed[sequence]
        settled = {sequence: keys for sequence, keys in self._settled.items() if sequence > self._cursor}
        self._settled = {}
        return (self._cursor if self._cursor != before else 0), settled

    def _write(self, cursor: int, settled: dict[int, list[str]]) -> None:
        for sequence, keys in settled.items():
            self._store.settle(self._channel, sequence, keys)
        if cursor:
            self._store.advance(self._channel, cursor)
