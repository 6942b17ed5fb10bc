"""The parts of the importers whose answer is known beforehand."""

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from perisai.model import BadInputError, Sensor
from perisai.sensors import cpr, parse_capture, read_capture
from perisai.sensors.asterix import split_datagram, split_file
from perisai.sensors.asterix.clock import midnight_s, times, truncated_times
from perisai.sensors.capture import receiver
from perisai.sensors.imported import UNKNOWN_US, detections
from perisai.sensors.scans import antenna_scans, cooperative_scans

DAY = date(2026, 3, 1)
PLOT = bytes.fromhex("300030fdf70219c9356d4da0c5aff1e0020005283c660c10c236d4182001c0780031bc0000400deb07b9582e410020f5")


def test_times_of_day_follow_midnight_in_the_order_of_the_file() -> None:
    of_day = np.array([86390.0, 86399.5, 0.5, np.nan, 10.0, 86399.9, 11.0])
    untimed = np.full(of_day.size, UNKNOWN_US)
    start = midnight_s(DAY)
    expected = start + np.array([86390.0, 86399.5, 86400.5, np.nan, 86410.0, 86399.9, 86411.0])
    np.testing.assert_allclose(times(of_day, untimed, DAY), expected)


def test_times_of_day_take_the_day_of_receipt() -> None:
    start = midnight_s(DAY)
    received = np.array([start + 1.0, start + 86399.0])
    received_us = (received * 1e6).astype(np.int64)
    np.testing.assert_allclose(
        times(np.array([86399.0, 1.0]), received_us, date(1999, 1, 1)), [start - 1.0, start + 86401.0]
    )


@pytest.mark.parametrize("of_day", [3.0, 45_827.5, 86_100.25, 86_399.0])
@pytest.mark.parametrize("late_s", [0.2, 4.0])
def test_truncated_times_count_anew_at_midnight(of_day: float, late_s: float) -> None:
    true = midnight_s(DAY) + of_day
    found = truncated_times(np.array([of_day % 512.0]), np.array([true + late_s]))
    np.testing.assert_allclose(found, [true])


@pytest.mark.parametrize("toward_deg", [0.5, 120.0, 359.5])
def test_a_target_is_once_in_each_revolution_though_plots_come_late_and_the_rate_is_not_nominal(
    toward_deg: float,
) -> None:
    rng = np.random.default_rng(5)
    period = 5.98  # not the nominal 6 s
    turn = np.arange(400)
    azimuth = toward_deg + rng.uniform(-0.4, 0.4, turn.size)
    seen_s = 1e9 + (turn + azimuth / 360) * period + rng.uniform(0.0, 0.9, turn.size)
    north = 1e9 + turn * period
    for markers in (north, np.empty(0)):
        scans = antenna_scans(seen_s, azimuth, 6.0, markers)
        assert np.unique(scans).size == turn.size
        assert (np.diff(scans) == 1).all()


def test_plots_of_one_revolution_share_a_scan() -> None:
    rng = np.random.default_rng(6)
    turn, azimuth = np.repeat(np.arange(50), 40), rng.uniform(0, 360, 2000)
    seen_s = 2e9 + (turn + azimuth / 360) * 4.0 + 0.01
    for markers in (2e9 + np.arange(51) * 4.0, np.empty(0)):
        scans = antenna_scans(seen_s, azimuth, 4.0, markers)
        assert [len(set(scans[turn == k])) for k in range(50)] == [1] * 50
        assert np.unique(scans).size == 50


def test_cooperative_scans_hold_an_address_once() -> None:
    time_us = np.array([0, 100, 200, 300, 1_000_400, 1_000_500], np.int64)
    scans = cooperative_scans(time_us, np.array([7, 8, 7, 9, 9, -1]), 1_000_000)
    assert scans.tolist() == [0, 0, 200, 200, 1_000_400, 1_000_400]


def test_rows_out_of_range_are_refused_by_reason() -> None:
    nan = np.nan
    rejects: Counter[str] = Counter()
    table = detections(
        {
            "time": np.array([1, UNKNOWN_US, 3, 4, 5, 6], np.int64),
            "sensor": ["a"] * 6,
            "lat": np.array([1.0, 1.0, 91.0, nan, nan, 2.0]),
            "lon": np.array([1.0, 1.0, 1.0, 5.0, nan, 2.0]),
            "ve_mps": np.array([1.0, 1.0, 1.0, 1.0, nan, 1e6]),
            "azimuth_deg": np.array([nan, nan, nan, nan, -10.0, nan]),
        },
        rejects,
    )
    assert table["azimuth_deg"].to_pylist() == [None, 350.0]
    assert rejects == {"time unknown": 1, "position out of range": 1, "half a position": 1, "speed out of range": 1}


def test_a_block_between_foreign_bytes_is_found() -> None:
    rejects: Counter[str] = Counter()
    blocks = split_file(b"\x99\x98" + PLOT + PLOT + b"garbage" + PLOT + PLOT[:20], rejects)
    assert [block.category for block in blocks] == [48, 48, 48]
    assert rejects == {"asterix: foreign bytes": 2, "asterix: block cut off": 1}


