"""The one string of the stages: frames of detections to tracks, frames of tracks to forecasts, alerts and CAP messages.

The commands, the live roles and replay all use these two classes, so none of them can differ from another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from perisai.alerting import Alerter, Answer, CapMessage, CapWriter, Desk, Order, Signer
from perisai.forecasting import Forecaster
from perisai.model import TIME, Alert, AlertChange, Areas, Frame, Sensor
from perisai.tracking import RegionalTracker
from perisai.trust import Standing

from .config import Config
from .trusted import TrustedTracker, trusted

LOOK_US = 60_000_000
"""So often an alert book looks for what it need not keep."""


class TrackStage:
    """Frames of detections in, rows of tracks out, stamped with the end of the frame that gave them.

    What is not believed is left out before the tracker sees it; the frames as they came are what is recorded, so that
    a replay comes to the same judgement.
    """

    def __init__(self, sensors: Sequence[Sensor], config: Config, state: bytes | None = None) -> None:
        """state: a checkpoint to go on from."""
        given, settings, regions = list(sensors), config.tracking, config.tracker_region
        make = trusted(config.trust)
        self.tracker: TrustedTracker | RegionalTracker
        if not regions:
            self.tracker = make(given, settings, state)
        elif state is None:
            self.tracker = RegionalTracker(given, regions, settings, make)
        else:
            self.tracker = RegionalTracker.restore(state, given, regions, settings, make)

    def step(self, frame: Frame, without: Collection[str] = ()) -> pa.Table:
        """without: tracker regions that were late when the frame was first joined, as a recording says."""
        if isinstance(self.tracker, RegionalTracker):
            rows = self.tracker.step(frame, without)
        else:
            rows = self.tracker.step(frame)
        issued = pa.array(np.full(rows.num_rows, frame.end_us)).cast(TIME)
        return rows.set_column(rows.schema.get_field_index("issued"), rows.schema.field("issued"), issued)

    def standing(self) -> Standing | None:
        """Who is not believed, and why; None where regions each have a trust of their own."""
        return self.tracker.standing() if isinstance(self.tracker, TrustedTracker) else None

    def checkpoint(self) -> bytes:
        return self.tracker.checkpoint()


@dataclass(frozen=True, slots=True)
class AlertStep:
    """What one frame, or one order, brought: forecasts (None between beats), what goes out, and answers to orders.

    order: the one it was. after_us: end of the frame it came behind.
    """

    forecasts: pa.Table | None
    changes: list[AlertChange]
    cap: list[CapMessage]
    answers: list[Answer]
    order: Order | None = None
    after_us: int = 0


class AlertStage:
    """Frames of track rows and operators' orders in; forecasts, alert changes and CAP messages out.

    `desk` says what waits for an operator and what the public is told.
    """

    def __init__(self, areas: Areas, config: Config, state: bytes | None = None, signer: Signer | None = None) -> None:
        """state: a checkpoint to go on from. signer: of CAP messages, none when None."""
        mode = config.service.mode
        self.frame_us, self.last_us = 0, 0
        """End of the newest frame; of the newest frame or order: an order may be later than the frame behind it."""
        if state is None:
            self.forecaster = Forecaster(areas, config.forecasting)
            self.alerter = Alerter(areas, config.alerting)
            self.desk = Desk(areas, config.alerting)
            self.cap = CapWriter(areas, config.cap, mode, signer)
        else:
            kept = msgspec.msgpack.decode(state, type=tuple[int, int, bytes, bytes, bytes, bytes])
            self.frame_us, self.last_us, forecaster, alerter, desk, cap = kept
            self.forecaster = Forecaster.restore(forecaster, areas, config.forecasting)
            self.alerter = Alerter.restore(alerter, areas, config.alerting)
            self.desk = Desk.restore(desk, areas, config.alerting)
            self.cap = CapWriter.restore(cap, areas, config.cap, mode, signer)

    def step(self, rows: pa.Table, end_us: int, orders: Sequence[Order] = ()) -> AlertStep:
        """One frame that ended at end_us. Orders take effect in it, also between the forecaster's beats."""
        self.frame_us, self.last_us = end_us, max(self.last_us, end_us)
        forecasts = self.forecaster.step(rows, end_us)
        beat = self.forecaster.beat(end_us)
        decided = self.alerter.step(forecasts, end_us) if beat else []
        told = self.desk.step(decided, orders, end_us)
        cap = self.cap.step(told.changes, end_us)
        return AlertStep(forecasts if beat else None, told.changes, cap, told.answers, after_us=end_us)

    def order(self, order: Order, end_us: int) -> AlertStep:
        """One operator's order, carried out at once at end_us, not before `last_us`: it waits for no frame."""
        self.last_us = end_us
        told = self.desk.step([], [order], end_us)
        cap = self.cap.step(told.changes, end_us)
        return AlertStep(None, told.changes, cap, told.answers, order, self.frame_us)

    def checkpoint(self) -> bytes:
        stages = (self.forecaster, self.alerter, self.desk, self.cap)
        return msgspec.msgpack.encode([self.frame_us, self.last_us, *(stage.checkpoint() for stage in stages)])


class AlertBook:
    """The alerts as they stand: each change replaces the row of its span."""

    def __init__(self, keep_us: int | None = None) -> None:
        """keep_us: how long an alert that has ended is kept, by the times of the changes; for ever when None."""
        self._rows: dict[tuple[int, str, str], AlertChange] = {}
        self._keep_us, self._due_us = keep_us, 0
        self.forgotten, self.forgotten_until_us = 0, 0
        """How many were let go, and when the last of them ended."""

    def apply(self, change: AlertChange) -> None:
        alert = change.alert
        self._rows[alert.key] = change
        if self._keep_us is not None and change.at_us >= self._due_us:
            self._due_us = change.at_us + LOOK_US
            self._forget(change.at_us - self._keep_us)

    def apply_all(self, changes: Sequence[AlertChange]) -> None:
        for change in changes:
            self.apply(change)

    def alerts(self) -> list[Alert]:
        return [change.alert for change in self._rows.values()]

    def active(self) -> list[Alert]:
        return [alert for alert in self.alerts() if alert.end_us is None]

    def all(self, area: str | None = None, since_us: int | None = None) -> list[Alert]:
        """Alerts of an area, or of all; those that were on at since_us or later, or ever."""
        alerts = [change.alert for change in list(self._rows.values())]  # asked from other threads as well
        return [one for one in alerts if area in (None, one.area) and was_on(one, since_us)]

    def _forget(self, before_us: int) -> None:
        old = [key for key, one in self._rows.items() if one.alert.end_us is not None and one.alert.end_us < before_us]
        for key in old:
            del self._rows[key]
        if old:
            self.forgotten, self.forgotten_until_us = self.forgotten + len(old), before_us


def was_on(alert: Alert, since_us: int | None) -> bool:
    """Whether it was on at a time or later; any was when there is none."""
    return since_us is None or alert.end_us is None or alert.end_us >= since_us
