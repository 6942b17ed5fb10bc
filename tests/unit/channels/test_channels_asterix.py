"""ASTERIX out: decoded by libasterix; golden readings by tshark 4.0.17 and PyPI asterix-decoder 0.7.11."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asterix import base, generated
from channels_house import centre, some_tracks, until
from channels_support import START_US, squares
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.channels import cat065
from perisai.channels.cat062 import CODES, DEGREES, Cat062Encoder, blocks
from perisai.channels.cat062_settings import Cat062Settings
from perisai.model import STATUSES, THREATS

GOLDEN = Path(__file__).parents[2] / "golden" / "cat062.json"
ROWS = some_tracks(
    START_US + 500_000,
    *(7, 70_000, 9, 10),
    status=["tentative", "coasting", "ended", "confirmed"],
    lat=[50.4, -48.1, 50.0, None],
    lon=[30.5, -37.2, -0.001, 30.0],
    alt_m=[300.0, None, 80_000.0, 0.0],
    vu_mps=[1.0, None, -1_500.0, 0.0],
    v_ee=[4.0, None, 1e9, 1.0],
    v_nn=[9.0, None, 1e9, 1.0],
    address=[None, "4BA912", "REMOTE-ID-77", None],
    sensors=[["a"], ["a", "b"], [], ["a"]],
)


def encoded(exercise=True) -> bytes:
    return b"".join(blocks(62, Cat062Encoder(25, 2, 3, exercise=exercise).records(ROWS), 1400))


def status() -> bytes:
    records = [cat065.status(25, 2, 3, START_US, degraded=True), cat065.end_of_batch(25, 2, 3, START_US, 265)]
    return b"".join(blocks(65, records, 1400))


def read(data: bytes) -> list[Any]:
    """Records of data blocks, by the newest edition of each category that libasterix knows."""
    records = []
    while data:
        length = int.from_bytes(data[1:3], "big")
        uap = generated.manifest["CATS"][data[0]][-1].cv_uap
        found = uap.parse(base.Bits.from_bytes(data[3:length]))
        assert not isinstance(found, ValueError), found
        records += found
        data = data[length:]
    return records


@pytest.mark.oracle
def test_every_edition_that_libasterix_knows_reads_the_records():
    for category, data in ((62, encoded()), (65, status())):
        for edition in generated.manifest["CATS"][category]:
            records = edition.cv_uap.parse(base.Bits.from_bytes(data[3:]))
            assert not isinstance(records, ValueError), (edition, records)
            assert len(records) == {62: 3, 65: 2}[category]


def test_the_bytes_are_those_that_independent_decoders_read():
    golden = json.loads(GOLDEN.read_text())
    assert encoded().hex() == golden["cat062"]["bytes"]
    assert status().hex() == golden["cat065"]["bytes"]


def test_what_independent_decoders_read_is_what_was_meant():
    """asterix-decoder's reading of these bytes (tests/golden/cat062.json); tshark's agrees item by item there."""
    golden = json.loads(GOLDEN.read_text())
    one, two, three = golden["cat062"]["asterix_decoder"]
    assert (one["I010.SAC"], one["I010.SIC"], one["I015.SID"], one["I070.ToT"]) == (25, 2, 3, 0.5)
    assert one["I105.Lat"] == pytest.approx(50.4, abs=DEGREES)
    assert two["I105.Lon"] == pytest.approx(-37.2, abs=DEGREES)
    assert (one["I185.Vx"], one["I185.Vy"]) == (-50.0, 20.0)
    assert (one["I040.TrkN"], two["I040.TrkN"]) == (7, 70_000 - 65_536)
    assert (one["I245.TId"], two["I380.ADR"]) == ("DRN00007", "4BA912")
    assert "I380.ADR" not in three
    assert [row["I080.CNF"] for row in (one, two, three)] == [1, 0, 0]
    assert [row["I080.MON"] for row in (one, two, three)] == [1, 0, 0]
    assert [row["I080.SIM"] for row in (one, two, three)] == [1, 1, 1]
    assert [row["I080.TSE"] for row in (one, two, three)] == [0, 0, 1]
    assert two["I080.CST"] == 1
    assert one["I130.Alt"] == pytest.approx(300 / 0.3048, abs=6.25)
    assert "I130.Alt" not in two
    assert "I130.Alt" not in three
    assert one["I220.RoC"] == pytest.approx(60 / 0.3048, abs=6.25)
    assert (one["I500.APC_X"], one["I500.APC_Y"], one["I500.COV_XY"]) == (20.0, 30.0, -10.0)
    assert (one["I500.ATV_X"], one["I500.ATV_Y"]) == (2.0, 3.0)
    alive, end = golden["cat065"]["asterix_decoder"]
    assert (alive["I000.Typ"], alive["I040.NOGO"]) == (1, 1)
    assert (end["I000.Typ"], end["I020.BTN"]) == (2, 9)
    for category in ("cat062", "cat065"):
        for ours, theirs in zip(golden[category]["asterix_decoder"], golden[category]["tshark"], strict=True):
            for name, number in theirs.items():
                same = number if isinstance(number, str) else pytest.approx(number, rel=1e-6, abs=1e-6)
                assert ours[name] == same, (category, name)


numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**40),
            st.floats(-90, 90),
            st.floats(-180, 180),
            *([numbers] * 9),
            st.sampled_from(STATUSES),
            st.sampled_from(THREATS),
            st.text(max_size=8),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[0],
    )
)
def test_any_track_gives_records_that_libasterix_reads(rows):
    columns = list(zip(*rows, strict=True))
    names = ("lat", "lon", "alt_m", "ve_mps", "vn_mps", "vu_mps", "p_ee", "p_en", "p_nn", "v_ee", "v_nn")
    given_columns = {name: np.array(column, dtype=float) for name, column in zip(names, columns[1:12], strict=True)}
    kinds = {f"p_{threat}": [float(kind == threat) for kind in columns[13]] for threat in THREATS}
    table = some_tracks(
        START_US, *columns[0], **given_columns, **kinds, status=list(columns[12]), address=list(columns[14])
    )
    encoder = Cat062Encoder(0, 255, 1, exercise=False)
    data = b"".join(blocks(62, encoder.records(table), 300))
    assert len(read(data)) == len(rows)


def test_numbers_on_the_line_stay_apart_and_are_given_back():
    encoder = Cat062Encoder(1, 1, 1, exercise=False)
    list(encoder.records(some_tracks(START_US, 5, 5 + 65_536, 5 + 131_072)))
    assert sorted(number for number, _ in encoder._numbers.values()) == [5, 6, 7]
    list(encoder.records(some_tracks(START_US, 5, status=["ended"])))
    list(encoder.records(some_tracks(START_US, 5 + 196_608)))
    assert encoder._numbers[5 + 196_608][0] == 5
    assert set(CODES) == set(THREATS)


async def test_a_running_centre_sends_batches_and_status_by_multicast_and_unicast(tmp_path):
    group = "239.255.62.62"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as many,
    ):
        for ears in (one, many):
            ears.bind(("127.0.0.1" if ears is one else "", 0))
            ears.setblocking(False)
        many.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
        )
        urls = [f"udp://127.0.0.1:{one.getsockname()[1]}", f"udp://{group}:{many.getsockname()[1]}"]
        channel = [
            Cat062Settings(url=url, interface="127.0.0.1", ttl=0, period_s=0.05, status_s=0.2, sac=25, sic=2)
            for url in urls
        ]
        async with centre(tmp_path, squares(), *channel) as house:
            await until(lambda: house.outlet("cat062-2").connected)
            t = time.time_ns() // 1000
            await house.show(some_tracks(t, *range(1, 101)), t)
            for ears in (one, many):
                found: dict[int, int] = {}
                async with asyncio.timeout(20):
                    while found.get(62, 0) < 100 or found.get(65, 0) < 2:
                        data = await asyncio.get_running_loop().sock_recv(ears, 65_536)
                        assert len(data) <= 1400
                        found[data[0]] = found.get(data[0], 0) + len(read(data))
                assert found[62] == 100
            assert house.outlet("cat062").count.messages >= 4
