"""One rollout of a moving object: legs between dog-legs, and when it first touches each area's circle.

Everywhere x, y are m and vx, vy m/s on the plane of the areas, t, end and durations s after the last known state,
angles rad; age: s since that state, horizon: s beyond now. `serial` numbers the legs, so that each tests an area once.
"""

import math

import numpy as np

from perisai.geodesy import segment_in_circle
from perisai.kernels import inlined

from .courses import HALF
from .draws import LEGS
from .legs import RAYLEIGH_MEAN
from .tally import BIN_S

LOITER_ANGLE = math.pi / 4.0
LOITER_SPIN = 0.0137
"""Circles are flown in steps of the former, rad, and foreseen ones at the latter, rad/s: 3.8 km wide at 52 m/s."""
TWO_PI = 2.0 * math.pi


@inlined
def leg(index, scratch, particle, serial, x, y, dx, dy, t, duration, age, horizon):
    """Walk one leg through the raster (Amanatides & Woo 1987) and count the first touch of each area met."""
    slot_of, slots, n_slots, counts, entered, tested = scratch
    cell = index.cell_m
    c = math.floor((x - index.origin_e) / cell)
    r = math.floor((y - index.origin_n) / cell)
    c_end = math.floor((x + dx - index.origin_e) / cell)
    r_end = math.floor((y + dy - index.origin_n) / cell)
    step_c = 1 if dx > 0 else -1
    step_r = 1 if dy > 0 else -1
    far = 1e18
    next_c = ((c + (dx > 0)) * cell + index.origin_e - x) / dx if abs(dx) > 1e-9 else far
    next_r = ((r + (dy > 0)) * cell + index.origin_n - y) / dy if abs(dy) > 1e-9 else far
    wide = cell / abs(dx) if abs(dx) > 1e-9 else far
    high = cell / abs(dy) if abs(dy) > 1e-9 else far
    for _ in range(abs(c_end - c) + abs(r_end - r) + 1):
        if 0 <= c < index.columns and 0 <= r < index.rows:
            k = r * index.columns + c
            for m in range(index.start[k], index.start[k + 1]):
                a = index.member[m]
                if tested[a] == serial or entered[a] == particle:
                    continue
                tested[a] = serial
                first, last = segment_in_circle(index.east[a], index.north[a], index.radius[a], x, y, dx, dy)
                if first > last or t + last * duration < age:
                    continue
                eta = max(0.0, t + first * duration - age)
                if eta > horizon:
                    continue
                entered[a] = particle
                if slot_of[a] < 0:
                    slot_of[a] = n_slots[0]
                    slots[n_slots[0]] = a
                    counts[n_slots[0], :] = 0
                    n_slots[0] += 1
                b = 0 if eta <= 0.0 else 1 + int(eta / BIN_S)
                counts[slot_of[a], min(b, counts.shape[1] - 1)] += 1
        if next_c < next_r:
            next_c += wide
            c += step_c
        else:
            next_r += high
            r += step_r


