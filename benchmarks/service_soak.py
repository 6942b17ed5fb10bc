"""The whole service through the largest night of the record, back to back: does its memory stay as it was?

`python benchmarks/service_soak.py [HOURS] [MINUTES]` plays as fast as the machine follows, until so many simulated
hours or real minutes, and says every quarter of a simulated hour what the centre and its bus hold. One process: ingest,
trust, tracker, forecasts, alerts, channels, recorder and console. What it plays it reads from disk, part by part.
"""

import perisai  # noqa: F401 - before Arrow, whose memory it chooses, as in an installed centre

# isort: split
import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from perisai.model import FRAME_US, Frame, empty, frame_end_us, parse_sensors, split_frames, time_us
from perisai.recording import read_table, write_table
from perisai.service.bench.back_to_back import BackToBack
from perisai.service.commands.live import _with_ground
from perisai.service.config import Config, ServiceSettings
from perisai.service.house import House
from perisai.service.identity import IdentitySettings
from perisai.service.warm import warming

NIGHT, SEED = "2025-09-07", 7001
SPEED = 120.0
PART_US = 600_000_000
EVERY_US = 900_000_000
SETTLED_H = 6.0
"""After which nothing may grow (after half of a run that is shorter than twice that): the first night fills what is
kept for the console."""
MOST = 1.15
"""How much more than at that time is still called flat: allocators keep what they were lent."""


def main() -> None:
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 180.0
    with tempfile.TemporaryDirectory() as directory, warming(print):
        held = asyncio.run(_run(Path(directory), hours, minutes))
    settled = next((row for row in held if row[0] >= min(SETTLED_H, 0.5 * held[-1][0])), held[-1])
    later = [row for row in held if row[0] >= settled[0]]
    grown = [max(row[k] for row in later) / settled[k] for k in (1, 2)]
    print(
        f"{held[-1][0]:.2f} simulated hours; most over what was held after {settled[0]:.2f} h: {grown[0]:.2f} (centre)"
    )
    if held[-1][0] < hours:
        print(f"not the {hours:g} hours asked for: {minutes:g} minutes were over")
    if grown[0] > MOST:
        sys.exit(f"the centre's memory grew by {grown[0]:.2f}; expected under {MOST}")


async def _run(directory: Path, hours: float, minutes: float) -> list[tuple[float, float, float]]:
    """(simulated hours, MB of the centre, MB of its bus) at each quarter of an hour."""
    made, parts = directory / "night", directory / "parts"
    simulate = [sys.executable, "-m", "perisai.cli", "simulate", "--night", NIGHT, "--seed", str(SEED), "-o", str(made)]
    subprocess.run(simulate, check=True)
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:  # what is measured here is the centre alone
        night = beside.submit(_cut, made, parts).result()
    sensors = parse_sensors((made / "sensors.toml").read_text(), "the simulated night's sensors")
    config = _with_ground(
        Config(
            service=ServiceSettings(mode="test", port=0, data=str(directory / "data")),
            identity=IdentitySettings(sign_in_to_view=False),
        )
    )
    house = House(config, sensors)
    held: list[tuple[float, float, float]] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(1.0)
            if time.monotonic() > deadline:
                house.stopping.set()

    deadline = time.monotonic() + 60 * minutes
    played = _watched(_nights(parts, night), hours, directory, held, house)
    watching = asyncio.create_task(watch())
    await house.run(played, SPEED, lambda address: print("console:", address, flush=True))
    watching.cancel()
    return held


def _cut(night: Path, parts: Path) -> tuple[int, int, int]:
    """The night as files of PART_US each, named in order; returns its first and last receipt and its last scan."""
    detections = read_table(night / "detections.parquet", "detections")
    received = time_us(detections["received"])
    detections = detections.take(pa.array(np.argsort(received, kind="stable")))
    parts.mkdir()
    of = (frame_end_us(np.sort(received)) - FRAME_US) // PART_US
    for number in np.unique(of).tolist():
        first, last = np.searchsorted(of, [number, number + 1]).tolist()
        write_table(detections.slice(first, last - first), parts / f"{number:012d}.parquet")
    scans = int(np.max(detections["scan"].fill_null(0).to_numpy()))
    return int(received.min()), int(received.max()), scans


def _nights(parts: Path, night: tuple[int, int, int]) -> Iterator[Frame]:
    """The night again and again, each behind the one before, with a frame for every second; one part is in memory."""
    again, end_us = BackToBack(*night), 0
    for number in itertools.count():
        for part in sorted(parts.iterdir()):
            for frame in split_frames(again.round(read_table(part, "detections"), number)):
                for between in range(end_us + FRAME_US, frame.end_us, FRAME_US) if end_us else ():
                    yield Frame(between, empty("detections"))
                yield frame
                end_us = frame.end_us


def _watched(
    frames: Iterator[Frame], hours: float, directory: Path, held: list[tuple[float, float, float]], house: House
) -> Iterator[Frame]:
    """The frames, with what is held noted on the way; ends the house behind the last."""
    first_us, due_us, begun = 0, 0, time.monotonic()
    for frame in frames:
        first_us, due_us = first_us or frame.end_us, due_us or frame.end_us + EVERY_US
        if frame.end_us >= due_us:
            due_us += EVERY_US
            bus = int((directory / "data/nats/nats.pid").read_text())
            held.append(((frame.end_us - first_us) / 3.6e9, _resident_mb("self"), _resident_mb(str(bus))))
            wall_s = time.monotonic() - begun
            print(
                "{:6.2f} h  centre {:6.0f} MB  bus {:6.0f} MB".format(*held[-1]), f" after {wall_s:.0f} s", flush=True
            )
        if frame.end_us - first_us > hours * 3.6e9:
            break
        yield frame
    house.stopping.set()


def _resident_mb(process: str) -> float:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    main()
