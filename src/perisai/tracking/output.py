"""The rows of a beat as a table of the schema `tracks`.

Columns are made from numpy's memory as it is: the ways through Arrow's compute functions cost more than the tracking.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import STATUSES, THREATS, TRACKS, empty

from . import lifecycle as row
from .bank import CONFLICT, IMPLAUSIBLE, Bank
from .settings import CLASSES

FLAG_NAMES = {CONFLICT: "identity_conflict", IMPLAUSIBLE: "identity_implausible"}
FLAGS = tuple(FLAG_NAMES.values())
PLAIN = (
    ("lat", row.LAT), ("lon", row.LON), ("ve_mps", row.VE), ("vn_mps", row.VN), ("existence", row.EXISTENCE),
    ("p_ee", row.P_EE), ("p_en", row.P_EN), ("p_nn", row.P_NN), ("v_ee", row.V_EE), ("v_en", row.V_EN),
    ("v_nn", row.V_NN),
)  # fmt: skip
IMPACT = ("impact_ee", "impact_en", "impact_nn", "impact_time_sigma_s")


def tracks_table(
    bank: Bank,
    slots: np.ndarray,
    status: np.ndarray,
    rows: np.ndarray,
    classes: np.ndarray,
    impacts: np.ndarray | None,
    flags: np.ndarray,
    epoch_us: int,
    sensors: np.ndarray,
    sensor_names: Sequence[str],
    addresses: Sequence[str],
) -> pa.Table:
    """The table of n rows: slots (n,), status (n,), rows (n, 14), classes (n, 7), impacts (n, 7; NaN where none)
    or None. flags (n,): bits of `bank.flags`. sensors (n, RING): indices of sensor_names, -1 where none.
    """
    n = slots.size
    if n == 0:
        return empty("tracks")
    time = epoch_us + np.round(rows[:, row.TIME] * 1e6).astype(np.int64)
    floats = np.ascontiguousarray(rows.T)
    chance = np.ascontiguousarray(classes.T)
    chance[CLASSES.index("drone")] += chance[CLASSES.index("jet_drone")]
    columns: dict[str, pa.Array] = {
        "time": _plain(time, TRACKS.field("time").type),
        "track": _plain(bank.ident[slots], pa.int64()),
        "status": _words(STATUSES, status),
        "sensors": _list(sensors >= 0, _words(sensor_names, sensors[sensors >= 0])),
        "flags": _flags(flags),
    }
    for name, at in PLAIN:
        columns[name] = _plain(floats[at], pa.float64())
    for name, at in (("alt_m", row.ALT), ("vu_mps", row.VU)):
        missing = np.isnan(floats[at])
        if not missing.all():
            columns[name] = pa.array(floats[at], mask=missing)
    for threat in THREATS:
        columns[f"p_{threat}"] = _plain(chance[CLASSES.index(threat)], pa.float64())
    address = bank.address[slots]
    if (address >= 0).any():
        columns["address"] = pa.array([addresses[a] if a >= 0 else None for a in address.tolist()], pa.string())
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


def _words(names: Sequence[str], codes: np.ndarray) -> pa.Array:
    """Strings by their place (n,) in a short list."""
    coded = [name.encode() for name in names]
    sizes = np.fromiter(map(len, coded), np.int32, len(coded))
    offsets = np.zeros(codes.size + 1, np.int32)
    np.cumsum(sizes[codes], out=offsets[1:])
    text = b"".join([coded[code] for code in codes.tolist()])
    return pa.StringArray.from_buffers(codes.size, pa.py_buffer(offsets), pa.py_buffer(text))


def _list(filled: np.ndarray, values: pa.Array) -> pa.ListArray:
    """Lists of as many values, one after the other, as each row of filled (n, k) has true."""
    offsets = np.zeros(len(filled) + 1, np.int32)
    np.cumsum(filled.sum(axis=1), out=offsets[1:])
    return pa.ListArray.from_arrays(_plain(offsets, pa.int32()), values)


def _flags(bits: np.ndarray) -> pa.ListArray:
    """The names of the bits of each row."""
    each = bits[:, None] & np.array(list(FLAG_NAMES), bits.dtype) > 0
    return _list(each, _words(FLAGS, np.nonzero(each)[1]))
