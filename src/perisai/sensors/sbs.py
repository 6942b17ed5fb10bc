"""The BaseStation text stream (port 30003) of Mode S receivers: one message a line, fields behind commas.

MSG, transmission type (2 on the ground, 3 position, 4 velocity, ...), session, aircraft, address (hexadecimal), flight,
date and time of generation, date and time of logging, callsign, altitude (ft), ground speed (kt), track, latitude,
longitude, vertical rate (ft/min), squawk, alert, emergency, SPI, on ground.
"""

import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from .imported import Imported
from .rows import Rows
from .units import FOOT_M, FOOT_PER_MINUTE_MPS, KNOT_MPS

KINDS = ("MSG", "SEL", "ID", "AIR", "STA", "CLK")
LONGEST_LINE = 512
VELOCITY_S = 10.0
"""How long a velocity goes with later positions."""

ZONE_S = 900.0
CLOCK_S = 10.0
"""Receivers tell local time, some quarters of an hour away from UTC; a clock farther off than 10 s is not used."""

MOST_AIRCRAFT = 100_000
NAN = math.nan


class SbsStream:
    """A connection, or one after another, of one receiver."""

    def __init__(self, sensor: str, period_s: float, live: bool = True) -> None:
        """live: lines are read as they are sent; else the times that they tell are all there is, taken as UTC."""
        self._sensor = sensor
        self._live = live
        self._rest = b""
        self._rows = Rows(periods_s={sensor: period_s})
        self._velocities: dict[str, tuple[float, float, float, float]] = {}

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported:
        """Detections of what was read: (time of receipt, microseconds since 1970 UTC; bytes)."""
        counts, rejects = Counter[str](), Counter[str]()
        for received_us, data in chunks:
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > LONGEST_LINE:
                rejects["sbs: line too long"] += 1
                self._rest = b""
            for line in lines:
                self._line(line, received_us, counts, rejects)
        return Imported(self._rows.take(rejects), counts, rejects)

    def _line(self, line: bytes, received_us: int, counts: Counter[str], rejects: Counter[str]) -> None:
        if not line.strip():
            return
        fields = line.decode("ascii", "replace").strip().split(",")
        if len(line) > LONGEST_LINE or fields[0] not in KINDS:
            rejects["sbs: line is no message"] += 1
            return
        if fields[0] != "MSG":
            counts[f"sbs {fields[0]}"] += 1
            return
        if len(fields) < 17 or not fields[1].isdigit():
            rejects["sbs: fields missing"] += 1
            return
        counts[f"sbs MSG{int(fields[1]) % 100}"] += 1
        time_us = self._time_us(fields, received_us)
        address = fields[4].strip().lower()
        if time_us is None or not address:
            rejects["sbs: no time or address"] += 1
            return
        altitude, speed, track, lat, lon, rate = (_number(fields[k]) for k in (11, 12, 13, 14, 15, 16))
        if not math.isnan(speed) and not math.isnan(track):
            self._remember(address, time_us / 1e6, speed, track, rate)
        if fields[1] == "2" or (len(fields) > 21 and fields[21].strip() in ("-1", "1")):
            rejects["sbs: on ground"] += 1
        elif fields[1] == "3" and not math.isnan(lat) and not math.isnan(lon):
            ve, vn, vu = self._velocity(address, time_us / 1e6)
            self._rows.add(
                time_us,
                received_us if self._live else time_us,
                self._sensor,
                address,
                lat=lat,
                lon=lon,
                alt_m=altitude * FOOT_M,
                ve_mps=ve,
                vn_mps=vn,
                vu_mps=vu,
                address=_address(address),
            )
        elif fields[1] == "3":
            rejects["sbs: no position"] += 1

    def _time_us(self, fields: list[str], received_us: int) -> int | None:
        """When the message was generated: where live, its time past the quarter of the hour, set beside the receipt."""
        told = _stamp(fields[6], fields[7])
        if not self._live:
            return None if told is None else round(told * 1e6)
        if told is None:
            return received_us
        off_s = (told - received_us / 1e6 + ZONE_S / 2) % ZONE_S - ZONE_S / 2
        return received_us + round(off_s * 1e6) if abs(off_s) < CLOCK_S else received_us

    def _remember(self, address: str, time_s: float, speed_kt: float, track_deg: float, rate: float) -> None:
        if len(self._velocities) >= MOST_AIRCRAFT:
            self._velocities.clear()
        speed, angle = speed_kt * KNOT_MPS, math.radians(track_deg)
        up = rate * FOOT_PER_MINUTE_MPS
        self._velocities[address] = (time_s, speed * math.sin(angle), speed * math.cos(angle), up)

    def _velocity(self, address: str, time_s: float) -> tuple[float, float, float]:
        at, ve, vn, vu = self._velocities.get(address, (-math.inf, NAN, NAN, NAN))
        return (ve, vn, vu) if abs(time_s - at) <= VELOCITY_S else (NAN, NAN, NAN)


def import_sbs(content: bytes, sensor: str, period_s: float) -> Imported:
    """A recorded stream; its times are taken as UTC."""
    return SbsStream(sensor, period_s, live=False).take([(0, content + b"\n")])


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return NAN
    return value if math.isfinite(value) and abs(value) < 1e7 else NAN


def _stamp(day: str, time: str) -> float | None:
    """Seconds since 1970 of `2026/01/31` and `12:00:00.000`, as if UTC."""
    try:
        return datetime.fromisoformat(f"{day.strip().replace('/', '-')}T{time.strip()}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _address(text: str) -> str | None:
    """The ICAO address; readsb marks others with `~`."""
    known: Any = len(text) == 6 and all(digit in "0123456789abcdef" for digit in text)
    return text if known else None
