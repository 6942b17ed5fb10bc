"""SQL over a recording: each kind of table is a view over its Parquet files (DuckDB)."""

from pathlib import Path
from typing import Any

from perisai.model import BadInputError

from .recorder import parts

KINDS = ("detections", "frames", "tracks", "forecasts", "changes", "orders", "absences")


def query(recording: Path, sql: str) -> list[dict[str, Any]]:
    """Rows of a statement over the views detections, frames, tracks, forecasts, changes, orders, absences and alerts.

    Raises BadInputError with DuckDB's own words when the statement does not hold.
    """
    import duckdb  # no start of the service waits for it

    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for kind in KINDS:
            files = [str(path) for _, _, path in parts(recording / kind)]
            if files:
                database.read_parquet(files, union_by_name=True).create_view(kind)
        if (recording / "alerts.parquet").is_file():
            database.read_parquet(str(recording / "alerts.parquet")).create_view("alerts")
        try:
            result = database.execute(sql)
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        except duckdb.Error as error:
            raise BadInputError("query", str(error).splitlines()[0], "a statement DuckDB can carry out") from error
