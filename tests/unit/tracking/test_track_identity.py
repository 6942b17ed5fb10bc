"""An address is evidence, never proof: flagged in two places at once, and on a flight its owner cannot make."""

import numpy as np
import pyarrow as pa

from perisai import geodesy
from perisai.model import Sensor, build, split_frames
from perisai.tracking import Tracker
from perisai.tracking.bank import new_bank
from perisai.tracking.classify import AIRCRAFT
from perisai.tracking.identity import LEAST_HITS, REACH, UNNAMED, doubt_unnamed
from perisai.tracking.settings import CLASSES, TrackerSettings
from perisai.tracking.sites import region_plane, sites

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


def test_a_flight_without_a_name_is_less_likely_an_aircraft_where_a_receiver_would_have_heard_it():
    rules = TrackerSettings(centre=(50.0, 30.0))
    radar = Sensor(id="r", kind="radar2d", lat=50.0, lon=30.0, max_range_m=900e3)
    places = sites([SENSOR, radar], region_plane([SENSOR, radar], rules), rules)
    deaf = sites([radar], region_plane([radar], rules), rules)
    bank = new_bank(4)
    # Near and nameless; near with a name; near and nameless but hardly seen; nameless beyond the receiver's reach.
    bank.x[:4, :, 0] = np.array([100e3, 100e3, 100e3, (REACH + 0.01) * 900e3])[:, None]
    bank.hits[:4] = LEAST_HITS, 50, LEAST_HITS - 1, 50
    bank.address[1] = 7
    even = np.full((4, len(CLASSES)), 1.0 / len(CLASSES))
    found, unheard = even.copy(), even.copy()
    doubt_unnamed(bank, np.arange(4), found, places)
    doubt_unnamed(bank, np.arange(4), unheard, deaf)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert np.isclose(found[0, AIRCRAFT], UNNAMED * found[0, AIRCRAFT - 1])
    assert (found[1:] == even[1:]).all()
    assert (unheard == even).all()
