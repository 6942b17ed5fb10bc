"""One group of detections (a sensor, a scan, half a second at most) against the tracks: the heart of the tracker."""

import math

import numpy as np

from perisai.kernels import kernel, loop

from .assignment import one_to_one
from .association import clusters, marginals
from .bank import CONFLICT, Bank, Grid
from .birth import bear
from .detections import Detections
from .doubt import PLACE, apart, spread, weigh
from .formation import share_turns
from .forms import FORM_BEARING, FORM_PLANE, FORM_POLAR, FORM_PRESENCE
from .gating import Pairs, by_track, pairs, ring_slot, sound_delay, widening
from .histories import update_histories
from .kalman import blur, measure, plane_likelihood, update_place
from .models import model_set
from .settings import MODELS, STATES
from .sites import BEARING, MODES, REMOTE_ID
from .together import weigh_together

SURE = 0.99
"""Chance that a detection is the track's own from which its models are updated by their histories: what they conclude
from a neighbour's plot is harder to undo."""
SURPRISE_SHARE = 0.3
"""Weight of the newest detection in `Bank.surprise`."""


@loop
def update(x, p, mu, i, polar, z, var, mask, j, widen, dt, seen, jacobian, centre, q, gain, row, norms):
    """Update all models of track i with detection j and their probabilities with its likelihoods; gives the least
    squared distance, scaled to two components."""
    top = -1e300
    least = 1e300
    for m in range(MODELS):
        d2, l = measure(polar, x, p, i, m, z, var, mask, j, widen, dt, seen, jacobian, centre, q, gain, row)
        norms[m] = l
        top = max(top, l)
        least = min(least, d2)
    total = 0.0
    for m in range(MODELS):
        norms[m] = max(mu[i, m] * math.exp(norms[m] - top), 1e-6)
        total += norms[m]
    for m in range(MODELS):
        mu[i, m] = norms[m] / total
    dims = 0
    for c in range(STATES):
        dims += mask[j, c]
    return 2.0 * least / dims


@loop
def _note(bank: Bank, detections: Detections, j, i):
    """What a detection tells beside place and velocity: hits, names, accuracy."""
    bank.last[i] = max(bank.last[i], detections.t[j])
    bank.hits[i] += 1
    bank.touched[i] = True
    form = detections.form[j]
    if form <= FORM_POLAR:
        bank.solid_hits[i] += 1
    if form in (FORM_PLANE, FORM_PRESENCE):
        bank.sigma_m[i] = math.sqrt(detections.var[j, 0])
    elif form == FORM_POLAR:
        bank.sigma_m[i] = math.sqrt(max(detections.var[j, 0], detections.var[j, 1] * detections.z[j, 0] ** 2))
    if detections.label[j] >= 0:
        bank.label[i] = detections.label[j]
    if detections.mask[j, 2] and not bank.has_height[i]:
        bank.has_height[i] = True
        bank.stale[i] = True
        for m in range(MODELS):
            bank.p[i, m, 5, 5] += 15.0**2
    if detections.address[j] >= 0:
        if bank.address[i] < 0:
            bank.address[i] = detections.address[j]
            bank.stale[i] = True
        elif bank.address[i] != detections.address[j]:
            bank.other_address[i] = detections.address[j]
            bank.flags[i] |= CONFLICT


