"""Raids over other countries, recorded flights beside them, and what a simulation refuses."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from perisai.geodesy import azimuth_deg, distance_m
from perisai.model import BadInputError, Sensor, build, floats, parse_areas, time_us
from perisai.simulation import default_network, flights_truth, observe, simulate

SHARED = Path(__file__).parents[4] / "shared" / "data"
NIGHT = "2024-10-15"


def islands():
    """Nine square areas about Java, 60 km apart, without known population."""
    features = []
    for i in range(9):
        lat, lon = -7.5 + 0.5 * (i // 3), 110.0 + 0.5 * (i % 3)
        ring = [[lon, lat], [lon + 0.4, lat], [lon + 0.4, lat + 0.4], [lon, lat + 0.4], [lon, lat]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"code": f"ID{i}"}, "geometry": geometry})
    return parse_areas(json.dumps({"type": "FeatureCollection", "features": features}), "islands")


def test_a_raid_elsewhere_ends_in_the_areas_given():
    areas = islands()
    run = simulate(NIGHT, 1, default_network(areas), areas)
    down = run.truth.filter(run.truth["impact"])
    assert down.num_rows > 0
    for lat, lon in zip(floats(down["lat"]), floats(down["lon"]), strict=True):
        gap = distance_m(lat, lon, areas.lat, areas.lon)
        assert (gap < areas.radius_m + 3_000).any()
    assert {"radar2d", "modes", "presence"} <= {sensor.kind for sensor in default_network(areas)}
    assert run.detections.num_rows > 0


def test_recorded_flights_fly_beside_the_raid():
    n = 60
    at = 1_600_000_000_000_000 + np.arange(n) * 10_000_000
    flights = build(
        "detections",
        {
            "time": at,
            "sensor": ["adsb"] * n,
            "lat": 47.0 + 0.01 * np.arange(n),
            "lon": np.full(n, 21.5),
            "alt_m": np.full(n, 10_000.0),
            "address": ["4b1234"] * n,
        },
    )
    receiver = Sensor(id="m", kind="modes", lat=48.0, lon=22.0, alt_m=300.0)
    run = simulate(NIGHT, 1, [receiver], civil=0, flights=flights)
    civil = run.truth.filter(pc.invert(run.truth["hostile"]))
    assert civil.num_rows == n
    assert time_us(civil["time"])[0] == time_us(run.truth.filter(run.truth["hostile"])["time"]).min()
    # 0.01 degrees of latitude in ten seconds: the speed that the record did not give.
    assert np.allclose(floats(civil["vn_mps"]), 111.2, rtol=0.01)
    assert set(run.detections["address"].to_pylist()) == {"4b1234"}


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded flights are not here")
def test_recorded_airliners_become_radar_plots():
    rows = json.loads(gzip.decompress((SHARED / "traffic" / "switzerland.json.gz").read_bytes()))
    one = [row for row in rows if row["icao24"] == rows[0]["icao24"]]
    flights = build(
        "detections",
        {
            "time": np.array([row["timestamp"] for row in one], dtype=np.int64) * 1_000,
            "sensor": ["adsb"] * len(one),
            "lat": np.array([row["latitude"] for row in one]),
            "lon": np.array([row["longitude"] for row in one]),
            "alt_m": np.array([row["altitude"] for row in one], float) * 0.3048,
            "address": [row["icao24"] for row in one],
        },
    )
    truth = flights_truth(flights)
    assert truth.num_rows > 20
    radar = Sensor(id="r", kind="radar2d", lat=46.8, lon=8.2, alt_m=1500.0, period_s=6.0, detection_probability=1.0)
    plots = observe(truth, [radar], 1)
    assert plots.num_rows > 20
    near = np.searchsorted(time_us(truth["time"]), time_us(plots["time"])).clip(0, truth.num_rows - 1)
    off = azimuth_deg(46.8, 8.2, floats(truth["lat"])[near], floats(truth["lon"])[near]) - floats(plots["azimuth_deg"])
    assert np.median(np.abs((off + 180) % 360 - 180)) < 2.0


def test_a_seed_below_zero_is_refused():
    with pytest.raises(BadInputError, match="seed: -1"):
        simulate(NIGHT, -1)
