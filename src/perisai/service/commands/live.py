"""`perisai demo`, `run`, `init`: the living system."""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from cyclopts import Parameter
from cyclopts.validators import Number

from perisai.model import FRAME_US, TIME, BadInputError, Frame, empty, split_frames
from perisai.recording import read_table, write_table
from perisai.simulation import night_of

from .. import package_data
from ..channels.settings import demo_channels
from ..config import Config, load_config
from ..files import read_areas, read_sensors, read_text
from ..house import House
from ..identity import ExerciseAccount, IdentitySettings, IdentityStore, is_loopback, make_exercise_accounts
from ..listen import listening
from ..logs import set_up_logs
from ..nights import first_danger_us
from ..parts import ROLES, Role
from ..warm import warming
from .output import say

BEFORE_US = 60 * FRAME_US
AFTER_US = 30 * 60 * FRAME_US
Port = Annotated[int | None, Parameter(name="--port", validator=Number(gte=0, lte=65535))]
Speed = Annotated[float, Parameter(name="--speed", validator=Number(gt=0))]


def run(*, config: Path, port: Port = None, role: tuple[Role, ...] = ROLES, region: tuple[str, ...] = ()) -> None:
    """The live service: console, alerts, recording. Ctrl-C ends it and loses nothing.

    Example: perisai run --config perisai.toml

    Args:
        config: the configuration file; `perisai init` writes one.
        port: overrides the port in the file; 0 takes a free one.
        role: do only this role (may be given several times), with others on the same NATS cluster.
        region: run only the tracker of this region (may be given several times), where the country is split.
    """
    settings = with_port(load_config(config), port)
    sensors = _sensors(settings)
    with warming(say):
        set_up_logs()
    house = House(settings, sensors, roles=role, regions=region)

    def ready(address: str) -> None:
        tell_address(address)
        if "console" in role and settings.identity.sign_in_to_view and not IdentityStore(house.data).accounts():
            say(f"nobody can sign in yet: perisai user add NAME --role operator --config {config}")

    asyncio.run(house.run(ready=ready))


