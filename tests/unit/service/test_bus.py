"""The bus on a real nats-server: order, identity, going on behind a sequence, state kept; and clear faults."""

import asyncio
import socket

import numpy as np
import pytest

from perisai.model import ResourceError, build
from perisai.service.bus import Bus, State
from perisai.service.nats_server import NatsServer
from perisai.service.roles.frames import input_frames
from perisai.service.roles.ingest import Ingest

END_US = 1_757_200_001_000_000


def _batch(*offsets_us):
    times = np.array([END_US + offset for offset in offsets_us], dtype=np.int64)
    return build("detections", {"time": times, "received": times, "sensor": ["a"] * len(times)})


async def _take(frames, count):
    got = []
    async with asyncio.timeout(10):
        async for item in frames:
            got.append(item)
            if len(got) == count:
                return got
    raise AssertionError("the stream ended")


async def test_frames_are_the_same_for_all_and_nothing_counts_twice(tmp_path):
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        ingest = Ingest(bus, lambda: END_US)
        await ingest.accept("north", _batch(-900_000, -100_000), "1")
        await ingest.accept("north", _batch(-900_000, -100_000), "1")
        await ingest.tick(END_US)
        await ingest.tick(END_US)
        await ingest.accept("south", _batch(-5_000_000, 300_000), "7")
        await ingest.tick(END_US + 1_000_000)
        first = await _take(input_frames(bus, 0), 2)
        assert [frame.table.num_rows for _, frame in first] == [2, 2]
        late = first[1][1].table["received"].to_pylist()
        assert min(late) > first[0][1].table["received"].to_pylist()[-1]
        behind_first = await _take(input_frames(bus, first[0][0]), 1)
        assert behind_first[0][1].table.equals(first[1][1].table)


async def test_a_second_one_on_the_same_files_leaves_the_first_alone(tmp_path):
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        first = server.pid
        with pytest.raises(ResourceError, match=rf"{tmp_path}: another perisai works in this directory"):
            async with NatsServer(tmp_path):
                pass
        assert (server.pid, server.restarts) == (first, 0)
        await bus.save_state("tracker", State(1, b"still there"))
        assert await bus.load_state("tracker") == State(1, b"still there")
    async with NatsServer(tmp_path) as server:
        assert server.pid


async def test_state_and_messages_outlive_the_server(tmp_path):
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        await bus.save_state("tracker", State(41, b"\x00" * 3_000_000))
        await bus.save_state("tracker", State(42, b"state", {"TRACKS": 7}))
        await bus.publish("perisai.alerts", b"{}", "alert-1", END_US)
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        assert await bus.load_state("tracker") == State(42, b"state", {"TRACKS": 7})
        assert await bus.load_state("alerter") is None
        (message,) = await _take(bus.follow("ALERTS"), 1)
        assert (message.end_us, message.data) == (END_US, b"{}")


async def test_a_port_in_use_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ResourceError, match=r"did not start.*in use"):
            async with NatsServer(tmp_path, port=taken.getsockname()[1]):
                pass


async def test_no_server_is_told():
    with pytest.raises(ResourceError, match="no NATS server answers"):
        async with Bus("nats://127.0.0.1:9"):
            pass
