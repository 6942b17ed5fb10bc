"""More than the house can follow: raw detections are given up in a stated order, so that alerts stay in time."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from perisai.model import Sensor
from perisai.model.sensor import SensorKind

from . import metrics

CLASSES = ("radar", "ear", "person", "transponder")
"""From what is given up last to what is given up first. Who flies with a transponder says again in a second where he
is; a person's report is one of many; an ear tells that something is near; a radar's plot may be all that shows it."""

RESERVED = {"radar": 0.0, "ear": 0.15, "person": 0.3, "transponder": 0.5}
"""Share of the bucket that is kept for what matters more."""

DEPTH_S = 0.5
"""The bucket holds what fits in so long: after a calm, a second brings half as much again and no more."""

_KINDS = {"modes": "transponder", "remote_id": "transponder", "presence": "ear", "bearing": "ear"}


def class_of(kind: SensorKind) -> str:
    """The class of what a sensor of a kind says, unless a person does."""
    return _KINDS.get(kind, "radar")


class Shedder:
    """A bucket that `most_per_s` detections flow through. Orders, ticks and alerts do not pass through it."""

    def __init__(self, most_per_s: int, sensors: Sequence[Sensor]) -> None:
        """most_per_s: what the slowest role behind follows; 0: everything passes."""
        self._most = most_per_s
        self._class = {sensor.id: CLASSES.index(class_of(sensor.kind)) for sensor in sensors}
        self._depth = DEPTH_S * most_per_s
        self._room, self._at_s = self._depth, 0.0
        self.shed: Counter[str] = Counter()

    def admit(self, table: pa.Table, now_s: float) -> pa.Table:
        """The rows there is room for, at this time of a clock that never goes back; the others are counted."""
        if self._most <= 0 or table.num_rows == 0:
            return table
        self._room = min(self._depth, self._room + (now_s - self._at_s) * self._most)
        self._at_s = now_s
        if table.num_rows <= self._room - RESERVED["transponder"] * self._depth:
            self._room -= table.num_rows
            return table
        coded = table["sensor"].combine_chunks().dictionary_encode()
        known = np.array([*(self._class.get(name, 0) for name in coded.dictionary.to_pylist()), 0])
        codes = np.asarray(coded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False), np.int64)
        people = ~np.asarray(table["reporter"].combine_chunks().is_null().to_numpy(zero_copy_only=False))
        of = np.where(people, CLASSES.index("person"), known[codes])
        keep = np.zeros(table.num_rows, bool)
        for number, name in enumerate(CLASSES):
            rows = np.flatnonzero(of == number)
            room = max(0, int(self._room - RESERVED[name] * self._depth))
            keep[rows[:room]] = True
            self._room -= min(room, rows.size)
            if rows.size > room:
                self.shed[name] += rows.size - room
                metrics.SHED.labels(name).inc(rows.size - room)
        return table.filter(pa.array(keep))
