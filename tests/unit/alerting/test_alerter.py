"""The decision on forecasts made by hand."""

import numpy as np
import pyarrow as pa
import pytest
from made_up_region import T0_US, chessboard

from perisai.alerting import Alerter, AlertSettings, Policy
from perisai.model import ARRIVED_S, BadInputError, build


def forecast(*rows: tuple[str, float, float], threat: str = "drone", track: int = 7) -> pa.Table:
    """(area, probability, median seconds), 10 % spread of the times."""
    areas, probability, eta = (list(c) for c in zip(*rows, strict=True)) if rows else ([], [], [])
    times = np.array(eta, float)
    return build(
        "forecasts",
        {
            "time": [T0_US] * len(rows), "track": [track] * len(rows), "area": areas, "probability": probability,
            "eta_s": times, "eta_low_s": times * 0.9, "eta_high_s": times * 1.1, "threat": [threat] * len(rows),
        },
    )  # fmt: skip


def run(alerter: Alerter, *beats: pa.Table, start_s: int = 0) -> list:
    """Changes of all beats, 10 s apart."""
    return [c for i, t in enumerate(beats) for c in alerter.step(t, T0_US + (start_s + 10 * i) * 1_000_000)]


def test_watch_then_alarm_then_all_clear_with_reasons():
    alerter = Alerter(chessboard())
    changes = run(alerter, *[forecast(("3-3", 0.8, 900.0 - 10 * i)) for i in range(90)], *[forecast()] * 20)
    kinds = [(c.kind, c.alert.level) for c in changes]
    assert kinds == [("raised", "watch"), ("ended", "watch"), ("raised", "alarm"), ("ended", "alarm")]
    watch, _, alarm, clear = changes
    assert alarm.follows == watch.alert.identifier
    assert alarm.alert.eta_s == pytest.approx(330, abs=80)
    assert alarm.alert.eta_s >= 300
    assert "drone" in alarm.alert.reason
    assert "probability 80 %" in alarm.alert.reason
    assert alarm.alert.tracks == (7,)
    assert clear.alert.end_us is not None
    assert clear.alert.reason.endswith("not seen again.")
    assert alerter.active() == []


def test_the_threshold_is_the_cost_loss_ratio():
    settings = AlertSettings(drone=Policy(lead_s=300.0, margin_s=30.0, alarm_ratio=0.1))
    # Half of what comes at 330 s on average comes within lead and margin.
    assert run(Alerter(chessboard(), settings), forecast(("3-3", 0.22, 330.0)))
    assert not [
        c for c in run(Alerter(chessboard(), settings), forecast(("3-3", 0.18, 330.0))) if c.alert.level == "alarm"
    ]
    # Two of them together are worth it.
    both = pa.concat_tables([forecast(("3-3", 0.12, 330.0)), forecast(("3-3", 0.12, 330.0), track=8)])
    changes = run(Alerter(chessboard(), settings), both)
    assert changes[0].alert.tracks == (7, 8)


def test_what_can_only_be_told_late_is_told_when_it_is_likelier():
    """Nobody can be warned 300 s before what is 100 s away; an alarm is worth less then, and still much."""
    settings = AlertSettings(drone=Policy(lead_s=300.0, margin_s=30.0, alarm_ratio=0.02, late_ratio=0.2))
    for probability, raised in ((0.21, True), (0.19, False)):
        changes = run(Alerter(chessboard(), settings), forecast(("3-3", probability, 100.0)))
        assert bool([c for c in changes if c.alert.level == "alarm"]) is raised


def test_an_alarm_stays_longer_where_few_live():
    """At a danger of one and a half times what raises it, a hamlet keeps its alarm and a city gets the all-clear."""
    for residents, kinds in ((1_000, ["raised"]), (2_000_000, ["raised", "ended"])):
        areas = chessboard(population=residents)
        after = [forecast(("3-3", 1.5 * AlertSettings().drone.alarm_ratio, 440.0))] * 30
        changes = run(Alerter(areas), *[forecast(("3-3", 0.9, 300.0))] * 3, *after)
        assert [c.kind for c in changes] == kinds, residents


def test_the_share_come_by_a_time_is_read_from_the_forecast_where_it_is_told():
    """Three times of arrival cannot tell two humps apart: what comes between 260 and 320 s decides."""
    plain = forecast(("3-3", 0.5, 400.0))
    by = np.where(np.array(ARRIVED_S) >= 310.0, 0.1, 0.0)
    told = plain.drop_columns("arrived").append_column(
        plain.schema.field("arrived"), pa.array([by.tolist()], pa.list_(pa.float32()))
    )
    assert [c.alert.level for c in run(Alerter(chessboard()), told)] == ["alarm"]
    assert [c.alert.level for c in run(Alerter(chessboard()), plain)] != ["alarm"]


