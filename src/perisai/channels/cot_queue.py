"""What waits to be sent to one TAK peer: newest state of each track, and every alert that still stands."""

import asyncio
from collections.abc import Iterable

from .cot_event import CotEvent, to_xml
from .cot_proto import mesh, stream
from .message import ChannelCount

MAX_WAITING = 20_000
MAX_DATAGRAM = 60_000
"""Bytes in one UDP datagram; a longer event is not sent there (counted `too_large`)."""


class CotQueue:
    """Never grows beyond bounds: a newer event of a uid replaces the older one, and when too much waits, positions of
    tracks give way (counted `dropped`), alerts never. A peer that comes anew is told of all that lasts."""

    def __init__(self, count: ChannelCount) -> None:
        self._count = count
        self._lasting: dict[str, CotEvent] = {}
        self._waiting: dict[str, CotEvent] = {}
        self._wake = asyncio.Event()

    def push(self, events: Iterable[CotEvent]) -> None:
        """Takes in events, newest last."""
        for event in events:
            for uid in (event.uid, event.undoes):
                self._waiting.pop(uid, None)
                if event.lasting:
                    self._lasting.pop(uid, None)
            self._waiting[event.uid] = event
            if event.lasting:
                self._lasting[event.uid] = event
        excess = len(self._waiting) - MAX_WAITING
        if excess > 0:
            for uid in [uid for uid, event in self._waiting.items() if not event.lasting][:excess]:
                del self._waiting[uid]
                self._count.failures["dropped"] += 1
        self._wake.set()

    def standing(self, now_us: int) -> list[CotEvent]:
        """Shapes and alerts that hold now (us since 1970-01-01 UTC)."""
        for uid in [uid for uid, event in self._lasting.items() if event.stale_us <= now_us]:
            del self._lasting[uid]
        return list(self._lasting.values())

    def again(self, now_us: int) -> None:
        """A new connection is told of every shape and alert that still stands."""
        standing = {event.uid: event for event in self.standing(now_us)}
        newer = {uid: event for uid, event in self._waiting.items() if uid not in standing}
        self._waiting = {**standing, **newer}
        self._wake.set()

    async def something(self, ears: "asyncio.Future[None] | None") -> None:
        """Waits until there is something to send. Raises when `ears` (the reader of the connection) has ended."""
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({waker, ears} if ears else {waker}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
        if ears is not None and ears.done():
            raise ears.exception() or EOFError
        self._wake.clear()

    def take(self) -> list[CotEvent]:
        events = list(self._waiting.values())
        self._waiting.clear()
        return events

    def put_back(self, events: list[CotEvent]) -> None:
        """What could not be sent, unless something newer waits."""
        self._waiting = {**{event.uid: event for event in events}, **self._waiting}


def stream_bytes(event: CotEvent, form: str) -> bytes:
    """The event for a TCP or TLS connection. form: xml or protobuf."""
    return stream(event) if form == "protobuf" else to_xml(event) + b"\n"


def datagram(event: CotEvent, form: str) -> bytes:
    """The event for UDP."""
    return mesh(event) if form == "protobuf" else to_xml(event)
