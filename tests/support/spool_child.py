"""An ingest of its own process, to be killed: inputs and bus as in the service, and a count of what the sockets gave.

Arguments: address of the bus; directory of the spools; file of the count; input as JSON. The count is a memory map,
written before anything else is done with a chunk, so it outlives the kill; behind it the size of the last chunk.
"""

import asyncio
import json
import mmap
import struct
import sys
import time
from pathlib import Path

import structlog

from perisai.model import Sensor
from perisai.service.bus import Bus
from perisai.service.ingest.inputs import Inputs, LiveReader
from perisai.service.ingest.mqtt import MqttInput
from perisai.service.ingest.node_line import NodeLine
from perisai.service.ingest.pump import Pump
from perisai.service.ingest.sapient_server import SapientInput
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.tcp_client import TcpInput
from perisai.service.ingest.udp import UdpInput
from perisai.service.roles.ingest import Ingest

SENSORS = [Sensor(id="roof", kind="remote_id", lat=50.4, lon=30.5), Sensor(id="adsb", kind="modes", lat=50.4, lon=30.5)]


def counting(path: Path) -> None:
    """Let every pump, and every connection of a node, count the bytes that it is offered."""
    with path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 16)
    offer = Pump.offer

    received = NodeLine.data_received

    def add(size: int) -> None:
        shared[:] = struct.pack("QQ", struct.unpack("QQ", shared[:])[0] + size, size)

    def counted(self: Pump, received_us: int, data: bytes, *more: object) -> None:
        add(len(data))
        offer(self, received_us, data, *more)  # type: ignore[arg-type]

    def counted_of_a_node(self: NodeLine, data: bytes) -> None:
        add(len(data))
        received(self, data)

    Pump.offer = counted  # type: ignore[method-assign]
    NodeLine.data_received = counted_of_a_node  # type: ignore[method-assign]


def reading(read: LiveReader) -> bool:
    """Whether an input has recovered, and takes what comes."""
    if isinstance(read, MqttInput):
        return read.subscribed.is_set()
    if isinstance(read, SapientInput):
        return read.listening.is_set()
    return read.connections > 0 if isinstance(read, TcpInput) else isinstance(read, UdpInput) and read._reading


async def main(url: str, spools: str, count: str, given: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    counting(Path(count))
    async with Bus(url) as bus:
        ingest = Ingest(bus, lambda: time.time_ns() // 1000)
        inputs = Inputs([LiveInput(**json.loads(given))], SENSORS, ingest, Path(spools))
        tasks = inputs.start()
        read = next(iter(inputs.readers.values()))
        while not reading(read):
            await asyncio.sleep(0.01)
        print("ready", getattr(read, "port", 0), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await inputs.stop()
        assert all(task.done() for task in tasks)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
