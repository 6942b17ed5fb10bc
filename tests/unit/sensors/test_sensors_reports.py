"""Reports of acoustic nodes and citizens: the schema is what is taken, a crowd is one source, HTTP and MQTT."""

import asyncio
import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from ingest_support import Store, ended, sink, until
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import AsyncTestClient
from peer_env import command, peer_python

from perisai.geodesy import azimuth_deg, destination, distance_m
from perisai.model import Sensor
from perisai.sensors import parse_capture
from perisai.sensors.reports import SCHEMA, ReportStream, parse_reports
from perisai.service.http.reports_api import accept_reports, report_schema
from perisai.service.identity.throttle import per_minute
from perisai.service.ingest.device_keys import DeviceKeys
from perisai.service.ingest.http_reports import HttpReports
from perisai.service.ingest.mqtt import MqttInput
from perisai.service.ingest.settings import LiveInput
from perisai.service.mqtt_broker import MqttBroker

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
NODE = Sensor(id="mic-1", kind="bearing", lat=50.0, lon=30.0, max_range_m=6000.0)
DOCS = Path(__file__).parents[3] / "docs/sensors/report.schema.json"


def report(device: str = "phone-1", after_s: float = 0.0, **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=after_s)).isoformat()
    return {"device": device, "time": at, "place": {"lat": 50.0, "lon": 30.0}, "class": "drone", **more}


def taken(*reports: dict[str, Any], sensors: tuple[Sensor, ...] = (NODE,)) -> Any:
    return ReportStream(sensors).take([(NOW_US, json.dumps(one).encode()) for one in reports])


