"""What happens to tracks beside being seen: silence of a sensor, confirmation, coasting, ending."""

import math

from perisai.geodesy import Plane, plane_scale, true_frame
from perisai.kernels import loop

from .bank import Bank
from .birth import release
from .classify import mix_habits, observe, posterior
from .coverage import blind, detection_chance, penalises
from .doubt import PLACE, VELOCITY, carry
from .mixture import summary
from .motion import advance
from .settings import RING, Motion, Rules
from .sites import Sites

TENTATIVE, CONFIRMED, COASTING, ENDED = 0, 1, 2, 3
COAST_AFTER_PERIODS = 2.5
PREDICT_AFTER_S = 5.0
CLASS_EVERY_S = 8.0
CLASS_LATER_S = 16.0
"""How often a track is looked at for what it is: in its first minute, and then."""
YOUNG_S = 60.0
SENSORS_FOR_S = 60.0
FORGET_CHANCE = 0.02
LEAST_HITS = 3
"""No track is shown before."""
LAT, LON, ALT, VE, VN, VU, P_EE, P_EN, P_NN, V_EE, V_EN, V_NN, EXISTENCE, TIME = range(14)
ROW_FLOATS = 14


@loop
def close_scan(bank: Bank, used, s, began, ended, sites: Sites):
    """A scan of sensor s over [began, ended] (s) is complete: tracks in its coverage that it did not look at yet lose
    existence by r (1 - pD) / (1 - r pD)."""
    if not penalises(sites.kind[s]):
        return
    middle = 0.5 * (began + ended)
    for i in range(used):
        if not bank.alive[i] or bank.born[i] > began:
            continue
        seen, reported = False, False
        for k in range(RING):
            if bank.ring_sensor[i, k] == s:
                seen = bank.ring_look[i, k] >= began - 1e-6
                reported = bank.ring_hit[i, k] > -1e200
        if seen:
            continue
        dt = middle - bank.t[i]
        east = bank.x[i, 0, 0] + dt * bank.x[i, 0, 3]
        north = bank.x[i, 0, 1] + dt * bank.x[i, 0, 4]
        pd = detection_chance(sites, s, east, north, bank.x[i, 0, 2], bank.has_height[i], reported)
        if pd > 0.0:
            r = bank.r[i]
            bank.r[i] = r * (1.0 - pd) / (1.0 - r * pd)


@loop
def _corroborated(bank: Bank, i, sites: Sites):
    """Whether a track may be confirmed: microphones and bearings alone need several places that agree."""
    if bank.solid_hits[i] >= 2:
        return True
    heard = 0
    for k in range(RING):
        if bank.ring_sensor[i, k] >= 0 and bank.ring_hit[i, k] > -1e200:
            heard += 1
    return heard >= 3 or (heard == 2 and bank.hits[i] >= 6)


@loop
def _period(bank: Bank, i, sites: Sites):
    """The shortest period among the sensors that reported the track."""
    period = 1e9
    for k in range(RING):
        if bank.ring_sensor[i, k] >= 0 and bank.ring_hit[i, k] > -1e200:
            period = min(period, sites.period_s[bank.ring_sensor[i, k]])
    return period if period < 1e9 else 10.0


@loop
def _unwatched(bank: Bank, i, s, sites: Sites):
    """Whether sensor s told that it cannot see the place where track i was last."""
    return blind(sites, s, bank.x[i, 0, 0] - sites.east_m[s], bank.x[i, 0, 1] - sites.north_m[s])


@loop
def _forgotten(bank: Bank, i, now, sites: Sites):
    """Whether a start that a radar or a position made was not seen again for so many of its scans that a target would
    have been missed in all of them with a chance of FORGET_CHANCE only."""
    if bank.confirmed[i] or bank.solid_hits[i] == 0 or bank.solid_hits[i] < bank.hits[i]:
        return False
    s = bank.ring_sensor[i, 0]
    if s < 0 or not penalises(sites.kind[s]):
        return False
    if _unwatched(bank, i, s, sites):
        return False
    scans = 1.2 + math.log(FORGET_CHANCE) / math.log(1.0 - sites.pd[s])
    return now - bank.last[i] > scans * sites.period_s[s]


@loop
def _young(bank: Bank, i, now, sites: Sites):
    """Whether a track of too few hits to be shown needs no look: it is fresh, or `_forgotten` will end it."""
    if now - bank.t[i] <= PREDICT_AFTER_S:
        return True
    s = bank.ring_sensor[i, 0]
    watched = s >= 0 and penalises(sites.kind[s]) and not _unwatched(bank, i, s, sites)
    return bank.solid_hits[i] == bank.hits[i] and watched


@loop
def _row(bank: Bank, i, at, mean, cov, plane: Plane, out):
    """Place, velocity and covariances of a state mean, true east and north, degrees, m, m/s, for one row of output."""
    dt = at - bank.t[i]
    e = mean[0] + dt * mean[3]
    n = mean[1] + dt * mean[4]
    lat, lon, cos_g, sin_g = true_frame(plane, e, n)
    k = plane_scale(plane, e, n)
    c = cos_g / k
    s = sin_g / k
    out[LAT] = math.degrees(lat)
    out[LON] = math.degrees(lon)
    out[ALT] = mean[2] + dt * mean[5] if bank.has_height[i] else math.nan
    out[VE] = c * mean[3] + s * mean[4]
    out[VN] = c * mean[4] - s * mean[3]
    out[VU] = mean[5] if bank.has_height[i] else math.nan
    carry(bank.doubt, i, at)
    for b in range(2):
        f = 3 * b
        doubt = bank.doubt[i, PLACE if b == 0 else VELOCITY]
        xx = cov[f, f] + doubt
        xy = cov[f, f + 1]
        yy = cov[f + 1, f + 1] + doubt
        out[P_EE + f] = c * c * xx + 2.0 * c * s * xy + s * s * yy
        out[P_EN + f] = -c * s * xx + (c * c - s * s) * xy + c * s * yy
        out[P_NN + f] = s * s * xx - 2.0 * c * s * xy + c * c * yy
    out[EXISTENCE] = bank.r[i]
    out[TIME] = at


