"""What the biases of radars are measured by: positions that aircraft report of themselves, and other radars' plots."""

import math

from perisai.geodesy import Plane
from perisai.kernels import loop

from .bank import Bank
from .book import (
    BOOK,
    CODE,
    DOUBT,
    EACH_BEAT,
    EAST,
    HEIGHT,
    HEIGHT_M,
    HEIGHT_SIGMA_M,
    NORTH,
    SIGMA,
    TIME,
    VE,
    VN,
    Book,
    new_book,
)
from .detections import Detections
from .forms import FORM_PLANE, FORM_POLAR
from .observe import look, wrap
from .registration import Radars, Registration, apply, drift, fold
from .sites import MODES, Sites
from .snapshot import Kept
from .two_radars import beside_plots

REPORT_FOR_S = 8.0
NEAR_M, ALONE_M = 4_000.0, 8_000.0
"""A plot belongs to the one report this near, when there is no second one so near."""
TURN_MPS2 = 2.0
DOUBT_FROM = 4.0
"""An aircraft whose reports were outliers so many times more often than not is not believed, unless most are so."""
MOST_DOUBT = 12.0


@loop
def _note(d: Detections, kind, reports):
    """Keep the newest report of each aircraft; a velocity that it does not give follows from its last place."""
    told = False
    for j in range(d.t.size):
        code = d.address[j]
        if d.form[j] != FORM_PLANE or code < 0 or kind[d.sensor[j]] != MODES:
            continue
        told = True
        old = reports[code % BOOK]
        known = old[CODE] == code
        dt = d.t[j] - old[TIME]
        if known and dt <= 0.5:
            continue
        ve, vn = math.nan, math.nan
        if d.mask[j, 3]:
            ve, vn = d.z[j, 3], d.z[j, 4]
        elif known and dt < 30.0:
            ve, vn = (d.z[j, 0] - old[EAST]) / dt, (d.z[j, 1] - old[NORTH]) / dt
        if not known:
            old[DOUBT] = 0.0
        old[CODE], old[TIME], old[EAST], old[NORTH] = code, d.t[j], d.z[j, 0], d.z[j, 1]
        old[HEIGHT] = d.z[j, 2] if d.mask[j, 2] else math.nan
        old[VE], old[VN], old[SIGMA] = ve, vn, math.sqrt(d.var[j, 0])
    return told


