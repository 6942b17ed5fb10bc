"""Web Push where console and gateways are processes of their own, with the keys and rights of `perisai keys`."""

import asyncio
import base64
import contextlib
import json
import time
from collections import Counter

import http_ece
import httpx
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from leaf_servers import server

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.web_push import Subscription, WebPushSettings, make_vapid_key
from perisai.model import Alert, AlertChange
from perisai.service import package_data
from perisai.service.bus import Bus
from perisai.service.bus_settings import BusSettings
from perisai.service.channels.store import ChannelStore
from perisai.service.channels.subscribers import Subscribers
from perisai.service.commands.live import _with_ground
from perisai.service.config import Config, ServiceSettings
from perisai.service.files import read_areas
from perisai.service.house import House
from perisai.service.nats_accounts import write_accounts
from perisai.service.nats_server import NatsServer
from perisai.service.tasks import end

AREAS = read_areas(package_data.COMMUNITIES)
AUTH = b"0123456789abcdef"


class PushService:
    """What a browser's maker runs; keeps what came, and says of a browser that it is gone."""

    def __init__(self):
        self.came, self.status = [], 201

    async def take(self, request):
        self.came.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    async def until(self, number):
        async with asyncio.timeout(20):
            while len(self.came) < number:
                await asyncio.sleep(0.05)
        return self.came[number - 1]

    async def until_shown(self, area, browser):
        """What came behind the first message until one of this area."""
        number = 1
        while True:
            number += 1
            await self.until(number)
            told = [shown(body, browser) for _, _, body in self.came[1:number]]
            if told[-1]["area"] == area:
                return told


