"""What is learnt by place: a fixed source of false reports is known there, nowhere else, and forgotten when it ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.geodesy import from_plane
from perisai.model import Frame, Sensor, build
from perisai.tracking import Tracker
from perisai.tracking.bank import SCAN_BEGAN, SCAN_ID, Bank, new_bank
from perisai.tracking.coverage import cell_of
from perisai.tracking.forms import FORM_PLANE
from perisai.tracking.learnt import (
    BIRTHS,
    EVERY_S,
    LEAST_CROWDING,
    LEAST_PD,
    LEAST_SHARE,
    MOST_CROWDING,
    UNWATCHED,
    Learnt,
    expected,
)
from perisai.tracking.settings import TrackerSettings
from perisai.tracking.sites import SIDE, region_plane, sites

EVEN = 3e-11
HALF_M = 300e3
EPOCH_US = 1_757_000_000_000_000
RADARS = [
    Sensor(
        id=f"r{k}", kind="radar2d", lat=49.0, lon=31.0 + 0.4 * k, max_range_m=100e3, period_s=EVERY_S,
        detection_probability=0.9, clutter_per_scan=4.0,
    )
    for k in range(2)
]  # fmt: skip


def fresh() -> Learnt:
    rules = TrackerSettings(centre=(49.0, 31.0))
    return Learnt(sites(RADARS, region_plane(RADARS, rules), rules), HALF_M, EVEN)


def picture(east: np.ndarray, north: np.ndarray) -> Bank:
    """A bank of as many tracks as places, of no sensor yet."""
    bank = new_bank(max(east.size, 1))
    n = east.size
    bank.alive[:n] = True
    bank.x[:n, :, 0], bank.x[:n, :, 1] = east[:, None], north[:, None]
    return bank


def scan(
    learnt: Learnt, k: int, sensor: int = 0, births: list[tuple[float, float]] | None = None,
    sure: list[tuple[float, float, bool]] | None = None,
) -> None:  # fmt: skip
    """Scan k of a sensor: births that are likely false, and sure tracks it saw or missed."""
    births, sure = births or [], sure or []
    places = np.array([*births, *[(e, n) for e, n, _ in sure]], float).reshape(-1, 2)
    bank = picture(places[:, 0], places[:, 1])
    began = EVERY_S * k
    new, old = np.arange(len(births)), np.arange(len(births), len(places))
    bank.ring_sensor[: len(places), 0] = sensor
    bank.born[new], bank.hits[new], bank.r[new], bank.ring_hit[new, 0] = began, 1, 0.05, began
    bank.born[old], bank.hits[old], bank.r[old], bank.confirmed[old] = -1e3, 50, 0.999, True
    bank.ring_hit[old, 0] = [began if seen else began - EVERY_S for _, _, seen in sure]
    before, after = np.zeros((len(RADARS), 4)), np.zeros((len(RADARS), 4))
    before[:, SCAN_ID] = after[:, SCAN_ID] = -1.0
    before[sensor, SCAN_ID], after[sensor, SCAN_ID], after[sensor, SCAN_BEGAN] = k - 1, k, began
    learnt.learn(bank, len(places), before, after, began)


def crowding_at(learnt: Learnt, sensor: int, east: float, north: float) -> float:
    grid = (learnt.crowding, learnt.undetected, learnt.side, learnt.half_m)
    clutter, _ = expected(learnt.sites, *grid, sensor, FORM_PLANE, 1.0, east, north)
    return float(clutter / learnt.sites.clutter[sensor])


def part(learnt: Learnt, sensor: int, east: float, north: float) -> int:
    """The cell of a sensor's coverage that a place lies in."""
    at = learnt.sites
    return int(cell_of(east - at.east_m[sensor], north - at.north_m[sensor], at.max_range_m[sensor]))


def test_a_fixed_source_of_false_reports_is_learnt_where_it_stands_and_by_the_radar_that_sees_it():
    learnt = fresh()
    source = (30e3, -30e3)
    for k in range(60):
        scan(learnt, k, births=[(source[0] + 50.0 * (k % 3), source[1])] * 4)
    assert crowding_at(learnt, 0, *source) > 5.0
    others = np.arange(SIDE * SIDE) != part(learnt, 0, *source)
    assert (learnt.crowding[0, others] < 1.0).all()
    assert (learnt.crowding[1] == 1.0).all()


def test_what_was_learnt_of_a_source_fades_once_it_is_gone():
    learnt = fresh()
    source = (30e3, -30e3)
    for k in range(60):
        scan(learnt, k, births=[source] * 4)
    strong = crowding_at(learnt, 0, *source)
    for k in range(60, 130):
        scan(learnt, k)
    half = crowding_at(learnt, 0, *source)
    for k in range(130, 400):
        scan(learnt, k)
    assert strong > 2.0 * half
    assert crowding_at(learnt, 0, *source) < 1.0


def test_a_blind_corner_lowers_the_detection_probability_there_alone():
    learnt = fresh()
    for k in range(80):
        scan(learnt, k, sure=[(-60e3, 10e3, k % 4 == 0), (60e3, 10e3, k % 10 != 0)])
    pd = learnt.sites.pd_map[0]
    blind, sighted = (part(learnt, 0, e, 10e3) for e in (-60e3, 60e3))
    assert pd[blind] < 0.7
    assert pd[sighted] == pytest.approx(0.9, abs=0.03)
    assert np.delete(pd, [blind, sighted]) == pytest.approx(0.9)


