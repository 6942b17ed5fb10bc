"""Rounding to a grid, with a covariance that owns up to it."""

import numpy as np

METRES_PER_DEGREE = 111_700.0
"""Over the longest degree of the ellipsoid (111,694 m, WGS84 at the pole): a step is never longer than was asked."""


def to_grid(lat: np.ndarray, lon: np.ndarray, step_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n,) in degrees moved to the nearest point of a grid of step_m, at most half a step on each axis.

    Points lie on parallels a step apart, and on each of these a step apart.
    """
    if step_m <= 0:
        return lat, lon
    step = step_m / METRES_PER_DEGREE
    north = np.clip(np.round(lat / step) * step, -90.0, 90.0)
    east_step = step / np.maximum(np.cos(np.radians(north)), step / 360.0)
    east = np.round(lon / east_step) * east_step
    return north, (east + 180.0) % 360.0 - 180.0


def round_to(values: np.ndarray, step: float) -> np.ndarray:
    """Values at the nearest multiple of a step; NaN stays."""
    return np.round(values / step) * step if step > 0 else values


def grown(variance: np.ndarray, step: float) -> np.ndarray:
    """A variance with that of the rounding error: uniform over a step, step**2 / 12. NaN (unknown) stays."""
    return variance + step * step / 12.0
