"""The peer: Stone Soup's global nearest neighbour tracker over a KD-tree, in this process on the same plots.

Stone Soup (dstl/Stone-Soup, MIT) is not part of Perisai; it is in the dependency group `oracles`.
"""

import datetime
import time
from collections.abc import Iterator

import numpy as np

from .targets import PERIOD_S, SIGMA_M, Scenario

START = datetime.datetime(2025, 9, 7, tzinfo=datetime.UTC).replace(tzinfo=None)


def available() -> str | None:
    """The version of Stone Soup that can be imported, or None."""
    try:
        import stonesoup
    except ImportError:
        return None
    return stonesoup.__version__


def run(made: Scenario) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
    """(seconds of processor time, per scan the identities and positions (k, 2) m of its tracks)."""
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
    from stonesoup.dataassociator.tree import DetectionKDTreeMixIn
    from stonesoup.deleter.time import UpdateTimeStepsDeleter
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.initiator.simple import MultiMeasurementInitiator
    from stonesoup.measures import Mahalanobis
    from stonesoup.models.measurement.linear import LinearGaussian
    from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
    from stonesoup.predictor.kalman import KalmanPredictor
    from stonesoup.tracker.simple import MultiTargetTracker
    from stonesoup.types.detection import Detection
    from stonesoup.types.state import GaussianState
    from stonesoup.updater.kalman import KalmanUpdater

    class TreeGnn(DetectionKDTreeMixIn, GNNWith2DAssignment):
        """Its own two classes, put together as its documentation does."""

    flight = CombinedLinearGaussianTransitionModel([ConstantVelocity(300.0), ConstantVelocity(300.0)])
    sensor = LinearGaussian(4, (0, 2), np.diag([SIGMA_M**2, SIGMA_M**2]))
    predictor, updater = KalmanPredictor(flight), KalmanUpdater(sensor)
    gate = DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=5.0)
    associator = TreeGnn(gate, predictor, updater, number_of_neighbours=5, max_distance_covariance_multiplier=5.0)
    initiator = MultiMeasurementInitiator(
        GaussianState(np.zeros((4, 1)), np.diag([0.0, 150.0**2, 0.0, 150.0**2]), START),
        deleter=UpdateTimeStepsDeleter(2), data_associator=associator, updater=updater, measurement_model=sensor,
        min_points=3,
    )  # fmt: skip

    def detector() -> Iterator[tuple[datetime.datetime, set[Detection]]]:
        for scan, found in enumerate(made.plots):
            at = START + datetime.timedelta(seconds=PERIOD_S * scan)
            yield at, {Detection(row.reshape(2, 1), timestamp=at, measurement_model=sensor) for row in found}

    tracker = MultiTargetTracker(initiator, UpdateTimeStepsDeleter(4), detector(), associator, updater)
    names: dict[str, int] = {}
    out = []
    began = time.process_time()
    for _, tracks in tracker:
        ordered = sorted(tracks, key=lambda track: track.id)
        identity = np.array([names.setdefault(track.id, len(names)) for track in ordered], dtype=np.int64)
        place = np.array([[track.state_vector[0], track.state_vector[2]] for track in ordered], dtype=float)
        out.append((identity, place.reshape(-1, 2)))
    return time.process_time() - began, out
