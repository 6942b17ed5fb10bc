"""The alerter role: rows of tracks in; forecasts, alert changes and CAP messages out, on the bus."""

import asyncio
import time

import msgspec
import structlog

from perisai.alerting import Signer
from perisai.model import Areas

from ..bus import Bus
from ..config import Config
from ..pipeline import AlertStage

CHECKPOINT_S = 5.0
log = structlog.get_logger("alerter")


async def run_alerter(bus: Bus, areas: Areas, config: Config, signer: Signer | None = None) -> None:
    """Alert until cancelled; goes on from the last checkpoint, and says nothing twice. signer: of CAP messages."""
    saved = await bus.load_state("alerter")
    after, state = saved or (0, None)
    stage = await asyncio.to_thread(AlertStage, areas, config, state, signer)
    log.info("alerting", after=after)
    due = time.monotonic() + CHECKPOINT_S
    async for message in bus.follow("TRACKS", after):
        end_us = message.end_us
        step = await asyncio.to_thread(stage.step, message.table(), end_us)
        for number, change in enumerate(step.changes):
            data = msgspec.json.encode(change)
            await bus.publish("perisai.alerts", data, f"alert-{end_us}-{number}", end_us)
        for cap in step.cap:
            await bus.publish("perisai.cap", msgspec.msgpack.encode(cap), f"cap-{cap.identifier}", end_us)
        if step.forecasts is not None and step.forecasts.num_rows:
            await bus.publish_table("perisai.forecasts", step.forecasts, f"forecasts-{end_us}", end_us)
        if time.monotonic() >= due:
            await bus.save_state("alerter", message.sequence, await asyncio.to_thread(stage.checkpoint))
            due = time.monotonic() + CHECKPOINT_S
