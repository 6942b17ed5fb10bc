"""A house for the tests of the channels: bus, gateway, channels and HTTP server, without sensors and tracker."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pyarrow as pa
import uvicorn

from perisai.alerting import CapMessage
from perisai.channels.fan_out import FanOutSettings
from perisai.model import TIME, Alert, AlertChange, Areas, build
from perisai.service.audit import AuditLog
from perisai.service.bus import Bus
from perisai.service.channels.clock import ChannelClock
from perisai.service.channels.set_up import set_up
from perisai.service.channels.store import ChannelStore
from perisai.service.config import Config, ServiceSettings
from perisai.service.http import build_app
from perisai.service.http.ground import Ground
from perisai.service.identity.settings import IdentitySettings
from perisai.service.nats_server import NatsServer
from perisai.service.partners.exchange import Exchange
from perisai.service.picture import Picture
from perisai.service.roles.channels import Channels
from perisai.service.roles.gateway import Gateway
from perisai.service.work import Work

QUICK = FanOutSettings(first_delay_s=0.05, max_delay_s=0.2, timeout_s=2.0, attempts=300)


@dataclass
class Centre:
    """What a test speaks to. url: of the HTTP server."""

    bus: Bus
    gateway: Gateway
    channels: Channels
    url: str

    async def say(self, messages: Iterable[CapMessage]) -> None:
        for message in messages:
            await self.bus.publish("perisai.cap", msgspec.msgpack.encode(message), f"cap-{message.identifier}")

    async def change(self, alert: Alert, at_us: int, kind="raised") -> None:
        data = msgspec.json.encode(AlertChange(kind, alert, at_us))
        await self.bus.publish("perisai.alerts", data, f"{alert.identifier}-{kind}", at_us)

    async def show(self, rows: pa.Table, end_us: int) -> None:
        await self.bus.publish_table("perisai.tracks", rows, f"tracks-{end_us}", end_us)

    def outlet(self, name: str):
        return next(one for one in self.channels.outlets if one.name == name)


@contextlib.asynccontextmanager
async def centre(
    directory: Path, areas: Areas, *channel, mode="actual", now_us: int = 0, bus_url=""
) -> AsyncIterator[Centre]:
    """A running centre; the same directory again is a restart. now_us: time of a picture that is played; 0: live."""
    config = Config(
        service=ServiceSettings(mode=mode, data=str(directory)),
        identity=IdentitySettings(sign_in_to_view=False),
        channel=channel,
        fan_out=QUICK,
    )
    async with contextlib.AsyncExitStack() as stack:
        url = bus_url or (await stack.enter_async_context(NatsServer(directory))).url
        bus = await stack.enter_async_context(Bus(url))
        store = stack.enter_context(contextlib.closing(ChannelStore(directory / "channels.sqlite")))
        picture = Picture(mode, [])
        picture.now_us = now_us
        gateway = Gateway(bus, picture)
        played = bool(now_us)
        outlets = set_up(
            config.channel,
            config.fan_out,
            areas=areas,
            mode=mode,
            picture=picture,
            data=directory,
            store=store,
            played=played,
        )
        channels = Channels(bus, outlets, store, ChannelClock(lambda: picture.now_us, played).now_us)
        audit = stack.enter_context(contextlib.closing(AuditLog(directory / "audit", lambda: now_us)))
        app = build_app(
            config=config,
            audit=audit,
            gateway=gateway,
            channels=channels,
            ingest=None,
            work=Work(channels, Exchange(bus, [], mode, lambda: now_us), None),
            ground=Ground(areas, Path(), Path()),
            sensors=[],
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1))
        listener = stack.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0))))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        tasks = [asyncio.create_task(role) for role in (gateway.run(), channels.run())]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started)
            yield Centre(bus, gateway, channels, address)
        finally:
            server.should_exit = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, serving, return_exceptions=True)


async def until(question, patience_s: float = 30.0):
    """The first answer that is true."""
    async with asyncio.timeout(patience_s):
        while True:
            answer = question()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(0.02)


async def get(url: str, **more) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.get(url, **more)


def some_tracks(time_us: int, *tracks: int, **columns) -> pa.Table:
    """Rows of tracks near 50.1 N, 30.1 E."""
    n = len(tracks)
    rows = {
        "time": [time_us] * n,
        "track": list(tracks),
        "lat": [50.1] * n,
        "lon": [30.1] * n,
        "alt_m": [300.0] * n,
        "ve_mps": [-50.0] * n,
        "vn_mps": [20.0] * n,
        "p_ee": [400.0] * n,
        "p_en": [-100.0] * n,
        "p_nn": [900.0] * n,
        "status": ["confirmed"] * n,
        "existence": [1.0] * n,
        "p_drone": [0.9] * n,
        "sensors": [["radar"]] * n,
        **columns,
    }
    table = build("tracks", rows)
    issued = pa.array([time_us] * n).cast(TIME)
    return table.set_column(table.schema.get_field_index("issued"), table.schema.field("issued"), issued)
