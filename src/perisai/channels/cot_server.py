"""The CoT channel inwards: TAK clients connect to Perisai and are shown the picture; what they send is read away."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from .cot import close, listen, write
from .cot_event import CotEvent
from .cot_queue import CotQueue
from .cot_settings import CotSettings
from .message import ChannelCount


class CotServer:
    """Every client gets all that lasts when it comes, then what is new; a slow one gets newest positions only.

    An air picture to look at: nothing a client sends changes anything or reaches another client.
    """

    def __init__(self, settings: CotSettings, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self.count = ChannelCount()
        self.connected = False
        self.address = settings.url
        self._settings, self._clock_us = settings, clock_us
        self._kept = CotQueue(self.count)
        self._queues: set[CotQueue] = set()

    @property
    def clients(self) -> int:
        return len(self._queues)

    def push(self, events: Iterable[CotEvent]) -> None:
        """Takes in events, newest last."""
        given = list(events)
        self._kept.push(given)
        self._kept.take()
        for queue in self._queues:
            queue.push(given)

    async def run(self) -> None:
        """Listens until cancelled. Raises OSError when the address cannot be had."""
        parts = urlsplit(self._settings.url)
        context = server_context(self._settings) if self._settings.scheme == "tls+listen" else None
        server = await asyncio.start_server(self._serve, parts.hostname, parts.port or 0, ssl=context)
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{self._settings.scheme.removesuffix('+listen')}://{host}:{port}"
        self.connected = True
        try:
            async with server:
                await server.serve_forever()
        finally:
            self.connected = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._queues) >= self._settings.clients:
            self.count.failures["too_many_clients"] += 1
            writer.close()
            return
        queue = CotQueue(self.count)
        ears = asyncio.ensure_future(listen(reader))
        queue.push(self._kept.standing(self._clock_us()))
        self._queues.add(queue)
        try:
            while True:
                await queue.something(ears)
                await write(writer, queue, self._settings.format, self.count, self._clock_us)
        except (OSError, EOFError):
            pass
        finally:
            self._queues.discard(queue)
            ears.cancel()
            await close(writer)


def server_context(settings: CotSettings) -> ssl.SSLContext:
    """TLS of a server; with an authority, clients must show a certificate of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.authority or None)
    context.load_cert_chain(settings.certificate, settings.key)
    if settings.authority:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
