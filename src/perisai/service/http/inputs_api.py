"""How the inputs stand."""

from typing import Any

import msgspec
from litestar import get
from litestar.datastructures import State

from .guard import needs_view


@get("/api/v1/inputs", guards=[needs_view], sync_to_thread=False)
def inputs(state: State) -> list[dict[str, Any]]:
    """Each input: name, kind, state (waiting, live, silent), age of the last message, messages, bytes, detections,
    rejects by reason, and what its sensors said of themselves."""
    return [msgspec.to_builtins(one) for one in [*state.inputs.states(), state.reports.sink.snapshot()]]
