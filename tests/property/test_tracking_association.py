"""Association against its oracles: every one-to-one assignment by brute force, and scipy's linear sum assignment."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from perisai.tracking.assignment import one_to_one
from perisai.tracking.association import clusters as clusters_of
from perisai.tracking.association import marginals, propagate_cluster


@st.composite
def clusters(draw):
    """A weight matrix (tracks, detections), 0 where the two are no candidates."""
    tracks, detections = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    log_weight = st.one_of(st.none(), st.floats(-4.0, 12.0))
    rows = draw(
        st.lists(st.lists(log_weight, min_size=detections, max_size=detections), min_size=tracks, max_size=tracks)
    )
    return np.array([[0.0 if w is None else np.exp(w) for w in row] for row in rows])


def _rows(matrix: np.ndarray):
    first = np.concatenate([[0], np.cumsum((matrix > 0).sum(axis=1))])
    track, det = np.nonzero(matrix)
    return first, det, matrix[track, det], track


def _brute(matrix: np.ndarray):
    """(pair probabilities (tracks, detections), chance of each track to be missed), by walking all assignments."""
    tracks, detections = matrix.shape
    prob, missed, total = np.zeros_like(matrix), np.zeros(tracks), 0.0
    for choice in itertools.product(range(-1, detections), repeat=tracks):
        taken = [c for c in choice if c >= 0]
        if len(taken) != len(set(taken)):
            continue
        weight = np.prod([1.0 if c < 0 else matrix[t, c] for t, c in enumerate(choice)])
        total += weight
        for t, c in enumerate(choice):
            if c < 0:
                missed[t] += weight
            else:
                prob[t, c] += weight
    return prob / total, missed / total


@settings(deadline=None, max_examples=150)
@given(clusters())
def test_small_clusters_are_enumerated_exactly(matrix):
    first, det, psi, track = _rows(matrix)
    order, start = clusters_of(len(matrix), first, det, matrix.shape[1])
    prob, missed, fresh = marginals(len(matrix), first, det, psi, matrix.shape[1], order, start)
    exact, exact_missed = _brute(matrix)
    np.testing.assert_allclose(prob, exact[track, det], atol=1e-9)
    np.testing.assert_allclose(missed, exact_missed, atol=1e-9)
    np.testing.assert_allclose(fresh, 1.0 - exact.sum(axis=0), atol=1e-9)


@settings(deadline=None, max_examples=150)
@given(clusters())
def test_belief_propagation_gives_probabilities_close_to_the_exact_ones(matrix):
    first, det, psi, track = _rows(matrix)
    n, pairs = len(matrix), det.size
    prob, missed = np.zeros(pairs), np.ones(n)
    propagate_cluster(np.arange(n), first, det, psi, prob, missed, np.zeros(matrix.shape[1]), np.zeros(pairs))
    exact, exact_missed = _brute(matrix)
    sums = missed + np.bincount(track, prob, minlength=n)
    np.testing.assert_allclose(sums, 1.0, atol=1e-9)
    claimed = np.bincount(det, prob, minlength=matrix.shape[1])
    assert (claimed < 1.0 + 1e-9).all()
    assert (missed >= 0.0).all()
    # Exact where the graph is a tree. In a loop of two tracks and two detections with large weights it takes the better
    # of the two joint assignments for certain, where the exact answer may be as near to a half as one likes.
    loops = pairs - (n + matrix.shape[1]) + _components(matrix)
    tolerance = 5e-3 if loops == 0 else 0.5
    assert np.abs(prob - exact[track, det]).max(initial=0.0) < tolerance
    assert np.abs(missed - exact_missed).max() < tolerance


@pytest.mark.parametrize(("low", "high", "linked"), [(-4.0, 12.0, 1.0), (0.0, 8.0, 0.7), (-2.0, 5.0, 0.7)])
def test_belief_propagation_is_close_on_average_however_entangled_the_cluster(low, high, linked):
    rng, errors = np.random.default_rng(1), []
    for _ in range(200):
        matrix = np.exp(rng.uniform(low, high, rng.integers(2, 6, 2)))
        matrix[rng.random(matrix.shape) > linked] = 0.0
        first, det, psi, track = _rows(matrix)
        n = len(matrix)
        prob, missed = np.zeros(det.size), np.ones(n)
        propagate_cluster(np.arange(n), first, det, psi, prob, missed, np.zeros(matrix.shape[1]), np.zeros(det.size))
        exact, exact_missed = _brute(matrix)
        errors.append(np.concatenate([np.abs(prob - exact[track, det]), np.abs(missed - exact_missed)]).mean())
    assert np.mean(errors) < 0.015
    assert np.quantile(errors, 0.95) < 0.06


def _components(matrix: np.ndarray) -> int:
    from scipy.sparse.csgraph import connected_components

    n, m = matrix.shape
    graph = np.zeros((n + m, n + m))
    graph[:n, n:] = matrix > 0
    return int(connected_components(graph, directed=False)[0])


@settings(deadline=None, max_examples=150)
@given(st.integers(2, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_assignment_of_a_cluster_is_the_best_one(tracks, detections, seed):
    rng = np.random.default_rng(seed)
    matrix = np.exp(rng.uniform(0.1, 9.0, (tracks, detections)))
    matrix[rng.random(matrix.shape) < 0.4] = 0.0
    first, det, psi, _ = _rows(matrix)
    # As if every track were surely seen: single tracks are decided by their chance of being missed.
    choice = one_to_one(first, det, psi, psi / (1.0 + psi), np.zeros(tracks), detections)
    taken = [int(det[e]) for e in choice if e >= 0]
    assert len(taken) == len(set(taken))
    gain = sum(float(np.log(psi[e])) for e in choice if e >= 0)
    padded = np.zeros((tracks, detections + tracks))
    padded[:, :detections] = np.where(matrix > 0, np.log(np.maximum(matrix, 1e-300)), -1e9)
    rows, columns = linear_sum_assignment(padded, maximize=True)
    np.testing.assert_allclose(gain, padded[rows, columns].sum(), rtol=1e-9, atol=1e-9)
