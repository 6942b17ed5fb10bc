"""Multilateration: target reports of categories 020 (wide area) and 010 (airport surface).

EUROCONTROL-SPEC-0149 part 14 (020) and part 7 (010).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from perisai.model import Sensor

from ..imported import Sieve
from ..units import FLIGHT_LEVEL_M, FOOT_M, NAUTICAL_MILE_M
from .clock import times
from .memory import Memory
from .own_plane import places
from .plots import addresses
from .positions import booked
from .records import Records

_COMMON = (
    "010/SAC",
    "010/SIC",
    "020/RAB",
    "020/GBS",
    "020/SIM",
    "020/TST",
    "041/LAT",
    "041/LON",
    "042/X",
    "042/Y",
    "090/V",
    "090/G",
    "090/FL",
    "140",
    "202/VX",
    "202/VY",
    "220",
)
ITEMS = {
    10: frozenset((*_COMMON, "000", "020/TOT", "040/RHO", "040/TH", "091", "161/TRK", "200/GSP", "200/TRA"))
    | {"500/DEVX", "500/DEVY"},
    20: frozenset((*_COMMON, "105", "110", "161/TRN", "500/SDP/X", "500/SDP/Y")),
}
"""What is read of each category."""

TARGET_REPORT = 1
GROUND_VEHICLE = 2


def targets(
    records: Records, sensors: Mapping[str, Sensor], day: date, rejects: Counter[str], memory: Memory
) -> dict[str, Any]:
    """Columns of the detections table for the target reports of category 010 or 020.

    A position in the system's own plane (042) is placed by where the sensors file has the system. Refused and counted:
    simulated and test targets, field monitors, what is on the ground, no position, no time. Status messages of
    category 010 make no detection.
    """
    name = f"category {records.category:03d}"
    seconds = times(records.field("140"), records.received_us, day)
    sources = records.sources()
    told = records.field("041/LAT"), records.field("041/LON")
    lat, lon = places(told, (records.field("042/X"), records.field("042/Y")), sources, sensors)
    range_m, azimuth_deg = records.field("040/RHO"), records.field("040/TH")
    placed = ~(np.isnan(lat) | np.isnan(lon))
    polar = ~placed & (range_m > 0) & ~np.isnan(azimuth_deg)
    address = records.field("220")
    identity = np.where(np.isnan(address), records.field("161/TRN", "161/TRK"), address)
    sieve = Sieve(len(records), rejects)
    if records.category == 10:
        sieve.keep &= records.field("000") == TARGET_REPORT
    sieve.refuse(sources == "", f"{name}: no data source")
    sieve.refuse(records.flag("020/SIM"), f"{name}: simulated target")
    sieve.refuse(records.flag("020/TST"), f"{name}: test target")
    sieve.refuse(records.flag("020/RAB"), f"{name}: field monitor")
    sieve.refuse(records.flag("020/GBS") | (records.field("020/TOT") == GROUND_VEHICLE), f"{name}: on ground")
    sieve.refuse(~(placed | polar), f"{name}: no position")
    sieve.refuse(np.isnan(seconds), f"{name}: no time of day")
    again = memory.repeated(name, records.code(), seconds, np.where(placed, lat, range_m), lon, identity)
    sieve.refuse(again, f"{name}: repeated on a second line")
    keep = sieve.keep
    ve, vn = _velocity(records)
    return {
        **booked(records, sources, seconds, identity, sensors, keep, memory),
        "lat": np.where(placed, lat, np.nan)[keep],
        "lon": np.where(placed, lon, np.nan)[keep],
        "alt_m": _altitude_m(records)[keep],
        "range_m": np.where(polar, range_m, np.nan)[keep],
        "azimuth_deg": np.where(polar, azimuth_deg, np.nan)[keep],
        "ve_mps": ve[keep],
        "vn_mps": vn[keep],
        "sigma_m": np.where(placed, _sigma_m(records), np.nan)[keep],
        "address": addresses(address[keep]),
    }


def _velocity(records: Records) -> tuple[np.ndarray, np.ndarray]:
    """East and north, m/s: as told (202), else from ground speed and track angle (010/200)."""
    ve, vn = records.field("202/VX"), records.field("202/VY")
    speed, angle = records.field("200/GSP") * NAUTICAL_MILE_M, np.radians(records.field("200/TRA"))
    missing = np.isnan(ve) | np.isnan(vn)
    return np.where(missing, speed * np.sin(angle), ve), np.where(missing, speed * np.cos(angle), vn)


def _altitude_m(records: Records) -> np.ndarray:
    """Geometric (020/105) or measured height (110, 091), else the pressure altitude where the code is good."""
    measured = records.field("105", "110", "091") * FOOT_M
    doubtful = records.flag("090/V") | records.flag("090/G")
    level = np.where(doubtful, np.nan, records.field("090/FL") * FLIGHT_LEVEL_M)
    return np.where(np.isnan(measured), level, measured)


def _sigma_m(records: Records) -> np.ndarray:
    """1 sigma of each horizontal axis, m."""
    x, y = records.field("500/SDP/X", "500/DEVX"), records.field("500/SDP/Y", "500/DEVY")
    sigma = np.sqrt(0.5 * (x**2 + y**2))
    return np.where(sigma > 0, sigma, np.nan)
