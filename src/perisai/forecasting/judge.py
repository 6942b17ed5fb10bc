"""What kind of object a track row speaks of, and whether it is neutral: identity, fitting flight and nothing amiss."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import THREATS, floats

DRONE, CRUISE, BALLISTIC, GLIDE_BOMB, AIRCRAFT, OTHER = range(len(THREATS))
FAST_MPS, HIGH_M = 700.0, 25_000.0
LOW_FAST_MPS, LOW_M = 140.0, 1_500.0
CIVIL_MPS, CIVIL_M = 340.0, 18_500.0
AIRCRAFT_SHARE = 0.5


def kinds(rows: pa.Table, speed_mps: np.ndarray, identified: np.ndarray) -> np.ndarray:
    """Index in THREATS of each row, int8 (n,): the likeliest class, or by flight alone where a row has none.

    Without classes: ballistic above 700 m/s or 25 km; aircraft with an identity; a cruise missile when fast and
    under 1,500 m; an aircraft when fast and high; else a drone (../shared TRACKING.md, section 9).
    """
    shares = np.stack([floats(rows[f"p_{threat}"]) for threat in THREATS], axis=1)
    known = ~np.isnan(shares).all(axis=1)
    alt_m = np.nan_to_num(floats(rows["alt_m"]), nan=0.0)
    plain = np.where(speed_mps > LOW_FAST_MPS, np.where(alt_m < LOW_M, CRUISE, AIRCRAFT), DRONE)
    plain = np.where(identified, AIRCRAFT, plain)
    plain = np.where((speed_mps > FAST_MPS) | (alt_m > HIGH_M), BALLISTIC, plain)
    best = np.argmax(np.nan_to_num(shares, nan=-1.0), axis=1)
    return np.where(known, best, plain).astype(np.int8)


def neutral(rows: pa.Table, speed_mps: np.ndarray, kind: np.ndarray, civil: frozenset[str]) -> np.ndarray:
    """Whether each row is of a neutral object, bool (n,).

    An identity alone proves nothing: the row must also be classed an aircraft (p_aircraft at least a half where it is
    known), fly as civil aircraft do (under 340 m/s and 18.5 km), bear no flag such as `identity_conflict`, and be in
    the register of civil identities when one is set.
    """
    addressed = _identified(rows)
    if civil:
        inside = pc.is_in(pc.utf8_lower(rows["address"]), value_set=pa.array(sorted(civil), pa.string()))
        addressed &= np.asarray(inside.combine_chunks().to_numpy(zero_copy_only=False), bool)
    share = floats(rows["p_aircraft"])
    fits = (kind == AIRCRAFT) & ~(share < AIRCRAFT_SHARE) & (speed_mps < CIVIL_MPS)
    fits &= ~(floats(rows["alt_m"]) > CIVIL_M)
    flagged = pc.fill_null(pc.greater(pc.list_value_length(rows["flags"]), 0), False)
    return addressed & fits & ~np.asarray(flagged.combine_chunks().to_numpy(zero_copy_only=False), bool)


def _identified(rows: pa.Table) -> np.ndarray:
    present = pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(rows["address"])), 0), False)
    return np.array(present.combine_chunks().to_numpy(zero_copy_only=False), bool)


def judge(rows: pa.Table, civil: frozenset[str]) -> tuple[np.ndarray, np.ndarray]:
    """(kind, neutral) of each row of a tracks table; see `kinds` and `neutral`."""
    speed = np.hypot(floats(rows["ve_mps"]), floats(rows["vn_mps"]))
    kind = kinds(rows, speed, _identified(rows))
    return kind, neutral(rows, speed, kind, civil)
