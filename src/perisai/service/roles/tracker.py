"""The tracker role: frames of detections in, rows of tracks out, on the bus."""

import asyncio
import time

import structlog

from perisai.model import Sensor

from ..bus import Bus, State
from ..config import Config
from ..outbox import Outbox
from ..pipeline import TrackStage
from .frames import input_frames

CHECKPOINT_S = 5.0
log = structlog.get_logger("tracker")


async def run_tracker(bus: Bus, sensors: list[Sensor], config: Config) -> None:
    """Track until cancelled; goes on from the last checkpoint and gives the same rows again for what came after it."""
    saved = await bus.load_state("tracker") or State(0, b"")
    stage = await asyncio.to_thread(TrackStage, sensors, config, saved.blob or None)
    outbox = Outbox(bus, ("TRACKS",))
    await outbox.resume(saved.heads)
    log.info("tracking", after=saved.sequence)
    due = time.monotonic() + CHECKPOINT_S
    async for sequence, frame in input_frames(bus, saved.sequence):
        rows = await asyncio.to_thread(stage.step, frame)
        await outbox.publish_table("TRACKS", "perisai.tracks", rows, f"tracks-{frame.end_us}", frame.end_us)
        if time.monotonic() >= due:
            blob = await asyncio.to_thread(stage.checkpoint)
            await bus.save_state("tracker", State(sequence, blob, dict(outbox.heads)))
            due = time.monotonic() + CHECKPOINT_S
