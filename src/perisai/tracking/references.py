"""What the biases of radars are measured by: positions that aircraft report of themselves, and other radars' plots."""

import math

import numpy as np

from perisai.geodesy import Plane, kernel, plane_from_geodetic

from .bank import Bank
from .detections import Detections
from .forms import FORM_PLANE, FORM_POLAR
from .observe import look, place
from .registration import Registration
from .sites import MODES, Sites

BOOK = 4096
"""Aircraft remembered; a newcomer takes the place of another with the same number modulo this."""
REPORT_FOR_S = 8.0
PLOTS = 1024
PLOT_FOR_S = 10.0
EACH_BEAT = 24
"""Plots looked at in a beat, spread evenly over it."""
NEAR_M, ALONE_M = 4_000.0, 8_000.0
"""A plot belongs to the one report this near, when there is no second one so near."""
HEIGHT_M, HEIGHT_SIGMA_M = 3_000.0, 2_500.0
TURN_MPS2 = 2.0
SPEED_SIGMA_MPS = 12.0
FASTEST_MPS = 350.0
"""What flies faster climbs, falls or brakes: carried along a straight line between two radars' plots of it, these
disagree by more than their errors, always to the same side."""
DOUBT_FROM = 4.0
"""An aircraft whose reports were outliers so many times more often than not is not believed, unless most are so."""
MOST_DOUBT = 12.0
CODE, TIME, EAST, NORTH, HEIGHT, VE, VN, SIGMA, DOUBT = range(9)
KEY, SITE, AT, P_EAST, P_NORTH, P_RANGE, P_AZIMUTH, P_SLOPE = range(8)


@kernel
def _seen(plane: Plane, lat_rad, lon_rad, ecef, sites, means, z, h):
    """What sensors (n,) would measure of states (n, 6): z (n, 4), h (n, 4, 6)."""
    for k in range(sites.size):
        look(plane, lat_rad[sites[k]], lon_rad[sites[k]], ecef, sites[k], means[k], z, h, k)


@kernel
def _spot(plane: Plane, lat_rad, lon_rad, ecef, s, range_m, azimuth_rad, height_m):
    """Place on the plane of a plot at a height (m), and the slope of its distance on the ground with that height."""
    x, y, w = ecef[s, 0], ecef[s, 1], ecef[s, 2]
    lat, lon, _ = place(lat_rad[s], lon_rad[s], x, y, w, range_m, azimuth_rad, height_m, False, 0.0)
    e, n = plane_from_geodetic(plane, lat, lon)
    lat, lon, _ = place(lat_rad[s], lon_rad[s], x, y, w, range_m, azimuth_rad, height_m + 500.0, False, 0.0)
    e1, n1 = plane_from_geodetic(plane, lat, lon)
    return e, n, math.hypot(e1 - e, n1 - n) / 500.0


