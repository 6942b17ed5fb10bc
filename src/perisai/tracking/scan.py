"""One group of detections (a sensor, a scan, half a second at most) against the tracks: the heart of the tracker."""

import math
from typing import NamedTuple

import numpy as np

from perisai.geodesy import kernel

from .assignment import one_to_one
from .association import marginals
from .bank import CONFLICT, Bank, Grid
from .birth import bear
from .coverage import UNSEEN_CHANCE, densities, detection_chance
from .detections import Detections
from .forms import FORM_BEARING, FORM_PLANE, FORM_POLAR, FORM_PRESENCE
from .grid import near
from .kalman import measure, plane_likelihood, try_measure, update_place
from .motion import advance
from .observe import look
from .settings import MODELS, RING, STATES, Rules
from .sites import BEARING, MODES, REMOTE_ID

MAX_PSI = 1e9
LEAST_PSI = 0.01
"""Pairs of less weight change nothing by a hundredth and would tie whole raids into one cluster."""
SAME_ADDRESS, OTHER_ADDRESS = 1e3, 1e-3
"""Likelihood of an address that agrees or differs: soft labels, since they can be forged or garbled."""
SOUND_SLACK_MPS = 100.0
"""How fast a source may move between sounding and being heard, for the first, coarse test of a pair."""
SURPRISE_SHARE = 0.3
"""Weight of the newest detection in `Bank.surprise`."""
REPEAT_S = 60.0
"""Reports of one microphone inside this time tell the same thing again."""


class Work(NamedTuple):
    """Scratch of the kernels, so that none allocates in a loop; transition, turn and cached_dt belong to `advance`."""

    transition: np.ndarray
    turn: np.ndarray
    cached_dt: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    norms: np.ndarray
    mean: np.ndarray
    gain: np.ndarray
    row: np.ndarray
    x: np.ndarray
    p: np.ndarray
    found: np.ndarray
    stamp: np.ndarray
    local: np.ndarray


def new_work(capacity: int) -> Work:
    """Scratch for a bank of this capacity."""
    n, k = STATES, MODELS
    return Work(
        transition=np.zeros((k, k)),
        turn=np.zeros(4),
        cached_dt=np.full(1, -1.0),
        weights=np.zeros((k, k)),
        offsets=np.zeros((2 * k, n)),
        norms=np.zeros(k),
        mean=np.zeros(n),
        gain=np.zeros(n),
        row=np.zeros(n),
        x=np.zeros((1, k, n)),
        p=np.zeros((1, k, n, n)),
        found=np.zeros(capacity, np.int64),
        stamp=np.full(capacity, -1, np.int64),
        local=np.zeros(capacity, np.int64),
    )


@kernel
def ring_slot(ring_sensor, ring_look, ring_hit, i, s):
    """The slot of sensor s in track i's ring, taking the one that looked longest ago when it is new."""
    oldest = 0
    for k in range(RING):
        if ring_sensor[i, k] == s:
            return k
        if ring_look[i, k] < ring_look[i, oldest]:
            oldest = k
    ring_sensor[i, oldest] = s
    ring_look[i, oldest] = -1e300
    ring_hit[i, oldest] = -1e300
    return oldest


@kernel
def has_reported(ring_sensor, ring_hit, i, s):
    """Whether sensor s is among those that lately reported track i."""
    for k in range(RING):
        if ring_sensor[i, k] == s:
            return ring_hit[i, k] > -1e200
    return False


@kernel
def _widening(ring_sensor, ring_hit, i, s, t):
    """Factor on the variances of a microphone's report that repeats what it said just before."""
    for k in range(RING):
        if ring_sensor[i, k] == s:
            return min(max(REPEAT_S / max(t - ring_hit[i, k], 1.0), 1.0), 30.0)
    return 1.0


@kernel
def _sound_delay(x, i, east, north, reach, slowness):
    """How long ago (s) what is heard now left track i."""
    de = x[i, 0, 0] - east
    dn = x[i, 0, 1] - north
    return min(math.sqrt(de * de + dn * dn), reach) * slowness


