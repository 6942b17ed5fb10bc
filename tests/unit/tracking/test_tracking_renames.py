"""Who keeps which number after a replay: the same as when every pair is looked at, without looking at every pair."""

import numpy as np
import pytest

from perisai.tracking import renumber
from perisai.tracking.renumber import SAME_M, Public, renames


def _every_pair(before, after, kept, top):
    """The rule by its words: pairs of one birth first, then the nearest, none farther apart than SAME_M."""
    pairs = []
    for a, name in enumerate(before.ident.tolist()):
        for b, number in enumerate(after.ident.tolist()):
            apart = float(np.hypot(*(before.place[a] - after.place[b])))
            if name not in kept and number > top and apart <= SAME_M:
                pairs.append((before.born[a] != after.born[b], apart, name, number))
    out = {}
    for *_, name, number in sorted(pairs):
        if number not in out and name not in out.values():
            out[number] = name
    return out


def _public(first, born, place):
    return Public(first + np.arange(len(born)), born, place, np.zeros((len(born), 1)))


@pytest.mark.parametrize("width_m", [5_000.0, 60_000.0])
def test_near_pairs_are_enough(width_m):
    rng = np.random.default_rng(3)
    for _ in range(20):
        born, place = rng.integers(0, 5, 40) * 1.0, rng.uniform(0.0, width_m, (40, 2))
        before = _public(0, born, place)
        moved = place[rng.permutation(40)[:30]] + rng.normal(0.0, 800.0, (30, 2))
        after = _public(35, rng.integers(0, 5, 30) * 1.0, moved)
        kept = rng.choice(40, 5, replace=False)
        expected = _every_pair(before, after, set(kept.tolist()), 39)
        assert renames(before, after, kept, 39) == expected and expected


def test_pairs_looked_at_grow_with_the_tracks_and_not_with_their_square(monkeypatch):
    looked = []
    near = renumber._near
    monkeypatch.setattr(renumber, "_near", lambda *places: looked.append(near(*places)) or looked[-1])
    rng = np.random.default_rng(5)
    count = 3_000
    place = rng.uniform(-500_000.0, 500_000.0, (count, 2))
    before = _public(0, np.arange(count) * 1.0, place)
    after = _public(count, np.arange(count) * 1.0, place + rng.normal(0.0, 100.0, (count, 2)))
    names = renames(before, after, np.zeros(0, np.int64), count - 1)
    assert names == dict(zip(after.ident.tolist(), before.ident.tolist(), strict=True))
    assert looked[0][0].size < 0.02 * count**2
