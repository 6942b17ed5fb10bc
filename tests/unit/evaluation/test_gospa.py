"""GOSPA against Stone Soup's own, and against its definition worked by hand."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.evaluation.gospa import gospa


def test_by_hand():
    """Two pairs 300 and 400 m apart, one object missed, two false tracks: sums of squares 25e4, 2e6 and 4e6."""
    truth = np.array([[0.0, 0.0], [10e3, 0.0], [50e3, 0.0]])
    track = np.array([[0.0, 300.0], [10e3, 400.0], [-50e3, 0.0], [0.0, 60e3]])
    score = gospa(truth, track)
    assert score.location == pytest.approx(500.0)
    assert score.missed == pytest.approx(np.sqrt(2e6))
    assert score.false == pytest.approx(np.sqrt(4e6))
    assert score.distance == pytest.approx(np.sqrt(25e4 + 6e6))
    assert list(score.truth) == [0, 1]
    assert list(score.track) == [0, 1]


def test_the_assignment_is_the_best_not_the_nearest():
    """The nearest track of the first object must be left to the second, which has no other."""
    score = gospa(np.array([[0.0, 0.0], [1500.0, 0.0]]), np.array([[700.0, 0.0], [-1000.0, 0.0]]))
    assert len(score.truth) == 2
    assert score.location == pytest.approx(np.hypot(1000.0, 800.0))


def test_nothing_there():
    none = np.empty((0, 2))
    assert gospa(none, none).distance == 0.0
    assert gospa(np.zeros((2, 2)), none).missed == pytest.approx(2000.0)
    assert gospa(none, np.zeros((2, 2))).false == pytest.approx(2000.0)


@pytest.mark.oracle
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 25), m=st.integers(0, 25), side=st.sampled_from([3e3, 2e4]))
def test_equal_to_stone_soup(seed, n, m, side):
    from stonesoup.metricgenerator.ospametric import GOSPAMetric
    from stonesoup.types.state import State

    if n + m == 0:
        return
    rng = np.random.default_rng(seed)
    truth, track = rng.uniform(0, side, (n, 2)), rng.uniform(0, side, (m, 2))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    theirs, _ = GOSPAMetric(p=2, c=2000.0).compute_gospa_metric(
        [State(x.reshape(-1, 1), timestamp=now) for x in track], [State(x.reshape(-1, 1), timestamp=now) for x in truth]
    )
    ours = gospa(truth, track)
    assert ours.distance == pytest.approx(float(theirs.value["distance"]), abs=1e-6)
    assert ours.location**2 == pytest.approx(float(theirs.value["localisation"]), abs=1e-3)
    assert ours.missed**2 == pytest.approx(float(theirs.value["missed"]), abs=1e-3)
    assert ours.false**2 == pytest.approx(float(theirs.value["false"]), abs=1e-3)
