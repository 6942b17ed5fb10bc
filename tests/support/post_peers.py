"""Peers of what is posted: a browser's point, and an HTTP server (aiohttp) that keeps what came."""

import asyncio
import base64
import ssl
from contextlib import asynccontextmanager

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from perisai.channels.fan_out import FanOutSettings

QUICK = FanOutSettings(first_delay_s=0.01, max_delay_s=0.05, timeout_s=2.0, attempts=4)


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
