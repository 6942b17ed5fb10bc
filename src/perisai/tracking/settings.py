"""What a region may set about its tracker, and the constants that the kernels read."""

from typing import NamedTuple

import msgspec
import numpy as np

MODELS = 3
STATES = 6
RING = 8
"""Sensors remembered per track."""
CLASS_PRIOR = np.array([0.30, 0.05, 0.08, 0.04, 0.03, 0.38, 0.12])
"""Of CLASSES, before anything is known."""
CLASSES = ("drone", "jet_drone", "cruise", "ballistic", "glide_bomb", "aircraft", "other")


class TrackerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `Tracker`; the defaults are those of the specification.

    centre: (lat, lon) degrees of the region plane, else the middle of the sensors. turn_deg_s: rate of the two turns
    among the standard models (straight, left, right), of each of CLASSES; a track's is their mean by its class
    probabilities, as is turn_spread_deg_s. along_noise, across_noise: spectral density of their acceleration along and
    across the course, m2/s3; across it that of turn_spread_deg_s times the speed is added. agile_noise, thrust_noise,
    heard_noise: that of the straight models of the other sets; see `models`. vertical_noise, agile_vertical_noise,
    thrust_vertical_noise: upward. stay: probability that straight flight and that a turn lasts `stay_s`. gate: squared
    Mahalanobis distance for two components (others by equal tail). survival_s: mean life. undetected_per_km2: density
    of targets no sensor has reported yet. birth_speed_mps: 1 sigma of an unknown velocity. confirm: existence and hits
    at which a track is confirmed. delete: existence under which it ends. max_sigma_m: position sigma at which it ends,
    beside what its own sensors measure. coast_row_s: period of rows while nothing is heard. window_s: how late a
    detection may come. hold_back_s: detections wait so long for those that overtake them, so that fewer come late; the
    picture is as old. ahead_s: how far ahead of the frame its time may be; it waits for its own beat. state_bytes: how
    much memory the states to go back to may take.
    """

    centre: tuple[float, float] | None = None
    turn_deg_s: tuple[float, ...] = (3.6, 3.6, 4.9, 3.6, 3.6, 3.0, 3.6)
    turn_spread_deg_s: tuple[float, ...] = (2.2, 2.2, 2.2, 2.2, 2.2, 1.7, 2.2)
    along_noise: tuple[float, float, float] = (0.02, 0.2, 0.2)
    across_noise: tuple[float, float, float] = (0.02, 0.5, 0.5)
    agile_noise: tuple[float, float, float] = (1.0, 30.0, 1000.0)
    thrust_noise: tuple[float, float, float] = (1.0, 300.0, 40_000.0)
    heard_noise: tuple[float, float, float] = (0.003, 0.9, 30.0)
    vertical_noise: tuple[float, float, float] = (0.01, 0.5, 0.5)
    agile_vertical_noise: tuple[float, float, float] = (0.1, 3.0, 60.0)
    thrust_vertical_noise: tuple[float, float, float] = (1.0, 300.0, 40_000.0)
    stay: tuple[float, float] = (0.95, 0.75)
    stay_s: float = 4.0
    gate: float = 25.0
    survival_s: float = 1500.0
    undetected_per_km2: float = 3e-5
    clutter_floor: float = 0.1
    birth_speed_mps: float = 150.0
    birth_height_m: float = 3000.0
    birth_height_sigma_m: float = 2500.0
    confirm_existence: float = 0.99
    confirm_hits: int = 3
    warn_existence: float = 0.9
    warn_speed_mps: float = 400.0
    delete_existence: float = 0.02
    max_sigma_m: float = 2000.0
    coast_row_s: float = 10.0
    window_s: float = 60.0
    hold_back_s: float = 0.0
    ahead_s: float = 10.0
    state_bytes: int = 256_000_000
    capacity: int = 1024


class Motion(NamedTuple):
    """The jump process of the models, P(dt) = left diag(exp(rate dt)) right, and the noise (m2/s3) of each set (rows).

    along, across, vertical (3, 3).
    """

    left: np.ndarray
    rate: np.ndarray
    right: np.ndarray
    along: np.ndarray
    across: np.ndarray
    vertical: np.ndarray
    survival_s: float


def motion(settings: TrackerSettings) -> Motion:
    """The motion constants; the transition matrix for `stay_s` is cut at its real eigenvectors to scale to any time."""
    straight, turning = settings.stay
    away = 1.0 - straight
    other = 0.1 * (1.0 - turning)
    matrix = np.array(
        [
            [straight, 0.5 * away, 0.5 * away],
            [1.0 - turning - other, turning, other],
            [1.0 - turning - other, other, turning],
        ]
    )
    values, vectors = (np.real(part) for part in np.linalg.eig(matrix))
    order = np.argsort(-values)
    values, vectors = values[order], vectors[:, order]
    others = settings.agile_noise, settings.heard_noise, settings.thrust_noise
    calm = settings.vertical_noise
    return Motion(
        left=np.ascontiguousarray(vectors),
        rate=np.log(np.clip(values, 1e-9, 1.0)) / settings.stay_s,
        right=np.ascontiguousarray(np.linalg.inv(vectors)),
        along=np.array([settings.along_noise, *others], dtype=np.float64),
        across=np.array([settings.across_noise, *others], dtype=np.float64),
        vertical=np.array([calm, settings.agile_vertical_noise, calm, settings.thrust_vertical_noise]),
        survival_s=float(settings.survival_s),
    )


class Rules(NamedTuple):
    """The numbers of the settings that the kernels read, in SI units. habits (7, 2): how each class turns, rad/s, and
    the spread of that squared, (rad/s)2/s; new_habit (2,): their mean for a track of which nothing is known."""

    gate: float
    undetected_per_m2: float
    birth_speed_mps: float
    birth_height_m: float
    birth_height_sigma_m: float
    confirm_existence: float
    confirm_hits: int
    warn_existence: float
    warn_speed_mps: float
    delete_existence: float
    max_sigma_m: float
    coast_row_s: float
    habits: np.ndarray
    new_habit: np.ndarray


def rules(settings: TrackerSettings) -> Rules:
    """The rules of the settings."""
    habits = np.column_stack([np.radians(settings.turn_deg_s), np.radians(settings.turn_spread_deg_s) ** 2])
    return Rules(
        float(settings.gate),
        settings.undetected_per_km2 * 1e-6,
        float(settings.birth_speed_mps),
        float(settings.birth_height_m),
        float(settings.birth_height_sigma_m),
        float(settings.confirm_existence),
        int(settings.confirm_hits),
        float(settings.warn_existence),
        float(settings.warn_speed_mps),
        float(settings.delete_existence),
        float(settings.max_sigma_m),
        float(settings.coast_row_s),
        habits,
        CLASS_PRIOR @ habits,
    )
