"""Mode S receivers' binary stream, Beast, as readsb and dump1090 give it.

A message: 0x1a, its type ('1' Mode A/C, '2' short and '3' long Mode S, '4' status), six bytes of a counter of 12 MHz
(or, of receivers with GPS, 18 bits of the second of the day and 30 of its nanosecond), the signal level, then 2, 7 or
14 bytes; 0x1a inside a message is doubled. readsb adds type 0xe3: eight bytes that name the receiver.
"""

import re
from collections import Counter
from datetime import date

import numpy as np

from perisai.kernels import kernel

from .imported import Imported, detections
from .modes import ModeS
from .scans import CooperativeScans

ESCAPE = 0x1A
TICKS_PER_S = 12e6
LONGEST = 2 + 2 * 21
"""Bytes of the longest message with every byte doubled."""

USUAL_REPEAT_S = 0.5
"""An aircraft sends its position twice a second: tells a 12 MHz counter from a time of day."""


class BeastStream:
    """A connection, or one after another, of one receiver. Counts frames; refuses bytes that are no message."""

    def __init__(self, sensor: str, period_s: float) -> None:
        self._sensor = sensor
        self._rest = b""
        self._scans = CooperativeScans(int(period_s * 1e6))
        self._decoder = ModeS(Counter(), Counter())

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported:
        """Detections of what was read: (time of receipt, microseconds since 1970 UTC; bytes)."""
        counts, rejects = Counter[str](), Counter[str]()
        frames: list[str] = []
        times: list[np.ndarray] = []
        for received_us, data in chunks:
            ticks, found, self._rest = split(self._rest + data, counts, rejects)
            frames += found
            times.append(received_us / 1e6 - _before_last_s(ticks))
        time_s = np.concatenate(times) if times else np.empty(0)
        return _detections(self._decoder, self._scans, self._sensor, time_s, frames, counts, rejects)


def import_beast(content: bytes, sensor: str, period_s: float, day: date) -> Imported:
    """A recorded stream. Its counter tells the time since the first message, which is set to the beginning of `day`;
    a time of day is taken as it is."""
    counts, rejects = Counter[str](), Counter[str]()
    ticks, frames, rest = split(content, counts, rejects)
    if rest:
        rejects["beast: message cut off"] += 1
    time_s = (day - date(1970, 1, 1)).days * 86_400.0 + _seconds(ticks, frames)
    scans = CooperativeScans(int(period_s * 1e6))
    return _detections(ModeS(Counter(), Counter()), scans, sensor, time_s, frames, counts, rejects)


_COUNTER = rb"(?:\*|[@%<]([0-9a-fA-F]{12})(?:[0-9a-fA-F]{2})?)"
_AVR = re.compile(rb"\s*" + _COUNTER + rb"((?:[0-9a-fA-F]{14}){1,2}|[0-9a-fA-F]{4});\s*\Z")


def import_avr(content: bytes, sensor: str, period_s: float, day: date) -> Imported:
    """A recorded text stream of frames, `*FRAME;` or `@COUNTERFRAME;` (`<` with a signal level): times as of Beast.

    A frame without a counter has no time: it is counted and refused.
    """
    counts, rejects = Counter[str](), Counter[str]()
    ticks: list[int] = []
    frames: list[str] = []
    for line in content.splitlines():
        match = _AVR.match(line)
        if match is None:
            rejects["avr: line is no frame"] += bool(line.strip())
        elif match[1] is None:
            rejects["avr: frame without a time"] += 1
        elif len(match[2]) == 4:
            counts["avr Mode A/C"] += 1
        else:
            ticks.append(int(match[1], 16))
            frames.append(match[2].decode().lower())
    rejects = +rejects
    time_s = (day - date(1970, 1, 1)).days * 86_400.0 + _seconds(np.array(ticks, np.int64), frames)
    scans = CooperativeScans(int(period_s * 1e6))
    return _detections(ModeS(Counter(), Counter()), scans, sensor, time_s, frames, counts, rejects)


def looks_like_avr(line: bytes) -> bool:
    """Whether a line of text is a frame as `import_avr` reads it."""
    return _AVR.match(line) is not None


def looks_like_beast(content: bytes) -> bool:
    """Whether the bytes begin with messages, the first perhaps cut at its front."""
    ticks, frames, _ = split(content[:4096], Counter(), Counter())
    head = content[: LONGEST + 2]
    return ESCAPE in head and (
        len(frames) > 1 or (ticks.size == 1 and head[0] == ESCAPE and len(content) < 2 * LONGEST)
    )


