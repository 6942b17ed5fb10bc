"""Recorded flights: as noisy radar plots and as their own ADS-B, tracked and scored against the recording."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perisai import geodesy
from perisai.evaluation import score_tracks
from perisai.model import Sensor, floats, split_frames, time_us
from perisai.sensors import read_capture
from perisai.simulation import flights_truth, observe, visible
from perisai.tracking import Tracker

CUT = Path(__file__).parents[1] / "golden" / "captures" / "switzerland_cut.json.gz"
MIDDLE = (46.8, 8.2)


@pytest.fixture(scope="module")
def recorded() -> pa.Table:
    """Ten minutes of the recording."""
    table = read_capture(CUT, None).table
    time = time_us(table["time"])
    begin = int(np.median(time)) - 300_000_000
    return table.filter(pa.array((time >= begin) & (time < begin + 600_000_000)))


def receivers(table: pa.Table) -> list[Sensor]:
    return [
        Sensor(id=name, kind="modes", lat=MIDDLE[0], lon=MIDDLE[1], max_range_m=900e3, sigma_m=100.0)
        for name in table["sensor"].unique().to_pylist()
    ]


def follow(sensors: list[Sensor], table: pa.Table) -> pa.Table:
    tracker = Tracker(sensors)
    return pa.concat_tables([tracker.step(frame) for frame in split_frames(table)])


def test_recorded_flights_as_noisy_radar_plots_are_tracked_without_their_identity(recorded):
    truth = flights_truth(recorded)
    radars = [
        Sensor(
            id=f"radar-{k}", kind="radar3d", lat=lat, lon=lon, alt_m=800.0, max_range_m=220e3, period_s=6.0,
            clutter_per_scan=10.0, detection_probability=0.9,
        )
        for k, (lat, lon) in enumerate([(46.4, 7.0), (47.3, 8.6), (46.3, 9.4)])
    ]  # fmt: skip
    tracks = follow(radars, observe(truth, radars, 3))
    assert tracks["address"].null_count == tracks.num_rows
    scores = score_tracks(tracks, truth, skip_s=60.0, counted=visible(truth, radars))
    assert scores.objects > 20
    assert scores.completeness > 0.9
    assert scores.rms_m is not None
    assert scores.rms_m < 400.0
    assert scores.false < 0.1 * scores.objects
    # The recording's positions are up to some seconds old, so its flights jerk along their courses.
    assert scores.identity_switches < 0.3


def test_the_adsb_of_the_same_flights_is_followed_flight_by_flight(recorded):
    tracks = follow(receivers(recorded), recorded)
    scores = score_tracks(tracks, flights_truth(recorded), skip_s=60.0)
    assert scores.completeness > 0.95
    assert scores.rms_m is not None
    assert scores.rms_m < 250.0
    assert scores.identity_switches < 0.1


def test_spoofed_and_faulty_positions_break_no_track(recorded):
    clean = follow(receivers(recorded), recorded)
    names, count = np.unique(np.array(recorded["address"].drop_null().to_pylist()), return_counts=True)
    jumping, doubled = names[np.argsort(-count)[:2]].tolist()
    # Of one flight every fifth position is 40 km off; another's address is also sent from 80 km away all the time.
    address = np.array([name or "" for name in recorded["address"].to_pylist()])
    lat, lon = (floats(recorded[name]).copy() for name in ("lat", "lon"))
    mine = np.flatnonzero(address == jumping)[::5]
    lat[mine], lon[mine] = geodesy.destination(lat[mine], lon[mine], 45.0, 40e3)
    columns = recorded.set_column(recorded.schema.get_field_index("lat"), "lat", pa.array(lat, from_pandas=True))
    faulty = columns.set_column(columns.schema.get_field_index("lon"), "lon", pa.array(lon, from_pandas=True))
    copy = recorded.filter(pc.equal(recorded["address"], doubled))
    far_lat, far_lon = geodesy.destination(floats(copy["lat"]), floats(copy["lon"]), 200.0, 80e3)
    copy = copy.set_column(copy.schema.get_field_index("lat"), "lat", pa.array(far_lat))
    copy = copy.set_column(copy.schema.get_field_index("lon"), "lon", pa.array(far_lon))
    tracks = follow(receivers(recorded), pa.concat_tables([faulty, copy]).sort_by("received"))
    truth = flights_truth(recorded)
    scores, before = (score_tracks(table, truth, skip_s=60.0) for table in (tracks, clean))
    assert scores.completeness > before.completeness - 0.02
    assert scores.identity_switches < before.identity_switches + 0.02
    flagged = tracks.filter(pc.greater(pc.list_value_length(tracks["flags"]), 0))
    assert doubled in flagged["address"].to_pylist()
