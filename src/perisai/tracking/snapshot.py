"""Copies of a tracker's whole state in memory, to go back to when something arrives late."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .bank import FREE, USED, Bank

UNSAVED = ("free", "counters", "cell", "after", "level", "gate_m")
"""Arrays of a bank that are kept apart, and those of the grid, which is built anew each beat."""


class Snapshot(NamedTuple):
    """The used slots of a bank (in the order of its fields), its free slots and counters, and the other arrays."""

    bank: tuple[np.ndarray, ...]
    free: np.ndarray
    counters: np.ndarray
    others: tuple[np.ndarray, ...]
    airliners: frozenset[int]

    @property
    def size_bytes(self) -> int:
        return sum(array.nbytes for array in self.bank) + self.free.nbytes


SAVED = tuple(name for name in Bank._fields if name not in UNSAVED)
IDENT = SAVED.index("ident")


def take(bank: Bank, others: Sequence[np.ndarray], airliners: set[int]) -> Snapshot:
    """A copy of the state."""
    used = int(bank.counters[USED])
    return Snapshot(
        tuple(getattr(bank, name)[:used].copy() for name in SAVED),
        bank.free[: bank.counters[FREE]].copy(),
        bank.counters.copy(),
        tuple(array.copy() for array in others),
        frozenset(airliners),
    )


def put_back(saved: Snapshot, bank: Bank, others: Sequence[np.ndarray]) -> None:
    """Bring the arrays back to the copy, in place; the bank may have grown since."""
    used, capacity = int(saved.counters[USED]), bank.t.size
    for name, array in zip(SAVED, saved.bank, strict=True):
        getattr(bank, name)[:used] = array
    # A bank that has grown hands out its new slots after all those it had: `grown` puts them under the others.
    fresh = capacity - (int(saved.counters[FREE]) + _taken(saved))
    bank.free[:fresh] = np.arange(capacity - 1, capacity - 1 - fresh, -1)
    bank.free[fresh : fresh + saved.free.size] = saved.free
    bank.counters[:] = saved.counters
    bank.counters[FREE] += fresh
    bank.alive[used:] = False
    for array, copy in zip(others, saved.others, strict=True):
        array[...] = copy


def _taken(saved: Snapshot) -> int:
    return int(saved.bank[SAVED.index("alive")].sum())