def split(content: bytes, counts: Counter[str], rejects: Counter[str]) -> tuple[np.ndarray, list[str], bytes]:
    """Counters, int64 (n,), and frames, hexadecimal (n), of the Mode S messages; and the bytes not whole yet."""
    data = np.frombuffer(content, np.uint8)
    most = data.size // 9 + 1
    ticks, sizes, payload = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, 14), np.uint8)
    tally = np.zeros(4, np.int64)
    n, end = _split(data, ticks, sizes, payload, tally)
    for kind, number in zip(("beast Mode A/C", "beast status", "beast receiver"), tally[:3].tolist(), strict=True):
        if number:
            counts[kind] += number
    if tally[3]:
        rejects["beast: bytes that are no message"] += int(tally[3])
    text = payload[:n].tobytes().hex()
    frames = [text[28 * k : 28 * k + 2 * size] for k, size in enumerate(sizes[:n].tolist())]
    return ticks[:n], frames, content[end:]


@kernel
def _split(data, ticks, sizes, payload, tally):
    """Fills ticks, sizes and payload; tally: Mode A/C, status, receiver messages, foreign bytes. Returns (n, end)."""
    n = 0
    at = 0
    body = np.empty(21, np.uint8)
    foreign = False
    while at + 1 < data.size:
        kind = data[at + 1]
        size = 0
        if data[at] == 0x1A:
            if kind == 0x31:
                size = 9
            elif kind == 0x32:
                size = 14
            elif 0x33 <= kind <= 0x34:
                size = 21
            elif kind == 0xE3:
                size = 8
        if size == 0:
            if not foreign:
                tally[3] += 1
            foreign = True
            # A doubled escape inside what is lost is no beginning.
            at += 2 if data[at] == 0x1A and kind == 0x1A else 1
            continue
        got = 0
        place = at + 2
        broken = False
        while got < size and place < data.size:
            octet = data[place]
            if octet == 0x1A:
                if place + 1 >= data.size:
                    break
                if data[place + 1] != 0x1A:
                    broken = True
                    break
                place += 1
            body[got] = octet
            got += 1
            place += 1
        if broken:
            if not foreign:
                tally[3] += 1
            foreign = True
            at = place
            continue
        if got < size:
            return n, at
        foreign = False
        at = place
        if kind == 0x31:
            tally[0] += 1
        elif kind == 0x34:
            tally[1] += 1
        elif kind == 0xE3:
            tally[2] += 1
        else:
            count = np.int64(0)
            for k in range(6):
                count = count << 8 | np.int64(body[k])
            ticks[n] = count
            sizes[n] = size - 7
            for k in range(14):
                payload[n, k] = body[7 + k] if k < size - 7 else 0
            n += 1
    return n, at


def _before_last_s(ticks: np.ndarray) -> np.ndarray:
    """How long before the last message of a read each came, s; 0 where the counter does not tell it."""
    if ticks.size == 0:
        return np.empty(0)
    before = (ticks[-1] - ticks) / TICKS_PER_S
    return np.where((before >= 0.0) & (before < 1.0), before, 0.0)


def _seconds(ticks: np.ndarray, frames: list[str]) -> np.ndarray:
    """Seconds since the first message, or of the day; counters that step back or leap are taken as standing still."""
    clock = (ticks >> 30) + (ticks & (1 << 30) - 1) / 1e9
    counted = ticks / TICKS_PER_S
    if ticks.size and bool(((ticks & (1 << 30) - 1) < 1e9).all()) and float(clock.max()) < 86_401.0:
        repeats = [_repeat_s(values, frames) for values in (clock, counted)]
        if abs(np.log(repeats[0] / USUAL_REPEAT_S)) < abs(np.log(repeats[1] / USUAL_REPEAT_S)):
            return clock
    steps = np.diff(counted, prepend=counted[:1])
    return np.cumsum(np.where((steps < 0.0) | (steps > 3600.0), 0.0, steps))


def _repeat_s(time_s: np.ndarray, frames: list[str]) -> float:
    """Median time between the extended squitters of one aircraft, s."""
    last: dict[str, float] = {}
    steps: list[float] = []
    for at, frame in zip(time_s.tolist(), frames, strict=True):
        if len(frame) == 28 and frame.startswith("8d"):
            address = frame[2:8]
            if at > last.get(address, np.inf):
                steps.append(at - last[address])
            last[address] = at
    return float(np.median(steps)) if steps else USUAL_REPEAT_S


def _detections(
    decoder: ModeS,
    scans: CooperativeScans,
    sensor: str,
    time_s: np.ndarray,
    frames: list[str],
    counts: Counter[str],
    rejects: Counter[str],
) -> Imported:
    decoder.counts, decoder.rejects = counts, rejects
    columns = decoder.decode(time_s, frames)
    columns["scan"] = scans.number(columns["time"], columns["code"])
    columns["sensor"] = [sensor] * columns["time"].size
    columns["address"] = [f"{code:06x}" for code in columns.pop("code").tolist()]
    return Imported(detections(columns, rejects), counts, rejects)
