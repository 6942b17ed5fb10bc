"""How the exchange with partner nations stands."""

from typing import Any

from litestar import get
from litestar.datastructures import State

from .guard import needs_view


@get("/api/v1/partners", guards=[needs_view], sync_to_thread=False)
def partners(state: State) -> list[dict[str, Any]]:
    """Each partner: whether we give and take, messages and tracks both ways, and what was refused, by reason.

    Counted by the process that has the role gateway; one that is console only shows zeros.
    """
    return state.exchange.status()
