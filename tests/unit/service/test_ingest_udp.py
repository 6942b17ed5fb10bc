"""ASTERIX over UDP: everything that a socket took reaches the store, also when it ends, and limits count."""

import asyncio
import socket
import time
from collections import Counter
from datetime import date
from pathlib import Path

from ingest_support import Store, ended, sink, until

from perisai.sensors import parse_capture
from perisai.sensors.asterix import AsterixStream
from perisai.sensors.pcap import udp_payloads
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.udp import UdpInput

CAPTURE = Path(__file__).parents[2] / "golden/captures/cat_034_048.pcap"
PAYLOADS = [payload for _, payload in udp_payloads(CAPTURE.read_bytes(), Counter())]


def _input(store: Store, **more: object) -> UdpInput:
    settings = LiveInput(name="feed", kind="asterix", **({"listen": "127.0.0.1:0"} | more))  # type: ignore[arg-type]
    return UdpInput(settings, sink(settings, store), AsterixStream([]))


def _send(port: int, payloads: list[bytes], host: str = "127.0.0.1") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for payload in payloads:
            out.sendto(payload, (host, port))


async def test_what_is_sent_arrives_as_from_the_capture() -> None:
    store = Store()
    read = _input(store)
    running = asyncio.create_task(read.run())
    _send(read.port, PAYLOADS)
    expected = parse_capture(CAPTURE.read_bytes(), "whole", [], date(2016, 5, 5))
    await until(lambda: store.table.num_rows >= expected.table.num_rows)
    await ended(running)
    assert store.table.num_rows == expected.table.num_rows
    assert store.table["range_m"].to_pylist() == expected.table["range_m"].to_pylist()
    assert read._sink.rejects == expected.rejects
    assert read._sink.state.messages == len(PAYLOADS)


async def test_a_multicast_group_is_joined() -> None:
    store = Store()
    read = _input(store, listen="0.0.0.0:0", group="239.7.7.7", interface="127.0.0.1")
    running = asyncio.create_task(read.run())
    _send(read.port, PAYLOADS[:20], "239.7.7.7")
    await until(lambda: read._sink.state.messages >= 20)
    await ended(running)
    assert store.table.num_rows > 0


async def test_what_the_kernel_holds_when_the_input_ends_is_stored() -> None:
    store = Store(delay_s=0.3)
    read = _input(store)
    running = asyncio.create_task(read.run())
    await asyncio.sleep(0)
    _send(read.port, PAYLOADS)  # the loop has not read one of them when it is told to end
    await ended(running)
    assert read._sink.state.messages == len(PAYLOADS)
    assert store.table.num_rows == read._sink.state.detections > 0
    assert len(set(store.identities)) == len(store.identities)


async def test_size_and_rate_are_limited_and_counted() -> None:
    store = Store()
    read = _input(store, max_message_bytes=60, max_messages_per_s=2.0)
    running = asyncio.create_task(read.run())
    small = [payload for payload in PAYLOADS if len(payload) <= 60][:40]
    begun = time.monotonic()
    _send(read.port, [b"x" * 61, *small])
    state, rejects = read._sink.state, read._sink.rejects
    await until(lambda: state.messages + rejects["too many messages"] == len(small))
    took_s = time.monotonic() - begun
    await ended(running)
    assert rejects["too large"] == 1
    assert 4 <= state.messages <= 5 + 2.0 * took_s


async def test_a_full_pump_stops_the_reading_and_loses_nothing(monkeypatch) -> None:
    monkeypatch.setattr("perisai.service.ingest.pump.FULL_BYTES", 2000)
    store = Store(delay_s=0.05)
    read = _input(store)
    pauses: list[bool] = []
    pause = read._pump._pause
    read._pump._pause = lambda: (pauses.append(read._reading), pause())[0]
    running = asyncio.create_task(read.run())
    for begin in range(0, len(PAYLOADS), 10):
        _send(read.port, PAYLOADS[begin : begin + 10])
        await asyncio.sleep(0.01)
    await until(lambda: read._sink.state.messages == len(PAYLOADS))
    await ended(running)
    assert pauses
    assert store.table.num_rows == read._sink.state.detections > 0


async def test_datagrams_that_the_kernel_dropped_are_counted(monkeypatch) -> None:
    monkeypatch.setattr("perisai.service.ingest.udp.KERNEL_BYTES", 4096)
    store = Store()
    read = _input(store)
    running = asyncio.create_task(read.run())
    await asyncio.sleep(0.05)
    _send(read.port, [b"\x30" + bytes(1400)] * 200)
    await asyncio.sleep(0.2)
    _send(read.port, PAYLOADS[:1])  # the kernel tells its count with the next datagram
    await until(lambda: read._sink.state.lost > 0)
    await ended(running)
    assert read._sink.state.messages + read._sink.state.lost == 201
