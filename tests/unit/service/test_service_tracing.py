"""One detection's way to an alert is one trace: ingest, tracker, alerter, over the bus."""

import asyncio
import itertools
import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from perisai.model import BadInputError
from perisai.service import tracing
from perisai.service.bus import Bus
from perisai.service.config import Config
from perisai.service.nats_server import NatsServer
from perisai.service.roles.alerter import run_alerter
from perisai.service.roles.ingest import Ingest
from perisai.service.roles.tracker import run_tracker
from perisai.service.tasks import end
from perisai.service.warm import drill_areas, drill_frames, drill_sensors

FRAMES = 90


@pytest.fixture
def spans(monkeypatch):
    """What is exported while the test runs."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return kept


async def test_a_detection_and_the_alert_it_raised_are_one_trace(tmp_path, spans):
    async with NatsServer(tmp_path) as server, Bus(server.url) as bus:
        ingest = Ingest(bus, lambda: time.time_ns() // 1000)
        roles = [
            asyncio.create_task(run_tracker(bus, drill_sensors(), Config())),
            asyncio.create_task(run_alerter(bus, drill_areas(), Config())),
        ]
        for number, frame in enumerate(drill_frames()):
            if number == FRAMES:
                break
            if frame.table.num_rows:
                await ingest.accept("drill", frame.table, str(number))
            await ingest.tick(frame.end_us)
        async with asyncio.timeout(200):
            async for message in bus.follow("ALERTS"):
                parent = message.headers[tracing.PARENT]
                break
        await end(roles)
    identity = int(parent.split("-")[1], 16)
    way = sorted(
        (one for one in spans.get_finished_spans() if one.context.trace_id == identity), key=lambda one: one.start_time
    )
    assert [one.name for one in way][:3] == ["ingest.accept", "tracker.step", "alerter.step"]
    assert way[0].parent is None and way[0].attributes["source"] == "drill" and way[0].attributes["rows"] > 0
    for before, after in itertools.pairwise(way[:3]):
        assert after.parent is not None and after.parent.span_id == before.context.span_id


def test_without_a_span_nothing_is_carried_and_a_collector_needs_the_extra(monkeypatch):
    assert tracing.headers() == {}
    tracing.set_up_traces("")

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(tracing.importlib, "import_module", missing)
    with pytest.raises(BadInputError, match=r"perisai\[traces\]"):
        tracing.set_up_traces("http://127.0.0.1:4318/v1/traces")
    monkeypatch.setattr(tracing, "trace", None)
    with tracing.span("nothing"):
        assert tracing.headers() == {}
