"""The item tables of libasterix's generated specifications, flattened into arrays that a kernel can walk.

Every edition of every category becomes one record table or, for category 001, one for each of its profiles. A variation
(element, group, extended, repetitive, explicit, compound: EUROCONTROL-SPEC-0149 part 1, section 5.2) becomes a node,
and each element in it a field with its place in bits from the node's beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from asterix import base, generated

from .blocks import CATEGORIES

FIXED, EXTENDED, REPETITIVE, REPETITIVE_FX, EXPLICIT, COMPOUND = range(6)
SPARE, RANDOM_FIELD_SEQUENCING = -1, -2

WIDEST_BITS = 53
"""An element wider than a float64 holds exactly (Mode S message data) gets no column."""


class Tables(NamedTuple):
    """Arrays of all that a kernel needs; indices refer from one to the next.

    categories (256, 3): first record table and count of them, columns; count 0: not known.
    records (r, 5): most bytes of field specification, first link and count, selector column (-1: none) and its value.
    links (l,): nodes of a record or compound in order of their bits, or SPARE, RANDOM_FIELD_SEQUENCING.
    nodes (n, 5): kind, two numbers that depend on it, first field and the one after the last.
    fields (f, 4): column, first bit, bits, 1 when signed; scales (f,): unit of the last bit.
    """

    categories: np.ndarray
    records: np.ndarray
    links: np.ndarray
    nodes: np.ndarray
    fields: np.ndarray
    scales: np.ndarray


@dataclass
class _Builder:
    wanted: Mapping[int, frozenset[str]] | None
    columns: dict[int, dict[str, int]] = field(default_factory=dict)
    records: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    nodes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    fields: list[tuple[int, int, int, int]] = field(default_factory=list)
    scales: list[float] = field(default_factory=list)

    def column(self, category: int, path: str) -> int | None:
        """Column of an item path, in the order in which they are met; None where it is not wanted."""
        if self.wanted is not None and path not in self.wanted.get(category, frozenset()):
            return None
        names = self.columns.setdefault(category, {})
        return names.setdefault(path, len(names))

    def record(self, category: int, record: Any, selector: tuple[str, int] | None) -> None:
        links: list[int] = []
        for item in record.cv_items_list:
            if issubclass(item, base.UapItem):
                links.append(self.node(category, item.cv_non_spare, item.cv_non_spare.cv_name))
            else:
                links.append(RANDOM_FIELD_SEQUENCING if issubclass(item, base.UapItemRFS) else SPARE)
        column = self.column(category, selector[0]) if selector else None
        first = self._link(links)
        value = selector[1] if selector else 0
        self.records.append((record.cv_fspec_max_bytes, first, len(links), -1 if column is None else column, value))

    def node(self, category: int, item: Any, path: str) -> int:
        """Index of a new node for an item that begins at a whole byte."""
        variation: Any = item.cv_rule.cv_variation
        first = len(self.fields)
        kind, a, b = FIXED, 0, 0
        if issubclass(variation, base.Element):
            a = _whole(variation.cv_bit_size)
            self._element(category, variation, path, 0)
        elif issubclass(variation, base.Group):
            a = _whole(variation.cv_bit_size)
            self._items(category, variation.cv_items_list, path, 0)
        elif issubclass(variation, base.Extended):
            kind, a = EXTENDED, len(variation.cv_items_list)
            b = int(variation.cv_items_list[-1][-1] is None)
            for number, part in enumerate(variation.cv_items_list):
                _whole(sum(1 if place is None else place[1] for place in part), 1)
                self._items(category, [place for place in part if place is not None], path, 8 * number)
        elif issubclass(variation, base.Repetitive):
            per_item: int = variation.cv_variation.cv_bit_size  # pyright: ignore[reportAttributeAccessIssue]
            with_fx = variation.cv_rep_bytes is None
            kind = REPETITIVE_FX if with_fx else REPETITIVE
            a, b = _whole(per_item + with_fx), variation.cv_rep_bytes or 0
        elif issubclass(variation, base.Explicit):
            kind = EXPLICIT
        else:
            inner = variation.cv_items_list
            links = [SPARE if one is None else self.node(category, one, f"{path}/{one.cv_name}") for one in inner]
            # The fields of the parts belong to the parts.
            kind, a, b, first = COMPOUND, self._link(links), len(links), len(self.fields)
        self.nodes.append((kind, a, b, first, len(self.fields)))
        return len(self.nodes) - 1

    def _link(self, links: list[int]) -> int:
        self.links += links
        return len(self.links) - len(links)

    def _items(self, category: int, items: list[Any], path: str, bit: int) -> None:
        for item, size in items:
            if not issubclass(item, base.Spare):
                name = f"{path}/{item.cv_non_spare.cv_name}"
                variation = item.cv_non_spare.cv_rule.cv_variation
                if issubclass(variation, base.Group):
                    self._items(category, variation.cv_items_list, name, bit)
                else:
                    self._element(category, variation, name, bit)
            bit += size

    def _element(self, category: int, element: Any, path: str, bit: int) -> None:
        size: int = element.cv_bit_size
        column = self.column(category, path) if size <= WIDEST_BITS else None
        if column is None:
            return
        content: Any = getattr(element.cv_rule, "cv_content", base.ContentRaw)
        numeric = issubclass(content, (base.ContentQuantity, base.ContentInteger))
        signed = numeric and issubclass(content.cv_signedness, base.Signed)  # pyright: ignore[reportAttributeAccessIssue]
        self.fields.append((column, bit, size, int(signed)))
        self.scales.append(float(getattr(content, "cv_lsb", 1.0)) if numeric else 1.0)


def _whole(bits: int, expected: int | None = None) -> int:
    """Bytes of so many bits; ValueError when a specification breaks what the kernel is built on."""
    if bits % 8 or (expected is not None and bits != 8 * expected):
        raise ValueError(f"an item of {bits} bits does not end at a byte")
    return bits // 8


def compile_tables(wanted: Mapping[int, frozenset[str]] | None) -> tuple[Tables, dict[int, list[str]]]:
    """Tables of all editions of the categories read here, newest first, and the item paths of each category's columns.

    wanted: item paths that get a column; None: all of them. The columns of a category hold for all of its editions.
    """
    builder = _Builder(wanted)
    categories = np.zeros((256, 3), np.int64)
    for category in CATEGORIES:
        first = len(builder.records)
        for edition in reversed(generated.manifest["CATS"][category]):
            uap: Any = edition.cv_uap
            if not issubclass(uap, base.UapMultiple):
                builder.record(category, uap.cv_record, None)
                continue
            selector: Any = uap.cv_selector
            path, names = selector
            for value, name in names.items():
                builder.record(category, uap.cv_uaps[name], ("/".join(path), value))
        categories[category] = first, len(builder.records) - first, 0
    columns = {category: list(builder.columns.get(category, {})) for category in CATEGORIES}
    for category, names in columns.items():
        categories[category, 2] = len(names)
    tables = Tables(
        categories,
        np.array(builder.records, np.int64),
        np.array(builder.links, np.int64),
        np.array(builder.nodes, np.int64),
        np.array(builder.fields, np.int64).reshape(-1, 4),
        np.array(builder.scales, np.float64),
    )
    return tables, columns


@cache
def tables_of(wanted: frozenset[tuple[int, frozenset[str]]] | None) -> tuple[Tables, dict[int, list[str]]]:
    """`compile_tables`, remembered."""
    return compile_tables(None if wanted is None else dict(wanted))
