"""Monte-Carlo rollouts of moving objects: legs between dog-legs, and when each first touches each area's circle."""

import math

import numpy as np

from perisai.geodesy import kernel, segment_in_circle
from perisai.kernels import inlined

from .draws import LEGS
from .tally import BIN_S, arrived, quantiles

LOITER_TURN_RAD = math.pi / 2
LOITER_LEG_S = 40.0
RAYLEIGH_MEAN = math.sqrt(math.pi) / 2.0
TWO_PI = 2.0 * math.pi
AIM_M = 60_000.0
AIM_SIGMA_RAD = math.radians(50.0)


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
def fly(index, scratch, draws, particle, stamp, state, motion, aims, way, age, horizon):
    """One rollout from the last known state through age + horizon; returns the next free leg serial.

    state: (x, y, vx, vy, position sigma, velocity sigma) m, m/s on the plane, (s since the last turn or negative, mean
    course east, north). motion: (mean leg s, least leg s, turn sigma rad, loiter share, loiter s, ends/s, speed sigma,
    pull). A leg lasts least + a Rayleigh time, so that a turn grows likelier the longer none came; at a turn the
    share `pull` of the departure from the mean course is taken back. aims: (areas, running weights, number) of the
    destinations near; a share `aim` of dog-legs begins the last run, straight at one of them.
    way: (crumbs (n, 3), first, last, state): the places of a predecessor, flown first, at the distance the object now
    keeps from them, and the predecessor's state, flown on from where it was last seen; first == last for none.
    """
    mean_leg, least_leg, turn_sigma, loiter_share, loiter_s, end_rate, speed_sigma, pull, aim = motion
    aim_area, aim_weight, aim_count = aims
    scale = (mean_leg - least_leg) / RAYLEIGH_MEAN
    serial = stamp
    n = draws.normal
    x = state[0] + state[4] * n[particle, 0]
    y = state[1] + state[4] * n[particle, 1]
    vx = state[2] + state[5] * n[particle, 2]
    vy = state[3] + state[5] * n[particle, 3]
    t = 0.0
    end = age + horizon
    # Whoever was just seen still flies: only what comes after counts against it; silence is weighed elsewhere.
    end = min(end, age + draws.life[particle] / max(end_rate, 1e-9))
    crumbs, first, last, ahead = way
    if last > first:
        speed = max(math.hypot(vx, vy), 1.0)
        near_x, near_y = _beside(crumbs, first, state[0], state[1])
        off_x, off_y = state[0] - near_x, state[1] - near_y
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
                return serial
        vx, vy = ahead[2] + ahead[5] * n[particle, 2], ahead[3] + ahead[5] * n[particle, 3]
        factor = speed / max(math.hypot(vx, vy), 1.0)
        vx, vy = vx * factor, vy * factor
        state = ahead
    mean_course = math.atan2(state[8], state[7])
    for i in range(LEGS):
        if i > 0:
            duration = least_leg + scale * math.sqrt(draws.wait[particle, i])
        elif state[6] < 0.0:
            duration = mean_leg * draws.wait[particle, i]
        else:
            lasted = max(0.0, state[6] - least_leg) / scale
            duration = least_leg + scale * math.sqrt(lasted * lasted + draws.wait[particle, i]) - state[6]
        duration = min(duration, end - t)
        if duration > 0.0:
            leg(index, scratch, particle, serial, x, y, vx * duration, vy * duration, t, duration, age, horizon)
            serial += 1
            x += vx * duration
            y += vy * duration
            t += duration
        if t >= end:
            break
        if draws.coin[particle, i] < loiter_share:
            stay = min(end - t, loiter_s * draws.wait[particle, LEGS - 1 - i])
            side = 1.0 if draws.turn[particle, i] > 0.0 else -1.0
            while stay > 0.0 and t < end:
                duration = min(LOITER_LEG_S, stay)
                vx, vy = -side * vy, side * vx
                leg(index, scratch, particle, serial, x, y, vx * duration, vy * duration, t, duration, age, horizon)
                serial += 1
                x += vx * duration
                y += vy * duration
                t += duration
                stay -= duration
        chance = draws.aim[particle, i]
        if chance < aim and aim_count > 0 and aim_weight[aim_count - 1] > 0.0:
            k = np.searchsorted(aim_weight[:aim_count], chance / aim * aim_weight[aim_count - 1])
            a = aim_area[min(k, aim_count - 1)]
            run_x = index.east[a] + 0.5 * index.core[a] * n[particle, 0] - x
            run_y = index.north[a] + 0.5 * index.core[a] * n[particle, 1] - y
            duration = math.hypot(run_x, run_y) / max(math.hypot(vx, vy), 1.0)
            part = min(1.0, (end - t) / max(duration, 1e-9))
            leg(index, scratch, particle, serial, x, y, run_x * part, run_y * part, t, duration * part, age, horizon)
            return serial + 1
        angle = turn_sigma * draws.turn[particle, i]
        if pull > 0.0:
            away = math.atan2(vy, vx) - mean_course
            angle -= pull * (away - TWO_PI * math.floor((away + math.pi) / TWO_PI))
        factor = max(0.3, 1.0 + speed_sigma * draws.speed[particle, i])
        cos_a = math.cos(angle) * factor
        sin_a = math.sin(angle) * factor
        vx, vy = vx * cos_a - vy * sin_a, vx * sin_a + vy * cos_a
    return serial


