"""A siren's relay program against a real broker, through the loss of the broker and of the centre."""

import asyncio
import json
import sys

import aiomqtt
import pytest
from channels_house import until
from channels_support import START_US, an_alert, messages, squares
from hypothesis import given, settings
from hypothesis import strategies as st
from ports import free_port
from test_channels_mqtt import answering, broker, retained

from perisai.alerting import CapSettings, CapWriter
from perisai.channels import siren as siren_module
from perisai.channels.mqtt import MqttChannel
from perisai.channels.mqtt_messages import MqttSettings
from perisai.channels.siren import SirenRelay, SirenState
from perisai.channels.siren_reports import SirenReports, SirenTold

AREAS = squares()
ALARM = b'{"state":"alarm","mode":"actual"}'


PROGRAM = """
import asyncio, sys
from unittest.mock import Mock
from perisai.channels.siren import SirenRelay
asyncio.run(SirenRelay("A1", Mock(), port=int(sys.argv[1])).run())
"""


class Relay:
    """A relay that does not answer the first time."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.faults = 1

    def sound(self) -> None:
        if self.faults:
            self.faults -= 1
            raise OSError("no answer")
        self.done.append("sound")

    def silence(self) -> None:
        self.done.append("silence")


@pytest.mark.oracle
async def test_a_siren_sounds_goes_on_without_its_broker_and_hears_the_all_clear_afterwards(tmp_path):
    port, writer, relay = free_port(), CapWriter(AREAS, CapSettings()), Relay()
    channel = MqttChannel(AREAS, MqttSettings(port=port, retry_s=0.1, max_retry_s=0.2), clock_us=lambda: START_US)
    siren = SirenRelay("A1", relay, port=port)
    tasks = [asyncio.create_task(one.run()) for one in (channel, siren)]
    (first, second) = (tmp_path / "one", tmp_path / "two")
    first.mkdir()
    second.mkdir()
    with broker(first, port):
        await answering(port)
        await until(lambda: relay.done == ["silence"])
        for message in messages(AREAS, an_alert("A1"), an_alert("A2", "watch"), writer=writer):
            channel.push(message)
        await until(lambda: relay.done == ["silence", "sound"])
        await asyncio.sleep(0.3)
        told = json.loads((await retained(port, "perisai/A1/siren/report", 1))["perisai/A1/siren/report"])
        assert told == {"state": "on", "order": channel._state.orders()["A1"], "fault": ""}
    await until(lambda: not channel.connected)
    await asyncio.sleep(1.0)
    assert relay.done == ["silence", "sound"]
    for message in messages(AREAS, an_alert("A1"), writer=writer, kind="ended", at_s=60):
        channel.push(message)
    with broker(second, port):
        await answering(port)
        await until(lambda: relay.done == ["silence", "sound", "silence"])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_an_alarm_outlives_the_line_for_a_while_and_an_exercise_sounds_only_when_wanted():
    siren = SirenState(hold_s=60.0)
    siren.linked(there=True, now_s=0.0)
    siren.hear(ALARM)
    assert siren.sounding(1e6)
    siren.linked(there=False, now_s=10.0)
    siren.linked(there=False, now_s=50.0)
    assert siren.sounding(69.0)
    assert not siren.sounding(70.0)
    siren.linked(there=True, now_s=80.0)
    assert siren.sounding(80.0)
    for exercises in (False, True):
        siren = SirenState(exercises=exercises)
        siren.hear(b'{"state":"alarm","mode":"exercise"}')
        assert siren.sounding(0.0) == exercises


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_noise_changes_nothing(noise):
    siren = SirenState()
    siren.hear(ALARM)
    siren.hear(noise)
    assert siren.sounding(0.0) or siren.rejected == 0


@pytest.mark.oracle
async def test_what_sirens_say_is_read_back(tmp_path, monkeypatch):
    """Two sirens of one area, by our relay program, and one that only knows words; one cannot sound, then can; one is
    cut off."""
    monkeypatch.setattr(siren_module, "REPEAT_S", 0.2)
    port, writer, broken = free_port(), CapWriter(AREAS, CapSettings()), Relay()
    broken.faults = 10**9
    channel = MqttChannel(AREAS, MqttSettings(port=port, retry_s=0.1), clock_us=lambda: START_US)
    relays = [SirenRelay("A1", one, name=name, port=port) for name, one in (("a", Relay()), ("b", broken))]

    def told(name: str, area: str = "A1") -> SirenTold | None:
        return next((one for one in channel.sirens() if (one.area, one.name) == (area, name)), None)

    with broker(tmp_path, port):
        await answering(port)
        tasks = [asyncio.create_task(one.run()) for one in (channel, *relays)]
        await until(lambda: all(one is not None and one.state == "off" and one.follows for one in map(told, "ab")))
        (alarm,) = messages(AREAS, an_alert("A1"), writer=writer)
        channel.push(alarm)
        await until(lambda: (one := told("a")) is not None and one.state == "on" and one.follows is True)
        assert told("a").order == alarm.identifier
        await until(lambda: told("b").fault == "no answer")
        assert (told("b").state, told("b").follows) == ("off", False)
        assert 0.0 <= told("b").age_s < 60.0
        broken.faults = 0
        await until(lambda: (told("b").state, told("b").follows, told("b").fault) == ("on", True, ""))
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.publish("perisai/A2/siren/report", b"ON", qos=1)
            await client.publish("perisai/A2/siren/report/x", b"loud", qos=1)
            await client.publish("perisai/Z9/siren/report", b"ON", qos=1)
            await client.publish("perisai/A2/siren/report", b" " * 2000, qos=1)
        await until(lambda: told("", "A2") is not None and channel.count.failures.total() == 3)
        assert (told("", "A2").state, told("", "A2").follows) == ("on", None)
        assert channel.count.failures == {
            "siren report not understood": 1, "siren of no area": 1, "siren report too large": 1,
        }  # fmt: skip
        assert channel.siren_reports > 5
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_siren_that_says_nothing_any_more_is_silent_and_one_that_never_stops_is_not_listened_to():
    reports = SirenReports("perisai", {"A1": "A1"})
    reports.hear("perisai/A1/siren/report", b'{"state":"off"}', 1, kept=True)
    assert reports.standing({}, 299_000_000)[0].state == "off"
    assert reports.standing({}, 299_000_000)[0].age_s is None
    assert reports.standing({}, 301_000_000)[0].state == "silent"
    assert reports.standing({"A1": "x"}, 1)[0].follows is False
    for number in range(100):
        reports.hear("perisai/A1/siren/report", b'{"state":"on"}', 302_000_000 + number)
    assert reports.rejects == {"too many siren reports": 90}
    reports.hear("perisai/A1/siren/report", b"lost", 303_000_000)
    assert [(one.state, one.follows) for one in reports.standing({}, 10**9)] == [("lost", None)]


@pytest.mark.oracle
async def test_the_line_of_a_siren_that_is_cut_is_told_by_its_broker(tmp_path):
    port = free_port()
    channel = MqttChannel(AREAS, MqttSettings(port=port, retry_s=0.1), clock_us=lambda: START_US)
    with broker(tmp_path, port):
        await answering(port)
        running = asyncio.create_task(channel.run())
        relay = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, str(port))
        await until(lambda: [one.state for one in channel.sirens()] == ["off"], 30.0)
        relay.kill()
        await relay.wait()
        await until(lambda: [one.state for one in channel.sirens()] == ["lost"])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
