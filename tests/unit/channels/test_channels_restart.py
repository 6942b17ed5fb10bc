"""Exactly once: a channel started again repeats nothing that was delivered and loses no alarm raised meanwhile."""

import asyncio
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path

import msgspec
from channels_house import centre, until
from channels_support import SECRET, START_US, an_alert, messages, squares
from post_peers import serving

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.webhook import Webhook
from perisai.service.bus import Bus
from perisai.service.channels.store import ChannelStore
from perisai.service.nats_server import NatsServer

AREAS = squares(6)
NOW_US = START_US + 1_000_000


def told(endpoint) -> Counter:
    """Messages by address and identifier."""
    return Counter((path, json.loads(body)["identifier"]) for path, _, body in endpoint.came)


def reached(endpoint) -> set:
    return {(path, headers["webhook-id"]) for path, headers, _ in endpoint.came}


async def test_what_was_delivered_is_not_repeated_and_what_was_raised_while_down_is_told(tmp_path):
    writer = CapWriter(AREAS, CapSettings())
    async with serving() as (endpoint, url), NatsServer(tmp_path) as nats:
        hooks = [Webhook(url=f"{url}/a", secret=SECRET), Webhook(url=f"{url}/b", secret=SECRET, areas=("A1", "A2"))]
        started = {"now_us": NOW_US, "bus_url": nats.url}
        async with centre(tmp_path, AREAS, *hooks, **started) as house:
            bus_words = messages(AREAS, an_alert("A0"), an_alert("A1"), writer=writer)
            await house.say(bus_words)
            await until(lambda: house.outlet("webhook").count.messages == 3)
        endpoint.answers["/b"] = [503] * 50
        async with centre(tmp_path, AREAS, *hooks, **started) as house:
            await house.say(messages(AREAS, an_alert("A2"), writer=writer))
            await until(lambda: endpoint.answers["/b"] and len(endpoint.answers["/b"]) < 49)
            await until(lambda: ("/a", "A2.alarm") in told(endpoint))
            await asyncio.sleep(0.5)
        endpoint.answers.clear()
        endpoint.came = [one for one in endpoint.came if one[0] == "/a" or b"A2.alarm" not in one[2]]
        async with centre(tmp_path, AREAS, *hooks, **started) as house:
            await until(lambda: ("/b", "A2.alarm") in told(endpoint))
            await asyncio.sleep(0.5)
        expected = {("/a", "A0.alarm"), ("/a", "A1.alarm"), ("/b", "A1.alarm"), ("/a", "A2.alarm"), ("/b", "A2.alarm")}
        assert told(endpoint) == dict.fromkeys(expected, 1)


async def test_an_alarm_raised_while_the_channels_were_down_is_told_and_one_that_ran_out_is_not(tmp_path):
    writer = CapWriter(AREAS, CapSettings())
    async with serving() as (endpoint, url), NatsServer(tmp_path) as nats:
        hook = Webhook(url=f"{url}/a", secret=SECRET)
        async with centre(tmp_path, AREAS, now_us=NOW_US, bus_url=nats.url) as house:
            await house.say(messages(AREAS, an_alert("A0"), writer=writer))
            (late,) = messages(AREAS, an_alert("A1", start_us=START_US + 1_700_000_000), at_s=1700)
            await house.say([late])
            await until(lambda: house.outlet("cap_feed").message("A1.alarm"))
        after_us = START_US + 1_900_000_000
        async with centre(tmp_path, AREAS, hook, now_us=after_us, bus_url=nats.url) as house:
            await until(lambda: endpoint.came)
            await asyncio.sleep(0.3)
            assert house.outlet("cap_feed").message("A0.alarm") is None
            assert house.outlet("cap_feed").message("A1.alarm") == late.xml
        assert told(endpoint) == {("/a", "A1.alarm"): 1}


LONELY = """
import asyncio, sys
from pathlib import Path
from channels_house import centre
from channels_support import SECRET, squares
from perisai.channels.webhook import Webhook
directory, bus_url, url, count, now_us = sys.argv[1:]
hooks = [Webhook(url=f"{url}/{i}", secret=SECRET) for i in range(int(count))]
async def main():
    async with centre(Path(directory), squares(6), *hooks, now_us=int(now_us), bus_url=bus_url):
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_kill_in_the_middle_loses_nobody_and_repeats_only_what_was_not_yet_noted(tmp_path):
    count, identifiers = 400, []

    def on_disk(url: str) -> set[tuple[str, str]]:
        """Who is noted as told of what."""
        with contextlib.closing(ChannelStore(tmp_path / "channels.sqlite")) as store:
            one_by_one = {(n, end.removeprefix(url)) for n, ends in store.settled("webhook").items() for end in ends}
            whole = {(n + 1, f"/{i}") for n in range(store.cursor("webhook")) for i in range(count)}
        return {(path, identifiers[n - 1]) for n, path in one_by_one | whole}

    async with serving() as (endpoint, url), NatsServer(tmp_path) as nats:
        async with Bus(nats.url) as bus:
            for message in messages(AREAS, an_alert("A0"), an_alert("A1")):
                identifiers.append(message.identifier)
                await bus.publish("perisai.cap", msgspec.msgpack.encode(message), f"cap-{message.identifier}")
        command = [sys.executable, "-c", LONELY, str(tmp_path), nats.url, url, str(count), str(NOW_US)]
        noted: set[tuple[str, str]] = set()
        for enough in (count, 2 * count):
            process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2] / "support")
            try:
                await until(lambda enough=enough: len(reached(endpoint)) >= enough, 100)
                noted = noted or await until(lambda: on_disk(url))
            finally:
                process.kill()
                await process.wait()
        times = told(endpoint)
        assert len(times) == 2 * count
        assert {headers["webhook-id"] for _, headers, _ in endpoint.came} == set(identifiers)
        assert noted
        assert {times[one] for one in noted} == {1}


async def test_a_message_of_another_version_stops_nothing(tmp_path):
    async with centre(tmp_path, AREAS, now_us=NOW_US) as house:
        await house.bus.publish("perisai.cap", b"\x93\x01\x02\x03", "odd")
        await house.say(messages(AREAS, an_alert("A0")))
        await until(lambda: house.outlet("cap_feed").message("A0.alarm"))


async def test_a_retry_gives_way_to_the_all_clear(tmp_path):
    writer = CapWriter(AREAS, CapSettings())
    async with serving() as (endpoint, url):
        endpoint.answers["/a"] = [503]
        endpoint.headers["Retry-After"] = "1"
        async with centre(tmp_path, AREAS, Webhook(url=f"{url}/a", secret=SECRET), now_us=NOW_US) as house:
            await house.say(messages(AREAS, an_alert("A0"), writer=writer))
            await until(lambda: endpoint.came)
            await house.say(messages(AREAS, an_alert("A0"), writer=writer, kind="ended", at_s=60))
            await until(lambda: len(endpoint.came) == 2)
            await asyncio.sleep(1.5)
        levels = [json.loads(body)["level"] for _, _, body in endpoint.came]
        assert levels == ["alarm", "clear"]
