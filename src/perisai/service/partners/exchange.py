"""The exchange with partners, part of the role gateway: ours to them, each by its policy; theirs to the bus, checked.

Nothing here is kept: after a restart, or on the machine that takes over, the frames of the delay are read from the bus
again and go through the same policy, but only what is new is said. Core NATS carries the messages over the leaf nodes:
a position that was not delivered is not worth delivering later; the next second brings another.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pyarrow as pa
import structlog

from perisai.model import Mode
from perisai.sharing import Sharer, receive, send

from ..bus import PARTNER, Bus
from ..ingest.gate import Gate
from .settings import Partner

LOOK_BACK_FRAMES = 150
"""Frames read again at the start on top of the delay: what is shown now has a row in them."""

PAUSE_S = 5.0
TOLD_S = 60.0
log = structlog.get_logger("partners")


class _Link:
    """One partner and what passed."""

    def __init__(self, partner: Partner) -> None:
        self.partner = partner.settings
        self.scope = partner.scope
        self.count: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.heard_us: int | None = None


class Exchange:
    """All partners of one centre."""

    def __init__(self, bus: Bus, partners: Sequence[Partner], mode: Mode, now_us: Callable[[], int]) -> None:
        """now_us: the time by which what partners send is judged."""
        self._bus, self._now_us = bus, now_us
        self._mode: Mode = mode
        self._links = [_Link(partner) for partner in partners]

    def status(self) -> list[dict[str, Any]]:
        """How each partner is: what was given, taken and refused by reason."""
        return [
            {
                "id": link.partner.id,
                "gives": link.partner.give is not None,
                "takes": link.partner.take is not None,
                "given_messages": link.count["given messages"],
                "given_tracks": link.count["given tracks"],
                "taken_messages": link.count["taken messages"],
                "taken_tracks": link.count["taken tracks"],
                "rejects": dict(link.rejects),
                "heard_us": link.heard_us,
            }
            for link in self._links
        ]

    async def run(self) -> None:
        """Give and take until cancelled. What fails is begun again; it never stops the ways out beside it."""
        async with asyncio.TaskGroup() as group:
            givers = [link for link in self._links if link.scope]
            if givers:
                group.create_task(self._again("give", lambda: self._give(givers)))
            for link in self._links:
                if link.partner.take:
                    group.create_task(self._again(f"take {link.partner.id}", lambda link=link: self._take(link)))
            if any(link.partner.take for link in self._links):
                group.create_task(self._tell_rejects())

    async def _again(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception:
                log.exception("exchange begins again", what=what, pause_s=PAUSE_S)
            await asyncio.sleep(PAUSE_S)

    async def _give(self, links: list[_Link]) -> None:
        sharers = [(link, Sharer(link.scope)) for link in links if link.scope]
        delay_s = max(sharer.delay_s for _, sharer in sharers)
        head = await self._bus.last_sequence("TRACKS")
        before: dict[str, dict[int, dict[str, Any]]] = {link.partner.id: {} for link in links}
        async for message in self._bus.follow("TRACKS", max(0, head - LOOK_BACK_FRAMES - int(delay_s))):
            rows = message.table()
            for link, sharer in sharers:
                given = sharer.step(rows, message.end_us)
                if message.sequence <= head:
                    before[link.partner.id] |= {row["track"]: row for row in given.to_pylist()}
                    continue
                if earlier := before.pop(link.partner.id, None):
                    given = pa.concat_tables([pa.Table.from_pylist(list(earlier.values()), given.schema), given])
                await self._say(link, given, message.end_us)

    async def _say(self, link: _Link, given: pa.Table, end_us: int) -> None:
        for data in send(given, end_us, self._mode):
            await self._bus.say(link.partner.gives_to, data)
            link.count["given messages"] += 1
        link.count["given tracks"] += given.num_rows

    async def _take(self, link: _Link) -> None:
        partner = link.partner
        assert partner.take is not None
        gate = Gate(partner.take.max_message_bytes, partner.take.max_messages_per_s)
        async for data in self._bus.hear(partner.takes_from):
            link.count["taken messages"] += 1
            if not gate.admit(partner.id, len(data), time.monotonic(), link.rejects):
                continue
            received = receive(data, self._mode, self._now_us(), partner.id)
            link.rejects.update(received.rejects)
            if not received.end_us:
                continue
            link.heard_us = self._now_us()
            link.count["taken tracks"] += received.table.num_rows
            identity = f"{partner.id}-{received.end_us}-{hashlib.sha256(data).hexdigest()[:16]}"
            await self._bus.publish_table(f"{PARTNER}.{partner.id}", received.table, identity, received.end_us)

    async def _tell_rejects(self) -> None:
        """Refusals to the log, no more often than once a minute."""
        told: dict[str, Counter[str]] = {}
        while True:
            await asyncio.sleep(TOLD_S)
            for link in self._links:
                new = link.rejects - told.get(link.partner.id, Counter())
                if new:
                    log.warning("refused from a partner", partner=link.partner.id, rejects=dict(new))
                told[link.partner.id] = link.rejects.copy()
