"""Tracks made of the truth have the noise they state, and end when the object does."""

import numpy as np
import pytest

from perisai.geodesy import distance_m
from perisai.model import TRACKS, floats, time_us
from perisai.simulation import made_up_night, tracks_from_truth


@pytest.fixture(scope="module")
def night():
    return made_up_night(5, {"drone": 12, "cruise": 3, "ballistic": 3}, 3.0)


def test_noise_is_as_stated(night):
    tracks = tracks_from_truth(night, 1)
    assert tracks.schema == TRACKS
    number, time = night["object"].to_numpy(), time_us(night["time"]) / 1e6
    gaps = []
    for row in range(0, tracks.num_rows, 7):
        one = tracks.slice(row, 1)
        mine = number == one["track"][0].as_py()
        if one["p_drone"][0].as_py() != 1.0:
            continue
        at = time_us(one["time"])[0] / 1e6
        lat = np.interp(at, time[mine], floats(night["lat"])[mine])
        lon = np.interp(at, time[mine], floats(night["lon"])[mine])
        gaps.append(distance_m(lat, lon, one["lat"][0].as_py(), one["lon"][0].as_py()))
    assert np.sqrt(np.mean(np.square(gaps)) / 2) == pytest.approx(300, rel=0.08)


def test_every_track_has_one_row_of_ending_and_it_is_the_last(night):
    tracks = tracks_from_truth(night, 1)
    status, number = np.array(tracks["status"].to_pylist()), tracks["track"].to_numpy()
    for track in np.unique(number):
        assert (status[number == track] == "ended").sum() == 1
        assert status[number == track][-1] == "ended"
    assert set(np.unique(number)) == set(np.unique(night["object"].to_numpy()))


def test_stated_impact_ellipses_hold_the_impacts():
    night = made_up_night(6, {"ballistic": 40}, 3.0)
    tracks = tracks_from_truth(night, 2)
    number = night["object"].to_numpy()
    last = {int(n): int(np.flatnonzero(number == n)[-1]) for n in np.unique(number)}
    inside = []
    for row in tracks.to_pylist():
        if row["impact_lat"] is None:
            continue
        end = last[row["track"]]
        miss = distance_m(night["lat"][end].as_py(), night["lon"][end].as_py(), row["impact_lat"], row["impact_lon"])
        inside.append(miss**2 / row["impact_ee"] < 4.605)
    assert len(inside) > 100
    assert 0.83 < np.mean(inside) < 0.97


def test_same_seed_same_bytes(night):
    assert tracks_from_truth(night, 1).equals(tracks_from_truth(night, 1))
    assert not tracks_from_truth(night, 1).equals(tracks_from_truth(night, 2))
