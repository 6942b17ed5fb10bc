"""Who caused which detection: clusters, exact enumeration in small ones, belief propagation in large ones.

Pairs are given as rows of tracks (compressed): the pairs of local track t are first[t] to first[t + 1], `det` is their
detection (0..n), `psi` their weight against "not detected" (Williams & Lau 2014, with Williams 2015 for existence).
Results: prob of each pair, missed of each track, fresh of each detection (chance that no known track caused it).
"""

import numpy as np

from perisai.kernels import kernel, loop

ENUMERATION_LIMIT = 600
"""Joint assignments (too high a bound: without regard to what they share) up to which a cluster is enumerated."""
BP_ITERATIONS = 100
BP_TOLERANCE = 1e-3


@loop
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@loop
def _group(n_tracks, first, det, owner, parent, number, order, start):
    """`clusters` into order and start; gives their number. owner (n_dets) begins as -1; parent, number: scratch."""
    for t in range(n_tracks):
        parent[t] = t
        number[t] = -1
    for t in range(n_tracks):
        for e in range(first[t], first[t + 1]):
            o = owner[det[e]]
            if o < 0:
                owner[det[e]] = t
            else:
                a = _root(parent, o)
                b = _root(parent, t)
                if a < b:
                    parent[b] = a
                elif b < a:
                    parent[a] = b
    count = 0
    start[0] = 0
    for t in range(n_tracks):
        root = _root(parent, t)
        if number[root] < 0:
            number[root] = count
            count += 1
            start[count] = 0
        start[number[root] + 1] += 1
    for c in range(count):
        start[c + 1] += start[c]
    for t in range(n_tracks):
        c = number[_root(parent, t)]
        order[start[c]] = t
        start[c] += 1
    # Filling has moved each start to the end of its cluster, where the next begins.
    for c in range(count, 0, -1):
        start[c] = start[c - 1]
    start[0] = 0
    return count


@kernel
def clusters(n_tracks, first, det, n_dets):
    """Tracks grouped by shared detections: (order, start), cluster c holds tracks order[start[c]:start[c + 1]]."""
    owner = np.full(n_dets, -1, np.int64)
    parent, number = np.empty(n_tracks, np.int64), np.empty(n_tracks, np.int64)
    order, start = np.empty(n_tracks, np.int64), np.empty(n_tracks + 1, np.int64)
    count = _group(n_tracks, first, det, owner, parent, number, order, start)
    return order, start[: count + 1]


@loop
def enumerate_cluster(tracks, first, det, psi, prob, missed, used, choice, weight):
    """Exact marginals of one cluster by walking every one-to-one assignment; `used` (n_dets) must be all false.

    Scratch: choice (tracks), the pair of each or -1 for missed; weight (tracks + 1).
    """
    n = tracks.size
    weight[0] = 1.0
    for k in range(n):
        choice[k] = -1
        missed[tracks[k]] = 0.0
        for e in range(first[tracks[k]], first[tracks[k] + 1]):
            prob[e] = 0.0
    total = 0.0
    depth = 0
    fresh = True
    while depth >= 0:
        if depth == n:
            w = weight[n]
            total += w
            for k in range(n):
                if choice[k] < 0:
                    missed[tracks[k]] += w
                else:
                    prob[choice[k]] += w
            depth -= 1
            fresh = False
            continue
        t = tracks[depth]
        if fresh:
            choice[depth] = -1
            weight[depth + 1] = weight[depth]
            depth += 1
            continue
        e = first[t] if choice[depth] < 0 else choice[depth] + 1
        if choice[depth] >= 0:
            used[det[choice[depth]]] = False
        while e < first[t + 1] and used[det[e]]:
            e += 1
        if e < first[t + 1]:
            choice[depth] = e
            used[det[e]] = True
            weight[depth + 1] = weight[depth] * psi[e]
            depth += 1
            fresh = True
        else:
            choice[depth] = -1
            depth -= 1
    for k in range(n):
        missed[tracks[k]] /= total
        for e in range(first[tracks[k]], first[tracks[k] + 1]):
            prob[e] /= total


@loop
def _gather(tracks, first, det, values, mass):
    """mass[j]: the sum of `values` (pairs) over the pairs of these tracks with detection j."""
    for k in range(tracks.size):
        for e in range(first[tracks[k]], first[tracks[k] + 1]):
            mass[det[e]] = 0.0
    for k in range(tracks.size):
        for e in range(first[tracks[k]], first[tracks[k] + 1]):
            mass[det[e]] += values[e]


