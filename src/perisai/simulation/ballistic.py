"""Ballistic flight in the rotating Earth-centred frame: boost, coast, re-entry with drag, and the aim at a target.

dv/dt = thrust - GM r/|r|3 + J2 - 2 w x v - w x (w x r) - rho(h) / (2 beta) |v| v, by Runge-Kutta of order four;
rho = 1.225 exp(-h / 7,200 m) kg/m3, beta = m / (Cd A). Thrust keeps its direction until burnout.
"""

import math
from typing import NamedTuple

import numpy as np

from perisai.geodesy import (
    A_M,
    E2,
    azimuth_deg,
    distance_m,
    ecef_from_geodetic,
    ecef_offset_from_enu,
    geodetic_from_ecef,
    kernel,
)

GM = 3.986004418e14
J2 = 1.08262668e-3
OMEGA = 7.292115e-5
_STEP_S = 0.25
_AIM_ROUNDS = 40
_AIM_M = 30.0


class Shot(NamedTuple):
    """A trajectory: rows (n, 7) seconds since launch, x, y, z, vx, vy, vz (ECEF); the last row is the impact."""

    rows: np.ndarray
    burnout_s: float


@kernel
def _acceleration(x, y, z, vx, vy, vz, beta):
    r2 = x * x + y * y + z * z
    r = math.sqrt(r2)
    # Height over the ellipsoid to some metres: the radius of the ellipse at the geocentric latitude.
    height = r - A_M * math.sqrt((1.0 - E2) / (1.0 - E2 * (1.0 - z * z / r2)))
    pull = -GM / (r2 * r)
    # The bulge of the Earth: 0.02 m/s2 that point to the equator and outwards, half a kilometre in four minutes.
    bulge = 1.5 * J2 * A_M * A_M / r2
    polar = 5.0 * z * z / r2
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    drag = -1.225 * math.exp(-max(height, 0.0) / 7200.0) / (2.0 * beta) * speed
    ax = pull * x * (1.0 + bulge * (1.0 - polar)) + OMEGA * OMEGA * x + 2.0 * OMEGA * vy + drag * vx
    ay = pull * y * (1.0 + bulge * (1.0 - polar)) + OMEGA * OMEGA * y - 2.0 * OMEGA * vx + drag * vy
    az = pull * z * (1.0 + bulge * (3.0 - polar)) + drag * vz
    return ax, ay, az, height


@kernel
def _fly(start, thrust, burn_s, beta, every, out):
    """Integrates from the launch to the ground; fills rows and returns their number."""
    s = start.copy()
    k = np.zeros((4, 6))
    mid = np.zeros(6)
    rows = 0
    for step in range((out.shape[0] - 1) * every):
        t = step * _STEP_S
        if step % every == 0:
            out[rows, 0] = t
            out[rows, 1:] = s
            rows += 1
        height = 0.0
        for stage in range(4):
            h = 0.0 if stage == 0 else (0.5 if stage < 3 else 1.0) * _STEP_S
            for i in range(6):
                mid[i] = s[i] + (h * k[stage - 1, i] if stage else 0.0)
            ax, ay, az, above = _acceleration(mid[0], mid[1], mid[2], mid[3], mid[4], mid[5], beta)
            if stage == 0:
                height = above
            power = 1.0 if t < burn_s else 0.0
            k[stage, 0], k[stage, 1], k[stage, 2] = mid[3], mid[4], mid[5]
            k[stage, 3], k[stage, 4], k[stage, 5] = (
                ax + power * thrust[0],
                ay + power * thrust[1],
                az + power * thrust[2],
            )
        for i in range(6):
            mid[i] = s[i] + _STEP_S / 6.0 * (k[0, i] + 2.0 * k[1, i] + 2.0 * k[2, i] + k[3, i])
        _, _, _, after = _acceleration(mid[0], mid[1], mid[2], mid[3], mid[4], mid[5], beta)
        if after < 0.0 and t > 0.5 * burn_s:
            part = max(height, 0.0) / max(height - after, 1e-9)
            out[rows, 0] = t + part * _STEP_S
            for i in range(6):
                out[rows, 1 + i] = s[i] + part * (mid[i] - s[i])
            return rows + 1
        s[:] = mid
    return rows


def shoot(
    launch: tuple[float, float, float], target: tuple[float, float], lift_deg: float, beta: float, period_s: float = 1.0
) -> Shot:
    """The trajectory from a launch point to a target on the ground.

    launch: latitude, longitude (degrees), height (m). target: latitude, longitude. lift_deg: elevation of the thrust.
    beta: ballistic coefficient, kg/m2. Rows every period_s (a multiple of a quarter second) and one at the impact,
    which lies within 30 m of the target. Raises ValueError when the aim does not converge (ranges over 3,000 km).
    """
    lat, lon, height = launch
    wanted = float(distance_m(lat, lon, *target))
    aim = math.radians(float(azimuth_deg(lat, lon, *target)))
    speed = math.sqrt(9.81 * wanted) * 1.1 + 150.0
    burn_s = float(np.clip(12.0 + wanted / 8e3, 15.0, 60.0))
    every = max(1, round(period_s / _STEP_S))
    start = np.zeros(6)
    start[:3] = ecef_from_geodetic(math.radians(lat), math.radians(lon), max(height, 5.0))
    out = np.empty((int(2_000 / _STEP_S) // every + 2, 7))
    lift = math.radians(lift_deg)
    for _ in range(_AIM_ROUNDS):
        pull = speed / burn_s
        thrust = ecef_offset_from_enu(
            math.radians(lat),
            math.radians(lon),
            pull * math.cos(lift) * math.sin(aim),
            pull * math.cos(lift) * math.cos(aim),
            pull * math.sin(lift),
        )
        rows = _fly(start, np.array(thrust), burn_s, beta, every, out)
        fell = geodetic_from_ecef(out[rows - 1, 1], out[rows - 1, 2], out[rows - 1, 3])
        fell_lat, fell_lon = math.degrees(fell[0]), math.degrees(fell[1])
        if float(distance_m(fell_lat, fell_lon, *target)) < _AIM_M:
            return Shot(out[:rows].copy(), burn_s)
        reached = max(float(distance_m(lat, lon, fell_lat, fell_lon)), 1e3)
        turn = math.radians(float(azimuth_deg(lat, lon, *target) - azimuth_deg(lat, lon, fell_lat, fell_lon)))
        aim += math.atan2(math.sin(turn), math.cos(turn))
        # Range grows with about the square of the speed, and drag keeps it from growing faster.
        speed *= float(np.clip((wanted / reached) ** 0.5, 0.7, 1.4))
    raise ValueError(f"no trajectory of {wanted / 1e3:.0f} km found at a lift of {lift_deg} degrees")


def fall(
    lat: float, lon: float, alt_m: float, ve_mps: float, vn_mps: float, vu_mps: float, beta: float = 12_000.0
) -> tuple[float, float, float]:
    """Seconds until, and latitude and longitude (degrees) where, an object in free flight comes to the ground."""
    place = math.radians(lat), math.radians(lon)
    start = np.array([*ecef_from_geodetic(*place, alt_m), *ecef_offset_from_enu(*place, ve_mps, vn_mps, vu_mps)])
    out = np.empty((int(2_000 / _STEP_S) // 40 + 2, 7))
    rows = _fly(start, np.zeros(3), 0.0, beta, 40, out)
    down = geodetic_from_ecef(out[rows - 1, 1], out[rows - 1, 2], out[rows - 1, 3])
    return float(out[rows - 1, 0]), math.degrees(down[0]), math.degrees(down[1])
