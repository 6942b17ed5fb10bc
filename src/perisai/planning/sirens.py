"""Sirens: where people are, block by block, and which of them hear a siren."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from perisai.geodesy import Plane, to_plane
from perisai.model import Areas

DENSITY_PER_KM2 = 2_000.0
"""Residents of an area are taken to live round its middle at this density (a town), not spread over its fields."""
BLOCK_M = 800.0
MOST_BLOCKS = 60_000


@dataclass(frozen=True, slots=True)
class Blocks:
    """b blocks of people on the plane: east, north m, people in each, and the index of their area."""

    east: np.ndarray
    north: np.ndarray
    people: np.ndarray
    area: np.ndarray

    def __len__(self) -> int:
        return len(self.east)


def blocks_of(areas: Areas, plane: Plane) -> Blocks:
    """The residents of each area in hexagonal blocks of a disc round its middle, never larger than the area itself."""
    east, north = to_plane(plane, areas.lat, areas.lon)
    radius = np.minimum(np.sqrt(areas.population / (np.pi * DENSITY_PER_KM2)) * 1e3, areas.radius_m)
    size = max(BLOCK_M, float(np.sqrt(np.pi * (radius**2).sum() / 0.866 / MOST_BLOCKS)))
    parts: list[np.ndarray] = []
    for a in np.flatnonzero(areas.population > 0):
        reach = int(np.ceil(radius[a] / size)) + 1
        step = np.arange(-reach, reach + 1)
        row = np.repeat(step, len(step))
        x, y = (np.tile(step, len(step)) + 0.5 * (row % 2)) * size, row * size * np.sqrt(0.75)
        inside = x * x + y * y <= max(radius[a], 0.5 * size) ** 2
        n = int(inside.sum())
        people = np.full(n, areas.population[a] / n)
        parts.append(np.column_stack([east[a] + x[inside], north[a] + y[inside], people, np.full(n, a)]))
    rows = np.concatenate(parts) if parts else np.empty((0, 4))
    return Blocks(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3].astype(np.int64))


def heard(blocks: Blocks, east: np.ndarray, north: np.ndarray, radius_m: float) -> list[np.ndarray]:
    """For each siren the blocks (rising indices) whose middle hears it."""
    if not len(blocks):
        return [np.empty(0, np.int32) for _ in east]
    tree = KDTree(np.column_stack([blocks.east, blocks.north]))
    near = tree.query_ball_point(np.column_stack([east, north]), radius_m, return_sorted=True)
    return [np.array(found, np.int32) for found in near]


def reached_share(blocks: Blocks, hears: np.ndarray, areas: int, app: float) -> np.ndarray:
    """Share of each area's residents whom an alert reaches, (areas,): by cell or app (`app`), or by a siren they hear.

    hears: bool (b,). The two are taken as independent.
    """
    total = np.bincount(blocks.area, blocks.people, areas)
    by_siren = np.bincount(blocks.area[hears], blocks.people[hears], areas) / np.maximum(total, 1e-9)
    return 1.0 - (1.0 - app) * (1.0 - by_siren)
