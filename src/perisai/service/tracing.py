"""Traces of one detection's way to an alert, as OpenTelemetry spans: ingest, tracker, alerter, channels.

The context goes along in the header `traceparent` (W3C) of the bus's messages. A frame joins many batches: its span
belongs to the trace of the first of them and is linked to the others. Without the extra `traces`, or without a
collector in the settings, nothing is made and nothing is sent.
"""

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from perisai.model import BadInputError

try:
    from opentelemetry import propagate, trace
except ImportError:  # the extra `traces` is not installed
    propagate, trace = None, None

PARENT = "traceparent"
MOST_LINKS = 64


def headers() -> dict[str, str]:
    """What a message carries on of the span that is open here; nothing without one."""
    carried: dict[str, str] = {}
    if propagate is not None and trace is not None and trace.get_current_span().get_span_context().is_valid:
        propagate.inject(carried)
    return {PARENT: carried[PARENT]} if PARENT in carried else {}


@contextlib.contextmanager
def span(name: str, came: Sequence[Mapping[str, str]] = (), **attributes: str | int) -> Iterator[None]:
    """A span around work that the messages with these headers caused; a new trace when none of them has one."""
    if propagate is None or trace is None:
        yield
        return
    before = [propagate.extract({PARENT: one[PARENT]}) for one in came if PARENT in one]
    links = [trace.Link(trace.get_current_span(one).get_span_context()) for one in before[1 : MOST_LINKS + 1]]
    with trace.get_tracer("perisai").start_as_current_span(
        name, context=before[0] if before else None, links=links, attributes=attributes
    ):
        yield


def set_up_traces(collector: str) -> None:
    """Send spans to a collector, OTLP over HTTP. Raises BadInputError when the extra is not installed."""
    if not collector:
        return
    try:
        sdk: Any = importlib.import_module("opentelemetry.sdk.trace")
        export: Any = importlib.import_module("opentelemetry.sdk.trace.export")
        resources: Any = importlib.import_module("opentelemetry.sdk.resources")
        otlp: Any = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise BadInputError(
            "service.traces", "OpenTelemetry is not installed", "pip install perisai[traces]"
        ) from error
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": "perisai"}))
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=collector)))
    assert trace is not None
    trace.set_tracer_provider(provider)
