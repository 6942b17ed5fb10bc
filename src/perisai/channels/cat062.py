"""ASTERIX category 062, system track data: rows of tracks as records (EUROCONTROL-SPEC-0149-9, edition 1.20).

Written with `struct`, because libasterix takes long to import; the tests decode with it and hold what independent
decoders read (docs/adr/0003-asterix-out.md).

    I062/010 source          I062/015 service       I062/070 time of track     I062/105 position, WGS84
    I062/185 velocity        I062/245 what it is    I062/380 ICAO address      I062/040 track number
    I062/080 status          I062/290 track age     I062/130 altitude          I062/220 climb      I062/500 accuracy
"""

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from perisai.model import THREATS, floats, time_us

DAY_US = 86_400_000_000
DEGREES = 180.0 / 2**25
FOOT_M = 0.3048
NUMBERS = 1 << 16
CODES: dict[str, str] = dict(zip(THREATS, ("DRN", "CRM", "BAL", "GLB", "ACF", "UNK"), strict=True))
"""How I062/245 begins for each class; the standard has no other place for one."""
_LETTERS = {chr(64 + n): n for n in range(1, 27)} | {str(n): 48 + n for n in range(10)} | {" ": 32}


@dataclass(frozen=True, slots=True)
class _Target:
    """What of a row is not a measured number. number: on the line. first: whether this is its first record."""

    track: int
    number: int
    kind: str
    status: str | None
    address: str | None
    sensors: list[str]
    first: bool


class Cat062Encoder:
    """Encodes rows; keeps the 16-bit number that each living track bears on the line.

    exercise: every record says that its target is simulated (I062/080 SIM).
    """

    def __init__(self, sac: int, sic: int, service: int, *, exercise: bool) -> None:
        self._source, self._service, self._exercise = struct.pack(">BB", sac, sic), struct.pack(">B", service), exercise
        self._numbers: dict[int, tuple[int, int]] = {}
        self._taken: set[int] = set()

    def records(self, rows: pa.Table, shift_us: int = 0) -> Iterator[bytes]:
        """A record for each row that has a place. shift_us: added to all times, for a picture that is played."""
        names = ("lat", "lon", "alt_m", "ve_mps", "vn_mps", "vu_mps", "p_ee", "p_en", "p_nn", "v_ee", "v_nn")
        columns = [floats(rows[name]).tolist() for name in names]
        chances = [[chance or 0.0 for chance in rows[f"p_{threat}"].to_pylist()] for threat in THREATS]
        lists = (rows["track"].to_pylist(), rows["status"].to_pylist(), rows["address"].to_pylist())
        texts = zip(*lists, rows["sensors"].to_pylist(), strict=True)
        for i, (values, at_us, (track, status, address, sensors)) in enumerate(
            zip(zip(*columns, strict=True), time_us(rows["time"]).tolist(), texts, strict=True)
        ):
            row: dict[str, float] = dict(zip(names, values, strict=True))
            if not (math.isfinite(row["lat"]) and math.isfinite(row["lon"])):
                continue
            class_chances = [column[i] for column in chances]
            best = max(class_chances)
            kind = THREATS[class_chances.index(best)] if best > 0.0 else "other"
            first = track not in self._numbers
            number, since_us = self._number(track, at_us)
            age_us = at_us - since_us
            target = _Target(track, number, kind, status, address, sensors or [], first)
            yield self._record(row, at_us + shift_us, age_us, target)
            if status == "ended":
                del self._numbers[track]
                self._taken.discard(number)

    def _number(self, track: int, at_us: int) -> tuple[int, int]:
        """The number of a track on the line, and when it was seen first."""
        known = self._numbers.get(track)
        if known is None:
            number = track % NUMBERS
            while number in self._taken and len(self._taken) < NUMBERS:
                number = (number + 1) % NUMBERS
            known = self._numbers[track] = (number, at_us)
            self._taken.add(number)
        return known

    def _record(self, row: dict[str, float], at_us: int, age_us: int, target: _Target) -> bytes:
        items: dict[int, bytes] = {
            1: self._source,
            3: self._service,
            4: time_of_day(at_us),
            5: struct.pack(">ii", round(row["lat"] / DEGREES), round(row["lon"] / DEGREES)),
            10: b"\x40" + _six_bit(f"{CODES[target.kind]}{target.track % 100_000:05d}"),
            12: struct.pack(">H", target.number),
            14: struct.pack(">BB", 0x80, min(255, max(0, round(age_us / 250_000)))),
        }
        if math.isfinite(row["ve_mps"]) and math.isfinite(row["vn_mps"]):
            items[7] = struct.pack(">hh", _short(row["ve_mps"] / 0.25), _short(row["vn_mps"] / 0.25))
        identity = _icao(target.address)
        if identity is not None:
            items[11] = b"\x80" + identity
        altitude_ft = row["alt_m"] / FOOT_M
        if -1_500.0 <= altitude_ft <= 150_000.0:
            items[18] = struct.pack(">h", round(altitude_ft / 6.25))
        climb = row["vu_mps"] / FOOT_M * 60.0 / 6.25
        if abs(climb) <= 32_767.0:
            items[20] = struct.pack(">h", round(climb))
        items[13] = self._status(target, height=18 in items)
        items[27] = _accuracy(row)
        return _fspec([frn for frn, content in items.items() if content]) + b"".join(
            items[frn] for frn in sorted(items)
        )

    def _status(self, target: _Target, *, height: bool) -> bytes:
        """I062/080: MON, MRH, CNF | SIM, TSE, TSB | - | CST, each octet but the last with its extension bit."""
        one = 0x80 * (len(target.sensors) == 1) | 0x20 * height | 0x02 * (target.status == "tentative")
        two = 0x80 * self._exercise | 0x40 * (target.status == "ended") | 0x20 * target.first
        coasting = 0x80 * (target.status == "coasting")
        if coasting:
            return bytes((one | 1, two | 1, 1, coasting))
        return bytes((one | 1, two)) if two else bytes((one,))


