"""Categories 010, 020, 063 and 205, written by libasterix, as detections and health; live as from a file."""

import struct
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asterix import generated

from perisai.geodesy import distance_m
from perisai.model import Sensor, time_us
from perisai.sensors.asterix import AsterixStream, import_blocks, split_datagram
from perisai.sensors.pcap import udp_payloads
from perisai.sensors.scans import LiveAntenna, antenna_scans

CAPTURES = Path(__file__).parents[2] / "golden/captures"
NOON_US = 1_767_268_800_000_000
SOURCE = (("SAC", 25), ("SIC", 201))
SYSTEM = Sensor(id="25/201", kind="position", lat=50.0, lon=30.0)


def datagram(category: int, *records: dict[str, Any]) -> bytes:
    made: Any = generated.manifest["CATS"][category][-1].cv_uap.cv_record
    content = b"".join(made.create({"010": SOURCE, **one}).unparse().to_bytes() for one in records)
    return struct.pack(">BH", category, 3 + len(content)) + content


def taken(payload: bytes, sensors: tuple[Sensor, ...] = (SYSTEM,)) -> Any:
    return AsterixStream(sensors).take([(NOON_US, payload)])


def test_multilateration_in_degrees_and_in_the_systems_own_plane() -> None:
    place = {"140": (43_200.0, "s"), "220": 0x3C6444, "105": (1000.0, "ft"), "202": (("VX", (100.0, "m/s")), ("VY", 0))}
    degrees = place | {"041": (("LAT", (50.1, "°")), ("LON", (30.2, "°")))}
    plane = place | {"220": 0x3C6445, "042": (("X", (3000.0, "m")), ("Y", (4000.0, "m")))}
    imported = taken(datagram(20, degrees, plane))
    first, second = imported.table.to_pylist()
    assert (first["lat"], first["lon"]) == (pytest.approx(50.1, abs=1e-5), pytest.approx(30.2, abs=1e-5))
    assert (first["address"], first["sensor"]) == ("3c6444", "25/201")
    assert first["alt_m"] == pytest.approx(304.8, abs=2)
    assert first["ve_mps"] == 100.0
    assert distance_m(50.0, 30.0, second["lat"], second["lon"]) == pytest.approx(5000.0, rel=1e-3)
    assert first["scan"] == second["scan"]
    alone = taken(datagram(20, plane), ())
    assert alone.rejects == {"category 020: no position": 1}


def test_surface_reports_and_what_is_refused_of_them() -> None:
    air = {"000": 1, "140": (43_200.0, "s"), "041": (("LAT", (50.1, "°")), ("LON", (30.2, "°")))}
    polar = {"000": 1, "140": (43_200.0, "s"), "040": (("RHO", (2500.0, "m")), ("TH", (90.0, "°")))}
    ground = air | {"020": ((("TYP", 1), ("DCR", 0), ("CHN", 0), ("GBS", 1), ("CRT", 0), None),)}
    status = {"000": 3, "140": (43_200.0, "s")}
    imported = taken(datagram(10, air, polar, ground, status))
    assert imported.counts == {"category 010": 4}
    assert imported.rejects == {"category 010: on ground": 1}
    _, plot = imported.table.to_pylist()
    assert (plot["range_m"], plot["azimuth_deg"], plot["lat"]) == (2500.0, pytest.approx(90.0, abs=0.01), None)


def test_direction_finders_give_positions_and_bearings() -> None:
    base = {"015": 1, "030": (43_200.0, "s")}
    place = base | {"000": 1, "050": (("LAT", (50.1, "°")), ("LON", (30.2, "°"))), "110": (300.0, "m")}
    system = base | {"000": 2, "080": (123.4, "°")}
    single = base | {"000": 5, "070": (12.3, "°"), "170": 7}
    end = base | {"000": 4}
    imported = taken(datagram(205, place, system, single, end))
    rows = imported.table.to_pylist()
    assert [row["sensor"] for row in rows] == ["25/201", "25/201", "25/201/7"]
    assert [row["azimuth_deg"] for row in rows] == [None, pytest.approx(123.4), pytest.approx(12.3)]
    assert rows[0]["sigma_m"] == 300.0
    assert imported.counts == {"category 205": 4}
    assert not imported.rejects


