"""The smooth Earth: what a radar sees when no terrain is given, in closed form."""

import math
from typing import Any

import numpy as np

from perisai.geodesy import MEAN_RADIUS_M

REFRACTION = 4.0 / 3.0
"""Radio waves bend with the air's density: rays are straight over an Earth 4/3 as large (ITU-R P.834)."""
EFFECTIVE_DIAMETER_M = 2.0 * REFRACTION * MEAN_RADIUS_M
ROOT_M = math.sqrt(EFFECTIVE_DIAMETER_M)
"""The horizon's distance for a height of one metre: 4.12 km a root metre."""


def horizon_m(antenna_m: Any, target_m: Any) -> Any:
    """Farthest distance, m, at which a target is seen over the smooth Earth; heights in m above it, arrays or scalars.

    d = sqrt(2 k R) (sqrt(h1) + sqrt(h2)), with k = 4/3; heights below 0 count as 0.
    """
    return ROOT_M * (np.sqrt(np.maximum(antenna_m, 0.0)) + np.sqrt(np.maximum(target_m, 0.0)))


def lowest_visible_smooth_m(antenna_m: float, distance_m: Any) -> Any:
    """Least height, m above the smooth Earth, that is seen at a distance: the inverse of `horizon_m`."""
    beyond = np.maximum(np.asarray(distance_m) - ROOT_M * math.sqrt(max(antenna_m, 0.0)), 0.0)
    return beyond * beyond / EFFECTIVE_DIAMETER_M
