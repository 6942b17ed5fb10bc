"""Five times the load the house follows, with the real tracker, trust, forecasts and alerts on a real bus: what matters
least is shed, and the raid's alerts stay in time."""

import asyncio
import itertools
import time

import numpy as np
import pyarrow as pa
import pytest

from perisai.model import FRAME_US, Sensor, build
from perisai.service.bus import TICK, Bus
from perisai.service.config import Config, ServiceSettings
from perisai.service.ingest.shedding import Shedder
from perisai.service.nats_server import NatsServer
from perisai.service.roles.alerter import run_alerter
from perisai.service.roles.ingest import Ingest
from perisai.service.roles.tracker import run_tracker
from perisai.service.tasks import end
from perisai.service.warm import LAT, LON, drill_areas, drill_frames, drill_sensors, warming

CAPACITY, OVERLOAD = 1_000, 5
FLIGHTS, PLOTTED, PEOPLE = 3_600, 400, 1_000
"""Aircraft that each report themselves once a second; those of them a radar sees; people who report each second."""
BATCHES, SECONDS = 20, 30
FLOOD = [
    Sensor(id="flood-adsb", kind="modes", lat=LAT, lon=LON, max_range_m=600e3, period_s=1.0, sigma_m=50.0),
    Sensor(id="flood-radar", kind="radar2d", lat=LAT, lon=LON, max_range_m=600e3, period_s=1.0, sigma_m=150.0),
    Sensor(id="citizens", kind="position", lat=LAT, lon=LON, max_range_m=600e3, sigma_m=1000.0),
]


assert FLIGHTS + PLOTTED + PEOPLE == OVERLOAD * CAPACITY


class Flood:
    """Flights that go straight, all over the country, and people who report anything anywhere."""

    def __init__(self) -> None:
        self._rng = rng = np.random.default_rng(4)
        self._lat, self._lon = rng.uniform(LAT - 3, LAT + 3, FLIGHTS), rng.uniform(LON - 4, LON + 4, FLIGHTS)
        course = rng.uniform(0, 2 * np.pi, FLIGHTS)
        self._north, self._east = 2e-3 * np.cos(course), 3e-3 * np.sin(course)
        self._names = np.array([f"{0x500000 + n:06x}" for n in range(FLIGHTS)])

    def batch(self, second: int, part: int, begun_us: int) -> pa.Table:
        """One of the BATCHES of a second."""
        own = np.arange(part, FLIGHTS, BATCHES)
        seen = own[own < PLOTTED]
        people = PEOPLE // BATCHES
        who = np.concatenate([own, seen])
        lat, lon = self._lat[who] + self._north[who] * second, self._lon[who] + self._east[who] * second
        noise = self._rng.normal(0.0, 1e-3, (2, people + seen.size))
        lat = np.concatenate([lat, self._rng.uniform(LAT - 3, LAT + 3, people)])
        lon = np.concatenate([lon, self._rng.uniform(LON - 4, LON + 4, people)])
        lat[own.size :] += noise[0]
        lon[own.size :] += noise[1]
        rows = lat.size
        return build(
            "detections",
            {
                "time": np.full(rows, begun_us + part * FRAME_US // BATCHES),
                "received": np.full(rows, begun_us + part * FRAME_US // BATCHES),
                "sensor": ["flood-adsb"] * own.size + ["flood-radar"] * seen.size + ["citizens"] * people,
                "scan": np.full(rows, second),
                "lat": lat,
                "lon": lon,
                "address": [*self._names[own].tolist(), *[None] * (rows - own.size)],
                "reporter": [None] * (rows - people) + [f"p{second}-{part}-{n}" for n in range(people)],
            },
        )


@pytest.mark.timeout(300)
async def test_a_raid_is_told_in_time_at_five_times_the_load(tmp_path):
    sensors = [*drill_sensors(), *FLOOD]
    config = Config(service=ServiceSettings(mode="test", data=str(tmp_path)))
    with warming(print):
        frames = list(itertools.islice(drill_frames(), SECONDS))
    flood, ended_s, late_s, tracked_s = Flood(), dict[int, float](), list[float](), list[float]()
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus, Bus(server.url) as other, Bus(server.url) as ear:
        shedder = Shedder(CAPACITY, sensors)
        ingest = Ingest(bus, lambda: time.time_ns() // 1000, shedder)

        async def hear(stream: str, late: list[float]) -> None:
            async for message in ear.follow(stream):
                late.append(time.monotonic() - ended_s[message.end_us])  # noqa: PERF401 - as they come

        tasks = [
            asyncio.create_task(run_tracker(other, sensors, config)),
            asyncio.create_task(run_alerter(other, drill_areas(), config)),
            asyncio.create_task(hear("ALERTS", late_s)),
            asyncio.create_task(hear("TRACKS", tracked_s)),
        ]
        await asyncio.sleep(4.0)  # until the roles are there: the first kernels are loaded
        begun = time.monotonic()
        for second, frame in enumerate(frames):
            for part in range(BATCHES):
                await asyncio.sleep(max(0.0, begun + second + part / BATCHES - time.monotonic()))
                await ingest.accept("all", flood.batch(second, part, frame.end_us - FRAME_US), f"b{second}-{part}")
            await ingest.accept("raid", frame.table, f"r{second}")
            ended_s[frame.end_us] = time.monotonic()
            await bus.publish(TICK, b"", f"tick-{frame.end_us}", frame.end_us)
        fed_s = time.monotonic() - begun
        async with asyncio.timeout(60):
            while len(tracked_s) < SECONDS:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        assert not [task for task in tasks if task.done()], "all go on"
        await end(tasks)
    print(f"fed {SECONDS} s in {fed_s:.1f} s; shed {dict(shedder.shed)}")
    print("alerts", len(late_s), "late by (median, p99)", np.round(np.quantile(late_s, [0.5, 0.99]), 2).tolist(), "s")
    print("tracks late by (median, p99)", np.round(np.quantile(tracked_s, [0.5, 0.99]), 2).tolist(), "s")
    assert len(late_s) > 10 and np.quantile(late_s, 0.99) < 2.0
    assert shedder.shed["transponder"] > shedder.shed["person"] > 0 == shedder.shed["radar"] == shedder.shed["ear"]
