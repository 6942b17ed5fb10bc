"""What a sensor says of itself: its state, and where it can see."""

from typing import Literal

import msgspec

HealthState = Literal["ok", "degraded", "failed", "off"]
"""`off`: it took its leave, or was not heard for too long."""


class Cone(msgspec.Struct, frozen=True, kw_only=True, tag="cone"):
    """A sector around the sensor: from north over east, degrees and metres; an extent of 360 is the whole circle."""

    azimuth_deg: float = 0.0
    extent_deg: float = 360.0
    range_m: float | None = None


class Polygon(msgspec.Struct, frozen=True, tag="polygon"):
    """A region on the ground by its corners (lat, lon), degrees."""

    corners: tuple[tuple[float, float], ...]


class PdMap(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sensor detects: in one of `sees` (everywhere when it names none), and in none of `hidden`.

    lat, lon: where it stands, degrees. pd: how likely it detects there, by its own word; None: it did not say.
    """

    lat: float
    lon: float
    pd: float | None = None
    sees: tuple[Cone | Polygon, ...] = ()
    hidden: tuple[Cone | Polygon, ...] = ()


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a sensor on itself. time_us: microseconds since 1970 UTC.

    coverage: where it sees while it is well; None: as it said before, and what its file says when it never did.
    """

    sensor: str
    time_us: int
    state: HealthState
    detail: str = ""
    coverage: PdMap | None = None
