"""What a partner may see holds whatever the tracks and whatever the policy."""

import json
import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perisai.model import Areas, BadInputError, Sensor, build, parse_areas, time_us
from perisai.sharing import MAX_TRACKS, SharePolicy, Sharer, make_scope, partner_number, receive, send, share
from perisai.sharing.coarse import to_grid

OWNERS = {"ours-1": "Ours", "ours-2": "Ours", "ally-1": "Ally", "secret": "Ours"}
SENSORS = [Sensor(id=one, kind="presence", lat=50, lon=30, owner=owner) for one, owner in OWNERS.items()]
WEST, SOUTH, EAST, NORTH = 26.0, 46.0, 29.0, 49.0
SQUARE = {"type": "Polygon", "coordinates": [[[29.5, 47], [30.5, 47], [30.5, 48], [29.5, 48], [29.5, 47]]]}
AREAS: Areas = parse_areas(
    json.dumps({"features": [{"properties": {"code": "SQ", "name_en": "Square"}, "geometry": SQUARE}]}), "areas"
)
NOW_US = 1_757_203_200_000_000
THREATS = ("drone", "cruise", "aircraft")


def policy(**more):
    return SharePolicy(**{"box": (WEST, SOUTH, EAST, NORTH), "areas": ("SQ",)} | more)


policies = st.builds(
    policy,
    sensors=st.sampled_from([(), ("ours-1",), ("ally-1", "ours-2")]),
    owners=st.sampled_from([(), ("Ally",)]),
    without_sensors=st.sampled_from([(), ("secret",)]),
    fused=st.booleans(),
    classes=st.sampled_from([(), ("drone",), ("drone", "cruise")]),
    neutral=st.booleans(),
    tentative=st.booleans(),
    addresses=st.booleans(),
    precision_m=st.sampled_from([0.0, 100.0, 5_000.0]),
    precision_mps=st.sampled_from([0.0, 20.0]),
    delay_s=st.sampled_from([0.0, 2.5, 30.0]),
)
rows = st.fixed_dictionaries(
    {
        "track": st.integers(1, 6),
        "lat": st.floats(45.5, 49.5),
        "lon": st.floats(25.5, 31.0),
        "age": st.floats(0, 4),
        "status": st.sampled_from(["tentative", "confirmed", "coasting", "ended"]),
        "threat": st.sampled_from(THREATS),
        "address": st.sampled_from([None, "4B1234"]),
        "sensors": st.lists(st.sampled_from(list(OWNERS)), max_size=3, unique=True),
        "ve_mps": st.floats(-900, 900),
        "impact_lat": st.sampled_from([None, 45.9, 47.5]),
    }
)
nights = st.lists(st.lists(rows, max_size=6), min_size=1, max_size=8)


def frames_of(night):
    """(tracks, end of the frame) of a night of one-second frames."""
    for number, frame in enumerate(night, 1):
        end_us = NOW_US + number * 1_000_000
        columns = {
            name: [row[name] for row in frame] for name in ("track", "lat", "lon", "status", "address", "ve_mps")
        }
        columns |= {
            "time": pa.array([end_us - int(row["age"] * 1e6) for row in frame], pa.int64()),
            "sensors": [row["sensors"] for row in frame],
            "vn_mps": [10.0 for _ in frame],
            "alt_m": [1_234.0 for _ in frame],
            "p_ee": [100.0 for _ in frame],
            "p_nn": [400.0 for _ in frame],
            "impact_lat": [row["impact_lat"] for row in frame],
            "impact_lon": [None if row["impact_lat"] is None else 28.0 for row in frame],
        }
        columns |= {f"p_{one}": [0.8 if row["threat"] == one else 0.1 for row in frame] for one in THREATS}
        yield build("tracks", columns), end_us


def scope_of(one, key=None):
    return make_scope(one, AREAS, SENSORS, None, key)


