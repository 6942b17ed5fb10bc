"""The tracker role: frames of detections in, rows of tracks out, on the bus."""

import asyncio
import time

import structlog

from perisai.model import Sensor

from ..bus import Bus
from ..config import Config
from ..pipeline import TrackStage
from .frames import input_frames

CHECKPOINT_S = 5.0
log = structlog.get_logger("tracker")


async def run_tracker(bus: Bus, sensors: list[Sensor], config: Config) -> None:
    """Track until cancelled; goes on from the last checkpoint and gives the same rows again for what came after it."""
    saved = await bus.load_state("tracker")
    after, state = saved or (0, None)
    stage = await asyncio.to_thread(TrackStage, sensors, config, state)
    log.info("tracking", after=after)
    due = time.monotonic() + CHECKPOINT_S
    async for sequence, frame in input_frames(bus, after):
        rows = await asyncio.to_thread(stage.step, frame)
        await bus.publish_table("perisai.tracks", rows, f"tracks-{frame.end_us}", frame.end_us)
        if time.monotonic() >= due:
            await bus.save_state("tracker", sequence, await asyncio.to_thread(stage.checkpoint))
            due = time.monotonic() + CHECKPOINT_S
