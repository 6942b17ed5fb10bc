"""One alarm to 10,000 browsers or webhooks on loopback, as one JSON object: `python benchmarks/fan_out.py`.

The endpoints run in a process of their own. `next_alert_s` is how long a message to one address took that was
submitted just after the big one. `channel_s` is the same for the Web Push channel as the service runs it, with its
subscriptions and its book of deliveries in SQLite: until all is sent, and (`channel_kept_s`) noted on disk.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.fan_out import FanOut, FanOutSettings
from perisai.channels.http_post import HttpPost
from perisai.channels.web_push import Subscription, Vapid, WebPush, WebPushSettings, make_vapid_key
from perisai.channels.webhook import Webhook, WebhookSender
from perisai.model import Alert, AlertChange, parse_areas
from perisai.service.channels.clock import ChannelClock
from perisai.service.channels.post_outlets import WebPushOutlet
from perisai.service.channels.store import ChannelStore

BROWSER = ec.generate_private_key(ec.SECP256R1())
SQUARE = [[30.0, 50.0], [30.2, 50.0], [30.2, 50.2], [30.0, 50.2], [30.0, 50.0]]
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


async def serve() -> None:
    """Answers 201 to every POST."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
                writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        except (OSError, EOFError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def message(now_us: int, name: str):
    feature = {
        "type": "Feature",
        "properties": {"code": "A0", "name_en": "Town"},
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
    }
    areas = parse_areas(json.dumps({"type": "FeatureCollection", "features": [feature]}), "bench")
    alert = Alert(identifier=name, area="A0", level="alarm", threat="drone", start_us=now_us, eta_s=300.0)
    return CapWriter(areas, CapSettings()).step([AlertChange("raised", alert, now_us)], now_us)[0]


def point() -> bytes:
    """The public key of a browser; the same for all, for only encrypting to it costs time here."""
    return BROWSER.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


async def measure(count: int, port: int) -> dict[str, float]:
    now_us = time.time_ns() // 1000
    sent, following, out = message(now_us, "first"), message(now_us, "next"), {"count": count}
    public = point()
    browsers = [
        Subscription(endpoint=f"http://127.0.0.1:{port}/push/{i}", p256dh=public, auth=b"0" * 16) for i in range(count)
    ]
    hooks = [Webhook(url=f"http://127.0.0.1:{port}/hook/{i}", secret=SECRET) for i in range(count)]
    fan = FanOut(HttpPost(private=True), FanOutSettings())
    push = WebPush(fan, Vapid(make_vapid_key(), "mailto:bench@localhost"))
    for name, send, one in (
        ("web_push", lambda: push.send(sent, browsers, now_us), lambda: push.send(following, browsers[:1], now_us)),
        (
            "webhook",
            lambda: WebhookSender(fan, hooks).send(sent, now_us),
            lambda: WebhookSender(fan, hooks[:1]).send(following, now_us),
        ),
    ):
        start = time.perf_counter()
        big = send()
        between = time.perf_counter()
        await one()
        out[f"{name}_next_alert_s"] = round(time.perf_counter() - between, 3)
        outcomes = await big
        out[f"{name}_s"] = round(time.perf_counter() - start, 2)
        out[f"{name}_delivered"] = sum(outcome.result == "delivered" for outcome in outcomes)
    await fan.close()
    return out


async def measure_channel(count: int, port: int) -> dict[str, float]:
    """10,000 stored subscriptions, one alarm through the channel of the service."""
    now_us = time.time_ns() // 1000
    with tempfile.TemporaryDirectory() as directory:
        store = ChannelStore(Path(directory) / "channels.sqlite")
        for i in range(count):
            url = f"http://127.0.0.1:{port}/push/{i}"
            store.subscribe(Subscription(endpoint=url, p256dh=point(), auth=b"0" * 16, areas=("A0",)))
        settings = WebPushSettings(private_endpoints=True)
        vapid = Vapid(make_vapid_key(), settings.subject)
        clock = ChannelClock(lambda: now_us, played=False)
        outlet = WebPushOutlet("web_push", settings, vapid, store, clock, FanOutSettings())
        running = asyncio.create_task(outlet.run())
        await asyncio.sleep(0.5)
        start = time.perf_counter()
        outlet.take_message(message(now_us, "first"), 1)
        while outlet.count.messages < count:
            await asyncio.sleep(0.01)
        sent_s = time.perf_counter() - start
        while store.cursor("web_push") < 1:
            await asyncio.sleep(0.01)
        kept_s = time.perf_counter() - start
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        store.close()
    return {"channel_s": round(sent_s, 2), "channel_kept_s": round(kept_s, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as peer:
        try:
            port = int(peer.stdout.readline())
            out = asyncio.run(measure(options.count, port)) | asyncio.run(measure_channel(options.count, port))
            print(json.dumps(out))
        finally:
            peer.terminate()


if __name__ == "__main__":
    main()
