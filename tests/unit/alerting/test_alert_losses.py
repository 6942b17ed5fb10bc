"""A sensor lost in the middle of a raid, a tracker restart, a clock that jumps: no alert ends because of it."""

import numpy as np
import pyarrow as pa
import pytest
from made_up_region import T0_US, chessboard, middle, track_rows

from perisai.model import Sensor, build, split_frames
from perisai.service.config import Config
from perisai.service.pipeline import AlertStage, TrackStage

SECOND = 1_000_000
AREAS = chessboard()
RADAR = Sensor(
    id="radar", kind="position", lat=middle(3, 2)[0], lon=middle(3, 2)[1], max_range_m=150e3, period_s=4.0,
    detection_probability=0.95, clutter_per_scan=0.5, sigma_m=100.0,
)  # fmt: skip


def plots(end_s: int) -> pa.Table:
    """One drone flying east at 50 m/s through row 2, seen every 4 s."""
    t = np.arange(0, end_s, 4.0)
    true = track_rows((1, 2), (50, 0), t)
    noise = np.random.default_rng(5).normal(0.0, 100.0 / 111_220.0, (2, len(t)))
    time = (T0_US + t * 1e6).astype(np.int64)
    columns = {"time": time, "received": time + 100_000, "sensor": ["radar"] * len(t), "scan": np.arange(len(t))}
    columns |= {"lat": np.asarray(true["lat"]) + noise[0], "lon": np.asarray(true["lon"]) + 1.5 * noise[1]}
    return build("detections", columns)


def run(frames, tracker, stage):
    """Changes of the frames, and what was on at the end."""
    changes = [c for frame in frames for c in stage.step(tracker.step(frame), frame.end_us).changes]
    return changes, {alert.area for alert in stage.alerter.active() if alert.level == "alarm"}


@pytest.fixture
def warned():
    """Tracker and stage ten minutes into the flight, with alarms on; and the frames so far."""
    frames = list(split_frames(plots(600)))
    tracker, stage = TrackStage([RADAR], Config()), AlertStage(AREAS, Config())
    _, on = run(frames, tracker, stage)
    assert on
    return frames[-1], tracker, stage, on


def ended(changes) -> set[str]:
    return {c.alert.area for c in changes if c.kind == "ended" and c.alert.level == "alarm"}


def silent(frame, tracker, stage, seconds, start=1):
    nothing = frame.table.slice(0, 0)
    frames = [type(frame)(frame.end_us + s * SECOND, nothing) for s in range(start, seconds + 1)]
    return run(frames, tracker, stage)


def seen_on(frame, tracker, stage, end_s):
    """What ends while the drone goes on to be seen."""
    rest = [f for f in split_frames(plots(end_s)) if f.end_us > frame.end_us]
    twin = AlertStage(AREAS, Config(), stage.checkpoint())
    return ended(run(rest, TrackStage([RADAR], Config(), tracker.checkpoint()), twin)[0])


def test_a_sensor_lost_in_the_raid_ends_no_alarm_that_it_would_not_have_ended(warned):
    frame, tracker, stage, on = warned
    passed = seen_on(frame, tracker, stage, 720)
    changes, still = silent(frame, tracker, stage, 120)
    assert ended(changes) <= passed
    assert on - passed <= still
    later, _ = silent(frame, tracker, stage, 1500, start=121)
    assert on <= ended(changes) | ended(later)  # but not for ever


def test_a_restarted_tracker_ends_no_alarm(warned):
    """The new tracker knows nothing and gives the drone another number; the alarms of the old one last."""
    frame, tracker, stage, on = warned
    passed = seen_on(frame, tracker, stage, 720)  # their end would have come without a restart
    fresh = TrackStage([RADAR], Config())
    rest = [f for f in split_frames(plots(720)) if f.end_us > frame.end_us]
    changes, still = run(rest, fresh, stage)
    assert not ended(changes) - passed
    assert on - passed <= still


def test_a_restart_of_the_alerting_from_its_checkpoint_ends_and_raises_nothing(warned):
    frame, tracker, stage, on = warned
    again = AlertStage(AREAS, Config(), stage.checkpoint())
    changes, still = silent(frame, tracker, again, 10)
    assert not [c for c in changes if c.kind == "ended"]
    assert on <= still


@pytest.mark.parametrize("jump_s", [-7200, 7200, 86_400])
def test_a_clock_that_jumps_ends_no_alarm(warned, jump_s):
    frame, tracker, stage, on = warned
    nothing = frame.table.slice(0, 0)
    base = frame.end_us + jump_s * SECOND
    changes, still = run([type(frame)(base + s * SECOND, nothing) for s in range(40)], tracker, stage)
    assert not ended(changes)
    assert on <= still
