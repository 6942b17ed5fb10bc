"""Signing in through an OpenID Connect provider (docs/operator-api.md): there and back with the browser.

Imported only where it is set up.
"""

import asyncio
import time
from typing import Annotated, Any

import structlog
from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie, State
from litestar.exceptions import PermissionDeniedException, TooManyRequestsException
from litestar.params import QueryParameter
from litestar.response import Redirect

from perisai.model import BadInputError

from ..identity import Account
from ..identity.oidc import CALLBACK, OidcError, Person
from ..identity.store import BEGUN_US
from .guard import client
from .session_api import begin_session

BROWSER = "perisai-oidc"
"""Cookie of the browser while it is at the provider: what comes back with another browser counts for nothing."""
Any3 = Request[Any, Any, Any]
Text = Annotated[str, QueryParameter(max_length=4096)]
log = structlog.get_logger("oidc")


class OidcController(Controller):
    """`/api/v1/session/oidc`: pages that a browser goes to; they always answer with where to go next."""

    path = "/api/v1/session/oidc"

    @get("", status_code=303)
    async def begin(self, request: Any3, state: State) -> Response[None]:
        """To the provider's page."""
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise PermissionDeniedException(detail="sent by a page of another site")
        _only_so_often(state, request)
        begun = await asyncio.to_thread(state.identity.begin, time.time_ns() // 1000)
        try:
            address = await state.provider.address(begun.state, begun.nonce, begun.verifier)
        except OidcError as error:
            return await _refused(request, state, error)
        return _onward(address, _cookie(request, begun.browser, BEGUN_US // 1_000_000))

    @get("/callback", status_code=303)
    async def back(
        self,
        request: Any3,
        state: State,
        code: Text = "",
        given: Annotated[str, QueryParameter(name="state", max_length=256)] = "",
        iss: Text = "",
        error: Text = "",
    ) -> Response[None]:
        """Back from the provider: to the console, signed in or with why not (`/?sign_in=...`)."""
        _only_so_often(state, request)
        browser = request.cookies.get(BROWSER, "")
        person = None
        try:
            begun = await asyncio.to_thread(state.identity.take_begun, given, browser, time.time_ns() // 1000)
            if begun is None:
                raise OidcError("again", "no sign-in of this browser was begun with this state, or too long ago")
            if error or not code:
                raise OidcError("provider", f"the provider says {error[:80] or 'nothing'}")
            person = await state.provider.person(code, iss, begun.nonce, begun.verifier, int(time.time()))
            account = await asyncio.to_thread(_enter, state, person)
        except OidcError as refusal:
            return await _refused(request, state, refusal, person)
        _, cookie = await begin_session(request, state, account, f"through {person.subject}")
        return _onward("/", cookie, _cookie(request, "", 0))


def _enter(state: State, person: Person) -> Account:
    try:
        account: Account = state.identity.enter(person.subject, person.name, person.role)
    except BadInputError as error:
        raise OidcError("name", str(error)) from error
    if account.disabled:
        raise OidcError("role", "the account is disabled")
    return account


async def _refused(request: Any3, state: State, error: OidcError, person: Person | None = None) -> Response[None]:
    """Say so in the audit log, and to the page in one word."""
    log.warning("sign-in through the provider refused", reason=str(error))
    who, detail = (person.name, f"{error} ({person.subject})") if person else ("", str(error))
    await asyncio.to_thread(
        lambda: state.audit.add(who, "", "sign in", address=client(request), detail=detail, outcome="refused")
    )
    return _onward(f"/?sign_in={error.code}", _cookie(request, "", 0))


def _only_so_often(state: State, request: Any3) -> None:
    """Raises TooManyRequestsException: each call asks the provider, and each refusal is an entry of the audit log."""
    wait_s = state.tries_of_provider.take(client(request))
    if wait_s > 0:
        raise TooManyRequestsException(detail="too many sign-ins; wait", headers={"Retry-After": str(int(wait_s) + 1)})


def _cookie(request: Any3, value: str, lasts_s: int) -> Cookie:
    """Lax, as the browser comes back from another site."""
    secure = request.scope["scheme"] == "https"
    path = CALLBACK.rpartition("/")[0]
    return Cookie(BROWSER, path, value, max_age=lasts_s, httponly=True, samesite="lax", secure=secure)


def _onward(address: str, *cookies: Cookie) -> Response[None]:
    return Redirect(address, status_code=303, cookies=cookies, headers={"Cache-Control": "no-store"})
