"""Keeping what passed: parts of Parquet named by the sequence of their first and last message.

The names make recording idempotent: after a crash the recorder goes on behind the last sequence it finds, so a message
that the bus gives again is neither lost nor kept twice. A part is whole or not there.
"""

import re
import threading
from pathlib import Path

import pyarrow as pa

from perisai.model import ResourceError

from .tables import write_table

_NAME = re.compile(r"(\d{12})-(\d{12})\.parquet")


class PartWriter:
    """Parts of one kind of table in one directory."""

    def __init__(self, directory: Path, kind: str) -> None:
        """directory: of the recording; kind: name of the sub-directory, such as `detections`."""
        self.directory = directory / kind
        self.last = max((last for _, last, _ in parts(self.directory)), default=0)
        """Sequence of the newest message that is on disk, 0 when none is."""
        self._lock = threading.Lock()
        self._first = 0
        self.newest = self.last
        """Sequence of the newest message that was taken in."""
        self._tables: list[pa.Table] = []
        self.rows = 0

    def add(self, sequence: int, table: pa.Table) -> None:
        """Take in a message's rows; one at or below the newest sequence is known already."""
        with self._lock:
            if sequence <= self.newest:
                return
            self._first = self._first or sequence
            self.newest = sequence
            self.rows += table.num_rows
            if table.num_rows:
                self._tables.append(table)

    def flush(self) -> None:
        """Write what was taken in as one part; may run in a thread beside `add`.

        Raises ResourceError when the disk is full; the rows are then kept for the next time.
        """
        with self._lock:
            first, newest, tables = self._first, self.newest, self._tables
            self._first, self._tables, self.rows = 0, [], 0
        if not first:
            return
        try:
            if tables:
                write_table(pa.concat_tables(tables), self.directory / f"{first:012d}-{newest:012d}.parquet")
        except ResourceError:
            with self._lock:
                self._first, self._tables = first, tables + self._tables
            raise
        self.last = newest

    def give_up(self) -> int:
        """Forget what was taken in and not written; returns the rows."""
        with self._lock:
            rows = self.rows
            self._first, self._tables, self.rows = 0, [], 0
        return rows


def parts(directory: Path) -> list[tuple[int, int, Path]]:
    """(first sequence, last sequence, path) of the parts in a directory, in order.

    A part within the sequences of another was merged into it, and does not count any more.
    """
    found: list[tuple[int, int, Path]] = []
    for path in all_parts(directory):
        first, last = (int(number) for number in path.stem.split("-"))
        if not found or last > found[-1][1]:
            while found and first <= found[-1][0]:
                found.pop()
            found.append((first, last, path))
    return found


def all_parts(directory: Path) -> list[Path]:
    """The files of the parts, those that were merged into others included; by first sequence, the shorter first."""
    return sorted(path for path in directory.glob("*.parquet") if _NAME.fullmatch(path.name))
