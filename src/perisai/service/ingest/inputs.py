"""All live inputs of a centre."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from perisai.model import BadInputError, Sensor
from perisai.sensors.asterix import AsterixStream
from perisai.sensors.beast import BeastStream
from perisai.sensors.capture import receiver
from perisai.sensors.remote_id import RemoteIdStream
from perisai.sensors.reports import ReportStream
from perisai.sensors.sapient import FusionNode
from perisai.sensors.sbs import SbsStream

from ..roles.ingest import Ingest
from .mqtt import MqttInput
from .pump import LiveParser
from .sapient_server import SapientInput
from .settings import LiveInput
from .sink import InputState, Sink
from .spool import Spool
from .tcp_client import TcpInput
from .udp import UdpInput

LiveReader = UdpInput | TcpInput | SapientInput | MqttInput
log = structlog.get_logger("input")


class Inputs:
    """Starts, watches and ends the inputs. Raises BadInputError for a sensor that the sensors file does not have."""

    def __init__(
        self, settings: Sequence[LiveInput], sensors: Sequence[Sensor], ingest: Ingest, spools: Path | None = None
    ) -> None:
        """spools: the directory in which what sockets give is written first; None: nowhere."""
        self.sinks = {one.name: Sink(one, ingest) for one in settings}
        self.readers = {one.name: _reader(one, sensors, self.sinks[one.name], spools) for one in settings}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> list[asyncio.Task[None]]:
        """The running inputs, one task each; a task that ends has failed."""
        self._tasks = [asyncio.create_task(one.run(), name=f"input {name}") for name, one in self.readers.items()]
        return self._tasks

    async def stop(self) -> None:
        """End the inputs, with everything they read on the bus."""
        for task in self._tasks:
            task.cancel()
        for task, result in zip(self._tasks, await asyncio.gather(*self._tasks, return_exceptions=True), strict=True):
            if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
                log.error("input ended badly", input=task.get_name(), reason=str(result))
        self._tasks = []

    def states(self) -> list[InputState]:
        """How each input stands now."""
        return [sink.snapshot() for sink in self.sinks.values()]


def _reader(settings: LiveInput, sensors: Sequence[Sensor], sink: Sink, spools: Path | None) -> LiveReader:
    if settings.sensor and sensors and settings.sensor not in {sensor.id for sensor in sensors}:
        raise BadInputError(f"input {settings.name}: sensor", settings.sensor, "the id of a sensor of the sensors file")
    spool = Spool(spools / settings.name, settings.spool) if spools and settings.spool != "off" else None
    if settings.kind == "sapient":
        fusion = FusionNode(sensors, settings.nodes, settings.sensor, settings.listed_only, settings.name)
        return SapientInput(settings, sink, fusion, spool)
    parser = _parser(settings, sensors)
    if settings.broker:
        return MqttInput(settings, sink, parser)
    make = UdpInput if settings.listen else TcpInput
    return make(settings, sink, parser, spool)


def _parser(settings: LiveInput, sensors: Sequence[Sensor]) -> LiveParser:
    if settings.kind == "asterix":
        return AsterixStream(sensors)
    if settings.kind == "reports":
        return ReportStream(sensors, settings.sensor)
    if settings.kind == "remote_id":
        return RemoteIdStream(sensors, settings.sensor)
    found, period_s = receiver(sensors, settings.sensor or "adsb")
    return BeastStream(found, period_s) if settings.kind == "beast" else SbsStream(found, period_s)
