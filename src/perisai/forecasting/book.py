"""The latest state of every track, kept between beats, and how a row changes it."""

import math

import numpy as np

from perisai.geodesy import kernel, plane_convergence, plane_from_geodetic, plane_scale
from perisai.kernels import inlined

from . import courses as cs
from . import legs as lg
from .judge import BALLISTIC

# Columns of the book; one row a track.
X, Y, VX, VY = 0, 1, 2, 3  # m, m/s on the plane
PP, PV, VV = 4, 5, 6  # variance of each axis: position, position-velocity, velocity
AGE = 7  # s since the state
ALT, VUP = 8, 9  # m, m/s; VUP is NaN until known
EXIST, SURE = 10, 11  # existence now, and when last measured
KIND, NEUTRAL, USED = 12, 13, 14
GAP = 15  # s usual between rows
IX, IY, I11, I21, I22, IT, ITS = 16, 17, 18, 19, 20, 21, 22  # impact: place, sqrt-covariance, s after state, sigma s
SPIN = 23  # how far it turned lately, rad, to one side: fades in SPIN_S
SEEN = 24  # s since any row, coasting ones too
SINCE = 25  # s since its last turn; negative until one was seen
CE, CN = 26, 27  # sum of unit courses, s, fading: the course it keeps coming back to
BORN, FIRST = 28, 29  # s on the forecaster's clock: when its leg began, and when it was first seen
OVER, ROW_PP = 30, 31  # 1 once its source ended it without having lost it; variance of its last measured row, m2
COLUMNS = 32

# Columns of the rows given to `absorb`.
R_LAT, R_LON, R_ALT, R_VE, R_VN, R_VU, R_PP, R_VV, R_EXIST, R_COAST, R_KIND, R_NEUTRAL, R_AGE = range(13)
R_ILAT, R_ILON, R_IEE, R_IEN, R_INN, R_IT, R_ITS = range(13, 20)
ROW_COLUMNS = 20

GRAVITY = 9.81
COURSE_FADE_S = 3600.0
SPIN_S = 150.0
"""Turns are summed over so long to tell circling from a dog-leg."""
MISSED_GAPS, LOST_RATIO = 1.5, 2.0
"""A track that ends within so many of its usual gaps, its place known to no more than so many times the variance of
before, was not lost: its source knows more."""


@kernel
def absorb(book, legs, flown, flown_count, slots, rows, plane, correlation_s, straight_q, motion, now_s):
    """Take rows, in order of time, into the book.

    Each row is a noisy measurement of place and velocity, which the hypotheses of the track's leg (legs (tracks,
    HYPOTHESES, columns), see legs.py) are weighed by; the book shows the likeliest. flown (tracks, LEGS_KEPT, columns),
    flown_count (tracks,): the legs before it (see courses.py). motion: one row a kind, as `states.motions` gives
    it. now_s: the forecaster's clock, s.
    """
    grown, score = np.zeros((lg.HYPOTHESES, lg.COLUMNS)), np.zeros(lg.HYPOTHESES)
    for i in range(slots.size):
        b = book[slots[i]]
        z = rows[i]
        gap = b[AGE] - z[R_AGE]
        if b[USED] > 0.0 and gap <= 0.0 and b[SEEN] <= z[R_AGE]:
            continue
        b[EXIST] = z[R_EXIST]
        b[SEEN] = z[R_AGE]
        if z[R_COAST] > 0.0 and b[USED] > 0.0:
            known = gap <= MISSED_GAPS * b[GAP] and z[R_PP] <= LOST_RATIO * b[ROW_PP]
            if z[R_COAST] > 1.0 and known:
                b[OVER] = 1.0
            continue
        b[OVER], b[ROW_PP] = 0.0, z[R_PP]
        lat, lon = math.radians(z[R_LAT]), math.radians(z[R_LON])
        x, y = plane_from_geodetic(plane, lat, lon)
        scale = plane_scale(plane, x, y)
        turn = plane_convergence(plane, lat, lon)
        cos_t, sin_t = math.cos(turn), math.sin(turn)
        vx = scale * (z[R_VE] * cos_t - z[R_VN] * sin_t)
        vy = scale * (z[R_VE] * sin_t + z[R_VN] * cos_t)
        pp, vv = z[R_PP] * scale * scale, z[R_VV] * scale * scale
        _vertical(b, z, gap)
        h = legs[slots[i]]
        row_s = now_s - z[R_AGE]
        if b[USED] > 0.0 and b[KIND] == z[R_KIND] and gap < 300.0:
            m = motion[int(z[R_KIND])]
            slow = min(1.0, m[10] / max(math.hypot(b[VX], b[VY]), 1.0))
            law = (m[0] * slow, m[1] * slow, m[2], m[6])
            had = (b[X], b[Y], b[VX], b[VY], b[BORN], row_s - gap)
            k = lg.weigh(h, grown, score, (x, y, vx, vy), pp, vv, gap, correlation_s, straight_q, law)
            _show(b, h[k])
            b[BORN] = row_s - b[SINCE] if b[SINCE] >= 0.0 else b[FIRST]
            turned = math.atan2(had[2] * b[VY] - had[3] * b[VX], had[2] * b[VX] + had[3] * b[VY])
            b[SPIN] = b[SPIN] * math.exp(-gap / SPIN_S) + turned
            flown_count[slots[i]] = cs.remember(b[BORN], had, flown[slots[i]], flown_count[slots[i]])
        else:
            b[SPIN] = 0.0
            flown_count[slots[i]] = 0
            b[FIRST] = b[BORN] = row_s
            lg.begin(h, x, y, vx, vy, pp, vv, 0.5 * gap if b[USED] > 0.0 and gap < 300.0 else -1.0)
            _show(b, h[0])
        if b[USED] > 0.0:
            b[GAP] += 0.3 * (min(gap, 120.0) - b[GAP])
            fade = math.exp(-min(gap, 120.0) / COURSE_FADE_S)
            per_m = min(gap, 120.0) / max(math.hypot(b[VX], b[VY]), 1.0)
            b[CE], b[CN] = fade * b[CE] + per_m * b[VX], fade * b[CN] + per_m * b[VY]
        else:
            b[GAP] = 30.0
            b[CE] = b[CN] = 0.0
        b[ALT] = z[R_ALT]
        b[AGE] = z[R_AGE]
        b[SURE] = z[R_EXIST]
        b[KIND] = z[R_KIND]
        b[NEUTRAL] = z[R_NEUTRAL]
        b[USED] = 1.0
        _impact(b, z, plane)


