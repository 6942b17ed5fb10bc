"""The fusion node: what it makes of the messages of its nodes, and what it answers. No sockets, no clock of its own."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sapient_msg.bsi_flex_335_v2_0 import alert_ack_pb2, sapient_message_pb2, task_ack_pb2, task_pb2

from perisai.model import BadInputError, Sensor, SensorHealth

from ..imported import Imported
from ..rows import Rows
from .framing import frame
from .node import Node, effector
from .places import NAN, Place
from .reports import add_report
from .rules import decode, enum_name, faults, is_uuid

NAMESPACE = uuid.UUID("6b1c9f0e-3c5d-4f0e-9a53-1d8f0a4c7be2")
INTERVALS_TO_SILENCE = 3.0
MOST_NODES = 10_000
MAX_PACKET = 4096
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class TaskAnswer(NamedTuple):
    """What a node says of a task: accepted, rejected, completed or failed, and why."""

    task: str
    status: str
    reason: str


class Reply(NamedTuple):
    """What goes back over the connection (framed; empty: nothing), whether it is closed thereafter, the node that was
    registered by this message (empty: none), and what it says of a task."""

    data: bytes = b""
    close: bool = False
    node: str = ""
    answer: TaskAnswer | None = None


class FusionNode:
    """All nodes of one listener.

    counts, rejects: messages by kind, and those refused by reason, since the last `drain`.
    """

    def __init__(
        self,
        sensors: Sequence[Sensor] = (),
        names: Mapping[str, str] | None = None,
        default: str = "",
        listed_only: bool = False,
        name: str = "perisai",
    ) -> None:
        """names: node id -> sensor. A node that they do not have takes the sensor whose id is its UUID or its name,
        else `default`, else its UUID. listed_only: refuse the registration of nodes that have no sensor.
        """
        self.node_id = str(uuid.uuid5(NAMESPACE, name))
        self.nodes: dict[str, Node] = {}
        self.counts: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self._sensors = {sensor.id: sensor for sensor in sensors}
        self._names = {node.lower(): sensor for node, sensor in (names or {}).items()}
        self._default = default
        self._listed_only = listed_only
        self._rows = Rows(sensors)
        self._health: list[SensorHealth] = []
        self._tasks = 0

    def take(self, content: bytes, received_us: int) -> Reply:
        """One message of a connection."""
        try:
            message = decode(content)
        except BadInputError as error:
            return self._error("does not decode", content, [str(error)], received_us)
        kind = message.WhichOneof("content")
        self.counts[f"sapient {kind or 'message without content'}"] += 1
        found = faults(message)
        vital = [fault for fault in found if fault.startswith(("timestamp", "node_id", "content"))]
        if vital:
            return self._error("envelope not valid", content, found, received_us)
        if kind == "registration":
            return self._register(message, found, received_us)
        node = self.nodes.get(message.node_id.lower())
        if node is None or not node.registered:
            return self._error("not registered", content, ["a node registers first"], received_us)
        node.heard_us = received_us
        if kind == "detection_report":
            return self._detection(node, message, content, found, received_us)
        if kind == "status_report":
            return self._status(node, message, content, found, received_us)
        if kind == "alert":
            return self._alert(node, message, found, received_us)
        if kind == "task_ack":
            said = message.task_ack
            status = enum_name(task_ack_pb2.TaskAck.TaskStatus, said.task_status).removeprefix("TASK_STATUS_").lower()
            return Reply(answer=TaskAnswer(said.task_id, status, "; ".join(said.reason)))
        if kind in ("alert_ack", "error", "registration_ack"):
            return Reply()
        # A task to the fusion node: it senses nothing itself that could be tasked.
        answer = self._message(received_us, message.node_id)
        answer.task_ack.task_id = message.task.task_id
        answer.task_ack.task_status = answer.task_ack.TASK_STATUS_REJECTED
        answer.task_ack.reason.append("a fusion node takes no tasks")
        self.rejects["sapient: task to the fusion node"] += 1
        return Reply(frame(answer.SerializeToString()))

    def too_long(self, size: int, limit: int, received_us: int) -> Reply:
        """The answer to a length that is beyond the limit; the connection cannot go on behind it."""
        text = f"message of {size} bytes; at most {limit} are taken"
        reply = self._error("message too long", b"", [text], received_us)
        return Reply(reply.data, close=True)

    def silent(self, now_us: int) -> list[SensorHealth]:
        """Nodes that became silent since the last call: three of their status intervals without a message."""
        found: list[SensorHealth] = []
        for node in self.nodes.values():
            late = now_us - node.heard_us > INTERVALS_TO_SILENCE * node.interval_s * 1e6
            if node.registered and node.state != "off" and late:
                node.state = "off"
                detail = f"silent for {INTERVALS_TO_SILENCE:g} intervals of {node.interval_s:g} s"
                found.append(self._health_of(node, now_us, detail))
        return found

    def lost(self, node_id: str, now_us: int) -> list[SensorHealth]:
        """The connection of a node ended: it registers anew when it comes back."""
        node = self.nodes.get(node_id.lower())
        if node is None:
            return []
        node.registered = False
        if node.state == "off":
            return []
        node.state = "off"
        return [self._health_of(node, now_us, "connection ended")]

    def task(self, node_id: str, time_us: int, **command: Any) -> tuple[str, bytes]:
        """Number and frame of a task for a node that senses: one of request, mode_change (text), detection_threshold,
        detection_report_rate, classification_threshold ("low", "medium", "high").

        Raises BadInputError for a node not registered here or a command that is none of these.
        """
        node = self.nodes.get(node_id.lower())
        if node is None or not node.registered:
            raise BadInputError(f"node {node_id}", "not registered", "a node that is connected")
        if len(command) != 1:
            raise BadInputError("command", f"{len(command)} commands", "one")
        ((name, value),) = command.items()
        self._tasks += 1
        message = self._message(time_us, node_id)
        message.task.task_id = ulid(time_us, self._tasks)
        message.task.control = task_pb2.Task.CONTROL_START
        if name in ("request", "mode_change"):
            setattr(message.task.command, name, value)
        elif name in ("detection_threshold", "detection_report_rate", "classification_threshold"):
            level = f"DISCRETE_THRESHOLD_{value}".upper()
            if level not in task_pb2.Task.DiscreteThreshold.keys():  # noqa: SIM118 (an enum wrapper, no dict)
                raise BadInputError(name, str(value), "low, medium or high")
            setattr(message.task.command, name, task_pb2.Task.DiscreteThreshold.Value(level))
        else:
            raise BadInputError("command", name, "request, mode_change or a threshold: Perisai tasks sensing only")
        return message.task.task_id, frame(message.SerializeToString())

    def standing(self) -> bytes:
        """What is known of all nodes, for `restore`."""
        return msgspec.msgpack.encode(self.nodes) if self.nodes else b""

    def restore(self, known: bytes) -> None:
        """Know what `standing` told. Raises msgspec.DecodeError for anything else."""
        self.nodes = msgspec.msgpack.decode(known, type=dict[str, Node])

    def drain(self) -> Imported:
        """Detections, counts, rejects and health since the last call."""
        counts, rejects, health = self.counts, self.rejects, tuple(self._health)
        self.counts, self.rejects, self._health = Counter(), Counter(), []
        return Imported(self._rows.take(rejects), counts, rejects, health)

    def _register(self, message: Any, found: list[str], received_us: int) -> Reply:
        node_id = message.node_id.lower()
        node = Node(node_id)
        reasons = list(found)
        if effector(message.registration):
            reasons.append("node type acts on what it sees; Perisai takes sensors only")
        if not reasons:
            node.register(message.registration)
            node.sensor = self.sensor_of(node)
            if self._listed_only and node.sensor not in self._sensors:
                reasons.append("node not in the sensors file of this centre")
        if len(self.nodes) >= MOST_NODES and node_id not in self.nodes:
            reasons.append(f"{MOST_NODES} nodes are registered already")
        answer = self._message(received_us, message.node_id)
        answer.registration_ack.acceptance = not reasons
        answer.registration_ack.ack_response_reason.extend(reasons)
        if reasons:
            self.rejects["sapient: registration refused"] += 1
        else:
            node.heard_us = received_us
            self.nodes[node_id] = node
            self._health_of(node, received_us, "registered")
        return Reply(frame(answer.SerializeToString()), node="" if reasons else node_id)

    def sensor_of(self, node: Node) -> str:
        """The name its detections are booked on."""
        candidates = (self._names.get(node.node_id, ""), node.node_id, node.name)
        listed = [name for name in candidates if name in self._sensors]
        return listed[0] if listed else candidates[0] or self._default or node.node_id

    def _detection(self, node: Node, message: Any, content: bytes, found: list[str], received_us: int) -> Reply:
        """A report is refused for what its detection needs; other faults are answered, and the detection is taken:
        a missed warning weighs more than a malformed identifier (docs/adr)."""
        sensor = self._sensors.get(node.sensor)
        site = None if sensor is None or node.sensor == self._default else Place(sensor.lat, sensor.lon, NAN, NAN)
        time_us = _time_us(message.timestamp)
        refused = add_report(self._rows, node, message.detection_report, (time_us, received_us), site)
        if refused is not None:
            self.rejects[f"sapient: {refused}"] += 1
            needed = [fault for fault in found if "location" in fault or "range_bearing" in fault]
            return self._answer(content, found, received_us) if needed else Reply()
        if found:
            self.counts["sapient detection_report with faults"] += 1
            return self._answer(content, found, received_us)
        return Reply()

    def _status(self, node: Node, message: Any, content: bytes, found: list[str], received_us: int) -> Reply:
        health = node.status(message.status_report, _time_us(message.timestamp))
        self._health.append(health)
        if health.state == "off":
            node.registered = False
            return Reply(self._answer(content, found, received_us).data, close=True)
        return self._answer(content, found, received_us)

    def _alert(self, node: Node, message: Any, found: list[str], received_us: int) -> Reply:
        answer = self._message(received_us, message.node_id)
        answer.alert_ack.alert_id = message.alert.alert_id
        status = alert_ack_pb2.AlertAck
        answer.alert_ack.alert_ack_status = (
            status.ALERT_ACK_STATUS_REJECTED if found else status.ALERT_ACK_STATUS_ACCEPTED
        )
        answer.alert_ack.reason.extend(found)
        if found:
            self.rejects["sapient: alert not valid"] += 1
        else:
            self._health_of(node, received_us, f"alert: {message.alert.description[:160]}")
        return Reply(frame(answer.SerializeToString()))

    def _health_of(self, node: Node, time_us: int, detail: str) -> SensorHealth:
        health = SensorHealth(
            sensor=node.sensor, time_us=time_us, state=node.state, detail=detail, coverage=node.coverage()
        )
        self._health.append(health)
        return health

    def _error(self, reason: str, content: bytes, found: list[str], received_us: int) -> Reply:
        self.rejects[f"sapient: {reason}"] += 1
        return self._answer(content, found, received_us)

    def _answer(self, content: bytes, found: list[str], received_us: int) -> Reply:
        """An error message with the packet at fault, as error.proto has it; nothing when there is no fault."""
        if not found:
            return Reply()
        answer = self._message(received_us)
        answer.error.packet = content[:MAX_PACKET] or b"\0"
        answer.error.error_message.extend(found)
        return Reply(frame(answer.SerializeToString()))

    def _message(self, time_us: int, destination: str = "") -> Any:
        message = sapient_message_pb2.SapientMessage()
        message.timestamp.FromMicroseconds(time_us)
        message.node_id = self.node_id
        if destination and is_uuid(destination):
            message.destination_id = destination
        return message


def ulid(time_us: int, number: int) -> str:
    """A ULID of a time and a count: 48 bits of milliseconds, 80 bits that grow."""
    value = (time_us // 1000 & (1 << 48) - 1) << 80 | number & (1 << 80) - 1
    return "".join(_BASE32[value >> 5 * (25 - place) & 31] for place in range(26))


def _time_us(stamp: Any) -> int:
    """Microseconds since 1970; the range of the table's times holds for what a node may send."""
    return max(-(1 << 53), min(1 << 53, stamp.seconds * 1_000_000 + stamp.nanos // 1000))
