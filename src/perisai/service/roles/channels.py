"""The channels role: CAP messages and tracks from the bus to every way out.

First every channel is told of the messages that have not expired, then it starts: so none of them ever shows an area
quiet that is not. A channel that fails is started again after a pause; the others and the house go on.
"""

import asyncio
from collections import deque
from typing import Any

import msgspec
import structlog

from perisai.alerting import CapMessage
from perisai.model import PerisaiError

from ..bus import Bus
from ..channels.clock import wall_us
from ..channels.http_outlets import FeedOutlet
from ..channels.live_outlets import MqttOutlet
from ..channels.outlet import Outlet, status
from ..channels.store import ChannelStore
from ..tracing import span

PAUSE_S = 5.0
KEEP_S = 10.0
HORIZON = "horizon"
LOOK_BACK = 20_000
"""CAP messages behind which none is in force: each is sent anew before it expires."""
log = structlog.get_logger("channels")


class Channels:
    """All ways out of one centre."""

    def __init__(self, bus: Bus, outlets: list[Outlet], store: ChannelStore, now_us: Any) -> None:
        """now_us: the time by which messages expire."""
        self._bus, self.outlets, self._store, self._now_us = bus, outlets, store, now_us
        self._standing: deque[tuple[int, int]] = deque()
        self._horizon = store.cursor(HORIZON)

    def find(self, kind: type[Any]) -> Any:
        """The channel of a class, or None."""
        return next((outlet for outlet in self.outlets if isinstance(outlet, kind)), None)

    def status(self) -> list[dict[str, Any]]:
        """How each channel is."""
        return [status(outlet, wall_us()) for outlet in self.outlets]

    def sirens(self) -> list[dict[str, Any]]:
        """What the sirens of each MQTT channel say of themselves."""
        told = ((outlet, one) for outlet in self._brokers() for one in outlet.sirens())
        return [{"channel": outlet.name} | msgspec.to_builtins(one) for outlet, one in told]

    def siren_reports(self) -> dict[str, int]:
        """Reports of sirens that each MQTT channel took."""
        return {outlet.name: outlet.siren_reports for outlet in self._brokers()}

    def _brokers(self) -> list[MqttOutlet]:
        return [outlet for outlet in self.outlets if isinstance(outlet, MqttOutlet)]

    async def run(self) -> None:
        """Feed the channels until cancelled."""
        head = await self._bus.last_sequence("CAP")
        caught_up = asyncio.Event()
        if head <= self._horizon:
            caught_up.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._messages(head, caught_up))
            group.create_task(self._keep())
            await caught_up.wait()
            group.create_task(self._tracks())
            for outlet in self.outlets:
                group.create_task(self._supervise(outlet), name=outlet.name)

    async def serve(self) -> None:
        """Keep the CAP feed, which is read where the console is, while another process has the other ways out."""
        feed = self.find(FeedOutlet)
        head = await self._bus.last_sequence("CAP")
        async for message in self._bus.follow("CAP", max(self._horizon, head - LOOK_BACK)):
            feed.take_message(msgspec.msgpack.decode(message.data, type=CapMessage), message.sequence)

    async def _messages(self, head: int, caught_up: asyncio.Event) -> None:
        async for message in self._bus.follow("CAP", self._horizon):
            try:
                cap = msgspec.msgpack.decode(message.data, type=CapMessage)
            except msgspec.DecodeError as error:  # of another version of Perisai: no reason to stop what is to come
                log.error("CAP message not read", sequence=message.sequence, reason=str(error))
            else:
                with span("channels.message", [message.headers], identifier=cap.identifier):
                    self._hand_out(cap, message.sequence)
            if message.sequence >= head:
                caught_up.set()

    def _hand_out(self, cap: CapMessage, sequence: int) -> None:
        self._standing.append((sequence, cap.expires_us))
        for outlet in self.outlets:
            try:
                outlet.take_message(cap, sequence)
            except Exception:
                outlet.count.failures["not_taken"] += 1
                log.exception("message not taken", channel=outlet.name, identifier=cap.identifier)

    async def _tracks(self) -> None:
        async for message in self._bus.follow("TRACKS", await self._bus.last_sequence("TRACKS")):
            rows = message.table()
            for outlet in self.outlets:
                try:
                    outlet.take_tracks(rows)
                except Exception:
                    outlet.count.failures["not_taken"] += 1
                    log.exception("tracks not taken", channel=outlet.name)

    async def _keep(self) -> None:
        """Keeps from which message on a restart must read: the first that has not expired."""
        while True:
            await asyncio.sleep(KEEP_S)
            horizon, now_us = self._horizon, self._now_us()
            while self._standing and self._standing[0][1] <= now_us:
                horizon = self._standing.popleft()[0]
            if horizon != self._horizon:
                self._horizon = horizon
                await asyncio.to_thread(self._store.advance, HORIZON, horizon)

    async def _supervise(self, outlet: Outlet) -> None:
        while True:
            log.info("channel", name=outlet.name, kind=outlet.kind, address=outlet.address)
            try:
                await outlet.run()
                reason = "ended"
            except Exception as error:
                reason = _reason(error)
                if not reason:
                    reason = type(error).__name__
                    log.exception("channel failed", channel=outlet.name)
            outlet.count.failures["restarted"] += 1
            log.error("channel starts again", channel=outlet.name, reason=reason, pause_s=PAUSE_S)
            await asyncio.sleep(PAUSE_S)


def _reason(error: BaseException) -> str:
    """What a person can mend, in one line; empty for a fault of ours."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_reason(one) for one in error.exceptions if _reason(one))
    return str(error) if isinstance(error, (PerisaiError, OSError)) else ""
