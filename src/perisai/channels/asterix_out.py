"""The ASTERIX channel: batches of category 062 and the status of category 065 as UDP datagrams."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pyarrow as pa

from . import cat065
from .cat062 import Cat062Encoder, blocks
from .cat062_settings import Cat062Settings
from .message import ChannelCount

RETRY_S = 1.0
MAX_WAITING = 2_000
"""Datagrams that wait for the network at most; the oldest go first (counted `dropped`), for they are out of date."""


class AsterixChannel:
    """Sends what `send` encodes. A datagram has no acknowledgement; what the network refuses is counted."""

    def __init__(self, settings: Cat062Settings, clock_us: Callable[[], int], *, exercise: bool) -> None:
        """clock_us: the time that status messages bear."""
        self.count = ChannelCount()
        self.connected = False
        self.address = settings.url
        self._settings, self._clock_us = settings, clock_us
        self._encoder = Cat062Encoder(settings.sac, settings.sic, settings.service, exercise=exercise)
        self._datagrams: list[bytes] = []
        self._wake = asyncio.Event()
        self._batch = 0

    def send(self, rows: pa.Table, shift_us: int = 0) -> None:
        """A batch: a record for each row, then the end of the batch."""
        settings = self._settings
        self._datagrams += blocks(62, self._encoder.records(rows, shift_us), settings.datagram_bytes)
        self._batch = (self._batch + 1) % 256
        end = cat065.end_of_batch(settings.sac, settings.sic, settings.service, self._clock_us(), self._batch)
        self._put(end)

    def say_status(self, *, degraded: bool) -> None:
        """A status message. degraded: whether the tracks are behind what the sensors gave."""
        settings = self._settings
        self._put(cat065.status(settings.sac, settings.sic, settings.service, self._clock_us(), degraded=degraded))

    async def run(self) -> None:
        """Sends until cancelled; a network that is not there is tried again."""
        while True:
            try:
                with self._socket() as (out, address):
                    self.connected = True
                    await self._send(out, address)
            except OSError as error:
                self.count.failures[type(error).__name__] += 1
            finally:
                self.connected = False
            await asyncio.sleep(RETRY_S)

    def _put(self, record: bytes) -> None:
        self._datagrams += blocks(65, [record], self._settings.datagram_bytes)
        excess = len(self._datagrams) - MAX_WAITING
        if excess > 0:
            del self._datagrams[:excess]
            self.count.failures["dropped"] += excess
        self._wake.set()

    async def _send(self, out: socket.socket, address: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._datagrams:
                data = self._datagrams.pop(0)
                await loop.sock_sendto(out, data, address)
                self.count.sent(len(data), self._clock_us())

    @contextlib.contextmanager
    def _socket(self):
        parts = urlsplit(self._settings.url)
        host, port = parts.hostname or "", parts.port or 0
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            if ipaddress.ip_address(address[0]).is_multicast and family == socket.AF_INET:
                out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self._settings.ttl)
                if self._settings.interface:
                    card = socket.inet_aton(self._settings.interface)
                    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, card)
            yield out, (str(address[0]), int(address[1]))
