"""Recording: idempotent parts, whole files, frames that come back; a full disk loses nothing."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perisai.model import BadInputError, ResourceError, build
from perisai.recording import CONFIG_FILE, FRAMES, PartWriter, Recording, read_table, write_table

START_US = 1_757_200_000_000_000


def _rows(count, start=0):
    times = START_US + np.arange(start, start + count, dtype=np.int64)
    return build("detections", {"time": times, "received": times, "sensor": ["a"] * count})


def _frame_row(end_us, rows):
    return pa.table({"end": [end_us], "rows": [rows], "health": [None]}).cast(FRAMES)


def test_what_the_bus_gives_again_is_kept_once(tmp_path):
    writer = PartWriter(tmp_path, "detections")
    for sequence in (3, 5, 9):
        writer.add(sequence, _rows(2, sequence))
    writer.flush()
    again = PartWriter(tmp_path, "detections")
    assert again.last == 9
    for sequence in (5, 9, 12):
        again.add(sequence, _rows(2, sequence))
    again.flush()
    (tmp_path / CONFIG_FILE).write_text("{}")
    times = Recording(tmp_path).table("detections")["time"].cast(pa.int64()).to_pylist()
    assert times == [START_US + offset for sequence in (3, 5, 9, 12) for offset in (sequence, sequence + 1)]


def test_frames_come_back_with_their_empty_ones(tmp_path):
    detections, frames = PartWriter(tmp_path, "detections"), PartWriter(tmp_path, "frames")
    for sequence, count in enumerate((2, 0, 3), start=1):
        detections.add(sequence, _rows(count, 10 * sequence))
        frames.add(sequence, _frame_row(START_US + sequence, count))
        detections.flush()
    frames.flush()
    (tmp_path / CONFIG_FILE).write_text("{}")
    got = list(Recording(tmp_path).frames())
    assert [(frame.end_us - START_US, frame.table.num_rows) for frame in got] == [(1, 2), (2, 0), (3, 3)]
    assert got[2].table.equals(_rows(3, 30))


def test_a_full_disk_keeps_the_rows_and_what_was_written_before(tmp_path):
    writer = PartWriter(tmp_path, "detections")
    writer.add(1, _rows(4))
    writer.flush()
    writer.directory.rename(tmp_path / "elsewhere")
    writer.directory.write_text("a file where the directory was: writing must fail")
    writer.add(2, _rows(4, 4))
    with pytest.raises(ResourceError):
        writer.flush()
    writer.directory.unlink()
    (tmp_path / "elsewhere").rename(writer.directory)
    writer.flush()
    (tmp_path / CONFIG_FILE).write_text("{}")
    assert Recording(tmp_path).table("detections").num_rows == 8


def test_a_corrupt_file_and_a_wrong_column_are_told_in_one_line(tmp_path):
    corrupt = tmp_path / "d.parquet"
    corrupt.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(BadInputError, match="cannot be read"):
        read_table(corrupt, "detections")
    write_table(pa.table({"time": [1], "sensr": ["a"]}), corrupt)
    with pytest.raises(BadInputError, match="column sensor: missing"):
        read_table(corrupt, "detections")
    write_table(pa.table({"time": ["noon"], "sensor": ["a"]}), corrupt)
    with pytest.raises(BadInputError, match="column time: type string"):
        read_table(corrupt, "detections")
    with pytest.raises(BadInputError, match="no such file"):
        read_table(tmp_path / "absent.parquet", "tracks")
    with pytest.raises(BadInputError, match="a recording"):
        Recording(tmp_path)


TRACK = {"time": START_US, "track": 1, "lat": 50.0, "lon": 30.0, "ve_mps": 1.0, "vn_mps": 2.0, "status": "confirmed"}
OBJECT = {"time": START_US, "object": 1, "lat": 50.0, "lon": 30.0, "kind": "drone"}


@pytest.mark.parametrize(
    ("kind", "good", "column", "value"),
    [
        ("tracks", TRACK, "lat", float("nan")),
        ("tracks", TRACK, "lat", 1e300),
        ("tracks", TRACK, "lon", -181.0),
        ("tracks", TRACK, "vn_mps", float("inf")),
        ("tracks", TRACK, "status", "flying"),
        ("truth", OBJECT, "lat", 90.5),
        ("truth", OBJECT, "kind", "ufo"),
        ("alerts", {"area": "A", "level": "alarm", "start": START_US}, "level", "huge"),
    ],
)
def test_a_value_that_is_none_is_told_with_its_row(tmp_path, kind, good, column, value):
    rows = {name: pa.array([one, value if name == column else one]) for name, one in good.items()}
    pq.write_table(pa.table(rows), tmp_path / "t.parquet")
    with pytest.raises(BadInputError, match=rf"t\.parquet: row 2: {column}: "):
        read_table(tmp_path / "t.parquet", kind)
