"""Candidate pairs of one group of detections and the tracks near them, with their weights."""

import math
from typing import NamedTuple

import numpy as np

from perisai.kernels import inlined, kernel, loop

from .bank import Bank, Grid
from .coverage import UNSEEN_CHANCE, densities, detection_chance
from .detections import Detections
from .forms import FORM_BEARING, FORM_POLAR, FORM_PRESENCE
from .grid import near
from .histories import PAST, remember
from .kalman import plane_likelihood, try_measure
from .motion import advance
from .observe import look
from .settings import MODELS, RING, STATES, Rules
from .work import Work

MAX_PSI = 1e9
LEAST_PSI = 0.01
"""Pairs of less weight change nothing by a hundredth and would tie whole raids into one cluster."""
SAME_ADDRESS, OTHER_ADDRESS = 1e3, 1e-6
"""Likelihood of an address that agrees or differs: soft labels, since they can be forged. Mode S guards them by a
checksum, so another address is nearly always another aircraft: one that lands is not the one that next takes off."""
SOUND_SLACK_MPS = 100.0
"""How fast a source may move between sounding and being heard, for the first, coarse test of a pair."""
REPEAT_S = 60.0
"""Reports of one microphone inside this time tell the same thing again."""


@loop
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


@loop
def has_reported(ring_sensor, ring_hit, i, s):
    """Whether sensor s is among those that lately reported track i."""
    for k in range(RING):
        if ring_sensor[i, k] == s:
            return ring_hit[i, k] > -1e200
    return False


@loop
def widening(ring_sensor, ring_hit, i, s, t):
    """Factor on the variances of a microphone's report that repeats what it said just before."""
    for k in range(RING):
        if ring_sensor[i, k] == s:
            return min(max(REPEAT_S / max(t - ring_hit[i, k], 1.0), 1.0), 30.0)
    return 1.0


@loop
def sound_delay(x, i, east, north, reach, slowness):
    """How long ago (s) what is heard now left track i."""
    de = x[i, 0, 0] - east
    dn = x[i, 0, 1] - north
    return min(math.sqrt(de * de + dn * dn), reach) * slowness


class Pairs(NamedTuple):
    """Candidate pairs of a group. Of each track: its slot, its chance of being detected, in polar form seen, jacobian
    and centre, what the sensor would measure of it (see `kalman.measure`), else what it was (past, past_mu; see
    `histories`) `lapse` seconds before the group, 0 where that is not kept. Of each pair: track (its place among
    those), det (from the group's first on), psi (the weight against a missed detection)."""

    tracks: np.ndarray
    chance: np.ndarray
    seen: np.ndarray
    jacobian: np.ndarray
    centre: np.ndarray
    lapse: np.ndarray
    past: np.ndarray
    past_mu: np.ndarray
    track: np.ndarray
    det: np.ndarray
    psi: np.ndarray


@kernel
def _room(tracks, polar, pairs):
    polars, others = (tracks, 0) if polar else (0, tracks)
    return Pairs(
        np.empty(tracks, np.int64), np.empty(tracks), np.empty((polars, 4)), np.empty((polars, 4, STATES)),
        np.empty((polars, STATES)), np.empty(others), np.empty((others, MODELS, PAST)), np.empty((others, MODELS)),
        np.empty(pairs, np.int64), np.empty(pairs, np.int64), np.empty(pairs),
    )  # fmt: skip


@kernel
def pairs(
    bank: Bank, grid: Grid, detections: Detections, lo, hi, stamp, sites, plane, motion, rules: Rules, work: Work
):
    """Candidate pairs of the group [lo, hi), with the tracks brought to the group's time: (number of tracks, number of
    pairs, arrays that may be longer). psi is r pD L / ((1 - r pD) (clutter + undetected))."""
    polar = detections.form[lo] in (FORM_POLAR, FORM_BEARING)
    room = _room(2 * (hi - lo) + 16, polar, 8 * (hi - lo) + 32)
    at, n_tracks, n_pairs = lo, 0, 0
    while True:
        at, n_tracks, n_pairs = _fill(
            bank, grid, detections, lo, at, hi, stamp, sites, plane, motion, rules, work, room, n_tracks, n_pairs
        )
        if at == hi:
            return n_tracks, n_pairs, room
        more = _room(2 * room.tracks.size, polar, 2 * room.psi.size)
        _copy(room, more, n_tracks, n_pairs, polar)
        room = more


@loop
def _copy(room: Pairs, more: Pairs, n_tracks, n_pairs, polar):
    for k in range(n_tracks):
        more.tracks[k], more.chance[k] = room.tracks[k], room.chance[k]
        if polar:
            for c in range(4):
                more.seen[k, c] = room.seen[k, c]
                for a in range(STATES):
                    more.jacobian[k, c, a] = room.jacobian[k, c, a]
            for a in range(STATES):
                more.centre[k, a] = room.centre[k, a]
        else:
            more.lapse[k] = room.lapse[k]
            for m in range(MODELS):
                more.past_mu[k, m] = room.past_mu[k, m]
                for a in range(PAST):
                    more.past[k, m, a] = room.past[k, m, a]
    for e in range(n_pairs):
        more.track[e], more.det[e], more.psi[e] = room.track[e], room.det[e], room.psi[e]


