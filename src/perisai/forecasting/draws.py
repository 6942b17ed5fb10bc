"""The random numbers all rollouts share: the same for every track and beat, so that a replay is exact and forecasts
differ from beat to beat only by what was learned, not by chance."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from .sobol import sobol

GOLDEN = (5.0**0.5 - 1.0) / 2.0
LEGS = 12
"""Most legs of one rollout inside the horizon; at the default rates more come in less than one of a million."""


class Draws(NamedTuple):
    """normal (particles, 4): position and velocity errors. wait (particles, LEGS): unit exponential waits. turn,
    speed (particles, LEGS): normals. coin (particles, LEGS): uniforms for loitering. life (particles,): exponential.
    aim (particles, LEGS): uniforms for the destination. which (particles,): uniforms for the leg it is on."""

    normal: np.ndarray
    wait: np.ndarray
    turn: np.ndarray
    speed: np.ndarray
    coin: np.ndarray
    life: np.ndarray
    aim: np.ndarray
    which: np.ndarray


def draw(particles: int) -> Draws:
    """Draws spread evenly by a scrambled Sobol sequence in the dimensions that matter, pseudo-random in the rest."""
    spread = np.clip(sobol(particles, np.random.default_rng(20250907).spawn(1)[0]), 1e-6, 1.0 - 1e-6)
    random = np.random.default_rng(826)
    wait = random.exponential(size=(particles, LEGS))
    turn = random.normal(size=(particles, LEGS))
    wait[:, 0] = -np.log(spread[:, 4])
    wait[:, 1] = -np.log(spread[:, 6])
    turn[:, 0] = _normal(spread[:, 5])
    return Draws(
        normal=_normal(spread[:, :4]),
        wait=wait,
        turn=turn,
        speed=random.normal(size=(particles, LEGS)),
        coin=random.uniform(size=(particles, LEGS)),
        life=-np.log(spread[:, 7]),
        aim=np.column_stack([spread[:, 8], random.uniform(size=(particles, LEGS - 1))]),
        which=(0.5 + GOLDEN * np.arange(particles)) % 1.0,
    )


def _normal(uniform: np.ndarray) -> np.ndarray:
    """The standard normal deviates that uniforms stand for; without scipy, which takes too long to load at a start."""
    deviates = [NormalDist().inv_cdf(value) for value in uniform.ravel().tolist()]
    return np.array(deviates).reshape(uniform.shape)


def first_draws(draws: Draws, particles: int) -> Draws:
    """The first of the draws: as many rollouts, spread as evenly as so few can be; all where there are no more."""
    return Draws(*(values[:particles] for values in draws))
