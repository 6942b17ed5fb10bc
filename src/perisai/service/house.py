"""The whole system in one process: the bus, the roles, the HTTP server; started together, ended together."""

import asyncio
import contextlib
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import structlog

from perisai.model import BadInputError, Frame, ResourceError, Sensor, write_sensors
from perisai.recording import AREAS_FILE, CONFIG_FILE, SENSORS_FILE

from .audit import AuditLog
from .bus import TICK, Bus
from .channels.clock import ChannelClock
from .channels.post_outlets import WebPushOutlet
from .channels.set_up import set_up
from .channels.store import ChannelStore
from .config import Config
from .files import read_areas
from .http import build_app
from .http.ground import Ground
from .identity import ExerciseAccount, IdentityStore
from .ingest.inputs import Inputs
from .ingest.shedding import Shedder
from .keys import cap_signer
from .lease import work_by_lease
from .listen import Server, listening, web_server
from .long_book import LongBook
from .memory import few_heaps, keep_small
from .nats_server import NatsServer
from .orders.office import Office
from .partners.exchange import Exchange
from .partners.settings import layer_names, make_partners
from .picture import Picture
from .roles.alerter import run_alerter
from .roles.channels import Channels
from .roles.gateway import Gateway
from .roles.ingest import Ingest
from .roles.recorder import Recorder
from .roles.stitcher import run_stitcher
from .roles.tracker import run_region_tracker, run_tracker
from .tasks import end, together
from .tracing import set_up_traces
from .warm import rehearse
from .work import Work

DRAIN_S = 20.0
Role = Literal["ingest", "tracker", "alerter", "gateway", "console", "recorder"]
ROLES: tuple[Role, ...] = get_args(Role)
"""gateway: the ways out to sirens, apps and partners; console: the picture and the web server."""
log = structlog.get_logger("house")


