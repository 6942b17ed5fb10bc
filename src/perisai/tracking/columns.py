"""The columns of a table of detections as arrays: numbers, and codes for names."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import floats

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


def codes(column: pa.ChunkedArray, number: dict[str, int]) -> np.ndarray:
    """int32 (n,); -1 where null or not in the dictionary."""
    if column.null_count == len(column):
        return np.full(len(column), -1, np.int32)
    encoded = pc.dictionary_encode(column.combine_chunks())
    return _each(encoded, [number.get(name, -1) for name in encoded.dictionary.to_pylist()])


def addresses(column: pa.ChunkedArray, number: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Codes int32 (n,), -1 where null, and the places (n,) of the names in the alphabet of this table.

    Codes depend on what was seen before; the order of processing must not, so it goes by the alphabet.
    """
    if column.null_count == len(column):
        none = np.full(len(column), -1, np.int32)
        return none, none
    encoded = pc.dictionary_encode(column.combine_chunks())
    names = [name.strip().lower() for name in encoded.dictionary.to_pylist()]
    rank = {name: place for place, name in enumerate(sorted(set(names)))}
    return (
        _each(encoded, [number.number(name) if name else -1 for name in names]),
        _each(encoded, [rank[name] for name in names]),
    )


def _each(encoded: pa.DictionaryArray, table: list[int]) -> np.ndarray:
    lookup = np.array([*table, -1], dtype=np.int32)
    return lookup[pc.fill_null(encoded.indices, len(table)).to_numpy(zero_copy_only=False)]


def numbers(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
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
