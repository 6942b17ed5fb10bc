"""ASTERIX, the format of European surveillance (EUROCONTROL-SPEC-0149)."""

from .blocks import CATEGORIES, Block, looks_like_asterix, split_datagram, split_file, whole_blocks
from .importer import AsterixStream, import_blocks

__all__ = [
    "CATEGORIES",
    "AsterixStream",
    "Block",
    "import_blocks",
    "looks_like_asterix",
    "split_datagram",
    "split_file",
    "whole_blocks",
]
