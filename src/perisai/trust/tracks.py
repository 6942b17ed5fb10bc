"""The living tracks as trust sees them: where each is, and which instruments have seen it."""

import math

import msgspec
import numpy as np
import pyarrow as pa

from perisai.model import time_us

CELL_DEG = 0.05
STALE_US = 60_000_000
METRES_A_DEGREE = 111_320.0
AIRCRAFT = 0.7


class Living(msgspec.Struct):
    """A track: place in degrees and speed in m/s at time_us, its position's 1 sigma, the instruments that saw it.

    neutral: flies as an aircraft that says who it is; it vouches for nothing else. alone_us: since when one instrument
    alone has seen it where others should.
    """

    lat: float
    lon: float
    ve_mps: float
    vn_mps: float
    time_us: int
    sigma_m: float
    seen_by: list[int]
    neutral: bool
    confirmed: bool
    alone_us: int = 0

    def at(self, now_us: int) -> tuple[float, float]:
        """Where it should be now, degrees; no farther than a minute of flight from where it was."""
        dt = min(max(now_us - self.time_us, 0), STALE_US) * 1e-6
        lat = self.lat + self.vn_mps * dt / METRES_A_DEGREE
        return lat, self.lon + self.ve_mps * dt / (METRES_A_DEGREE * max(0.02, math.cos(math.radians(self.lat))))


def take(living: dict[int, Living], rows: pa.Table, instruments: dict[str, int]) -> None:
    """Bring the tracks up to date with the rows of a frame. instruments: numbers by name; others do not count."""
    if rows.num_rows == 0:
        return
    wanted = rows.select(
        [
            "track",
            "lat",
            "lon",
            "ve_mps",
            "vn_mps",
            "p_ee",
            "p_nn",
            "status",
            "address",
            "p_aircraft",
            "flags",
            "sensors",
        ]
    )
    for row, at_us in zip(wanted.to_pylist(), time_us(rows["time"]).tolist(), strict=True):
        if row["status"] == "ended":
            living.pop(row["track"], None)
            continue
        named = bool(row["address"]) and not row["flags"]
        before = living.get(row["track"])
        living[row["track"]] = Living(
            lat=row["lat"],
            lon=row["lon"],
            ve_mps=row["ve_mps"],
            vn_mps=row["vn_mps"],
            time_us=at_us,
            sigma_m=math.sqrt(max(0.0, 0.5 * ((row["p_ee"] or 0.0) + (row["p_nn"] or 0.0)))),
            seen_by=sorted(instruments[name] for name in row["sensors"] or () if name in instruments),
            neutral=named or (row["p_aircraft"] or 0.0) > AIRCRAFT,
            confirmed=row["status"] == "confirmed",
            alone_us=before.alone_us if before else 0,
        )


def cells(lat: np.ndarray, lon: np.ndarray, dy: int = 0, dx: int = 0) -> np.ndarray:
    """Numbers of the 0.05 degree cells of places (n,), or of their neighbours, int64; any for what is no place."""
    with np.errstate(invalid="ignore", over="ignore"):
        row = np.floor(np.asarray(lat) / CELL_DEG).astype(np.int64) + dy
        return row * 100_000 + np.floor(np.asarray(lon) / CELL_DEG).astype(np.int64) + dx


def around(living: dict[int, Living], now_us: int) -> np.ndarray:
    """The cells in and beside which a track should be now, int64, sorted, some of them several times."""
    if not living:
        return np.zeros(0, np.int64)
    tracks, n = living.values(), len(living)
    lat = np.fromiter((one.lat for one in tracks), np.float64, n)
    lon = np.fromiter((one.lon for one in tracks), np.float64, n)
    at_us = np.fromiter((one.time_us for one in tracks), np.int64, n)
    dt = np.clip(now_us - at_us, 0, STALE_US) * 1e-6 / METRES_A_DEGREE
    lon += np.fromiter((one.ve_mps for one in tracks), np.float64, n) * dt / np.maximum(0.02, np.cos(np.radians(lat)))
    lat += np.fromiter((one.vn_mps for one in tracks), np.float64, n) * dt
    return np.sort(np.concatenate([cells(lat, lon, dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]))


def among(places: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which cells (n,) are among the sorted ones, bool (n,)."""
    if not known.size:
        return np.zeros(places.size, bool)
    return known[np.minimum(np.searchsorted(known, places), known.size - 1)] == places
