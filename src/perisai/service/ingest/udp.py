"""UDP inputs, unicast and multicast."""

import asyncio
import contextlib
import ipaddress
import socket
import struct
import time
from collections import Counter

from perisai.model import ResourceError

from .gate import Gate
from .pump import LiveParser, Pump, now_us
from .settings import LiveInput, address
from .sink import Sink
from .spool import Spool

SO_RXQ_OVFL = 40
SO_RCVBUFFORCE = 33
KERNEL_BYTES = 16 << 20
AT_ONCE = 1024
"""Datagrams read before others of the process get their turn."""


class UdpInput:
    """Reads datagrams; those the kernel had to drop are counted."""

    def __init__(self, settings: LiveInput, sink: Sink, parser: LiveParser, spool: Spool | None = None) -> None:
        self._settings = settings
        self._sink = sink
        self._gate = Gate(settings.max_message_bytes, settings.max_messages_per_s)
        self._pump = Pump(sink, parser, self._pause, self._resume, spool)
        self._socket = _socket(settings)
        self._dropped = 0
        self._reading = False
        self.port: int = self._socket.getsockname()[1]

    async def run(self) -> None:
        """Read until cancelled; what the socket still holds then is read, and all of it stored."""
        await self._pump.recover()
        self._resume()
        try:
            await self._pump.run()
        finally:
            self._pause()
            while self._read():
                pass
            self._socket.close()
            await self._pump.flush()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def _resume(self) -> None:
        if not self._reading:
            self._reading = True
            asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> int:
        """Read what is there, AT_ONCE at most; returns the datagrams read."""
        limit = self._settings.max_message_bytes
        refused: Counter[str] = Counter()
        received_us, now_s = now_us(), time.monotonic()
        count = 0
        with contextlib.suppress(BlockingIOError, InterruptedError, ConnectionError):
            while count < AT_ONCE:
                data, notes, _, sender = self._socket.recvmsg(limit + 1, 64)
                count += 1
                for level, kind, value in notes:
                    if level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                        self._count_dropped(struct.unpack("I", value)[0])
                if self._gate.admit(sender[0], len(data), now_s, refused):
                    self._pump.offer(received_us, data)
        if refused:
            self._sink.refuse(refused)
        return count

    def _count_dropped(self, total: int) -> None:
        if total > self._dropped:
            self._sink.lost(total - self._dropped)
            self._dropped = total


def _socket(settings: LiveInput) -> socket.socket:
    host, port = address("listen", settings.listen)
    family = socket.AF_INET6 if ":" in host or ":" in settings.group else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
        with contextlib.suppress(OSError):  # beyond the system's limit: for root only
            made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, KERNEL_BYTES)
        if settings.group:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("::" if family == socket.AF_INET6 and host == "0.0.0.0" else host, port))
        if settings.group:
            _join(made, settings.group, settings.interface)
    except (OSError, ValueError) as error:
        made.close()
        reason = getattr(error, "strerror", None) or error
        raise ResourceError(f"input {settings.name}: {settings.listen} {settings.group}: {reason}") from error
    return made


def _join(made: socket.socket, group: str, interface: str) -> None:
    """Join a multicast group on the interface with this address (IPv4) or name (IPv6); empty: the system's choice."""
    at = ipaddress.ip_address(group)
    if at.version == 6:
        index = socket.if_nametoindex(interface) if interface else 0
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, at.packed + struct.pack("@I", index))
        return
    mine = ipaddress.ip_address(interface or "0.0.0.0").packed
    made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, at.packed + mine)
