"""The forecaster on single tracks whose future can be said by hand."""

import numpy as np
import pyarrow as pa
import pytest
from made_up_region import T0_US, chessboard, middle, track_rows

from perisai.forecasting import Forecaster, ForecastSettings, Motion
from perisai.model import ARRIVED_S, BadInputError

STRAIGHT = ForecastSettings(drone=Motion(turns_per_hour=1e-6, ends_per_hour=1e-6, speed_sigma=0.0, aim_share=0.0))
NOWHERE = Motion(aim_share=0.0)
"""Of objects sent to no place known: in a small region of equal places each could come down in the next."""


def last_forecast(forecaster: Forecaster, rows: pa.Table, end_s: int, step_s: int = 10) -> dict:
    """Feed rows frame by frame until end_s after T0; the last beat's forecasts by area."""
    times = np.asarray(rows["time"].cast(pa.int64()))
    out = None
    for end in range(T0_US, T0_US + end_s * 1_000_000 + 1, step_s * 1_000_000):
        table = rows.filter(pa.array((times <= end) & (times > end - step_s * 1_000_000)))
        out = forecaster.step(table, end)
    assert out is not None
    return {row["area"]: row for row in out.to_pylist()}


def test_a_straight_flight_arrives_where_and_when_it_must():
    # Eastward at 50 m/s through the middle of row 2 from square 1: circle radius 11.28 + 3 km, spacing 20 km.
    found = last_forecast(Forecaster(chessboard(), STRAIGHT), track_rows((1, 2), (50, 0), np.arange(0, 121, 30)), 120)
    assert found["1-2"]["probability"] == 1.0
    assert found["1-2"]["eta_s"] == 0.0
    for square in (3, 4):
        expected = (20_000 * (square - 1) - 14_284 - 120 * 50) / 50
        row = found[f"{square}-2"]
        assert row["probability"] > 0.99
        assert row["eta_s"] == pytest.approx(expected, rel=0.02)
        assert row["eta_low_s"] < row["eta_s"] < row["eta_high_s"]
        assert row["threat"] == "drone"
    assert "0-2" not in found  # behind it
    assert "3-6" not in found  # 80 km off its way


def test_probability_is_that_of_the_offset_for_a_straight_flight():
    # An area whose circle ends 2 km beside the way: inside only when the lateral error exceeds it. With exact
    # velocity, probability = P(N(0, sigma) > offset).
    rows = track_rows((1, 2), (50, 0), np.array([0.0]), p_ee=[2000.0**2], p_nn=[2000.0**2], v_ee=[1e-6], v_nn=[1e-6])
    areas = chessboard()
    north = rows.set_column(2, "lat", pa.array([rows["lat"][0].as_py() + (20_000 - 14_284 - 2_000) / 111_220.0]))
    found = last_forecast(Forecaster(areas, STRAIGHT), north, 0)
    assert found["3-3"]["probability"] == pytest.approx(0.15, abs=0.04)


def test_turn_hazard_spreads_and_lowers_the_certainty():
    rows = track_rows((1, 2), (50, 0), np.arange(0, 121, 30))
    straight = last_forecast(Forecaster(chessboard(), STRAIGHT), rows, 120)
    turning = last_forecast(Forecaster(chessboard()), rows, 120)
    assert len(turning) > len(straight)
    assert turning["4-2"]["probability"] < straight["4-2"]["probability"] - 0.1


def test_where_there_are_many_tracks_each_has_fewer_rollouts():
    rows = track_rows((1, 2), (50, 0), np.arange(0.0, 121.0, 10.0))
    for most, rollouts in ((1_000_000, 384), (200, 200), (1, 128)):
        forecaster = Forecaster(chessboard(), ForecastSettings(most_rollouts=most))
        shares = np.array(forecaster.step(rows, T0_US + 120_000_000)["probability"].to_pylist())
        assert shares.size > 3
        assert np.allclose(shares * rollouts, np.round(shares * rollouts), atol=1e-6)


def test_a_turn_is_likelier_the_longer_none_came_and_back_to_the_course():
    """North-east for 20 min, then a dog-leg to the east: soon after it goes straight on; later it turns back north."""
    motion = Motion(turns_per_hour=5.0, leg_min_s=300.0, turn_sigma_deg=5.0, course_pull=1.0, aim_share=0.0)
    first = track_rows((1, 1), (35.36, 35.36), np.arange(0, 1201, 30))
    lon, lat = (np.asarray(first[name])[-1] for name in ("lon", "lat"))
    start = ((lon - 31.0) / 0.2743 - 0.5, (lat - 49.0) / 0.18 - 0.5)
    second = track_rows(start, (50, 0), np.arange(0, 601, 30))
    shifted = pa.array(np.asarray(second["time"].cast(pa.int64())) + 1_230_000_000, second["time"].type)
    rows = pa.concat_tables([first, second.set_column(0, second.schema.field(0), shifted)])
    shares = []
    for end_s in (1290, 1830):
        found = last_forecast(Forecaster(chessboard(), ForecastSettings(drone=motion)), rows, end_s)
        row = round(start[1])
        ahead = max(r["probability"] for r in found.values() if int(r["area"].split("-")[1]) == row)
        north = sum(r["probability"] for r in found.values() if int(r["area"].split("-")[1]) > row + 1)
        south = sum(r["probability"] for r in found.values() if int(r["area"].split("-")[1]) < row - 1)
        assert ahead > 0.5
        shares.append((north, south))
    assert shares[1][0] > shares[0][0]
    assert shares[1][0] > 5.0 * shares[1][1]


