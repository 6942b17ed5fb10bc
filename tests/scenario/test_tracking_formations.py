"""Raids: groups of ten that turn together, 700 m across, in plots of 100 m sigma."""

import numpy as np

from perisai.service.bench.targets import frames, scenario, standing
from perisai.service.bench.tracking import score
from perisai.tracking import Tracker


def test_the_tracks_of_a_raid_stay_with_their_targets():
    found = []
    for seed in (20, 21, 22, 23):
        made = scenario("raid", 100, seed)
        tracker = Tracker([made.sensor])
        found.append(score(made, standing([tracker.step(frame) for frame in frames(made)], made)))
    # Looking at each member by itself: 1746 m, and in a thousand targets 0.55 switches.
    assert np.mean([one["gospa_m"] for one in found]) < 1600.0
    assert np.mean([one["switches_per_target_min"] for one in found]) < 0.55
