"""Reports that come over HTTP: the same parser and sink as the other inputs have."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence

from perisai.model import Sensor
from perisai.sensors.reports import Report, ReportStream

from ..roles.ingest import Ingest
from .pump import now_us
from .sink import HttpSource, Sink

REMEMBERED = 10_000


class HttpReports:
    """Takes reports, and knows a body that is sent again."""

    def __init__(self, sensors: Sequence[Sensor], default: str, ingest: Ingest) -> None:
        self.sink = Sink(HttpSource("http-reports", "reports"), ingest)
        self._stream = ReportStream(sensors, default)
        self._done: OrderedDict[str, Counter[str]] = OrderedDict()
        self._one = asyncio.Lock()

    async def accept(self, reports: Sequence[Report], rejects: Counter[str], size: int, identity: str) -> Counter[str]:
        """Store the detections of the reports; returns what was refused of them, by reason, once they are stored."""
        async with self._one:
            if identity in self._done:
                return self._done[identity]
            counts, refused = Counter[str](), Counter(rejects)
            received_us = now_us()
            for report in reports:
                self._stream.add(report, received_us, counts, refused)
            self.sink.heard(1, size)
            await asyncio.shield(self.sink.put(self._stream.drain(counts, refused)))
            self._done[identity] = refused
            if len(self._done) > REMEMBERED:
                self._done.popitem(last=False)
            return refused
