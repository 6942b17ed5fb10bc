"""What sirens say of themselves, read back over MQTT: whether they sound, which order they follow, what ails them.

PREFIX/AREA/siren/report or PREFIX/AREA/siren/report/NAME, retained: `SirenReport` as JSON, or one of the words ON, OFF
and lost. No sockets and no clock of its own.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import msgspec

from perisai.model import NOT_JSON

MAX_BYTES = 1024
MOST_SIRENS = 100_000
EACH_S = 0.2
"""A siren that reports more often than this, ten at once let through, is not listened to meanwhile."""

AT_ONCE = 10
REPEAT_S = 60.0
"""How often a siren repeats what it said."""

SILENT_US = 300_000_000
WORDS = {b"ON": "on", b"OFF": "off", b"lost": "lost"}
State = Literal["on", "off", "lost"]


class SirenReport(msgspec.Struct, frozen=True):
    """state: sounds, is quiet, or its line is cut (its last will). order: identifier of the message that it follows,
    empty where none stands. fault: why its hardware does not do so, empty while it does."""

    state: State
    order: str = ""
    fault: str = ""


class SirenTold(msgspec.Struct, frozen=True, kw_only=True):
    """A siren as it stands. name: empty where an area has one only. state: `silent` when nothing was heard for five
    minutes. follows: whether `order` is what stands for its area; None where it does not tell its order. age_s: since
    it was heard, None when only the broker's memory of it is known."""

    area: str
    name: str
    state: Literal["on", "off", "lost", "silent"]
    order: str
    follows: bool | None
    fault: str
    age_s: float | None


class _Kept(msgspec.Struct):
    report: SirenReport
    tells_order: bool
    heard_us: int
    tokens: float
    at_us: int


class SirenReports:
    """All sirens of one broker. rejects: reports refused, by reason; reports: those taken."""

    def __init__(self, prefix: str, areas: Mapping[str, str]) -> None:
        """areas: level of the topic -> code of the area."""
        self.reports, self.rejects = 0, Counter[str]()
        self._prefix, self._areas = f"{prefix}/", areas
        self._sirens: dict[tuple[str, str], _Kept] = {}
        self._begun_us = 0

    def hear(self, topic: str, payload: bytes, now_us: int, *, kept: bool = False) -> None:
        """A report as it came. kept: the broker remembered it, nobody knows since when."""
        self._begun_us = self._begun_us or now_us
        level, _, name = topic.removeprefix(self._prefix).partition("/siren/report")
        area, name = self._areas.get(level, ""), name.removeprefix("/")
        if not area or len(name) > 64:
            self.rejects["siren of no area"] += 1
            return
        if len(payload) > MAX_BYTES:
            self.rejects["siren report too large"] += 1
            return
        known = self._sirens.get((area, name))
        if known is None and len(self._sirens) >= MOST_SIRENS:
            self.rejects["too many sirens"] += 1
            return
        tokens = AT_ONCE if known is None else min(AT_ONCE, known.tokens + (now_us - known.at_us) / EACH_S / 1e6)
        if known is not None and tokens < 1.0:
            known.tokens, known.at_us = max(0.0, tokens), now_us
            self.rejects["too many siren reports"] += 1
            return
        try:
            word = WORDS.get(payload)
            report = msgspec.convert({"state": word}, SirenReport) if word else _READ.decode(payload)
        except NOT_JSON:
            self.rejects["siren report not understood"] += 1
            return
        report = msgspec.structs.replace(report, order=report.order[:200], fault=report.fault[:200])
        tells = report.state != "lost" and not word
        self._sirens[area, name] = _Kept(report, tells, 0 if kept else now_us, tokens - 1.0, now_us)
        self.reports += 1

    def standing(self, orders: Mapping[str, str], now_us: int) -> list[SirenTold]:
        """Every siren that was heard of. orders: area -> identifier of the message that stands there."""
        return [self._told(*key, kept, orders, now_us) for key, kept in sorted(self._sirens.items())]

    def _told(self, area: str, name: str, kept: _Kept, orders: Mapping[str, str], now_us: int) -> SirenTold:
        report = kept.report
        silent = report.state != "lost" and now_us - (kept.heard_us or self._begun_us) > SILENT_US
        return SirenTold(
            area=area,
            name=name,
            state="silent" if silent else report.state,
            order=report.order,
            follows=report.order == orders.get(area, "") if kept.tells_order else None,
            fault=report.fault,
            age_s=round((now_us - kept.heard_us) / 1e6, 1) if kept.heard_us else None,
        )


_READ = msgspec.json.Decoder(SirenReport)
