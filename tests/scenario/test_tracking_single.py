"""One target at a time through the whole tracker: what must come out of the plainest scenes."""

import numpy as np
import pyarrow as pa

from perisai import geodesy
from perisai.model import Sensor, build, floats, split_frames
from perisai.tracking import Tracker

START_US = 1_700_000_000_000_000


def polar(sensor: Sensor, lat: float, lon: float, alt_m: float) -> tuple[float, float, float]:
    """Slant range m, azimuth and elevation degrees, by ECEF differences alone."""
    place = np.radians([sensor.lat, sensor.lon])
    site = np.array(geodesy.ecef_from_geodetic(*place, sensor.alt_m))
    target = np.array(geodesy.ecef_from_geodetic(*np.radians([lat, lon]), alt_m))
    e, n, u = geodesy.enu_from_ecef_offset(*place, *(target - site))
    return (
        float(np.sqrt(e * e + n * n + u * u)),
        float(np.degrees(np.arctan2(e, n)) % 360),
        float(np.degrees(np.arctan2(u, np.hypot(e, n)))),
    )


def run(sensors: list[Sensor], detections: pa.Table) -> tuple[pa.Table, Tracker]:
    tracker = Tracker(sensors)
    return pa.concat_tables([tracker.step(frame) for frame in split_frames(detections)]), tracker


def drone_under_radar(rng: np.random.Generator) -> tuple[list[Sensor], pa.Table, tuple[float, float]]:
    radar = Sensor(id="r", kind="radar3d", lat=48.0, lon=35.0, alt_m=100.0, clutter_per_scan=20)
    rows: list[tuple[int, int, float, float, float]] = []
    lat = lon = 0.0
    for scan in range(40):
        lat, lon = geodesy.destination(48.5, 35.3, 225.0, 300.0 * scan)
        r, a, e = polar(radar, lat, lon, 1_000.0)
        if rng.random() < 0.9:
            at = START_US + int((scan + a / 360) * 6e6)
            rows.append((at, scan, r + rng.normal(0, 60), a + rng.normal(0, 0.12), e + rng.normal(0, 0.3)))
        for a in rng.uniform(0, 360, rng.poisson(20)):
            at = START_US + int((scan + a / 360) * 6e6)
            rows.append((at, scan, rng.uniform(1e3, 250e3), a, rng.uniform(0, 10)))
    time, scans, ranges, azimuths, elevations = zip(*sorted(rows), strict=True)
    table = build(
        "detections",
        {
            "time": time,
            "received": time,
            "sensor": ["r"] * len(rows),
            "scan": scans,
            "range_m": ranges,
            "azimuth_deg": azimuths,
            "elevation_deg": elevations,
        },
    )
    return [radar], table, (lat, lon)


def test_a_drone_under_a_radar_is_one_confirmed_drone() -> None:
    sensors, table, (lat, lon) = drone_under_radar(np.random.default_rng(5))
    tracks, _ = run(sensors, table)
    near = geodesy.distance_m(floats(tracks["lat"]), floats(tracks["lon"]), lat, lon) < 1_500.0
    last = tracks.filter(pa.array(near)).to_pylist()[-1]
    assert len(set(tracks["track"].to_pylist())) <= 2
    assert last["p_drone"] > 0.9
    assert last["status"] == "confirmed"
    assert 35 < np.hypot(last["ve_mps"], last["vn_mps"]) < 65
    assert abs(last["alt_m"] - 1_000) < 600


def test_microphones_in_a_row_make_one_track_and_one_alone_makes_none() -> None:
    rng = np.random.default_rng(11)
    ears = [
        Sensor(id=f"m{i}{j}", kind="presence", lat=48 + 0.07 * i, lon=35 + 0.1 * j, max_range_m=5e3, delay_mps=343.0)
        for i in range(8)
        for j in range(4)
    ]
    rows: list[tuple[int, int, str]] = []
    for scan in range(110):
        lat, lon = geodesy.destination(48.0, 35.15, 0.0, 500.0 * scan)
        for ear in ears:
            d = float(geodesy.distance_m(lat, lon, ear.lat, ear.lon))
            if rng.random() < 0.8 * np.exp(-((d / 5e3) ** 2)):
                rows.append((START_US + int(scan * 1e7 + d / 343 * 1e6), scan, ear.id))
    time, scans, names = zip(*sorted(rows), strict=True)
    table = build("detections", {"time": time, "received": time, "sensor": names, "scan": scans})
    tracks, _ = run(ears, table)
    assert len(set(tracks["track"].to_pylist())) <= 2
    end = tracks.filter(pa.array([s != "ended" for s in tracks["status"].to_pylist()])).to_pylist()[-1]
    assert geodesy.distance_m(end["lat"], end["lon"], lat, lon) < 6_000.0
    assert len({name for row in tracks["sensors"].to_pylist() for name in row}) >= 8

    alone = table.filter(pa.array([name == "m31" for name in names]))
    assert alone.num_rows > 5
    assert run(ears, alone)[0].num_rows == 0


def test_a_checkpoint_goes_on_to_the_same_rows() -> None:
    sensors, table, _ = drone_under_radar(np.random.default_rng(6))
    frames = list(split_frames(table))
    whole = Tracker(sensors)
    expected = [whole.step(frame) for frame in frames]
    first = Tracker(sensors)
    for frame in frames[:100]:
        first.step(frame)
    second = Tracker.restore(first.checkpoint(), sensors)
    assert pa.concat_tables([second.step(frame) for frame in frames[100:]]).equals(pa.concat_tables(expected[100:]))
    assert second.checkpoint() == whole.checkpoint()
