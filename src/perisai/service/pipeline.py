"""The one string of the stages: frames of detections to tracks, frames of tracks to forecasts, alerts and CAP messages.

The commands, the live roles and replay all use these two classes, so none of them can differ from another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from perisai.alerting import Alerter, Answer, CapMessage, CapWriter, Desk, Order, Signer
from perisai.forecasting import Forecaster
from perisai.model import TIME, AlertChange, Areas, Frame, Sensor
from perisai.tracking import Tracker

from .config import Config


class TrackStage:
    """Frames of detections in, rows of tracks out, stamped with the end of the frame that gave them."""

    def __init__(self, sensors: Sequence[Sensor], config: Config, state: bytes | None = None) -> None:
        """state: a checkpoint to go on from."""
        given = list(sensors)
        if state is None:
            self.tracker = Tracker(given, config.tracking)
        else:
            self.tracker = Tracker.restore(state, given, config.tracking)

    def step(self, frame: Frame) -> pa.Table:
        rows = self.tracker.step(frame)
        issued = pa.array(np.full(rows.num_rows, frame.end_us)).cast(TIME)
        return rows.set_column(rows.schema.get_field_index("issued"), rows.schema.field("issued"), issued)

    def checkpoint(self) -> bytes:
        return self.tracker.checkpoint()


@dataclass(frozen=True, slots=True)
class AlertStep:
    """What one frame brought: forecasts (None between beats), changes and CAP messages that go out, and answers."""

    forecasts: pa.Table | None
    changes: list[AlertChange]
    cap: list[CapMessage]
    answers: list[Answer]


class AlertStage:
    """Frames of track rows and operators' orders in; forecasts, alert changes and CAP messages out.

    `desk` says what waits for an operator and what the public is told.
    """

    def __init__(self, areas: Areas, config: Config, state: bytes | None = None, signer: Signer | None = None) -> None:
        """state: a checkpoint to go on from. signer: of CAP messages, none when None."""
        mode = config.service.mode
        if state is None:
            self.forecaster = Forecaster(areas, config.forecasting)
            self.alerter = Alerter(areas, config.alerting)
            self.desk = Desk(areas, config.alerting)
            self.cap = CapWriter(areas, config.cap, mode, signer)
        else:
            forecaster, alerter, desk, cap = msgspec.msgpack.decode(state, type=tuple[bytes, bytes, bytes, bytes])
            self.forecaster = Forecaster.restore(forecaster, areas, config.forecasting)
            self.alerter = Alerter.restore(alerter, areas, config.alerting)
            self.desk = Desk.restore(desk, areas, config.alerting)
            self.cap = CapWriter.restore(cap, areas, config.cap, mode, signer)

    def step(self, rows: pa.Table, end_us: int, orders: Sequence[Order] = ()) -> AlertStep:
        """One frame that ended at end_us. Orders take effect in it, also between the forecaster's beats."""
        forecasts = self.forecaster.step(rows, end_us)
        beat = self.forecaster.beat(end_us)
        decided = self.alerter.step(forecasts, end_us) if beat else []
        told = self.desk.step(decided, orders, end_us)
        cap = self.cap.step(told.changes, end_us)
        return AlertStep(forecasts if beat else None, told.changes, cap, told.answers)

    def checkpoint(self) -> bytes:
        stages = (self.forecaster, self.alerter, self.desk, self.cap)
        return msgspec.msgpack.encode([stage.checkpoint() for stage in stages])


class AlertBook:
    """The alerts as they stand: each change replaces the row of its span."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, int], AlertChange] = {}

    def apply(self, change: AlertChange) -> None:
        alert = change.alert
        self._rows[alert.area, alert.level, alert.start_us] = change

    def alerts(self) -> list:
        return [change.alert for change in self._rows.values()]

    def active(self) -> list:
        return [alert for alert in self.alerts() if alert.end_us is None]
