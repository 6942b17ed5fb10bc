"""What a partner may see: the settings, and the same with its region, sensors and key resolved."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import shapely

from perisai.model import Areas, BadInputError, Sensor

MAX_DELAY_S = 3_600.0
MAX_PRECISION_M = 100_000.0
Class = Literal["drone", "cruise", "ballistic", "glide_bomb", "aircraft", "other"]


class SharePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[partner.give]`. Nothing is given but what is named here.

    region: GeoJSON file of polygons; areas: codes of the areas file; box: west, south, east, north in degrees. At least
    one of them; a place in any of them is inside. sensors, owners: only tracks that one of these has seen lately;
    without_sensors, without_owners: these count as not there. fused: a track passes although others helped to it.
    classes: what a track is most likely, all when empty. neutral: aircraft with an identity too. tentative: tracks not
    confirmed yet too. addresses: identities such as the ICAO address too. precision_m, precision_mps: positions,
    altitudes and velocities rounded to such a grid, their covariance grown by its error. delay_s: nothing younger.
    """

    region: str = ""
    areas: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    sensors: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    without_sensors: tuple[str, ...] = ()
    without_owners: tuple[str, ...] = ()
    fused: bool = True
    classes: tuple[Class, ...] = ()
    neutral: bool = False
    tentative: bool = False
    addresses: bool = False
    precision_m: float = 0.0
    precision_mps: float = 0.0
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting at fault."""
        if not (self.region or self.areas or self.box):
            raise ValueError("give: no region, areas or box; expected at least one of them")
        if self.box:
            west, south, east, north = self.box
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError(f"box: {list(self.box)}; expected west, south, east, north in degrees")
        limits = (("precision_m", MAX_PRECISION_M), ("precision_mps", 1_000.0), ("delay_s", MAX_DELAY_S))
        for name, most in limits:
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= most):
                raise ValueError(f"{name}: {value:g}; expected 0 to {most:g}")


@dataclass(frozen=True, slots=True)
class Scope:
    """A policy with what it names: shapely region (lon/lat degrees, prepared), sensors by id.

    included: None where all are. key: what the partner's numbers are made with; None: it sees ours.
    """

    policy: SharePolicy
    region: Any
    included: frozenset[str] | None
    excluded: frozenset[str]
    key: bytes | None = None

    @property
    def restricts_sensors(self) -> bool:
        return self.included is not None or bool(self.excluded)

    def shares(self, sensor: str) -> bool:
        """Whether the partner may know of this sensor."""
        return sensor not in self.excluded and (self.included is None or sensor in self.included)


def make_scope(
    policy: SharePolicy, areas: Areas, sensors: Sequence[Sensor], region: Any = None, key: bytes | None = None
) -> Scope:
    """Resolve a policy. region: the shapely geometry of its file, None without one.

    Raises BadInputError naming the area, sensor or owner that is not there.
    """
    index = {code: number for number, code in enumerate(areas.code)}
    for code in policy.areas:
        if code not in index:
            raise BadInputError("partner.give.areas", repr(code), "a code of the areas file")
    parts = [areas.geometry[index[code]] for code in policy.areas]
    parts += [region] if region is not None else []
    parts += [shapely.box(*policy.box)] if policy.box else []
    inside = shapely.union_all(np.array(parts, dtype=object))
    shapely.prepare(inside)
    included = _ids(policy.sensors, policy.owners, sensors)
    restricted = bool(policy.sensors or policy.owners)
    excluded = _ids(policy.without_sensors, policy.without_owners, sensors)
    return Scope(policy, inside, included if restricted else None, excluded, key)


def _ids(named: tuple[str, ...], owners: tuple[str, ...], sensors: Sequence[Sensor]) -> frozenset[str]:
    known, owned = {sensor.id for sensor in sensors}, {sensor.owner for sensor in sensors}
    for what, asked, there in (("sensor", named, known), ("owner", owners, owned)):
        for one in asked:
            if one not in there:
                raise BadInputError(f"partner.give: {what}", repr(one), "one of the sensors file")
    return frozenset(named) | {sensor.id for sensor in sensors if sensor.owner in owners}
