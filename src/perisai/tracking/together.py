"""Targets that fly together are carried off together: a formation's pairs are weighed by what all its plots say.

What is expected of the members errs alike, since they turn at the same time and as sharply. A formation that has moved
on by as much as its members lie apart looks, member by member, as if each had its neighbour's plot; all plots together
tell such a move from a change of places. Each motion model with its likeliest common shift is one hypothesis, that
every member errs for itself another; a pair weighs what it weighs on the mean under them.
"""

import math
from typing import NamedTuple

import numpy as np

from perisai.kernels import kernel, loop

from .assignment import FAR, augment, number_columns
from .bank import Bank
from .detections import Detections
from .formation import LEAST, find_members, same_velocity
from .settings import MODELS

MOST = 32
"""Members of a formation that are looked at together; those beyond are another formation."""
ALIKE = 0.5
"""Share that all members have in common of the variance of what is expected of one."""
APART = 0.2
"""Chance that the members err each for itself."""
LONER = 0.05
"""Chance that one member does, though the others err together."""
STEPS = 3
"""Assignments by one model, each with the shift that the one before says."""
STILL_M = 5.0
"""A shift that changes by less changes no assignment."""


class Joint(NamedTuple):
    """Scratch of one formation: n members, P pairs with their plots, member by member, and C plots.

    fit (P, 3, 6): by model, how far the plot lies from what is expected (m), the inverse covariance (ee, en, nn) of the
    member's own part of that, and the log of the root of its determinant. base (P,): log weight without likelihood.
    row, to (P,): member and plot. cost, row_of, rows, cols, least, way, done: see `assignment.augment`. plain (C + n,):
    row_of by the first model. shift (3, 2): by model, m. chance (4,): of the hypotheses.
    """

    fit: np.ndarray
    base: np.ndarray
    row: np.ndarray
    to: np.ndarray
    cost: np.ndarray
    row_of: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    least: np.ndarray
    way: np.ndarray
    done: np.ndarray
    plain: np.ndarray
    shift: np.ndarray
    chance: np.ndarray


@kernel
def new_joint(n, pairs, plots):
    """Scratch for n members with so many pairs and plots."""
    f, i, wide = np.float64, np.int64, plots + n
    return Joint(
        np.empty((pairs, MODELS, 6)), np.empty(pairs), np.empty(pairs, i), np.empty(pairs, i), np.full((n, wide), FAR),
        np.empty(wide, i), np.empty(n, f), np.empty(wide), np.empty(wide), np.empty(wide, i), np.empty(wide, np.bool_),
        np.empty(wide, i), np.empty((MODELS, 2)), np.empty(MODELS + 1),
    )  # fmt: skip


@loop
def fit_pairs(bank: Bank, detections: Detections, lo, slots, tracks, first, det, psi, column, plots, joint: Joint):
    """Fill fit, base, row and to of a formation's pairs with plots numbered in `column`, and the costs of a miss."""
    x, p, mu, z, fit = bank.x, bank.p, bank.mu, detections.z, joint.fit
    own = 1.0 - ALIKE
    at = 0
    for q in range(tracks.size):
        k = tracks[q]
        i = slots[k]
        joint.cost[q, plots + q] = 0.0
        for e in range(first[k], first[k + 1]):
            j = lo + det[e]
            dt, variance = detections.t[j] - bank.t[i], detections.var[j, 0]
            mixed = 0.0
            for m in range(MODELS):
                de = z[j, 0] - x[i, m, 0] - dt * x[i, m, 3]
                dn = z[j, 1] - x[i, m, 1] - dt * x[i, m, 4]
                ee, en, nn = p[i, m, 0, 0] + variance, p[i, m, 0, 1], p[i, m, 1, 1] + variance
                inverse = 1.0 / (ee * nn - en * en)
                d2 = (nn * de * de - 2.0 * en * de * dn + ee * dn * dn) * inverse
                mixed += mu[i, m] * math.sqrt(inverse) * math.exp(-0.5 * d2)
                ee, en, nn = own * p[i, m, 0, 0] + variance, own * en, own * p[i, m, 1, 1] + variance
                inverse = 1.0 / (ee * nn - en * en)
                fit[at, m, 0], fit[at, m, 1] = de, dn
                fit[at, m, 2], fit[at, m, 3], fit[at, m, 4] = nn * inverse, -en * inverse, ee * inverse
                fit[at, m, 5] = 0.5 * math.log(inverse)
            joint.base[at] = math.log(psi[e]) - math.log(max(mixed, 1e-300))
            joint.row[at], joint.to[at] = q, column[det[e]]
            at += 1


@loop
def _likelihood(fit, at, m, east, north):
    """Log likelihood of a pair by model m when the formation is shifted by (east, north), m."""
    de, dn = fit[at, m, 0] - east, fit[at, m, 1] - north
    d2 = fit[at, m, 2] * de * de + 2.0 * fit[at, m, 3] * de * dn + fit[at, m, 4] * dn * dn
    return fit[at, m, 5] - 0.5 * d2


@loop
def _expected(bank: Bank, slots, tracks, m):
    """Model m in a formation: the inverse covariance (ee, en, nn) of the common shift, half the log of the determinant
    of that, and the log of the model's chance."""
    ee, en, nn, chance = 0.0, 0.0, 0.0, 0.0
    for k in tracks:
        i = slots[k]
        ee += bank.p[i, m, 0, 0]
        en += bank.p[i, m, 0, 1]
        nn += bank.p[i, m, 1, 1]
        chance += bank.mu[i, m]
    share = ALIKE / tracks.size
    ee, en, nn = share * ee, share * en, share * nn
    inverse = 1.0 / (ee * nn - en * en)
    return nn * inverse, -en * inverse, ee * inverse, 0.5 * math.log(inverse), math.log(chance / tracks.size)


