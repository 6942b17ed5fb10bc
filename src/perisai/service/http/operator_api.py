"""Alerts, and what operators do to them (docs/operator-api.md)."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery, JSONBody

from perisai.model import NOT_JSON, Level, Threat

from ..orders.office import Office, OrderRefused
from .guard import client, needs, needs_view, refused

Minutes = Annotated[float, msgspec.Meta(ge=1, le=240)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
MAX_BYTES = 1 << 20
Any3 = Request[Any, Any, Any]


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """Body of an order on an alert or a proposal."""

    reason: Text = ""
    minutes: Minutes | None = None


class ByHand(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /alerts."""

    level: Level
    threat: Threat
    minutes: Minutes
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    areas: list[str] = []
    polygon: dict[str, Any] | None = None


class Reach(msgspec.Struct):
    """Body of POST /alerts/preview."""

    areas: list[str] = []
    polygon: dict[str, Any] | None = None


class OperatorController(Controller):
    """`/api/v1/alerts`, `/api/v1/proposals` and `/api/v1/pending`."""

    path = "/api/v1"

    @get("/proposals", guards=[needs_view], sync_to_thread=False)
    def proposals(self, state: State) -> list[dict[str, Any]]:
        """Orders that wait for a second operator, oldest first."""
        return state.gateway.picture.desk["proposals"]

    @get("/pending", guards=[needs_view], sync_to_thread=False)
    def pending(self, state: State) -> list[dict[str, Any]]:
        """Alerts that wait to be released."""
        return state.gateway.picture.desk["pending"]

    @get("/alerts", guards=[needs_view], sync_to_thread=True)
    def alerts(self, state: State, active: FromQuery[bool] = False, most: FromQuery[int] = 5000) -> list[Any]:
        """Alerts, newest first, `most` of them; with active=true only those in force."""
        book = state.gateway.picture.book
        rows = book.active() if active else book.all()
        return [msgspec.to_builtins(alert) for alert in sorted(rows, key=lambda alert: -alert.start_us)[: max(0, most)]]

    @post("/alerts", guards=[needs("act")], request_max_body_size=MAX_BYTES)
    async def by_hand(self, request: Any3, state: State, data: JSONBody[ByHand]) -> Response[dict[str, Any]]:
        """Alert areas by hand."""
        account, office = request.state.session.account, state.office
        order = await _made(
            request, office.by_hand, account, data.areas, data.polygon, data.level, data.threat, data.minutes, data.text
        )
        return await _give(request, office, order)

    @post("/alerts/preview", guards=[needs("act")], request_max_body_size=MAX_BYTES, status_code=200)
    async def preview(self, request: Any3, state: State, data: JSONBody[Reach]) -> dict[str, Any]:
        """Whom an alert by hand would reach; nothing happens."""
        return state.office.preview(await _made(request, state.office.reached, data.areas, data.polygon))

    @post("/alerts/{identifier:str}/{what:str}", guards=[needs("act")])
    async def change(
        self, request: Any3, state: State, identifier: FromPath[str],
        what: FromPath[Literal["release", "hold", "extend", "cancel"]],
    ) -> Response[dict[str, Any]]:  # fmt: skip
        """Release, hold, extend or cancel an alert."""
        body = await _change(request)
        account = request.state.session.account
        order = await _made(request, state.office.on_alert, account, identifier, what, body.minutes, body.reason)
        return await _give(request, state.office, order)

    @post("/proposals/{identifier:str}/{what:str}", guards=[needs("approve")])
    async def decide(
        self, request: Any3, state: State, identifier: FromPath[str], what: FromPath[Literal["approve", "decline"]]
    ) -> Response[dict[str, Any]]:
        """Approve another operator's order, or take an order back."""
        body = await _change(request)
        kind = "approve" if what == "approve" else "withdraw"
        order = await _made(
            request, state.office.on_proposal, request.state.session.account, identifier, kind, body.reason
        )
        return await _give(request, state.office, order)


async def _change(request: Any3) -> Change:
    """The body, which may be left out."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=Change)
    except NOT_JSON as error:
        raise HTTPException(status_code=400, detail=f"body: {error}") from error


async def _give(request: Any3, office: Office, order: Any) -> Response[dict[str, Any]]:
    try:
        status, body = await office.give(request.state.session.account, order, client(request))
    except OrderRefused as refusal:
        raise HTTPException(status_code=refusal.status, detail=refusal.detail) from refusal
    return Response(body, status_code=status)


async def _made(request: Any3, make: Any, *given: Any) -> Any:
    """What `make` gives; what it refuses is written down and told."""
    try:
        return make(*given)
    except OrderRefused as refusal:
        await refused(request, request.state.session, refusal.detail)
        raise HTTPException(status_code=refusal.status, detail=refusal.detail) from refusal
