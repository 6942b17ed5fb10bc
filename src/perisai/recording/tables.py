"""Reading and writing tables as Parquet; a file is whole or it is not there."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perisai.model import BadInputError, ResourceError, check_values, conform


def read_table(path: Path | str, kind: str) -> pa.Table:
    """A Parquet (or Arrow IPC) file as a table of the schema `kind`.

    Raises BadInputError naming the file, and the column or the row, when it is missing, corrupt or does not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInputError(str(path), "no such file", f"a Parquet file of {kind}")
    try:
        if path.suffix in (".arrow", ".arrows", ".feather", ".ipc"):
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
        else:
            table = pq.read_table(path)
        table.validate(full=True)  # a torn buffer would be read beyond its end
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInputError(
            str(path), f"cannot be read ({str(error).splitlines()[0]})", f"a Parquet file of {kind}"
        ) from error
    fitting = conform(table, kind, str(path))
    check_values(fitting, kind, str(path))
    return fitting


def write_table(table: pa.Table, path: Path | str) -> None:
    """Write a Parquet file beside its place and move it there, so that a crash or a full disk leaves no half file.

    Raises ResourceError when the place cannot be written.
    """
    write_tables([table], table.schema, path)


def write_tables(
    tables: Iterable[pa.Table], schema: pa.Schema, path: Path | str, written_s: float | None = None
) -> None:
    """As `write_table`, of tables that are made as they are written: no more than one of them is in memory.

    written_s: time of the file, when it is not now.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for table in tables:
                    writer.write_table(table)
            file.flush()
            os.fsync(file.fileno())
        if written_s is not None:
            os.utime(partial, (written_s, written_s))
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ResourceError(f"{path}: cannot be written ({error.strerror or error})") from error


def regrouped(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of at least so many, but for the last: small row groups make a large file."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(one.num_rows for one in waiting) >= rows:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
