"""The two forms of a detection, on the plane or in the sensor's own frame: rows checked and turned into them."""

import numpy as np

from perisai.geodesy import Plane, plane_convergence, plane_from_geodetic, plane_scale
from perisai.kernels import loop

from .columns import ALT, AZ, EL, LAT, LON, RANGE, RATE, S_AZ, S_EL, S_M, S_R, VE, VN, VU
from .observe import place
from .sites import MODES, PRESENCE, Sites

FORM_PLANE, FORM_POLAR, FORM_BEARING, FORM_PRESENCE = 0, 1, 2, 3
REASONS = (
    "",
    "unknown_sensor",
    "time_missing",
    "time_too_old",
    "time_ahead",
    "not_finite",
    "incomplete",
    "out_of_range",
    "sigma_not_positive",
    "duplicate",
)


@loop
def check(values, given, site, kind, max_range_m, reason):
    """Give each row (n, 15) the first reason that applies, as an index of REASONS; 0 is good."""
    for j in range(values.shape[0]):
        v = values[j]
        if site[j] < 0:
            reason[j] = 1
        if reason[j] != 0:
            continue
        for c in range(v.size):
            if given[j, c] and not np.isfinite(v[c]):
                reason[j] = 5
        if reason[j] != 0:
            continue
        has_lat = given[j, LAT]
        has_range = given[j, RANGE]
        halves = has_lat != given[j, LON] or given[j, VE] != given[j, VN] or (has_range and not given[j, AZ])
        nowhere = not has_lat and not given[j, AZ] and kind[site[j]] != PRESENCE
        outside = (
            (has_lat and (abs(v[LAT]) > 90.0 or abs(v[LON]) > 180.0))
            or (given[j, ALT] and (v[ALT] < -1_000.0 or v[ALT] > 1_000_000.0))
            or (has_range and (v[RANGE] <= 0.0 or v[RANGE] > 3.0 * max_range_m[site[j]]))
            or (given[j, AZ] and (v[AZ] < -360.0 or v[AZ] > 720.0))
            or (given[j, EL] and abs(v[EL]) > 90.0)
            or (given[j, VE] and abs(v[VE]) + abs(v[VN]) > 16_000.0)
            or (given[j, RATE] and abs(v[RATE]) > 16_000.0)
        )
        if halves or nowhere:
            reason[j] = 6
        elif outside:
            reason[j] = 7
        else:
            for c in range(S_M, S_EL + 1):
                if given[j, c] and v[c] <= 0.0:
                    reason[j] = 8


@loop
def _form_plane(plane: Plane, v, given, kind, sigma_m, widen, z, var, mask):
    lat = np.radians(v[LAT])
    lon = np.radians(v[LON])
    e, n = plane_from_geodetic(plane, lat, lon)
    k = plane_scale(plane, e, n)
    s = (v[S_M] if given[S_M] else sigma_m) * k * np.sqrt(widen)
    z[0] = e
    z[1] = n
    var[0] = s * s
    var[1] = s * s
    mask[0] = True
    mask[1] = True
    if given[ALT]:
        z[2] = v[ALT]
        # Barometric height (transponders) is not height above the ellipsoid: allow for the difference.
        var[2] = max(s * s, 100.0 * 100.0) if kind == MODES else s * s
        mask[2] = True
    if given[VE]:
        g = plane_convergence(plane, lat, lon)
        z[3] = k * (v[VE] * np.cos(g) - v[VN] * np.sin(g))
        z[4] = k * (v[VE] * np.sin(g) + v[VN] * np.cos(g))
        var[3] = 25.0
        var[4] = 25.0
        mask[3] = True
        mask[4] = True
        if given[VU]:
            z[5] = v[VU]
            var[5] = 9.0
            mask[5] = True
    return e, n, 4.6 * s


@loop
def _form_polar(plane: Plane, v, given, sites: Sites, s, z, var, mask):
    sigma_r = v[S_R] if given[S_R] else sites.sigma_range_m[s]
    sigma_a = np.radians(v[S_AZ]) if given[S_AZ] else sites.sigma_azimuth_rad[s]
    sigma_e = np.radians(v[S_EL]) if given[S_EL] else sites.sigma_elevation_rad[s]
    z[0] = max(v[RANGE] - sites.bias[s, 0], 1.0)
    z[1] = np.radians(v[AZ]) - sites.bias[s, 1]
    var[0] = sigma_r * sigma_r * sites.widen[s]
    var[1] = sigma_a * sigma_a * sites.widen[s]
    mask[0] = True
    mask[1] = True
    if given[EL]:
        z[2] = np.radians(v[EL])
        var[2] = sigma_e * sigma_e * sites.widen[s]
        mask[2] = True
    if given[RATE]:
        z[3] = v[RATE]
        var[3] = 9.0
        mask[3] = True
    x, y, w = sites.ecef[s, 0], sites.ecef[s, 1], sites.ecef[s, 2]
    low = place(sites.lat_rad[s], sites.lon_rad[s], x, y, w, z[0], z[1], 0.0, given[EL], z[2])
    high = low
    if not given[EL]:
        top = min(12_000.0, 0.7 * z[0])
        high = place(sites.lat_rad[s], sites.lon_rad[s], x, y, w, z[0], z[1], top, False, 0.0)
    e0, n0 = plane_from_geodetic(plane, low[0], low[1])
    e1, n1 = plane_from_geodetic(plane, high[0], high[1])
    slack = 0.5 * np.hypot(e1 - e0, n1 - n0)
    radius = 4.6 * max(sigma_r, sigma_a * z[0]) + slack
    if given[EL]:
        radius += 4.6 * sigma_e * z[0] * abs(np.sin(z[2]))
    return 0.5 * (e0 + e1), 0.5 * (n0 + n1), radius


@loop
def transform(plane: Plane, values, given, site, sites: Sites, reason, form, z, var, mask, east, north, radius):
    for j in range(values.shape[0]):
        if reason[j] != 0:
            continue
        s = site[j]
        v = values[j]
        if given[j, LAT]:
            form[j] = FORM_PLANE
            east[j], north[j], radius[j] = _form_plane(
                plane, v, given[j], sites.kind[s], sites.sigma_m[s], sites.widen[s], z[j], var[j], mask[j]
            )
        elif given[j, RANGE]:
            form[j] = FORM_POLAR
            east[j], north[j], radius[j] = _form_polar(plane, v, given[j], sites, s, z[j], var[j], mask[j])
        elif given[j, AZ]:
            form[j] = FORM_BEARING
            sigma_a = np.radians(v[S_AZ]) if given[j, S_AZ] else sites.sigma_azimuth_rad[s]
            z[j, 1] = np.radians(v[AZ]) - sites.bias[s, 1]
            var[j, 1] = sigma_a * sigma_a * sites.widen[s]
            mask[j, 1] = True
            east[j], north[j], radius[j] = sites.east_m[s], sites.north_m[s], 1.2 * sites.max_range_m[s]
        else:
            form[j] = FORM_PRESENCE
            # P(report | x) falls as exp(-(d / d0)^2), d0^2 = 2 sigma^2: as a position, the site with that sigma.
            spread = sites.sigma_m[s] * sites.sigma_m[s]
            z[j, 0], z[j, 1] = sites.east_m[s], sites.north_m[s]
            var[j, 0] = spread
            var[j, 1] = spread
            mask[j, 0] = True
            mask[j, 1] = True
            east[j], north[j], radius[j] = z[j, 0], z[j, 1], 2.0 * sites.max_range_m[s]
