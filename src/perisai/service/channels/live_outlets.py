"""Channels that keep a partner's picture as it should be: MQTT, CoT, ASTERIX. State, not letters: sending one again
changes nothing there, so after a restart they are simply told of all that stands."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import pyarrow as pa

from perisai.alerting import CapMessage
from perisai.channels.asterix_out import AsterixChannel
from perisai.channels.cat062_settings import Cat062Settings
from perisai.channels.cot import CotChannel
from perisai.channels.cot_event import alert_events, track_events
from perisai.channels.cot_server import CotServer
from perisai.channels.cot_settings import CotSettings
from perisai.channels.message import ChannelCount
from perisai.channels.mqtt import MqttChannel
from perisai.channels.mqtt_messages import MqttSettings
from perisai.channels.siren_reports import SirenTold
from perisai.model import Areas, Mode, neutral

from ..mqtt_broker import MqttBroker
from .clock import ChannelClock, wall_us
from .outlet import LatestTracks

BEHIND_S = 10.0
"""Tracks this far behind the sensors are degraded service."""


Channel = TypeVar("Channel", bound=MqttChannel | CotChannel | CotServer | AsterixChannel)


class _LiveOutlet(Generic[Channel]):
    """What the three have in common: they tell how their channel is, and take nothing unless they say so."""

    _channel: Channel

    @property
    def address(self) -> str:
        return self._channel.address

    @property
    def connected(self) -> bool:
        return self._channel.connected

    @property
    def count(self) -> ChannelCount:
        return self._channel.count

    def take_message(self, message: CapMessage, sequence: int) -> None:
        pass

    def take_tracks(self, rows: pa.Table) -> None:
        pass


class MqttOutlet(_LiveOutlet[MqttChannel]):
    """The state of every area at a broker, which may be one of our own (`embedded`)."""

    kind = "mqtt"

    def __init__(self, name: str, settings: MqttSettings, areas: Areas, clock: ChannelClock, broker: MqttBroker | None):
        self.name = name
        self._broker = broker
        self._channel = MqttChannel(areas, settings, clock.now_us)

    def take_message(self, message: CapMessage, sequence: int) -> None:
        self._channel.push(message)

    @property
    def siren_reports(self) -> int:
        return self._channel.siren_reports

    def sirens(self) -> list[SirenTold]:
        return self._channel.sirens()

    async def run(self) -> None:
        if self._broker is None:
            await self._channel.run()
            return
        async with self._broker as broker:
            self._channel.use_port(broker.port)
            await self._channel.run()


class CotOutlet(_LiveOutlet[CotChannel | CotServer]):
    """Tracks and alerts as CoT events."""

    kind = "cot"

    def __init__(self, name: str, settings: CotSettings, areas: Areas, mode: Mode, clock: ChannelClock) -> None:
        self.name = name
        self._settings, self._areas, self._mode, self._clock = settings, areas, mode, clock
        self._channel = CotServer(settings) if settings.listens else CotChannel(settings)
        self._index = {code: number for number, code in enumerate(areas.code)}
        self._latest = LatestTracks(settings.tentative)

    def take_message(self, message: CapMessage, sequence: int) -> None:
        if self._settings.alerts and message.expires_us > self._clock.now_us():
            shift_us = self._clock.shift_us()
            self._channel.push(alert_events(message, self._areas, self._index, self._settings, shift_us))

    def take_tracks(self, rows: pa.Table) -> None:
        if self._settings.tracks:
            self._latest.add(rows)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._channel.run())
            group.create_task(self._tracks())

    async def _tracks(self) -> None:
        while True:
            await asyncio.sleep(self._settings.period_s)
            rows = self._latest.take()
            if rows is not None:
                shift_us = self._clock.shift_us()
                self._channel.push(track_events(rows, self._settings, self._mode, neutral_tracks(rows), shift_us))


class AsterixOutlet(_LiveOutlet[AsterixChannel]):
    """Tracks as category 062, the state of the service as 065. Alerts have no place in ASTERIX."""

    kind = "cat062"

    def __init__(
        self, name: str, settings: Cat062Settings, mode: Mode, clock: ChannelClock, lag_s: Callable[[], float]
    ) -> None:
        """lag_s: how far the tracks are behind what the sensors gave."""
        self.name = name
        self._settings, self._clock, self._lag_s = settings, clock, lag_s
        self._channel = AsterixChannel(settings, wall_us, exercise=mode != "actual")
        self._latest = LatestTracks(settings.tentative)

    def take_tracks(self, rows: pa.Table) -> None:
        self._latest.add(rows)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._channel.run())
            group.create_task(self._tracks())
            group.create_task(self._status())

    async def _tracks(self) -> None:
        while True:
            await asyncio.sleep(self._settings.period_s)
            rows = self._latest.take()
            if rows is not None:
                self._channel.send(rows, self._clock.shift_us())

    async def _status(self) -> None:
        while True:
            self._channel.say_status(degraded=self._lag_s() > BEHIND_S)
            await asyncio.sleep(self._settings.status_s)


def neutral_tracks(rows: pa.Table) -> list[int]:
    """Tracks held to be of neutral traffic."""
    return rows.filter(neutral(rows))["track"].to_pylist()
