"""The raw messages: 25 bytes each, alone or several in a pack (ASTM F3411-22a, tables 5 to 13)."""

import math
import struct
from typing import NamedTuple

SIZE = 25
MOST_IN_PACK = 9
PACK = 0xF
NEWEST_VERSION = 2
KINDS = {0: "basic id", 1: "location", 2: "authentication", 3: "self id", 4: "system", 5: "operator id"}
NAN = math.nan

SERIAL_NUMBER = 1
GROUND = 1
NO_TIME = 0xFFFF
HORIZONTAL_95_M = {
    1: 18_520.0,
    2: 7_408.0,
    3: 3_704.0,
    4: 1_852.0,
    5: 926.0,
    6: 555.6,
    7: 185.2,
    8: 92.6,
    9: 30.0,
    10: 10.0,
    11: 3.0,
    12: 1.0,
}
"""Horizontal accuracy category -> radius that holds 95 % of the errors, m."""

RADIUS_95_PER_SIGMA = 2.448
_LOCATION = struct.Struct("<BBBBbiiHHHBBHBB")


class BasicId(NamedTuple):
    """Who a drone says it is. kind: 1 serial number, 2 registration, 3 UTM (a UUID), 4 session."""

    kind: int
    aircraft: int
    identity: str


class Location(NamedTuple):
    """Where a drone says it is: degrees, m, m/s; NaN where it does not say. tenths: of a second after the hour, or
    None; status: 0 undeclared, 1 ground, 2 airborne, 3 emergency, 4 its own fault."""

    status: int
    lat: float
    lon: float
    geodetic_m: float
    pressure_m: float
    height_m: float
    speed_mps: float
    track_deg: float
    climb_mps: float
    sigma_m: float
    tenths: int | None


def unpack(payload: bytes) -> list[bytes] | str:
    """The messages of a payload: one, or those of a pack; or why it is none. A transport's own two bytes before them
    (0x0D and a counter: Bluetooth service data, Wi-Fi vendor element) are taken off."""
    if len(payload) > SIZE and payload[0] == 0x0D:
        payload = payload[2:]
    if len(payload) < SIZE:
        return "message cut off"
    if payload[0] >> 4 != PACK:
        return [payload[:SIZE]]
    size, number = payload[1], payload[2]
    if size != SIZE or not 0 < number <= MOST_IN_PACK:
        return "pack with a size or number that the standard does not have"
    if len(payload) < 3 + SIZE * number:
        return "pack cut off"
    return [payload[at : at + SIZE] for at in range(3, 3 + SIZE * number, SIZE)]


def decode(message: bytes) -> BasicId | Location | int | str:
    """A message of 25 bytes: what it says, the type of one that says nothing of place or identity, or its fault."""
    kind, version = message[0] >> 4, message[0] & 15
    if kind not in KINDS:
        return "message type not known"
    if version > NEWEST_VERSION:
        return "version not known"
    if kind == 0:
        return BasicId(message[1] >> 4, message[1] & 15, _identity(message[1] >> 4, message[2:22]))
    if kind == 1:
        return _location(message)
    return kind


def _identity(kind: int, raw: bytes) -> str:
    """Text, or hexadecimal for the kinds that are bytes; empty when there is none."""
    trimmed = raw.rstrip(b"\0")
    if kind in (3, 4):
        return trimmed.hex()
    return "".join(letter for letter in trimmed.decode("ascii", "replace") if letter.isprintable()).strip()


def _location(message: bytes) -> Location | str:
    _, flags, direction, speed, climb, lat, lon, pressure, geodetic, height, accuracy, _, time, _, _ = _LOCATION.unpack(
        message
    )
    lat_deg, lon_deg = lat * 1e-7, lon * 1e-7
    if abs(lat_deg) > 90.0 or abs(lon_deg) > 180.0:
        return "position out of range"
    unknown = lat == 0 and lon == 0
    speed_mps = speed * 0.75 + 63.75 if flags & 1 else speed * 0.25
    track = direction + (180 if flags & 2 else 0)
    sigma = HORIZONTAL_95_M.get(accuracy & 15, NAN) / RADIUS_95_PER_SIGMA
    return Location(
        flags >> 4,
        NAN if unknown else lat_deg,
        NAN if unknown else lon_deg,
        _height(geodetic),
        _height(pressure),
        _height(height),
        NAN if speed_mps >= 255.0 else speed_mps,
        NAN if track > 360 else track % 360.0,
        NAN if abs(climb) > 124 else climb * 0.5,
        sigma,
        time if time <= 36_000 else None,
    )


def _height(raw: int) -> float:
    return NAN if raw == 0 else raw * 0.5 - 1000.0
