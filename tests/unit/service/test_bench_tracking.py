"""The tracker's bench: its bounds hold for errors that are as stated and fail for those that are not."""

import json

import numpy as np
import pytest

from perisai.model import Frame, Sensor, build, time_us
from perisai.service.bench import bars, consistency, mixed_day

EPOCH_US = 1_757_000_000_000_000


def _steps(scale: float) -> list[consistency.Step]:
    rng = np.random.default_rng(7)
    return [consistency.Step(scale * rng.chisquare(2, 500), np.arange(500)) for _ in range(48)]


def test_errors_as_stated_lie_inside_both_bounds():
    found = consistency.verdict(_steps(1.0))
    assert found["mean"] == pytest.approx(2.0, abs=0.05)
    assert found["single_in_95"] == pytest.approx(0.95, abs=0.01)
    assert found["means_in_95"] == pytest.approx(0.95, abs=0.04)
    # Figures of Bar-Shalom, Li & Kirubarajan's kind: chi squared of 100 degrees of freedom over 50.
    assert (found["mean_low"], found["mean_high"]) == (1.484, 2.591)


def test_errors_larger_than_stated_are_above_and_smaller_ones_below():
    over, under = consistency.verdict(_steps(1.5)), consistency.verdict(_steps(0.5))
    assert over["means_in_95"] < 0.5
    assert over["means_above"] > 0.5
    assert under["means_in_95"] < 0.5
    assert under["means_above"] == 0.0


def test_a_group_that_errs_together_is_one_run():
    rng = np.random.default_rng(8)
    group = np.arange(500) // 5
    steps = [consistency.Step(rng.chisquare(2, 100)[group], group) for _ in range(300)]
    assert consistency.verdict(steps)["means_in_95"] == pytest.approx(0.95, abs=0.03)
    apart = [consistency.Step(step.squared, np.arange(500)) for step in steps]
    assert consistency.verdict(apart)["means_in_95"] < 0.7


def test_a_bar_is_held_or_not_and_left_out_where_its_figure_is():
    out = {"raid_10000": {"scan_p99_ms": 251.0, "scan_processor_p99_ms": 100.0}}
    rows = {row["name"]: row["holds"] for row in bars.held(out)}
    assert rows == {"raid of 10,000, p99 of a scan, ms": False, "the same of processor time, ms": True}


def test_the_day_goes_on_where_its_lap_ends():
    sensors = [Sensor(id="a", kind="radar3d", lat=49.0, lon=31.0, period_s=10.0)]
    at = np.arange(mixed_day.LAP_S, dtype=np.int64)
    lap = [
        Frame(
            EPOCH_US + k * 1_000_000,
            build(
                "detections",
                {"time": [EPOCH_US + k * 1_000_000], "received": [EPOCH_US + k * 1_000_000], "sensor": ["a"],
                 "scan": [k // 10], "range_m": [1e4], "azimuth_deg": [1.0]},
            ),
        )
        for k in at.tolist()
    ]  # fmt: skip
    day = list(mixed_day.laps(sensors, lap, 0.5))
    times = np.concatenate([time_us(frame.table["time"]) for frame in day])
    scans = np.concatenate([np.asarray(frame.table["scan"].to_numpy()) for frame in day])
    assert len(day) == 1800
    assert (np.diff(times) == 1_000_000).all()
    assert scans.tolist() == (np.arange(1800) // 10).tolist()
    assert [frame.end_us for frame in day] == times.tolist()


def test_a_scan_of_few_targets_has_no_mean_and_its_figures_are_json():
    found = consistency.verdict([consistency.Step(np.full(10, 2.0), np.arange(10))])
    assert found["means"] == 0
    json.loads(json.dumps(found, allow_nan=False))
