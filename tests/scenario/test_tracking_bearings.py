"""Bearings alone: where several cross, a track begins; where none cross widely, or others would have heard it, none."""

import numpy as np
import pyarrow as pa
from test_tracking_single import START_US

from perisai import geodesy
from perisai.model import Sensor, build, split_frames
from perisai.tracking import Tracker

PLACES = {"a": (48.00, 35.00), "b": (48.06, 35.02), "c": (48.02, 35.10), "d": (48.09, 35.11)}


def arrays(sigma_deg: float, names: str = "abcd") -> list[Sensor]:
    return [
        Sensor(
            id=name, kind="bearing", lat=PLACES[name][0], lon=PLACES[name][1], max_range_m=8e3, period_s=4.0,
            detection_probability=0.9, clutter_per_scan=0.02, sigma_azimuth_deg=sigma_deg, delay_mps=343.0,
        )
        for name in names
    ]  # fmt: skip


def heard(sensors: list[Sensor], seed: int, gross: float = 0.0, seconds: float = 120.0) -> tuple[pa.Table, list]:
    """What the sensors report of one drone at 50 m/s, dated by when they heard it; and its path (s, lat, lon)."""
    rng = np.random.default_rng(seed)
    at = np.arange(0.0, seconds, 0.5)
    lat, lon = geodesy.destination(48.01, 35.03, 30.0, 50.0 * at)
    rows: list[tuple[int, str, float]] = []
    for sensor in sensors:
        for sent in np.arange(rng.uniform(0, 4), seconds, 4.0):
            k = int(sent / 0.5)
            far = float(geodesy.distance_m(sensor.lat, sensor.lon, lat[k], lon[k]))
            if far > 8e3 or rng.random() > 0.9:
                continue
            azimuth = float(geodesy.azimuth_deg(sensor.lat, sensor.lon, lat[k], lon[k]))
            azimuth += rng.normal(0, sensor.or_default("sigma_azimuth_deg"))
            if rng.random() < gross:
                azimuth = rng.uniform(0, 360)
            rows.append((START_US + round((at[k] + far / 343.0) * 1e6), sensor.id, azimuth % 360))
    rows.sort()
    time, names, azimuths = zip(*rows, strict=True)
    table = build("detections", {"time": time, "received": time, "sensor": names, "azimuth_deg": azimuths})
    return table, list(zip(at, lat, lon, strict=True))


def follow(sensors: list[Sensor], table: pa.Table) -> list[dict]:
    tracker = Tracker(sensors)
    return [row for frame in split_frames(table) for row in tracker.step(frame).to_pylist()]


def gaps(rows: list[dict], path: list) -> list[float]:
    """Distance of each row from where the drone was at the row's time, m."""
    out: list[float] = []
    for row in rows:
        k = min(round((row["time"].timestamp() - START_US * 1e-6) / 0.5), len(path) - 1)
        out.append(float(geodesy.distance_m(row["lat"], row["lon"], path[k][1], path[k][2])))
    return out


def test_arrays_whose_bearings_cross_start_one_track_where_the_drone_was_when_it_sounded():
    for seed in (1, 2, 3):
        sensors = arrays(2.0)
        table, path = heard(sensors, seed)
        rows = [row for row in follow(sensors, table) if row["status"] == "confirmed"]
        assert len({row["track"] for row in rows}) == 1
        late = gaps(rows[len(rows) // 2 :], path)
        # Not dated back, a source at 50 m/s and 4 km would be 580 m ahead of where it is heard.
        assert np.median(late) < 350.0


def test_phones_of_which_a_fifth_points_anywhere_still_make_a_track():
    sensors = arrays(12.0)
    table, path = heard(sensors, 4, gross=0.2, seconds=180.0)
    rows = [row for row in follow(sensors, table) if row["status"] == "confirmed"]
    assert rows
    assert np.median(gaps(rows, path)) < 1_500.0
    assert len({row["track"] for row in rows}) <= 2


def test_bearings_from_one_side_start_nothing():
    near = [
        Sensor(id=f"n{k}", kind="bearing", lat=47.97 + 0.0005 * k, lon=35.03, max_range_m=8e3, sigma_azimuth_deg=2.0)
        for k in range(3)
    ]
    table, _ = heard(near, 5)
    assert table.num_rows > 30
    assert not follow(near, table)


def test_a_chance_crossing_in_earshot_of_silent_microphones_starts_nothing():
    sensors = arrays(2.0, "ab")
    ears = [
        Sensor(id=f"m{k}", kind="presence", lat=48.03 + 0.01 * (k // 3), lon=35.04 + 0.015 * (k % 3), max_range_m=5e3)
        for k in range(9)
    ]
    crossing, _ = heard(sensors, 6, seconds=30.0)
    # The microphones live: each reported something long before the crossing bearings, nothing with them.
    time = np.array([START_US - 60_000_000 + 1_000_000 * k for k in range(9)])
    alive = build("detections", {"time": time, "received": time, "sensor": [ear.id for ear in ears]})
    with_silence = Tracker([*sensors, *ears])
    for frame in split_frames(pa.concat_tables([alive, crossing])):
        with_silence.step(frame)
    bank = with_silence._bank
    used = int(bank.counters[1])
    crossed = bank.alive[:used] & (bank.ring_sensor[:used] < 2).all(axis=1)
    assert not (crossed & (bank.ring_sensor[:used] >= 0).any(axis=1)).any()
    deaf = Tracker(sensors)
    for frame in split_frames(crossing):
        deaf.step(frame)
    assert deaf._bank.alive.any()