def test_sensor_status_becomes_health() -> None:
    def status(sic: int, con: int, psr: int) -> dict[str, Any]:
        parts = (("CON", con), ("PSR", psr), ("SSR", 0), ("MDS", 0), ("ADS", 0), ("MLT", 0), None)
        return {"030": (43_200.0, "s"), "050": (("SAC", 25), ("SIC", sic)), "060": (parts,)}

    imported = taken(datagram(63, status(1, 0, 0), status(2, 0, 1), status(3, 3, 0)))
    assert [(one.sensor, one.state) for one in imported.health] == [
        ("25/1", "ok"),
        ("25/2", "degraded"),
        ("25/3", "off"),
    ]
    assert imported.health[1].detail == "PSR not in operation"
    assert imported.health[0].time_us == NOON_US
    assert imported.table.num_rows == 0


@pytest.mark.parametrize("name", ["cat_034_048.pcap", "cat_062_065.pcap", "cat_001_002.pcap"])
def test_a_feed_in_pieces_gives_the_detections_of_the_file(name: str) -> None:
    payloads = udp_payloads((CAPTURES / name).read_bytes(), Counter())
    rejects: Counter[str] = Counter()
    blocks = [block for at, payload in payloads for block in split_datagram(payload, at, rejects)]
    whole = import_blocks(blocks, [], date(2016, 5, 5), rejects)
    stream, parts = AsterixStream([]), []
    live_rejects: Counter[str] = Counter()
    for begin in range(0, len(payloads), 7):
        part = stream.take(payloads[begin : begin + 7])
        live_rejects.update(part.rejects)
        parts += part.table.to_pylist()
    assert live_rejects == whole.rejects

    def key(row: dict[str, Any]) -> str:
        return str({name: value for name, value in row.items() if name != "scan"})

    assert sorted(map(key, parts)) == sorted(map(key, whole.table.to_pylist()))
    seen = [(row["sensor"], row["scan"], row["address"]) for row in parts if row["address"]]
    assert len(set(seen)) >= 0.98 * len(seen)


@pytest.mark.parametrize("markers", [True, False])
def test_a_live_antenna_numbers_turns_as_the_whole_recording_does(markers: bool) -> None:
    rng = np.random.default_rng(5)
    period_s, begun = 4.03, 1.7e9
    azimuth = np.tile(rng.uniform(0, 360, 40), 30)
    turn = np.repeat(np.arange(30), 40)
    time_s = begun + (turn + azimuth / 360.0) * period_s
    order = np.argsort(time_s)
    time_s, azimuth, turn = time_s[order], azimuth[order], turn[order]
    live = LiveAntenna()
    norths = begun + np.arange(31) * period_s
    scans = []
    for begin in range(0, time_s.size, 60):
        part = slice(begin, begin + 60)
        if markers:
            since = time_s[begin - 60] if begin else begun - 2 * period_s
            live.north(norths[(norths <= time_s[part][-1]) & (norths > since - 1.0)], 4.0)
        scans.append(live.number(time_s[part], azimuth[part], 4.0))
    found = np.concatenate(scans)
    settled = turn > 2
    assert np.unique(found[settled] - turn[settled]).size == 1
    whole = antenna_scans(time_s, azimuth, 4.0, norths if markers else np.empty(0))
    assert np.unique(whole[settled] - turn[settled]).size == 1


def test_received_and_time_come_from_the_feed() -> None:
    record = {"140": (43_199.5, "s"), "041": (("LAT", (50.1, "°")), ("LON", (30.2, "°"))), "220": 1}
    table = taken(datagram(20, record)).table
    assert time_us(table["time"]).tolist() == [NOON_US - 500_000]
    assert time_us(table["received"]).tolist() == [NOON_US]
