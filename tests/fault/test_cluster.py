"""A cluster of three loses its leader, then is parted: nothing acknowledged is lost, nothing comes twice, alerts go on.

The load is the one published for ARTAS, 2,000 reports/s of 30 radars, as batches on INPUT with a tick each second; two
followers stand for tracker and alerter (one message a frame each, without their stages), so that what is timed is the
bus: from the end of a frame, through three streams of three copies, to its alert. `python tests/fault/test_cluster.py
MINUTES` runs longer.
"""

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from cluster import Cluster

from perisai.model import build, table_bytes
from perisai.service.bus import DETECTIONS, TICK, Bus
from perisai.service.bus_settings import BusSettings
from perisai.service.tasks import end

RADARS, REPORTS_PER_S = 30, 2_000
CALM_S, FAULT_S = 4.0, 11.0
SETTLE_S = 60.0
SETTINGS = BusSettings(replicas=3)


class Load:
    """Radars that publish, each its batch a second, and remember what was acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.told_s: dict[int, float] = {}
        self.longest_s = 0.0
        rows = REPORTS_PER_S // RADARS
        rng = np.random.default_rng(1)
        columns = {"time": np.arange(rows), "range_m": 1e5 * rng.random(rows), "azimuth_deg": 360 * rng.random(rows)}
        self._batch = table_bytes(build("detections", columns | {"sensor": ["radar"] * rows}))

    async def radar(self, bus: Bus, number: int) -> None:
        """Publish until cancelled; like a sensor, what comes while it waits for an answer goes out afterwards."""
        begun, sent = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begun + sent + number / RADARS - time.monotonic()))
            identity, at_s = f"r{number}-{sent}", time.monotonic()
            await bus.publish(f"{DETECTIONS}.r{number}", self._batch, identity)
            self.acknowledged.add(identity)
            self.longest_s = max(self.longest_s, time.monotonic() - at_s)
            sent += 1

    async def ticks(self, bus: Bus) -> None:
        """A tick at the end of each second, not before the one before is stored."""
        frame = 0
        begun = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, begun + frame - time.monotonic()))
            frame += 1
            self.told_s[frame] = begun + frame - 1  # when the frame ended, not when the bus took it
            await bus.publish(TICK, b"", f"tick-{frame}", frame)
            self.acknowledged.add(f"tick-{frame}")


async def relay(bus: Bus, stream: str, subject: str, out: str) -> None:
    """What a role does on the bus: a message for each frame of the stream before."""
    async for message in bus.follow(stream, 0, subject):
        if message.end_us:
            await bus.publish(out, b"x" * 20_000, f"{out}-{message.end_us}", message.end_us)


async def hear(bus: Bus, heard_s: dict[int, float], twice: list[int]) -> None:
    async for message in bus.follow("ALERTS", 0):
        if message.end_us in heard_s:
            twice.append(message.end_us)
        heard_s[message.end_us] = time.monotonic()


async def leader(bus: Bus, stream: str) -> int:
    """The node that leads a stream."""
    info = await bus._js.stream_info(stream)
    assert info.cluster is not None and info.cluster.leader
    return int(info.cluster.leader.removeprefix("n"))


async def connected(url: str) -> Bus:
    """A bus once the cluster has elected its leaders."""
    async with asyncio.timeout(SETTLE_S):
        while True:
            bus = Bus(url, SETTINGS)
            try:
                return await bus.__aenter__()
            except Exception:
                await bus.__aexit__()
                await asyncio.sleep(0.5)


async def raid(directory: Path, calm_s: float) -> dict[str, float]:
    """Calm, the leader of INPUT killed and started again, calm, its next leader parted from all, and calm again."""
    load, heard_s, twice = Load(), {}, []
    async with Cluster(directory) as cluster, contextlib.AsyncExitStack() as stack:
        buses = []
        for _ in range(5):
            buses.append(await connected(cluster.url))
            stack.push_async_exit(buses[-1].__aexit__)
        front, tracker, alerter, listener, ask = buses
        sources = [asyncio.create_task(load.radar(front, number)) for number in range(RADARS)]
        sources.append(asyncio.create_task(load.ticks(front)))
        roles = [
            asyncio.create_task(relay(tracker, "INPUT", TICK, "perisai.tracks")),
            asyncio.create_task(relay(alerter, "TRACKS", "perisai.tracks", "perisai.alerts")),
            asyncio.create_task(hear(listener, heard_s, twice)),
        ]
        await asyncio.sleep(calm_s)
        node = await leader(ask, "INPUT")
        cluster.signal(node, signal.SIGKILL)
        await asyncio.sleep(FAULT_S)
        cluster.start(node)
        await asyncio.sleep(calm_s)
        node = await leader(ask, "INPUT")
        cluster.signal(node, signal.SIGSTOP)
        await asyncio.sleep(FAULT_S)
        cluster.signal(node, signal.SIGCONT)
        await asyncio.sleep(calm_s)
        assert not [task for task in sources + roles if task.done()], "all go on"
        await end(sources)
        async with asyncio.timeout(SETTLE_S):
            while len(heard_s) < sum(name.startswith("tick") for name in load.acknowledged):
                await asyncio.sleep(0.1)
        await end(roles)
        stored = await ask.identities("INPUT", 0, await ask.last_sequence("INPUT"))
        held = (await ask._js.stream_info("INPUT")).state.messages
    lost = load.acknowledged - stored
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged messages lost: {sorted(lost)[:5]}"
    assert held == len(stored), "each is stored once"
    assert not twice, "no alert comes twice"
    late_s = np.array([heard_s[frame] - at for frame, at in load.told_s.items() if frame in heard_s])
    return {
        "acknowledged": len(load.acknowledged), "alerts": late_s.size,
        "median_s": float(np.median(late_s)), "p99_s": float(np.quantile(late_s, 0.99)),
        "longest_s": float(late_s.max()), "longest_without_answer_s": load.longest_s,
    }  # fmt: skip


@pytest.mark.timeout(280)
async def test_the_cluster_loses_its_leader_and_is_parted_and_nothing_else(tmp_path):
    """Latency is judged by the soak: here the machine may have other work."""
    result = await raid(tmp_path, CALM_S)
    print(result)
    assert result["acknowledged"] > 300 and result["alerts"] > 10


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        result = asyncio.run(raid(Path(directory), 20 * float(sys.argv[1] if len(sys.argv) > 1 else 10)))
    print({name: round(value, 3) for name, value in result.items()})
    if result["p99_s"] >= 6.0:
        raise SystemExit("alert latency p99 of 6 s not kept")


if __name__ == "__main__":
    main()
