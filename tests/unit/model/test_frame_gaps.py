"""Tables cut into frames: none is left out, but what is beyond an hour of silence."""

import numpy as np

from perisai.model import FRAME_US, build, split_frames

HOUR_US = 3_600 * FRAME_US
START_US = 1_757_200_000_000_000


def _cut(*times_us):
    times = np.array(times_us, np.int64)
    table = build("detections", {"time": times, "received": times, "sensor": ["a"] * len(times)})
    return [(frame.end_us, frame.table.num_rows) for frame in split_frames(table)]


def test_every_frame_of_a_short_silence_is_there():
    frames = _cut(START_US, START_US + 1, START_US + HOUR_US)
    assert [end for end, _ in frames] == list(range(START_US, START_US + HOUR_US + 1, FRAME_US))
    assert [(end, rows) for end, rows in frames if rows] == [
        (START_US, 1),
        (START_US + FRAME_US, 1),
        (START_US + HOUR_US, 1),
    ]


def test_a_row_of_another_decade_costs_one_hour_of_frames():
    frames = _cut(0, START_US, START_US + FRAME_US)
    assert len(frames) == 3_600 + 3
    assert [end for end, rows in frames if rows] == [0, START_US, START_US + FRAME_US]
    assert [end for end, _ in frames[:3_601]] == list(range(0, HOUR_US + 1, FRAME_US))
