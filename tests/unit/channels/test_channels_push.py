"""Web Push and webhooks; peers: http_ece, py_vapid, aiohttp."""

import base64
import json

import http_ece
import msgspec
import pytest
from channels_support import SECOND_US, SECRET, START_US, an_alert, messages, squares
from cryptography.hazmat.primitives.asymmetric import ec
from post_peers import QUICK, point, serving, text
from py_vapid import Vapid02

from perisai.channels.fan_out import FanOut
from perisai.channels.http_post import HttpPost
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


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


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
