"""Reports of acoustic nodes and citizens over HTTP, and the schema they follow."""

import hashlib
from collections import Counter
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import ClientException

from perisai.sensors.reports import SCHEMA, parse_reports

from ..ingest.device_keys import HEADER
from .rate import body_of

MAX_BYTES = 256 << 10


@get("/api/v1/reports/schema.json", media_type="application/schema+json", sync_to_thread=False)
def report_schema() -> dict[str, Any]:
    """The JSON schema of a report."""
    return SCHEMA


@post("/api/v1/reports", request_max_body_size=MAX_BYTES, status_code=202)
async def accept_reports(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Take one report or a list of them; answers 202 once they are stored, 400 with a line for each fault when none
    is good. A body sent again counts once. `Perisai-Signature: DEVICE SIGNATURE` signs the body."""
    state = request.app.state
    body = await body_of(request, state.report_rate, state.reports.sink, "reports")
    reports, faults, rejects = parse_reports(body)
    signer = state.device_keys.signer(request.headers.get(HEADER, ""), body)
    parsed = len(reports)
    reports = state.device_keys.sift(reports, signer, rejects)
    if len(reports) < parsed:
        faults.append(f"{parsed - len(reports)} not signed by the device they name")
    if not reports:
        state.reports.sink.refused(len(body), rejects)
        raise ClientException(detail="; ".join(faults[:20]) or "no report")
    counts: Counter[str] = await state.reports.accept(
        reports, rejects, len(body), hashlib.sha256(body).hexdigest()[:32]
    )
    merged = counts["reports: same crowd"]
    return Response({"accepted": len(reports), "same_crowd": merged, "faults": faults[:20]}, status_code=202)