def test_each_kind_has_its_own_lead():
    for threat, eta, raised in (("drone", 250.0, True), ("cruise", 250.0, False), ("cruise", 120.0, True)):
        changes = run(Alerter(chessboard()), forecast(("3-3", 0.9, eta), threat=threat))
        assert bool([c for c in changes if c.alert.level == "alarm"]) is raised, (threat, eta)


def test_dwell_and_hold_keep_it_from_flickering():
    alerter = Alerter(chessboard())
    beats = [forecast(("3-3", 0.9, 100.0)) if i % 2 == 0 else forecast() for i in range(40)]
    assert [c.kind for c in run(alerter, *beats)] == ["raised"]
    quick = Alerter(chessboard())
    changes = run(quick, forecast(("3-3", 0.9, 100.0)), *[forecast()] * 30)
    assert [c.kind for c in changes] == ["raised", "ended"]
    assert changes[1].at_us - changes[0].at_us >= 120_000_000


def test_where_an_alarm_came_back_at_once_the_next_all_clear_waits():
    """Something circles near: an alarm that comes and goes with each round is believed by nobody."""
    near, far = forecast(("3-3", 0.9, 200.0)), forecast()
    alerter = Alerter(chessboard())
    changes = run(alerter, *[near] * 12, *[far] * 8, near, *[far] * 40)
    assert [c.kind for c in changes] == ["raised", "ended", "raised", "ended"]
    first, second = (changes[i + 1].at_us - changes[i].at_us for i in (0, 2))
    assert first <= 150_000_000
    assert second >= 180_000_000
    later = run(alerter, *[far] * 100, *[near] * 12, *[far] * 8, start_s=700)
    assert later[1].at_us - later[0].at_us == first


def test_no_all_clear_when_the_next_is_two_minutes_behind():
    alerter = Alerter(chessboard())
    follow_up = [forecast(("3-3", 0.9, 440.0 - 10 * i), track=8) for i in range(14)]
    assert [c.kind for c in run(alerter, *[forecast(("3-3", 0.9, 0.0))] * 20, *follow_up)] == ["raised", "updated"]
    assert len(alerter.active()) == 1
    assert alerter.active()[0].start_us == T0_US


def test_when_the_threat_changes_the_reason_tells_of_the_new_one():
    alerter = Alerter(chessboard())
    drone, cruise = forecast(("3-3", 0.4, 100.0)), forecast(("3-3", 0.9, 100.0), threat="cruise", track=8)
    raised, updated = run(alerter, drone, *[pa.concat_tables([drone, cruise])] * 8)
    assert (raised.alert.threat, updated.alert.threat) == ("drone", "cruise")
    assert "drone" in raised.alert.reason and "cruise" not in raised.alert.reason
    assert updated.alert.reason.startswith("A cruise missile will probably reach")
    assert updated.alert.start_us == raised.alert.start_us


def test_a_clock_jump_ends_nothing():
    alerter = Alerter(chessboard())
    run(alerter, *[forecast(("3-3", 0.9, 0.0))] * 30)
    assert alerter.step(forecast(), T0_US + 86_400_000_000) == []
    assert alerter.step(forecast(), T0_US) == []
    assert len(alerter.active()) == 1


def test_same_input_same_identifiers_and_checkpoint_goes_on():
    beats = [forecast(("3-3", 0.8, 600.0 - 10 * i), ("4-3", 0.3, 900.0)) for i in range(60)] + [forecast()] * 30
    whole = run(Alerter(chessboard()), *beats)
    first = Alerter(chessboard())
    start = run(first, *beats[:35])
    second = Alerter.restore(first.checkpoint(), chessboard())
    assert second.active() == first.active()
    assert start + run(second, *beats[35:], start_s=350) == whole
    with pytest.raises(BadInputError, match="144 areas"):
        Alerter.restore(first.checkpoint(), chessboard(3, 3))


def test_an_unknown_area_in_forecasts_is_no_alert():
    assert run(Alerter(chessboard()), forecast(("nowhere", 1.0, 0.0))) == []


@pytest.mark.parametrize("bad", [{"hold_ratio": 0.0}, {"prefix": "a b"}, {"drone": Policy(lead_s=-1.0)}])
def test_settings_are_checked(bad: dict):
    with pytest.raises(BadInputError, match="alerting"):
        AlertSettings(**bad)
