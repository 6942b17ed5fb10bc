"""The live picture: the newest state of every track, alert and sensor, and what of it changed since a tick.

Kept by the gateway from the bus; read by the HTTP API and by the consoles. docs/architecture.md has the form of a tick.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from perisai.alerting import Answer
from perisai.model import THREATS, Alert, AlertChange, Mode, Sensor, time_us

from .orders.desk_view import EMPTY, Answered
from .partners.layers import PartnerLayers
from .pipeline import AlertBook
from .sensor_rates import SensorRates
from .track_columns import track_columns
from .trusted import TrustTold

HISTORY_POINTS = 240
HISTORY_STEP_US = 5_000_000
SILENT_PERIODS = 5.0
KEEP_ENDED = 2_000
SHARE = 0.1
"""A track this much less probable than an area's likeliest does not set its time of arrival."""


class Point(msgspec.Struct, frozen=True):
    """Where a track was (degrees, metres) and how probable each class of THREATS was then."""

    time_us: int
    lat: float
    lon: float
    alt_m: float
    classes: tuple[float, ...]


def point_of(row: dict[str, Any], at_us: int) -> Point:
    """row: of the TRACKS table. An altitude that nobody measured is 0."""
    classes = tuple(round(row[f"p_{name}"] or 0.0, 3) for name in THREATS)
    return Point(at_us, row["lat"], row["lon"], row["alt_m"] or 0.0, classes)


@dataclass(slots=True)
class TrackState:
    """The newest row of a track and its way here, points at least HISTORY_STEP_US apart."""

    row: dict[str, Any]
    version: int
    history: deque[Point] = field(default_factory=lambda: deque(maxlen=HISTORY_POINTS))


