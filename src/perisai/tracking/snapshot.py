"""Copies of a tracker's whole state in memory, to go back to when something arrives late."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .bank import FREE, USED, Bank

UNSAVED = ("free", "counters", "cell", "after", "level", "gate_m")
"""Arrays of a bank that are kept apart, and those of the grid, which is built anew each beat."""


class Kept:
    """Arrays beside the bank that change together. Copies of them are shared between states until `changed` is called,
    which whoever writes into them must do: most beats change few of them, and they are large."""

    def __init__(self, *arrays: np.ndarray) -> None:
        self.arrays = arrays
        self.copy: tuple[np.ndarray, ...] | None = None
        """The arrays as they are now, where that is known."""

    def changed(self) -> None:
        self.copy = None

    def take(self) -> tuple[np.ndarray, ...]:
        if self.copy is None:
            self.copy = tuple(array.copy() for array in self.arrays)
        return self.copy

    def put_back(self, copy: tuple[np.ndarray, ...]) -> None:
        """Bring the arrays back to a copy, in place."""
        if copy is not self.copy:
            for array, saved in zip(self.arrays, copy, strict=True):
                array[...] = saved
            self.copy = copy


class Snapshot(NamedTuple):
    """The used slots of a bank (in the order of its fields), its free slots and counters, and the arrays beside it."""

    bank: tuple[np.ndarray, ...]
    free: np.ndarray
    counters: np.ndarray
    others: tuple[tuple[np.ndarray, ...], ...]
    airliners: frozenset[int]
    size_bytes: int
    """What the bank's part takes."""


SAVED = tuple(name for name in Bank._fields if name not in UNSAVED)
IDENT = SAVED.index("ident")


def take(bank: Bank, others: Sequence[Kept], airliners: frozenset[int]) -> Snapshot:
    """A copy of the state."""
    used = int(bank.counters[USED])
    arrays = tuple(getattr(bank, name)[:used].copy() for name in SAVED)
    free = bank.free[: bank.counters[FREE]].copy()
    size_bytes = sum([array.nbytes for array in arrays]) + free.nbytes
    return Snapshot(arrays, free, bank.counters.copy(), tuple([kept.take() for kept in others]), airliners, size_bytes)


def put_back(saved: Snapshot, bank: Bank, others: Sequence[Kept]) -> None:
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
    for kept, copy in zip(others, saved.others, strict=True):
        kept.put_back(copy)


def _taken(saved: Snapshot) -> int:
    return int(saved.bank[SAVED.index("alive")].sum())
