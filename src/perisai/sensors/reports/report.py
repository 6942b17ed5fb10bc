"""One report, its JSON schema, and reading it."""

import math
from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from perisai.model import NOT_JSON

MOST_IN_BATCH = 1000
SCHEMA_ID = "urn:perisai:report:1"

Class = Literal["drone", "jet_drone", "cruise", "ballistic", "glide_bomb", "aircraft", "explosion", "unknown"]


Latitude = Annotated[float, Meta(ge=-90, le=90, description="Latitude, degrees")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Longitude, degrees")]
Height = Annotated[float, Meta(ge=-1000, le=20000, description="Height above the ellipsoid, metres")]
Radius = Annotated[float, Meta(gt=0, le=100000, description="Radius, metres, that holds 68 % of the errors")]
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}$", description="Key of the device, in all it sends")]
Moment = Annotated[datetime, Meta(tz=True, description="When it was heard or seen, RFC 3339 with its zone")]
Bearing = Annotated[float, Meta(ge=0, le=360, description="Direction from true north over east, degrees")]
Spread = Annotated[float, Meta(gt=0, le=180, description="1 sigma of the direction, degrees")]
Elevation = Annotated[float, Meta(ge=-90, le=90, description="Angle above the horizon, degrees")]
Confidence = Annotated[float, Meta(ge=0, le=1, description="That there was something of this class")]


class ReportPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the one who reports was (WGS84)."""

    lat: Latitude
    lon: Longitude
    alt_m: Height | None = None
    accuracy_m: Radius | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something in the air, heard or seen from a place at a time, perhaps with a direction and a class."""

    device: Key
    time: Moment
    place: ReportPlace
    bearing_deg: Bearing | None = None
    bearing_spread_deg: Spread | None = None
    elevation_deg: Elevation | None = None
    class_: Class = msgspec.field(name="class", default="unknown")
    confidence: Confidence | None = None


def _schema() -> dict[str, Any]:
    (_,), parts = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A report, or a list of at most 1000 of them",
        "oneOf": [
            {"$ref": "#/$defs/Report"},
            {"type": "array", "items": {"$ref": "#/$defs/Report"}, "maxItems": MOST_IN_BATCH},
        ],
        "$defs": parts,
    }


SCHEMA: dict[str, Any] = _schema()
"""The published JSON schema (draft 2020-12), made from the types above."""

_ONE = msgspec.json.Decoder(Report)


def parse_reports(content: bytes) -> tuple[list[Report], list[str], Counter[str]]:
    """The good reports of a JSON document (one, or a list), a line for each fault, and the rejects by reason."""
    rejects: Counter[str] = Counter()
    try:
        raws = _split(content)
    except NOT_JSON as error:
        rejects["reports: not JSON"] += 1
        return [], [f"not JSON ({error})"], rejects
    if len(raws) > MOST_IN_BATCH:
        rejects["reports: too many at once"] += 1
        return [], [f"{len(raws)} reports; at most {MOST_IN_BATCH} at once"], rejects
    reports: list[Report] = []
    faults: list[str] = []
    for number, raw in enumerate(raws):
        try:
            report = _ONE.decode(raw)
        except NOT_JSON as error:
            rejects["reports: not as the schema has it"] += 1
            faults.append(f"report {number}: {error}")
            continue
        if not all(math.isfinite(value) for value in (report.place.lat, report.place.lon)):
            rejects["reports: place not finite"] += 1
            faults.append(f"report {number}: place not finite")
            continue
        reports.append(report)
    return reports, faults, rejects


def _split(content: bytes) -> list[Any]:
    if content.lstrip()[:1] == b"[":
        return msgspec.json.decode(content, type=list[msgspec.Raw])
    return [msgspec.json.decode(content, type=msgspec.Raw)]
