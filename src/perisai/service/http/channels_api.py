"""How the channels are."""

from typing import Any

from litestar import get
from litestar.datastructures import State

from .guard import needs_view


@get("/api/v1/channels", guards=[needs_view], sync_to_thread=False)
def channels(state: State) -> list[dict[str, Any]]:
    """Each channel: name, kind, address, connected, messages, bytes, failures by reason, age of the last message."""
    return state.channels.status()
