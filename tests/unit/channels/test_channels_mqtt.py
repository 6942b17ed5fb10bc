"""MQTT against the broker in nats-server, read by another client."""

import asyncio
import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest
from channels_support import SECOND_US, START_US, an_alert, messages, squares
from ports import free_port

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.mqtt import MqttChannel
from perisai.channels.mqtt_messages import MqttSettings, MqttState, topic_of

AREAS = squares()
SUPPORT = Path(__file__).parents[2] / "support"


@contextmanager
def broker(directory: Path, port: int):
    program = shutil.which("nats-server") or str(Path(sys.executable).parent / "nats-server")
    config = directory / "broker.conf"
    config.write_text(
        f"server_name: peer\nlisten: 127.0.0.1:-1\njetstream {{ store_dir: '{directory}/store' }}\n"
        f"mqtt {{ listen: '127.0.0.1:{port}' }}\n"
    )
    with subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


async def answering(port: int) -> None:
    for _ in range(200):
        try:
            async with aiomqtt.Client("127.0.0.1", port):
                return
        except aiomqtt.MqttError:
            await asyncio.sleep(0.1)
    raise AssertionError("the broker did not start")


async def retained(port: int, topic: str, wanted: int) -> dict[str, bytes]:
    """What a client that comes now is told at once."""
    found: dict[str, bytes] = {}
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic)
        async with asyncio.timeout(20):
            async for message in client.messages:
                found[str(message.topic)] = bytes(message.payload)
                if len(found) == wanted:
                    return found
    raise AssertionError("unreachable")


async def until(port: int, topic: str, payload: bytes) -> None:
    """Until a client is told this; it asks anew now and then, for what is retained may change while it asks."""
    async with asyncio.timeout(30):
        while not await _told(port, topic, payload):
            pass


async def _told(port: int, topic: str, payload: bytes) -> bool:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic)
        try:
            async with asyncio.timeout(3):
                async for message in client.messages:
                    if bytes(message.payload) == payload:
                        return True
        except TimeoutError:
            pass
    return False


@pytest.mark.oracle
async def test_a_siren_hears_the_alarm_and_the_all_clear(tmp_path):
    port, writer = free_port(), CapWriter(AREAS, CapSettings())
    with broker(tmp_path, port):
        await answering(port)
        channel = MqttChannel(AREAS, MqttSettings(port=port), clock_us=lambda: START_US)
        running = asyncio.create_task(channel.run())
        await until(port, "perisai/status", b"online")
        async with asyncio.timeout(10):
            while not channel.connected:
                await asyncio.sleep(0.01)
        for message in messages(AREAS, an_alert("A1"), writer=writer):
            channel.push(message)
        await until(port, "perisai/A1/siren", b"ON")
        await until(port, "perisai/A1/state", channel._state.state("A1")[1].payload)
        states = await retained(port, "perisai/+/state", 3)
        assert {topic: json.loads(body)["state"] for topic, body in states.items()} == {
            "perisai/A0/state": "none",
            "perisai/A1/state": "alarm",
            "perisai/A2/state": "none",
        }
        body = json.loads(states["perisai/A1/state"])
        assert body["name"] == "Місто 1"
        assert body["arrival"] == "2026-01-01T00:05:00Z"
        assert body["headline"].startswith("Повітряна тривога: Місто 1.")
        for message in messages(AREAS, an_alert("A1"), writer=writer, kind="ended", at_s=60):
            channel.push(message)
        await until(port, "perisai/A1/siren", b"OFF")
        assert channel.count.messages >= 3 * 3 + 1 + 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await until(port, "perisai/status", b"offline")


LONELY = """
import asyncio, sys
from channels_support import squares
from perisai.channels.mqtt import MqttChannel
from perisai.channels.mqtt_messages import MqttSettings
asyncio.run(MqttChannel(squares(), MqttSettings(port=int(sys.argv[1]))).run())
"""


@pytest.mark.oracle
async def test_the_broker_says_when_the_sender_was_killed(tmp_path):
    port = free_port()
    with broker(tmp_path, port):
        await answering(port)
        with subprocess.Popen(
            [sys.executable, "-c", LONELY, str(port)], cwd=Path(__file__).parents[2] / "support"
        ) as sender:
            await until(port, "perisai/status", b"online")
            sender.kill()
        await until(port, "perisai/status", b"offline")


