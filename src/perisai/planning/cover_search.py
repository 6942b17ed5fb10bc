"""A good cover within seconds: greedy, then local search in which rows that stay uncovered grow heavier."""

import numpy as np

from perisai.geodesy import kernel

from .problem import transpose


@kernel
def _greedy(start, cover, n, cost, chosen):
    """The pattern with most new rows per cost, again and again (Chvatal 1979)."""
    left = np.ones(n, np.bool_)
    missing = n
    while missing > 0:
        best, top = -1, 0.0
        for c in range(cost.size):
            if chosen[c]:
                continue
            new = 0
            for k in range(start[c], start[c + 1]):
                if left[cover[k]]:
                    new += 1
            if new > top * max(cost[c], 1e-9):
                best, top = c, new / max(cost[c], 1e-9)
        chosen[best] = True
        for k in range(start[best], start[best + 1]):
            if left[cover[k]]:
                left[cover[k]] = False
                missing -= 1


@kernel
def _flip(start, cover, back, holder, weight, count, score, chosen, age, free, c, step):
    """Put pattern c in or out: counts of its rows, scores of all that share them, and who may come in again."""
    chosen[c] = not chosen[c]
    score[c] = -score[c]
    age[c] = step
    joining = chosen[c]
    if not joining:
        free[c] = False
    for k in range(start[c], start[c + 1]):
        r = cover[k]
        count[r] += 1 if joining else -1
        # Only rows that change between none, one and two covers change what others are worth.
        for b in range(back[r], back[r + 1]):
            other = holder[b]
            if other == c:
                continue
            free[other] = True
            if joining and count[r] == 1:
                score[other] -= weight[r]
            elif (not joining and count[r] == 0) or (joining and count[r] == 2 and chosen[other]):
                score[other] += weight[r]
            elif not joining and count[r] == 1 and chosen[other]:
                score[other] -= weight[r]


@kernel
def _better(cost, score, age, c, best):
    """Whether c scores more per cost than `best`; of equals the one that has stood, or waited, longest.

    Scores of chosen patterns are negative: nearer to nought per cost is a smaller loss.
    """
    one, other = score[c] * cost[best], score[best] * cost[c]
    return one > other or (one == other and age[c] < age[best])


@kernel
def _cheapest_loss(cost, score, chosen, age, barred):
    """The chosen pattern whose rows weigh least per cost; -1 for none."""
    best = -1
    for c in range(cost.size):
        if chosen[c] and c != barred and (best < 0 or _better(cost, score, age, c, best)):
            best = c
    return best


@kernel
def _largest_gain(back, holder, cost, score, age, free, row):
    """Of a row's patterns the one that gains most per cost; those that may not come in yet only if none may."""
    best = holder[back[row]]
    for b in range(back[row] + 1, back[row + 1]):
        c = holder[b]
        if free[c] == free[best]:
            if _better(cost, score, age, c, best):
                best = c
        elif free[c]:
            best = c
    return best


@kernel
def _open(start, cover, count, open_rows, where, opened, c):
    """Notes the rows that pattern c leaves uncovered; returns how many are open then."""
    for k in range(start[c], start[c + 1]):
        if count[cover[k]] == 0:
            where[cover[k]] = opened
            open_rows[opened] = cover[k]
            opened += 1
    return opened


@kernel
def _close(start, cover, open_rows, where, opened, c):
    """Strikes out the rows that pattern c covers now; returns how many are open then."""
    for k in range(start[c], start[c + 1]):
        r = cover[k]
        if where[r] >= 0:
            opened -= 1
            open_rows[where[r]] = open_rows[opened]
            where[open_rows[opened]] = where[r]
            where[r] = -1
    return opened


@kernel
def _begin(start, cover, cost, chosen, count, score):
    """Counts and scores of a cover; returns its cost."""
    total = 0.0
    for c in range(cost.size):
        if chosen[c]:
            total += cost[c]
            for k in range(start[c], start[c + 1]):
                count[cover[k]] += 1
    for c in range(cost.size):
        for k in range(start[c], start[c + 1]):
            if chosen[c] and count[cover[k]] == 1:
                score[c] -= 1.0
    return total


@kernel
def _search(start, cover, back, holder, cost, chosen, steps, floor, seed):
    """Improves `chosen` (a cover, in place) until its cost is `floor` or so many steps brought nothing."""
    n = back.size - 1
    weight, count, score = np.ones(n), np.zeros(n, np.int64), np.zeros(cost.size)
    age, free = np.zeros(cost.size, np.int64), np.ones(cost.size, np.bool_)
    open_rows, where, opened = np.empty(n, np.int64), np.full(n, -1), 0
    now, least, last = _begin(start, cover, cost, chosen, count, score), np.inf, -1
    best = chosen.copy()
    state = np.uint64(seed) * np.uint64(2654435769) + np.uint64(88172645463325252)
    step, until = 0, steps
    while step < until:
        step += 1
        while opened == 0:
            if now < least - 1e-9:
                least, until = now, step + steps
                best[:] = chosen
                if least <= floor + 1e-9:
                    return
            c = _cheapest_loss(cost, score, chosen, age, -1)
            _flip(start, cover, back, holder, weight, count, score, chosen, age, free, c, step)
            now -= cost[c]
            opened = _open(start, cover, count, open_rows, where, opened, c)
        c = _cheapest_loss(cost, score, chosen, age, last)
        if c >= 0:
            _flip(start, cover, back, holder, weight, count, score, chosen, age, free, c, step)
            now -= cost[c]
            opened = _open(start, cover, count, open_rows, where, opened, c)
        while opened > 0:
            state ^= state >> np.uint64(12)
            state ^= state << np.uint64(25)
            state ^= state >> np.uint64(27)
            pick = (state * np.uint64(2685821657736338717)) >> np.uint64(33)
            row = open_rows[int(pick % np.uint64(opened))]
            add = _largest_gain(back, holder, cost, score, age, free, row)
            if now + cost[add] >= least - 1e-9:
                break
            _flip(start, cover, back, holder, weight, count, score, chosen, age, free, add, step)
            now += cost[add]
            last = add
            opened = _close(start, cover, open_rows, where, opened, add)
            for at in range(opened):
                weight[open_rows[at]] += 1.0
                for b in range(back[open_rows[at]], back[open_rows[at] + 1]):
                    score[holder[b]] += 1.0
    chosen[:] = best


def search_cover(
    start: np.ndarray, cover: np.ndarray, n: int, cost: np.ndarray, steps: int, floor: float = 0.0, seed: int = 1
) -> np.ndarray:
    """Patterns of a cheap cover, rising; the same seed gives the same ones. Every row must be covered by a pattern.

    steps: exchanges without a cheaper cover after which to stop. floor: a proven least cost, at which to stop.
    Row weighting with a tabu of one and configuration checking: Gao, Weise & Li 2015, here with gains per cost.
    """
    chosen = np.zeros(len(cost), np.bool_)
    start, cover = np.asarray(start, np.int64), np.asarray(cover, np.int32)
    _greedy(start, cover, n, cost, chosen)
    back, holder = transpose(start, cover, n)
    _search(start, cover, back, holder, cost, chosen, steps, floor, seed)
    return np.flatnonzero(chosen)
