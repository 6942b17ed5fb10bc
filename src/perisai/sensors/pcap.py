"""Packet captures: the UDP payloads of a pcap or pcapng file with their times.

Formats: libpcap savefile, pcap-savefile(5), microseconds or nanoseconds, and pcapng (draft-ietf-opsawg-pcapng), each of
either byte order.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from .network import Network

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1000),
    b"\x34\xcd\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xcd\x34": (">", 1),
}
MODIFIED = (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")
"""Files of the patched libpcap: eight bytes more before each packet."""

NEXT_GENERATION = b"\x0a\x0d\x0d\x0a"
ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
TIME_RESOLUTION, TIME_OFFSET = 9, 14

Packets = Iterator[tuple[int | None, int, bytes]]


class _Interface(NamedTuple):
    """Of a pcapng file: link type, ticks a second, seconds to add."""

    link: int
    ticks_per_s: int
    offset_s: int


def is_pcap(content: bytes) -> bool:
    """Whether the bytes begin as a packet capture does."""
    return content[:4] in MAGICS or (content[:4] == NEXT_GENERATION and content[8:12] in ORDERS)


def udp_payloads(content: bytes, rejects: Counter[str]) -> list[tuple[int, bytes]]:
    """(time in microseconds since 1970 UTC, payload) of each UDP datagram; all else is counted by reason.

    A packet without a time (pcapng allows it) takes that of the one before it.
    """
    network = Network(rejects)
    payloads: list[tuple[int, bytes]] = []
    last_us = 0
    packets = _next_generation(content, rejects) if content[:4] == NEXT_GENERATION else _classic(content, rejects)
    for time_us, link, packet in packets:
        last_us = last_us if time_us is None else time_us
        payload = network.payload(packet, link)
        if payload is not None:
            payloads.append((last_us, payload))
    network.finish()
    return payloads


def _classic(content: bytes, rejects: Counter[str]) -> Packets:
    order, per_us = MAGICS[content[:4]]
    header = 24 if content[:4] in MODIFIED else 16
    if len(content) < 24:
        rejects["pcap: header cut off"] += 1
        return
    link = struct.unpack_from(order + "I", content, 20)[0] & 0xFFFF
    at = 24
    while at + header <= len(content):
        seconds, fraction, size, _ = struct.unpack_from(order + "IIII", content, at)
        at += header
        if at + size > len(content):
            break
        yield seconds * 1_000_000 + fraction // per_us, link, content[at : at + size]
        at += size
    if at != len(content):
        rejects["pcap: packet cut off"] += 1


def _next_generation(content: bytes, rejects: Counter[str]) -> Packets:
    order, at = "<", 0
    interfaces: list[_Interface] = []
    while at + 12 <= len(content):
        kind = struct.unpack_from(order + "I", content, at)[0]
        if kind == SECTION:
            if content[at + 8 : at + 12] not in ORDERS:
                break
            order = ORDERS[content[at + 8 : at + 12]]
            interfaces = []
        size = struct.unpack_from(order + "I", content, at + 4)[0]
        if size < 12 or size % 4 or at + size > len(content):
            break
        body = content[at + 8 : at + size - 4]
        at += size
        if kind == INTERFACE and len(body) >= 8:
            interfaces.append(_interface(body, order))
        elif kind in (PACKET, OLD_PACKET, SIMPLE_PACKET):
            found = _packet(kind, body, order, interfaces)
            if found is None:
                rejects["pcap: packet cut off"] += 1
            else:
                yield found
    if at != len(content):
        rejects["pcap: block cut off"] += 1


def _packet(kind: int, body: bytes, order: str, interfaces: list[_Interface]) -> tuple[int | None, int, bytes] | None:
    """(time, link, packet) of a packet block; None when its numbers do not fit."""
    if kind == SIMPLE_PACKET:
        if len(body) < 4 or not interfaces:
            return None
        size = min(struct.unpack_from(order + "I", body)[0], len(body) - 4)
        return None, interfaces[0].link, body[4 : 4 + size]
    if len(body) < 20:
        return None
    layout = "HHIIII" if kind == OLD_PACKET else "IIIII"
    numbers = struct.unpack_from(order + layout, body)
    which, (high, low, size) = numbers[0], numbers[-4:-1]
    if which >= len(interfaces) or size > len(body) - 20:
        return None
    interface = interfaces[which]
    ticks = high << 32 | low
    time_us = ticks * 1_000_000 // interface.ticks_per_s + interface.offset_s * 1_000_000
    return (time_us if abs(time_us) < 1 << 62 else None), interface.link, body[20 : 20 + size]


def _interface(body: bytes, order: str) -> _Interface:
    link = struct.unpack_from(order + "H", body)[0]
    ticks_per_s, offset_s = 1_000_000, 0
    at = 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == TIME_RESOLUTION and len(value) == 1:
            exponent = value[0] & 0x7F
            ticks_per_s = 2**exponent if value[0] & 0x80 else 10 ** min(exponent, 18)
        elif code == TIME_OFFSET and len(value) == 8:
            offset_s = struct.unpack(order + "q", value)[0]
        elif code == 0:
            break
        at += 4 + size + -size % 4
    return _Interface(link, ticks_per_s, offset_s)