@pytest.mark.oracle
async def test_the_last_will_of_a_gateway_that_was_taken_over_from_does_not_stand(tmp_path):
    """Of a host without power it comes after a minute and a half; a siren would take its centre for lost."""
    port = free_port()
    channel = MqttChannel(AREAS, MqttSettings(port=port), clock_us=lambda: START_US)
    with broker(tmp_path, port):
        await answering(port)
        running = asyncio.create_task(channel.run())
        await until(port, "perisai/status", b"online")
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("perisai/status", qos=1)
            await client.publish("perisai/status", b"offline", qos=1, retain=True)
            told: list[bytes] = []
            async with asyncio.timeout(20):
                async for message in client.messages:
                    told.append(bytes(message.payload))
                    if told[-1] == b"online" and b"offline" in told:
                        break
        await until(port, "perisai/status", b"online")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await until(port, "perisai/status", b"offline")


@pytest.mark.oracle
async def test_a_broker_that_comes_back_empty_is_told_everything_again(tmp_path):
    port = free_port()
    channel = MqttChannel(AREAS, MqttSettings(port=port, retry_s=0.1, max_retry_s=0.2), clock_us=lambda: START_US)
    running = asyncio.create_task(channel.run())
    (first, second) = (tmp_path / "one", tmp_path / "two")
    first.mkdir()
    second.mkdir()
    with broker(first, port):
        await answering(port)
        await until(port, "perisai/status", b"online")
    for message in messages(AREAS, an_alert("A2")):
        channel.push(message)
    with broker(second, port):
        await answering(port)
        await until(port, "perisai/A2/siren", b"ON")
        assert len(await retained(port, "homeassistant/#", 3)) == 3
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sum(channel.count.failures.values()) >= 1


def publications(state: MqttState, area: str = "A0"):
    return {one.topic.rsplit("/", 1)[1]: one.payload for one in state.state(area)}


@pytest.mark.parametrize(("mode", "allowed", "siren"), [("exercise", False, b"OFF"), ("exercise", True, b"ON")])
def test_sirens_in_an_exercise_only_when_allowed(mode, allowed, siren):
    state = MqttState(MqttSettings(sirens_in_exercise=allowed), AREAS)
    for message in messages(AREAS, an_alert(), writer=CapWriter(AREAS, CapSettings(), mode)):
        state.take(message)
    assert publications(state)["siren"] == siren
    body = json.loads(publications(state)["state"])
    assert (body["state"], body["mode"]) == ("alarm", "exercise")
    assert body["headline"].startswith("НАВЧАННЯ")


def test_a_watch_does_not_sound_and_an_alert_that_nobody_renews_ends():
    state = MqttState(MqttSettings(), AREAS)
    (message,) = messages(AREAS, an_alert(level="watch"))
    state.take(message)
    assert publications(state)["siren"] == b"OFF"
    assert json.loads(publications(state)["state"])["state"] == "watch"
    assert state.expire(START_US + 1799 * SECOND_US) == set()
    assert state.expire(START_US + 1800 * SECOND_US) == {"A0"}
    assert json.loads(publications(state)["state"])["state"] == "none"


def test_the_end_of_one_incident_leaves_the_other_on():
    state, writer = MqttState(MqttSettings(), AREAS), CapWriter(AREAS, CapSettings())
    for alert in (an_alert(identifier="one"), an_alert(identifier="two", level="watch")):
        for message in messages(AREAS, alert, writer=writer):
            state.take(message)
    for message in messages(AREAS, an_alert(identifier="one"), writer=writer, kind="ended", at_s=60):
        state.take(message)
    assert json.loads(publications(state)["state"])["state"] == "watch"


def test_home_assistant_is_told_where_the_state_is():
    state = MqttState(MqttSettings(), AREAS)
    (one,) = state.discovery("A0")
    config = json.loads(one.payload)
    assert one.topic == "homeassistant/binary_sensor/perisai_A0/alarm/config"
    assert config["state_topic"] in {publication.topic for publication in state.state("A0")}
    assert config["device_class"] == "safety"
    assert MqttState(MqttSettings(discovery=""), AREAS).discovery("A0") == []


def test_codes_that_are_no_topic_stay_apart():
    topics = {topic_of(code) for code in ("a/b", "a+b", "a b", "a_b", "UA05")}
    assert len(topics) == 5
    assert not any(set(topic) & set("/+# ") for topic in topics)


@pytest.mark.parametrize("wrong", [{"prefix": "a/#"}, {"prefix": ""}, {"discovery": "+/x"}])
def test_a_prefix_with_wildcards_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        msgspec.convert(wrong, MqttSettings)