class Picture:
    """The picture as of `now_us`."""

    def __init__(
        self, mode: Mode, sensors: list[Sensor], partners: dict[str, dict[str, str]] | None = None,
        book: AlertBook | None = None,
    ) -> None:  # fmt: skip
        """partners: names by language of those whose tracks are taken. book: of its alerts, one that forgets none."""
        self.mode = mode
        self.partners = PartnerLayers(partners)
        self.now_us = 0
        self.moved_s = time.monotonic()
        self.version = 0
        self.tracks: dict[int, TrackState] = {}
        self.book = book or AlertBook()
        self.areas_forecast: dict[str, list[dict[str, Any]]] = {}
        self.detections = 0
        self.input_us = 0
        self._gone: deque[tuple[int, int]] = deque(maxlen=20_000)
        self._alert_versions: dict[str, tuple[int, Alert]] = {}
        self._sensors = {sensor.id: sensor for sensor in sensors}
        self._heard_us: dict[str, int] = {}
        self.rates = SensorRates()
        self._sensor_states: dict[str, tuple[int, str]] = {}
        self._forecast_version = 0
        self.desk: dict[str, Any] = EMPTY
        self._desk_version = 0
        self.trust: dict[str, TrustTold] = {}
        self._trust_version = 0
        self._awaited: dict[str, asyncio.Future[Answer]] = {}

    def take_tracks(self, rows: pa.Table, end_us: int) -> None:
        """A frame of the TRACKS stream."""
        self.moved_s = time.monotonic()
        self.version += 1
        self.now_us = max(self.now_us, end_us)
        if rows.num_rows == 0:
            return
        times = time_us(rows["time"])
        for row, at_us in zip(rows.to_pylist(), times.tolist(), strict=True):
            track = row["track"]
            if row["status"] == "ended":
                if self.tracks.pop(track, None):
                    self._gone.append((self.version, track))
                continue
            state = self.tracks.get(track)
            if state is None:
                state = self.tracks[track] = TrackState(row, self.version)
            state.row, state.version = row, self.version
            if not state.history or at_us - state.history[-1].time_us >= HISTORY_STEP_US:
                state.history.append(point_of(row, at_us))

    def take_partner(self, partner: str, table: pa.Table, end_us: int) -> None:
        """A message of the PARTNERS stream."""
        self.version += 1
        self.partners.take(partner, table, end_us, self.version)

    def take_change(self, change: AlertChange) -> None:
        """A message of the ALERTS stream."""
        self.version += 1
        self.book.apply(change)
        self._alert_versions[change.alert.identifier] = (self.version, change.alert)
        if len(self._alert_versions) > KEEP_ENDED:
            ended = [key for key, (_, alert) in self._alert_versions.items() if alert.end_us is not None]
            for key in ended[: len(ended) // 2]:
                del self._alert_versions[key]

    def take_forecasts(self, forecasts: pa.Table) -> None:
        """A message of the FORECASTS stream: replaces what was foreseen before."""
        by_area: dict[str, list[dict[str, Any]]] = {}
        shown = forecasts.select([name for name in forecasts.column_names if name != "arrived"])
        for row in shown.to_pylist():
            by_area.setdefault(row.pop("area"), []).append(row)
        self.areas_forecast = by_area
        self.version += 1
        self._forecast_version = self.version

    def take_detections(self, table: pa.Table, end_us: int) -> None:
        """A frame of the INPUT stream: which sensors are heard."""
        self.detections += table.num_rows
        self.input_us = max(self.input_us, end_us)
        self.rates.take(table, end_us)
        for sensor in table["sensor"].unique().to_pylist():
            self.hear(sensor, end_us)

    def hear(self, sensor: str, at_us: int) -> None:
        """A sensor was heard."""
        self._heard_us[sensor] = at_us

    def take_desk(self, desk: dict[str, Any]) -> None:
        """A message of the DESK stream: what waits for an operator now."""
        self.version += 1
        self.desk, self._desk_version = desk, self.version

    def take_trust(self, told: TrustTold) -> None:
        """A message of the TRUST stream: whom a tracker does not believe now."""
        self.version += 1
        self.trust[told.by], self._trust_version = told, self.version

    def suspects(self) -> list[dict[str, Any]]:
        """Sensors that are not believed, and why, of all trackers."""
        told = [one.standing for one in self.trust.values() if one.standing is not None]
        return [msgspec.to_builtins(suspect) for standing in told for suspect in standing.sensors]

    def claims(self) -> list[dict[str, Any]]:
        """What people report and instruments do not see, of all trackers."""
        told = [one.standing for one in self.trust.values() if one.standing is not None]
        return [msgspec.to_builtins(claim) for standing in told for claim in standing.claims]

    def take_answers(self, answered: Answered) -> None:
        """A message of the ANSWERS stream; whoever waits for one of them gets it."""
        for answer in answered.answers:
            waiting = self._awaited.get(answer.order.identifier)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def await_answer(self, order: str) -> "asyncio.Future[Answer]":
        """What becomes the alerter's answer to an order; ask before the order is given."""
        return self._awaited.setdefault(order, asyncio.get_running_loop().create_future())

    def forget_answer(self, order: str) -> None:
        """Wait no longer."""
        self._awaited.pop(order, None)

    def sensors(self) -> list[dict[str, Any]]:
        """Each sensor: id, state (live, silent or waiting), seconds since it was heard."""
        out = []
        for key, sensor in self._sensors.items():
            heard = self._heard_us.get(key)
            age_s = None if heard is None else (self.now_us - heard) / 1e6
            quiet = sensor.kind in ("presence", "bearing", "remote_id")
            silent = (
                age_s is not None and not quiet and age_s > SILENT_PERIODS * max(2.0, sensor.or_default("period_s"))
            )
            out.append(
                {"id": key, "state": "waiting" if age_s is None else "silent" if silent else "live", "age_s": age_s}
            )
        return out

    def arrivals(self) -> dict[str, int]:
        """When the first of the tracks that matter is expected, by area under alert, µs; as foreseen last."""
        out = {}
        for area in {alert.area for alert in self.book.active()}:
            rows = [row for row in self.areas_forecast.get(area, []) if row["eta_s"] is not None]
            if rows:
                least = SHARE * max(row["probability"] for row in rows)
                first = min((row for row in rows if row["probability"] >= least), key=lambda row: row["eta_s"])
                out[area] = int((first["time"].timestamp() + first["eta_s"]) * 1e6)
        return out

    def forecasts_of(self, track: int) -> list[dict[str, Any]]:
        """What is foreseen for a track: areas with probability and time of arrival, the likeliest first."""
        rows = [row | {"area": area} for area, held in self.areas_forecast.items() for row in held]
        return sorted((row for row in rows if row["track"] == track), key=lambda row: -row["probability"])

    def _changed_sensors(self, since: int) -> list[dict[str, Any]]:
        """Those whose state changed after a version; a network has thousands, and most of them stay as they are."""
        rows = self.sensors()
        for row in rows:
            if self._sensor_states.get(row["id"], (0, ""))[1] != row["state"]:
                self.version += 1
                self._sensor_states[row["id"]] = (self.version, row["state"])
        return [row for row in rows if since == 0 or self._sensor_states[row["id"]][0] > since]

    def tick(self, since: int, detections_per_s: float) -> bytes:
        """A tick message: what changed after version `since`, or everything when that is 0."""
        full = since == 0
        if self.partners.forget_old(self.now_us, self.version + 1):
            self.version += 1
        rows = [state.row for state in self.tracks.values() if state.version > since]
        message = {
            "t": "tick",
            "seq": self.version,
            "now_us": self.now_us,
            "mode": self.mode,
            "full": full,
            "tracks": track_columns(rows),
            "gone": np.array([] if full else [track for at, track in self._gone if at > since], dtype="<u4").tobytes(),
            "alerts": [
                msgspec.to_builtins(alert)
                for at, alert in self._alert_versions.values()
                if at > since and not (full and alert.end_us is not None)
            ],
            "impacts": [_impact(state.row) for state in self.tracks.values() if state.row["impact_lat"] is not None],
            "arrivals": self.arrivals() if self._forecast_version > since else {},
            "sensors": self._changed_sensors(since),
            "health": {"lag_s": self.lag_s(), "detections_per_s": detections_per_s},
        }
        if partners := self.partners.wire(since, self.now_us):
            message["partners"] = partners
        if full or self._desk_version > since:
            message["desk"] = self.desk
        if self.trust and (full or self._trust_version > since):
            message["trust"] = {"sensors": self.suspects(), "claims": self.claims()}
        return msgspec.msgpack.encode(message)

    def lag_s(self) -> float:
        """Seconds of sensor time that the tracks are behind what was received."""
        return max(0.0, (self.input_us - self.now_us) / 1e6)

    def oldest_gone(self) -> int:
        """The version before which departures are no longer known; a console older than that needs everything."""
        oldest = self._gone[0][0] if len(self._gone) == self._gone.maxlen else 0
        return max(oldest, self.partners.oldest_gone())


def _impact(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "track": row["track"],
        "lat": row["impact_lat"],
        "lon": row["impact_lon"],
        "ee": row["impact_ee"],
        "en": row["impact_en"],
        "nn": row["impact_nn"],
        "time_us": int(row["impact_time"].timestamp() * 1e6) if row["impact_time"] else None,
    }


def track_feature(row: dict[str, Any]) -> dict[str, Any]:
    """A track as a GeoJSON feature."""
    properties = {key: value for key, value in row.items() if key not in ("lat", "lon")}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"], row["alt_m"] or 0.0]},
        "properties": properties,
    }
