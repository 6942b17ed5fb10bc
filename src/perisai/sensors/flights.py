"""Positions that others have decoded: OpenSky state vectors (CSV) and recorded flights (JSON)."""

import contextlib
import io
import math
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from perisai.model import NOT_JSON, BadInputError

from .imported import Imported, Sieve, detections, repeated, to_us
from .scans import cooperative_scans
from .units import FOOT_M, FOOT_PER_MINUTE_MPS, KNOT_MPS

STATE_COLUMNS = ("time", "icao24", "lat", "lon")


def import_states(content: bytes, source: str, sensor: str, period_s: float) -> Imported:
    """OpenSky state vectors as published in CSV (time, icao24, lat, lon, velocity, heading, ...), in SI units.

    The time of a position is `lastposupdate` where given: a state vector is repeated until the next position is heard,
    and repetitions are counted and left out, as are aircraft on the ground. Height: geometric, else barometric.
    Raises BadInputError when the columns are not there.
    """
    rejects: Counter[str] = Counter()
    table = _read(content, source, rejects)
    try:
        columns = Counter(table.column_names)
    except UnicodeDecodeError as error:  # pyarrow decodes the names of columns only when asked for
        raise BadInputError(source, str(error), "a CSV of OpenSky state vectors in UTF-8") from error
    for name in STATE_COLUMNS:
        if name not in columns:
            raise BadInputError(f"{source}: column {name}", "missing", f"{', '.join(STATE_COLUMNS)}, ...")
    for name, times in columns.items():
        if times > 1:
            raise BadInputError(f"{source}: column {name}", f"there {times} times", "columns that differ in name")
    column = {name: _floats(table, name) for name in _NUMBERS}
    seconds = np.where(np.isnan(column["lastposupdate"]), column["time"], column["lastposupdate"])
    address = _codes(table["icao24"].to_pylist())
    sieve = Sieve(table.num_rows, rejects)
    sieve.refuse(np.isnan(column["time"]), "state: time unknown")
    sieve.refuse(np.isnan(column["lat"]) | np.isnan(column["lon"]), "state: no position")
    if "onground" in columns:
        ground = table["onground"].cast(pa.string()).to_numpy(zero_copy_only=False)
        sieve.refuse(np.isin(ground, ("True", "true", "1")), "state: on ground")
    sieve.refuse((address >= 0) & repeated(address, seconds), "state: position repeated")
    heading = np.radians(column["heading"])
    alt = np.where(np.isnan(column["geoaltitude"]), column["baroaltitude"], column["geoaltitude"])
    rows = {
        "time": to_us(seconds),
        "received": to_us(np.fmax(column["time"], seconds)),
        "lat": column["lat"],
        "lon": column["lon"],
        "alt_m": alt,
        "ve_mps": column["velocity"] * np.sin(heading),
        "vn_mps": column["velocity"] * np.cos(heading),
        "vu_mps": column["vertrate"],
    }
    return _finish(rows, address, sieve, sensor, period_s, Counter({"state vector": table.num_rows}))


def _read(content: bytes, source: str, rejects: Counter[str]) -> pa.Table:
    """The file as a table; when a value does not fit its column, all are text, and what is no number is null."""
    with contextlib.suppress(pa.ArrowException, UnicodeDecodeError):
        return pcsv.read_csv(io.BytesIO(content), convert_options=_conversion())
    heading, *lines = content.splitlines() or [b""]
    whole = [line for line in lines if line.count(b",") == heading.count(b",")]
    faulty = sum(bool(line.strip()) for line in lines) - len(whole)
    if faulty:
        rejects["state: line with too few or too many fields"] += faulty
    try:
        names = heading.decode("utf-8").strip().split(",")
        text = pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()))
        table = pcsv.read_csv(io.BytesIO(b"\n".join([heading, *whole])), convert_options=text)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise BadInputError(source, str(error).splitlines()[0], "a CSV of OpenSky state vectors in UTF-8") from error
    for name in table.column_names:
        if names.count(name) > 1:
            return table
        values = [_value(one, name in _NUMBERS) for one in table[name].to_pylist()]
        kind = pa.float64() if name in _NUMBERS else pa.string()
        table = table.set_column(table.column_names.index(name), name, pa.array(values, kind))
    return table


def _value(raw: object, number: bool) -> float | str | None:
    """A field read as text (as what it looked like where the heading does not name its column); None for what is empty
    or, in a column of numbers, none."""
    text = raw.decode("utf-8", "replace").strip() if isinstance(raw, bytes) else "" if raw is None else str(raw)
    if not number:
        return text or None
    try:
        return float(text)
    except ValueError:
        return None


