"""One group of detections (a sensor, a scan, half a second at most) against the tracks: the heart of the tracker."""

import math
from typing import NamedTuple

import numpy as np

from perisai.geodesy import kernel

from .association import marginals
from .bank import CONFLICT, Bank, Grid
from .birth import bear
from .coverage import densities, detection_chance
from .detections import FORM_BEARING, FORM_PLANE, FORM_POLAR, FORM_PRESENCE, Detections
from .grid import insert, near
from .kalman import measure, plane_likelihood
from .motion import advance
from .observe import look
from .settings import MODELS, RING, STATES, Rules
from .sites import Sites

MAX_PSI = 1e9
SAME_ADDRESS, OTHER_ADDRESS = 1e3, 1e-3
"""Likelihood of an address that agrees or differs: soft labels, since they can be forged or garbled."""
REPEAT_S = 60.0
"""Reports of one microphone inside this time tell the same thing again."""


class Work(NamedTuple):
    """Scratch of the kernels, so that none allocates in a loop."""

    pi: np.ndarray
    cached_dt: np.ndarray
    xw: np.ndarray
    pw: np.ndarray
    cw: np.ndarray
    mean: np.ndarray
    gain: np.ndarray
    row: np.ndarray
    seen: np.ndarray
    jacobian: np.ndarray
    found: np.ndarray
    stamp: np.ndarray
    local: np.ndarray


def new_work(capacity: int) -> Work:
    """Scratch for a bank of this capacity."""
    n, k = STATES, MODELS
    return Work(
        np.zeros((k, k)),
        np.full(1, -1.0),
        np.zeros((k, n)),
        np.zeros((k, n, n)),
        np.zeros(k),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(4),
        np.zeros((4, n)),
        np.zeros(capacity, np.int64),
        np.full(capacity, -1, np.int64),
        np.zeros(capacity, np.int64),
    )


@kernel
def _ring_slot(bank: Bank, i, s):
    """The slot of sensor s in track i's ring, taking the one that looked longest ago when it is new."""
    oldest = 0
    for k in range(RING):
        if bank.ring_sensor[i, k] == s:
            return k
        if bank.ring_look[i, k] < bank.ring_look[i, oldest]:
            oldest = k
    bank.ring_sensor[i, oldest] = s
    bank.ring_look[i, oldest] = -1e300
    bank.ring_hit[i, oldest] = -1e300
    return oldest


@kernel
def _since_hit(bank: Bank, i, s, t):
    for k in range(RING):
        if bank.ring_sensor[i, k] == s:
            return t - bank.ring_hit[i, k]
    return 1e300


@kernel
def _offset(bank: Bank, detections: Detections, j, i, t_group, sites: Sites):
    """Time of the detection less that of the track's state; sound is dated back by the way it came."""
    dt = detections.t[j] - bank.t[i]
    s = detections.sensor[j]
    if sites.slowness[s] > 0.0:
        de = bank.x[i, 0, 0] - sites.east_m[s]
        dn = bank.x[i, 0, 1] - sites.north_m[s]
        dt -= min(math.sqrt(de * de + dn * dn), sites.max_range_m[s]) * sites.slowness[s]
    return dt


@kernel
def _variance(bank: Bank, detections: Detections, j, i, var):
    """Variances of detection j for track i, widened for a microphone that reported it just before."""
    factor = 1.0
    if detections.form[j] >= FORM_BEARING:
        since = _since_hit(bank, i, detections.sensor[j], detections.t[j])
        if since < REPEAT_S:
            factor = min(REPEAT_S / max(since, 1.0), 30.0)
    for c in range(STATES):
        var[c] = detections.var[j, c] * factor


