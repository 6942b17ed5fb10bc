"""Track scores on tracks whose faults are known."""

import numpy as np
import pyarrow as pa
import pytest

from perisai.evaluation import score_tracks
from perisai.geodesy import destination
from perisai.model import BadInputError, build, empty

START = 1_767_225_600_000_000


def truth_of(n: int, seconds: int = 600) -> pa.Table:
    """n objects 20 km apart flying north at 50 m/s, a row every 10 s."""
    at = np.arange(0, seconds + 1, 10)
    time = np.tile(START + at * 1_000_000, n)
    which = np.repeat(np.arange(n), len(at))
    lat, lon = destination(49.0, 31.0 + 0.3 * which, 0.0, 50.0 * np.tile(at, n))
    columns = {"time": time, "object": which, "lat": lat, "lon": lon, "kind": ["drone"] * len(which)}
    return build("truth", columns | {"ve_mps": np.zeros(len(which)), "vn_mps": np.full(len(which), 50.0)})


def tracks_of(truth: pa.Table, offset_m: float = 0.0, sigma_m: float = 100.0) -> pa.Table:
    """Confirmed tracks on the truth's rows, all off to the east by offset_m."""
    lat, lon = destination(truth["lat"].to_numpy(), truth["lon"].to_numpy(), 90.0, offset_m)
    n = truth.num_rows
    return build(
        "tracks",
        {
            "time": truth["time"],
            "track": truth["object"],
            "lat": lat,
            "lon": lon,
            "ve_mps": truth["ve_mps"],
            "vn_mps": truth["vn_mps"],
            "status": ["confirmed"] * n,
            "p_ee": np.full(n, sigma_m**2),
            "p_en": np.zeros(n),
            "p_nn": np.full(n, sigma_m**2),
            "p_drone": np.ones(n),
        },
    )


def test_perfect_tracks():
    truth = truth_of(3)
    score = score_tracks(tracks_of(truth), truth)
    assert score.gospa_m == pytest.approx(0.0, abs=0.5)
    assert score.completeness == 1.0
    assert score.identity_switches == 0.0
    assert score.initiation_p50_s == 0.0
    assert score.false_tracks_per_h == 0.0
    assert score.kind_right == 1.0


def test_an_offset_is_the_rms_and_the_nees():
    truth = truth_of(3)
    score = score_tracks(tracks_of(truth, 200.0), truth)
    assert score.rms_m == pytest.approx(200.0, rel=0.005)
    assert score.gospa_m == pytest.approx(200.0 * np.sqrt(3), rel=0.005)
    assert score.nees == pytest.approx(4.0, rel=0.02)
    assert score.nees_in_95 == 1.0


def test_sparse_updates_are_carried_at_their_velocity():
    truth = truth_of(1)
    tracks = tracks_of(truth)
    score = score_tracks(tracks.take(pa.array(np.arange(0, tracks.num_rows, 4))), truth)
    assert score.completeness == 1.0
    assert score.rms_m == pytest.approx(0.0, abs=1.0)
    assert score.latency_p99_s == pytest.approx(30.0, abs=0.1)


def test_missed_late_false_and_switched():
    truth = truth_of(4)
    which = truth["object"].to_numpy()
    seconds = (truth["time"].cast(pa.int64()).to_numpy() - START) / 1e6
    tracks = tracks_of(truth)
    number = which.copy()
    # Object 0 changes its track after 300 s; 1 is found after 120 s; 2 has none; a false one keeps 5 km off object 3.
    number[(which == 0) & (seconds >= 300)] = 10
    kept = (which == 0) | ((which == 1) & (seconds >= 120)) | (which == 3)
    tracks = tracks.set_column(1, "track", pa.array(number)).filter(pa.array(kept))
    false = tracks_of(truth, 5e3).filter(pa.array(which == 3))
    false = false.set_column(1, "track", pa.array(np.full(false.num_rows, 99)))
    score = score_tracks(pa.concat_tables([tracks, false]), truth)
    ticks, minutes = 61, 4 * 61 * 10 / 60
    # The old track of object 0 still stands, unrefreshed, for the 60 s of its greatest age: which of two perfect
    # tracks is taken there is a tie, so at least one switch is counted.
    assert score.identity_switches >= 1 / minutes - 1e-9
    assert score.missed == pytest.approx((12 + ticks) / ticks)
    assert score.completeness == pytest.approx(1 - (12 + ticks) / (4 * ticks))
    assert score.initiation_p90_s == pytest.approx(96.0)
    assert score.false_tracks_per_h == pytest.approx(1 / (ticks * 10 / 3600))
    assert score.kinds[0].tracked == 3


def test_ended_and_tentative_tracks_do_not_count():
    truth = truth_of(1)
    tracks = tracks_of(truth)
    status = ["tentative"] * 10 + ["confirmed"] * 20 + ["ended"] + ["tentative"] * 30
    tracks = tracks.set_column(tracks.schema.get_field_index("status"), "status", pa.array(status))
    assert score_tracks(tracks, truth).completeness == pytest.approx(20 / 61)


def test_no_tracks_and_no_truth():
    score = score_tracks(empty("tracks"), truth_of(2))
    assert score.missed == 2.0
    assert score.rms_m is None
    assert score.gospa_m == pytest.approx(2000.0)
    with pytest.raises(BadInputError, match="truth: no rows"):
        score_tracks(empty("tracks"), empty("truth"))


def test_what_could_not_be_seen_is_not_missed():
    """Object 0 counts from 300 s on and is tracked from 360 s; object 1 never counts and has a track all the while."""
    truth = truth_of(2)
    which = truth["object"].to_numpy()
    seconds = (truth["time"].cast(pa.int64()).to_numpy() - START) / 1e6
    tracks = tracks_of(truth).filter(pa.array((which == 1) | (seconds >= 360)))
    score = score_tracks(tracks, truth, counted=(which == 0) & (seconds >= 300))
    assert score.missed == pytest.approx(6 / 61)
    assert score.completeness == pytest.approx(25 / 31)
    assert score.initiation_p50_s == 60.0
    assert score.false == 0.0
    assert score.gospa_m == pytest.approx(6 / 61 * 2000 / np.sqrt(2), rel=1e-3)
