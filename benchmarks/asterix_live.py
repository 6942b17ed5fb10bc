"""How many ASTERIX records a second one core takes off a UDP socket and stores as detections on the bus.

    .venv/bin/python benchmarks/asterix_live.py [--json]

A process of its own sends data blocks of category 048, eight records each, at a pace; this one reads them with the
live input of the service (socket, decoder, detections table) and stores them on a real nats-server. Counted is this
process's own processor time, all its threads: records per processor second is what one core takes. The bar is
100,000; nothing may be lost at the pace sent.
"""

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from perisai.sensors.asterix import AsterixStream
from perisai.service.bus import Bus
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.sink import Sink
from perisai.service.ingest.spool import Spool
from perisai.service.ingest.udp import UdpInput
from perisai.service.nats_server import NatsServer
from perisai.service.roles.ingest import Ingest

sys.path.insert(0, str(Path(__file__).parent))
from asterix_decoding import RECORDS_A_BLOCK, traffic

RECORDS = 400_000
PACE_PER_S = 100_000
BLOCKS_A_STEP = 64


class Nowhere:
    """Takes the place of the ingest role where the bus is not measured."""

    async def accept(self, source: str, table: Any, identity: str) -> int:
        return table.num_rows

    async def last(self, source: str) -> str:
        return ""


def send(port: int) -> None:
    """Send the traffic at the pace; said in a process of its own."""
    blocks = traffic(RECORDS)
    datagrams = [bytes([48]) + (3 + len(b.records)).to_bytes(2, "big") + b.records for b in blocks]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        print("ready", flush=True)
        sys.stdin.readline()
        begun, sent = time.monotonic(), 0
        for begin in range(0, len(datagrams), BLOCKS_A_STEP):
            for datagram in datagrams[begin : begin + BLOCKS_A_STEP]:
                out.sendto(datagram, ("127.0.0.1", port))
            sent += BLOCKS_A_STEP * RECORDS_A_BLOCK
            time.sleep(max(0.0, begun + sent / PACE_PER_S - time.monotonic()))


async def receive(ingest: Any, spool: Spool | None = None) -> dict[str, float]:
    settings = LiveInput(name="feed", kind="asterix", listen="127.0.0.1:0", max_messages_per_s=1e6)
    sink = Sink(settings, ingest)
    read = UdpInput(settings, sink, AsterixStream([]), spool)
    # One block first, so that kernels are compiled before the clock runs.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        block = traffic(RECORDS_A_BLOCK)[0].records
        running = asyncio.create_task(read.run())
        out.sendto(bytes([48]) + (3 + len(block)).to_bytes(2, "big") + block, ("127.0.0.1", read.port))
        while sink.state.detections < 1:
            await asyncio.sleep(0.05)
    sender = subprocess.Popen(
        [sys.executable, __file__, "--send", str(read.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert sender.stdin is not None and sender.stdout is not None
    await asyncio.to_thread(sender.stdout.readline)
    cpu_s, wall_s, before = time.process_time(), time.monotonic(), sink.state.messages
    sender.stdin.write(b"\n")
    sender.stdin.flush()
    while sender.poll() is None:
        await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    records = (sink.state.messages - before) * RECORDS_A_BLOCK
    spent_s = time.process_time() - cpu_s
    return {
        "records": records,
        "lost_datagrams": sink.state.lost,
        "wall_s": round(time.monotonic() - wall_s, 2),
        "records_per_core_s": round(records / spent_s),
    }


async def measure() -> dict[str, Any]:
    result: dict[str, Any] = {"to_table": await receive(Nowhere())}
    with tempfile.TemporaryDirectory() as directory:
        async with NatsServer(Path(directory)) as server, Bus(server.url) as bus:
            ingest = Ingest(bus, lambda: time.time_ns() // 1000)
            result["to_bus"] = await receive(ingest)
            result["to_spool_and_bus"] = await receive(ingest, Spool(Path(directory) / "spool"))
    return result


if __name__ == "__main__":
    if "--send" in sys.argv:
        send(int(sys.argv[-1]))
    else:
        found = asyncio.run(measure())
        print(json.dumps(found) if "--json" in sys.argv else json.dumps(found, indent=2))
