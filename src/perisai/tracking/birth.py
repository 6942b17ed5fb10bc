"""New tracks from detections that no known track explains."""

import math

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
def _state(x, p, detections: Detections, j, sites: Sites, plane: Plane, rules: Rules, scratch):
    """Mean x (6,) and covariance p (6, 6) of a target that caused detection j alone; whether its height is known."""
    seen, jacobian, row, gain, mean = scratch
    s = detections.sensor[j]
    z = detections.z[j]
    var = detections.var[j]
    mask = detections.mask[j]
    for a in range(STATES):
        x[a] = 0.0
        for b in range(STATES):
            p[a, b] = 0.0
    speed = HEARD_SPEED_MPS if detections.form[j] == FORM_PRESENCE else rules.birth_speed_mps
    p[3, 3] = speed * speed
    p[4, 4] = speed * speed
    p[5, 5] = 1.0
    x[2] = rules.birth_height_m
    p[2, 2] = rules.birth_height_sigma_m**2
    if detections.form[j] == FORM_PRESENCE:
        x[2] = sites.alt_m[s] + 800.0
        p[2, 2] = 600.0**2
    if detections.form[j] != FORM_POLAR:
        for a in range(STATES):
            if mask[a]:
                x[a] = z[a]
                p[a, a] = var[a]
        if mask[2] and not mask[5]:
            p[5, 5] = 15.0**2
        return mask[2]
    e, n, u = sites.ecef[s, 0], sites.ecef[s, 1], sites.ecef[s, 2]
    prior = min(rules.birth_height_m, 0.5 * z[0])
    lat, lon, height = place(sites.lat_rad[s], sites.lon_rad[s], e, n, u, z[0], z[1], prior, mask[2], z[2])
    x[0], x[1] = plane_from_geodetic(plane, lat, lon)
    x[2] = height
    wide = 0.5 * z[0] + 1_000.0
    p[0, 0] = wide * wide
    p[1, 1] = wide * wide
    if mask[2]:
        p[2, 2] = wide * wide
        p[5, 5] = 50.0**2
    for a in range(STATES):
        mean[a] = x[a]
    look(plane, sites.lat_rad[s], sites.lon_rad[s], e, n, u, mean, seen, jacobian)
    for c in range(4):
        if mask[c]:
            for a in range(STATES):
                row[a] = jacobian[c, a]
            nu = z[c] - seen[c] if c != 1 else 0.0
            if c == 3:
                for a in range(3, STATES):
                    nu -= row[a] * (x[a] - mean[a])
            elif c != 3:
                nu = 0.0
            fold(x, p, row, nu, var[c], gain)
    return mask[2]


@kernel
def bear(bank: Bank, detections: Detections, j, existence, sites: Sites, plane: Plane, rules: Rules, x, p, scratch):
    """Start a track from detection j with the given existence; its slot, or -1 when the bank is full."""
    if bank.counters[FREE] == 0:
        return -1
    bank.counters[FREE] -= 1
    i = bank.free[bank.counters[FREE]]
    bank.counters[USED] = max(bank.counters[USED], i + 1)
    has_height = _state(x, p, detections, j, sites, plane, rules, scratch)
    for m in range(MODELS):
        bank.mu[i, m] = 0.6 if m == 0 else (0.3 if m == 1 else 0.1)
        for a in range(STATES):
            bank.x[i, m, a] = x[a]
            for b in range(STATES):
                bank.p[i, m, a, b] = p[a, b]
    t = detections.t[j]
    bank.t[i] = t
    bank.r[i] = existence
    bank.born[i] = t
    bank.last[i] = t
    bank.sent[i] = -1.0
    bank.sigma_m[i] = math.sqrt(max(min(p[0, 0], p[1, 1]), 1.0))
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
