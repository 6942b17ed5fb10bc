"""New tracks from detections that no known track explains."""

import math

from perisai.geodesy import Plane, plane_from_geodetic
from perisai.kernels import loop

from .bank import FREE, NEXT_KEY, USED, Bank, Grid
from .coverage import densities
from .detections import Detections
from .forms import FORM_PLANE, FORM_POLAR, FORM_PRESENCE
from .grid import insert
from .kalman import fold
from .observe import look, place
from .settings import MODELS, RING, STATES, Rules
from .sites import Sites

HEARD_SPEED_MPS = 45.0
"""1 sigma of the velocity of what a microphone heard."""


@loop
def _from_place(x, p, z, var, mask, j, speed, height, height_sigma):
    """Mean x[0, 0] (6,) and covariance p[0, 0] of what was measured on the plane; what was not is given."""
    for a in range(STATES):
        x[0, 0, a] = z[j, a] if mask[j, a] else 0.0
        for b in range(STATES):
            p[0, 0, a, b] = 0.0
        p[0, 0, a, a] = var[j, a]
    if not mask[j, 2]:
        x[0, 0, 2] = height
        p[0, 0, 2, 2] = height_sigma * height_sigma
    if not mask[j, 3]:
        p[0, 0, 3, 3] = speed * speed
        p[0, 0, 4, 4] = speed * speed
    if not mask[j, 5]:
        p[0, 0, 5, 5] = 15.0**2 if mask[j, 2] else 1.0


@loop
def _from_polar(x, p, z, var, mask, j, s, sites: Sites, plane: Plane, rules: Rules, gain, row, mean, seen, jacobian):
    """`_from_place` of a range and an azimuth (an elevation, a rate) of sensor s."""
    e, n, u = sites.ecef[s, 0], sites.ecef[s, 1], sites.ecef[s, 2]
    prior = min(rules.birth_height_m, 0.5 * z[j, 0])
    lat, lon, height = place(sites.lat_rad[s], sites.lon_rad[s], e, n, u, z[j, 0], z[j, 1], prior, mask[j, 2], z[j, 2])
    for a in range(STATES):
        x[0, 0, a] = 0.0
        for b in range(STATES):
            p[0, 0, a, b] = 0.0
    x[0, 0, 0], x[0, 0, 1] = plane_from_geodetic(plane, lat, lon)
    x[0, 0, 2] = height
    wide = 0.5 * z[j, 0] + 1_000.0
    p[0, 0, 0, 0] = wide * wide
    p[0, 0, 1, 1] = wide * wide
    p[0, 0, 2, 2] = wide * wide if mask[j, 2] else rules.birth_height_sigma_m**2
    p[0, 0, 3, 3] = rules.birth_speed_mps**2
    p[0, 0, 4, 4] = rules.birth_speed_mps**2
    p[0, 0, 5, 5] = 50.0**2 if mask[j, 2] else 1.0
    for a in range(STATES):
        mean[a] = x[0, 0, a]
    look(plane, sites.lat_rad[s], sites.lon_rad[s], sites.ecef, s, mean, seen, jacobian, 0)
    for c in range(4):
        if mask[j, c]:
            # The place was put where range and azimuth (and elevation) are met; only the rate can differ.
            nu = 0.0
            if c == 3:
                nu = z[j, 3] - seen[0, 3]
                for a in range(3, STATES):
                    nu -= jacobian[0, 3, a] * (x[0, 0, a] - mean[a])
            for a in range(STATES):
                row[a] = jacobian[0, c, a]
            fold(x, p, 0, 0, row, nu, var[j, c], gain)


@loop
def bear(
    bank: Bank, grid: Grid, detections: Detections, lo, fresh, until, sites: Sites, plane: Plane, rules: Rules, work
):
    """Start tracks from the detections of a group from lo on, of which no known track caused `fresh` (n,): existence is
    that share of the undetected targets among undetected targets and false reports. None where it would end at once, or
    the bank is full."""
    form = detections.form[lo]
    s = detections.sensor[lo]
    z, var, mask, t_of = detections.z, detections.var, detections.mask, detections.t
    x, p = work.x, work.p
    solid = form in (FORM_PLANE, FORM_POLAR)
    heard = form == FORM_PRESENCE
    speed = HEARD_SPEED_MPS if heard else rules.birth_speed_mps
    height = sites.alt_m[s] + 800.0 if heard else rules.birth_height_m
    height_sigma = 600.0 if heard else rules.birth_height_sigma_m
    for d in range(fresh.size):
        if fresh[d] < rules.delete_existence or bank.counters[FREE] == 0:
            continue
        j = lo + d
        clutter, undetected = densities(
            detections.clutter[j], sites.max_range_m, sites.sigma_m, s, form, z, mask, j, detections.undetected[j]
        )
        existence = fresh[d] * undetected / (clutter + undetected)
        if existence < rules.delete_existence:
            continue
        bank.counters[FREE] -= 1
        i = bank.free[bank.counters[FREE]]
        bank.counters[USED] = max(bank.counters[USED], i + 1)
        if form == FORM_POLAR:
            _from_polar(
                x, p, z, var, mask, j, s, sites, plane, rules, work.gain, work.row, work.mean, work.seen, work.slope
            )
        else:
            _from_place(x, p, z, var, mask, j, speed, height, height_sigma)
        for m in range(MODELS):
            bank.mu[i, m] = 0.6 if m == 0 else (0.3 if m == 1 else 0.1)
            for a in range(STATES):
                bank.x[i, m, a] = x[0, 0, a]
                for b in range(STATES):
                    bank.p[i, m, a, b] = p[0, 0, a, b]
        bank.t[i] = t_of[j]
        bank.r[i] = existence
        bank.surprise[i] = 2.0
        bank.habit[i, 0], bank.habit[i, 1] = rules.new_habit[0], rules.new_habit[1]
        bank.born[i] = t_of[j]
        bank.last[i] = t_of[j]
        bank.sent[i] = -1.0
        bank.sigma_m[i] = math.sqrt(max(min(p[0, 0, 0, 0], p[0, 0, 1, 1]), 1.0))
        bank.hits[i] = 1
        bank.solid_hits[i] = 1 if solid else 0
        bank.key[i] = bank.counters[NEXT_KEY]
        bank.counters[NEXT_KEY] += 1
        bank.ident[i] = -1
        bank.alive[i] = True
        bank.confirmed[i] = False
        bank.touched[i] = True
        bank.has_height[i] = mask[j, 2]
        bank.coupled[i] = form == FORM_POLAR
        bank.stale[i] = True
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
        bank.ring_sensor[i, 0] = s
        bank.ring_look[i, 0] = t_of[j]
        bank.ring_hit[i, 0] = t_of[j]
        for c in range(bank.doubt.shape[1]):
            bank.doubt[i, c] = 0.0
        bank.cell[i] = -1
        insert(bank, grid, i, until)


@loop
def release(bank: Bank, i):
    """Give the slot of a track back."""
    bank.alive[i] = False
    bank.free[bank.counters[FREE]] = i
    bank.counters[FREE] += 1
