"""The TCP server that SAPIENT nodes connect to."""

import asyncio
import contextlib
import time
from collections import Counter
from typing import Any

import structlog

from perisai.model import BadInputError, ResourceError, table_bytes, table_from
from perisai.sensors import Imported
from perisai.sensors.sapient import Framer, FusionNode, Reply, TaskAnswer

from . import metrics
from .gate import Gate
from .pump import now_us
from .settings import LiveInput, address
from .sink import Sink
from .spool import Spool

READ_BYTES = 1 << 16
WATCH_S = 1.0
HELLO_S = 30.0
"""How long a connection may stay without its first registration."""

MOST_CONNECTIONS = 2000
ANSWER_S = 5.0
"""How long a task waits for the node's answer."""

log = structlog.get_logger("input")


class SapientInput:
    """Nodes connect, register and report; the fusion node answers."""

    def __init__(self, settings: LiveInput, sink: Sink, fusion: FusionNode, spool: Spool | None = None) -> None:
        self._settings = settings
        self._sink = sink
        self.fusion = fusion
        self._spool = spool
        self._gate = Gate(settings.max_message_bytes, settings.max_messages_per_s)
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._connections: set[asyncio.Task[Any]] = set()
        self._asked: dict[str, asyncio.Future[TaskAnswer]] = {}
        self._store = asyncio.Lock()
        self.port = 0
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled; what was read is stored then."""
        await self._recover()
        host, port = address("listen", self._settings.listen)
        try:
            server = await asyncio.start_server(self._connection, host, port)
        except OSError as error:
            raise ResourceError(
                f"input {self._settings.name}: {self._settings.listen}: {error.strerror or error}"
            ) from error
        self.port = server.sockets[0].getsockname()[1]
        self.listening.set()
        try:
            while True:
                await asyncio.sleep(WATCH_S)
                for health in self.fusion.silent(now_us()):
                    log.warning("node silent", input=self._settings.name, sensor=health.sensor)
                await self._put()
        finally:
            server.close()
            for connection in list(self._connections):
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._put()

    async def task(self, node_id: str, **command: Any) -> TaskAnswer:
        """Send a task to a node that is connected (see `FusionNode.task`); what it says of it, `unanswered` after
        ANSWER_S."""
        number, message = self.fusion.task(node_id, now_us(), **command)
        writer = self._writers.get(node_id.lower())
        if writer is None:
            raise BadInputError(f"node {node_id}", "not connected", "a node that is connected")
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            writer.write(message)
            await writer.drain()
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            return TaskAnswer(number, "unanswered", "")
        finally:
            del self._asked[number]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        if len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections.add(me)
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        connected = metrics.CONNECTED.labels(self._settings.name)
        connected.inc()
        mine: set[str] = set()
        try:
            await self._serve(reader, writer, peer, mine)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(me)
            connected.dec()
            for node_id in mine:
                if self._writers.get(node_id) is writer:
                    del self._writers[node_id]
                    self.fusion.lost(node_id, now_us())
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._put()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, mine: set[str]
    ) -> None:
        framer = Framer(self._settings.max_message_bytes)
        while True:
            async with asyncio.timeout(None if mine else HELLO_S):
                data = await reader.read(READ_BYTES)
            if not data:
                if framer.waiting:
                    self._sink.refuse(Counter({"sapient: message cut off": 1}))
                return
            replies: list[Reply] = []
            received_us = now_us()
            messages = framer.feed(data)
            self._sink.heard(len(messages), len(data))
            refused: Counter[str] = Counter()
            for content in messages:
                if self._gate.admit(peer, len(content), time.monotonic(), refused):
                    reply = self.fusion.take(content, received_us)
                    if reply.node:  # it acknowledges nothing that is to be stored, and comes before any task
                        writer.write(reply.data)
                    else:
                        replies.append(reply)
                    if reply.answer is not None:
                        self._answered(reply.answer)
                    if reply.node and reply.node not in mine:
                        mine.add(reply.node)
                        self._writers[reply.node] = writer
            if framer.too_long:
                replies.append(self.fusion.too_long(framer.too_long, framer.limit, received_us))
            self._sink.refuse(refused)
            await self._put()
            # What is acknowledged is stored.
            writer.writelines([reply.data for reply in replies if reply.data])
            await writer.drain()
            if any(reply.close for reply in replies):
                return

    def _answered(self, answer: TaskAnswer) -> None:
        waiting = self._asked.get(answer.task)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _put(self) -> None:
        """Store what came; one batch at a time, and a connection that ends does not lose it."""
        async with self._store:
            imported, number = self.fusion.drain(), 0
            if self._spool is not None and (imported.table.num_rows or imported.health):
                if imported.table.num_rows:
                    self._spool.append(now_us(), table_bytes(imported.table))
                number = self._spool.cut()
            await asyncio.shield(self._stored(imported, number))

    async def _stored(self, imported: Imported, number: int) -> None:
        if self._spool is not None and number:
            await asyncio.to_thread(self._spool.settle)
        await self._sink.put(imported, number)
        if self._spool is not None and number:
            self._spool.done(number)

    async def _recover(self) -> None:
        """Store the detections that a process before had not come to store."""
        if self._spool is None:
            return
        await self._sink.resume(self._spool.name)
        for number, chunks in self._spool.recover():
            for _, data in chunks if number >= self._sink.stored[0] else []:
                await self._stored(Imported(table_from(data)), number)
        self._spool.number = max(self._spool.number, self._sink.stored[0])
