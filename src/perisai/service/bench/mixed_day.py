"""A day of the wide area's feed (30 radars, 2,000 reports/s, 4,000 tracks): does the tracker's memory stay as it was?

Targets fly in circles of ten minutes, so that ten minutes of reports, made once, are the feed of any hour.
"""

import gc
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import Frame, Sensor
from perisai.tracking import Tracker

from .back_to_back import moved
from .endurance import resident_mb
from .mixed_feed import feed

LAP_S = 600
HOUR_S = 3600
SETTLED_H = 3
RECENT_S = 24


def laps(sensors: list[Sensor], lap: list[Frame], hours: float) -> Iterator[Frame]:
    """The frames of so many hours: the lap again and again, its times and numbers of scans going on."""
    period = np.array([sensor.period_s for sensor in sensors])
    number = {sensor.id: k for k, sensor in enumerate(sensors)}
    which = [np.array([number[name] for name in frame.table["sensor"].to_pylist()]) for frame in lap]
    for k in range(int(hours * HOUR_S)):
        turn, at = divmod(k, LAP_S)
        shift = turn * LAP_S
        scans = pa.array(np.round(shift / period[which[at]]).astype(np.int64))
        yield Frame(lap[at].end_us + shift * 1_000_000, moved(lap[at].table, shift * 1_000_000, scans))


def run(hours: float, say: Callable[[str], object]) -> dict[str, Any]:
    """Resident memory (MB) after ten minutes and each simulated hour, public tracks then, reports in all, rejects, and
    the processor time (ms) of a frame on the mean; `say` is told as it goes."""
    sensors, lap = feed(LAP_S, 1, LAP_S)
    tracker = Tracker(sensors)
    memory: list[int] = []
    tracks: list[int] = []
    recent: deque[set[int]] = deque(maxlen=RECENT_S)
    reports, spent = 0, 0.0
    for k, frame in enumerate(laps(sensors, lap, hours), start=1):
        began = time.process_time()
        rows = tracker.step(frame)
        spent += time.process_time() - began
        reports += frame.table.num_rows
        recent.append(set(rows["track"].to_pylist()))
        if k % HOUR_S == 0 or k == LAP_S:
            gc.collect()
            memory.append(round(resident_mb()))
            tracks.append(len(set().union(*recent)))
            say(f"{k / HOUR_S:.2f} h: {memory[-1]} MB, {tracks[-1]} tracks, {1e3 * spent / k:.1f} ms a frame")
    return {
        "hours": hours,
        "reports": reports,
        "rejects": dict(tracker.rejects),
        "memory_mb": memory,
        "tracks": tracks,
        "frame_mean_ms": round(1e3 * spent / max(int(hours * HOUR_S), 1), 2),
        "growth_after_3h": round(memory[-1] / memory[min(SETTLED_H, len(memory) - 1)], 3),
    }
