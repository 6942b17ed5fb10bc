"""2,000 reporters of whom 30 % lie together: no alert is moved by them, and none of the true ones is lost."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from perisai.geodesy import destination
from perisai.model import Sensor, alerts_table, build, parse_areas, split_frames
from perisai.sensors.reports import ReportStream
from perisai.service.config import Config
from perisai.service.pipeline import AlertBook, AlertStage, TrackStage
from perisai.simulation import observe

T0_US = 1_767_225_600_000_000
LAT, LON = 50.0, 30.0
SECONDS = 420
REPORTERS, LIARS = 2_000, 600
SPEED_MPS = 50.0
HEARD_M = 3_000.0
SEEDS = (11,)
CITIZENS = Sensor(id="citizens", kind="position", lat=LAT, lon=LON, detection_probability=0.3)


def network() -> list[Sensor]:
    """Two radars 25 km apart, and ears every 4 km, between and around the two courses."""
    radars = [
        Sensor(
            id=f"radar-{n}", kind="radar2d", lat=LAT + 0.05, lon=LON + 0.35 * n, max_range_m=150e3, period_s=6.0,
            detection_probability=0.9, clutter_per_scan=3.0, sigma_range_m=60.0, sigma_azimuth_deg=0.15,
        )
        for n in range(2)
    ]  # fmt: skip
    ears = [
        Sensor(
            id=f"ear-{north}-{east}", kind="presence", lat=LAT - 0.1 + 0.036 * north, lon=LON - 0.1 + 0.056 * east,
            max_range_m=5e3, period_s=10.0, detection_probability=0.8, sigma_m=2500.0, delay_mps=343.0,
        )
        for north in range(9) for east in range(9)
    ]  # fmt: skip
    return [*radars, *ears, CITIZENS]


def course(lat: float, lon: float) -> pa.Table:
    """A drone that flies east from a place, a row a second."""
    at_s = np.arange(0.0, SECONDS)
    lats, lons = destination(lat, lon, 90.0, SPEED_MPS * at_s)
    n = at_s.size
    columns = {
        "time": T0_US + (at_s * 1e6).astype(np.int64), "object": np.zeros(n, np.int64), "lat": lats, "lon": lons,
        "alt_m": np.full(n, 150.0), "ve_mps": np.full(n, SPEED_MPS), "vn_mps": np.zeros(n), "kind": ["drone"] * n,
        "hostile": [True] * n, "impact": [False] * n,
    }  # fmt: skip
    return build("truth", columns)


TRUE = course(LAT + 0.15, LON - 0.05)
LIE = course(LAT - 0.12, LON - 0.05)
"""What 600 agree to report: some 30 km south of what flies, in view of both radars and between the ears."""


def reports(path: pa.Table, people: range, seed: int, sensors: list[Sensor]) -> pa.Table:
    """Reports of people along a course, each from where he stands, twice, with the direction he claims, or without."""
    rng = np.random.default_rng(seed)
    lats, lons = path["lat"].to_numpy(), path["lon"].to_numpy()
    stream, chunks = ReportStream(sensors), []
    for person in people:
        for at_s in np.sort(rng.integers(5, SECONDS - 30, 2)).tolist():
            away_m, side_deg = HEARD_M * np.sqrt(rng.random()), 360.0 * rng.random()
            lat, lon = destination(lats[at_s], lons[at_s], side_deg, away_m)
            one = {
                "device": f"phone-{person}", "time": msgspec.to_builtins(_moment(T0_US + at_s * 1_000_000)),
                "place": {"lat": float(lat), "lon": float(lon), "accuracy_m": 20.0}, "class": "drone",
            }  # fmt: skip
            if rng.random() < 0.5:
                one["bearing_deg"] = float((side_deg + 180.0 + 10.0 * rng.normal()) % 360.0)
            chunks.append((T0_US + at_s * 1_000_000 + 2_000_000, msgspec.json.encode(one)))
    return stream.take(sorted(chunks)).table


def _moment(time_us: int):
    return pa.scalar(time_us).cast(pa.timestamp("us", tz="UTC")).as_py()


AREAS_JSON = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": f"{row}-{column}", "name_en": f"{row}-{column}", "population": 1000},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [LON - 0.4 + 0.2 * (column + x), LAT - 0.4 + 0.1 * (row + y)]
                        for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
                    ]
                ],
            },
        }
        for row in range(8)
        for column in range(8)
    ],
}
AREAS = parse_areas(msgspec.json.encode(AREAS_JSON), "test")


def fly(sensors: list[Sensor], *tables: pa.Table) -> tuple[pa.Table, TrackStage]:
    """Alerts of a night of these detections, and what is left of the trust."""
    config, book = Config(), AlertBook()
    tracks, alerts = TrackStage(sensors, config), AlertStage(AREAS, config)
    for frame in split_frames(pa.concat_tables(tables)):
        book.apply_all(alerts.step(tracks.step(frame), frame.end_us).changes)
    return alerts_table(book.alerts()), tracks


@pytest.mark.parametrize("seed", SEEDS)
def test_six_hundred_who_lie_together_move_no_alert(seed):
    sensors = network()
    seen = observe(TRUE, sensors[:-1], seed)
    honest = reports(TRUE, range(LIARS, REPORTERS), seed, sensors)
    lies = reports(LIE, range(LIARS), seed + 100, sensors)
    assert lies.num_rows > LIARS / 2, "they stand apart: no crowd takes them together"
    without, _ = fly(sensors, seen, honest)
    with_them, stage = fly(sensors, seen, honest, lies)
    assert without.num_rows > 0
    assert with_them.equals(without)
    standing = stage.standing()
    named = [claim for claim in standing.claims if claim.verdict == "unseen"]
    assert named and max(claim.count for claim in named) > 50 and all(len(claim.silent) >= 2 for claim in named)
    liars = {f"phone-{person}" for person in range(LIARS)}
    assert {name for name, _, _ in standing.reporters} <= liars
    untrusting, _ = fly([s for s in sensors if s.kind == "position"], lies)
    assert untrusting.num_rows > 0, "where no instrument looks, the same reports alert: they are enough to"


@pytest.mark.parametrize("seed", SEEDS)
def test_true_reports_of_as_many_are_not_lost(seed):
    sensors = network()
    seen = observe(LIE, sensors[:-1], seed)  # this time it flies
    told = reports(LIE, range(LIARS), seed + 100, sensors)
    alone, _ = fly(sensors, seen)
    both, stage = fly(sensors, seen, told)
    first = {row["area"]: row["start"] for row in reversed(both.to_pylist())}
    assert alone.num_rows > 0
    for row in alone.to_pylist():
        assert row["area"] in first, f"{row['area']} is alerted as well"
    assert not [claim for claim in stage.standing().claims if claim.verdict == "unseen" and claim.count > 20]
    assert min(both["start"].to_pylist()) <= min(alone["start"].to_pylist())


def massed(drones: int) -> pa.Table:
    """So many drones that come over the horizon at once, in ten degrees of a radar's view."""
    flights = []
    for n in range(drones):
        path = course(LAT + 0.30 + 0.003 * (n % 12), LON - 0.45 + 0.002 * n).slice(60 + n % 7, 180)
        flights.append(path.set_column(path.schema.get_field_index("object"), "object", pa.array([n] * path.num_rows)))
    return pa.concat_tables([flight.cast(TRUE.schema) for flight in flights])


def test_a_massed_raid_is_called_neither_jamming_nor_ghosts():
    sensors = network()
    seen = observe(massed(120), sensors[:-1], 5)
    quiet = observe(TRUE.slice(0, 60), sensors[:2], 5)
    stage = TrackStage(sensors, Config())
    for frame in split_frames(pa.concat_tables([quiet, seen])):
        stage.step(frame)
        standing = stage.standing()
        assert standing is not None and not standing.sensors and not standing.held, frame.end_us
