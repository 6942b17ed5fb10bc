"""TAK Protocol version 1: a CoT event as protobuf, in its mesh and stream frames.

Fields and numbers are those of TAK's published takmessage.proto, cotevent.proto and detail.proto; the wire format is
protobuf's (proto3: varints, fixed 64-bit little-endian doubles, length-delimited), written here by hand because a
generated module would bind this package to one release of protobuf.
"""

import struct

from .cot_event import CotEvent

MESH = b"\xbf\x01\xbf"
STREAM = b"\xbf"


def to_proto(event: CotEvent) -> bytes:
    """The TakMessage of an event, without a frame."""
    detail = b""
    if event.detail:
        detail += _text(1, event.detail)
    if event.callsign:
        detail += _bytes(2, _text(2, event.callsign))
    if event.course_deg is not None and event.speed_mps is not None:
        detail += _bytes(7, _double(1, event.speed_mps) + _double(2, event.course_deg))
    body = (
        _text(1, event.type)
        + _text(5, event.uid)
        + _number(6, event.time_us // 1000)
        + _number(7, event.time_us // 1000)
        + _number(8, event.stale_us // 1000)
        + _text(9, event.how)
        + _double(10, event.lat)
        + _double(11, event.lon)
        + _double(12, event.hae_m)
        + _double(13, event.ce_m)
        + _double(14, event.le_m)
    )
    return _bytes(2, body + (_bytes(15, detail) if detail else b""))


def mesh(event: CotEvent) -> bytes:
    """For UDP: magic, version 1, magic, message."""
    return MESH + to_proto(event)


def stream(event: CotEvent) -> bytes:
    """For TCP: magic, length as a varint, message."""
    message = to_proto(event)
    return STREAM + _varint(len(message)) + message


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(max(0, value))


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8", "replace"))
