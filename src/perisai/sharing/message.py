"""The message in which tracks cross a border: JSON that any side can write and read, checked field by field.

    {"end_us": 1757203260000000, "mode": "actual", "tracks": [{"time_us": 1757203259400000, "track": 17,
     "lat": 47.1, "lon": 27.6, "ve_mps": -50, "vn_mps": 0, "status": "confirmed", "p_drone": 0.9}]}

Field names and units are those of the `partners` table; times are microseconds since 1970-01-01 UTC; what is unknown is
left out. Not Arrow as between our own stages: who reads a compressed or torn Arrow buffer trusts its sender.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import pyarrow as pa
from msgspec import Meta

from perisai.model import NOT_JSON, PARTNERS, Mode, build, empty, time_us

MAX_TRACKS = 2_000
"""Most tracks of one message."""

AHEAD_US = 10_000_000
"""Clocks differ; further ahead than this is no time of ours."""

OLDEST_US = 7_200_000_000
IMPACT_US = 3_600_000_000

Number = Annotated[int, Meta(ge=0, lt=1 << 53)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lon = Annotated[float, Meta(ge=-180, le=180)]
Height = Annotated[float, Meta(ge=-1_000, le=2_000_000)]
Speed = Annotated[float, Meta(ge=-12_000, le=12_000)]
Variance = Annotated[float, Meta(ge=0, le=1e12)]
Covariance = Annotated[float, Meta(ge=-1e12, le=1e12)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Word = Annotated[str, Meta(max_length=64)]


class SharedTrack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row; the names say the units."""

    time_us: int
    track: Number
    lat: Lat
    lon: Lon
    ve_mps: Speed
    vn_mps: Speed
    status: Literal["tentative", "confirmed", "coasting", "ended"] = "confirmed"
    alt_m: Height | None = None
    vu_mps: Speed | None = None
    p_ee: Variance | None = None
    p_en: Covariance | None = None
    p_nn: Variance | None = None
    v_ee: Variance | None = None
    v_en: Covariance | None = None
    v_nn: Variance | None = None
    existence: Probability | None = None
    p_drone: Probability | None = None
    p_cruise: Probability | None = None
    p_ballistic: Probability | None = None
    p_glide_bomb: Probability | None = None
    p_aircraft: Probability | None = None
    p_other: Probability | None = None
    neutral: bool = False
    address: Word | None = None
    sensors: Annotated[tuple[Word, ...], Meta(max_length=32)] = ()
    impact_lat: Lat | None = None
    impact_lon: Lon | None = None
    impact_ee: Variance | None = None
    impact_en: Covariance | None = None
    impact_nn: Variance | None = None
    impact_time_us: int | None = None
    impact_time_sigma_s: Annotated[float, Meta(ge=0, le=3_600)] | None = None


class _Picture(msgspec.Struct, frozen=True):
    end_us: int
    mode: Mode
    tracks: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a message: a table `partners` and how many tracks or whole messages were refused, by reason."""

    end_us: int
    table: pa.Table
    rejects: Counter[str] = field(default_factory=Counter)


def send(table: pa.Table, end_us: int, mode: Mode) -> Iterator[bytes]:
    """The messages of a frame: one at least, since it also says that the sender lives. table: `partners`."""
    for start in range(0, max(1, table.num_rows), MAX_TRACKS):
        rows = table.slice(start, MAX_TRACKS).select(_COLUMNS).to_pylist()
        for name in ("time", "impact_time"):
            for row, at_us in zip(rows, time_us(table.slice(start, MAX_TRACKS)[name]).tolist(), strict=True):
                row[f"{name}_us"] = at_us if row.pop(name) is not None else None
        tracks = [{key: value for key, value in row.items() if not _unsaid(value)} for row in rows]
        yield msgspec.json.encode({"end_us": end_us, "mode": mode, "tracks": tracks})


def _unsaid(value: Any) -> bool:
    return value is None or value is False or value == []


def receive(data: bytes, mode: Mode, now_us: int, partner: str) -> Received:
    """Read a message of a partner; never raises, whatever the bytes are.

    mode: ours; a message of another is refused whole, or an exercise would look like a raid. now_us: our clock, written
    into `issued`. partner: whose it is.
    """
    rejects: Counter[str] = Counter()
    try:
        picture = msgspec.json.decode(data, type=_Picture)
    except NOT_JSON:
        return Received(0, empty("partners"), Counter({"not of this form": 1}))
    if picture.mode != mode:
        return Received(0, empty("partners"), Counter({"other mode": 1}))
    if len(picture.tracks) > MAX_TRACKS:
        return Received(0, empty("partners"), Counter({"too many tracks": 1}))
    if fault := _time_fault(picture.end_us, now_us):
        return Received(0, empty("partners"), Counter({fault: 1}))
    good: list[SharedTrack] = []
    for raw in picture.tracks:
        try:
            track = _TRACK.decode(raw)
        except NOT_JSON as error:
            rejects[_reason(error)] += 1
            continue
        if fault := _time_fault(track.time_us, now_us) or _shape_fault(track, now_us):
            rejects[fault] += 1
        else:
            good.append(track)
    return Received(picture.end_us, _table(good, now_us, partner), rejects)


def _table(tracks: list[SharedTrack], now_us: int, partner: str) -> pa.Table:
    columns: dict[str, Any] = {
        name: [getattr(track, name) for track in tracks] for name in SharedTrack.__struct_fields__
    }
    columns["time"] = pa.array(columns.pop("time_us"), pa.int64())
    columns["impact_time"] = pa.array(columns.pop("impact_time_us"), pa.int64())
    columns |= {"partner": [partner] * len(tracks), "issued": pa.array([now_us] * len(tracks), pa.int64())}
    return build("partners", columns).replace_schema_metadata({_HEARD: str(now_us)})


def heard_us(table: pa.Table) -> int:
    """When a received table came here, be it empty; by its rows where it has lost its metadata, 0 without any."""
    told = (table.schema.metadata or {}).get(_HEARD)
    if told is not None:
        return int(told)
    return int(time_us(table["issued"]).max()) if table.num_rows else 0


def _time_fault(at_us: int, now_us: int) -> str:
    if at_us > now_us + AHEAD_US:
        return "from the future"
    return "too old" if at_us < now_us - OLDEST_US else ""


def _shape_fault(track: SharedTrack, now_us: int) -> str:
    for a, b, c in (
        (track.p_ee, track.p_en, track.p_nn),
        (track.v_ee, track.v_en, track.v_nn),
        (track.impact_ee, track.impact_en, track.impact_nn),
    ):
        if b is not None and (a is None or c is None or b * b > a * c):
            return "bad covariance"
    if (track.impact_lat is None) != (track.impact_lon is None):
        return "bad impact_lat"
    if track.impact_time_us is not None and abs(track.impact_time_us - now_us) > OLDEST_US + IMPACT_US:
        return "bad impact_time_us"
    return ""


def _reason(error: Exception) -> str:
    """Which field is at fault: of ours only, so that nobody makes reasons without end."""
    named = re.search(r"\$\.(\w+)|missing required field `(\w+)`", str(error))
    name = (named.group(1) or named.group(2)) if named else ""
    return f"bad {name}" if name in SharedTrack.__struct_fields__ else "not of this form"


_HEARD = b"heard_us"
_TRACK = msgspec.json.Decoder(SharedTrack)
_COLUMNS = [name for name in PARTNERS.names if name not in ("partner", "issued", "flags")]
