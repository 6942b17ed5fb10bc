"""SIAP of our tracks as Stone Soup reckons it: complete, unambiguous, not spurious; and as complete as we say."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perisai.evaluation import TrackScores, score_tracks
from perisai.geodesy import from_plane
from perisai.model import build
from perisai.service.bench.targets import EPOCH_US, PERIOD_S, Scenario, frames, scenario, standing
from perisai.tracking import Tracker

pytest.importorskip("stonesoup")
START = datetime.datetime(2025, 9, 7, tzinfo=datetime.UTC).replace(tzinfo=None)
TARGETS, SCANS, FIRST = 25, 40, 11


def stamp(scan: int) -> datetime.datetime:
    return START + datetime.timedelta(seconds=PERIOD_S * scan)


def siap(states: np.ndarray, picture: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Stone Soup's completeness, ambiguity and spuriousness, means over the scans from FIRST on."""
    from stonesoup.dataassociator.tracktotrack import TrackToTruth
    from stonesoup.measures import Euclidean
    from stonesoup.metricgenerator.manager import MultiManager
    from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics
    from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState
    from stonesoup.types.state import State
    from stonesoup.types.track import Track

    truths = {
        GroundTruthPath(
            [
                GroundTruthState(states[scan, k][[0, 2, 1, 3]], timestamp=stamp(scan))
                for scan in range(FIRST, states.shape[0])
            ]
        )
        for k in range(states.shape[1])
    }
    rows: dict[int, list] = {}
    for scan in range(FIRST, len(picture)):
        for name, place in zip(*picture[scan], strict=True):
            rows.setdefault(int(name), []).append(State([place[0], 0.0, place[1], 0.0], timestamp=stamp(scan)))
    tracks = {Track(states) for states in rows.values()}
    measure = SIAPMetrics(
        position_measure=Euclidean((0, 2)), velocity_measure=Euclidean((1, 3)), generator_name="siap",
        tracks_key="tracks", truths_key="truths",
    )  # fmt: skip
    manager = MultiManager([measure], TrackToTruth(association_threshold=2_000.0, measure=Euclidean((0, 2))))
    manager.add_data({"tracks": tracks, "truths": truths})
    found: Any = manager.generate_metrics()
    found = found["siap"]
    return {name: found[f"SIAP {name}"].value for name in ("Completeness", "Ambiguity", "Spuriousness")}


def own_score(made: Scenario, rows: pa.Table) -> TrackScores:
    """What `perisai evaluate tracks` says of the same scans."""
    scans, n, _ = made.truth.shape
    lat, lon = from_plane(made.plane, made.truth[..., 0].ravel(), made.truth[..., 1].ravel())
    time = np.repeat(EPOCH_US + np.round(made.times * 1e6).astype(np.int64), n)
    truth = build("truth", {"time": time, "object": np.tile(np.arange(n), scans), "lat": lat, "lon": lon})
    return score_tracks(rows, truth, PERIOD_S, skip_s=PERIOD_S * FIRST)


def test_stone_soups_siap_of_our_tracks_and_our_own_score_of_them_agree():
    made = scenario("spread", TARGETS, 6, SCANS)
    tracker = Tracker([made.sensor])
    rows = [tracker.step(frame) for frame in frames(made)]
    found = siap(made.truth, standing(rows, made))
    assert found["Completeness"] > 0.95
    assert found["Ambiguity"] < 1.05
    assert found["Spuriousness"] < 0.05
    # A picture without a fifth of its tracks must be seen to lack them, by both.
    thinner = [table.filter(pa.array(table["track"].to_numpy() % 5 != 0)) for table in rows]
    lacking = siap(made.truth, standing(thinner, made))
    assert lacking["Completeness"] < 0.9
    # And one in which a fifth have a double beside them, 300 m off, is ambiguous: there is more than one a target.
    doubled = [pa.concat_tables([table, doubles(table, 300.0)]) for table in rows]
    double = siap(made.truth, standing(doubled, made))
    assert double["Ambiguity"] > 1.1
    # One in which they fly 20 km off beside their targets is spurious by as much.
    ghosts = [pa.concat_tables([table, doubles(table, 20e3)]) for table in rows]
    ghost = siap(made.truth, standing(ghosts, made))
    assert ghost["Spuriousness"] > 0.1
    for theirs, picture in ((found, rows), (lacking, thinner), (double, doubled), (ghost, ghosts)):
        ours = own_score(made, pa.concat_tables(picture))
        assert ours.completeness == pytest.approx(theirs["Completeness"], abs=0.01)
        tracks = TARGETS * ours.completeness + ours.false
        # GOSPA gives a target one track, so what SIAP calls ambiguous is false with it.
        spare = 1.0 - TARGETS * ours.completeness / tracks
        their_spare = 1.0 - (1.0 - theirs["Spuriousness"]) / theirs["Ambiguity"]
        assert spare == pytest.approx(their_spare, abs=0.02)


def doubles(table: pa.Table, off_m: float) -> pa.Table:
    """The rows of every fifth track once more, under other numbers and so far to the east."""
    part = table.filter(pa.array(table["track"].to_numpy() % 5 == 0))
    lon = np.asarray(part["lon"].to_numpy()) + np.degrees(off_m / 6.371e6) / np.cos(np.radians(49.0))
    number = np.asarray(part["track"].to_numpy()) + 10_000
    for name, values in (("lon", lon), ("track", number)):
        at = part.schema.get_field_index(name)
        part = part.set_column(at, part.schema.field(at), pa.array(values))
    return part
