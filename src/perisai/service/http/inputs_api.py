"""How the inputs stand, and what SAPIENT nodes are asked to do."""

import asyncio
from typing import Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath, JSONBody

from perisai.model import BadInputError

from ..audit.chain import Outcome
from .guard import client, needs, needs_view


class Task(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a task: for sensing only, there is none to point or move anything."""

    node: str
    command: Literal[
        "request", "mode_change", "detection_threshold", "detection_report_rate", "classification_threshold"
    ]
    value: str


@get("/api/v1/inputs", guards=[needs_view])
async def inputs(state: State) -> list[dict[str, Any]]:
    """Each input: name, kind, state (waiting, live, silent), age of the last message, messages, bytes, detections,
    rejects by reason, and what its sensors said of themselves."""
    here = (state.reports.sink, state.detections)
    return [*await state.work.inputs(), *(msgspec.to_builtins(sink.snapshot()) for sink in here)]


@post("/api/v1/inputs/{name:str}/tasks", guards=[needs("act")], status_code=200)
async def give_task(
    request: Request[Any, Any, Any], state: State, name: FromPath[str], data: JSONBody[Task]
) -> dict[str, Any]:
    """Ask a SAPIENT node of an input to sense otherwise; its answer: accepted, rejected, completed, failed, or
    unanswered. `value`: text for request and mode_change, low, medium or high for a threshold."""
    try:
        answer = await state.work.task(name, data.node, data.command, data.value)
    except BadInputError as error:
        await _noted(request, data, str(error), "refused")
        raise HTTPException(status_code=409, detail=str(error)) from error
    if answer is None:
        raise NotFoundException(detail=f"input {name}: no SAPIENT input of this name")
    await _noted(request, data, f"{answer.status} {answer.reason}".strip(), "done")
    return {"task": answer.task, "status": answer.status, "reason": answer.reason}


async def _noted(request: Request[Any, Any, Any], task: Task, detail: str, outcome: Outcome) -> None:
    account, audit = request.state.session.account, request.app.state.audit
    what = f"task {task.command} {task.value[:100]}"
    note = {"on": task.node, "address": client(request), "detail": detail, "outcome": outcome}
    await asyncio.to_thread(lambda: audit.add(account.name, account.role, what, **note))
