"""The tracker: frames of detections in, rows of tracks out."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

from perisai.model import Frame, Sensor, empty

from .bank import FREE, SCAN_ID, SCAN_LAST, USED, grown, new_bank, new_grid
from .beat import process_beat
from .checkpoint import VERSION, decode, pack_beat, pack_rows, pack_state, unpack_beat, unpack_rows, unpack_state
from .columns import Codes, records
from .crossings import Crossings
from .detections import NOTHING, read
from .falling import Falling
from .fast import FastStarts
from .identity import AddressMemory, doubt_unnamed, forsake
from .impacts import impacts_of
from .learnt import Learnt
from .lifecycle import ROW_FLOATS, finish
from .output import Shown, join, tracks_table
from .references import References
from .registration import SensorRegistration
from .renumber import changed_rows, public, renamed, renames
from .settings import CLASSES, RING, STATES, TrackerSettings, motion, rules
from .sites import region_plane, sites
from .snapshot import IDENT, Kept, Snapshot, put_back, take
from .told import hear, known
from .window import Window
from .work import new_work

NO_ROWS = empty("tracks")


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
        far = np.maximum(abs(self.places.east_m), abs(self.places.north_m)) + self.places.max_range_m
        self._grid = new_grid(float(min(far.max() + 50_000.0, 2_000_000.0)))
        self._bank = new_bank(self.settings.capacity)
        self._work = new_work(self.settings.capacity)
        self._learnt = Learnt(self.places, self._grid.half_m, self._rules.undetected_per_m2)
        self._references = References(self.places, self.plane)
        self._falling = Falling(self.places, self.plane)
        self._crossings = Crossings(self.places, self.plane)
        self._fast = FastStarts(self.places, self.plane)
        self._codes = Codes()
        self._memory = AddressMemory()
        self._scans = np.zeros((len(self.sensors), 4))
        self._scans[:, SCAN_ID] = -1.0
        self._scans[:, SCAN_LAST] = -np.inf
        self._counts = np.zeros(1, np.int64)
        self._stamp = np.zeros(1, np.int64)
        self._epoch_us: int | None = None
        self._hold_us = round(self.settings.hold_back_s * 1e6)
        self._window = Window(self.settings.window_s, self.settings.ahead_s + self.settings.hold_back_s)
        self._unmoved: Snapshot | None = None
        self._words = pa.array([sensor.id for sensor in self.sensors], pa.string())
        # Whatever a beat changes beside the bank; a replay begins with all of it as it was.
        places = self.places
        self._told = Kept(places.told, places.share, places.most_pd, places.seen)
        self._now = Kept(self._scans, self._counts)
        self._flights = Kept(*self._falling.arrays)
        self._others = [
            self._now, self._told, self._learnt.kept, *self._references.kept, self._flights, self._crossings.kept,
            self._fast.kept,
        ]  # fmt: skip

    def step(self, frame: Frame) -> pa.Table:
        """The rows of this frame (schema `tracks`): tracks updated, coasting (every `coast_row_s`) and ended.

        Rows that come late, inside `window_s`, change the picture as if they had come in time: the beats since are
        computed again, and tracks that this changes or ends have a row too.
        """
        if self._epoch_us is None:
            self._epoch_us = frame.end_us
        window = self._window
        told = known(frame.health, self._index, self.rejects)
        end_us = frame.end_us - self._hold_us
        rows = records(frame, self._index, self._codes)
        if not rows.size and not told and not window.waiting.size and not self._living():
            window.rest(end_us, self._state())
            window.trim(0)
            return NO_ROWS
        first, new = window.admit(rows, end_us, self.rejects, told)
        parts = self._replay(first, new) if first < new else self._new(new)
        window.trim(round((self.settings.coast_row_s + 2.0) * 1e6))
        window.keep_under(self.settings.state_bytes)
        shown = join(parts)
        return NO_ROWS if shown is None else tracks_table(shown, self._epoch_us, self._words, self._codes.names)

    def _new(self, new: int) -> list[Shown]:
        """Compute the beats from `new` on, the first time; what they put out."""
        beats = self._window.beats
        for k in range(new, len(beats)):
            self._run(k)
        return [beat.out for beat in beats[new:] if beat.out is not None]

    def registration(self) -> list[SensorRegistration]:
        """How far each radar's range, azimuth and clock are off, and whether it measures as well as it says."""
        return self._references.filter.health([sensor.id for sensor in self.sensors])

    def _living(self) -> bool:
        return bool(self._bank.alive[: int(self._bank.counters[USED])].any())

    def _state(self) -> Snapshot:
        """The state as it is; the same object until a beat changes it."""
        if self._unmoved is None:
            self._unmoved = take(self._bank, self._others, frozenset(self._memory.airliners))
        return self._unmoved

    def _rewind(self, state: Snapshot) -> None:
        bank = self._bank
        self._grid.head[bank.cell[bank.cell >= 0]] = -1
        bank.cell[:] = -1
        put_back(state, bank, self._others)
        self._memory.airliners = set(state.airliners)
        self._unmoved = state

    def _run(self, k: int, tracks: np.ndarray | None = None) -> None:
        """Compute beat k of the window; tracks: the public numbers its rows had, where they are to be the same."""
        beat = self._window.beats[k]
        if tracks is None and beat.before is None and self._window.due(k):
            beat.before = self._state()
        beat.tracks, beat.out = beat.tracks[:0], None
        if beat.told:
            self._unmoved = None
            self._told.changed()
            hear(beat.told, self._index, self.places, self.plane)
        if not beat.rows.size and not self._living():
            return
        self._unmoved = None
        self._now.changed()
        detections = NOTHING
        if beat.rows.size:
            self.rejects.subtract(beat.rejects)
            beat.rejects = Counter()
            detections = read(
                beat.rows, self._epoch_us or 0, self.places, self.plane, self._codes, beat.rejects, self._learnt
            )
            self.rejects.update(beat.rejects)
        self._reserve(2 * detections.t.size)
        bank, until = self._bank, (beat.end_us - (self._epoch_us or 0)) * 1e-6
        scans = self._scans[self._learnt.taught]
        self._falling.lead(bank, int(bank.counters[USED]), until)
        process_beat(
            bank, self._grid, detections, 0, detections.t.size, until, self._scans, self.places, self.plane,
            self._motion, self._rules, self._work, self._stamp,
        )  # fmt: skip
        self._crossings.start(detections, bank, self._grid, until, self._rules, self._work)
        self._fast.start(detections, bank, self._grid, until, self._rules, self._work)
        used = int(bank.counters[USED])
        forsake(bank, used, self.places, until)
        self._references.learn(detections, bank, used, until)
        flying = self._falling.owner[:, 0].max() >= 0
        self._falling.learn(detections, bank, used)
        if flying or self._falling.owner[:, 0].max() >= 0:
            self._flights.changed()
        self._learnt.learn(bank, used, scans, self._scans[self._learnt.taught], until)
        unnamed = bank.ident[:used] < 0
        slots, status = np.empty(used, np.int64), np.empty(used, np.int64)
        rows, classes = np.empty((used, ROW_FLOATS)), np.empty((used, len(CLASSES)))
        sensors = np.empty((used, RING), np.int32)
        n = finish(
            bank, used, until, self.places, self.plane, self._motion, self._rules, self._work, self._counts, slots,
            status, rows, classes, sensors, np.empty((STATES, STATES)), np.empty(len(CLASSES)),
        )  # fmt: skip
        if n == 0:
            return
        slots, status, rows, classes, sensors = slots[:n], status[:n], rows[:n], classes[:n], sensors[:n]
        doubt_unnamed(bank, slots, classes, self.places)
        if tracks is not None:
            bank.ident[slots] = tracks
        new = slots[unnamed[slots]]
        if new.size:
            self._learnt.begun(bank.x[new, 0, 0], bank.x[new, 0, 1])
        beat.tracks = bank.ident[slots]
        impacts = impacts_of(self._falling, bank, slots, status, classes)
        flags = self._memory.flags(bank, used, slots, rows)
        beat.out = Shown(beat.tracks, status, rows, classes, impacts, flags, sensors, bank.address[slots])

    def _replay(self, first: int, new: int) -> list[Shown]:
        """Compute the beats from `first` on again; rows of the tracks that changed and of the new beats."""
        beats = self._window.beats
        begin = first
        while beats[begin].before is None:
            begin -= 1
        state, top = beats[begin].before, int(self._counts[0])
        assert state is not None
        end_s = (beats[-1].end_us - (self._epoch_us or 0)) * 1e-6
        before = public(self._bank, end_s)
        shown = [beat.out for beat in beats[:new] if beat.out is not None]
        self._rewind(state)
        kept = state.bank[IDENT][state.bank[IDENT] >= 0]
        self._counts[0] = top
        self._now.changed()
        for k in range(begin, len(beats)):
            if k > begin:
                beats[k].before = None
            self._run(k)
        names = renames(before, public(self._bank, end_s), kept, top)
        self._rename(names, begin)
        after = public(self._bank, end_s)
        again = join([beat.out for beat in beats[begin:new] if beat.out is not None])
        return [*changed_rows(before, after, shown, again), *(beat.out for beat in beats[new:] if beat.out is not None)]

    def _rename(self, names: dict[int, int], begin: int) -> None:
        """Give the tracks of the beats from `begin` on their earlier public numbers."""
        if not names:
            return
        used = int(self._bank.counters[USED])
        self._bank.ident[:used] = renamed(self._bank.ident[:used], names)
        self._unmoved = None
        for k, beat in enumerate(self._window.beats[begin:]):
            beat.tracks = renamed(beat.tracks, names)
            if beat.out is not None:
                beat.out = beat.out._replace(ident=beat.tracks)
            if k > 0 and beat.before is not None:
                arrays = list(beat.before.bank)
                arrays[IDENT] = renamed(arrays[IDENT], names)
                beat.before = beat.before._replace(bank=tuple(arrays))

    def _reserve(self, births: int) -> None:
        """Room for as many new tracks as there are detections."""
        capacity = self._bank.t.size
        if int(self._bank.counters[FREE]) < births:
            while capacity - self._bank.t.size + int(self._bank.counters[FREE]) < births:
                capacity *= 2
            self._bank = grown(self._bank, capacity)
            self._work = new_work(capacity)
            self._stamp[0] = 0

    def checkpoint(self) -> bytes:
        """Everything that `restore` needs to go on exactly as this tracker would, late rows included."""
        beats = self._window.beats
        state = (beats[0].before if beats else None) or self._state()
        return msgspec.msgpack.encode(
            {
                "version": VERSION,
                "sensors": [sensor.id for sensor in self.sensors],
                "capacity": self._bank.t.size,
                "state": pack_state(state),
                "beats": [pack_beat(beat) for beat in beats],
                "waiting": pack_rows(self._window.waiting),
                "late_us": self._window.late_us,
                "count": int(self._counts[0]),
                "epoch_us": self._epoch_us,
                "addresses": self._codes.names,
                "rejects": dict(self.rejects),
            }
        )

    @classmethod
    def restore(cls, blob: bytes, sensors: Sequence[Sensor], settings: TrackerSettings | None = None) -> "Tracker":
        """A tracker that goes on from a checkpoint of the same sensors. Raises BadInputError when it is not one."""
        saved = decode(blob, [sensor.id for sensor in sensors])
        tracker = cls(sensors, settings)
        for name in saved["addresses"]:
            tracker._codes.number(name)
        tracker._epoch_us = saved["epoch_us"]
        tracker._bank, tracker._work = new_bank(saved["capacity"]), new_work(saved["capacity"])
        tracker._rewind(unpack_state(saved["state"], tracker._others))
        window = tracker._window
        window.late_us, window.waiting = saved["late_us"], unpack_rows(saved["waiting"])
        replayed = [unpack_beat(beat) for beat in saved["beats"]]
        window.beats = [beat for beat, _, _ in replayed]
        for k, (beat, marked, tracks) in enumerate(replayed):
            beat.before = tracker._state() if marked else None
            tracker._run(k, tracks)
        tracker._counts[0] = saved["count"]
        tracker._now.changed()
        tracker.rejects.clear()
        tracker.rejects.update(saved["rejects"])
        return tracker