def test_a_datagram_cut_off_keeps_its_whole_blocks() -> None:
    rejects: Counter[str] = Counter()
    assert len(split_datagram(PLOT + PLOT[:-1], 0, rejects)) == 1
    assert rejects == {"asterix: block length does not fit": 1}


def test_the_pair_of_the_standard_gives_its_position() -> None:
    # The worked example cited for CPR everywhere: 8D40621D58C386435CC412692AD6 and 8D40621D58C382D690C8AC2863A7.
    values = np.array([[0, 1, 74158, 50194], [0, 0, 93000, 51372]], float)
    found = cpr.resolve(cpr.Aircraft(), np.array([1, 1]), np.array([0.0, 5.0]), values)
    assert found[0, 0] == cpr.ALONE
    assert found[1, 0] == cpr.FOUND
    np.testing.assert_allclose(found[1, 1:3], [52.2572, 3.91937], atol=2e-5)


def encode(lat: float, lon: float, odd: int) -> tuple[int, int]:
    """CPR encoding as in Doc 9871 C.2.6.3, the inverse of what is tested."""
    step = 360.0 / (60 - odd)
    y = int(np.floor(131072 * ((lat % step) / step) + 0.5))
    rounded = step * (y / 131072 + np.floor(lat / step))
    zones = max(cpr._zones.py_func(rounded) - odd, 1)
    step = 360.0 / zones
    return y % 131072, int(np.floor(131072 * ((lon % step) / step) + 0.5)) % 131072


@pytest.mark.parametrize("place", [(50.4, 30.5), (-33.9, 151.2), (0.01, -0.01), (71.0, -179.99), (-86.0, 12.0)])
def test_positions_are_recovered_anywhere(place: tuple[float, float]) -> None:
    values, truth = [], []
    for k in range(20):
        lat, lon = place[0] + 0.001 * k, (place[1] + 0.002 * k + 180) % 360 - 180
        values.append([0, k % 2, *encode(lat, lon, k % 2)])
        truth.append([lat, lon])
    found = cpr.resolve(cpr.Aircraft(), np.zeros(20, np.int64), 0.5 * np.arange(20.0), np.array(values, float))
    known = found[:, 0] == cpr.FOUND
    assert known.sum() >= 18
    np.testing.assert_allclose(found[known, 1:3], np.array(truth)[known], atol=6e-5 if abs(place[0]) < 80 else 1e-3)


def test_a_jump_is_not_believed_until_it_stays() -> None:
    values = [[0, k % 2, *encode(50.0, 30.0 if k < 10 else 33.0, k % 2)] for k in range(20)]
    found = cpr.resolve(cpr.Aircraft(), np.zeros(20, np.int64), np.arange(20.0), np.array(values, float))
    assert found[10:13, 0].tolist() == [cpr.IMPLAUSIBLE] * 3
    assert found[14:, 0].tolist() == [cpr.FOUND] * 6
    np.testing.assert_allclose(found[14:, 2], 33.0, atol=1e-3)


def test_missing_empty_and_foreign_files_are_one_clear_line(tmp_path: Path) -> None:
    for content in (
        None,
        b"",
        b"%PDF-1.7 nothing of ours",
        b"\x1f\x8b\x08\x00broken",
        b"[1, 2]",
        b"time,icao24,lat\n1,a,2\n",
        b"time,icao24,lat,l\x80n\n1,a,2,3\n",
        b"time,icao24,lat,lon,lon\n1,a,2,3,3\n",
    ):
        path = tmp_path / "capture"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadInputError) as caught:
            read_capture(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_directory_is_no_capture(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        read_capture(tmp_path)


def test_traffic_is_booked_on_the_receiver_of_the_sensors_file() -> None:
    mode_s = Sensor(id="roof", kind="modes", lat=43.6, lon=1.4, period_s=2.0)
    radar = Sensor(id="25/201", kind="radar2d", lat=45.0, lon=15.0)
    assert receiver([radar], "adsb") == ("adsb", 1.0)
    assert receiver([radar, mode_s], "adsb") == ("roof", 2.0)


def test_simulated_test_and_fixed_targets_are_refused() -> None:
    # 048/020 in byte 9 of the block: SIM is bit 5 from the top, RAB bit 2, FX the last with TST in the next byte.
    for change, reason in ((0x10, "simulated target"), (0x02, "field monitor")):
        block = bytearray(PLOT)
        block[11] |= change
        imported = parse_capture(bytes(block), "x", [], DAY)
        assert imported.rejects == {f"category 048: {reason}": 1}
        assert imported.table.num_rows == 0


def test_states_under_a_quoted_heading_are_read_though_a_value_does_not_fit() -> None:
    heading = 'time,icao24,lat,lon,velocity,heading,vertrate,"callsign","lastcontact"'
    rows = [f"1626098400,4b18{k:02x},46.{k},8.1,200,90,0,{1000 + k},1626098400" for k in range(4)]
    rows.append("1626098400,4b1899,forty-six,8.1,200,90,0,1009,1626098400")
    read = parse_capture("\n".join([heading, *rows]).encode(), "states", [], date(2021, 7, 12))
    assert read.table.num_rows == 4
    assert read.rejects == {"state: no position": 1}
