"""Signing in and out (docs/operator-api.md), and reading the audit log."""

import asyncio
import time
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie, State
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.params import JSONBody, Parameter

from ..identity import MAY, Account, Session
from .guard import COOKIE, client, needs, same_origin, session_of

Any3 = Request[Any, Any, Any]


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /session."""

    name: Annotated[str, msgspec.Meta(max_length=80)]
    password: Annotated[str, msgspec.Meta(max_length=256)]
    code: Annotated[str, msgspec.Meta(max_length=16)] = ""


class SessionController(Controller):
    """`/api/v1/session` and `/api/v1/audit`."""

    path = "/api/v1"

    @get("/session")
    async def who(self, request: Any3, state: State) -> dict[str, Any]:
        """Who is signed in, and what the server expects."""
        return _told(state, await session_of(request))

    @post("/session")
    async def sign_in(self, request: Any3, state: State, data: JSONBody[SignIn]) -> Response[dict[str, Any]]:
        """Sign in; the cookie is the session."""
        same_origin(request)
        address = client(request)
        keys = (f"{data.name}|{address}", address)
        wait_s = max(state.tries.wait_s(keys[0]), state.tries_of_address.wait_s(keys[1]))
        if wait_s > 0:
            raise TooManyRequestsException(
                detail="too many wrong tries; wait", headers={"Retry-After": str(int(wait_s) + 1)}
            )
        state.tries.spend(keys[0])  # before the slow hash, so that many at once count, too
        state.tries_of_address.spend(keys[1])
        account, why = await asyncio.to_thread(_check, state, data)
        if account is None:
            await asyncio.to_thread(
                lambda: state.audit.add(data.name, "", "sign in", address=address, detail=why, outcome="refused")
            )
            extra = {"need": "code"} if why.startswith("code") else None
            raise NotAuthorizedException(detail=why, extra=extra)
        state.tries.forget(keys[0])
        state.tries_of_address.forget(keys[1])
        token, cookie = await begin_session(request, state, account)
        session = await asyncio.to_thread(state.identity.session, token, time.time_ns() // 1000)
        return Response(_told(state, session), status_code=201, cookies=[cookie])

    @delete("/session", status_code=204)
    async def sign_out(self, request: Any3, state: State) -> Response[None]:
        """End this session."""
        same_origin(request)
        session = await session_of(request)
        if session is not None:
            account = session.account
            await asyncio.to_thread(state.identity.sign_out, request.cookies[COOKIE])
            await asyncio.to_thread(
                lambda: state.audit.add(account.name, account.role, "sign out", address=client(request))
            )
        gone = Cookie(COOKIE, "/", "", max_age=0, httponly=True, samesite="strict")
        return Response(None, status_code=204, cookies=[gone])

    @get("/audit", guards=[needs("audit")])
    async def audit(self, state: State, limit: Annotated[int, Parameter(ge=1, le=1000)] = 200) -> list[dict[str, Any]]:
        """The newest entries of the audit log, newest first."""
        entries = await asyncio.to_thread(state.audit.newest, limit)
        return [msgspec.to_builtins(entry) for entry in entries]


def _check(state: State, data: SignIn) -> tuple[Account | None, str]:
    """The account when all is right, else why not; wrong names and wrong passwords say the same."""
    account = state.identity.check_password(data.name, data.password)
    if account is None:
        return None, "name or password are wrong"
    if account.second_factor and not state.identity.check_code(account.name, data.code, time.time()):
        return None, "code: wrong, used before or missing"
    return account, ""


async def begin_session(request: Any3, state: State, account: Account, detail: str = "") -> tuple[str, Cookie]:
    """A new session, in the audit log before it is given; its token and its cookie."""
    lasts_s = round(state.config.identity.session_hours * 3600)

    def begin() -> str:
        state.audit.add(account.name, account.role, "sign in", address=client(request), detail=detail)
        return state.identity.sign_in(account, time.time_ns() // 1000, lasts_s)

    token = await asyncio.to_thread(begin)
    secure = request.scope["scheme"] in ("https", "wss")
    return token, Cookie(COOKIE, "/", token, max_age=lasts_s, httponly=True, samesite="strict", secure=secure)


def _told(state: State, session: Session | None) -> dict[str, Any]:
    account = session.account if session else None
    told = None
    if account:
        told = {
            "name": account.name,
            "role": account.role,
            "may": sorted(MAY[account.role]),
            "second_factor": account.second_factor,
        }
    return {
        "account": told,
        "csrf": session.csrf if session else None,
        "expires_us": session.expires_us if session else None,
        "sign_in_to_view": state.config.identity.sign_in_to_view,
        "two_operators_people": state.config.alerting.operators.two_operators_people,
        "mode": state.config.service.mode,
        "provider": state.config.identity.oidc.label if state.config.identity.oidc else None,
        "exercise_accounts": [msgspec.to_builtins(each) for each in state.exercise_accounts],
    }
