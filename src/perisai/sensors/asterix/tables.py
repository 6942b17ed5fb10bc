"""The item tables of libasterix's generated specifications, flattened into one array of numbers that a kernel walks.

Every edition of every category becomes one record table or, for category 001, one for each of its profiles. A variation
(element, group, extended, repetitive, explicit, compound: EUROCONTROL-SPEC-0149 part 1, section 5.2) becomes a node,
and each element in it a field with its place from the node's beginning.

The array holds, each followed by what belongs to it:

    record     next profile of its edition (0: none), selector column (-1: none), its value, most bytes of field
               specification, items; then a link per item
    node       kind, a, b, fields; then the fields; of a compound: COMPOUND, most bytes, 0, items; then a link per item
    field      column, first byte, last byte, bits to its right in that, bits, 1 when signed, index of its unit

A link is the place of a node in the array, or SPARE, RANDOM_FIELD_SEQUENCING. a and b by kind: FIXED bytes; EXTENDED
parts of a byte, 1 when the last has an extension bit; REPETITIVE bytes of one, bytes of the count; REPETITIVE_FX bytes.
"""

import hashlib
import json
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

FIXED, EXTENDED, REPETITIVE, REPETITIVE_FX, EXPLICIT, COMPOUND = range(6)
SPARE, RANDOM_FIELD_SEQUENCING = -1, -2
RECORD, HEAD, FIELD = 5, 4, 7
"""Numbers of a record before its links, of a node before its links or fields, and of a field."""


WIDEST_BITS = 53
"""An element wider than a float64 holds exactly (Mode S message data) gets no column."""

_HERE = Path(__file__).parent


class Tables(NamedTuple):
    """program: int64, as above. units: float64, of the last bit of a field. columns: item path of each, by category.

    starts (256, most): record tables of each category, newest edition first, -1 behind the last.
    """

    program: np.ndarray
    units: np.ndarray
    starts: np.ndarray
    columns: dict[int, list[str]]


@cache
def tables_of(wanted: frozenset[tuple[int, frozenset[str]]] | None) -> Tables:
    """Tables of all editions of the categories read here; kept on disk beside the kernels, for compiling takes seconds.

    wanted: item paths of each category that get a column; None: all of them.
    """
    place = _HERE / "__pycache__" / f"tables-{_stamp(wanted)}.npz"
    try:
        with np.load(place) as kept:
            columns = {int(category): names for category, names in json.loads(str(kept["columns"])).items()}
            return Tables(kept["program"], kept["units"], kept["starts"], columns)
    except (OSError, BadZipFile, ValueError, KeyError):  # not kept yet, or cut short: made again
        from .specification import compile_tables

        tables = compile_tables(None if wanted is None else dict(wanted))
    _keep(place, tables)
    return tables


def _stamp(wanted: frozenset[tuple[int, frozenset[str]]] | None) -> str:
    """What the tables depend on: the specifications, the code that reads them and the items asked for."""
    asked = None if wanted is None else sorted((category, sorted(paths)) for category, paths in wanted)
    digest = hashlib.sha256(json.dumps([version("libasterix"), asked]).encode())
    for name in ("blocks.py", "specification.py", "tables.py"):
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _keep(place: Path, tables: Tables) -> None:
    """Where the package cannot be written, the tables are made anew by each process."""
    partial = place.with_suffix(f".{os.getpid()}.partial")
    try:
        place.parent.mkdir(exist_ok=True)
        with partial.open("wb") as file:
            np.savez(
                file,
                program=tables.program,
                units=tables.units,
                starts=tables.starts,
                columns=json.dumps(tables.columns),
            )
        partial.replace(place)
    except OSError:
        partial.unlink(missing_ok=True)