@loop
def _choose(d: Detections, radar_of, chosen):
    """Plots of radars with a range, spread evenly over the beat, into `chosen`; gives their number."""
    total = 0
    for j in range(d.t.size):
        total += d.form[j] == FORM_POLAR and d.mask[j, 0] and radar_of[d.sensor[j]] >= 0
    step = max(-(-total // EACH_BEAT), 1)
    seen, n = 0, 0
    for j in range(d.t.size):
        if d.form[j] == FORM_POLAR and d.mask[j, 0] and radar_of[d.sensor[j]] >= 0:
            if seen % step == 0:
                chosen[n] = j
                n += 1
            seen += 1
    return n


@loop
def _beside_reports(d: Detections, n, sites: Sites, plane: Plane, radars: Radars, book: Book):
    """Range and azimuth of the chosen plots beside those of the reports they belong to."""
    reports, live = book.reports, book.live
    middle = 0.0
    for q in range(n):
        middle += d.t[book.chosen[q]] / n
    lives, doubted = 0, 0
    for row in range(BOOK):
        if abs(reports[row, TIME] - middle) < REPORT_FOR_S + 2.0 and not math.isnan(reports[row, VE]):
            live[lives] = row
            lives += 1
            doubted += reports[row, DOUBT] >= DOUBT_FROM
    outvoted = doubted < 0.5 * lives
    for q in range(n):
        j = book.chosen[q]
        best, nearest, near = -1, math.inf, 0
        for f in range(lives):
            report = reports[live[f]]
            dt = d.t[j] - report[TIME]
            if abs(dt) >= REPORT_FOR_S:
                continue
            de = report[EAST] + dt * report[VE] - d.east_m[j]
            dn = report[NORTH] + dt * report[VN] - d.north_m[j]
            apart = math.hypot(de, dn)
            near += apart < ALONE_M
            if apart < nearest:
                best, nearest = live[f], apart
        if nearest < NEAR_M and near == 1:
            _beside_report(d, j, reports[best], outvoted, sites, plane, radars, book)


@loop
def _beside_report(d: Detections, j, report, outvoted, sites: Sites, plane: Plane, radars: Radars, book: Book):
    s = d.sensor[j]
    ahead = d.t[j] - report[TIME]
    unknown = math.isnan(report[HEIGHT])
    mean, z, h = book.mean, book.seen, book.slope
    mean[0], mean[1] = report[EAST] + ahead * report[VE], report[NORTH] + ahead * report[VN]
    mean[2] = HEIGHT_M if unknown else report[HEIGHT]
    mean[3], mean[4], mean[5] = report[VE], report[VN], 0.0
    look(plane, sites.lat_rad[s], sites.lon_rad[s], sites.ecef, s, mean, z, h, 0)
    turned = 0.5 * TURN_MPS2 * ahead * ahead
    sigma2 = report[SIGMA] * report[SIGMA] + turned * turned
    height2 = HEIGHT_SIGMA_M * HEIGHT_SIGMA_M if unknown else 100.0 * 100.0
    doubt, fits = report[DOUBT], True
    for c in range(2):
        rate = h[0, c, 0] * mean[3] + h[0, c, 1] * mean[4] + h[0, c, 2] * mean[5]
        off = d.z[j, c] - z[0, c]
        if c == 1:
            off = wrap(off)
        variance = d.var[j, c] / sites.widen[s] + height2 * h[0, c, 2] * h[0, c, 2]
        variance += sigma2 * (h[0, c, 0] * h[0, c, 0] + h[0, c, 1] * h[0, c, 1])
        slope = radars.slope
        slope[0, 0], slope[0, 1], slope[0, 2] = 1.0 - c, float(c), -rate
        radars.radar[0] = radars.place[s]
        # The plot has been corrected by what was known before; the filter wants what the radar itself said.
        for a in range(3):
            off += slope[0, a] * sites.bias[s, a]
        fits &= fold(radars, 1, off, variance, outvoted and doubt >= DOUBT_FROM)
    report[DOUBT] = max(doubt - 1.0, 0.0) if fits else min(doubt + 1.0, MOST_DOUBT)


@loop
def _learn(d: Detections, bank: Bank, used, now_s, sites: Sites, plane: Plane, radars: Radars, book: Book):
    """Whether a beat told anything of aircraft, and of radars."""
    told = _note(d, sites.kind, book.reports)
    n = _choose(d, radars.place, book.chosen)
    if n > 0:
        drift(radars, now_s)
        _beside_reports(d, n, sites, plane, radars, book)
        beside_plots(d, n, bank, used, sites, plane, radars, book)
        apply(radars, sites.bias, sites.widen)
    return told, n > 0


class References:
    """The book of reports and that of plots, as arrays changed in place, and the filter that they feed."""

    def __init__(self, sites: Sites, plane: Plane) -> None:
        self.sites, self.plane = sites, plane
        self.filter = Registration(sites)
        self.book = new_book()
        self.reports, self.plots = Kept(self.book.reports), Kept(self.book.plots, self.book.next)
        self.kept = (self.reports, self.plots, self.filter.kept)

    def learn(self, detections: Detections, bank: Bank, used: int, now_s: float) -> None:
        """Fold what a beat tells of the radars; the bank as the beat left it."""
        if not self.filter.radars.size or not detections.t.size:
            return
        told, polar = _learn(
            detections, bank, used, now_s, self.sites, self.plane, self.filter.filter, self.book
        )  # fmt: skip
        if told or polar:
            self.reports.changed()
        if polar:
            self.plots.changed()
            self.filter.kept.changed()
