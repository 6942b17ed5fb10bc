"""Detections a second by sensor: counted in parts of half a minute, a silent one shows its silence."""

import pyarrow as pa

from perisai.service.sensor_rates import PARTS, SensorRates

T0_US = 1_757_203_200_000_000


def frame(*sensors: str) -> pa.Table:
    return pa.table({"sensor": pa.array(list(sensors), pa.string())})


def test_each_sensor_by_itself_and_silence_as_nothing():
    rates = SensorRates()
    for second in range(30):
        rates.take(frame("a", "a", "b"), T0_US + second * 1_000_000)
    rates.take(frame("b"), T0_US + 95_000_000)
    now_us = T0_US + 121_000_000
    assert rates.per_second("a", now_us)["per_s"] == [2.0, 0.0, 0.0, 0.0]
    assert rates.per_second("b", now_us)["per_s"] == [1.0, 0.0, 0.0, round(1 / 30, 3)]
    assert rates.per_second("b", now_us)["time_us"][0] == T0_US
    assert rates.per_second("c", now_us) == {"time_us": [], "per_s": []}


def test_the_part_that_runs_is_left_out_and_the_past_is_bounded():
    rates = SensorRates()
    for part in range(3 * PARTS):
        rates.take(frame("a"), T0_US + part * 30_000_000)
    told = rates.per_second("a", T0_US + 3 * PARTS * 30_000_000)
    assert len(told["per_s"]) == PARTS
    assert told["time_us"][-1] == T0_US + (3 * PARTS - 1) * 30_000_000
