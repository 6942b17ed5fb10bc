"""`[[input]]`: one live source each."""

import re
from typing import Literal

import msgspec

from .spool import SpoolMode

InputKind = Literal["asterix", "beast", "sbs", "sapient", "remote_id", "reports"]
WAYS: dict[str, tuple[str, ...]] = {
    "asterix": ("listen",),
    "beast": ("connect",),
    "sbs": ("connect",),
    "sapient": ("listen",),
    "remote_id": ("listen", "broker"),
    "reports": ("broker",),
}
"""The fields that say where an input of each kind comes from; one of them is needed."""

PORTS = {"listen": 8600, "connect": 30005, "broker": 1883}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*)):(\d{1,5})\Z")


class LiveInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One live input.

    name: its place on the bus and in the metrics. listen: host:port of our socket (UDP for asterix and remote_id, TCP
    for sapient). group, interface: the multicast group to join, and the address of the interface to join it on.
    connect: host:port of a receiver (beast, sbs). broker, topic, user, password_file: MQTT. sensor: the sensor that
    detections are booked on, where the format names none. nodes: SAPIENT node id -> sensor. listed_only: refuse SAPIENT
    nodes that have no sensor. max_message_bytes, max_messages_per_s: limits of each sender. silent_s: after which
    without a message the input counts as silent. spool: what is read is first written to a file (`write`), which is
    brought to the disk (`fsync`), or not (`off`); MQTT needs none.
    """

    name: str
    kind: InputKind
    listen: str = ""
    group: str = ""
    interface: str = ""
    connect: str = ""
    broker: str = ""
    topic: str = ""
    user: str = ""
    password_file: str = ""
    sensor: str = ""
    nodes: dict[str, str] = {}
    listed_only: bool = False
    max_message_bytes: int = 65_536
    max_messages_per_s: float = 50_000.0
    silent_s: float = 30.0
    spool: SpoolMode = "write"

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"name: `{self.name}`; expected letters, digits, - and _, at most 64")
        ways = WAYS[self.kind]
        given = [way for way in ("listen", "connect", "broker") if getattr(self, way)]
        if len(given) != 1 or given[0] not in ways:
            found = " and ".join(given) or "no address"
            raise ValueError(f"kind: {self.kind} with {found}; expected {' or '.join(ways)}, and it alone")
        address(given[0], getattr(self, given[0]))
        if given[0] == "broker" and not self.topic:
            raise ValueError("topic: missing; expected the MQTT topics to subscribe to")
        if self.group and (given[0] != "listen" or self.kind == "sapient"):
            raise ValueError("group: given; expected with `listen` of kind asterix or remote_id only")
        for field in ("max_message_bytes", "max_messages_per_s", "silent_s"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field}: {getattr(self, field)}; expected a number above 0")


def address(field: str, text: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[ipv6]:port` or `:port` (every interface). Raises ValueError naming the field."""
    match = _ADDRESS.match(text)
    if match is None or not 0 <= int(match[3]) <= 65_535:
        raise ValueError(f"{field}: `{text}`; expected host:port, such as 127.0.0.1:{PORTS[field]}")
    return match[1] or match[2] or "0.0.0.0", int(match[3])
