"""An Atom feed (RFC 4287) of CAP messages, and each message by its own address."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
from lxml import etree

from .message import Message, text_for

ATOM = "http://www.w3.org/2005/Atom"
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_TYPE = "application/cap+xml"
ATOM_TYPE = "application/atom+xml; charset=utf-8"
LOOK_US = 60_000_000
"""So often what is taken in drops what has expired."""


class FeedSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cap_feed"
):
    """base_url: where the feed is served, empty: as the reader addressed it; the feed is `<base_url>/cap.atom`, a
    message `<base_url>/cap/<identifier>`.

    limit: messages kept at most, the oldest go first. per_minute: times that one address may ask. language: of
    titles, where the messages have it.
    """

    base_url: str = ""
    name: str = ""
    title: str = "Perisai alerts"
    author: str = "Perisai"
    language: str = "uk-UA"
    limit: int = 5000
    per_minute: int = 600


class _Entry(msgspec.Struct, frozen=True):
    identifier: str
    sent_us: int
    expires_us: int
    level: str
    msg_type: str
    language: str
    title: str
    summary: str
    xml: bytes


class CapFeed:
    """The messages that have not expired, newest first.

    A message is kept until it expires or the limit pushes it out (`pushed_out` counts those); one that a later
    message of its incident replaces stays readable by its address, but the feed lists the incident's last only.
    """

    def __init__(self, settings: FeedSettings) -> None:
        self.settings = settings
        self.pushed_out = 0
        self._entries: dict[str, _Entry] = {}
        self._last: dict[str, str] = {}
        self._due_us = 0

    def add(self, message: Message) -> None:
        """Takes in a message; the same identifier again replaces it."""
        if message.sent_us >= self._due_us:  # also while nobody reads the feed
            self._expire(message.sent_us)
            self._due_us = message.sent_us + LOOK_US
        text = text_for(message, self.settings.language)
        self._entries.pop(message.identifier, None)
        self._entries[message.identifier] = _Entry(
            message.identifier,
            message.sent_us,
            message.expires_us,
            message.level,
            message.msg_type,
            text.language,
            text.headline,
            f"{text.description} {text.instruction}",
            message.xml,
        )
        self._last[message.incident] = message.identifier
        while len(self._entries) > self.settings.limit:
            del self._entries[next(iter(self._entries))]
            self.pushed_out += 1

    def alert(self, identifier: str) -> bytes | None:
        """The CAP message of an identifier, or nothing when it is unknown or gone."""
        entry = self._entries.get(identifier)
        return None if entry is None else entry.xml

    def atom(self, now_us: int, base_url: str = "") -> bytes:
        """The feed document as of now_us (us since 1970-01-01 UTC); expired messages leave it.

        base_url: where it is served, when the settings do not say.
        """
        base_url = self.settings.base_url or base_url
        self._expire(now_us)
        listed = [self._entries[last] for last in self._last.values()]
        listed.sort(key=lambda entry: (-entry.sent_us, entry.identifier))
        settings = self.settings
        root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM, "cap": CAP})
        _add(root, "id", f"{base_url}/cap.atom")
        _add(root, "title", settings.title)
        _add(root, "updated", _time(listed[0].sent_us if listed else now_us))
        _add(_add(root, "author"), "name", settings.author)
        _add(root, "link", rel="self", type="application/atom+xml", href=f"{base_url}/cap.atom")
        for entry in listed:
            self._entry(root, entry, base_url)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _expire(self, now_us: int) -> None:
        for identifier in [entry.identifier for entry in self._entries.values() if entry.expires_us <= now_us]:
            del self._entries[identifier]
        for incident in [incident for incident, last in self._last.items() if last not in self._entries]:
            del self._last[incident]

    def _entry(self, root: Any, entry: _Entry, base_url: str) -> None:
        address = f"{base_url}/cap/{quote(entry.identifier, safe='')}"
        element = _add(root, "entry")
        element.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
        _add(element, "id", address)
        _add(element, "title", entry.title)
        _add(element, "updated", _time(entry.sent_us))
        _add(element, "published", _time(entry.sent_us))
        _add(element, "summary", entry.summary)
        _add(element, "category", term=entry.level)
        _add(element, "link", rel="alternate", type=CAP_TYPE, href=address)
        for name, value in (("msgType", entry.msg_type), ("expires", _time(entry.expires_us))):
            etree.SubElement(element, f"{{{CAP}}}{name}").text = value


def _add(parent: Any, tag: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{ATOM}}}{tag}", attributes)
    if text is not None:
        element.text = text
    return element


def _time(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
