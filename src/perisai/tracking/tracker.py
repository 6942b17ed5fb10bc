"""The tracker: frames of detections in, rows of tracks out."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from perisai.geodesy import kernel
from perisai.model import BadInputError, Frame, Sensor, empty

from .ballistic import LN_BETA, LN_BETA_SIGMA, impact
from .bank import FREE, USED, Bank, grown, new_bank, new_grid
from .classify import BALLISTIC
from .detections import NOTHING, Codes, Detections, read
from .grid import rebuild
from .identity import AddressMemory
from .lifecycle import ENDED, ROW_FLOATS, close_scan, finish
from .merge import join_soft
from .motion import moments
from .output import tracks_table
from .scan import new_work, process
from .settings import CLASSES, STATES, TrackerSettings, motion, rules
from .sites import region_plane, sites

CHECKPOINT_VERSION = 4
NO_ROWS = empty("tracks")
SCAN_ID, SCAN_BEGAN, SCAN_LAST, SCAN_OPEN = 0, 1, 2, 3


@kernel
def _beat(bank, grid, detections, lo, hi, until, scans, places, plane, steps, numbers, work, stamp):
    """Process detections [lo, hi) group by group in time order, closing scans as their sensors begin new ones."""
    rebuild(bank, grid, bank.counters[USED], until)
    a = lo
    while a < hi:
        b = a + 1
        while b < hi and not detections.head[b]:
            b += 1
        s = detections.sensor[a]
        scan = detections.scan[a]
        # A late piece of a scan before this one (its times are older) changes nothing in the bookkeeping.
        if scan >= 0 and (scans[s, SCAN_ID] == scan or detections.t[a] > scans[s, SCAN_LAST]):
            if scans[s, SCAN_ID] != scan:
                if scans[s, SCAN_OPEN] > 0.0:
                    close_scan(bank, bank.counters[USED], s, scans[s, SCAN_BEGAN], scans[s, SCAN_LAST], places)
                scans[s, SCAN_ID] = scan
                scans[s, SCAN_BEGAN] = detections.t[a]
                scans[s, SCAN_LAST] = detections.t[a]
                scans[s, SCAN_OPEN] = 1.0
            scans[s, SCAN_LAST] = max(scans[s, SCAN_LAST], detections.t[b - 1])
        stamp[0] += 1
        process(bank, grid, detections, a, b, stamp[0], until, places, plane, steps, numbers, work)
        a = b
    join_soft(bank, grid, bank.counters[USED], work.found, work.gain)
    for s in range(scans.shape[0]):
        if scans[s, SCAN_OPEN] > 0.0:
            instant = scans[s, SCAN_LAST] == scans[s, SCAN_BEGAN] and places.period_s[s] >= 1.0
            if instant or until - scans[s, SCAN_BEGAN] > 1.5 * places.period_s[s] + 1.0:
                close_scan(bank, bank.counters[USED], s, scans[s, SCAN_BEGAN], scans[s, SCAN_LAST], places)
                scans[s, SCAN_OPEN] = 0.0


class Tracker:
    """One air picture from many sensors; see docs/tracking.md.

    sensors: every sensor whose name may occur. Driven by `step` alone: the same frames give the same tracks, byte for
    byte, also from a checkpoint. rejects: detections that could not be used, by reason.
    """

    def __init__(self, sensors: Sequence[Sensor], settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self.sensors = tuple(sensors)
        self.plane = region_plane(self.sensors, self.settings)
        self.places = sites(self.sensors, self.plane, self.settings)
        self.rejects: Counter[str] = Counter()
        self._motion = motion(self.settings)
        self._rules = rules(self.settings)
        self._index = {sensor.id: number for number, sensor in enumerate(self.sensors)}
        self._names = pa.array([sensor.id for sensor in self.sensors], pa.string())
        far = np.maximum(abs(self.places.east_m), abs(self.places.north_m)) + self.places.max_range_m
        self._grid = new_grid(float(min(far.max() + 50_000.0, 2_000_000.0)))
        self._bank = new_bank(self.settings.capacity)
        self._work = new_work(self.settings.capacity)
        self._codes = Codes()
        self._memory = AddressMemory()
        self._scans = np.zeros((len(self.sensors), 4))
        self._scans[:, SCAN_ID] = -1.0
        self._scans[:, SCAN_LAST] = -np.inf
        self._counts = np.zeros(1, np.int64)
        self._stamp = np.zeros(1, np.int64)
        self._epoch_us: int | None = None

    def step(self, frame: Frame) -> pa.Table:
        """The rows of this frame (schema `tracks`): tracks updated, coasting (every `coast_row_s`) and ended."""
        if self._epoch_us is None:
            self._epoch_us = frame.end_us
        end = (frame.end_us - self._epoch_us) * 1e-6
        if frame.table.num_rows == 0:
            used = int(self._bank.counters[USED])
            return self._beat(NOTHING, 0, 0, end) if self._bank.alive[:used].any() else NO_ROWS
        detections = read(
            frame.table,
            frame.end_us,
            self._epoch_us,
            self._index,
            self.places,
            self.plane,
            self._codes,
            self.rejects,
            (self.settings.window_s, self.settings.ahead_s),
        )
        tables = [self._beat(detections, lo, hi, until) for lo, hi, until in _beats(detections, end)]
        tables = [table for table in tables if table.num_rows]
        return tables[0] if len(tables) == 1 else (pa.concat_tables(tables) if tables else NO_ROWS)

    def _beat(self, detections: Detections, lo: int, hi: int, until: float) -> pa.Table:
        self._reserve(hi - lo)
        bank = self._bank
        _beat(
            bank, self._grid, detections, lo, hi, until, self._scans, self.places, self.plane, self._motion,
            self._rules, self._work, self._stamp,
        )  # fmt: skip
        used = int(bank.counters[USED])
        slots, status = np.empty(used, np.int64), np.empty(used, np.int64)
        rows, classes = np.empty((used, ROW_FLOATS)), np.empty((used, len(CLASSES)))
        n = finish(
            bank, used, until, self.places, self.plane, self._motion, self._rules, self._work, self._counts, slots,
            status, rows, classes, np.empty((STATES, STATES)), np.empty(len(CLASSES)),
        )  # fmt: skip
        if n == 0:
            return NO_ROWS
        slots, status, rows, classes = slots[:n], status[:n], rows[:n], classes[:n]
        return tracks_table(
            bank,
            slots,
            status,
            rows,
            classes,
            self._impacts(slots, status, classes),
            self._memory.flags(bank, used, slots, rows),
            self._epoch_us or 0,
            self._names,
            self._codes.names,
        )

    def _reserve(self, births: int) -> None:
        """Room for as many new tracks as there are detections."""
        capacity = self._bank.t.size
        if int(self._bank.counters[FREE]) < births:
            while capacity - self._bank.t.size + int(self._bank.counters[FREE]) < births:
                capacity *= 2
            self._bank = grown(self._bank, capacity)
            self._work = new_work(capacity)
            self._stamp[0] = 0

    def _impacts(self, slots: np.ndarray, status: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Impact of each row that is likely ballistic (n, 7), NaN elsewhere."""
        out = np.full((slots.size, 7), np.nan)
        mean, cov = np.empty(STATES), np.empty((STATES, STATES))
        for k in np.flatnonzero((classes[:, BALLISTIC] > 0.5) & (status != ENDED)):
            i = slots[k]
            moments(self._bank.x, self._bank.p, self._bank.mu, i, self._bank.coupled[i], mean, cov)
            if not impact(self.plane, mean, cov, LN_BETA, LN_BETA_SIGMA, 0.0, out[k]):
                out[k] = np.nan
        return out

    def checkpoint(self) -> bytes:
        """Everything that `restore` needs to go on exactly as this tracker would."""
        bank, used = self._bank, int(self._bank.counters[USED])
        arrays = {
            name: getattr(bank, name)[:used].tobytes() for name in Bank._fields if name not in ("free", "counters")
        }
        return msgspec.msgpack.encode(
            {
                "version": CHECKPOINT_VERSION,
                "sensors": [sensor.id for sensor in self.sensors],
                "capacity": bank.t.size,
                "arrays": arrays,
                "free": bank.free[: bank.counters[FREE]].tobytes(),
                "counters": bank.counters.tobytes(),
                "scans": self._scans.tobytes(),
                "counts": int(self._counts[0]),
                "epoch_us": self._epoch_us,
                "addresses": self._codes.names,
                "airliners": sorted(self._memory.airliners),
                "rejects": dict(self.rejects),
            }
        )

    @classmethod
    def restore(cls, blob: bytes, sensors: Sequence[Sensor], settings: TrackerSettings | None = None) -> "Tracker":
        """A tracker that goes on from a checkpoint of the same sensors. Raises BadInputError when it is not one."""
        try:
            saved: dict[str, Any] = msgspec.msgpack.decode(blob)
            version = saved["version"]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise BadInputError("tracker checkpoint", "not readable", "bytes of Tracker.checkpoint()") from error
        if version != CHECKPOINT_VERSION:
            raise BadInputError("tracker checkpoint: version", str(version), str(CHECKPOINT_VERSION))
        if saved["sensors"] != [sensor.id for sensor in sensors]:
            raise BadInputError("tracker checkpoint: sensors", "another list", "the sensors it was made with")
        tracker = cls(sensors, settings)
        bank = new_bank(saved["capacity"])
        bank.counters[:] = np.frombuffer(saved["counters"], np.int64)
        used = int(bank.counters[USED])
        for name, content in saved["arrays"].items():
            array = getattr(bank, name)
            array[:used] = np.frombuffer(content, array.dtype).reshape(used, *array.shape[1:])
        bank.cell[:] = -1
        bank.free[: bank.counters[FREE]] = np.frombuffer(saved["free"], np.int32)
        tracker._bank, tracker._work = bank, new_work(bank.t.size)
        tracker._scans[:] = np.frombuffer(saved["scans"]).reshape(tracker._scans.shape)
        tracker._counts[0] = saved["counts"]
        tracker._epoch_us = saved["epoch_us"]
        for name in saved["addresses"]:
            tracker._codes.number(name)
        tracker._memory = AddressMemory(set(saved["airliners"]))
        tracker.rejects.update(saved["rejects"])
        return tracker


def _beats(detections: Detections, end: float) -> list[tuple[int, int, float]]:
    """(first, last, end in s) of the beats of a frame: one, unless it spans more than two seconds of measurement."""
    n = detections.t.size
    if n == 0 or detections.t[-1] - detections.t[0] <= 2.0:
        return [(0, n, end)]
    second = np.floor(detections.t)
    cuts = np.flatnonzero((np.diff(second) > 0) & detections.head[1:]) + 1
    edges = [0, *cuts.tolist(), n]
    beats = [(a, b, float(detections.t[a:b].max())) for a, b in itertools.pairwise(edges)]
    return [*beats[:-1], (*beats[-1][:2], end)]
