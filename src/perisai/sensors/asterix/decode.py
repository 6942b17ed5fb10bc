"""Records from data blocks."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ..imported import UNKNOWN_US
from .blocks import Block
from .records import Records
from .tables import tables_of
from .walk import walk

ROOM = 4096


class Decoder:
    """Decodes blocks into columns; it remembers which edition explained the last block of each category.

    wanted: category -> item paths that get a column; None: every element of every item.
    """

    def __init__(self, wanted: Mapping[int, frozenset[str]] | None = None) -> None:
        self.tables = tables_of(None if wanted is None else frozenset(wanted.items()))
        self._preferred = np.full(256, -1, np.int64)
        self._widths = np.zeros(256, np.int64)
        for category, names in self.tables.columns.items():
            self._widths[category] = len(names)

    def decode(self, blocks: Sequence[Block], counts: Counter[str], rejects: Counter[str]) -> dict[int, Records]:
        """Category -> its records. A block that no edition of its category explains is counted as malformed, whole.

        Editions are tried from the one that explained the last block of the category, then from the newest down.
        """
        categories = np.fromiter((block.category for block in blocks), np.int64, len(blocks))
        known = self.tables.starts[categories, 0] >= 0
        for category, number in zip(*np.unique(categories[~known], return_counts=True), strict=True):
            rejects[f"asterix: category {category:03d} not known"] += int(number)
        if not known.all():
            blocks = [block for block, keep in zip(blocks, known.tolist(), strict=True) if keep]
            categories = categories[known]
        values, block_of, found = self._walk(blocks, categories)
        for category, number in zip(*np.unique(categories[found < 0], return_counts=True), strict=True):
            rejects[f"asterix: malformed block of category {category:03d}"] += int(number)
        received = np.fromiter(
            (UNKNOWN_US if block.received_us is None else block.received_us for block in blocks), np.int64, len(blocks)
        )[block_of]
        of_record = categories[block_of]
        result: dict[int, Records] = {}
        for category in np.unique(of_record).tolist():
            mine = np.flatnonzero(of_record == category)
            counts[f"category {category:03d}"] += mine.size
            names = self.tables.columns[category]
            own = np.ascontiguousarray(values[mine, : len(names)].T)
            result[category] = Records(category, received[mine], dict(zip(names, own, strict=True)))
        return result

    def _walk(self, blocks: Sequence[Block], categories: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values of all records (n, columns), the block of each (n,), and records of each block or MALFORMED."""
        data = np.frombuffer(b"".join([block.records for block in blocks]) or b"\0", np.uint8)
        starts = np.zeros(len(blocks) + 1, np.int64)
        np.cumsum([len(block.records) for block in blocks], out=starts[1:])
        found = np.zeros(len(blocks), np.int64)
        # A record of a target takes some 30 bytes; where they are shorter, the kernel asks for more room.
        width = int(self._widths.max())
        room = max(ROOM, data.size // 16)
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        at = 0
        while at < len(blocks):
            values, block_of = np.empty((room, width)), np.empty(room, np.int64)
            after, n = walk(
                self.tables.program,
                self.tables.units,
                self.tables.starts,
                self._widths,
                data,
                starts,
                categories,
                self._preferred,
                at,
                values,
                block_of,
                found,
            )
            parts.append((values[:n], block_of[:n]))
            room = room if after > at else max(2 * room, int(starts[at + 1] - starts[at]))
            at = after
        if not parts:
            return np.empty((0, width)), np.empty(0, np.int64), found
        if len(parts) == 1:
            return *parts[0], found
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]), found