@loop
def _shares(bank: Bank, rules: Rules, i, classes, n):
    """The class probabilities of track i into classes[n], reckoned anew only when their evidence changed."""
    if bank.stale[i]:
        posterior(bank.log_class, bank.class_time, bank.address, bank.has_height, bank.flags, i, bank.shares)
        mix_habits(rules.habits, bank.shares, i, bank.habit)
        bank.stale[i] = False
    for c in range(classes.shape[1]):
        classes[n, c] = bank.shares[i, c]


@loop
def _heard_by(bank: Bank, i, sensors, n):
    """The sensors that reported track i in the last SENSORS_FOR_S of its life into sensors[n], in order."""
    count = 0
    for k in range(RING):
        sensors[n, k] = -1
    for k in range(RING):
        s = bank.ring_sensor[i, k]
        if s < 0 or bank.ring_hit[i, k] < bank.last[i] - SENSORS_FOR_S:
            continue
        at = count
        while at > 0 and sensors[n, at - 1] > s:
            sensors[n, at] = sensors[n, at - 1]
            at -= 1
        sensors[n, at] = s
        count += 1


@loop
def finish(
    bank: Bank, used, now, sites: Sites, plane: Plane, motion: Motion, rules: Rules, work, counts, slots, status,
    rows, classes, sensors, cov, scratch,
):  # fmt: skip
    """Close a beat at `now` (s): confirm, end and classify tracks, and write the rows of output; gives their number.

    counts (1,): the last public number given. sensors (n, RING): those that lately reported the track, in order, -1
    where none.
    """
    n = 0
    for i in range(used):
        if not bank.alive[i]:
            continue
        if bank.ident[i] < 0 and (bank.r[i] < rules.delete_existence or _forgotten(bank, i, now, sites)):
            release(bank, i)
            continue
        if bank.hits[i] < LEAST_HITS and bank.ident[i] < 0 and _young(bank, i, now, sites):
            bank.touched[i] = False
            continue
        if not bank.touched[i] and bank.r[i] >= rules.delete_existence and now - bank.t[i] <= PREDICT_AFTER_S:
            shown = bank.ident[i] >= 0 or bank.confirmed[i]
            if not shown or now - bank.sent[i] < rules.coast_row_s:
                continue
        if now - bank.t[i] > PREDICT_AFTER_S:
            advance(
                bank.x, bank.p, bank.mu, bank.t, bank.r, bank.has_height, bank.coupled, bank.solid_hits,
                bank.surprise, bank.habit, i, now, motion, work.transition, work.cached_dt, work.weights, work.offsets,
                work.norms,
            )  # fmt: skip
        summary(bank.x, bank.p, bank.mu, i, work.mean, cov)
        variance = 0.5 * (cov[0, 0] + cov[1, 1])
        limit = rules.max_sigma_m + 2.5 * bank.sigma_m[i]
        lost = bank.r[i] < rules.delete_existence or variance > limit * limit
        if lost:
            if bank.ident[i] >= 0:
                _row(bank, i, max(now, bank.t[i]), work.mean, cov, plane, rows[n])
                _shares(bank, rules, i, classes, n)
                _heard_by(bank, i, sensors, n)
                slots[n] = i
                status[n] = ENDED
                n += 1
            release(bank, i)
            continue
        speed = math.hypot(work.mean[3], work.mean[4])
        every = CLASS_EVERY_S if bank.last[i] - bank.born[i] < YOUNG_S else CLASS_LATER_S
        if bank.touched[i] and bank.hits[i] >= 2 and bank.last[i] - bank.class_time[i] >= every:
            speed3 = math.sqrt(speed * speed + work.mean[5] * work.mean[5])
            observe(
                bank.log_class, bank.class_time, bank.slow_since, bank.has_height[i], i, bank.born[i], bank.last[i],
                speed3, math.sqrt(0.5 * (cov[3, 3] + cov[4, 4])), work.mean[2], math.sqrt(cov[2, 2]), work.mean[5],
                math.sqrt(cov[5, 5]), bank.label[i], scratch,
            )  # fmt: skip
            bank.stale[i] = True
        if bank.touched[i]:
            bank.label[i] = -1
        if not bank.confirmed[i]:
            sure = bank.r[i] > rules.confirm_existence and bank.hits[i] >= max(rules.confirm_hits, LEAST_HITS)
            bank.confirmed[i] = sure and _corroborated(bank, i, sites)
        fast = bank.r[i] > rules.warn_existence and bank.hits[i] >= LEAST_HITS and speed > rules.warn_speed_mps
        due = bank.touched[i] or now - bank.sent[i] >= rules.coast_row_s
        bank_touched = bank.touched[i]
        bank.touched[i] = False
        if not due or not (bank.confirmed[i] or fast or bank.ident[i] >= 0):
            continue
        if bank.ident[i] < 0:
            counts[0] += 1
            bank.ident[i] = counts[0]
        silent = now - bank.last[i] > COAST_AFTER_PERIODS * _period(bank, i, sites)
        status[n] = (COASTING if silent else CONFIRMED) if bank.confirmed[i] else TENTATIVE
        _row(bank, i, bank.t[i] if bank_touched else now, work.mean, cov, plane, rows[n])
        _shares(bank, rules, i, classes, n)
        _heard_by(bank, i, sensors, n)
        slots[n] = i
        bank.sent[i] = now
        n += 1
    return n