def inside(lat, lon):
    return (SOUTH <= lat <= NORTH and WEST <= lon <= EAST) or (47 <= lat <= 48 and 29.5 <= lon <= 30.5)


@settings(max_examples=60, deadline=None)
@given(policies, nights)
def test_nothing_passes_that_the_policy_does_not_allow(one, night):
    scope = scope_of(one)
    for tracks, _ in frames_of(night):
        true = {(row["track"], row["time"], row["ve_mps"]): row for row in tracks.to_pylist()}
        passed = share(tracks, scope).to_pylist()
        for row in passed:
            assert inside(row["lat"], row["lon"])
            assert row["impact_lat"] is None or inside(row["impact_lat"], row["impact_lon"])
            assert "secret" not in row["sensors"] or not one.without_sensors
            if one.sensors or one.owners:
                allowed = set(one.sensors) | {key for key, owner in OWNERS.items() if owner in one.owners}
                assert row["sensors"] and set(row["sensors"]) <= allowed
            assert one.tentative or row["status"] != "tentative"
            assert one.neutral or not row["neutral"]
            assert one.addresses or row["address"] is None
            assert row["flags"] is None and row["issued"] is None, "what tells of our own workings"
            assert not one.classes or max(THREATS, key=lambda name: row[f"p_{name}"]) in one.classes
        if one.precision_mps == 0:
            for row in passed:
                whence = true[(row["track"], row["time"], row["ve_mps"])]
                assert inside(whence["lat"], whence["lon"]), "the true place counts too"


@settings(max_examples=30, deadline=None)
@given(policies, nights)
def test_the_delay_holds_exactly_and_who_leaves_ends(one, night):
    """Each row comes out at the first frame whose end is at least its time and the delay, and no track is left over."""
    scope, sharer, given_rows = scope_of(one), Sharer(scope_of(one)), Counter()
    shown: set[int] = set()
    delay_us = int(one.delay_s * 1e6)
    expected: Counter[tuple[int, int]] = Counter()
    everything = list(frames_of(night))
    last_us = everything[-1][1]
    for extra in range(1, int(one.delay_s) + 7):
        everything.append((everything[0][0].slice(0, 0), last_us + extra * 1_000_000))
    for tracks, end_us in everything:
        for row in share(tracks, scope).to_pylist():
            expected[(row["track"], int(row["time"].timestamp() * 1e6))] += row["status"] != "ended"
        out = sharer.step(tracks, end_us)
        for time, row in zip(time_us(out["time"]), out.to_pylist(), strict=True):
            assert time + delay_us <= end_us, "younger than the delay"
            assert time + delay_us > end_us - 1_000_000 - 4_000_000, "held longer than its own latency and a frame"
            assert inside(row["lat"], row["lon"]), "also the last place of a track that left"
            if row["status"] == "ended":
                assert row["track"] in shown, "nobody ends who was not there"
                shown.discard(row["track"])
            else:
                given_rows[(row["track"], int(row["time"].timestamp() * 1e6))] += 1
                shown.add(row["track"])
    assert given_rows == +expected


def test_the_delay_to_the_microsecond():
    sharer = Sharer(scope_of(policy(delay_s=10.0)))
    frame = build(
        "tracks", {"time": [NOW_US], "track": [1], "lat": [47.0], "lon": [27.0], "ve_mps": [0.0], "vn_mps": [0.0]}
    )
    none = frame.slice(0, 0)
    assert sharer.step(frame, NOW_US + 1_000).num_rows == 0
    assert sharer.step(none, NOW_US + 9_999_999).num_rows == 0
    assert sharer.step(none, NOW_US + 10_000_000).num_rows == 1
    assert sharer.step(none, NOW_US + 10_000_001).num_rows == 0


