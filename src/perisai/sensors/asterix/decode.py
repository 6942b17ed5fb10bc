"""Records from data blocks, by the item tables of libasterix's generated specifications."""

from collections import Counter
from typing import Any

import numpy as np
from asterix import base, generated

from ..imported import UNKNOWN_US
from .blocks import CATEGORIES, Block
from .records import Records


def decode(blocks: list[Block], counts: Counter[str], rejects: Counter[str]) -> dict[int, Records]:
    """Category -> its records; blocks that no edition of the category explains are counted as malformed.

    Editions are tried from the one that explained the last block of the category, then from the newest down.
    """
    rows: dict[int, list[dict[str, float]]] = {}
    received: dict[int, list[int]] = {}
    preferred: dict[int, Any] = {}
    for block in blocks:
        if block.category not in CATEGORIES:
            rejects[f"asterix: category {block.category:03d} not known"] += 1
            continue
        found = _records(block, preferred)
        if found is None:
            rejects[f"asterix: malformed block of category {block.category:03d}"] += 1
            continue
        time_us = UNKNOWN_US if block.received_us is None else block.received_us
        rows.setdefault(block.category, []).extend(_flatten(record) for record in found)
        received.setdefault(block.category, []).extend([time_us] * len(found))
        counts[f"category {block.category:03d}"] += len(found)
    return {category: _columns(category, rows[category], received[category]) for category in sorted(rows)}


def _records(block: Block, preferred: dict[int, Any]) -> list[Any] | None:
    bits = base.Bits.from_bytes(block.records)
    editions = list(reversed(generated.manifest["CATS"][block.category]))
    if block.category in preferred:
        editions.insert(0, preferred[block.category])
    for edition in editions:
        uap: Any = edition.cv_uap
        found = _by_selector(uap, bits) if issubclass(uap, base.UapMultiple) else uap.parse(bits)
        if not isinstance(found, ValueError):
            preferred[block.category] = edition
            return found
    return None


def _by_selector(uap: Any, bits: Any) -> list[Any] | ValueError:
    """Records of a category with several profiles (001: plot, track); item 020 of each record says which it follows."""
    path, names = uap.cv_selector
    records: list[Any] = []
    while len(bits):
        for key, name in names.items():
            result = uap.cv_uaps[name].parse(base.ParsingMode.StrictParsing, bits)
            if isinstance(result, ValueError):
                continue
            record, rest = result
            if _flatten(record).get("/".join(path), 0.0) == key:
                break
        else:
            return ValueError("no profile fits")
        records.append(record)
        bits = rest
    return records


def _flatten(record: Any) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, item in record.items_regular.items():
        _walk(item, name, values)
    return values


def _walk(item: Any, path: str, values: dict[str, float]) -> None:
    variation = item.arg.arg if isinstance(item.arg, base.RuleVariationContextFree) else None
    if isinstance(variation, base.Element):
        values[path] = _value(variation)
    elif isinstance(variation, base.Group):
        _walk_items(variation.arg, path, values)
    elif isinstance(variation, base.Extended):
        for part in variation.arg:
            _walk_items(part, path, values)
    elif isinstance(variation, base.Compound):
        for name, inner in variation.arg.items():
            _walk(inner, f"{path}/{name}", values)


def _walk_items(items: list[Any], path: str, values: dict[str, float]) -> None:
    for item in items:
        if isinstance(item, base.Item):
            _walk(item.arg, f"{path}/{item.arg.cv_name}", values)


def _value(element: Any) -> float:
    raw = element.as_uint()
    content = getattr(element.cv_rule, "cv_content", None)
    if content is None or not issubclass(content, (base.ContentQuantity, base.ContentInteger)):
        return float(raw)
    value = content.cv_signedness.convert(element.cv_bit_size, raw)
    return float(value * getattr(content, "cv_lsb", 1.0))


def _columns(category: int, rows: list[dict[str, float]], received: list[int]) -> Records:
    paths = sorted({path for row in rows for path in row})
    fields = {path: np.array([row.get(path, np.nan) for row in rows]) for path in paths}
    return Records(category, np.array(received, np.int64), fields)
