"""What sensors tell of themselves in the tracker: silence of one that cannot see a place does not speak against a track
there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from perisai.geodesy import destination
from perisai.model import Cone, Frame, HealthState, PdMap, Sensor, SensorHealth, build, split_frames
from perisai.tracking import Tracker

START_US = 1_767_225_600_000_000
PERIOD_S = 6
SEEN_SCANS, SCANS = 12, 20
NEAR = Sensor(id="near", kind="radar3d", lat=50.0, lon=30.0, alt_m=100.0, max_range_m=60e3, period_s=PERIOD_S)
OTHER = Sensor(id="other", kind="radar3d", lat=50.0, lon=30.3, alt_m=100.0, max_range_m=60e3, period_s=PERIOD_S)
AWAY = Cone(azimuth_deg=90, extent_deg=120)
TOWARDS = Cone(azimuth_deg=0, extent_deg=120)


def flight() -> pa.Table:
    """Radar `near` reports a drone for a while, then no more; `other` turns on and reports one thing far from it."""
    scans = np.arange(SCANS)
    lat, lon = destination(50.15, 30.2, 90.0, 300.0 * scans)
    mine = [(scan, "near", lat[scan], lon[scan], 1_500.0) for scan in range(SEEN_SCANS)]
    others = [(scan, "other", 49.9, 30.5, 4_000.0) for scan in range(SCANS)]
    rows = sorted(mine + others, key=lambda row: (row[0], row[1]))
    time = np.array([START_US + int(row[0] * PERIOD_S * 1e6) + (row[1] == "other") * 500_000 for row in rows])
    return build(
        "detections",
        {
            "time": time,
            "received": time,
            "sensor": [row[1] for row in rows],
            "scan": np.array([row[0] for row in rows]),
            **{name: np.array([row[2 + k] for row in rows]) for k, name in enumerate(("lat", "lon", "alt_m"))},
            "sigma_m": np.full(len(rows), 60.0),
        },
    )


def told(state: HealthState = "ok", *sees: Cone, hidden: Sequence[Cone] = (), pd: float | None = None) -> SensorHealth:
    coverage = PdMap(lat=OTHER.lat, lon=OTHER.lon, pd=pd, sees=sees, hidden=tuple(hidden))
    return SensorHealth(sensor="other", time_us=START_US, state=state, coverage=coverage)


def frames(*health: SensorHealth, table: pa.Table | None = None) -> list[Frame]:
    """The frames of the flight; what is told comes when `near` has fallen silent."""
    at_us = START_US + (SEEN_SCANS * PERIOD_S - 3) * 1_000_000
    cut = list(split_frames(flight() if table is None else table))
    return [replace(frame, health=health) if frame.end_us == at_us else frame for frame in cut]


def existence(given: list[Frame]) -> float:
    """Of the drone, when the flight ends; 0 when its track has ended."""
    tracker = Tracker([NEAR, OTHER])
    rows = [row for frame in given for row in tracker.step(frame).to_pylist() if row["lat"] > 50.1]
    last = rows[-1]
    return 0.0 if last["status"] == "ended" else float(last["existence"])


@pytest.fixture(scope="module")
def untold() -> float:
    return existence(frames())


def test_without_a_word_the_silence_of_a_radar_ends_the_track(untold: float) -> None:
    assert untold < 0.2


@pytest.mark.parametrize(
    "said",
    [
        told("ok", AWAY),
        told("ok", hidden=[TOWARDS]),
        told("ok", Cone(range_m=8_000)),
        told("failed"),
        told("off"),
        SensorHealth(sensor="other", time_us=START_US, state="failed"),
    ],
)
def test_a_radar_that_cannot_see_there_leaves_the_track_alone(said: SensorHealth) -> None:
    alone = existence([replace(f, table=f.table.filter(pa.compute.equal(f.table["sensor"], "near"))) for f in frames()])
    assert existence(frames(said)) == pytest.approx(alone, abs=0.01)
    assert alone > 0.9


def test_a_radar_that_sees_there_counts_as_its_state_and_its_word_allow(untold: float) -> None:
    assert existence(frames(told("ok", TOWARDS))) == pytest.approx(untold, abs=0.05)
    degraded, weak = existence(frames(told("degraded", TOWARDS))), existence(frames(told("ok", TOWARDS, pd=0.1)))
    assert untold < degraded < weak < 0.99


def test_a_radar_that_is_well_again_counts_again(untold: float) -> None:
    assert existence(frames(told("failed"), told("ok"))) == pytest.approx(untold, abs=0.05)


def test_what_is_told_is_kept_in_a_checkpoint_and_in_what_comes_late() -> None:
    table, health = flight(), told("ok", AWAY)
    late = np.asarray(table["received"].cast("int64")).copy()
    late[::3] += 15_000_000
    column = table.schema.get_field_index("received")
    delayed = table.set_column(column, table.schema.field(column), pa.array(late).cast(table.schema.field(column).type))
    given = frames(health, table=delayed)
    whole, cut = Tracker([NEAR, OTHER]), len(given) * 3 // 4
    before = [whole.step(frame) for frame in given[:cut]]
    again = Tracker.restore(whole.checkpoint(), [NEAR, OTHER])
    assert any(table.num_rows for table in before)
    for frame in given[cut:]:
        assert whole.step(frame).equals(again.step(frame))
    assert bool(whole.places.told[1])
    assert (whole.places.seen == again.places.seen).all()


def test_what_is_told_of_a_sensor_that_nobody_knows_is_counted() -> None:
    tracker = Tracker([NEAR])
    given = frames(told("failed"))
    for frame in given:
        tracker.step(frame)
    assert tracker.rejects["health_of_unknown_sensor"] == 1
