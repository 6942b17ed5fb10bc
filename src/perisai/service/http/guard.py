"""Who may call what: a session by cookie, its CSRF token on all that changes something, and the leave of a role."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, ServiceUnavailableException
from litestar.handlers.base import BaseRouteHandler

from perisai.model import ResourceError

from ..identity import MAY, Leave, Session, is_loopback

COOKIE = "perisai-session"
CSRF_HEADER = "X-CSRF-Token"
SAFE = ("GET", "HEAD", "OPTIONS")
Connection = ASGIConnection[Any, Any, Any, Any]
T = TypeVar("T")
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def needs(leave: Leave) -> Guard:
    """A guard that lets in only sessions whose role has this leave; `request.state.session` is then set."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        same_origin(connection)
        session = await session_of(connection)
        changes = connection.scope["type"] == "http" and connection.scope["method"] not in SAFE
        if session is None:
            await refused(connection, None, f"needs {leave}", unknown=True, note=changes)
            raise NotAuthorizedException(detail="sign in first")
        if leave not in MAY[session.account.role]:
            await refused(connection, session, f"needs {leave}")
            raise PermissionDeniedException(detail=_no(session.account.role))
        if changes and not _csrf(connection, session):
            await refused(connection, session, "no CSRF token of this session")
            raise PermissionDeniedException(detail=f"{CSRF_HEADER}: missing or not of this session")
        connection.state.session = session

    return guard


async def needs_view(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard of the picture: `view`, unless the settings show it to anybody."""
    if connection.app.state.config.identity.sign_in_to_view:
        await _VIEW(connection, handler)


async def needs_key(connection: Connection, _: BaseRouteHandler) -> None:
    """The guard of detections over HTTP: the key of the settings, or without one only senders on this machine."""
    key = connection.app.state.ingest_key
    given = connection.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    allowed = hmac.compare_digest(given.encode(), key.encode()) if key else is_loopback(client(connection))
    if not allowed:
        await refused(connection, None, "no key of a sender", unknown=True)
        raise NotAuthorizedException(detail="Authorization: the key of [inputs] key_file expected")


def _no(role: str) -> str:
    """Why a role may not."""
    if role == "partner":
        return (
            "the role partner sees no picture here: what a partner may see goes over its leaf node (docs/partners.md)"
        )
    return f"the role {role} may not do this"


def same_origin(connection: Connection) -> None:
    """Raises PermissionDeniedException when a page of another site sent this."""
    origin = connection.headers.get("Origin")
    if origin and urlsplit(origin).netloc != connection.headers.get("Host"):
        raise PermissionDeniedException(detail="sent by a page of another site")


async def session_of(connection: Connection) -> Session | None:
    """The session whose cookie came along, while it lasts."""
    token = connection.cookies.get(COOKIE)
    if not token:
        return None
    return await asyncio.to_thread(connection.app.state.identity.session, token, time.time_ns() // 1000)


async def refused(
    connection: Connection, session: Session | None, why: str, *, unknown: bool = False, note: bool = True
) -> None:
    """Write a refusal into the audit log; those of nobody in particular only so often, so that no flood fills it."""
    state, address = connection.app.state, client(connection)
    if not note or (unknown and state.noted.take(address)):
        return
    who, role = (session.account.name, session.account.role) if session else ("", "")
    what = f"{connection.scope.get('method', 'live')} {connection.url.path}"
    await asyncio.to_thread(
        lambda: state.audit.add(who, role, what[:200], address=address, detail=why, outcome="refused")
    )


def client(connection: Connection) -> str:
    """The address a request came from."""
    return connection.client.host if connection.client else ""


async def answered(question: Awaitable[T]) -> T:
    """What another process answers. Raises ServiceUnavailableException when none does."""
    try:
        return await question
    except ResourceError as error:
        raise ServiceUnavailableException(detail=str(error)) from error


def _csrf(connection: Connection, session: Session) -> bool:
    given = connection.headers.get(CSRF_HEADER, "")
    return hmac.compare_digest(given.encode(), session.csrf.encode())


_VIEW = needs("view")
