"""Our prediction and update of straight flight beside Stone Soup's Kalman filter, number for number."""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.tracking.kalman import update_place
from perisai.tracking.motion import advance
from perisai.tracking.settings import TrackerSettings, motion

pytest.importorskip("stonesoup")
START = datetime.datetime(2025, 9, 7, tzinfo=datetime.UTC).replace(tzinfo=None)
INTERLEAVED = [0, 3, 1, 4]
"""East, its velocity, north and its velocity among our six states, as Stone Soup orders them."""


@pytest.mark.oracle
@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.lists(st.floats(0.5, 12.0), min_size=1, max_size=5), st.floats(20.0, 500.0))
def test_a_flight_of_predictions_and_updates_is_stone_soups(seed, steps_s, sigma_m):
    from stonesoup.models.measurement.linear import LinearGaussian
    from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
    from stonesoup.predictor.kalman import KalmanPredictor
    from stonesoup.types.detection import Detection
    from stonesoup.types.hypothesis import SingleHypothesis
    from stonesoup.types.state import GaussianState
    from stonesoup.updater.kalman import KalmanUpdater

    rules = TrackerSettings()
    noise = rules.along_noise[0]
    assert noise == rules.across_noise[0]  # else straight flight has no one noise to compare
    rng = np.random.default_rng(seed)
    x, p, mu = np.zeros((1, 3, 6)), np.zeros((1, 3, 6, 6)), np.array([[1.0, 0.0, 0.0]])
    x[0, :] = [*rng.normal(0, 5e3, 2), 1e3, *rng.normal(0, 120, 2), 0.0]
    p[0, :] = np.diag([3e4, 2e4, 100.0, 900.0, 400.0, 1.0])
    model = CombinedLinearGaussianTransitionModel([ConstantVelocity(noise)] * 2)
    look = LinearGaussian(4, [0, 2], sigma_m**2 * np.eye(2))
    predictor, updater = KalmanPredictor(model), KalmanUpdater(look)
    cut = np.ix_(INTERLEAVED, INTERLEAVED)
    theirs = GaussianState(x[0, 0, INTERLEAVED], p[0, 0][cut], timestamp=START)
    t, now = np.zeros(1), 0.0
    for dt in steps_s:
        now += dt
        stamp = START + datetime.timedelta(seconds=now)
        # All probability on straight flight before each step: what is mixed into it is itself.
        mu[:] = 1.0, 0.0, 0.0
        advance(
            x, p, mu, t, np.ones(1), np.ones(1, np.bool_), np.zeros(1, np.bool_), np.ones(1, np.int32),
            np.full(1, 2.0), np.full((1, 2), 0.05), 0, now, motion(rules), np.zeros((3, 3)), np.full(1, -1.0),
            np.zeros((3, 3)), np.zeros((6, 6)), np.zeros(3),
        )  # fmt: skip
        prediction = predictor.predict(theirs, timestamp=stamp)
        np.testing.assert_allclose(x[0, 0, INTERLEAVED], np.ravel(prediction.state_vector), rtol=1e-6, atol=1e-3)
        np.testing.assert_allclose(p[0, 0][cut], prediction.covar, rtol=1e-5, atol=1e-2)
        z = np.zeros((1, 6))
        z[0, :2] = x[0, 0, :2] + rng.normal(0, sigma_m, 2)
        update_place(x, p, mu, 0, z, 0, sigma_m**2, 0.0)
        plot = Detection(z[0, :2], timestamp=stamp, measurement_model=look)
        theirs = updater.update(SingleHypothesis(prediction, plot))
        np.testing.assert_allclose(x[0, 0, INTERLEAVED], np.ravel(theirs.state_vector), rtol=1e-6, atol=1e-3)
        np.testing.assert_allclose(p[0, 0][cut], theirs.covar, rtol=1e-5, atol=1e-2)
