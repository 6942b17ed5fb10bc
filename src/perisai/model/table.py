"""Bringing a table from outside to its schema, or saying in one line why it does not fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .errors import BadInputError
from .schemas import CHOICES, LIMITS, REQUIRED, SCHEMAS


def conform(table: pa.Table, kind: str, source: str) -> pa.Table:
    """The table with exactly the columns of its schema, in order; missing optional columns become null.

    kind: a key of SCHEMAS. source: the file or subject, for the message.
    Raises BadInputError naming the source and the column when a required column is missing or a type differs.
    """
    schema = SCHEMAS[kind]
    names = set(table.column_names)
    missing = [name for name in REQUIRED[kind] if name not in names]
    if missing:
        raise BadInputError(
            f"{source}: column {missing[0]}", "missing", f"a table of {kind} with {', '.join(REQUIRED[kind])}"
        )
    columns: list[pa.ChunkedArray | pa.Array] = []
    fits = table.schema.equals(schema, check_metadata=True)  # as all of our own do, several times a frame
    for field in () if fits else schema:
        if field.name not in names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table.column(field.name)
        if column.type != field.type:
            try:
                column = column.cast(field.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise BadInputError(f"{source}: column {field.name}", f"type {column.type}", str(field.type)) from error
        columns.append(column)
    for name in REQUIRED[kind]:
        place = schema.get_field_index(name)
        nulls = (table.column(place) if fits else columns[place]).null_count
        if nulls and kind != "detections":
            raise BadInputError(f"{source}: column {name}", f"{nulls} nulls", "a value in every row")
    return table if fits else pa.Table.from_arrays(columns, schema=schema)


def check_values(table: pa.Table, kind: str, source: str) -> None:
    """Raises BadInputError naming the first row of a table from a file whose place is none, or whose word is unknown.

    Detections are not looked at: the tracker leaves out single ones and counts them.
    """
    for name, words in CHOICES.get(kind, {}).items():
        _check_rows(table, name, pc.is_in(table[name], pa.array([*words, None])), " or ".join(words), source)
    for name, limit in LIMITS.items():
        if name in REQUIRED[kind]:
            size = pc.abs(table[name])
            fits = pc.and_(pc.is_finite(size), pc.less_equal(size, limit))
            _check_rows(table, name, fits, f"-{limit:.0f}..{limit:.0f}" if limit < np.inf else "a number", source)


def _check_rows(table: pa.Table, name: str, fits: Any, expected: str, source: str) -> None:
    row: int = pc.index(fits, False).as_py()
    if row >= 0:
        raise BadInputError(f"{source}: row {row + 1}: {name}", repr(table[name][row].as_py()), expected)


def build(kind: str, columns: Mapping[str, Any]) -> pa.Table:
    """A table of a schema from some of its columns (arrays or sequences of one length); the others are null.

    Times may be int64 microseconds since 1970-01-01 UTC. In float columns NaN becomes null.
    """
    schema = SCHEMAS[kind]
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise KeyError(f"{kind} has no column {sorted(unknown)[0]}")
    length = len(next(iter(columns.values()))) if columns else 0
    arrays = [_array(columns[f.name], f.type) if f.name in columns else pa.nulls(length, f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: Any) -> Any:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        array: Any = values
    elif getattr(values, "dtype", np.dtype("O")).kind in "fiub" and not pa.types.is_list(kind):
        array = pa.array(values, from_pandas=values.dtype.kind == "f")
    else:
        return pa.array(list(values), type=kind)
    return array if array.type == kind else array.cast(kind)


def empty(kind: str) -> pa.Table:
    """A table of the schema without rows."""
    return SCHEMAS[kind].empty_table()


def table_bytes(table: pa.Table) -> bytes:
    """An Arrow IPC stream of the table."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def table_from(data: bytes) -> pa.Table:
    """The table of an Arrow IPC stream, in its buffers. Raises pa.ArrowException or OSError when it is none."""
    return pa.ipc.open_stream(data).read_all()


def time_us(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Microseconds since 1970-01-01 UTC, int64 (n,); null becomes the smallest int64."""
    whole = column if isinstance(column, pa.Array) else column.combine_chunks()
    if whole.null_count == 0 and pa.types.is_timestamp(whole.type):
        return whole.view(pa.int64()).to_numpy()
    return _numpy(whole.cast(pa.int64()).fill_null(np.iinfo(np.int64).min), np.int64)


def floats(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """float64 (n,); null becomes NaN."""
    return _numpy(column.fill_null(float("nan")) if column.null_count else column, np.float64)


def _numpy(column: Any, dtype: Any) -> np.ndarray:
    array = column if isinstance(column, pa.Array) else column.combine_chunks()
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype)
