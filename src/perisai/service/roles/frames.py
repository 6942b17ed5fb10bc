"""Cutting the INPUT stream into frames: what came between two ticks, in the order of the bus."""

from collections.abc import AsyncIterator

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from perisai.model import NOT_JSON, BadInputError, Frame, SensorHealth, close_frame, conform, empty

from ..bus import HEALTH, SENSOR, TICK, Bus, Message
from ..tracing import MOST_LINKS, PARENT

log = structlog.get_logger("frames")


async def input_frames(bus: Bus, after: int) -> AsyncIterator[tuple[int, Frame]]:
    """(sequence of the tick, frame) for every frame behind the tick with the sequence `after`."""
    async for sequence, frame, _ in traced_frames(bus, after):
        yield sequence, frame


async def traced_frames(bus: Bus, after: int) -> AsyncIterator[tuple[int, Frame, list[dict[str, str]]]]:
    """The same with the headers of the messages that a frame is made of, where these are traced."""
    batches: list[pa.Table] = []
    came: list[dict[str, str]] = []
    told: tuple[SensorHealth, ...] = ()
    async for message in bus.follow("INPUT", after):
        if message.subject.startswith(f"{HEALTH}."):
            told += _health(message)
        elif message.subject != TICK:
            batches.append(batch(message))
            if PARENT in message.headers and len(came) < MOST_LINKS:
                came.append(message.headers)
        else:
            yield message.sequence, close_frame(batches, "detections", message.end_us, health=told), came
            batches, told, came = [], (), []


def _health(message: Message) -> tuple[SensorHealth, ...]:
    try:
        return msgspec.json.decode(message.data, type=tuple[SensorHealth, ...])
    except NOT_JSON as error:
        log.error("refused", subject=message.subject, sequence=message.sequence, reason=str(error))
        return ()


def batch(message: Message) -> pa.Table:
    """The detections of a message. What is no such table counts as none: nobody can stop the house by what he sends.

    On a sensor's own subject only rows that name it count.
    """
    try:
        table = conform(message.table(), "detections", message.subject)
        table.validate(full=True)
    except (BadInputError, pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        log.error("refused", subject=message.subject, sequence=message.sequence, reason=reason)
        return empty("detections")
    if message.subject.startswith(f"{SENSOR}."):
        own = message.subject.removeprefix(f"{SENSOR}.")
        said = table.filter(pc.fill_null(pc.equal(table["sensor"], own), False))
        if said.num_rows < table.num_rows:
            rows = table.num_rows - said.num_rows
            log.error("refused rows that name another sensor", subject=message.subject, rows=rows)
        return said
    return table
