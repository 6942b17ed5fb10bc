"""Cursor on Target events: tracks as air tracks, areas under alert as shapes with an alert beside them.

Types follow MITRE's CoT 2.0 (a-AFFILIATION-DIMENSION-FUNCTION, the function codes of MIL-STD-2525C): UAV M-F-Q, cruise
missile W-M-C-M, ballistic missile W-M-B, bomb W-B, fixed wing M-F or, civil, C-F. Only an air picture: no tasking.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

import msgspec
import numpy as np
import pyarrow as pa
import shapely

from perisai.model import THREATS, Areas, floats, time_us

from .cot_settings import CotSettings
from .message import Message, text_for

SECOND_US = 1_000_000
UNKNOWN_M = 9_999_999.0
CLEAR_S = 300
"""How long the end of an alert is told to those who connect anew."""
FUNCTION = {
    "drone": "A-M-F-Q",
    "cruise": "A-W-M-C-M",
    "ballistic": "A-W-M-B",
    "glide_bomb": "A-W-B",
    "aircraft": "A-M-F",
    "other": "A",
}
NAMES = {
    "drone": "Drone",
    "cruise": "Cruise missile",
    "ballistic": "Ballistic missile",
    "glide_bomb": "Glide bomb",
    "aircraft": "Aircraft",
    "other": "Unknown",
}
COLOURS = {"watch": (-256, 0x40FFFF00), "alarm": (-65536, 0x40FF0000)}
"""Line and fill, ARGB as signed and unsigned 32 bits; TAK reads both as signed."""


class CotEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event. Times in us since 1970-01-01 UTC; degrees, WGS84; metres; course degrees from north, speed m/s.

    ce_m: one sigma of the horizontal position. detail: further XML elements of the detail, well formed.
    undoes: uid of an earlier event that this one does away with.
    """

    uid: str
    type: str
    how: str
    time_us: int
    stale_us: int
    lat: float
    lon: float
    hae_m: float = UNKNOWN_M
    ce_m: float = UNKNOWN_M
    le_m: float = UNKNOWN_M
    callsign: str = ""
    course_deg: float | None = None
    speed_mps: float | None = None
    detail: str = ""
    undoes: str = ""

    @property
    def lasting(self) -> bool:
        """Whether the event must not be lost on the way: everything but the position of a track."""
        return not self.type.startswith("a-")


def track_events(
    tracks: pa.Table, settings: CotSettings, mode: str = "actual", neutral: Iterable[int] = (), shift_us: int = 0
) -> list[CotEvent]:
    """The rows of a tracks table as air tracks, in order; a row without a place is left out, an ended track goes stale.

    neutral: tracks known to be of neutral traffic. Outside actual mode the callsign bears the mode.
    shift_us: added to all times, for a picture that is played and not of now.
    """
    harmless, friends = frozenset(neutral), frozenset(settings.friends)
    chance = np.nan_to_num(np.column_stack([floats(tracks[f"p_{threat}"]) for threat in THREATS]))
    columns = {name: floats(tracks[name]) for name in ("lat", "lon", "alt_m", "ve_mps", "vn_mps", "p_ee", "p_nn")}
    times, numbers, status = time_us(tracks["time"]), tracks["track"].to_pylist(), tracks["status"].to_pylist()
    addresses = tracks["address"].to_pylist()
    events: list[CotEvent] = []
    for i, number in enumerate(numbers):
        row = {name: float(values[i]) for name, values in columns.items()}
        if not (math.isfinite(row["lat"]) and math.isfinite(row["lon"])):
            continue
        kind = THREATS[int(np.argmax(chance[i]))] if chance[i].any() else "other"
        east, north = row["ve_mps"], row["vn_mps"]
        moving = math.isfinite(east) and math.isfinite(north)
        at_us = int(times[i]) + shift_us
        side = "f" if addresses[i] in friends else "n" if number in harmless else ""
        events.append(
            CotEvent(
                uid=f"{settings.prefix}.track.{number}",
                type=_track_type(kind, float(chance[i].max()), side, settings),
                how="m-f",
                time_us=at_us,
                stale_us=at_us if status[i] == "ended" else at_us + round(settings.stale_s * SECOND_US),
                lat=row["lat"],
                lon=row["lon"],
                hae_m=_or_unknown(row["alt_m"]),
                ce_m=_or_unknown(math.sqrt(max(0.0, (row["p_ee"] + row["p_nn"]) / 2.0))),
                callsign=_marked(f"{NAMES[kind]} {number}", mode),
                course_deg=math.degrees(math.atan2(east, north)) % 360.0 if moving else None,
                speed_mps=math.hypot(east, north) if moving else None,
            )
        )
    return events


