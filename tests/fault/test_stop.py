"""A centre that is told to stop first decides and records all that came in, however slow its alerter is."""

import asyncio
import threading

from centre import config, frames, undisturbed

from perisai.recording import read_table
from perisai.service.house import House
from perisai.service.pipeline import AlertStage
from perisai.service.warm import drill_sensors

STANDS_AT = 150
"""The frame at which the alerter stands still until the stop has waited for some time."""
STILL_S = 2.0


def test_a_stop_waits_for_an_alerter_that_is_behind(tmp_path, monkeypatch):
    go_on, steps, step = threading.Event(), [], AlertStage.step

    def standing(self, tracks, end_us):
        steps.append(end_us)
        if len(steps) == STANDS_AT:
            go_on.wait(60)
        return step(self, tracks, end_us)

    async def played() -> None:
        house = House(config(tmp_path), drill_sensors())
        running = asyncio.create_task(house.run(frames(), 80.0, lambda address: None))
        while len(steps) < STANDS_AT:
            await asyncio.sleep(0.1)
        await asyncio.sleep(4.0)  # by then the tracker is done, which does not wait for the alerter
        house.stopping.set()
        await asyncio.sleep(STILL_S)
        go_on.set()
        await running

    monkeypatch.setattr(AlertStage, "step", standing)
    asyncio.run(played())
    monkeypatch.undo()
    detections, _, alerts = undisturbed(tmp_path / "undisturbed")
    assert detections.num_rows
    assert read_table(tmp_path / "data/alerts.parquet", "alerts").equals(alerts)
