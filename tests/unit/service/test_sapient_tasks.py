"""A task for a SAPIENT node over HTTP: of an operator, to a node that is there, for sensing only, and noted."""

from types import SimpleNamespace
from typing import Any

import pytest
from ingest_support import Store, sink
from service_support import app_with_accounts, browser, sign_in

from perisai.model import BadInputError
from perisai.sensors.sapient import FusionNode, TaskAnswer
from perisai.service.ingest.sapient_server import SapientInput
from perisai.service.ingest.settings import LiveInput

GOOD = {"node": "radar-7", "command": "mode_change", "value": "default"}


@pytest.fixture
def app(tmp_path, monkeypatch):
    settings = LiveInput(name="net", kind="sapient", listen="127.0.0.1:0")
    reader = SapientInput(settings, sink(settings, Store()), FusionNode(()))

    async def task(node: str, **command: Any) -> TaskAnswer:
        if node != "radar-7":
            raise BadInputError(f"node {node}", "not registered", "a node that is connected")
        return (
            TaskAnswer("01J", "rejected", "busy") if command == {"request": "x"} else TaskAnswer("01J", "accepted", "")
        )

    monkeypatch.setattr(reader, "task", task)
    return app_with_accounts(tmp_path, inputs=SimpleNamespace(readers={"net": reader, "radar": object()}))


async def test_an_operator_tasks_a_node_and_it_is_written_down(app):
    async with browser(app) as client:
        await sign_in(client, "operator")
        answer = await client.post("/api/v1/inputs/net/tasks", json=GOOD)
        assert (answer.status_code, answer.json()) == (200, {"task": "01J", "status": "accepted", "reason": ""})
        busy = await client.post("/api/v1/inputs/net/tasks", json=GOOD | {"command": "request", "value": "x"})
        assert busy.json() == {"task": "01J", "status": "rejected", "reason": "busy"}
        away = await client.post("/api/v1/inputs/net/tasks", json=GOOD | {"node": "radar-8"})
        assert away.status_code == 409
        assert away.json()["detail"] == "node radar-8: not registered; expected a node that is connected"
        assert (await client.post("/api/v1/inputs/radar/tasks", json=GOOD)).status_code == 404
    entries = [entry for entry in app.state.audit.newest(10) if entry.what.startswith("task")]
    assert [(entry.who, entry.on, entry.outcome) for entry in entries] == [
        ("operator", "radar-8", "refused"), ("operator", "radar-7", "done"), ("operator", "radar-7", "done"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["look_at", "move_to", "follow", "start", "fire"])
async def test_there_is_no_task_to_point_move_or_act(app, command):
    async with browser(app) as client:
        await sign_in(client, "operator")
        assert (await client.post("/api/v1/inputs/net/tasks", json=GOOD | {"command": command})).status_code == 400


async def test_who_may_only_look_gives_no_task(app):
    async with browser(app) as client:
        assert (await client.post("/api/v1/inputs/net/tasks", json=GOOD)).status_code == 401
        await sign_in(client, "viewer")
        assert (await client.post("/api/v1/inputs/net/tasks", json=GOOD)).status_code == 403
