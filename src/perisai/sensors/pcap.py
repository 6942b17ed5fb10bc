"""Packet captures: the UDP payloads of a pcap file with their times.

Format: libpcap savefile, pcap-savefile(5). Microsecond and nanosecond files of either byte order.
"""

import struct
from collections import Counter

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1000),
}
ETHERNET, LOOPBACK, RAW_IP, LINUX_COOKED = 1, 0, 101, 113
IPV4, IPV6, VLAN, QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
UDP = 17


def udp_payloads(content: bytes, rejects: Counter[str]) -> list[tuple[int, bytes]]:
    """(time in microseconds since 1970 UTC, payload) of each UDP datagram; all else is counted by reason."""
    order, per_us = MAGICS[content[:4]]
    payloads: list[tuple[int, bytes]] = []
    if len(content) < 24:
        rejects["pcap: header cut off"] += 1
        return payloads
    link = struct.unpack_from(order + "I", content, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(content):
        seconds, fraction, size, _ = struct.unpack_from(order + "IIII", content, at)
        at += 16
        if at + size > len(content):
            rejects["pcap: packet cut off"] += 1
            return payloads
        payload = _udp(content[at : at + size], link, rejects)
        at += size
        if payload is not None:
            payloads.append((seconds * 1_000_000 + fraction // per_us, payload))
    if at != len(content):
        rejects["pcap: packet cut off"] += 1
    return payloads


def _udp(packet: bytes, link: int, rejects: Counter[str]) -> bytes | None:
    packet, kind = _network(packet, link)
    if kind == IPV4 and len(packet) >= 20:
        header = (packet[0] & 0x0F) * 4
        protocol = packet[9]
        if protocol == UDP and struct.unpack_from(">H", packet, 6)[0] & 0x3FFF:
            rejects["pcap: IP fragment"] += 1
            return None
    elif kind == IPV6 and len(packet) >= 40:
        header, protocol = 40, packet[6]
    else:
        rejects["pcap: not IP"] += 1
        return None
    if protocol != UDP or len(packet) < header + 8:
        rejects["pcap: not UDP"] += 1
        return None
    size = struct.unpack_from(">H", packet, header + 4)[0]
    if size < 8 or header + size > len(packet):
        rejects["pcap: UDP datagram cut off"] += 1
        return None
    return packet[header + 8 : header + size]


def _network(packet: bytes, link: int) -> tuple[bytes, int]:
    """The network layer of a link-layer packet, and its EtherType (0 when there is none)."""
    if link in {RAW_IP, LOOPBACK}:
        packet = packet if link == RAW_IP else packet[4:]
        return packet, (IPV6 if packet[:1] and packet[0] >> 4 == 6 else IPV4) if packet else 0
    at = {ETHERNET: 12, LINUX_COOKED: 14}.get(link)
    if at is None:
        return packet, 0
    while at + 2 <= len(packet):
        kind = struct.unpack_from(">H", packet, at)[0]
        at += 2
        if kind not in (VLAN, QINQ):
            return packet[at:], kind
        at += 2
    return packet, 0
