"""The way in over HTTP: detections of a sensor, as an Arrow stream or as JSON rows."""

import hashlib
from collections import Counter
from typing import Any

import msgspec
import pyarrow as pa
from litestar import Request, post
from litestar.exceptions import ClientException

from perisai.model import DETECTIONS, NOT_JSON, BadInputError, conform, table_from

from ..ingest.sink import Sink
from .guard import needs_key
from .rate import body_of

MAX_BYTES = 4 << 20
ARROW = "application/vnd.apache.arrow.stream"


@post("/api/v1/detections", guards=[needs_key], request_max_body_size=MAX_BYTES, status_code=202)
async def accept_detections(request: Request[Any, Any, Any]) -> dict[str, int]:
    """Take a batch of detections (the contract's columns); answers 202 once it is stored.

    Body: an Arrow IPC stream, or a JSON list of rows with times in ISO 8601. A header `Idempotency-Key` names the
    batch; without it its content does, so that a batch sent twice counts once. 4 MB a body; more batches than
    `[inputs] detections_per_minute` of one address get 429 with Retry-After.
    """
    state = request.app.state
    sink: Sink = state.detections
    body = await body_of(request, state.detection_rate, sink, "batches")
    source = request.headers.get("Perisai-Source", "http")
    if not source.replace("-", "").replace("_", "").isalnum() or len(source) > 64:
        sink.refused(len(body), Counter({"Perisai-Source: not a name": 1}))
        raise ClientException(detail="Perisai-Source: letters, digits, - and _ expected, 64 at most")
    try:
        table = parse_detections(body, request.headers.get("Content-Type", ""))
    except BadInputError as error:
        sink.refused(len(body), Counter({"body: no detections": 1}))
        raise ClientException(detail=str(error)) from error
    identity = request.headers.get("Idempotency-Key") or hashlib.sha256(body).hexdigest()[:32]
    accepted = await sink.store(source, table, identity)
    sink.heard(1, len(body))
    return {"accepted": accepted}


def parse_detections(body: bytes, content_type: str) -> pa.Table:
    """The table of a body. Raises BadInputError for what is none."""
    if content_type.startswith(ARROW):
        try:
            table = table_from(body)
            table.validate(full=True)  # a torn buffer would be read beyond its end
        except (pa.ArrowException, OSError, ValueError) as error:
            raise BadInputError("body", f"not an Arrow stream ({str(error).splitlines()[0]})", "detections") from error
        return conform(table, "detections", "body")
    try:
        rows = msgspec.json.decode(body, type=list[dict[str, Any]])
    except NOT_JSON as error:
        raise BadInputError("body", str(error), "a JSON list of detections") from error
    try:
        table = pa.Table.from_pylist(rows)
        times = [name for name in ("time", "received") if name in table.column_names]
        for name in times:
            table = table.set_column(
                table.schema.get_field_index(name), name, table[name].cast(DETECTIONS.field(name).type)
            )
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise BadInputError("body", str(error).splitlines()[0], "rows of a detections table") from error
    return conform(table, "detections", "body")
