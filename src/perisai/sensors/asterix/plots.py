"""Radar plots of categories 001 and 048, with the antenna's turns from 002 and 034.

EUROCONTROL-SPEC-0149 part 2a (001), 2b (002, 034), 4 (048). Slant range and azimuth stay as the radar measured them.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from perisai.model import Sensor

from ..imported import Sieve, to_us
from ..units import FLIGHT_LEVEL_M, NAUTICAL_MILE_M
from .clock import times, truncated_times
from .memory import Memory
from .records import Records

_SOURCE = ("010/SAC", "010/SIC")
_PLOT = (
    *_SOURCE,
    "020/TYP",
    "020/SIM",
    "020/TST",
    "020/RAB",
    "040/RHO",
    "040/THETA",
    "042/X",
    "042/Y",
    "090/V",
    "090/G",
)
_TURN = frozenset((*_SOURCE, "000", "030", "041"))
ITEMS = {
    1: frozenset((*_PLOT, "020/SSRPSR", "090/HGT", "120", "141")),
    2: _TURN,
    34: _TURN,
    48: frozenset((*_PLOT, "090/FL", "120/CAL/D", "120/CAL/CAL", "140", "220")),
}
"""What is read of each category."""

NORTH_MARKER = 1
DEFAULT_PERIOD_S = 6.0


def turns(service: Records, day: date) -> dict[str, tuple[np.ndarray, float]]:
    """Source -> (times of its north markers, s since 1970, in order; period of rotation, s, NaN where not told)."""
    seconds = times(service.field("030"), service.received_us, day)
    sources, kind, period = service.sources(), service.field("000"), service.field("041")
    result: dict[str, tuple[np.ndarray, float]] = {}
    for source in sorted(set(sources)):
        own = sources == source
        north = _distinct(seconds[own & (kind == NORTH_MARKER) & ~np.isnan(seconds)])
        told = period[own & (period > 0)]
        result[source] = (north, float(np.median(told)) if told.size else float("nan"))
    return result


def _distinct(times_s: np.ndarray) -> np.ndarray:
    """Times in order, without those that a second line of the radar repeats within a second."""
    ordered = np.sort(times_s)
    return ordered[np.diff(ordered, prepend=-np.inf) > 1.0]


def plots(
    records: Records, sensors: Mapping[str, Sensor], day: date, rejects: Counter[str], memory: Memory
) -> dict[str, Any]:
    """Columns of the detections table for the plots of category 001 or 048.

    Refused and counted: no detection (a coasted track), simulated and test targets, fixed field monitors, no position.
    """
    name = f"category {records.category:03d}"
    seconds = _seconds(records, memory, day)
    distance_m, azimuth_deg = _polar(records)
    sieve = Sieve(len(records), rejects)
    sources = records.sources()
    kind = records.field("020/SSRPSR") if records.category == 1 else records.field("020/TYP")
    sieve.refuse(sources == "", f"{name}: no data source")
    sieve.refuse(kind == 0, f"{name}: no detection")
    sieve.refuse(records.flag("020/SIM"), f"{name}: simulated target")
    sieve.refuse(records.flag("020/TST"), f"{name}: test target")
    sieve.refuse(records.flag("020/RAB"), f"{name}: field monitor")
    sieve.refuse(np.isnan(distance_m), f"{name}: no position")
    sieve.refuse(np.isnan(seconds), f"{name}: no time of day")
    again = memory.repeated(name, records.code(), seconds, distance_m, azimuth_deg)
    sieve.refuse(again, f"{name}: repeated on a second line")
    keep = sieve.keep
    time_us = to_us(seconds)
    return {
        "time": time_us[keep],
        "received": np.where(records.timed, records.received_us, time_us)[keep],
        "sensor": list(sources[keep]),
        "scan": _scans(sources, seconds, azimuth_deg, sensors, keep, memory)[keep],
        "range_m": distance_m[keep],
        "azimuth_deg": azimuth_deg[keep],
        "alt_m": _altitude_m(records)[keep],
        "range_rate_mps": _range_rate_mps(records)[keep],
        "address": addresses(records.field("220")[keep]),
    }


def addresses(values: np.ndarray) -> list[str | None]:
    """24-bit addresses as six hexadecimal digits; null where NaN."""
    codes, inverse = np.unique(values, return_inverse=True)
    return np.array([None if np.isnan(code) else f"{int(code):06x}" for code in codes], object)[inverse].tolist()


def _seconds(records: Records, memory: Memory, day: date) -> np.ndarray:
    """Seconds since 1970. 001/141 holds the time of day modulo 512 s: it is set beside the receipt or the last turn."""
    if records.category != 1:
        return times(records.field("140"), records.received_us, day)
    reference = np.where(records.timed, records.received_us / 1e6, np.nan)
    sources = records.sources()
    for source, north_s in memory.last_north_s().items():
        reference[(sources == source) & ~records.timed] = north_s
    return truncated_times(records.field("141"), reference)


def _polar(records: Records) -> tuple[np.ndarray, np.ndarray]:
    """Slant range, m, and azimuth, degrees: as measured (040), else from the radar's own Cartesian track (042)."""
    distance, azimuth = records.field("040/RHO"), records.field("040/THETA")
    x, y = records.field("042/X"), records.field("042/Y")
    missing = np.isnan(distance)
    distance = np.where(missing, np.hypot(x, y), distance) * NAUTICAL_MILE_M
    return distance, np.where(missing, np.degrees(np.arctan2(x, y)) % 360.0, azimuth)


def _altitude_m(records: Records) -> np.ndarray:
    """Pressure altitude, m (standard atmosphere); garbled and unvalidated codes are left out."""
    doubtful = records.flag("090/V") | records.flag("090/G")
    return np.where(doubtful, np.nan, records.field("090/FL", "090/HGT") * FLIGHT_LEVEL_M)


def _range_rate_mps(records: Records) -> np.ndarray:
    """Radial speed, m/s, positive when the range grows; the doubtful ones are left out."""
    if records.category == 1:
        return records.field("120") * NAUTICAL_MILE_M
    return np.where(records.flag("120/CAL/D"), np.nan, records.field("120/CAL/CAL"))


def _scans(
    sources: np.ndarray,
    seconds: np.ndarray,
    azimuth_deg: np.ndarray,
    sensors: Mapping[str, Sensor],
    keep: np.ndarray,
    memory: Memory,
) -> np.ndarray:
    scans = np.zeros(len(sources), np.int64)
    for source in sorted(set(sources[keep])):
        own = keep & (sources == source)
        sensor = sensors.get(source)
        nominal_s = DEFAULT_PERIOD_S if sensor is None else sensor.or_default("period_s")
        scans[own] = memory.antenna_scans(source, seconds[own], azimuth_deg[own], nominal_s)
    return scans
