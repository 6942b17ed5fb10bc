"""Scratch arrays of the kernels."""

from typing import NamedTuple

import numpy as np

from .settings import MODELS, STATES


class Work(NamedTuple):
    """Scratch of the kernels, so that none allocates in a loop; transition and cached_dt belong to `advance`."""

    transition: np.ndarray
    cached_dt: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    norms: np.ndarray
    mean: np.ndarray
    gain: np.ndarray
    row: np.ndarray
    pairs: np.ndarray
    x: np.ndarray
    p: np.ndarray
    seen: np.ndarray
    slope: np.ndarray
    found: np.ndarray
    stamp: np.ndarray
    local: np.ndarray


def new_work(capacity: int) -> Work:
    """Scratch for a bank of this capacity."""
    n, k = STATES, MODELS
    return Work(
        transition=np.zeros((k, k)),
        cached_dt=np.full(1, -1.0),
        weights=np.zeros((k, k)),
        offsets=np.zeros((2 * k, n)),
        norms=np.zeros(k),
        mean=np.zeros(n),
        gain=np.zeros(n),
        row=np.zeros(n),
        pairs=np.zeros((k * k, 16)),
        x=np.zeros((1, k, n)),
        p=np.zeros((1, k, n, n)),
        seen=np.zeros((1, 4)),
        slope=np.zeros((1, 4, n)),
        found=np.zeros(capacity, np.int64),
        stamp=np.full(capacity, -1, np.int64),
        local=np.zeros(capacity, np.int64),
    )
