"""How a winged object follows its way-points: constant speed, limited turn rate, limited climb, at the end a dive."""

import math

import numpy as np

from perisai.geodesy import MEAN_RADIUS_M, kernel

STEP_S = 1.0
_MAX_STEPS = 200_000


@kernel
def _follow(way, speed_mps, turn_rad_s, climb_mps, every, out):
    """Fills rows (t, east, north, alt, v_east, v_north) and returns their number; the last row is the end."""
    east, north, alt = way[0, 0], way[0, 1], way[0, 2]
    last = way.shape[0] - 1
    goal = 1
    heading = math.atan2(way[1, 0] - east, way[1, 1] - north)
    radius = speed_mps / turn_rad_s
    rows = 0
    for step in range(out.shape[0] * every):
        # Plane metres per true metre (Snyder 21-4 near the centre): the object flies true metres.
        scale = 1.0 + (east * east + north * north) / (4.0 * MEAN_RADIUS_M * MEAN_RADIUS_M)
        reach = speed_mps * STEP_S * scale
        to_east, to_north = way[goal, 0] - east, way[goal, 1] - north
        gap = math.hypot(to_east, to_north)
        while goal < last and (
            gap < max(reach, 0.3 * radius)
            or (gap < 1.5 * radius and to_east * math.sin(heading) + to_north * math.cos(heading) < 0.0)
        ):
            goal += 1
            to_east, to_north = way[goal, 0] - east, way[goal, 1] - north
            gap = math.hypot(to_east, to_north)
        v_east, v_north = speed_mps * math.sin(heading), speed_mps * math.cos(heading)
        if step % every == 0:
            out[rows, 0], out[rows, 1], out[rows, 2], out[rows, 3] = step * STEP_S, east, north, alt
            out[rows, 4], out[rows, 5] = v_east, v_north
            rows += 1
        if goal == last and gap <= reach:
            if step % every == 0 and gap < 1e-6:
                return rows
            if rows == out.shape[0]:
                return rows
            out[rows, 0] = (step + gap / reach) * STEP_S
            out[rows, 1], out[rows, 2], out[rows, 3] = way[last, 0], way[last, 1], way[last, 2]
            out[rows, 4], out[rows, 5] = v_east, v_north
            return rows + 1
        wanted = math.atan2(to_east, to_north) - heading
        wanted -= 2.0 * math.pi * math.floor((wanted + math.pi) / (2.0 * math.pi))
        # The last run is flown straight at the aim, so that no object circles what it cannot turn into.
        limit = math.pi if goal == last and gap < 2.0 * radius else turn_rad_s * STEP_S
        turn = min(max(wanted, -limit), limit)
        heading += turn
        east += reach * math.sin(heading - 0.5 * turn)
        north += reach * math.cos(heading - 0.5 * turn)
        slope = (way[goal, 2] - alt) * min(1.0, reach / max(gap, reach))
        alt += slope if goal == last else min(max(slope, -climb_mps * STEP_S), climb_mps * STEP_S)
    return rows


def follow(way: np.ndarray, speed_mps: float, turn_deg_s: float, climb_mps: float, period_s: float) -> np.ndarray:
    """Rows (n, 6) of an object along its way: seconds since the start, east, north, alt_m, v_east, v_north.

    way: (k, 3) east, north (plane, m) and height (m) of the way-points, the first the start, the last the end.
    A row each period_s (whole seconds) and one at the arrival. Velocities are true m/s along the plane's axes.
    """
    every = max(1, round(period_s / STEP_S))
    length = float(np.hypot(*np.diff(way[:, :2], axis=0).T).sum())
    steps = min(_MAX_STEPS, int(1.5 * length / (speed_mps * STEP_S)) + 2_000)
    out = np.empty((steps // every + 3, 6))
    rows = _follow(np.ascontiguousarray(way), speed_mps, math.radians(turn_deg_s), climb_mps, every, out)
    return out[:rows]
