"""The rows of a beat as a table of the schema `tracks`.

Columns are made from numpy's memory as it is: the ways through Arrow's compute functions cost more than the tracking.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from perisai.model import STATUSES, THREATS, TRACKS

from . import lifecycle as row
from .bank import CONFLICT, IMPLAUSIBLE
from .settings import CLASSES

FLAG_NAMES = {CONFLICT: "identity_conflict", IMPLAUSIBLE: "identity_implausible"}
FLAGS = tuple(FLAG_NAMES.values())
PLAIN = (
    ("lat", row.LAT), ("lon", row.LON), ("ve_mps", row.VE), ("vn_mps", row.VN), ("existence", row.EXISTENCE),
    ("p_ee", row.P_EE), ("p_en", row.P_EN), ("p_nn", row.P_NN), ("v_ee", row.V_EE), ("v_en", row.V_EN),
    ("v_nn", row.V_NN),
)  # fmt: skip
IMPACT = ("impact_ee", "impact_en", "impact_nn", "impact_time_sigma_s")


STATUS_WORDS, FLAG_WORDS = pa.array(STATUSES), pa.array(FLAGS)


class Shown(NamedTuple):
    """n rows of output: public number, status, rows (n, 14; see `lifecycle`), classes (n, 7), impacts (n, 7; NaN where
    none) or None, flags (n,) bits of `bank.flags`, sensors (n, RING) numbers or -1, address (n,) codes or -1."""

    ident: np.ndarray
    status: np.ndarray
    rows: np.ndarray
    classes: np.ndarray
    impacts: np.ndarray | None
    flags: np.ndarray
    sensors: np.ndarray
    address: np.ndarray

    def pick(self, which: np.ndarray) -> "Shown":
        """The rows of indices, or where true."""
        impacts = None if self.impacts is None else self.impacts[which]
        rest = (self.flags[which], self.sensors[which], self.address[which])
        return Shown(self.ident[which], self.status[which], self.rows[which], self.classes[which], impacts, *rest)


def join(parts: Sequence[Shown]) -> Shown | None:
    """All rows, in order; None where there are none."""
    parts = [part for part in parts if part.ident.size]
    if len(parts) < 2:
        return parts[0] if parts else None
    impacts = None
    if any(part.impacts is not None for part in parts):
        blank = [np.full((part.ident.size, 7), np.nan) if part.impacts is None else part.impacts for part in parts]
        impacts = np.concatenate(blank)
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in Shown._fields if name != "impacts"
    }
    return Shown(impacts=impacts, **whole)


def tracks_table(shown: Shown, epoch_us: int, sensors: pa.StringArray, addresses: Sequence[str]) -> pa.Table:
    """The table of the rows. sensors: the names of the sensors; addresses: the names of the codes."""
    n = shown.ident.size
    time = epoch_us + np.round(shown.rows[:, row.TIME] * 1e6).astype(np.int64)
    floats = np.ascontiguousarray(shown.rows.T)
    chance = np.ascontiguousarray(shown.classes.T)
    chance[CLASSES.index("drone")] += chance[CLASSES.index("jet_drone")]
    given = shown.sensors >= 0
    columns: dict[str, pa.Array] = {
        "time": _plain(time, TRACKS.field("time").type),
        "track": _plain(shown.ident, pa.int64()),
        "status": STATUS_WORDS.take(pa.array(shown.status)),
        "sensors": _list(given, sensors.take(pa.array(shown.sensors[given]))),
        "flags": _flags(shown.flags),
    }
    for name, at in PLAIN:
        columns[name] = _plain(floats[at], pa.float64())
    for name, at in (("alt_m", row.ALT), ("vu_mps", row.VU)):
        missing = np.isnan(floats[at])
        if not missing.all():
            columns[name] = pa.array(floats[at], mask=missing)
    for threat in THREATS:
        columns[f"p_{threat}"] = _plain(chance[CLASSES.index(threat)], pa.float64())
    if (shown.address >= 0).any():
        named = [addresses[a] if a >= 0 else None for a in shown.address.tolist()]
        columns["address"] = pa.array(named, pa.string())
    impacts = shown.impacts
    if impacts is not None and np.isfinite(impacts[:, 0]).any():
        for k, name in enumerate(("impact_lat", "impact_lon")):
            columns[name] = pa.array(impacts[:, k].copy(), from_pandas=True)
        when = time + np.round(np.nan_to_num(impacts[:, 2]) * 1e6).astype(np.int64)
        columns["impact_time"] = pa.array(when, mask=np.isnan(impacts[:, 2])).cast(TRACKS.field("time").type)
        for k, name in enumerate(IMPACT, start=3):
            columns[name] = pa.array(impacts[:, k].copy(), from_pandas=True)
    arrays = [columns[f.name] if f.name in columns else _nulls(f.type, n) for f in TRACKS]
    return pa.Table.from_arrays(arrays, schema=TRACKS)


_blank: dict[Any, pa.Array] = {}


def _nulls(kind: Any, n: int) -> pa.Array:
    """n nulls, cut from a longer array that is made once."""
    known = _blank.get(kind)
    if known is None or len(known) < n:
        known = _blank[kind] = pa.nulls(max(1024, 2 * n), kind)
    return known.slice(0, n)


def _plain(values: np.ndarray, kind: Any) -> pa.Array:
    """A column without nulls over the memory of a contiguous array of its width."""
    return pa.Array.from_buffers(kind, values.size, [None, pa.py_buffer(values)])


def _list(filled: np.ndarray, values: pa.Array) -> pa.ListArray:
    """Lists of as many values, one after the other, as each row of filled (n, k) has true."""
    offsets = np.zeros(len(filled) + 1, np.int32)
    np.cumsum(filled.sum(axis=1), out=offsets[1:])
    return pa.ListArray.from_arrays(_plain(offsets, pa.int32()), values)


def _flags(bits: np.ndarray) -> pa.ListArray:
    """The names of the bits of each row."""
    each = bits[:, None] & np.array(list(FLAG_NAMES), bits.dtype) > 0
    return _list(each, FLAG_WORDS.take(pa.array(np.nonzero(each)[1])))
