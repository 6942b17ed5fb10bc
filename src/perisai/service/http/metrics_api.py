"""Figures for Prometheus."""

import shutil
import time
from collections.abc import Awaitable, Iterator
from typing import Any, NamedTuple, TypeVar

from litestar import Response, get
from litestar.datastructures import State
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from perisai.model import ResourceError

from ..work import Sirens

T = TypeVar("T")
TYPE = "text/plain; version=0.0.4; charset=utf-8"


@get("/metrics", media_type=TYPE)
async def metrics(state: State) -> Response[bytes]:
    """The picture's lag; what each channel sent, failed to send and when; what each input received and refused."""
    registry = CollectorRegistry()
    work = state.work
    told = _Told(
        await _or(work.channels(), []), await _or(work.sirens(), Sirens([], {})), await _or(work.partners(), [])
    )
    registry.register(_Figures(state, told))
    return Response(generate_latest(registry) + generate_latest(), media_type=TYPE)


async def _or(question: Awaitable[T], nothing: T) -> T:
    """Nothing of what no process answers for: the other figures go out all the same."""
    try:
        return await question
    except ResourceError:
        return nothing


class _Told(NamedTuple):
    """What the process says that has the role gateway."""

    channels: list[dict[str, Any]]
    sirens: Sirens
    partners: list[dict[str, Any]]


class _Figures:
    def __init__(self, state: State, told: _Told) -> None:
        self._state, self._told = state, told

    def collect(self) -> Iterator[Metric]:
        picture = self._state.gateway.picture
        yield GaugeMetricFamily("perisai_lag_seconds", "Tracks behind what was received", value=picture.lag_s())
        yield GaugeMetricFamily("perisai_tracks", "Tracks in the picture", value=len(picture.tracks))
        yield GaugeMetricFamily("perisai_alerts_active", "Alerts in force", value=len(picture.book.active()))
        silent = sum(row["state"] == "silent" for row in picture.sensors())
        yield GaugeMetricFamily("perisai_sensors_silent", "Sensors that have stopped reporting", value=silent)
        suspect = len({row["sensor"] for row in picture.suspects()})
        yield GaugeMetricFamily("perisai_sensors_suspect", "Sensors that are not believed", value=suspect)
        claims = sum(claim["verdict"] == "unseen" for claim in picture.claims())
        yield GaugeMetricFamily("perisai_claims_refuted", "Reported objects that instruments contradict", value=claims)
        age_s = time.monotonic() - picture.moved_s
        yield GaugeMetricFamily("perisai_picture_age_seconds", "Since the last frame of tracks came", value=age_s)
        pending = len(picture.desk["pending"]) + len(picture.desk["proposals"])
        yield GaugeMetricFamily("perisai_waiting_for_operators", "Alerts and orders that wait", value=pending)
        free = shutil.disk_usage(self._state.config.service.data).free
        yield GaugeMetricFamily("perisai_disk_free_bytes", "Free where the recording is", value=free)
        gateway = self._state.gateway
        streams = len(gateway.track_taps) + len(gateway.alert_taps)
        yield GaugeMetricFamily("perisai_streams_open", "Streams of tracks and alerts that are open", value=streams)
        unwritten = self._state.audit.unwritten
        yield GaugeMetricFamily("perisai_audit_unwritten", "Audit entries that wait for the disk", value=unwritten)
        yield from _channels(self._told.channels)
        yield from _sirens(self._told.sirens.rows, self._told.sirens.reports)
        yield from _partners(self._told.partners)


def _partners(rows: list[dict[str, Any]]) -> Iterator[Metric]:
    labels = ["partner", "direction"]
    messages = CounterMetricFamily("perisai_partner_messages", "Messages given and taken", labels=labels)
    tracks = CounterMetricFamily("perisai_partner_tracks", "Rows of tracks given and taken", labels=labels)
    rejects = CounterMetricFamily("perisai_partner_rejects", "What was refused", labels=["partner", "reason"])
    for row in rows:
        for direction in ("given", "taken"):
            messages.add_metric([row["id"], direction], row[f"{direction}_messages"])
            tracks.add_metric([row["id"], direction], row[f"{direction}_tracks"])
        for reason, times in row["rejects"].items():
            rejects.add_metric([row["id"], reason], times)
    yield from (messages, tracks, rejects)


def _sirens(rows: list[dict[str, Any]], taken: dict[str, int]) -> Iterator[Metric]:
    reports = CounterMetricFamily("perisai_siren_reports", "Reports of sirens taken", labels=["channel"])
    sirens = GaugeMetricFamily("perisai_sirens", "Sirens, by what they say of themselves", labels=["channel", "state"])
    behind = GaugeMetricFamily("perisai_sirens_behind", "Sirens that follow another order", labels=["channel"])
    for channel, number in taken.items():
        own = [row for row in rows if row["channel"] == channel]
        reports.add_metric([channel], number)
        behind.add_metric([channel], sum(row["follows"] is False for row in own))
        for state in ("on", "off", "lost", "silent"):
            sirens.add_metric([channel, state], sum(row["state"] == state for row in own))
        sirens.add_metric([channel, "faulty"], sum(bool(row["fault"]) for row in own))
    yield from (reports, sirens, behind)


def _channels(rows: list[dict[str, Any]]) -> Iterator[Metric]:
    labels = ["channel", "kind"]
    messages = CounterMetricFamily("perisai_channel_messages", "Messages sent", labels=labels)
    size = CounterMetricFamily("perisai_channel_bytes", "Bytes sent", labels=labels)
    failures = CounterMetricFamily("perisai_channel_failures", "What was not sent or taken", labels=[*labels, "reason"])
    age = GaugeMetricFamily("perisai_channel_age_seconds", "Since something was last sent", labels=labels)
    connected = GaugeMetricFamily("perisai_channel_connected", "1 while the other end is there", labels=labels)
    for row in rows:
        who = [row["name"], row["kind"]]
        messages.add_metric(who, row["messages"])
        size.add_metric(who, row["bytes"])
        for reason, times in row["failures"].items():
            failures.add_metric([*who, reason], times)
        if row["age_s"] is not None:
            age.add_metric(who, row["age_s"])
        if row["connected"] is not None:
            connected.add_metric(who, float(row["connected"]))
    yield from (messages, size, failures, age, connected)
