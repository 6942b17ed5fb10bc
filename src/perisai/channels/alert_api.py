"""The JSON that today's Ukrainian alert apps read, so that they work with another address alone.

Shapes: alerts.in.ua API v1 and v2, as its public client (PyPI alerts-in-ua 0.4.0) reads them. Beyond them every alert
carries `eta_s`, `arrival_at` and `probability`, and the level of alerts.in.ua: `yellow` is a watch, `red` an alarm.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

import msgspec

from perisai.model import Alert, Areas

from .alert_locations import OBLAST, RAION, Location, by_stem, locations, place_parts, stem

SECOND_US = 1_000_000
PERIODS_US = {"week_ago": 7 * 86_400 * SECOND_US, "month_ago": 31 * 86_400 * SECOND_US}
OBLAST_ORDER = (29, 8, 4, 9, 28, 10, 11, 12, 13, 31, 14, 15, 16, 27, 17, 18, 19, 5, 30, 20, 21, 22, 23, 3, 24, 26, 25)
"""Uids in the order of the characters of `active_air_raid_alerts_by_oblast`."""
LEVELS = {"watch": "yellow", "alarm": "red"}

MAX_ANSWERS = 500
"""Answers kept until the next update."""

History = Callable[[int], Iterable[Alert]]
"""Alerts that were active at or after a time (us since 1970-01-01 UTC), from the recording."""


class AlertApiSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="alert_api"
):
    """watches: whether a watch is an alert to apps that know one level only; else they see alarms alone.

    disclaimer: a sentence that goes with every list. tokens: who may ask; anybody when empty. per_minute: questions
    that one address may ask.
    """

    name: str = ""
    tokens: tuple[str, ...] = ()
    per_minute: int = 600
    watches: bool = True
    disclaimer: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer over HTTP: status, JSON body (empty with 304) and headers."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class AlertApi:
    """Answers for `/v1/...` and `/v2/...` from the alerts that are on.

    areas: those alerts are raised for; a place is active when all areas in it are, and partly when some are.
    mode: anything but actual goes into the notes and the disclaimer of every list.
    """

    def __init__(self, areas: Areas, settings: AlertApiSettings, mode: str = "actual", history: History | None = None):
        self._areas, self._settings, self._mode, self._history = areas, settings, mode, history
        self._index = {code: index for index, code in enumerate(areas.code)}
        self._own = frozenset(stem(code) for code in areas.code)
        self._answered: dict[str, Answer] = {}
        self._members = Counter(part for code in areas.code for part in place_parts(code))
        self._alerts: list[Alert] = []
        self._now_us = self._changed_us = 0
        self._red: Counter[str] = Counter()
        self._any: Counter[str] = Counter()

    def update(self, alerts: Sequence[Alert], now_us: int) -> None:
        """Takes in the alerts that are on at now_us (us since 1970-01-01 UTC)."""
        ordered = sorted(alerts, key=lambda alert: (alert.start_us, alert.identifier))
        if ordered != self._alerts or not self._changed_us:
            self._changed_us = max(now_us, self._changed_us + SECOND_US)
        self._alerts, self._now_us = ordered, now_us
        self._answered.clear()
        red = {alert.area for alert in alerts if alert.level == "alarm"}
        known = {alert.area for alert in alerts}
        self._red = Counter(part for code in red for part in place_parts(code))
        self._any = Counter(part for code in known for part in place_parts(code))

    def answer(self, path: str, if_modified_since: str = "") -> Answer:
        """The answer to GET `path` (`/v1/alerts/active.json`, ...); the caller has checked who asks.

        Lists and states change when an alert does, to the second: If-Modified-Since gets 304 when nothing has.
        """
        known = self._answered.get(path)
        if known is None:
            known = self._answered[path] = self._answer(path)
            while len(self._answered) > MAX_ANSWERS:
                del self._answered[next(iter(self._answered))]
        if known.status == 200 and if_modified_since and not _later(self._changed_us, if_modified_since):
            return Answer(304, b"", known.headers)
        return known

    def _answer(self, path: str) -> Answer:
        parts = path.strip("/").split("/")
        if len(parts) < 3 or parts[0] not in ("v1", "v2") or not parts[-1].endswith(".json"):
            return _error(404, f"no such address: {path}")
        changed = formatdate(self._changed_us // SECOND_US, usegmt=True)
        headers = {"Content-Type": "application/json; charset=utf-8", "Last-Modified": changed}
        body = self._body([*parts[1:-1], parts[-1][: -len(".json")]], two=parts[0] == "v2")
        return _error(404, f"no such address: {path}") if body is None else Answer(200, body, headers)

    def _body(self, parts: list[str], *, two: bool) -> bytes | None:
        match parts:
            case ["alerts", "active"]:
                return self._list(self._alerts)
            case ["regions", uid, "alerts", period] if period in PERIODS_US:
                return self._past(uid, PERIODS_US[period])
            case ["iot", "active_air_raid_alerts"]:
                return msgspec.json.encode(self._by_uid(two=two))
            case ["iot", "active_air_raid_alerts_by_oblast"]:
                places = {location.uid: location for location in locations()}
                return msgspec.json.encode("".join(self._state(places[uid].stem, two=two) for uid in OBLAST_ORDER))
            case ["iot", "active_air_raid_alerts", uid]:
                place = _place(uid)
                return None if place is None else msgspec.json.encode(self._state(place.stem, two=two))
            case _:
                return None

    def _state(self, place: str, *, two: bool) -> str:
        """A: on everywhere in the place (v2: R red, Y yellow), P: in a part of it, N: nowhere."""
        above = [part for part in place_parts(place) if part in self._own]
        members = self._members[place]
        red, known = self._red[place], self._any[place]
        if not two and not self._settings.watches:
            known = red
        all_red = bool(members and red == members) or any(self._red[part] for part in above)
        all_known = bool(members and known == members) or any(self._any[part] for part in above)
        if all_red:
            return "R" if two else "A"
        if all_known and (two or self._settings.watches):
            return "Y" if two else "A"
        return "P" if known else "N"

    def _by_uid(self, *, two: bool) -> str:
        states = {location.uid: self._state(location.stem, two=two) for location in locations()}
        return "".join(states.get(uid, " ") for uid in range(max(states) + 1))

    def _past(self, uid: str, period_us: int) -> bytes | None:
        place = _place(uid)
        if place is None:
            return None
        past = self._history(self._now_us - period_us) if self._history else self._alerts
        inside = [alert for alert in past if stem(alert.area).startswith(place.stem)]
        return self._list(sorted(inside, key=lambda alert: (-alert.start_us, alert.identifier)))

    def _list(self, alerts: Iterable[Alert]) -> bytes:
        shown = [alert for alert in alerts if self._settings.watches or alert.level == "alarm"]
        notice = "" if self._mode == "actual" else f"{self._mode.upper()}: not an actual alert. "
        return msgspec.json.encode(
            {
                "alerts": [self._record(alert, notice) for alert in shown],
                "meta": {"last_updated_at": _time(self._changed_us).strftime("%Y/%m/%d %H:%M:%S %z"), "type": "full"},
                "disclaimer": notice + self._settings.disclaimer,
            }
        )

    def _record(self, alert: Alert, notice: str) -> dict[str, object]:
        place = stem(alert.area)
        known = by_stem()
        own, oblast, raion = known.get(place), known.get(place[:OBLAST]), known.get(place[:RAION])
        index = self._index.get(alert.area)
        english = alert.area if index is None else self._areas.name(index, "en")
        level, started = LEVELS[alert.level], _stamp(alert.start_us)
        arrival_us = None if alert.eta_s is None else alert.start_us + round(alert.eta_s * SECOND_US)
        end_us = alert.end_us
        return {
            "id": int.from_bytes(hashlib.sha256(alert.identifier.encode()).digest()[:6], "big"),
            "identifier": alert.identifier,
            "location_title": own.title if own else (alert.area if index is None else self._areas.name(index, "uk")),
            "location_title_en": english,
            "location_type": own.level if own else "hromada",
            "location_uid": str(own.uid) if own else alert.area,
            "location_oblast": oblast.title if oblast else None,
            "location_oblast_uid": oblast.uid if oblast else None,
            "location_raion": raion.title if raion and len(place) > RAION else None,
            "started_at": started,
            "finished_at": None if end_us is None else _stamp(end_us),
            "updated_at": _stamp(self._changed_us if end_us is None else end_us),
            "alert_type": "air_raid",
            "alert_level": level,
            "threats": [
                {"threat_type": alert.threat, "level": level, "started_at": started, "source_message": alert.reason}
            ],
            "notes": notice or None,
            "country": None,
            "calculated": False,
            "eta_s": None if arrival_us is None else max(0, (arrival_us - self._now_us) // SECOND_US),
            "arrival_at": None if arrival_us is None else _stamp(arrival_us),
            "probability": round(alert.probability, 3),
        }


def refused(status: int, message: str) -> Answer:
    """The answer to one who may not ask: 401 without a token, 403, or 429 for too many requests."""
    return _error(status, message)


def _place(uid: str) -> Location | None:
    return next((location for location in locations() if str(location.uid) == uid), None)


def _later(changed_us: int, header: str) -> bool:
    try:
        return changed_us // SECOND_US > parsedate_to_datetime(header).timestamp()
    except ValueError:
        return True


def _error(status: int, message: str) -> Answer:
    return Answer(status, msgspec.json.encode({"message": message}), {"Content-Type": "application/json"})


def _time(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // SECOND_US, UTC)


def _stamp(time_us: int) -> str:
    return _time(time_us).strftime("%Y-%m-%dT%H:%M:%S.000Z")
