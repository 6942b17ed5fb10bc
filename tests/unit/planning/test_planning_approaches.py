"""Approaches: the chance that one gives a track, fewer that stand for all, and who is warned of which."""

import math
from itertools import product

import numpy as np
import pytest

from perisai.geodesy import plane_at
from perisai.planning import CATALOGUE, Approaches, Placed, predict, thinned
from perisai.planning.predict import ANYWAY, SKILL
from perisai.planning.watch import TERMS, tail


def test_the_chance_of_a_track_is_that_of_counting_every_outcome():
    rng = np.random.default_rng(4)
    for needed in (1, 2, 3, 5):
        p = rng.uniform(0.05, 0.95, 7)
        exact = 0.0
        for outcome in product((0, 1), repeat=7):
            if sum(outcome) >= needed:
                exact += math.prod(q if hit else 1 - q for q, hit in zip(p, outcome, strict=True))
        odds = p / (1 - p)
        sums = np.array([[np.log1p(-p).sum(), *((odds**k).sum() for k in range(1, TERMS + 1))]])
        assert tail(sums, np.array([needed]))[0] == pytest.approx(exact, rel=1e-9)


def test_thinning_keeps_the_sum_and_the_heavy_ones():
    rng = np.random.default_rng(8)
    people = rng.pareto(1.2, 5_000) * 1_000 + 500
    whole = Approaches(
        plane_at(50.0, 30.0), np.zeros((5_000, 13, 3)), np.zeros(5_000, int), np.arange(5_000), people, np.zeros((1, 2))
    )
    few = thinned(whole, 600, 1)
    assert len(few) == 600
    assert few.people.sum() == pytest.approx(people.sum())
    assert people.argmax() in few.area
    half = people[np.arange(5_000) % 2 == 0].sum() / people.sum()
    estimates = [t.people[t.area % 2 == 0].sum() / people.sum() for t in (thinned(whole, 600, s) for s in range(40))]
    assert np.mean(estimates) == pytest.approx(half, abs=3 * np.std(estimates) / math.sqrt(40) + 1e-9)


def test_who_is_not_tracked_is_warned_as_far_as_others_are():
    points = np.full((2, 13, 3), 500.0)
    points[1, :, :2] = 300e3
    both = Approaches(plane_at(50.0, 30.0), points, np.zeros(2, int), np.arange(2), np.ones(2), np.zeros((1, 2)))
    radar = Placed((CATALOGUE["gap-filler"],), np.array([50.0]), np.array([30.02]))
    found = predict(both, radar, 2).by_area
    assert found == pytest.approx([SKILL["drone"], 0.5 * ANYWAY["drone"]], rel=1e-4)
    assert predict(both, Placed((), np.empty(0), np.empty(0)), 2).warned == 0.0
