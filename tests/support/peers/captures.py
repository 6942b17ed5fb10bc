"""Writes captures with the PyPI package scapy. Arguments: a folder; a JSON file of [time in microseconds, payload in
hexadecimal] each."""

import json
import sys
from pathlib import Path

import scapy.all as scapy

folder, payloads = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
ether = scapy.Ether(src="02:00:00:00:00:01", dst="01:00:5e:00:00:01")
four = scapy.IP(src="10.0.0.1", dst="239.1.1.1")
six = scapy.IPv6(src="fe80::1", dst="ff02::1")
LAYERS = {
    "ethernet": ether / four,
    "vlan": ether / scapy.Dot1Q(vlan=5) / four,
    "double vlan": ether / scapy.Dot1AD(vlan=7) / scapy.Dot1Q(vlan=5) / four,
    "ipv6": ether / six,
    "ipv6 with a hop-by-hop header": ether / six / scapy.IPv6ExtHdrHopByHop(),
    "cooked": scapy.CookedLinux(proto=0x0800) / four,
    "cooked 2": scapy.CookedLinuxV2(proto=0x0800) / four,
    "ip options": ether / scapy.IP(src="10.0.0.1", dst="239.1.1.1", options=[scapy.IPOption_Router_Alert()]),
    "pppoe": ether / scapy.PPPoE() / scapy.PPP(proto=0x0021) / four,
    "raw ip": four,
    "raw ipv6": six,
}


def packets(lower):
    made = []
    for number, (time_us, payload) in enumerate(payloads):
        packet = lower.copy() / scapy.UDP(sport=8600, dport=8600) / scapy.Raw(bytes.fromhex(payload))
        if scapy.IP in packet:
            packet[scapy.IP].id = number
        packet.time = time_us / 1e6
        made.append(packet)
    return made


def timed(parts, packet):
    for part in parts:
        part.time = packet.time
    return parts


for name, lower in LAYERS.items():
    scapy.wrpcap(str(folder / name), packets(lower), linktype=101 if name.startswith("raw") else None)
whole = packets(LAYERS["ethernet"])
scapy.wrpcapng(str(folder / "pcapng"), whole)
for name, order, nano in (
    ("big endian", ">", False),
    ("nanoseconds", "<", True),
    ("big endian nanoseconds", ">", True),
):
    with scapy.PcapWriter(str(folder / name), endianness=order, nano=nano) as out:
        out.write(whole)
cut = [part for packet in whole for part in timed(scapy.fragment(packet, fragsize=56), packet)]
scapy.wrpcap(str(folder / "fragments"), cut)
last = [part for part in cut if part[scapy.IP].frag]
scapy.wrpcap(str(folder / "a fragment alone.cut"), last[:1])
cut6 = []
for number, packet in enumerate(packets(six / scapy.IPv6ExtHdrFragment())):
    packet[scapy.IPv6ExtHdrFragment].id = number
    cut6 += timed([ether / part for part in scapy.fragment6(packet, 120)], packet)
scapy.wrpcap(str(folder / "ipv6 fragments"), cut6)
