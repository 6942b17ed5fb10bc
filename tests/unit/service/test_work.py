"""What only one process knows, asked of another: with the keys and rights of `perisai keys`, on a real nats-server."""

import asyncio
import contextlib
import time
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
from ingest_support import Store, sink
from leaf_servers import server
from service_support import app_with_accounts, browser, sign_in

from perisai.alerting import CapSettings, CapWriter
from perisai.model import Alert, AlertChange, BadInputError
from perisai.sensors.sapient import FusionNode, TaskAnswer
from perisai.service import package_data
from perisai.service.bus import Bus
from perisai.service.bus_settings import BusSettings
from perisai.service.commands.live import _with_ground
from perisai.service.config import Config, ServiceSettings
from perisai.service.files import read_areas
from perisai.service.house import House
from perisai.service.ingest.sapient_server import SapientInput
from perisai.service.ingest.settings import LiveInput
from perisai.service.nats_accounts import write_accounts
from perisai.service.nats_server import NatsServer
from perisai.service.tasks import end
from perisai.service.work import Work

CHANNELS = [
    {"name": "cap", "kind": "cap_feed", "messages": 7, "bytes": 1, "failures": {}, "age_s": 1.0, "connected": None}
]
PARTNERS = [{"id": "ro", "given_messages": 5, "given_tracks": 9, "taken_messages": 0, "taken_tracks": 0, "rejects": {}}]
SIRENS = [{"channel": "siren", "area": "D00", "state": "on", "follows": True, "fault": ""}]
TASK = {"node": "radar-7", "command": "mode_change", "value": "default"}


def _work(bus: Bus, *, channels: Any = (), partners: Any = (), inputs: Any = None) -> Work:
    def tells(rows: Any) -> Any:
        return SimpleNamespace(status=lambda: list(rows), sirens=lambda: SIRENS, siren_reports=lambda: {"siren": 3})

    return Work(tells(channels), tells(partners), inputs or SimpleNamespace(readers={}, states=list), bus)


def _inputs(name: str, node: str) -> Any:
    """A process with one SAPIENT input, to which one node is connected."""
    settings = LiveInput(name=name, kind="sapient", listen="127.0.0.1:0")
    one = sink(settings, Store())
    reader = SapientInput(settings, one, FusionNode(()))

    async def task(asked: str, **command: str) -> TaskAnswer:
        if asked != node:
            raise BadInputError(f"node {asked}", "not connected", "a node that is connected")
        return TaskAnswer("01J", "accepted", str(command))

    reader.task = task
    return SimpleNamespace(readers={name: reader}, states=lambda: [one.snapshot()])


@contextlib.asynccontextmanager
async def _split(directory):
    """A console's application, and buses of the roles gateway and ingest with their keys."""
    write_accounts(directory / "keys", [])
    config = Config(service=ServiceSettings(data=str(directory)))
    settings = f'jetstream {{ store_dir: "{directory}/js" }}\ninclude "../keys/accounts.conf"\n'
    async with server(directory / "hub", settings) as ports, contextlib.AsyncExitStack() as stack:
        buses = {
            role: await stack.enter_async_context(
                Bus(ports["nats"][0], BusSettings(nkey=str(directory / f"keys/{role.split()[0]}.nk")))
            )
            for role in ("console", "gateway", "ingest", "ingest again")
        }
        yield app_with_accounts(directory, work=_work(buses["console"]), config=config), buses


@contextlib.asynccontextmanager
async def _running(*work):
    tasks = [asyncio.create_task(one()) for one in work]
    await asyncio.sleep(0.2)
    try:
        yield
    finally:
        await end(tasks)


