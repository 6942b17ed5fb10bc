"""`[[partner]]`: who the partner nations are, what we give them and what we take."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import shapely

from perisai.model import Areas, BadInputError, Sensor
from perisai.sharing import Scope, SharePolicy, make_scope

from ..files import read_text

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
GIVEN, TAKEN = "perisai.share", "perisai.partner"
"""The centre that partners connect to gives under the first and takes under the second."""


class TakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[partner.take]`. Limits on what the partner may send; what goes beyond is refused and counted."""

    max_messages_per_s: float = 5.0
    max_message_bytes: int = 1_000_000

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting at fault."""
        if not 0 < self.max_messages_per_s <= 1_000:
            raise ValueError(f"max_messages_per_s: {self.max_messages_per_s:g}; expected over 0, at most 1000")
        if not 1_000 <= self.max_message_bytes <= 8_000_000:
            raise ValueError(f"max_message_bytes: {self.max_message_bytes}; expected 1000 to 8000000")


class PartnerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[partner]]`. id: as in the names of its key and subjects; name: what people call it, by language.

    give: what it may see, nothing without; take: what is taken from it, nothing without. known_as: empty where the
    partner connects to us; where we are the one who connects, our id over there. key_file: a secret of one line, made
    by `perisai keys`; with it the partner's track numbers tell nothing of ours.
    """

    id: str
    name: dict[str, str] = {}
    give: SharePolicy | None = None
    take: TakeSettings | None = None
    known_as: str = ""
    key_file: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting at fault."""
        for name in ("id", "known_as"):
            value = getattr(self, name)
            if not _ID.fullmatch(value) and (value or name == "id"):
                raise ValueError(f"{name}: {value!r}; expected 1 to 32 letters, digits, dashes and underscores")
        if not (self.give or self.take):
            raise ValueError("id: neither give nor take; expected [partner.give], [partner.take] or both")

    @property
    def gives_to(self) -> str:
        """The subject on which we give."""
        return f"{TAKEN}.{self.known_as}.tracks" if self.known_as else f"{GIVEN}.{self.id}.tracks"

    @property
    def takes_from(self) -> str:
        """The subject on which we take."""
        return f"{GIVEN}.{self.known_as}.tracks" if self.known_as else f"{TAKEN}.{self.id}.tracks"


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner with what its policy names resolved; scope: None when nothing is given."""

    settings: PartnerSettings
    scope: Scope | None


def layer_names(partners: Sequence[PartnerSettings]) -> dict[str, dict[str, str]]:
    """The names by language of the partners whose tracks are taken, by id."""
    return {one.id: one.name for one in partners if one.take}


def resolve_paths(directory: Path, partner: PartnerSettings) -> PartnerSettings:
    """A partner whose files are named from a directory on."""
    given: dict[str, Any] = {}
    if partner.key_file:
        given["key_file"] = str(directory / partner.key_file)
    if partner.give and partner.give.region:
        given["give"] = msgspec.structs.replace(partner.give, region=str(directory / partner.give.region))
    return msgspec.structs.replace(partner, **given) if given else partner


def make_partners(partners: Sequence[PartnerSettings], areas: Areas, sensors: Sequence[Sensor]) -> list[Partner]:
    """Read the files that partners name. Raises BadInputError naming the partner, the setting and the fault."""
    made = []
    for one in partners:
        scope = None
        if one.give:
            key = _key(one.key_file) if one.key_file else None
            region = _region(one.give.region) if one.give.region else None
            try:
                scope = make_scope(one.give, areas, sensors, region, key)
            except BadInputError as error:
                raise BadInputError(f"partner `{one.id}`: {error.where}", error.found, error.expected) from error
        made.append(Partner(one, scope))
    return made


def _key(path: str) -> bytes:
    key = read_text(path, "a secret of one line (perisai keys writes one)").strip().encode()
    if len(key) < 16:
        raise BadInputError(path, f"{len(key)} characters", "a secret of at least 16")
    return key


def _region(path: str) -> Any:
    text = read_text(path, "a GeoJSON file of polygons")
    try:
        region = shapely.from_geojson(text)
    except shapely.errors.GEOSException as error:
        raise BadInputError(path, str(error).splitlines()[0], "GeoJSON of polygons") from error
    parts = shapely.get_parts(region)
    if not len(parts) or any(part.geom_type not in ("Polygon", "MultiPolygon") or part.is_empty for part in parts):
        raise BadInputError(path, getattr(region, "geom_type", "nothing"), "GeoJSON of polygons")
    west, south, east, north = region.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise BadInputError(path, f"bounds {region.bounds}", "longitude and latitude in degrees (WGS84)")
    return shapely.union_all(shapely.make_valid(parts))
