"""The connection of a SAPIENT node: what the socket gives is handed on at once, and nothing of it waits in a buffer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from perisai.sensors.sapient import Framer, Reply

UNSTORED_BYTES = 1 << 18
"""What a node may be ahead of the bus before it is read no further; its own sending waits then."""


class NodeLine(asyncio.Protocol):
    """One connection. What is taken of it is in `replies` until `turn` gives it.

    take: called with each whole message that came in one read. serve: runs as a task while the connection stands.
    """

    def __init__(
        self,
        limit: int,
        take: Callable[["NodeLine", list[bytes], int], None],
        serve: Callable[["NodeLine"], Coroutine[Any, Any, None]],
    ) -> None:
        self.framer = Framer(limit)
        self.replies: list[Reply] = []
        self.mine: set[str] = set()
        """Nodes that registered over it."""
        self.peer = "?"
        self._take, self._serve = take, serve
        self._news, self._may_write = asyncio.Event(), asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._unstored, self._ended = 0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = str((transport.get_extra_info("peername") or ("?",))[0])
        self._may_write.set()
        self._task = asyncio.get_running_loop().create_task(self._serve(self))

    def data_received(self, data: bytes) -> None:
        self._unstored += len(data)
        self._take(self, self.framer.feed(data), len(data))
        if self._transport is not None and (self._unstored > UNSTORED_BYTES or self.framer.too_long):
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        self._ended = True
        self._news.set()
        return True  # a node that has said everything still hears the answers

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self._ended = None, True
        self._news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def turn(self) -> tuple[list[Reply], bool]:
        """The replies to what was taken since the last turn, once something was; whether it was the last turn."""
        await self._news.wait()
        if not self._ended:
            self._news.clear()
        replies, self.replies = self.replies, []
        self._unstored = 0
        return replies, self._ended

    def more(self) -> None:
        """Read on: what the last turn gave is stored."""
        if self._transport is not None and not self._transport.is_closing() and self._unstored <= UNSTORED_BYTES:
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def written(self) -> None:
        """Return when the node has taken most of what was written to it."""
        await self._may_write.wait()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
