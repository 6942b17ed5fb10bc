"""What holds for every simulated object and every sensor, whatever the seed and the geometry."""

import math

import numpy as np
import pyarrow as pa
import pyproj
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perisai.geodesy import A_M, destination, distance_m, geodetic_from_ecef
from perisai.model import Sensor, build, floats, time_us
from perisai.simulation import observe
from perisai.simulation.ballistic import GM, J2, OMEGA, fall, shoot
from perisai.simulation.motion import follow

START = 1_767_225_600_000_000
LAT, LON = 49.0, 31.0
ENU = pyproj.Transformer.from_pipeline(
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84"
    f" +step +proj=topocentric +ellps=WGS84 +lat_0={LAT} +lon_0={LON} +h_0=0"
)
few = settings(max_examples=25, deadline=None)


def straight(azimuth: float, start_m: float, speed: float, alt_m: float, seconds: int = 1200, course: float = 90.0):
    """Truth of one object on a great circle, a row every 10 s; the course is relative to the azimuth it starts at."""
    at = np.arange(0, seconds + 1, 10.0)
    lat0, lon0 = destination(LAT, LON, azimuth, start_m)
    heading = azimuth + course
    lat, lon = destination(lat0, lon0, heading, speed * at)
    n = len(at)
    return build(
        "truth",
        {
            "time": START + (at * 1e6).astype(np.int64),
            "object": np.zeros(n, np.int64),
            "lat": lat,
            "lon": lon,
            "alt_m": np.full(n, alt_m),
            "ve_mps": np.full(n, speed * math.sin(math.radians(heading))),
            "vn_mps": np.full(n, speed * math.cos(math.radians(heading))),
            "kind": ["drone"] * n,
            "hostile": np.ones(n, bool),
            "impact": np.zeros(n, bool),
        },
    )


def true_enu(truth: pa.Table, time: np.ndarray) -> np.ndarray:
    """East, north, up (n, 3) of the one object from the sensor's place, by pyproj."""
    at = time_us(truth["time"])
    place = [np.interp(time, at, floats(truth[name])) for name in ("lon", "lat", "alt_m")]
    return np.column_stack(ENU.transform(*place))


@few
@given(
    azimuth=st.floats(0, 360),
    start=st.floats(5e3, 60e3),
    speed=st.floats(20, 250),
    alt=st.floats(500, 9e3),
    seed=st.integers(0, 2**31),
)
def test_radar_plots_are_the_truth_and_stated_noise(azimuth, start, speed, alt, seed):
    truth = straight(azimuth, start, speed, alt)
    radar = Sensor(
        id="r",
        kind="radar3d",
        lat=LAT,
        lon=LON,
        alt_m=0.0,
        period_s=5.0,
        detection_probability=1.0,
        sigma_range_m=10.0,
        sigma_azimuth_deg=0.05,
        sigma_elevation_deg=0.1,
    )
    seen = observe(truth, [radar], seed)
    # The horizon of an antenna taken to stand at least 2 m high lies beyond 80 km for a target at 500 m.
    assume(seen.num_rows > 100)
    east, north, up = true_enu(truth, time_us(seen["time"]).astype(float)).T
    range_m = np.sqrt(east**2 + north**2 + up**2)
    off_azimuth = (floats(seen["azimuth_deg"]) - np.degrees(np.arctan2(east, north)) + 180) % 360 - 180
    for error, sigma in (
        (floats(seen["range_m"]) - range_m, 10.0),
        (off_azimuth, 0.05),
        (floats(seen["elevation_deg"]) - np.degrees(np.arctan2(up, np.hypot(east, north))), 0.1),
    ):
        assert abs(error.mean()) < 5 * sigma / np.sqrt(len(error)) + 0.02 * sigma
        assert np.sqrt(np.mean(error**2)) == pytest.approx(sigma, rel=0.3)
    # The beam passes once a turn: the instant belongs to the azimuth.
    turn = time_us(seen["time"]) / 1e6 % 5.0 / 5.0
    phase = (turn - (np.degrees(np.arctan2(east, north)) % 360) / 360) % 1.0
    assert np.ptp((phase - phase[0] + 0.5) % 1.0) < 0.01
    assert len(set(seen["scan"].to_pylist())) == seen.num_rows


@few
@given(alt=st.floats(20, 3_000), antenna=st.floats(3, 100), seed=st.integers(0, 2**31))
def test_nothing_is_seen_below_the_horizon(alt, antenna, seed):
    """An object flying straight away is seen up to 4.12 (sqrt h1 + sqrt h2) km and no farther."""
    truth = straight(40.0, 1e3, 200.0, alt, seconds=1500, course=0.0)
    radar = Sensor(id="r", kind="radar2d", lat=LAT, lon=LON, alt_m=antenna, period_s=4.0, detection_probability=1.0)
    seen = observe(truth, [radar], seed)
    horizon = 4_120.0 * (math.sqrt(alt) + math.sqrt(antenna))
    farthest = floats(seen["range_m"]).max()
    assert farthest < horizon * 1.005 + 400.0
    assert farthest > min(horizon, 245e3) * 0.99 - 1_500.0