def blocks(category: int, records: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """Data blocks of the category, as full as they may be: category, length, records."""
    waiting, size = [], 3
    for record in records:
        if waiting and size + len(record) > most_bytes:
            yield struct.pack(">BH", category, size) + b"".join(waiting)
            waiting, size = [], 3
        waiting.append(record)
        size += len(record)
    if waiting:
        yield struct.pack(">BH", category, size) + b"".join(waiting)


def time_of_day(at_us: int) -> bytes:
    """Seconds since midnight UTC in 1/128 s."""
    return (round(at_us % DAY_US * 128 / 1_000_000) % (86_400 * 128)).to_bytes(3, "big")


def _fspec(frns: list[int]) -> bytes:
    out = bytearray((max(frns) + 6) // 7)
    for frn in frns:
        out[(frn - 1) // 7] |= 0x80 >> (frn - 1) % 7
    for octet in range(len(out) - 1):
        out[octet] |= 1
    return bytes(out)


def _accuracy(row: dict[str, Any]) -> bytes:
    """I062/500: APC and COV (cartesian, 0.5 m) and ATV (velocity, 0.25 m/s); one sigma."""
    fields, content = 0, b""
    if row["p_ee"] >= 0.0 and row["p_nn"] >= 0.0:
        fields |= 0x80
        content += struct.pack(">HH", _unsigned(math.sqrt(row["p_ee"]) / 0.5), _unsigned(math.sqrt(row["p_nn"]) / 0.5))
        if math.isfinite(row["p_en"]):
            fields |= 0x40
            content += struct.pack(">h", _short(math.copysign(math.sqrt(abs(row["p_en"])), row["p_en"]) / 0.5))
    if row["v_ee"] >= 0.0 and row["v_nn"] >= 0.0:
        fields |= 0x04
        speeds = [min(255, round(math.sqrt(row[name]) / 0.25)) for name in ("v_ee", "v_nn")]
        content += bytes(speeds)
    return bytes((fields,)) + content if fields else b""


def _six_bit(text: str) -> bytes:
    value = 0
    for character in text[:8].ljust(8):
        value = value << 6 | _LETTERS[character]
    return value.to_bytes(6, "big")


def _icao(address: str | None) -> bytes | None:
    """The 24 bits of an ICAO address; other identities have no place in I062/380."""
    if not address or len(address) != 6:
        return None
    try:
        return bytes.fromhex(address)
    except ValueError:
        return None


def _short(value: float) -> int:
    return max(-32_768, min(32_767, round(value)))


def _unsigned(value: float) -> int:
    return min(65_535, round(value))
