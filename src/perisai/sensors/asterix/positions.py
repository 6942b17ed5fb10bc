"""Positions of categories 021 (ADS-B reports) and 062 (system tracks), with velocity.

EUROCONTROL-SPEC-0149 part 12 (021, editions 0.23 to 2.7) and part 9 (062).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from perisai.model import Sensor

from ..imported import Sieve, to_us
from ..units import FLIGHT_LEVEL_M, FOOT_M, FOOT_PER_MINUTE_MPS, NAUTICAL_MILE_M
from .clock import times
from .memory import Memory
from .plots import addresses
from .records import Records

_SOURCE = ("010/SAC", "010/SIC")
_RATES = ("155", "155/BVR", "157", "157/GVR")
ITEMS = {
    21: frozenset((*_SOURCE, "040/SIM", "040/TST", "040/RAB", "040/GBS", "030", "071", "073", "075", "077"))
    | frozenset(("080", "090/NACP", "130/LAT", "130/LON", "131/LAT", "131/LON", "140", "145", *_RATES))
    | frozenset(("160/RE", "160/GS", "160/TA")),
    62: frozenset((*_SOURCE, "040", "070", "080/SIM", "080/SFC", "105/LAT", "105/LON", "130", "135/CTB", "136"))
    | frozenset(("185/VX", "185/VY", "220", "380/ADR", "500/APC/X", "500/APC/Y", "500/APW/LAT", "500/APW/LON")),
}
"""What is read of each category."""

EPU_M = {11: 3.0, 10: 10.0, 9: 30.0, 8: 92.6, 7: 185.2, 6: 555.6, 5: 926.0, 4: 1852.0, 3: 3704.0, 2: 7408.0, 1: 18520.0}
"""Navigation accuracy category (NACp) -> radius that holds 95 % of the errors, m (EUROCAE ED-102A, table 2-70)."""

RADIUS_95_PER_SIGMA = 2.448
"""Of a circular normal distribution: sqrt(-2 ln 0.05)."""

METRES_PER_DEGREE = 111_320.0
DEFAULT_PERIOD_S = {10: 1.0, 20: 1.0, 21: 1.0, 62: 4.0, 205: 1.0}


def positions(
    records: Records, sensors: Mapping[str, Sensor], day: date, rejects: Counter[str], memory: Memory
) -> dict[str, Any]:
    """Columns of the detections table for the reports of category 021 or 062.

    Refused and counted: simulated and test targets, field monitors, targets on the ground, no position, no time.
    Altitude: geometric where given, else pressure altitude.
    """
    name = f"category {records.category:03d}"
    adsb = records.category == 21
    lat, lon = records.field("131/LAT", "130/LAT", "105/LAT"), records.field("131/LON", "130/LON", "105/LON")
    tod = records.field("071", "073", "075", "030", "077") if adsb else records.field("070")
    seconds = times(tod, records.received_us, day)
    sources = records.sources()
    flags = "040" if adsb else "080"
    address = records.field("080" if adsb else "380/ADR")
    identity = address if adsb else records.field("040")
    sieve = Sieve(len(records), rejects)
    sieve.refuse(sources == "", f"{name}: no data source")
    sieve.refuse(records.flag(f"{flags}/SIM"), f"{name}: simulated target")
    sieve.refuse(records.flag(f"{flags}/TST"), f"{name}: test target")
    sieve.refuse(records.flag(f"{flags}/RAB"), f"{name}: field monitor")
    sieve.refuse(records.flag("040/GBS") | records.flag("080/SFC"), f"{name}: on ground")
    sieve.refuse(np.isnan(lat) | np.isnan(lon), f"{name}: no position")
    sieve.refuse(np.isnan(seconds), f"{name}: no time of day")
    again = memory.repeated(name, records.code(), seconds, lat, lon, identity)
    sieve.refuse(again, f"{name}: repeated on a second line")
    keep = sieve.keep
    ve, vn = _velocity(records)
    return {
        **booked(records, sources, seconds, identity, sensors, keep, memory),
        "lat": lat[keep],
        "lon": lon[keep],
        "alt_m": _altitude_m(records)[keep],
        "ve_mps": ve[keep],
        "vn_mps": vn[keep],
        "vu_mps": (records.field("157/GVR", "157", "155/BVR", "155", "220") * FOOT_PER_MINUTE_MPS)[keep],
        "sigma_m": _sigma_m(records)[keep],
        "address": addresses(address[keep]),
    }


def booked(
    records: Records,
    sources: np.ndarray,
    seconds: np.ndarray,
    identity: np.ndarray,
    sensors: Mapping[str, Sensor],
    keep: np.ndarray,
    memory: Memory,
) -> dict[str, Any]:
    """Columns time, received, sensor and scan of the records that are kept; seconds: since 1970 UTC."""
    time_us = to_us(seconds)
    return {
        "time": time_us[keep],
        "received": np.where(records.timed, records.received_us, time_us)[keep],
        "sensor": list(sources[keep]),
        "scan": identity_scans(records, sources, time_us, identity, sensors, keep, memory)[keep],
    }


def _velocity(records: Records) -> tuple[np.ndarray, np.ndarray]:
    """East and north, m/s: ground vector of 021/160 (true track angle), or 062/185."""
    if records.category == 62:
        return records.field("185/VX"), records.field("185/VY")
    speed = np.where(records.flag("160/RE"), np.nan, records.field("160/GS") * NAUTICAL_MILE_M)
    angle = np.radians(records.field("160/TA"))
    return speed * np.sin(angle), speed * np.cos(angle)


def _altitude_m(records: Records) -> np.ndarray:
    geometric = records.field("140") if records.category == 21 else records.field("130")
    level = records.field("145") if records.category == 21 else records.field("136", "135/CTB")
    # -32768 in 021/140 says that the height is beyond what the item can hold.
    geometric = np.where(geometric <= -32768 * 6.25, np.nan, geometric)
    return np.where(np.isnan(geometric), level * FLIGHT_LEVEL_M, geometric * FOOT_M)


def _sigma_m(records: Records) -> np.ndarray:
    """1 sigma of each horizontal axis, m: from the navigation accuracy category, or 062/500 estimated accuracy."""
    if records.category == 21:
        category = records.field("090/NACP")
        sigma = np.full(len(records), np.nan)
        for value, epu_m in EPU_M.items():
            sigma[category == value] = epu_m / RADIUS_95_PER_SIGMA
        return sigma
    cartesian = np.sqrt(0.5 * (records.field("500/APC/X") ** 2 + records.field("500/APC/Y") ** 2))
    north = records.field("500/APW/LAT") * METRES_PER_DEGREE
    east = records.field("500/APW/LON") * METRES_PER_DEGREE * np.cos(np.radians(records.field("105/LAT")))
    sigma = np.where(np.isnan(cartesian), np.sqrt(0.5 * (north**2 + east**2)), cartesian)
    return np.where(sigma > 0, sigma, np.nan)


def identity_scans(
    records: Records,
    sources: np.ndarray,
    time_us: np.ndarray,
    identity: np.ndarray,
    sensors: Mapping[str, Sensor],
    keep: np.ndarray,
    memory: Memory,
) -> np.ndarray:
    """Scans of records whose targets are told apart: an ADS-B target by its address, a system track by its number."""
    codes = np.where(np.isnan(identity), -1, np.nan_to_num(identity)).astype(np.int64)
    scans = np.zeros(len(records), np.int64)
    for source in sorted(set(sources[keep])):
        own = np.flatnonzero(keep & (sources == source))
        own = own[np.argsort(time_us[own], kind="stable")]
        sensor = sensors.get(source)
        told = sensor.period_s if sensor is not None else None
        period_s = DEFAULT_PERIOD_S[records.category] if told is None else told
        name = f"{records.category}/{source}"
        scans[own] = memory.cooperative_scans(name, int(period_s * 1e6), time_us[own], codes[own])
    return scans
