"""What an input hands on: parsed batches to the ingest role, counts to the metrics, health to whoever shows it."""

import re
import time
from collections import Counter
from typing import Protocol

import msgspec
import pyarrow as pa
import structlog

from perisai.model import SensorHealth
from perisai.sensors import Imported

from ..roles.ingest import Ingest
from . import metrics

MOST_ROWS = 20_000
"""Detections in one message of the bus: some 4 MB, half of what it takes; a bus that was away is followed by more."""

MOST_SENSORS = 100_000
AGAIN_US = 600_000_000
"""What a sensor says of itself is passed on again after so long, for recordings that begin later."""

log = structlog.get_logger("input")


class Source(Protocol):
    """What is to be known of an input: its name in the metrics, its kind, and after how many seconds without a message
    it counts as silent."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def silent_s(self) -> float: ...


class HttpSource(msgspec.Struct, frozen=True):
    """A way in of the HTTP API: no `[[input]]` of the settings."""

    name: str
    kind: str
    silent_s: float = 30.0


class InputState(msgspec.Struct):
    """How an input stands, as `/api/v1/inputs` tells it. age_s: since the last message, None before the first."""

    name: str
    kind: str
    state: str = "waiting"
    age_s: float | None = None
    messages: int = 0
    bytes: int = 0
    detections: int = 0
    lost: int = 0
    rejects: dict[str, int] = {}
    sensors: dict[str, SensorHealth] = {}


class Sink:
    """One input's way to the bus. A batch that `put` has returned from is stored."""

    def __init__(self, source: Source, ingest: Ingest) -> None:
        self._ingest = ingest
        self._name = source.name
        self._silent_s = source.silent_s
        self._begun = f"{time.time_ns():x}"
        self._batches = 0
        self.stored = (0, 0)
        """Number and part of the batch that the bus had when this began."""
        self._passed_on: dict[str, SensorHealth] = {}
        self._heard_s = [0.0]
        self._told_silent = False
        self.rejects: Counter[str] = Counter()
        self.state = InputState(source.name, source.kind)
        metrics.watch_age(self._name, self._heard_s)

    def heard(self, messages: int, size: int) -> None:
        """Messages came in, of so many bytes in all."""
        self._heard_s[0] = time.monotonic()
        self.state.messages += messages
        self.state.bytes += size
        metrics.MESSAGES.labels(self._name).inc(messages)
        metrics.BYTES.labels(self._name).inc(size)
        if self._told_silent:
            self._told_silent = False
            log.info("heard again", input=self._name)

    def lost(self, datagrams: int) -> None:
        self.state.lost += datagrams
        metrics.LOST.labels(self._name).inc(datagrams)
        log.warning("datagrams lost: the kernel had no room", input=self._name, datagrams=datagrams)

    async def put(self, imported: Imported, number: int = 0) -> None:
        """Count what was parsed, and publish its detections; returns when the bus has stored them.

        number: of the batch in the spool, from 1, where there is one.
        """
        self._batches = number or self._batches + 1
        number, identity = self._batches, f"{self._begun}-{self._batches}"
        for kind, met in imported.counts.items():
            metrics.RECORDS.labels(self._name, kind).inc(met)
        self.refuse(imported.rejects)
        for health in imported.health:
            self.tell(health)
        told = [health for health in imported.health if self._news(health)]
        if told:
            await self._ingest.hear(self._name, told, identity)
        for part, begin in enumerate(range(0, imported.table.num_rows, MOST_ROWS)):
            if (number, part) <= self.stored:
                continue
            await self.store(self._name, imported.table.slice(begin, MOST_ROWS), f"{identity}.{part}")

    async def store(self, sender: str, rows: pa.Table, identity: str) -> int:
        """Publish detections as of a sender and count them; how many the bus took once it has stored them, 0 when it
        has had this identity before."""
        stored = await self._ingest.accept(sender, rows, identity)
        self.state.detections += stored
        metrics.DETECTIONS.labels(self._name).inc(stored)
        return stored

    async def resume(self, begun: str) -> None:
        """Go on with the batches of a spool, behind the last that the bus has."""
        self._begun = begun
        last = await self._ingest.last(self._name)
        found = re.fullmatch(re.escape(f"{self._name}-{begun}-") + r"(\d+)\.(\d+)", last)
        self.stored = (int(found[1]), int(found[2])) if found else (0, 0)

    def _news(self, health: SensorHealth) -> bool:
        """Whether the tracker is to hear it: what differs from what it heard last, and everything now and then."""
        before = self._passed_on.get(health.sensor)
        same = before is not None and (before.state, before.coverage) == (health.state, health.coverage)
        if same and before is not None and 0 <= health.time_us - before.time_us < AGAIN_US:
            return False
        if before is None and len(self._passed_on) >= MOST_SENSORS:
            return False
        self._passed_on[health.sensor] = health
        return True

    def refused(self, size: int, rejects: Counter[str]) -> None:
        """A message of so many bytes came of which nothing was taken."""
        self.heard(1, size)
        self.refuse(rejects)

    def refuse(self, rejects: Counter[str]) -> None:
        for reason, number in rejects.items():
            self.rejects[reason] += number
            metrics.REJECTS.labels(self._name, reason).inc(number)

    def tell(self, health: SensorHealth) -> None:
        """Keep and show what a sensor said of itself."""
        before = self.state.sensors.get(health.sensor)
        if len(self.state.sensors) < MOST_SENSORS or before is not None:
            self.state.sensors[health.sensor] = health
        metrics.HEALTH.labels(health.sensor).set(metrics.STATES[health.state])
        if before is None or before.state != health.state:
            log.info("sensor", input=self._name, sensor=health.sensor, state=health.state, detail=health.detail)

    def snapshot(self) -> InputState:
        """The state now; says once when the input has become silent."""
        state = self.state
        state.rejects = dict(self.rejects)
        heard_s = self._heard_s[0]
        state.age_s = round(time.monotonic() - heard_s, 1) if heard_s else None
        silent = state.age_s is not None and state.age_s > self._silent_s
        state.state = "waiting" if state.age_s is None else "silent" if silent else "live"
        if silent and not self._told_silent:
            self._told_silent = True
            log.warning("silent", input=self._name, age_s=state.age_s)
        return state
