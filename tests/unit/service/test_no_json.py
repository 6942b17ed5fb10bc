"""Bytes that are not the JSON expected, of any kind: one line and 400 over HTTP, a counted nothing on the bus."""

import pytest
from service_support import app_with_accounts, browser, sign_in

from perisai.service.bus import Message
from perisai.service.roles.frames import _health

NONE = (b'[{"a": "\xff\xfe"}]', b"[" * 20_000, b'{"x": ' * 20_000, b"", b"\x00", b'[{"time": 1e999}]', b"[1, 2]")


@pytest.mark.parametrize("body", NONE)
async def test_over_http(tmp_path, body):
    app = app_with_accounts(tmp_path)
    async with browser(app) as client:
        answer = await client.post("/api/v1/detections", content=body)
        assert answer.status_code == 400
        assert "\n" not in answer.json()["detail"]
        await sign_in(client, "operator")
        if body:  # an order without a body has no reason, and that is all
            answer = await client.post("/api/v1/alerts/a1/hold", content=body)
            assert answer.status_code == 400


@pytest.mark.parametrize("body", NONE)
def test_what_a_sensor_with_a_key_of_its_own_says_stops_nobody(body):
    assert _health(Message("perisai.in.sensor.radar-1", 1, 0, body)) == ()
