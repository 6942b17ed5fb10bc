"""Captures of what comes live, as files: SAPIENT framed and as JSON, Mode S as text; and a bad line spoils no file."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson, ParseDict
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage

from perisai.model import Sensor
from perisai.sensors import parse_capture, read_capture
from perisai.sensors.sapient import frame

CAPTURES = Path(__file__).parents[2] / "golden/captures"
DAY = date(2026, 1, 1)
NODE = "6b1c9f0e-3c5d-4f0e-9a53-1d8f0a4c7be2"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEGREES = {"coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M", "datum": "LOCATION_DATUM_WGS84_E"}
POLAR = {"coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_RADIANS_M", "datum": "RANGE_BEARING_DATUM_TRUE"}


def message(second: int, **content: Any) -> SapientMessage:
    return ParseDict({"timestamp": f"2026-01-01T12:00:{second:02d}Z", "nodeId": NODE, **content}, SapientMessage())


def detection(second: int, place: dict[str, Any]) -> SapientMessage:
    return message(second, detectionReport={"reportId": ULID, "objectId": ULID, **place})


MESSAGES = [
    message(0, statusReport={"reportId": ULID, "system": "SYSTEM_OK", "info": "INFO_NEW", "mode": "m",
                             "nodeLocation": {"x": 30.5, "y": 50.4, "z": 100, **DEGREES}}),
    detection(1, {"location": {"x": 30.6, "y": 50.45, "z": 500, **DEGREES}}),
    detection(2, {"rangeBearing": {"azimuth": 1.5707963, "elevation": 0.1, "range": 9000, **POLAR}}),
    detection(3, {"rangeBearing": {"azimuth": 0.5, **POLAR}}),
]  # fmt: skip
FRAMED = b"".join(frame(one.SerializeToString()) for one in MESSAGES)
LINES = "\n".join(MessageToJson(one, indent=None) for one in MESSAGES).encode()


@pytest.mark.parametrize("content", [FRAMED, LINES, gzip.compress(FRAMED)], ids=["framed", "json", "gzip"])
def test_sapient_without_its_registration_and_without_a_sensors_file(content: bytes) -> None:
    imported = parse_capture(content, "sapient", [], DAY)
    located, seen = imported.table.to_pylist()
    assert (located["sensor"], located["lat"], located["alt_m"]) == (NODE, 50.45, 500.0)
    assert located["time"].isoformat() == "2026-01-01T12:00:01+00:00"
    assert seen["lon"] == pytest.approx(30.5 + 9000 * 0.995 / 70_900, abs=2e-3)
    assert seen["alt_m"] == pytest.approx(100 + 9000 * 0.0998 + 6, abs=10)
    assert imported.counts == {"sapient status_report": 1, "sapient detection_report": 3}
    assert imported.rejects == {"sapient: bearing of a node whose place the sensors file does not have": 1}
    assert imported.health[0].state == "ok"


def test_sapient_of_a_node_in_the_sensors_file_stays_in_its_frame(tmp_path: Path) -> None:
    node = Sensor(id=NODE, kind="radar3d", lat=50.4, lon=30.5)
    (tmp_path / "capture.bin").write_bytes(FRAMED + b"\x09\x00")
    imported = read_capture(tmp_path / "capture.bin", [node])
    _, seen, bearing = imported.table.to_pylist()
    assert (seen["range_m"], seen["azimuth_deg"]) == (9000.0, pytest.approx(90.0, abs=1e-4))
    assert bearing["azimuth_deg"] == pytest.approx(28.6479, abs=1e-3)
    assert imported.rejects == {"sapient: message cut off": 1}


def test_text_frames_with_a_counter_give_what_the_frames_give() -> None:
    lines = [
        line.split(",")[:2]
        for line in gzip.decompress((CAPTURES / "sample_data_adsb.csv.gz").read_bytes()).decode().split()
    ]
    begun = float(lines[0][0])
    made = "".join(f"@{int((float(at) - begun) * 12e6):012X}{one.strip(chr(34))};\n" for at, one in lines)
    expected = read_capture(CAPTURES / "sample_data_adsb.csv.gz").table
    imported = parse_capture(made.encode() + b"*8D406B909945DE10000405999BE4;\nrubbish\n", "avr", [], DAY)
    assert imported.table["lat"].to_pylist() == expected["lat"].to_pylist()
    assert imported.rejects["avr: frame without a time"] == 1
    assert imported.rejects["avr: line is no frame"] == 1


def test_a_bad_line_spoils_no_state_vectors() -> None:
    head = "time,icao24,lat,lon,velocity,heading\n"
    good = "1600000000,3c6444,50.0,30.0,200,90\n1600000001,3c6445,50.1,30.0,200,90\n"
    expected = parse_capture((head + good).encode(), "good", [], DAY)
    assert expected.table.num_rows == 2
    bad = head + "x,3c6444,50.0,30.0,200,90\n" + good + "1600000002,3c6446\n1600000003,\x80,50,30,fast,1\n"
    imported = parse_capture(bad.encode("latin-1"), "bad", [], DAY)
    assert imported.table.num_rows == 3
    assert imported.table.to_pylist()[2]["ve_mps"] is None
    assert imported.rejects == {"state: line with too few or too many fields": 1, "state: time unknown": 1}


def test_a_bad_sample_spoils_no_flights() -> None:
    good = {"timestamp": 1533101250000, "latitude": 45.8, "longitude": 9.2, "icao24": "3003ae"}
    imported = parse_capture(json.dumps([good, good | {"latitude": "north"}, 5]).encode(), "flights", [], DAY)
    assert imported.table.num_rows == 1
    assert imported.rejects == {"flight: sample not as expected": 2}
