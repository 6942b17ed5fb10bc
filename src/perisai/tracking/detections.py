"""Detections as arrays for the kernels: checked, on the plane or in the sensor's frame, in the order of processing."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.geodesy import Plane, kernel, plane_convergence, plane_from_geodetic, plane_scale
from perisai.model import floats, time_us

from .observe import place
from .settings import CLASSES
from .sites import MODES, PRESENCE, REMOTE_ID, Sites

COLUMNS = (
    "lat",
    "lon",
    "alt_m",
    "range_m",
    "azimuth_deg",
    "elevation_deg",
    "range_rate_mps",
    "sigma_m",
    "sigma_range_m",
    "sigma_azimuth_deg",
    "sigma_elevation_deg",
    "ve_mps",
    "vn_mps",
    "vu_mps",
    "confidence",
)
LAT, LON, ALT, RANGE, AZ, EL, RATE, S_M, S_R, S_AZ, S_EL, VE, VN, VU, CONFIDENCE = range(15)
FORM_PLANE, FORM_POLAR, FORM_BEARING, FORM_PRESENCE = 0, 1, 2, 3
REASONS = (
    "",
    "unknown_sensor",
    "time_missing",
    "time_too_old",
    "time_ahead",
    "not_finite",
    "incomplete",
    "out_of_range",
    "sigma_not_positive",
    "duplicate",
)
GROUP_US = 500_000
LABELS = {name: i for i, name in enumerate(CLASSES)}


class Detections(NamedTuple):
    """n detections in order of processing; groups of one sensor, scan and half second are adjacent.

    t: s since the epoch. z, var (n, 6), mask (n, 6): see `kalman.measure`. form: FORM_*. east_m, north_m, radius_m:
    the disc that holds the measured place (4.6 sigma). address, label: code or -1. head: first of its group.
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


NOTHING = Detections(
    t=np.zeros(0), sensor=np.zeros(0, np.int64), scan=np.zeros(0, np.int64), form=np.zeros(0, np.int8),
    z=np.zeros((0, 6)), var=np.zeros((0, 6)), mask=np.zeros((0, 6), np.bool_), east_m=np.zeros(0),
    north_m=np.zeros(0), radius_m=np.zeros(0), address=np.zeros(0, np.int32), label=np.zeros(0, np.int32),
    confidence=np.zeros(0), head=np.zeros(0, np.bool_),
)  # fmt: skip
"""The detections of an empty frame."""


@kernel
def _check(values, given, site, kind, max_range_m, reason):
    """Give each row (n, 15) the first reason that applies, as an index of REASONS; 0 is good."""
    for j in range(values.shape[0]):
        v = values[j]
        if reason[j] != 0:
            continue
        for c in range(v.size):
            if given[j, c] and not np.isfinite(v[c]):
                reason[j] = 5
        if reason[j] != 0:
            continue
        has_lat = given[j, LAT]
        has_range = given[j, RANGE]
        halves = has_lat != given[j, LON] or given[j, VE] != given[j, VN] or (has_range and not given[j, AZ])
        nowhere = not has_lat and not given[j, AZ] and kind[site[j]] != PRESENCE
        outside = (
            (has_lat and (abs(v[LAT]) > 90.0 or abs(v[LON]) > 180.0))
            or (given[j, ALT] and (v[ALT] < -1_000.0 or v[ALT] > 1_000_000.0))
            or (has_range and (v[RANGE] <= 0.0 or v[RANGE] > 3.0 * max_range_m[site[j]]))
            or (given[j, AZ] and (v[AZ] < -360.0 or v[AZ] > 720.0))
            or (given[j, EL] and abs(v[EL]) > 90.0)
            or (given[j, VE] and abs(v[VE]) + abs(v[VN]) > 16_000.0)
            or (given[j, RATE] and abs(v[RATE]) > 16_000.0)
        )
        if halves or nowhere:
            reason[j] = 6
        elif outside:
            reason[j] = 7
        else:
            for c in range(S_M, S_EL + 1):
                if given[j, c] and v[c] <= 0.0:
                    reason[j] = 8


