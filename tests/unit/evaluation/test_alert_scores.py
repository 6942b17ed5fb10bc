"""Alert scores on flights whose figures can be worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest
from made_up_region import T0_US, chessboard, truth_rows

from perisai.evaluation import score_alerts
from perisai.evaluation.spans import covering, person_hours, union
from perisai.model import BadInputError, build

ENTER_S = (40_000 - 14_284) / 50.0
"""When a drone that starts in the middle of square 1-2 and flies east enters 3-2."""


def alerts(*rows: tuple[str, float, float | None], level: str = "alarm"):
    return build(
        "alerts",
        {
            "identifier": [str(i) for i in range(len(rows))], "area": [r[0] for r in rows],
            "level": [level] * len(rows), "threat": ["drone"] * len(rows),
            "start": [T0_US + int(r[1] * 1e6) for r in rows],
            "end": [None if r[2] is None else T0_US + int(r[2] * 1e6) for r in rows],
        },
    )  # fmt: skip


TRUTH = truth_rows((1, 2), (50, 0), np.arange(0, 1301, 10))
"""Starts in 1-2, enters 2-2 after 114 s, 3-2 and 4-2 later than the lead of 300 s, and is last seen in 4-2."""


@pytest.mark.parametrize(("start", "share", "late", "missed"), [(-315, 1.0, 0, 0), (-285, 0.5, 1, 0), (5, 0.5, 0, 1)])
def test_in_time_is_the_lead_before_the_entry(start: float, share: float, late: int, missed: int):
    rows = [("3-2", ENTER_S + start, 1600.0), ("4-2", ENTER_S, None)]
    scores = score_alerts(alerts(*rows), TRUTH, chessboard())
    assert (scores.events, scores.events_not_counted) == (2, 2)
    assert (scores.in_time, scores.late, scores.missed) == (share, late, missed)


def test_a_break_before_the_entry_is_not_in_time():
    rows = [("3-2", 0.0, ENTER_S - 100), ("3-2", ENTER_S - 90, 1600), ("4-2", 0, None)]
    assert score_alerts(alerts(*rows), TRUTH, chessboard()).in_time == 0.5


def test_perfect_costs_the_lead_the_stay_and_two_minutes():
    scores = score_alerts(alerts(("3-2", 0.0, 3600.0)), TRUTH, chessboard())
    assert scores.person_hours == pytest.approx(10_000)
    stay = 2 * 14_284 / 50.0
    flown = 1300.0
    spans = [
        stay / 2 + 120,  # where it starts
        (20_000 - 14_284) / 50.0 + stay + 120,  # warned when it first flies
        300 + stay + 120,
        300 + flown - (60_000 - 14_284) / 50.0 + 120,
    ]
    assert scores.perfect_person_hours == pytest.approx(sum(spans) / 3600 * 10_000, rel=2e-3)
    assert scores.raion_person_hours > 2 * scores.perfect_person_hours


def test_false_alarms_are_those_nothing_threatened():
    rows = [("3-2", 0, 1600), ("4-2", 0, 1600), ("3-9", 0, 600), ("4-2", 1700.0, 1750.0)]
    scores = score_alerts(alerts(*rows), TRUTH, chessboard())
    assert scores.alarms == 4
    assert scores.false_alarms == 2  # 3-9, and 4-2 after the object was last seen


def test_flickers():
    rows = [("3-2", 0, 100), ("3-2", 150, 900), ("4-2", 0, 500), ("4-2", 700, 900)]
    scores = score_alerts(alerts(*rows), TRUTH, chessboard())
    assert scores.flickers == 2
    assert scores.flicker_share == 0.5


def test_population_counts_at_least_500():
    scores = score_alerts(alerts(("3-2", 0.0, 3600.0)), TRUTH, chessboard(population=3))
    assert scores.person_hours == pytest.approx(500)


def test_ballistic_counts_where_it_falls():
    times = np.arange(0, 201, 1)
    truth = truth_rows((0, 2), (600, 0), times, kind=["ballistic"] * 201, impact=np.arange(201) == 200)
    on = score_alerts(alerts(("6-2", 130.0, 300.0)), truth, chessboard())
    late = score_alerts(alerts(("6-2", 150.0, 300.0)), truth, chessboard())
    assert on.events == 1
    assert on.in_time == 1.0
    assert on.in_time_by_kind == {"ballistic": 1.0}
    assert late.in_time == 0.0


def test_neutral_truth_is_no_danger():
    neutral = truth_rows((1, 2), (50, 0), np.arange(0, 1601, 10), hostile=np.zeros(161, bool))
    with pytest.raises(BadInputError, match="no hostile"):
        score_alerts(alerts(), neutral, chessboard())


def test_unknown_area_is_said():
    with pytest.raises(BadInputError, match="'nowhere'"):
        score_alerts(alerts(("nowhere", 0, 1)), TRUTH, chessboard())


def test_forecast_skill_of_a_sure_and_right_forecaster():
    rows = {
        "time": [T0_US, T0_US, T0_US], "track": [1, 1, 1], "area": ["3-2", "4-2", "9-9"],
        "probability": [1.0, 1.0, 0.0],
        "eta_s": [514.0, 914.0, 9.0], "eta_low_s": [500.0, 950.0, 1.0], "eta_high_s": [530.0, 990.0, 10.0],
    }  # fmt: skip
    skill = score_alerts(alerts(), TRUTH, chessboard(), build("forecasts", rows)).forecasts
    assert skill is not None
    assert skill.by_track
    assert skill.brier == 0.0
    assert skill.coverage == 0.5
    assert [(r.forecast, r.observed, r.cases) for r in skill.reliability] == [(0.0, 0.0, 1), (1.0, 1.0, 2)]


def test_numbers_of_a_tracker_that_are_objects_of_other_times_by_chance_are_not_taken_for_them():
    second = truth_rows((1, 2), (50, 0), np.arange(90_000, 91_301, 10), object=np.full(131, 2))
    rows = {
        "time": [T0_US, T0_US], "track": [2, 2], "area": ["3-2", "4-2"],
        "probability": [1.0, 1.0], "eta_s": [514.0, 914.0],
    }  # fmt: skip
    truth = pa.concat_tables([TRUTH, second])
    skill = score_alerts(alerts(), truth, chessboard(), build("forecasts", rows)).forecasts
    assert skill is not None
    assert not skill.by_track
    assert skill.brier == pytest.approx(0.0, abs=1e-9)
    assert skill.base_rate == 1.0


def test_union_and_covering():
    area, start, end = (np.array(v, float) for v in ([1, 0, 1, 1], [0, 5, 8, 30], [10, 6, 20, 40]))
    area = area.astype(int)
    merged = union(area, start, end)
    assert [list(v) for v in merged] == [[0, 1, 1], [5, 0, 30], [6, 20, 40]]
    assert list(covering(*merged, np.array([1, 1, 0, 2]), np.array([15.0, 25.0, 5.0, 5.0]))) == [1, -1, 0, -1]
    assert person_hours(area, start, end, np.array([100.0, 3600.0])) == pytest.approx(30 + 100 / 3600)
