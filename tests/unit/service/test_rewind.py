"""The past read back from a recording that is still being written."""

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from perisai.model import FORECASTS, TIME, TRACKS, Alert, AlertChange, Sensor, conform
from perisai.recording import CHANGES, PartWriter, Reel, thin
from perisai.service.rewind import Rewind, alarms_over, alerts_then, foreseen_then, track_then

T0_US = 1_757_203_200_000_000
PARTS = 6
PART_S = 60


def at_us(seconds: float) -> int:
    return T0_US + int(seconds * 1e6)


def track_table(first_s: int, ended: bool = False) -> pa.Table:
    seconds = np.arange(first_s, first_s + PART_S)
    columns = {"time": seconds, "issued": seconds}
    table = {name: pa.array([at_us(float(s)) for s in value]).cast(TIME) for name, value in columns.items()}
    table |= {"track": pa.array(np.full(PART_S, 7)), "lat": pa.array(48 + seconds * 1e-3)}
    table |= {name: pa.array(np.ones(PART_S)) for name in ("lon", "ve_mps", "vn_mps", "p_ee", "p_en", "p_nn")}
    status = ["confirmed"] * (PART_S - 1) + ["ended" if ended else "confirmed"]
    table["status"] = pa.array(status)
    return pa.table({n: table.get(n, pa.nulls(PART_S, TRACKS.field(n).type)) for n in TRACKS.names}).cast(TRACKS)


def change(seconds: float, end_s: float | None = None) -> pa.Table:
    alert = Alert(
        identifier="x", area="A1", level="alarm", threat="drone", start_us=at_us(70),
        end_us=None if end_s is None else at_us(end_s), eta_s=300.0, probability=0.9, tracks=(7,), reason="why",
    )  # fmt: skip
    text = msgspec.json.encode(AlertChange("ended" if end_s else "raised", alert, at_us(seconds))).decode()
    return pa.table({"at": [at_us(seconds)], "change": [text]}).cast(CHANGES)


@pytest.fixture
def reel(tmp_path: Path) -> Reel:
    """Six minutes of one track that ends at the end, an alarm from 70 s to 200 s, forecasts every 20 s."""
    writers = {kind: PartWriter(tmp_path, kind) for kind in ("tracks", "changes", "forecasts", "detections")}
    for number in range(PARTS):
        first = number * PART_S
        writers["tracks"].add(number + 1, track_table(first, ended=number == PARTS - 1))
        writers["detections"].add(number + 1, heard(first))
        writers["forecasts"].add(number + 1, forecasts(first))
        for writer in writers.values():
            writer.flush()
    writers["changes"].add(1, change(70))
    writers["changes"].flush()
    writers["changes"].add(2, change(200, end_s=200))
    writers["changes"].flush()
    return Reel(tmp_path)


def forecasts(first_s: int) -> pa.Table:
    rows = [
        {"time": at_us(s), "track": 7, "area": "A1", "probability": 0.5, "eta_s": 400.0 - s, "eta_low_s": 1.0}
        | {"eta_high_s": 2.0, "threat": "drone"}
        for s in range(first_s, first_s + PART_S, 20)
    ]
    columns = {name: pa.array([row.get(name) for row in rows]) for name in FORECASTS.names}
    columns["time"] = columns["time"].cast(TIME)
    return pa.table(columns).cast(FORECASTS)


def heard(first_s: int) -> pa.Table:
    """A sensor that falls silent after two minutes."""
    times = pa.array([at_us(s) for s in range(first_s, first_s + PART_S)]).cast(TIME)
    table = pa.table({"time": times, "received": times, "sensor": pa.array(["s"] * PART_S)})
    return conform(table if first_s < 120 else table.slice(0, 0), "detections", "test")


def rewind_to(reel: Reel, seconds: float) -> Rewind:
    made = Rewind(reel, "exercise", [Sensor(id="s", kind="radar2d", lat=48, lon=31)])
    made.seek(at_us(seconds))
    return made


def test_the_span_is_that_of_the_tracks_on_disk(reel: Reel, tmp_path: Path) -> None:
    assert reel.span() == (at_us(0), at_us(PARTS * PART_S - 1))
    assert Reel(tmp_path / "none").span() is None


