"""An address is evidence, never proof: flagged in two places at once, and on a flight its owner cannot make."""

import numpy as np
import pyarrow as pa

from perisai import geodesy
from perisai.model import Sensor, build, split_frames
from perisai.tracking import Tracker

SENSOR = Sensor(id="modes", kind="modes", lat=50.0, lon=30.0, max_range_m=900e3, sigma_m=30.0)
EPOCH_US = 1_757_000_000_000_000


def _flight(address: str | None, lat: float, lon: float, speed: float, alt: float, start_s: float, seconds: float):
    """Positions every 2 s of a straight flight to the east."""
    at = np.arange(start_s, start_s + seconds, 2.0)
    north, east = geodesy.destination(lat, lon, 90.0, speed * (at - start_s))
    times = EPOCH_US + (at * 1e6).astype(np.int64)
    n = at.size
    columns = {"time": times, "received": times, "sensor": ["modes"] * n, "scan": np.arange(n), "lat": north}
    columns |= {"lon": east, "alt_m": np.full(n, alt)}
    columns |= {"ve_mps": np.full(n, speed), "vn_mps": np.zeros(n), "vu_mps": np.zeros(n), "address": [address] * n}
    return build("detections", columns)


def _track(*flights: pa.Table) -> list[dict]:
    tracker = Tracker([SENSOR])
    table = pa.concat_tables(flights).sort_by("time")
    out = [tracker.step(frame) for frame in split_frames(table)]
    return pa.concat_tables(out).to_pylist()


def _last(rows: list[dict], low: bool) -> dict:
    return [row for row in rows if (row["alt_m"] < 2_000.0) == low][-1]


def test_an_airliner_and_a_light_aircraft_are_believed():
    rows = _track(
        _flight("4b1817", 50.0, 30.0, 220.0, 11_000.0, 0, 300), _flight("4b0001", 50.5, 30.0, 50.0, 400.0, 0, 300)
    )
    for low in (True, False):
        last = _last(rows, low)
        assert not last["flags"]
        assert last["p_aircraft"] > 0.5


def test_one_address_in_two_places_is_flagged_on_both_and_never_merged():
    rows = _track(
        _flight("4b1817", 50.0, 30.0, 220.0, 11_000.0, 0, 120), _flight("4b1817", 50.5, 30.0, 50.0, 200.0, 0, 120)
    )
    airliner, slow = _last(rows, low=False), _last(rows, low=True)
    assert airliner["track"] != slow["track"]
    assert "identity_conflict" in airliner["flags"]
    assert "identity_conflict" in slow["flags"]


def test_an_airliners_address_on_a_slow_low_flight_is_flagged_also_after_the_airliner_is_gone():
    rows = _track(
        _flight("4b1817", 50.0, 30.0, 220.0, 11_000.0, 0, 120), _flight("4b1817", 50.5, 30.0, 50.0, 200.0, 900, 400)
    )
    assert "identity_implausible" in _last(rows, low=True)["flags"]


def test_the_approach_of_an_airliner_is_not():
    rows = _track(
        _flight("4b1817", 50.0, 30.0, 220.0, 11_000.0, 0, 120), _flight("4b1817", 50.5, 30.0, 68.0, 400.0, 900, 300)
    )
    assert not _last(rows, low=True)["flags"]
