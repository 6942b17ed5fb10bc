"""The TCP server that SAPIENT nodes connect to."""

import asyncio
import contextlib
import time
from collections import Counter
from typing import Any

import msgspec
import structlog

from perisai.model import BadInputError, ResourceError
from perisai.sensors import Imported
from perisai.sensors.sapient import Framer, FusionNode, Reply, TaskAnswer, frame

from . import metrics
from . import spool as spools
from .gate import Gate
from .node_line import NodeLine
from .pump import now_us, to_the_end
from .settings import LiveInput, address
from .sink import Sink
from .spool import Spool

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
        self._lines: dict[str, NodeLine] = {}
        self._connections: set[asyncio.Task[Any]] = set()
        self._asked: dict[str, asyncio.Future[TaskAnswer]] = {}
        self._store = asyncio.Lock()
        self._uncut = False
        if spool is not None:
            spool.state = fusion.standing
        self.port = 0
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled; what was read is stored then."""
        await self._recover()
        host, port = address("listen", self._settings.listen)
        limit = self._settings.max_message_bytes
        try:
            server = await asyncio.get_running_loop().create_server(
                lambda: NodeLine(limit, self._take, self._connection), host, port
            )
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
        line = self._lines.get(node_id.lower())
        if line is None:
            raise BadInputError(f"node {node_id}", "not connected", "a node that is connected")
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            line.write(message)
            async with asyncio.timeout(ANSWER_S):
                await line.written()
                return await answer
        except TimeoutError:
            return TaskAnswer(number, "unanswered", "")
        finally:
            del self._asked[number]

    async def _connection(self, line: NodeLine) -> None:
        me = asyncio.current_task()
        assert me is not None
        if len(self._connections) >= MOST_CONNECTIONS:
            line.close()
            return
        self._connections.add(me)
        connected = metrics.CONNECTED.labels(self._settings.name)
        connected.inc()
        try:
            await self._serve(line)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(me)
            connected.dec()
            line.close()
            for node_id in line.mine:
                if self._lines.get(node_id) is line:
                    del self._lines[node_id]
                    self.fusion.lost(node_id, now_us())
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._put()

    async def _serve(self, line: NodeLine) -> None:
        while True:
            async with asyncio.timeout(None if line.mine else HELLO_S):
                replies, last = await line.turn()
            await self._put()
            # What is acknowledged is stored.
            for reply in replies:
                line.write(reply.data)
            if last and line.framer.waiting:
                self._sink.refuse(Counter({"sapient: message cut off": 1}))
            if last or any(reply.close for reply in replies):
                return
            line.more()
            await line.written()

    def _take(self, line: NodeLine, messages: list[bytes], size: int) -> None:
        """What one read of a connection gave: into the spool, then to the fusion node, before anything else happens."""
        received_us, refused = now_us(), Counter[str]()
        if self._spool is not None and messages:
            self._spool.append(received_us, b"".join(map(frame, messages)))
            self._uncut = True
        self._sink.heard(len(messages), size)
        for content in messages:
            if not self._gate.admit(line.peer, len(content), time.monotonic(), refused):
                continue
            reply = self._reply(content, received_us)
            if reply.node:  # it acknowledges nothing that is to be stored, and comes before any task
                line.write(reply.data)
                line.mine.add(reply.node)
                self._lines[reply.node] = line
            elif reply.data or reply.close:
                line.replies.append(reply)
            if reply.answer is not None:
                self._answered(reply.answer)
        if line.framer.too_long:
            line.replies.append(self.fusion.too_long(line.framer.too_long, line.framer.limit, received_us))
        self._sink.refuse(refused)

    def _reply(self, content: bytes, received_us: int) -> Reply:
        try:
            return self.fusion.take(content, received_us)
        except Exception as error:  # one message must not end the input, nor each of its starts from the spool
            log.exception("message not taken", input=self._settings.name)
            self._sink.refuse(Counter({f"internal: {type(error).__name__}": 1}))
            return Reply()

    def _answered(self, answer: TaskAnswer) -> None:
        waiting = self._asked.get(answer.task)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _put(self) -> None:
        """Store what came; one batch at a time, and a connection that ends does not lose it."""
        async with self._store:
            imported, number = self.fusion.drain(), 0
            if self._spool is not None and (self._uncut or imported.health):
                number, self._uncut = self._spool.cut(), False
            await to_the_end(self._stored(imported, number))

    async def _stored(self, imported: Imported, number: int) -> None:
        if self._spool is not None and number:
            await asyncio.to_thread(self._spool.settle)
        await self._sink.put(imported, number)
        if self._spool is not None and number:
            self._spool.done(number)

    async def _recover(self) -> None:
        """Take anew what a process before had read, and store what of it the bus does not have."""
        if self._spool is None:
            return
        await self._sink.resume(self._spool.name)
        for number, chunks in self._spool.recover():
            for received_us, data in chunks:
                self._again(received_us, data)
            imported = self.fusion.drain()
            if number >= self._sink.stored[0]:
                await self._stored(imported, number)
        self._spool.number = max(self._spool.number, self._sink.stored[0])
        for node_id in self.fusion.nodes:  # each connects and registers anew
            self.fusion.lost(node_id, now_us())

    def _again(self, received_us: int, data: bytes) -> None:
        if received_us == spools.STATE:
            try:
                self.fusion.restore(data)
            except msgspec.DecodeError as error:
                log.error("nodes of the spool not known", input=self._settings.name, reason=str(error))
            return
        for content in Framer(self._settings.max_message_bytes).feed(data):
            self._reply(content, received_us)