def test_the_past_is_what_was_known_then_and_no_more(reel: Reel) -> None:
    for seconds, alarm in ((69, False), (70, True), (199, True), (200, False)):
        rewind = rewind_to(reel, seconds)
        assert bool(rewind.picture.book.active()) == alarm, seconds
        assert rewind.picture.now_us == at_us(seconds)
        assert rewind.picture.tracks[7].row["lat"] == pytest.approx(48 + seconds * 1e-3)
        [row] = rewind.picture.areas_forecast["A1"]
        assert row["eta_s"] == 400 - seconds // 20 * 20


def test_stepping_gives_the_same_picture_as_going_there(reel: Reel) -> None:
    stepped, there = rewind_to(reel, 10), rewind_to(reel, 250)
    for _ in range(24):
        stepped.step(10_000_000)
    assert stepped.at_us == there.at_us
    assert stepped.picture.tracks[7].row == there.picture.tracks[7].row
    assert stepped.picture.book.active() == there.picture.book.active()
    assert stepped.picture.areas_forecast == there.picture.areas_forecast


def test_a_sensor_is_as_it_was_heard_then(reel: Reel) -> None:
    states = {s: rewind_to(reel, s).picture.sensors()[0]["state"] for s in (100, 119, 230)}
    assert states == {100: "live", 119: "live", 230: "silent"}


def test_it_holds_at_the_end_and_a_track_that_ended_is_gone(reel: Reel) -> None:
    rewind = rewind_to(reel, 350)
    rewind.step(3_600_000_000)
    assert rewind.at_us == at_us(PARTS * PART_S - 1)
    assert not rewind.picture.tracks


def test_a_partners_layer_is_as_it_was_then(reel: Reel, tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, "partners")
    for number in (0, 1):
        rows = track_table(number * PART_S, ended=number == 1)
        theirs = rows.append_column("partner", pa.array(["ro"] * PART_S))
        writer.add(number + 1, conform(theirs, "partners", "test"))
        writer.flush()

    def layer(seconds: float) -> tuple[str, list[float]]:
        rewind = Rewind(reel, "exercise", [], {"ro": {"en": "Romania"}})
        rewind.seek(at_us(seconds))
        (told,) = rewind.picture.partners.wire(0, rewind.picture.now_us)
        return told["state"], np.frombuffer(told["tracks"]["lat"], "<f4").tolist()

    assert layer(30) == ("live", [pytest.approx(48 + 30e-3, abs=1e-5)])
    assert layer(110) == ("live", [pytest.approx(48 + 110e-3, abs=1e-5)])
    assert layer(120) == ("live", []), "it ended in the second before"
    assert layer(160) == ("silent", [])


def test_why_it_was_so_is_told_as_it_was_then(reel: Reel) -> None:
    assert track_then(reel, 7, at_us(100)).num_rows == 21
    assert track_then(reel, 8, at_us(100)).num_rows == 0
    assert foreseen_then(reel, at_us(45))["eta_s"].to_pylist() == [360.0]
    assert [alert.end_us for alert in alerts_then(reel, "A1", at_us(100))] == [None]
    assert [alert.end_us for alert in alerts_then(reel, "A1", at_us(300))] == [at_us(200)]
    assert alerts_then(reel, "A2", at_us(300)) == []


def test_a_part_written_later_is_seen(reel: Reel) -> None:
    writer = PartWriter(reel.directory, "tracks")
    writer.add(PARTS + 1, track_table(PARTS * PART_S))
    writer.flush()
    assert reel.span() == (at_us(0), at_us((PARTS + 1) * PART_S - 1))


def test_thinning_keeps_the_last_row_of_each_track_in_every_step() -> None:
    rows = thin(track_table(0), 30_000_000)
    assert rows["issued"].cast(pa.int64()).to_pylist() == [at_us(29), at_us(59)]


def test_alarms_are_counted_over_the_night(reel: Reel) -> None:
    alerts = alerts_then(reel, "A1", at_us(300))
    assert alarms_over(alerts, at_us(0), at_us(400), bins=4) == [0, 1, 0, 0]
    assert alarms_over(alerts_then(reel, "A1", at_us(100)), at_us(0), at_us(400), bins=4) == [0, 1, 1, 1]
