"""Detections that come over HTTP ready made: stored, counted, and limited as what the other inputs bring."""

from collections import Counter

import msgspec
import pyarrow as pa

from ..roles.ingest import Ingest
from . import metrics
from .settings import LiveInput
from .sink import Sink

NAME = "http-detections"


class HttpDetections:
    """Takes batches; `sink` says how the input stands."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self.sink = Sink(LiveInput(name=NAME, kind="reports", broker="127.0.0.1:0", topic="-"), ingest)
        self.sink.state = msgspec.structs.replace(self.sink.state, kind="detections")

    def refused(self, size: int, reason: str) -> None:
        """Count a body of which nothing was taken."""
        self.sink.heard(1, size)
        self.sink.refuse(Counter({reason: 1}))

    async def accept(self, source: str, table: pa.Table, size: int, identity: str) -> int:
        """Store a batch; how many rows the bus took, 0 when it has had the batch before."""
        rows = await self._ingest.accept(source, table, identity)
        self.sink.heard(1, size)
        self.sink.state.detections += rows
        metrics.DETECTIONS.labels(NAME).inc(rows)
        return rows
