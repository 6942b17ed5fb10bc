"""Sound in still air: how far a sensor hears a kind of threat, and how far a siren is heard."""

import math

from perisai.model import BadInputError

ABSORPTION_DB_PER_KM = 1.0
"""Of the air at 250 Hz, 10 degrees, 70 % humidity (ISO 9613-2, table 2): the band of propellers and small engines."""
SIREN_LIMIT_DB = 70.0
SIREN_REFERENCE_M = 30.48
"""Sirens are rated in dB(A) at 100 feet."""
SIREN_FALL_DB = 10.0
"""Per doubling of distance over built-up ground (FEMA CPG 1-17)."""


def siren_radius_m(level_db: float) -> float:
    """Distance, m, at which a siren falls to 70 dB(A); level_db: rated at 100 feet (30.5 m).

    FEMA CPG 1-17, Outdoor Warning Systems Guide: 10 dB less per doubling, 70 dB(A) the least that counts.
    Raises BadInputError for a level that is not above 70 dB.
    """
    if not level_db > SIREN_LIMIT_DB:
        raise BadInputError("siren_db", str(level_db), "a level at 100 feet above 70 dB(A)")
    return SIREN_REFERENCE_M * 2.0 ** ((level_db - SIREN_LIMIT_DB) / SIREN_FALL_DB)


def loss_db(distance_m: float) -> float:
    """What still air takes from a level at 1 m: 20 log10(d) by spreading (at least 1 m) and the absorption."""
    return 20.0 * math.log10(max(distance_m, 1.0)) + ABSORPTION_DB_PER_KM * distance_m / 1000.0


def hearing_radius_m(reference_radius_m: float, louder_db: float) -> float:
    """Radius, m, for a source that is louder (or quieter, below 0) than the one heard to the reference radius.

    Solves loss(r) = loss(reference) + louder_db by bisection; the loss grows with distance, so there is one answer.
    """
    target = loss_db(reference_radius_m) + louder_db
    low, high = 1.0, 2.0
    while loss_db(high) < target:
        high *= 2.0
    if loss_db(low) >= target:
        return low
    for _ in range(60):
        mid = 0.5 * (low + high)
        if loss_db(mid) < target:
            low = mid
        else:
            high = mid
    return high


def ground_radius_m(slant_m: float, height_m: float) -> float:
    """Radius on the ground, m, of a slant range for a source at a height; 0 when it flies above reach."""
    return math.sqrt(max(slant_m * slant_m - height_m * height_m, 0.0))