def alert_events(
    message: Message, areas: Areas, index: Mapping[str, int], settings: CotSettings, shift_us: int = 0
) -> list[CotEvent]:
    """An alert as a shape per polygon of its area and a geo-fence alert at its middle; the all-clear takes them away.

    index: position of each code in `areas`. A message for an area that is not there gives nothing. shift_us as above.
    """
    at = index.get(message.area)
    if at is None:
        return []
    text, ended = text_for(message, settings.language), message.level == "clear"
    lat, lon = float(areas.lat[at]), float(areas.lon[at])
    sent_us = message.sent_us + shift_us
    stale_us = sent_us + CLEAR_S * SECOND_US if ended else message.expires_us + shift_us
    name = areas.name(at, settings.language.split("-", maxsplit=1)[0])
    remarks = f"<remarks>{_escape(f'{text.headline} {text.description}')}</remarks>"
    common = {"how": "m-g", "time_us": sent_us, "stale_us": stale_us, "lat": lat, "lon": lon}
    events: list[CotEvent] = []
    for number, ring in enumerate(_rings(areas.geometry[at], settings.tolerance_m)):
        uid = f"{settings.prefix}.area.{message.area}.{number}"
        if ended:
            link = f'<link uid={quoteattr(uid)} relation="p-p" type="u-d-f"/><__forcedelete/>'
            events.append(CotEvent(uid=f"{uid}.delete", type="t-x-d-d", detail=link, undoes=uid, **common))
            continue
        line, fill = COLOURS[message.level]
        links = "".join(f'<link point="{b:.5f},{a:.5f}"/>' for a, b in ring)
        shape = f'{links}<strokeColor value="{line}"/><fillColor value="{fill}"/><labels_on value="true"/>{remarks}'
        events.append(
            CotEvent(
                uid=uid,
                type="u-d-f",
                callsign=_marked(name, message.mode),
                detail=shape,
                undoes=f"{uid}.delete",
                **common,
            )
        )
    emergency = (
        '<emergency cancel="true"/>' if ended else f'<emergency type="Geo-fence Breached">{_escape(name)}</emergency>'
    )
    events.append(
        CotEvent(
            uid=f"{settings.prefix}.alert.{message.incident}",
            type="b-a-o-can" if ended else "b-a-g",
            callsign=_marked(text.event if message.mode == "actual" else name, message.mode),
            detail=emergency + remarks,
            **common,
        )
    )
    return events


def to_xml(event: CotEvent) -> bytes:
    """The event as CoT 2.0 XML without a declaration."""
    contact = f"<contact callsign={quoteattr(_clean(event.callsign))}/>" if event.callsign else ""
    track = ""
    if event.course_deg is not None and event.speed_mps is not None:
        track = f'<track course="{event.course_deg:.1f}" speed="{event.speed_mps:.1f}"/>'
    return (
        f'<event version="2.0" uid={quoteattr(_clean(event.uid))} type="{event.type}" how="{event.how}" '
        f'time="{_time(event.time_us)}" start="{_time(event.time_us)}" stale="{_time(event.stale_us)}">'
        f'<point lat="{event.lat:.6f}" lon="{event.lon:.6f}" hae="{event.hae_m:.1f}" ce="{event.ce_m:.1f}" '
        f'le="{event.le_m:.1f}"/><detail>{contact}{track}{event.detail}</detail></event>'
    ).encode()


def _track_type(kind: str, chance: float, side: str, settings: CotSettings) -> str:
    """side: f for a friend, n for a neutral, empty where the class decides."""
    if side:
        civil = side == "n" and kind in ("aircraft", "other")
        return f"a-{side}-{'A-C-F' if civil else FUNCTION[kind]}"
    if kind in ("aircraft", "other") or chance < settings.suspect:
        return f"a-u-{FUNCTION[kind]}"
    return f"a-{'h' if chance >= settings.hostile else 's'}-{FUNCTION[kind]}"


def _rings(geometry: Any, tolerance_m: float) -> list[list[tuple[float, float]]]:
    simple = shapely.simplify(geometry, tolerance_m / 111_195.0)
    parts = [part for part in shapely.get_parts(simple) if part.geom_type == "Polygon" and not part.is_empty]
    return [[tuple(point) for point in shapely.get_coordinates(part.exterior).tolist()] for part in parts]


def _marked(name: str, mode: str) -> str:
    return name if mode == "actual" else f"{mode.upper()} {name}"


def _or_unknown(value: float) -> float:
    return value if math.isfinite(value) else UNKNOWN_M


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / SECOND_US, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _clean(text: str) -> str:
    return "".join(c for c in text if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")


def _escape(text: str) -> str:
    return _clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
