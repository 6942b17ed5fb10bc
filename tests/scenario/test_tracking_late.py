"""Rows that come late, inside the window: the picture must end as if they had come in time."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from test_tracking_single import START_US, polar

from perisai import geodesy
from perisai.model import Frame, Sensor, build, floats, split_frames, time_us
from perisai.tracking import Tracker, TrackerSettings

SENSORS = [
    Sensor(id="r1", kind="radar3d", lat=48.0, lon=35.0, alt_m=100.0, clutter_per_scan=10),
    Sensor(id="r2", kind="radar2d", lat=48.4, lon=35.6, alt_m=100.0, period_s=10.0, clutter_per_scan=5),
    Sensor(id="adsb", kind="modes", lat=48.2, lon=35.2, max_range_m=200e3, sigma_m=50.0),
    *(
        Sensor(id=f"m{k}", kind="presence", lat=48.2 + 0.06 * k, lon=35.3, max_range_m=5e3, delay_mps=343.0)
        for k in range(5)
    ),
]


def feed(seed: int, seconds: int = 90) -> pa.Table:
    """Eight targets by two radars, two of them by ADS-B, microphones and clutter; in order of measurement."""
    rng = np.random.default_rng(seed)
    lat, lon = 48.2 + rng.uniform(-0.3, 0.3, 8), 35.3 + rng.uniform(-0.4, 0.4, 8)
    heading, speed, height = rng.uniform(0, 360, 8), rng.uniform(50, 220, 8), rng.uniform(800, 5_000, 8)
    rows: list[dict] = []

    def where(k: int, t: float) -> tuple[float, float]:
        a, o = geodesy.destination(lat[k], lon[k], heading[k], speed[k] * t)
        return float(a), float(o)

    for radar, sensor in enumerate(SENSORS[:2]):
        period = sensor.or_default("period_s")
        for scan in range(int(seconds / period)):
            for k in range(8):
                r, a, e = polar(sensor, *where(k, scan * period), height[k])
                t = (scan + a / 360) * period
                r, a, e = polar(sensor, *where(k, t), height[k])
                if rng.random() < 0.9:
                    row = {"range_m": r + rng.normal(0, 60), "azimuth_deg": a + rng.normal(0, 0.12), "scan": scan}
                    rows.append(row | {"t": t, "sensor": sensor.id, "elevation_deg": e if radar == 0 else None})
            for a in rng.uniform(0, 360, rng.poisson(sensor.clutter_per_scan)):
                row = {"range_m": rng.uniform(2e3, 1.5e5), "azimuth_deg": float(a), "scan": scan}
                rows.append(row | {"t": (scan + a / 360) * period, "sensor": sensor.id, "elevation_deg": 1.0})
    for t in np.arange(0.0, seconds, 1.0):
        for k in (0, 1):
            a, o = where(k, t + 0.4)
            a, o = a + rng.normal(0, 4e-4), o + rng.normal(0, 6e-4)
            rows.append({"t": t + 0.4, "sensor": "adsb", "lat": a, "lon": o, "alt_m": height[k], "address": f"4b{k}"})
        heard = [ear.id for ear in SENSORS[3:] if rng.random() < 0.1]
        rows += [{"t": t + rng.random(), "sensor": ear, "scan": int(t)} for ear in heard]
    rows.sort(key=lambda row: row["t"])
    names = ("sensor", "scan", "range_m", "azimuth_deg", "elevation_deg", "lat", "lon", "alt_m", "address")
    columns = {name: [row.get(name) for row in rows] for name in names}
    time = START_US + np.array([round(row["t"] * 1e6) for row in rows])
    return build("detections", columns | {"time": time, "received": time})


def delivered(table: pa.Table, seed: int, share: float, longest_s: float) -> pa.Table:
    """The same rows, a share of them received up to longest_s late; all by the time the feed ends."""
    rng = np.random.default_rng(seed)
    time = time_us(table["time"])
    late = (rng.random(time.size) < share) & (time > time.min() + 1_000_000)
    wait = np.where(late, rng.uniform(0.5, longest_s, time.size), 0.0) * 1e6
    received = np.minimum(time + wait.astype(np.int64), time.max())
    at = table.schema.get_field_index("received")
    return table.set_column(at, "received", pa.array(received).cast(table.schema.field(at).type))


def picture(tracker: Tracker, frames: list[Frame]) -> dict[int, dict]:
    """The newest row of each track that has not ended."""
    now: dict[int, dict] = {}
    for frame in frames:
        for row in tracker.step(frame).to_pylist():
            now[row["track"]] = row
            if row["status"] == "ended":
                del now[row["track"]]
    return now


def state(tracker: Tracker) -> list[bytes]:
    """All that lives in the tracker's bank, but the public numbers."""
    bank = tracker._bank
    used = int(bank.counters[1])
    skipped = ("ident", "free", "counters", "cell", "after", "level", "gate_m", "address", "other_address")
    names = [name for name in bank._fields if name not in skipped]
    return [getattr(bank, name)[:used][bank.alive[:used]].tobytes() for name in names]


