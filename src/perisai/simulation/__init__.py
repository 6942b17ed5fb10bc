"""Seeded raids and sensor networks."""

from .network import default_network
from .observe import observe
from .record import Night, Wave, night_of, nights
from .scenarios import Scenario, benchmark_scenario
from .simulate import Simulated, simulate

__all__ = [
    "Night",
    "Scenario",
    "Simulated",
    "Wave",
    "benchmark_scenario",
    "default_network",
    "night_of",
    "nights",
    "observe",
    "simulate",
]