@contextlib.asynccontextmanager
async def push_service():
    service, app = PushService(), web.Application()
    app.router.add_post("/{path:.*}", service.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield service, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def house(directory, bus_url, role, name, key):
    """A process of one role with a data directory of its own. Yields what it is and how to end it."""
    config = Config(
        service=ServiceSettings(mode="test", port=0, data=str(directory / name), nats=bus_url),
        bus=BusSettings(nkey=str(directory / f"keys/{role}.nk")),
        channel=(WebPushSettings(private_endpoints=True, key=str(key)),),
    )
    made, started = House(_with_ground(config), [], roles=(role,)), asyncio.Event()
    running = asyncio.create_task(made.run(ready=lambda _: started.set()))
    ready = asyncio.create_task(started.wait())
    await asyncio.wait([running, ready], timeout=60, return_when=asyncio.FIRST_COMPLETED)

    async def stop():
        made.stopping.set()
        await asyncio.wait_for(running, 30)

    try:
        assert started.is_set(), running.result()
        yield made, stop
    finally:
        await stop()


def message(writer, identifier, area):
    now_us = time.time_ns() // 1_000_000 * 1_000
    alert = Alert(
        identifier=identifier, area=area, level="alarm", threat="drone", start_us=now_us, end_us=None, eta_s=60.0,
        probability=0.9, tracks=(1,), reason="a drone",
    )  # fmt: skip
    return writer.step([AlertChange("raised", alert, now_us)], now_us)[0]


def shown(body, browser):
    return json.loads(http_ece.decrypt(body, private_key=browser, auth_secret=AUTH))


async def test_what_a_console_is_asked_the_gateway_pushes_and_its_standby_after_it(tmp_path):
    key = tmp_path / "vapid.pem"
    key.write_bytes(make_vapid_key())
    write_accounts(tmp_path / "keys", [])
    accounts = f'jetstream {{ store_dir: "{tmp_path}/js" }}\ninclude "../keys/accounts.conf"\n'
    writer = CapWriter(AREAS, CapSettings(), "test")
    browser = ec.generate_private_key(ec.SECP256R1())
    point = browser.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    here, there, gone = AREAS.code[:3]

    async with (
        push_service() as (service, push_url),
        server(tmp_path / "hub", accounts) as ports,
        contextlib.AsyncExitStack() as stack,
    ):
        url = ports["nats"][0]
        alerter = await stack.enter_async_context(Bus(url, BusSettings(nkey=str(tmp_path / "keys/alerter.nk"))))

        async def say(identifier, area):
            await alerter.publish(
                "perisai.cap", msgspec.msgpack.encode(message(writer, identifier, area)), f"cap-{identifier}"
            )

        console, _ = await stack.enter_async_context(house(tmp_path, url, "console", "console", key))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"{console.address}api/v1/public/push", trust_env=False, timeout=10)
        )
        assert (await client.get("/key")).status_code == 503, "nobody pushes yet: nobody is told that they are heard"
        _, stop_first = await stack.enter_async_context(house(tmp_path, url, "gateway", "first", key))
        await stack.enter_async_context(house(tmp_path, url, "gateway", "second", key))
        async with asyncio.timeout(10):
            while (answer := await client.get("/key")).status_code != 200:
                await asyncio.sleep(0.1)
        known = base64.urlsafe_b64decode(answer.json()["key"] + "==")
        assert len(known) == 65

        encoded = {"p256dh": point, "auth": AUTH}
        keys = {name: base64.urlsafe_b64encode(one).decode().rstrip("=") for name, one in encoded.items()}
        asked = {"subscription": {"endpoint": f"{push_url}/1", "keys": keys}, "areas": [here, there, gone]}
        ended = {"endpoint": f"{push_url}/1"}
        assert (await client.post("/subscriptions", json=asked)).status_code == 201
        await say("one", here)
        path, headers, body = await service.until(1)
        assert (
            path == "/1" and shown(body, browser)["area"] == here and answer.json()["key"] in headers["Authorization"]
        )

        first = shown(body, browser)["identifier"]
        await stop_first()
        await say("two", there)
        told = [(one["area"], one["identifier"]) for one in await service.until_shown(there, browser)]
        assert set(told[:-1]) <= {(here, first)}, "what is in force may come again, as the same message"

        service.status = 410
        await say("three", gone)
        await service.until_shown(gone, browser)
        async with asyncio.timeout(10):
            while (await client.request("DELETE", "/subscriptions", json=ended)).status_code != 404:
                await asyncio.sleep(0.1)

        service.status = 201
        assert (await client.post("/subscriptions", json=asked | {"areas": [here]})).status_code == 201
        assert (await client.request("DELETE", "/subscriptions", json=ended)).status_code == 200
        before = len(service.came)
        await say("four", here)
        await asyncio.sleep(1.0)
        assert len(service.came) == before, "who asks for no more is told no more"


async def test_a_gateway_with_another_key_says_so_before_it_has_to_push(tmp_path):
    one = Subscription(endpoint="https://push.example/1", p256dh=b"p" * 65, auth=AUTH, areas=("A0",))
    async with NatsServer(tmp_path / "bus") as bus_server, Bus(bus_server.url) as bus:
        failures = Counter()
        console = Subscribers(ChannelStore(tmp_path / "console.sqlite"), 9, "first", Counter())
        standby = Subscribers(ChannelStore(tmp_path / "standby.sqlite"), 9, "second", failures)
        console.share(bus)
        following = asyncio.create_task(standby.follow(bus))
        await bus.publish("perisai.subscribers.x", b"no word", "of another version")
        await console.add(one)
        async with asyncio.timeout(10):
            while standby.of("A0") != [one]:
                await asyncio.sleep(0.02)
        assert failures == {"other_key": 1}
        for _ in range(3):  # more often than the bus remembers identities would let it
            await console.remove(one.endpoint)
            await console.add(one)
        await console.remove(one.endpoint)
        async with asyncio.timeout(10):
            while standby.find(one.endpoint):
                await asyncio.sleep(0.02)
        await end([following])
        again = Subscribers(ChannelStore(tmp_path / "standby.sqlite"), 9, "second", failures)
        assert len(again) == 0, "on disk as well"
