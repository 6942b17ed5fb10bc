"""Captured SAPIENT messages, framed or as JSON lines, to detections."""

import struct
from collections import Counter
from collections.abc import Sequence

from google.protobuf import json_format
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2

from perisai.model import BadInputError, Sensor

from ..imported import Imported
from .framing import HEADER, MAX_FRAME_BYTES, Framer
from .fusion import FusionNode
from .node import Node
from .rules import decode


def looks_like_sapient(content: bytes) -> bool:
    """Whether the bytes begin with a framed message that names its node."""
    if len(content) <= HEADER:
        return False
    size = struct.unpack_from("<I", content)[0]
    if not 0 < size <= min(MAX_FRAME_BYTES, len(content) - HEADER):
        return False
    try:
        message = decode(content[HEADER : HEADER + size])
    except BadInputError:
        return False
    return bool(message.node_id) and message.WhichOneof("content") is not None


def import_sapient(content: bytes, sensors: Sequence[Sensor]) -> Imported:
    """A recorded connection: messages behind their lengths. Of several nodes, or of both directions, as it comes."""
    framer = Framer()
    messages = framer.feed(content)
    imported = import_messages(messages, sensors)
    if framer.too_long or framer.waiting:
        imported.rejects["sapient: message cut off"] += 1
    return imported


def import_sapient_json(content: bytes, sensors: Sequence[Sensor]) -> Imported:
    """Messages as JSON (the JSON mapping of protobuf), one a line."""
    rejects: Counter[str] = Counter()
    messages: list[bytes] = []
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            message = json_format.Parse(line, sapient_message_pb2.SapientMessage(), ignore_unknown_fields=True)
            messages.append(message.SerializeToString())
        except (json_format.Error, ValueError, RecursionError):
            rejects["sapient: line is no message"] += 1
    imported = import_messages(messages, sensors)
    imported.rejects.update(rejects)
    return imported


def import_messages(messages: Sequence[bytes], sensors: Sequence[Sensor]) -> Imported:
    """Messages received when they were sent. A capture may begin after the registration of its nodes: they count as
    registered."""
    fusion = FusionNode(sensors)
    for content in messages:
        try:
            message = decode(content)
        except BadInputError:
            message = sapient_message_pb2.SapientMessage()
        received_us = max(0, min(1 << 53, message.timestamp.seconds * 1_000_000 + message.timestamp.nanos // 1000))
        node_id = message.node_id.lower()
        if node_id not in fusion.nodes and message.WhichOneof("content") not in (None, "registration"):
            node = fusion.nodes[node_id] = Node(node_id, registered=True)
            node.sensor = fusion.sensor_of(node)
        fusion.take(content, received_us)
    return fusion.drain()
