"""What a sensor would measure of a track, exactly: plane -> geodetic -> ECEF -> the sensor's own east-north-up.

Polar components in order: slant range (m), azimuth (rad from true north), elevation (rad), range rate (m/s).
"""

import math

from perisai.geodesy import (
    Plane,
    ecef_from_geodetic,
    ecef_offset_from_enu,
    enu_from_ecef_offset,
    geodetic_from_ecef,
    geodetic_from_plane,
    plane_convergence,
    plane_scale,
)
from perisai.kernels import loop

RANGE, AZIMUTH, ELEVATION, RATE = 0, 1, 2, 3


@loop
def wrap(angle_rad: float) -> float:
    """The angle in -pi..pi."""
    return angle_rad - 2.0 * math.pi * math.floor((angle_rad + math.pi) / (2.0 * math.pi))


@loop
def look(plane: Plane, lat_rad, lon_rad, ecef, s, mean, z, h, q):
    """Fill z[q] (4,) with what sensor s would measure of the state mean (6,), and h[q] (4, 6) with its Jacobian."""
    lat, lon = geodetic_from_plane(plane, mean[0], mean[1])
    x, y, w = ecef_from_geodetic(lat, lon, mean[2])
    e, n, u = enu_from_ecef_offset(lat_rad, lon_rad, x - ecef[s, 0], y - ecef[s, 1], w - ecef[s, 2])
    # A metre (or m/s) on the plane is 1/k metres on the ground at this height, turned by the convergence.
    k = plane_scale(plane, mean[0], mean[1]) / (1.0 + mean[2] / 6_371_008.8)
    gamma = plane_convergence(plane, lat, lon)
    cg = math.cos(gamma) / k
    sg = math.sin(gamma) / k
    xe, ye, we = ecef_offset_from_enu(lat, lon, cg, -sg, 0.0)
    j00, j10, j20 = enu_from_ecef_offset(lat_rad, lon_rad, xe, ye, we)
    xe, ye, we = ecef_offset_from_enu(lat, lon, sg, cg, 0.0)
    j01, j11, j21 = enu_from_ecef_offset(lat_rad, lon_rad, xe, ye, we)
    xe, ye, we = ecef_offset_from_enu(lat, lon, 0.0, 0.0, 1.0)
    j02, j12, j22 = enu_from_ecef_offset(lat_rad, lon_rad, xe, ye, we)
    ground2 = max(e * e + n * n, 1.0)
    ground = math.sqrt(ground2)
    rho2 = ground2 + u * u
    rho = math.sqrt(rho2)
    ve = j00 * mean[3] + j01 * mean[4] + j02 * mean[5]
    vn = j10 * mean[3] + j11 * mean[4] + j12 * mean[5]
    vu = j20 * mean[3] + j21 * mean[4] + j22 * mean[5]
    z[q, RANGE] = rho
    z[q, AZIMUTH] = math.atan2(e, n)
    z[q, ELEVATION] = math.atan2(u, ground)
    z[q, RATE] = (e * ve + n * vn + u * vu) / rho
    for a in range(3):
        je = j00 if a == 0 else (j01 if a == 1 else j02)
        jn = j10 if a == 0 else (j11 if a == 1 else j12)
        ju = j20 if a == 0 else (j21 if a == 1 else j22)
        h[q, RANGE, a] = (e * je + n * jn + u * ju) / rho
        h[q, AZIMUTH, a] = (n * je - e * jn) / ground2
        h[q, ELEVATION, a] = (ground * ju - u * (e * je + n * jn) / ground) / rho2
        h[q, RATE, a] = (ve * je + vn * jn + vu * ju) / rho - z[q, RATE] * h[q, RANGE, a] / rho
        h[q, RANGE, a + 3] = 0.0
        h[q, AZIMUTH, a + 3] = 0.0
        h[q, ELEVATION, a + 3] = 0.0
        h[q, RATE, a + 3] = h[q, RANGE, a]


@loop
def place(lat_rad, lon_rad, ecef_x, ecef_y, ecef_z, range_m, azimuth_rad, height_m, known_elevation, elev_rad):
    """(lat rad, lon rad, height m) of a polar plot, at the given height where the elevation is not measured.

    The ray's elevation for a height follows from the cosine rule on the sphere of the mean radius.
    """
    if known_elevation:
        elevation = elev_rad
    else:
        radius = 6_371_008.8
        _, _, base = geodetic_from_ecef(ecef_x, ecef_y, ecef_z)
        a = radius + base
        b = radius + height_m
        s = (b * b - a * a - range_m * range_m) / (2.0 * a * max(range_m, 1.0))
        elevation = math.asin(min(max(s, -0.2), 1.0))
    ground = range_m * math.cos(elevation)
    xe, ye, we = ecef_offset_from_enu(
        lat_rad, lon_rad, ground * math.sin(azimuth_rad), ground * math.cos(azimuth_rad), range_m * math.sin(elevation)
    )
    return geodetic_from_ecef(ecef_x + xe, ecef_y + ye, ecef_z + we)