class _Sample(msgspec.Struct):
    timestamp: float
    latitude: float | None = None
    longitude: float | None = None
    icao24: str | None = None
    altitude: float | None = None
    groundspeed: float | None = None
    track: float | None = None
    vertical_rate: float | None = None
    onground: bool | None = None


def import_flights(content: bytes, source: str, sensor: str, period_s: float) -> Imported:
    """A JSON array of samples of flights: timestamp (ms since 1970), latitude, longitude, altitude (ft, pressure),
    groundspeed (kt), track (degrees), vertical_rate (ft/min), icao24.

    Raises BadInputError when it is no such array.
    """
    rejects: Counter[str] = Counter()
    samples = _samples(content, source, rejects)
    n = len(samples)
    nan = math.nan

    def column(values: list[float | None]) -> np.ndarray:
        return np.fromiter((nan if v is None else v for v in values), np.float64, n)

    lat, lon = column([s.latitude for s in samples]), column([s.longitude for s in samples])
    time_us = to_us(np.fromiter((s.timestamp for s in samples), np.float64, n) / 1e3)
    speed = column([s.groundspeed for s in samples]) * KNOT_MPS
    track = np.radians(column([s.track for s in samples]))
    address = _codes([s.icao24 for s in samples])
    sieve = Sieve(n, rejects)
    sieve.refuse(np.isnan(lat) | np.isnan(lon), "flight: no position")
    sieve.refuse(np.fromiter((bool(s.onground) for s in samples), bool, n), "flight: on ground")
    columns = {
        "time": time_us,
        "received": time_us,
        "lat": lat,
        "lon": lon,
        "alt_m": column([s.altitude for s in samples]) * FOOT_M,
        "ve_mps": speed * np.sin(track),
        "vn_mps": speed * np.cos(track),
        "vu_mps": column([s.vertical_rate for s in samples]) * FOOT_PER_MINUTE_MPS,
    }
    return _finish(columns, address, sieve, sensor, period_s, Counter({"flight sample": n}))


def _samples(content: bytes, source: str, rejects: Counter[str]) -> list[_Sample]:
    """The samples; one that is none is counted, unless none is any good."""
    expected = "a JSON array of flight samples"
    try:
        return msgspec.json.decode(content, type=list[_Sample])
    except NOT_JSON as error:
        fault = str(error)
    try:
        raws = msgspec.json.decode(content, type=list[msgspec.Raw])
    except NOT_JSON as error:
        raise BadInputError(source, str(error), expected) from error
    decoder, samples = msgspec.json.Decoder(_Sample), []
    for raw in raws:
        try:
            samples.append(decoder.decode(raw))
        except NOT_JSON:
            rejects["flight: sample not as expected"] += 1
    if not samples:
        raise BadInputError(source, fault, expected)
    return samples


def _finish(
    columns: dict[str, Any], address: np.ndarray, sieve: Sieve, sensor: str, period_s: float, counts: Counter[str]
) -> Imported:
    """Rows kept, in order of receipt, with scans and addresses."""
    rows = np.flatnonzero(sieve.keep)
    rows = rows[np.lexsort((columns["time"][rows], columns["received"][rows]))]
    kept: dict[str, Any] = {name: values[rows] for name, values in columns.items()}
    address = address[rows]
    kept["scan"] = cooperative_scans(kept["received"], address, int(period_s * 1e6))
    kept["sensor"] = pa.array([sensor]).take(pa.array(np.zeros(rows.size, np.int64)))
    names, codes = np.unique(address, return_inverse=True)
    texts = pa.array([None if name < 0 else f"{name:06x}" for name in names], pa.string())
    kept["address"] = texts.take(pa.array(codes))
    return Imported(detections(kept, sieve.rejects), +counts, sieve.rejects)


def _codes(addresses: list[Any]) -> np.ndarray:
    """Addresses as numbers, int64 (n,); -1 where there is none or it is not six hexadecimal digits."""
    memory: dict[Any, int] = {}
    for text in set(addresses):
        try:
            memory[text] = int(text, 16) if isinstance(text, str) and len(text) == 6 else -1
        except ValueError:
            memory[text] = -1
    return np.fromiter((memory[text] for text in addresses), np.int64, len(addresses))


_NUMBERS = ("time", "lat", "lon", "velocity", "heading", "vertrate", "baroaltitude", "geoaltitude", "lastposupdate")


def _conversion() -> Any:
    types: dict[str, Any] = {name: pa.float64() for name in _NUMBERS}
    types |= {"icao24": pa.string(), "onground": pa.string()}
    return pcsv.ConvertOptions(column_types=types, null_values=["", "nan", "NaN", "NULL", "None"])


def _floats(table: pa.Table, name: str) -> np.ndarray:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.array(table[name].to_numpy(zero_copy_only=False), np.float64)