class References:
    """The book of reports and that of plots, as arrays changed in place, and the filter that they feed."""

    def __init__(self, sites: Sites, plane: Plane) -> None:
        self.sites, self.plane = sites, plane
        self.filter = Registration(sites)
        self.reports = np.full((BOOK, 9), np.nan)
        self.plots = np.full((PLOTS, 8), np.nan)
        self.next = np.zeros(1, np.int64)
        self.arrays = [self.reports, self.plots, self.next, *self.filter.arrays]

    def learn(self, detections: Detections, bank: Bank, used: int, now_s: float) -> None:
        """Fold what a beat tells of the radars; the bank as the beat left it."""
        if not self.filter.radars.size or not detections.t.size:
            return
        self._note(detections)
        polar = np.flatnonzero(
            (detections.form == FORM_POLAR) & (self.filter.place[detections.sensor] >= 0) & detections.mask[:, 0]
        )
        if not polar.size:
            return
        chosen = polar[:: -(-polar.size // EACH_BEAT)]
        self.filter.drift(now_s)
        self._beside_reports(detections, chosen)
        self._beside_plots(detections, chosen, bank, used)
        self.filter.apply()

    def _note(self, d: Detections) -> None:
        """Keep the newest report of each aircraft; a velocity that it does not give follows from its last place."""
        told = np.flatnonzero((d.form == FORM_PLANE) & (d.address >= 0) & (self.sites.kind[d.sensor] == MODES))
        if not told.size:
            return
        code, z, mask = d.address[told], d.z[told], d.mask[told]
        row = code % BOOK
        old = self.reports[row]
        dt = d.t[told] - old[:, TIME]
        follows = (old[:, CODE] == code) & (dt > 0.5) & (dt < 30.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            speed = np.where(follows[:, None], (z[:, :2] - old[:, [EAST, NORTH]]) / dt[:, None], np.nan)
        speed = np.where(mask[:, 3:4], z[:, 3:5], speed)
        height = np.where(mask[:, 2], z[:, 2], np.nan)
        sigma = np.sqrt(d.var[told, 0])
        doubt = np.where(old[:, CODE] == code, old[:, DOUBT], 0.0)
        columns = [code, d.t[told], z[:, 0], z[:, 1], height, speed[:, 0], speed[:, 1], sigma, doubt]
        kept = ~((old[:, CODE] == code) & (dt <= 0.5))
        self.reports[row[kept]] = np.column_stack(columns)[kept]

    def _beside_reports(self, d: Detections, chosen: np.ndarray) -> None:
        """Range and azimuth of plots beside those of the reports they belong to."""
        live = np.flatnonzero(abs(self.reports[:, TIME] - d.t[chosen].mean()) < REPORT_FOR_S + 2.0)
        live = live[np.isfinite(self.reports[live, VE])]
        if not live.size:
            return
        book = self.reports[live]
        dt = d.t[chosen][:, None] - book[:, TIME]
        de = book[:, EAST] + dt * book[:, VE] - d.east_m[chosen][:, None]
        dn = book[:, NORTH] + dt * book[:, VN] - d.north_m[chosen][:, None]
        apart = np.where(abs(dt) < REPORT_FOR_S, np.hypot(de, dn), np.inf)
        best = apart.argmin(axis=1)
        alone = (apart < ALONE_M).sum(axis=1) == 1
        pick = np.flatnonzero((apart[np.arange(chosen.size), best] < NEAR_M) & alone)
        if not pick.size:
            return
        js, rows, ahead = chosen[pick], book[best[pick]], dt[pick, best[pick]]
        unknown = np.isnan(rows[:, HEIGHT])
        means = np.zeros((pick.size, 6))
        means[:, 0] = rows[:, EAST] + ahead * rows[:, VE]
        means[:, 1] = rows[:, NORTH] + ahead * rows[:, VN]
        means[:, 2] = np.where(unknown, HEIGHT_M, rows[:, HEIGHT])
        means[:, 3:5] = rows[:, [VE, VN]]
        z, h = np.empty((pick.size, 4)), np.empty((pick.size, 4, 6))
        at, s = self.sites, d.sensor[js]
        _seen(self.plane, at.lat_rad, at.lon_rad, at.ecef, s, means, z, h)
        sigma2 = rows[:, SIGMA] ** 2 + (0.5 * TURN_MPS2 * ahead**2) ** 2
        height2 = np.where(unknown, HEIGHT_SIGMA_M**2, 100.0**2)
        doubted = self.reports[live, DOUBT] >= DOUBT_FROM
        outvoted = doubted.mean() < 0.5
        for k, j in enumerate(js.tolist()):
            site, row = int(s[k]), int(live[best[pick[k]]])
            doubt, fits = self.reports[row, DOUBT], True
            for c in (0, 1):
                rate = float(h[k, c, :3] @ means[k, 3:])
                off = d.z[j, c] - z[k, c]
                off = math.remainder(off, 2.0 * math.pi) if c == 1 else off
                variance = d.var[j, c] / at.widen[site]
                variance += sigma2[k] * float(h[k, c, :2] @ h[k, c, :2]) + height2[k] * h[k, c, 2] ** 2
                slope = np.array([1.0 - c, float(c), -rate])
                # The plot has been corrected by what was known before; the filter wants what the radar itself said.
                residual = float(off + slope @ at.bias[site])
                terms = [(int(self.filter.place[site]), slope)]
                fits &= self.filter.fold(terms, residual, variance, bool(outvoted and doubt >= DOUBT_FROM))
            self.reports[row, DOUBT] = max(doubt - 1.0, 0.0) if fits else min(doubt + 1.0, MOST_DOUBT)

    def _beside_plots(self, d: Detections, chosen: np.ndarray, bank: Bank, used: int) -> None:
        """Plots of one track by two radars, carried to one time by the track's velocity."""
        slow = np.hypot(bank.x[:used, 0, 3], bank.x[:used, 0, 4]) < FASTEST_MPS
        slots = np.flatnonzero(bank.alive[:used] & bank.touched[:used] & bank.confirmed[:used] & slow)
        if not slots.size:
            return
        hit, ring = bank.ring_hit[slots], bank.ring_sensor[slots]
        row, column = np.nonzero(hit >= d.t.min())
        times, sensors = hit[row, column], ring[row, column]
        order = np.argsort(times, kind="stable")
        times, sensors, owner = times[order], sensors[order], slots[row[order]]
        for j in chosen.tolist():
            a, b = np.searchsorted(times, d.t[j], "left"), np.searchsorted(times, d.t[j], "right")
            own = owner[a:b][sensors[a:b] == d.sensor[j]]
            if own.size == 1:
                self._pair(d, j, bank, int(own[0]))

    def _pair(self, d: Detections, j: int, bank: Bank, i: int) -> None:
        at, site = self.sites, int(d.sensor[j])
        state = bank.x[i, bank.mu[i].argmax()]
        known = bool(bank.has_height[i])
        height = float(state[2]) if known else HEIGHT_M
        e, n, slope = _spot(self.plane, at.lat_rad, at.lon_rad, at.ecef, site, d.z[j, 0], d.z[j, 1], height)
        mine = np.array([bank.key[i], site, d.t[j], e, n, d.z[j, 0], d.z[j, 1], slope])
        other = (self.plots[:, KEY] == mine[KEY]) & (self.plots[:, SITE] != site)
        partners = np.flatnonzero(other & (mine[AT] - self.plots[:, AT] < PLOT_FOR_S))
        self.plots[self.next[0] % PLOTS] = mine
        self.next[0] += 1
        if not partners.size:
            return
        theirs = self.plots[partners[self.plots[partners, AT].argmax()]]
        velocity = state[3:5]
        dt = mine[AT] - theirs[AT]
        residual = mine[[P_EAST, P_NORTH]] - theirs[[P_EAST, P_NORTH]] - dt * velocity
        sigma_h = 300.0 if known else HEIGHT_SIGMA_M
        noise = np.eye(2) * (SPEED_SIGMA_MPS * dt) ** 2
        slopes: list[tuple[int, np.ndarray]] = []
        lean = np.zeros(2)
        for sign, plot in ((1.0, mine), (-1.0, theirs)):
            s = int(plot[SITE])
            c, q, r = math.cos(plot[P_AZIMUTH]), math.sin(plot[P_AZIMUTH]), plot[P_RANGE]
            g = np.array([[q, r * c, -velocity[0]], [c, -r * q, -velocity[1]]])
            var = np.array([at.sigma_range_m[s] ** 2, at.sigma_azimuth_rad[s] ** 2])
            noise += (g[:, :2] * var) @ g[:, :2].T
            # An error of the height moves both plots along their own rays.
            lean += sign * sigma_h * plot[P_SLOPE] * g[:, 0]
            residual += sign * (g @ at.bias[s])
            slopes.append((int(self.filter.place[s]), sign * g))
        noise += np.outer(lean, lean)
        white = np.linalg.inv(np.linalg.cholesky(noise))
        residual = white @ residual
        for c in range(2):
            self.filter.fold([(radar, (white @ g)[c]) for radar, g in slopes], float(residual[c]), 1.0)
