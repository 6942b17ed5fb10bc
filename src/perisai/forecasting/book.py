"""The latest state of every track, kept between beats, and how a row changes it."""

import math

from perisai.geodesy import kernel, plane_convergence, plane_from_geodetic, plane_scale

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
TURNS = 23  # how much it turned lately: fades with rows that fit
SEEN = 24  # s since any row, coasting ones too
SINCE = 25  # s since its last turn; negative until one was seen
CE, CN = 26, 27  # sum of unit courses, s, fading: the course it keeps coming back to
COLUMNS = 28

# Columns of the rows given to `absorb`.
R_LAT, R_LON, R_ALT, R_VE, R_VN, R_VU, R_PP, R_VV, R_EXIST, R_COAST, R_KIND, R_NEUTRAL, R_AGE = range(13)
R_ILAT, R_ILON, R_IEE, R_IEN, R_INN, R_IT, R_ITS = range(13, 20)
ROW_COLUMNS = 20

GRAVITY = 9.81
COURSE_FADE_S = 3600.0


@kernel
def absorb(book, slots, rows, plane, correlation_s, gate, straight_q):
    """Take rows, in order of time, into the book.

    Each row is a noisy measurement of place and velocity: a Kalman update of a constant-velocity object, unless the row
    does not fit (chi-square above the gate): then a new leg begins with it. The errors of rows close in time are alike,
    so their variance is raised by correlation_s / gap. Bar-Shalom, Li & Kirubarajan 2001, sections 5.2 and 11.6.
    """
    for i in range(slots.size):
        b = book[slots[i]]
        z = rows[i]
        gap = b[AGE] - z[R_AGE]
        if b[USED] > 0.0 and gap <= 0.0 and b[SEEN] <= z[R_AGE]:
            continue
        b[EXIST] = z[R_EXIST]
        b[SEEN] = z[R_AGE]
        if z[R_COAST] > 0.0 and b[USED] > 0.0:
            continue
        lat, lon = math.radians(z[R_LAT]), math.radians(z[R_LON])
        x, y = plane_from_geodetic(plane, lat, lon)
        scale = plane_scale(plane, x, y)
        turn = plane_convergence(plane, lat, lon)
        cos_t, sin_t = math.cos(turn), math.sin(turn)
        vx = scale * (z[R_VE] * cos_t - z[R_VN] * sin_t)
        vy = scale * (z[R_VE] * sin_t + z[R_VN] * cos_t)
        pp, vv = z[R_PP] * scale * scale, z[R_VV] * scale * scale
        _vertical(b, z, gap)
        fits = False
        if b[USED] > 0.0 and b[KIND] == z[R_KIND] and gap < 300.0:
            fits = _update(b, x, y, vx, vy, pp, vv, gap, correlation_s, gate, straight_q)
        if not fits:
            b[TURNS] = min(1.0, b[TURNS] + 0.34) if b[USED] > 0.0 and gap < 300.0 else 0.0
            b[X], b[Y], b[VX], b[VY] = x, y, vx, vy
            b[PP], b[PV], b[VV] = pp, 0.0, vv
            b[SINCE] = 0.5 * gap if b[USED] > 0.0 and gap < 300.0 else -1.0
        else:
            b[SINCE] += gap if b[SINCE] >= 0.0 else 0.0
            b[TURNS] *= math.exp(-gap / 120.0)
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


@kernel
def _update(b, x, y, vx, vy, pp, vv, gap, correlation_s, gate, straight_q):
    """Predict by gap and update with the row; False, and the book as it was, when the row does not fit."""
    loose = max(1.0, correlation_s / max(gap, 0.1))
    r_p, r_v = pp * loose, vv * loose
    px, py = b[X] + gap * b[VX], b[Y] + gap * b[VY]
    p = b[PP] + 2.0 * gap * b[PV] + gap * gap * b[VV] + straight_q * gap**3 / 3.0
    c = b[PV] + gap * b[VV] + straight_q * gap * gap / 2.0
    v = b[VV] + straight_q * gap
    # The gate uses the row's own errors: only the gain has to know that successive errors are alike.
    s11, s12, s22 = p + pp, c, v + vv
    det = s11 * s22 - s12 * s12
    ex, ey, ux, uy = x - px, y - py, vx - b[VX], vy - b[VY]
    fit = (s22 * (ex * ex + ey * ey) - 2.0 * s12 * (ex * ux + ey * uy) + s11 * (ux * ux + uy * uy)) / det
    if fit > gate:
        return False
    s11, s22 = p + r_p, v + r_v
    det = s11 * s22 - s12 * s12
    k11, k12 = (p * s22 - c * s12) / det, (c * s11 - p * s12) / det
    k21, k22 = (c * s22 - v * s12) / det, (v * s11 - c * s12) / det
    b[X], b[Y] = px + k11 * ex + k12 * ux, py + k11 * ey + k12 * uy
    b[VX], b[VY] = b[VX] + k21 * ex + k22 * ux, b[VY] + k21 * ey + k22 * uy
    b[PP] = p - k11 * p - k12 * c
    b[PV] = c - k11 * c - k12 * v
    b[VV] = v - k21 * c - k22 * v
    return True


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