@kernel
def pairs(
    bank: Bank, grid: Grid, detections: Detections, lo, hi, stamp, sites, plane, motion, rules: Rules, work: Work
):
    """Candidate pairs of the group [lo, hi): (tracks, chance, seen, jacobian, centre, pair track, detection, psi).

    Tracks are brought to the group's time; chance is that of being detected, psi the weight of the pair against a
    missed detection: r pD L / ((1 - r pD) (clutter + undetected)). In polar form seen, jacobian and centre hold what
    the sensor would measure of each track (see `kalman.measure`).
    """
    x, p, mu, t, r = bank.x, bank.p, bank.mu, bank.t, bank.r
    has_height, address = bank.has_height, bank.address
    ring_sensor, ring_hit = bank.ring_sensor, bank.ring_hit
    z, var, mask, form_of = detections.z, detections.var, detections.mask, detections.form
    gain, row, xs, ps, mean = work.gain, work.row, work.x, work.p, work.mean
    found, stamps, local = work.found, work.stamp, work.local
    s = detections.sensor[lo]
    form = form_of[lo]
    polar = form in (FORM_POLAR, FORM_BEARING)
    heard = form in (FORM_BEARING, FORM_PRESENCE)
    t_group = detections.t[lo]
    tracks = np.empty(2 * (hi - lo) + 8, np.int64)
    chance = np.empty(tracks.size)
    seen = np.empty((tracks.size if polar else 0, 4))
    jacobian = np.empty((seen.shape[0], 4, STATES))
    centre = np.empty((seen.shape[0], STATES))
    n_tracks = 0
    pair_track = np.empty(8 * (hi - lo) + 8, np.int64)
    pair_det = np.empty(pair_track.size, np.int64)
    psi = np.empty(pair_track.size)
    n_pairs = 0
    for j in range(lo, hi):
        simple = not polar and not mask[j, 2] and not mask[j, 3]
        dims = 0
        for c in range(STATES):
            dims += mask[j, c]
        gate = rules.gate + 3.0 * (dims - 2)
        clutter, fresh = densities(
            detections.clutter[j], sites.max_range_m, sites.sigma_m, s, form, z, mask, j, detections.undetected[j]
        )
        east, north, radius, t_det = (
            detections.east_m[j],
            detections.north_m[j],
            detections.radius_m[j],
            detections.t[j],
        )
        # What is heard left its source up to this long ago, when it was up to that much farther.
        slack = radius + sites.max_range_m[s] * sites.slowness[s] * SOUND_SLACK_MPS
        count = near(bank.after, grid, east, north, radius, found)
        for f in range(count):
            i = found[f]
            reach = bank.gate_m[i] + slack
            dt = t_det - t[i]
            de = x[i, 0, 0] + dt * x[i, 0, 3] - east
            dn = x[i, 0, 1] + dt * x[i, 0, 4] - north
            if de * de + dn * dn > reach * reach:
                continue
            if stamps[i] != stamp:
                stamps[i] = stamp
                advance(
                    x, p, mu, t, r, has_height, bank.coupled, bank.solid_hits, bank.surprise, i, t_group,
                    motion, work.transition, work.turn, work.cached_dt, work.weights, work.offsets, work.norms,
                )  # fmt: skip
                if n_tracks == tracks.size:
                    tracks = np.concatenate((tracks, np.empty(n_tracks, np.int64)))
                    chance = np.concatenate((chance, np.empty(n_tracks)))
                    if polar:
                        seen = np.concatenate((seen, np.empty((n_tracks, 4))))
                        jacobian = np.concatenate((jacobian, np.empty((n_tracks, 4, STATES))))
                        centre = np.concatenate((centre, np.empty((n_tracks, STATES))))
                local[i] = n_tracks
                tracks[n_tracks] = i
                for a in range(STATES):
                    mean[a] = mu[i, 0] * x[i, 0, a] + mu[i, 1] * x[i, 1, a] + mu[i, 2] * x[i, 2, a]
                chance[n_tracks] = detection_chance(
                    sites, s, mean[0], mean[1], mean[2], has_height[i], has_reported(ring_sensor, ring_hit, i, s)
                )
                if polar:
                    for a in range(STATES):
                        centre[n_tracks, a] = mean[a]
                    look(plane, sites.lat_rad[s], sites.lon_rad[s], sites.ecef, s, mean, seen, jacobian, n_tracks)
                n_tracks += 1
            k = local[i]
            offset = t_det - t[i]
            widen = 1.0
            if heard:
                widen = _widening(ring_sensor, ring_hit, i, s, t_det)
                offset -= _sound_delay(x, i, sites.east_m[s], sites.north_m[s], sites.max_range_m[s], sites.slowness[s])
            if simple:
                l, d2 = plane_likelihood(x, p, mu, i, offset, z, j, widen * var[j, 0], gate)
            else:
                l, d2 = try_measure(
                    polar, x, p, mu, i, z, var, mask, j, widen, offset, seen, jacobian, centre, k, gain, row, xs, ps
                )
            if not d2 <= gate:
                continue
            r_pd = r[i] * max(chance[k], UNSEEN_CHANCE)
            weight = math.exp(l) / (clutter + fresh) * r_pd / max(1.0 - r_pd, 1e-6)
            if detections.address[j] >= 0 and address[i] >= 0:
                weight *= SAME_ADDRESS if detections.address[j] == address[i] else OTHER_ADDRESS
            if weight < LEAST_PSI:
                continue
            if n_pairs == pair_track.size:
                pair_track = np.concatenate((pair_track, np.empty(n_pairs, np.int64)))
                pair_det = np.concatenate((pair_det, np.empty(n_pairs, np.int64)))
                psi = np.concatenate((psi, np.empty(n_pairs)))
            pair_track[n_pairs] = k
            pair_det[n_pairs] = j - lo
            psi[n_pairs] = min(weight, MAX_PSI)
            n_pairs += 1
    return tracks[:n_tracks], chance, seen, jacobian, centre, pair_track[:n_pairs], pair_det[:n_pairs], psi[:n_pairs]


