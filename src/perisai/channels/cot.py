"""The CoT channel outwards: events to TAK servers over TCP or TLS, and to partners or a mesh over UDP."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from .cot_event import CotEvent
from .cot_queue import MAX_DATAGRAM, CotQueue, datagram, stream_bytes
from .cot_settings import CotSettings
from .message import ChannelCount

LINGER_S = 5.0
TOGETHER = 500
"""Events written before the connection is asked to drain: what a lost connection can take with it."""


class CotChannel:
    """Sends events to one target. `push` never waits; `run` ends only when cancelled.

    After a loss it connects again with a growing pause; then everything that lasts is sent again, because a server may
    have lost it, and the same uid again only replaces itself there. connected: for health.
    """

    def __init__(self, settings: CotSettings, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self.count = ChannelCount()
        self.connected = False
        self.address = settings.url
        self._settings, self._clock_us = settings, clock_us
        parts = urlsplit(settings.url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._queue = CotQueue(self.count)

    def push(self, events: Iterable[CotEvent]) -> None:
        """Takes in events, newest last."""
        self._queue.push(events)

    async def run(self) -> None:
        """Sends, and connects again after a growing pause whenever the target is gone."""
        settings = self._settings
        pause_s = settings.retry_s
        while True:
            try:
                await (self._datagrams() if settings.scheme == "udp" else self._stream())
            except (OSError, EOFError) as error:
                self.count.failures[type(error).__name__] += 1
                pause_s = settings.retry_s if self.connected else min(pause_s * 2.0, settings.max_retry_s)
            finally:
                self.connected = False
            await asyncio.sleep(pause_s)

    async def _stream(self) -> None:
        context = client_context(self._settings) if self._settings.scheme == "tls" else None
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=context)
        ears = asyncio.ensure_future(listen(reader))
        self.connected = True
        self._queue.again(self._clock_us())
        try:
            while True:
                await self._queue.something(ears)
                await write(writer, self._queue, self._settings.format, self.count, self._clock_us)
        finally:
            ears.cancel()
            await close(writer)

    async def _datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        family, address = found[0][0], found[0][4]
        with socket.socket(family, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            if ipaddress.ip_address(address[0]).is_multicast and family == socket.AF_INET:
                out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self._settings.ttl)
            self.connected = True
            self._queue.again(self._clock_us())
            while True:
                await self._queue.something(None)
                for event in self._queue.take():
                    data = datagram(event, self._settings.format)
                    if len(data) > MAX_DATAGRAM:
                        self.count.failures["too_large"] += 1
                        continue
                    try:
                        await loop.sock_sendto(out, data, address)
                    except OSError as error:
                        self.count.failures[type(error).__name__] += 1
                        continue
                    self.count.sent(len(data), self._clock_us())


async def write(
    writer: asyncio.StreamWriter, queue: CotQueue, form: str, count: ChannelCount, clock_us: Callable[[], int]
) -> None:
    """Writes what waits; what was not handed to a living connection waits again."""
    events = queue.take()
    for start in range(0, len(events), TOGETHER):
        size = 0
        for event in events[start : start + TOGETHER]:
            data = stream_bytes(event, form)
            writer.write(data)
            size += len(data)
        try:
            await writer.drain()
        except OSError:
            queue.put_back(events[start:])
            raise
        count.sent(size, clock_us(), messages=len(events[start : start + TOGETHER]))


async def close(writer: asyncio.StreamWriter) -> None:
    """Closes a connection, waiting for it no longer than LINGER_S."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), LINGER_S)


async def listen(reader: asyncio.StreamReader) -> None:
    """Reads away what the other end sends (pings, others' tracks); the end of the stream ends this."""
    while await reader.read(65_536):
        pass


def client_context(settings: CotSettings) -> ssl.SSLContext:
    """TLS of a client that checks the server, and shows its own certificate when it has one."""
    context = ssl.create_default_context(cafile=settings.authority or None)
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None)
    return context
