"""From libasterix's generated specifications to the array of numbers that `tables.py` describes.

Loading the specifications takes seconds, so only this module touches them, and only when no compiled table is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from asterix import base, generated

from .blocks import CATEGORIES
from .tables import (
    COMPOUND,
    EXPLICIT,
    EXTENDED,
    FIXED,
    RANDOM_FIELD_SEQUENCING,
    REPETITIVE,
    REPETITIVE_FX,
    SPARE,
    WIDEST_BITS,
    Tables,
)


@dataclass
class _Builder:
    wanted: Mapping[int, frozenset[str]] | None
    columns: dict[int, dict[str, int]] = field(default_factory=dict)
    program: list[int] = field(default_factory=lambda: [0])
    units: list[float] = field(default_factory=list)

    def column(self, category: int, path: str) -> int | None:
        """Column of an item path, in the order in which they are met; None where it is not wanted."""
        if self.wanted is not None and path not in self.wanted.get(category, frozenset()):
            return None
        names = self.columns.setdefault(category, {})
        return names.setdefault(path, len(names))

    def record(self, category: int, record: Any, following: int = 0, selector: tuple[str, int] | None = None) -> int:
        """Place of the table of a record; selector: path and value that a record of this profile has."""
        links: list[int] = []
        for item in record.cv_items_list:
            if issubclass(item, base.UapItem):
                links.append(self.node(category, item.cv_non_spare, item.cv_non_spare.cv_name))
            else:
                links.append(RANDOM_FIELD_SEQUENCING if issubclass(item, base.UapItemRFS) else SPARE)
        column = self.column(category, selector[0]) if selector else None
        value = selector[1] if selector else 0
        told = -1 if column is None else column
        return self._put([following, told, value, record.cv_fspec_max_bytes, len(links), *links])

    def node(self, category: int, item: Any, path: str) -> int:
        """Place of a new node for an item that begins at a whole byte."""
        variation: Any = item.cv_rule.cv_variation
        kind, a, b = FIXED, 0, 0
        fields: list[list[int]] = []
        if issubclass(variation, base.Element):
            a = _whole(variation.cv_bit_size)
            fields = self._element(category, variation, path, 0)
        elif issubclass(variation, base.Group):
            a = _whole(variation.cv_bit_size)
            fields = self._items(category, variation.cv_items_list, path, 0)
        elif issubclass(variation, base.Extended):
            kind, a = EXTENDED, len(variation.cv_items_list)
            b = int(variation.cv_items_list[-1][-1] is None)
            for number, part in enumerate(variation.cv_items_list):
                _whole(sum(1 if place is None else place[1] for place in part), 1)
                fields += self._items(category, [place for place in part if place is not None], path, 8 * number)
        elif issubclass(variation, base.Repetitive):
            repeated: Any = variation.cv_variation
            with_fx = variation.cv_rep_bytes is None
            kind = REPETITIVE_FX if with_fx else REPETITIVE
            a, b = _whole(repeated.cv_bit_size + with_fx), variation.cv_rep_bytes or 0
        elif issubclass(variation, base.Explicit):
            kind = EXPLICIT
        else:
            inner = variation.cv_items_list
            links = [SPARE if one is None else self.node(category, one, f"{path}/{one.cv_name}") for one in inner]
            return self._put([COMPOUND, variation.cv_fspec_max_bytes, 0, len(links), *links])
        return self._put([kind, a, b, len(fields), *(number for numbers in fields for number in numbers)])

    def _put(self, numbers: list[int]) -> int:
        self.program += numbers
        return len(self.program) - len(numbers)

    def _items(self, category: int, items: list[Any], path: str, bit: int) -> list[list[int]]:
        fields: list[list[int]] = []
        for item, size in items:
            if not issubclass(item, base.Spare):
                name = f"{path}/{item.cv_non_spare.cv_name}"
                variation = item.cv_non_spare.cv_rule.cv_variation
                if issubclass(variation, base.Group):
                    fields += self._items(category, variation.cv_items_list, name, bit)
                else:
                    fields += self._element(category, variation, name, bit)
            bit += size
        return fields

    def _element(self, category: int, element: Any, path: str, bit: int) -> list[list[int]]:
        """The numbers of its field; none when it gets no column."""
        size: int = element.cv_bit_size
        column = self.column(category, path) if size <= WIDEST_BITS else None
        if column is None:
            return []
        content: Any = getattr(element.cv_rule, "cv_content", base.ContentRaw)
        numeric = issubclass(content, (base.ContentQuantity, base.ContentInteger))
        signed = numeric and issubclass(content.cv_signedness, base.Signed)  # pyright: ignore[reportAttributeAccessIssue]
        self.units.append(float(getattr(content, "cv_lsb", 1.0)) if numeric else 1.0)
        last = bit + size - 1
        return [[column, bit >> 3, last >> 3, 7 - (last & 7), size, int(signed), len(self.units) - 1]]


def _whole(bits: int, expected: int | None = None) -> int:
    """Bytes of so many bits; ValueError when a specification breaks what the kernel is built on."""
    if bits % 8 or (expected is not None and bits != 8 * expected):
        raise ValueError(f"an item of {bits} bits does not end at a byte")
    return bits // 8


def compile_tables(wanted: Mapping[int, frozenset[str]] | None) -> Tables:
    """Tables of all editions of the categories read here.

    wanted: item paths that get a column; None: all of them. The columns of a category hold for all of its editions.
    """
    builder = _Builder(wanted)
    starts: dict[int, list[int]] = {}
    for category in CATEGORIES:
        starts[category] = []
        for edition in reversed(generated.manifest["CATS"][category]):
            uap: Any = edition.cv_uap
            if not issubclass(uap, base.UapMultiple):
                starts[category].append(builder.record(category, uap.cv_record))
                continue
            selector: Any = uap.cv_selector
            place = 0
            for value, name in reversed(selector[1].items()):
                place = builder.record(category, uap.cv_uaps[name], place, ("/".join(selector[0]), value))
            starts[category].append(place)
    table = np.full((256, 1 + max(len(places) for places in starts.values())), -1, np.int64)
    for category, places in starts.items():
        table[category, : len(places)] = places
    columns = {category: list(builder.columns.get(category, {})) for category in CATEGORIES}
    return Tables(np.array(builder.program, np.int64), np.array(builder.units), table, columns)
