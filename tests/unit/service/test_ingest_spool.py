"""kill -9 of an ingest in the middle of a numbered stream: what its socket gave is on the bus, each number once."""

import asyncio
import json
import os
import random
import signal
import socket
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import structlog
from ingest_support import Store, sink

from perisai.sensors.sbs import SbsStream
from perisai.service.bus import DETECTIONS, Bus
from perisai.service.ingest import spool as spools
from perisai.service.ingest.pump import Pump
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.spool import Spool
from perisai.service.mqtt_broker import MqttBroker
from perisai.service.nats_server import NatsServer

CHILD = Path(__file__).parents[2] / "support/spool_child.py"
LINE = "MSG,3,1,1,{:06X},1,2026/01/01,14:00:01.500,2026/01/01,14:00:01.600,,37000,,,52.5,4.9,,,0,0,0,0\r\n"


@asynccontextmanager
async def ingest(
    url: str, directory: Path, given: dict[str, Any]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A running ingest and its port; killed at the end."""
    count = directory / "count"
    if not count.exists():
        count.write_bytes(bytes(16))
    arguments = (url, str(directory / "spool"), str(count), json.dumps(given))
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        word, port = (await asyncio.wait_for(child.stdout.readline(), 60)).split()
        assert word == b"ready"
        yield child, int(port)
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
        await child.wait()


async def orderly(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    child.stdin.write(b"\n")
    assert await asyncio.wait_for(child.wait(), 30) == 0


def counted(directory: Path) -> int:
    return struct.unpack("QQ", (directory / "count").read_bytes())[0]


def in_hand(directory: Path) -> int:
    """Bytes of the last chunk that was read, which a kill may have met before it was in the file."""
    return struct.unpack("QQ", (directory / "count").read_bytes())[1]


async def found(bus: Bus) -> Counter[str]:
    """The addresses of all detections on the bus."""
    last, addresses = await bus.last_sequence("INPUT"), Counter[str]()
    async with asyncio.timeout(30):
        async for message in bus.follow("INPUT"):
            if message.subject.startswith(DETECTIONS):
                addresses.update(message.table()["address"].to_pylist())
            if message.sequence >= last:
                break
    return addresses


async def test_udp(tmp_path: Path) -> None:
    """At most the one datagram that is just between the socket and the file may be missing."""
    rng, sent, taken = random.Random(5), 0, []
    given = {"name": "ids", "kind": "remote_id", "sensor": "roof", "listen": "127.0.0.1:0"}
    size = len(_seen(0))
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for kill in (True, False):
                first = sent
                before = counted(tmp_path) if sent else 0
                async with ingest(server.url, tmp_path, given) as (child, port):
                    enough = before + rng.randrange(200, 400) * size
                    while counted(tmp_path) < enough and sent < first + 5_000:
                        out.sendto(_seen(sent), ("127.0.0.1", port))
                        sent += 1
                        if sent % 10 == 0:
                            await asyncio.sleep(0.004)
                    if not kill:
                        await orderly(child)
                read = (counted(tmp_path) - before) // size
                assert 200 <= read <= sent - first
                taken += range(first, first + read - kill)
        addresses = await found(bus)
    assert [n for n in taken if f"N{n:06d}" not in addresses] == []
    assert {address: times for address, times in addresses.items() if times > 1} == {}


def _seen(number: int) -> bytes:
    place = {"lat": 50.45, "lon": 30.52, "alt_m": 120, "speed": 10, "direction": 90}
    mac = ":".join(f"{byte:02x}" for byte in number.to_bytes(6, "big"))
    return json.dumps({"mac": mac, "uas_id": f"N{number:06d}"} | place).encode()


async def test_tcp(tmp_path: Path) -> None:
    """A receiver's stream: every byte that was read counts, up to the chunk in hand; a message cut in two as well."""
    sent = 0
    kill, pause = asyncio.Event(), False

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while not writer.is_closing() and not pause:
            for _ in range(7):
                writer.write(LINE.format(sent).encode())
                sent += 1
            try:
                await writer.drain()
            except OSError:
                return
            if sent > 3_000 and counted(tmp_path) > 100_000:
                kill.set()
            await asyncio.sleep(0.002)

    receiver = await asyncio.start_server(serve, "127.0.0.1", 0)
    given = {"name": "sbs", "kind": "sbs", "connect": f"127.0.0.1:{receiver.sockets[0].getsockname()[1]}"}
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        async with ingest(server.url, tmp_path, given):
            await asyncio.wait_for(kill.wait(), 40)
        read, first = counted(tmp_path) // len(LINE.format(0)), sent
        chunk = 1 + in_hand(tmp_path) // len(LINE.format(0))
        pause = True
        async with ingest(server.url, tmp_path, given) as (child, _):
            await orderly(child)
        addresses = await found(bus)
    assert 1_000 < read <= first
    missing = [n for n in range(read) if f"{n:06x}" not in addresses]
    assert len(missing) <= chunk and all(n >= read - len(missing) - 1 for n in missing)
    assert {address: times for address, times in addresses.items() if times > 1} == {}


async def test_mqtt(tmp_path: Path) -> None:
    """The broker keeps what the bus has not got: nothing that it acknowledged to the sender is lost."""
    async with (
        NatsServer(tmp_path / "bus") as server,
        Bus(server.url) as bus,
        MqttBroker(tmp_path, "127.0.0.1", 0) as broker,
        aiomqtt.Client("127.0.0.1", broker.port) as client,
    ):
        given = {
            "name": "ids",
            "kind": "remote_id",
            "sensor": "roof",
            "broker": f"127.0.0.1:{broker.port}",
            "topic": "ids",
        }
        async with ingest(server.url, tmp_path, given):
            for number in range(120):
                await client.publish("ids", _seen(number), qos=1)
        for number in range(120, 150):
            await client.publish("ids", _seen(number), qos=1)
        async with ingest(server.url, tmp_path, given) as (child, _):
            async with asyncio.timeout(30):
                while len(addresses := await found(bus)) < 150:
                    await asyncio.sleep(0.2)
            await orderly(child)
    assert set(addresses) == {f"N{n:06d}" for n in range(150)}


async def test_fsync_is_on_the_disk_before_the_bus_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch: all bytes of it written, then brought to the disk, then stored; a new file's name as well."""
    settled, disk = list[tuple[str, int]](), {"write": 0, "fsync": 0}

    def settle(file: int) -> None:
        settled.append((os.readlink(f"/proc/self/fd/{file}"), os.fstat(file).st_size))

    monkeypatch.setattr(os, "fdatasync", settle)
    monkeypatch.setattr(os, "fsync", settle)
    settings = LiveInput(name="sbs", kind="sbs", connect="127.0.0.1:1")
    for mode in ("write", "fsync"):
        store, spool = Store(), Spool(tmp_path / mode, mode)  # type: ignore[arg-type]
        told, at_accept = list[int](), store.accept

        async def accept(source: str, table: Any, identity: str, take: Any = at_accept, told: list[int] = told) -> int:
            told.append(len(settled))
            return await take(source, table, identity)

        monkeypatch.setattr(store, "accept", accept)
        pump = Pump(sink(settings, store), SbsStream("adsb", 1.0), spool=spool)
        for number in range(3):
            pump.offer(1_767_225_600_000_000 + number, LINE.format(number).encode())
            await pump.flush()
            path = next((tmp_path / mode).glob("*.spool"))
            if mode == "fsync":
                assert settled[-1] == (str(path), path.stat().st_size)
                assert told[-1] == len(settled)
        disk[mode] = len(settled)
        assert store.table.num_rows == 3
    assert disk == {"write": 0, "fsync": 5}
    assert [Path(name) for name, _ in settled[:2]] == [tmp_path / "fsync", tmp_path]


async def test_a_disk_that_fails_to_settle_is_told_once_and_loses_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "no disk")

    monkeypatch.setattr(os, "fdatasync", fail)
    settings = LiveInput(name="sbs", kind="sbs", connect="127.0.0.1:1")
    store = Store()
    pump = Pump(sink(settings, store), SbsStream("adsb", 1.0), spool=Spool(tmp_path, "fsync"))
    with structlog.testing.capture_logs() as logs:
        for number in range(3):
            pump.offer(1_767_225_600_000_000 + number, LINE.format(number).encode())
            await pump.flush()
    assert store.table.num_rows == 3
    assert [entry["log_level"] for entry in logs] == ["error"]


