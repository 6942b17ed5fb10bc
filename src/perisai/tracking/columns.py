"""The columns of a table of detections as records: numbers, and codes for names.

A table is read once, when it comes; a replay of its rows begins with the records.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import Frame, floats, time_us

from .settings import CLASSES

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
LABELS = {name: i for i, name in enumerate(CLASSES)}

ROW = np.dtype(
    [
        ("time", np.int64),
        ("scan", np.int64),
        ("sensor", np.int32),
        ("address", np.int32),
        ("label", np.int32),
        ("values", np.float64, (len(COLUMNS),)),
        ("given", np.bool_, (len(COLUMNS),)),
        ("counted", np.bool_),
    ]
)
"""One detection: time in microseconds (the smallest int64 where unknown), scan or -1, number of the sensor (-1 where
unknown), code of the address or -1, class or -1, the numbers of COLUMNS and which of them were given (an explicit NaN
counts as given), and whether it counts among the rejects where it cannot be used."""
NO_ROW = np.empty(0, ROW)


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

    def ranks(self, codes: np.ndarray) -> np.ndarray:
        """Places (n,) of codes in the alphabet of their names, those without a name (-1) first.

        Codes depend on what was seen before; the order of processing must not, so it goes by the alphabet.
        """
        if not codes.size or codes.max() < 0:
            return codes
        each, inverse = np.unique(codes, return_inverse=True)
        names = ["" if code < 0 else self.names[code] for code in each.tolist()]
        place = {name: k for k, name in enumerate(sorted(names))}
        return np.array([place[name] for name in names], np.int32)[inverse]


def records(frame: Frame, index: Mapping[str, int], names: Codes) -> np.ndarray:
    """The rows of a frame of detections, (n,) of ROW. index: the numbers of the sensors by name."""
    table = frame.table
    n = table.num_rows
    if n == 0:
        return NO_ROW
    rows = np.empty(n, ROW)
    rows["time"] = time_us(table["time"])
    rows["sensor"] = _codes(table["sensor"], index)
    rows["label"] = _codes(table["label"], LABELS)
    rows["address"] = _addresses(table["address"], names)
    scan = table["scan"]
    rows["scan"] = (scan if scan.null_count == 0 else pc.fill_null(scan, -1)).to_numpy()
    rows["counted"] = True if frame.counted is None else frame.counted
    values, given = rows["values"], rows["given"]
    values[:] = np.nan
    given[:] = False
    for c, name in enumerate(COLUMNS):
        column = table.column(name)
        nulls = column.null_count
        if nulls < n:
            values[:, c] = floats(column)
            given[:, c] = True if nulls == 0 else pc.is_valid(column).to_numpy()
    return rows


def _codes(column: pa.ChunkedArray, number: Mapping[str, int]) -> np.ndarray | int:
    """int32 (n,); -1 where null or not in the dictionary."""
    if column.null_count == len(column):
        return -1
    encoded = pc.dictionary_encode(column.combine_chunks())
    return _each(encoded, [number.get(name, -1) for name in encoded.dictionary.to_pylist()])


def _addresses(column: pa.ChunkedArray, number: Codes) -> np.ndarray | int:
    """Codes int32 (n,), -1 where null or blank."""
    if column.null_count == len(column):
        return -1
    encoded = pc.dictionary_encode(column.combine_chunks())
    names = [name.strip().lower() for name in encoded.dictionary.to_pylist()]
    return _each(encoded, [number.number(name) if name else -1 for name in names])


def _each(encoded: pa.DictionaryArray, table: list[int]) -> np.ndarray:
    lookup = np.array([*table, -1], dtype=np.int32)
    indices = encoded.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(table))
    return lookup[indices.to_numpy()]