@kernel
def _log_likelihood(bank: Bank, detections: Detections, j, i, dt, seen, jacobian, centre, gate, work: Work, var):
    """log sum over models of mu N(z; ...), or -inf outside the gate (judged by the closest model)."""
    form = detections.form[j]
    simple = form == FORM_PRESENCE or (form == FORM_PLANE and not detections.mask[j, 2] and not detections.mask[j, 3])
    closest = 1e300
    top = -1e300
    total = 0.0
    for m in range(MODELS):
        if simple:
            d2, l = plane_likelihood(bank.x, bank.p, i, m, dt, detections.z[j], var)
        else:
            x = work.xw[m]
            p = work.pw[m]
            for a in range(STATES):
                x[a] = bank.x[i, m, a]
                for b in range(STATES):
                    p[a, b] = bank.p[i, m, a, b]
            polar = form in (FORM_POLAR, FORM_BEARING)
            d2, l = measure(
                polar, x, p, detections.z[j], var, detections.mask[j], dt, seen, jacobian, centre, work.gain, work.row
            )
        closest = min(closest, d2)
        l += math.log(bank.mu[i, m] + 1e-300)
        if l > top:
            total = total * math.exp(top - l) + 1.0
            top = l
        else:
            total += math.exp(l - top)
    dims = 0
    for c in range(STATES):
        if detections.mask[j, c]:
            dims += 1
    if closest > gate + 3.0 * (dims - 2):
        return -math.inf
    return top + math.log(total)


@kernel
def _identity(bank: Bank, detections: Detections, j, i):
    if detections.address[j] < 0 or bank.address[i] < 0:
        return 1.0
    return SAME_ADDRESS if detections.address[j] == bank.address[i] else OTHER_ADDRESS


