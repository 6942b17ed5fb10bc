"""Web Push, webhooks and the fan-out behind them; peers: http_ece, py_vapid, aiohttp."""

import asyncio
import base64
import json
import ssl
from collections import Counter
from contextlib import asynccontextmanager

import http_ece
import msgspec
import pytest
from aiohttp import web
from channels_support import SECOND_US, SECRET, START_US, an_alert, messages, squares
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from perisai.alerting import make_key
from perisai.channels.fan_out import FanOut, FanOutSettings, Job
from perisai.channels.http_post import HttpPost, PostFailed, parse_address
from perisai.channels.web_push import (
    MAX_PAYLOAD_BYTES,
    Subscription,
    Vapid,
    WebPush,
    encrypt,
    make_vapid_key,
    parse_subscription,
)
from perisai.channels.webhook import Webhook, WebhookSender, sign
from perisai.model import BadInputError

(MESSAGE,) = messages(squares(), an_alert())
QUICK = FanOutSettings(first_delay_s=0.01, max_delay_s=0.05, timeout_s=2.0, attempts=4)


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class Endpoint:
    """An HTTP server (aiohttp) that answers as told and keeps what came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, list[int]] = {}
        self.hang = asyncio.Event()
        self.headers: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.came.append((request.path, dict(request.headers), body))
        if request.path.startswith("/hang"):
            await self.hang.wait()
        planned = self.answers.get(request.path)
        return web.Response(status=planned.pop(0) if planned else 201, headers=self.headers, text="thanks")


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None):
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoint.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield endpoint, f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        endpoint.hang.set()
        await runner.cleanup()


def jobs(urls, body=b"x"):
    return [Job(url, parse_address(url, "test"), lambda: ({"Content-Type": "text/plain"}, body)) for url in urls]


def test_encryption_gives_the_example_of_rfc_8291_appendix_a():
    sender = ec.derive_private_key(
        int.from_bytes(b64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    to = Subscription(
        endpoint="https://push.example.net/x",
        p256dh=b64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        auth=b64("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    body = encrypt(b"When I grow up, I want to be a watermelon", to, b64("DGv6ra1nlYgDCS1FRnbzlw"), sender)
    assert text(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.oracle
async def test_a_browser_reads_what_was_pushed_and_the_service_knows_who_sent_it():
    browser, auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
    vapid = Vapid(make_vapid_key(), "mailto:duty@example.org")
    async with serving() as (endpoint, url):
        raw = {"endpoint": f"{url}/push/1", "keys": {"p256dh": text(point(browser)), "auth": text(auth)}}
        to = parse_subscription(json.dumps(raw), ["A0"], "en-US", private=True)
        fan = FanOut(HttpPost(private=True), QUICK)
        (outcome,) = await WebPush(fan, vapid, lambda: START_US / 1e6).send(MESSAGE, [to], START_US)
        await fan.close()
    assert outcome.result == "delivered"
    ((_, headers, body),) = endpoint.came
    shown = json.loads(http_ece.decrypt(body, private_key=browser, auth_secret=auth))
    assert shown["title"] == "Air raid alert: Town 0. Threat of attack drones."
    assert (shown["level"], shown["area"], shown["mode"]) == ("alarm", "A0", "actual")
    assert headers["Content-Encoding"] == "aes128gcm"
    assert headers["TTL"] == "1800"
    assert headers["Urgency"] == "high"
    assert len(headers["Topic"]) == 32
    assert Vapid02.verify(headers["Authorization"])
    claims = json.loads(b64(headers["Authorization"].split("t=")[1].split(",")[0].split(".")[1]))
    assert claims == {"aud": url, "exp": START_US // SECOND_US + 12 * 3600, "sub": "mailto:duty@example.org"}


def test_the_longest_payload_fits_one_record_and_one_more_byte_is_refused():
    browser = ec.generate_private_key(ec.SECP256R1())
    to = Subscription(endpoint="https://push.example.net/x", p256dh=point(browser), auth=b"0123456789abcdef")
    assert len(encrypt(b"a" * MAX_PAYLOAD_BYTES, to, b"s" * 16, ec.generate_private_key(ec.SECP256R1()))) == 4096
    with pytest.raises(ValueError, match="push message carries"):
        encrypt(b"a" * (MAX_PAYLOAD_BYTES + 1), to, b"s" * 16, ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "http://push.example.net/x"}, "endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "endpoint"),
        ({"endpoint": "https://push.example.net/x\r\nX-Evil: 1"}, "endpoint"),
        ({"endpoint": "https://user@push.example.net/"}, "endpoint"),
        ({"keys": {"p256dh": text(b"\x04" + b"1" * 64), "auth": text(b"a" * 16)}}, "p256dh"),
        ({"keys": {"p256dh": "AAAA", "auth": text(b"a" * 15)}}, "auth"),
        ({"keys": None}, "keys"),
    ],
)
def test_a_bad_subscription_is_refused_by_its_field(change, field):
    good = {"p256dh": text(point(ec.generate_private_key(ec.SECP256R1()))), "auth": text(b"a" * 16)}
    raw = {"endpoint": "https://push.example.net/x", "keys": good, **change}
    with pytest.raises(BadInputError, match=field):
        parse_subscription(json.dumps(raw))


def test_webhook_signature_is_that_of_the_reference_library():
    """Made with PyPI standardwebhooks 1.1.0."""
    body = '{"level":"alarm","назва":"Київ"}'.encode()
    key = bytes(range(32))
    assert sign(key, "a1.1", 1767225600, body) == "v1,Azl9PKD2xKH4K4s9XPT2Ad/A7g7JhPbd3jfNCaVnlR8="


async def test_a_webhook_is_signed_retried_and_can_be_recognised():
    times = iter([START_US, START_US + 400 * SECOND_US])
    async with serving() as (endpoint, url):
        endpoint.answers["/hook"] = [503, 200]
        fan = FanOut(HttpPost(private=True), QUICK)
        hooks = [
            Webhook(url=f"{url}/hook", secret=SECRET),
            Webhook(url=f"{url}/elsewhere", secret=SECRET, areas=("A2",)),
        ]
        outcomes = await WebhookSender(fan, hooks, lambda: next(times)).send(MESSAGE, START_US)
        await fan.close()
    assert [(one.key, one.result, one.attempts) for one in outcomes] == [(f"{url}/hook", "delivered", 2)]
    (first, second) = endpoint.came
    assert first[1]["webhook-id"] == second[1]["webhook-id"] == MESSAGE.identifier
    assert int(second[1]["webhook-timestamp"]) - int(first[1]["webhook-timestamp"]) == 400
    for _, headers, body in endpoint.came:
        expected = sign(bytes(range(32)), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert headers["webhook-signature"] == expected
        assert json.loads(body)["cap"].encode() == MESSAGE.xml
    assert fan.counts == {"status_503": 1, "delivered": 1}


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://x/"}, {"secret": "whsec_AAAA"}, {"secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]
)
def test_a_bad_webhook_is_refused_by_its_field(wrong):
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        msgspec.convert({"url": "https://example.org/", "secret": SECRET, **wrong}, Webhook)


async def test_outcomes_by_answer():
    async with serving() as (endpoint, url):
        endpoint.answers = {
            "/gone": [410],
            "/missing": [404],
            "/bad": [400],
            "/moved": [302],
            "/busy": [429, 201],
            "/broken": [500] * 9,
        }
        fan = FanOut(HttpPost(private=True), QUICK)
        outcomes = await fan.submit(jobs([f"{url}{path}" for path in [*endpoint.answers, "/fine"]]), 60.0)
        await fan.close()
    results = {one.key.removeprefix(url): (one.result, one.attempts) for one in outcomes}
    assert results == {
        "/gone": ("gone", 1),
        "/missing": ("gone", 1),
        "/bad": ("refused", 1),
        "/moved": ("refused", 1),
        "/busy": ("delivered", 2),
        "/broken": ("gave_up", 4),
        "/fine": ("delivered", 1),
    }
    assert Counter(path for path, _, _ in endpoint.came)["/broken"] == 4


async def test_a_retry_that_would_come_after_the_alert_ended_is_not_made():
    async with serving() as (endpoint, url):
        endpoint.answers["/later"] = [503] * 9
        endpoint.headers["Retry-After"] = "3600"
        fan = FanOut(HttpPost(private=True), QUICK)
        (outcome,) = await fan.submit(jobs([f"{url}/later"]), 60.0)
        await fan.close()
    assert (outcome.result, outcome.attempts, len(endpoint.came)) == ("expired", 1, 1)


async def test_a_host_that_hangs_holds_up_neither_others_nor_the_next_alert():
    async with serving() as (slow, slow_url), serving() as (_, url):
        fan = FanOut(HttpPost(private=True), FanOutSettings(connections=20, a_host=10, timeout_s=60.0))
        first = fan.submit(jobs([f"{slow_url}/hang{i}" for i in range(50)] + [f"{url}/{i}" for i in range(300)]), 600.0)
        second = fan.submit(jobs([f"{url}/next"]), 600.0)
        (outcome,) = await asyncio.wait_for(second, 30)
        assert outcome.result == "delivered"
        assert not first.done()
        slow.hang.set()
        assert Counter(one.result for one in await first) == {"delivered": 350}
        await fan.close()


async def test_the_next_alert_takes_its_turn_within_a_large_one():
    async with serving() as (endpoint, url):
        fan = FanOut(HttpPost(private=True), FanOutSettings(connections=10, a_host=10))
        first = fan.submit(jobs([f"{url}/city/{i}" for i in range(1000)]), 600.0)
        second = fan.submit(jobs([f"{url}/village"]), 600.0)
        await asyncio.gather(first, second)
        await fan.close()
    paths = [path for path, _, _ in endpoint.came]
    assert len(set(paths)) == len(paths) == 1001
    assert paths.index("/village") < 50


async def test_private_hosts_are_not_posted_to_unless_allowed():
    async with serving() as (endpoint, url):
        fan = FanOut(HttpPost(), QUICK)
        (outcome,) = await fan.submit(jobs([f"{url}/x"]), 60.0)
        await fan.close()
    assert (outcome.result, outcome.reason) == ("refused", "private_network")
    assert endpoint.came == []


async def test_tls_is_checked(tmp_path):
    pair = make_key("127.0.0.1", START_US, "ec")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    (tmp_path / "pair.pem").write_bytes(pair.key_pem + pair.certificate_pem)
    server.load_cert_chain(tmp_path / "pair.pem")
    trusting = ssl.create_default_context(cadata=pair.certificate_pem.decode())
    trusting.check_hostname = False
    async with serving(server) as (endpoint, url):
        post = HttpPost(private=True, tls=trusting)
        assert (await post.post(parse_address(f"{url}/x", "test"), {}, b"hello")).status in (200, 201)
        await post.close()
        with pytest.raises(PostFailed, match="tls"):
            await HttpPost(private=True).post(parse_address(f"{url}/x", "test"), {}, b"hello")
    assert [body for _, _, body in endpoint.came] == [b"hello"]


@pytest.mark.parametrize(
    ("answer", "status", "again"),
    [
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", 201, True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200, False),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", 200, False),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not_http", False),
        (b"HTTP/1.1 abc\r\n\r\n", "not_http", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not_http", False),
        (b"x" * 200_000, "connection", False),
        (b"", "connection", False),
    ],
)
async def test_what_servers_answer(answer, status, again):
    connections = []

    async def handle(reader, writer):
        connections.append(writer)
        while await reader.readline() not in (b"\r\n", b""):
            pass
        writer.write(answer)
        await writer.drain()
        if not again:
            writer.close()
        else:
            await handle_next(reader, writer)

    async def handle_next(reader, writer):
        while line := await reader.readline():
            if line == b"\r\n":
                writer.write(answer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    post = HttpPost(private=True, timeout_s=5.0)
    for _ in range(2):
        if isinstance(status, str):
            with pytest.raises(PostFailed, match=status):
                await post.post(parse_address(url, "test"), {}, b"")
        else:
            assert (await post.post(parse_address(url, "test"), {}, b"")).status == status
    assert len(connections) == (1 if again else 2)
    await post.close()
    server.close()
