"""Hot standby: one works, the next takes over in time, and a role done twice says nothing twice."""

import asyncio
import time

import pytest

from perisai.service import lease
from perisai.service.bus import Bus
from perisai.service.lease import TTL_S, work_by_lease
from perisai.service.nats_server import NatsServer
from perisai.service.outbox import Outbox
from perisai.service.tasks import end

TAKE_OVER_S = 3.0


async def test_the_standby_takes_over_within_three_seconds_and_only_then(tmp_path, monkeypatch):
    working: list[tuple[str, float]] = []

    def work(name):
        async def forever():
            working.append((name, time.monotonic()))
            await asyncio.Event().wait()

        return forever

    async with NatsServer(tmp_path) as server, Bus(server.url) as first, Bus(server.url) as second:
        holder = asyncio.create_task(work_by_lease(first, "alerter", work("first")))
        while not working:
            await asyncio.sleep(0.01)
        standby = asyncio.create_task(work_by_lease(second, "alerter", work("second")))
        await asyncio.sleep(2 * TTL_S)
        assert [name for name, _ in working] == ["first"], "while it is renewed the lease stays"
        # As kill -9 leaves it: no renewal any more, and nothing given back.
        died = time.monotonic()
        await first._client.close()  # pyright: ignore[reportOptionalMemberAccess]
        while len(working) < 2:
            await asyncio.sleep(0.01)
        assert working[1][0] == "second"
        assert working[1][1] - died < TAKE_OVER_S
        await end([holder, standby])


async def test_what_a_role_raises_frees_its_lease(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "TTL_S", 3600.0)  # the store forgets none of itself while this runs

    async def fail():
        raise ValueError("a defect")

    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        for _ in range(2):  # the second finds it free
            with pytest.raises(ValueError, match="a defect"):
                await asyncio.wait_for(work_by_lease(bus, "tracker", fail), 60)


async def test_work_done_twice_adds_nothing_even_after_the_bus_has_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr("perisai.service.bus.DUPLICATES_S", 0.2)
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        outbox = Outbox(bus, ("ALERTS",))
        await outbox.resume({})
        for number in range(5):
            await outbox.publish("ALERTS", "perisai.alerts", b"{}", f"alert-{number}", number)
        await asyncio.sleep(0.5)
        again = Outbox(bus, ("ALERTS",))
        await again.resume({"ALERTS": 2})  # from a checkpoint behind the second
        for number in range(2, 7):
            await again.publish("ALERTS", "perisai.alerts", b"{}", f"alert-{number}", number)
        assert await bus.last_sequence("ALERTS") == again.heads["ALERTS"] == 7
    assert lease.LOST_S < lease.TTL_S
