"""The alerter role: rows of tracks and operators' orders in; forecasts, alert changes and CAP messages out."""

import asyncio
import time
from collections.abc import Callable

import msgspec
import structlog

from perisai.alerting import Order, Signer
from perisai.model import Areas

from ..bus import ORDERS, Bus, Message, State
from ..config import Config
from ..orders import EMPTY, Answered, desk_view
from ..outbox import Outbox
from ..pipeline import AlertStage, AlertStep
from ..tracing import span

CHECKPOINT_S = 5.0
STREAMS = ("ALERTS", "CAP", "FORECASTS", "ANSWERS", "DESK")
log = structlog.get_logger("alerter")


async def run_alerter(
    bus: Bus,
    areas: Areas,
    config: Config,
    signer: Signer | None = None,
    reached: Callable[[int], None] = lambda sequence: None,
) -> None:
    """Alert until cancelled; goes on from the last checkpoint, and says nothing twice.

    signer: of CAP messages. reached: told the sequence on TRACKS up to which all is decided and given out.
    """
    saved = await bus.load_state("alerter") or State(0, b"")
    outbox = Outbox(bus, STREAMS)
    making = asyncio.to_thread(AlertStage, areas, config, saved.blob or None, signer)
    stage, _ = await asyncio.gather(making, outbox.resume(saved.heads))
    desk = desk_view(stage.desk) if saved.blob else EMPTY
    log.info("alerting", after=saved.sequence)
    reached(saved.sequence)
    due = time.monotonic() + CHECKPOINT_S
    async for message in bus.follow("TRACKS", saved.sequence, ">"):
        with span("alerter.step", [message.headers], sequence=message.sequence):
            cause, end_us, step = await _step(stage, message)
            await _publish(outbox, step, cause, end_us)
        if (now := desk_view(stage.desk)) != desk:
            desk = now
            await outbox.publish("DESK", "perisai.desk", msgspec.json.encode(desk), f"desk-{cause}", end_us)
        reached(message.sequence)
        if time.monotonic() >= due:
            blob = await asyncio.to_thread(stage.checkpoint)
            await bus.save_state("alerter", State(message.sequence, blob, dict(outbox.heads)))
            due = time.monotonic() + CHECKPOINT_S


async def _step(stage: AlertStage, message: Message) -> tuple[str, int, AlertStep]:
    """(what caused it, its time, what came of it): a frame of tracks, or an order behind the frames so far."""
    if message.subject != ORDERS:
        step = await asyncio.to_thread(stage.step, message.table(), message.end_us)
        return str(message.end_us), message.end_us, step
    order = msgspec.json.decode(message.data, type=Order)
    end_us = max(stage.last_us, message.end_us)
    return order.identifier, end_us, await asyncio.to_thread(stage.order, order, end_us)


async def _publish(outbox: Outbox, step: AlertStep, cause: str, end_us: int) -> None:
    for number, change in enumerate(step.changes):
        data = msgspec.json.encode(change)
        await outbox.publish("ALERTS", "perisai.alerts", data, f"alert-{cause}-{number}", end_us)
    for cap in step.cap:
        await outbox.publish("CAP", "perisai.cap", msgspec.msgpack.encode(cap), f"cap-{cap.identifier}", end_us)
    if step.answers:
        answered = Answered(at_us=end_us, after_us=step.after_us, answers=step.answers, order=step.order)
        await outbox.publish("ANSWERS", "perisai.answers", msgspec.json.encode(answered), f"answers-{cause}", end_us)
    if step.forecasts is not None and step.forecasts.num_rows:
        await outbox.publish_table("FORECASTS", "perisai.forecasts", step.forecasts, f"forecasts-{cause}", end_us)
