"""Two recorders at once, each into a directory of its own: when one dies nothing is missing, and it catches up."""

import asyncio

import msgspec

from perisai.model import Alert, AlertChange
from perisai.recording import CONFIG_FILE, Recording
from perisai.service.bus import Bus
from perisai.service.nats_server import NatsServer
from perisai.service.roles.recorder import Recorder
from perisai.service.tasks import end


def change(number):
    alert = Alert(
        identifier=f"alert-{number}", area="A0", level="alarm", threat="drone", start_us=number, end_us=None,
        eta_s=60.0, probability=0.9, tracks=(1,), reason="a drone",
    )  # fmt: skip
    return msgspec.json.encode(AlertChange("raised", alert, number))


async def test_what_one_recorder_misses_the_other_has(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (first, second):
        directory.mkdir()
        (directory / CONFIG_FILE).write_text("{}")  # which the house writes
    async with NatsServer(tmp_path / "bus") as server, Bus(server.url) as bus:

        async def say(numbers):
            for number in numbers:
                await bus.publish("perisai.alerts", change(number), f"alert-{number}", number)

        async def has_all(recorder):
            async with asyncio.timeout(20):
                while not await recorder.has_all():
                    await asyncio.sleep(0.02)

        dies, stays = Recorder(bus, first), Recorder(bus, second)
        working = [asyncio.create_task(one.run()) for one in (dies, stays)]
        await say(range(1, 20))
        await has_all(dies)
        dies.flush()
        await say(range(20, 30))
        await has_all(dies)
        await end(working[:1])  # as kill -9 leaves it: what was not flushed is gone from its memory
        await say(range(30, 40))
        await has_all(stays)
        stays.flush()
        assert _recorded(second) == list(range(1, 40))
        assert _recorded(first) == list(range(1, 20))

        again = Recorder(bus, first)
        working.append(asyncio.create_task(again.run()))
        await has_all(again)
        again.flush()
        await end(working)
        assert _recorded(first) == _recorded(second)


def _recorded(directory):
    return sorted(Recording(directory).table("changes")["at"].cast("int64").to_pylist())
