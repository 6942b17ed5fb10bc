"""What receivers of Remote ID write as JSON: their names differ, so names are compared without case and signs.

Read are the raw bytes where they are given (hexadecimal or base64), else the fields that the receiver decoded: those
of opendroneid-core-c (`BasicID`, `Location`), of DroneID (`Basic ID`, `Location/Vector Message`) and flat ones.
"""

import base64
import binascii
import math
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .messages import NAN, RADIUS_95_PER_SIGMA, SIZE, BasicId, Location

DEEPEST = 6
MOST_FIELDS = 400
_OF_OTHERS = ("system", "operator", "auth", "selfid", "home", "pilot", "takeoff", "gcs")
"""Groups that tell places or names, though not those of the drone."""

_NAMES = {
    "raw": ("raw", "rawdata", "payload", "messagepack", "rawmessage", "uasdata", "advdata", "data"),
    "transmitter": ("mac", "macaddress", "transmitter", "bssid", "addr", "address"),
    "time": ("time", "timestamp", "received", "receivedat", "lastseen", "observedat"),
    "identity": ("uasid", "uasid0", "id", "basicid", "serial", "serialnumber", "droneid", "uaid"),
    "lat": ("lat", "latitude", "dronelat", "uavlat"),
    "lon": ("lon", "lng", "long", "longitude", "dronelon", "dronelong", "uavlon"),
    "geodetic_m": ("altitudegeo", "geodeticaltitude", "altgeo", "altm", "alt", "altitude", "dronealtitude"),
    "pressure_m": ("altitudebaro", "pressurealtitude", "barometricaltitude", "altbaro"),
    "height_m": ("height", "heightagl", "heightm"),
    "speed_mps": ("speedhorizontal", "speed", "speedmps", "groundspeed", "horizontalspeed"),
    "track_deg": ("direction", "track", "trackdeg", "course", "heading"),
    "climb_mps": ("speedvertical", "verticalspeed", "vertspeed", "climbmps"),
    "accuracy_m": ("horizaccuracy", "horizontalaccuracy", "accuracym"),
    "status": ("status", "operationalstatus", "opstatus"),
}
_FIELD = {name: field for field, names in _NAMES.items() for name in names}
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")


class Told(NamedTuple):
    """One object of a receiver. time_s: since 1970 UTC, None where not told. payload: raw bytes, where given."""

    transmitter: str
    time_s: float | None
    payload: bytes | None
    identity: BasicId | None
    location: Location | None


def read(document: Any) -> Told | str:
    """What a JSON document of a receiver tells, or why it tells nothing."""
    fields: dict[str, Any] = {}
    _flatten(document, fields, 0)
    payload = _bytes(fields.get("raw"))
    transmitter = str(fields.get("transmitter", ""))[:64].lower()
    time_s = _time_s(fields.get("time"))
    identity = str(fields.get("identity", "")).strip()[:64]
    basic = BasicId(0, 0, identity) if identity else None
    lat, lon = _number(fields.get("lat")), _number(fields.get("lon"))
    located = not (math.isnan(lat) or math.isnan(lon))
    if payload is None and basic is None and not located:
        return "object without raw bytes, identity or position"
    if not located or payload is not None:
        return Told(transmitter, time_s, payload, basic, None)
    if abs(lat) > 90.0 or abs(lon) > 180.0:
        return "position out of range"
    accuracy_m = _number(fields.get("accuracy_m"))
    place = Location(
        1 if str(fields.get("status", "")).strip().lower() in ("1", "ground", "on ground") else 0,
        NAN if lat == lon == 0.0 else lat,
        NAN if lat == lon == 0.0 else lon,
        _height(fields.get("geodetic_m")),
        _height(fields.get("pressure_m")),
        _height(fields.get("height_m")),
        _below(fields.get("speed_mps"), 254.9),
        _below(fields.get("track_deg"), 360.0),
        _below(fields.get("climb_mps"), 62.5),
        accuracy_m / RADIUS_95_PER_SIGMA if accuracy_m > 0.0 and _with_unit(fields.get("accuracy_m")) else NAN,
        None,
    )
    return Told(transmitter, time_s, None, basic, place)


def _flatten(value: Any, fields: dict[str, Any], depth: int) -> None:
    """Collect the fields known; the first of each name counts."""
    if depth > DEEPEST or len(fields) > MOST_FIELDS:
        return
    if isinstance(value, list):
        for one in value[:64]:
            _flatten(one, fields, depth + 1)
        return
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        plain = re.sub(r"[^a-z0-9]", "", str(name).lower())
        if any(plain.startswith(word) for word in _OF_OTHERS):
            continue
        if isinstance(inner, (dict, list)):
            _flatten(inner, fields, depth + 1)
        elif plain in _FIELD and inner is not None:
            fields.setdefault(_FIELD[plain], inner)


def _bytes(value: Any) -> bytes | None:
    if not isinstance(value, str) or len(value) > 2000:
        return None
    text = re.sub(r"[\s:]", "", value)
    try:
        found = bytes.fromhex(text)
    except ValueError:
        try:
            found = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
    return found if len(found) >= SIZE else None


def _number(value: Any) -> float:
    """A number, or the one that a text such as `12.5 m/s` begins with; NaN for anything else."""
    if isinstance(value, bool):
        return NAN
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 1e12 else NAN
    match = _NUMBER.match(value) if isinstance(value, str) and len(value) < 64 else None
    return float(match[1]) if match else NAN


def _with_unit(value: Any) -> bool:
    """Whether an accuracy is in metres: a bare number is the category of the standard in some receivers."""
    return isinstance(value, str) and "m" in value.lower()


def _height(value: Any) -> float:
    number = _number(value)
    return number if -999.9 < number < 31_768.0 else NAN


def _below(value: Any, limit: float) -> float:
    number = _number(value)
    return number if abs(number) <= limit else NAN


def _time_s(value: Any) -> float | None:
    """Seconds since 1970 of a number of s, ms, us or ns, or of an ISO 8601 text (UTC where it names no zone)."""
    number = _number(value) if not isinstance(value, str) or value.replace(".", "", 1).isdigit() else NAN
    if not math.isnan(number):
        for unit in (1.0, 1e3, 1e6, 1e9):
            if 1e8 < number / unit < 1e10:
                return number / unit
        return None
    try:
        moment = datetime.fromisoformat(str(value)[:40])
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
