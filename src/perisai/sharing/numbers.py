"""Track numbers for a partner: always the same for one track, and they tell nothing of ours without the key.

A Feistel network is a permutation whatever its round function is (Luby & Rackoff 1988), so no two tracks get one
number, and there is nothing to keep: a restart or another machine with the key gives the same.
"""

import hashlib

BITS = 52
"""Below 2**53 a number survives JSON."""

_HALF = BITS // 2
_MASK = (1 << _HALF) - 1
_ROUNDS = 8


def partner_number(track: int, key: bytes) -> int:
    """The number under which a partner sees a track. track: 0 to 2**52 - 1. Raises ValueError for another."""
    if not 0 <= track < 1 << BITS:
        raise ValueError(f"track: {track}; expected 0 to 2**{BITS} - 1")
    left, right = track >> _HALF, track & _MASK
    for number in range(_ROUNDS):
        left, right = right, left ^ _mix(right, number, key)
    return left << _HALF | right


def _mix(half: int, number: int, key: bytes) -> int:
    digest = hashlib.blake2b(half.to_bytes(4, "big"), key=key[:64], salt=bytes([number]), digest_size=4).digest()
    return int.from_bytes(digest, "big") & _MASK
