"""Where and when a falling object comes down: flight in ECEF under gravity (with J2), Earth's rotation and drag.

dv/dt = -GM r / |r|^3 + J2 - 2 w x v - w x (w x r) - rho(h) / (2 beta) |v| v, with beta = m / (Cd A). The uncertainty of
the state and of ln beta is carried by 14 cubature points (Arasaratnam & Haykin 2009) to the ground by RK4.
"""

import math

import numpy as np

from perisai.geodesy import (
    Plane,
    ecef_from_geodetic,
    ecef_offset_from_enu,
    enu_from_ecef_offset,
    geodetic_from_ecef,
    geodetic_from_plane,
    kernel,
    plane_convergence,
    plane_scale,
)

GM = 3.986004418e14
J2 = 1.08262668e-3
EARTH_A_M = 6_378_137.0
OMEGA = 7.292115e-5
LN_BETA = math.log(11_500.0)
"""Prior of ln(m / (Cd A)), kg/m2, of short-range ballistic missiles' falling bodies."""
LN_BETA_SIGMA = 0.3
"""Somewhat under the 0.35 of the table in TRACKING.md, above the 0.25 of the simulation."""
BETA_WALK = 1e-6
"""Variance of ln beta for each metre of height passed in the air: over ten kilometres the air differs from the
standard one, and the drag coefficient changes with the Mach number, by a tenth."""
AIR_M = 30_000.0
"""Height under which drag moves the impact: 99 % of the air lies below."""
GROUND_SIGMA_M = 40.0
"""How well the height of the ground is known where an object comes down, 1 sigma."""
STEP_S = 0.5
LONGEST_S = 1_200.0


@kernel
def air_density(height_m: float) -> float:
    """kg/m3: layers of exponential scale fitted to the US Standard Atmosphere 1976; zero above 150 km."""
    if height_m > 150_000.0:
        return 0.0
    if height_m < 11_000.0:
        return 1.225 * max(1.0 - 2.25577e-5 * max(height_m, 0.0), 0.05) ** 4.25588
    if height_m < 25_000.0:
        return 0.36391 * math.exp(-(height_m - 11_000.0) / 6_420.0)
    if height_m < 50_000.0:
        return 0.0411 * math.exp(-(height_m - 25_000.0) / 7_050.0)
    return 0.00118 * math.exp(-(height_m - 50_000.0) / 7_000.0)


@kernel
def acceleration(s, ln_beta, out):
    """Derivative of s (6,) = [r, v] in rotating ECEF, into out (6,)."""
    x, y, z, vx, vy, vz = s[0], s[1], s[2], s[3], s[4], s[5]
    r2 = x * x + y * y + z * z
    r = math.sqrt(r2)
    g = -GM / (r2 * r)
    k = 1.5 * J2 * (EARTH_A_M / r) ** 2
    f = 5.0 * z * z / r2
    _, _, h = geodetic_from_ecef(x, y, z)
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    d = -0.5 * air_density(h) * math.exp(-ln_beta) * speed
    out[0] = vx
    out[1] = vy
    out[2] = vz
    out[3] = g * x * (1.0 + k * (1.0 - f)) + 2.0 * OMEGA * vy + OMEGA * OMEGA * x + d * vx
    out[4] = g * y * (1.0 + k * (1.0 - f)) - 2.0 * OMEGA * vx + OMEGA * OMEGA * y + d * vy
    out[5] = g * z * (1.0 + k * (3.0 - f)) + d * vz


@kernel
def rk4(s, ln_beta, dt, k1, k2, k3, k4, tmp):
    """One Runge-Kutta step of s (6,) in place."""
    acceleration(s, ln_beta, k1)
    for a in range(6):
        tmp[a] = s[a] + 0.5 * dt * k1[a]
    acceleration(tmp, ln_beta, k2)
    for a in range(6):
        tmp[a] = s[a] + 0.5 * dt * k2[a]
    acceleration(tmp, ln_beta, k3)
    for a in range(6):
        tmp[a] = s[a] + dt * k3[a]
    acceleration(tmp, ln_beta, k4)
    for a in range(6):
        s[a] += dt / 6.0 * (k1[a] + 2.0 * k2[a] + 2.0 * k3[a] + k4[a])


@kernel
def fall(s, ln_beta, ground_m):
    """Time (s) until the state s (6,) reaches the ground height, or -1; s is left at the impact."""
    k1, k2, k3, k4, tmp = np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    before = np.empty(6)
    t = 0.0
    _, _, h = geodetic_from_ecef(s[0], s[1], s[2])
    if h <= ground_m:
        return -1.0
    while t < LONGEST_S:
        for a in range(6):
            before[a] = s[a]
        h0 = h
        rk4(s, ln_beta, STEP_S, k1, k2, k3, k4, tmp)
        _, _, h = geodetic_from_ecef(s[0], s[1], s[2])
        if h <= ground_m:
            f = (h0 - ground_m) / (h0 - h)
            for a in range(6):
                s[a] = before[a] + f * (s[a] - before[a])
            return t + f * STEP_S
        t += STEP_S
    return -1.0


