"""The tracker role: frames of detections in, rows of tracks out, on the bus."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import pyarrow as pa
import structlog
from prometheus_client import Counter

from perisai.model import Frame, Sensor
from perisai.tracking import Router, TrackerRegion, region_settings
from perisai.trust import Standing

from ..bus import REGION, TRUST, Bus, State
from ..config import Config
from ..outbox import Outbox
from ..pipeline import TrackStage
from ..tracing import span
from ..trusted import TrustedTracker, TrustTold
from .frames import traced_frames

CHECKPOINT_S = 5.0
TOLD_US = 2_000_000
"""Who is not believed is told anew so often, where that changed."""

REJECTS = Counter("perisai_tracker_rejects", "Detections that no tracker could use, by reason", ["role", "reason"])
log = structlog.get_logger("tracker")


class _Rejecting(Protocol):
    @property
    def rejects(self) -> Mapping[str, int]: ...


class _Stage(Protocol):
    @property
    def tracker(self) -> _Rejecting: ...

    def step(self, frame: Frame, /) -> pa.Table: ...

    def standing(self) -> Standing | None: ...

    def checkpoint(self) -> bytes: ...


class RegionStage:
    """The tracker of one region: of each frame it takes what may lie there."""

    def __init__(
        self, sensors: Sequence[Sensor], config: Config, region: TrackerRegion, state: bytes | None = None
    ) -> None:
        """state: a checkpoint to go on from."""
        regions = sorted(config.tracker_region, key=lambda one: one.id)
        self._router, self._place = Router(regions, sensors), regions.index(region)
        settings = region_settings(region, config.tracking)
        self.tracker = TrustedTracker(sensors, settings, config.trust, state)

    def step(self, frame: Frame) -> pa.Table:
        return self.tracker.step(self._router.split(frame)[self._place])

    def standing(self) -> Standing:
        return self.tracker.standing()

    def checkpoint(self) -> bytes:
        return self.tracker.checkpoint()


class Refusals:
    """Hands a tracker's rejects, totals over all its life, on to the metric, which begins with the process."""

    def __init__(self, role: str, rejects: Mapping[str, int]) -> None:
        self._role, self._told = role, dict(rejects)

    def tell(self, rejects: Mapping[str, int]) -> None:
        for reason, total in rejects.items():
            # A beat that is read again with a late row may count less than before.
            more = total - self._told.get(reason, 0)
            if more > 0:
                REJECTS.labels(self._role, reason).inc(more)
                self._told[reason] = total


async def run_tracker(bus: Bus, sensors: list[Sensor], config: Config) -> None:
    """Track the whole country until cancelled."""
    await _track(bus, "tracker", ("TRACKS", "perisai.tracks"), lambda state: TrackStage(sensors, config, state))


async def run_region_tracker(bus: Bus, sensors: list[Sensor], config: Config, region: TrackerRegion) -> None:
    """Track one region until cancelled; the stitcher makes its tracks part of the whole picture."""
    where = ("REGIONS", f"{REGION}.{region.id}")
    await _track(bus, f"tracker.{region.id}", where, lambda state: RegionStage(sensors, config, region, state))


def _say(before: Standing | None, now: Standing | None) -> None:
    """Log who has come under suspicion and who is believed again."""
    known = {(one.sensor, one.why) for one in before.sensors} if before else set()
    suspects = {(one.sensor, one.why) for one in now.sensors} if now else set()
    for sensor, why in sorted(suspects - known):
        log.warning("sensor not believed", sensor=sensor, why=why)
    for sensor, why in sorted(known - suspects):
        log.info("sensor believed again", sensor=sensor, why=why)


async def _track(bus: Bus, role: str, where: tuple[str, str], stage_from: Callable[[bytes | None], _Stage]) -> None:
    """Go on from the last checkpoint, and give the same rows again for what came after it."""
    stream, subject = where
    saved = await bus.load_state(role) or State(0, b"")
    outbox = Outbox(bus, (stream,))
    making = asyncio.to_thread(stage_from, saved.blob or None)
    stage, _ = await asyncio.gather(making, outbox.resume(saved.heads))
    log.info("tracking", role=role, after=saved.sequence)
    told = None
    refusals = Refusals(role, stage.tracker.rejects)
    due = time.monotonic() + CHECKPOINT_S
    async for sequence, frame, came in traced_frames(bus, saved.sequence):
        with span("tracker.step", came, role=role, end_us=frame.end_us, detections=frame.table.num_rows):
            rows = await asyncio.to_thread(stage.step, frame)
            refusals.tell(stage.tracker.rejects)
            identity = f"{subject.rpartition('.')[2]}-{frame.end_us}"
            await outbox.publish_table(stream, subject, rows, identity, frame.end_us)
        if frame.end_us % TOLD_US == 0 and (standing := stage.standing()) != told:
            _say(told, standing)
            told = standing
            data = msgspec.json.encode(TrustTold(by=role, at_us=frame.end_us, standing=standing))
            await bus.publish(f"{TRUST}.{role}", data, f"trust-{role}-{frame.end_us}", frame.end_us)
        if time.monotonic() >= due:
            blob = await asyncio.to_thread(stage.checkpoint)
            await bus.save_state(role, State(sequence, blob, dict(outbox.heads)))
            due = time.monotonic() + CHECKPOINT_S