def test_a_track_that_leaves_ends_where_it_was_seen_last():
    sharer = Sharer(scope_of(policy(), b"key"))

    def frame(lon, second):
        at = NOW_US + second * 1_000_000
        columns = {"time": [at], "track": [7], "lat": [47.5], "lon": [lon], "ve_mps": [9.0], "vn_mps": [0.0]}
        return sharer.step(build("tracks", columns), at).to_pylist()

    (first,) = frame(28.9, 1)
    (left,) = frame(29.1, 2)
    assert (left["status"], left["lon"], left["track"]) == ("ended", first["lon"], first["track"])
    assert frame(29.2, 3) == [], "it has ended once"
    (again,) = frame(29.6, 4)
    assert again["track"] == first["track"] and again["status"] == "confirmed"


@settings(max_examples=300, deadline=None)
@given(st.floats(-80, 80), st.floats(-179.9, 179.9), st.sampled_from([50.0, 1_000.0, 20_000.0]))
@example(47.0, 27.0, 1_000.0)
def test_the_rounded_place_is_within_half_a_step(lat, lon, step_m):
    from pyproj import Geod

    north, east = to_grid(np.array([lat]), np.array([lon]), step_m)
    geod = Geod(ellps="WGS84")
    assert geod.inv(lon, lat, lon, north[0])[2] <= step_m / 2 + 1e-6
    assert geod.inv(lon, north[0], east[0], north[0])[2] <= step_m / 2 * 1.002 + 1e-6


def test_places_in_a_cell_are_told_as_one_and_the_covariance_owns_up_to_it():
    step_m = 5_000.0
    generator = np.random.default_rng(11)
    n = 4_000
    lat, lon = generator.uniform(47, 48, n), generator.uniform(27, 28, n)
    columns = {
        "time": np.full(n, NOW_US), "track": np.arange(n), "lat": lat, "lon": lon,
        "ve_mps": generator.uniform(0, 200, n), "vn_mps": np.zeros(n),
        "p_ee": np.full(n, 100.0), "p_nn": np.full(n, 100.0), "v_ee": np.full(n, 4.0),
        "v_nn": np.full(n, 4.0),
    }  # fmt: skip
    out = share(build("tracks", columns), scope_of(policy(precision_m=step_m, precision_mps=25.0)))
    north = (np.asarray(out["lat"]) - lat) * 111_194
    east = (np.asarray(out["lon"]) - lon) * 111_320 * np.cos(np.radians(47.5))
    assert len(set(zip(out["lat"].to_pylist(), out["lon"].to_pylist(), strict=True))) < 24 * 18
    for error, variance in ((north, out["p_nn"]), (east, out["p_ee"])):
        assert math.isclose(np.mean(error**2), np.mean(np.asarray(variance)) - 100.0, rel_tol=0.05)
    assert np.all(np.asarray(out["ve_mps"]) % 25 == 0) and np.allclose(np.asarray(out["v_ee"]), 4 + 625 / 12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2**52 - 1), unique=True, max_size=50), st.binary(min_size=16, max_size=32))
def test_numbers_for_a_partner_differ_and_stay(tracks, key):
    numbers = [partner_number(track, key) for track in tracks]
    assert len(set(numbers)) == len(tracks)
    assert all(0 <= number < 2**52 for number in numbers)
    assert numbers == [partner_number(track, key) for track in tracks]


