"""Inputs over MQTT: a broker's topics, subscribed to and subscribed to again."""

import asyncio
import time
from collections import Counter
from functools import partial
from pathlib import Path

import aiomqtt
import structlog

from perisai.model import ResourceError

from . import metrics
from .gate import Gate
from .pump import LiveParser, Pump, now_us
from .settings import LiveInput, address
from .sink import Sink

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
log = structlog.get_logger("input")


class MqttInput:
    """Messages of the topics. The session is kept, so the broker holds what comes while this centre is away."""

    def __init__(self, settings: LiveInput, sink: Sink, parser: LiveParser) -> None:
        self._settings = settings
        self._sink = sink
        self._gate = Gate(settings.max_message_bytes, settings.max_messages_per_s)
        self._pump = Pump(sink, parser)
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        """Read until cancelled; what was read is stored then."""
        wait_s = FIRST_WAIT_S
        async with self._pump.running():
            while True:
                try:
                    await self._session()
                except aiomqtt.MqttError as error:
                    log.warning("no MQTT connection", input=self._settings.name, reason=str(error))
                wait_s = FIRST_WAIT_S if self.subscribed.is_set() else min(2.0 * wait_s, LONGEST_WAIT_S)
                self.subscribed.clear()
                await asyncio.sleep(wait_s)

    async def _session(self) -> None:
        settings = self._settings
        host, port = address("broker", settings.broker)
        client = aiomqtt.Client(
            host,
            port,
            username=settings.user or None,
            password=_password(settings) if settings.password_file else None,
            identifier=f"perisai-{settings.name}",
            clean_session=False,
        )
        # The broker is told that a message was taken when the bus has it, and gives it again otherwise.
        line = client._client
        line.manual_ack_set(True)
        connected = metrics.CONNECTED.labels(settings.name)
        async with client:
            connected.inc()
            try:
                await client.subscribe(settings.topic, qos=1)
                log.info("subscribed", input=settings.name, to=settings.topic)
                self.subscribed.set()
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else str(message.payload).encode()
                    refused: Counter[str] = Counter()
                    if self._gate.admit(message.topic.value, len(payload), time.monotonic(), refused):
                        self._pump.offer(now_us(), payload, partial(line.ack, message.mid, message.qos))
                        await self._pump.room()
                    else:
                        line.ack(message.mid, message.qos)
                        self._sink.refuse(refused)
            finally:
                connected.dec()


def _password(settings: LiveInput) -> str:
    try:
        return Path(settings.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ResourceError(f"input {settings.name}: password_file {settings.password_file}: {error}") from error
