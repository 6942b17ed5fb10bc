"""The tracking scenarios: one 2-D position sensor every 4 s over 600 km x 600 km, targets apart or in raids.

The definition is that of the recorded baseline in benchmarks/tracking.json: detection probability 0.9, sigma 100 m per
axis, Poisson clutter of half the number of targets a scan, 60 scans; two thirds of the targets at 50-70 m/s and one
third at 180-250 m/s, each turning once a minute on average for 5-20 s at 1-5 m/s2 (slow) or 5-20 m/s2 (fast).
`raid`: groups of ten, 700 m spread, that turn together.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from perisai.geodesy import Plane, from_plane, plane_at
from perisai.model import Frame, Sensor, build

PERIOD_S = 4.0
SIGMA_M = 100.0
PD = 0.9
SCANS = 60
HALF_M = 300_000.0
EPOCH_US = 1_757_000_000_000_000
CENTRE = (49.0, 31.5)
GROUP = 10
GROUP_SPREAD_M = 700.0
STEP_S = 1.0
TURNS_PER_S = 1.0 / 60.0


class Scenario(NamedTuple):
    """truth: (scans, n, 4) E, N, vE, vN on the plane, m and m/s. plots: per scan (k, 2) positions measured, m.

    group: (n,) which targets fly together. times: (scans,) s. sensor: the one sensor. plane: where E and N lie.
    """

    truth: np.ndarray
    group: np.ndarray
    plots: list[np.ndarray]
    times: np.ndarray
    sensor: Sensor
    plane: Plane


def scenario(layout: str, targets: int, seed: int, scans: int = SCANS) -> Scenario:
    """The scenario of a layout (`spread` or `raid`); the same seed gives the same."""
    rng = np.random.default_rng([seed, targets, layout == "raid"])
    group = np.arange(targets) // GROUP if layout == "raid" else np.arange(targets)
    truth = _fly(rng, group, scans)
    plots = []
    for scan in range(scans):
        seen = truth[scan, rng.random(targets) < PD, :2]
        clutter = rng.uniform(-HALF_M, HALF_M, (rng.poisson(0.5 * targets), 2))
        found = np.concatenate([seen + rng.normal(0.0, SIGMA_M, seen.shape), clutter])
        plots.append(found[rng.permutation(len(found))])
    # The disc of the sensor has the area of the square, so that the clutter is as dense as in the scenario.
    reach = 2.0 * HALF_M / np.sqrt(np.pi)
    sensor = Sensor(
        id="radar", kind="position", lat=CENTRE[0], lon=CENTRE[1], max_range_m=1.3 * reach, period_s=PERIOD_S,
        detection_probability=PD, clutter_per_scan=0.5 * targets * 1.3**2, sigma_m=SIGMA_M,
    )  # fmt: skip
    return Scenario(truth, group, plots, PERIOD_S * np.arange(scans), sensor, plane_at(*CENTRE))


def _fly(rng: np.random.Generator, member: np.ndarray, scans: int) -> np.ndarray:
    """States (scans, n, 4); those of a group share speed, heading and turns."""
    groups, targets = int(member[-1]) + 1, len(member)
    fast = rng.permutation(groups) < groups / 3.0
    speed = np.where(fast, rng.uniform(180.0, 250.0, groups), rng.uniform(50.0, 70.0, groups))
    heading = rng.uniform(0.0, 2.0 * np.pi, groups)
    place = rng.uniform(-240_000.0, 240_000.0, (groups, 2))[member]
    if groups < targets:
        place = place + rng.normal(0.0, GROUP_SPREAD_M, place.shape)
    left = np.zeros(groups)
    rate = np.zeros(groups)
    out = np.empty((scans, targets, 4))
    steps = round(PERIOD_S / STEP_S)
    for scan in range(scans):
        out[scan, :, :2] = place
        out[scan, :, 2] = (speed * np.sin(heading))[member]
        out[scan, :, 3] = (speed * np.cos(heading))[member]
        for _ in range(steps):
            east, north, heading, left, rate = fly_on(rng, fast, speed, heading, left, rate)
            place = place + np.column_stack([east, north])[member]
    return out


def fly_on(
    rng: np.random.Generator,
    fast: np.ndarray,
    speed: np.ndarray,
    heading: np.ndarray,
    left: np.ndarray,
    rate: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """STEP_S seconds of flight by the scenario's law, arrays of one shape: the way east and north (m), and the new
    heading (rad from north), what is left of the turn (s) and its rate (rad/s). speed: m/s."""
    shape = speed.shape
    begin = (left <= 0.0) & (rng.random(shape) < TURNS_PER_S * STEP_S)
    pull = np.where(fast, rng.uniform(5.0, 20.0, shape), rng.uniform(1.0, 5.0, shape))
    sign = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    left = np.where(begin, rng.uniform(5.0, 20.0, shape), left)
    rate = np.where(begin, sign * pull / speed, np.where(left > 0.0, rate, 0.0))
    middle = heading + 0.5 * rate * STEP_S
    chord = speed * STEP_S * np.sinc(0.5 * rate * STEP_S / np.pi)
    return chord * np.sin(middle), chord * np.cos(middle), heading + rate * STEP_S, left - STEP_S, rate


def frames(made: Scenario) -> list[Frame]:
    """The plots as frames of detections, one a scan."""
    out = []
    for scan, found in enumerate(made.plots):
        at = EPOCH_US + round(made.times[scan] * 1e6)
        lat, lon = from_plane(made.plane, found[:, 0], found[:, 1])
        n = len(found)
        columns = {"time": np.full(n, at), "received": np.full(n, at), "sensor": [made.sensor.id] * n}
        columns |= {"scan": np.full(n, scan), "lat": lat, "lon": lon}
        out.append(Frame(at, build("detections", columns)))
    return out


def standing(rows: list[pa.Table], made: Scenario) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per scan (identities, positions (k, 2) m): each public track's newest row, carried on until it ends."""
    from perisai.geodesy import plane_convergence, plane_scale, to_plane
    from perisai.model import floats, time_us

    known: dict[int, np.ndarray] = {}
    out = []
    for scan, table in enumerate(rows):
        if table.num_rows:
            lat, lon = floats(table["lat"]), floats(table["lon"])
            e, n = to_plane(made.plane, lat, lon)
            at = (time_us(table["time"]) - EPOCH_US) * 1e-6
            ve, vn = floats(table["ve_mps"]), floats(table["vn_mps"])
            turn = np.array(
                [plane_convergence(made.plane, a, o) for a, o in zip(np.radians(lat), np.radians(lon), strict=True)]
            )
            scale = np.array([plane_scale(made.plane, x, y) for x, y in zip(e, n, strict=True)])
            vx = scale * (ve * np.cos(turn) - vn * np.sin(turn))
            vy = scale * (ve * np.sin(turn) + vn * np.cos(turn))
            status = table["status"].to_pylist()
            for k, track in enumerate(table["track"].to_pylist()):
                if status[k] == "ended":
                    known.pop(track, None)
                elif status[k] != "tentative":
                    known[track] = np.array([e[k], n[k], vx[k], vy[k], at[k]])
        names = np.array(list(known), dtype=np.int64)
        state = np.array(list(known.values())).reshape(-1, 5)
        ahead = (made.times[scan] - state[:, 4:5]) if len(state) else np.empty((0, 1))
        out.append((names, state[:, :2] + ahead * state[:, 2:4]))
    return out
