"""One CAP 1.2 message as XML (OASIS Standard, 1 July 2010, section 3.2)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from lxml import etree

from perisai.model import Level, Mode, Threat

from .cap_settings import CapSettings
from .texts import Text
from .texts_cell import CellText

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
STATUS: dict[Mode, str] = {"actual": "Actual", "exercise": "Exercise", "test": "Test"}
_RESPONSES = {"alarm": ("Shelter",), "watch": ("Prepare", "Monitor"), "clear": ("AllClear",)}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

MessageType = Literal["Alert", "Update", "Cancel"]


class Reference(msgspec.Struct, frozen=True):
    """An earlier message: its identifier, `sent` and `expires` in us since 1970-01-01 UTC."""

    identifier: str
    sent_us: int
    expires_us: int


class CapMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to be sent. Times in us since 1970-01-01 UTC, whole seconds; one text per language, in order.

    incident: identifier of the first message of the life cycle. alert: identifier of the span in the alerts table.
    level: `clear` for a Cancel. references: what it replaces, oldest first.
    """

    identifier: str
    incident: str
    alert: str
    area: str
    level: Level | str
    threat: Threat
    mode: Mode
    msg_type: MessageType
    sent_us: int
    expires_us: int
    references: tuple[Reference, ...]
    arrival_us: int | None
    texts: tuple[Text, ...]
    cell: tuple[CellText, ...]
    xml: bytes


class Classification(msgspec.Struct, frozen=True):
    """Urgency, severity and certainty (CAP 1.2, 3.2.2)."""

    urgency: str
    severity: str
    certainty: str


def classify(
    level: Level | str, threat: Threat, probability: float, arrival_s: float | None, shelter_s: float
) -> Classification:
    """An alarm is Immediate; a watch Expected until the arrival is nearer than shelter_s. Likely is over 50 %.

    Missiles and glide bombs are Extreme, everything else at alarm Severe. The all-clear is Past, Minor, Observed,
    so that no channel that drops the unlikely drops it.
    """
    if level == "clear":
        return Classification("Past", "Minor", "Observed")
    near = arrival_s is not None and arrival_s < shelter_s
    if level == "watch":
        severity = "Severe" if threat in ("cruise", "ballistic", "glide_bomb") else "Moderate"
    else:
        severity = "Extreme" if threat in ("cruise", "ballistic", "glide_bomb") else "Severe"
    return Classification(
        "Immediate" if level == "alarm" or near else "Expected", severity, "Likely" if probability > 0.5 else "Possible"
    )


def cap_time(time_us: int, zone: ZoneInfo) -> str:
    """The dateTime of CAP: whole seconds with an offset, UTC as -00:00 (CAP 1.2, 3.3.2)."""
    local = datetime.fromtimestamp(time_us // 1_000_000, zone)
    offset = local.utcoffset()
    if offset is None or offset.total_seconds() % 60 or not offset:
        return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")
    return local.isoformat()


def clean(text: str) -> str:
    """The text without the characters that XML 1.0 cannot carry."""
    return _NOT_XML.sub("", text)


class Area(msgspec.Struct, frozen=True):
    """An area as the message names and draws it. names: one per language of the texts."""

    code: str
    names: tuple[str, ...]
    polygons: tuple[str, ...]
    circle: str


def render(
    message: CapMessage,
    area: Area,
    classification: Classification,
    settings: CapSettings,
    *,
    note: str,
    reason: str,
    probability: float,
) -> Any:
    """The `alert` element of a message; its `xml` is not read. reason: one sentence for partners, as a parameter."""
    zone = ZoneInfo(settings.time_zone)
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    _add(root, "identifier", message.identifier)
    _add(root, "sender", settings.sender)
    _add(root, "sent", cap_time(message.sent_us, zone))
    _add(root, "status", STATUS[message.mode])
    _add(root, "msgType", message.msg_type)
    _add(root, "scope", "Public")
    if note:
        _add(root, "note", note)
    if message.references:
        _add(root, "references", references(message.references, settings.sender, zone))
    _add(root, "incidents", message.incident)
    parameters = [("threat", message.threat), ("level", message.level)]
    if message.arrival_us is not None and message.level != "clear":
        seconds = max(0, (message.arrival_us - message.sent_us) // 1_000_000)
        parameters += [("eta_s", str(seconds)), ("arrival", cap_time(message.arrival_us, zone))]
    if message.level != "clear":
        parameters.append(("probability", f"{min(1.0, max(0.0, probability)):.2f}"))
    if reason:
        parameters.append(("reason", reason))
    for text, cell, name in zip(message.texts, message.cell, area.names, strict=True):
        _info(root, message, text, name, area, classification, settings, [*parameters, ("cell_broadcast", cell.text)])
    return root


def references(earlier: Sequence[Reference], sender: str, zone: ZoneInfo) -> str:
    """`sender,identifier,sent` of each earlier message, separated by spaces (CAP 1.2, 3.2.1)."""
    return " ".join(f"{sender},{one.identifier},{cap_time(one.sent_us, zone)}" for one in earlier)


def _info(
    root: Any,
    message: CapMessage,
    text: Text,
    name: str,
    area: Area,
    classification: Classification,
    settings: CapSettings,
    parameters: list[tuple[str, str]],
) -> None:
    zone = ZoneInfo(settings.time_zone)
    info = _add(root, "info")
    _add(info, "language", text.language)
    _add(info, "category", "Security")
    _add(info, "event", text.event)
    for response in _RESPONSES[message.level]:
        _add(info, "responseType", response)
    _add(info, "urgency", classification.urgency)
    _add(info, "severity", classification.severity)
    _add(info, "certainty", classification.certainty)
    _add(info, "effective", cap_time(message.sent_us, zone))
    if message.arrival_us is not None and message.level != "clear":
        _add(info, "onset", cap_time(message.arrival_us, zone))
    _add(info, "expires", cap_time(message.expires_us, zone))
    if settings.sender_name:
        _add(info, "senderName", settings.sender_name)
    _add(info, "headline", text.headline)
    _add(info, "description", text.description)
    _add(info, "instruction", text.instruction)
    if settings.web:
        _add(info, "web", settings.web)
    if settings.contact:
        _add(info, "contact", settings.contact)
    for key, value in parameters:
        _pair(info, "parameter", key, value)
    place = _add(info, "area")
    _add(place, "areaDesc", name)
    for polygon in area.polygons:
        _add(place, "polygon", polygon)
    if not area.polygons:
        _add(place, "circle", area.circle)
    _pair(place, "geocode", settings.geocode, area.code)


def _add(parent: Any, tag: str, text: str | None = None) -> Any:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    if text is not None:
        element.text = clean(text)
    return element


def _pair(parent: Any, tag: str, key: str, value: str) -> None:
    pair = _add(parent, tag)
    _add(pair, "valueName", key)
    _add(pair, "value", value)
