"""Real airliners raise not one alert; one hostile drone among them does. Import, track and alert by their commands."""

import json

import numpy as np
import pyarrow as pa
import pytest

from perisai import geodesy
from perisai.cli import main
from perisai.model import Sensor, build, time_us, write_sensors
from perisai.recording import read_table, write_table

PLACES = {"alpine": (46.8, 8.2), "britain": (52.5, -1.2)}


def _sensors(region: str, ids: list[str]) -> str:
    lat, lon = PLACES[region]
    sensors = [Sensor(id=name, kind="modes", lat=lat, lon=lon, max_range_m=900e3, sigma_m=100.0) for name in ids]
    radar = Sensor(id="radar", kind="radar2d", lat=lat, lon=lon, alt_m=500.0, max_range_m=150e3, period_s=5.0)
    return write_sensors([*sensors, radar])


def _drone(region: str, start_us: int, seconds: int = 900) -> pa.Table:
    """Radar plots of one drone at 50 m/s and 800 m, without identity, seen from 30 km on its way over the region."""
    lat, lon = PLACES[region]
    random = np.random.default_rng(5)
    at_s = np.arange(0, seconds, 5.0)
    path_lat, path_lon = geodesy.destination(lat + 0.25, lon - 0.2, 100.0, 50.0 * at_s)
    distance = geodesy.distance_m(lat, lon, path_lat, path_lon) + random.normal(0, 60, at_s.size)
    azimuth = geodesy.azimuth_deg(lat, lon, path_lat, path_lon) + random.normal(0, 0.12, at_s.size)
    times = start_us + (at_s * 1e6).astype(np.int64)
    columns = {"time": times, "received": times, "sensor": ["radar"] * at_s.size, "scan": np.arange(at_s.size)}
    return build("detections", columns | {"range_m": distance, "azimuth_deg": azimuth})


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    main([str(argument) for argument in arguments] + ["--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("region", ["alpine", "britain"])
def test_airliners_raise_no_alert_and_a_drone_among_them_does(region, traffic, tmp_path, capsys):
    capture, areas = traffic(region)
    detections, tracks, alerts = (tmp_path / f"{name}.parquet" for name in ("detections", "tracks", "alerts"))
    sensors = tmp_path / "sensors.toml"
    imported = _run(capsys, "import", capture, "-o", detections)
    table = read_table(detections, "detections")
    assert imported["detections"] == table.num_rows > 1000
    sensors.write_text(_sensors(region, table["sensor"].unique().to_pylist()))

    tracked = _run(capsys, "track", detections, "--sensors", sensors, "-o", tracks)
    rows = read_table(tracks, "tracks")
    flights = set(table["address"].drop_null().unique().to_pylist())
    followed = set(rows["address"].drop_null().unique().to_pylist())
    assert len(followed & flights) >= 0.9 * len(flights)
    assert tracked["tracks"] < 3 * len(flights)
    calm = _run(capsys, "alert", tracks, "--areas", areas, "-o", alerts)
    assert calm["alerts"] == 0

    middle = int(np.median(time_us(table["time"])))
    near = np.abs(time_us(table["time"]) - middle - 450_000_000) < 900_000_000
    hour = pa.concat_tables([table.filter(pa.array(near)), _drone(region, middle)]).sort_by("time")
    write_table(hour, detections)
    _run(capsys, "track", detections, "--sensors", sensors, "-o", tracks)
    raid = _run(capsys, "alert", tracks, "--areas", areas, "-o", alerts, "--cap", tmp_path / "cap")
    rows = read_table(alerts, "alerts")
    assert raid["alerts"] >= 1
    assert "alarm" in rows["level"].to_pylist()
    assert set(rows["threat"].to_pylist()) <= {"drone", "other"}
    assert len(list((tmp_path / "cap").glob("*.xml"))) == raid["cap_messages"] >= raid["alerts"]


def test_without_identities_only_aircraft_that_are_not_identified_raise_alerts(traffic, tmp_path, capsys):
    """Fifteen minutes of airliners with every identity removed: no drone, missile or bomb is seen in any of them."""
    capture, areas = traffic("alpine")
    detections, tracks, alerts = (tmp_path / f"{name}.parquet" for name in ("detections", "tracks", "alerts"))
    sensors = tmp_path / "sensors.toml"
    _run(capsys, "import", capture, "-o", detections)
    table = read_table(detections, "detections")
    times = time_us(table["time"])
    table = table.filter(pa.array(np.abs(times - int(np.median(times))) < 450_000_000))
    place = table.column_names.index("address")
    field = table.schema.field("address")
    write_table(table.set_column(place, field, pa.nulls(table.num_rows, field.type)), detections)
    sensors.write_text(_sensors("alpine", table["sensor"].unique().to_pylist()))
    _run(capsys, "track", detections, "--sensors", sensors, "-o", tracks)
    assert _run(capsys, "alert", tracks, "--areas", areas, "-o", alerts)["alerts"] > 0
    rows = read_table(alerts, "alerts")
    assert set(rows["threat"].to_pylist()) == {"aircraft"}
    assert all("not identified as civil" in reason for reason in rows["reason"].to_pylist())
