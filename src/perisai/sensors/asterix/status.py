"""What systems say of their sensors: categories 063 and 034 (EUROCONTROL-SPEC-0149 parts 10 and 2b)."""

from datetime import date

import numpy as np

from perisai.model import HealthState, SensorHealth

from ..imported import to_us
from .clock import times
from .records import Records

_DOWN = ("060/PSR", "060/SSR", "060/MDS", "060/ADS", "060/MLT")
_STRAINED = ("060/ODP", "060/OXT", "060/TSV", "060/NPW")
_RADAR_STRAINED = ("050/COM/OVLRDP", "050/COM/OVLXMT", "050/COM/TSV")
ITEMS = {
    63: frozenset(("010/SAC", "010/SIC", "030", "050/SAC", "050/SIC", "060/CON", "060/OPS", *_DOWN, *_STRAINED)),
    34: frozenset(("050/COM/NOGO", *_RADAR_STRAINED)),
}
"""What is read of each category; of 034 beside what its turns need."""

_CONNECTION: tuple[HealthState, ...] = ("ok", "degraded", "degraded", "off")


def sensor_status(records: Records, day: date) -> list[SensorHealth]:
    """The state of each sensor that a system of category 063 reports on: the last one of each in these records."""
    time_us = _times(records, day)
    sac, sic = records.field("050/SAC"), records.field("050/SIC")
    connection = records.field("060/CON")
    found: dict[str, SensorHealth] = {}
    for row in np.flatnonzero(~np.isnan(sac) & ~np.isnan(connection)).tolist():
        state = _CONNECTION[int(connection[row])]
        parts = [path[4:] for path in _DOWN if records.field(path)[row] == 1]
        strained = [path[4:] for path in _STRAINED if records.field(path)[row] == 1]
        detail = [f"{', '.join(parts)} not in operation"] if parts else []
        detail += [f"{', '.join(strained)} reported"] if strained else []
        if records.field("060/OPS")[row] == 1:
            state = "failed"
            detail.append("operational use inhibited")
        if state == "ok" and detail:
            state = "degraded"
        name = f"{int(sac[row])}/{int(sic[row])}"
        found[name] = SensorHealth(sensor=name, time_us=int(time_us[row]), state=state, detail="; ".join(detail))
    return list(found.values())


def radar_status(records: Records, day: date) -> list[SensorHealth]:
    """The state of each radar from its service messages (category 034), where they hold it."""
    time_us = _times(records, day)
    inhibited = records.field("050/COM/NOGO")
    strained = np.zeros(len(records), bool)
    for path in _RADAR_STRAINED:
        strained |= records.flag(path)
    sources = records.sources()
    found: dict[str, SensorHealth] = {}
    for row in np.flatnonzero(~np.isnan(inhibited) & (sources != "")).tolist():
        state: HealthState = "failed" if inhibited[row] == 1 else "degraded" if strained[row] else "ok"
        detail = (
            "operational use inhibited" if state == "failed" else "overload or no valid time" if strained[row] else ""
        )
        found[sources[row]] = SensorHealth(sensor=sources[row], time_us=int(time_us[row]), state=state, detail=detail)
    return list(found.values())


def _times(records: Records, day: date) -> np.ndarray:
    told = to_us(times(records.field("030"), records.received_us, day))
    return np.where(np.isnan(records.field("030")) & records.timed, records.received_us, told)
