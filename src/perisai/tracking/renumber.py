"""Public numbers after a replay: a track keeps the number under which it was published."""

from typing import NamedTuple

import numpy as np

from .bank import USED, Bank
from .lifecycle import ENDED
from .output import Shown
from .settings import MODELS, STATES

SAME_M = 3_000.0
"""A track of the replay this near to one published before the late rows came, is the same."""


class Public(NamedTuple):
    """The living tracks with a public number: number, slot, birth (s), place at the end (m), time (s), existence."""

    ident: np.ndarray
    born: np.ndarray
    place: np.ndarray
    state: np.ndarray


def public(bank: Bank, end_s: float) -> Public:
    """Those of a bank; state (n, 22): what differs where anything about a track does."""
    used = int(bank.counters[USED])
    slots = np.flatnonzero(bank.alive[:used] & (bank.ident[:used] >= 0))
    x = bank.x[slots, bank.mu[slots].argmax(axis=1)]
    ahead = (end_s - bank.t[slots])[:, None]
    flat = bank.x[slots].reshape(slots.size, MODELS * STATES)
    columns = (flat, bank.mu[slots], bank.t[slots, None], bank.r[slots, None])
    return Public(bank.ident[slots].copy(), bank.born[slots], x[:, :2] + ahead * x[:, 3:5], np.hstack(columns))


def renames(before: Public, after: Public, kept: np.ndarray, top: int) -> dict[int, int]:
    """Number given in the replay (above `top`) to the one its track had before.

    kept: numbers that were in the state the replay began with. Pairs that began with the same detection come first,
    then the nearest.
    """
    old = np.flatnonzero(~np.isin(before.ident, kept))
    new = np.flatnonzero(after.ident > top)
    if not old.size or not new.size:
        return {}
    rows, columns = _near(before.place[old], after.place[new])
    apart = np.hypot(*(before.place[old[rows]] - after.place[new[columns]]).T)
    near = apart <= SAME_M
    rows, columns, apart = rows[near], columns[near], apart[near]
    other = before.born[old[rows]] != after.born[new[columns]]
    rank = np.lexsort((columns, rows, apart, other))
    out: dict[int, int] = {}
    taken: set[int] = set()
    numbers, names = after.ident[new[columns[rank]]], before.ident[old[rows[rank]]]
    for number, name in zip(numbers.tolist(), names.tolist(), strict=True):
        if number not in out and name not in taken:
            out[number] = name
            taken.add(name)
    return out


def _near(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (rows of left (n, 2), rows of right (m, 2)) that lie within SAME_M of each other along the first axis."""
    order = np.argsort(right[:, 0])
    along = right[order, 0]
    first = np.searchsorted(along, left[:, 0] - SAME_M, side="left")
    count = np.searchsorted(along, left[:, 0] + SAME_M, side="right") - first
    rows = np.repeat(np.arange(len(left)), count)
    place = np.arange(rows.size) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return rows, order[place]


def renamed(numbers: np.ndarray, names: dict[int, int]) -> np.ndarray:
    """The numbers (n,) with the names of those that have one."""
    if not names or not numbers.size:
        return numbers
    keys = np.array(sorted(names))
    values = np.array([names[key] for key in keys.tolist()])
    at = np.minimum(np.searchsorted(keys, numbers), keys.size - 1)
    return np.where(keys[at] == numbers, values[at], numbers)


def changed_rows(before: Public, after: Public, shown: list[Shown], again: Shown | None) -> list[Shown]:
    """Rows that a replay adds to the picture: the newest of each track that it changed, and the end of each it undid.

    before, after: the public tracks without and with the late rows. shown: what was published in the beats before;
    again: what the beats computed again put out.
    """
    out: list[Shown] = []
    ended = np.empty(0, np.int64)
    # Numbers sorted, and where each stands.
    old, new = np.argsort(before.ident), np.argsort(after.ident)
    if again is not None:
        track, over = again.ident, again.status == ENDED
        # The newest row of a track is its last; the first of the reversed is what `unique` finds.
        newest = track.size - 1 - np.unique(track[::-1], return_index=True)[1]
        name = track[newest]
        known, a = _find(before.ident, old, name)
        living, b = _find(after.ident, new, name)
        both = np.flatnonzero(known & living)
        told = over[newest] & ~known
        told[both] |= (before.state[a[both]] == after.state[b[both]]).all(axis=1)
        ended = name[over[newest]]
        out.append(again.pick(np.sort(newest[~told])))
    living, _ = _find(after.ident, new, before.ident[old])
    gone = before.ident[old[~living]]
    for number in gone.tolist():
        if number in ended:
            continue
        for part in reversed(shown):
            rows = np.flatnonzero(part.ident == number)
            if rows.size:
                last = part.pick(rows[-1:])
                out.append(last._replace(status=np.full(1, ENDED)))
                break
    return out


def _find(idents: np.ndarray, order: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(whether each name (n,) is among the idents, and where); order sorts the idents."""
    if not idents.size:
        return np.zeros(names.size, np.bool_), np.zeros(names.size, np.int64)
    at = order[np.minimum(np.searchsorted(idents, names, sorter=order), idents.size - 1)]
    return idents[at] == names, at