@loop
def propagate_cluster(tracks, first, det, psi, prob, missed, mass, message):
    """Loopy belief propagation: b_ji = 1 / (1 + sum a_lj - a_ij), a_ij = psi_ij / (1 + sum psi_ik b_ki - psi_ij b_ji).

    `mass` (n_dets) is scratch; `message` (pairs) holds a_ij at the end. Damped when the cap is hit. Gives the steps.
    """
    for k in range(tracks.size):
        for e in range(first[tracks[k]], first[tracks[k] + 1]):
            message[e] = psi[e] / (1.0 + psi[e])
            prob[e] = 1.0  # holds b_ji until the end
    steps = 0
    damping = 0.0
    while steps < 2 * BP_ITERATIONS:
        _gather(tracks, first, det, message, mass)
        change = 0.0
        for k in range(tracks.size):
            t = tracks[k]
            total = 0.0
            for e in range(first[t], first[t + 1]):
                b = 1.0 / (1.0 + max(mass[det[e]] - message[e], 0.0))
                b = damping * prob[e] + (1.0 - damping) * b
                change = max(change, abs(b - prob[e]))
                prob[e] = b
                total += psi[e] * b
            for e in range(first[t], first[t + 1]):
                message[e] = psi[e] / (1.0 + max(total - psi[e] * prob[e], 0.0))
        steps += 1
        if change < BP_TOLERANCE:
            break
        if steps == BP_ITERATIONS:
            damping = 0.5
    for k in range(tracks.size):
        t = tracks[k]
        total = 1.0
        for e in range(first[t], first[t + 1]):
            total += psi[e] * prob[e]
        missed[t] = 1.0 / total
        for e in range(first[t], first[t + 1]):
            prob[e] *= psi[e] / total
    _claimed_once(tracks, first, det, prob, missed, mass)
    return steps


@loop
def _claimed_once(tracks, first, det, prob, missed, mass):
    """No detection claimed more than once, though the steps may have ended early; what is cut off counts as missed."""
    _gather(tracks, first, det, prob, mass)
    for k in range(tracks.size):
        t = tracks[k]
        for e in range(first[t], first[t + 1]):
            kept = prob[e] / max(mass[det[e]], 1.0)
            missed[t] += prob[e] - kept
            prob[e] = kept


@loop
def _each_cluster(order, start, first, det, psi, prob, missed, fresh, used, mass, message, choice, weight):
    """The marginals cluster by cluster; used, mass, message, choice and weight are scratch."""
    for c in range(start.size - 1):
        tracks = order[start[c] : start[c + 1]]
        if tracks.size == 1:
            t = tracks[0]
            total = 1.0
            for e in range(first[t], first[t + 1]):
                total += psi[e]
            missed[t] = 1.0 / total
            for e in range(first[t], first[t + 1]):
                prob[e] = psi[e] / total
                fresh[det[e]] = 1.0 - prob[e]
            continue
        size = 1.0
        for k in range(tracks.size):
            size *= 1.0 + first[tracks[k] + 1] - first[tracks[k]]
        if size <= ENUMERATION_LIMIT:
            enumerate_cluster(tracks, first, det, psi, prob, missed, used, choice, weight)
            for k in range(tracks.size):
                for e in range(first[tracks[k]], first[tracks[k] + 1]):
                    fresh[det[e]] = max(fresh[det[e]] - prob[e], 0.0)
        else:
            propagate_cluster(tracks, first, det, psi, prob, missed, mass, message)
            _gather(tracks, first, det, message, mass)
            for k in range(tracks.size):
                for e in range(first[tracks[k]], first[tracks[k] + 1]):
                    fresh[det[e]] = 1.0 / (1.0 + mass[det[e]])


@kernel
def marginals(n_tracks, first, det, psi, n_dets, order, start):
    """(prob of each pair, missed of each track, fresh of each detection); order, start: see `clusters`."""
    pairs = first[n_tracks]
    prob = np.zeros(pairs)
    missed = np.ones(n_tracks)
    fresh = np.ones(n_dets)
    used = np.zeros(n_dets, np.bool_)
    choice, weight = np.empty(n_tracks, np.int64), np.empty(n_tracks + 1)
    _each_cluster(
        order, start, first, det, psi, prob, missed, fresh, used, np.zeros(n_dets), np.zeros(pairs), choice, weight
    )
    return prob, missed, fresh