def test_targets_unseen_thin_out_where_a_radar_looks_and_gather_where_none_does_and_where_tracks_began():
    learnt = fresh()
    begun = (200e3, 200e3)
    learnt.begun(np.full(30, begun[0]), np.full(30, begun[1]))
    for k in range(200):
        scan(learnt, k)

    def unseen(east: float, north: float) -> float:
        return float(learnt.undetected[learnt.cell(np.array([east]), np.array([north]))[0]])

    assert unseen(0.0, 0.0) < 0.5 * EVEN
    assert unseen(-200e3, 200e3) > EVEN
    assert unseen(*begun) > 2.0 * unseen(-200e3, 200e3)


places = st.tuples(st.floats(-250e3, 250e3), st.floats(-250e3, 250e3))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.lists(places, max_size=30), st.lists(st.tuples(*[st.floats(-250e3, 250e3)] * 2, st.booleans()))),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_nothing_learnt_leaves_its_bounds(story):
    learnt = fresh()
    for k in range(40):
        births, sure = story[k % len(story)]
        scan(learnt, k, k % 2, births * 4, sure)
        if births:
            learnt.begun(*np.array(births).T)
    assert (learnt.crowding >= LEAST_CROWDING).all()
    assert (learnt.crowding <= MOST_CROWDING).all()
    assert (learnt.sites.pd_map >= LEAST_PD).all()
    assert (learnt.sites.pd_map <= learnt.sites.pd[:, None]).all()
    assert (learnt.undetected > 0.0).all()
    assert np.isfinite(learnt.undetected).all()
    # Looking takes no more than 70 % away, births elsewhere no more than their share; all in one cell give it the most.
    least = EVEN * min(LEAST_SHARE, BIRTHS / (BIRTHS + learnt.births.mean()))
    assert (learnt.undetected >= 0.99 * least).all()
    assert (learnt.undetected <= UNWATCHED * EVEN * learnt.undetected.size).all()


def frames(seed: int, scans: int, shuffled: bool = False) -> list[Frame]:
    """A radar's scans: three false reports at one place in each, four anywhere; shuffled inside each scan."""
    rng, order = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    plane = region_plane(RADARS, TrackerSettings())
    out: list[Frame] = []
    for k in range(scans):
        far = 80e3 * np.sqrt(rng.random(4))
        angle = rng.uniform(0, 2 * np.pi, 4)
        # They jump by kilometres, so that no track follows them.
        east = np.concatenate([30e3 + rng.uniform(-9e3, 9e3, 3), far * np.sin(angle)])
        north = np.concatenate([-30e3 + rng.uniform(-9e3, 9e3, 3), far * np.cos(angle)])
        lat, lon = from_plane(plane, east, north)
        at = np.full(7, EPOCH_US + round(k * EVERY_S) * 1_000_000)
        kept = order.permutation(7) if shuffled else np.arange(7)
        columns = {"time": at, "received": at, "lat": lat[kept], "lon": lon[kept]}
        out.append(Frame(int(at[0]), build("detections", columns | {"sensor": ["p"] * 7, "scan": np.full(7, k)})))
    return out


POSITION = Sensor(
    id="p", kind="position", lat=49.0, lon=31.2, max_range_m=100e3, period_s=EVERY_S, detection_probability=0.9,
    clutter_per_scan=4.0, sigma_m=100.0,
)  # fmt: skip


def learn_from(given: list[Frame]) -> Tracker:
    tracker = Tracker([POSITION])
    for frame in given:
        tracker.step(frame)
    return tracker


def test_a_start_at_a_source_of_false_reports_is_worth_less_than_elsewhere():
    tracker = learn_from(frames(3, 80))
    plane = tracker.plane
    east, north = np.array([31e3, -31e3]), np.array([-31e3, 31e3])
    lat, lon = from_plane(plane, east, north)
    at = np.full(2, EPOCH_US + 81 * round(EVERY_S) * 1_000_000)
    columns = {"time": at, "received": at, "lat": lat, "lon": lon, "sensor": ["p"] * 2, "scan": np.full(2, 80)}

    def worth(of: Tracker) -> np.ndarray:
        of.step(Frame(int(at[0]), build("detections", columns)))
        bank = of._bank
        new = np.flatnonzero(bank.alive & (bank.last == bank.last[bank.alive].max()) & (bank.hits == 1))
        gap = np.hypot(bank.x[new, 0, 0][:, None] - east, bank.x[new, 0, 1][:, None] - north)
        return bank.r[new[gap.argmin(axis=0)]]

    there, elsewhere = worth(tracker)
    before = worth(Tracker([POSITION]))
    assert there < 0.5 * elsewhere
    assert there < 0.5 * before[0]
    assert elsewhere > 0.8 * before[1]


def test_the_order_of_detections_inside_a_scan_changes_nothing_learnt():
    one, other = learn_from(frames(4, 40)), learn_from(frames(4, 40, shuffled=True))
    assert (one._learnt.false > 0.0).any()
    for mine, theirs in zip(one._learnt.kept.arrays, other._learnt.kept.arrays, strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_what_was_learnt_survives_a_checkpoint():
    tracker = learn_from(frames(5, 40))
    again = Tracker.restore(tracker.checkpoint(), [POSITION])
    assert (again._learnt.false > 0.0).any()
    assert (again.places.pd_map == tracker.places.pd_map).all()
    for mine, theirs in zip(tracker._learnt.kept.arrays, again._learnt.kept.arrays, strict=True):
        assert mine.tobytes() == theirs.tobytes()
