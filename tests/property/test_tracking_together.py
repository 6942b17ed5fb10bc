"""Formations whose plots are weighed together, against every assignment by brute force and dense normal densities."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from perisai.tracking.assignment import one_to_one
from perisai.tracking.association import clusters, marginals
from perisai.tracking.bank import Bank, new_bank
from perisai.tracking.detections import NOTHING, Detections
from perisai.tracking.formation import SAME_MPS, SETTLED_HITS
from perisai.tracking.settings import MODELS
from perisai.tracking.together import ALIKE, LONER, MOST, fit_pairs, new_joint, settle, weigh_together

SIGMA_M = 100.0
EXPECTED_M = 90.0
"""1 sigma of the plots, and of what is expected of a track by each model."""
ELSEWHERE = 1e-8
"""False reports and new targets per m2, over the odds to be seen."""
MODEL_M = np.array([[0.0, 0.0], [0.0, 110.0], [0.0, -110.0]])
"""How far the turns carry a track off its straight course."""
MU = (0.8, 0.1, 0.1)


class Scene(NamedTuple):
    bank: Bank
    plots: Detections
    first: np.ndarray
    det: np.ndarray
    psi: np.ndarray
    origin: np.ndarray
    """The plot of each track, or -1."""


def scene(rng: np.random.Generator, place: np.ndarray, error: np.ndarray, detected: float = 1.0) -> Scene:
    """Settled tracks expected at `place` (n, 2) m that fly east, whose targets are off by `error` (n, 2) m, and their
    plots in any order with one false plot among them."""
    n = len(place)
    bank = new_bank(n)
    bank.x[:, :, :2] = place[:, None] + MODEL_M
    bank.x[:, :, 3] = 200.0
    bank.p[:, :, [0, 1], [0, 1]] = EXPECTED_M**2
    bank.mu[:] = MU
    bank.hits[:], bank.solid_hits[:], bank.alive[:], bank.r[:] = SETTLED_HITS, SETTLED_HITS, True, 0.99
    seen = np.flatnonzero(rng.random(n) < detected)
    found = np.vstack([(place + error)[seen] + rng.normal(0.0, SIGMA_M, (len(seen), 2)), place.mean(axis=0) + 150.0])
    order = rng.permutation(len(found))
    origin = np.full(n, -1)
    origin[seen] = np.argsort(order)[: len(seen)]
    z, var = np.zeros((len(found), 6)), np.full((len(found), 6), SIGMA_M**2)
    z[:, :2] = found[order]
    plots = NOTHING._replace(t=np.zeros(len(found)), z=z, var=var)
    gap = z[None, :, None, :2] - bank.x[:, None, :, :2]
    d2 = (gap**2).sum(axis=3) / (EXPECTED_M**2 + SIGMA_M**2)
    psi = (bank.mu[:, None] * np.exp(-0.5 * d2)).sum(axis=2) / (2.0 * np.pi * (EXPECTED_M**2 + SIGMA_M**2) * ELSEWHERE)
    psi[(d2.min(axis=2) > 25.0) | (psi < 0.01)] = 0.0
    track, det = np.nonzero(psi)
    first = np.concatenate([[0], np.cumsum((psi > 0.0).sum(axis=1))])
    return Scene(bank, plots, first, det, psi[track, det], origin)


def together(one: Scene) -> np.ndarray:
    """The weights of the pairs as the formation makes them."""
    n, psi = len(one.origin), one.psi.copy()
    order, start = clusters(n, one.first, one.det, one.plots.t.size)
    weigh_together(one.bank, one.plots, 0, np.arange(n), order, start, one.first, one.det, psi, one.plots.t.size)
    return psi


def strays(one: Scene, psi: np.ndarray) -> int:
    """How many tracks are given a plot that is not their own."""
    n, plots = len(one.origin), one.plots.t.size
    order, start = clusters(n, one.first, one.det, plots)
    prob, missed, _ = marginals(n, one.first, one.det, psi, plots, order, start)
    choice = one_to_one(one.first, one.det, psi, prob, missed, plots)
    given = np.where(choice >= 0, one.det[choice], -1)
    return int(((given >= 0) & (given != one.origin)).sum())


def settled(one: Scene):
    """What `settle` makes of a scene whose tracks are one formation: the scratch with chance and shift."""
    n, plots = len(one.origin), one.plots.t.size
    joint = new_joint(n, one.det.size, plots)
    every = np.arange(n)
    fit_pairs(one.bank, one.plots, 0, every, every, one.first, one.det, one.psi, np.arange(plots), plots, joint)
    settle(one.bank, every, every, joint)
    return joint


def brute(one: Scene, m: int) -> float:
    """The log weight of the likeliest assignment by model m: dense normal density of all its gaps, which share the
    formation's error."""
    n, best = len(one.origin), -np.inf
    rows = [[-1, *range(one.first[k], one.first[k + 1])] for k in range(n)]
    gaps = one.plots.z[:, None, :2] - one.bank.x[None, :, m, :2]
    every = one.plots.z[:, None, None, :2] - one.bank.x[None, :, :, :2]
    s2 = EXPECTED_M**2 + SIGMA_M**2
    mixed = (np.array(MU) * np.exp(-0.5 * (every**2).sum(axis=3) / s2)).sum(axis=2) / (2.0 * np.pi * s2)
    for choice in itertools.product(*rows):
        pairs = [(k, e) for k, e in enumerate(choice) if e >= 0]
        used = [one.det[e] for _, e in pairs]
        if len(used) != len(set(used)):
            continue
        total = 0.0
        if pairs:
            q = len(pairs)
            own = (1.0 - ALIKE) * EXPECTED_M**2 + SIGMA_M**2
            covariance = np.kron(own * np.eye(q) + ALIKE * EXPECTED_M**2 * np.ones((q, q)), np.eye(2))
            gap = np.concatenate([gaps[one.det[e], k] for k, e in pairs])
            total = multivariate_normal.logpdf(gap, np.zeros(2 * q), covariance)
            total += sum(np.log(one.psi[e] / mixed[one.det[e], k]) for k, e in pairs)
        best = max(best, total)
    return best + np.log(MU[m])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1_000_000), st.integers(3, 4), st.floats(100.0, 400.0))
