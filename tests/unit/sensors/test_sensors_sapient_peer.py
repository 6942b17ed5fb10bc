"""The fusion node against nodes and rules that nobody here wrote: sapient-py as a node over TCP, sapient-pydantic as
the judge of what Perisai answers."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ingest_support import Store, sink
from peer_env import command, peer_python

from perisai.model import Sensor
from perisai.sensors.sapient import FusionNode
from perisai.service.ingest.sapient_server import SapientInput
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.sink import Sink

NODE = "radar-7"
SITE = Sensor(id=NODE, kind="radar3d", lat=50.4, lon=30.5, alt_m=180.0)


@asynccontextmanager
async def listening(sensors: tuple[Sensor, ...] = (SITE,)) -> AsyncIterator[tuple[SapientInput, Store, Sink]]:
    settings = LiveInput(name="net", kind="sapient", listen="127.0.0.1:0", max_message_bytes=100_000)
    store = Store()
    kept = sink(settings, store)
    served = SapientInput(settings, kept, FusionNode(sensors))
    running = asyncio.create_task(served.run())
    await served.listening.wait()
    try:
        yield served, store, kept
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def replies(port: int, *steps: str) -> list[dict[str, Any]]:
    python = await asyncio.to_thread(peer_python, "sapient-py==0.1.0")
    peer = await asyncio.create_subprocess_exec(
        *command(python, "sapient_node.py", str(port)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        out, _ = await asyncio.wait_for(peer.communicate("\n".join(steps).encode()), 40)
    finally:
        if peer.returncode is None:
            peer.kill()
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.oracle
async def test_a_node_registers_reports_and_takes_its_leave() -> None:
    async with listening() as (served, store, kept):
        told = await replies(
            served.port, "degrees", "register", "status 0.2", "degrees 0.2", "utm 0.2", "polar 0.2", "bearing 0.2",
            "bird 0.2", "no_place", "alert", "garbage", "goodbye",
        )  # fmt: skip
        early, registered, *silent, refused, alerted, unread, parted = told
        assert early["error"]["error_message"] == ["a node registers first"]
        assert registered["registration_ack"] == {"acceptance": True}
        assert [set(one) for one in silent] == [{"none"}] * 6
        assert any("location" in text for text in refused["error"]["error_message"])
        assert alerted["alert_ack"]["alert_ack_status"] == "ALERT_ACK_STATUS_ACCEPTED"
        assert unread["error"]["packet"]
        assert "none" in parted
        degrees, utm, polar, bearing = store.rows
        assert {row["sensor"] for row in store.rows} == {NODE}
        assert (degrees["lat"], degrees["lon"], degrees["alt_m"]) == (50.45, 30.6, 400.0)
        assert (degrees["label"], degrees["address"], degrees["sigma_m"]) == ("drone", "SERIAL1", pytest.approx(20.0))
        assert degrees["ve_mps"] == pytest.approx(50.0)
        assert utm["lat"] == pytest.approx(50.44606, abs=1e-3)
        assert utm["lon"] == pytest.approx(30.59148, abs=1e-3)
        assert (polar["range_m"], polar["azimuth_deg"], polar["sigma_range_m"]) == (12_000.0, 90.0, 50.0)
        assert bearing["azimuth_deg"] == pytest.approx(57.29578)
        assert bearing["range_m"] is None
        assert kept.rejects["sapient: not of the air"] == 1
        assert kept.rejects["sapient: no location"] == 1
        assert kept.rejects["sapient: does not decode"] == 1
        health = kept.state.sensors[NODE]
        assert health.state == "off"
        node = next(iter(served.fusion.nodes.values()))
        assert node.pd == 0.8
        assert len(set(store.identities)) == len(store.identities)


@pytest.mark.oracle
async def test_what_is_refused_is_answered_and_silence_is_noticed() -> None:
    async with listening() as (served, store, kept):
        told = await replies(
            served.port, "register_jammer", "register_empty", "register_quick", "status 0.1", "sleep 4.6", "huge"
        )
        jammer, empty, registered, _, huge = told
        assert "acts on what it sees" in jammer["registration_ack"]["ack_response_reason"][0]
        assert "acceptance" not in jammer["registration_ack"] or not jammer["registration_ack"]["acceptance"]
        assert any("icd_version: missing" in text for text in empty["registration_ack"]["ack_response_reason"])
        assert registered["registration_ack"]["acceptance"]
        assert "at most 100000" in huge["error"]["error_message"][0]
        assert kept.state.sensors[NODE].detail.startswith("silent")
        assert kept.rejects["sapient: message too long"] == 1
        assert not store.rows


@pytest.mark.oracle
async def test_a_task_reaches_the_node_and_every_answer_is_valid_by_the_standard() -> None:
    async with listening() as (served, _, _):
        talking = asyncio.create_task(
            replies(
                served.port, "degrees", "register", "listen", "ack 0.1", "alert", "garbage", "register_empty", "huge"
            )
        )
        while not served.fusion.nodes and not talking.done():
            await asyncio.sleep(0.05)
        answer = await served.task(next(iter(served.fusion.nodes)), mode_change="default")
        told = await talking
    assert (answer.task, answer.status) == (told[2]["task"]["task_id"], "accepted")
    assert told[2]["task"]["command"] == {"mode_change": "default"}
    framed = [one["hex"] for one in told if "hex" in one]
    assert len(framed) == 7
    judge = command(peer_python("sapient-pydantic==0.1.0"), "sapient_check.py")
    verdict = subprocess.run(judge, input="\n".join(framed), capture_output=True, text=True, timeout=60, check=True)
    assert [line.split()[0] for line in verdict.stdout.splitlines()] == ["valid"] * 7, verdict.stdout


@pytest.mark.oracle
async def test_a_task_does_not_overtake_the_acknowledgement_of_the_registration() -> None:
    async with listening() as (served, _, _):
        put = served._put

        async def slow() -> None:
            await asyncio.sleep(0.5)
            await put()

        served._put = slow  # type: ignore[method-assign]
        talking = asyncio.create_task(replies(served.port, "register", "listen", "ack 0.1"))
        while not served.fusion.nodes and not talking.done():
            await asyncio.sleep(0.01)
        await served.task(next(iter(served.fusion.nodes)), mode_change="default")
        registered, tasked, _ = await talking
    assert registered["registration_ack"]["acceptance"]
    assert "task" in tasked
