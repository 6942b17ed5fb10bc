"""The addresses that today's Ukrainian alert apps ask: alerts.in.ua (/v1, /v2) and ukrainealarm.com (/api/v3)."""

import hmac
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.datastructures import State

from perisai.channels.alert_api import Answer, refused
from perisai.channels.message import ChannelCount

from ..channels.clock import wall_us
from ..channels.http_outlets import AlertApiOutlet
from .rate import too_soon


class AlertApis(Controller):
    """Read by anybody, or by those with a token of the settings: `Authorization: Bearer TOKEN`, or the token alone."""

    path = "/"

    @get(["/v1/{rest:path}", "/v2/{rest:path}"], sync_to_thread=False)
    def alerts_in_ua(self, state: State, request: Request[Any, Any, Any]) -> Response[bytes]:
        """As api.alerts.in.ua answers, with the level, the time of arrival and the probability beside."""
        outlet = state.channels.find(AlertApiOutlet)
        answer = _refusal(state, outlet, request) or outlet.api().answer(
            request.scope["path"], request.headers.get("If-Modified-Since", "")
        )
        return _response(answer, outlet.count)

    @get("/api/v3/{rest:path}", sync_to_thread=False)
    def ukrainealarm(self, state: State, request: Request[Any, Any, Any]) -> Response[bytes]:
        """As api.ukrainealarm.com answers, with the same beside."""
        outlet = state.channels.find(AlertApiOutlet)
        answer = _refusal(state, outlet, request) or outlet.ukrainealarm().answer(
            request.scope["path"], dict(request.query_params)
        )
        return _response(answer, outlet.count)


def _refusal(state: State, outlet: AlertApiOutlet, request: Request[Any, Any, Any]) -> Answer | None:
    settings = outlet.settings
    wait_s = too_soon(state, outlet, request)
    if wait_s:
        answer = refused(429, "Too many requests")
        return Answer(429, answer.body, {**answer.headers, "Retry-After": str(wait_s)})
    if settings.tokens:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        given = given or request.query_params.get("token", "")
        if not any(hmac.compare_digest(given.encode(), token.encode()) for token in settings.tokens):
            outlet.count.failures["wrong_token"] += 1
            return refused(401, "Unauthorized: Incorrect token")
    return None


def _response(answer: Answer, count: ChannelCount) -> Response[bytes]:
    if answer.status < 400:
        count.sent(len(answer.body), wall_us())
    headers = dict(answer.headers)
    media_type = headers.pop("Content-Type", "application/json")
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)
