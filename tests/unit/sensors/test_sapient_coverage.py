"""From the status report of a node that nobody here wrote to the Pd map of the tracker, live and in the replay."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest
from ingest_support import ended
from test_sensors_sapient_peer import NODE, SITE, replies

from perisai.geodesy import destination, to_plane
from perisai.model import Frame
from perisai.recording import CONFIG_FILE, Recording
from perisai.sensors.sapient import FusionNode
from perisai.service.bus import Bus
from perisai.service.ingest.sapient_server import SapientInput
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.sink import Sink
from perisai.service.nats_server import NatsServer
from perisai.service.roles.frames import input_frames
from perisai.service.roles.ingest import Ingest
from perisai.service.roles.recorder import Recorder
from perisai.tracking import Tracker
from perisai.tracking.coverage import detection_chance


def chances(tracker: Tracker) -> list[float]:
    """Where the node's field of view is (east, 120 degrees, 20 km), then beyond it, and behind the node."""
    places = [
        destination(SITE.lat, SITE.lon, azimuth, distance)
        for azimuth, distance in ((90, 15e3), (90, 25e3), (270, 15e3))
    ]
    east, north = to_plane(tracker.plane, np.array([p[0] for p in places]), np.array([p[1] for p in places]))
    return [
        round(float(detection_chance(tracker.places, 0, e, n, 3_000.0, True, False)), 3)
        for e, n in zip(east, north, strict=True)
    ]


def pictures(frames: list[Frame]) -> list[list[float]]:
    """The Pd map behind each frame in which something was told."""
    tracker, found = Tracker([SITE]), []
    for frame in frames:
        tracker.step(frame)
        if frame.health:
            found.append(chances(tracker))
    return found


@pytest.mark.oracle
async def test_a_status_report_becomes_the_pd_map_of_the_tracker_and_is_recorded(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "bus") as server, Bus(server.url) as bus:
        ingest = Ingest(bus, lambda: time.time_ns() // 1000)
        recorder = Recorder(bus, tmp_path)
        settings = LiveInput(name="net", kind="sapient", listen="127.0.0.1:0")
        served = SapientInput(settings, Sink(settings, ingest), FusionNode((SITE,)))
        running = [asyncio.create_task(one) for one in (served.run(), ingest.run(), recorder.run())]
        await served.listening.wait()
        await replies(served.port, "register", "status 1.2", "polar 0.2", "status 1.2", "goodbye 0.2")
        frames: list[Frame] = []
        async with asyncio.timeout(30):
            async for _, frame in input_frames(bus, 0):
                frames.append(frame)
                if any(health.state == "off" for health in frame.health):
                    break
        await asyncio.sleep(0.5)
        for task in running:
            await ended(task)
        recorder.flush()
    told = [health for frame in frames for health in frame.health]
    assert {health.sensor for health in told} == {NODE}
    assert [health.state for health in told] == ["ok", "ok", "off"]  # registered; with its coverage; its leave
    live = pictures(frames)
    assert [0.8, 0.0, 0.0] in live
    assert live[-1] == [0.0, 0.0, 0.0]
    (tmp_path / CONFIG_FILE).write_text("{}")
    replayed = list(Recording(tmp_path).frames())
    assert [frame.health for frame in replayed if frame.health] == [frame.health for frame in frames if frame.health]
    assert pictures(replayed) == live
