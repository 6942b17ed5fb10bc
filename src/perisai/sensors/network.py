"""From a captured packet to the payload of its UDP datagram: link layer, VLANs, IPv4 and IPv6, fragments."""

import struct
from collections import Counter, OrderedDict

NULL, ETHERNET, PPP, RAW_IP, LOOP, LINUX_COOKED, IPV4_ONLY, IPV6_ONLY, LINUX_COOKED_2 = (
    0, 1, 9, 101, 108, 113, 228, 229, 276,
)  # fmt: skip
OTHER_RAW_IP = (12, 14, RAW_IP, IPV4_ONLY, IPV6_ONLY)
IPV4, IPV6 = 0x0800, 0x86DD
TAGS = (0x8100, 0x88A8, 0x9100)
PPPOE = 0x8864
UDP, FRAGMENT = 17, 44
EXTENSIONS = (0, 43, 60, 135, 139, 140)
MOST_FRAGMENTED = 256
LARGEST = 65_535
Key = tuple[bytes, bytes, int]


class Network:
    """Takes packets in order; what is no UDP datagram is counted by reason. Fragments wait for their others."""

    def __init__(self, rejects: Counter[str]) -> None:
        self._rejects = rejects
        self._parts: OrderedDict[Key, dict[int, tuple[bytes, bool]]] = OrderedDict()

    def payload(self, packet: bytes, link: int) -> bytes | None:
        """The UDP payload that the packet holds or completes."""
        packet, kind = _network(packet, link)
        if kind == IPV4 and len(packet) >= 20:
            return self._ipv4(packet)
        if kind == IPV6 and len(packet) >= 40:
            return self._ipv6(packet)
        return self._refuse("pcap: not IP")

    def finish(self) -> None:
        """Count the fragments whose others never came."""
        waiting = sum(len(parts) for parts in self._parts.values())
        if waiting:
            self._rejects["pcap: IP fragment"] += waiting
        self._parts.clear()

    def _ipv4(self, packet: bytes) -> bytes | None:
        header = (packet[0] & 0x0F) * 4
        total = struct.unpack_from(">H", packet, 2)[0]
        identity, flags = struct.unpack_from(">HH", packet, 4)
        if packet[9] != UDP or header < 20:
            return self._refuse("pcap: not UDP")
        # Behind the datagram a link may have padded; a total of 0 is left to the network card by some senders.
        body = packet[header : total if total > header else len(packet)]
        offset = (flags & 0x1FFF) * 8
        if offset == 0 and not flags & 0x2000:
            return self._udp(body)
        key = (packet[12:16], packet[16:20], identity)
        return self._fragment(key, offset, body, bool(flags & 0x2000))

    def _ipv6(self, packet: bytes) -> bytes | None:
        following, at = packet[6], 40
        size = struct.unpack_from(">H", packet, 4)[0]
        end = 40 + size if size else len(packet)
        for _ in range(8):
            if following == UDP:
                return self._udp(packet[at:end])
            if following == FRAGMENT and at + 8 <= len(packet):
                offset, identity = struct.unpack_from(">HI", packet, at + 2)
                if packet[at] != UDP:
                    return self._refuse("pcap: not UDP")
                key = (packet[8:24], packet[24:40], identity)
                if not offset & 0xFFF9:
                    return self._udp(packet[at + 8 : end])
                return self._fragment(key, offset & 0xFFF8, packet[at + 8 : end], bool(offset & 1))
            if following not in EXTENSIONS or at + 2 > len(packet):
                break
            following, at = packet[at], at + 8 * (packet[at + 1] + 1)
        return self._refuse("pcap: not UDP")

    def _fragment(self, key: Key, offset: int, body: bytes, more: bool) -> bytes | None:
        parts = self._parts.setdefault(key, {})
        parts[offset] = (body, more)
        whole = bytearray()
        while len(whole) in parts and len(whole) <= LARGEST:
            part, more = parts[len(whole)]
            whole += part
            if not more:
                del self._parts[key]
                return self._udp(bytes(whole))
            if not part:
                break
        if len(self._parts) > MOST_FRAGMENTED:
            _, lost = self._parts.popitem(last=False)
            self._rejects["pcap: IP fragment"] += len(lost)
        return None

    def _udp(self, datagram: bytes) -> bytes | None:
        if len(datagram) < 8:
            return self._refuse("pcap: UDP datagram cut off")
        size = struct.unpack_from(">H", datagram, 4)[0]
        if size > len(datagram) or 0 < size < 8:
            # What a short capture kept may still hold whole blocks.
            self._refuse("pcap: UDP datagram cut off")
            return datagram[8:] or None if size > len(datagram) else None
        return datagram[8 : size or len(datagram)]

    def _refuse(self, reason: str) -> None:
        self._rejects[reason] += 1


def _network(packet: bytes, link: int) -> tuple[bytes, int]:
    """The network layer of a link-layer packet, and its EtherType (0 when there is none)."""
    if link in OTHER_RAW_IP:
        return packet, _version(packet)
    if link in (NULL, LOOP):
        return packet[4:], _version(packet[4:])
    if link == PPP:
        at = 2 if packet[:2] == b"\xff\x03" else 0
        return packet[at + 2 :], {b"\x00\x21": IPV4, b"\x00\x57": IPV6}.get(packet[at : at + 2], 0)
    if link == LINUX_COOKED_2:
        return packet[20:], struct.unpack_from(">H", packet)[0] if len(packet) >= 20 else 0
    at = {ETHERNET: 12, LINUX_COOKED: 14}.get(link)
    if at is None:
        return packet, 0
    while at + 2 <= len(packet):
        kind = struct.unpack_from(">H", packet, at)[0]
        at += 2
        if kind == PPPOE:
            protocol = packet[at + 6 : at + 8]
            return packet[at + 8 :], {b"\x00\x21": IPV4, b"\x00\x57": IPV6}.get(protocol, 0)
        if kind not in TAGS:
            return packet[at:], kind
        at += 2
    return packet, 0


def _version(packet: bytes) -> int:
    return {4: IPV4, 6: IPV6}.get(packet[0] >> 4, 0) if packet else 0
