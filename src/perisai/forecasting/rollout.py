"""Monte-Carlo rollouts of all tracks: how many of each reach which area, and when."""

import math

import numpy as np

from perisai.geodesy import kernel
from perisai.kernels import inlined

from .courses import destinations
from .flight import fly
from .tally import BIN_S, arrived, quantiles


@inlined
def fall(index, scratch, draws, particle, stamp, impact, age, horizon):
    """One draw of where and when a ballistic object falls; counts it in the areas whose own circle holds the point.

    impact: (x, y, sqrt-covariance l11, l21, l22, seconds after the state, time sigma).
    """
    slot_of, slots, n_slots, counts, _entered, _tested = scratch
    n = draws.normal
    x = impact[0] + impact[2] * n[particle, 0]
    y = impact[1] + impact[3] * n[particle, 0] + impact[4] * n[particle, 1]
    eta = max(0.0, impact[5] - age + impact[6] * n[particle, 2])
    c = math.floor((x - index.origin_e) / index.cell_m)
    r = math.floor((y - index.origin_n) / index.cell_m)
    if eta <= horizon and 0 <= c < index.columns and 0 <= r < index.rows:
        k = r * index.columns + c
        for m in range(index.start[k], index.start[k + 1]):
            a = index.member[m]
            if math.hypot(x - index.east[a], y - index.north[a]) > index.core[a]:
                continue
            if slot_of[a] < 0:
                slot_of[a] = n_slots[0]
                slots[n_slots[0]] = a
                counts[n_slots[0], :] = 0
                n_slots[0] += 1
            counts[slot_of[a], min(1 + int(eta / BIN_S), counts.shape[1] - 1)] += 1
    return stamp


@kernel
def forecast_all(
    index, draws, weight, state, share_of, flown_legs, motion, impact, ballistic, age, belief, follows, horizon, least,
    out, limit,
):  # fmt: skip
    """Roll out every track; rows of out are (track row, area, probability, median, 5 %, 95 %, arrived...).

    state (n, HYPOTHESES, 12): the legs it may be on, likeliest first, and share_of (n, HYPOTHESES) the running sums of
    their weights; flown_legs: the finished legs of each (n, LEGS_KEPT, 5) and their counts (n,). motion (n, 10), weight
    (areas,) of a destination, impact (n, 7), ballistic (n,) bool, age (n,) s since the state, belief (n,): that it is
    real and flies. follows: (leader (n, LEADERS) row or -1, crumb, trail, count, share (n,)): predecessors, and the
    share of rollouts that follow one. Returns how many rows were written; stops at `limit` (the caller then gives more
    room).
    """
    areas = index.east.size
    bins = int(horizon / BIN_S) + 2
    slot_of = np.full(areas, -1, np.int32)
    slots = np.empty(areas, np.int32)
    n_slots = np.zeros(1, np.int64)
    counts = np.zeros((areas, bins), np.int32)
    entered = np.full(areas, -1, np.int64)
    tested = np.full(areas, -1, np.int64)
    scratch = (slot_of, slots, n_slots, counts, entered, tested)
    aim_weight = np.zeros(areas)
    particles = draws.life.size
    leader, crumb, trail, count, share = follows
    flown, flown_count = flown_legs
    rows = 0
    stamp = 0
    for i in range(state.shape[0]):
        n_slots[0] = 0
        entered[:] = -1
        m = motion[i]
        moves = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9])
        if ballistic[i]:
            for particle in range(particles):
                stamp = fall(index, scratch, draws, particle, stamp, impact[i], age[i], horizon)
        else:
            leaders = 0
            while leaders < leader.shape[1] and leader[i, leaders] >= 0:
                leaders += 1
            alone = particles - int(share[i] * particles) if leaders > 0 else particles
            # Group 0 flies its own way, the others each behind one predecessor.
            for group in range(leaders + 1):
                j = i if group == 0 else leader[i, group - 1]
                if m[8] > 0.0:
                    destinations(index, weight, state[j, 0], flown[j], flown_count[j], m[2], m[9], aim_weight)
                first, last = (0, 0) if group == 0 else (crumb[i, group - 1], count[j])
                way = (trail[j], first, last, state[j, 0])
                begin = 0 if group == 0 else alone + (particles - alone) * (group - 1) // leaders
                stop = alone if group == 0 else alone + (particles - alone) * group // leaders
                for particle in range(begin, stop):
                    h = 0
                    while h < share_of.shape[1] - 1 and share_of[i, h] <= draws.which[particle]:
                        h += 1
                    stamp = fly(
                        index, scratch, draws, particle, stamp, state[i, h], moves, aim_weight, way, age[i], horizon
                    )  # fmt: skip
        for k in range(n_slots[0]):
            a = slots[k]
            slot_of[a] = -1
            total = counts[k].sum()
            probability = belief[i] * total / particles
            if probability < least:
                continue
            if rows < limit:
                out[rows, 0] = i
                out[rows, 1] = a
                out[rows, 2] = probability
                quantiles(counts[k], total, out[rows, 3:6])
                arrived(counts[k], belief[i] / particles, out[rows, 6:])
            rows += 1
    return rows
