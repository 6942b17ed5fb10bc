"""The life cycle of CAP messages: Alert, then Updates while it lasts, then Cancel with AllClear."""

import math
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from lxml import etree

from perisai.model import Alert, AlertChange, Areas, BadInputError, Mode, Threat

from .cap_area import circle, polygons
from .cap_message import Area, CapMessage, Classification, MessageType, Reference, classify, clean, render
from .cap_settings import CapSettings
from .cap_signer import Signer
from .texts import Catalogue, Situation
from .texts_cell import cell_text

SECOND_US = 1_000_000
MAX_REFERENCES = 20
_UNSAFE = frozenset(" \t\n\r,<&")


class _Told(msgspec.Struct, frozen=True):
    """What people were last told."""

    threat: Threat
    classification: Classification
    arrival_us: int | None


class _Open(msgspec.Struct):
    """A span whose all-clear is not yet sent. serial: messages sent of this span. sent: of its whole life cycle.

    lowered: the span came down from an alarm.
    """

    incident: str
    alert: Alert
    arrival_us: int | None
    told: _Told
    sent: list[Reference]
    lowered: bool = False
    serial: int = 0


class _State(msgspec.Struct):
    mode: Mode
    sender: str
    spans: dict[str, _Open]


class CapWriter:
    """Turns what happened to alerts into CAP 1.2 messages, and renews those that are about to expire.

    No clock and no chance: identifiers come from the alerts', `sent` from the end of the frame, so the same changes
    give the same messages (an EC signature aside). mode: `exercise` and `test` are marked in status and in every text.
    rejects: changes without a message, by reason. Raises BadInputError when a language has no catalogue.
    """

    def __init__(self, areas: Areas, settings: CapSettings, mode: Mode = "actual", signer: Signer | None = None):
        self.rejects: Counter[str] = Counter()
        self._areas, self._settings, self._signer = areas, settings, signer
        self._mode: Mode = mode
        self._index = {code: index for index, code in enumerate(areas.code)}
        self._catalogues = [Catalogue(language, settings.catalogues) for language in settings.languages]
        self._zone = ZoneInfo(settings.time_zone)
        self._drawn: dict[str, Area] = {}
        self._spans: dict[str, _Open] = {}

    def step(self, changes: list[AlertChange], end_us: int) -> list[CapMessage]:
        """The messages of one frame, in the order of the changes, renewals last.

        A span that another one follows (watch to alarm and back) ends without an all-clear; the new one is an Update
        of the same incident. An update that would tell people nothing new is kept for the next renewal.
        end_us: end of the frame, us since 1970-01-01 UTC. Raises BadInputError for an area that is not known or an
        identifier that CAP does not allow (3.2.1: no spaces, commas, `<` or `&`).
        """
        followed = {change.follows for change in changes if change.kind == "raised" and change.follows}
        messages: list[CapMessage] = []
        for change in changes:
            message = self._message(change, followed, end_us)
            if message is not None:
                messages.append(message)
        renew_us = end_us + round(self._settings.renew_before_s * SECOND_US)
        for identifier in sorted(self._spans):
            span = self._spans[identifier]
            if span.sent[-1].expires_us <= renew_us:
                messages.append(self._send(span, "Update", end_us))
        return messages

    def active(self) -> list[str]:
        """Identifiers of the spans whose all-clear has not been sent."""
        return sorted(self._spans)

    def checkpoint(self) -> bytes:
        """The open life cycles, for `restore`."""
        return msgspec.msgpack.encode(_State(self._mode, self._settings.sender, self._spans))

    @classmethod
    def restore(
        cls, blob: bytes, areas: Areas, settings: CapSettings, mode: Mode = "actual", signer: Signer | None = None
    ) -> "CapWriter":
        """A writer that goes on where the checkpoint was taken.

        Raises BadInputError when it cannot be read or was taken in another mode: an exercise must never go on as real.
        """
        try:
            state = msgspec.msgpack.decode(blob, type=_State)
        except msgspec.DecodeError as error:
            raise BadInputError("CAP checkpoint", str(error), "what CapWriter.checkpoint gave") from error
        if state.mode != mode:
            raise BadInputError("CAP checkpoint: mode", state.mode, f"{mode}, the mode of this writer")
        writer = cls(areas, settings, mode, signer)
        writer._spans = state.spans
        return writer

    def _message(self, change: AlertChange, followed: set[str], end_us: int) -> CapMessage | None:
        alert = change.alert
        span = self._spans.get(alert.identifier)
        if change.kind == "ended":
            if alert.identifier in followed:
                return None
            if span is None:
                self.rejects["ended_without_open_message"] += 1
                return None
            del self._spans[alert.identifier]
            span.alert = alert
            return self._send(span, "Cancel", end_us)
        if span is None:
            span = self._open(change)
            return self._send(span, "Update" if span.sent else "Alert", end_us)
        span.alert, span.arrival_us = alert, _arrival_us(alert)
        return self._send(span, "Update", end_us) if self._news(span, end_us) else None

    def _open(self, change: AlertChange) -> _Open:
        alert = change.alert
        if not alert.identifier or any(character in _UNSAFE for character in alert.identifier):
            raise BadInputError("alert: identifier", repr(alert.identifier), "no spaces, commas, < or & (CAP 1.2)")
        if alert.area not in self._index:
            raise BadInputError(f"alert {alert.identifier}: area", repr(alert.area), "a code of the areas file")
        before = self._spans.pop(change.follows, None) if change.follows else None
        incident = before.incident if before else alert.identifier
        lowered = before is not None and before.alert.level == "alarm" and alert.level == "watch"
        arrival_us = _arrival_us(alert)
        told = _Told(alert.threat, Classification("Unknown", "Unknown", "Unknown"), arrival_us)
        span = _Open(incident, alert, arrival_us, told, list(before.sent) if before else [], lowered)
        self._spans[alert.identifier] = span
        return span

    def _news(self, span: _Open, end_us: int) -> bool:
        """Whether people would read anything new: threat or classification, or an arrival that moved."""
        told, now = span.told, self._tell(span, end_us)
        if (told.threat, told.classification) != (now.threat, now.classification):
            return True
        if told.arrival_us is None or now.arrival_us is None:
            return told.arrival_us is not now.arrival_us
        return abs(told.arrival_us - now.arrival_us) > self._settings.arrival_change_s * SECOND_US

    def _tell(self, span: _Open, end_us: int) -> _Told:
        alert, near_s = span.alert, self._settings.shelter_s
        arrival_s = None if span.arrival_us is None else (span.arrival_us - end_us) / SECOND_US
        return _Told(
            alert.threat, classify(alert.level, alert.threat, alert.probability, arrival_s, near_s), span.arrival_us
        )

    def _send(self, span: _Open, kind: MessageType, end_us: int) -> CapMessage:
        alert, settings = span.alert, self._settings
        sent_us = end_us // SECOND_US * SECOND_US
        span.told = self._tell(span, end_us)
        level = "clear" if kind == "Cancel" else alert.level
        arrival_us = None if level == "clear" else span.arrival_us
        situation = Situation(
            level=level,
            threat=alert.threat,
            mode=self._mode,
            lowered=span.lowered,
            arrival_s=None if arrival_us is None else (arrival_us - sent_us) / SECOND_US,
            arrival=None if arrival_us is None else datetime.fromtimestamp(arrival_us // SECOND_US, self._zone),
        )
        area = self._area(alert.area)
        texts = tuple(
            catalogue.render(situation, name) for catalogue, name in zip(self._catalogues, area.names, strict=True)
        )
        validity_s = settings.all_clear_validity_s if level == "clear" else settings.validity_s
        message = CapMessage(
            identifier=f"{alert.identifier}.{span.serial}" if span.serial else alert.identifier,
            incident=span.incident,
            alert=alert.identifier,
            area=alert.area,
            level=level,
            threat=alert.threat,
            mode=self._mode,
            msg_type=kind,
            sent_us=sent_us,
            expires_us=sent_us + round(validity_s) * SECOND_US,
            references=_still_standing(span.sent, sent_us),
            arrival_us=arrival_us,
            texts=texts,
            cell=tuple(cell_text(text) for text in texts),
            xml=b"",
        )
        span.serial += 1
        span.sent.append(Reference(message.identifier, message.sent_us, message.expires_us))
        del span.sent[: -MAX_REFERENCES - 1]
        classification = span.told.classification
        if level == "clear":
            classification = classify("clear", alert.threat, alert.probability, None, settings.shelter_s)
        root = render(
            message,
            area,
            classification,
            settings,
            note=self._catalogues[0].note(self._mode),
            reason=alert.reason,
            probability=alert.probability,
        )
        if self._signer is not None:
            root = self._signer.sign(root)
        return msgspec.structs.replace(message, xml=etree.tostring(root, xml_declaration=True, encoding="UTF-8"))

    def _area(self, code: str) -> Area:
        drawn = self._drawn.get(code)
        if drawn is None:
            index = self._index[code]
            drawn = self._drawn[code] = Area(
                code,
                tuple(self._name(index, language) for language in self._settings.languages),
                tuple(polygons(self._areas.geometry[index], self._settings.tolerance_m)),
                circle(
                    float(self._areas.lat[index]), float(self._areas.lon[index]), float(self._areas.radius_m[index])
                ),
            )
        return drawn

    def _name(self, index: int, language: str) -> str:
        primary = language.split("-", maxsplit=1)[0]
        name = clean(self._areas.name(index, primary))
        for ending, form in self._settings.area_forms.get(primary, {}).items():
            if name.endswith(ending):
                return form.replace("{name}", name)
        return name


def _still_standing(sent: list[Reference], now_us: int) -> tuple[Reference, ...]:
    """The messages that people may still see, the last one always, oldest first."""
    standing = [one for one in sent[:-1] if one.expires_us > now_us] + sent[-1:]
    return tuple(standing[-MAX_REFERENCES:])


def _arrival_us(alert: Alert) -> int | None:
    """When the threat is expected; eta_s counts from the start of the span."""
    eta_s = alert.eta_s
    return None if eta_s is None or math.isnan(eta_s) else alert.start_us + round(eta_s * SECOND_US)
