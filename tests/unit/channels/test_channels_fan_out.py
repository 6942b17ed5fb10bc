"""One message to many addresses: outcomes, retries, turns; what servers answer, and whom nothing is posted to."""

import asyncio
import ssl
from collections import Counter

import pytest
from channels_support import START_US
from post_peers import QUICK, serving

from perisai.alerting import make_key
from perisai.channels.fan_out import FanOut, FanOutSettings, Job
from perisai.channels.http_post import HttpPost, PostFailed, parse_address


def jobs(urls, body=b"x"):
    return [Job(url, parse_address(url, "test"), lambda: ({"Content-Type": "text/plain"}, body)) for url in urls]


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