@kernel
def wander(s, dt):
    """The variance that ln beta gains in dt seconds of a flight s (6 or more,)."""
    r = math.sqrt(s[0] * s[0] + s[1] * s[1] + s[2] * s[2])
    if r - EARTH_A_M > AIR_M:
        return 0.0
    return BETA_WALK * abs(s[0] * s[3] + s[1] * s[4] + s[2] * s[5]) / r * dt


@kernel
def to_ecef(plane: Plane, mean, out):
    """A plane state (6,) as ECEF position and velocity (6,)."""
    lat, lon = geodetic_from_plane(plane, mean[0], mean[1])
    k = plane_scale(plane, mean[0], mean[1]) / (1.0 + mean[2] / 6_371_008.8)
    g = plane_convergence(plane, lat, lon)
    c = math.cos(g) / k
    s = math.sin(g) / k
    out[0], out[1], out[2] = ecef_from_geodetic(lat, lon, mean[2])
    out[3], out[4], out[5] = ecef_offset_from_enu(
        lat, lon, c * mean[3] + s * mean[4], c * mean[4] - s * mean[3], mean[5]
    )


@kernel
def impact(mean, cov, acceleration, ground_m, out):
    """Impact of an ECEF state and ln beta (7,) with covariance (7, 7): out (7,).

    acceleration (m2/s3): spectral density of what moves the flight until then. out: lat
    deg, lon deg, s to go, covariance ee, en, nn in m2, sigma of the time in s. False when the object does not come
    down within LONGEST_S on the greater part of the cubature points.
    """
    n_axes = mean.size
    root = np.linalg.cholesky(cov + 1e-9 * np.eye(n_axes))
    place = np.empty((2 * n_axes, 3))
    state = np.empty(6)
    for a in range(6):
        state[a] = mean[a]
    straight = fall(state, mean[6], ground_m)
    if straight < 0.0:
        return False
    lat, lon, _ = geodetic_from_ecef(state[0], state[1], state[2])
    ve, vn, vu = enu_from_ecef_offset(lat, lon, state[3], state[4], state[5])
    # ln beta wanders on the way down; what drag does at all heights together feels a third of its wandering.
    _, _, height = geodetic_from_ecef(mean[0], mean[1], mean[2])
    walk = BETA_WALK * max(min(height, AIR_M) - ground_m, 0.0) / 3.0
    extra = math.sqrt(1.0 + walk / max(cov[6, 6], 1e-9))
    n = 0
    for point in range(2 * n_axes):
        axis = point // 2
        sign = math.sqrt(n_axes) * (1.0 if point % 2 == 0 else -1.0)
        for a in range(6):
            state[a] = mean[a] + sign * root[a, axis]
        t = fall(state, mean[6] + sign * root[6, axis] * extra, ground_m)
        if t < 0.0:
            continue
        lat, lon, _ = geodetic_from_ecef(state[0], state[1], state[2])
        place[n, 0], place[n, 1], place[n, 2] = lat, lon, t
        n += 1
    if n < n_axes + 1:
        return False
    lat0, lon0, t0 = 0.0, 0.0, 0.0
    for k in range(n):
        lat0 += place[k, 0] / n
        lon0 += place[k, 1] / n
        t0 += place[k, 2] / n
    drift = acceleration * t0 * t0 * t0 / 3.0
    # Ground that is higher or lower than thought meets the fall earlier or later on its course, not beside it.
    early = GROUND_SIGMA_M / min(vu, -1.0)
    ee, en, nn = drift + (early * ve) ** 2, early * early * ve * vn, drift + (early * vn) ** 2
    tt = early * early
    x0, y0, z0 = ecef_from_geodetic(lat0, lon0, ground_m)
    for k in range(n):
        x, y, z = ecef_from_geodetic(place[k, 0], place[k, 1], ground_m)
        e, nth, _ = enu_from_ecef_offset(lat0, lon0, x - x0, y - y0, z - z0)
        ee += e * e / n
        en += e * nth / n
        nn += nth * nth / n
        tt += (place[k, 2] - t0) ** 2 / n
    out[0] = math.degrees(lat0)
    out[1] = math.degrees(lon0)
    out[2] = t0
    out[3], out[4], out[5] = ee, en, nn
    out[6] = math.sqrt(tt)
    return True
