"""The JSON of ukrainealarm.com's API v3, as its apps and PyPI's `ukrainealarm` read it.

Regions are numbered as there (State, District, Community). Beyond that shape every region under alert carries `level`
(watch or alarm), `threat`, `arrivalAt`, `etaSeconds` and `probability`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from perisai.model import Alert, Areas

from .alert_api import AlertApiSettings, Answer, refused
from .alert_locations import Region, place_parts, regions, stem

SECOND_US = 1_000_000
TYPES = {"oblast": "State", "raion": "District", "hromada": "Community"}
HISTORY_US = 30 * 86_400 * SECOND_US
HISTORY_LENGTH = 100
JSON = {"Content-Type": "application/json; charset=utf-8"}


class UkraineAlarmApi:
    """Answers for `/api/v3/...` from the alerts that are on.

    A region is under alert when an area in it is, or one that holds it. mode: outside actual it is said in each name.
    """

    def __init__(
        self,
        areas: Areas,
        settings: AlertApiSettings,
        mode: str = "actual",
        history: Callable[[int], Iterable[Alert]] | None = None,
    ) -> None:
        self._settings, self._mode, self._history = settings, mode, history
        self._english = {stem(code): areas.name(number, "en") for number, code in enumerate(areas.code)}
        self._by_stem = {region.stem: region for region in regions()}
        self._alerts: list[Alert] = []
        self._now_us = 0
        self._index = 0

    def update(self, alerts: Sequence[Alert], now_us: int) -> None:
        """Takes in the alerts that are on at now_us (us since 1970-01-01 UTC)."""
        wanted = [alert for alert in alerts if self._settings.watches or alert.level == "alarm"]
        ordered = sorted(wanted, key=lambda alert: (alert.start_us, alert.identifier))
        if ordered != self._alerts or not self._index:
            self._index = max(self._index + 1, now_us // SECOND_US)
        self._alerts, self._now_us = ordered, now_us

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The answer to GET `path`; the caller has checked who asks."""
        match path.strip("/").split("/"):
            case ["api", "v3", "alerts"]:
                return _json(self._active())
            case ["api", "v3", "alerts", "status"]:
                return _json({"lastActionIndex": self._index})
            case ["api", "v3", "alerts", "regionHistory"]:
                return self._past(query.get("regionId", ""))
            case ["api", "v3", "alerts", number]:
                region = _region(number)
                return refused(404, f"no such region: {number}") if region is None else _json([self._state(region)])
            case ["api", "v3", "regions"]:
                return _json({"states": self._tree()})
            case _:
                return refused(404, f"no such address: {path}")

    def _active(self) -> list[dict[str, object]]:
        """Regions under alert: each area's own, or the nearest above that has a number there."""
        found: dict[str, Region] = {}
        for alert in self._alerts:
            for part in reversed(place_parts(alert.area)):
                region = self._by_stem.get(part)
                if region is not None:
                    found[region.id] = region
                    break
        return [self._state(region) for region in sorted(found.values(), key=lambda one: int(one.id))]

    def _state(self, region: Region) -> dict[str, object]:
        """A region with the alerts in it and in what holds it, the strongest of them told."""
        inside = [
            alert
            for alert in self._alerts
            if stem(alert.area).startswith(region.stem) or region.stem.startswith(stem(alert.area))
        ]
        kind = TYPES[region.level]
        body: dict[str, object] = {
            "regionId": region.id,
            "regionType": kind,
            "regionName": self._marked(region.title),
            "regionEngName": self._marked(self._english.get(region.stem, region.title)),
            "lastUpdate": _stamp(max((alert.start_us for alert in inside), default=self._now_us)),
            "activeAlerts": [],
        }
        if not inside:
            return body
        first_us = min(alert.start_us for alert in inside)
        active = {"regionId": region.id, "regionType": kind, "type": "AIR", "lastUpdate": _stamp(first_us)}
        worst = max(inside, key=lambda alert: (alert.level == "alarm", alert.probability))
        arrivals = [alert.start_us + round(alert.eta_s * SECOND_US) for alert in inside if alert.eta_s is not None]
        arrival_us = min(arrivals, default=None)
        return body | {
            "activeAlerts": [active],
            "level": worst.level,
            "threat": worst.threat,
            "probability": round(worst.probability, 3),
            "arrivalAt": None if arrival_us is None else _stamp(arrival_us),
            "etaSeconds": None if arrival_us is None else max(0, (arrival_us - self._now_us) // SECOND_US),
        }

    def _past(self, number: str) -> Answer:
        region = _region(number)
        if region is None:
            return refused(404, f"no such region: {number}")
        past = self._history(self._now_us - HISTORY_US) if self._history else self._alerts
        inside = [alert for alert in past if stem(alert.area).startswith(region.stem)]
        inside.sort(key=lambda alert: (-alert.start_us, alert.identifier))
        alarms = [
            {
                "regionId": region.id,
                "startDate": _stamp(alert.start_us),
                "endDate": None if alert.end_us is None else _stamp(alert.end_us),
                "duration": None if alert.end_us is None else _duration(alert.end_us - alert.start_us),
                "alertType": "AIR",
                "isContinue": alert.end_us is None,
                "level": alert.level,
            }
            for alert in inside[:HISTORY_LENGTH]
        ]
        return _json([{"regionId": region.id, "regionName": self._marked(region.title), "alarms": alarms}])

    def _tree(self) -> list[dict[str, object]]:
        children: dict[str, list[Region]] = {}
        for region in regions():
            children.setdefault(region.parent, []).append(region)

        def branch(region: Region) -> dict[str, object]:
            return {
                "regionId": region.id,
                "regionName": region.title,
                "regionType": TYPES[region.level],
                "regionChildIds": [branch(child) for child in children.get(region.id, [])],
            }

        return [branch(region) for region in children.get("", [])]

    def _marked(self, name: str) -> str:
        return name if self._mode == "actual" else f"{self._mode.upper()}: {name}"


def _region(number: str) -> Region | None:
    return next((region for region in regions() if region.id == number), None)


def _json(body: object) -> Answer:
    return Answer(200, msgspec.json.encode(body), JSON)


def _stamp(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // SECOND_US, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(span_us: int) -> str:
    minutes, seconds = divmod(span_us // SECOND_US, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
