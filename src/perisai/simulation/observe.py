"""What a network of sensors reports of the truth: detections with noise, misses, clutter and delays."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.geodesy import destination, enu_from_ecef_offset, geodetic_from_ecef, kernel
from perisai.model import THREATS, Sensor, build, empty

from .coverage import COLUMNS, Paths, paths_of, sightings

RANGE_RATE_SIGMA_MPS = 2.0
IDENTITY_SPEED_SIGMA_MPS = 0.5
HEIGHT_SIGMA_M = 8.0
GROSS_BEARINGS = 0.05
"""Share of bearings of untrained reporters that point anywhere."""
LABEL_RIGHT = 0.85
COOPERATIVE = ("modes", "remote_id")
_LATENCY_S = {"presence": (0.5, 2.0), "bearing": (3.0, 6.0)}
_OTHER_LATENCY_S = (0.2, 0.6)
# Sensors report in steps (ASTERIX I048/040: 1/256 NM and 0.0055 degrees); finer digits would only fill the disk.
_DECIMALS = {
    **{"lat": 6, "lon": 6, "alt_m": 0, "range_m": 0, "azimuth_deg": 3, "elevation_deg": 3, "range_rate_mps": 1},
    **{"ve_mps": 1, "vn_mps": 1, "vu_mps": 1, "confidence": 2},
}


@dataclass(slots=True)
class _Reports:
    """Reports of one sensor, columns (m,); kind -1 and object -1 where there is none to tell."""

    scan: np.ndarray
    time_s: np.ndarray
    values: dict[str, np.ndarray]
    kind: np.ndarray
    object: np.ndarray

    def joined(self, other: "_Reports") -> "_Reports":
        def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return np.concatenate([a, b])

        blank = np.full(len(self.scan), np.nan), np.full(len(other.scan), np.nan)
        values = {
            name: both(self.values.get(name, blank[0]), other.values.get(name, blank[1]))
            for name in self.values.keys() | other.values.keys()
        }
        return _Reports(
            both(self.scan, other.scan),
            both(self.time_s, other.time_s),
            values,
            both(self.kind, other.kind),
            both(self.object, other.object),
        )

    def chosen(self, rows: np.ndarray) -> "_Reports":
        values = {name: value[rows] for name, value in self.values.items()}
        return _Reports(self.scan[rows], self.time_s[rows], values, self.kind[rows], self.object[rows])


@dataclass(frozen=True, slots=True)
class _Truth:
    """Per row of the paths: index of the kind in THREATS, object number, whether it carries a transponder."""

    kind: np.ndarray
    object: np.ndarray
    cooperative: np.ndarray


def observe(truth: pa.Table, sensors: list[Sensor], seed: int, addresses: Mapping[int, str] | None = None) -> pa.Table:
    """Detections of a truth table by sensors, in order of receipt.

    addresses: object -> ICAO address of those that carry a transponder; without it every object that is not hostile
    has one made from its number. Each sensor draws from a generator made of the seed and its id, so adding a sensor
    changes nothing of the others. Ears date a report when the sound reached them (the object had flown on by then).
    Returns a table of the schema detections; nothing in it tells which object a report is of.
    """
    if truth.num_rows == 0 or not sensors:
        return empty("detections")
    paths, order = paths_of(truth)
    number = np.asarray(truth["object"].to_numpy())[order]
    if addresses is None:
        hostile = np.asarray(truth["hostile"].fill_null(False).to_numpy())[order]
        addresses = {int(n): f"{0x400000 + int(n) % 0x3FFFFF:06x}" for n in np.unique(number[~hostile])}
    told = _Truth(_kind_numbers(truth["kind"])[order], number, np.isin(number, list(addresses)))
    parts = [_reports(sensor, seed, paths, told) for sensor in sensors]
    return _table(paths.origin_us, sensors, parts, addresses)


def _kind_numbers(kind: pa.ChunkedArray) -> np.ndarray:
    """The index of each kind in THREATS; `other` for what is not there."""
    known = pc.index_in(kind, value_set=pa.array(THREATS))
    return np.asarray(pc.fill_null(known, THREATS.index("other")).to_numpy(), dtype=np.int64)


def _reports(sensor: Sensor, seed: int, paths: Paths, told: _Truth) -> tuple[_Reports, np.ndarray]:
    """The reports of a sensor and their latencies, s."""
    key = int.from_bytes(hashlib.sha256(sensor.id.encode()).digest()[:8], "little")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))
    phase = float(rng.random())
    seen = sightings(paths, sensor, phase)
    row = seen[:, 0].astype(np.int64)
    chance = np.full(len(seen), sensor.or_default("detection_probability"))
    if sensor.kind == "presence":
        # P = p0 exp(-(d/d0)2) with d0 = sqrt(2) sigma, as the tracker's specification has it.
        chance *= np.exp(-0.5 * (seen[:, 3] / sensor.or_default("sigma_m")) ** 2)
    if sensor.kind in COOPERATIVE:
        chance = np.where(told.cooperative[row], chance, 0.0)
    kept = rng.random(len(seen)) < chance
    seen, row = seen[kept], row[kept]
    true = _measure(rng, sensor, seen, paths.state[row, 4:7])
    true.kind, true.object = _labels(rng, sensor, told.kind[row]), told.object[row]
    if sensor.kind not in COOPERATIVE:
        true.object = np.full(len(row), -1)
    reports = true.joined(_clutter(rng, sensor, phase, paths.end_s))
    if sensor.kind == "presence":
        # It says that it hears something, once a scan, however many there are.
        reports = reports.chosen(np.unique(reports.scan, return_index=True)[1])
    low, spread = _LATENCY_S.get(sensor.kind, _OTHER_LATENCY_S)
    return reports, low + spread * rng.random(len(reports.scan))


def _labels(rng: np.random.Generator, sensor: Sensor, kind: np.ndarray) -> np.ndarray:
    """What an ear or an eye takes the object for: right in 85 of 100; radars and receivers do not say."""
    if sensor.kind not in ("bearing", "presence"):
        return np.full(len(kind), -1)
    guess = rng.integers(0, len(THREATS), len(kind))
    return np.where(rng.random(len(kind)) < LABEL_RIGHT, kind, guess)


@kernel
def _geodetic(x, y, z, vx, vy, vz, out):
    for i in range(x.size):
        lat, lon, alt = geodetic_from_ecef(x[i], y[i], z[i])
        out[i, 0], out[i, 1], out[i, 2] = np.degrees(lat), np.degrees(lon), alt
        out[i, 3], out[i, 4], out[i, 5] = enu_from_ecef_offset(lat, lon, vx[i], vy[i], vz[i])


def _measure(rng: np.random.Generator, sensor: Sensor, seen: np.ndarray, velocity: np.ndarray) -> _Reports:
    column = dict(zip(COLUMNS, seen.T, strict=True))
    m = len(seen)
    values: dict[str, np.ndarray] = {}
    if sensor.kind in ("radar2d", "radar3d"):
        values["range_m"] = np.maximum(column["range_m"] + rng.normal(0, sensor.or_default("sigma_range_m"), m), 1.0)
        values["azimuth_deg"] = _azimuth(rng, sensor, column["azimuth_rad"])
        if sensor.kind == "radar3d":
            noise = rng.normal(0, sensor.or_default("sigma_elevation_deg"), m)
            values["elevation_deg"] = np.degrees(column["elevation_rad"]) + noise
            values["range_rate_mps"] = column["range_rate_mps"] + rng.normal(0, RANGE_RATE_SIGMA_MPS, m)
    elif sensor.kind == "bearing":
        gross = rng.random(m) < GROSS_BEARINGS
        anywhere = rng.uniform(0.0, 360.0, m)
        values["azimuth_deg"] = np.where(gross, anywhere, _azimuth(rng, sensor, column["azimuth_rad"]))
    elif sensor.kind != "presence":
        place = np.empty((m, 6))
        _geodetic(column["x"], column["y"], column["z"], *np.ascontiguousarray(velocity.T), place)
        off = np.abs(rng.normal(0, sensor.or_default("sigma_m"), (2, m)))
        off *= rng.choice([-1.0, 1.0], (2, m))
        lat, lon = destination(place[:, 0], place[:, 1], np.degrees(np.arctan2(*off)), np.hypot(*off))
        values["lat"], values["lon"] = lat, lon
        if sensor.kind in COOPERATIVE:
            values["alt_m"] = place[:, 2] + rng.normal(0, HEIGHT_SIGMA_M, m)
            for i, name in enumerate(("ve_mps", "vn_mps", "vu_mps"), start=3):
                values[name] = place[:, i] + rng.normal(0, IDENTITY_SPEED_SIGMA_MPS, m)
    if sensor.kind in ("bearing", "presence"):
        values["confidence"] = np.full(m, LABEL_RIGHT)
    none = np.full(m, -1)
    return _Reports(column["scan"].astype(np.int64), column["time_s"].copy(), values, none, none)


def _azimuth(rng: np.random.Generator, sensor: Sensor, azimuth_rad: np.ndarray) -> np.ndarray:
    noise = rng.normal(0, sensor.or_default("sigma_azimuth_deg"), len(azimuth_rad))
    return (np.degrees(azimuth_rad) + noise) % 360.0


def _clutter(rng: np.random.Generator, sensor: Sensor, phase: float, span_s: float) -> _Reports:
    """False reports: Poisson in number, even over the scans and over the coverage's area."""
    period = sensor.or_default("period_s")
    scans = max(1, int(span_s / period))
    m = int(rng.poisson(sensor.clutter_per_scan * scans))
    scan = np.sort(rng.integers(0, scans, m))
    azimuth = rng.uniform(0.0, 360.0, m)
    far2 = rng.uniform(sensor.min_range_m**2, sensor.or_default("max_range_m") ** 2, m)
    rotates = sensor.kind in ("radar2d", "radar3d")
    time_s = (scan + phase + (azimuth / 360.0 if rotates else 0.0)) * period
    values: dict[str, np.ndarray] = {}
    if rotates:
        values["range_m"], values["azimuth_deg"] = np.sqrt(far2), azimuth
        if sensor.kind == "radar3d":
            values["elevation_deg"] = rng.uniform(0.0, 15.0, m)
            values["range_rate_mps"] = rng.normal(0.0, 15.0, m)
    elif sensor.kind == "bearing":
        values["azimuth_deg"] = azimuth
    elif sensor.kind != "presence":
        values["lat"], values["lon"] = destination(sensor.lat, sensor.lon, azimuth, np.sqrt(far2))
    label = np.full(m, -1)
    if sensor.kind in ("bearing", "presence"):
        values["confidence"] = np.full(m, LABEL_RIGHT)
        label = rng.integers(0, len(THREATS), m)
    return _Reports(scan, time_s, values, label, np.full(m, -1))


