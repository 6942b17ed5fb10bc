"""A console server over a made-up region, without a bus: what the HTTP tests of the service share."""

import time
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from litestar import Litestar
from made_up_region import chessboard

from perisai.service.audit import AuditLog
from perisai.service.config import Config
from perisai.service.http import build_app
from perisai.service.http.ground import Ground
from perisai.service.identity import ROLES, IdentityStore
from perisai.service.partners.exchange import Exchange
from perisai.service.picture import Picture
from perisai.service.roles.gateway import Gateway
from perisai.service.work import Work

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2id at its cheapest: what is tested is not how slow it is."""
PASSWORD = "correct horse battery staple"


class NoChannels:
    """A centre without ways out."""

    def status(self) -> list[dict[str, Any]]:
        return []

    sirens = status

    def siren_reports(self) -> dict[str, int]:
        return {}


def app_with_accounts(directory: Path, **state: Any) -> Litestar:
    """The application with one account of each role, named after it, and a second operator."""
    identity = IdentityStore(directory, QUICK)
    for role in ROLES:
        identity.add(role, role, PASSWORD)
    identity.add("second", "operator", PASSWORD)
    given: dict[str, Any] = {
        "config": Config(),
        "gateway": Gateway(None, Picture("test", [])),  # pyright: ignore[reportArgumentType]
        "exchange": Exchange(None, [], "test", lambda: 0),  # pyright: ignore[reportArgumentType]
        "ingest": None,
        "channels": NoChannels(),
        "ground": Ground(chessboard(4, 4), Path(), Path()),
        "sensors": [],
        "identity": identity,
        "audit": AuditLog(directory / "audit", lambda: time.time_ns() // 1000),
        "exercise_accounts": [],
    }
    given |= state
    exchange, inputs = given.pop("exchange"), given.pop("inputs", None)
    given.setdefault("work", Work(given["channels"], exchange, inputs))
    return build_app(**given)


def browser(app: Any) -> httpx.AsyncClient:
    """A client with its own cookies."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1")


async def sign_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    """Sign in and carry the CSRF token from then on."""
    answer = await client.post("/api/v1/session", json={"name": name, "password": password, **more})
    if answer.status_code == 201:
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return answer
