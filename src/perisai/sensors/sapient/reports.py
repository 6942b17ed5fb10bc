"""Detection reports to detections (detection_report.proto of BSI Flex 335 v2.0)."""

import math
from typing import Any

from perisai.geodesy import distance_m

from ..rows import Rows
from .labels import label
from .node import Node
from .places import NAN, Place, Polar, place, polar, seen_from

MOVED_M = 100.0
"""A node farther than this from where the sensors file has it reports from its own place."""


def add_report(rows: Rows, node: Node, told: Any, times_us: tuple[int, int], site: Place | None) -> str | None:
    """Add the detection of a report; returns why it is refused, or None.

    times_us: of the message and of its receipt. site: where the sensors file has the sensor, None when it has not.
    """
    kind, certainty, airborne = label(told.classification)
    if not airborne:
        return "not of the air"
    if told.state.strip().lower() in ("lost", "object lost"):
        return "object lost"
    confidence = told.detection_confidence if told.HasField("detection_confidence") else certainty
    values: dict[str, Any] = {
        "label": kind,
        "confidence": NAN if confidence is None or not 0.0 <= confidence <= 1.0 else confidence,
        "address": told.id[:64] or None,
    }
    which = told.WhichOneof("location_oneof")
    if which == "location":
        found = place(told.location, node.zone)
        if isinstance(found, str):
            return found
        values |= _located(found)
    elif which == "range_bearing":
        seen = polar(told.range_bearing)
        if isinstance(seen, str):
            return seen
        fixed = site is not None and not _moved(site, node.origin)
        if fixed:
            values |= _measured(seen)
        elif node.origin is None:
            return "node has not said where it stands"
        elif math.isnan(seen.range_m):
            return "bearing of a node whose place the sensors file does not have"
        else:
            values |= _located(seen_from(node.origin, seen))
    else:
        return "no location"
    if told.HasField("enu_velocity"):
        speed, unit = told.enu_velocity, node.speed_unit_mps
        values |= {"ve_mps": speed.east_rate * unit, "vn_mps": speed.north_rate * unit}
        values["vu_mps"] = speed.up_rate * unit if speed.HasField("up_rate") else NAN
        if not all(math.isfinite(values[name]) for name in ("ve_mps", "vn_mps")):
            values |= dict.fromkeys(("ve_mps", "vn_mps", "vu_mps"), NAN)
    rows.add(*times_us, node.sensor, told.object_id, **values)
    return None


def _moved(site: Place, origin: Place | None) -> bool:
    return origin is not None and float(distance_m(site.lat, site.lon, origin.lat, origin.lon)) > MOVED_M


def _located(found: Place) -> dict[str, float]:
    return found._asdict()


def _measured(seen: Polar) -> dict[str, float]:
    return seen._asdict()
