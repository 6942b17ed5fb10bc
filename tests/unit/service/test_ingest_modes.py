"""Beast and BaseStation streams of a receiver that nobody here wrote, dump1090 (Debian: dump1090-mutability), fed with
the recorded frames; and the streams' own ways to fail."""

import asyncio
import contextlib
import gzip
import json
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ingest_support import Store, ended, sink, until

from perisai.sensors import parse_capture
from perisai.sensors.beast import BeastStream, import_beast, split
from perisai.sensors.sbs import SbsStream, import_sbs
from perisai.service.ingest import tcp_client
from perisai.service.ingest.gate import Pace
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.tcp_client import TcpInput

CAPTURE = Path(__file__).parents[2] / "golden/captures/sample_data_adsb.csv.gz"
LINES = [line.split(",")[:2] for line in gzip.decompress(CAPTURE.read_bytes()).decode().splitlines() if "," in line]
TIMED = [(float(time), frame.strip().strip('"')) for time, frame in LINES]
FRAMES = [frame for _, frame in TIMED]
TRAFFIC = CAPTURE.parent / "tutorial_cut.jsonl.gz"
DAY = date(2026, 1, 1)
PROGRAM = "dump1090-mutability"


def beast_message(frame: bytes, ticks: int, kind: bytes = b"3") -> bytes:
    body = ticks.to_bytes(6, "big") + b"\x40" + frame
    return b"\x1a" + kind + body.replace(b"\x1a", b"\x1a\x1a")


