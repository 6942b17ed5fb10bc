"""The tracker's benchmark scenario is what TRACKING.md says it is."""

import numpy as np
import pytest

from perisai.geodesy import to_plane
from perisai.model import BadInputError, floats
from perisai.simulation import benchmark_scenario, mixed_feed


def test_same_seed_same_tables():
    first, second = (benchmark_scenario("raid", 40, 3, scans=8) for _ in range(2))
    assert first.detections.equals(second.detections)
    assert first.truth.equals(second.truth)
    assert not first.detections.equals(benchmark_scenario("raid", 40, 4, scans=8).detections)


def test_the_mix_of_speeds_and_the_turns():
    states = benchmark_scenario("spread", 300, 1).states
    speed = np.hypot(states[..., 2], states[..., 3])
    assert np.allclose(speed, speed[0])
    slow = speed[0] < 100
    assert slow.sum() == 200
    assert speed[0][slow].min() >= 50
    assert speed[0][slow].max() <= 70
    assert speed[0][~slow].min() >= 180
    assert speed[0][~slow].max() <= 250
    heading = np.unwrap(np.arctan2(states[..., 2], states[..., 3]), axis=0)
    turning = np.abs(np.diff(heading, axis=0)) > 1e-6
    # A turn begins once a minute of straight flight and lasts 12.5 s: 17 % of the time, seen in 4 s bins about 22 %.
    assert 0.15 < turning.mean() < 0.30
    pull = np.abs(np.diff(heading, axis=0)) / 4.0 * speed[0]
    assert pull[:, slow].max() <= 5.0 + 1e-9
    assert pull[:, ~slow].max() <= 20.0 + 1e-9
    assert pull[:, ~slow].max() > 15.0


def test_detections_are_nine_in_ten_with_clutter_of_half():
    n, scans = 400, 40
    scenario = benchmark_scenario("spread", n, 5, scans=scans)
    assert len(scenario.plots) / (n * scans) == pytest.approx(1.4, abs=0.02)
    east, north = to_plane(scenario.plane, floats(scenario.detections["lat"]), floats(scenario.detections["lon"]))
    assert np.allclose(np.column_stack([east, north]), scenario.plots, atol=1e-3)
    # Residuals of the nearest plot of each target: a Rayleigh distance with sigma 100 m.
    gaps = []
    for k in range(scans):
        plots = scenario.plots[scenario.scan == k]
        nearest = np.hypot(*(plots[None] - scenario.states[k, :, None, :2]).transpose(2, 0, 1)).min(axis=1)
        gaps.append(nearest[nearest < 600])
    assert np.sqrt(np.mean(np.concatenate(gaps) ** 2) / 2) == pytest.approx(100, rel=0.05)


def test_raids_turn_together():
    states = benchmark_scenario("raid", 100, 2).states
    velocities = {tuple(np.round(v, 6)) for v in states[-1, :, 2:]}
    assert len(velocities) == 10
    groups = states[0, :, :2].reshape(10, 10, 2)
    assert 400 < groups.std(axis=0).mean() < 1000


def test_truth_velocity_is_the_derivative_of_position():
    scenario = benchmark_scenario("spread", 60, 9, scans=3)
    truth = scenario.truth
    lat, lon = floats(truth["lat"]).reshape(3, 60), floats(truth["lon"]).reshape(3, 60)
    ve, vn = floats(truth["ve_mps"]).reshape(3, 60), floats(truth["vn_mps"]).reshape(3, 60)
    same = np.abs(np.hypot(ve[0] - ve[1], vn[0] - vn[1])) < 1.0
    assert same.sum() > 30
    north = np.radians(lat[1] - lat[0]) * 6_378_137.0 / 4.0
    east = np.radians(lon[1] - lon[0]) * 6_378_137.0 * np.cos(np.radians(lat[0])) / 4.0
    assert np.allclose(north[same], vn[0][same], atol=2.0)
    assert np.allclose(east[same], ve[0][same], atol=2.0)


def test_an_unknown_layout_is_named():
    with pytest.raises(BadInputError, match="layout: swarm"):
        benchmark_scenario("swarm", 10, 1)


def test_the_mixed_feed_has_its_load():
    feed = mixed_feed(3, seconds=60.0, n=1_000)
    assert len(feed.sensors) == 30
    assert {sensor.kind for sensor in feed.sensors} == {"radar2d", "radar3d", "modes"}
    assert 400 < feed.detections.num_rows / 60.0 < 700
    assert len(set(feed.detections["sensor"].to_pylist())) == 30
    assert feed.detections["address"].null_count > 0