async def test_a_console_tells_what_the_gateway_process_knows(tmp_path):
    async with _split(tmp_path) as (app, buses), browser(app) as client:
        await sign_in(client, "operator")
        for path in ("channels", "sirens", "partners"):
            nobody = await client.get(f"/api/v1/{path}")
            assert nobody.status_code == 503 and "role gateway" in nobody.json()["detail"]
        figures = await client.get("/metrics")
        assert figures.status_code == 200 and "perisai_partner_messages_total{" not in figures.text
        async with _running(_work(buses["gateway"], channels=CHANNELS, partners=PARTNERS).answer_for_gateway):
            assert (await client.get("/api/v1/channels")).json() == CHANNELS
            assert (await client.get("/api/v1/partners")).json() == PARTNERS
            assert (await client.get("/api/v1/sirens")).json() == SIRENS
            assert (await client.get("/api/v1/health")).json()["sirens"] == {"on": 1, "faulty": 0}
            assert (
                'perisai_partner_messages_total{direction="given",partner="ro"} 5.0'
                in (await client.get("/metrics")).text
            )


async def test_inputs_of_all_processes_are_told_and_a_task_finds_the_one_with_the_node(tmp_path):
    async with _split(tmp_path) as (app, buses), browser(app) as client:
        await sign_in(client, "operator")
        assert (await client.post("/api/v1/inputs/net/tasks", json=TASK)).status_code == 404
        here, there = (
            _work(buses["ingest"], inputs=_inputs("net", "radar-7")),
            _work(buses["ingest again"], inputs=_inputs("net", "radar-9")),
        )
        async with _running(there.answer_for_ingest, here.answer_for_ingest):
            rows = (await client.get("/api/v1/inputs")).json()
            assert [row["name"] for row in rows][:2] == ["net", "net"]
            answer = await client.post("/api/v1/inputs/net/tasks", json=TASK)
            assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
            away = await client.post("/api/v1/inputs/net/tasks", json=TASK | {"node": "radar-8"})
            assert away.status_code == 409 and "not connected" in away.json()["detail"]
            assert (await client.post("/api/v1/inputs/other/tasks", json=TASK)).status_code == 404


async def test_nobody_but_the_console_may_ask(tmp_path):
    async with _split(tmp_path) as (_, buses):
        done: list[str] = []
        inputs = _inputs("net", "radar-7")

        async def task(asked: str, **_: str) -> TaskAnswer:
            done.append(asked)
            return TaskAnswer("01J", "accepted", "")

        inputs.readers["net"].task = task
        async with _running(_work(buses["ingest"], inputs=inputs).answer_for_ingest):
            for role, most in (("gateway", 0), ("console", 1)):
                with contextlib.suppress(BadInputError):
                    await asyncio.wait_for(_work(buses[role]).task("net", "radar-7", "request", "x"), 10)
                assert len(done) == most, role


async def test_a_console_by_itself_has_the_feed(tmp_path):
    areas = read_areas(package_data.COMMUNITIES)
    writer = CapWriter(areas, CapSettings(), "test")
    now_us = time.time_ns() // 1_000_000 * 1_000
    alert = Alert(
        identifier="one", area=areas.code[0], level="alarm", threat="drone", start_us=now_us, end_us=None, eta_s=60.0,
        probability=0.9, tracks=(1,), reason="a drone",
    )  # fmt: skip
    sent = writer.step([AlertChange("raised", alert, now_us)], now_us)
    async with NatsServer(tmp_path / "bus") as bus_server, Bus(bus_server.url) as bus:
        await bus.publish("perisai.cap", msgspec.msgpack.encode(sent[0]), "cap-1", now_us)
        service = ServiceSettings(mode="test", port=0, data=str(tmp_path / "console"), nats=bus_server.url)
        config = _with_ground(Config(service=service))
        house, started = House(config, [], roles=("console",)), asyncio.Event()
        running = asyncio.create_task(house.run(ready=lambda _: started.set()))
        await asyncio.wait_for(started.wait(), 30)
        async with httpx.AsyncClient(base_url=house.address) as client, asyncio.timeout(20):
            while sent[0].identifier not in (await client.get("cap.atom")).text:
                await asyncio.sleep(0.1)
        house.stopping.set()
        await asyncio.wait_for(running, 30)