def test_what_flies_behind_another_turns_where_that_one_turned():
    """The first flew east and turned north five minutes ago; one on its way will, one of another kind may not."""
    first = track_rows((1, 2), (50, 0), np.arange(0, 841, 30))
    corner = (1 + 840 * 50 / 20_000, 2)
    north = track_rows(corner, (0, 50), np.arange(0, 301, 30))
    later = pa.array(np.asarray(north["time"].cast(pa.int64())) + 870_000_000, north["time"].type)
    ahead = pa.concat_tables([first, north.set_column(0, north.schema.field(0), later)])
    chance = {}
    for kind in ("drone", "cruise"):
        behind = track_rows((1, 2), (50, 0), np.arange(0, 781, 30), track=2, kind=kind)
        late = pa.array(np.asarray(behind["time"].cast(pa.int64())) + 390_000_000, behind["time"].type)
        rows = pa.concat_tables([ahead, behind.set_column(0, behind.schema.field(0), late)])
        forecaster = Forecaster(chessboard(), ForecastSettings(drone=NOWHERE))
        for end in range(T0_US, T0_US + 1_171_000_000, 10_000_000):
            times = np.asarray(rows["time"].cast(pa.int64()))
            out = forecaster.step(rows.filter(pa.array((times <= end) & (times > end - 10_000_000))), end)
        found = {row["area"]: row["probability"] for row in out.to_pylist() if row["track"] == 2}
        chance[kind] = found.get("3-4", 0.0), found.get("5-2", 0.0)
    # 0.95 of such go on behind; some come down before, or turn again beyond where the first has been seen.
    assert chance["drone"][0] > 0.75
    assert chance["drone"][1] < 0.1
    assert chance["cruise"][0] < 0.5 < chance["cruise"][1]


def test_it_goes_on_from_a_checkpoint_behind_the_same_leader():
    rows = track_rows((1, 2), (50, 0), np.arange(0, 601, 30))
    forecaster = Forecaster(chessboard())
    last_forecast(forecaster, rows, 600)
    again = Forecaster.restore(forecaster.checkpoint(), chessboard())
    behind = track_rows((1.5, 2), (50, 0), np.array([610.0]), track=2)
    assert again.step(behind, T0_US + 610_000_000).equals(forecaster.step(behind, T0_US + 610_000_000))


def test_what_flies_faster_turns_sooner_for_its_way_points_lie_on_the_ground():
    rows = track_rows((1, 2), (150, 0), np.arange(0, 61, 30))
    slow, fast = (ForecastSettings(drone=Motion(usual_speed_mps=v, aim_share=0.0)) for v in (52.0, 150.0))
    straight_on = [last_forecast(Forecaster(chessboard(), s), rows, 60)["6-2"]["probability"] for s in (slow, fast)]
    assert straight_on[0] < straight_on[1] - 0.1


def test_the_share_arrived_grows_to_the_whole_probability():
    found = last_forecast(Forecaster(chessboard()), track_rows((1, 2), (50, 0), np.arange(0, 121, 30)), 120)
    assert found["1-2"]["arrived"] == [1.0] * len(ARRIVED_S)
    for row in found.values():
        assert row["arrived"] == sorted(row["arrived"])
        assert row["arrived"][-1] <= row["probability"] + 1e-6
        by_median = np.interp(row["eta_s"], ARRIVED_S, row["arrived"])
        if row["eta_s"] > 0.0 and row["eta_high_s"] < ARRIVED_S[-1]:
            assert row["arrived"][-1] > 0.94 * row["probability"]
            assert by_median == pytest.approx(0.5 * row["probability"], abs=0.26)


def test_forecasts_only_on_the_beat_and_the_beat_is_absolute():
    forecaster = Forecaster(chessboard())
    assert forecaster.step(track_rows((1, 2), (50, 0), np.array([0.0])), T0_US).num_rows > 0
    for second in range(1, 10):
        assert not forecaster.beat(T0_US + second * 1_000_000)
        assert forecaster.step(track_rows((1, 2), (50, 0), np.array([])), T0_US + second * 1_000_000).num_rows == 0
    assert forecaster.beat(T0_US + 10_000_000)


def test_a_beat_whose_frame_is_missing_comes_with_the_next():
    forecaster = Forecaster(chessboard())
    forecaster.step(track_rows((1, 2), (50, 0), np.array([0.0])), T0_US)
    for second, beat in ((8, False), (13, True), (14, False), (20, True), (47, True), (48, False)):
        rows = track_rows((1, 2), (50, 0), np.array([float(second)]))
        assert (forecaster.step(rows, T0_US + second * 1_000_000).num_rows > 0) is beat
        assert forecaster.beat(T0_US + second * 1_000_000) is beat


