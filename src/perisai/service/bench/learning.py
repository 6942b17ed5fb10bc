"""What `perisai fit` gains: nights of an enemy that flies otherwise than the settings think, and what learns it."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.forecasting import ForecastSettings
from perisai.geodesy import plane_at, to_plane
from perisai.model import Areas
from perisai.simulation import communities, tracks_from_truth
from perisai.simulation.flights import Flight, on_earth, truth_table
from perisai.simulation.manners import DRONES, Manners
from perisai.simulation.motion import follow
from perisai.simulation.record import launch_areas
from perisai.simulation.routes import dog_legs

from ..learning import learn, log_score, truth_of

LEARN_SEEDS, HELD_SEEDS = (301, 302), (7311, 7312)
"""Nights learned from, and nights that only score; nothing is chosen on the latter."""
OBJECTS, SPAN_S = 24, 1800.0
FROM = ("Kursk oblast", "Bryansk oblast", "Millerovo", "Chauda, Crimea")
START_US = 1_767_225_600_000_000


@dataclass(frozen=True, slots=True)
class Enemy:
    """leg_m: shortest and longest leg. scatter_deg: of its course off the bearing of the goal, 1 sigma. power: of
    residents, by which goals are drawn. reach_m: e-folding of goals with distance."""

    leg_m: tuple[float, float]
    scatter_deg: float
    power: float
    reach_m: float = 200e3

    @property
    def manners(self) -> Manners:
        """How it finds its way: the simulation's law with these legs."""
        last_m = 0.2 * self.leg_m[0]
        return replace(DRONES, leg_m=self.leg_m, leg_share=0.8, scatter_deg=self.scatter_deg, last_m=last_m)


ENEMIES = {
    "restless: legs of 4 to 12 km, 50 degrees": Enemy((4e3, 12e3), 50.0, 0.7),
    "straight: legs of 60 to 150 km, 8 degrees": Enemy((60e3, 150e3), 8.0, 0.7),
    "at places of any size": Enemy((12e3, 60e3), 25.0, 0.0),
}


def night(seed: int, enemy: Enemy, areas: Areas, objects: int = OBJECTS) -> pa.Table:
    """The truth of a raid of drones that fly alone, each to a goal of its own."""
    rng = np.random.default_rng(seed)
    plane = plane_at(float(np.mean(areas.lat)), float(np.mean(areas.lon)))
    goals = np.column_stack(to_plane(plane, areas.lat, areas.lon))
    places = [launch_areas()[name] for name in FROM]
    starts = np.column_stack(to_plane(plane, *np.array([(place.lat, place.lon) for place in places]).T))
    flights = []
    for _ in range(objects):
        start = starts[rng.integers(len(starts))] + rng.normal(0.0, 15e3, 2)
        gap = np.hypot(*(goals - start).T)
        weight = np.maximum(areas.population, 500.0) ** enemy.power * np.exp(-gap / enemy.reach_m) * (gap > 60e3)
        goal = goals[rng.choice(len(goals), p=weight / weight.sum())]
        points = dog_legs(rng, start, goal, enemy.manners)
        way = np.column_stack([points, np.full(len(points), 900.0)])
        rows = follow(way, float(rng.uniform(50.0, 52.8)), 3.0, 3.0, 10.0)
        flights.append(
            Flight(START_US + round(rng.uniform(0.0, SPAN_S)) * 1_000_000, on_earth(plane, rows), "drone", True, True)
        )
    return truth_table(flights)


def run(quick: bool = False) -> dict[str, Any]:
    """For each enemy what was learned, and log scores before and after on nights not learned from. Quick: one enemy."""
    areas = communities()
    return {"enemies": [gain(name, enemy, areas) for name, enemy in list(ENEMIES.items())[: 1 if quick else None]]}


def gain(name: str, enemy: Enemy, areas: Areas) -> dict[str, Any]:
    """Learn from the nights of LEARN_SEEDS, score those of HELD_SEEDS."""
    began = time.process_time()
    present = ForecastSettings()
    learned = learn([_tracks(seed, enemy, areas) for seed in LEARN_SEEDS], areas, "drone", present)
    held = []
    for seed in HELD_SEEDS:
        tracks = _tracks(seed, enemy, areas)
        before, after = (log_score(tracks, truth_of(tracks), areas, s) for s in (present, learned.settings))
        held.append({"seed": seed, "log_score_before": before, "log_score_after": after})
    motion = learned.settings.drone
    return {
        "enemy": name, "learned_from": LEARN_SEEDS, "steps": learned.steps, "turns_counted": learned.counted.turns,
        "log_score_learned_before": learned.before, "log_score_learned_after": learned.after, "held_out": held,
        "turns_per_hour": motion.turns_per_hour, "turn_sigma_deg": motion.turn_sigma_deg,
        "course_pull": motion.course_pull, "aim_share": motion.aim_share,
        "destination_power": learned.settings.destination_power, "cpu_s": round(time.process_time() - began, 1),
    }  # fmt: skip


def _tracks(seed: int, enemy: Enemy, areas: Areas) -> pa.Table:
    return tracks_from_truth(night(seed, enemy, areas), seed)