@cache
def program() -> str:
    """The receiver's program; installed where the tests run as root, else the test is skipped and says so."""
    found = shutil.which(PROGRAM)
    if found is None:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", PROGRAM]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["apt-get", "update", "-q"], capture_output=True, timeout=90, check=False)
            subprocess.run(command, capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
        found = shutil.which(PROGRAM)
    if found is None:
        pytest.skip(f"no {PROGRAM} here, and it could not be installed (Debian package)")
    return found


@pytest.fixture
def receiver() -> Iterator[dict[str, int]]:
    """A running receiver without a radio: its ports for raw frames in, Beast out and BaseStation out."""
    path = program()
    ports = dict(zip(("raw_in", "raw_out", "sbs", "beast_in", "beast"), _free_ports(5), strict=True))
    command = [path, "--net-only", "--quiet", "--net-bind-address", "127.0.0.1", "--net-http-port", "0"]
    command += ["--net-ri-port", str(ports["raw_in"]), "--net-ro-port", str(ports["raw_out"]), "--net-ro-interval", "0"]
    command += ["--net-sbs-port", str(ports["sbs"]), "--net-bi-port", str(ports["beast_in"])]
    command += ["--net-bo-port", str(ports["beast"]), "--net-ro-size", "0", "--no-fix"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield ports
    finally:
        process.kill()
        process.wait(10)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@pytest.mark.oracle
async def test_a_real_receiver_is_read_in_both_of_its_streams(receiver: dict[str, int], monkeypatch) -> None:
    monkeypatch.setattr(tcp_client, "FIRST_WAIT_S", 0.1)
    stores = {"beast": Store(), "sbs": Store()}
    running, inputs = [], {}
    for kind, stream in (("beast", BeastStream("adsb", 1.0)), ("sbs", SbsStream("adsb", 1.0))):
        settings = LiveInput(name=kind, kind=kind, connect=f"127.0.0.1:{receiver[kind]}")  # type: ignore[arg-type]
        inputs[kind] = TcpInput(settings, sink(settings, stores[kind]), stream)
        running.append(asyncio.create_task(inputs[kind].run()))
    await until(lambda: all(one.connections for one in inputs.values()))
    _, writer = await _connected(receiver["raw_in"])
    others = [json.loads(line)["frame"] for line in gzip.decompress(TRAFFIC.read_bytes()).splitlines()[:1200]]
    frames = [frame for pair in zip(FRAMES, others, strict=False) for frame in pair]
    for begin in range(0, len(frames), 80):
        writer.write("".join(f"*{frame};\n" for frame in frames[begin : begin + 80]).encode())
        await writer.drain()
        await asyncio.sleep(0.02)
    await until(lambda: all(store.table.num_rows > 20 for store in stores.values()), 40)
    await asyncio.sleep(0.5)
    writer.close()
    for task in running:
        await ended(task)
    mine = pa.concat_tables(parse_capture(path.read_bytes(), "frames", [], DAY).table for path in (CAPTURE, TRAFFIC))
    addresses = set(mine["address"].to_pylist())
    for kind, store in stores.items():
        table = store.table
        assert set(table["address"].to_pylist()) == addresses, kind
        assert inputs[kind]._sink.rejects["sbs: line is no message"] == 0
        assert inputs[kind]._sink.rejects["beast: bytes that are no message"] == 0
        for address in set(table["address"].to_pylist()):
            ours, theirs = _places(mine, address), _places(table, address)
            apart = np.hypot(*(theirs[:, None, :] - ours[None, :, :]).transpose(2, 0, 1)).min(axis=1)
            assert np.median(apart) < 2e-3, (kind, address)


def _places(table, address: str) -> np.ndarray:
    rows = [row for row in table.to_pylist() if row["address"] == address]
    return np.array([(row["lat"], row["lon"]) for row in rows])


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)


async def test_a_receiver_that_goes_away_is_connected_to_again(monkeypatch) -> None:
    monkeypatch.setattr(tcp_client, "FIRST_WAIT_S", 0.05)
    stream = b"".join(beast_message(bytes.fromhex(frame), 12_000 * k) for k, frame in enumerate(FRAMES[:400]))
    pieces = [stream[:3001], stream[3001:7777], stream[7777:]]
    served = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        if served < len(pieces):
            writer.write(pieces[served])
            served += 1
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = LiveInput(name="again", kind="beast", connect=f"127.0.0.1:{port}")
    store = Store()
    client = TcpInput(settings, sink(settings, store), BeastStream("adsb", 1.0))
    running = asyncio.create_task(client.run())
    await until(lambda: client.connections >= 3 and client._sink.state.bytes == len(stream))
    await ended(running)
    server.close()
    whole = BeastStream("adsb", 1.0).take([(1_767_225_600_000_000, stream)])
    assert store.table.num_rows == whole.table.num_rows > 10


def test_a_stream_above_its_limit_is_read_more_slowly() -> None:
    pace = Pace(100.0)
    assert pace.wait_s(150, 1000.0) == 0.0
    assert pace.wait_s(150, 1000.0) == pytest.approx(1.0)
    assert pace.wait_s(0, 1001.0) == pytest.approx(0.0)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_messages_come_whole_out_of_any_pieces(size: int) -> None:
    frames = [frame for frame in FRAMES[:300] if len(frame) == 28]
    stream = b"junk" + b"".join(
        beast_message(bytes.fromhex(frame), 0x1A1A00000000 + k) for k, frame in enumerate(frames)
    )
    stream += beast_message(b"\x12\x34", 5, b"1") + beast_message(bytes(14), 5, b"4") + b"\x1a\xe3" + bytes(8)
    found: list[str] = []
    rest, counts, rejects = b"", Counter[str](), Counter[str]()
    for begin in range(0, len(stream), size):
        _, new, rest = split(rest + stream[begin : begin + size], counts, rejects)
        found += new
    assert found == [frame.lower() for frame in frames]
    assert counts == {"beast Mode A/C": 1, "beast status": 1, "beast receiver": 1}
    assert set(rejects) == {"beast: bytes that are no message"}


@pytest.mark.parametrize("gps", [False, True])
def test_the_counter_of_a_recording_tells_its_times(gps: bool) -> None:
    made = b""
    for time_s, frame in TIMED:
        since = time_s - TIMED[0][0]
        day_s = since + 43_200.0
        ticks = (int(day_s) << 30) + int(day_s % 1 * 1e9) if gps else int(since * 12e6) + 99
        made += beast_message(bytes.fromhex(frame), ticks, b"3" if len(frame) == 28 else b"2")
    imported = parse_capture(made, "made", [], DAY)
    expected = parse_capture(CAPTURE.read_bytes(), "frames", [], DAY)
    assert imported.table.num_rows == expected.table.num_rows
    assert imported.table["lat"].to_pylist() == expected.table["lat"].to_pylist()
    at = imported.table["time"].cast("int64").to_numpy() - expected.table["time"].cast("int64").to_numpy()
    assert np.ptp(at) < 5
    begins = np.datetime64("2026-01-01T12:00") if gps else np.datetime64("2026-01-01T00:00")
    first = imported.table["time"].to_pylist()[0].replace(tzinfo=None)
    assert 0 <= (np.datetime64(first) - begins) / np.timedelta64(1, "s") < 60
    assert import_beast(made[:-3], "adsb", 1.0, DAY).rejects["beast: message cut off"] == 1


SBS = (
    b"MSG,4,1,1,4840D6,1,2026/01/01,14:00:00.000,2026/01/01,14:00:00.100,,,450,90.0,,,-640,,,,,0\r\n"
    b"MSG,3,1,1,4840D6,1,2026/01/01,14:00:01.500,2026/01/01,14:00:01.600,,37000,,,52.5,4.9,,,0,0,0,0\r\n"
    b"MSG,2,1,1,4840D7,1,2026/01/01,14:00:01.500,2026/01/01,14:00:01.600,,0,,,52.5,4.9,,,0,0,0,-1\r\n"
    b"MSG,3,1,1,4840D6,1,2026/01/01,14:00:02.500,2026/01/01,14:00:02.600,,37000,,,,,,,0,0,0,0\r\n"
    b"STA,,5,179,400AE7,10103,2026/01/01,14:00:02.000,2026/01/01,14:00:02.000,RM\r\nrubbish\r\n"
)


def test_basestation_lines_give_positions_with_the_velocity_told_before() -> None:
    imported = import_sbs(SBS, "adsb", 1.0)
    (row,) = imported.table.to_pylist()
    assert (row["lat"], row["lon"], row["address"]) == (52.5, 4.9, "4840d6")
    assert row["alt_m"] == pytest.approx(37_000 * 0.3048)
    assert (row["ve_mps"], row["vn_mps"]) == (pytest.approx(231.5), pytest.approx(0, abs=1e-9))
    assert row["time"].isoformat() == "2026-01-01T14:00:01.500000+00:00"
    assert imported.rejects == {"sbs: on ground": 1, "sbs: no position": 1, "sbs: line is no message": 1}
    assert parse_capture(SBS, "file", [], DAY).table == imported.table


def test_a_receivers_local_time_is_set_beside_the_receipt() -> None:
    received_us = 1_767_268_802_000_000  # 12:00:02 UTC; the receiver's clock shows 14:00
    stream = SbsStream("adsb", 1.0)
    parts = [stream.take([(received_us, SBS[begin : begin + 11])]) for begin in range(0, len(SBS), 11)]
    (row,) = [row for part in parts for row in part.table.to_pylist()]
    assert row["time"].isoformat() == "2026-01-01T12:00:01.500000+00:00"
