"""Frames: a recording is cut into the very frames the live service closed."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.model import FRAME_US, build, close_frame, split_frames

START_US = 1_757_200_000_000_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-3 * FRAME_US, 2 * FRAME_US), max_size=6), min_size=1, max_size=8))
def test_closed_frames_come_back_from_their_recording(offsets_by_frame):
    frames = []
    number = 0
    for index, offsets in enumerate(offsets_by_frame):
        end_us = START_US + index * FRAME_US
        batches = []
        for offset in offsets:
            received = np.array([end_us + offset], dtype=np.int64)
            columns = {"time": received - 250_000, "received": received, "sensor": ["a"], "scan": [number]}
            batches.append(build("detections", columns))
            number += 1
        frames.append(close_frame(batches, "detections", end_us))
    recorded = pa.concat_tables(frame.table for frame in frames)
    assert recorded.num_rows == number
    again = {frame.end_us: frame.table for frame in split_frames(recorded)}
    for frame in frames:
        if frame.table.num_rows:
            assert again[frame.end_us].equals(frame.table)
    assert sum(table.num_rows for table in again.values()) == number


def test_no_beat_is_left_out_between_two_detections():
    received = np.array([START_US, START_US + 10 * FRAME_US], dtype=np.int64)
    table = build("detections", {"time": received, "received": received, "sensor": ["a", "a"]})
    ends = [frame.end_us for frame in split_frames(table)]
    assert ends == [START_US + i * FRAME_US for i in range(11)]
