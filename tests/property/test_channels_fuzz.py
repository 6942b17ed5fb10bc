"""What strangers send to the channels, random and mutated: subscriptions, answers of servers, states at a siren."""

import asyncio
import json
import random
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.channels.cot_event import CotEvent, to_xml
from perisai.channels.http_post import HttpPost, PostFailed, parse_address
from perisai.channels.siren import SirenState
from perisai.channels.siren_reports import SirenReports
from perisai.channels.web_push import parse_subscription
from perisai.model import BadInputError

RANDOM, MUTATED = 100_000, 10_000
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "A" * 22,
}
SUBSCRIPTION = json.dumps({"endpoint": "https://push.example.net/x", "keys": KEYS}).encode()
STATE = b'{"area":"A1","state":"alarm","mode":"actual","expires":"2026-01-01T00:30:00Z"}'
REPORT = b'{"state":"on","order":"urn:x:1","fault":""}'
ANSWERS = (
    b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nRetry-After: 5\r\n\r\nok",
    b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
)


def messages(*seeds: bytes):
    """Random ones, then seeds with some bytes changed, taken out or doubled."""
    chance = random.Random(20260101)
    for _ in range(RANDOM):
        yield chance.randbytes(chance.randrange(40))
    for _ in range(MUTATED):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(data) or 1)
            match chance.randrange(3):
                case 0:
                    data[at : at + 1] = chance.randbytes(1)
                case 1:
                    del data[at : at + chance.randrange(8)]
                case _:
                    data[at:at] = data[at : at + chance.randrange(16)]
        yield bytes(data)


def test_a_subscription_is_taken_or_refused_in_one_line():
    taken = 0
    for message in messages(SUBSCRIPTION):
        try:
            one = parse_subscription(message)
        except BadInputError as error:
            assert "\n" not in str(error)
        else:
            assert one.endpoint.startswith("https://")
            taken += 1
    assert 0 < taken < MUTATED


def test_a_siren_takes_a_state_or_counts_it():
    siren = SirenState()
    for message in messages(STATE):
        siren.hear(message)
    assert RANDOM * 0.99 < siren.rejected < RANDOM + MUTATED


def test_a_siren_report_is_taken_or_counted():
    reports = SirenReports("perisai", {"A1": "A1"})
    for number, message in enumerate(messages(REPORT, b"ON", b"lost")):
        reports.hear(f"perisai/A1/siren/report/{number % 7}", message, number * 1_000_000)
        told = reports.standing({}, number * 1_000_000)
        assert len(told) <= 7
        assert all(one.state in ("on", "off", "lost", "silent") for one in told)
    assert set(reports.rejects) == {"siren report not understood"}
    assert reports.reports + reports.rejects.total() == RANDOM + MUTATED
    assert MUTATED / 50 < reports.reports < MUTATED


class _Line:
    """A connection whose other end has said everything it will say."""

    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


async def test_an_answer_is_a_status_or_a_counted_failure():
    post, address = HttpPost(private=True), parse_address("http://127.0.0.1/", "test")
    understood = failed = 0

    line = [b""]

    async def connected(_):
        reader = asyncio.StreamReader(limit=65_536)
        reader.feed_data(line[0])
        reader.feed_eof()
        return reader, _Line()

    post._connect = connected
    for said in messages(*ANSWERS):
        line[0] = said
        post._idle.clear()
        try:
            reply = await post.post(address, {}, b"")
        except PostFailed as error:
            assert str(error) in ("connection", "not_http")
            failed += 1
        else:
            assert 0 <= reply.status <= 999
            understood += 1
    assert understood > MUTATED / 10
    assert failed > RANDOM * 0.99


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_gives_well_formed_xml(uid, callsign):
    event = CotEvent(uid=uid, type="a-u-A", how="m-f", time_us=0, stale_us=1, lat=0.0, lon=0.0, callsign=callsign)
    assert ET.fromstring(to_xml(event)).get("type") == "a-u-A"


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999/", "http://\x00/", "http://" + "ä" * 70 + "/"])
def test_addresses_that_are_none_are_refused_by_name(url):
    with pytest.raises(BadInputError, match="test"):
        parse_address(url, "test")
