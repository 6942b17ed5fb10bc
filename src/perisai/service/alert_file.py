"""alerts.parquet: all alerts of a recording, of which only those that are on or ended lately are in memory.

The others change no more. They are copied from the file as it was, group by group, and the rows in memory put between
them where they belong: by start, area and level.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from perisai.model import ALERTS, Alert, AlertChange, alerts_table, time_us
from perisai.recording import parts, regrouped, write_tables

GROUP_ROWS = 20_000
SHARE = 20.0
"""A file that is written by the way takes no more than one part in so many of the time."""

Key = tuple[int, str, str]
ORDER = ["start", "area", "level"]
log = structlog.get_logger("alerts")


class AlertFile:
    """Written by `write`, from changes given to `take` in the order they passed; `recall` first."""

    def __init__(self, directory: Path, keep_us: int) -> None:
        """directory: of the recording; keep_us: how long after its end an alert stays in memory."""
        self.path, self._changes, self._keep_us = directory / "alerts.parquet", directory / "changes", keep_us
        self._rows: dict[Key, Alert] = {}
        self._settled, self._now_us = 0, 0
        self._lock = threading.Lock()
        self._changed, self._due_s = True, 0.0

    @property
    def held(self) -> int:
        """Alerts in memory."""
        return len(self._rows)

    def take(self, change: AlertChange) -> None:
        with self._lock:
            self._now_us = max(self._now_us, change.at_us)
            self._rows[change.alert.key] = change.alert
            self._changed = True

    def recall(self) -> None:
        """Go on from what is on disk: what ended long ago is in the file, the rest comes from the changes."""
        # The file has every alert that ended before the last end it knows: changes pass in the order of time.
        settled, horizon_us = self._settled_before()
        found: dict[Key, Alert] = {}
        for _, _, path in parts(self._changes):
            for text in pq.read_table(path, columns=["change"])["change"].to_pylist():
                change = msgspec.json.decode(text, type=AlertChange)
                self._now_us = max(self._now_us, change.at_us)
                found[change.alert.key] = change.alert
            found = {key: alert for key, alert in found.items() if not _over(alert, horizon_us)}
        with self._lock:
            self._rows, self._settled, self._changed = found | self._rows, settled, True

    def write(self, *, by_the_way: bool = False) -> None:
        """Bring the file up to date. by_the_way: not now when it took long the last time.

        Raises ResourceError when the disk is full; the next time makes up for it.
        """
        begun_s = time.monotonic()
        if not self._changed or (by_the_way and begun_s < self._due_s):
            return
        if self._settled and not self._is_whole():
            log.error("made anew from the changes", file=str(self.path))
            self._settled = 0
            self.recall()
        with self._lock:
            alerts = [self._rows[key] for key in sorted(self._rows)]
            horizon_us, self._changed = self._now_us - self._keep_us, False
        try:
            write_tables(regrouped(self._merged(alerts), GROUP_ROWS), ALERTS, self.path)
        except BaseException:
            self._changed = True
            raise
        with self._lock:
            for alert in alerts:
                if _over(alert, horizon_us) and self._rows[alert.key] is alert:
                    del self._rows[alert.key]
            self._settled = len(alerts) + self._settled - sum(alert.key in self._rows for alert in alerts)
        self._due_s = begun_s + SHARE * (time.monotonic() - begun_s)

    def _merged(self, alerts: list[Alert]) -> Iterator[pa.Table]:
        """The settled rows of the file with these alerts, sorted, between them."""
        keys, begin = [alert.key for alert in alerts], 0
        young, starts = set(keys), np.array([key[0] for key in keys], np.int64)
        if self._settled:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(GROUP_ROWS):
                    table = pa.Table.from_batches([batch]).cast(ALERTS)
                    *_, last = _keys(table.slice(table.num_rows - 1))
                    keep = ~np.isin(time_us(table["start"]), starts)
                    for row in np.flatnonzero(~keep).tolist():
                        (key,) = _keys(table.slice(row, 1))
                        keep[row] = key not in young
                    end = next((n for n in range(begin, len(keys)) if keys[n] > last), len(keys))
                    own = alerts_table(alerts[begin:end]).cast(ALERTS)
                    begin = end
                    both = pa.concat_tables([table.filter(pa.array(keep)), own])
                    yield both.sort_by([(name, "ascending") for name in ORDER])
        yield alerts_table(alerts[begin:]).cast(ALERTS)

    def _is_whole(self) -> bool:
        try:
            return pq.read_metadata(self.path).num_rows >= self._settled
        except (OSError, pa.ArrowException):
            return False

    def _settled_before(self) -> tuple[int, int]:
        """(rows of the file that change no more, the time before which they ended)."""
        try:
            ends = time_us(pq.read_table(self.path, columns=["end"])["end"].drop_null())
        except (OSError, KeyError, pa.ArrowException):
            ends = np.zeros(0, np.int64)
        horizon_us = int(ends.max(initial=0)) - self._keep_us
        return int(np.count_nonzero(ends < horizon_us)), horizon_us


def _keys(table: pa.Table) -> Iterator[Key]:
    yield from zip(time_us(table["start"]).tolist(), table["area"].to_pylist(), table["level"].to_pylist(), strict=True)


def _over(alert: Alert, horizon_us: int) -> bool:
    return alert.end_us is not None and alert.end_us < horizon_us
