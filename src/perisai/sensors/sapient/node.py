"""A node as the fusion node knows it: from its registration and its status reports."""

import math
from dataclasses import dataclass, field
from typing import Any

from sapient_msg.bsi_flex_335_v2_0 import registration_pb2, status_report_pb2, velocity_pb2

from perisai.model import Cone, HealthState, PdMap, Polygon, SensorHealth

from .places import Place, place, region
from .rules import enum_name

Registration, StatusReport = registration_pb2.Registration, status_report_pb2.StatusReport

EFFECTORS = (
    Registration.NODE_TYPE_KINETIC,
    Registration.NODE_TYPE_JAMMER,
    Registration.NODE_TYPE_CYBER,
    Registration.NODE_TYPE_LDEW,
    Registration.NODE_TYPE_RFDEW,
)
"""Node types that act on what they see. Perisai senses and warns: it takes none of them and tasks none."""

DEFAULT_INTERVAL_S = 10.0
_UNIT_S = {
    registration_pb2.Registration.TIME_UNITS_NANOSECONDS: 1e-9,
    registration_pb2.Registration.TIME_UNITS_MICROSECONDS: 1e-6,
    registration_pb2.Registration.TIME_UNITS_MILLISECONDS: 1e-3,
    registration_pb2.Registration.TIME_UNITS_SECONDS: 1.0,
    registration_pb2.Registration.TIME_UNITS_MINUTES: 60.0,
    registration_pb2.Registration.TIME_UNITS_HOURS: 3600.0,
    registration_pb2.Registration.TIME_UNITS_DAYS: 86400.0,
}
_STATES: dict[int, HealthState] = {
    StatusReport.SYSTEM_OK: "ok",
    StatusReport.SYSTEM_WARNING: "degraded",
    StatusReport.SYSTEM_ERROR: "failed",
    StatusReport.SYSTEM_GOODBYE: "off",
}


@dataclass
class Node:
    """sensor: the name its detections are booked on. Positions degrees and metres; times microseconds since 1970."""

    node_id: str
    sensor: str = ""
    name: str = ""
    interval_s: float = DEFAULT_INTERVAL_S
    speed_unit_mps: float = 1.0
    zone: str = ""
    registered: bool = False
    pd: float | None = None
    origin: Place | None = None
    sees: tuple[Cone | Polygon, ...] = ()
    hidden: tuple[Cone | Polygon, ...] = ()
    state: HealthState = "ok"
    heard_us: int = 0
    modes: list[str] = field(default_factory=list)

    def register(self, told: Any) -> None:
        """Take over what a valid registration says; registering again begins anew."""
        self.registered = True
        self.state = "ok"
        self.name = told.short_name or told.name
        interval_s = _seconds(told.status_definition.status_interval)
        self.interval_s = interval_s if interval_s > 0 else DEFAULT_INTERVAL_S
        self.modes = [mode.mode_name for mode in told.mode_definition]
        for mode in told.mode_definition:
            for detection in mode.detection_definition:
                units = detection.velocity_type.enu_velocity_units.east_north_rate_units
                self.speed_unit_mps = 1.0 / 3.6 if units == velocity_pb2.SPEED_UNITS_KPH else 1.0
                self.zone = detection.location_type.zone or self.zone
                for value in detection.detection_performance:
                    if value.type.strip().lower() in ("pd", "probability of detection", "detection probability"):
                        self.pd = _probability(value.unit_value, self.pd)

    def status(self, told: Any, time_us: int) -> SensorHealth:
        """Take over a status report; the health it tells, with the coverage where it says it anew."""
        state: HealthState = _STATES.get(told.system, "degraded")
        details: list[str] = []
        for one in told.status:
            if one.status_type == StatusReport.STATUS_TYPE_PD:
                self.pd = _probability(one.status_value, self.pd)
            elif one.status_type == StatusReport.STATUS_TYPE_NOT_DETECTING:
                state = "failed"
                details.append("not detecting")
            elif one.status_level in (StatusReport.STATUS_LEVEL_WARNING_STATUS, StatusReport.STATUS_LEVEL_ERROR_STATUS):
                details.append(one.status_value[:80] or enum_name(StatusReport.StatusType, one.status_type))
        if told.HasField("node_location"):
            found = place(told.node_location, self.zone)
            if isinstance(found, Place):
                self.origin = found
        if told.info != StatusReport.INFO_UNCHANGED or told.coverage or told.HasField("field_of_view"):
            # What it sees now counts; what it could cover only where it does not say what it sees.
            seen = [told.field_of_view] if told.HasField("field_of_view") else told.coverage
            self.sees = self._regions(seen) or self.sees
            self.hidden = self._regions(told.obscuration)
        self.state = state
        return SensorHealth(
            sensor=self.sensor, time_us=time_us, state=state, detail="; ".join(details)[:200], coverage=self.coverage()
        )

    def coverage(self) -> PdMap | None:
        """Where it sees while it is well, once the node has said where it stands."""
        if self.origin is None:
            return None
        return PdMap(lat=self.origin.lat, lon=self.origin.lon, pd=self.pd, sees=self.sees, hidden=self.hidden)

    def _regions(self, told: Any) -> tuple[Cone | Polygon, ...]:
        return tuple(one for each in told if (one := region(each, self.zone)) is not None)


def effector(told: Any) -> bool:
    """Whether a registration names a node type that acts on what it sees."""
    return any(definition.node_type in EFFECTORS for definition in told.node_definition)


def _seconds(duration: Any) -> float:
    seconds = duration.value * _UNIT_S.get(duration.units, 1.0)
    return seconds if math.isfinite(seconds) else 0.0


def _probability(text: str, otherwise: float | None) -> float | None:
    """A probability as 0..1 or as a percentage."""
    try:
        value = float(text.strip().rstrip("%"))
    except ValueError:
        return otherwise
    value = value / 100.0 if value > 1.0 or text.strip().endswith("%") else value
    return value if 0.0 <= value <= 1.0 else otherwise
