"""Detections as arrays for the kernels: checked, on the plane or in the sensor's frame, in the order of processing."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from perisai.geodesy import Plane
from perisai.kernels import loop

from .columns import CONFIDENCE, Codes
from .forms import REASONS, check, transform
from .learnt import Learnt, expected
from .settings import STATES
from .sites import MODES, REMOTE_ID, Sites

GROUP_US = 500_000
DUPLICATE = REASONS.index("duplicate")
CODED = ("time", "sensor", "scan", "address", "label")
BIN, SITE, GROUP, FORM, TIME = range(5)
"""Rows of the whole numbers that detections are ordered by, before what they measured and their names."""


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


class Raw(NamedTuple):
    """n rows of a beat as they came, by column (see `columns.ROW`), and what `transform` makes of them."""

    time: np.ndarray
    site: np.ndarray
    scan: np.ndarray
    address: np.ndarray
    label: np.ndarray
    values: np.ndarray
    given: np.ndarray
    reason: np.ndarray
    form: np.ndarray
    z: np.ndarray
    var: np.ndarray
    mask: np.ndarray
    east: np.ndarray
    north: np.ndarray
    radius: np.ndarray


def read(
    rows: np.ndarray, epoch_us: int, sites: Sites, plane: Plane, names: Codes, rejects: Counter[str], learnt: Learnt
) -> Detections:
    """The detections of records (n,) whose times are known; rows that cannot be used are counted in `rejects`."""
    n = rows.size
    time, sensor, scan, address, label = (rows[name].copy() for name in CODED)
    values, given = rows["values"].copy(), rows["given"].copy()
    raw = Raw(
        time, sensor, scan, address, label, values, given, np.zeros(n, np.int8), np.zeros(n, np.int8),
        np.zeros((n, STATES)), np.zeros((n, STATES)), np.zeros((n, STATES), np.bool_), np.zeros(n), np.zeros(n),
        np.zeros(n),
    )  # fmt: skip
    order, spare = np.empty(n, np.int64), np.empty(n, np.int64)
    keys = np.empty((5, n), np.int64)
    count = _arrange(plane, sites, raw, names.ranks(raw.address), keys, order, spare)
    if raw.reason.any():
        for code, times in enumerate(np.bincount(raw.reason[rows["counted"]]).tolist()):
            if code and times:
                rejects[REASONS[code]] += times
    out = Detections(
        t=np.empty(count), sensor=np.empty(count, np.int64), scan=np.empty(count, np.int64),
        form=np.empty(count, np.int8), z=np.empty((count, STATES)), var=np.empty((count, STATES)),
        mask=np.empty((count, STATES), np.bool_), east_m=np.empty(count), north_m=np.empty(count),
        radius_m=np.empty(count), address=np.empty(count, np.int32), label=np.empty(count, np.int32),
        confidence=np.empty(count), head=np.empty(count, np.bool_), clutter=np.empty(count),
        undetected=np.empty(count),
    )  # fmt: skip
    _take(raw, keys, order, epoch_us, sites, learnt.crowding, learnt.undetected, learnt.side, learnt.half_m, out)
    return out


@loop
def _arrange(plane: Plane, sites: Sites, raw: Raw, rank, keys, order, spare):
    """Check and transform the rows, and put those that can be used in order; gives their number."""
    check(raw.values, raw.given, raw.site, sites.kind, sites.max_range_m, raw.reason)
    transform(
        plane, raw.values, raw.given, raw.site, sites, raw.reason, raw.form, raw.z, raw.var, raw.mask, raw.east,
        raw.north, raw.radius,
    )  # fmt: skip
    n = 0
    for j in range(raw.time.size):
        if raw.reason[j] != 0:
            continue
        order[n] = j
        n += 1
        keys[BIN, j] = raw.time[j] // GROUP_US
        keys[SITE, j] = raw.site[j]
        keys[GROUP, j] = raw.scan[j]
        keys[FORM, j] = raw.form[j]
        keys[TIME, j] = raw.time[j]
        kind = sites.kind[raw.site[j]]
        if raw.scan[j] < 0 and raw.address[j] >= 0 and kind in (MODES, REMOTE_ID):
            # What names itself is its own scan: a report excludes no other of the same second but of its address.
            keys[GROUP, j] = -2 - rank[j]
            raw.scan[j] = -2 - raw.address[j]
    first = 0
    while first < 5 and _same(keys, order, n, first):
        first += 1
    _sort(order, spare, n, keys, raw.z, rank, first)
    kept = min(n, 1)
    for k in range(1, n):
        if _repeats(raw, spare[k], spare[k - 1]):
            raw.reason[spare[k]] = DUPLICATE
        else:
            order[kept] = spare[k]
            kept += 1
    if n:
        order[0] = spare[0]
    return kept


@loop
def _same(keys, order, n, row):
    """Whether a key is one for all."""
    same = True
    for k in range(1, n):
        same &= keys[row, order[k]] == keys[row, order[0]]
    return same


@loop
def _after(keys, z, rank, first, a, b):
    """Whether row a comes after row b."""
    for row in range(first, 5):
        if keys[row, a] != keys[row, b]:
            return keys[row, a] > keys[row, b]
    for c in range(2):
        if z[a, c] != z[b, c]:
            return z[a, c] > z[b, c]
    return rank[a] > rank[b]


@loop
def _sort(order, out, n, keys, z, rank, first):
    """The first n of `order`, sorted by keys (rows from `first` on), measurement and rank, into `out`; stable merging
    (`order` is scratch). One order whatever the rows came in: nothing else may depend on how they came."""
    for k in range(n):
        out[k] = order[k]
    width = 1
    a, b = out, order
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            left, right = low, middle
            for k in range(low, high):
                if left < middle and (right >= high or not _after(keys, z, rank, first, a[left], a[right])):
                    b[k] = a[left]
                    left += 1
                else:
                    b[k] = a[right]
                    right += 1
        for k in range(n):
            a[k] = b[k]
        width *= 2


@loop
def _repeats(raw: Raw, a, b):
    """Whether row a says just what row b did."""
    same = raw.time[a] == raw.time[b] and raw.site[a] == raw.site[b] and raw.address[a] == raw.address[b]
    for c in range(STATES):
        same &= raw.z[a, c] == raw.z[b, c] and raw.mask[a, c] == raw.mask[b, c]
    return same


@loop
def _take(raw: Raw, keys, order, epoch_us, sites: Sites, crowding, undetected, side, half_m, out: Detections):
    """The rows of an order, with what is expected at their places."""
    for k in range(out.t.size):
        j = order[k]
        s = raw.site[j]
        out.t[k] = (raw.time[j] - epoch_us) * 1e-6 - sites.bias[s, 2]
        out.sensor[k] = s
        out.scan[k] = raw.scan[j]
        out.form[k] = raw.form[j]
        out.east_m[k] = raw.east[j]
        out.north_m[k] = raw.north[j]
        out.radius_m[k] = raw.radius[j]
        out.address[k] = raw.address[j]
        out.label[k] = raw.label[j]
        given = raw.given[j, CONFIDENCE]
        out.confidence[k] = min(max(raw.values[j, CONFIDENCE], 0.0), 1.0) if given else 1.0
        for c in range(STATES):
            out.z[k, c] = raw.z[j, c]
            out.var[k, c] = raw.var[j, c]
            out.mask[k, c] = raw.mask[j, c]
        out.head[k] = True
        if k > 0:
            i = order[k - 1]
            out.head[k] = (
                keys[SITE, j] != keys[SITE, i]
                or raw.scan[j] != raw.scan[i]
                or keys[BIN, j] != keys[BIN, i]
                or keys[FORM, j] != keys[FORM, i]
            )
        out.clutter[k], out.undetected[k] = expected(
            sites, crowding, undetected, side, half_m, s, raw.form[j], raw.var[j, 1], raw.east[j], raw.north[j]
        )
