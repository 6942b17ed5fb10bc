"""WGS84: geodetic, Earth-centred (ECEF), local east-north-up (ENU) and the region's stereographic plane.

Scalar kernels are numba functions in radians and metres, to be called from other kernels; the functions on arrays
take and give degrees. Formulas: Snyder, Map Projections - A Working Manual (USGS PP 1395), 1987, equations 3-1 and
21-24 to 21-38; geodetic from ECEF: Bowring 1976, iterated. Held against pyproj in tests/unit/model/test_geodesy.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from .kernels import kernel

A_M = 6_378_137.0
F = 1.0 / 298.257223563
E2 = F * (2.0 - F)
E = math.sqrt(E2)
B_M = A_M * (1.0 - F)
MEAN_RADIUS_M = 6_371_008.8


@kernel
def ecef_from_geodetic(lat_rad: float, lon_rad: float, alt_m: float):
    """(x, y, z) in metres."""
    s = math.sin(lat_rad)
    c = math.cos(lat_rad)
    n = A_M / math.sqrt(1.0 - E2 * s * s)
    return (n + alt_m) * c * math.cos(lon_rad), (n + alt_m) * c * math.sin(lon_rad), (n * (1.0 - E2) + alt_m) * s


@kernel
def geodetic_from_ecef(x: float, y: float, z: float):
    """(latitude rad, longitude rad, height m); under a micrometre from the centre's vicinity to 100,000 km."""
    p = math.hypot(x, y)
    beta = math.atan2(z * A_M, p * B_M)
    lat = 0.0
    for _ in range(3):
        lat = math.atan2(z + E2 / (1.0 - E2) * B_M * math.sin(beta) ** 3, p - E2 * A_M * math.cos(beta) ** 3)
        beta = math.atan2((1.0 - F) * math.sin(lat), math.cos(lat))
    s = math.sin(lat)
    n = A_M / math.sqrt(1.0 - E2 * s * s)
    alt = p * math.cos(lat) + z * s - A_M * A_M / n
    return lat, math.atan2(y, x), alt


_N = F / (2.0 - F)
# Series in the third flattening: conformal minus geodetic latitude, and back, as sums of sin(2 k latitude).
_TO_CONFORMAL = (
    _N * (-2.0 + _N * (2.0 / 3.0 + _N * (4.0 / 3.0 + _N * (-82.0 / 45.0 + _N * 32.0 / 45.0)))),
    _N**2 * (5.0 / 3.0 + _N * (-16.0 / 15.0 + _N * (-13.0 / 9.0 + _N * 904.0 / 315.0))),
    _N**3 * (-26.0 / 15.0 + _N * (34.0 / 21.0 + _N * 8.0 / 5.0)),
    _N**4 * (1237.0 / 630.0 - _N * 12.0 / 5.0),
    _N**5 * (-734.0 / 315.0),
)
_TO_GEODETIC = (
    _N * (2.0 + _N * (-2.0 / 3.0 + _N * (-2.0 + _N * (116.0 / 45.0 + _N * 26.0 / 45.0)))),
    _N**2 * (7.0 / 3.0 + _N * (-8.0 / 5.0 + _N * (-227.0 / 45.0 + _N * 2704.0 / 315.0))),
    _N**3 * (56.0 / 15.0 + _N * (-136.0 / 35.0 - _N * 1262.0 / 105.0)),
    _N**4 * (4279.0 / 630.0 - _N * 332.0 / 35.0),
    _N**5 * (4174.0 / 315.0),
)


@kernel
def _series(coefficients, s, c):
    """Sum of coefficients[k] sin(2 (k + 1) angle), by Clenshaw; s, c: sine and cosine of the angle."""
    twice = 2.0 * (c - s) * (c + s)
    c0, c1, c2, c3, c4 = coefficients
    y3 = c3 + twice * c4
    y2 = c2 + twice * y3 - c4
    y1 = c1 + twice * y2 - y3
    y0 = c0 + twice * y1 - y2
    return 2.0 * s * c * y0


@kernel
def _sine_series(coefficients, angle_rad):
    return _series(coefficients, math.sin(angle_rad), math.cos(angle_rad))


@kernel
def conformal_latitude(lat_rad: float) -> float:
    """Snyder 3-1 as a series (Karney 2011, in the third flattening to the fifth order), to 1e-14 rad."""
    return lat_rad + _sine_series(_TO_CONFORMAL, lat_rad)


@kernel
def geodetic_latitude(chi_rad: float) -> float:
    """Inverse of `conformal_latitude`, to 1e-14 rad."""
    return chi_rad + _sine_series(_TO_GEODETIC, chi_rad)


class Plane(NamedTuple):
    """An oblique stereographic plane on WGS84, tangent at (lat0, lon0); kernels take it as it is."""

    lat0_rad: float
    lon0_rad: float
    sin_chi0: float
    cos_chi0: float
    scale_m: float
    """2 a k0 m1 / cos(chi0): the factor of Snyder 21-27."""


