"""Joining candidates that microphones and bearings started twice: one target heard at several places is one track."""

import math

from perisai.kernels import loop

from .bank import Bank, Grid
from .birth import release
from .grid import near
from .kalman import fold_unit
from .settings import MODELS, RING

JOIN_D2 = 4.0
"""Squared distance in east and north, over the sum of both covariances, under which two candidates are one."""


@loop
def _distance2(bank: Bank, i, k):
    """Squared distance of two tracks over the sum of their covariances. Of what was only ever heard, that of one
    report is added: the reports of one microphone err the same way all along a flight past it."""
    dt = bank.t[i] - bank.t[k]
    de = bank.x[i, 0, 0] - bank.x[k, 0, 0] - dt * bank.x[k, 0, 3]
    dn = bank.x[i, 0, 1] - bank.x[k, 0, 1] - dt * bank.x[k, 0, 4]
    common = 0.0
    if bank.solid_hits[i] == 0 and bank.solid_hits[k] == 0:
        common = 0.5 * (bank.sigma_m[i] ** 2 + bank.sigma_m[k] ** 2)
    see = bank.p[i, 0, 0, 0] + bank.p[k, 0, 0, 0] + common
    snn = bank.p[i, 0, 1, 1] + bank.p[k, 0, 1, 1] + common
    sen = bank.p[i, 0, 0, 1] + bank.p[k, 0, 0, 1]
    return (snn * de * de - 2.0 * sen * de * dn + see * dn * dn) / max(see * snn - sen * sen, 1e-9)


@loop
def _join(bank: Bank, old, young, gain):
    """Fold what the young candidate knows into the old one: place, sensors, hits, existence."""
    dt = bank.t[young] - bank.t[old]
    for m in range(MODELS):
        for c in range(2):
            nu = bank.x[young, m, c] - bank.x[old, m, c] - dt * bank.x[old, m, c + 3]
            fold_unit(bank.x, bank.p, old, m, c, nu, bank.p[young, m, c, c], gain)
    for k in range(RING):
        s = bank.ring_sensor[young, k]
        if s < 0 or bank.ring_hit[young, k] < -1e200:
            continue
        slot = 0
        for q in range(RING):
            if bank.ring_sensor[old, q] == s:
                slot = q
                break
            if bank.ring_look[old, q] < bank.ring_look[old, slot]:
                slot = q
        if bank.ring_sensor[old, slot] != s or bank.ring_hit[old, slot] < bank.ring_hit[young, k]:
            bank.ring_hit[old, slot] = bank.ring_hit[young, k]
            bank.ring_look[old, slot] = bank.ring_look[young, k]
        bank.ring_sensor[old, slot] = s
    bank.hits[old] += bank.hits[young]
    bank.last[old] = max(bank.last[old], bank.last[young])
    bank.r[old] = 1.0 - (1.0 - bank.r[old]) * (1.0 - bank.r[young])
    bank.touched[old] = True


@loop
def join_soft(bank: Bank, grid: Grid, used, found, gain):
    """Join what microphones and bearings alone made to an older track that may be the same target: a candidate to any,
    a confirmed track to one that was only ever heard too. A public track that is joined to another ends."""
    for i in range(used):
        if not bank.alive[i] or bank.solid_hits[i] > 0 or not bank.touched[i]:
            continue
        reach2 = max(bank.p[i, 0, 0, 0], bank.p[i, 0, 1, 1]) + bank.sigma_m[i] ** 2
        best = -1
        count = near(bank.after, grid, bank.x[i, 0, 0], bank.x[i, 0, 1], 2.0 * math.sqrt(reach2), found)
        for f in range(count):
            k = found[f]
            if k == i or not bank.alive[k] or bank.key[k] >= bank.key[i]:
                continue
            if bank.confirmed[i] and bank.solid_hits[k] > 0:
                continue
            if _distance2(bank, i, k) < JOIN_D2 and (best < 0 or bank.key[k] < bank.key[best]):
                best = k
        if best >= 0:
            _join(bank, best, i, gain)
            if bank.ident[i] < 0:
                release(bank, i)
            else:
                bank.r[i] = 0.0  # so that `lifecycle.finish` sends its end
