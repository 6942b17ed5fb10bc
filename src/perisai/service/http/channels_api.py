"""How the channels are."""

from typing import Any

from litestar import get
from litestar.datastructures import State

from .guard import answered, needs_view


@get("/api/v1/channels", guards=[needs_view])
async def channels(state: State) -> list[dict[str, Any]]:
    """Each channel: name, kind, address, connected, messages, bytes, failures by reason, age of the last message.

    503 while no process has the role gateway.
    """
    return await answered(state.work.channels())


@get("/api/v1/sirens", guards=[needs_view])
async def sirens(state: State) -> list[dict[str, Any]]:
    """Each siren that reported: channel, area, name, state (on, off, lost, silent), the order it follows and whether
    that is the one that stands, its fault, age of its last report. 503 while no process has the role gateway."""
    return (await answered(state.work.sirens())).rows