@loop
def judge(joint: Joint, m, expected):
    """(log weight of the assignment in row_of by model m over all shifts, the likeliest shift east and north, m);
    expected: see `_expected`."""
    fit = joint.fit
    ee, en, nn, half, total = expected
    e, n = 0.0, 0.0
    for at in range(joint.base.size):
        if joint.row_of[joint.to[at]] == joint.row[at]:
            de, dn = fit[at, m, 0], fit[at, m, 1]
            wee, wen, wnn = fit[at, m, 2], fit[at, m, 3], fit[at, m, 4]
            ee, en, nn = ee + wee, en + wen, nn + wnn
            e += wee * de + wen * dn
            n += wen * de + wnn * dn
            total += joint.base[at] + _likelihood(fit, at, m, 0.0, 0.0)
    size = ee * nn - en * en
    east, north = (nn * e - en * n) / size, (ee * n - en * e) / size
    return total + half - 0.5 * math.log(size) + 0.5 * (e * east + n * north), east, north


@loop
def _assign(joint: Joint, m, east, north):
    """The likeliest assignment by model m and shift, into row_of."""
    for at in range(joint.base.size):
        joint.cost[joint.row[at], joint.to[at]] = -joint.base[at] - _likelihood(joint.fit, at, m, east, north)
    for q in range(joint.rows.size):
        joint.rows[q] = 0.0
    for c in range(joint.cols.size):
        joint.row_of[c], joint.cols[c] = -1, 0.0
    augment(joint.cost, joint.row_of, joint.rows, joint.cols, joint.least, joint.way, joint.done)


@loop
def settle(bank: Bank, slots, tracks, joint: Joint):
    """The joint log weight of each motion model and its shift, by turns of the likeliest assignment with a shift and
    the likeliest shift with an assignment."""
    for m in range(MODELS):
        expected = _expected(bank, slots, tracks, m)
        east, north = 0.0, 0.0
        for _ in range(STEPS):
            _assign(joint, m, east, north)
            before_e, before_n = east, north
            joint.chance[m], east, north = judge(joint, m, expected)
            de, dn = east - before_e, north - before_n
            if de * de + dn * dn < STILL_M * STILL_M:
                break
        joint.shift[m, 0], joint.shift[m, 1] = east, north
        if m == 0:
            for c in range(joint.plain.size):
                joint.plain[c] = joint.row_of[c]


@loop
def _average(joint: Joint, tracks, first, psi):
    """psi becomes what the pairs weigh on the mean over the hypotheses; of `chance` the last becomes that of members
    that err each for itself, with the first model's assignment, and all become chances."""
    fit, base, chance, shift = joint.fit, joint.base, joint.chance, joint.shift
    chance[MODELS] = math.log(APART / (1.0 - APART))
    at = 0
    for k in tracks:
        for e in range(first[k], first[k + 1]):
            if joint.plain[joint.to[at]] == joint.row[at]:
                chance[MODELS] += math.log(psi[e])
            at += 1
    top = max(chance[0], chance[1], chance[2], chance[3])
    whole = 0.0
    for m in range(MODELS + 1):
        chance[m] = math.exp(chance[m] - top)
        whole += chance[m]
    for m in range(MODELS + 1):
        chance[m] /= whole
    alone = LONER + (1.0 - LONER) * chance[MODELS]
    at = 0
    for k in tracks:
        for e in range(first[k], first[k + 1]):
            total = 0.0
            for m in range(MODELS):
                if chance[m] > 1e-6:
                    total += chance[m] * math.exp(base[at] + _likelihood(fit, at, m, shift[m, 0], shift[m, 1]))
            psi[e] = alone * psi[e] + (1.0 - LONER) * total
            at += 1


@kernel
def _formation(bank: Bank, detections: Detections, lo, slots, tracks, first, det, psi, column):
    """Weigh the pairs of one formation anew; column (n_dets) is scratch, -1 before and after."""
    pairs = 0
    for k in tracks:
        pairs += first[k + 1] - first[k]
    plots = number_columns(tracks, first, det, column)
    joint = new_joint(tracks.size, pairs, plots)
    fit_pairs(bank, detections, lo, slots, tracks, first, det, psi, column, plots, joint)
    for k in tracks:
        for e in range(first[k], first[k + 1]):
            column[det[e]] = -1
    settle(bank, slots, tracks, joint)
    _average(joint, tracks, first, psi)


@loop
def _gather(order, a, b, u, v, member, group):
    """The first member of the tracks order[a:b] and those of like velocity into `group`, members no more; how many."""
    size = 0
    for q in range(a, b):
        k = order[q]
        if size < group.size and member[k] and (size == 0 or same_velocity(u, v, group[0], k)):
            group[size] = k
            member[k] = False
            size += 1
    return size


@kernel
def weigh_together(bank: Bank, detections: Detections, lo, slots, order, start, first, det, psi, n_dets):
    """Weigh the pairs of formations anew in psi. slots (n,): of the tracks in the bank. Detections from lo on are
    positions on the plane; the rest as in `association.marginals`."""
    n = slots.size
    column = np.full(n_dets, -1, np.int64)
    u, v, member = np.empty(n), np.empty(n), np.empty(n, np.bool_)
    group = np.empty(MOST, np.int64)
    for c in range(start.size - 1):
        a, b = start[c], start[c + 1]
        if b - a < LEAST:
            continue
        find_members(bank, slots, order, a, b, u, v, member)
        for q in range(a, b):
            member[order[q]] &= not bank.coupled[slots[order[q]]]
        while True:
            size = _gather(order, a, b, u, v, member, group)
            if size == 0:
                break
            if size >= LEAST:
                _formation(bank, detections, lo, slots, group[:size], first, det, psi, column)