def test_the_published_schema_is_the_one_in_the_documentation() -> None:
    assert json.loads(DOCS.read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.oracle
def test_a_document_is_taken_when_the_schema_says_so() -> None:
    rng = random.Random(7)
    odd = [None, -1, 0, 0.5, 1, 90, 181, 361, 1e9, "x", "", [], {}, True, "2026-01-01T12:00:00Z", "2026-01-01T12:00:00"]
    documents = []
    for _ in range(1500):
        one: Any = report(bearing_deg=10, bearing_spread_deg=5, elevation_deg=3, confidence=0.5)
        for _ in range(rng.choice([0, 1, 1, 2])):
            inner = one["place"] if isinstance(one.get("place"), dict) and rng.random() < 0.3 else one
            name = rng.choice([*inner, "alt_m", "accuracy_m", "other"]) if inner else "lat"
            if rng.random() < 0.25:
                inner.pop(name, None)
            else:
                inner[name] = rng.choice(odd)
        documents.append(one)
    text = "\n".join(json.dumps(one) for one in documents)
    python = peer_python("jsonschema==4.23.0", "rfc3339-validator==0.1.4")
    told = subprocess.run(
        command(python, "json_schema.py", str(DOCS)), input=text, capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()
    mine = ["valid" if parse_reports(line.encode())[0] else "not valid" for line in text.splitlines()]
    differ = [line for line, a, b in zip(text.splitlines(), told, mine, strict=True) if a != b]
    assert not differ, differ[:3]
    assert 200 < mine.count("valid") < 1300


def test_a_node_of_the_sensors_file_reports_from_its_own_frame() -> None:
    imported = taken(
        report("mic-1", bearing_deg=123.0, bearing_spread_deg=4.0, confidence=0.7),
        report("mic-1", after_s=1, bearing_deg=124.0),
        report("mic-1", place={"lat": 50.1, "lon": 30.0}, bearing_deg=90.0),
    )
    first, second, moved = imported.table.to_pylist()
    assert (first["sensor"], first["azimuth_deg"], first["sigma_azimuth_deg"]) == ("mic-1", 123.0, 4.0)
    assert (first["label"], first["confidence"], first["lat"]) == ("drone", 0.7, None)
    assert second["azimuth_deg"] == 124.0
    assert moved["sensor"] == "citizens"
    assert moved["lat"] is not None


def test_a_citizens_report_is_a_place_with_the_spread_it_leaves_open() -> None:
    near, along = taken(
        report(), report("phone-2", place={"lat": 51.0, "lon": 31.0}, bearing_deg=45.0)
    ).table.to_pylist()
    assert (near["lat"], near["lon"], near["sigma_m"]) == (50.0, 30.0, 2500.0)
    assert distance_m(51.0, 31.0, along["lat"], along["lon"]) == pytest.approx(2500.0, rel=0.01)
    assert azimuth_deg(51.0, 31.0, along["lat"], along["lon"]) == pytest.approx(45.0, abs=0.1)
    assert 500 < along["sigma_m"] < 2500


def test_a_crowd_counts_once_until_it_is_independent() -> None:
    rng = random.Random(1)
    crowd = []
    for k in range(100):
        lat, lon = destination(50.0, 30.0, rng.uniform(0, 360), rng.uniform(0, 120))
        crowd.append(
            report(f"phone-{k}", rng.uniform(0, 8), place={"lat": float(lat), "lon": float(lon)},
                   bearing_deg=90 + rng.gauss(0, 8), bearing_spread_deg=10)
        )  # fmt: skip
    imported = taken(*crowd)
    assert imported.table.num_rows <= 2
    assert imported.rejects["reports: same crowd"] == 100 - imported.table.num_rows
    others = [
        report("far", 3, place={"lat": 50.02, "lon": 30.0}, bearing_deg=90.0),
        report("elsewhere", 3, bearing_deg=270.0),
        report("later", 20, bearing_deg=90.0),
    ]
    assert taken(report(bearing_deg=90.0), *others).table.num_rows == 4
    assert taken(report(bearing_deg=90.0), report("no direction", 1)).table.num_rows == 1


def test_what_is_refused_is_counted() -> None:
    imported = taken(report(after_s=3600), report(**{"class": "explosion"}), {"device": "x"})
    assert imported.rejects == {
        "reports: time ahead of the clock": 1,
        "reports: explosion, no object": 1,
        "reports: not as the schema has it": 1,
    }
    assert parse_reports(b"[" * 5000)[2] == {"reports: not JSON": 1}
    assert parse_reports(json.dumps([report()] * 1001).encode())[2] == {"reports: too many at once": 1}


def test_kept_reports_are_imported() -> None:
    lines = "\n".join(json.dumps(report(f"p{k}", 100.0 * k)) for k in range(5)).encode()
    assert parse_capture(lines, "lines", [NODE], NOW.date()).table.num_rows == 5
    assert parse_capture(b"[" + lines.replace(b"\n", b",") + b"]", "list", [NODE], NOW.date()).table.num_rows == 5


async def test_over_http_the_answer_comes_when_it_is_stored() -> None:
    store = Store()
    reports = HttpReports([NODE], "citizens", store)  # type: ignore[arg-type]
    rate = per_minute(6)
    app = Litestar(
        [accept_reports, report_schema],
        state=State({"reports": reports, "report_rate": rate, "device_keys": DeviceKeys({})}),
    )
    now = datetime.now(UTC).isoformat()
    async with AsyncTestClient(app) as client:
        assert (await client.get("/api/v1/reports/schema.json")).json() == SCHEMA
        body = json.dumps([report() | {"time": now}, {"device": "bad"}])
        for _ in range(2):
            answer = await client.post("/api/v1/reports", content=body)
            assert answer.status_code == 202
            assert answer.json()["accepted"] == 1
            assert len(answer.json()["faults"]) == 1
        assert store.table.num_rows == 1
        wrong = await client.post("/api/v1/reports", content=b'{"device": 1}')
        assert wrong.status_code == 400
        assert "device" in wrong.json()["detail"]
        assert (await client.post("/api/v1/reports", content=b"x" * 300_000)).status_code == 413
        answers = [(await client.post("/api/v1/reports", content=body)).status_code for _ in range(6)]
        assert 429 in answers
    assert reports.sink.rejects["reports: not as the schema has it"] == 2
    assert reports.sink.rejects["too large"] == 1
    assert reports.sink.rejects["too many messages"] == answers.count(429) > 0


async def test_over_mqtt_through_a_real_broker(tmp_path: Path) -> None:
    store = Store()
    async with MqttBroker(tmp_path, "127.0.0.1", 0) as broker:
        settings = LiveInput(name="mics", kind="reports", broker=f"127.0.0.1:{broker.port}", topic="perisai/reports/#")
        read = MqttInput(settings, sink(settings, store), ReportStream([NODE]))
        running = asyncio.create_task(read.run())
        async with asyncio.timeout(20):
            await read.subscribed.wait()
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for k in range(5):
                one = report("mic-1", bearing_deg=10.0 + k) | {"time": datetime.now(UTC).isoformat()}
                await client.publish("perisai/reports/mic-1", json.dumps(one), qos=1)
            await client.publish("perisai/reports/mic-1", b"\xff", qos=1)
        await until(lambda: read._sink.state.messages == 6)
        await ended(running)
    assert [row["azimuth_deg"] for row in store.rows] == [10.0, 11.0, 12.0, 13.0, 14.0]
    assert read._sink.rejects == {"reports: not JSON": 1}
