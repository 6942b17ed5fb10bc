"""The whole system in one process: the bus, the roles, the HTTP server; started together, ended together."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from perisai.model import BadInputError, Frame, ResourceError, Sensor, write_sensors
from perisai.recording import AREAS_FILE, CONFIG_FILE, SENSORS_FILE

from .audit import AuditLog
from .bus import TICK, Bus
from .channels.store import ChannelStore
from .config import Config
from .files import read_areas
from .identity import ExerciseAccount
from .listen import Server, listening
from .memory import few_heaps
from .nats_server import NatsServer
from .partners.settings import make_partners
from .parts import ROLES, Given, Parts, Role
from .tasks import end
from .tracing import set_up_traces
from .warm import rehearse

DRAIN_S = 20.0


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
        if config.partner and not config.service.nats:
            raise BadInputError("service.nats", "empty", "a NATS bus with accounts (docs/partners.md) for [[partner]]")
        mine = [region for region in config.tracker_region if not regions or region.id in regions]
        areas = read_areas(config.region.areas)
        partners = make_partners(config.partner, areas, sensors)
        self._given = Given(config, sensors, areas, partners, frozenset(roles), mine, exercise_accounts)
        self.data = self._given.data
        self.stopping = asyncio.Event()
        self.address = ""

    async def run(
        self, played: Iterable[Frame] | None = None, speed: float = 1.0, ready: Callable[[str], None] = print
    ) -> None:
        """Run until Ctrl-C, SIGTERM or `stopping`.

        played: frames to play at `speed` instead of the clock's own ticks. ready: told the address of the console.
        """
        few_heaps()
        config, roles = self._given.config, self._given.roles
        async with contextlib.AsyncExitStack() as stack:
            set_up_traces(config.service.traces)
            listener = stack.enter_context(listening(config.service)) if "console" in roles else None
            self._stop_on_signals()
            url = config.service.nats
            if not url:
                server = NatsServer(self.data, sync_always=config.bus.sync_always)
                url = (await stack.enter_async_context(server)).url
            self._keep_settings()
            bus = await stack.enter_async_context(Bus(url, config.bus))
            store = stack.enter_context(contextlib.closing(ChannelStore(self.data / "channels.sqlite")))
            parts = Parts(self._given, bus, store, played=played is not None)
            if self._given.shared and roles & {"tracker", "alerter"}:
                await asyncio.to_thread(rehearse)
            await self._run_parts(parts, bus, listener, played, speed, ready)

    async def _run_parts(
        self,
        parts: Parts,
        bus: Bus,
        listener: socket.socket | None,
        played: Iterable[Frame] | None,
        speed: float,
        ready: Callable[[str], None],
    ) -> None:
        tasks = [asyncio.create_task(do(), name=name) for name, do in parts.work(played, speed).items()]
        sources = [task for task in tasks if task.get_name() == "ingest"]
        tasks += [asyncio.create_task(do, name=name) for name, do in parts.beside().items()]
        tasks += parts.inputs.start()
        with contextlib.ExitStack() as stack:
            server = None
            if listener is not None:
                audit = stack.enter_context(
                    contextlib.closing(AuditLog(self.data / "audit", lambda: time.time_ns() // 1000))
                )
                server = parts.console(audit)
                tasks.append(await self._serve(server, listener))
            ready(self.address)
            try:
                await self._until_stopped(tasks)
                await end(sources)
                await parts.inputs.stop()
                if played is None and sources:
                    await parts.ingest.close()
                if self._given.roles == set(ROLES):
                    await self._drain(parts, bus)
            finally:
                if server is not None:
                    server.should_exit = True
                await end(task for task in tasks if task.get_name() != "console")
                await asyncio.gather(*tasks, return_exceptions=True)
                parts.recorder.flush()

    async def _serve(self, server: Server, listener: socket.socket) -> asyncio.Task[None]:
        """Serve the console; returns once it answers, or has ended by itself."""
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="console")
        while not (server.started or serving.done()):
            await asyncio.sleep(0.01)
        host, port = listener.getsockname()[:2]
        scheme = "https" if self._given.config.service.tls_certificate else "http"
        self.address = f"{scheme}://{host}:{port}/"
        return serving

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

    async def _drain(self, parts: Parts, bus: Bus) -> None:
        """Let what is on the bus reach the alerts and the recording; an alerter in another process is not waited for.
        What is left after DRAIN_S stays on the bus.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while await bus.last_end_us("perisai.tracks", "TRACKS") < await bus.last_end_us(TICK, "INPUT"):
                    await asyncio.sleep(0.1)
                while parts.alerted and parts.alerted[0] < await bus.last_sequence("TRACKS"):
                    await asyncio.sleep(0.1)
                while not await parts.recorder.has_all():
                    await asyncio.sleep(0.1)

    def _keep_settings(self) -> None:
        """Beside the recording: what it was made with, so that a replay needs nothing else."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            # Without the channels: a replay must send nothing, and their secrets do not belong in a recording.
            config = msgspec.structs.replace(self._given.config, channel=())
            (self.data / CONFIG_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(config)))
            (self.data / SENSORS_FILE).write_text(write_sensors(self._given.sensors), encoding="utf-8")
            (self.data / AREAS_FILE).write_bytes(Path(self._given.config.region.areas).read_bytes())
        except OSError as error:
            raise ResourceError(f"{self.data}: cannot be written ({error.strerror})") from error

    def _stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
