"""Detections one by one to a table: for formats that come as single messages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import Sensor, empty

from .imported import detections
from .scans import CooperativeScans

FLOATS = (
    "lat",
    "lon",
    "alt_m",
    "range_m",
    "azimuth_deg",
    "elevation_deg",
    "sigma_m",
    "sigma_range_m",
    "sigma_azimuth_deg",
    "sigma_elevation_deg",
    "ve_mps",
    "vn_mps",
    "vu_mps",
    "confidence",
)
DEFAULT_PERIOD_S = 1.0


class Rows:
    """Collects detections and numbers their scans, going on from table to table."""

    def __init__(self, sensors: Sequence[Sensor] = (), periods_s: Mapping[str, float] | None = None) -> None:
        """sensors: whose periods say how long a scan lasts; periods_s: those of others, s."""
        self._periods_s = {sensor.id: sensor.period_s or DEFAULT_PERIOD_S for sensor in sensors} | dict(periods_s or {})
        self._scans: dict[str, CooperativeScans] = {}
        self._objects: dict[str, int] = {}
        self._rows: list[tuple[int, int, str, str, Mapping[str, Any]]] = []

    def add(self, time_us: int, received_us: int, sensor: str, identity: str, **values: Any) -> None:
        """One detection. identity: who it is to this sensor, so that a scan holds it once; empty when not known.

        values: other columns of the detections table, floats as NaN where unknown.
        """
        self._rows.append((time_us, received_us, sensor, identity, values))

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rejects: Counter[str]) -> pa.Table:
        """The detections added since the last call, in order of receipt."""
        rows, self._rows = self._rows, []
        if not rows:
            return empty("detections")
        rows.sort(key=lambda row: row[1])
        columns: dict[str, Any] = {
            "time": np.array([row[0] for row in rows], np.int64),
            "received": np.array([row[1] for row in rows], np.int64),
            "sensor": [row[2] for row in rows],
        }
        columns["scan"] = self._numbered(rows, columns["received"])
        for name in FLOATS:
            columns[name] = np.array([_float(row[4].get(name)) for row in rows], np.float64)
        for name in ("address", "label", "reporter"):
            columns[name] = [row[4].get(name) for row in rows]
        return detections(columns, rejects)

    def _numbered(self, rows: list[Any], received_us: np.ndarray) -> np.ndarray:
        codes = np.array([self._code(row[3]) for row in rows], np.int64)
        names = np.array([row[2] for row in rows], object)
        scans = np.zeros(len(rows), np.int64)
        for name in set(names.tolist()):
            own = names == name
            if name not in self._scans:
                self._scans[name] = CooperativeScans(int(self._periods_s.get(name, DEFAULT_PERIOD_S) * 1e6))
            scans[own] = self._scans[name].number(received_us[own], codes[own])
        return scans

    def _code(self, identity: str) -> int:
        if not identity:
            return -1
        if len(self._objects) > 1_000_000:
            self._objects.clear()
        return self._objects.setdefault(identity, len(self._objects))


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
