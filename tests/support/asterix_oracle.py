"""libasterix as the reference for the compiled decoder, and random records made by its specifications."""

import random
from collections.abc import Iterator
from typing import Any

from asterix import base, generated

from perisai.sensors.asterix.tables import WIDEST_BITS


def editions(category: int) -> list[Any]:
    """Newest first, as the compiled decoder tries them."""
    return list(reversed(generated.manifest["CATS"][category]))


def decode(category: int, records: bytes) -> list[dict[str, float]] | None:
    """Records of a block as item path -> value, by the first edition that explains it; None when none does."""
    bits = base.Bits.from_bytes(records)
    for edition in editions(category):
        uap = edition.cv_uap
        found = _by_selector(uap, bits) if issubclass(uap, base.UapMultiple) else uap.parse(bits)
        if not isinstance(found, ValueError):
            return [flatten(record) for record in found]
    return None


def explains(edition: Any, records: bytes) -> bool:
    """Whether an edition of a category of one profile explains a whole block."""
    return not isinstance(edition.cv_uap.parse(base.Bits.from_bytes(records)), ValueError)


def _by_selector(uap: Any, bits: Any) -> list[Any] | ValueError:
    path, names = uap.cv_selector
    records: list[Any] = []
    while len(bits):
        for key, name in names.items():
            result = uap.cv_uaps[name].parse(base.ParsingMode.StrictParsing, bits)
            if not isinstance(result, ValueError) and flatten(result[0]).get("/".join(path), 0.0) == key:
                break
        else:
            return ValueError("no profile fits")
        records.append(result[0])
        bits = result[1]
    return records


def flatten(record: Any) -> dict[str, float]:
    """Item path -> value of every element that the compiled decoder gives a column."""
    values: dict[str, float] = {}
    for name, item in record.items_regular.items():
        _walk(item, name, values)
    return values


def _walk(item: Any, path: str, values: dict[str, float]) -> None:
    variation = item.arg.arg
    if isinstance(variation, base.Element):
        if variation.cv_bit_size <= WIDEST_BITS:
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
    return float(content.cv_signedness.convert(element.cv_bit_size, raw) * getattr(content, "cv_lsb", 1.0))


def records_of(edition: Any) -> list[tuple[Any, int | None, str]]:
    """Record classes of an edition, with the value and path of the selector of their profile."""
    uap = edition.cv_uap
    if not issubclass(uap, base.UapMultiple):
        return [(uap.cv_record, None, "")]
    path, names = uap.cv_selector
    return [(uap.cv_uaps[name], value, path[0]) for value, name in names.items()]


def random_record(record: Any, selector: int | None, selecting: str, rng: random.Random, share: float) -> bytes:
    """A record with each item present by chance `share`, filled with random bits."""
    present: list[bool] = []
    content = b""
    for item in record.cv_items_list:
        usable = issubclass(item, base.UapItem)
        chosen = usable and (rng.random() < share or item.cv_non_spare.cv_name in ("010", selecting))
        present.append(chosen)
        if chosen:
            made = b"".join(_random_item(item.cv_non_spare, rng))
            if selector is not None and item.cv_non_spare.cv_name == selecting:
                made = bytes([made[0] & 0x7F | selector << 7]) + made[1:]
            content += made
    return _specification(present) + content


def _random_item(item: Any, rng: random.Random) -> Iterator[bytes]:
    variation = item.cv_rule.cv_variation
    if issubclass(variation, (base.Element, base.Group)):
        yield rng.randbytes(variation.cv_bit_size // 8)
    elif issubclass(variation, base.Extended):
        parts = len(variation.cv_items_list)
        length = rng.randint(1, parts)
        for k in range(length):
            octet = rng.randrange(256)
            if variation.cv_items_list[k][-1] is None:
                octet = octet & 0xFE | (k < length - 1)
            yield bytes([octet])
    elif issubclass(variation, base.Repetitive):
        count = rng.randint(0 if variation.cv_rep_bytes else 1, 3)
        if variation.cv_rep_bytes:
            yield count.to_bytes(variation.cv_rep_bytes, "big") + rng.randbytes(
                count * variation.cv_variation.cv_bit_size // 8
            )
        else:
            for k in range(count):
                made = bytearray(rng.randbytes((variation.cv_variation.cv_bit_size + 1) // 8))
                made[-1] = made[-1] & 0xFE | (k < count - 1)
                yield bytes(made)
    elif issubclass(variation, base.Explicit):
        length = rng.randint(1, 6)
        yield bytes([length]) + rng.randbytes(length - 1)
    else:
        present = [inner is not None and rng.random() < 0.5 for inner in variation.cv_items_list]
        present[next(k for k, inner in enumerate(variation.cv_items_list) if inner is not None)] = True
        yield _specification(present)
        for inner, chosen in zip(variation.cv_items_list, present, strict=True):
            if chosen:
                yield from _random_item(inner, rng)


def _specification(present: list[bool]) -> bytes:
    """Field specification: seven items an octet, the lowest bit set while another octet follows."""
    last = max((k for k, one in enumerate(present) if one), default=0) // 7
    octets = []
    for k in range(last + 1):
        bits = sum(1 << (7 - j) for j, one in enumerate(present[7 * k : 7 * k + 7]) if one)
        octets.append(bits | (k < last))
    return bytes(octets)
