"""A tracker that is shown only what is believed: trust and tracker as one, whole country or region."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import pyarrow as pa

from perisai.model import BadInputError, Frame, Sensor
from perisai.tracking import SensorRegistration, Tracker, TrackerSettings
from perisai.trust import Standing, Trust, TrustSettings


class TrustTold(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a tracker does not believe, as it tells the bus. by: its role; at_us: end of the frame."""

    by: str
    at_us: int
    standing: Standing | None


class TrustedTracker:
    """What `Tracker` is, behind `Trust`; the frames that are recorded are those from before it."""

    def __init__(
        self,
        sensors: Sequence[Sensor],
        settings: TrackerSettings,
        trust: TrustSettings | None = None,
        state: bytes | None = None,
    ) -> None:
        """state: a checkpoint to go on from. Raises BadInputError when it is not one of these sensors."""
        if state is None:
            self.trust, self.tracker = Trust(sensors, trust), Tracker(sensors, settings)
            return
        try:
            believed, tracked = msgspec.msgpack.decode(state, type=tuple[bytes, bytes])
        except msgspec.MsgspecError as error:
            raise BadInputError("tracker checkpoint", str(error), "one of this version") from error
        self.trust = Trust.restore(believed, sensors, trust)
        self.tracker = Tracker.restore(tracked, sensors, settings)

    @property
    def rejects(self) -> Counter[str]:
        """Detections that were not used, by reason; what was not believed among them."""
        held = self.trust.held if self.trust.settings.enabled else Counter[str]()
        return self.tracker.rejects + Counter({f"trust: {why}": count for why, count in held.items()})

    def step(self, frame: Frame) -> pa.Table:
        """The rows of this frame."""
        rows = self.tracker.step(self.trust.step(frame))
        self.trust.learn(rows, frame.end_us)
        return rows

    def registration(self) -> list[SensorRegistration]:
        """How far each radar is off."""
        return self.tracker.registration()

    def standing(self) -> Standing:
        """Who is not believed, and why."""
        return self.trust.standing()

    def checkpoint(self) -> bytes:
        return msgspec.msgpack.encode((self.trust.checkpoint(), self.tracker.checkpoint()))


def trusted(trust: TrustSettings) -> Callable[[Sequence[Sensor], TrackerSettings, bytes | None], TrustedTracker]:
    """Makes trackers with these settings of trust: what a RegionalTracker is given."""
    return lambda sensors, settings, state=None: TrustedTracker(sensors, settings, trust, state)