def test_no_model_is_held_likelier_than_its_likeliest_assignment_makes_it(seed, n, apart_m):
    rng = np.random.default_rng(seed)
    one = scene(rng, rng.normal(0.0, apart_m, (n, 2)), rng.normal(0.0, 80.0, 2) + np.zeros((n, 2)), 0.9)
    joint = settled(one)
    for m in range(MODELS):
        assert joint.chance[m] <= brute(one, m) + 1e-6


def test_the_likeliest_assignment_or_one_nearly_as_likely_is_found():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(60):
        one = scene(rng, rng.normal(0.0, 250.0, (4, 2)), rng.normal(0.0, 80.0, 2) + np.zeros((4, 2)), 0.9)
        joint = settled(one)
        found += [brute(one, m) - joint.chance[m] for m in range(MODELS)]
    assert np.mean(np.array(found) < 1e-6) > 0.8
    assert np.mean(np.array(found) < 1.0) > 0.95


@pytest.mark.parametrize("carried", [(0.0, 160.0), (120.0, -90.0)])
def test_a_formation_that_is_carried_off_keeps_its_plots_apart(carried):
    rng = np.random.default_rng(4)
    before, after, still = 0, 0, 0
    for seed in range(150):
        place = rng.normal(0.0, 400.0, (8, 2))
        one = scene(np.random.default_rng(seed), place, np.array(carried) + np.zeros((8, 2)), 0.9)
        before += strays(one, one.psi)
        after += strays(one, together(one))
        calm = scene(np.random.default_rng(seed), place, np.zeros((8, 2)), 0.9)
        still += strays(calm, calm.psi)
    # Plots that lie as near to a neighbour are not told apart, carried off or not; of what comes on top, most is gone.
    assert before > 1.1 * still
    assert after - still < 0.5 * (before - still)


