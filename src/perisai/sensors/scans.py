"""Scan numbers: detections of one sensor and scan exclude one another, so an object may be in a scan once only."""

import numpy as np

from perisai.geodesy import kernel


def cooperative_scans(time_us: np.ndarray, address: np.ndarray, period_us: int) -> np.ndarray:
    """Scans of a sensor that hears objects tell who they are: an address never comes twice in one scan.

    time_us: int64 (n,), in order. address: int64 (n,), negative where unknown. A scan ends after `period_us`, or before
    an address that it has already. Returns int64 (n,): the time of each scan's first detection (plus one microsecond
    for each further scan begun in the same microsecond), so numbers grow and a later file continues them.
    """
    known, codes = np.unique(address, return_inverse=True)
    return _cooperative(time_us, codes.astype(np.int64), known < 0, period_us, np.full(known.size, -1, np.int64))


@kernel
def _cooperative(time_us, codes, anonymous, period_us, last_scan):
    scans = np.empty(time_us.size, np.int64)
    scan = np.int64(-1)
    for i in range(time_us.size):
        code = codes[i]
        if scan < 0 or time_us[i] - scan >= period_us or (last_scan[code] == scan and not anonymous[code]):
            scan = max(time_us[i], scan + 1)
        last_scan[code] = scan
        scans[i] = scan
    return scans


def antenna_scans(time_s: np.ndarray, azimuth_deg: np.ndarray, period_s: float, north_s: np.ndarray) -> np.ndarray:
    """Revolution, from north to north, in which a turning antenna made each plot, however late the plot was stamped.

    time_s: s since 1970 (n,). north_s: times of the north markers heard, in order; with two or more the antenna's place
    is interpolated between them, else it is followed from the plots: antenna angle / 360 = time / period - phase,
    the phase filtered along the way, as no antenna turns at just its nominal rate.
    Returns int64 (n,), revolutions since 1970, so that a later capture goes on counting.
    """
    az_turns = np.nan_to_num(azimuth_deg) / 360.0
    if north_s.size > 1:
        first = np.rint(north_s[0] / period_s)
        index = np.clip(np.searchsorted(north_s, time_s, side="right") - 1, 0, north_s.size - 2)
        turn = index + (time_s - north_s[index]) / (north_s[index + 1] - north_s[index])
        return (first + np.rint(turn - az_turns - _LAG)).astype(np.int64)
    if time_s.size == 0:
        return np.zeros(0, np.int64)
    order = np.argsort(time_s, kind="stable")
    first = np.floor(time_s[order[0]] / period_s)
    residue = (time_s - first * period_s) / period_s - az_turns
    scans = np.empty(time_s.size, np.int64)
    scans[order] = _follow(residue[order], np.int64(first))
    return scans


_LAG = 0.25
"""Middle of the delays (-0.25 to 0.75 turns) within which a plot is stamped after the antenna passed it."""

_SEED = 20
_GAIN = 0.05


@kernel
def _follow(residue, first):
    scans = np.empty(residue.size, np.int64)
    s = 0.0
    c = 0.0
    for i in range(min(_SEED, residue.size)):
        s += np.sin(2.0 * np.pi * residue[i])
        c += np.cos(2.0 * np.pi * residue[i])
    phase = np.arctan2(s, c) / (2.0 * np.pi)
    for i in range(residue.size):
        turn = np.rint(residue[i] - phase)
        phase += _GAIN * (residue[i] - phase - turn)
        scans[i] = first + np.int64(turn)
    return scans
