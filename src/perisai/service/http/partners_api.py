"""How the exchange with partner nations stands."""

from typing import Any

from litestar import get
from litestar.datastructures import State

from .guard import answered, needs_view


@get("/api/v1/partners", guards=[needs_view])
async def partners(state: State) -> list[dict[str, Any]]:
    """Each partner: whether we give and take, messages and tracks both ways, and what was refused, by reason.

    Counted by the process that has the role gateway, since it took it over; 503 while none has.
    """
    return await answered(state.work.partners())
