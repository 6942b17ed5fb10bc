"""Every capture held against decoders that others wrote (oracle_sensors.py keeps how the figures were made)."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from perisai.geodesy import distance_m
from perisai.model import floats, time_us
from perisai.sensors import Imported, read_capture

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"
SHARED = HERE.parents[2] / "shared/data"
ASTERIX = json.loads((HERE / "sensors_asterix.json").read_text())["files"]
MODES = json.loads((HERE / "sensors_modes.json").read_text())["files"]
DAY = date(2016, 5, 5)


def accounted(imported: Imported, of: tuple[str, ...]) -> int:
    """Records that came out as a detection or as a reject of these kinds."""
    return imported.table.num_rows + sum(n for reason, n in imported.rejects.items() if reason.startswith(of))


@pytest.mark.parametrize("name", sorted(ASTERIX))
def test_asterix_counts_equal_those_of_an_independent_decoder(name: str) -> None:
    imported = read_capture(CAPTURES / name, day=DAY)
    assert imported.counts == Counter(ASTERIX[name]["counts"])
    targets = [record for record in ASTERIX[name]["records"] if record["category"] in (1, 21, 48, 62)]
    assert accounted(imported, tuple(f"category {c:03d}" for c in (1, 21, 48, 62))) == len(targets)
    assert not any(reason.startswith(("asterix", "pcap")) for reason in imported.rejects)


@pytest.mark.parametrize("name", ["cat048.raw", "cat_034_048.pcap", "cat_001_002.pcap"])
def test_plots_have_the_range_azimuth_and_address_of_an_independent_decoder(name: str) -> None:
    table = read_capture(CAPTURES / name, day=DAY).table
    ours = {
        (sensor, round(r, 3), round(az, 6), address)
        for sensor, r, az, address in zip(
            *(table[column].to_pylist() for column in ("sensor", "range_m", "azimuth_deg", "address")), strict=True
        )
    }
    theirs = {
        (
            f"{r['sac']}/{r['sic']}",
            round(r["rho_nm"] * 1852, 3),
            round(r["theta_deg"], 6),
            r.get("address", "").lower() or None,
        )
        for r in ASTERIX[name]["records"]
        if ("rho_nm" in r and r["type"] != 0) or r["category"] == 1
    }
    assert ours == theirs
    assert len(ours) == table.num_rows, "a plot sent on two lines counts once"


@pytest.mark.parametrize("name", ["cat062cat065.raw", "cat_062_065.pcap"])
def test_system_tracks_have_the_place_and_speed_of_an_independent_decoder(name: str) -> None:
    table = read_capture(CAPTURES / name, day=DAY).table
    theirs = [record for record in ASTERIX[name]["records"] if record["category"] == 62]
    for column, key in (("lat", "lat"), ("lon", "lon"), ("ve_mps", "vx_mps"), ("vn_mps", "vy_mps")):
        np.testing.assert_allclose(np.sort(floats(table[column])), sorted(r[key] for r in theirs), atol=1e-5)
    of_day = (time_us(table["time"]) / 1e6) % 86400
    np.testing.assert_allclose(np.sort(of_day), sorted(r["time_of_day_s"] for r in theirs), atol=1e-5)


def test_times_of_day_take_their_date_from_the_packets_or_from_the_day_given() -> None:
    packets = read_capture(CAPTURES / "cat_034_048.pcap").table
    late_s = (time_us(packets["received"]) - time_us(packets["time"])) / 1e6
    assert ((late_s > 0) & (late_s < 3)).all()
    raw = read_capture(CAPTURES / "cat048.raw", day=DAY).table
    assert raw["time"][0].as_py() == datetime(2016, 5, 5, 7, 35, 54, 601562, UTC)
    old = read_capture(CAPTURES / "cat_001_002.pcap").table
    late_s = (time_us(old["received"]) - time_us(old["time"])) / 1e6
    assert ((late_s > 0) & (late_s < 5)).all(), "times modulo 512 s are set beside the packet's"


@pytest.mark.parametrize("name", sorted(MODES))
def test_mode_s_counts_equal_those_of_an_independent_decoder(name: str) -> None:
    path = CAPTURES / name if (CAPTURES / name).exists() else SHARED / "formats/adsb" / name
    if not path.exists():
        pytest.skip("the whole recording is not here; its cut is tested")
    imported = read_capture(path)
    assert imported.counts == Counter(MODES[name]["counts"])
    squitters = imported.counts["DF17 BDS05"] + imported.counts["DF17 BDS06"]
    assert (
        accounted(imported, ("modes: on ground", "modes: position without", "modes: position not plausible"))
        == squitters
    )
    # pyModeS holds the first positions of an aircraft back until they agree with one another.
    assert imported.table.num_rows == pytest.approx(MODES[name]["positions"], rel=0.015)
    by_time = {}
    for row in imported.table.select(["time", "address", "lat", "lon", "alt_m"]).to_pylist():
        by_time.setdefault((round(row["time"].timestamp(), 3), row["address"]), []).append(row)
    missing = 0
    for seconds, address, lat, lon, alt_ft in MODES[name].get("samples", []):
        rows = by_time.get((round(seconds, 3), address))
        if rows is None:
            missing += 1
            continue
        assert min(distance_m(lat, lon, row["lat"], row["lon"]) for row in rows) < 10.0
        assert alt_ft is None or any(abs(row["alt_m"] - alt_ft * 0.3048) < 0.1 for row in rows)
    assert missing <= 0.03 * len(MODES[name].get("samples", []))


def test_state_vectors_in_si_and_each_position_once() -> None:
    imported = read_capture(CAPTURES / "opensky_cut.csv.gz")
    assert imported.counts == {"state vector": 2000}
    assert accounted(imported, ("state",)) == 2000
    keys = list(zip(imported.table["address"].to_pylist(), imported.table["time"].to_pylist(), strict=True))
    assert len(set(keys)) == len(keys)
    # The first row of the file: 254.65 m/s towards 99.65 degrees at a geometric height of 10,843.26 m.
    row = imported.table.to_pylist()[imported.table["address"].to_pylist().index("3c4591")]
    assert row["alt_m"] == pytest.approx(10843.26)
    assert (row["ve_mps"], row["vn_mps"]) == pytest.approx((251.0487, -42.6989), abs=1e-3)
    assert row["time"] == datetime(2021, 7, 12, 13, 59, 58, 996000, UTC)


def test_recorded_flights_in_si() -> None:
    table = read_capture(CAPTURES / "switzerland_cut.json.gz").table
    assert table.num_rows == 8966
    assert len(set(table["address"].to_pylist())) == 114
    speed = np.hypot(floats(table["ve_mps"]), floats(table["vn_mps"]))
    assert 100 < np.nanmedian(speed) < 260
    assert 3_000 < np.nanmedian(floats(table["alt_m"])) < 13_000
    # The velocity agrees with how the positions move.
    one = table.filter(np.array(table["address"].to_pylist()) == table["address"][0].as_py())
    lat, t = floats(one["lat"]), time_us(one["time"]) / 1e6
    vn = np.diff(lat) * 111_195 / np.diff(t)
    assert np.nanmedian(np.abs(vn - floats(one["vn_mps"])[1:])) < 12


@pytest.mark.parametrize("name", sorted(path.name for path in CAPTURES.iterdir()))
def test_no_object_is_twice_in_a_scan(name: str) -> None:
    table = read_capture(CAPTURES / name, day=DAY).table
    rows = [
        row
        for row in zip(*(table[c].to_pylist() for c in ("sensor", "scan", "address")), strict=True)
        if row[2] is not None
    ]
    assert len(set(rows)) == len(rows)


def test_the_whole_recording_over_switzerland() -> None:
    path = SHARED / "traffic/switzerland.json.gz"
    if not path.exists():
        pytest.skip("the whole recording is not here; its cut is tested")
    imported = read_capture(path)
    assert imported.table.num_rows == 139_098
    assert len(set(imported.table["address"].to_pylist())) == 842
    assert imported.rejects.total() == 0
