"""The CoT channel: events to TAK servers over TCP or TLS, and to partners or a mesh over UDP."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import msgspec

from .cot_event import CotEvent, to_xml
from .cot_proto import mesh, stream
from .message import ChannelCount

MAX_WAITING = 20_000
LINGER_S = 5.0


class CotTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events go: `tcp://host:port`, `tls://host:port` or `udp://host:port` (a multicast group too).

    format: xml (every server takes it) or protobuf (TAK Protocol 1). certificate, key, authority: PEM files for TLS.
    """

    url: str
    format: str = "xml"
    certificate: str = ""
    key: str = ""
    authority: str = ""
    retry_s: float = 1.0
    max_retry_s: float = 60.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in ("tcp", "tls", "udp") and parts.hostname and parts.port
        except ValueError:
            good = False
        if not good:
            raise ValueError(f"url: {self.url!r}; expected tcp://, tls:// or udp:// with host and port")
        if self.format not in ("xml", "protobuf"):
            raise ValueError(f"format: {self.format!r}; expected xml or protobuf")


class CotChannel:
    """Sends events to one target. `push` never waits; `run` ends only when cancelled.

    Of what cannot be sent yet, a newer event of the same uid replaces the older one; when too much waits, positions of
    tracks give way (counted `dropped`), alerts never. After a loss the lasting events are sent again.
    """

    def __init__(self, target: CotTarget, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self.count = ChannelCount()
        self.connected = False
        self._target, self._clock_us = target, clock_us
        parts = urlsplit(target.url)
        self._scheme, self._host, self._port = parts.scheme, parts.hostname or "", parts.port or 0
        self._waiting: dict[str, CotEvent] = {}
        self._lasting: dict[str, CotEvent] = {}
        self._wake = asyncio.Event()

    def push(self, events: Iterable[CotEvent]) -> None:
        """Takes in events, newest last."""
        for event in events:
            self._waiting.pop(event.uid, None)
            self._waiting[event.uid] = event
            if event.lasting:
                self._lasting[event.uid] = event
        excess = len(self._waiting) - MAX_WAITING
        if excess > 0:
            for uid in [uid for uid, event in self._waiting.items() if not event.lasting][:excess]:
                del self._waiting[uid]
                self.count.failures["dropped"] += 1
        self._wake.set()

    async def run(self) -> None:
        """Sends, and connects again after a growing pause whenever the target is gone."""
        pause_s = self._target.retry_s
        while True:
            try:
                await (self._datagrams() if self._scheme == "udp" else self._stream())
            except (OSError, EOFError) as error:
                self.count.failures[type(error).__name__] += 1
                pause_s = self._target.retry_s if self.connected else min(pause_s * 2.0, self._target.max_retry_s)
            finally:
                self.connected = False
            await asyncio.sleep(pause_s)

    async def _stream(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._context())
        ears = asyncio.ensure_future(_listen(reader))
        self.connected = True
        self._again()
        try:
            while True:
                await self._something(ears)
                for event in self._take():
                    data = stream(event) if self._target.format == "protobuf" else to_xml(event) + b"\n"
                    writer.write(data)
                    self.count.sent(len(data), self._clock_us())
                await writer.drain()
        finally:
            ears.cancel()
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), LINGER_S)

    async def _datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        family, address = found[0][0], found[0][4]
        with socket.socket(family, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            if ipaddress.ip_address(address[0]).is_multicast and family == socket.AF_INET:
                out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            self.connected = True
            self._again()
            while True:
                await self._something(None)
                for event in self._take():
                    data = mesh(event) if self._target.format == "protobuf" else to_xml(event)
                    try:
                        await loop.sock_sendto(out, data, address)
                    except OSError as error:
                        self.count.failures[type(error).__name__] += 1
                        continue
                    self.count.sent(len(data), self._clock_us())

    def _context(self) -> ssl.SSLContext | None:
        if self._scheme != "tls":
            return None
        context = ssl.create_default_context(cafile=self._target.authority or None)
        if self._target.certificate:
            context.load_cert_chain(self._target.certificate, self._target.key or None)
        return context

    def _again(self) -> None:
        """A new connection is told of every shape and alert that still stands."""
        now_us = self._clock_us()
        self._lasting = {uid: event for uid, event in self._lasting.items() if event.stale_us > now_us}
        self._waiting = {**self._lasting, **self._waiting}
        self._wake.set()

    async def _something(self, ears: "asyncio.Future[None] | None") -> None:
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({waker, ears} if ears else {waker}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
        if ears is not None and ears.done():
            raise ears.exception() or EOFError
        self._wake.clear()

    def _take(self) -> list[CotEvent]:
        events = list(self._waiting.values())
        self._waiting.clear()
        return events


async def _listen(reader: asyncio.StreamReader) -> None:
    """Reads away what a server sends (its own pings and others' tracks); the end of the stream ends this."""
    while await reader.read(65_536):
        pass