class House:
    """One centre. `run` returns when it is told to stop, with everything received on disk."""

    def __init__(
        self,
        config: Config,
        sensors: list[Sensor],
        exercise_accounts: Sequence[ExerciseAccount] = (),
        roles: Sequence[Role] = ROLES,
        regions: Sequence[str] = (),
    ) -> None:
        """exercise_accounts: offered to whoever opens the console; for exercises on this machine only.

        roles: those this process does; fewer than all need a bus of their own. regions: the tracker regions whose
        trackers it runs, all when empty. Raises BadInputError.
        """
        if set(roles) != set(ROLES) and not config.service.nats:
            raise BadInputError("service.nats", "empty", "a NATS cluster, when a process does some roles")
        known = [region.id for region in config.tracker_region]
        for name in regions:
            if name not in known:
                raise BadInputError(
                    "--region", f"`{name}`", f"one of {', '.join(known) or 'no [[tracker_region]] yet'}"
                )
        self.config = config
        self.regions = [region for region in config.tracker_region if not regions or region.id in regions]
        self.sensors = sensors
        if config.partner and not config.service.nats:
            raise BadInputError("service.nats", "empty", "a NATS bus with accounts (docs/partners.md) for [[partner]]")
        self.exercise_accounts = exercise_accounts
        self.roles = frozenset(roles)
        self.data = Path(config.service.data)
        self.areas = read_areas(config.region.areas)
        self.partners = make_partners(config.partner, self.areas, sensors)
        self.stopping = asyncio.Event()
        self.address = ""

    async def run(
        self, played: Iterable[Frame] | None = None, speed: float = 1.0, ready: Callable[[str], None] = print
    ) -> None:
        """Run until Ctrl-C, SIGTERM or `stopping`.

        played: frames to play at `speed` instead of the clock's own ticks. ready: told the address of the console.
        """
        few_heaps()
        async with contextlib.AsyncExitStack() as stack:
            set_up_traces(self.config.service.traces)
            listener = stack.enter_context(listening(self.config.service)) if "console" in self.roles else None
            self._stop_on_signals()
            url = self.config.service.nats
            if not url:
                server = NatsServer(self.data, sync_always=self.config.bus.sync_always)
                url = (await stack.enter_async_context(server)).url
            self._keep_settings()
            bus = await stack.enter_async_context(Bus(url, self.config.bus))
            store = stack.enter_context(contextlib.closing(ChannelStore(self.data / "channels.sqlite")))
            await self._run_roles(bus, store, listener, played, speed, ready)

    async def _run_roles(
        self,
        bus: Bus,
        store: ChannelStore,
        listener: socket.socket | None,
        played: Iterable[Frame] | None,
        speed: float,
        ready: Callable[[str], None],
    ) -> None:
        shedder = Shedder(self.config.inputs.most_per_s, self.sensors)
        ingest = Ingest(bus, lambda: time.time_ns() // 1000, shedder)
        names = layer_names(self.config.partner)
        book = LongBook(self.data, self.config.recording.alerts_held_us)
        gateway = Gateway(bus, Picture(self.config.service.mode, self.sensors, names, book))
        recorder = Recorder(bus, self.data, self.config.recording)
        channels = self._channels(bus, store, gateway.picture, played=played is not None)
        clock = ChannelClock(lambda: gateway.picture.now_us, played is not None)
        exchange = Exchange(bus, self.partners, self.config.service.mode, clock.now_us)
        live = self.config.input if played is None and "ingest" in self.roles else ()
        inputs = Inputs(live, self.sensors, ingest, self.data / "spool")
        shared = bool(self.config.service.nats)  # others may do the same role
        desk = Work(channels, exchange, inputs, bus if shared else None)
        out, back = [channels.run, exchange.run], [ingest.run]
        if shared:
            out, back = [*out, desk.answer_for_gateway], [*back, desk.answer_for_ingest]
        signer = cap_signer(self.config.signing, self.data, self.config.cap.sender)
        alerted: deque[int] = deque([] if shared else [0], maxlen=1)
        work: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            **self._trackers(bus),
            "alerter": lambda: run_alerter(bus, self.areas, self.config, signer, alerted.append),
            "gateway": partial(together, *out),
        }
        if shared:
            if self.roles & {"tracker", "alerter"}:
                await asyncio.to_thread(rehearse)
            work = {name: partial(work_by_lease, bus, name, do) for name, do in work.items()}
        work["recorder"] = recorder.run
        if played is None:
            work["ingest"] = partial(together, *back)
        else:
            work["ingest"] = lambda: ingest.play(played, speed, lambda: gateway.picture.now_us)
        mine = set(self.roles) | (set(self._trackers(bus)) if "tracker" in self.roles else set())
        tasks = [asyncio.create_task(do(), name=name) for name, do in work.items() if name in mine]
        sources = [task for task in tasks if task.get_name() == "ingest"]
        beside = self._beside(bus, gateway, channels, played=played is not None)
        tasks += [asyncio.create_task(do, name=name) for name, do in beside.items()]
        tasks += inputs.start()
        with contextlib.ExitStack() as stack:
            server = None
            if listener is not None:
                audit = stack.enter_context(
                    contextlib.closing(AuditLog(self.data / "audit", lambda: time.time_ns() // 1000))
                )
                server = self._console(bus, gateway, channels, desk, ingest, audit)
                tasks.append(await self._serve(server, listener))
            ready(self.address)
            try:
                await self._until_stopped(tasks)
                await end(sources)
                await inputs.stop()
                if played is None and sources:
                    await ingest.close()
                if self.roles == set(ROLES):
                    await self._drain(bus, recorder, alerted)
            finally:
                if server is not None:
                    server.should_exit = True
                await end(task for task in tasks if task.get_name() != "console")
                await asyncio.gather(*tasks, return_exceptions=True)
                recorder.flush()

    async def _serve(self, server: Server, listener: socket.socket) -> asyncio.Task[None]:
        """Serve the console; returns once it answers, or has ended by itself."""
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="console")
        while not (server.started or serving.done()):
            await asyncio.sleep(0.01)
        host, port = listener.getsockname()[:2]
        scheme = "https" if self.config.service.tls_certificate else "http"
        self.address = f"{scheme}://{host}:{port}/"
        return serving

    def _beside(
        self, bus: Bus, gateway: Gateway, channels: Channels, *, played: bool
    ) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs by name whoever has the roles' leases; the picture where alerts are shown or given out."""
        work: dict[str, Coroutine[Any, Any, None]] = {"memory": keep_small()}
        shared, shows = bool(self.config.service.nats), bool(self.roles & {"console", "gateway"})
        if shows or played:
            work["picture"] = gateway.run()
        if shared and shows:
            subscribers = channels.find(WebPushOutlet).subscribers
            subscribers.share(bus)
            work["subscribers"] = subscribers.follow(bus)
        if shared and "console" in self.roles:
            work["feed"] = channels.serve()
        return work

    def _trackers(self, bus: Bus) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """The work of the role tracker by the name of its lease: one tracker, or the regions' and the stitcher."""
        if not self.config.tracker_region:
            return {"tracker": lambda: run_tracker(bus, self.sensors, self.config)}
        regions = {
            f"tracker.{region.id}": partial(run_region_tracker, bus, self.sensors, self.config, region)
            for region in self.regions
        }
        return {**regions, "stitcher": partial(run_stitcher, bus, self.config)}

    def _console(
        self, bus: Bus, gateway: Gateway, channels: Channels, work: Work, ingest: Ingest, audit: AuditLog
    ) -> Server:
        config, picture = self.config, gateway.picture
        app = build_app(
            config=config,
            gateway=gateway,
            channels=channels,
            work=work,
            ingest=ingest,
            ground=Ground(self.areas, Path(config.region.outlines), Path(config.region.basemap)),
            sensors=self.sensors,
            identity=IdentityStore(self.data),
            audit=audit,
            exercise_accounts=self.exercise_accounts,
            office=Office(bus, picture, self.areas, audit, config.alerting.operators.two_operators_people),
        )
        return web_server(app, config.service)

    def _channels(self, bus: Bus, store: ChannelStore, picture: Picture, *, played: bool) -> Channels:
        config = self.config
        outlets = set_up(
            config.channel,
            config.fan_out,
            areas=self.areas,
            mode=config.service.mode,
            picture=picture,
            data=self.data,
            store=store,
            played=played,
        )
        return Channels(bus, outlets, store, ChannelClock(lambda: picture.now_us, played).now_us)

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        """Wait for the stop; a role that fails stops the house, with its error."""
        stop = asyncio.create_task(self.stopping.wait())
        running = set(tasks)
        while not stop.done():
            done, running = await asyncio.wait({stop, *running}, return_when=asyncio.FIRST_COMPLETED)
            running.discard(stop)
            for task in done - {stop}:
                task.result()
                if task.get_name() != "ingest":
                    raise ResourceError(f"{task.get_name()} ended by itself")

    async def _drain(self, bus: Bus, recorder: Recorder, alerted: deque[int]) -> None:
        """Let what is on the bus reach the alerts and the recording; alerted: how far on TRACKS the alerter has come,
        empty where another process has its lease; that one is not waited for. What is left after DRAIN_S stays on
        the bus.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while await bus.last_end_us("perisai.tracks", "TRACKS") < await bus.last_end_us(TICK, "INPUT"):
                    await asyncio.sleep(0.1)
                while alerted and alerted[0] < await bus.last_sequence("TRACKS"):
                    await asyncio.sleep(0.1)
                while not await recorder.has_all():
                    await asyncio.sleep(0.1)

    def _keep_settings(self) -> None:
        """Beside the recording: what it was made with, so that a replay needs nothing else."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            # Without the channels: a replay must send nothing, and their secrets do not belong in a recording.
            config = msgspec.structs.replace(self.config, channel=())
            (self.data / CONFIG_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(config)))
            (self.data / SENSORS_FILE).write_text(write_sensors(self.sensors), encoding="utf-8")
            (self.data / AREAS_FILE).write_bytes(Path(self.config.region.areas).read_bytes())
        except OSError as error:
            raise ResourceError(f"{self.data}: cannot be written ({error.strerror})") from error

    def _stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