@inlined
def fall(index, scratch, draws, particle, stamp, impact, age, horizon):
    """One draw of where and when a ballistic object falls; counts it in the areas whose own circle holds the point.

    impact: (x, y, sqrt-covariance l11, l21, l22, seconds after the state, time sigma).
    """
    slot_of, slots, n_slots, counts, _entered, _tested = scratch
    n = draws.normal
    x = impact[0] + impact[2] * n[particle, 0]
    y = impact[1] + impact[3] * n[particle, 0] + impact[4] * n[particle, 1]
    eta = max(0.0, impact[5] - age + impact[6] * n[particle, 2])
    c = math.floor((x - index.origin_e) / index.cell_m)
    r = math.floor((y - index.origin_n) / index.cell_m)
    if eta <= horizon and 0 <= c < index.columns and 0 <= r < index.rows:
        k = r * index.columns + c
        for m in range(index.start[k], index.start[k + 1]):
            a = index.member[m]
            if math.hypot(x - index.east[a], y - index.north[a]) > index.core[a]:
                continue
            if slot_of[a] < 0:
                slot_of[a] = n_slots[0]
                slots[n_slots[0]] = a
                counts[n_slots[0], :] = 0
                n_slots[0] += 1
            counts[slot_of[a], min(1 + int(eta / BIN_S), counts.shape[1] - 1)] += 1
    return stamp


@inlined
def destinations(index, weight, state, area, running):
    """Fill (area, running sum of weights) of the destinations of a last run, and return how many.

    Within AIM_M, weighted by `weight` and by how well they lie on the course: a normal of AIM_SIGMA_RAD off it.
    """
    count = 0
    total = 0.0
    speed = max(math.hypot(state[2], state[3]), 1.0)
    for a in range(index.east.size):
        dx, dy = index.east[a] - state[0], index.north[a] - state[1]
        if abs(dx) > AIM_M or abs(dy) > AIM_M:
            continue
        gap = math.hypot(dx, dy)
        if gap > AIM_M or gap < 1.0:
            continue
        cosine = min(1.0, max(-1.0, (dx * state[2] + dy * state[3]) / (gap * speed)))
        off = math.acos(cosine) / AIM_SIGMA_RAD
        total += weight[a] * math.exp(-0.5 * off * off)
        area[count], running[count] = a, total
        count += 1
    return count


@kernel
def forecast_all(
    index, draws, weight, state, motion, impact, ballistic, age, belief, follows, horizon, least, out, limit
):
    """Roll out every track; rows of out are (track row, area, probability, median, 5 %, 95 %, arrived...).

    state (n, 9), motion (n, 9), weight (areas,) of a destination, impact (n, 7), ballistic (n,) bool, age (n,) s since
    the state, belief (n,): that it is real and flies. follows: (leader (n, LEADERS) row or -1, crumb, trail, count,
    share (n,)): predecessors, and the share of rollouts that follow one. Returns how many rows were written; stops at
    `limit` (the caller then gives more room).
    """
    areas = index.east.size
    bins = int(horizon / BIN_S) + 2
    slot_of = np.full(areas, -1, np.int32)
    slots = np.empty(areas, np.int32)
    n_slots = np.zeros(1, np.int64)
    counts = np.zeros((areas, bins), np.int32)
    entered = np.full(areas, -1, np.int64)
    tested = np.full(areas, -1, np.int64)
    scratch = (slot_of, slots, n_slots, counts, entered, tested)
    aim_area = np.empty(areas, np.int64)
    aim_weight = np.empty(areas)
    particles = draws.life.size
    leader, crumb, trail, count, share = follows
    rows = 0
    stamp = 0
    for i in range(state.shape[0]):
        n_slots[0] = 0
        entered[:] = -1
        m = motion[i]
        moves = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8])
        if ballistic[i]:
            for particle in range(particles):
                stamp = fall(index, scratch, draws, particle, stamp, impact[i], age[i], horizon)
        else:
            leaders = 0
            while leaders < leader.shape[1] and leader[i, leaders] >= 0:
                leaders += 1
            alone = particles - int(share[i] * particles) if leaders > 0 else particles
            # Group 0 flies its own way, the others each behind one predecessor.
            for group in range(leaders + 1):
                j = i if group == 0 else leader[i, group - 1]
                aim_count = 0
                if m[8] > 0.0:
                    aim_count = destinations(index, weight, state[j], aim_area, aim_weight)
                aims = (aim_area, aim_weight, aim_count)
                first, last = (0, 0) if group == 0 else (crumb[i, group - 1], count[j])
                way = (trail[j], first, last, state[j])
                begin = 0 if group == 0 else alone + (particles - alone) * (group - 1) // leaders
                stop = alone if group == 0 else alone + (particles - alone) * group // leaders
                for particle in range(begin, stop):
                    stamp = fly(
                        index, scratch, draws, particle, stamp, state[i], moves, aims, way, age[i], horizon
                    )  # fmt: skip
        for k in range(n_slots[0]):
            a = slots[k]
            slot_of[a] = -1
            total = counts[k].sum()
            probability = belief[i] * total / particles
            if probability < least:
                continue
            if rows < limit:
                out[rows, 0] = i
                out[rows, 1] = a
                out[rows, 2] = probability
                quantiles(counts[k], total, out[rows, 3:6])
                arrived(counts[k], belief[i] / particles, out[rows, 6:])
            rows += 1
    return rows