@few
@given(distance=st.floats(300, 4_000), speed=st.floats(30, 230), seed=st.integers(0, 2**31))
def test_sound_is_heard_from_where_the_object_was(distance, speed, seed):
    """The bearing at the time of hearing points to the place a travel time of sound earlier."""
    truth = straight(0.0, distance, speed, 100.0, seconds=100)
    ear = Sensor(
        id="e",
        kind="bearing",
        lat=LAT,
        lon=LON,
        max_range_m=20e3,
        period_s=1.0,
        detection_probability=1.0,
        sigma_azimuth_deg=0.01,
        delay_mps=343.0,
    )
    heard = observe(truth, [ear], seed)
    assert heard.num_rows > 60
    time = time_us(heard["time"]).astype(float)
    emitted = time.copy()
    for _ in range(60):
        emitted = time - np.linalg.norm(true_enu(truth, emitted), axis=1) / 343.0 * 1e6
    place = true_enu(truth, emitted)
    off = (floats(heard["azimuth_deg"]) - np.degrees(np.arctan2(place[:, 0], place[:, 1])) + 180) % 360 - 180
    # One report in twenty points anywhere; no earlier than the sound of the first row can arrive.
    assert np.mean(np.abs(off) < 0.5) > 0.75
    assert emitted.min() >= START - 1e4
    assert (time_us(heard["received"]) > time).all()


@few
@given(clutter=st.floats(0.5, 20), seed=st.integers(0, 2**31))
def test_clutter_is_poisson_and_even_over_the_area(clutter, seed):
    truth = straight(0.0, 150e3, 0.0, 5.0, seconds=4_000)
    radar = Sensor(
        id="r", kind="radar2d", lat=LAT, lon=LON, alt_m=5.0, max_range_m=100e3, period_s=10.0, clutter_per_scan=clutter
    )
    seen = observe(truth, [radar], seed)
    expected = 400 * clutter
    assert abs(seen.num_rows - expected) < 5 * math.sqrt(expected) + 1
    inner = np.mean(floats(seen["range_m"]) < 100e3 / math.sqrt(2))
    assert abs(inner - 0.5) < 5 * 0.5 / math.sqrt(seen.num_rows)


@few
@given(north=st.floats(-250e3, 250e3), east=st.floats(-250e3, 250e3), lift=st.floats(38, 55), beta=st.floats(6e3, 2e4))
def test_a_ballistic_missile_comes_down_on_its_target(north, east, lift, beta):
    assume(math.hypot(north, east) > 50e3)
    target = destination(LAT, LON, math.degrees(math.atan2(east, north)), math.hypot(east, north))
    shot = shoot((LAT, LON, 0.0), (float(target[0]), float(target[1])), lift, beta)
    lat, lon, alt = geodetic_from_ecef(*shot.rows[-1, 1:4])
    assert distance_m(math.degrees(lat), math.degrees(lon), *target) < 31.0
    assert abs(alt) < 60.0
    # Above the air nothing but gravity works: the energy in the rotating frame keeps.
    r = np.linalg.norm(shot.rows[:, 1:4], axis=1)
    spin = np.hypot(shot.rows[:, 1], shot.rows[:, 2]) * OMEGA
    bulge = J2 * (A_M / r) ** 2 * (1.5 * (shot.rows[:, 3] / r) ** 2 - 0.5)
    energy = 0.5 * (shot.rows[:, 4:] ** 2).sum(axis=1) - GM / r * (1.0 - bulge) - 0.5 * spin**2
    high = r - 6.37e6 > 90e3
    if high.sum() > 5:
        assert np.ptp(energy[high]) < 50.0


@few
@given(vu=st.floats(-500, 800), speed=st.floats(200, 1500), alt=st.floats(5e3, 60e3))
def test_a_fall_is_as_long_as_gravity_has_it(vu, speed, alt):
    """With next to no drag the flat-Earth parabola is met to some per cent."""
    seconds, lat, lon = fall(LAT, LON, alt, 0.0, speed, vu, beta=1e9)
    parabola = (vu + math.sqrt(vu**2 + 2 * 9.75 * alt)) / 9.75
    assert seconds == pytest.approx(parabola, rel=0.12)
    assert distance_m(LAT, LON, lat, lon) == pytest.approx(speed * seconds, rel=0.12)


@few
@given(seed=st.integers(0, 2**31), speed=st.floats(30, 250), turn=st.floats(2, 6), legs=st.integers(1, 8))
def test_way_points_are_flown_at_one_speed_and_a_limited_turn(seed, speed, turn, legs):
    rng = np.random.default_rng(seed)
    course = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.uniform(-1.2, 1.2, legs))
    steps = rng.uniform(15e3, 40e3, legs)[:, None] * np.column_stack([np.sin(course), np.cos(course)])
    way = np.column_stack([np.vstack([np.zeros(2), np.cumsum(steps, axis=0)]), rng.uniform(50, 2000, legs + 1)])
    rows = follow(way, speed, turn, 5.0, 1.0)
    assert np.allclose(rows[-1, 1:4], way[-1])
    gaps = np.hypot(*np.diff(rows[:-1, 1:3], axis=0).T)
    assert np.all(gaps <= speed * 1.02)
    assert np.median(gaps) == pytest.approx(speed, rel=0.01)
    heading = np.unwrap(np.arctan2(rows[:, 4], rows[:, 5]))
    last_run = np.hypot(*(rows[:, 1:3] - way[-1, :2]).T) < 4 * speed / math.radians(turn)
    assert np.degrees(np.abs(np.diff(heading)))[~last_run[1:]].max(initial=0.0) <= turn + 1e-6
