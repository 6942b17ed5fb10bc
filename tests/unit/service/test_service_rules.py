"""Who may call what, for every route there is: a new one without a rule fails, as does a rule without its guard."""

import re

import pytest
from oidc_peer import with_provider
from service_support import app_with_accounts, browser, sign_in

from perisai.service.http.guard import needs_view
from perisai.service.identity import MAY, ROLES

ANYBODY = {
    "/", "/{file_path:path}", "/citizen", "/api/docs", "/api/docs/openapi.json", "/api/docs/{path:str}",
    "/metrics", "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready",
    "/api/v1/areas.geojson", "/api/v1/outlines.geojson", "/api/v1/basemap.geojson",
    "/api/v1/public/mode", "/api/v1/public/areas", "/api/v1/public/areas/{code:str}",
    "/api/v1/public/push/key", "POST /api/v1/public/push/subscriptions", "DELETE /api/v1/public/push/subscriptions",
    "/cap.atom", "/cap/certificate.pem", "/cap/{name:str}", "/v1/{rest:path}", "/v2/{rest:path}", "/api/v3/{rest:path}",
    "/api/v1/session", "POST /api/v1/session", "DELETE /api/v1/session",
    "/api/v1/session/oidc", "/api/v1/session/oidc/callback",
    "POST /api/v1/reports", "/api/v1/reports/schema.json",
}  # fmt: skip
"""What the public is told, the pages, signing in and out, and citizens' reports, which have limits of their own."""
PAGES = {"/", "/{file_path:path}"}
"""There when the console is built."""
WITH_KEY = {"POST /api/v1/detections"}
"""Of machines: `test_service_session_api.py` holds it."""
LEAVES = {
    "view": {
        "/api/v1/state", "/api/v1/live", "/api/v1/trust", "/api/v1/pending", "/api/v1/proposals", "/api/v1/alerts",
        "/api/v1/tracks.geojson", "/api/v1/tracks/{track:int}/history", "/api/v1/areas/{code:str}/timeline",
        "/api/v1/sensors", "/api/v1/sensors/{sensor:str}/detections", "/api/v1/inputs", "/api/v1/channels",
        "/api/v1/sirens", "/api/v1/partners", "/api/v1/layers", "/api/v1/layers/{name:str}",
        "/api/v1/stream/alerts.arrow", "/api/v1/stream/alerts.geojson", "/api/v1/stream/tracks.arrow",
        "/api/v1/stream/tracks.geojson", "/api/v1/replay", "/api/v1/replay/live",
        "/api/v1/replay/tracks/{track:int}/history", "/api/v1/replay/areas/{code:str}/timeline",
    },
    "act": {
        "POST /api/v1/alerts", "POST /api/v1/alerts/preview", "POST /api/v1/alerts/{identifier:str}/{what:str}",
        "POST /api/v1/inputs/{name:str}/tasks",
    },
    "approve": {"POST /api/v1/proposals/{identifier:str}/{what:str}"},
    "audit": {"/api/v1/audit"},
}  # fmt: skip
"""Leave: what needs it; a GET where no method stands, and the live sockets."""
TRIES = 100
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "WS"}


def _routes(app):
    """(method, path, guards) of every handler; WS for a socket."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
            for method in sorted(METHODS & set(getattr(handler, "http_methods", {"WS"}))):
                yield method, route.path, handler.resolve_guards()


def _leave(method, path):
    """The leave that a route needs by the rules above; None where anybody may, or a machine with its key."""
    name = _name(method, path)
    for leave, routes in LEAVES.items():
        if name in routes:
            return leave
    assert name in ANYBODY | WITH_KEY, f"{name} has no rule: say here who may"
    return None


def _name(method, path):
    return path if method in ("GET", "WS") else f"{method} {path}"


def test_every_route_has_a_rule_and_its_guard(tmp_path):
    app = app_with_accounts(tmp_path, office=None, config=with_provider("https://id.example", tmp_path))
    found = set()
    for method, path, guards in _routes(app):
        leave = _leave(method, path)
        found.add(name := _name(method, path))
        assert bool(guards) == (leave is not None or name in WITH_KEY), f"{name}: {guards}"
        if leave == "view":
            assert needs_view in guards, path
    documented = app.openapi_schema.to_schema()["paths"]
    assert set(documented) <= {re.sub(r":\w+}", "}", name.split(" ")[-1]) for name in found}
    rules = ANYBODY | WITH_KEY | {name for routes in LEAVES.values() for name in routes}
    assert rules - PAGES == found - PAGES, "no rule is left of a route that went"


@pytest.mark.parametrize("role", ["", *ROLES])
async def test_a_hundred_tries_of_each_forbidden_act_are_refused_and_logged(tmp_path, role):
    app = app_with_accounts(tmp_path, office=None)
    forbidden: dict[str, list[tuple[str, str]]] = {}
    for method, path, _ in _routes(app):
        leave = _leave(method, path)
        if leave and method != "WS" and leave not in (MAY[role] if role else ()):
            forbidden.setdefault(leave, []).append((method, re.sub(r"{\w+:(\w+)}", "1", path)))
    assert set(forbidden) == (set(LEAVES) - set(MAY[role]) if role else set(LEAVES))
    async with browser(app) as client:
        if role:
            await sign_in(client, role)
        for leave, asked in forbidden.items():
            before = app.state.audit.newest(1)[0].number if role else 0
            for method, path in asked:
                told = {(await client.request(method, path, json={})).status_code for _ in range(TRIES)}
                assert told == {403 if role else 401}, (role, leave, method, path)
            if role:
                entries = app.state.audit.newest(TRIES * len(asked))
                assert entries[0].number == before + TRIES * len(asked)
                assert {(one.who, one.outcome) for one in entries} == {(role, "refused")}
    if not role:
        refusals = [one for one in app.state.audit.newest(1000) if one.outcome == "refused"]
        assert refusals and {one.who for one in refusals} == {""}, "so many of nobody in particular as a flood may"
