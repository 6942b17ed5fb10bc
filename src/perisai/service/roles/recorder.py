"""The recorder role: everything that passed, to Parquet; alerts as one table and CAP messages as files beside it."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import structlog

from perisai.alerting import CapMessage
from perisai.model import AlertChange, PerisaiError, ResourceError, conform
from perisai.recording import ABSENCES, CHANGES, FRAMES, ORDERS, PartWriter, RecordingSettings, given_up, keep_up

from ..alert_file import AlertFile
from ..bus import Bus, Message
from ..orders import Answered
from .frames import input_frames
from .stitcher import Absent

KINDS = ("detections", "frames", "tracks", "forecasts", "changes", "orders", "absences", "partners")
DECIDED = {"TRACKS": "tracks", "FORECASTS": "forecasts", "ALERTS": "changes", "ANSWERS": "orders"}
"""Streams of what the stages decide, by the kind of table they are kept in."""
FLUSH_S = 10.0
FLUSH_ROWS = 200_000
UPKEEP_S = 600.0
log = structlog.get_logger("recorder")


class Recorder:
    """Writes one recording. `flush` leaves on disk all that was taken in."""

    def __init__(self, bus: Bus, directory: Path, settings: RecordingSettings | None = None) -> None:
        self._bus = bus
        self._directory = directory
        self._writers = {kind: PartWriter(directory, kind) for kind in KINDS}
        self._settings = settings or RecordingSettings()
        self._alerts = AlertFile(directory, self._settings.alerts_held_us)
        self._cap_taken = 0
        self.failures = 0
        self.given_up: Counter[str] = Counter()

    async def run(self) -> None:
        """Record until cancelled."""
        self._directory.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._alerts.recall)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._input())
            group.create_task(
                self._stream("TRACKS", "tracks", lambda message: conform(message.table(), "tracks", "bus"))
            )
            group.create_task(
                self._stream("FORECASTS", "forecasts", lambda message: conform(message.table(), "forecasts", "bus"))
            )
            group.create_task(
                self._stream("PARTNERS", "partners", lambda message: conform(message.table(), "partners", "bus"))
            )
            group.create_task(self._stream("ALERTS", "changes", self._change))
            group.create_task(self._stream("ANSWERS", "orders", _order))
            group.create_task(self._stream("ABSENT", "absences", absences_table))
            group.create_task(self._cap())
            group.create_task(self._flush_often())
            group.create_task(self._keep_up())

    async def _input(self) -> None:
        detections, frames = self._writers["detections"], self._writers["frames"]
        async for sequence, frame in input_frames(self._bus, min(detections.last, frames.last)):
            told = msgspec.json.encode(frame.health).decode() if frame.health else None
            row = pa.table({"end": [frame.end_us], "rows": [frame.table.num_rows], "health": [told]})
            detections.add(sequence, frame.table)
            frames.add(sequence, row.cast(FRAMES))

    async def _stream(self, stream: str, kind: str, table: Callable[[Message], pa.Table]) -> None:
        writer = self._writers[kind]
        async for message in self._bus.follow(stream, writer.last):
            writer.add(message.sequence, table(message))

    async def _cap(self) -> None:
        (self._directory / "cap").mkdir(parents=True, exist_ok=True)
        async for message in self._bus.follow("CAP"):
            cap = msgspec.msgpack.decode(message.data, type=CapMessage)
            path = self._directory / "cap" / f"{cap.identifier}.xml"
            if not path.exists():
                partial = path.with_suffix(".partial")
                partial.write_bytes(cap.xml)
                partial.rename(path)
            self._cap_taken = message.sequence

    async def has_all(self) -> bool:
        """Whether all that the stages decided so far was taken in."""
        taken = {stream: self._writers[kind].newest for stream, kind in DECIDED.items()} | {"CAP": self._cap_taken}
        return all([await self._bus.last_sequence(stream) <= sequence for stream, sequence in taken.items()])

    def _change(self, message: Message) -> pa.Table:
        change = msgspec.json.decode(message.data, type=AlertChange)
        self._alerts.take(change)
        return pa.table({"at": [change.at_us], "change": [message.data.decode()]}).cast(CHANGES)

    async def _flush_often(self) -> None:
        due = time.monotonic() + FLUSH_S
        while True:
            await asyncio.sleep(1.0)
            if time.monotonic() >= due or any(writer.rows > FLUSH_ROWS for writer in self._writers.values()):
                await asyncio.to_thread(self.flush, by_the_way=True)
                due = time.monotonic() + FLUSH_S

    def flush(self, *, by_the_way: bool = False) -> None:
        """Write what was taken in. On a disk that is nearly full raw detections are given up first, alerts never.

        by_the_way: alerts.parquet not so soon again where writing it took long. What cannot be written is told and
        counted; the rows stay in memory and on the bus.
        """
        free_bytes = shutil.disk_usage(self._directory).free
        kinds = set(given_up(free_bytes, self._settings))
        if "detections" in kinds:
            kinds.add("frames")  # a replay takes as many rows as a frame says
        for kind, writer in self._writers.items():
            if kind in kinds:
                if rows := writer.give_up():
                    self.given_up[kind] += rows
                    log.error("the disk is nearly full: not recorded", kind=kind, rows=rows, free_bytes=free_bytes)
                continue
            try:
                writer.flush()
                if kind == "changes":
                    self._alerts.write(by_the_way=by_the_way)
            except ResourceError as error:
                self.failures += 1
                log.error("not recorded yet", reason=str(error))

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_S)
            try:
                await asyncio.to_thread(keep_up, self._directory, KINDS, self._settings)
            except (OSError, PerisaiError) as error:
                log.error("upkeep failed", reason=str(error))


def absences_table(message: Message) -> pa.Table:
    """The regions that a frame was made without, as rows of a recording."""
    absent = msgspec.json.decode(message.data, type=Absent)
    row = {"end": [absent.end_us] * len(absent.regions), "region": absent.regions}
    return pa.table(row).cast(ABSENCES)


def _order(message: Message) -> pa.Table:
    answered = msgspec.json.decode(message.data, type=Answered)
    order = msgspec.json.encode(answered.order).decode() if answered.order else None
    answers = msgspec.json.encode(answered.answers).decode()
    row = {"at": [answered.at_us], "after": [answered.after_us], "order": [order], "answers": [answers]}
    return pa.table(row).cast(ORDERS)
