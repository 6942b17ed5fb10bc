"""The alerts of a live picture: what is on or ended lately in memory, what is older from the recording."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog

from perisai.model import ALERTS, TIME, Alert, time_us

from .pipeline import AlertBook

log = structlog.get_logger("alerts")


class LongBook(AlertBook):
    """`all` tells of every alert there was; the others only of those in memory."""

    def __init__(self, recording: Path, keep_us: int) -> None:
        """recording: the directory with alerts.parquet. keep_us: how long an alert that has ended is in memory."""
        super().__init__(keep_us)
        self._path = recording / "alerts.parquet"

    def all(self, area: str | None = None, since_us: int | None = None) -> list[Alert]:
        held = super().all(area, since_us)
        if not self.forgotten or (since_us is not None and since_us >= self.forgotten_until_us):
            return held
        known = {one.key for one in held}
        old = [one for one in self._read(area, since_us) if one.key not in known]
        return old + held

    def _read(self, area: str | None, since_us: int | None) -> list[Alert]:
        """Alerts of the recording that have ended."""
        wanted = pc.is_valid(pc.field("end"))
        if area is not None:
            wanted &= pc.field("area") == area
        if since_us is not None:
            wanted &= pc.field("end") >= pa.scalar(since_us).cast(TIME)
        try:
            table = pq.read_table(self._path, schema=ALERTS, filters=wanted)
        except (OSError, pa.ArrowException) as error:
            log.error("alerts that ended long ago cannot be read", reason=str(error).splitlines()[0])
            return []
        times = zip(time_us(table["start"]).tolist(), time_us(table["end"]).tolist(), strict=True)
        rows = table.drop_columns(["start", "end"]).to_pylist()
        return [
            Alert(**row | {"start_us": start_us, "end_us": end_us, "tracks": tuple(row["tracks"] or ())})
            for row, (start_us, end_us) in zip(rows, times, strict=True)
        ]
