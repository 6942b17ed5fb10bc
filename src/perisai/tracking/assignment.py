"""Which detection updates which track: one to one, so that formations do not melt into one another.

The marginals of `association` say how sure a track's existence is; its state follows the likeliest joint assignment of
its cluster, the one with the greatest product of weights (a missed track weighs 1). Solved exactly by shortest
augmenting paths with potentials (Jonker & Volgenant 1987).
"""

import math

import numpy as np

from perisai.kernels import kernel, loop

from .association import clusters

UPDATE_ABOVE = 0.5
"""Chance of having been detected at all, from which the state of a track is updated."""
LARGEST = 128
"""Clusters of more tracks are assigned greedily."""
FAR = 1e9


@kernel
def _greedy(tracks, first, det, prob, missed, choice, taken):
    """The likeliest pair first, each track and detection once."""
    count = 0
    for t in tracks:
        count += first[t + 1] - first[t]
    edge = np.empty(count, np.int64)
    owner = np.empty(count, np.int64)
    value = np.empty(count)
    n = 0
    for t in tracks:
        for e in range(first[t], first[t + 1]):
            edge[n] = e
            owner[n] = t
            value[n] = -prob[e]
            n += 1
    for q in np.argsort(value, kind="mergesort"):
        t = owner[q]
        if choice[t] < 0 and not taken[det[edge[q]]] and 1.0 - missed[t] > UPDATE_ABOVE and prob[edge[q]] > 0.05:
            choice[t] = edge[q]
            taken[det[edge[q]]] = True


@loop
def augment(cost, row_of, rows, cols, least, way, done):
    """Shortest augmenting paths over cost (n, wide): the row of each column into row_of, which begins as -1. rows and
    cols are the potentials and begin as 0; least, way and done (wide) are scratch."""
    n, wide = cost.shape
    for k in range(n):
        for c in range(wide):
            least[c], way[c], done[c] = 1e300, -1, False
        row = k
        at = -1
        while True:
            step = 1e300
            to = -1
            for c in range(wide):
                if done[c]:
                    continue
                reduced = cost[row, c] - rows[row] - cols[c]
                if reduced < least[c]:
                    least[c] = reduced
                    way[c] = at
                if least[c] < step:
                    step = least[c]
                    to = c
            rows[k] += step
            for c in range(wide):
                if done[c]:
                    rows[row_of[c]] += step
                    cols[c] -= step
                else:
                    least[c] -= step
            done[to] = True
            at = to
            row = row_of[to]
            if row < 0:
                break
        while at >= 0:
            before = way[at]
            row_of[at] = k if before < 0 else row_of[before]
            at = before


@loop
def number_columns(tracks, first, det, column):
    """Number the detections of a cluster in `column`; gives how many."""
    columns = 0
    for t in tracks:
        for e in range(first[t], first[t + 1]):
            if column[det[e]] < 0:
                column[det[e]] = columns
                columns += 1
    return columns


@loop
def _costs(tracks, first, det, psi, column, columns, cost, pair):
    """Fill cost (n, columns + n) and pair (n, columns), and make `column` -1 again."""
    for k in range(tracks.size):
        for c in range(cost.shape[1]):
            cost[k, c] = FAR
        for c in range(columns):
            pair[k, c] = -1
        for e in range(first[tracks[k]], first[tracks[k] + 1]):
            c = column[det[e]]
            cost[k, c] = -math.log(max(psi[e], 1e-300))
            pair[k, c] = e
        cost[k, columns + k] = 0.0
    for t in tracks:
        for e in range(first[t], first[t + 1]):
            column[det[e]] = -1


@kernel
def _best(tracks, first, det, psi, choice, column):
    """The assignment of greatest weight; column (n_dets) is scratch, -1 before and after."""
    n = tracks.size
    columns = number_columns(tracks, first, det, column)
    wide = columns + n
    cost, pair = np.empty((n, wide)), np.empty((n, columns), np.int64)
    _costs(tracks, first, det, psi, column, columns, cost, pair)
    row_of = np.full(wide, -1, np.int64)
    augment(
        cost, row_of, np.zeros(n), np.zeros(wide), np.empty(wide), np.empty(wide, np.int64), np.empty(wide, np.bool_)
    )
    for c in range(columns):
        if row_of[c] >= 0 and pair[row_of[c], c] >= 0:
            choice[tracks[row_of[c]]] = pair[row_of[c], c]


@loop
def _worthy(first, det, psi, kept_first, kept, kept_det):
    """The pairs that weigh more than a miss, in rows of tracks; gives their number."""
    n = 0
    kept_first[0] = 0
    for t in range(first.size - 1):
        for e in range(first[t], first[t + 1]):
            if psi[e] > 1.0:
                kept[n] = e
                kept_det[n] = det[e]
                n += 1
        kept_first[t + 1] = n
    return n


@loop
def _alone(order, start, first, prob, missed, choice):
    """The choice of tracks that share no detection: the likeliest pair; gives whether there are others."""
    others = False
    for c in range(start.size - 1):
        if start[c + 1] - start[c] > 1:
            others = True
            continue
        t = order[start[c]]
        best = -1
        for e in range(first[t], first[t + 1]):
            if best < 0 or prob[e] > prob[best]:
                best = e
        if best >= 0 and 1.0 - missed[t] > UPDATE_ABOVE:
            choice[t] = best
    return others


@kernel
def one_to_one(first, det, psi, prob, missed, n_dets):
    """The pair that updates each track, or -1; arrays as in `association.marginals`.

    A pair that weighs no more than a miss is in no best assignment, so only the others tie tracks into clusters.
    """
    choice = np.full(missed.size, -1, np.int64)
    kept_first = np.empty(missed.size + 1, np.int64)
    kept, kept_det = np.empty(det.size, np.int64), np.empty(det.size, np.int64)
    n = _worthy(first, det, psi, kept_first, kept, kept_det)
    kept_psi, kept_prob = psi[kept[:n]], prob[kept[:n]]
    order, start = clusters(missed.size, kept_first, kept_det, n_dets)
    if _alone(order, start, kept_first, kept_prob, missed, choice):
        taken = np.zeros(n_dets, np.bool_)
        column = np.full(n_dets, -1, np.int64)
        for c in range(start.size - 1):
            a, b = start[c], start[c + 1]
            if 1 < b - a <= LARGEST:
                _best(order[a:b], kept_first, kept_det, kept_psi, choice, column)
            elif b - a > LARGEST:
                _greedy(order[a:b], kept_first, kept_det, kept_prob, missed, choice, taken)
    for t in range(missed.size):
        if choice[t] >= 0:
            choice[t] = kept[choice[t]]
    return choice
