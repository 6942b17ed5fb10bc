"""The bus: JetStream streams that carry tables (Arrow) and small messages (JSON) between the roles.

    INPUT      perisai.in.detections.SOURCE   batches as they arrive        perisai.in.tick   the end of a frame
               perisai.in.health.SOURCE       what sensors say of themselves, where it changed
               perisai.in.sensor.ID           the same from a sensor with a key of its own
    TRACKS     perisai.tracks                 one message a frame, empty or not: it carries the beat
               perisai.orders                 what operators order; its place among the frames decides what it meets
    REGIONS    perisai.regions.ID             one message a frame of each tracker region, where the country is split
    ABSENT     perisai.absent                 frames of the whole picture that a region's tracker was too late for
    TRUST      perisai.trust.ROLE             whom a tracker does not believe, whenever that changes
    FORECASTS  perisai.forecasts              one message a forecast beat
    ALERTS     perisai.alerts                 one message an alert change
    CAP        perisai.cap                    one message a CAP message
    ANSWERS    perisai.answers                orders as they were carried out, with the alerter's answers
    DESK       perisai.desk                   what waits for an operator, whenever that changes
    PARTNERS   perisai.partners.ID            what a partner gave, after it was checked

The order of INPUT decides what belongs to which frame; every role that reads it sees the same frames. A message has an
identity (Nats-Msg-Id) made from what caused it, so a role that repeats its work after a restart adds nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import nats
import nats.errors
import nats.js.errors
import pyarrow as pa
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, ObjectStoreConfig, StorageType, StreamConfig

from perisai.model import ResourceError, table_bytes, table_from

from . import asking, tracing
from .bus_settings import BusSettings
from .follow import follow

DAY_S = 86_400.0
DUPLICATES_S = 900.0
STREAMS: dict[str, tuple[list[str], float]] = {
    "INPUT": (["perisai.in.>"], 2 * DAY_S),
    "TRACKS": (["perisai.tracks", "perisai.orders"], 2 * DAY_S),
    "REGIONS": (["perisai.regions.*"], DAY_S),
    "ABSENT": (["perisai.absent"], 2 * DAY_S),
    "TRUST": (["perisai.trust.>"], 2 * DAY_S),
    "FORECASTS": (["perisai.forecasts"], 2 * DAY_S),
    "ALERTS": (["perisai.alerts"], 400 * DAY_S),
    "CAP": (["perisai.cap"], 400 * DAY_S),
    "ANSWERS": (["perisai.answers"], 400 * DAY_S),
    "DESK": (["perisai.desk"], 2 * DAY_S),
    "PARTNERS": (["perisai.partners.*"], 2 * DAY_S),
    "SUBSCRIBERS": (["perisai.subscribers.*"], 400 * DAY_S),
}
"""Subjects and the age in seconds after which a message may go; the recording keeps what is older."""
NEWEST = ("SUBSCRIBERS",)
"""Streams of which only the newest message of a subject counts."""

CONNECT_S = 10.0
"""How long a role waits for the NATS server before it says that there is none."""

PING_S, PINGS = 1, 3
"""A server that answers no ping for so long is left for another: one that hangs keeps its connections open."""

STORED_S = 2.0
"""How long to wait until a message is stored before it is sent again, which adds nothing: it has an identity."""

TICK = "perisai.in.tick"
ORDERS = "perisai.orders"
ASK = "perisai.ask"
PARTNER = "perisai.partners"
SUBSCRIBER = "perisai.subscribers"
REGION = "perisai.regions"
ABSENT = "perisai.absent"
TRUST = "perisai.trust"
DETECTIONS = "perisai.in.detections"
HEALTH = "perisai.in.health"
SENSOR = "perisai.in.sensor"
"""Where a sensor with a key of its own publishes, under its id."""
HEARD_WAITING = 16
_END = "Perisai-End-Us"
_STATE = "perisai-state"
AGAIN_S = 0.2
T = TypeVar("T")
log = structlog.get_logger("bus")


class State(msgspec.Struct, frozen=True):
    """A role's state as it was after the message with this sequence. heads: of the streams it publishes to."""

    sequence: int
    blob: bytes
    heads: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream. end_us: end of the frame it belongs to, 0 for a batch of detections."""

    subject: str
    sequence: int
    end_us: int
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def table(self) -> pa.Table:
        """The Arrow table it carries."""
        return table_from(self.data)


async def _note(error: Exception) -> None:
    """What the client meets while it looks for a server that answers."""
    log.debug("bus connection", reason=str(error) or type(error).__name__)


class Bus:
    """A connection with its streams in place. Use as an async context manager."""

    def __init__(self, url: str, settings: BusSettings | None = None) -> None:
        """url: of a server, or several, comma-separated."""
        self._url = url
        self._settings = settings or BusSettings()
        self._client: Client | None = None

    async def __aenter__(self) -> "Bus":
        try:
            async with asyncio.timeout(CONNECT_S):  # the client itself tries for ever
                self._client = await nats.connect(
                    [each.strip() for each in self._url.split(",")],
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.2,
                    ping_interval=PING_S,
                    max_outstanding_pings=PINGS,
                    error_cb=_note,
                    nkeys_seed=self._settings.nkey or None,
                    tls=self._settings.tls(),
                )
        except (OSError, nats.errors.Error) as error:
            raise ResourceError(f"{self._url}: no NATS server answers within {CONNECT_S:g} s") from error
        for name, (subjects, age_s) in STREAMS.items():
            await self.stream(name, subjects, age_s)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def _js(self) -> JetStreamContext:
        assert self._client is not None
        return self._client.jetstream(timeout=10)

    async def stream(self, name: str, subjects: list[str], age_s: float) -> None:
        """Make sure the stream is there."""
        config = StreamConfig(
            name=name, subjects=subjects, max_age=age_s, duplicate_window=DUPLICATES_S, storage=StorageType.FILE,
            num_replicas=self._settings.replicas, max_bytes=self._settings.max_bytes(name),
            max_msgs_per_subject=1 if name in NEWEST else -1,
        )  # fmt: skip
        try:
            await self._js.add_stream(config)
        except nats.js.errors.BadRequestError:
            await self._js.update_stream(config)

    async def publish(self, subject: str, data: bytes, identity: str, end_us: int = 0) -> int:
        """Publish and wait until it is stored; returns its sequence. A second message of one identity is not stored."""
        headers = {"Nats-Msg-Id": identity, _END: str(end_us)} | tracing.headers()
        js = self._js
        return (await self._patiently(lambda: js.publish(subject, data, timeout=STORED_S, headers=headers))).seq

    async def publish_table(self, subject: str, table: pa.Table, identity: str, end_us: int) -> int:
        """Publish a table as Arrow."""
        return await self.publish(subject, table_bytes(table), identity, end_us)

    async def say(self, subject: str, data: bytes) -> None:
        """Publish to whoever listens now: nothing keeps it, nobody answers for it."""
        assert self._client is not None
        await self._client.publish(subject, data)

    async def hear(self, subject: str) -> AsyncIterator[bytes]:
        """What is said on a subject from now on. Who says more than is taken in loses it."""
        assert self._client is not None
        arrived: asyncio.Queue[bytes] = asyncio.Queue(HEARD_WAITING)

        async def take(message: Msg) -> None:
            if not arrived.full():
                arrived.put_nowait(message.data)

        subscription = await self._client.subscribe(subject, cb=take)
        try:
            while True:
                yield await arrived.get()
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def answer(self, subjects: Sequence[str], how: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer questions on subjects until cancelled. how: from the subject and the question."""
        assert self._client is not None
        async with asyncio.TaskGroup() as group:
            for subject in subjects:
                group.create_task(asking.answer(self._client, subject, how))

    async def ask(
        self, subject: str, question: bytes, within_s: float, enough: Callable[[list[bytes]], bool] = lambda _: False
    ) -> list[bytes]:
        """The answers of all who answer within a time, or until they are enough; empty when nobody listens."""
        assert self._client is not None
        return await asking.ask(self._client, subject, question, within_s, enough)

    async def follow(self, stream: str, after: int = 0, subject: str = "") -> AsyncIterator[Message]:
        """Every message of a stream with a sequence above `after`, in order, then those to come, until cancelled.

        subject: those of the stream's first subject when empty; `>` for all.
        """
        assert self._client is not None
        async for sequence, message in follow(self._client, stream, after, subject or STREAMS[stream][0][0]):
            headers = message.headers or {}
            yield Message(message.subject, sequence, int(headers.get(_END, "0")), message.data, headers)

    async def identities(self, stream: str, after: int, last: int) -> set[str]:
        """The identities of a stream's messages with sequences above `after` up to `last`."""
        found: set[str] = set()
        async for message in self.follow(stream, after, ">"):
            found.add(message.headers.get("Nats-Msg-Id", ""))
            if message.sequence >= last:
                break
        return found

    async def last_sequence(self, stream: str) -> int:
        """The sequence of the newest message of a stream, 0 when it is empty."""
        state = (await self._patiently(lambda: self._js.stream_info(stream))).state
        return state.last_seq if state.messages else 0  # what has aged out will not come again

    async def last_end_us(self, subject: str, stream: str) -> int:
        """The end of the frame that the newest message of a subject belongs to, 0 when there is none."""
        return int((await self._last_headers(subject, stream)).get(_END, "0"))

    async def last_identity(self, subject: str, stream: str) -> str:
        """The identity of the newest message of a subject, empty when there is none."""
        return (await self._last_headers(subject, stream)).get("Nats-Msg-Id", "")

    async def _last_headers(self, subject: str, stream: str) -> dict[str, str]:
        try:
            return (await self._patiently(lambda: self._js.get_last_msg(stream, subject))).headers or {}
        except nats.js.errors.NotFoundError:
            return {}

    async def save_state(self, role: str, state: State) -> None:
        """Keep a role's state in place of the one before."""
        store = await self._patiently(self._store)
        await self._patiently(lambda: store.put(role, msgspec.msgpack.encode(state)))

    async def load_state(self, role: str) -> State | None:
        """The state last kept, or None."""
        store = await self._patiently(self._store)
        try:
            result = await self._patiently(lambda: store.get(role))
        except nats.js.errors.NotFoundError:
            return None
        return msgspec.msgpack.decode(result.data or b"", type=State)

    async def _store(self) -> Any:
        try:
            return await self._js.object_store(_STATE)
        except nats.js.errors.NotFoundError:
            return await self._js.create_object_store(_STATE, ObjectStoreConfig(replicas=self._settings.replicas))

    async def bucket(self, name: str, ttl_s: float) -> Any:
        """A key-value bucket whose entries are forgotten after ttl_s."""
        config = KeyValueConfig(bucket=name, ttl=ttl_s, history=1, replicas=self._settings.replicas)
        return await self._patiently(lambda: self._js.create_key_value(config))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the server answers: one that is away comes back, or the house is stopped. A plain no is raised."""
        warned = False
        while True:
            try:
                return await ask()
            except (nats.js.errors.NotFoundError, nats.js.errors.BadRequestError, nats.errors.ConnectionClosedError):
                raise
            except (nats.errors.Error, TimeoutError) as error:
                if not warned:
                    log.warning("the bus does not answer", reason=str(error) or type(error).__name__)
                warned = True
                await asyncio.sleep(AGAIN_S)
