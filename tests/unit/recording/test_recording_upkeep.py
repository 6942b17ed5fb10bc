"""Hourly files, retention, a disk that fills, and SQL over what is kept."""

import os
import shutil
from collections import namedtuple

import numpy as np
import pyarrow as pa
import pytest

from perisai.model import BadInputError, build
from perisai.recording import CONFIG_FILE, FRAMES, PartWriter, Recording, RecordingSettings, given_up, parts, query
from perisai.recording.upkeep import DAY_S, merge_hours, remove_old
from perisai.service.roles.recorder import Recorder

START_US = 1_757_200_000_000_000
HOUR_S = 3600.0


def _recording(directory, hours=3, parts_an_hour=4):
    """Ten frames a part, a detection each, written at made-up times; returns the time of the last part."""
    writers = [PartWriter(directory, kind) for kind in ("detections", "frames")]
    sequence, at_s = 0, 0.0
    for part in range(hours * parts_an_hour):
        for _ in range(10):
            sequence += 1
            time = np.array([START_US + sequence])
            writers[0].add(sequence, build("detections", {"time": time, "received": time, "sensor": ["a"]}))
            writers[1].add(sequence, pa.table({"end": time, "rows": [1], "health": [None]}).cast(FRAMES))
        for writer in writers:
            writer.flush()
            at_s = part * HOUR_S / parts_an_hour + 10.0
            os.utime(parts(writer.directory)[-1][2], (at_s, at_s))
    (directory / CONFIG_FILE).write_text("{}")
    return at_s


def _times(directory):
    frames = list(Recording(directory).frames())
    assert all(frame.table.num_rows == 1 for frame in frames)
    assert all(frame.table["time"].cast(pa.int64()).to_pylist() == [frame.end_us] for frame in frames)
    return [frame.end_us - START_US for frame in frames]


def test_closed_hours_become_one_file_each_and_nothing_else_changes(tmp_path):
    now_s = _recording(tmp_path)
    for kind in ("detections", "frames"):
        assert merge_hours(tmp_path / kind, now_s) == 0
        assert len(parts(tmp_path / kind)) == 2 + 4, "two closed hours and the parts of the open one"
        assert _times(tmp_path) == list(range(1, 121))
        assert merge_hours(tmp_path / kind, now_s) == 8
        assert merge_hours(tmp_path / kind, now_s) == 0
    assert _times(tmp_path) == list(range(1, 121))
    assert PartWriter(tmp_path, "detections").last == 120


def test_a_merge_that_was_interrupted_counts_no_row_twice(tmp_path):
    now_s = _recording(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "detections").iterdir()}
    merge_hours(tmp_path / "detections", now_s)
    for name, content in before.items():
        (tmp_path / "detections" / name).write_bytes(content)
    assert _times(tmp_path) == list(range(1, 121))
    merge_hours(tmp_path / "detections", now_s)
    assert len(list((tmp_path / "detections").iterdir())) == 6


@pytest.mark.parametrize("merged", [("detections", "frames"), ("frames",), ("detections",), ()])
def test_old_detections_go_with_their_frames(tmp_path, merged):
    now_s = _recording(tmp_path)
    for kind in merged:
        merge_hours(tmp_path / kind, now_s)
    assert remove_old(tmp_path, RecordingSettings(detections_days=1.0), now_s) == 0
    assert remove_old(tmp_path, RecordingSettings(detections_days=1.0), now_s + DAY_S - HOUR_S + 1.0) > 0
    assert _times(tmp_path) == list(range(81, 121))
    assert remove_old(tmp_path, RecordingSettings(detections_days=0.0), now_s + 100 * DAY_S) == 0


def test_raw_detections_are_given_up_first_and_alerts_never():
    settings = RecordingSettings(reserve_mb=100.0)
    order = [given_up(free_mb * 1_000_000, settings) for free_mb in (401, 399, 199, 0)]
    low = ("detections", "tracks", "forecasts", "partners")
    assert order == [(), ("detections",), low, low]


def test_a_recorder_on_a_full_disk_writes_alerts_and_counts_the_rest(tmp_path, monkeypatch):
    recorder = Recorder(None, tmp_path, RecordingSettings(reserve_mb=100.0))  # pyright: ignore[reportArgumentType]
    time = np.array([START_US])
    recorder._writers["detections"].add(1, build("detections", {"time": time, "sensor": ["a"]}))
    recorder._writers["frames"].add(1, pa.table({"end": time, "rows": [1], "health": [None]}).cast(FRAMES))
    changes = pa.table({"at": time, "change": ["{}"]}).cast(
        pa.schema([("at", FRAMES.field("end").type), ("change", "string")])
    )
    recorder._writers["changes"].add(1, changes)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 300_000_000))
    recorder.flush()
    assert recorder.given_up == {"detections": 1, "frames": 1}
    assert not parts(tmp_path / "detections") and len(parts(tmp_path / "changes")) == 1
    assert (tmp_path / "alerts.parquet").exists()


def test_sql_over_a_recording(tmp_path):
    now_s = _recording(tmp_path)
    merge_hours(tmp_path / "frames", now_s)
    assert query(tmp_path, "select sensor, count(*) n from detections group by 1") == [{"sensor": "a", "n": 120}]
    assert query(tmp_path, "select sum(rows) n from frames")[0]["n"] == 120
    with pytest.raises(BadInputError, match=r"^query: "):
        query(tmp_path, "selec 1")
