"""Two radars' plots of one track say what the one is wrong by beside the other."""

import math

from perisai.geodesy import Plane, plane_from_geodetic
from perisai.kernels import loop

from .bank import Bank
from .book import AT, HEIGHT_M, HEIGHT_SIGMA_M, KEY, P_AZIMUTH, P_EAST, P_NORTH, P_RANGE, P_SLOPE, PLOTS, SITE, Book
from .detections import Detections
from .observe import place
from .registration import Radars, fold
from .settings import MODELS, RING
from .sites import Sites

PLOT_FOR_S = 10.0
SPEED_SIGMA_MPS = 12.0
FASTEST_MPS = 350.0
"""What flies faster climbs, falls or brakes: carried along a straight line between two radars' plots of it, these
disagree by more than their errors, always to the same side."""


@loop
def _spot(plane: Plane, lat_rad, lon_rad, ecef, s, range_m, azimuth_rad, height_m):
    """Place on the plane of a plot at a height (m), and the slope of its distance on the ground with that height."""
    x, y, w = ecef[s, 0], ecef[s, 1], ecef[s, 2]
    lat, lon, _ = place(lat_rad[s], lon_rad[s], x, y, w, range_m, azimuth_rad, height_m, False, 0.0)
    e, n = plane_from_geodetic(plane, lat, lon)
    lat, lon, _ = place(lat_rad[s], lon_rad[s], x, y, w, range_m, azimuth_rad, height_m + 500.0, False, 0.0)
    e1, n1 = plane_from_geodetic(plane, lat, lon)
    return e, n, math.hypot(e1 - e, n1 - n) / 500.0


@loop
def beside_plots(d: Detections, n, bank: Bank, used, sites: Sites, plane: Plane, radars: Radars, book: Book):
    """Plots of one track by two radars, carried to one time by the track's velocity."""
    count, owner = book.count, book.owner
    first = math.inf
    for q in range(n):
        count[q] = 0
        first = min(first, d.t[book.chosen[q]])
    for i in range(used):
        if not (bank.alive[i] and bank.touched[i] and bank.confirmed[i]):
            continue
        if math.hypot(bank.x[i, 0, 3], bank.x[i, 0, 4]) >= FASTEST_MPS:
            continue
        for k in range(RING):
            hit = bank.ring_hit[i, k]
            if hit < first:
                continue
            for q in range(n):
                j = book.chosen[q]
                if d.t[j] == hit and d.sensor[j] == bank.ring_sensor[i, k]:
                    count[q] += 1
                    owner[q] = i
    for q in range(n):
        if count[q] == 1:
            _pair(d, book.chosen[q], bank, owner[q], sites, plane, radars, book)


@loop
def _pair(d: Detections, j, bank: Bank, i, sites: Sites, plane: Plane, radars: Radars, book: Book):
    s = d.sensor[j]
    m = 0
    for k in range(1, MODELS):
        if bank.mu[i, k] > bank.mu[i, m]:
            m = k
    known = bank.has_height[i]
    height = bank.x[i, m, 2] if known else HEIGHT_M
    e, n, lean = _spot(plane, sites.lat_rad, sites.lon_rad, sites.ecef, s, d.z[j, 0], d.z[j, 1], height)
    plots = book.plots
    other = -1
    for row in range(PLOTS):
        if plots[row, KEY] != bank.key[i] or plots[row, SITE] == s or not d.t[j] - plots[row, AT] < PLOT_FOR_S:
            continue
        if other < 0 or plots[row, AT] > plots[other, AT]:
            other = row
    at = book.next[0] % PLOTS
    if other == at:
        other = -1
    mine = plots[at]
    mine[KEY], mine[SITE], mine[AT], mine[P_EAST], mine[P_NORTH] = bank.key[i], s, d.t[j], e, n
    mine[P_RANGE], mine[P_AZIMUTH], mine[P_SLOPE] = d.z[j, 0], d.z[j, 1], lean
    book.next[0] += 1
    if other < 0:
        return
    theirs = plots[other]
    ve, vn = bank.x[i, m, 3], bank.x[i, m, 4]
    dt = mine[AT] - theirs[AT]
    off_e = mine[P_EAST] - theirs[P_EAST] - dt * ve
    off_n = mine[P_NORTH] - theirs[P_NORTH] - dt * vn
    sigma_h = 300.0 if known else HEIGHT_SIGMA_M
    moved = SPEED_SIGMA_MPS * dt
    see, sen, snn = moved * moved, 0.0, moved * moved
    lean_e, lean_n = 0.0, 0.0
    # Slopes of the east residual on the two radars' biases wait in `radars.slope`, of the north one in book.slope.
    east, north = radars.slope, book.slope[0]
    for q in range(2):
        plot = mine if q == 0 else theirs
        sign = 1.0 if q == 0 else -1.0
        r = int(plot[SITE])
        cs, sn, far = math.cos(plot[P_AZIMUTH]), math.sin(plot[P_AZIMUTH]), plot[P_RANGE]
        var_r, var_a = sites.sigma_range_m[r] ** 2, sites.sigma_azimuth_rad[r] ** 2
        see += sn * sn * var_r + far * cs * far * cs * var_a
        sen += sn * cs * var_r - far * cs * far * sn * var_a
        snn += cs * cs * var_r + far * sn * far * sn * var_a
        # An error of the height moves both plots along their own rays.
        lean_e += sign * sigma_h * plot[P_SLOPE] * sn
        lean_n += sign * sigma_h * plot[P_SLOPE] * cs
        east[q, 0], east[q, 1], east[q, 2] = sign * sn, sign * far * cs, -sign * ve
        north[q, 0], north[q, 1], north[q, 2] = sign * cs, -sign * far * sn, -sign * vn
        for c in range(3):
            off_e += east[q, c] * sites.bias[r, c]
            off_n += north[q, c] * sites.bias[r, c]
        radars.radar[q] = radars.place[r]
    see, sen, snn = see + lean_e * lean_e, sen + lean_e * lean_n, snn + lean_n * lean_n
    # White by the inverse of the Cholesky factor: two scalars that err independently.
    l00 = math.sqrt(see)
    l10 = sen / l00
    l11 = math.sqrt(snn - l10 * l10)
    for q in range(2):
        for c in range(3):
            east[q, c] /= l00
            north[q, c] = (north[q, c] - l10 * east[q, c]) / l11
    off_e /= l00
    off_n = (off_n - l10 * off_e) / l11
    fold(radars, 2, off_e, 1.0, False)
    for q in range(2):
        for c in range(3):
            east[q, c] = north[q, c]
    fold(radars, 2, off_n, 1.0, False)
