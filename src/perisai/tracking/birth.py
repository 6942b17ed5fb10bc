"""New tracks from detections that no known track explains."""

import math

import numpy as np

from perisai.geodesy import Plane, kernel, plane_from_geodetic

from .bank import FREE, NEXT_KEY, USED, Bank
from .detections import FORM_PLANE, FORM_POLAR, FORM_PRESENCE, Detections
from .kalman import fold
from .observe import look, place
from .settings import MODELS, RING, STATES, Rules
from .sites import Sites

HEARD_SPEED_MPS = 45.0
"""1 sigma of the velocity of what a microphone heard."""


@kernel
def _state(x, p, detections: Detections, j, sites: Sites, plane: Plane, rules: Rules, gain, row, mean):
    """Mean x[0, 0] (6,) and covariance p[0, 0] of what caused detection j alone; whether its height is known."""
    s = detections.sensor[j]
    z = detections.z[j]
    var = detections.var[j]
    mask = detections.mask[j]
    for a in range(STATES):
        x[0, 0, a] = 0.0
        for b in range(STATES):
            p[0, 0, a, b] = 0.0
    speed = HEARD_SPEED_MPS if detections.form[j] == FORM_PRESENCE else rules.birth_speed_mps
    p[0, 0, 3, 3] = speed * speed
    p[0, 0, 4, 4] = speed * speed
    p[0, 0, 5, 5] = 1.0
    x[0, 0, 2] = rules.birth_height_m
    p[0, 0, 2, 2] = rules.birth_height_sigma_m**2
    if detections.form[j] == FORM_PRESENCE:
        x[0, 0, 2] = sites.alt_m[s] + 800.0
        p[0, 0, 2, 2] = 600.0**2
    if detections.form[j] != FORM_POLAR:
        for a in range(STATES):
            if mask[a]:
                x[0, 0, a] = z[a]
                p[0, 0, a, a] = var[a]
        if mask[2] and not mask[5]:
            p[0, 0, 5, 5] = 15.0**2
        return mask[2]
    e, n, u = sites.ecef[s, 0], sites.ecef[s, 1], sites.ecef[s, 2]
    prior = min(rules.birth_height_m, 0.5 * z[0])
    lat, lon, height = place(sites.lat_rad[s], sites.lon_rad[s], e, n, u, z[0], z[1], prior, mask[2], z[2])
    x[0, 0, 0], x[0, 0, 1] = plane_from_geodetic(plane, lat, lon)
    x[0, 0, 2] = height
    wide = 0.5 * z[0] + 1_000.0
    p[0, 0, 0, 0] = wide * wide
    p[0, 0, 1, 1] = wide * wide
    if mask[2]:
        p[0, 0, 2, 2] = wide * wide
        p[0, 0, 5, 5] = 50.0**2
    for a in range(STATES):
        mean[a] = x[0, 0, a]
    seen, jacobian = np.empty((1, 4)), np.empty((1, 4, STATES))
    look(plane, sites.lat_rad[s], sites.lon_rad[s], sites.ecef, s, mean, seen, jacobian, 0)
    for c in range(4):
        if mask[c]:
            # The place was put where range and azimuth (and elevation) are met; only the rate can differ.
            nu = 0.0
            if c == 3:
                nu = z[3] - seen[0, 3]
                for a in range(3, STATES):
                    nu -= jacobian[0, 3, a] * (x[0, 0, a] - mean[a])
            for a in range(STATES):
                row[a] = jacobian[0, c, a]
            fold(x, p, 0, 0, row, nu, var[c], gain)
    return mask[2]


@kernel
def bear(bank: Bank, detections: Detections, j, existence, sites: Sites, plane: Plane, rules: Rules, work):
    """Start a track from detection j with the given existence; its slot, or -1 when the bank is full."""
    if bank.counters[FREE] == 0:
        return -1
    bank.counters[FREE] -= 1
    i = bank.free[bank.counters[FREE]]
    bank.counters[USED] = max(bank.counters[USED], i + 1)
    x, p = work.x, work.p
    has_height = _state(x, p, detections, j, sites, plane, rules, work.gain, work.row, work.mean)
    for m in range(MODELS):
        bank.mu[i, m] = 0.6 if m == 0 else (0.3 if m == 1 else 0.1)
        for a in range(STATES):
            bank.x[i, m, a] = x[0, 0, a]
            for b in range(STATES):
                bank.p[i, m, a, b] = p[0, 0, a, b]
    t = detections.t[j]
    bank.t[i] = t
    bank.r[i] = existence
    bank.born[i] = t
    bank.last[i] = t
    bank.sent[i] = -1.0
    bank.sigma_m[i] = math.sqrt(max(min(p[0, 0, 0, 0], p[0, 0, 1, 1]), 1.0))
    bank.hits[i] = 1
    bank.solid_hits[i] = 1 if detections.form[j] == FORM_PLANE or detections.form[j] == FORM_POLAR else 0
    bank.key[i] = bank.counters[NEXT_KEY]
    bank.counters[NEXT_KEY] += 1
    bank.ident[i] = -1
    bank.alive[i] = True
    bank.confirmed[i] = False
    bank.touched[i] = True
    bank.has_height[i] = has_height
    for c in range(bank.log_class.shape[1]):
        bank.log_class[i, c] = 0.0
    bank.class_time[i] = -1.0
    bank.label[i] = detections.label[j]
    bank.address[i] = detections.address[j]
    bank.other_address[i] = -1
    bank.flags[i] = 0
    bank.slow_since[i] = -1.0
    for k in range(RING):
        bank.ring_sensor[i, k] = -1
        bank.ring_look[i, k] = -1e300
        bank.ring_hit[i, k] = -1e300
    bank.ring_sensor[i, 0] = detections.sensor[j]
    bank.ring_look[i, 0] = t
    bank.ring_hit[i, 0] = t
    bank.cell[i] = -1
    return i


@kernel
def release(bank: Bank, i):
    """Give the slot of a track back."""
    bank.alive[i] = False
    bank.free[bank.counters[FREE]] = i
    bank.counters[FREE] += 1
