"""What a socket gave, in a file before anything else is done with it: a process that is killed goes on from there.

A segment holds chunks as they were read and, between them, the cuts at which a batch was handed to the parser. The
bus knows a batch by its number here, so one that is parsed again after a restart is stored once. What is in the page
cache outlives the process; only `fsync` outlives a loss of power, and costs a write to the disk a batch.
"""

import contextlib
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import structlog

SpoolMode = Literal["off", "write", "fsync"]
MAGIC = b"PSPOOL1\n"
_HEAD = struct.Struct("<8sQQ")
_RECORD = struct.Struct("<BqI")
_CHUNK, _CUT = 1, 2
SEGMENT_BYTES = 64 << 20
SEGMENT_S = 30.0
"""A segment is followed by a new one beyond either. The one before stays: with it a parser remembers what it knew."""

STATE = -1
"""In the place of the time: no chunk that was read, but what the parser knew when the segment began."""

KEPT = 2
log = structlog.get_logger("spool")
Chunks = list[tuple[int, bytes]]


class Spool:
    """The file of one input. A disk that takes nothing is told once, and the input goes on without."""

    def __init__(self, directory: Path, mode: SpoolMode = "write") -> None:
        """directory: of this input alone; what a process before left there is what `recover` gives."""
        self._directory, self._mode = directory, mode
        found = [(path, head) for path in sorted(directory.glob("*.spool")) if (head := _head(path)) is not None]
        self.begun = found[-1][1][0] if found else time.time_ns()
        self._left = [(path, number) for path, (begun, number) in found if begun == self.begun]
        self.number = max((number for _, number in self._left), default=0)
        """Of the newest batch."""
        self._file, self._path = -1, directory
        self._bytes, self._opened_s = 0, 0.0
        self._segments: list[tuple[Path, int]] = []
        """Path and last batch of the segments before the open one."""
        self._faults: set[str] = set()
        self.state: Callable[[], bytes] | None = None
        """What a parser knows that needs more than two segments to be known again; set before the first `append`."""

    @property
    def name(self) -> str:
        """By which the bus knows the batches of this spool."""
        return f"{self.begun:x}"

    def recover(self) -> Iterator[tuple[int, Chunks]]:
        """(number, chunks) of the batches that are here, oldest first; what no cut had followed yet is the last one.

        To be gone through before the first `append`.
        """
        rest: Chunks = []
        for path, _ in self._left:
            for kind, value, data in _records(path):
                if kind == _CHUNK:
                    rest.append((value, data))
                else:
                    self.number = value
                    yield value, rest
                    rest = []
            if path is self._left[-1][0] and rest:
                self.number += 1
                _mend(path, self.number)
                yield self.number, rest
            if self.number < int(path.stem):  # nothing came to it
                path.unlink()
            else:
                self._segments.append((path, self.number))
        self._left = []

    def append(self, received_us: int, data: bytes) -> None:
        """A chunk as it was read."""
        self._write(_RECORD.pack(_CHUNK, received_us, len(data)), data)

    def cut(self) -> int:
        """All chunks since the last cut are one batch; gives its number."""
        self.number += 1
        self._write(_RECORD.pack(_CUT, self.number, 0))
        full = self._bytes > SEGMENT_BYTES or time.monotonic() - self._opened_s > SEGMENT_S
        if self._file >= 0 and full:
            self.settle()
            self._segments.append((self._path, self.number))
            self.close()
        return self.number

    def settle(self) -> None:
        """Return when what was written outlives what the mode says."""
        if self._mode != "fsync" or self._file < 0:
            return
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self._fault("no fsync: a loss of power would lose what is on its way", error)
            return
        self._faults.clear()

    def done(self, number: int) -> None:
        """The bus has stored the batches up to this one: what is not needed any more goes."""
        while len(self._segments) > KEPT and self._segments[0][1] <= number:
            self._segments.pop(0)[0].unlink(missing_ok=True)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = self._directory / f"{self.number + 1:016d}.spool"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC
        self._file = os.open(self._path, flags, 0o600)
        os.write(self._file, _HEAD.pack(MAGIC, self.begun, self.number))
        if self._mode == "fsync":  # the name of the file outlives a loss of power as well
            for directory in (self._directory, self._directory.parent):
                _settle_names(directory)
        self._bytes, self._opened_s = 0, time.monotonic()
        if self.state is not None and (known := self.state()):
            self._bytes = _written(self._file, _RECORD.pack(_CHUNK, STATE, len(known)), known)

    def _write(self, *parts: bytes) -> None:
        try:
            if self._file < 0:
                self._open()
            size = _written(self._file, *parts)
        except OSError as error:
            self._fault("no spool: a kill would lose what is on its way", error)
            with contextlib.suppress(OSError):
                self.close()
            return
        if self._mode != "fsync":
            self._faults.clear()
        self._bytes += size

    def _fault(self, text: str, error: OSError) -> None:
        """Say it once, until all is well again."""
        if text not in self._faults:
            log.error(text, path=str(self._directory), reason=str(error))
        self._faults.add(text)


def _written(file: int, *parts: bytes) -> int:
    size = sum(map(len, parts))
    if os.writev(file, parts) != size:
        raise OSError("written in part only")
    return size


def _settle_names(directory: Path) -> None:
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _head(path: Path) -> tuple[int, int] | None:
    """When the spool began and the newest batch before this segment; None for what is no segment."""
    with path.open("rb") as file:
        start = file.read(_HEAD.size)
    if len(start) < _HEAD.size or not start.startswith(MAGIC):
        return None
    _, begun, number = _HEAD.unpack(start)
    return begun, number


def _records(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """(kind, value, data) of the records that are whole."""
    with path.open("rb") as file:
        file.seek(_HEAD.size)
        while len(head := file.read(_RECORD.size)) == _RECORD.size:
            kind, value, size = _RECORD.unpack(head)
            if kind not in (_CHUNK, _CUT):
                return
            data = file.read(size)
            if len(data) < size:
                return
            yield kind, value, data


def _mend(path: Path, number: int) -> None:
    """Cut a segment that ended in the middle: off what is not whole, and behind the last chunk."""
    whole = _HEAD.size + sum(_RECORD.size + len(data) for _, _, data in _records(path))
    with path.open("r+b") as file:
        file.truncate(whole)
        file.seek(whole)
        file.write(_RECORD.pack(_CUT, number, 0))
