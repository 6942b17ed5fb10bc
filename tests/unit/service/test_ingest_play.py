"""Played frames wait for the house, also while it has no picture yet."""

import asyncio

from perisai.model import FRAME_US, Frame, empty
from perisai.service.roles import ingest
from perisai.service.roles.ingest import Ingest

SPEED, AHEAD, FRAMES = 1_000.0, 10, 50


class KeptBus:
    """Keeps the ends of the ticks."""

    def __init__(self) -> None:
        self.ends: list[int] = []

    async def last_end_us(self, subject: str, stream: str) -> int:
        return 0

    async def publish(self, subject: str, data: bytes, identity: str, end_us: int = 0) -> int:
        self.ends.append(end_us)
        return len(self.ends)


async def test_what_is_played_runs_no_farther_ahead_before_the_first_picture(monkeypatch):
    monkeypatch.setattr(ingest, "AHEAD_US", AHEAD * FRAME_US / SPEED)
    bus, picture_us = KeptBus(), [0]
    frames = [Frame(number * FRAME_US, empty("detections")) for number in range(1, FRAMES + 1)]
    playing = asyncio.create_task(Ingest(bus, lambda: 0).play(frames, SPEED, lambda: picture_us[-1]))
    while len(bus.ends) < 1 + AHEAD:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert bus.ends == [frame.end_us for frame in frames[: 1 + AHEAD]]
    picture_us.append(20 * FRAME_US)
    while len(bus.ends) < 20 + AHEAD:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert len(bus.ends) == 20 + AHEAD
    picture_us.append(FRAMES * FRAME_US)
    await asyncio.wait_for(playing, 60)
    assert len(bus.ends) == FRAMES