@inlined
def _meet(bank: Bank, sites, plane, motion, work: Work, room: Pairs, i, s, t_group, polar, k):
    """Track i becomes the k-th of the group: brought to the group's time, with the chance that sensor s detects it and,
    for polar reports, the sensor's look at its mixed mean."""
    x, mu, mean = bank.x, bank.mu, work.mean
    if not polar:
        room.lapse[k] = 0.0 if bank.coupled[i] else max(t_group - bank.t[i], 0.0)
        if room.lapse[k] > 0.0:
            remember(x, bank.p, mu, i, room.past, room.past_mu, k)
    advance(
        x, bank.p, mu, bank.t, bank.r, bank.has_height, bank.coupled, bank.solid_hits, bank.surprise, bank.habit,
        i, t_group, motion, work.transition, work.cached_dt, work.weights, work.offsets, work.norms,
    )  # fmt: skip
    room.tracks[k] = i
    for a in range(STATES):
        mean[a] = mu[i, 0] * x[i, 0, a] + mu[i, 1] * x[i, 1, a] + mu[i, 2] * x[i, 2, a]
    reported = has_reported(bank.ring_sensor, bank.ring_hit, i, s)
    room.chance[k] = detection_chance(sites, s, mean[0], mean[1], mean[2], bank.has_height[i], reported)
    if polar:
        for a in range(STATES):
            room.centre[k, a] = mean[a]
        look(plane, sites.lat_rad[s], sites.lon_rad[s], sites.ecef, s, mean, room.seen, room.jacobian, k)


@inlined
def _fit(bank: Bank, detections: Detections, sites, work: Work, room: Pairs, i, j, k, s, polar, heard, simple, gate):
    """(log-likelihood, squared distance) of detection j from track i, the k-th of the group."""
    x, p, mu, t_det = bank.x, bank.p, bank.mu, detections.t[j]
    offset = t_det - bank.t[i]
    widen = 1.0
    if heard:
        widen = widening(bank.ring_sensor, bank.ring_hit, i, s, t_det)
        offset -= sound_delay(x, i, sites.east_m[s], sites.north_m[s], sites.max_range_m[s], sites.slowness[s])
    if simple:
        return plane_likelihood(x, p, mu, i, offset, detections.z, j, widen * detections.var[j, 0], gate)
    return try_measure(
        polar, x, p, mu, i, detections.z, detections.var, detections.mask, j, widen, offset, room.seen, room.jacobian,
        room.centre, k, work.gain, work.row, work.x, work.p,
    )  # fmt: skip


@inlined
def _weight(log_likelihood, elsewhere, r_pd, address_seen, address_known):
    """How much likelier the track is than anything else at the detection, over how likely it is to go unseen."""
    weight = math.exp(log_likelihood) / elsewhere * r_pd / max(1.0 - r_pd, 1e-6)
    if address_seen >= 0 and address_known >= 0:
        weight *= SAME_ADDRESS if address_seen == address_known else OTHER_ADDRESS
    return weight


@loop
def _fill(
    bank: Bank, grid: Grid, detections: Detections, lo, at, hi, stamp, sites, plane, motion, rules: Rules, work: Work,
    room: Pairs, n_tracks, n_pairs,
):  # fmt: skip
    """`pairs` from detection `at` on while there is room: (detection to go on with, numbers of tracks and of pairs)."""
    x, t, r, address = bank.x, bank.t, bank.r, bank.address
    z, mask = detections.z, detections.mask
    found, stamps, local = work.found, work.stamp, work.local
    s = detections.sensor[lo]
    form = detections.form[lo]
    polar = form in (FORM_POLAR, FORM_BEARING)
    heard = form in (FORM_BEARING, FORM_PRESENCE)
    t_group = detections.t[lo]
    for j in range(at, hi):
        simple = not polar and not mask[j, 2] and not mask[j, 3]
        dims = 0
        for c in range(STATES):
            dims += mask[j, c]
        gate = rules.gate + 3.0 * (dims - 2)
        clutter, fresh = densities(
            detections.clutter[j], sites.max_range_m, sites.sigma_m, s, form, z, mask, j, detections.undetected[j]
        )
        east, north, t_det = detections.east_m[j], detections.north_m[j], detections.t[j]
        # What is heard left its source up to this long ago, when it was up to that much farther.
        slack = detections.radius_m[j] + sites.max_range_m[s] * sites.slowness[s] * SOUND_SLACK_MPS
        count = near(bank.after, grid, east, north, detections.radius_m[j], found)
        if n_tracks + count > room.tracks.size or n_pairs + count > room.psi.size:
            return j, n_tracks, n_pairs
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
                local[i] = n_tracks
                _meet(bank, sites, plane, motion, work, room, i, s, t_group, polar, n_tracks)
                n_tracks += 1
            k = local[i]
            l, d2 = _fit(bank, detections, sites, work, room, i, j, k, s, polar, heard, simple, gate)
            if not d2 <= gate:
                continue
            weight = _weight(
                l, clutter + fresh, r[i] * max(room.chance[k], UNSEEN_CHANCE), detections.address[j], address[i]
            )
            if weight < LEAST_PSI:
                continue
            room.track[n_pairs] = k
            room.det[n_pairs] = j - lo
            room.psi[n_pairs] = min(weight, MAX_PSI)
            n_pairs += 1
    return hi, n_tracks, n_pairs


@loop
def _rows(n_tracks, n_pairs, room: Pairs, first, fill, det, weight):
    for k in range(n_tracks + 1):
        first[k] = 0
    for e in range(n_pairs):
        first[room.track[e] + 1] += 1
    for k in range(n_tracks):
        first[k + 1] += first[k]
        fill[k] = first[k]
    for e in range(n_pairs):
        at = fill[room.track[e]]
        det[at] = room.det[e]
        weight[at] = room.psi[e]
        fill[room.track[e]] += 1


@kernel
def by_track(n_tracks, n_pairs, room: Pairs):
    """The pairs in rows of tracks: (first, det, psi)."""
    first = np.empty(n_tracks + 1, np.int64)
    det, weight = np.empty(n_pairs, np.int64), np.empty(n_pairs)
    _rows(n_tracks, n_pairs, room, first, np.empty(n_tracks, np.int64), det, weight)
    return first, det, weight
