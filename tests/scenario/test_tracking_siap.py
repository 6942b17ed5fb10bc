"""SIAP of our tracks as Stone Soup reckons it: complete, unambiguous, not spurious; and as complete as we say."""

import datetime
from typing import Any

import numpy as np
import pytest

from perisai.service.bench.targets import PERIOD_S, frames, scenario, standing
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


def test_stone_soups_siap_of_our_tracks():
    made = scenario("spread", TARGETS, 6, SCANS)
    tracker = Tracker([made.sensor])
    picture = standing([tracker.step(frame) for frame in frames(made)], made)
    found = siap(made.truth, picture)
    assert found["Completeness"] > 0.95
    assert found["Ambiguity"] < 1.05
    assert found["Spuriousness"] < 0.05
    # A picture without a fifth of its tracks must be seen to lack them.
    thinner = [(names[names % 5 != 0], places[names % 5 != 0]) for names, places in picture]
    assert siap(made.truth, thinner)["Completeness"] < 0.9