@kernel
def _form_plane(plane: Plane, v, given, kind, sigma_m, z, var, mask):
    lat = np.radians(v[LAT])
    lon = np.radians(v[LON])
    e, n = plane_from_geodetic(plane, lat, lon)
    k = plane_scale(plane, e, n)
    s = (v[S_M] if given[S_M] else sigma_m) * k
    z[0] = e
    z[1] = n
    var[0] = s * s
    var[1] = s * s
    mask[0] = True
    mask[1] = True
    if given[ALT]:
        z[2] = v[ALT]
        # Barometric height (transponders) is not height above the ellipsoid: allow for the difference.
        var[2] = max(s * s, 100.0 * 100.0) if kind == MODES else s * s
        mask[2] = True
    if given[VE]:
        g = plane_convergence(plane, lat, lon)
        z[3] = k * (v[VE] * np.cos(g) - v[VN] * np.sin(g))
        z[4] = k * (v[VE] * np.sin(g) + v[VN] * np.cos(g))
        var[3] = 25.0
        var[4] = 25.0
        mask[3] = True
        mask[4] = True
        if given[VU]:
            z[5] = v[VU]
            var[5] = 9.0
            mask[5] = True
    return e, n, 4.6 * s


@kernel
def _form_polar(plane: Plane, v, given, sites: Sites, s, z, var, mask):
    sigma_r = v[S_R] if given[S_R] else sites.sigma_range_m[s]
    sigma_a = np.radians(v[S_AZ]) if given[S_AZ] else sites.sigma_azimuth_rad[s]
    sigma_e = np.radians(v[S_EL]) if given[S_EL] else sites.sigma_elevation_rad[s]
    z[0] = v[RANGE]
    z[1] = np.radians(v[AZ])
    var[0] = sigma_r * sigma_r
    var[1] = sigma_a * sigma_a
    mask[0] = True
    mask[1] = True
    if given[EL]:
        z[2] = np.radians(v[EL])
        var[2] = sigma_e * sigma_e
        mask[2] = True
    if given[RATE]:
        z[3] = v[RATE]
        var[3] = 9.0
        mask[3] = True
    x, y, w = sites.ecef[s, 0], sites.ecef[s, 1], sites.ecef[s, 2]
    low = place(sites.lat_rad[s], sites.lon_rad[s], x, y, w, z[0], z[1], 0.0, given[EL], z[2])
    high = low
    if not given[EL]:
        top = min(12_000.0, 0.7 * z[0])
        high = place(sites.lat_rad[s], sites.lon_rad[s], x, y, w, z[0], z[1], top, False, 0.0)
    e0, n0 = plane_from_geodetic(plane, low[0], low[1])
    e1, n1 = plane_from_geodetic(plane, high[0], high[1])
    slack = 0.5 * np.hypot(e1 - e0, n1 - n0)
    radius = 4.6 * max(sigma_r, sigma_a * z[0]) + slack
    if given[EL]:
        radius += 4.6 * sigma_e * z[0] * abs(np.sin(z[2]))
    return 0.5 * (e0 + e1), 0.5 * (n0 + n1), radius


@kernel
def _transform(plane: Plane, values, given, site, sites: Sites, reason, form, z, var, mask, east, north, radius):
    for j in range(values.shape[0]):
        if reason[j] != 0:
            continue
        s = site[j]
        v = values[j]
        if given[j, LAT]:
            form[j] = FORM_PLANE
            east[j], north[j], radius[j] = _form_plane(
                plane, v, given[j], sites.kind[s], sites.sigma_m[s], z[j], var[j], mask[j]
            )
        elif given[j, RANGE]:
            form[j] = FORM_POLAR
            east[j], north[j], radius[j] = _form_polar(plane, v, given[j], sites, s, z[j], var[j], mask[j])
        elif given[j, AZ]:
            form[j] = FORM_BEARING
            sigma_a = np.radians(v[S_AZ]) if given[j, S_AZ] else sites.sigma_azimuth_rad[s]
            z[j, 1] = np.radians(v[AZ])
            var[j, 1] = sigma_a * sigma_a
            mask[j, 1] = True
            east[j], north[j], radius[j] = sites.east_m[s], sites.north_m[s], 1.2 * sites.max_range_m[s]
        else:
            form[j] = FORM_PRESENCE
            # P(report | x) falls as exp(-(d / d0)^2), d0^2 = 2 sigma^2: as a position, the site with that sigma.
            spread = sites.sigma_m[s] * sites.sigma_m[s]
            z[j, 0], z[j, 1] = sites.east_m[s], sites.north_m[s]
            var[j, 0] = spread
            var[j, 1] = spread
            mask[j, 0] = True
            mask[j, 1] = True
            east[j], north[j], radius[j] = z[j, 0], z[j, 1], 2.0 * sites.max_range_m[s]


