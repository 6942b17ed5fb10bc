"""Remote ID: raw messages against a decoder that somebody else wrote, packs, JSON of receivers, live and from files."""

import asyncio
import json
import random
import socket
import struct
import subprocess
from datetime import date
from typing import Any

import pytest
from ingest_support import Store, ended, sink, until
from peer_env import command, peer_python

from perisai.model import Sensor
from perisai.sensors import parse_capture
from perisai.sensors.remote_id import BasicId, Location, RemoteIdStream, decode, unpack
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.udp import UdpInput

DAY = date(2026, 1, 1)
NOON_US = 1_767_268_800_000_000


def basic(identity: str = "1581F4TEST000000001", kind: int = 1) -> bytes:
    return bytes([0x02, kind << 4 | 2]) + identity.encode().ljust(20, b"\0") + bytes(3)


def place(lat: float = 50.45, lon: float = 30.52, **more: Any) -> bytes:
    given = {"status": 2, "direction": 90, "speed": 40, "climb": -2, "geodetic": 1200.0, "tenths": 0, "multiplied": 0}
    given |= more
    east = given["direction"] >= 180
    flags = given["status"] << 4 | east << 1 | given["multiplied"]
    numbers = (given["direction"] - 180 * east, given["speed"], given["climb"], round(lat * 1e7), round(lon * 1e7))
    heights = (0, round((given["geodetic"] + 1000) * 2), 0)
    return struct.pack("<BBBBbiiHHHBBHBB", 0x12, flags, *numbers, *heights, 0x4B, 0x44, given["tenths"], 0, 0)


def pack(*messages: bytes) -> bytes:
    return bytes([0xF2, 25, len(messages)]) + b"".join(messages)


def taken(*payloads: bytes, sensors: tuple[Sensor, ...] = ()) -> Any:
    return RemoteIdStream(sensors).take([(NOON_US, payload) for payload in payloads])


@pytest.mark.oracle
def test_messages_decode_as_somebody_elses_decoder_has_them() -> None:
    rng = random.Random(4)
    payloads = []
    for _ in range(400):
        body = bytearray(rng.randbytes(24))
        body[4:12] = struct.pack(
            "<ii", rng.randint(-900_000_000, 900_000_000), rng.randint(-1_800_000_000, 1_800_000_000)
        )
        payloads.append(bytes([0x12]) + bytes(body))
        payloads.append(bytes([0x02, rng.randint(1, 2) << 4]) + b"".join(rng.choices([b"A", b"7"], k=12)) + bytes(11))
    payloads += [pack(payloads[k], payloads[k + 1]) for k in range(0, 40, 2)]
    python = peer_python("homewatch==0.2.1", dependencies=False)
    asked = "\n".join(payload.hex() for payload in payloads)
    told = subprocess.run(
        command(python, "remote_id_decoder.py"), input=asked, capture_output=True, text=True, timeout=60, check=True
    )
    compared = 0
    for payload, line in zip(payloads, told.stdout.splitlines(), strict=True):
        theirs = json.loads(line)
        messages = unpack(payload)
        assert not isinstance(messages, str)
        for one in map(decode, messages):
            if isinstance(one, BasicId):
                assert one.identity == theirs["basic_id"]
            elif isinstance(one, Location):
                assert one.lat == pytest.approx(theirs["lat"], nan_ok=True)
                assert one.lon == pytest.approx(theirs["lon"], nan_ok=True)
                raw_speed, raw_height = messages[0][3], struct.unpack_from("<H", messages[0], 15)[0]
                if len(messages) == 1 and raw_speed != 255 and raw_height not in (0, 0xFFFF):
                    assert one.speed_mps == pytest.approx(theirs["speed_ms"], abs=0.06)
                    assert one.geodetic_m == pytest.approx(theirs["alt_m"], abs=0.3) or raw_height == 0
                compared += 1
    assert compared > 400


def test_a_place_takes_the_identity_of_its_pack_and_of_its_transmitter() -> None:
    imported = taken(pack(place(), basic()), place(50.46), basic("OTHER"), place(50.47))
    rows = imported.table.to_pylist()
    assert [row["address"] for row in rows] == ["1581F4TEST000000001", "1581F4TEST000000001", "OTHER"]
    first = rows[0]
    assert (first["lat"], first["lon"], first["alt_m"]) == (pytest.approx(50.45), pytest.approx(30.52), 1200.0)
    assert (first["ve_mps"], first["vn_mps"], first["vu_mps"]) == (10.0, pytest.approx(0, abs=1e-9), -1.0)
    assert first["sigma_m"] == pytest.approx(3.0 / 2.448)
    assert {row["label"] for row in rows} == {None}
    assert imported.counts == {"remote_id basic id": 2, "remote_id location": 3}


def test_the_time_told_is_set_into_the_hour_of_receipt() -> None:
    (early,) = taken(place(tenths=35_995)).table.to_pylist()
    assert early["time"].isoformat() == "2026-01-01T11:59:59.500000+00:00"
    (wrong,) = taken(place(tenths=18_000)).table.to_pylist()
    assert wrong["time"].isoformat() == "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(("off_s", "kept"), [(-2.5, True), (-600.0, True), (7200.0, False), (-7200.0, False)])
