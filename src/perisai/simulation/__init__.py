"""Seeded raids and sensor networks."""

from .civil import flights_truth
from .network import default_network
from .observe import observe
from .record import Night, Wave, night_of, nights
from .scenarios import MixedFeed, Scenario, benchmark_scenario, mixed_feed
from .simulate import Simulated, communities, made_up_night, median_night, raid_truth, simulate
from .truth_tracks import tracks_from_truth
from .visible import visible

__all__ = [
    "MixedFeed",
    "Night",
    "Scenario",
    "Simulated",
    "Wave",
    "benchmark_scenario",
    "communities",
    "default_network",
    "flights_truth",
    "made_up_night",
    "median_night",
    "mixed_feed",
    "night_of",
    "nights",
    "observe",
    "raid_truth",
    "simulate",
    "tracks_from_truth",
    "visible",
]
