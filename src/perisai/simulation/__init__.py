"""Seeded raids and sensor networks."""

from .scenarios import Scenario, benchmark_scenario

__all__ = ["Scenario", "benchmark_scenario"]