@kernel
def by_track(n_tracks, pair_track, pair_det, psi):
    """The pairs in rows of tracks: (first, det, psi)."""
    first = np.zeros(n_tracks + 1, np.int64)
    for e in range(pair_track.size):
        first[pair_track[e] + 1] += 1
    for k in range(n_tracks):
        first[k + 1] += first[k]
    fill = first[:n_tracks].copy()
    det = np.empty(pair_track.size, np.int64)
    weight = np.empty(pair_track.size)
    for e in range(pair_track.size):
        at = fill[pair_track[e]]
        det[at] = pair_det[e]
        weight[at] = psi[e]
        fill[pair_track[e]] += 1
    return first, det, weight


@kernel
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


@kernel
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


@kernel
def process(bank: Bank, grid: Grid, detections: Detections, lo, hi, stamp, until, sites, plane, motion, rules, work):
    """Associate one group, update existence and states, and start tracks; `until` is the end of the beat (s)."""
    tracks, chance, seen, jacobian, centre, pair_track, pair_det, psi = pairs(
        bank, grid, detections, lo, hi, stamp, sites, plane, motion, rules, work
    )
    n_dets = hi - lo
    first, det, weight = by_track(tracks.size, pair_track, pair_det, psi)
    prob, missed, fresh, _, _ = marginals(tracks.size, first, det, weight, n_dets)
    choice = one_to_one(first, det, weight, prob, missed, n_dets)
    s = detections.sensor[lo]
    form = detections.form[lo]
    polar = form in (FORM_POLAR, FORM_BEARING)
    heard = form in (FORM_BEARING, FORM_PRESENCE)
    quiet = sites.kind[s] in (MODES, REMOTE_ID) or sites.kind[s] >= BEARING
    t_group = detections.t[lo]
    r, ring_look, ring_hit = bank.r, bank.ring_look, bank.ring_hit
    for k in range(tracks.size):
        if first[k + 1] == first[k]:
            continue
        i = tracks[k]
        left = r[i] if quiet else r[i] * (1.0 - chance[k]) / (1.0 - r[i] * chance[k])
        r[i] = min((1.0 - missed[k]) + missed[k] * left, 1.0 - 1e-9)
        slot = ring_slot(bank.ring_sensor, ring_look, ring_hit, i, s)
        ring_look[i, slot] = t_group
        if choice[k] >= 0:
            j = lo + det[choice[k]]
            dt = detections.t[j] - bank.t[i]
            widen = 1.0
            if heard:
                widen = _widening(bank.ring_sensor, ring_hit, i, s, detections.t[j])
                dt -= _sound_delay(
                    bank.x, i, sites.east_m[s], sites.north_m[s], sites.max_range_m[s], sites.slowness[s]
                )
            _note(bank, detections, j, i)
            mask = detections.mask
            if not polar and not bank.coupled[i] and not mask[j, 2] and not mask[j, 3]:
                d2 = update_place(bank.x, bank.p, bank.mu, i, detections.z, j, widen * detections.var[j, 0], dt)
                bank.surprise[i] += SURPRISE_SHARE * (d2 - bank.surprise[i])
                ring_hit[i, slot] = detections.t[j]
                continue
            bank.coupled[i] |= polar
            d2 = update(
                bank.x, bank.p, bank.mu, i, polar, detections.z, detections.var, detections.mask, j, widen, dt, seen,
                jacobian, centre, k, work.gain, work.row, work.norms,
            )  # fmt: skip
            bank.surprise[i] += SURPRISE_SHARE * (d2 - bank.surprise[i])
            ring_hit[i, slot] = detections.t[j]
    if form != FORM_BEARING:
        bear(bank, grid, detections, lo, fresh, until, sites, plane, rules, work)
