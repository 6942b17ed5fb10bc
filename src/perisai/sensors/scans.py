"""Scan numbers: detections of one sensor and scan exclude one another, so an object may be in a scan once only."""

import numpy as np

from perisai.geodesy import kernel


def cooperative_scans(time_us: np.ndarray, address: np.ndarray, period_us: int) -> np.ndarray:
    """Scans of a sensor that hears objects tell who they are: an address never comes twice in one scan.

    time_us: int64 (n,), in order. address: int64 (n,), negative where unknown. A scan ends after `period_us`, or before
    an address that it has already. Returns int64 (n,): the time of each scan's first detection (plus one microsecond
    for each further scan begun in the same microsecond), so numbers grow and a later file continues them.
    """
    return CooperativeScans(period_us).number(time_us, address)


class CooperativeScans:
    """`cooperative_scans` for what comes in parts: each part goes on where the last one ended."""

    def __init__(self, period_us: int) -> None:
        self._period_us = period_us
        self._scan = -1
        self._seen = np.empty(0, np.int64)

    def number(self, time_us: np.ndarray, address: np.ndarray) -> np.ndarray:
        """Scans of the next detections, int64 (n,); arguments as of `cooperative_scans`."""
        if time_us.size == 0:
            return np.empty(0, np.int64)
        known, codes = np.unique(address, return_inverse=True)
        last = np.where(np.isin(known, self._seen), np.int64(self._scan), np.int64(-1))
        scans = _cooperative(time_us, codes.astype(np.int64), known < 0, self._period_us, last, np.int64(self._scan))
        now_seen = known[last == scans[-1]]
        self._seen = np.union1d(self._seen, now_seen) if scans[-1] == self._scan else now_seen
        self._scan = int(scans[-1])
        return scans


@kernel
def _cooperative(time_us, codes, anonymous, period_us, last_scan, scan):
    scans = np.empty(time_us.size, np.int64)
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
    scans[order], _ = _follow_on(residue[order], np.int64(first), np.nan)
    return scans


class LiveAntenna:
    """`antenna_scans` for a feed without an end: the turn goes on from the last north marker, or is followed."""

    def __init__(self) -> None:
        self._north_s = float("nan")
        self._count = 0
        self._period_s = float("nan")
        self._told = False
        self._phase: float | None = None
        self._first = 0.0

    def north(self, times_s: np.ndarray, told_s: float) -> None:
        """North markers heard, s since 1970 in order, and the period of rotation that the radar tells (NaN: none)."""
        if told_s > 0.0:
            self._period_s, self._told = told_s, True
        for time_s in times_s.tolist():
            step_s = time_s - self._north_s
            if not step_s > 0.0:
                if np.isnan(self._north_s):
                    self._north_s = time_s
                continue
            turns = max(1, round(step_s / self._period_s)) if self._period_s > 0.0 else 1
            if self._count == 0:
                self._count = round(time_s / step_s)
            else:
                self._count += turns
            if turns == 1:
                # No antenna turns at just its nominal rate; a marker missed is not a slow turn.
                self._period_s = step_s
            self._north_s = time_s

    def number(self, time_s: np.ndarray, azimuth_deg: np.ndarray, nominal_s: float) -> np.ndarray:
        """Revolutions of plots in order of receipt, int64 (n,). nominal_s: the period before any is known."""
        if time_s.size == 0:
            return np.zeros(0, np.int64)
        az_turns = np.nan_to_num(azimuth_deg) / 360.0
        if self._count:
            turn = self._count + (time_s - self._north_s) / self._period_s
            return np.rint(turn - az_turns - _LAG).astype(np.int64)
        period_s = self._period_s if self._told else nominal_s
        if self._phase is None:
            self._first = np.floor(time_s[0] / period_s)
        residue = time_s / period_s - self._first - az_turns
        scans, self._phase = _follow_on(residue, np.int64(self._first), np.nan if self._phase is None else self._phase)
        return scans


_LAG = 0.25
"""Middle of the delays (-0.25 to 0.75 turns) within which a plot is stamped after the antenna passed it."""

_SEED = 20
_GAIN = 0.05


@kernel
def _follow_on(residue, first, phase):
    """Scans, and the phase to go on with; NaN: the phase is found from the first residues."""
    scans = np.empty(residue.size, np.int64)
    if np.isnan(phase):
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
    return scans, phase
