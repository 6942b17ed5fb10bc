"""An alert: one area at one level for one span of time, and how it changes."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from .table import build

Level = Literal["watch", "alarm"]
Threat = Literal["drone", "cruise", "ballistic", "glide_bomb", "aircraft", "other"]
Mode = Literal["actual", "exercise", "test"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One area and span of one level, as in the alerts table; times in microseconds since 1970-01-01 UTC.

    identifier: of the first CAP message of the span; no spaces, commas or markup (CAP 1.2, 3.2.1).
    end_us: null while active. eta_s: median time to arrival at the start, s. reason: one sentence.
    """

    identifier: str
    area: str
    level: Level
    threat: Threat
    start_us: int
    end_us: int | None = None
    eta_s: float | None = None
    probability: float = 0.0
    tracks: tuple[int, ...] = ()
    reason: str = ""

    @property
    def key(self) -> tuple[int, str, str]:
        """What tells a span from any other, in the order of the alerts table."""
        return self.start_us, self.area, self.level


class AlertChange(msgspec.Struct, frozen=True):
    """What happened to an alert at a beat: it was raised, updated (threat, arrival, tracks, renewal) or ended.

    at_us: the end of the frame that caused it. follows: identifier of the span of the other level in the same area
    that this one continues without an all-clear between (watch to alarm and back), or empty.
    """

    kind: Literal["raised", "updated", "ended"]
    alert: Alert
    at_us: int
    follows: str = ""


def alerts_table(alerts: Iterable[Alert]) -> Any:
    """Alerts as a table of the schema `alerts`, by start, area and level."""
    rows = sorted(alerts, key=lambda alert: (alert.start_us, alert.area, alert.level))
    return build(
        "alerts",
        {
            "identifier": [a.identifier for a in rows],
            "area": [a.area for a in rows],
            "level": [a.level for a in rows],
            "threat": [a.threat for a in rows],
            "start": [a.start_us for a in rows],
            "end": [a.end_us for a in rows],
            "eta_s": [a.eta_s for a in rows],
            "probability": [a.probability for a in rows],
            "tracks": [list(a.tracks) for a in rows],
            "reason": [a.reason for a in rows],
        },
    )
