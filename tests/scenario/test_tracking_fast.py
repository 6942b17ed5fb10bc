"""What falls at a kilometre a second is tracked from its third or fourth plot on, and chance makes nothing fast."""

import numpy as np
import pyarrow as pa

from perisai.model import Frame, Sensor, build, floats, split_frames
from perisai.service.bench.ballistic import radars, salvo
from perisai.tracking import Tracker

EPOCH_US = 1_757_000_000_000_000
RADAR = radars()[0]
MISSILES = 8


def _one_radar_without_doppler(number: int) -> list[Frame]:
    table, _ = salvo(31, number)
    table = table.filter(pa.array([sensor == RADAR.id for sensor in table["sensor"].to_pylist()]))
    at = table.schema.get_field_index("range_rate_mps")
    return list(split_frames(table.set_column(at, "range_rate_mps", pa.nulls(table.num_rows, pa.float64()))))


def test_every_missile_that_one_radar_sees_falling_has_a_track() -> None:
    for number in (0, 1):
        given = _one_radar_without_doppler(number)
        tracker = Tracker([RADAR])
        rows = pa.concat_tables([tracker.step(frame) for frame in given])
        plots = sum(frame.table.num_rows for frame in given)
        tracks, count = np.unique(np.asarray(rows["track"].to_numpy()), return_counts=True)
        assert MISSILES <= len(tracks) <= MISSILES + 2
        assert np.sort(count)[-MISSILES:].min() > 15
        assert rows.num_rows > 0.85 * plots


def test_a_tracker_restored_between_the_plots_of_a_start_goes_on_alike() -> None:
    given = _one_radar_without_doppler(0)[:60]
    whole = Tracker([RADAR])
    expected = pa.concat_tables([whole.step(frame) for frame in given])
    begun = int(np.flatnonzero([frame.table.num_rows > 0 for frame in given])[0]) + 8
    first = Tracker([RADAR])
    rows = [first.step(frame) for frame in given[:begun]]
    second = Tracker.restore(first.checkpoint(), [RADAR])
    rows += [second.step(frame) for frame in given[begun:]]
    assert expected.num_rows > 0
    assert pa.concat_tables(rows).equals(expected)


def test_false_reports_alone_make_nothing_fast() -> None:
    rng = np.random.default_rng(5)
    sensors = [
        Sensor(
            id=f"r{k}",
            kind="radar3d",
            lat=48.0 + 0.5 * k,
            lon=35.0,
            max_range_m=250e3,
            period_s=6.0,
            clutter_per_scan=20,
        )
        for k in range(3)
    ]
    columns: dict[str, list] = {
        name: [] for name in ("time", "sensor", "scan", "range_m", "azimuth_deg", "elevation_deg")
    }
    for sensor in sensors:
        for scan in range(200):
            n = int(rng.poisson(20))
            turn = rng.uniform(0.0, 1.0, n)
            columns["time"] += (EPOCH_US + ((scan + turn) * 6e6).astype(np.int64)).tolist()
            columns["sensor"] += [sensor.id] * n
            columns["scan"] += [scan] * n
            columns["range_m"] += np.sqrt(rng.uniform(25e6, 250e3**2, n)).tolist()
            columns["azimuth_deg"] += (360.0 * turn).tolist()
            columns["elevation_deg"] += rng.uniform(0.0, 15.0, n).tolist()
    table = build("detections", columns | {"received": columns["time"]}).sort_by("time")
    tracker = Tracker(sensors)
    rows = pa.concat_tables([tracker.step(frame) for frame in split_frames(table)])
    assert not (np.hypot(floats(rows["ve_mps"]), floats(rows["vn_mps"])) > 400.0).any()
