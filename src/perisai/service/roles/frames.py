"""Cutting the INPUT stream into frames: what came between two ticks, in the order of the bus."""

from collections.abc import AsyncIterator

from perisai.model import Frame, close_frame, conform

from ..bus import TICK, Bus


async def input_frames(bus: Bus, after: int) -> AsyncIterator[tuple[int, Frame]]:
    """(sequence of the tick, frame) for every frame behind the tick with the sequence `after`."""
    batches = []
    async for message in bus.follow("INPUT", after):
        if message.subject != TICK:
            batches.append(conform(message.table(), "detections", message.subject))
            continue
        yield message.sequence, close_frame(batches, "detections", message.end_us)
        batches = []