def demo(
    *,
    night: str = "2025-09-07",
    seed: int = 1,
    speed: Speed = 20.0,
    port: Port = None,
    data: Path = Path("demo-data"),
    config: Path | None = None,
    whole: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """The whole system on one machine with a simulated night of the record; marked EXERCISE everywhere.

    Example: perisai demo --night 2025-09-07 --speed 20

    Args:
        night: a date of the published record.
        seed: same seed, same night.
        speed: times as fast as it was.
        port: port of the console; 0 takes a free one.
        data: directory for simulated nights and for the recording.
        config: a perisai.toml to start from; its channels stay closed, the demo's own are on this machine alone.
        whole: play the quiet hours before the first object crosses the border, too.
    """
    settings = load_config(config) if config else Config()
    recording = data / f"recording-{night}-{time.strftime('%Y%m%dT%H%M%S')}"
    service = msgspec.structs.replace(settings.service, data=str(recording), mode="exercise")
    channel = demo_channels(any_port=port == 0)
    settings = with_port(msgspec.structs.replace(settings, service=service, channel=channel), port)
    settings = _with_ground(settings)
    night_of(night)
    with listening(settings.service):
        pass  # a port that is taken is told before a night is simulated
    with warming(say):
        directory = _night(settings, night, seed, data)
    set_up_logs()
    detections = read_table(directory / "detections.parquet", "detections")
    if not whole:
        begin_us = first_danger_us(read_table(directory / "truth.parquet", "truth"), read_areas(settings.region.areas))
        received = pc.coalesce(detections["received"], detections["time"])
        detections = detections.filter(pc.greater_equal(received, pa.scalar(begin_us - BEFORE_US).cast(TIME)))
    frames = _with_quiet_end(split_frames(detections))
    settings, accounts = exercise(settings)
    say(f"playing the night of {night} at {speed:g} x as an EXERCISE; recording to {recording}")
    house = House(settings, read_sensors(directory / "sensors.toml"), accounts)
    asyncio.run(house.run(frames, speed, tell_address))


def init(directory: Path = Path(), /) -> None:
    """Write a commented configuration and a sensors file to start from.

    Example: perisai init my-centre

    Args:
        directory: where to write perisai.toml and sensors.toml; nothing there is overwritten.
    """
    from ..starter import CONFIG_TEXT, SENSORS_TEXT

    for name, text in (("perisai.toml", CONFIG_TEXT), ("sensors.toml", SENSORS_TEXT)):
        path = directory / name
        if path.exists():
            raise BadInputError(str(path), "already there", "a directory without one")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    say(f"wrote {directory / 'perisai.toml'} and sensors.toml; next: perisai run --config {directory / 'perisai.toml'}")


def exercise(config: Config) -> tuple[Config, list[ExerciseAccount]]:
    """On loopback: the picture for anybody, and accounts to act with, told to who started this."""
    if not is_loopback(config.service.host):
        return config, []
    accounts = make_exercise_accounts(IdentityStore(Path(config.service.data)))
    for account in accounts:
        say(f"exercise account: {account.name} / {account.password} ({account.role})")
    return msgspec.structs.replace(config, identity=IdentitySettings(sign_in_to_view=False)), accounts


def _night(config: Config, night: str, seed: int, data: Path) -> Path:
    """The directory of the simulated night, made once for each ground and network, and kept."""
    from perisai.model import write_sensors
    from perisai.simulation import default_network, simulate

    directory = data / "nights" / f"{night}-{seed}{_own_ground(config)}"
    detections, sensors_file = directory / "detections.parquet", directory / "sensors.toml"
    if not (detections.exists() and sensors_file.exists()):
        say(f"simulating the night of {night} (once; kept in {directory})")
        areas = read_areas(config.region.areas)
        sensors = read_sensors(config.inputs.sensors) if config.inputs.sensors else default_network(areas)
        result = simulate(night, seed, sensors, areas)
        write_table(result.truth, directory / "truth.parquet")
        sensors_file.write_text(write_sensors(sensors, "The network of this simulated night."), encoding="utf-8")
        write_table(result.detections, detections)
    return directory


def _own_ground(config: Config) -> str:
    """Marks areas and sensors other than those that ship by what is in their files."""
    areas, sensors = config.region.areas, config.inputs.sensors
    own = [path for path in (areas, sensors) if path and path != str(package_data.COMMUNITIES)]
    held = "\0".join(read_text(path, "a file that the configuration names") for path in own)
    return f"-{hashlib.sha256(held.encode()).hexdigest()[:8]}" if own else ""


def _with_quiet_end(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The frames, then empty ones until every alert has had time to end."""
    end_us = 0
    for frame in frames:
        end_us = frame.end_us
        yield frame
    quiet = empty("detections")
    yield from itertools.islice((Frame(end_us + n * FRAME_US, quiet) for n in itertools.count(1)), AFTER_US // FRAME_US)


def _sensors(config: Config) -> list:
    if config.inputs.sensors:
        return read_sensors(config.inputs.sensors)
    from perisai.simulation import default_network

    return default_network(read_areas(config.region.areas))


def _with_ground(config: Config) -> Config:
    region = config.region
    return msgspec.structs.replace(
        config,
        region=msgspec.structs.replace(
            region,
            areas=region.areas or str(package_data.COMMUNITIES),
            outlines=region.outlines or str(package_data.OBLASTS),
            basemap=region.basemap or str(package_data.BASEMAP),
        ),
    )


def with_port(config: Config, port: int | None) -> Config:
    if port is None:
        return config
    return msgspec.structs.replace(config, service=msgspec.structs.replace(config.service, port=port))


def tell_address(address: str) -> None:
    if not address:
        say("running; Ctrl-C ends")
        return
    say(f"console: {address}   citizens: {address}citizen   Ctrl-C ends")