def test_members_that_err_each_for_itself_lose_next_to_nothing():
    rng = np.random.default_rng(5)
    before, after = 0, 0
    for _ in range(200):
        one = scene(rng, rng.normal(0.0, 400.0, (8, 2)), rng.normal(0.0, EXPECTED_M, (8, 2)), 0.9)
        before += strays(one, one.psi)
        after += strays(one, together(one))
    assert after < 1.1 * before


def test_a_formation_half_of_which_turns_loses_next_to_nothing():
    rng = np.random.default_rng(6)
    before, after = 0, 0
    for _ in range(200):
        error = np.zeros((8, 2))
        error[:4, 1] = 150.0
        one = scene(rng, rng.normal(0.0, 400.0, (8, 2)), error, 0.9)
        before += strays(one, one.psi)
        after += strays(one, together(one))
    assert after < 1.1 * before


def test_one_that_leaves_the_formation_may_still_be_found():
    rng = np.random.default_rng(6)
    place = 1e3 * np.array([[0.0, 0.0], [0.45, 0.1], [0.1, 0.5], [0.6, 0.55], [1.1, 0.3]])
    for _ in range(50):
        error = np.zeros((5, 2))
        error[4] = 400.0, 0.0
        one = scene(rng, place, error)
        assert (together(one) >= LONER * one.psi).all()


@pytest.mark.parametrize("column", ["hits", "solid_hits", "surprise", "coupled", "x"])
def test_who_is_no_member_is_weighed_as_before(column):
    rng = np.random.default_rng(7)
    one = scene(rng, rng.normal(0.0, 200.0, (6, 2)), np.full((6, 2), 60.0))
    if column == "x":
        one.bank.x[2:, :, 3] += np.array([0.0, 1.1, 2.2, 3.3])[:, None] * SAME_MPS + 2.0 * SAME_MPS
    else:
        getattr(one.bank, column)[2:] = {"surprise": 50.0, "coupled": True}.get(column, 0)
    # Two are left that fly alike, and two are no formation.
    assert np.array_equal(together(one), one.psi)
    one.bank.x[:, :, 3] = 200.0
    one.bank.hits[:], one.bank.solid_hits[:], one.bank.surprise[:], one.bank.coupled[:] = 9, 9, 2.0, False
    assert not np.array_equal(together(one), one.psi)


def test_tracks_that_share_no_plot_are_weighed_as_before():
    rng = np.random.default_rng(8)
    one = scene(rng, 5e3 * np.arange(8.0)[:, None] * np.array([1.0, 0.5]), np.full((8, 2), 60.0))
    assert np.array_equal(together(one), one.psi)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1_000_000))
def test_the_order_of_plots_and_members_changes_no_more_than_rounding(seed):
    rng = np.random.default_rng(seed)
    one = scene(rng, rng.normal(0.0, 300.0, (7, 2)), rng.normal(0.0, 80.0, 2) + np.zeros((7, 2)), 0.9)
    plots, n = one.plots.t.size, 7
    weight = np.zeros((n, plots))
    track = np.repeat(np.arange(n), np.diff(one.first))
    weight[track, one.det] = together(one)
    a, b = rng.permutation(n), rng.permutation(plots)
    full = np.zeros((n, plots))
    full[track, one.det] = one.psi
    full = full[a][:, b]
    other_track, det = np.nonzero(full)
    bank = new_bank(n)
    for name in ("x", "p", "mu", "hits", "solid_hits", "surprise"):
        getattr(bank, name)[:] = getattr(one.bank, name)[a]
    first = np.concatenate([[0], np.cumsum((full > 0.0).sum(axis=1))])
    moved = one._replace(
        bank=bank, plots=one.plots._replace(z=one.plots.z[b]), first=first, det=det, psi=full[other_track, det]
    )
    np.testing.assert_allclose(together(moved), weight[a][:, b][other_track, det], rtol=1e-6)


def test_a_swarm_of_any_size_is_weighed():
    rng = np.random.default_rng(9)
    one = scene(rng, rng.normal(0.0, 900.0, (3 * MOST + 1, 2)), np.full((3 * MOST + 1, 2), (0.0, 130.0)), 0.9)
    psi = together(one)
    assert np.isfinite(psi).all()
    assert (psi > 0.0).all()
    assert strays(one, psi) < strays(one, one.psi)