@pytest.mark.parametrize(("share", "longest_s"), [(0.05, 50.0), (0.5, 5.0)])
def test_late_rows_end_in_the_same_picture_as_rows_in_time(share, longest_s):
    table = feed(3)
    in_time, late = Tracker(SENSORS), Tracker(SENSORS)
    expected = picture(in_time, list(split_frames(table)))
    found = picture(late, list(split_frames(delivered(table, 4, share, longest_s))))
    assert state(in_time) == state(late)
    assert len(expected) >= 8

    def untitled(rows: dict[int, dict]) -> list:
        return sorted((r["time"], r["lat"], r["lon"], r["existence"], r["status"], r["address"]) for r in rows.values())

    assert untitled(expected) == untitled(found)
    assert not late.rejects


def test_what_is_older_than_the_window_is_counted_and_changes_nothing():
    table = feed(5)
    settings = TrackerSettings(window_s=30.0)
    old = table.slice(0, 40)
    received = np.where(np.arange(table.num_rows) < 40, time_us(table["time"]) + 60_000_000, time_us(table["time"]))
    at = table.schema.get_field_index("received")
    moved = table.set_column(at, "received", pa.array(received).cast(table.schema.field(at).type))
    with_old, without = Tracker(SENSORS, settings), Tracker(SENSORS, settings)
    picture(with_old, list(split_frames(moved)))
    picture(without, list(split_frames(table.slice(40))))
    assert with_old.rejects == Counter(time_too_old=old.num_rows)
    assert state(with_old) == state(without)


def test_a_track_keeps_its_number_through_a_replay_and_none_vanishes_unsaid():
    table = delivered(feed(6), 7, 0.2, 20.0)
    tracker = Tracker(SENSORS)
    shown: dict[int, tuple[float, float]] = {}
    ended: set[int] = set()
    for frame in split_frames(table):
        for row in tracker.step(frame).to_pylist():
            if row["track"] in shown and row["track"] not in ended:
                # A number never jumps to another target: 5 km in a second is none.
                assert geodesy.distance_m(*shown[row["track"]], row["lat"], row["lon"]) < 5_000.0
            shown[row["track"]] = (row["lat"], row["lon"])
            (ended.add if row["status"] == "ended" else ended.discard)(row["track"])
    bank = tracker._bank
    used = int(bank.counters[1])
    living = set(bank.ident[:used][bank.alive[:used] & (bank.ident[:used] >= 0)].tolist())
    assert set(shown) - ended == living
    assert len(shown) < 30


def test_a_checkpoint_among_late_rows_goes_on_to_the_same_bytes():
    frames = list(split_frames(delivered(feed(8), 9, 0.2, 20.0)))
    whole = Tracker(SENSORS)
    expected = [whole.step(frame) for frame in frames]
    first = Tracker(SENSORS)
    for frame in frames[:50]:
        first.step(frame)
    second = Tracker.restore(first.checkpoint(), SENSORS)
    assert second.checkpoint() == first.checkpoint()
    again = [second.step(frame) for frame in frames[50:]]
    assert pa.concat_tables(again).equals(pa.concat_tables(expected[50:]))
    assert floats(pa.concat_tables(again)["lat"]).size > 100
    assert second.rejects == whole.rejects


def test_states_kept_stay_inside_their_bytes_and_the_window():
    settings = TrackerSettings(state_bytes=300_000)
    tracker = Tracker(SENSORS, settings)
    free = Tracker(SENSORS)
    for frame in split_frames(delivered(feed(10), 11, 0.2, 20.0)):
        tracker.step(frame)
        free.step(frame)
        kept = [beat.before.size_bytes for beat in tracker._window.beats[1:-1] if beat.before is not None]
        assert sum(kept) <= 300_000
        assert len(tracker._window.beats) <= 70
    assert state(tracker) == state(free)


def test_what_states_share_is_what_there_is():
    """Arrays beside the bank are copied only when somebody said that they changed: nobody may forget to."""
    tracker = Tracker(SENSORS)
    shared, frames = 0, list(split_frames(delivered(feed(12), 13, 0.2, 20.0)))
    for frame in frames:
        tracker.step(frame)
        for kept in tracker._others:
            for now, copy in zip(kept.arrays, kept.copy or kept.arrays, strict=True):
                np.testing.assert_array_equal(now, copy)
            shared += kept.copy is not None
    # What sensors say of themselves, ballistic flights and crossings are never touched here, others in some frames.
    assert shared > 3 * len(frames)


def test_rows_held_back_are_the_same_picture_and_come_late_less_often():
    """Latencies of up to 0.8 s and a hold-back of one: nothing is late, and the tracks are those of rows in time."""
    table = feed(14)
    time = time_us(table["time"])
    wait = np.random.default_rng(15).integers(200_000, 800_000, time.size)
    at = table.schema.get_field_index("received")
    live = table.set_column(at, "received", pa.array(time + wait).cast(table.schema.field(at).type))
    held, eager = Tracker(SENSORS, TrackerSettings(hold_back_s=1.0)), Tracker(SENSORS)
    frames = list(split_frames(live))
    after = [Frame(frames[-1].end_us + k * 1_000_000, table.slice(0, 0)) for k in (1, 2)]
    picture(held, frames + after)
    picture(eager, frames + after[:1])
    assert held._window.late_us < 0 < eager._window.late_us
    assert state(held) == state(eager)
