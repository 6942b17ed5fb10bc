"""A row states the doubt which plots were its track's own; the filter beneath stays as sharp as it was."""

import numpy as np
import pytest

from perisai.geodesy import from_plane, plane_at
from perisai.model import Frame, Sensor, build, floats
from perisai.tracking import Tracker
from perisai.tracking.doubt import CROSS, PLACE, VELOCITY, carry, take_in

CENTRE = (49.0, 31.5)
EPOCH_US = 1_757_000_000_000_000


def test_what_is_carried_is_the_mean_square_of_what_displaced_plots_do_to_a_filter():
    rng = np.random.default_rng(1)
    gain, turn, period, apart2, runs = 0.45, 0.06, 4.0, 90_000.0, 200_000
    doubt = np.zeros((1, 4))
    place, velocity = np.zeros(runs), np.zeros(runs)
    for scan in range(12):
        carry(doubt, 0, period * scan)
        place += period * velocity if scan else 0.0
        # Another's plot in the first six scans, in three of ten of them.
        wrong = (rng.random(runs) < 0.3) * rng.normal(0.0, np.sqrt(apart2 / 0.3), runs) if scan < 6 else 0.0
        gap = wrong - place
        place, velocity = place + gain * gap, velocity + turn * gap
        take_in(doubt, 0, gain, turn, apart2 if scan < 6 else 0.0)
        assert doubt[0, PLACE] == pytest.approx((place**2).mean(), rel=0.03)
        assert doubt[0, CROSS] == pytest.approx((place * velocity).mean(), rel=0.05, abs=1.0)
        assert doubt[0, VELOCITY] == pytest.approx((velocity**2).mean(), rel=0.03)


def stated(gap_m: np.ndarray) -> np.ndarray:
    """Variance of place (scans,) that the rows state of a drone at 60 m/s beside which another flies at gap_m (scans,),
    exact plots of both by a sensor of 100 m every 4 s."""
    plane = plane_at(*CENTRE)
    sensor = Sensor(
        id="s", kind="position", lat=CENTRE[0], lon=CENTRE[1], max_range_m=100e3, period_s=4.0, sigma_m=100.0
    )
    tracker = Tracker([sensor])
    out = []
    for scan, gap in enumerate(gap_m):
        at = EPOCH_US + 4_000_000 * scan
        east, north = np.array([240.0 * scan] * 2), np.array([0.0, gap])
        lat, lon = from_plane(plane, east, north)
        columns = {
            "time": [at] * 2,
            "received": [at] * 2,
            "sensor": ["s"] * 2,
            "scan": [scan] * 2,
            "lat": lat,
            "lon": lon,
        }
        rows = tracker.step(Frame(at, build("detections", columns)))
        south = floats(rows["lat"]).argmin() if rows.num_rows else None
        out.append(np.nan if south is None else 0.5 * (rows["p_ee"][south].as_py() + rows["p_nn"][south].as_py()))
    return np.array(out)


def test_two_that_fly_close_are_known_less_well_until_they_part():
    alone = stated(np.full(40, 20_000.0))
    close = stated(np.r_[np.full(20, 200.0), 200.0 + 300.0 * np.arange(20)])
    assert close[19] > 1.7 * alone[19]
    assert close[39] == pytest.approx(alone[39], rel=0.05)