@kernel
def pairs(
    bank: Bank, grid: Grid, detections: Detections, lo, hi, stamp, sites, plane, motion, rules: Rules, work: Work
):
    """Candidate pairs of the group [lo, hi): (tracks, seen, jacobian, centre, pair track, pair detection, psi).

    Tracks are brought to the group's time; psi is the weight of the pair against a missed detection.
    """
    s = detections.sensor[lo]
    t_group = detections.t[lo]
    form0 = detections.form[lo]
    tracks = np.empty(2 * (hi - lo) + 8, np.int64)
    n_tracks = 0
    capacity = 8 * (hi - lo) + 8
    pair_track = np.empty(capacity, np.int64)
    pair_det = np.empty(capacity, np.int64)
    psi = np.empty(capacity)
    n_pairs = 0
    looked = np.empty((tracks.size if form0 in (FORM_POLAR, FORM_BEARING) else 0, 4))
    slope = np.empty((looked.shape[0], 4, STATES))
    centre = np.empty((looked.shape[0], STATES))
    chance = np.empty(tracks.size)
    var = np.empty(STATES)
    for j in range(lo, hi):
        clutter, fresh = densities(
            sites, s, detections.form[j], detections.z[j], detections.mask[j], rules.undetected_per_m2
        )
        floor = clutter + fresh
        count = near(bank, grid, detections.east_m[j], detections.north_m[j], detections.radius_m[j], work.found)
        for f in range(count):
            i = work.found[f]
            size = grid.size_m[bank.level[i]] + detections.radius_m[j]
            dt = detections.t[j] - bank.t[i]
            de = bank.x[i, 0, 0] + dt * bank.x[i, 0, 3] - detections.east_m[j]
            dn = bank.x[i, 0, 1] + dt * bank.x[i, 0, 4] - detections.north_m[j]
            if de * de + dn * dn > 2.0 * size * size:
                continue
            if work.stamp[i] != stamp:
                work.stamp[i] = stamp
                advance(
                    bank.x, bank.p, bank.mu, bank.t, bank.r, bank.has_height, i, t_group, motion,
                    work.pi, work.cached_dt, work.xw, work.pw, work.cw,
                )  # fmt: skip
                if n_tracks == tracks.size:
                    tracks = np.concatenate((tracks, np.empty(n_tracks, np.int64)))
                    chance = np.concatenate((chance, np.empty(n_tracks)))
                    if looked.shape[0] > 0:
                        looked = np.concatenate((looked, np.empty((n_tracks, 4))))
                        slope = np.concatenate((slope, np.empty((n_tracks, 4, STATES))))
                        centre = np.concatenate((centre, np.empty((n_tracks, STATES))))
                work.local[i] = n_tracks
                tracks[n_tracks] = i
                for a in range(STATES):
                    work.mean[a] = 0.0
                    for m in range(MODELS):
                        work.mean[a] += bank.mu[i, m] * bank.x[i, m, a]
                chance[n_tracks] = max(
                    detection_chance(sites, s, work.mean[0], work.mean[1], work.mean[2], bank.has_height[i]), 0.05
                )
                if looked.shape[0] > 0:
                    for a in range(STATES):
                        centre[n_tracks, a] = work.mean[a]
                    look(
                        plane, sites.lat_rad[s], sites.lon_rad[s], sites.ecef[s, 0], sites.ecef[s, 1],
                        sites.ecef[s, 2], work.mean, looked[n_tracks], slope[n_tracks],
                    )  # fmt: skip
                n_tracks += 1
            k = work.local[i]
            _variance(bank, detections, j, i, var)
            q = k if looked.shape[0] > 0 else 0
            seen = looked[q] if looked.shape[0] > 0 else work.seen
            jacobian = slope[q] if looked.shape[0] > 0 else work.jacobian
            mean = centre[q] if looked.shape[0] > 0 else work.mean
            offset = _offset(bank, detections, j, i, t_group, sites)
            l = _log_likelihood(bank, detections, j, i, offset, seen, jacobian, mean, rules.gate, work, var)
            if l == -math.inf:
                continue
            r_pd = bank.r[i] * chance[k]
            weight = math.exp(l) / floor * r_pd / max(1.0 - r_pd, 1e-6) * _identity(bank, detections, j, i)
            if n_pairs == pair_track.size:
                pair_track = np.concatenate((pair_track, np.empty(n_pairs, np.int64)))
                pair_det = np.concatenate((pair_det, np.empty(n_pairs, np.int64)))
                psi = np.concatenate((psi, np.empty(n_pairs)))
            pair_track[n_pairs] = k
            pair_det[n_pairs] = j - lo
            psi[n_pairs] = min(weight, MAX_PSI)
            n_pairs += 1
    return tracks[:n_tracks], chance, looked, slope, centre, pair_track[:n_pairs], pair_det[:n_pairs], psi[:n_pairs]


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
def one_to_one(order, start, first, det, prob, missed, n_dets):
    """The pair that updates each track, or -1: the likeliest first, each detection once, none below a missed one."""
    choice = np.full(missed.size, -1, np.int64)
    taken = np.zeros(n_dets, np.bool_)
    for c in range(start.size - 1):
        members = order[start[c] : start[c + 1]]
        if members.size == 1:
            t = members[0]
            best = -1
            for e in range(first[t], first[t + 1]):
                if best < 0 or prob[e] > prob[best]:
                    best = e
            if best >= 0 and 1.0 - missed[t] > 0.5:
                choice[t] = best
            continue
        count = 0
        for k in range(members.size):
            count += first[members[k] + 1] - first[members[k]]
        edge = np.empty(count, np.int64)
        owner = np.empty(count, np.int64)
        value = np.empty(count)
        n = 0
        for k in range(members.size):
            t = members[k]
            for e in range(first[t], first[t + 1]):
                edge[n] = e
                owner[n] = t
                value[n] = -prob[e]
                n += 1
        for a in np.argsort(value, kind="mergesort"):
            t = owner[a]
            if choice[t] < 0 and not taken[det[edge[a]]] and 1.0 - missed[t] > 0.5 and prob[edge[a]] > 0.05:
                choice[t] = edge[a]
                taken[det[edge[a]]] = True
    return choice


