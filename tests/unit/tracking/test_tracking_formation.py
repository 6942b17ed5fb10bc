"""What one member of a formation shows of a turn is evidence for the others, and for nobody else."""

import math

import numpy as np
import pytest

from perisai.tracking.bank import Bank, new_bank
from perisai.tracking.formation import LEAST_CHANCE, SAME_MPS, SETTLED_HITS, WEIGHT, share_turns

TURN_LEFT = np.log([0.1, 5.0, 0.1])
"""Log likelihood ratios of straight, left and right that a turning member gains from its plot."""


def flock(velocities: list[tuple[float, float]]) -> Bank:
    """Settled tracks of these velocities, all likely straight."""
    bank = new_bank(8)
    n = len(velocities)
    bank.x[:n, :, 3:5] = np.array(velocities)[:, None]
    bank.mu[:n] = 0.9, 0.05, 0.05
    bank.hits[:n], bank.solid_hits[:n], bank.alive[:n] = SETTLED_HITS, SETTLED_HITS, True
    return bank


def shared(bank: Bank, gained: np.ndarray, clusters: list[list[int]]) -> np.ndarray:
    """The model probabilities after sharing in these clusters of the tracks 0 .. n - 1."""
    order = np.array([k for cluster in clusters for k in cluster])
    start = np.cumsum([0, *map(len, clusters)])
    n = len(gained)
    share_turns(bank, np.arange(n), order, start, gained, np.empty(n), np.empty(n), np.empty(n, np.bool_))
    return bank.mu[:n].copy()


def test_a_member_without_a_plot_learns_of_the_turn_from_the_others():
    gained = np.array([TURN_LEFT, TURN_LEFT, [0.0] * 3])
    found = shared(flock([(200.0, 0.0), (205.0, 3.0), (198.0, -2.0)]), gained, [[0, 1, 2]])
    weight = np.array([0.9, 0.05, 0.05]) * np.exp(WEIGHT * 2.0 * (TURN_LEFT - TURN_LEFT.max()))
    expected = LEAST_CHANCE + (1.0 - 3.0 * LEAST_CHANCE) * weight / weight.sum()
    assert found[2] == pytest.approx(expected)
    assert found[2, 1] > 0.8
    # Each of the two that turned hears of one other only: its own plot is counted where it was updated.
    assert 0.05 < found[0, 1] < found[2, 1]


def test_who_flies_otherwise_neither_learns_nor_teaches():
    apart = SAME_MPS + 5.0
    gained = np.array([[0.0] * 3, [0.0] * 3, [0.0] * 3, TURN_LEFT])
    found = shared(flock([(200.0, 0.0), (200.0, 1.0), (201.0, 0.0), (200.0, apart)]), gained, [[0, 1, 2, 3]])
    kept = LEAST_CHANCE + (1.0 - 3.0 * LEAST_CHANCE) * np.array([0.9, 0.05, 0.05])
    assert found == pytest.approx(np.tile(kept, (4, 1)))


def test_two_are_no_formation_and_clusters_keep_to_themselves():
    gained = np.array([TURN_LEFT, [0.0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3])
    found = shared(flock([(200.0, 0.0)] * 5), gained, [[0, 1], [2, 3, 4]])
    assert found[:2] == pytest.approx(np.tile([0.9, 0.05, 0.05], (2, 1)))
    assert (found[2:, 1] < 0.06).all()


@pytest.mark.parametrize("column", ["hits", "solid_hits", "surprise"])
def test_a_fresh_a_heard_and_a_surprising_track_are_no_members(column):
    bank = flock([(200.0, 0.0)] * 4)
    getattr(bank, column)[3] = 50.0 if column == "surprise" else 0
    gained = np.array([TURN_LEFT, [0.0] * 3, [0.0] * 3, [0.0] * 3])
    found = shared(bank, gained, [[0, 1, 2, 3]])
    assert found[3] == pytest.approx([0.9, 0.05, 0.05])
    assert (found[1:3, 1] > 0.1).all()


def test_no_model_is_ruled_out_and_the_order_of_members_changes_no_more_than_rounding():
    rng = np.random.default_rng(5)
    speeds = [(float(e), float(n)) for e, n in rng.normal((200.0, 0.0), 12.0, (6, 2))]
    gained = 30.0 * rng.normal(size=(6, 3))
    found = shared(flock(speeds), gained, [list(range(6))])
    assert (found >= LEAST_CHANCE).all()
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert math.isfinite(found.sum())
    assert shared(flock(speeds), gained, [[3, 1, 5, 0, 4, 2]]) == pytest.approx(found, rel=1e-9)
