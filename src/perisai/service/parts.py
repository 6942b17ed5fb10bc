"""What one process is made of: the parts its roles need, tied to each other and to the bus, and their work by name."""

import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from perisai.model import Areas, Frame, Sensor
from perisai.tracking import TrackerRegion

from .audit import AuditLog
from .bus import Bus
from .channels.clock import ChannelClock
from .channels.post_outlets import WebPushOutlet
from .channels.set_up import set_up
from .channels.store import ChannelStore
from .config import Config
from .http import build_app
from .http.ground import Ground
from .identity import ExerciseAccount, IdentityStore
from .ingest.inputs import Inputs
from .ingest.shedding import Shedder
from .keys import cap_signer
from .lease import work_by_lease
from .listen import Server, web_server
from .long_book import LongBook
from .memory import keep_small
from .orders.office import Office
from .partners.exchange import Exchange
from .partners.settings import Partner, layer_names
from .picture import Picture
from .roles.alerter import run_alerter
from .roles.channels import Channels
from .roles.gateway import Gateway
from .roles.ingest import Ingest
from .roles.recorder import Recorder
from .roles.stitcher import run_stitcher
from .roles.tracker import run_region_tracker, run_tracker
from .tasks import together
from .work import Work

Role = Literal["ingest", "tracker", "alerter", "gateway", "console", "recorder"]
ROLES: tuple[Role, ...] = get_args(Role)
"""gateway: the ways out to sirens, apps and partners; console: the picture and the web server."""
Do = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Given:
    """What a process works with. regions: the tracker regions whose trackers it runs where it has the role tracker.

    exercise_accounts: offered to whoever opens the console.
    """

    config: Config
    sensors: list[Sensor]
    areas: Areas
    partners: list[Partner]
    roles: frozenset[Role]
    regions: Sequence[TrackerRegion]
    exercise_accounts: Sequence[ExerciseAccount]

    @property
    def data(self) -> Path:
        return Path(self.config.service.data)

    @property
    def shared(self) -> bool:
        """Whether others may do the same role."""
        return bool(self.config.service.nats)


class Parts:
    """The parts of a process. alerted: how far on TRACKS its alerter has come, empty where another process has its
    lease."""

    def __init__(self, given: Given, bus: Bus, store: ChannelStore, *, played: bool) -> None:
        """played: whether its picture is played and not of now."""
        config = given.config
        self._given, self._bus, self._played = given, bus, played
        self.ingest = Ingest(bus, lambda: time.time_ns() // 1000, Shedder(config.inputs.most_per_s, given.sensors))
        book = LongBook(given.data, config.recording.alerts_held_us)
        picture = Picture(config.service.mode, given.sensors, layer_names(config.partner), book)
        self._gateway, self._picture = Gateway(bus, picture), picture
        self.recorder = Recorder(bus, given.data, config.recording)
        clock = ChannelClock(lambda: picture.now_us, played)
        outlets = set_up(
            config.channel,
            config.fan_out,
            areas=given.areas,
            mode=config.service.mode,
            picture=picture,
            data=given.data,
            store=store,
            played=played,
        )
        self._channels = Channels(bus, outlets, store, clock.now_us)
        self._exchange = Exchange(bus, given.partners, config.service.mode, clock.now_us)
        live = config.input if not played and "ingest" in given.roles else ()
        self.inputs = Inputs(live, given.sensors, self.ingest, given.data / "spool")
        self._desk = Work(self._channels, self._exchange, self.inputs, bus if given.shared else None)
        self.alerted: deque[int] = deque([] if given.shared else [0], maxlen=1)

    def work(self, played: Iterable[Frame] | None, speed: float) -> dict[str, Do]:
        """What this process does by role; what others may do as well it does while it has the lease of that name.

        played: frames to play at `speed` instead of the clock's own ticks.
        """
        given, bus, config = self._given, self._bus, self._given.config
        out, back = [self._channels.run, self._exchange.run], [self.ingest.run]
        if given.shared:
            out, back = [*out, self._desk.answer_for_gateway], [*back, self._desk.answer_for_ingest]
        signer = cap_signer(config.signing, given.data, config.cap.sender)
        trackers = self._trackers()
        work: dict[str, Do] = {
            **trackers,
            "alerter": lambda: run_alerter(bus, given.areas, config, signer, self.alerted.append),
            "gateway": partial(together, *out),
        }
        if given.shared:
            work = {name: partial(work_by_lease, bus, name, do) for name, do in work.items()}
        work["recorder"] = self.recorder.run
        if played is None:
            work["ingest"] = partial(together, *back)
        else:
            work["ingest"] = lambda: self.ingest.play(played, speed, lambda: self._picture.now_us)
        mine = set(given.roles) | (set(trackers) if "tracker" in given.roles else set())
        return {name: do for name, do in work.items() if name in mine}

    def _trackers(self) -> dict[str, Do]:
        """The work of the role tracker by the name of its lease: one tracker, or the regions' and the stitcher."""
        bus, config, sensors = self._bus, self._given.config, self._given.sensors
        if not config.tracker_region:
            return {"tracker": lambda: run_tracker(bus, sensors, config)}
        regions = {
            f"tracker.{region.id}": partial(run_region_tracker, bus, sensors, config, region)
            for region in self._given.regions
        }
        return {**regions, "stitcher": partial(run_stitcher, bus, config)}

    def beside(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs by name whoever has the roles' leases; the picture where alerts are shown or given out."""
        work: dict[str, Coroutine[Any, Any, None]] = {"memory": keep_small()}
        shared, shows = self._given.shared, bool(self._given.roles & {"console", "gateway"})
        if shows or self._played:
            work["picture"] = self._gateway.run()
        if shared and shows:
            subscribers = self._channels.find(WebPushOutlet).subscribers
            subscribers.share(self._bus)
            work["subscribers"] = subscribers.follow(self._bus)
        if shared and "console" in self._given.roles:
            work["feed"] = self._channels.serve()
        return work

    def console(self, audit: AuditLog) -> Server:
        """The web server."""
        given, config = self._given, self._given.config
        app = build_app(
            config=config,
            gateway=self._gateway,
            channels=self._channels,
            work=self._desk,
            ingest=self.ingest,
            ground=Ground(given.areas, Path(config.region.outlines), Path(config.region.basemap)),
            sensors=given.sensors,
            identity=IdentityStore(given.data),
            audit=audit,
            exercise_accounts=given.exercise_accounts,
            office=Office(self._bus, self._picture, given.areas, audit, config.alerting.operators.two_operators_people),
        )
        return web_server(app, config.service)
