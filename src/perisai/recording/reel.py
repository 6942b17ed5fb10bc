"""Looking into a recording by time while it is still being written: the rows of a span, without reading the rest."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perisai.model import SCHEMAS, TIME, time_us

from .recorder import parts
from .recording import CHANGES

CLOCK = {"tracks": "issued", "forecasts": "time", "changes": "at", "detections": "received", "partners": "issued"}
"""The column that says when a row of a kind was known to the system."""

COLUMNS = {"detections": ["sensor", "received"]}
KEPT_PARTS = 12


class Reel:
    """The parts of one recording by the time of their rows. Reads files; safe to call from several threads."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self._spans: dict[Path, tuple[int, int]] = {}
        self._read = lru_cache(maxsize=KEPT_PARTS)(_read)

    def span(self) -> tuple[int, int] | None:
        """(first, last) µs between which there are tracks on disk, or None when there are none yet."""
        spans = [span for _, span in self._parts("tracks")]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def rows(self, kind: str, after_us: int, until_us: int) -> pa.Table:
        """The rows of a kind (a key of CLOCK) with after_us < clock <= until_us, in the order they passed.

        Of detections only the columns sensor and received.
        """
        try:
            return self._rows(kind, after_us, until_us)
        except FileNotFoundError:
            # An hour's parts were merged into one between listing and reading: the list is another now.
            return self._rows(kind, after_us, until_us)

    def _rows(self, kind: str, after_us: int, until_us: int) -> pa.Table:
        tables = []
        clock = CLOCK[kind]
        for path, (first, last) in self._parts(kind):
            if last <= after_us or first > until_us:
                continue
            table = self._read(path, kind)
            at = time_us(table[clock])
            tables.append(table.filter(pa.array((at > after_us) & (at <= until_us))))
        return pa.concat_tables(tables) if tables else _schema(kind).empty_table()

    def _parts(self, kind: str) -> list[tuple[Path, tuple[int, int]]]:
        found = []
        for _, _, path in parts(self.directory / kind):
            span = self._spans.get(path)
            if span is None:
                span = self._spans[path] = _span(path, CLOCK[kind])
            found.append((path, span))
        return found


def thin(rows: pa.Table, step_us: int) -> pa.Table:
    """Of the rows of each track the last in every step, in order: what a picture needs of a long span."""
    if rows.num_rows == 0:
        return rows
    steps = time_us(rows["issued"]) // step_us
    track = np.asarray(rows["track"])
    _, last = np.unique(np.stack([track, steps])[:, ::-1], axis=1, return_index=True)
    return rows.take(pa.array(np.sort(rows.num_rows - 1 - last)))


def _schema(kind: str) -> pa.Schema:
    if kind == "changes":
        return CHANGES
    schema = SCHEMAS[kind]
    wanted = COLUMNS.get(kind)
    return pa.schema([field for field in schema if wanted is None or field.name in wanted])


def _read(path: Path, kind: str) -> pa.Table:
    schema = _schema(kind)
    table = pq.read_table(path, columns=schema.names)
    # A part of an earlier version may lack a column that came later.
    columns = [table[f.name] if f.name in table.column_names else pa.nulls(table.num_rows, f.type) for f in schema]
    return pa.table(columns, names=schema.names).cast(schema)


def _span(path: Path, clock: str) -> tuple[int, int]:
    # A file's own statistics say it without its rows; one without them is read.
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        column = file.schema_arrow.get_field_index(clock)
        groups = range(metadata.num_row_groups)
        known = [metadata.row_group(group).column(column).statistics for group in groups]
        ends = [end for one in known if one is not None and one.has_min_max for end in (one.min, one.max)]
        if ends and len(ends) == 2 * len(known):
            times = pa.chunked_array([pa.array(ends).cast(TIME)])
        else:
            times = file.read(columns=[clock])[clock]
    us = time_us(times)
    return int(us.min()), int(us.max())
