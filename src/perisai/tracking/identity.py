"""What an address is worth: one that names two places at once, or an airliner's on a flight no airliner makes.

An address is evidence and can be forged. The picture remembers which addresses it has seen fly as airliners do; the
same address on a slow, low flight that lasts longer than any approach is implausible.
"""

import numpy as np

from . import lifecycle as row
from .bank import CONFLICT, IMPLAUSIBLE, Bank
from .classify import AIRCRAFT
from .sites import MODES, RADAR_KINDS, Sites

APART_M = 5_000.0
"""Two tracks of one address this far apart are two objects, not one seen twice."""
FRESH_S = 60.0
"""A track not seen for longer no longer says where its address is."""
AIRLINER_MPS, AIRLINER_M = 150.0, 5_000.0
"""Faster and higher than both, only airliners and military jets fly for long."""
SLOW_FOR_S = 240.0
"""A flight slower than `classify.SLOW_MPS` for this long is no approach: 240 s at 60 m/s are 14 km."""


FORSAKEN = 0.25
"""Factor on a track's existence each time that a report with its address goes to another track."""
SEEN_S = 30.0
"""A radar's plot keeps a track that its own transponder has left for so long."""


def forsake(bank: Bank, used: int, sites: Sites, now_s: float) -> None:
    """Let tracks fade whose address now speaks from elsewhere: silence of a transponder says nothing, but one that
    reports another place does. An address that two objects share keeps both, as each has reports of its own."""
    alive, address = bank.alive[:used], bank.address[:used]
    named = alive & (address >= 0)
    spoken = named & bank.touched[:used]
    if not spoken.any():
        return
    speaks = np.zeros(int(address.max()) + 1, np.bool_)
    speaks[address[spoken]] = True
    left = np.flatnonzero(named & ~bank.touched[:used])
    left = left[speaks[address[left]]]
    if left.size:
        radar = sites.kind[np.maximum(bank.ring_sensor[left], 0)] <= RADAR_KINDS
        seen = (radar & (bank.ring_sensor[left] >= 0) & (bank.ring_hit[left] > now_s - SEEN_S)).any(axis=1)
        bank.r[left[~seen]] *= FORSAKEN


UNNAMED = 0.1
"""Chance that an aircraft in reach of a Mode S receiver names itself to none in LEAST_HITS detections; on the air over
a war nearly all that fly openly do: on five simulated nights (seeds 21-25 of `service.bench.calibration`) 3 % of those
in reach had no name. The rest is for those that fly without a transponder."""
LEAST_HITS = 5
REACH = 0.95
"""Share of a receiver's range out to which it hears what flies high: on the same nights all 98 aircraft asked about
between 0.8 and 0.95 of it had a name."""


def doubt_unnamed(bank: Bank, slots: np.ndarray, classes: np.ndarray, sites: Sites) -> None:
    """Lower the probability of an aircraft in classes (n, 7) of slots (n,) where one would have named itself."""
    receivers = np.flatnonzero(sites.kind == MODES)
    silent = np.flatnonzero((bank.address[slots] < 0) & (bank.hits[slots] >= LEAST_HITS))
    if not receivers.size or not silent.size:
        return
    place = bank.x[slots[silent], 0, :2]
    gap = np.hypot(place[:, :1] - sites.east_m[receivers], place[:, 1:] - sites.north_m[receivers])
    silent = silent[(gap < REACH * sites.max_range_m[receivers]).any(axis=1)]
    classes[silent, AIRCRAFT] *= UNNAMED
    classes[silent] /= classes[silent].sum(axis=1, keepdims=True)


class AddressMemory:
    """The addresses (codes) that this picture saw fly as airliners."""

    def __init__(self, airliners: set[int] | None = None) -> None:
        self.airliners = airliners or set()

    def flags(self, bank: Bank, used: int, slots: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Flags (n,) of `bank.flags` for the rows (n, 14) of slots (n,): those of the bank, conflict and memory."""
        bits = bank.flags[slots].copy()
        address = bank.address[slots]
        named = address >= 0
        if not named.any():
            return bits
        fast = named & (np.hypot(rows[:, row.VE], rows[:, row.VN]) > AIRLINER_MPS) & (rows[:, row.ALT] > AIRLINER_M)
        self.airliners.update(address[fast].tolist())
        since = bank.slow_since[slots]
        for k in np.flatnonzero(named & (since >= 0.0) & (bank.last[slots] - since > SLOW_FOR_S)):
            if int(address[k]) in self.airliners:
                bits[k] |= IMPLAUSIBLE
        return np.where(_in_two_places(bank, used, slots), bits | CONFLICT, bits)


def _in_two_places(bank: Bank, used: int, slots: np.ndarray) -> np.ndarray:
    """Whether another public track, seen lately and far from it, gives the same address as each of the slots (n,)."""
    out = np.zeros(slots.size, np.bool_)
    living = np.flatnonzero(bank.alive[:used] & (bank.ident[:used] >= 0) & (bank.address[:used] >= 0))
    if not living.size:
        return out
    count = np.bincount(bank.address[living])
    address = bank.address[slots]
    several = (address >= 0) & (address < count.size)
    several[several] = count[address[several]] > 1
    for k in np.flatnonzero(several):
        i = slots[k]
        others = living[(bank.address[living] == address[k]) & (living != i)]
        others = others[bank.last[others] > bank.last[i] - FRESH_S]
        # Most likely model of each; their differences are small beside APART_M.
        mine, theirs = bank.x[i, bank.mu[i].argmax()], bank.x[others, bank.mu[others].argmax(axis=1)]
        ahead = bank.t[i] - bank.t[others]
        apart = np.hypot(theirs[:, 0] + theirs[:, 3] * ahead - mine[0], theirs[:, 1] + theirs[:, 4] * ahead - mine[1])
        out[k] = bool((apart > APART_M).any())
    return out
