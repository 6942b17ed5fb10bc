"""The trackers of all regions and their stitcher in one: what `Tracker` is to a country that is not split."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from perisai.model import BadInputError, Frame, Sensor, table_bytes, table_from

from ..registration import SensorRegistration
from ..settings import TrackerSettings
from ..tracker import Tracker
from .region import TrackerRegion
from .routing import Router
from .stitcher import Stitcher


def region_settings(region: TrackerRegion, settings: TrackerSettings) -> TrackerSettings:
    """The settings of a region's tracker: its plane lies in the middle of its box."""
    return msgspec.structs.replace(settings, centre=region.centre)


class OneTracker(Protocol):
    """The tracker of a region: a `Tracker`, or one with something before it."""

    @property
    def rejects(self) -> Counter[str]: ...

    def step(self, frame: Frame, /) -> pa.Table: ...

    def registration(self) -> list[SensorRegistration]: ...

    def checkpoint(self) -> bytes: ...


Make = Callable[[Sequence[Sensor], TrackerSettings, bytes | None], OneTracker]


def plain(sensors: Sequence[Sensor], settings: TrackerSettings, state: bytes | None) -> Tracker:
    """A tracker, from a checkpoint where there is one."""
    return Tracker(sensors, settings) if state is None else Tracker.restore(state, sensors, settings)


class RegionalTracker:
    """One air picture of several regions; the same frames give the same tracks, also from a checkpoint."""

    def __init__(
        self,
        sensors: Sequence[Sensor],
        regions: Sequence[TrackerRegion],
        settings: TrackerSettings | None = None,
        make: Make = plain,
    ) -> None:
        """make: the tracker of a region. Raises BadInputError when two regions have one name."""
        self.stitcher = Stitcher(regions)
        self.regions = self.stitcher.regions
        self._router = Router(self.regions, sensors)
        given = settings or TrackerSettings()
        self._trackers = [make(sensors, region_settings(region, given), None) for region in self.regions]
        self._waiting: list[list[pa.Table]] = [[] for _ in self.regions]

    @property
    def rejects(self) -> Counter[str]:
        """Detections that could not be used, by reason."""
        return sum((tracker.rejects for tracker in self._trackers), Counter[str]())

    def registration(self) -> list[SensorRegistration]:
        """How far each radar is off, by the region that knows most about it."""
        known: dict[str, SensorRegistration] = {}
        for tracker in self._trackers:
            for health in tracker.registration():
                if health.sensor not in known or known[health.sensor].state == "unknown":
                    known[health.sensor] = health
        return list(known.values())

    def step(self, frame: Frame, without: Collection[str] = ()) -> pa.Table:
        """The rows of the whole picture of this frame.

        without: regions whose tracker was late then; what they have waits, as it did, until a frame they are there for.
        """
        heard: dict[str, pa.Table] = {}
        for region, tracker, part, waiting in zip(
            self.regions, self._trackers, self._router.split(frame), self._waiting, strict=True
        ):
            waiting.append(tracker.step(part))
            if region.id not in without:
                heard[region.id] = waiting[0] if len(waiting) == 1 else pa.concat_tables(waiting)
                waiting.clear()
        return self.stitcher.step(frame.end_us, heard)

    def checkpoint(self) -> bytes:
        """Everything `restore` needs to go on exactly as this would."""
        waiting = [[table_bytes(table) for table in tables] for tables in self._waiting]
        trackers = [tracker.checkpoint() for tracker in self._trackers]
        return msgspec.msgpack.encode([trackers, waiting, self.stitcher.checkpoint()])

    @classmethod
    def restore(
        cls,
        blob: bytes,
        sensors: Sequence[Sensor],
        regions: Sequence[TrackerRegion],
        settings: TrackerSettings | None = None,
        make: Make = plain,
    ) -> "RegionalTracker":
        """One that goes on from a checkpoint of the same sensors and regions. Raises BadInputError when it is none."""
        whole = cls(sensors, regions, settings, make)
        given = settings or TrackerSettings()
        try:
            saved: list[Any] = msgspec.msgpack.decode(blob)
            trackers, waiting, stitcher = saved
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            raise BadInputError("tracker checkpoint", "not readable", "one of the same regions") from error
        whole.stitcher = Stitcher.restore(stitcher, regions)
        whole._trackers = [
            make(sensors, region_settings(region, given), state)
            for state, region in zip(trackers, whole.regions, strict=True)
        ]
        whole._waiting = [[table_from(one) for one in tables] for tables in waiting]
        return whole
