"""How the channels are."""

from typing import Any

from litestar import get
from litestar.datastructures import State

from .guard import needs_view


@get("/api/v1/channels", guards=[needs_view], sync_to_thread=False)
def channels(state: State) -> list[dict[str, Any]]:
    """Each channel: name, kind, address, connected, messages, bytes, failures by reason, age of the last message."""
    return state.channels.status()


@get("/api/v1/sirens", guards=[needs_view], sync_to_thread=False)
def sirens(state: State) -> list[dict[str, Any]]:
    """Each siren that reported: channel, area, name, state (on, off, lost, silent), the order it follows and whether
    that is the one that stands, its fault, age of its last report."""
    return state.channels.sirens()
