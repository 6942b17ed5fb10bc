"""How often one address may ask a channel."""

from typing import Any, Protocol

from litestar import Request
from litestar.datastructures import State

from perisai.channels.message import ChannelCount

from ..identity import Throttle, per_minute


class _Limits(Protocol):
    @property
    def per_minute(self) -> int: ...


class Asked(Protocol):
    """A channel that answers over HTTP."""

    kind: str
    count: ChannelCount

    @property
    def settings(self) -> _Limits: ...


def too_soon(state: State, outlet: Asked, request: Request[Any, Any, Any]) -> int:
    """Seconds that this address has to wait before it may ask the channel again, counted as a failure; 0 for none."""
    name = f"limit of {outlet.kind}"
    limit: Throttle | None = state.get(name)
    if limit is None:
        limit = state[name] = per_minute(outlet.settings.per_minute)
    wait_s = limit.take(request.client.host if request.client else "")
    if not wait_s:
        return 0
    outlet.count.failures["too_many_requests"] += 1
    return int(wait_s) + 1
