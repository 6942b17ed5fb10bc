"""The outer layer of ASTERIX: data blocks in a datagram or a file.

EUROCONTROL-SPEC-0149 part 1: category (1 byte), length of the whole block (2 bytes, big endian), records.
"""

import struct
from collections import Counter
from typing import NamedTuple

CATEGORIES = (1, 2, 10, 20, 21, 34, 48, 62, 63, 65, 205)
"""Categories that are decoded here."""

_ORADIS_HEADER = 6


class Block(NamedTuple):
    """One data block: its records, without the three bytes before them; `received_us`: None when not known."""

    category: int
    records: bytes
    received_us: int | None


def split_datagram(payload: bytes, received_us: int | None, rejects: Counter[str]) -> list[Block]:
    """The blocks of one UDP datagram; when a length does not fit, the rest of the datagram is counted and left.

    A datagram of the ORADIS recorder (each block behind a length of 2 bytes and 4 bytes of its own) is unwrapped.
    """
    if _is_oradis(payload):
        blocks: list[Block] = []
        at = 0
        while at + _ORADIS_HEADER <= len(payload):
            size = struct.unpack_from(">H", payload, at)[0]
            if size <= _ORADIS_HEADER:
                rejects["asterix: block length does not fit"] += 1
                return blocks
            blocks += _plain(payload[at + _ORADIS_HEADER : at + size], received_us, rejects)
            at += size
        return blocks
    return _plain(payload, received_us, rejects)


def split_file(content: bytes, rejects: Counter[str]) -> list[Block]:
    """The blocks of a raw recording; after bytes that are no block it looks for the next one; each gap is counted."""
    blocks: list[Block] = []
    at = 0
    while at < len(content):
        size = _size(content, at)
        if size:
            blocks.append(Block(content[at], content[at + 3 : at + size], None))
            at += size
            continue
        truncated = at + 3 <= len(content) and content[at] in CATEGORIES
        rejects["asterix: block cut off" if truncated else "asterix: foreign bytes"] += 1
        at += 1
        while at < len(content) and not _starts_block(content, at):
            at += 1
    return blocks


def looks_like_asterix(content: bytes) -> bool:
    """Whether the bytes begin with a block of a category known here."""
    return len(content) > 3 and content[0] in CATEGORIES and struct.unpack_from(">H", content, 1)[0] > 3


def whole_blocks(content: bytes) -> bool:
    """Whether the bytes are blocks of known categories from the first to the last."""
    at = 0
    while at < len(content):
        size = _size(content, at)
        if not size or content[at] not in CATEGORIES:
            return False
        at += size
    return at > 0


def _plain(payload: bytes, received_us: int | None, rejects: Counter[str]) -> list[Block]:
    blocks: list[Block] = []
    at = 0
    while at < len(payload):
        size = _size(payload, at)
        if not size:
            rejects["asterix: block length does not fit"] += 1
            break
        blocks.append(Block(payload[at], payload[at + 3 : at + size], received_us))
        at += size
    return blocks


def _size(content: bytes, at: int) -> int:
    """Length of the block that starts here, or 0."""
    if at + 3 > len(content):
        return 0
    size = struct.unpack_from(">H", content, at + 1)[0]
    return size if size > 3 and at + size <= len(content) else 0


def _starts_block(content: bytes, at: int) -> bool:
    """A block of a known category that ends where the file ends or another known one begins."""
    size = _size(content, at)
    if not size or content[at] not in CATEGORIES:
        return False
    end = at + size
    return end == len(content) or content[end] in CATEGORIES


def _is_oradis(payload: bytes) -> bool:
    if len(payload) < _ORADIS_HEADER + 3:
        return False
    size = struct.unpack_from(">H", payload)[0]
    return (
        _ORADIS_HEADER < size <= len(payload)
        and payload[_ORADIS_HEADER] in CATEGORIES
        and struct.unpack_from(">H", payload, _ORADIS_HEADER + 1)[0] == size - _ORADIS_HEADER
    )