def test_a_receiver_with_another_zones_clock_is_set_right(off_s: float, kept: bool) -> None:
    told = {"uas_id": "X1", "lat": 50.0, "lon": 30.0, "timestamp": NOON_US / 1e6 + off_s}
    imported = taken(json.dumps(told).encode())
    (row,) = imported.table.to_pylist()
    assert row["time"].timestamp() == pytest.approx(NOON_US / 1e6 + (off_s if kept else 0.0))
    assert imported.counts["remote_id clock of the receiver off"] == (not kept)


def test_what_says_nothing_is_refused_by_reason() -> None:
    imported = taken(
        place(status=1), place(0.0, 0.0), b"\x12abc", bytes([0xF2, 25, 12]) + bytes(300), bytes([0x72]) + bytes(24),
        pack(basic(), place())[:-1], bytes([0x1F]) + bytes(24), place(91.0),
    )  # fmt: skip
    assert imported.rejects == {
        "remote_id: on ground": 1,
        "remote_id: no position": 1,
        "remote_id: message cut off": 1,
        "remote_id: pack with a size or number that the standard does not have": 1,
        "remote_id: message type not known": 1,
        "remote_id: pack cut off": 1,
        "remote_id: version not known": 1,
        "remote_id: position out of range": 1,
    }


RECEIVERS = {
    "raw": {"mac": "AA:BB:CC:00:11:22", "timestamp": 1767268800.5, "rssi": -60, "raw": pack(basic(), place()).hex()},
    "opendroneid-core-c": {
        "Version": "1.1",
        "Response": {
            "BasicID": {"UAType0": 2, "IDType0": 1, "UASID0": "1581F4TEST000000001"},
            "Location": {"Status": 2, "Direction": 90.0, "SpeedHorizontal": 10.0, "SpeedVertical": -1.0,
                         "Latitude": 50.45, "Longitude": 30.52, "AltitudeBaro": -1000.0, "AltitudeGeo": 1200.0},
            "System": {"OperatorLatitude": 1.0, "OperatorLongitude": 2.0},
        },
    },
    "DroneID": [
        {"Basic ID": {"id_type": "Serial Number (ANSI/CTA-2063-A)", "id": "1581F4TEST000000001"}},
        {"Location/Vector Message": {"latitude": 50.45, "longitude": 30.52, "geodetic_altitude": "1200.0 m",
                                     "height_agl": "100 m", "speed": "10.0 m/s",
                                     "vert_speed": "-1.0 m/s", "direction": 90}},
        {"System Message": {"latitude": 1.0, "longitude": 2.0}},
    ],
    "flat": {"basic_id": "1581F4TEST000000001", "drone_lat": 50.45, "drone_long": 30.52, "drone_altitude": 1200,
             "speed": 10.0, "heading": 90.0, "vertical_speed": -1.0, "pilot_lat": 1.0, "pilot_long": 2.0},
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(RECEIVERS))
def test_each_receivers_json_tells_the_same(form: str) -> None:
    text = json.dumps(RECEIVERS[form]).encode()
    for imported in (taken(text), parse_capture(text + b"\n" + text, "file", [], DAY)):
        row = imported.table.to_pylist()[0]
        assert (row["lat"], row["lon"], row["alt_m"]) == (pytest.approx(50.45), pytest.approx(30.52), 1200.0)
        assert (row["ve_mps"], row["address"]) == (pytest.approx(10.0), "1581F4TEST000000001")
        assert not imported.rejects


def test_files_of_raw_bytes_and_of_hexadecimal_lines_are_known() -> None:
    raw = b"".join((basic(), place(tenths=10), pack(basic("SECOND"), place(50.5, tenths=35_999)), place(tenths=5)))
    imported = parse_capture(raw, "raw", [], DAY)
    assert [row["address"] for row in imported.table.to_pylist()] == ["1581F4TEST000000001", "SECOND", "SECOND"]
    assert [row["time"].isoformat() for row in imported.table.to_pylist()] == [
        "2026-01-01T00:00:01+00:00",
        "2025-12-31T23:59:59.900000+00:00",
        "2026-01-01T00:00:00.500000+00:00",
    ]
    lines = "".join(
        f"1767268800.0,aa:bb:cc:00:11:2{k},{one.hex()}\n" for k, one in ((1, basic()), (2, place()), (1, place()))
    )
    imported = parse_capture(lines.encode(), "lines", [], DAY)
    assert [row["address"] for row in imported.table.to_pylist()] == [None, "1581F4TEST000000001"]


async def test_a_receiver_over_udp() -> None:
    settings = LiveInput(name="ids", kind="remote_id", listen="127.0.0.1:0")
    store = Store()
    receiver = Sensor(id="roof", kind="remote_id", lat=50.4, lon=30.5)
    read = UdpInput(settings, sink(settings, store), RemoteIdStream([receiver]))
    running = asyncio.create_task(read.run())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for payload in (pack(basic(), place()), json.dumps(RECEIVERS["flat"]).encode(), b"\x0d\x07" + place(), b"?"):
            out.sendto(payload, ("127.0.0.1", read.port))
    await until(lambda: read._sink.state.messages == 4)
    await ended(running)
    assert [row["sensor"] for row in store.rows] == ["roof"] * 3
    assert read._sink.rejects == {"remote_id: message cut off": 1}
