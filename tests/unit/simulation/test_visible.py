"""What a network could have known, on a flight whose times in view are known."""

import numpy as np
import pytest

from perisai.geodesy import destination, distance_m
from perisai.model import Sensor, build
from perisai.simulation import visible

START = 1_767_225_600_000_000


@pytest.fixture(scope="module")
def passing():
    """An object at 400 m flying north past (49, 31), from 150 km south of it to 150 km north, and a second far off."""
    at = np.arange(0.0, 3001.0, 10.0)
    lat, lon = destination(*destination(49.0, 31.0, 180.0, 150e3), 0.0, 100.0 * at)
    far = np.full(len(at), 40.0)
    n = 2 * len(at)
    return build(
        "truth",
        {
            "time": START + (np.tile(at, 2) * 1e6).astype(np.int64),
            "object": np.repeat([7, 3], len(at)),
            "lat": np.concatenate([lat, far]),
            "lon": np.concatenate([lon, far]),
            "alt_m": np.full(n, 400.0),
            "ve_mps": np.zeros(n),
            "vn_mps": np.repeat([100.0, 0.0], len(at)),
            "kind": ["drone"] * n,
            "hostile": np.ones(n, bool),
        },
    )


def test_in_view_between_the_horizons(passing):
    radar = Sensor(id="r", kind="radar2d", lat=49.0, lon=31.0, alt_m=25.0, period_s=10.0)
    seen = visible(passing, [radar], within_s=60.0, hits=3)
    gap = distance_m(49.0, 31.0, passing["lat"].to_numpy(), passing["lon"].to_numpy())
    horizon = 4_120.0 * (5.0 + 20.0)
    south = passing["lat"].to_numpy() < 49.0
    assert seen[gap < horizon - 4e3].all()
    # Entering it takes three turns; leaving it is forgotten within the minute.
    assert not seen[south & (gap > horizon - 1.5e3)].any()
    assert not seen[~south & (gap > horizon + 6.5e3)].any()


def test_ears_and_receivers_give_no_track(passing):
    ear = Sensor(id="e", kind="presence", lat=49.0, lon=31.0, max_range_m=50e3)
    receiver = Sensor(id="m", kind="modes", lat=49.0, lon=31.0, alt_m=50.0)
    assert not visible(passing, [ear, receiver]).any()
    assert not visible(passing, []).any()
