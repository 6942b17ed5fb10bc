"""A siren's relay program against a real broker, through the loss of the broker and of the centre."""

import asyncio

import pytest
from channels_house import until
from channels_support import START_US, an_alert, messages, squares
from hypothesis import given, settings
from hypothesis import strategies as st
from ports import free_port
from test_channels_mqtt import answering, broker, retained

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.mqtt import MqttChannel
from perisai.channels.mqtt_messages import MqttSettings
from perisai.channels.siren import SirenRelay, SirenState

AREAS = squares()
ALARM = b'{"state":"alarm","mode":"actual"}'


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
        assert await retained(port, "perisai/A1/siren/report", 1) == {"perisai/A1/siren/report": b"ON"}
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
