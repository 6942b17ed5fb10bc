"""Detections as arrays for the kernels: checked, on the plane or in the sensor's frame, in the order of processing."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.geodesy import Plane, kernel
from perisai.model import time_us

from .columns import CONFIDENCE, Codes, addresses, codes, numbers
from .forms import REASONS, check, transform
from .learnt import Learnt
from .settings import CLASSES
from .sites import MODES, REMOTE_ID, Sites

GROUP_US = 500_000
LABELS = {name: i for i, name in enumerate(CLASSES)}


class Detections(NamedTuple):
    """n detections in order of processing; groups of one sensor, scan and half second are adjacent.

    t: s since the epoch. z, var (n, 6), mask (n, 6): see `kalman.measure`. form: FORM_*. east_m, north_m, radius_m:
    the disc that holds the measured place (4.6 sigma). address, label: code or -1. head: first of its group. clutter,
    undetected: false reports a scan over the sensor's coverage, and targets per m2 that no sensor has reported yet, as
    they are at the place (see `coverage.densities`).
    """

    t: np.ndarray
    sensor: np.ndarray
    scan: np.ndarray
    form: np.ndarray
    z: np.ndarray
    var: np.ndarray
    mask: np.ndarray
    east_m: np.ndarray
    north_m: np.ndarray
    radius_m: np.ndarray
    address: np.ndarray
    label: np.ndarray
    confidence: np.ndarray
    head: np.ndarray
    clutter: np.ndarray
    undetected: np.ndarray


NOTHING = Detections(
    t=np.zeros(0), sensor=np.zeros(0, np.int64), scan=np.zeros(0, np.int64), form=np.zeros(0, np.int8),
    z=np.zeros((0, 6)), var=np.zeros((0, 6)), mask=np.zeros((0, 6), np.bool_), east_m=np.zeros(0),
    north_m=np.zeros(0), radius_m=np.zeros(0), address=np.zeros(0, np.int32), label=np.zeros(0, np.int32),
    confidence=np.zeros(0), head=np.zeros(0, np.bool_), clutter=np.zeros(0), undetected=np.zeros(0),
)  # fmt: skip
"""The detections of an empty frame."""


def read(
    table: pa.Table,
    epoch_us: int,
    index: dict[str, int],
    sites: Sites,
    plane: Plane,
    names: Codes,
    rejects: Counter[str],
    learnt: Learnt,
) -> Detections:
    """The detections of a table whose times are known; rows that cannot be used are counted in `rejects` by reason."""
    n = table.num_rows
    time = time_us(table["time"])
    site = codes(table["sensor"], index).astype(np.int64)
    values, given = numbers(table)
    reason = np.zeros(n, np.int8)
    reason[site < 0] = 1
    check(values, given, site, sites.kind, sites.max_range_m, reason)
    form = np.zeros(n, np.int8)
    z, var, mask = np.zeros((n, 6)), np.zeros((n, 6)), np.zeros((n, 6), np.bool_)
    east, north, radius = np.zeros(n), np.zeros(n), np.zeros(n)
    transform(plane, values, given, site, sites, reason, form, z, var, mask, east, north, radius)
    address, rank = addresses(table["address"], names)
    scan = table["scan"] if table["scan"].null_count == 0 else pc.fill_null(table["scan"], -1)
    scan = np.asarray(scan.to_numpy(), dtype=np.int64)
    group = scan
    # What names itself is its own scan: one report excludes no other of the same second but of the same address.
    own = (scan < 0) & (address >= 0)
    if own.any():
        kind = sites.kind[np.maximum(site, 0)]
        own &= (kind == MODES) | (kind == REMOTE_ID)
        group = np.where(own, -2 - rank.astype(np.int64), scan)
        scan = np.where(own, -2 - address.astype(np.int64), scan)
    bin_ = time // GROUP_US
    good = np.flatnonzero(reason == 0)
    keys = [key[good] for key in (rank, z[:, 1], z[:, 0], time, form, group, site, bin_)]
    varied = [key for key in keys if good.size and key.min() != key.max()]
    order = good[_order(varied)] if varied else good
    order = _without_duplicates(order, time, site, z, mask, address, reason)
    if reason.any():
        for code, count in enumerate(np.bincount(reason)):
            if code and count:
                rejects[REASONS[code]] += int(count)
    head = np.ones(order.size, np.bool_)
    if order.size:
        a, b = order[1:], order[:-1]
        head[1:] = (site[a] != site[b]) | (scan[a] != scan[b]) | (bin_[a] != bin_[b]) | (form[a] != form[b])
    label = codes(table["label"], LABELS)
    confidence = np.where(given[:, CONFIDENCE], np.clip(values[:, CONFIDENCE], 0.0, 1.0), 1.0)
    n = order.size
    out = Detections(
        t=np.empty(n), sensor=np.empty(n, np.int64), scan=np.empty(n, np.int64), form=np.empty(n, np.int8),
        z=np.empty((n, 6)), var=np.empty((n, 6)), mask=np.empty((n, 6), np.bool_), east_m=np.empty(n),
        north_m=np.empty(n), radius_m=np.empty(n), address=np.empty(n, np.int32), label=np.empty(n, np.int32),
        confidence=np.empty(n), head=head, clutter=time[:0], undetected=time[:0],
    )  # fmt: skip
    t = (time - epoch_us) * 1e-6 - sites.bias[site, 2]
    _take(
        Detections(
            t, site, scan, form, z, var, mask, east, north, radius, address, label, confidence, head, time, time
        ),
        order,
        out,
    )
    clutter, undetected = learnt.at(out.sensor, out.form, out.var, out.east_m, out.north_m)
    return out._replace(clutter=clutter, undetected=undetected)


@kernel
def _take(rows: Detections, order, out: Detections):
    """The rows of an order into `out`; `head` and the densities are left alone."""
    for k in range(order.size):
        j = order[k]
        out.t[k] = rows.t[j]
        out.sensor[k] = rows.sensor[j]
        out.scan[k] = rows.scan[j]
        out.form[k] = rows.form[j]
        out.east_m[k] = rows.east_m[j]
        out.north_m[k] = rows.north_m[j]
        out.radius_m[k] = rows.radius_m[j]
        out.address[k] = rows.address[j]
        out.label[k] = rows.label[j]
        out.confidence[k] = rows.confidence[j]
        for c in range(6):
            out.z[k, c] = rows.z[j, c]
            out.var[k, c] = rows.var[j, c]
            out.mask[k, c] = rows.mask[j, c]


def _order(keys: list[np.ndarray]) -> np.ndarray:
    """The order by keys, the last first, as `np.lexsort` gives it; one key is enough where all its values differ."""
    order = np.argsort(keys[-1], kind="stable")
    ranked = keys[-1][order]
    return order if (ranked[1:] != ranked[:-1]).all() else np.lexsort(keys)


def _without_duplicates(order, time, site, z, mask, address, reason) -> np.ndarray:
    """The order without rows that repeat the one before them in everything measured."""
    if order.size < 2:
        return order
    a, b = order[1:], order[:-1]
    same = (time[a] == time[b]) & (site[a] == site[b]) & (address[a] == address[b]) & (z[a, 0] == z[b, 0])
    if not same.any():
        return order
    same &= (z[a] == z[b]).all(axis=1) & (mask[a] == mask[b]).all(axis=1)
    reason[a[same]] = 9
    return order[np.concatenate([[True], ~same])]
