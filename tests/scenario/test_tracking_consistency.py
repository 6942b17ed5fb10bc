"""The covariance that the rows state is that of their errors, for targets apart and for raids."""

import pytest

from perisai.service.bench import consistency
from perisai.service.bench.targets import frames, scenario, standing
from perisai.tracking import Tracker


@pytest.mark.parametrize("layout", ["spread", "raid"])
def test_rows_err_as_much_as_they_say(layout: str) -> None:
    steps = []
    for seed in (61, 62):
        made = scenario(layout, 500, seed)
        tracker = Tracker([made.sensor])
        rows = [tracker.step(frame) for frame in frames(made)]
        steps += consistency.nees(made, rows, standing(rows, made))
    found = consistency.verdict(steps)
    assert found["values"] > 40_000
    assert 1.8 < found["mean"] < 2.2  # 2 degrees of freedom
    assert found["single_in_95"] > 0.93
    assert found["single_above"] < 0.035  # half of the 5 % outside, and a point
