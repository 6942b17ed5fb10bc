"""Tracks and alerts as they come, for programs: GeoJSON a line at a time, or one Arrow stream (chunked HTTP)."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import shapely
from litestar import Controller, Request, get
from litestar.datastructures import State
from litestar.exceptions import ServiceUnavailableException
from litestar.response import Stream
from prometheus_client import Counter

from perisai.model import ALERTS, TRACKS, Alert, alerts_table, conform

from ..picture import track_feature
from ..taps import Tap
from .guard import needs_view
from .ingest_api import ARROW

MAX_STREAMS = 100
REFUSED = Counter("perisai_streams_refused", "Streams not opened because too many were open")
KEEP_ALIVE_S = 10.0
LINES, SEQUENCE = "application/x-ndjson", "application/geo+json-seq"
Item = TypeVar("Item")
Chunks = AsyncIterator[bytes]


class StreamController(Controller):
    """`/api/v1/stream`: first the whole picture, then every row as it passes; a track that ends has status `ended`.

    `.geojson`: one Feature a line, as GeoJSON text sequences (RFC 8142) when the Accept header asks for
    application/geo+json-seq; an empty line every 10 s shows that the line is alive. `.arrow`: an Arrow IPC stream of
    the contract's columns, where a batch without rows does the same. A reader that is two minutes behind is hung up
    on, so that it knows that it missed something; when it comes again it gets the whole picture.
    """

    path = "/api/v1/stream"
    guards = (needs_view,)

    @get("/tracks.geojson", sync_to_thread=False)
    def tracks_geojson(self, state: State, request: Request[Any, Any, Any]) -> Stream:
        return _lines(request, _tracks(state.gateway), lambda table: map(track_feature, table.to_pylist()))

    @get("/tracks.arrow", sync_to_thread=False)
    def tracks_arrow(self, state: State) -> Stream:
        return Stream(_arrow(TRACKS, _tracks(state.gateway)), media_type=ARROW)

    @get("/alerts.geojson", sync_to_thread=False)
    def alerts_geojson(self, state: State, request: Request[Any, Any, Any]) -> Stream:
        ground = state.ground
        return _lines(request, _alerts(state.gateway), lambda alerts: (_alert_feature(one, ground) for one in alerts))

    @get("/alerts.arrow", sync_to_thread=False)
    def alerts_arrow(self, state: State) -> Stream:
        alerts = _alerts(state.gateway)
        return Stream(_arrow(ALERTS, (alerts_table(some) async for some in alerts)), media_type=ARROW)


def _open(taps: set[Tap[Item]]) -> AsyncIterator[list[Item]]:
    """What passes from now on, in lists; an empty one when nothing did for a while. Raises when too many are open."""
    if len(taps) >= MAX_STREAMS:
        REFUSED.inc()
        raise ServiceUnavailableException(detail=f"{MAX_STREAMS} streams are open; close one")
    tap: Tap[Item] = Tap()
    taps.add(tap)

    async def passing() -> AsyncIterator[list[Item]]:
        try:
            while not tap.lost:
                yield await tap.next(KEEP_ALIVE_S)
        finally:
            taps.discard(tap)

    return passing()


def _tracks(gateway: Any) -> AsyncIterator[pa.Table]:
    passing: AsyncIterator[list[pa.Table]] = _open(gateway.track_taps)

    async def tables() -> AsyncIterator[pa.Table]:
        rows = [track.row for track in gateway.picture.tracks.values()]
        yield pa.Table.from_pylist(rows, TRACKS)
        async for some in passing:
            yield pa.concat_tables([conform(one, "tracks", "bus") for one in some]) if some else TRACKS.empty_table()

    return tables()


def _alerts(gateway: Any) -> AsyncIterator[list[Alert]]:
    passing: AsyncIterator[list[Alert]] = _open(gateway.alert_taps)

    async def alerts() -> AsyncIterator[list[Alert]]:
        yield gateway.picture.book.active()
        async for some in passing:
            yield some

    return alerts()


def _lines(
    request: Request[Any, Any, Any], items: AsyncIterator[Any], features: Callable[[Any], Iterable[dict[str, Any]]]
) -> Stream:
    sequence = SEQUENCE in request.headers.get("Accept", "")
    begin = b"\x1e" if sequence else b""

    async def chunks() -> Chunks:
        async for some in items:
            lines = [begin + msgspec.json.encode(feature) + b"\n" for feature in features(some)]
            yield b"".join(lines) or b"\n"

    return Stream(chunks(), media_type=SEQUENCE if sequence else LINES)


async def _arrow(schema: pa.Schema, tables: AsyncIterator[pa.Table]) -> Chunks:
    sink = _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        async for table in tables:
            for batch in table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema)]:
                writer.write_batch(batch)
            yield sink.take()


class _Sink:
    """A file in memory that is emptied as it fills."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _alert_feature(alert: Alert, ground: Any) -> dict[str, Any]:
    number = ground.index.get(alert.area)
    geometry = None
    if number is not None:
        geometry = msgspec.Raw(shapely.to_geojson(shapely.simplify(ground.areas.geometry[number], 0.002)).encode())
    names = {} if number is None else ground.areas.names[number]
    properties = msgspec.to_builtins(alert) | {f"name_{language}": name for language, name in names.items()}
    return {"type": "Feature", "id": alert.identifier, "geometry": geometry, "properties": properties}
