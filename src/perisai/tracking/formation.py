"""Targets that fly together turn together: what one of them shows of a turn is evidence for the others.

A single plot tells little of a turn that began a second ago; those of a whole formation tell it at once, before its
tracks fall behind and take one another's plots.
"""

import math

from perisai.kernels import loop

from .bank import Bank
from .models import STANDARD, model_set
from .settings import MODELS

LEAST = 3
"""Tracks of a cluster from which it may be a formation."""
SAME_MPS = 40.0
"""Members differ in velocity by less (errors of the estimates included)."""
SETTLED_HITS = 5
WEIGHT = 0.7
"""Share of another member's evidence that counts: members need not turn in the same second."""
LEAST_CHANCE = 1e-3
"""No model falls lower: a member may leave the formation."""


@loop
def _velocity(x, mu, i):
    u = mu[i, 0] * x[i, 0, 3] + mu[i, 1] * x[i, 1, 3] + mu[i, 2] * x[i, 2, 3]
    v = mu[i, 0] * x[i, 0, 4] + mu[i, 1] * x[i, 1, 4] + mu[i, 2] * x[i, 2, 4]
    return u, v


@loop
def find_members(bank: Bank, tracks, order, a, b, u, v, member):
    """Of the tracks order[a:b], with their slots in `tracks`: mean velocity u, v (m/s), and whether one may be a member
    of a formation."""
    for q in range(a, b):
        k = order[q]
        i = tracks[k]
        u[k], v[k] = _velocity(bank.x, bank.mu, i)
        settled = bank.hits[i] >= SETTLED_HITS
        member[k] = settled and model_set(bank.solid_hits, bank.surprise, i, u[k] * u[k] + v[k] * v[k]) == STANDARD


@loop
def same_velocity(u, v, k, o):
    """Whether tracks k and o may fly together."""
    du, dv = u[o] - u[k], v[o] - v[k]
    return du * du + dv * dv < SAME_MPS * SAME_MPS


@loop
def share_turns(bank: Bank, tracks, order, start, gained, u, v, member):
    """Raise the model probabilities of the tracks of each cluster by what the others of like velocity gained.

    tracks (n,): slots. order, start: the clusters, see `association.clusters`. gained (n, 3): log likelihood ratio of
    the models from this group of detections, zero for a track that was not updated. Scratch: u, v, member (n,).
    """
    mu = bank.mu
    for c in range(start.size - 1):
        a, b = start[c], start[c + 1]
        if b - a < LEAST:
            continue
        find_members(bank, tracks, order, a, b, u, v, member)
        for q in range(a, b):
            k = order[q]
            if not member[k]:
                continue
            g0, g1, g2 = 0.0, 0.0, 0.0
            for f in range(a, b):
                o = order[f]
                if o != k and member[o] and same_velocity(u, v, k, o):
                    g0 += gained[o, 0]
                    g1 += gained[o, 1]
                    g2 += gained[o, 2]
            top = max(g0, g1, g2)
            i = tracks[k]
            w0 = max(mu[i, 0] * math.exp(WEIGHT * (g0 - top)), 1e-30)
            w1 = max(mu[i, 1] * math.exp(WEIGHT * (g1 - top)), 1e-30)
            w2 = max(mu[i, 2] * math.exp(WEIGHT * (g2 - top)), 1e-30)
            total = w0 + w1 + w2
            left = 1.0 - MODELS * LEAST_CHANCE
            mu[i, 0] = LEAST_CHANCE + left * w0 / total
            mu[i, 1] = LEAST_CHANCE + left * w1 / total
            mu[i, 2] = LEAST_CHANCE + left * w2 / total
