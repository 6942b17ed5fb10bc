"""Signing in over HTTP: cookie, CSRF, second factor, throttle; and what the picture shows to whom."""

import time

import httpx
import pytest
from prometheus_client import generate_latest
from service_support import PASSWORD, app_with_accounts, browser, sign_in

from perisai.service.config import Config, InputSettings
from perisai.service.identity import IdentitySettings
from perisai.service.identity.totp import code_at

PICTURE = ("/state", "/sensors", "/alerts", "/tracks.geojson", "/tracks/1/history", "/areas/0-0/timeline")


async def test_a_session_is_a_strict_cookie_that_ends(tmp_path):
    app = app_with_accounts(tmp_path)
    async with browser(app) as client:
        assert (await client.get("/api/v1/session")).json()["account"] is None
        answer = await sign_in(client, "operator")
        cookie = answer.headers["Set-Cookie"].lower()
        assert answer.status_code == 201 and "httponly" in cookie and "samesite=strict" in cookie
        told = (await client.get("/api/v1/session")).json()
        assert told["account"]["may"] == ["act", "approve", "view"] and told["csrf"]
        assert (await client.delete("/api/v1/session")).status_code == 204
        assert (await client.get("/api/v1/session")).json()["account"] is None
    assert [entry.what for entry in app.state.audit.newest(2)] == ["sign out", "sign in"]


async def test_the_picture_is_for_those_who_may_see_it(tmp_path):
    app = app_with_accounts(tmp_path)
    for name, statuses in (("", {401}), ("partner", {403}), ("viewer", {200, 404})):
        async with browser(app) as client:
            if name:
                await sign_in(client, name)
            assert {(await client.get(f"/api/v1{path}")).status_code for path in PICTURE} <= statuses
            assert (await client.get("/api/v1/areas.geojson")).status_code == 200
            assert (await client.get("/api/v1/public/areas/0-0")).status_code == 200
    open_to_all = Config(identity=IdentitySettings(sign_in_to_view=False))
    async with browser(app_with_accounts(tmp_path / "demo", config=open_to_all)) as client:
        assert (await client.get("/api/v1/state")).status_code == 200
        assert (await client.get("/api/v1/audit")).status_code == 401


async def test_wrong_tries_tell_nothing_and_run_out(tmp_path):
    app = app_with_accounts(tmp_path)
    async with browser(app) as client:
        wrong = await sign_in(client, "operator", "wrong password entirely")
        nobody = await sign_in(client, "nobody", "wrong password entirely")
        assert wrong.status_code == nobody.status_code == 401 and wrong.json() == nobody.json()
        tries = [(await sign_in(client, "operator", "wrong password entirely")).status_code for _ in range(5)]
        assert tries == [401] * 4 + [429]
        late = await sign_in(client, "operator")
        assert late.status_code == 429 and int(late.headers["Retry-After"]) > 0
        assert (await sign_in(client, "second")).status_code == 201, "one name's tries lock out nobody else"
    assert {entry.outcome for entry in app.state.audit.newest(6)} == {"refused", "done"}


async def test_a_second_factor_is_asked_for(tmp_path):
    app = app_with_accounts(tmp_path)
    secret = app.state.identity.set_second_factor("operator")
    async with browser(app) as client:
        missing = await sign_in(client, "operator")
        assert missing.status_code == 401 and missing.json()["extra"] == {"need": "code"}
        code = code_at(secret, int(time.time() // 30))
        assert (await sign_in(client, "operator", code=code)).status_code == 201
        assert (await sign_in(client, "operator", code=code)).status_code == 401, "a code counts once"


async def test_another_site_gets_nothing_done(tmp_path):
    async with browser(app_with_accounts(tmp_path)) as client:
        body = {"name": "operator", "password": PASSWORD}
        foreign = await client.post("/api/v1/session", json=body, headers={"Origin": "https://elsewhere.example"})
        assert foreign.status_code == 403


@pytest.mark.parametrize("body", [{}, {"name": 3}, {"name": "a", "password": "b", "more": 1}, {"name": "a" * 99}])
async def test_a_bad_body_is_told(tmp_path, body):
    async with browser(app_with_accounts(tmp_path)) as client:
        assert (await client.post("/api/v1/session", json=body)).status_code == 400


OPEN = {
    "/",
    "/citizen",
    "/metrics",
    "/cap.atom",
    "/cap/certificate.pem",
    "/cap/{name:str}",
    "/v1/{rest:path}",
    "/v2/{rest:path}",
    "/api/v3/{rest:path}",
    "/api/v1/session",
    "/api/v1/health",
    "/api/v1/health/live",
    "/api/v1/health/ready",
    "/api/v1/reports",
    "/api/v1/reports/schema.json",
    *(f"/api/v1/{name}.geojson" for name in ("areas", "outlines", "basemap")),
}
"""What anybody may call; the APIs of other apps ask for their own token."""


def test_every_other_route_asks_who_it_is(tmp_path):
    open_routes = set()
    for route in app_with_accounts(tmp_path).routes:
        for handler in getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]:
            only_options = getattr(handler, "http_methods", None) == {"OPTIONS"}
            guarded = handler is None or only_options or handler.resolve_guards()
            if not guarded and not route.path.startswith(("/api/v1/public", "/api/docs", "/{file_path")):
                open_routes.add(route.path)
    assert open_routes <= OPEN


async def test_detections_come_from_this_machine_or_with_the_key(tmp_path):
    (tmp_path / "ingest.key").write_text("a key of the sensors\n")
    with_key = Config(inputs=InputSettings(key_file=str(tmp_path / "ingest.key")))
    good = {"Authorization": "Bearer a key of the sensors"}
    cases = [
        (with_key, "127.0.0.1", {}, 401),
        (with_key, "192.0.2.7", {"Authorization": "Bearer wrong"}, 401),
        (with_key, "192.0.2.7", good, 400),
        (Config(), "192.0.2.7", good, 401),
        (Config(), "127.0.0.1", {}, 400),
    ]
    for number, (config, address, headers, status) in enumerate(cases):
        app = app_with_accounts(tmp_path / str(number), config=config)
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.post("/api/v1/detections", content=b"no table", headers=headers)
            assert answer.status_code == status, (number, answer.text)


async def test_detections_over_http_are_counted_and_limited(tmp_path):
    config = Config(inputs=InputSettings(detections_per_minute=3))
    app = app_with_accounts(tmp_path, config=config)
    app.state.detections._ingest = taker = Taker()
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    row = {"time": "2026-01-01T00:00:00Z", "sensor": "r", "lat": 50.0, "lon": 30.0}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answers = [
            await client.post("/api/v1/detections", json=body) for body in ([row, row], [{"no": 1}], [row], [row])
        ]
        assert [answer.status_code for answer in answers] == [202, 400, 202, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
    state = app.state.detections.snapshot()
    assert (state.name, state.kind, state.state, state.messages, state.detections) == (
        "http-detections", "detections", "live", 4, 3,
    )  # fmt: skip
    assert state.rejects == {"body: no detections": 1, "too many messages": 1}
    assert taker.rows == 3
    assert b'perisai_input_rejects_total{input="http-detections",reason="body: no detections"}' in generate_latest()


class Taker:
    """An ingest role without a bus."""

    rows = 0

    async def accept(self, source, table, identity):
        self.rows += table.num_rows
        return table.num_rows