class Codes:
    """Small numbers for addresses, given in order of first sight so that a replay gives the same."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._number: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The code of a name, a new one at first sight."""
        found = self._number.get(name)
        if found is None:
            found = self._number[name] = len(self.names)
            self.names.append(name)
        return found


def _codes(column: pa.ChunkedArray, number: "Codes | dict[str, int]") -> np.ndarray:
    """int32 (n,); -1 where null (or, with a dictionary, where not in it)."""
    if column.null_count == len(column):
        return np.full(len(column), -1, np.int32)
    encoded = pc.dictionary_encode(column.combine_chunks())
    names = encoded.dictionary.to_pylist()
    if isinstance(number, Codes):
        table = [number.number(name.strip().lower()) if name and name.strip() else -1 for name in names]
    else:
        table = [number.get(name, -1) for name in names]
    lookup = np.array([*table, -1], dtype=np.int32)
    return lookup[pc.fill_null(encoded.indices, len(names)).to_numpy(zero_copy_only=False)]


def _columns(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (n, 15) and which of them were given; an explicit NaN counts as given."""
    n = table.num_rows
    values = np.full((n, len(COLUMNS)), np.nan)
    given = np.zeros((n, len(COLUMNS)), np.bool_)
    for c, name in enumerate(COLUMNS):
        column = table.column(name)
        if column.null_count == n:
            continue
        values[:, c] = floats(column)
        given[:, c] = True if column.null_count == 0 else pc.is_valid(column).to_numpy(zero_copy_only=False)
    return values, given


def read(
    table: pa.Table,
    end_us: int,
    epoch_us: int,
    index: dict[str, int],
    sites: Sites,
    plane: Plane,
    codes: Codes,
    rejects: Counter[str],
    window_s: tuple[float, float],
) -> Detections:
    """The detections of a frame; rows that cannot be used are counted in `rejects` by reason.

    window_s: how far before the frame's end and after it a time may lie.
    """
    n = table.num_rows
    time = time_us(table["time"])
    site = _codes(table["sensor"], index).astype(np.int64)
    values, given = _columns(table)
    reason = np.zeros(n, np.int8)
    reason[time > end_us + int(window_s[1] * 1e6)] = 4
    reason[time < end_us - int(window_s[0] * 1e6)] = 3
    reason[time == np.iinfo(np.int64).min] = 2
    reason[site < 0] = 1
    _check(values, given, site, sites.kind, sites.max_range_m, reason)
    form = np.zeros(n, np.int8)
    z, var, mask = np.zeros((n, 6)), np.zeros((n, 6)), np.zeros((n, 6), np.bool_)
    east, north, radius = np.zeros(n), np.zeros(n), np.zeros(n)
    _transform(plane, values, given, site, sites, reason, form, z, var, mask, east, north, radius)
    address = _codes(table["address"], codes)
    scan = np.asarray(pc.fill_null(table["scan"], -1).to_numpy(), dtype=np.int64)
    # What names itself is its own scan: one report excludes no other of the same second but of the same address.
    own = (scan < 0) & (address >= 0) & np.isin(sites.kind[np.maximum(site, 0)], (MODES, REMOTE_ID))
    scan = np.where(own, -2 - address.astype(np.int64), scan)
    bin_ = time // GROUP_US
    good = np.flatnonzero(reason == 0)
    keys = [key[good] for key in (address, z[:, 1], z[:, 0], time, form, scan, site, bin_)]
    varied = [key for key in keys if good.size and key.min() != key.max()]
    order = good[np.lexsort(varied)] if varied else good
    order = _without_duplicates(order, time, site, z, mask, address, reason)
    if reason.any():
        for code, count in enumerate(np.bincount(reason)):
            if code and count:
                rejects[REASONS[code]] += int(count)
    head = np.ones(order.size, np.bool_)
    if order.size:
        a, b = order[1:], order[:-1]
        head[1:] = (site[a] != site[b]) | (scan[a] != scan[b]) | (bin_[a] != bin_[b]) | (form[a] != form[b])
    label = _codes(table["label"], LABELS)
    confidence = np.where(given[:, CONFIDENCE], np.clip(values[:, CONFIDENCE], 0.0, 1.0), 1.0)
    return Detections(
        (time[order] - epoch_us) * 1e-6,
        site[order],
        scan[order],
        form[order],
        z[order],
        var[order],
        mask[order],
        east[order],
        north[order],
        radius[order],
        address[order],
        label[order],
        confidence[order],
        head,
    )


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