def test_segments_come_and_go_and_a_torn_end_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "SEGMENT_BYTES", 100)
    spool = Spool(tmp_path)
    for number in range(1, 30):
        spool.append(number, bytes([number]) * 30)
        spool.append(number, b"y")
        assert spool.cut() == number
        spool.done(number)
    assert len(list(tmp_path.glob("*.spool"))) <= spools.KEPT + 1
    spool.append(30, b"whole")
    spool.append(31, b"torn")
    newest = max(tmp_path.glob("*.spool"))
    newest.write_bytes(newest.read_bytes()[:-2])
    for _ in range(2):  # a process that is killed while it recovers
        again = Spool(tmp_path)
        batches = list(again.recover())
        assert again.name == spool.name
        assert batches[-1] == (30, [(30, b"whole")])
        assert [number for number, _ in batches] == list(range(batches[0][0], 31))
        assert all(chunks == [(n, bytes([n]) * 30), (n, b"y")] for n, chunks in batches[:-1])
    again.append(40, b"z")
    assert again.cut() == 31


async def test_a_disk_that_takes_nothing_does_not_stop_the_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    settings = LiveInput(name="sbs", kind="sbs", connect="127.0.0.1:1")
    store = Store()
    pump = Pump(sink(settings, store), SbsStream("adsb", 1.0), spool=Spool(tmp_path / "file" / "x"))
    pump.offer(1_767_225_600_000_000, LINE.format(1).encode())
    await pump.flush()
    assert store.table.num_rows == 1
