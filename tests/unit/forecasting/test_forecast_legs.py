"""What the forecaster makes of turns, of the legs flown so far, of circles and of tracks that their source ends."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from made_up_region import T0_US, chessboard, track_rows

from perisai.forecasting import Forecaster, ForecastSettings, Motion

SQUARE_M = 20_000.0
NOWHERE = ForecastSettings(drone=Motion(aim_share=0.0))


def flight(times: np.ndarray, east: np.ndarray, north: np.ndarray, noise: float = 0.0, **columns: object) -> pa.Table:
    """Rows of one drone at places (m east and north of the middle of square 0, 0), with the velocities between them."""
    ve, vn = np.gradient(east, times), np.gradient(north, times)
    rng = np.random.default_rng(3)
    east, north = east + noise * rng.normal(size=len(times)), north + noise * rng.normal(size=len(times))
    rows = []
    for t, x, y, u, v in zip(times, east, north, ve, vn, strict=True):
        start = ((x - u * t) / SQUARE_M, (y - v * t) / SQUARE_M)
        rows.append(track_rows(start, (u, v), np.array([t]), **columns))
    return pa.concat_tables(rows)


def found(rows: pa.Table, settings: ForecastSettings, areas=None) -> dict:
    """The last forecast, by area, ten seconds after the last row."""
    forecaster = Forecaster(areas or chessboard(), settings)
    times = np.asarray(rows["time"].cast(pa.int64()))
    out = None
    for end in range(T0_US, int(times.max()) + 10_000_001, 10_000_000):
        out = forecaster.step(rows.filter(pa.array((times <= end) & (times > end - 10_000_000))), end)
    assert out is not None
    return {row["area"]: row for row in out.to_pylist()}


def turning(angle_deg: float, after_s: float) -> pa.Table:
    """Twenty minutes east from square 1, 5 at 50 m/s, then a turn to the left, seen for so long."""
    t = np.arange(0.0, 1200.0 + after_s + 1.0, 30.0)
    on = np.maximum(t - 1200.0, 0.0)
    angle = np.radians(angle_deg)
    east = SQUARE_M + 50.0 * (np.minimum(t, 1200.0) + on * np.cos(angle))
    return flight(t, east, 5 * SQUARE_M + 50.0 * on * np.sin(angle), noise=150.0)


@pytest.mark.parametrize("angle_deg", [15.0, 30.0, 60.0])
def test_two_rows_after_a_turn_it_is_foreseen_on_the_new_course(angle_deg):
    """The place reached in five minutes on the new course, as far as the forecast can say."""
    rows = turning(angle_deg, 60.0)
    forecast = found(rows, NOWHERE)
    angle = np.radians(angle_deg)
    ahead = 60_000.0 + 50.0 * 700.0 * np.cos(angle), 50.0 * 700.0 * np.sin(angle)
    new = f"{round(1 + ahead[0] / SQUARE_M)}-{round(5 + ahead[1] / SQUARE_M)}"
    assert forecast[new]["probability"] > 0.6
    mirrored = f"{round(1 + ahead[0] / SQUARE_M)}-{round(5 - ahead[1] / SQUARE_M - 0.5)}"
    assert forecast.get(mirrored, {"probability": 0.0})["probability"] < 0.5 * forecast[new]["probability"]


def test_one_odd_row_is_not_yet_a_turn():
    t = np.arange(0.0, 1201.0, 30.0)
    rows = flight(t, SQUARE_M + 50.0 * t, np.full(t.size, 5 * SQUARE_M), noise=150.0)
    last = np.array([1230.0, 1230.5])
    odd = flight(last, SQUARE_M + 50.0 * last, 5 * SQUARE_M + np.array([0.0, 4.0]))
    forecast = found(pa.concat_tables([rows, odd.slice(0, 1)]), NOWHERE)
    assert forecast["6-5"]["probability"] > 0.5


def test_what_flies_at_a_city_comes_down_there_and_what_flies_at_none_goes_on():
    """East along row 5; the same flight with a city in its way and without one."""
    t = np.arange(0.0, 901.0, 30.0)
    rows = flight(t, SQUARE_M + 50.0 * t, np.full(t.size, 5 * SQUARE_M), noise=100.0)
    plain = dataclasses.replace(chessboard(), population=np.full(144, 1_000))
    people = np.array([5_000_000 if code == "5-5" else 1_000 for code in plain.code])
    city = dataclasses.replace(plain, population=people)
    settings = ForecastSettings()
    at_city, on = (found(rows, settings, areas) for areas in (city, plain))
    assert at_city["5-5"]["probability"] > on["5-5"]["probability"]
    assert at_city["7-5"]["probability"] < 0.7 * on["7-5"]["probability"]


def test_what_circles_is_expected_back():
    """Circles of 4 km that reach the next square on one side: heading away, it comes back all the same."""
    spin = 50.0 / 4_000.0
    t = np.arange(0.0, 3.0 * 2.0 * np.pi / spin, 20.0)
    east = 5 * SQUARE_M + 3_500.0 - 4_000.0 * np.cos(spin * t)
    rows = flight(t, east, 5 * SQUARE_M + 4_000.0 * np.sin(spin * t))
    away = t <= 2.5 * 2.0 * np.pi / spin + 160.0  # half a lap past the eastern side, on its way west
    circling = found(rows.filter(pa.array(away)), NOWHERE)
    straight = found(rows.filter(pa.array(away)).slice(int(away.sum()) - 2), NOWHERE)
    assert circling["6-5"]["arrived"][-1] > 0.3
    assert straight.get("6-5", {"arrived": [0.0]})["arrived"][-1] < 0.1


@pytest.mark.parametrize(("after_s", "grown", "over"), [(30.0, 1.0, True), (30.0, 9.0, False), (90.0, 1.0, False)])
def test_an_end_on_the_beat_says_more_than_one_after_misses(after_s, grown, over):
    """A source that ends a track it had not lost has seen it come down; one that lost it knows nothing."""
    t = np.arange(0.0, 301.0, 30.0)
    rows = flight(t, SQUARE_M + 50.0 * t, np.full(t.size, 5 * SQUARE_M), p_ee=[9e4], p_nn=[9e4])
    when = 300.0 + after_s
    end = flight(
        np.array([when, when + 1.0]), SQUARE_M + 50.0 * np.array([when, when + 1.0]), np.full(2, 5 * SQUARE_M),
        status=["ended"], p_ee=[9e4 * grown], p_nn=[9e4 * grown],
    ).slice(0, 1)  # fmt: skip
    left = found(pa.concat_tables([rows, end]), NOWHERE)
    assert left  # silence is never safety at once
    assert (max(row["probability"] for row in left.values()) <= 0.1) is over