@inlined
def _beside(crumbs, first, x, y):
    """The place on a way that is nearest to (x, y), on the step that ends at crumb `first`."""
    if first == 0:
        return crumbs[0, 0], crumbs[0, 1]
    x0, y0 = crumbs[first - 1, 0], crumbs[first - 1, 1]
    dx, dy = crumbs[first, 0] - x0, crumbs[first, 1] - y0
    part = ((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1.0)
    return x0 + part * dx, y0 + part * dy


@inlined
def _behind(index, scratch, particle, serial, state, way, x, y, speed, end, age, horizon):
    """Fly along a predecessor's places at the distance the object keeps from them; (serial, x, y, t) where they end."""
    crumbs, first, last, ahead = way
    near_x, near_y = _beside(crumbs, first, state[0], state[1])
    off_x, off_y = state[0] - near_x, state[1] - near_y
    t = 0.0
    for k in range(first, last + 1):
        goal_x = (ahead[0] if k == last else crumbs[k, 0]) + off_x
        goal_y = (ahead[1] if k == last else crumbs[k, 1]) + off_y
        dx, dy = goal_x - x, goal_y - y
        if dx * dx + dy * dy < 1.0:
            continue
        duration = math.hypot(dx, dy) / speed
        part = min(1.0, (end - t) / duration)
        leg(index, scratch, particle, serial, x, y, dx * part, dy * part, t, duration * part, age, horizon)
        serial += 1
        x, y, t = x + dx * part, y + dy * part, t + duration * part
        if t >= end:
            break
    return serial, x, y, t


@inlined
def _lasts(draws, particle, i, mean_leg, least_leg, since):
    """How long leg i lasts, s: least + a Rayleigh time; the first one given how long it lasted, an exponential if not
    known (since < 0)."""
    scale = (mean_leg - least_leg) / RAYLEIGH_MEAN
    if i > 0:
        return least_leg + scale * math.sqrt(draws.wait[particle, i])
    if since < 0.0:
        return mean_leg * draws.wait[particle, i]
    lasted = max(0.0, since - least_leg) / scale
    return least_leg + scale * math.sqrt(lasted * lasted + draws.wait[particle, i]) - since


@inlined
def _loiter(index, scratch, particle, serial, stay, spin, x, y, vx, vy, t, end, age, horizon):
    """Circle at spin rad/s for `stay` s or till the end; (serial, x, y, vx, vy, t) after it."""
    cos_a = math.cos(LOITER_ANGLE)
    sin_a = math.sin(LOITER_ANGLE) if spin > 0.0 else -math.sin(LOITER_ANGLE)
    step_s = LOITER_ANGLE / abs(spin)
    # Half a step back, so that the steps lie about the circle that begins here.
    half_c = math.cos(0.5 * LOITER_ANGLE)
    half_s = -math.sin(0.5 * LOITER_ANGLE) if spin > 0.0 else math.sin(0.5 * LOITER_ANGLE)
    vx, vy = vx * half_c - vy * half_s, vx * half_s + vy * half_c
    while stay > 0.0 and t < end:
        duration = min(step_s, stay)
        vx, vy = vx * cos_a - vy * sin_a, vx * sin_a + vy * cos_a
        leg(index, scratch, particle, serial, x, y, vx * duration, vy * duration, t, duration, age, horizon)
        serial += 1
        x += vx * duration
        y += vy * duration
        t += duration
        stay -= duration
    return serial, x, y, vx, vy, t


@inlined
def _last_run(index, scratch, draws, particle, serial, aim, x, y, vx, vy, t, end, age, horizon):
    """Fly straight to the destination, or along the present course until it is abeam, where the object comes down."""
    shift = 0.5 * index.core[aim] * draws.speed[particle, LEGS - 1]
    speed = max(math.hypot(vx, vy), 1.0)
    ahead = ((index.east[aim] - x) * vx + (index.north[aim] - y) * vy) / speed + shift
    duration = min(max(ahead / speed, 0.0), end - t)
    leg(index, scratch, particle, serial, x, y, vx * duration, vy * duration, t, duration, age, horizon)


@inlined
def _turned(vx, vy, angle, pull, mean_course, factor):
    """The velocity after a dog-leg of `angle`, less the share `pull` of the departure from the mean course."""
    if pull > 0.0:
        away = math.atan2(vy, vx) - mean_course
        angle -= pull * (away - TWO_PI * math.floor((away + math.pi) / TWO_PI))
    cos_a = math.cos(angle) * factor
    sin_a = math.sin(angle) * factor
    return vx * cos_a - vy * sin_a, vx * sin_a + vy * cos_a


@inlined
def fly(index, scratch, draws, particle, stamp, state, motion, aim_weight, way, age, horizon):
    """One rollout from the last known state through age + horizon; returns the next free leg serial.

    state: (x, y, vx, vy, position sigma, velocity sigma) m, m/s on the plane, (s since the last turn or negative, mean
    course east, north, where the leg began, rad/s at which it circles, 0 when it does not). motion: (mean leg s, least
    leg s, turn sigma rad, loiter share, loiter s, ends/s, speed sigma, pull, aim share, last run m). A turn grows
    likelier the longer none came (`_lasts`). The aim share is on the way to a destination drawn by aim_weight (areas,),
    running weights: at a turn its course is taken anew on the destination; within the last run it flies straight there
    and comes down. Of the others at a turn the share `pull` of the departure from the mean course is taken back.
    way: (crumbs (n, 3), first, last, state): the places of a predecessor, flown first, and the predecessor's state,
    flown on from where it was last seen; first == last for none.
    """
    mean_leg, least_leg, turn_sigma, loiter_share, loiter_s, end_rate, speed_sigma, pull, aim_share, last_run_m = motion
    serial = stamp
    n = draws.normal
    x = state[0] + state[4] * n[particle, 0]
    y = state[1] + state[4] * n[particle, 1]
    vx = state[2] + state[5] * n[particle, 2]
    vy = state[3] + state[5] * n[particle, 3]
    t = 0.0
    # Whoever was just seen still flies: only what comes after counts against it; silence is weighed elsewhere.
    end = min(age + horizon, age + draws.life[particle] / max(end_rate, 1e-9))
    _, first, last, ahead = way
    if last > first:
        speed = max(math.hypot(vx, vy), 1.0)
        serial, x, y, t = _behind(index, scratch, particle, serial, state, way, x, y, speed, end, age, horizon)
        if t >= end:
            return serial
        vx, vy = ahead[2] + ahead[5] * n[particle, 2], ahead[3] + ahead[5] * n[particle, 3]
        factor = speed / max(math.hypot(vx, vy), 1.0)
        vx, vy = vx * factor, vy * factor
        state = ahead
    mean_course = math.atan2(state[8], state[7])
    aim = -1
    if draws.aim[particle, 0] < aim_share and aim_weight[-1] > 0.0:
        aim = np.searchsorted(aim_weight, draws.aim[particle, 0] / aim_share * aim_weight[-1])
        aim = min(aim, aim_weight.size - 1)
    from_x, from_y = state[9], state[10]
    for i in range(LEGS):
        lasts = _lasts(draws, particle, i, mean_leg, least_leg, state[6])
        circles = i == 0 and abs(state[11]) > 0.0 and last == first
        if circles:
            lasts = 0.0
        if aim >= 0 and not circles:
            gap = math.hypot(index.east[aim] - from_x, index.north[aim] - from_y)
            if gap < last_run_m:
                _last_run(index, scratch, draws, particle, serial, aim, x, y, vx, vy, t, end, age, horizon)
                return serial + 1
            done = math.hypot(x - from_x, y - from_y)
            lasts = max(0.0, min(lasts, (HALF * gap - done) / max(math.hypot(vx, vy), 1.0)))
        duration = min(lasts, end - t)
        if duration > 0.0:
            leg(index, scratch, particle, serial, x, y, vx * duration, vy * duration, t, duration, age, horizon)
            serial += 1
            x += vx * duration
            y += vy * duration
            t += duration
        if t >= end:
            break
        if circles or draws.coin[particle, i] < loiter_share:
            stay = min(end - t, loiter_s * draws.wait[particle, LEGS - 1 - i])
            spin = state[11] if circles else LOITER_SPIN if draws.turn[particle, i] > 0.0 else -LOITER_SPIN
            serial, x, y, vx, vy, t = _loiter(
                index, scratch, particle, serial, stay, spin, x, y, vx, vy, t, end, age, horizon
            )  # fmt: skip
        factor = max(0.3, 1.0 + speed_sigma * draws.speed[particle, i])
        scatter = turn_sigma * draws.turn[particle, i]
        from_x, from_y = x, y
        if aim >= 0:
            go_x, go_y = index.east[aim] - x, index.north[aim] - y
            mean_course, pull = math.atan2(go_y, go_x), 1.0
            scatter = scatter if math.hypot(go_x, go_y) > last_run_m else 0.0
        vx, vy = _turned(vx, vy, scatter, pull, mean_course, factor)
    return serial