def test_a_partners_numbers_tell_nothing_of_ours():
    numbers = np.array([partner_number(track, b"one key") for track in range(2_000)], dtype=float)
    others = np.array([partner_number(track, b"another") for track in range(2_000)], dtype=float)
    assert abs(np.corrcoef(np.arange(2_000), numbers)[0, 1]) < 0.08
    assert abs(np.corrcoef(others, numbers)[0, 1]) < 0.08
    assert np.mean(numbers > 2**51) == pytest.approx(0.5, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(policies, nights)
def test_what_is_sent_is_what_is_received(one, night):
    scope = scope_of(one)
    for tracks, end_us in frames_of(night):
        out = share(tracks, scope)
        (message,) = send(out, end_us, "exercise")
        received = receive(message, "exercise", end_us + 50_000, "ro")
        assert not received.rejects and received.end_us == end_us
        drop = ["partner", "issued"]
        assert received.table.drop_columns(drop).to_pylist() == out.drop_columns(drop).to_pylist()
        assert set(received.table["partner"].to_pylist()) <= {"ro"}


TRACK = {"time_us": NOW_US, "track": 1, "lat": 47.0, "lon": 27.0, "ve_mps": 1, "vn_mps": 0}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lat": 91}, "bad lat"),
        ({"lat": "47"}, "bad lat"),
        ({"lat": None}, "bad lat"),
        ({"ve_mps": 1e5}, "bad ve_mps"),
        ({"track": -1}, "bad track"),
        ({"track": 2**53}, "bad track"),
        ({"p_drone": 1.5}, "bad p_drone"),
        ({"p_ee": -1}, "bad p_ee"),
        ({"p_ee": 1, "p_nn": 1, "p_en": 2}, "bad covariance"),
        ({"status": "hostile"}, "bad status"),
        ({"sensors": ["x"] * 33}, "bad sensors"),
        ({"address": "x" * 65}, "bad address"),
        ({"time_us": NOW_US + 60_000_000}, "from the future"),
        ({"time_us": NOW_US - 8_000_000_000}, "too old"),
        ({"impact_lat": 47.0}, "bad impact_lat"),
    ],
)
def test_a_wrong_track_is_refused_by_reason_and_the_others_count(change, reason):
    message = json.dumps({"end_us": NOW_US, "mode": "test", "tracks": [TRACK | change, TRACK]}).encode()
    received = receive(message, "test", NOW_US, "ro")
    assert received.rejects == {reason: 1} and received.table.num_rows == 1


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not of this form"),
        (b"[" * 100_000, "not of this form"),
        (b'{"end_us": 1}', "not of this form"),
        (json.dumps({"end_us": NOW_US, "mode": "actual", "tracks": []}).encode(), "other mode"),
        (json.dumps({"end_us": NOW_US * 2, "mode": "test", "tracks": []}).encode(), "from the future"),
        (json.dumps({"end_us": 0, "mode": "test", "tracks": []}).encode(), "too old"),
        (json.dumps({"end_us": NOW_US, "mode": "test", "tracks": [0] * (MAX_TRACKS + 1)}).encode(), "too many tracks"),
    ],
)
def test_a_wrong_message_is_refused_whole(message, reason):
    received = receive(message, "test", NOW_US, "ro")
    assert received.rejects == {reason: 1} and received.table.num_rows == 0


def test_no_bytes_raise():
    good = json.dumps(
        {"end_us": NOW_US, "mode": "test", "tracks": [TRACK | {"address": "\ud800", "sensors": ["a"]}]}
    ).encode()
    generator = np.random.default_rng(5)
    for _ in range(3_000):
        torn = bytearray(good)
        for place in generator.integers(0, len(torn), 3):
            torn[place] = generator.integers(0, 256)
        receive(bytes(torn), "test", NOW_US, "ro").table.validate(full=True)
    receive(good, "test", NOW_US, "ro").table.validate(full=True)


@pytest.mark.parametrize(
    ("more", "named"),
    [({"areas": ("XX",)}, "XX"), ({"sensors": ("nobody",)}, "nobody"), ({"without_owners": ("Nobody",)}, "Nobody")],
)
def test_what_a_policy_names_must_be_there(more, named):
    with pytest.raises(BadInputError, match=named):
        scope_of(policy(**more))


def test_a_region_of_a_file_counts_as_well():
    region = shapely.box(10, 10, 11, 11)
    scope = make_scope(SharePolicy(region="r.geojson"), AREAS, SENSORS, region)
    columns = {"time": [1, 1], "track": [1, 2], "lat": [10.5, 47.0], "lon": [10.5, 27.0], "ve_mps": [0.0] * 2}
    assert share(build("tracks", columns | {"vn_mps": [0.0] * 2}), scope)["track"].to_pylist() == [1]
