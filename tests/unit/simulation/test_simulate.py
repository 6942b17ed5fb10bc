"""A simulated night: sized as the record says, the same bytes from the same seed, and no leak of the truth."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perisai.model import DETECTIONS, TRUTH, BadInputError, Sensor, build, floats, time_us
from perisai.simulation import night_of, nights, observe, simulate

RADAR = Sensor(id="r", kind="radar2d", lat=50.0, lon=34.5, alt_m=30.0, period_s=10.0, clutter_per_scan=1.0)
EAR = Sensor(id="e", kind="presence", lat=50.0, lon=36.2, max_range_m=5e3, delay_mps=343.0)
START = 1_767_225_600_000_000
NIGHT = "2024-10-15"


def objects_of(truth: pa.Table) -> pa.Table:
    """The last row of every object."""
    number = truth["object"].to_numpy()
    return truth.take(pa.array(np.flatnonzero(np.r_[np.diff(number) != 0, True])))


def test_the_largest_night_has_830():
    assert night_of("2025-09-07").launched == 830
    assert max(night.launched for night in nights().values()) == 830


@pytest.mark.parametrize(("year", "drone", "cruise", "ballistic"), [(2022, 434, 655, 43), (2023, 3214, 1179, 231)])
def test_yearly_sums_are_those_of_the_record(year, drone, cruise, ballistic):
    """DEFAULTS.md has 1,174 and 225 for 2023: 11 launches named as a mix of both kinds are shared out here."""
    sums = dict.fromkeys(("drone", "cruise", "ballistic"), 0)
    for day, night in nights().items():
        for wave in night.waves:
            if day.year == year and wave.type in sums:
                sums[wave.type] += wave.launched
    assert sums == {"drone": drone, "cruise": cruise, "ballistic": ballistic}


def test_an_unlisted_date_names_its_neighbours():
    with pytest.raises(BadInputError, match=r"2030-05-01 is not in the record.*2026-03-01"):
        simulate("2030-05-01", 1)
    with pytest.raises(BadInputError, match="YYYY-MM-DD"):
        night_of("last tuesday")


def test_a_night_has_the_objects_launched_and_the_share_that_arrived():
    run = simulate(NIGHT, 3, [RADAR])
    record = night_of(NIGHT)
    ends = objects_of(run.truth)
    hostile = ends.filter(ends["hostile"])
    assert hostile.num_rows == record.launched
    landing = sum(w.launched - w.stopped for w in record.waves if w.type != "recon")
    assert sum(hostile["impact"].to_pylist()) == landing > 10
    assert set(hostile["kind"].to_pylist()) == {"drone", "cruise", "ballistic", "glide_bomb"}
    low = floats(hostile.filter(hostile["impact"])["alt_m"])
    assert np.abs(low).max() < 60.0
    assert run.truth.schema == TRUTH
    assert run.detections.schema == DETECTIONS
    assert run.truth.filter(pc.invert(run.truth["hostile"])).num_rows != 0
    assert record.date == date(2024, 10, 15)


def test_same_seed_same_bytes_and_sensors_are_independent():
    one, again = simulate(NIGHT, 3, [RADAR]), simulate(NIGHT, 3, [RADAR])
    assert one.truth.equals(again.truth)
    assert one.detections.equals(again.detections)
    both = simulate(NIGHT, 3, [EAR, RADAR])
    assert both.truth.equals(one.truth)
    assert both.detections.filter(pc.equal(both.detections["sensor"], "r")).equals(one.detections)
    assert not simulate(NIGHT, 4, [RADAR]).truth.equals(one.truth)


def test_speeds_and_heights_of_the_kinds():
    truth = simulate("2025-09-07", 2, [RADAR], civil=5).truth
    speed = np.hypot(floats(truth["ve_mps"]), floats(truth["vn_mps"]))
    kind = np.array(truth["kind"].to_pylist())
    height = floats(truth["alt_m"])
    drones = speed[kind == "drone"]
    assert np.median(drones) == pytest.approx(51.4, abs=1.0)
    assert drones.max() < 170
    cruise = speed[kind == "cruise"]
    assert 190 < np.median(cruise) < 255
    assert 20 < np.median(height[kind == "cruise"]) < 160
    assert height[kind == "ballistic"].max() > 30e3
    assert (height >= -1e-6).all()
    times = time_us(truth["time"])
    number = truth["object"].to_numpy()
    assert (np.diff(times)[np.diff(number) == 0] > 0).all()


def test_an_ear_reports_once_a_scan_however_many_pass():
    """Two objects side by side over one ear: one report a scan, and no two rows alike."""
    n = 61
    at = START + np.arange(n) * 10_000_000
    columns = {"time": np.tile(at, 2), "object": np.repeat([0, 1], n), "lat": np.full(2 * n, 50.0)}
    columns |= {"lon": np.full(2 * n, 36.2), "alt_m": np.repeat([300.0, 500.0], n), "kind": ["drone"] * (2 * n)}
    heard = observe(build("truth", columns | {"hostile": np.ones(2 * n, bool)}), [EAR], 1)
    assert heard.num_rows > 45
    assert len(set(heard["scan"].to_pylist())) == heard.num_rows
