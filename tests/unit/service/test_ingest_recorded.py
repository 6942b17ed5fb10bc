"""From the socket to the recording: what inputs took is in the frames of the recording, to the last message before a
stop, on a real nats-server."""

import asyncio
import json
import random
import socket
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from ingest_support import until

from perisai.model import Sensor, build
from perisai.recording import PartWriter
from perisai.sensors import Imported, parse_capture
from perisai.sensors.pcap import udp_payloads
from perisai.sensors.reports import parse_reports
from perisai.service.bus import Bus
from perisai.service.ingest.http_reports import HttpReports
from perisai.service.ingest.inputs import Inputs
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.sink import Sink
from perisai.service.ingest.udp import UdpInput
from perisai.service.nats_server import NatsServer
from perisai.service.roles.frames import input_frames
from perisai.service.roles.ingest import Ingest

CAPTURE = Path(__file__).parents[2] / "golden/captures/cat_034_048.pcap"
PAYLOADS = [payload for _, payload in udp_payloads(CAPTURE.read_bytes(), Counter())]
CITIZENS = Sensor(id="citizens", kind="position", lat=50.0, lon=30.0)


async def test_everything_taken_until_the_stop_is_in_a_frame(tmp_path: Path) -> None:
    expected = parse_capture(CAPTURE.read_bytes(), "whole", [], date(2016, 5, 5)).table.num_rows
    rng = random.Random(3)
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        ingest = Ingest(bus, lambda: time.time_ns() // 1000)
        ticking = asyncio.create_task(ingest.run())
        feed = LiveInput(name="feed", kind="asterix", listen="127.0.0.1:0")
        inputs = Inputs([feed], [CITIZENS], ingest)
        reports = HttpReports([CITIZENS], "citizens", ingest)
        inputs.start()
        read = inputs.readers["feed"]
        assert isinstance(read, UdpInput)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for begin in range(0, len(PAYLOADS), 8):
                for payload in PAYLOADS[begin : begin + 8]:
                    out.sendto(payload, ("127.0.0.1", read.port))
                await asyncio.sleep(rng.uniform(0, 0.1))
                if begin == 40:
                    place = {"lat": 50.0, "lon": 30.0}
                    one = {"device": "a", "time": datetime.now(UTC).isoformat(), "place": place}
                    content = json.dumps(one).encode()
                    good, _, rejects = parse_reports(content)
                    await reports.accept(good, rejects, len(content), "1")
        ticking.cancel()
        await inputs.stop()
        await ingest.close()
        writer = PartWriter(tmp_path / "recording", "detections")
        async with asyncio.timeout(20):
            async for sequence, frame in input_frames(bus, 0):
                writer.add(sequence, frame.table)
                if writer.rows >= expected + 1 and sequence == await bus.last_sequence("INPUT"):
                    break
        assert writer.rows == expected + 1 == ingest.accepted
        assert inputs.states()[0].detections == expected


async def test_a_bus_that_dies_on_the_way_loses_nothing_of_what_was_taken(tmp_path: Path) -> None:
    expected = parse_capture(CAPTURE.read_bytes(), "whole", [], date(2016, 5, 5)).table.num_rows
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        ingest = Ingest(bus, lambda: time.time_ns() // 1000)
        inputs = Inputs([LiveInput(name="feed", kind="asterix", listen="127.0.0.1:0")], [CITIZENS], ingest)
        inputs.start()
        read = inputs.readers["feed"]
        assert isinstance(read, UdpInput)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for payload in PAYLOADS[:40]:
                out.sendto(payload, ("127.0.0.1", read.port))
            await until(lambda: inputs.states()[0].detections > 0)
            process = server._process
            assert process is not None
            process.kill()  # the server is started again by itself
            for payload in PAYLOADS[40:]:
                out.sendto(payload, ("127.0.0.1", read.port))
                await asyncio.sleep(0.003)
        await until(lambda: inputs.states()[0].detections == expected, 40)
        await inputs.stop()
        rows = 0
        await ingest.close()
        async with asyncio.timeout(20):
            async for _, frame in input_frames(bus, 0):
                rows += frame.table.num_rows
                if rows >= expected:
                    break
        assert rows == expected


async def test_more_than_a_message_of_the_bus_holds_is_stored_in_parts(tmp_path: Path) -> None:
    rows = 70_000
    now_us = time.time_ns() // 1000
    names = ("lat", "lon", "alt_m", "range_m", "azimuth_deg", "sigma_m", "ve_mps", "vn_mps")
    floats = dict.fromkeys(names, np.full(rows, 1.5))
    columns = {"time": np.full(rows, now_us), "sensor": ["25/201"] * rows, "address": ["3c6444"] * rows, **floats}
    settings = LiveInput(name="feed", kind="asterix", listen="127.0.0.1:0")
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        ingest = Ingest(bus, lambda: now_us)
        kept = Sink(settings, ingest)
        async with asyncio.timeout(30):
            await kept.put(Imported(build("detections", columns)))
        assert kept.state.detections == rows == ingest.accepted
        assert await bus.last_sequence("INPUT") == 4
