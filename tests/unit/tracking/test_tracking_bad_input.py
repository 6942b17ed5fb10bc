"""What cannot be used is dropped with a counted reason, and changes nothing else."""

import asyncio
import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from prometheus_client import REGISTRY

from perisai.cli import main
from perisai.model import SCHEMAS, Sensor, build, split_frames, write_sensors
from perisai.recording import write_table
from perisai.service.config import Config
from perisai.service.roles import tracker as role
from perisai.tracking import Tracker
from perisai.trust import TrustSettings

SENSORS = [
    Sensor(id="p", kind="position", lat=49.0, lon=31.0, max_range_m=100e3, period_s=4.0, sigma_m=100.0),
    Sensor(id="r", kind="radar2d", lat=49.0, lon=31.0, max_range_m=100e3),
]
EPOCH_US = 1_757_000_000_000_000
GOOD = {"sensor": "p", "lat": 49.1, "lon": 31.1}
NAN = float("nan")
BAD: list[tuple[str, dict]] = [
    ("not_finite", GOOD | {"lat": NAN}),
    ("not_finite", GOOD | {"alt_m": float("inf")}),
    ("out_of_range", GOOD | {"lat": 91.0}),
    ("out_of_range", GOOD | {"lon": -181.0}),
    ("out_of_range", GOOD | {"alt_m": 2e6}),
    ("out_of_range", GOOD | {"ve_mps": 2e4, "vn_mps": 0.0}),
    ("out_of_range", {"sensor": "r", "range_m": -5.0, "azimuth_deg": 10.0}),
    ("out_of_range", {"sensor": "r", "range_m": 5e3, "azimuth_deg": 1e4}),
    ("incomplete", {"sensor": "r", "range_m": 5e3}),
    ("incomplete", {"sensor": "p", "lat": 49.0}),
    ("sigma_not_positive", GOOD | {"sigma_m": 0.0}),
    ("sigma_not_positive", {"sensor": "r", "range_m": 5e3, "azimuth_deg": 10.0, "sigma_azimuth_deg": -1.0}),
    ("unknown_sensor", GOOD | {"sensor": "nobody"}),
    ("unknown_sensor", GOOD | {"sensor": None}),
    ("time_too_old", GOOD | {"at_s": -3 * 3600.0}),
    ("time_ahead", GOOD | {"at_s": 3 * 3600.0}),
    ("time_missing", GOOD | {"at_s": None}),
]


def table(rows: list[dict], second: int) -> pa.Table:
    """Rows of one second; at_s: the measurement's time beside it. Explicit NaN stays NaN."""
    received = EPOCH_US + second * 1_000_000
    columns: dict[str, pa.Array] = {}
    for name in ("lat", "lon", "alt_m", "range_m", "azimuth_deg", "sigma_m", "sigma_azimuth_deg", "ve_mps", "vn_mps"):
        columns[name] = pa.array([row.get(name) for row in rows], pa.float64())
    at = [row.get("at_s", 0.0) for row in rows]
    time = [None if a is None else received + round(a * 1e6) for a in at]
    columns["time"] = pa.array(time, pa.int64()).cast(SCHEMAS["detections"].field("time").type)
    columns["sensor"] = pa.array([row.get("sensor") for row in rows], pa.string())
    return build("detections", columns | {"received": np.full(len(rows), received)})


@pytest.mark.parametrize(("reason", "row"), BAD)
def test_each_bad_row_is_counted_by_its_reason_and_changes_no_track(reason, row):
    with_bad, without = Tracker(SENSORS), Tracker(SENSORS)
    rows = [[GOOD | {"lat": 49.1 + 0.001 * k}] for k in range(6)]
    given = pa.concat_tables([table([*good, row] if k == 3 else good, 4 * k) for k, good in enumerate(rows)])
    clean = pa.concat_tables([table(good, 4 * k) for k, good in enumerate(rows)])
    found = pa.concat_tables([with_bad.step(frame) for frame in split_frames(given)])
    expected = pa.concat_tables([without.step(frame) for frame in split_frames(clean)])
    assert with_bad.rejects == Counter({reason: 1})
    assert not without.rejects
    assert found.equals(expected)
    assert found.num_rows > 0


def test_a_row_sent_twice_counts_once_also_when_the_second_comes_late():
    twice = pa.concat_tables([table([GOOD, GOOD], 0), table([GOOD | {"at_s": -4.0}], 4), table([GOOD], 8)])
    tracker = Tracker(SENSORS)
    for frame in split_frames(twice):
        tracker.step(frame)
    assert tracker.rejects == Counter(duplicate=2)


def test_the_command_says_what_it_dropped_and_why(tmp_path, capsys):
    rows = pa.concat_tables([table([GOOD, row], 4 * k) for k, (_, row) in enumerate(BAD)])
    write_table(rows, tmp_path / "d.parquet")
    (tmp_path / "s.toml").write_text(write_sensors(SENSORS))
    paths = [str(tmp_path / name) for name in ("d.parquet", "s.toml", "t.parquet")]
    main(["track", paths[0], "--sensors", paths[1], "-o", paths[2], "--json"])
    said = json.loads(capsys.readouterr().out)
    expected = Counter(reason for reason, _ in BAD)
    # Every row once; some of a sensor that says what cannot be are held back before the tracker reads them.
    held = sum(count for reason, count in said["rejects"].items() if reason.startswith("trust: "))
    counted = Counter({reason: n for reason, n in said["rejects"].items() if not reason.startswith("trust: ")})
    assert counted <= expected
    assert counted.keys() == expected.keys()
    assert counted.total() + held == len(BAD)


def test_the_running_tracker_counts_what_it_dropped_in_its_metrics(monkeypatch):
    rows = pa.concat_tables([table([GOOD, row], 4 * k) for k, (_, row) in enumerate(BAD)])
    sent: list[pa.Table] = []

    async def frames(bus, after):
        for sequence, frame in enumerate(split_frames(rows)):
            yield sequence, frame, []

    async def nothing(*args):
        return None

    async def publish(stream, subject, tracks, identity, end_us):
        sent.append(tracks)

    monkeypatch.setattr(role, "traced_frames", frames)
    monkeypatch.setattr(role, "Outbox", lambda *_: SimpleNamespace(resume=nothing, publish_table=publish, heads={}))

    def counted() -> dict[str, float]:
        return {
            reason: REGISTRY.get_sample_value(
                "perisai_tracker_rejects_total", {"role": "tracker", "reason": reason}
            ) or 0.0
            for reason, _ in BAD
        }  # fmt: skip

    before = counted()
    bus = SimpleNamespace(load_state=nothing, save_state=nothing, publish=nothing)
    config = Config(trust=TrustSettings(enabled=False))
    asyncio.run(role.run_tracker(bus, SENSORS, config))  # pyright: ignore[reportArgumentType]
    after = counted()
    assert {reason: after[reason] - before[reason] for reason in after} == Counter(reason for reason, _ in BAD)
    assert sent