@loop
def _follow(
    bank: Bank, detections: Detections, lo, sites, motion, work, n_tracks, room: Pairs, first, det, prob, missed,
    choice, gained,
):  # fmt: skip
    """Existence and state of the candidate tracks of a group by what was found; gained (n, 3): see `share_turns`."""
    s = detections.sensor[lo]
    form = detections.form[lo]
    polar = form in (FORM_POLAR, FORM_BEARING)
    heard = form in (FORM_BEARING, FORM_PRESENCE)
    quiet = sites.kind[s] in (MODES, REMOTE_ID) or sites.kind[s] >= BEARING
    t_group = detections.t[lo]
    r, ring_look, ring_hit, chance = bank.r, bank.ring_look, bank.ring_hit, room.chance
    for k in range(n_tracks):
        if first[k + 1] == first[k]:
            continue
        i = room.tracks[k]
        left = r[i] if quiet else r[i] * (1.0 - chance[k]) / (1.0 - r[i] * chance[k])
        r[i] = min((1.0 - missed[k]) + missed[k] * left, 1.0 - 1e-9)
        slot = ring_slot(bank.ring_sensor, ring_look, ring_hit, i, s)
        ring_look[i, slot] = t_group
        if choice[k] >= 0:
            j = lo + det[choice[k]]
            dt = detections.t[j] - bank.t[i]
            widen = 1.0
            if heard:
                widen = widening(bank.ring_sensor, ring_hit, i, s, detections.t[j])
                dt -= sound_delay(bank.x, i, sites.east_m[s], sites.north_m[s], sites.max_range_m[s], sites.slowness[s])
            _note(bank, detections, j, i)
            mask = detections.mask
            m0, m1, m2 = bank.mu[i, 0], bank.mu[i, 1], bank.mu[i, 2]
            several = first[k + 1] - first[k] > 1
            doubted = not heard and (several or bank.doubt[i, PLACE] > 0.0)
            place, cross = spread(bank.x, bank.p, bank.mu, i) if doubted else (0.0, 0.0)
            flat = not polar and not bank.coupled[i] and not mask[j, 2] and not mask[j, 3]
            variance = widen * detections.var[j, 0]
            if flat:
                if room.lapse[k] > 0.0 and prob[choice[k]] > SURE:
                    u, v = room.past[k, 0, 2], room.past[k, 0, 3]
                    kind = model_set(bank.solid_hits, bank.surprise, i, u * u + v * v)
                    _, d2 = plane_likelihood(bank.x, bank.p, bank.mu, i, dt, detections.z, j, variance, 0.0)
                    update_histories(
                        bank.x, bank.p, bank.mu, bank.habit, i, kind, motion, work, room.past, room.past_mu, k,
                        room.lapse[k], detections.z, j, variance, dt,
                    )  # fmt: skip
                else:
                    d2 = update_place(bank.x, bank.p, bank.mu, i, detections.z, j, variance, dt)
            else:
                bank.coupled[i] |= polar
                d2 = update(
                    bank.x, bank.p, bank.mu, i, polar, detections.z, detections.var, detections.mask, j, widen, dt,
                    room.seen, room.jacobian, room.centre, k, work.gain, work.row, work.norms,
                )  # fmt: skip
            if doubted:
                weigh(bank, i, place, cross, detections, lo, first, det, prob, k, choice[k])
            if flat and several:
                spread2, _ = apart(detections, lo, first, det, prob, k, choice[k], 1.0)
                blur(bank.p, i, variance, spread2)
            bank.surprise[i] += SURPRISE_SHARE * (d2 - bank.surprise[i])
            ring_hit[i, slot] = detections.t[j]
            gained[k, 0] = math.log(bank.mu[i, 0] / m0)
            gained[k, 1] = math.log(bank.mu[i, 1] / m1)
            gained[k, 2] = math.log(bank.mu[i, 2] / m2)


@kernel
def process(bank: Bank, grid: Grid, detections: Detections, lo, hi, stamp, until, sites, plane, motion, rules, work):
    """Associate one group, update existence and states, and start tracks; `until` is the end of the beat (s)."""
    n, n_pairs, room = pairs(bank, grid, detections, lo, hi, stamp, sites, plane, motion, rules, work)
    first, det, weight = by_track(n, n_pairs, room)
    order, start = clusters(n, first, det, hi - lo)
    if detections.form[lo] == FORM_PLANE:
        weigh_together(bank, detections, lo, room.tracks[:n], order, start, first, det, weight, hi - lo)
    prob, missed, fresh = marginals(n, first, det, weight, hi - lo, order, start)
    choice = one_to_one(first, det, weight, prob, missed, hi - lo)
    gained = np.zeros((n, MODELS))
    _follow(bank, detections, lo, sites, motion, work, n, room, first, det, prob, missed, choice, gained)
    form = detections.form[lo]
    if form not in (FORM_BEARING, FORM_PRESENCE):
        share_turns(bank, room.tracks, order, start, gained, np.empty(n), np.empty(n), np.empty(n, np.bool_))
    if form != FORM_BEARING:
        bear(bank, grid, detections, lo, fresh, until, sites, plane, rules, work)
