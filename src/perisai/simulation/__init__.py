"""Seeded raids and sensor networks."""

from .network import default_network
from .observe import observe
from .record import Night, Wave, night_of, nights
from .scenarios import Scenario, benchmark_scenario
from .simulate import Simulated, communities, made_up_night, median_night, raid_truth, simulate
from .truth_tracks import tracks_from_truth

__all__ = [
    "Night",
    "Scenario",
    "Simulated",
    "Wave",
    "benchmark_scenario",
    "communities",
    "default_network",
    "made_up_night",
    "median_night",
    "night_of",
    "nights",
    "observe",
    "raid_truth",
    "simulate",
    "tracks_from_truth",
]
