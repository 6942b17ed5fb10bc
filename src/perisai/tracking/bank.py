"""The tracks as a structure of arrays of fixed capacity, and the grid that finds them."""

from typing import NamedTuple

import numpy as np

from .settings import CLASSES, MODELS, RING, STATES

FREE, USED, NEXT_KEY = 0, 1, 2
"""Counters of a bank: free slots left, slots ever used, next birth number."""
SCAN_ID, SCAN_BEGAN, SCAN_LAST, SCAN_OPEN = 0, 1, 2, 3
"""Columns of what is known of each sensor's scan: its number, first and last time (s), whether it is open."""
CONFLICT, IMPLAUSIBLE = 1, 2
"""Bits of `flags`."""
LEVEL_SIZE_M = (2_500.0, 10_000.0, 40_000.0, 160_000.0)


class Bank(NamedTuple):
    """Capacity C. x (C,3,6), p (C,3,6,6), mu (C,3): see `motion`. t: time of the state, s since the tracker's epoch.

    r: existence. surprise: running mean of the squared distance of its detections, for two components. habit (C,2): how
    what it may be turns, rad/s, and the spread of that squared, (rad/s)2/s (`classify.mix_habits`).
    last: last detection, s. sent: last row, s, or -1. sigma_m: of the last position measured. key: birth
    number. ident: public number or -1. coupled: a polar measurement has tied height to place; without it the covariance
    is a 4 x 4 and a 2 x 2 block and all else in it is zero. log_class (C,7); shares (C,7): the class probabilities, to
    be reckoned anew where stale. label: class named by a sensor since the last beat or -1. address: code or -1.
    slow_since: since when it flies slowly (`classify.SLOW_MPS`), s, or -1. ring_*: the sensors that lately looked
    (ring_look) and reported (ring_hit, s). doubt (C,4): see `doubt`. gate_m: reach of its gate at the end of the beat.
    level, cell, after: its place in the grid and the next track there.
    """

    x: np.ndarray
    p: np.ndarray
    mu: np.ndarray
    t: np.ndarray
    r: np.ndarray
    surprise: np.ndarray
    habit: np.ndarray
    born: np.ndarray
    last: np.ndarray
    sent: np.ndarray
    sigma_m: np.ndarray
    hits: np.ndarray
    solid_hits: np.ndarray
    key: np.ndarray
    ident: np.ndarray
    alive: np.ndarray
    confirmed: np.ndarray
    touched: np.ndarray
    has_height: np.ndarray
    coupled: np.ndarray
    shares: np.ndarray
    stale: np.ndarray
    log_class: np.ndarray
    class_time: np.ndarray
    label: np.ndarray
    address: np.ndarray
    other_address: np.ndarray
    flags: np.ndarray
    slow_since: np.ndarray
    ring_sensor: np.ndarray
    ring_look: np.ndarray
    ring_hit: np.ndarray
    doubt: np.ndarray
    gate_m: np.ndarray
    level: np.ndarray
    cell: np.ndarray
    after: np.ndarray
    free: np.ndarray
    counters: np.ndarray


def new_bank(capacity: int) -> Bank:
    """An empty bank; slots are handed out from 0 upwards."""
    f, n = np.float64, capacity
    return Bank(
        x=np.zeros((n, MODELS, STATES)),
        p=np.zeros((n, MODELS, STATES, STATES)),
        mu=np.zeros((n, MODELS)),
        t=np.zeros(n),
        r=np.zeros(n),
        surprise=np.full(n, 2.0),
        habit=np.zeros((n, 2)),
        born=np.zeros(n),
        last=np.zeros(n),
        sent=np.full(n, -1.0),
        sigma_m=np.zeros(n),
        hits=np.zeros(n, np.int32),
        solid_hits=np.zeros(n, np.int32),
        key=np.zeros(n, np.int64),
        ident=np.full(n, -1, np.int64),
        alive=np.zeros(n, np.bool_),
        confirmed=np.zeros(n, np.bool_),
        touched=np.zeros(n, np.bool_),
        has_height=np.zeros(n, np.bool_),
        coupled=np.zeros(n, np.bool_),
        shares=np.zeros((n, len(CLASSES))),
        stale=np.ones(n, np.bool_),
        log_class=np.zeros((n, len(CLASSES)), f),
        class_time=np.zeros(n),
        label=np.full(n, -1, np.int32),
        address=np.full(n, -1, np.int32),
        other_address=np.full(n, -1, np.int32),
        flags=np.zeros(n, np.int32),
        slow_since=np.full(n, -1.0),
        ring_sensor=np.full((n, RING), -1, np.int32),
        ring_look=np.full((n, RING), -np.inf),
        ring_hit=np.full((n, RING), -np.inf),
        doubt=np.zeros((n, 4)),
        gate_m=np.zeros(n),
        level=np.full(n, -1, np.int32),
        cell=np.full(n, -1, np.int32),
        after=np.full(n, -1, np.int32),
        free=np.arange(n - 1, -1, -1, dtype=np.int32),
        counters=np.array([n, 0, 0], np.int64),
    )


def grown(bank: Bank, capacity: int) -> Bank:
    """The same tracks in the same slots of a larger bank."""
    old = bank.t.size
    new = new_bank(capacity)
    for name in Bank._fields:
        if name not in ("free", "counters"):
            getattr(new, name)[:old] = getattr(bank, name)
    fresh = capacity - old
    new.free[fresh : fresh + bank.counters[FREE]] = bank.free[: bank.counters[FREE]]
    new.free[:fresh] = np.arange(capacity - 1, old - 1, -1)
    new.counters[:] = bank.counters
    new.counters[FREE] += fresh
    return new


class Grid(NamedTuple):
    """Square cells of four sizes over the plane; a track lies in the size its gate fits in, chained by `Bank.after`.

    head: first track of each cell or -1, the levels one after the other. start, side, count (4,): where a level begins,
    how many cells it has in a row, how many tracks were put into it since it was rebuilt. reach_m (4,): the longest
    gate among them. size_m (4,). half_m: the plane is covered from -half to half; beyond, the border cells.
    """

    head: np.ndarray
    start: np.ndarray
    side: np.ndarray
    count: np.ndarray
    reach_m: np.ndarray
    size_m: np.ndarray
    half_m: float


def new_grid(half_m: float) -> Grid:
    """An empty grid; the smallest cells grow with the region so that no level passes 1,024 x 1,024 cells."""
    size = np.maximum(np.array(LEVEL_SIZE_M), 2.0 * half_m / 1024.0)
    side = np.ceil(2.0 * half_m / size).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(side * side)[:-1]])
    return Grid(
        head=np.full(int((side * side).sum()), -1, np.int32),
        start=start,
        side=side,
        count=np.zeros(size.size, np.int64),
        reach_m=np.zeros(size.size),
        size_m=size,
        half_m=float(half_m),
    )
