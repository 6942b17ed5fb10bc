"""kill -9 of a SAPIENT server in the middle of numbered reports: what its sockets gave is on the bus, each once."""

import asyncio
import os
import random
import signal
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from ingest_support import Store, ended, sink, until
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage
from test_ingest_spool import counted, found, in_hand, ingest, orderly

from perisai.sensors.sapient import FusionNode, frame
from perisai.service.bus import Bus
from perisai.service.ingest import node_line
from perisai.service.ingest import spool as spools
from perisai.service.ingest.sapient_server import SapientInput
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.spool import Spool
from perisai.service.nats_server import NatsServer

GIVEN: dict[str, Any] = {"name": "net", "kind": "sapient", "listen": "127.0.0.1:0"}
NODE, ULID = "6b1c9f0e-3c5d-4f0e-9a53-1d8f0a4c7be2", "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEGREES = {"coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M", "datum": "LOCATION_DATUM_WGS84_E"}
REGION = {"locationUnits": DEGREES["coordinateSystem"], "locationDatum": DEGREES["datum"]}
MODE = {
    "modeName": "default",
    "modeType": "MODE_TYPE_DEFAULT",
    "settleTime": {"units": "TIME_UNITS_SECONDS", "value": 1},
    "task": {"regionDefinition": {"regionType": ["REGION_TYPE_IGNORE"], "regionArea": [REGION]}},
}
REGISTRATION = {
    "nodeDefinition": [{"nodeType": "NODE_TYPE_RADAR"}],
    "icdVersion": "BSI Flex 335 v2.0",
    "shortName": "radar-7",
    "capabilities": [{"category": "radar", "type": "range"}],
    "statusDefinition": {"statusInterval": {"units": "TIME_UNITS_SECONDS", "value": 60}},
    "modeDefinition": [MODE],
    "configData": [{"manufacturer": "none", "model": "test"}],
}


def message(**content: Any) -> bytes:
    envelope = {"timestamp": "2026-01-01T12:00:00Z", "nodeId": NODE}
    return frame(ParseDict(envelope | content, SapientMessage()).SerializeToString())


def report(number: int) -> bytes:
    place = {"x": 30.6, "y": 50.4, "z": 300, **DEGREES}
    return message(detectionReport={"reportId": ULID, "objectId": ULID, "id": f"N{number:06d}", "location": place})


def connected(port: int) -> socket.socket:
    """A node that is registered."""
    line = socket.create_connection(("127.0.0.1", port), 20)
    line.sendall(message(registration=REGISTRATION))
    size = struct.unpack("<I", line.recv(4, socket.MSG_WAITALL))[0]
    answer = SapientMessage.FromString(line.recv(size, socket.MSG_WAITALL))
    assert answer.registration_ack.acceptance, answer
    return line


async def test_what_came_while_a_batch_was_being_stored_outlives_a_kill(tmp_path: Path) -> None:
    """The bus takes nothing from the first report on: all of them are between the socket and the recording then."""
    reports = [report(number) for number in range(600)]
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        assert server.pid is not None
        async with ingest(server.url, tmp_path, GIVEN) as (_, port):
            line = await asyncio.to_thread(connected, port)
            await asyncio.sleep(0.3)
            before = counted(tmp_path)
            os.kill(server.pid, signal.SIGSTOP)
            try:
                for one in reports:
                    await asyncio.to_thread(line.sendall, one)
                await until(lambda: counted(tmp_path) - before == sum(map(len, reports)))
                await asyncio.sleep(0.05)  # the last chunk is between counter and file
            finally:
                line.close()
        os.kill(server.pid, signal.SIGCONT)
        async with ingest(server.url, tmp_path, GIVEN) as (child, _):
            await orderly(child)
        addresses = await found(bus)
    assert {n: addresses[f"N{n:06d}"] for n in range(600) if addresses[f"N{n:06d}"] != 1} == {}


async def test_kills_in_the_middle_of_the_stream(tmp_path: Path) -> None:
    """At most the chunk in hand is missing, and nothing is there twice."""
    rng, sent, read, chunks = random.Random(7), 0, list[range](), list[int]()
    size = len(report(0))
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        for kill in (True, False):
            first = sent
            async with ingest(server.url, tmp_path, GIVEN) as (child, port):
                line = await asyncio.to_thread(connected, port)
                await asyncio.sleep(0.1)
                before, enough = counted(tmp_path), rng.randrange(300, 600) * size
                while counted(tmp_path) - before < enough:
                    line.sendall(report(sent) + report(sent + 1))
                    sent += 2
                    await asyncio.sleep(0.001)
                if not kill:
                    await until(lambda b=before, n=sent - first: counted(tmp_path) - b == n * size)
                    await orderly(child)
            line.close()
            read.append(range(first, first + (counted(tmp_path) - before) // size))
            chunks.append(1 + in_hand(tmp_path) // size if kill else 0)
            assert 300 <= len(read[-1]) <= sent - first
        addresses = await found(bus)
    for numbers, chunk in zip(read, chunks, strict=True):
        missing = [number for number in numbers if f"N{number:06d}" not in addresses]
        assert len(missing) <= chunk
        assert missing == list(numbers)[len(numbers) - len(missing) :]
    assert {address: times for address, times in addresses.items() if times > 1} == {}


async def test_nodes_are_known_again_long_after_they_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments with the registration are gone; a report that no bus has taken is that of a node all the same."""
    monkeypatch.setattr(spools, "SEGMENT_BYTES", 500)
    settings, store = LiveInput(**GIVEN), Store()
    read = SapientInput(settings, sink(settings, store), FusionNode(), Spool(tmp_path))
    running = asyncio.create_task(read.run())
    await read.listening.wait()
    line = await asyncio.to_thread(connected, read.port)
    for number in range(20):
        line.sendall(report(number))
        await until(lambda n=number: len(store.rows) == n + 1)
    first = min(tmp_path.glob("*.spool"))
    assert int(first.stem) > 2
    store.delay_s = 3600.0
    line.sendall(report(20))
    await asyncio.sleep(0.2)
    again = Store()
    again.identities = [store.identities[-1]]
    fusion = FusionNode()
    other = SapientInput(settings, sink(settings, again), fusion, Spool(tmp_path))
    await other._recover()
    assert [row["address"] for row in again.rows if row["address"] == "N000020"] == ["N000020"]
    assert not fusion.nodes[NODE].registered  # the connection ended with the process
    line.close()
    running.cancel()
    for waiting in asyncio.all_tasks() - {asyncio.current_task(), running}:  # the store that never answers
        waiting.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_node_that_is_ahead_of_the_bus_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read ahead is bounded, is stored in the end, and the node is never cut off for it."""
    monkeypatch.setattr(node_line, "UNSTORED_BYTES", 10_000)
    settings, store = LiveInput(**GIVEN), Store(delay_s=1.0)
    kept = sink(settings, store)
    read = SapientInput(settings, kept, FusionNode(), Spool(tmp_path))
    running = asyncio.create_task(read.run())
    await read.listening.wait()
    line = await asyncio.to_thread(connected, read.port)
    reports = b"".join(report(number) for number in range(30_000))
    sending = asyncio.create_task(asyncio.to_thread(line.sendall, reports))
    await asyncio.sleep(0.8)
    assert not sending.done()
    assert kept.state.bytes < 10_000 + 2 * 262_144 + 1_000
    store.delay_s = 0.0
    await until(lambda: store.tables and store.table.num_rows == 30_000, 60)
    await sending
    line.close()
    await ended(running)
    assert store.table["address"].to_pylist() == [f"N{n:06d}" for n in range(30_000)]
