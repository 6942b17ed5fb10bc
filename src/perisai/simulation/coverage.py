"""Which objects a sensor can see at which of its scans: range, horizon, rotation, and the travel time of sound."""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perisai.geodesy import MEAN_RADIUS_M, ecef_from_geodetic, ecef_offset_from_enu, enu_from_ecef_offset, kernel
from perisai.model import Sensor, floats, time_us

_CHUNK = 32
_ROUNDS = 40
_CLOSE_S = 2e-4
HORIZON_M = math.sqrt(2.0 * 4.0 / 3.0 * MEAN_RADIUS_M)
"""Horizon over a sphere of 4/3 of the Earth's radius: HORIZON_M (sqrt(h1) + sqrt(h2)), that is 4.12 km a root metre."""
COLUMNS = ("row", "scan", "time_s", "range_m", "azimuth_rad", "elevation_rad", "range_rate_mps", "x", "y", "z")


@dataclass(frozen=True, slots=True)
class Paths:
    """Truth as arrays for the kernels, rows by object and time; times in seconds after origin_us.

    end_s: the last time of all. state: (n, 7) time, x, y, z, vx, vy, vz in ECEF. height: (n,) m. chunk: (c, 2) first
    and last row of pieces of an object's path that share their ends. ball: (c, 4) middle and radius of each piece.
    highest: (c,) m.
    """

    origin_us: int
    end_s: float
    state: np.ndarray
    height: np.ndarray
    chunk: np.ndarray
    ball: np.ndarray
    highest: np.ndarray


@kernel
def _to_ecef(lat, lon, alt, ve, vn, vu, out):
    for i in range(lat.size):
        out[i, 1], out[i, 2], out[i, 3] = ecef_from_geodetic(lat[i], lon[i], alt[i])
        out[i, 4], out[i, 5], out[i, 6] = ecef_offset_from_enu(lat[i], lon[i], ve[i], vn[i], vu[i])


def paths_of(truth: pa.Table) -> tuple[Paths, np.ndarray]:
    """Paths of a truth table, and the table's row of each of their rows. Unknown heights and speeds count as 0."""
    time = time_us(truth["time"])
    which = np.asarray(truth["object"].to_numpy())
    order = np.lexsort((time, which))
    time, which = time[order], which[order]
    lat, lon, alt, ve, vn = (
        np.nan_to_num(floats(truth[name]))[order] for name in ("lat", "lon", "alt_m", "ve_mps", "vn_mps")
    )
    origin = int(time.min())
    seconds = (time - origin) / 1e6
    first = np.flatnonzero(np.r_[True, np.diff(which) != 0])
    last = np.r_[first[1:], len(which)] - 1
    climb = np.zeros(len(time))
    same = which[1:] == which[:-1]
    rate = np.where(same, np.diff(alt) / np.maximum(np.diff(seconds), 1e-6), 0.0)
    # Middle rows take the mean of the slopes on both sides, the ends the one they have.
    before, after = np.r_[0.0, rate], np.r_[rate, 0.0]
    ends = np.zeros(len(time), dtype=bool)
    ends[first], ends[last] = True, True
    climb = np.where(ends, before + after, 0.5 * (before + after))
    climb[first[first == last]] = 0.0
    state = np.empty((len(time), 7))
    state[:, 0] = seconds
    _to_ecef(np.radians(lat), np.radians(lon), alt, ve, vn, climb, state)
    pieces: list[np.ndarray] = []
    for a, b in zip(first, last, strict=True):
        starts = np.arange(a, b, _CHUNK)
        pieces.append(np.column_stack([starts, np.minimum(starts + _CHUNK, b)]))
    chunk = np.vstack(pieces) if pieces else np.empty((0, 2), dtype=np.int64)
    ball, highest = _balls(state, alt, chunk)
    return Paths(origin, float(seconds.max()), state, alt, chunk, ball, highest), order


@kernel
def _balls(state, height, chunk):
    ball = np.empty((chunk.shape[0], 4))
    highest = np.empty(chunk.shape[0])
    for c in range(chunk.shape[0]):
        a, b = chunk[c, 0], chunk[c, 1]
        for i in range(3):
            ball[c, i] = 0.5 * (state[a : b + 1, 1 + i].min() + state[a : b + 1, 1 + i].max())
        radius = 0.0
        for k in range(a, b + 1):
            gap = 0.0
            for i in range(3):
                gap += (state[k, 1 + i] - ball[c, i]) ** 2
            radius = max(radius, math.sqrt(gap))
        # Between rows the path may bulge outwards a little.
        ball[c, 3] = radius * 1.05 + 100.0
        highest[c] = height[a : b + 1].max()
    return ball, highest


