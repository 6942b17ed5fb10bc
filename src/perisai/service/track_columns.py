"""Tracks as a tick carries them (docs/architecture.md): a structure of arrays."""

from typing import Any

import numpy as np

from perisai.model import STATUSES, THREATS

FLOATS = ("lat", "lon", "alt_m", "ve_mps", "vn_mps", "p_ee", "p_en", "p_nn")
WIRE = ("lat", "lon", "alt_m", "ve", "vn", "p_ee", "p_en", "p_nn")


def track_columns(rows: list[dict[str, Any]], number: str = "<u4") -> dict[str, bytes]:
    """Rows of tracks as little-endian arrays. number: type of the column `id`; partners' numbers may be large."""
    # Unknown is not zero: an altitude that no sensor measured goes out as NaN.
    unknown = {"alt_m": np.nan}
    table = {
        wire: np.array([unknown.get(name, 0.0) if row[name] is None else row[name] for row in rows], dtype="<f4")
        for name, wire in zip(FLOATS, WIRE, strict=True)
    }
    classes = np.array([[row[f"p_{threat}"] or 0.0 for threat in THREATS] for row in rows]).reshape(
        len(rows), len(THREATS)
    )
    table["id"] = np.array([row["track"] for row in rows], dtype=number)
    table["existence"] = _byte([row["existence"] or 0.0 for row in rows])
    table["confidence"] = _byte(classes.max(axis=1, initial=0.0))
    table["threat"] = classes.argmax(axis=1).astype("u1") if rows else np.zeros(0, "u1")
    table["status"] = np.array([STATUSES.index(row["status"] or "confirmed") for row in rows], dtype="u1")
    table["neutral"] = np.array([is_neutral(row) for row in rows], dtype="u1")
    return {name: column.tobytes() for name, column in table.items()}


def _byte(values: Any) -> np.ndarray:
    return np.round(255 * np.clip(np.asarray(values, dtype=float), 0, 1)).astype("u1")


def is_neutral(row: dict[str, Any]) -> bool:
    """Shown as neutral: an identity held without conflict on a flight that is an aircraft's. For the eye only."""
    if row.get("neutral") is not None:  # whoever gives the track says so
        return bool(row["neutral"])
    return bool(row["address"]) and not row["flags"] and (row["p_aircraft"] or 0.0) >= 0.5
