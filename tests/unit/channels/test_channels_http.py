"""What partners fetch from a running centre, each read by a client that somebody else wrote."""

import asyncio
import base64
import json

import alerts_in_ua
import capvalidator
import feedparser
import httpx
import pyarrow as pa
import pytest
from channels_house import centre, get, some_tracks, until
from channels_support import SECOND_US, START_US, an_alert, messages, squares, ukraine
from cryptography.hazmat.primitives.asymmetric import ec
from post_peers import point, serving, text

from perisai.alerting import CapSettings, CapWriter, Signer, make_key
from perisai.channels.alert_api import AlertApiSettings
from perisai.channels.cap_feed import FeedSettings
from perisai.channels.web_push import WebPushSettings
from perisai.model import ALERTS, TRACKS

AREAS = squares()
LATER_US = START_US + 60 * SECOND_US


@pytest.mark.oracle
async def test_the_feed_and_each_signed_message_over_http(tmp_path):
    pair = make_key("perisai.example", START_US, "ec")
    writer = CapWriter(AREAS, CapSettings(), "exercise", Signer(pair.key_pem, pair.certificate_pem))
    async with centre(tmp_path, AREAS, mode="exercise", now_us=LATER_US) as house:
        await house.say(messages(AREAS, an_alert("A0"), an_alert("A1", "watch"), writer=writer))
        feed_url = f"{house.url}/cap.atom"
        document = await until(lambda: _feed(feed_url, 2))
        assert document.feed.links[0].href == feed_url
        for entry in document.entries:
            assert entry.title.startswith("НАВЧАННЯ")
            (link,) = entry.links
            answer = await get(link.href)
            assert answer.headers["Content-Type"].startswith("application/cap+xml")
            assert capvalidator.check_schema(answer.content).passed
            assert capvalidator.check_signature(answer.content).passed
        first = await get(feed_url)
        again = await get(feed_url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        await house.say(messages(AREAS, an_alert("A0"), writer=writer, kind="ended", at_s=30))
        ended = await until(lambda: _feed(feed_url, 2, "Cancel"))
        assert {entry.cap_msgtype for entry in ended.entries} == {"Alert", "Cancel"}
        assert (await get(f"{house.url}/cap/nothing")).status_code == 404


async def test_the_feed_is_limited_and_what_is_refused_counted(tmp_path):
    async with centre(tmp_path, AREAS, FeedSettings(per_minute=2), now_us=LATER_US) as house:
        answers = [await get(f"{house.url}/cap.atom") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        metrics = (await get(f"{house.url}/metrics")).text
        assert 'reason="too_many_requests"} 1.0' in metrics


async def _feed(url: str, wanted: int, kind: str = ""):
    document = feedparser.parse((await get(url)).content)
    assert not document.bozo
    kinds = [entry.cap_msgtype for entry in document.entries]
    return document if len(kinds) == wanted and (not kind or kind in kinds) else None


@pytest.mark.oracle
async def test_alert_apps_work_with_another_address_alone(tmp_path, monkeypatch):
    areas = ukraine()
    kyiv = next(code for code in areas.code if code.startswith("UA80"))
    settings = AlertApiSettings(tokens=("secret",), per_minute=30)
    async with centre(tmp_path, areas, settings, now_us=LATER_US) as house:
        await house.change(an_alert(kyiv), START_US)
        await until(house.gateway.picture.book.active)
        monkeypatch.setattr(alerts_in_ua.Client, "API_BASE_URL", house.url)
        monkeypatch.setattr(alerts_in_ua.AsyncClient, "API_BASE_URL", house.url)
        client = alerts_in_ua.Client("secret")
        (alert,) = (await asyncio.to_thread(client.get_active_alerts)).get_all_alerts()
        assert (alert.location_title, alert.alert_type) == ("м. Київ", "air_raid")
        (again,) = (await asyncio.to_thread(client.get_active_alerts)).get_all_alerts()
        assert again.id == alert.id
        (other,) = (await alerts_in_ua.AsyncClient("secret").get_active_alerts()).get_all_alerts()
        assert other.id == alert.id
        raw = (await get(f"{house.url}/v1/alerts/active.json", headers={"Authorization": "Bearer secret"})).json()
        assert (raw["alerts"][0]["eta_s"], raw["alerts"][0]["alert_level"]) == (240, "red")
        with pytest.raises(alerts_in_ua.errors.UnauthorizedError):
            await asyncio.to_thread(alerts_in_ua.Client("wrong").get_active_alerts)
        with pytest.raises(alerts_in_ua.errors.RateLimitError):
            for _ in range(40):
                await asyncio.to_thread(client.get_active_alerts, use_cache=False)
        outlet = house.outlet("alert_api")
        assert outlet.count.failures["wrong_token"] == 1
        assert outlet.count.failures["too_many_requests"] >= 1


async def test_a_browser_subscribes_is_told_once_and_leaves(tmp_path):
    browser = ec.generate_private_key(ec.SECP256R1())
    settings = WebPushSettings(private_endpoints=True, areas_each=2, per_minute=20)
    async with serving() as (endpoint, push_url), httpx.AsyncClient() as client:
        keys = {"p256dh": text(point(browser)), "auth": text(b"a" * 16)}
        asked = {"subscription": {"endpoint": f"{push_url}/one", "keys": keys}, "areas": ["A1"], "language": "en-US"}
        async with centre(tmp_path, AREAS, settings, now_us=LATER_US) as house:
            at = f"{house.url}/api/v1/public/push"
            key = (await client.get(f"{at}/key")).json()["key"]
            assert len(base64.urlsafe_b64decode(key + "=")) == 65
            bad = [
                {**asked, "areas": ["A1", "A2", "A0"]},
                {**asked, "areas": ["nowhere"]},
                {**asked, "areas": []},
                {**asked, "subscription": {"endpoint": "file:///etc/passwd", "keys": keys}},
                {"areas": ["A1"]},
            ]
            for body in bad:
                answer = await client.post(f"{at}/subscriptions", json=body)
                assert answer.status_code == 400, answer.text
            assert (await client.post(f"{at}/subscriptions", content=b"x" * 9000)).status_code == 413
            assert (await client.post(f"{at}/subscriptions", json=asked)).status_code == 201
        # The subscription outlives the house; an alarm of another area is not told.
        async with centre(tmp_path, AREAS, settings, now_us=LATER_US) as house:
            at = f"{house.url}/api/v1/public/push"
            assert (await client.get(f"{at}/key")).json()["key"] == key
            await house.say(messages(AREAS, an_alert("A0"), an_alert("A1")))
            await until(lambda: endpoint.came)
            await until(lambda: house.outlet("web_push").count.messages == 1)
            ended = {"endpoint": f"{push_url}/one"}
            assert (await client.request("DELETE", f"{at}/subscriptions", json=ended)).status_code == 200
            assert (await client.request("DELETE", f"{at}/subscriptions", json=ended)).status_code == 404
            limited = [(await client.post(f"{at}/subscriptions", json=asked)).status_code for _ in range(25)]
            assert limited[0] == 201
            assert limited[-1] == 429
        assert [path for path, _, _ in endpoint.came] == ["/one"]


async def test_streams_give_the_whole_picture_then_what_passes(tmp_path):
    async with centre(tmp_path, AREAS, now_us=START_US) as house, httpx.AsyncClient(timeout=20) as client:
        await house.show(some_tracks(START_US, 1, 2), START_US + SECOND_US)
        await house.change(an_alert("A1"), START_US)
        await until(lambda: len(house.gateway.picture.tracks) == 2 and house.gateway.picture.book.active())
        at = f"{house.url}/api/v1/stream"
        later = asyncio.create_task(_later(house))
        sequence = {"Accept": "application/geo+json-seq"}
        tracks, alerts = await asyncio.gather(
            _some_lines(client, f"{at}/tracks.geojson", {}, 4), _some_lines(client, f"{at}/alerts.geojson", sequence, 2)
        )
        await later
        assert [track["properties"]["track"] for track in tracks] == [1, 2, 2, 3]
        assert tracks[0]["geometry"]["coordinates"] == [30.1, 50.1, 300.0]
        assert tracks[2]["properties"]["status"] == "ended"
        assert [alert["properties"]["end_us"] for alert in alerts] == [None, LATER_US]
        assert alerts[0]["geometry"]["type"] == "Polygon"
        assert alerts[0]["properties"]["name_en"] == "Town 1"
        async with client.stream("GET", f"{at}/tracks.arrow") as answer:
            assert answer.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
            batches = await _batches(answer, TRACKS, 1)
        assert batches[0]["track"].to_pylist() == [1, 3]
        async with client.stream("GET", f"{at}/alerts.arrow") as answer:
            (batch,) = await _batches(answer, ALERTS, 1)
        assert batch.num_rows == 0
        await until(lambda: not house.gateway.track_taps and not house.gateway.alert_taps)


async def _later(house):
    await until(lambda: house.gateway.track_taps and house.gateway.alert_taps)
    await house.show(some_tracks(LATER_US, 2, 3, status=["ended", "tentative"]), LATER_US)
    await house.change(an_alert("A1", end_us=LATER_US), LATER_US, "ended")


async def _some_lines(client, url, headers, wanted):
    read = ""
    async with client.stream("GET", url, headers=headers) as answer:
        async for chunk in answer.aiter_text():
            read += chunk
            lines = [line for line in read.split("\n")[:-1] if line.strip()]
            assert all(line.startswith("\x1e") == bool(headers) for line in lines)
            if len(lines) >= wanted:
                return [json.loads(line.lstrip("\x1e")) for line in lines]


async def _batches(answer, schema, wanted):
    data = b""
    async for chunk in answer.aiter_bytes():
        data += chunk
        reader = pa.ipc.open_stream(data)
        assert reader.schema == schema
        batches = []
        try:
            batches += [reader.read_next_batch() for _ in range(wanted)]
        except (StopIteration, pa.ArrowInvalid):
            continue
        return batches


async def test_metrics_and_health_of_channels(tmp_path):
    async with centre(tmp_path, AREAS, now_us=LATER_US) as house:
        await house.say(messages(AREAS, an_alert("A0")))
        await until(lambda: _feed(f"{house.url}/cap.atom", 1))
        rows = {row["name"]: row for row in (await get(f"{house.url}/api/v1/channels")).json()}
        assert set(rows) == {"cap_feed", "alert_api", "web_push"}
        assert rows["cap_feed"]["messages"] >= 1
        figures = (await get(f"{house.url}/metrics")).text
        assert 'perisai_channel_messages_total{channel="cap_feed",kind="cap_feed"}' in figures
        assert "perisai_lag_seconds" in figures
