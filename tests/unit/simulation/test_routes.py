"""The way an object takes: no sharp turn, none just before the target, and groups that go to one region."""

import numpy as np

from perisai.geodesy import plane_at
from perisai.simulation.manners import CRUISE, DRONES
from perisai.simulation.routes import Targets, beside, dog_legs


def _turns_deg(points: list[np.ndarray]) -> np.ndarray:
    runs = np.diff(np.array(points), axis=0)
    course = np.arctan2(runs[:, 0], runs[:, 1])
    return np.degrees(np.abs((np.diff(course) + np.pi) % (2.0 * np.pi) - np.pi))


def _ways(manners):
    rng = np.random.default_rng(5)
    for _ in range(300):
        goal = rng.uniform(150e3, 600e3) * np.array([np.sin(a := rng.uniform(0.0, 2.0 * np.pi)), np.cos(a)])
        yield dog_legs(rng, np.zeros(2), goal, manners)


def test_courses_change_by_tens_of_degrees():
    for manners in (DRONES, CRUISE):
        turns = np.concatenate([_turns_deg(way) for way in _ways(manners)])
        assert 10.0 < np.median(turns) < 30.0
        assert np.quantile(turns, 0.99) < 75.0


def test_the_last_run_is_long_and_no_leg_is_longer_than_its_share_of_the_way():
    for manners in (DRONES, CRUISE):
        for way in _ways(manners):
            runs = np.hypot(*np.diff(np.array(way), axis=0).T)
            left = np.hypot(*(np.array(way) - way[-1]).T)
            assert np.all(runs[:-1] <= manners.leg_share * left[:-2] + 1.0)
            assert runs[-1] >= (manners.last_m + manners.leg_m[0]) * (1.0 - manners.leg_share) - 1.0


def test_a_detour_turns_by_at_most_about_sixty_degrees():
    rng = np.random.default_rng(6)
    start, goal = np.zeros(2), np.array([300e3, 40e3])
    assert all(_turns_deg([start, beside(rng, start, goal), goal])[0] < 75.0 for _ in range(300))


def test_a_target_ahead_is_preferred_where_there_is_one():
    east, north = np.array([100e3, -100e3, 0.0]), np.array([0.0, 0.0, 100e3])
    targets = Targets(plane_at(49.0, 31.0), east, north, np.full(3, 1e3), np.ones(3))
    rng = np.random.default_rng(7)
    for _ in range(50):
        assert targets.choose(rng, np.zeros(2), 150e3, course=np.array([1.0, 0.0]))[0] > 90e3
