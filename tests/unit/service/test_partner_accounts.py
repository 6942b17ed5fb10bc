"""An account of the role partner at the console: no picture, whatever it asks for, and a line that says why."""

import pytest
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient
from service_support import PASSWORD, app_with_accounts, browser, sign_in

PICTURE = (
    "/api/v1/state", "/api/v1/sensors", "/api/v1/inputs", "/api/v1/partners", "/api/v1/tracks.geojson",
    "/api/v1/tracks/1/history", "/api/v1/areas/x/timeline", "/api/v1/stream/tracks.geojson",
    "/api/v1/stream/tracks.arrow", "/api/v1/replay/", "/api/v1/replay/tracks/1/history?at_us=1", "/api/v1/layers/",
)  # fmt: skip


async def test_a_partners_account_gets_no_picture_over_http_and_is_told_why(tmp_path):
    async with browser(app_with_accounts(tmp_path)) as client:
        assert (await sign_in(client, "partner")).status_code == 201
        for path in PICTURE:
            answer = await client.get(path)
            assert answer.status_code == 403, path
            assert "leaf node" in answer.json()["detail"], path


def test_the_live_feed_is_refused_to_a_partners_account(tmp_path):
    with TestClient(app_with_accounts(tmp_path), base_url="http://127.0.0.1") as client:
        assert client.post("/api/v1/session", json={"name": "partner", "password": PASSWORD}).status_code == 201
        for path in ("/api/v1/live", "/api/v1/replay/live?at_us=1"):
            _refused(client, path)


def _refused(client, path):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(path) as socket:
        socket.receive_bytes()


@pytest.mark.parametrize("role", ["", "partner"])
def test_a_hundred_tries_of_the_live_feeds_are_refused_and_logged(tmp_path, role):
    app = app_with_accounts(tmp_path)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        if role:
            client.post("/api/v1/session", json={"name": role, "password": PASSWORD})
        paths = ("/api/v1/live", "/api/v1/replay/live?at_us=1")
        for path in paths:
            for _ in range(100):
                _refused(client, path)
    refusals = [one for one in app.state.audit.newest(1000) if one.outcome == "refused"]
    assert {one.who for one in refusals} <= {role}
    assert len(refusals) == (200 if role else 0), "looking without a session changes nothing: it is not in the log"
