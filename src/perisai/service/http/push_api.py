"""Web Push for citizens: the server's key, and asking for alerts or for no more. Nothing is kept of who asks but the
address that their browser made up for this purpose, the areas and the language."""

from typing import Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException

from perisai.channels.web_push import parse_subscription
from perisai.model import NOT_JSON, BadInputError

from ..channels.post_outlets import WebPushOutlet
from .guard import answered
from .rate import admit

MAX_BYTES = 8192


class _Asked(msgspec.Struct):
    subscription: msgspec.Raw
    areas: tuple[str, ...]
    language: str = "uk-UA"


class _Ended(msgspec.Struct):
    endpoint: str


class PushController(Controller):
    """`/api/v1/public/push`. To end a subscription one must know its endpoint, which nobody but its browser does."""

    path = "/api/v1/public/push"

    @get("/key")
    async def key(self, state: State) -> dict[str, str]:
        """`key`: the applicationServerKey a browser subscribes with (RFC 8292), base64url."""
        return {"key": await answered(state.work.push_key())}

    @post("/subscriptions", request_max_body_size=MAX_BYTES, status_code=201)
    async def subscribe(self, state: State, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """Body: `{"subscription": PushSubscription.toJSON(), "areas": [code, ...], "language": "uk-UA"}`.

        The same endpoint again replaces its areas. Answers once it is on disk, and on the bus
        where others push.
        """
        outlet: WebPushOutlet = state.channels.find(WebPushOutlet)
        admit(state, outlet, request)
        settings = outlet.settings
        try:
            asked = msgspec.json.decode(await request.body(), type=_Asked)
            areas = tuple(dict.fromkeys(asked.areas))
            if not 1 <= len(areas) <= settings.areas_each:
                raise BadInputError("areas", f"{len(areas)} areas", f"1 to {settings.areas_each}")
            for code in areas:
                if code not in state.ground.index:
                    raise BadInputError("areas", repr(code[:80]), "codes of areas")
            if not 2 <= len(asked.language) <= 20:
                raise BadInputError("language", repr(asked.language[:80]), "a language tag, such as uk-UA")
            private = settings.private_endpoints
            one = parse_subscription(bytes(asked.subscription), areas, asked.language, private=private)
            await outlet.subscribers.add(one, await answered(state.work.push_key()))
        except (BadInputError, *NOT_JSON) as error:
            outlet.count.failures["bad_subscription"] += 1
            raise ClientException(detail=str(error)) from error
        return {"areas": list(areas), "language": asked.language}

    @delete("/subscriptions", request_max_body_size=MAX_BYTES, status_code=200)
    async def unsubscribe(self, state: State, request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        """Body: `{"endpoint": "..."}`; 404 when it is not known."""
        outlet: WebPushOutlet = state.channels.find(WebPushOutlet)
        admit(state, outlet, request)
        try:
            endpoint = msgspec.json.decode(await request.body(), type=_Ended).endpoint
        except NOT_JSON as error:
            raise ClientException(detail=str(error)) from error
        if outlet.subscribers.find(endpoint) is None:
            raise NotFoundException(detail="no such subscription")
        await outlet.subscribers.remove(endpoint)
        return Response({"endpoint": endpoint})
