"""A country in regions as processes on one bus; the one that tracks and alerts is killed in the middle of a raid."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from centre import config as centre_config

from perisai.model import AlertChange, alerts_table, conform, write_sensors
from perisai.service.bus import DETECTIONS, TICK, Bus
from perisai.service.config import Config, load_config
from perisai.service.nats_server import NatsServer
from perisai.service.pipeline import AlertBook, AlertStage, TrackStage
from perisai.service.roles.stitcher import Absent
from perisai.service.warm import drill_areas, drill_frames, drill_sensors, warming

FRAMES, KILL_AT, PER_SECOND, PATIENCE_S = 120, 50, 4.0, 120.0
BOTH = ("--role", "tracker", "--region", "west", "--role", "alerter")


def write_config(directory: Path, url: str) -> Path:
    """The centre of the drill with its sky cut in two, on a bus of its own."""
    region = centre_config(directory).region
    (directory / "sensors.toml").write_text(write_sensors(drill_sensors()))
    box = "south = 48.0\nnorth = 52.0\noverlap_km = 20.0\n"
    text = (
        f"[service]\nmode = 'test'\nport = 0\ndata = 'data'\nnats = '{url}'\n[inputs]\nsensors = 'sensors.toml'\n"
        f"[signing]\nsign = false\n[region]\nareas = {json.dumps(region.areas)}\n"
        f"[[tracker_region]]\nid = 'west'\nwest = 33.0\neast = 36.05\n{box}"
        f"[[tracker_region]]\nid = 'east'\nwest = 36.05\neast = 39.0\n{box}"
    )
    path = directory / "perisai.toml"
    path.write_text(text)
    return path


@contextlib.contextmanager
def processes(path: Path):
    """Starts `perisai run` with roles, and kills what is left at the end."""
    running: list[subprocess.Popen] = []

    def start(*roles: str) -> subprocess.Popen:
        log = (path.parent / f"{len(running)}.log").open("wb")
        command = [sys.executable, "-m", "perisai.cli", "run", "--config", str(path), *roles]
        running.append(subprocess.Popen(command, stdout=log, stderr=log))
        return running[-1]

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.wait()


class Heard:
    """What comes on a stream, with the time it came."""

    def __init__(self, bus: Bus, stream: str, subject: str = "") -> None:
        self.messages, self.times, self.ends = [], [], []
        self._task = asyncio.create_task(self._listen(bus, stream, subject))

    async def _listen(self, bus: Bus, stream: str, subject: str) -> None:
        async for message in bus.follow(stream, 0, subject):
            self.messages.append(message)
            self.times.append(time.monotonic())
            self.ends.append(message.end_us)

    async def until(self, end_us: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.ends or self.ends[-1] < end_us:
                await asyncio.sleep(0.05)

    def pause_s(self, at: float) -> float:
        """The longest time without a message from a time on."""
        after = [at, *(t for t in self.times if t > at)]
        return max(later - earlier for earlier, later in itertools.pairwise(after))


def replayed(config: Config, absent: Heard, frames: list) -> tuple[pa.Table, pa.Table]:
    """Tracks and alerts of the frames when they are told who was late."""
    late = {one.end_us: one.regions for m in absent.messages if (one := msgspec.json.decode(m.data, type=Absent))}
    tracks, alerts, book, rows = TrackStage(drill_sensors(), config), AlertStage(drill_areas(), config), AlertBook(), []
    for frame in frames:
        rows.append(tracks.step(frame, late.get(frame.end_us, ())))
        book.apply_all(alerts.step(rows[-1], frame.end_us).changes)
    return pa.concat_tables(rows), alerts_table(book.alerts())


@pytest.mark.timeout(400)
async def test_the_standby_takes_over_tracks_and_alerts_of_a_region(tmp_path):
    with warming(print):
        pass
    frames = list(itertools.islice(drill_frames(), FRAMES))
    async with NatsServer(tmp_path / "bus") as server, Bus(server.url) as bus:
        path = write_config(tmp_path, server.url)
        with processes(path) as start:
            first = start(*BOTH)
            start("--role", "tracker", "--region", "east")
            tracks, alerts, absent = (Heard(bus, stream) for stream in ("TRACKS", "ALERTS", "ABSENT"))
            west = Heard(bus, "REGIONS", "perisai.regions.west")
            killed = 0.0
            for number, frame in enumerate(frames):
                if number == 1:
                    await tracks.until(frames[0].end_us)
                    start(*BOTH)  # the standby
                if number == KILL_AT:
                    first.kill()
                    killed = time.monotonic()
                if frame.table.num_rows:
                    await bus.publish_table(f"{DETECTIONS}.test", frame.table, f"batch-{number}", 0)
                await bus.publish(TICK, b"", f"tick-{frame.end_us}", frame.end_us)
                await asyncio.sleep(1.0 / PER_SECOND)
            await tracks.until(frames[-1].end_us)
            await alerts.until(frames[-1].end_us - 30_000_000)
            await asyncio.sleep(2.0)
        print(f"take-over: tracks of the region {west.pause_s(killed):.1f} s, picture {tracks.pause_s(killed):.1f} s")
        assert tracks.ends == [frame.end_us for frame in frames], "every frame once, in order"
        assert west.ends == tracks.ends
        again, expected = replayed(load_config(path), absent, frames)
        table = pa.concat_tables([conform(message.table(), "tracks", "bus") for message in tracks.messages])
        assert table.equals(again), "the same tracks under the same numbers"
        book = AlertBook()
        for message in alerts.messages:
            book.apply(msgspec.json.decode(message.data, type=AlertChange))
        assert alerts_table(book.alerts()).equals(expected)
        assert expected.num_rows > 0