def test_silence_grows_then_fades_and_never_ends_at_once():
    anywhere = Motion(turns_per_hour=6.0, turn_sigma_deg=35.0, leg_min_s=0.0, course_pull=0.0, aim_share=0.0)
    forecaster = Forecaster(chessboard(), ForecastSettings(drone=anywhere))
    rows = track_rows((1, 2), (50, 0), np.arange(0, 121, 30))
    seen = last_forecast(forecaster, rows, 120)
    silent = [forecaster.step(rows.slice(0, 0), T0_US + (120 + s) * 1_000_000) for s in range(10, 1201, 10)]
    counts = [table.num_rows for table in silent]
    after_2_min, after_4_min = ({row["area"]: row for row in silent[i].to_pylist()} for i in (11, 23))
    assert after_2_min["2-2"]["probability"] == seen["2-2"]["probability"]  # silence alone takes nothing back at first
    assert 0.1 < after_4_min["2-2"]["probability"] < 0.5
    assert counts[5] > len(seen)
    assert counts[-1] == 0


@pytest.mark.parametrize(("flags", "gone"), [(["landed"], True), (["impact"], True), ([], False)])
def test_an_ended_track_goes_on_unless_it_came_down(flags: list[str], gone: bool):
    forecaster = Forecaster(chessboard())
    last_forecast(forecaster, track_rows((1, 2), (50, 0), np.arange(0, 121, 30)), 120)
    end = track_rows((1, 2), (50, 0), np.array([130.0]), status=["ended"], flags=[flags], existence=[0.01])
    assert (forecaster.step(end, T0_US + 130_000_000).num_rows == 0) is gone


def test_a_jump_of_the_clock_ages_no_track():
    forecaster = Forecaster(chessboard())
    rows = track_rows((1, 2), (50, 0), np.arange(0, 121, 30))
    before = last_forecast(forecaster, rows, 120)
    jumped = forecaster.step(rows.slice(0, 0), T0_US + 7_200_000_000)
    assert {row["area"] for row in jumped.to_pylist()} == set(before)
    back = forecaster.step(rows.slice(0, 0), T0_US)
    assert back.num_rows == jumped.num_rows


def test_neutral_needs_identity_flight_and_no_flag():
    def rows(**columns: object) -> int:
        table = track_rows((1, 2), (200, 0), np.array([0.0]), kind="aircraft", **{"alt_m": [10_000.0]} | columns)
        return Forecaster(chessboard(), ForecastSettings()).step(table, T0_US).num_rows

    assert rows(address=["4b1805"]) == 0
    assert rows(address=[None]) > 0
    assert rows(address=["4b1805"], flags=[["identity_conflict"]]) > 0
    assert rows(address=["4b1805"], p_aircraft=[0.2], p_drone=[0.8]) > 0
    assert rows(address=["4b1805"], alt_m=[20_000.0]) > 0


def test_only_registered_identities_are_neutral_when_there_is_a_register():
    table = track_rows((1, 2), (200, 0), np.array([0.0]), kind="aircraft", alt_m=[1e4], address=["4B1805"])
    known = Forecaster(chessboard(), ForecastSettings(civil_addresses=("4b1805",)))
    unknown = Forecaster(chessboard(), ForecastSettings(civil_addresses=("abcdef",)))
    assert known.step(table, T0_US).num_rows == 0
    assert unknown.step(table, T0_US).num_rows > 0


def test_ballistic_by_its_impact_ellipse():
    table = track_rows(
        (1, 2), (1500, 0), np.array([0.0]), kind="ballistic", alt_m=[40_000.0], impact_lat=[middle(6, 2)[0]],
        impact_lon=[middle(6, 2)[1]], impact_time=[T0_US + 90_000_000], impact_ee=[4e6], impact_en=[0.0],
        impact_nn=[1e6], impact_time_sigma_s=[5.0],
    )  # fmt: skip
    found = {row["area"]: row for row in Forecaster(chessboard()).step(table, T0_US).to_pylist()}
    assert found["6-2"]["probability"] == 1.0
    assert found["6-2"]["eta_s"] == pytest.approx(90.0, abs=2.0)
    assert found["6-2"]["eta_high_s"] - found["6-2"]["eta_low_s"] == pytest.approx(2 * 1.645 * 5.0, abs=4.0)
    assert "3-2" not in found  # it flies over it


def test_checkpoint_goes_on_exactly():
    rows = track_rows((1, 2), (50, 10), np.arange(0, 121, 30))
    first = Forecaster(chessboard())
    last_forecast(first, rows, 120)
    second = Forecaster.restore(first.checkpoint(), chessboard())
    for second_s in (130, 140, 150):
        end = T0_US + second_s * 1_000_000
        assert first.step(rows.slice(0, 0), end).equals(second.step(rows.slice(0, 0), end))
    with pytest.raises(BadInputError, match="checkpoint"):
        Forecaster.restore(b"nonsense", chessboard())


def test_settings_are_checked():
    with pytest.raises(BadInputError, match=r"forecasting\.period_s"):
        ForecastSettings(period_s=0)
