"""Decoded records of one category as a structure of arrays."""

from dataclasses import dataclass

import numpy as np

from ..imported import UNKNOWN_US


@dataclass(frozen=True, slots=True)
class Records:
    """n records of one category in the order of arrival.

    received_us: int64 (n,), the smallest int64 where the recording has no times.
    fields: item path such as `040/RHO` -> float64 (n,) in the unit of the specification, NaN where absent.
    """

    category: int
    received_us: np.ndarray
    fields: dict[str, np.ndarray]

    def __len__(self) -> int:
        return self.received_us.size

    def field(self, *paths: str) -> np.ndarray:
        """The first of the paths that a record has, NaN where it has none: editions name some items differently."""
        values = np.full(len(self), np.nan)
        for path in paths:
            found = self.fields.get(path)
            if found is not None:
                values = np.where(np.isnan(values), found, values)
        return values

    def flag(self, path: str) -> np.ndarray:
        """True where the item is present and not zero."""
        found = self.fields.get(path)
        return np.zeros(len(self), bool) if found is None else (np.nan_to_num(found) != 0)

    @property
    def timed(self) -> np.ndarray:
        """Where the recording says when the record was received."""
        return self.received_us != UNKNOWN_US

    def code(self) -> np.ndarray:
        """256 SAC + SIC of each record, NaN where the record does not say."""
        return self.field("010/SAC") * 256 + self.field("010/SIC")

    def sources(self) -> np.ndarray:
        """`SAC/SIC` of each record, object (n,); empty where the record does not say."""
        codes, inverse = np.unique(self.code(), return_inverse=True)
        return np.array(["" if np.isnan(c) else f"{int(c) >> 8}/{int(c) & 255}" for c in codes], object)[inverse]
