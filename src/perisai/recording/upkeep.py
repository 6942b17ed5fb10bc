"""Upkeep of a recording: one file an hour in place of many small ones, and old hours removed.

Nothing here can lose or double a row when it is interrupted: the merged file is put in place first, and a part whose
sequences lie within another's counts no more (`parts`), whether or not it is gone yet.
"""

import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .recorder import all_parts, parts
from .settings import RecordingSettings
from .tables import regrouped, write_tables

HOUR_S = 3600.0
DAY_S = 86_400.0
ROWS = 5_000_000
"""Most rows of a merged file: who reads it reads it at once."""

GROUP_ROWS = 200_000
"""Rows of a merged file that are in memory at once while it is written."""


def merge_hours(directory: Path, now_s: float) -> int:
    """Merge the parts of each closed hour (by the time they were written) of one kind; returns the files removed.

    What was merged is removed the next time, so that nobody who reads just now misses a file.
    """
    named = parts(directory)
    kept = {path for _, _, path in named}
    merged_before = [path for path in all_parts(directory) if path not in kept]
    for path in merged_before:
        path.unlink()
    for hour, group in groupby(named, key=lambda part: part[2].stat().st_mtime // HOUR_S):
        batch = list(group)
        if hour >= now_s // HOUR_S or len(batch) < 2:
            continue
        if sum(pq.read_metadata(path).num_rows for _, _, path in batch) > ROWS:
            continue
        written_s = batch[-1][2].stat().st_mtime
        merged = directory / f"{batch[0][0]:012d}-{batch[-1][1]:012d}.parquet"
        schema = pa.unify_schemas([pq.read_schema(path) for _, _, path in batch])
        whole = (_as(schema, pq.read_table(path)) for _, _, path in batch)
        write_tables(regrouped(whole, GROUP_ROWS), schema, merged, written_s)
    return len(merged_before)


def _as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """A part with the columns of all: those that an earlier version did not know are null."""
    return pa.concat_tables([schema.empty_table(), table], promote_options="default")


def remove_old(recording: Path, settings: RecordingSettings, now_s: float) -> int:
    """Remove what is older than the settings keep; returns the files removed.

    Detections and frames go together and up to one sequence, so that the rows left still fit the frames left.
    """
    removed = 0
    kept = (
        ("tracks", settings.tracks_days), ("forecasts", settings.forecasts_days), ("partners", settings.tracks_days),
    )  # fmt: skip
    for kind, days in kept:
        if days:
            old = _written_before(recording / kind, now_s - days * DAY_S)
            removed += _unlink(recording / kind, old[-1][1]) if old else 0
    if settings.detections_days:
        removed += _remove_frames(recording, now_s - settings.detections_days * DAY_S)
    return removed


def _remove_frames(recording: Path, before_s: float) -> int:
    old = _written_before(recording / "frames", before_s)
    detections = parts(recording / "detections")
    for count in range(len(old), 0, -1):
        last = old[count - 1][1]
        if not any(first <= last < end for first, end, _ in detections):
            return _unlink(recording / "detections", last) + _unlink(recording / "frames", last)
    return 0


def _written_before(directory: Path, before_s: float) -> list[tuple[int, int, Path]]:
    """The oldest parts, up to the first that was written later; the newest is kept: it says where to go on."""
    old = []
    for part in parts(directory)[:-1]:
        if part[2].stat().st_mtime >= before_s:
            break
        old.append(part)
    return old


def _unlink(directory: Path, last: int) -> int:
    """Remove all up to a sequence: what was merged first, or it would count again."""
    kept = {path for _, _, path in parts(directory)}
    gone = [path for path in all_parts(directory) if int(path.stem.split("-")[1]) <= last]
    for path in sorted(gone, key=lambda path: path in kept):
        path.unlink()
    return len(gone)


def keep_up(recording: Path, kinds: Iterable[str], settings: RecordingSettings) -> int:
    """Merge and remove, now; returns the files removed."""
    now_s = time.time()
    return sum(merge_hours(recording / kind, now_s) for kind in kinds) + remove_old(recording, settings, now_s)
