"""Types of unit that contributors offer, and what a unit of each reaches."""

from typing import Literal

import msgspec

from perisai.model import SOUND_MPS, BadInputError, Sensor
from perisai.model.sensor import SensorKind

from .hearing import ground_radius_m, hearing_radius_m, siren_radius_m
from .horizon import horizon_m

UnitKind = SensorKind | Literal["siren"]
EARS = ("presence", "bearing")
COOPERATIVE = ("modes", "remote_id")
"""These hear only who tells where he is; an attacker does not."""


class UnitType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type of unit. Lengths in metres, times in seconds, antenna_m above the ground of its site.

    max_range_m: slant range; of an ear, for a drone. range_m: other slant ranges by kind of threat; louder_db: how much
    louder than a drone a kind is, which gives an ear its radius when range_m does not. needed: detections that make a
    confirmed track. failure: chance that the unit is out of order when needed (Daskin's q). siren_db: at 100 feet.
    """

    id: str
    kind: UnitKind
    antenna_m: float = 2.0
    max_range_m: float = 0.0
    min_range_m: float = 0.0
    period_s: float = 10.0
    detection_probability: float = 0.9
    needed: int = 3
    range_m: dict[str, float] = {}
    louder_db: dict[str, float] = {}
    failure: float = 0.05
    clutter_per_scan: float = 0.0
    sigma_m: float | None = None
    sigma_range_m: float | None = None
    sigma_azimuth_deg: float | None = None
    sigma_elevation_deg: float | None = None
    siren_db: float | None = None
    cost: float = 0.0
    crew: float = 0.0

    def slant_m(self, threat: str) -> float:
        """Slant range, m, to a kind of threat; 0 when the unit cannot sense it."""
        if self.kind == "siren" or (self.kind in COOPERATIVE and threat != "aircraft"):
            return 0.0
        if threat in self.range_m:
            return self.range_m[threat]
        louder = self.louder_db.get(threat, 0.0)
        if self.kind in EARS and louder:
            return hearing_radius_m(self.max_range_m, louder)
        return self.max_range_m

    def reach_m(self, threat: str, height_m: float) -> float:
        """Radius on the ground, m, over a smooth Earth for a threat at a height above it."""
        ground = ground_radius_m(self.slant_m(threat), height_m)
        return ground if self.kind in EARS else min(ground, float(horizon_m(self.antenna_m, height_m)))

    def audible_m(self) -> float:
        """Radius within which people hear the siren, m."""
        return siren_radius_m(self.siren_db or 0.0)

    def sensor(self, identifier: str, lat: float, lon: float, ground_m: float, owner: str) -> Sensor:
        """The unit at a place, as the simulator and the service take it. Raises ValueError for a siren."""
        if self.kind == "siren":
            raise ValueError("a siren is no sensor")
        return Sensor(
            id=identifier,
            kind=self.kind,
            lat=round(lat, 6),
            lon=round(lon, 6),
            alt_m=round(ground_m + self.antenna_m, 1),
            owner=owner,
            max_range_m=self.max_range_m,
            min_range_m=self.min_range_m,
            period_s=self.period_s,
            detection_probability=self.detection_probability,
            clutter_per_scan=self.clutter_per_scan,
            sigma_m=self.sigma_m,
            sigma_range_m=self.sigma_range_m,
            sigma_azimuth_deg=self.sigma_azimuth_deg,
            sigma_elevation_deg=self.sigma_elevation_deg,
            delay_mps=SOUND_MPS if self.kind in EARS else None,
        )


def unit_of(sensor: Sensor, ground_m: float = 0.0) -> UnitType:
    """A sensor that stands already as a unit; ground_m: height of the ground there above the ellipsoid."""
    ear = sensor.kind in EARS
    return UnitType(
        id=sensor.id,
        kind=sensor.kind,
        antenna_m=max(sensor.alt_m - ground_m, 1.0),
        max_range_m=sensor.or_default("max_range_m"),
        min_range_m=sensor.min_range_m,
        period_s=sensor.or_default("period_s"),
        detection_probability=sensor.or_default("detection_probability"),
        needed=2 if ear else 3,
        sigma_m=sensor.or_default("sigma_m") if ear else sensor.sigma_m,
    )


def check(unit: UnitType, where: str) -> None:
    """Raises BadInputError for a type that cannot exist."""
    if unit.kind == "siren":
        if unit.siren_db is None:
            raise BadInputError(f"{where}: siren_db", "missing", "the level at 100 feet, dB(A)")
        unit.audible_m()
    elif not unit.max_range_m > unit.min_range_m >= 0:
        raise BadInputError(f"{where}: max_range_m", str(unit.max_range_m), "metres above min_range_m")
    if not (0 < unit.detection_probability <= 1 and 0 <= unit.failure < 1):
        found = f"{unit.detection_probability}, {unit.failure}"
        raise BadInputError(f"{where}: detection_probability, failure", found, "(0, 1] and [0, 1)")
    if not (unit.period_s > 0 and 1 <= unit.needed <= 5 and unit.antenna_m >= 0 and unit.cost >= 0 and unit.crew >= 0):
        raise BadInputError(
            f"{where}: period_s, needed, antenna_m, cost, crew", "out of range", "positive numbers, needed 1 to 5"
        )


CATALOGUE: dict[str, UnitType] = {
    unit.id: unit
    for unit in (
        # Ranges of ears: 4.8 km for a piston drone, 7 km for a cruise missile, recalled figures to be set by the user.
        UnitType(
            id="acoustic",
            kind="presence",
            max_range_m=4_800.0,
            range_m={"cruise": 7_000.0},
            period_s=10.0,
            detection_probability=0.8,
            needed=2,
            failure=0.1,
            clutter_per_scan=0.0005,
            sigma_m=2_500.0,
            cost=450.0,
        ),
        UnitType(
            id="gap-filler",
            kind="radar3d",
            antenna_m=12.0,
            max_range_m=40_000.0,
            period_s=2.0,
            sigma_range_m=30.0,
            sigma_azimuth_deg=0.4,
            sigma_elevation_deg=0.5,
            clutter_per_scan=1.0,
            crew=4.0,
        ),
        UnitType(
            id="radar2d",
            kind="radar2d",
            antenna_m=30.0,
            max_range_m=250_000.0,
            min_range_m=1_000.0,
            detection_probability=0.85,
            sigma_range_m=80.0,
            sigma_azimuth_deg=0.15,
            clutter_per_scan=4.0,
            crew=8.0,
        ),
        UnitType(
            id="radar3d",
            kind="radar3d",
            antenna_m=30.0,
            max_range_m=200_000.0,
            min_range_m=500.0,
            period_s=6.0,
            sigma_range_m=50.0,
            sigma_azimuth_deg=0.2,
            sigma_elevation_deg=0.3,
            clutter_per_scan=2.0,
            crew=10.0,
        ),
        UnitType(id="siren", kind="siren", siren_db=128.0, cost=16_000.0),
    )
}
"""What an inventory may name without describing it; a [[type]] of the same id takes its place."""
