"""Channels that partners fetch over HTTP: the CAP feed and the shapes that today's alert apps read."""

import asyncio
import hashlib
from collections.abc import Iterable

import pyarrow as pa

from perisai.alerting import CapMessage
from perisai.channels.alert_api import AlertApi, AlertApiSettings
from perisai.channels.cap_feed import CapFeed, FeedSettings
from perisai.channels.message import ChannelCount
from perisai.channels.ukrainealarm import UkraineAlarmApi
from perisai.model import Alert, Areas, Mode

from ..picture import Picture
from .clock import ChannelClock, wall_us


class FeedOutlet:
    """The CAP messages that have not expired, as an Atom feed and each by its address."""

    kind = "cap_feed"
    connected: bool | None = None

    def __init__(self, name: str, settings: FeedSettings, clock: ChannelClock) -> None:
        self.name, self.count, self.settings = name, ChannelCount(), settings
        self.address = f"{settings.base_url}/cap.atom"
        self._clock = clock
        self._feed = CapFeed(settings)
        self._made: dict[str, tuple[int, int, bytes, str]] = {}
        self._version = 0

    def take_message(self, message: CapMessage, sequence: int) -> None:
        if message.expires_us > self._clock.now_us():
            self._feed.add(message)
            self._version += 1

    def take_tracks(self, rows: pa.Table) -> None:
        pass

    async def run(self) -> None:
        await asyncio.Event().wait()

    def document(self, base_url: str) -> tuple[bytes, str]:
        """The feed and its ETag. base_url: as the reader addressed us, unless the settings say otherwise."""
        base_url = self._feed.settings.base_url or base_url
        now_us = self._clock.now_us()
        version, second, body, tag = self._made.get(base_url, (-1, 0, b"", ""))
        if version != self._version or second != now_us // 1_000_000:
            body = self._feed.atom(now_us, base_url)
            tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
            if len(self._made) > 16:
                self._made.clear()
            self._made[base_url] = (self._version, now_us // 1_000_000, body, tag)
        self.count.sent(len(body), wall_us())
        return body, tag

    def message(self, identifier: str) -> bytes | None:
        """One message, while it has not expired."""
        xml = self._feed.alert(identifier)
        if xml is not None:
            self.count.sent(len(xml), wall_us())
        return xml


class AlertApiOutlet:
    """The alerts of the picture in the shapes of alerts.in.ua and ukrainealarm.com."""

    kind = "alert_api"
    connected: bool | None = None
    address = "/v1/, /v2/, /api/v3/"

    def __init__(self, name: str, settings: AlertApiSettings, areas: Areas, mode: Mode, picture: Picture) -> None:
        self.name, self.count, self.settings = name, ChannelCount(), settings
        self._picture, self._seen = picture, -1
        self._api = AlertApi(areas, settings, mode, self._history)
        self._ukrainealarm = UkraineAlarmApi(areas, settings, mode, self._history)

    def take_message(self, message: CapMessage, sequence: int) -> None:
        pass

    def take_tracks(self, rows: pa.Table) -> None:
        pass

    async def run(self) -> None:
        await asyncio.Event().wait()

    def api(self) -> AlertApi:
        """The answers of alerts.in.ua as of now."""
        self._follow()
        return self._api

    def ukrainealarm(self) -> UkraineAlarmApi:
        """The answers of ukrainealarm.com as of now."""
        self._follow()
        return self._ukrainealarm

    def _follow(self) -> None:
        if self._picture.version != self._seen:
            self._seen = self._picture.version
            active, now_us = self._picture.book.active(), self._picture.now_us or wall_us()
            self._api.update(active, now_us)
            self._ukrainealarm.update(active, now_us)

    def _history(self, since_us: int) -> Iterable[Alert]:
        return self._picture.book.all(since_us=since_us)
