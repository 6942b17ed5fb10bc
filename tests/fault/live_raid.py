"""A raid that does not end, the real tracker and alerter under it on a bus, and how late what they say comes: shared by
the runs that load, split and break what is around them."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import Frame, Sensor, split_frames
from perisai.service.bench.back_to_back import BackToBack
from perisai.service.bus import Bus, Message
from perisai.service.config import Config
from perisai.service.roles.alerter import run_alerter
from perisai.service.roles.tracker import run_tracker
from perisai.service.warm import drill_areas, drill_frames, drill_sensors

PATIENCE_S = 120.0


def raid_frames(seconds: int) -> list[Frame]:
    """The drill for so long, over and over where that is longer than it is; each time with other noise, as a radar that
    says again what it has said is not believed."""
    frames: list[Frame] = []
    again, seed = BackToBack.of(_drill(1)), 1
    while len(frames) < seconds:
        frames += split_frames(again.round(_drill(seed), seed - 1))
        seed += 1
    return frames[:seconds]


def _drill(seed: int) -> pa.Table:
    return pa.concat_tables([frame.table for frame in drill_frames(seed)])


def stages(
    tracker: Bus, alerter: Bus, more: Iterable[Sensor], config: Config, reached: Callable[[int], None]
) -> list[Coroutine[Any, Any, None]]:
    """Tracker and alerter of the drill's raid, each on a bus of its own. more: sensors beside the drill's.

    reached: told how far on TRACKS all is decided.
    """
    return [
        run_tracker(tracker, [*drill_sensors(), *more], config),
        run_alerter(alerter, drill_areas(), config, reached=reached),
    ]


class Heard:
    """What comes on a stream, with the time it came."""

    def __init__(self, bus: Bus, stream: str, subject: str = "", *, keep: bool = True) -> None:
        """keep: the messages themselves, not only when they came."""
        self.messages: list[Message] = []
        self.times: list[float] = []
        self.ends: list[int] = []
        self.identities: list[str] = []
        self.sequence = 0
        self._keep = keep
        self.task = asyncio.create_task(self._listen(bus, stream, subject))

    async def _listen(self, bus: Bus, stream: str, subject: str) -> None:
        async for message in bus.follow(stream, 0, subject):
            if self._keep:
                self.messages.append(message)
            self.times.append(time.monotonic())
            self.ends.append(message.end_us)
            self.identities.append(message.headers.get("Nats-Msg-Id", ""))
            self.sequence = message.sequence

    async def until(self, end_us: int) -> None:
        """Wait for the message of a frame."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.ends or self.ends[-1] < end_us:
                await asyncio.sleep(0.05)

    def pause_s(self, at: float) -> float:
        """The longest time without a message from a time on."""
        after = [at, *(t for t in self.times if t > at)]
        return max(later - earlier for earlier, later in itertools.pairwise(after))

    def late_s(self, ended_s: dict[int, float]) -> np.ndarray:
        """How long after the end of its frame each message came, (n,); ended_s: when each frame ended."""
        return np.array([at - ended_s[end] for at, end in zip(self.times, self.ends, strict=True)])


def told(late_s: np.ndarray) -> dict[str, float]:
    """Median, p99 and longest."""
    median, p99 = np.quantile(late_s, [0.5, 0.99]).tolist()
    return {"median_s": round(median, 3), "p99_s": round(p99, 3), "longest_s": round(float(late_s.max()), 3)}
