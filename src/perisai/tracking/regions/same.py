"""Whether two regions' tracks are of one object: track-to-track association (Bar-Shalom, Willett and Tian 2011, 9.3).

Both saw the same detections in the overlap, so their errors go together and the true distance is smaller than their
covariances say; the gate errs to the side of one object, and the assignment takes the nearest.
"""

from collections.abc import Sequence

import numpy as np

from .known import LAT, LON, P_EE, P_NN, V_EE, V_NN, VE, VN, LocalTrack
from .region import METRES_A_DEGREE

GATE = 25.0
"""Squared distance in place and velocity up to which two tracks may be one; 99.99 % of chi-squared with four."""
APART = 60.0
"""Beyond it two that are one go apart, when they stay so."""
STAY = 8.0
"""What another partner has to be better by."""
FLOOR_M, FLOOR_MPS = 60.0, 5.0
UNKNOWN_M, UNKNOWN_MPS = 500.0, 30.0
SAME_ADDRESS, OTHER_ADDRESS = -6.0, 12.0
"""An identity is evidence, never proof: two squared distances of weight."""
LEAST_CHANCE = 0.02
MOST_S = 60.0
"""No track is carried further ahead than this."""


def distance2(a: Sequence[LocalTrack], b: Sequence[LocalTrack], at_us: int) -> np.ndarray:
    """Squared distance of each of a to each of b, both carried to at_us, with what class and identity say (a, b)."""
    place_a, velocity_a, spread_a, slack_a = _states(a, at_us)
    place_b, velocity_b, spread_b, slack_b = _states(b, at_us)
    north = METRES_A_DEGREE * (place_a[:, None, 0] - place_b[None, :, 0])
    turn = (place_a[:, None, 1] - place_b[None, :, 1] + 180.0) % 360.0 - 180.0
    east = METRES_A_DEGREE * turn * np.cos(np.radians(place_a[:, None, 0]))
    apart = np.stack([east, north], axis=-1)
    d2 = _mahalanobis(apart, spread_a[:, None] + spread_b[None, :], FLOOR_M)
    d2 += _mahalanobis(velocity_a[:, None] - velocity_b[None, :], slack_a[:, None] + slack_b[None, :], FLOOR_MPS)
    alike = np.stack([one.classes for one in a]) @ np.stack([one.classes for one in b]).T
    d2 -= 2.0 * np.log(np.maximum(alike, LEAST_CHANCE))
    for i, one in enumerate(a):
        for k, other in enumerate(b):
            if one.address and other.address:
                d2[i, k] += SAME_ADDRESS if one.address == other.address else OTHER_ADDRESS
    return d2


def assign(cost: np.ndarray) -> list[tuple[int, int]]:
    """The one-to-one pairs (row, column) of least total cost among those within the gate, cheapest first."""
    if not cost.size:
        return []
    from scipy.optimize import linear_sum_assignment  # half a second to load, needed by a country in regions only

    # What lies beyond the gate costs as much as two that stay alone.
    found = zip(*linear_sum_assignment(np.minimum(cost, GATE)), strict=True)
    inside = [(int(i), int(k)) for i, k in found if cost[i, k] < GATE]
    return sorted(inside, key=lambda pair: (float(cost[pair]), pair))


def _states(tracks: Sequence[LocalTrack], at_us: int) -> tuple[np.ndarray, ...]:
    """Places (n, 2: lat, lon) at at_us, velocities (n, 2: east, north), and the covariances of both (n, 3)."""
    x = np.stack([one.x for one in tracks])
    ahead = np.clip([(at_us - one.time_us) * 1e-6 for one in tracks], 0.0, MOST_S)
    slack = _known(x[:, V_EE : V_NN + 1], UNKNOWN_MPS)
    spread = _known(x[:, P_EE : P_NN + 1], UNKNOWN_M) + slack * ahead[:, None] ** 2
    lat = x[:, LAT] + ahead * x[:, VN] / METRES_A_DEGREE
    lon = x[:, LON] + ahead * x[:, VE] / (METRES_A_DEGREE * np.cos(np.radians(x[:, LAT])))
    return np.stack([lat, lon], axis=1), x[:, [VE, VN]], spread, slack


def _known(covariance: np.ndarray, sigma: float) -> np.ndarray:
    known = np.isfinite(covariance).all(axis=1, keepdims=True)
    return np.where(known, covariance, np.array([sigma**2, 0.0, sigma**2]))


def _mahalanobis(apart: np.ndarray, covariance: np.ndarray, floor: float) -> np.ndarray:
    """Squared; apart (..., 2), covariance (..., 3: xx, xy, yy), to which floor squared is added."""
    xx, xy, yy = covariance[..., 0] + floor**2, covariance[..., 1], covariance[..., 2] + floor**2
    x, y = apart[..., 0], apart[..., 1]
    return (yy * x * x - 2.0 * xy * x * y + xx * y * y) / np.maximum(xx * yy - xy * xy, 1e-9)
