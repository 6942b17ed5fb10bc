"""A recording on disk: the frames and their detections, what came of them, and what they were read with."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perisai.model import DETECTIONS, NOT_JSON, SCHEMAS, TIME, BadInputError, Frame, SensorHealth, time_us

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
        tables = [_filled(path, schema) for _, _, path in parts(self.directory / kind)]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def frames(self) -> Iterator[Frame]:
        """The frames as they were closed live, one part at a time in memory.

        Raises BadInputError where a part is damaged, or the detections are not all there (any more).
        """
        detections = _Rows(path for _, _, path in parts(self.directory / "detections"))
        frames = self.table("frames")
        if frames["end"].null_count or frames["rows"].null_count or (np.asarray(frames["rows"]) < 0).any():
            raise BadInputError(str(self.directory / "frames"), "a frame without end or rows", "both of each frame")
        columns = zip(time_us(frames["end"]), np.asarray(frames["rows"]), frames["health"].to_pylist(), strict=True)
        for end_us, rows, told in columns:
            try:
                health = msgspec.json.decode(told, type=tuple[SensorHealth, ...]) if told else ()
            except NOT_JSON as error:
                raise BadInputError(str(self.directory / "frames"), f"health: {error}", "what sensors said") from error
            yield Frame(int(end_us), detections.take(int(rows)), health)


class _Rows:
    """The rows of several files, taken from the front."""

    def __init__(self, paths: Iterator[Path]) -> None:
        self._paths = paths
        self._table = DETECTIONS.empty_table()

    def take(self, count: int) -> pa.Table:
        while self._table.num_rows < count:
            path = next(self._paths, None)
            if path is None:
                raise BadInputError("detections", f"{self._table.num_rows} rows left", f"{count}, as the frame says")
            self._table = pa.concat_tables([self._table, _filled(path, DETECTIONS)])
        head, self._table = self._table.slice(0, count), self._table.slice(count)
        return head


def _filled(path: Path, schema: pa.Schema) -> pa.Table:
    """A part as the schema has it; columns that older recordings lack are null."""
    try:
        table = pq.read_table(path)
        for field in schema:
            if field.name not in table.column_names:
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = f"cannot be read ({str(error).splitlines()[0]})"
        raise BadInputError(str(path), reason, "a part of a recording") from error
    return table
