"""What an importer gives: detections, what was counted, and what was refused and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import SensorHealth, build, empty

MAX_SPEED_MPS = 15_000.0
ALTITUDE_M = (-1_000.0, 1_000_000.0)
UNKNOWN_US = np.iinfo(np.int64).min
CENTURIES_S = 7.3e9


@dataclass(frozen=True, slots=True)
class Imported:
    """`table`: detections. `counts`: records met, by category or kind. `rejects`: records refused, by reason.

    `health`: what sensors said of themselves, in the order in which they said it.
    """

    table: pa.Table
    counts: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    health: tuple[SensorHealth, ...] = ()


def to_us(seconds: np.ndarray) -> np.ndarray:
    """Seconds since 1970 UTC, float64 (n,), as int64 microseconds; NaN and what is centuries away become unknown."""
    known = np.isfinite(seconds) & (np.abs(seconds) < CENTURIES_S)
    return np.where(known, np.rint(np.where(known, seconds, 0.0) * 1e6), UNKNOWN_US).astype(np.int64)


def repeated(*keys: np.ndarray) -> np.ndarray:
    """True where an earlier row has the same keys; each (n,), rows with a NaN among their keys are never repeated."""
    n = keys[0].size
    order = np.lexsort((np.arange(n), *keys))
    same = np.ones(max(n - 1, 0), bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    result = np.zeros(n, bool)
    result[order[1:]] = same
    return result


class Sieve:
    """Rows that are still wanted; each one refused is counted under the first reason that strikes it."""

    def __init__(self, n: int, rejects: Counter[str]) -> None:
        self.keep = np.ones(n, bool)
        self.rejects = rejects

    def refuse(self, mask: np.ndarray, reason: str) -> None:
        """Drop the rows where the mask (n,) is true."""
        struck = int(np.count_nonzero(self.keep & mask))
        if struck:
            self.rejects[reason] += struck
            self.keep &= ~mask


def detections(columns: Mapping[str, Any], rejects: Counter[str]) -> pa.Table:
    """A detections table of those rows that are in range; the others are counted.

    columns: arrays or lists (n,) named as in the schema, times int64 microseconds (the smallest int64: unknown), NaN
    where unknown. Azimuths are brought to 0..360. A row with a latitude must have a longitude and the reverse.
    """
    n = len(columns["time"]) if columns else 0
    if n == 0:
        return empty("detections")
    full = dict(columns)
    for name, values in full.items():
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            full[name] = values.astype(np.float64)
    sieve = Sieve(n, rejects)
    for mask, reason in _faults(full, n):
        sieve.refuse(mask, reason)
    azimuth = full.get("azimuth_deg")
    if azimuth is not None:
        full["azimuth_deg"] = np.mod(azimuth, 360.0, where=np.isfinite(azimuth), out=azimuth.copy())
    table = build("detections", full)
    return table if sieve.keep.all() else table.filter(pa.array(sieve.keep))


def _faults(columns: Mapping[str, Any], n: int) -> list[tuple[np.ndarray, str]]:
    nothing = np.full(n, np.nan)
    lat, lon = columns.get("lat", nothing), columns.get("lon", nothing)
    distance, azimuth = columns.get("range_m", nothing), columns.get("azimuth_deg", nothing)
    alt = columns.get("alt_m", nothing)
    faults = [
        (np.asarray(columns["time"]) == UNKNOWN_US, "time unknown"),
        (np.isnan(lat) != np.isnan(lon), "half a position"),
        ((np.abs(lat) > 90.0) | (np.abs(lon) > 180.0), "position out of range"),
        ((distance < 0.0) | np.isinf(distance) | np.isinf(azimuth), "range or azimuth out of range"),
        (~np.isnan(distance) & np.isnan(azimuth), "range without azimuth"),
        ((alt < ALTITUDE_M[0]) | (alt > ALTITUDE_M[1]), "altitude out of range"),
    ]
    speeds = (columns[name] for name in ("ve_mps", "vn_mps", "vu_mps", "range_rate_mps") if name in columns)
    return faults + [(np.abs(speed) > MAX_SPEED_MPS, "speed out of range") for speed in speeds]
