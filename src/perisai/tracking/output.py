"""The rows of a beat as a table of the schema `tracks`."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from perisai.model import STATUSES, THREATS, TRACKS, empty

from . import lifecycle as row
from .bank import CONFLICT, IMPLAUSIBLE, Bank
from .settings import CLASSES

SENSORS_FOR_S = 60.0
FLAG_NAMES = {CONFLICT: "identity_conflict", IMPLAUSIBLE: "identity_implausible"}


def _list(values: pa.Array, counts: np.ndarray) -> pa.ListArray:
    offsets = np.zeros(counts.size + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def tracks_table(
    bank: Bank,
    slots: np.ndarray,
    status: np.ndarray,
    rows: np.ndarray,
    classes: np.ndarray,
    impacts: np.ndarray,
    flags: np.ndarray,
    epoch_us: int,
    sensor_names: pa.Array,
    addresses: Sequence[str],
) -> pa.Table:
    """The table of n rows: slots (n,), status (n,), rows (n, 14), classes (n, 7), impacts (n, 7; NaN where none).

    flags (n,): bits of `bank.flags`.
    """
    n = slots.size
    if n == 0:
        return empty("tracks")
    time = epoch_us + np.round(rows[:, row.TIME] * 1e6).astype(np.int64)
    number = {name: c for c, name in enumerate(CLASSES)}
    columns: dict[str, pa.Array] = {
        "time": pa.array(time).cast(TRACKS.field("time").type),
        "track": pa.array(bank.ident[slots]),
        "existence": pa.array(rows[:, row.EXISTENCE].copy()),
    }
    for name, at in (("lat", row.LAT), ("lon", row.LON), ("ve_mps", row.VE), ("vn_mps", row.VN)):
        columns[name] = pa.array(rows[:, at].copy())
    for name, at in (("alt_m", row.ALT), ("vu_mps", row.VU)):
        columns[name] = pa.array(rows[:, at].copy(), from_pandas=True)
    for first, at in (("p", row.P_EE), ("v", row.V_EE)):
        for k, part in enumerate(("ee", "en", "nn")):
            columns[f"{first}_{part}"] = pa.array(rows[:, at + k].copy())
    columns["status"] = pa.DictionaryArray.from_arrays(pa.array(status.astype(np.int8)), pa.array(STATUSES)).cast(
        pa.string()
    )
    for threat in THREATS:
        p = classes[:, number[threat]].copy()
        if threat == "drone":
            p += classes[:, number["jet_drone"]]
        columns[f"p_{threat}"] = pa.array(p)
    address = bank.address[slots]
    if (address >= 0).any():
        names = pa.array([*addresses, None], pa.string())
        columns["address"] = names.take(pa.array(np.where(address < 0, len(addresses), address)))
    ring = bank.ring_sensor[slots]
    recent = (ring >= 0) & (bank.ring_hit[slots] >= bank.last[slots, None] - SENSORS_FOR_S)
    ring = np.sort(np.where(recent, ring, -1), axis=1)
    columns["sensors"] = _list(sensor_names.take(pa.array(ring[ring >= 0])), (ring >= 0).sum(axis=1))
    if np.isfinite(impacts[:, 0]).any():
        for k, name in enumerate(("impact_lat", "impact_lon")):
            columns[name] = pa.array(impacts[:, k].copy(), from_pandas=True)
        when = time + np.round(np.nan_to_num(impacts[:, 2]) * 1e6).astype(np.int64)
        columns["impact_time"] = pa.array(when, mask=np.isnan(impacts[:, 2])).cast(TRACKS.field("time").type)
        for k, name in enumerate(("impact_ee", "impact_en", "impact_nn", "impact_time_sigma_s"), start=3):
            columns[name] = pa.array(impacts[:, k].copy(), from_pandas=True)
    columns["flags"] = _flags(flags)
    arrays = [columns[f.name] if f.name in columns else pa.nulls(n, f.type) for f in TRACKS]
    return pa.Table.from_arrays(arrays, schema=TRACKS)


def _flags(bits: np.ndarray) -> pa.ListArray:
    if not bits.any():
        return _list(pa.array([], pa.string()), np.zeros(bits.size, np.int32))
    names = [[name for bit, name in FLAG_NAMES.items() if b & bit] for b in bits]
    return pa.array(names, pa.list_(pa.string()))
