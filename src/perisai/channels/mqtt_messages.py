"""What goes to an MQTT broker: the state of every area, kept there (retained), and Home Assistant's discovery.

PREFIX/status               online, or offline once this machine is gone (last will)
PREFIX/AREA/state           JSON: state (none, watch, alarm), threat, arrival, texts, mode
PREFIX/AREA/siren/report    what a siren there says of itself, read back (`siren_reports`)
PREFIX/AREA/siren           ON while an actual alarm lasts, else OFF; also in an exercise when the settings say so
DISCOVERY/binary_sensor/... how Home Assistant shows the state
"""

import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from perisai.model import Areas

from .message import Message, text_for

ORDER = {"watch": 1, "alarm": 2}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="mqtt"):
    """Broker and topics. embedded: Perisai starts the broker itself, on this host and port (0: a free one).

    authority: PEM file of who vouches for the broker, empty for the system's; certificate, key: PEM files of this end.
    discovery: prefix of Home Assistant's discovery, empty for none. areas: codes to publish, all when empty.
    sirens_in_exercise: whether sirens sound in exercises and tests.
    """

    name: str = ""
    host: str = "127.0.0.1"
    port: int = 1883
    embedded: bool = False
    username: str = ""
    password: str = ""
    tls: bool = False
    authority: str = ""
    certificate: str = ""
    key: str = ""
    prefix: str = "perisai"
    discovery: str = "homeassistant"
    areas: tuple[str, ...] = ()
    language: str = "uk-UA"
    sirens_in_exercise: bool = False
    retry_s: float = 1.0
    max_retry_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("prefix", "discovery"):
            if re.search(r"[#+\s\0]|^\$|^/|/$", getattr(self, name)):
                raise ValueError(f"{name}: {getattr(self, name)!r}; expected a topic without wildcards")
        if not self.prefix:
            raise ValueError("prefix: empty; expected a topic")
        if not (self.embedded and self.port == 0) and not 1 <= self.port <= 65_535:
            raise ValueError(f"port: {self.port}; expected 1 to 65535")
        if self.embedded and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"host: {self.host!r}; expected 127.0.0.1, for the embedded broker asks nobody who he is")
        if min(self.retry_s, self.max_retry_s) <= 0.0:
            raise ValueError("retry_s, max_retry_s: expected more than 0 seconds")


@dataclass(frozen=True, slots=True)
class Publication:
    """One retained message to publish."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class MqttState:
    """The state of each area as its messages left it, and how it is published."""

    settings: MqttSettings
    areas: Areas
    _open: dict[str, dict[str, Message]] = field(default_factory=dict)

    def chosen(self) -> list[str]:
        """Codes of the areas that are published, in the order of the areas."""
        wanted = set(self.settings.areas)
        return [code for code in self.areas.code if not wanted or code in wanted]

    def take(self, message: Message) -> str:
        """Takes in a message; the code of the area whose state it may have changed."""
        incidents = self._open.setdefault(message.area, {})
        if message.level == "clear":
            incidents.pop(message.incident, None)
        else:
            incidents[message.incident] = message
        return message.area

    def expire(self, now_us: int) -> set[str]:
        """Areas whose alert ran out without a renewal, now without it."""
        changed: set[str] = set()
        for area, incidents in self._open.items():
            for incident in [key for key, message in incidents.items() if message.expires_us <= now_us]:
                del incidents[incident]
                changed.add(area)
        return changed

    def state(self, area: str) -> list[Publication]:
        """The state of an area and its siren."""
        message = self._standing(area)
        base = f"{self.settings.prefix}/{topic_of(area)}"
        sounding = (
            message is not None
            and message.level == "alarm"
            and (message.mode == "actual" or self.settings.sirens_in_exercise)
        )
        return [
            Publication(f"{base}/siren", b"ON" if sounding else b"OFF"),
            Publication(f"{base}/state", msgspec.json.encode(self._body(area, message))),
        ]

    def orders(self) -> dict[str, str]:
        """Area -> identifier of the message that stands there, of the areas where one does."""
        standing = ((area, self._standing(area)) for area in self._open)
        return {area: message.identifier for area, message in standing if message is not None}

    def _standing(self, area: str) -> Message | None:
        """Of several alerts the highest, the newest of those."""
        incidents = self._open.get(area, {}).values()
        return max(incidents, key=lambda one: (ORDER[one.level], one.sent_us), default=None)

    def discovery(self, area: str) -> list[Publication]:
        """How Home Assistant shows an area: a safety sensor with all of the state as its attributes."""
        if not self.settings.discovery:
            return []
        base, key = f"{self.settings.prefix}/{topic_of(area)}", f"perisai_{topic_of(area)}"
        config = {
            "name": "Air raid alert",
            "unique_id": f"{key}_alarm",
            "object_id": f"{key}_alarm",
            "device_class": "safety",
            "state_topic": f"{base}/state",
            "value_template": "{{ 'ON' if value_json.state == 'alarm' else 'OFF' }}",
            "json_attributes_topic": f"{base}/state",
            "availability_topic": f"{self.settings.prefix}/status",
            "device": {"identifiers": [key], "name": self._name(area), "manufacturer": "Perisai"},
        }
        topic = f"{self.settings.discovery}/binary_sensor/{key}/alarm/config"
        return [Publication(topic, msgspec.json.encode(config))]

    def _body(self, area: str, message: Message | None) -> dict[str, object]:
        body: dict[str, object] = {"area": area, "name": self._name(area), "state": "none"}
        if message is None:
            return body
        text = text_for(message, self.settings.language)
        return {
            **body,
            "state": message.level,
            "threat": message.threat,
            "mode": message.mode,
            "identifier": message.identifier,
            "incident": message.incident,
            "sent": _time(message.sent_us),
            "expires": _time(message.expires_us),
            "arrival": None if message.arrival_us is None else _time(message.arrival_us),
            "headline": text.headline,
            "instruction": text.instruction,
        }

    def _name(self, area: str) -> str:
        if area not in self.areas.code:
            return area
        return self.areas.name(self.areas.code.index(area), self.settings.language.split("-", maxsplit=1)[0])


def topic_of(area: str) -> str:
    """A code as one level of a topic; other characters become `_`, with a checksum so that codes stay apart."""
    safe = _UNSAFE.sub("_", area)
    return safe if safe == area else f"{safe}_{zlib.crc32(area.encode('utf-8', 'surrogatepass')):08x}"


def _time(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
