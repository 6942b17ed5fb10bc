"""Mode S frames (ADS-B extended squitters, DF 17 and 18) to positions with velocity.

ICAO Annex 10 volume IV, ICAO Doc 9871; frames are decoded by rs1090, halves of positions are joined in `cpr`.
"""

import re
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import rs1090

from perisai.model import NOT_JSON

from . import cpr
from .imported import Imported, detections, to_us
from .scans import cooperative_scans
from .units import FOOT_M, FOOT_PER_MINUTE_MPS, KNOT_MPS

_FRAME = re.compile(r"(?:[0-9a-fA-F]{14}|[0-9a-fA-F]{28})\Z")

RADIUS_95_M = {9: 3.0, 8: 10.0, 7: 92.6, 6: 185.2, 5: 463.0, 4: 926.0, 3: 1852.0, 2: 9260.0, 1: 18520.0}
"""Navigation uncertainty category (NUCp) -> radius that holds 95 % of the errors, m (DO-260, 2.2.8.1.5)."""

RADIUS_95_PER_SIGMA = 2.448


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
        except NOT_JSON:
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
    counts: Counter[str] = Counter()
    columns = ModeS(counts, rejects).decode(time_s, frames)
    columns["scan"] = cooperative_scans(columns["time"], columns["code"], int(period_s * 1e6))
    columns["sensor"] = [sensor] * columns["time"].size
    columns["address"] = [f"{code:06x}" for code in columns.pop("code").tolist()]
    return Imported(detections(columns, rejects), counts, rejects)


class ModeS:
    """A receiver of frames that remembers the halves of positions and the velocities of the aircraft it hears."""

    def __init__(self, counts: Counter[str], rejects: Counter[str]) -> None:
        self.counts, self.rejects = counts, rejects
        self.aircraft = cpr.Aircraft()

    def decode(self, time_s: np.ndarray, frames: list[str]) -> dict[str, Any]:
        """Columns of the detections table but `sensor`, `scan` and `address`, and `code`: the address as a number.

        time_s: of receipt, s since 1970 (n,); frames: hexadecimal (n). Later calls go on from earlier ones.
        """
        order = np.argsort(time_s, kind="stable")
        good = [i for i in order.tolist() if _FRAME.match(frames[i]) and np.isfinite(time_s[i])]
        self._refuse("modes: not a frame", len(frames) - len(good))
        messages: list[dict[str, Any]] = rs1090.decode([frames[i] for i in good], [float(time_s[i]) for i in good])  # type: ignore[assignment]
        self._refuse("modes: parity or format", len(good) - len(messages))
        self.counts.update(_kind(message) for message in messages)
        squitters = [message for message in messages if message.get("df") in ("17", "18")]
        self._refuse("modes: on ground", sum(message.get("bds") == "06" for message in squitters))
        moving = [message for message in squitters if message.get("bds") in ("05", "09") and "icao24" in message]
        return self._positions(moving)

    def _positions(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        time_s = _floats(messages, "timestamp")
        code = np.fromiter((int(message["icao24"], 16) for message in messages), np.int64, len(messages))
        place = np.fromiter((message["bds"] == "05" for message in messages), bool, len(messages))
        values = np.where(place[:, None], _halves(messages), _velocities(messages))
        found = cpr.resolve(self.aircraft, code, time_s, values)
        self._refuse("modes: position without its other half", int((found[:, 0] == cpr.ALONE).sum()))
        self._refuse("modes: position not plausible", int((found[:, 0] == cpr.IMPLAUSIBLE).sum()))
        rows = np.flatnonzero(found[:, 0] == cpr.FOUND)
        uncertainty = _floats(messages, "NUCp")[rows]
        sigma_m = np.full(rows.size, np.nan)
        for category, radius_m in RADIUS_95_M.items():
            sigma_m[uncertainty == category] = radius_m / RADIUS_95_PER_SIGMA
        names = ("lat", "lon", "ve_mps", "vn_mps", "vu_mps")
        return {
            "time": to_us(time_s[rows]),
            "received": to_us(time_s[rows]),
            "code": code[rows],
            "alt_m": _floats(messages, "altitude")[rows] * FOOT_M,
            "sigma_m": sigma_m,
        } | {name: found[rows, 1 + k] for k, name in enumerate(names)}

    def _refuse(self, reason: str, number: int) -> None:
        if number:
            self.rejects[reason] += number


def _kind(message: dict[str, Any]) -> str:
    """Such as `DF17 BDS05`."""
    register = message.get("bds")
    return f"DF{message.get('df')}" + (f" BDS{register}" if register and message.get("df") in ("17", "18") else "")


def _halves(messages: list[dict[str, Any]]) -> np.ndarray:
    """Position messages as `cpr.resolve` takes them, float64 (n, 4)."""
    odd = np.fromiter((message.get("parity") == "odd" for message in messages), np.float64, len(messages))
    return np.column_stack((np.zeros(odd.size), odd, _floats(messages, "lat_cpr"), _floats(messages, "lon_cpr")))


def _velocities(messages: list[dict[str, Any]]) -> np.ndarray:
    """Velocity messages as `cpr.resolve` takes them, float64 (n, 4); airspeeds tell no ground velocity."""
    speed = _floats(messages, "groundspeed") * KNOT_MPS
    track = np.radians(_floats(messages, "track"))
    rate = _floats(messages, "vertical_rate") * FOOT_PER_MINUTE_MPS
    return np.column_stack((np.ones(speed.size), speed * np.sin(track), speed * np.cos(track), rate))


def _floats(messages: list[dict[str, Any]], key: str) -> np.ndarray:
    values = (message.get(key) for message in messages)
    return np.fromiter((np.nan if value is None else value for value in values), np.float64, len(messages))