def _table(
    origin_us: int, sensors: list[Sensor], parts: list[tuple[_Reports, np.ndarray]], addresses: Mapping[int, str]
) -> pa.Table:
    sizes = [len(reports.scan) for reports, _ in parts]
    time_s = np.concatenate([reports.time_s for reports, _ in parts])
    time = origin_us + np.round(time_s * 1e3).astype(np.int64) * 1_000
    received = time + np.round(np.concatenate([late for _, late in parts]) * 1e3).astype(np.int64) * 1_000
    order = np.argsort(received, kind="stable")
    columns: dict[str, object] = {"time": time[order], "received": received[order]}
    which = np.repeat(np.arange(len(sensors)), sizes)[order]
    columns["sensor"] = pa.array([sensor.id for sensor in sensors]).take(pa.array(which))
    columns["scan"] = np.concatenate([reports.scan for reports, _ in parts])[order]
    for name, decimals in _DECIMALS.items():
        if not any(name in reports.values for reports, _ in parts):
            continue
        column = [reports.values.get(name, np.full(n, np.nan)) for (reports, _), n in zip(parts, sizes, strict=True)]
        columns[name] = np.round(np.concatenate(column)[order], decimals)
    label = np.concatenate([reports.kind for reports, _ in parts])[order]
    columns["label"] = pa.array(THREATS).take(pa.array(label, mask=label < 0))
    number = np.concatenate([reports.object for reports, _ in parts])[order]
    known = sorted(addresses)
    place = np.searchsorted(known, number)
    columns["address"] = pa.array([addresses[n] for n in known], pa.string()).take(pa.array(place, mask=number < 0))
    return build("detections", columns)