@kernel
def _at(state, height, a, b, t, out):
    """Cubic Hermite position, its derivative, the height and the nearest earlier row at a time inside rows a..b."""
    low, high = a, b
    while high - low > 1:
        mid = (low + high) // 2
        if state[mid, 0] <= t:
            low = mid
        else:
            high = mid
    dt = state[high, 0] - state[low, 0]
    u = min(max((t - state[low, 0]) / max(dt, 1e-9), 0.0), 1.0)
    h00, h10 = (1.0 + 2.0 * u) * (1.0 - u) ** 2, u * (1.0 - u) ** 2
    h01, h11 = u * u * (3.0 - 2.0 * u), u * u * (u - 1.0)
    for i in range(3):
        out[i] = (
            h00 * state[low, 1 + i]
            + h10 * dt * state[low, 4 + i]
            + h01 * state[high, 1 + i]
            + h11 * dt * state[high, 4 + i]
        )
        out[3 + i] = (1.0 - u) * state[low, 4 + i] + u * state[high, 4 + i]
    out[6] = (1.0 - u) * height[low] + u * height[high]
    return low


@kernel
def _passes(state, height, chunk, ball, highest, place, timing, reach, out):
    """Sightings of one sensor; returns their number, of which the first out.shape[0] are written.

    place: lat, lon (rad), x, y, z. timing: period (s), phase (0..1), rotates (0, 1), speed of what is sensed (m/s, or
    0). reach: nearest and farthest range (m), antenna height (m, or below 0 when the horizon does not matter).
    """
    lat, lon = place[0], place[1]
    period, phase, rotates, speed = timing[0], timing[1], timing[2] > 0.0, timing[3]
    root = math.sqrt(max(reach[2], 0.0))
    now = np.empty(7)
    found = 0
    for c in range(chunk.shape[0]):
        dx, dy, dz = ball[c, 0] - place[2], ball[c, 1] - place[3], ball[c, 2] - place[4]
        gap = math.sqrt(dx * dx + dy * dy + dz * dz) - ball[c, 3]
        if gap > reach[1]:
            continue
        if reach[2] >= 0.0 and gap > HORIZON_M * (root + math.sqrt(max(highest[c], 0.0))) * 1.02 + 1e3:
            continue
        a, b = chunk[c, 0], chunk[c, 1]
        begin, end = state[a, 0], state[b, 0]
        later = (reach[1] + 2.0 * ball[c, 3]) / speed if speed > 0.0 else 0.0
        first = math.floor(begin / period - phase) - 1
        final = math.ceil((end + later) / period - phase) + 1
        for k in range(first, final + 1):
            heard = (k + phase) * period
            t = heard
            row = a
            e, n, u, r = 0.0, 0.0, 0.0, 0.0
            met = False
            for _ in range(_ROUNDS):
                row = _at(state, height, a, b, t, now)
                e, n, u = enu_from_ecef_offset(lat, lon, now[0] - place[2], now[1] - place[3], now[2] - place[4])
                r = math.sqrt(e * e + n * n + u * u)
                before = t
                if speed > 0.0:
                    t = heard - r / speed
                elif rotates:
                    heard = (k + phase + (math.atan2(e, n) / (2.0 * math.pi)) % 1.0) * period
                    t = heard
                met = abs(t - before) < _CLOSE_S
                if met:
                    break
            # A beam that an object crossing north slips past, or sound slower than its source, meets nothing.
            if not met:
                continue
            if t < begin or t >= end or r > reach[1] or r < reach[0]:
                continue
            if reach[2] >= 0.0 and r > HORIZON_M * (root + math.sqrt(max(now[6], 0.0))):
                continue
            if found < out.shape[0]:
                ve, vn, vu = enu_from_ecef_offset(lat, lon, now[3], now[4], now[5])
                out[found, 0], out[found, 1], out[found, 2], out[found, 3] = row, k, heard, r
                out[found, 4], out[found, 5] = math.atan2(e, n), math.atan2(u, math.hypot(e, n))
                out[found, 6] = (e * ve + n * vn + u * vu) / max(r, 1.0)
                out[found, 7], out[found, 8], out[found, 9] = now[0], now[1], now[2]
            found += 1
    return found


ROTATING = ("radar2d", "radar3d")
EARS = ("bearing", "presence")


def sightings(paths: Paths, sensor: Sensor, phase: float) -> np.ndarray:
    """Every (object, scan) in the sensor's coverage, rows (m, 10) of COLUMNS, by object and time.

    `row` is the row of paths just before; `time_s` when it is received by the sensor, seconds after the origin: for a
    radar the instant its beam passes, for an ear when the sound arrives. A scan k lasts from (k + phase) period_s.
    """
    lat, lon = math.radians(sensor.lat), math.radians(sensor.lon)
    place = np.array([lat, lon, *ecef_from_geodetic(lat, lon, sensor.alt_m)])
    timing = np.array([sensor.or_default("period_s"), phase, float(sensor.kind in ROTATING), sensor.delay_mps or 0.0])
    antenna = -1.0 if sensor.kind in EARS else max(sensor.alt_m, 2.0)
    reach = np.array([sensor.min_range_m, sensor.or_default("max_range_m"), antenna])
    out = np.empty((1024, len(COLUMNS)))
    while True:
        found = _passes(paths.state, paths.height, paths.chunk, paths.ball, paths.highest, place, timing, reach, out)
        if found <= len(out):
            return out[:found]
        out = np.empty((found, len(COLUMNS)))