@kernel
def update(bank: Bank, detections: Detections, j, i, t_group, polar, seen, jacobian, centre, sites, work: Work, var):
    """Update all models of track i with detection j, and what else the detection tells."""
    dt = _offset(bank, detections, j, i, t_group, sites)
    _variance(bank, detections, j, i, var)
    if detections.mask[j, 2] and not bank.has_height[i]:
        bank.has_height[i] = True
        for m in range(MODELS):
            bank.p[i, m, 5, 5] += 15.0**2
    total = 0.0
    top = -1e300
    for m in range(MODELS):
        _, l = measure(
            polar, bank.x[i, m], bank.p[i, m], detections.z[j], var, detections.mask[j], dt, seen, jacobian, centre,
            work.gain, work.row,
        )  # fmt: skip
        work.cw[m] = l
        top = max(top, l)
    for m in range(MODELS):
        work.cw[m] = max(bank.mu[i, m] * math.exp(work.cw[m] - top), 1e-6)
        total += work.cw[m]
    for m in range(MODELS):
        bank.mu[i, m] = work.cw[m] / total
    bank.last[i] = max(bank.last[i], detections.t[j])
    bank.hits[i] += 1
    if detections.form[j] <= FORM_POLAR:
        bank.solid_hits[i] += 1
    sigma = math.sqrt(detections.var[j, 0])
    if detections.form[j] == FORM_PLANE or detections.form[j] == FORM_PRESENCE:
        bank.sigma_m[i] = sigma
    elif detections.form[j] == FORM_POLAR:
        bank.sigma_m[i] = max(sigma, math.sqrt(detections.var[j, 1]) * detections.z[j, 0])
    bank.touched[i] = True
    if detections.label[j] >= 0:
        bank.label[i] = detections.label[j]
    if detections.address[j] >= 0:
        if bank.address[i] < 0:
            bank.address[i] = detections.address[j]
        elif bank.address[i] != detections.address[j]:
            bank.other_address[i] = detections.address[j]
            bank.flags[i] |= CONFLICT


@kernel
def process(
    bank: Bank, grid: Grid, detections: Detections, lo, hi, stamp, until, sites, plane, motion, rules, work, bx, bp
):
    """Associate one group, update existence and states, and start tracks; `until` is the end of the beat (s)."""
    tracks, chance, looked, slope, centre, pair_track, pair_det, psi = pairs(
        bank, grid, detections, lo, hi, stamp, sites, plane, motion, rules, work
    )
    n_dets = hi - lo
    first, det, weight = by_track(tracks.size, pair_track, pair_det, psi)
    prob, missed, fresh, order, start = marginals(tracks.size, first, det, weight, n_dets)
    choice = one_to_one(order, start, first, det, prob, missed, n_dets)
    s = detections.sensor[lo]
    t_group = detections.t[lo]
    polar = looked.shape[0] > 0
    var = np.empty(STATES)
    quiet = sites.kind[s] == 2 or sites.kind[s] == 3 or sites.kind[s] >= 5
    for k in range(tracks.size):
        if first[k + 1] == first[k]:
            continue
        i = tracks[k]
        r = bank.r[i]
        left = r if quiet else r * (1.0 - chance[k]) / (1.0 - r * chance[k])
        bank.r[i] = min((1.0 - missed[k]) + missed[k] * left, 1.0 - 1e-9)
        slot = _ring_slot(bank, i, s)
        bank.ring_look[i, slot] = t_group
        if choice[k] >= 0:
            j = lo + det[choice[k]]
            q = k if polar else 0
            seen = looked[q] if polar else work.seen
            jacobian = slope[q] if polar else work.jacobian
            mean = centre[q] if polar else work.mean
            update(bank, detections, j, i, t_group, polar, seen, jacobian, mean, sites, work, var)
            bank.ring_hit[i, slot] = detections.t[j]
    scratch = (work.seen, work.jacobian, work.row, work.gain, work.mean)
    for d in range(n_dets):
        j = lo + d
        if detections.form[j] == FORM_BEARING:
            continue
        clutter, undetected = densities(
            sites, s, detections.form[j], detections.z[j], detections.mask[j], rules.undetected_per_m2
        )
        existence = fresh[d] * undetected / (clutter + undetected)
        if existence < 0.25 * rules.delete_existence * undetected / (clutter + undetected):
            continue
        i = bear(bank, detections, j, existence, sites, plane, rules, bx, bp, scratch)
        if i >= 0:
            insert(bank, grid, i, until)
