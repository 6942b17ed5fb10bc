"""Where objects are sent and the way they take there: populated targets, dog-legs, detours, loitering."""

from dataclasses import dataclass

import numpy as np

from perisai.geodesy import Plane, plane_at, to_plane
from perisai.model import Areas

from .manners import Manners


@dataclass(frozen=True, slots=True)
class Targets:
    """Areas as targets on the plane: east, north, radius (m) and weight, each (n,)."""

    plane: Plane
    east: np.ndarray
    north: np.ndarray
    radius_m: np.ndarray
    weight: np.ndarray

    def choose(
        self,
        rng: np.random.Generator,
        start: np.ndarray,
        reach_m: float,
        nearest_m: float = 0.0,
        course: np.ndarray | None = None,
    ) -> np.ndarray:
        """A point (2,) inside an area drawn by weight, fading with distance from the start as exp(-d / reach_m).

        course: unit vector (2,); areas more than 60 degrees off it are taken only where there is no other.
        """
        east, north = self.east - start[0], self.north - start[1]
        gap = np.hypot(east, north)
        far_enough = np.maximum(gap - max(nearest_m, gap.min()), 0.0)
        weight = np.where(gap < nearest_m, 1e-9, 1.0) * self.weight * np.exp(-far_enough / reach_m)
        if course is not None:
            weight *= np.where(east * course[0] + north * course[1] < 0.5 * gap, 1e-9, 1.0)
        i = int(rng.choice(len(weight), p=weight / weight.sum()))
        angle, part = rng.uniform(0.0, 2.0 * np.pi), 0.7 * np.sqrt(rng.random())
        offset = part * self.radius_m[i] * np.array([np.sin(angle), np.cos(angle)])
        return np.array([self.east[i], self.north[i]]) + offset


def targets_of(areas: Areas, rng: np.random.Generator) -> Targets:
    """Targets weighted by population to the power 0.7 and by a noise of the night, so that nights differ in focus."""
    plane = plane_at(float(np.mean(areas.lat)), float(np.mean(areas.lon)))
    east, north = to_plane(plane, areas.lat, areas.lon)
    people = areas.population if areas.population.any() else np.ones(len(areas))
    weight = people**0.7 * rng.lognormal(0.0, 0.8, len(areas))
    return Targets(plane, east, north, areas.radius_m, weight)


def dog_legs(rng: np.random.Generator, start: np.ndarray, target: np.ndarray, manners: Manners) -> list[np.ndarray]:
    """Points (2,), m on the plane, from the start to the target: legs whose courses scatter about the target's bearing
    (normal, cut at 80 degrees), at most 200."""
    points = [start]
    place = start
    for _ in range(200):
        to = target - place
        gap = float(np.hypot(*to))
        if gap < manners.last_m + manners.leg_m[0]:
            break
        leg = min(rng.uniform(*manners.leg_m), manners.leg_share * gap)
        course = np.arctan2(*to) + np.radians(np.clip(rng.normal(0.0, manners.scatter_deg), -80.0, 80.0))
        place = place + leg * np.array([np.sin(course), np.cos(course)])
        points.append(place)
    return [*points, target]


def beside(rng: np.random.Generator, start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """A place (2,) beside the way, near its middle: by it the way turns by up to 60 degrees."""
    along = goal - start
    across = np.array([-along[1], along[0]])
    return start + rng.uniform(0.4, 0.6) * along + rng.uniform(-0.3, 0.3) * across


def loiter(rng: np.random.Generator, middle: np.ndarray, radius_m: float, laps: float) -> list[np.ndarray]:
    """Points of a circle flown about a middle, eight a lap."""
    first, side = rng.uniform(0.0, 2.0 * np.pi), rng.choice([-1.0, 1.0])
    angles = first + side * np.arange(int(8 * laps) + 1) * np.pi / 4.0
    return [middle + radius_m * np.array([np.sin(a), np.cos(a)]) for a in angles]
