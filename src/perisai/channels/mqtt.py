"""The MQTT channel: keeps the broker's retained states as they should be, through every loss of the broker."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Iterable

import aiomqtt
import msgspec

from perisai.model import Areas

from .message import ChannelCount, Message
from .mqtt_messages import MqttSettings, MqttState, Publication, topic_of
from .siren_reports import SirenReports, SirenTold

TOGETHER = 100
FAREWELL_S = 2.0


class MqttChannel:
    """Publishes the state of areas. `push` never waits; `run` is a task that ends only when cancelled.

    After each connection everything is published anew, so a broker that lost its memory is whole again. Areas that
    changed while there was no broker are published once, with their last state. connected: for health.
    """

    def __init__(
        self, areas: Areas, settings: MqttSettings, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000
    ) -> None:
        self.count = ChannelCount()
        self.connected = False
        self._settings, self._clock_us = settings, clock_us
        self._state = MqttState(settings, areas)
        self._published = frozenset(self._state.chosen())
        self._sirens = SirenReports(settings.prefix, {topic_of(code): code for code in self._published})
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()

    @property
    def address(self) -> str:
        return f"{'mqtts' if self._settings.tls else 'mqtt'}://{self._settings.host}:{self._settings.port}"

    def use_port(self, port: int) -> None:
        """Where the broker answers, known once it has started."""
        self._settings = msgspec.structs.replace(self._settings, port=port)

    @property
    def siren_reports(self) -> int:
        """Reports of sirens that were taken."""
        return self._sirens.reports

    def sirens(self) -> list[SirenTold]:
        """What the sirens at this broker say of themselves, beside what stands for their areas."""
        return self._sirens.standing(self._state.orders(), time.time_ns() // 1000)

    def push(self, message: Message) -> None:
        """Takes in a CAP message."""
        self._mark([self._state.take(message)])

    async def run(self) -> None:
        """Connects, publishes, and connects again after a growing pause whenever the broker is gone."""
        pause_s = self._settings.retry_s
        while True:
            try:
                async with self._client() as client:
                    await self._greet(client)
                    self.connected, pause_s = True, self._settings.retry_s
                    try:
                        await self._serve(client)
                    except asyncio.CancelledError:
                        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                            await asyncio.wait_for(self._publish(client, [self._status(b"offline")]), FAREWELL_S)
                        raise
            except (aiomqtt.MqttError, OSError) as error:
                self.count.failures[type(error).__name__] += 1
            finally:
                self.connected = False
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2.0, self._settings.max_retry_s)

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        client = aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username or None,
            password=settings.password or None,
            tls_context=_context(settings) if settings.tls else None,
            will=aiomqtt.Will(f"{settings.prefix}/status", b"offline", qos=1, retain=True),
            max_inflight_messages=TOGETHER,
        )
        client.pending_calls_threshold = TOGETHER
        return client

    async def _greet(self, client: aiomqtt.Client) -> None:
        chosen = self._state.chosen()
        for start in range(0, len(chosen), TOGETHER):
            together = chosen[start : start + TOGETHER]
            await asyncio.gather(*(self._publish(client, self._state.discovery(code)) for code in together))
        self._state.expire(self._clock_us())
        self._mark(chosen)
        await self._flush(client)
        await self._publish(client, [self._status(b"online")])

    def _status(self, payload: bytes) -> Publication:
        return Publication(f"{self._settings.prefix}/status", payload)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Publishes what changes; a broker that hangs up is noticed by the reader, whose end ends this too."""
        reader = asyncio.ensure_future(self._watch(client))
        try:
            while not reader.done():
                waker = asyncio.ensure_future(self._wake.wait())
                await asyncio.wait({waker, reader}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                waker.cancel()
                self._mark(self._state.expire(self._clock_us()))
                await self._flush(client)
            await reader
        finally:
            reader.cancel()

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Hears the sirens; ends when the broker hangs up. The last will of a gateway that this one took over from may
        come late, when its line times out: it does not stand."""
        reports, status = f"{self._settings.prefix}/+/siren/report", f"{self._settings.prefix}/status"
        await client.subscribe([(reports, 1), (f"{reports}/+", 1), (status, 1)])
        async for message in client.messages:
            payload = bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else b""
            if str(message.topic) == status:
                if payload == b"offline":
                    await self._publish(client, [self._status(b"online")])
                continue
            refused = self._sirens.rejects
            self._sirens.hear(str(message.topic), payload, time.time_ns() // 1000, kept=bool(message.retain))
            self.count.failures += refused
            refused.clear()

    async def _flush(self, client: aiomqtt.Client) -> None:
        self._wake.clear()
        while self._changed:
            codes = list(self._changed)[:TOGETHER]
            for code in codes:
                del self._changed[code]
            try:
                await asyncio.gather(*(self._publish(client, self._state.state(code)) for code in codes))
            except BaseException:
                self._mark(codes)
                raise

    async def _publish(self, client: aiomqtt.Client, publications: Iterable[Publication]) -> None:
        for one in publications:
            await client.publish(one.topic, one.payload, qos=1, retain=True)
            self.count.sent(len(one.payload), time.time_ns() // 1000)

    def _mark(self, codes: Iterable[str]) -> None:
        for code in codes:
            if code in self._published:
                self._changed[code] = None
        if self._changed:
            self._wake.set()


def _context(settings: MqttSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.authority or None)
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None)
    return context
