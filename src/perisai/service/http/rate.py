"""How often one address may ask or send, and how much at once; what is refused is counted."""

from collections import Counter
from typing import Any, Protocol

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import TooManyRequestsException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from perisai.channels.message import ChannelCount

from ..identity import Throttle, per_minute
from ..ingest.sink import Sink
from .guard import client


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
    wait_s = limit.take(client(request))
    if not wait_s:
        return 0
    outlet.count.failures["too_many_requests"] += 1
    return int(wait_s) + 1


def admit(state: State, outlet: Asked, request: Request[Any, Any, Any]) -> None:
    """Raises TooManyRequestsException (429 with Retry-After) where `too_soon` says to wait."""
    wait_s = too_soon(state, outlet, request)
    if wait_s:
        raise TooManyRequestsException(headers={"Retry-After": str(wait_s)})


async def body_of(request: Request[Any, Any, Any], limit: Throttle, sink: Sink, what: str) -> bytes:
    """The body that an address sends to an input; what: of which there may be too many.

    Raises TooManyRequestsException (429 with Retry-After) or RequestEntityTooLarge (413), counted as rejects.
    """
    wait_s = limit.take(client(request))
    if wait_s > 0:
        sink.refused(0, Counter({"too many messages": 1}))
        raise TooManyRequestsException(detail=f"too many {what}", headers={"Retry-After": str(int(wait_s) + 1)})
    try:
        return await request.body()
    except RequestEntityTooLarge:
        sink.refused(0, Counter({"too large": 1}))
        raise
