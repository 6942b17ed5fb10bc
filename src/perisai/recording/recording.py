"""A recording on disk: the frames and their detections, what came of them, and what they were read with."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perisai.model import DETECTIONS, SCHEMAS, TIME, BadInputError, Frame, SensorHealth, time_us

from .recorder import parts

FRAMES = pa.schema([("end", TIME), ("rows", pa.int64()), ("health", pa.string())])
"""One row per frame, in order: a frame without detections is a beat all the same. health: what sensors said of
themselves in it, as JSON, null where nothing."""

CHANGES = pa.schema([("at", TIME), ("change", pa.string())])
"""One row per alert change: when, and the change as JSON."""

ORDERS = pa.schema([("at", TIME), ("after", TIME), ("order", pa.string()), ("answers", pa.string())])
"""One row per order of an operator: its time, the end of the frame it came behind, the order and its answers as JSON.

Without an order: answers that time alone brought."""

ABSENCES = pa.schema([("end", TIME), ("region", pa.string())])
"""One row per frame and tracker region that was too late for it."""

CONFIG_FILE, SENSORS_FILE, AREAS_FILE = "perisai.json", "sensors.toml", "areas.geojson"


class Recording:
    """Reads what a recorder wrote."""

    def __init__(self, directory: Path | str) -> None:
        """Raises BadInputError when the directory holds no recording."""
        self.directory = Path(directory)
        if not (self.directory / CONFIG_FILE).is_file():
            raise BadInputError(str(directory), f"no {CONFIG_FILE}", "a recording (what perisai run or demo wrote)")

    def text(self, name: str) -> str:
        """A file kept beside the tables: CONFIG_FILE, SENSORS_FILE or AREAS_FILE."""
        return (self.directory / name).read_text(encoding="utf-8")

    def table(self, kind: str) -> pa.Table:
        """All rows of a kind, in the order they passed."""
        own = {"frames": FRAMES, "changes": CHANGES, "orders": ORDERS, "absences": ABSENCES}
        schema = own.get(kind) or SCHEMAS[kind]
        tables = [_filled(_read(path), schema) for _, _, path in parts(self.directory / kind)]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def frames(self) -> Iterator[Frame]:
        """The frames as they were closed live, one part at a time in memory."""
        detections = _Rows(path for _, _, path in parts(self.directory / "detections"))
        frames = self.table("frames")
        columns = zip(time_us(frames["end"]), np.asarray(frames["rows"]), frames["health"].to_pylist(), strict=True)
        for end_us, rows, told in columns:
            health = msgspec.json.decode(told, type=tuple[SensorHealth, ...]) if told else ()
            yield Frame(int(end_us), detections.take(int(rows)), health)


class _Rows:
    """The rows of several files, taken from the front."""

    def __init__(self, paths: Iterator[Path]) -> None:
        self._paths = paths
        self._table = DETECTIONS.empty_table()

    def take(self, count: int) -> pa.Table:
        while self._table.num_rows < count:
            self._table = pa.concat_tables([self._table, _filled(_read(next(self._paths)), DETECTIONS)])
        head, self._table = self._table.slice(0, count), self._table.slice(count)
        return head


def _filled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table as the schema has it; columns that older recordings lack are null."""
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names).cast(schema)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(
            str(path), f"cannot be read ({str(error).splitlines()[0]})", "a part of a recording"
        ) from error