@inlined
def _show(b, h):
    b[X], b[Y], b[VX], b[VY] = h[lg.X], h[lg.Y], h[lg.VX], h[lg.VY]
    b[PP], b[PV], b[VV], b[SINCE] = h[lg.PP], h[lg.PV], h[lg.VV], h[lg.SINCE]


@kernel
def _vertical(b, z, gap):
    """The climb rate: the row's own, else from two heights, with gravity between them for a ballistic object."""
    if not math.isnan(z[R_VU]):
        b[VUP] = z[R_VU]
    elif b[USED] > 0.0 and gap > 0.5 and not math.isnan(b[ALT]) and not math.isnan(z[R_ALT]):
        b[VUP] = (z[R_ALT] - b[ALT]) / gap - (0.5 * GRAVITY * gap if z[R_KIND] == BALLISTIC else 0.0)
    elif b[USED] == 0.0:
        b[VUP] = math.nan


@kernel
def _impact(b, z, plane):
    """Where and when a ballistic object falls: as its tracker says, else by free fall from height and climb rate."""
    b[IT] = math.nan
    if z[R_KIND] != BALLISTIC:
        return
    if not (math.isnan(z[R_ILAT]) or math.isnan(z[R_IT])):
        x, y = plane_from_geodetic(plane, math.radians(z[R_ILAT]), math.radians(z[R_ILON]))
        scale = plane_scale(plane, x, y)
        b[IX], b[IY], b[IT], b[ITS] = x, y, z[R_IT], z[R_ITS]
        if math.isnan(z[R_IEE]):
            spread = 0.02 * z[R_IT] * math.hypot(b[VX], b[VY]) + math.sqrt(b[PP])
            b[I11], b[I21], b[I22] = spread, 0.0, spread
        else:
            b[I11] = scale * math.sqrt(max(z[R_IEE], 1.0))
            b[I21] = scale * scale * z[R_IEN] / b[I11]
            b[I22] = math.sqrt(max(scale * scale * z[R_INN] - b[I21] * b[I21], 1.0))
        return
    if math.isnan(b[VUP]) or math.isnan(z[R_ALT]):
        return
    # Free fall over a round Earth lowers gravity by the centripetal share; drag shortens the last kilometres.
    pull = GRAVITY - (b[VX] * b[VX] + b[VY] * b[VY]) / 6.371e6
    height = max(z[R_ALT], 0.0)
    left = (b[VUP] + math.sqrt(max(b[VUP] * b[VUP] + 2.0 * pull * height, 0.0))) / pull
    b[IT] = max(left, 0.0)
    b[ITS] = 2.0 + 0.04 * b[IT]
    b[IX], b[IY] = b[X] + b[VX] * b[IT], b[Y] + b[VY] * b[IT]
    speed = max(math.hypot(b[VX], b[VY]), 1.0)
    ux, uy = b[VX] / speed, b[VY] / speed
    across2 = b[PP] + b[VV] * b[IT] * b[IT] + 500.0**2
    along2 = across2 + (speed * b[ITS]) ** 2
    ee = along2 * ux * ux + across2 * uy * uy
    en = (along2 - across2) * ux * uy
    nn = along2 * uy * uy + across2 * ux * ux
    b[I11] = math.sqrt(ee)
    b[I21] = en / b[I11]
    b[I22] = math.sqrt(max(nn - b[I21] * b[I21], 1.0))