def plane_at(lat_deg: float, lon_deg: float) -> Plane:
    """The plane centred on a point, scale 1 there. |lat| must be under 89 degrees."""
    lat0, lon0 = math.radians(lat_deg), math.radians(lon_deg)
    chi0 = conformal_latitude(lat0)
    m1 = math.cos(lat0) / math.sqrt(1.0 - E2 * math.sin(lat0) ** 2)
    return Plane(lat0, lon0, math.sin(chi0), math.cos(chi0), 2.0 * A_M * m1 / math.cos(chi0))


@kernel
def plane_from_geodetic(plane: Plane, lat_rad: float, lon_rad: float):
    """(east, north) in metres on the plane; Snyder 21-24, 21-25, 21-27."""
    chi = conformal_latitude(lat_rad)
    sin_chi = math.sin(chi)
    cos_chi = math.cos(chi)
    d = lon_rad - plane.lon0_rad
    cos_d = math.cos(d)
    a = plane.scale_m / (1.0 + plane.sin_chi0 * sin_chi + plane.cos_chi0 * cos_chi * cos_d)
    return a * cos_chi * math.sin(d), a * (plane.cos_chi0 * sin_chi - plane.sin_chi0 * cos_chi * cos_d)


@kernel
def geodetic_from_plane(plane: Plane, east_m: float, north_m: float):
    """(latitude rad, longitude rad); Snyder 21-36 to 21-38."""
    rho = math.hypot(east_m, north_m)
    if rho < 1e-9:
        return plane.lat0_rad, plane.lon0_rad
    c = 2.0 * math.atan(rho / plane.scale_m)
    sin_c = math.sin(c)
    cos_c = math.cos(c)
    chi = math.asin(cos_c * plane.sin_chi0 + north_m * sin_c * plane.cos_chi0 / rho)
    lon = plane.lon0_rad + math.atan2(east_m * sin_c, rho * plane.cos_chi0 * cos_c - north_m * plane.sin_chi0 * sin_c)
    return geodetic_latitude(chi), lon


@kernel
def true_frame(plane: Plane, east_m: float, north_m: float):
    """(latitude rad, longitude rad, cosine, sine of the meridian convergence) of a point of the plane: what
    `geodetic_from_plane` and `plane_convergence` give, with two inverse functions in all, for kernels that need both.
    """
    s2 = plane.scale_m * plane.scale_m
    rho2 = east_m * east_m + north_m * north_m
    each = 1.0 / (s2 + rho2)
    # cos c and sin c / rho of Snyder 21-38, as c = 2 atan(rho / scale).
    cos_c = (s2 - rho2) * each
    sin_c = 2.0 * plane.scale_m * each
    sin_chi = cos_c * plane.sin_chi0 + north_m * sin_c * plane.cos_chi0
    a = east_m * sin_c
    b = plane.cos_chi0 * cos_c - north_m * plane.sin_chi0 * sin_c
    cos_chi = math.sqrt(a * a + b * b)
    chi = math.atan2(sin_chi, cos_chi)
    # tan of half the convergence, its half angles written as sums.
    t = (sin_chi + plane.sin_chi0) / (1.0 + cos_chi * plane.cos_chi0 + sin_chi * plane.sin_chi0) * a / (cos_chi + b)
    unit = 1.0 / (1.0 + t * t)
    return (
        chi + _series(_TO_GEODETIC, sin_chi, cos_chi),
        plane.lon0_rad + math.atan2(a, b),
        (1.0 - t * t) * unit,
        2.0 * t * unit,
    )


@kernel
def plane_scale(plane: Plane, east_m: float, north_m: float) -> float:
    """Plane metres per true metre, 1 + d2/4R2; divide a plane speed by it. Exact to 5e-4 inside 1,000 km."""
    return 1.0 + (east_m * east_m + north_m * north_m) / (4.0 * MEAN_RADIUS_M * MEAN_RADIUS_M)


@kernel
def plane_convergence(plane: Plane, lat_rad: float, lon_rad: float) -> float:
    """Meridian convergence, rad: azimuth_true = azimuth_plane + convergence; positive east of the centre (north half).

    On a stereographic plane tan(gamma / 2) = sin((chi + chi0) / 2) / cos((chi - chi0) / 2) tan(d_lon / 2), the
    half of the spherical excess of the pole, the centre and the point.
    """
    chi = conformal_latitude(lat_rad)
    chi0 = math.atan2(plane.sin_chi0, plane.cos_chi0)
    d = lon_rad - plane.lon0_rad
    return 2.0 * math.atan(math.sin(0.5 * (chi + chi0)) / math.cos(0.5 * (chi - chi0)) * math.tan(0.5 * d))


@kernel
def enu_from_ecef_offset(lat_rad: float, lon_rad: float, dx: float, dy: float, dz: float):
    """An ECEF difference (or velocity) as seen at a place: (east, north, up)."""
    sl = math.sin(lat_rad)
    cl = math.cos(lat_rad)
    so = math.sin(lon_rad)
    co = math.cos(lon_rad)
    return (-so * dx + co * dy, -sl * co * dx - sl * so * dy + cl * dz, cl * co * dx + cl * so * dy + sl * dz)


