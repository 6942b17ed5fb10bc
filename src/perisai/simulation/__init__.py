"""Seeded raids and sensor networks."""
