"""Captured Remote ID: raw messages and packs one after another, or lines of text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from perisai.model import Sensor

from ..imported import Imported
from .messages import KINDS, MOST_IN_PACK, NEWEST_VERSION, PACK, SIZE, decode
from .stream import RemoteIdStream

_LINE = re.compile(
    rb"\s*(?:([0-9]+(?:\.[0-9]+)?)\s*[,;\s]\s*)?(?:((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})\s*[,;\s]\s*)?"
    rb"\"?((?:[0-9a-fA-F]{2}){25,230})\"?\s*\Z"
)
LATEST_S = 1e10


def looks_like_remote_id(content: bytes) -> bool:
    """Whether the bytes are raw messages and packs from the first to the last, of types and versions known."""
    steps = list(_steps(content[: 400 * SIZE]))
    whole = len(content) <= 400 * SIZE
    sound = [kind in KINDS for kind, _ in steps]
    reached = steps[-1][1] if steps else 0
    return bool(sound) and all(sound) and (not whole or reached == len(content)) and steps[0][0] in (0, 1)


def looks_like_line(line: bytes) -> bool:
    """Whether a line of text is a raw message in hexadecimal, behind its time and transmitter where they are given."""
    match = _LINE.match(line)
    return match is not None and match[3][:1].upper() in b"01F" and int(match[3][1:2], 16) <= NEWEST_VERSION


def import_remote_id(content: bytes, sensors: Sequence[Sensor], day: date) -> Imported:
    """Raw bytes. They hold no time of receipt: what a drone tells, tenths of a second after the hour, is followed from
    hour to hour, from the first hour of `day` on. A message takes the identity told last before it."""
    counts, rejects = Counter[str](), Counter[str]()
    stream = RemoteIdStream(sensors, live=False)
    at, clock_us = 0, (day - date(1970, 1, 1)).days * 86_400_000_000
    begun = False
    while at < len(content):
        size = _size(content, at)
        piece = content[at : at + size]
        tenths = _tenths(piece)
        if tenths is not None:
            hour_us = clock_us - clock_us % 3_600_000_000
            told_us = hour_us + tenths * 100_000 if not begun else _followed(clock_us, tenths)
            clock_us, begun = max(clock_us, told_us) if begun else told_us, True
        stream.payload(piece, "", clock_us, counts, rejects)
        at += size
    return stream.drain(counts, rejects)


def import_remote_id_lines(content: bytes, sensors: Sequence[Sensor], day: date) -> Imported:
    """Lines, each JSON of a receiver or hexadecimal behind unix time and the transmitter's MAC, where given."""
    counts, rejects = Counter[str](), Counter[str]()
    stream = RemoteIdStream(sensors, live=False)
    clock_us = (day - date(1970, 1, 1)).days * 86_400_000_000
    for number, line in enumerate(content.splitlines()):
        match = _LINE.match(line)
        if match is not None:
            if match[1] is not None and float(match[1]) < LATEST_S:
                clock_us = int(float(match[1]) * 1e6)
            transmitter = (match[2] or b"").decode().lower()
            stream.payload(bytes.fromhex(match[3].decode()), transmitter, clock_us, counts, rejects)
        elif line.strip()[:1] in (b"{", b"["):
            stream.document(line, clock_us, counts, rejects)
        elif line.strip() and number:
            rejects["remote_id: line is no message"] += 1
    return stream.drain(counts, rejects)


def _steps(content: bytes) -> Iterator[tuple[int, int]]:
    """(type of the message, -1 where it is none; where it ends) of each message, packs opened."""
    at = 0
    while at + SIZE <= len(content):
        size = _size(content, at)
        if content[at] >> 4 == PACK:
            for inner in range(at + 3, at + size, SIZE):
                yield _type(content, inner), at + size
        else:
            yield _type(content, at), at + size
        at += size


def _type(content: bytes, at: int) -> int:
    sound = at < len(content) and content[at] & 15 <= NEWEST_VERSION
    return content[at] >> 4 if sound and not isinstance(decode(content[at : at + SIZE].ljust(SIZE, b"\0")), str) else -1


def _size(content: bytes, at: int) -> int:
    if content[at] >> 4 == PACK and at + 2 < len(content) and 0 < content[at + 2] <= MOST_IN_PACK:
        return 3 + SIZE * content[at + 2]
    return SIZE


def _tenths(piece: bytes) -> int | None:
    """The time that the last place of a payload tells."""
    found = None
    for start in range(3 if piece[0] >> 4 == PACK else 0, len(piece) - SIZE + 1, SIZE):
        if piece[start] >> 4 == 1:
            told = int.from_bytes(piece[start + 21 : start + 23], "little")
            found = told if told <= 36_000 else found
    return found


def _followed(clock_us: int, tenths: int) -> int:
    """The time told, in the hour that sets it nearest to the clock."""
    hour_us = 3_600_000_000
    off = (tenths * 100_000 - clock_us % hour_us + hour_us // 2) % hour_us - hour_us // 2
    return clock_us + off
