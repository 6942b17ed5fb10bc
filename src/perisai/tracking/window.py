"""The last minute of detections, cut into beats, so that what arrives late is put where it belongs and replayed.

Detections are processed in beats of measurement time: those of (end of the last beat, end of this one]. A frame is one
beat, unless it spans more than two seconds of measurement; then it is cut at whole seconds. A detection of an earlier
beat is added to that beat and one of a later time waits for its own, so that the state after a beat depends on the
detections up to its end and not on when they came.
"""

import itertools
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from perisai.model import SensorHealth

from .columns import NO_ROW
from .output import Shown
from .snapshot import Snapshot

BULK_US = 2_000_000
SECOND_US = 1_000_000
CALM_STATE_US = 5_000_000
"""Between states kept to go back to, while nothing comes late; then one a second."""


@dataclass(slots=True)
class Beat:
    """One beat: its end, its rows (records of `columns.ROW`), the state before it (not of each beat), what it rejected.

    tracks: the public numbers of the rows it put out; out: those rows, while a track may have to be ended by them.
    told: what sensors said of themselves, to be taken over before it.
    """

    end_us: int
    rows: np.ndarray = field(default_factory=lambda: NO_ROW)
    before: Snapshot | None = None
    rejects: Counter[str] = field(default_factory=Counter)
    tracks: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    out: Shown | None = None
    packed: tuple[int, bytes] | None = None
    told: tuple[SensorHealth, ...] = ()


class Window:
    """The beats of the last `window_s`, oldest first, and the rows that wait for theirs."""

    def __init__(self, window_s: float, ahead_s: float) -> None:
        self.beats: list[Beat] = []
        self.waiting = NO_ROW
        self.late_us = -(1 << 62)
        """When a row came late last."""
        self._window_us, self._ahead_us = round(window_s * 1e6), round(ahead_s * 1e6)

    def admit(
        self, rows: np.ndarray, end_us: int, rejects: Counter[str], told: tuple[SensorHealth, ...] = ()
    ) -> tuple[int, int]:
        """Put a frame's rows (records) into beats; those outside the window are counted in `rejects`.

        told: what sensors said of themselves in the frame, goes with its first own beat.
        Gives the index of the first beat to be computed again, or of the first new one, and that of the first new one.
        """
        if self.waiting.size:
            rows, self.waiting = np.concatenate([self.waiting, rows]), NO_ROW
        last_us = self.beats[-1].end_us if self.beats else -(1 << 62)
        first = new = len(self.beats)
        if rows.size:
            time = rows["time"]
            if time.min() <= max(last_us, end_us - self._window_us - 1) or time.max() > end_us:
                rows = self._sort_out(rows, end_us, rejects)
            late = rows["time"] <= last_us
            if new and late.any():
                self.late_us = end_us
                first = self._insert(rows[late])
                rows = rows[~late]
        beats = _beats(rows, end_us)
        beats[0].told = told
        self.beats += beats
        return first, new

    def due(self, k: int) -> bool:
        """Whether the state before beat k is to be kept."""
        end_us = self.beats[k].end_us
        spacing = SECOND_US if end_us - self.late_us < 60 * SECOND_US else CALM_STATE_US
        for before in range(k - 1, -1, -1):
            if self.beats[before].before is not None:
                return end_us - self.beats[before].end_us >= spacing
        return True

    def rest(self, end_us: int, state: Snapshot) -> None:
        """A frame in which nothing was seen and nothing lives."""
        self.beats.append(Beat(end_us, before=state))

    def trim(self, shown_us: int) -> None:
        """Forget the beats before the last one with a state that the window can still ask for, and rows put out longer
        than shown_us ago."""
        now_us = self.beats[-1].end_us
        for beat in self.beats:
            if beat.end_us >= now_us - shown_us:
                break
            beat.out = None
        needed = bisect_left(self.beats, now_us - self._window_us, key=lambda beat: beat.end_us)
        while needed > 0 and self.beats[needed].before is None:
            needed -= 1
        if needed:
            del self.beats[:needed]

    def keep_under(self, size_bytes: int) -> None:
        """Drop the states after the oldest while all together are larger."""
        total = sum([beat.before.size_bytes for beat in self.beats if beat.before is not None])
        if total <= size_bytes:
            return
        kept = {id(b.before): b.before.size_bytes for b in self.beats if b.before is not None}
        total = sum(kept.values())
        for beat in self.beats[1:-1]:
            if total <= size_bytes:
                return
            if beat.before is not None and beat.before is not self.beats[0].before:
                total -= kept.pop(id(beat.before), 0)
                beat.before = None

    def _sort_out(self, rows: np.ndarray, end_us: int, rejects: Counter[str]) -> np.ndarray:
        """Count and drop what has no time, too old a one or one too far ahead; set aside what is ahead."""
        time = rows["time"]
        missing = time == np.iinfo(np.int64).min
        old = ~missing & (time < end_us - self._window_us)
        ahead = time > end_us + self._ahead_us
        for reason, which in (("time_missing", missing), ("time_too_old", old), ("time_ahead", ahead)):
            if which.any():
                rejects[reason] += int((which & rows["counted"]).sum())
        waits = (time > end_us) & ~ahead
        if waits.any():
            self.waiting = rows[waits]
        return rows[~(missing | old | ahead | waits)]

    def _insert(self, rows: np.ndarray) -> int:
        """Add late rows to their beats; the index of the first of these."""
        ends = np.array([beat.end_us for beat in self.beats])
        where = np.searchsorted(ends, rows["time"], side="left")
        for index in np.unique(where).tolist():
            beat = self.beats[index]
            beat.rows = np.concatenate([beat.rows, rows[where == index]])
            beat.packed = None
        return int(where.min())


def _beats(rows: np.ndarray, end_us: int) -> list[Beat]:
    """The beats of a frame's own rows."""
    time = rows["time"]
    if time.size == 0:
        return [Beat(end_us)]
    if int(time.max()) - int(time.min()) <= BULK_US:
        return [Beat(end_us, rows)]
    rows = rows[np.argsort(time, kind="stable")]
    second = -(-rows["time"] // SECOND_US)
    edges = [0, *(np.flatnonzero(np.diff(second)) + 1).tolist(), rows.size]
    beats = [Beat(int(second[a]) * SECOND_US, rows[a:b]) for a, b in itertools.pairwise(edges)]
    if beats[-1].end_us >= end_us:
        beats[-1].end_us = end_us
        return beats
    return [*beats, Beat(end_us)]
