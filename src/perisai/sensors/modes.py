"""Mode S frames (ADS-B extended squitters, DF 17 and 18) to positions with velocity.

ICAO Annex 10 volume IV, ICAO Doc 9871; frames are decoded by rs1090, pairs of even and odd positions included.
"""

import re
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import rs1090

from .imported import Imported, detections, to_us
from .scans import cooperative_scans
from .units import FOOT_M, FOOT_PER_MINUTE_MPS, KNOT_MPS

_FRAME = re.compile(r"(?:[0-9a-fA-F]{14}|[0-9a-fA-F]{28})\Z")

RADIUS_95_M = {9: 3.0, 8: 10.0, 7: 92.6, 6: 185.2, 5: 463.0, 4: 926.0, 3: 1852.0, 2: 9260.0, 1: 18520.0}
"""Navigation uncertainty category (NUCp) -> radius that holds 95 % of the errors, m (DO-260, 2.2.8.1.5)."""

RADIUS_95_PER_SIGMA = 2.448
VELOCITY_AGE_US = 5_000_000
"""A velocity older than this is not joined to a position."""


class _Line(msgspec.Struct):
    timestamp: float
    frame: str


def import_csv(content: bytes, sensor: str, period_s: float) -> Imported:
    """Lines of unix time, frame (hexadecimal) and whatever follows; a heading is allowed."""
    rejects: Counter[str] = Counter()
    times: list[float] = []
    frames: list[str] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines()):
        parts = line.split(",", 2)
        try:
            seconds, frame = float(parts[0]), parts[1].strip().strip('"')
        except (ValueError, IndexError):
            if number and line.strip():
                rejects["modes: line is not time,frame"] += 1
            continue
        times.append(seconds)
        frames.append(frame)
    return import_frames(np.array(times), frames, sensor, period_s, rejects)


def import_jsonl(content: bytes, sensor: str, period_s: float) -> Imported:
    """One JSON object a line with `timestamp` (s since 1970) and `frame`; what else it says is decoded here anew."""
    rejects: Counter[str] = Counter()
    decoder = msgspec.json.Decoder(_Line)
    times: list[float] = []
    frames: list[str] = []
    for text in content.splitlines():
        try:
            line = decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            rejects["modes: line has no timestamp and frame"] += bool(text.strip())
            continue
        times.append(line.timestamp)
        frames.append(line.frame)
    return import_frames(np.array(times), frames, sensor, period_s, rejects)


def import_frames(
    time_s: np.ndarray, frames: list[str], sensor: str, period_s: float, rejects: Counter[str]
) -> Imported:
    """Detections from frames (n) and their times of receipt, s since 1970 (n,).

    Counted are the messages by downlink format and register. Refused: frames that are not 7 or 14 bytes of
    hexadecimal or fail parity, positions on the ground, positions whose other half was not heard in time.
    """
    order = np.argsort(time_s, kind="stable")
    good = [i for i in order.tolist() if _FRAME.match(frames[i]) and np.isfinite(time_s[i])]
    rejects["modes: not a frame"] += len(frames) - len(good)
    messages: list[dict[str, Any]] = rs1090.decode([frames[i] for i in good], [float(time_s[i]) for i in good])  # type: ignore[assignment]
    rejects["modes: parity or format"] += len(good) - len(messages)
    counts = Counter(_kind(message) for message in messages)
    squitters = [message for message in messages if message.get("df") in ("17", "18")]
    positions = [message for message in squitters if message.get("bds") == "05"]
    rejects["modes: on ground"] += sum(message.get("bds") == "06" for message in squitters)
    resolved = [message for message in positions if message.get("latitude") is not None]
    rejects["modes: position without its other half"] += len(positions) - len(resolved)
    columns = _columns(resolved, [message for message in squitters if message.get("bds") == "09"])
    columns["scan"] = cooperative_scans(columns["time"], columns.pop("code"), int(period_s * 1e6))
    columns["sensor"] = [sensor] * len(resolved)
    columns["address"] = [message["icao24"] for message in resolved]
    return Imported(detections(columns, rejects), +counts, +rejects)


def _kind(message: dict[str, Any]) -> str:
    """Such as `DF17 BDS05`."""
    register = message.get("bds")
    return f"DF{message.get('df')}" + (f" BDS{register}" if register and message.get("df") in ("17", "18") else "")


def _columns(positions: list[dict[str, Any]], velocities: list[dict[str, Any]]) -> dict[str, Any]:
    time_us = to_us(_floats(positions, "timestamp"))
    code = _codes(positions)
    uncertainty = _floats(positions, "NUCp")
    sigma_m = np.full(len(positions), np.nan)
    for category, radius_m in RADIUS_95_M.items():
        sigma_m[uncertainty == category] = radius_m / RADIUS_95_PER_SIGMA
    joined = _latest(time_us, code, to_us(_floats(velocities, "timestamp")), _codes(velocities))
    speed = _picked(_floats(velocities, "groundspeed"), joined) * KNOT_MPS
    track = np.radians(_picked(_floats(velocities, "track"), joined))
    return {
        "time": time_us,
        "received": time_us,
        "code": code,
        "lat": _floats(positions, "latitude"),
        "lon": _floats(positions, "longitude"),
        "alt_m": _floats(positions, "altitude") * FOOT_M,
        "ve_mps": speed * np.sin(track),
        "vn_mps": speed * np.cos(track),
        "vu_mps": _picked(_floats(velocities, "vertical_rate"), joined) * FOOT_PER_MINUTE_MPS,
        "sigma_m": sigma_m,
    }


def _floats(messages: list[dict[str, Any]], key: str) -> np.ndarray:
    values = (message.get(key) for message in messages)
    return np.fromiter((np.nan if value is None else value for value in values), np.float64, len(messages))


def _codes(messages: list[dict[str, Any]]) -> np.ndarray:
    return np.fromiter((int(message["icao24"], 16) for message in messages), np.int64, len(messages))


def _latest(time_us: np.ndarray, code: np.ndarray, then_us: np.ndarray, then_code: np.ndarray) -> np.ndarray:
    """For each position the index of its address's latest velocity not older than VELOCITY_AGE_US, else -1."""
    if then_us.size == 0:
        return np.full(time_us.size, -1)
    order = np.lexsort((then_us, then_code))
    joined = np.full(time_us.size, -1)
    for address in np.unique(code):
        low, high = np.searchsorted(then_code[order], [address, address + 1])
        mine = order[low:high]
        rows = np.flatnonzero(code == address)
        place = np.searchsorted(then_us[mine], time_us[rows], side="right") - 1
        fresh = place >= 0
        fresh[fresh] = time_us[rows][fresh] - then_us[mine[place[fresh]]] <= VELOCITY_AGE_US
        joined[rows[fresh]] = mine[place[fresh]]
    return joined


def _picked(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """values[index], NaN where the index is -1."""
    return np.concatenate((values, [np.nan]))[index]