@kernel
def ecef_offset_from_enu(lat_rad: float, lon_rad: float, east: float, north: float, up: float):
    """The inverse rotation of `enu_from_ecef_offset`."""
    sl = math.sin(lat_rad)
    cl = math.cos(lat_rad)
    so = math.sin(lon_rad)
    co = math.cos(lon_rad)
    return (
        -so * east - sl * co * north + cl * co * up,
        co * east - sl * so * north + cl * so * up,
        cl * north + sl * up,
    )


@kernel
def segment_in_circle(east, north, radius, x, y, dx, dy):
    """Where the segment (x, y) + s (dx, dy), 0 <= s <= 1, runs inside a circle: (first s, last s), or (2, -1)."""
    fx, fy = x - east, y - north
    a = dx * dx + dy * dy
    c = fx * fx + fy * fy - radius * radius
    if a < 1e-9:
        if c <= 0.0:
            return 0.0, 1.0
        return 2.0, -1.0
    b = fx * dx + fy * dy
    d = b * b - a * c
    if d < 0.0:
        return 2.0, -1.0
    root = math.sqrt(d)
    first, last = max(0.0, (-b - root) / a), min(1.0, (-b + root) / a)
    if first > last:
        return 2.0, -1.0
    return first, last


@kernel
def _to_plane(plane, lat_deg, lon_deg, east, north):
    for i in range(lat_deg.size):
        east[i], north[i] = plane_from_geodetic(plane, math.radians(lat_deg[i]), math.radians(lon_deg[i]))


@kernel
def _from_plane(plane, east, north, lat_deg, lon_deg):
    for i in range(east.size):
        lat, lon = geodetic_from_plane(plane, east[i], north[i])
        lat_deg[i], lon_deg[i] = math.degrees(lat), math.degrees(lon)


def to_plane(plane: Plane, lat_deg: np.ndarray, lon_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """East and north on the plane, m, for arrays of degrees of any equal shape."""
    lat = np.ascontiguousarray(lat_deg, dtype=np.float64)
    lon = np.ascontiguousarray(lon_deg, dtype=np.float64)
    east, north = np.empty_like(lat), np.empty_like(lat)
    _to_plane(plane, lat.reshape(-1), lon.reshape(-1), east.reshape(-1), north.reshape(-1))
    return east, north


def from_plane(plane: Plane, east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude, degrees, of points on the plane."""
    east = np.ascontiguousarray(east_m, dtype=np.float64)
    north = np.ascontiguousarray(north_m, dtype=np.float64)
    lat, lon = np.empty_like(east), np.empty_like(east)
    _from_plane(plane, east.reshape(-1), north.reshape(-1), lat.reshape(-1), lon.reshape(-1))
    return lat, lon


def distance_m(lat1_deg: Any, lon1_deg: Any, lat2_deg: Any, lon2_deg: Any) -> Any:
    """Great-circle distance on the mean sphere, m; within 0.6 % of the geodesic. Scalars or arrays that broadcast."""
    lat1, lat2 = np.radians(lat1_deg), np.radians(lat2_deg)
    d_lat = lat2 - lat1
    d_lon = np.radians(lon2_deg) - np.radians(lon1_deg)
    h = np.sin(d_lat / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin(d_lon / 2) ** 2
    return 2.0 * MEAN_RADIUS_M * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))


def azimuth_deg(lat1_deg: Any, lon1_deg: Any, lat2_deg: Any, lon2_deg: Any) -> Any:
    """Initial great-circle azimuth from the first point to the second, degrees clockwise from north, 0..360."""
    lat1, lat2 = np.radians(lat1_deg), np.radians(lat2_deg)
    d_lon = np.radians(lon2_deg) - np.radians(lon1_deg)
    y = np.sin(d_lon) * np.cos(lat2)
    x = np.cos(lat1) * np.sin(lat2) - np.sin(lat1) * np.cos(lat2) * np.cos(d_lon)
    return np.degrees(np.arctan2(y, x)) % 360.0


def destination(lat_deg: Any, lon_deg: Any, azimuth: Any, distance: Any) -> tuple[Any, Any]:
    """Latitude and longitude, degrees, reached along a great circle; azimuth in degrees, distance in metres."""
    lat, lon, az = np.radians(lat_deg), np.radians(lon_deg), np.radians(azimuth)
    d = np.asarray(distance) / MEAN_RADIUS_M
    lat2 = np.arcsin(np.sin(lat) * np.cos(d) + np.cos(lat) * np.sin(d) * np.cos(az))
    lon2 = lon + np.arctan2(np.sin(az) * np.sin(d) * np.cos(lat), np.cos(d) - np.sin(lat) * np.sin(lat2))
    return np.degrees(lat2), (np.degrees(lon2) + 180.0) % 360.0 - 180.0
