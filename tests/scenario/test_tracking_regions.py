"""A raid over the border of two tracker regions: the picture is as good as one tracker's."""

import numpy as np
import pyarrow as pa

from perisai.evaluation import score_tracks
from perisai.model import Sensor, build, split_frames
from perisai.simulation import observe
from perisai.tracking import RegionalTracker, Tracker, TrackerRegion

START_US = 1_767_225_600_000_000
REGIONS = [
    TrackerRegion(id="west", south=49.0, west=34.0, north=51.0, east=36.0, overlap_km=30.0),
    TrackerRegion(id="east", south=49.0, west=36.0, north=51.0, east=38.0, overlap_km=30.0),
]
M_DEG = 111_195.0


def raid(seed: int, groups: int = 3, seconds: int = 420) -> pa.Table:
    """Groups of four drones some hundred metres apart, slowly turning, from the east into the west."""
    rng, parts = np.random.default_rng(seed), []
    t = np.arange(0.0, seconds, 2.0)
    for group in range(groups):
        lat, lon = rng.uniform(49.4, 50.6), rng.uniform(36.06, 36.18)
        course = np.radians(rng.uniform(245.0, 295.0) + rng.uniform(-0.04, 0.04) * t)
        ve, vn = rng.uniform(45.0, 60.0) * np.array([np.sin(course), np.cos(course)])
        for member in range(4):
            east, north = np.cumsum(2.0 * np.array([ve, vn]), axis=1) + rng.normal(0.0, 600.0, (2, 1))
            n = t.size
            columns = {
                "time": START_US + (t * 1e6).astype(np.int64), "object": np.full(n, 4 * group + member),
                "lat": lat + north / M_DEG, "lon": lon + east / (M_DEG * np.cos(np.radians(lat))),
                "alt_m": np.full(n, 600.0), "ve_mps": ve, "vn_mps": vn, "kind": ["drone"] * n, "hostile": [True] * n,
                "impact": [False] * n,
            }  # fmt: skip
            parts.append(build("truth", columns))
    return pa.concat_tables(parts)


def network() -> list[Sensor]:
    """Three radars that see over the border, and microphones along it."""
    places = [(50.0, 35.6), (49.6, 36.6), (50.4, 36.3)]
    radars = [
        Sensor(id=f"radar-{k}", kind="radar2d", lat=lat, lon=lon, alt_m=150.0, max_range_m=150e3, period_s=5.0,
               detection_probability=0.9, clutter_per_scan=10.0)
        for k, (lat, lon) in enumerate(places)
    ]  # fmt: skip
    ears = [
        Sensor(id=f"ear-{row}-{column}", kind="presence", lat=49.4 + 0.12 * row, lon=35.6 + 0.15 * column,
               max_range_m=5e3, period_s=10.0, detection_probability=0.8, clutter_per_scan=0.01, delay_mps=343.0)
        for row in range(10) for column in range(6)
    ]  # fmt: skip
    return [*radars, *ears]


def test_two_regions_follow_a_raid_as_one_tracker_does():
    truth, sensors = raid(3), network()
    frames = list(split_frames(observe(truth, sensors, 3)))
    one, two = Tracker(sensors), RegionalTracker(sensors, REGIONS)
    single = score_tracks(pa.concat_tables([one.step(frame) for frame in frames]), truth)
    rows, half = [], len(frames) // 2
    for number, frame in enumerate(frames):
        if number == half:  # as after kill -9 of everything
            two = RegionalTracker.restore(two.checkpoint(), sensors, REGIONS)
        rows.append(two.step(frame))
    joined = pa.concat_tables(rows)
    score = score_tracks(joined, truth)
    assert score.gospa_m < 1.15 * single.gospa_m
    assert score.false < single.false + 0.1
    assert score.missed < single.missed + 0.1
    # Some cross the border: hardly any number is lost there.
    assert score.identity_switches < single.identity_switches + 0.02
    assert score.tracks <= single.tracks + 1
    again = RegionalTracker(sensors, REGIONS[::-1])
    assert pa.concat_tables([again.step(frame) for frame in frames]).equals(joined), "in any order, from a checkpoint"


def test_a_region_that_was_late_gives_its_tracks_back():
    truth, sensors = raid(4, groups=2, seconds=300), network()
    frames = list(split_frames(observe(truth, sensors, 4)))
    regional, away = RegionalTracker(sensors, REGIONS), range(len(frames) // 2, len(frames) // 2 + 30)
    rows = [regional.step(frame, ["east"] if number in away else []) for number, frame in enumerate(frames)]
    held, undisturbed = regional.checkpoint(), RegionalTracker(sensors, REGIONS)
    expected = pa.concat_tables([undisturbed.step(frame) for frame in frames])["track"].unique()
    numbers = pa.concat_tables(rows)["track"].unique().to_pylist()
    after = set(pa.concat_tables(rows[away.stop + 1 :])["track"].to_pylist())
    before = set(pa.concat_tables(rows[away.start - 15 : away.start])["track"].to_pylist())
    assert before <= after, "no number is lost"
    assert len(numbers) <= len(expected) + 1, "the neighbour may begin one that does not last"
    assert RegionalTracker.restore(held, sensors, REGIONS).checkpoint() == held
