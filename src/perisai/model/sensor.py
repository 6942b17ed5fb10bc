"""A sensor: what it is, where it stands and how well it measures."""

import math
import tomllib
from typing import Any, Literal, cast, get_args

import msgspec

from .errors import BadInputError

SensorKind = Literal["radar2d", "radar3d", "modes", "remote_id", "position", "bearing", "presence"]
SOUND_MPS = 343.0
HIGHEST_M = 100e3


class Sensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sensor. Lengths in metres, angles in degrees, WGS84; a null means unknown or not measured.

    detection_probability: chance that a target in coverage is reported in one period.
    clutter_per_scan: expected false reports per period over the whole coverage.
    delay_mps: speed at which what it senses travels (343 for sound); null for light and radio.
    """

    id: str
    kind: SensorKind
    lat: float
    lon: float
    alt_m: float = 0.0
    owner: str = ""
    max_range_m: float | None = None
    min_range_m: float = 0.0
    period_s: float | None = None
    detection_probability: float | None = None
    clutter_per_scan: float = 0.0
    sigma_m: float | None = None
    sigma_range_m: float | None = None
    sigma_azimuth_deg: float | None = None
    sigma_elevation_deg: float | None = None
    delay_mps: float | None = None

    def or_default(self, field: str) -> float:
        """The field's value, or the default of its kind where the file left it out."""
        value = getattr(self, field)
        return DEFAULTS[self.kind][field] if value is None else float(value)


# Plain starting values, used where a file gives none; a site's own figures always win.
_RADAR = {
    "max_range_m": 250e3,
    "period_s": 6.0,
    "detection_probability": 0.9,
    "sigma_m": 200.0,
    "sigma_range_m": 60.0,
    "sigma_azimuth_deg": 0.12,
    "sigma_elevation_deg": 0.3,
}
_POSITION = {
    "max_range_m": 400e3,
    "period_s": 4.0,
    "detection_probability": 0.95,
    "sigma_m": 50.0,
    "sigma_range_m": 50.0,
    "sigma_azimuth_deg": 0.1,
    "sigma_elevation_deg": 1.0,
}
_EAR = {
    "max_range_m": 5e3,
    "period_s": 10.0,
    "detection_probability": 0.8,
    "sigma_m": 2500.0,
    "sigma_range_m": 2500.0,
    "sigma_azimuth_deg": 10.0,
    "sigma_elevation_deg": 10.0,
}
DEFAULTS: dict[str, dict[str, float]] = {
    "radar2d": _RADAR,
    "radar3d": _RADAR,
    "modes": _POSITION,
    "remote_id": {**_POSITION, "max_range_m": 10e3},
    "position": _POSITION,
    "bearing": _EAR,
    "presence": _EAR,
}

_POSITIVE = (
    "max_range_m",
    "period_s",
    "sigma_m",
    "sigma_range_m",
    "sigma_azimuth_deg",
    "sigma_elevation_deg",
    "delay_mps",
)


def parse_sensors(text: str, source: str) -> list[Sensor]:
    """The `[[sensor]]` tables of a sensors TOML, checked.

    Raises BadInputError naming the source, the sensor and the field at fault.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(source, f"not TOML ({error})", "[[sensor]] tables") from error
    other = [name for name in document if name != "sensor"]
    if other:
        raise BadInputError(f"{source}: {other[0]}", "unknown", "[[sensor]] tables and nothing else")
    rows: Any = document.get("sensor")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in cast("list[Any]", rows)):
        raise BadInputError(source, "no [[sensor]] table", "at least one")
    sensors: list[Sensor] = []
    seen: set[str] = set()
    for number, row in enumerate(cast("list[dict[str, Any]]", rows), start=1):
        where = f"{source}: sensor {row.get('id', number)}"
        try:
            sensor = msgspec.convert(row, Sensor)
        except msgspec.ValidationError as error:
            raise BadInputError(
                where, str(error), f"the fields of a sensor; kind one of {', '.join(get_args(SensorKind))}"
            ) from error
        _check(sensor, where, seen)
        seen.add(sensor.id)
        sensors.append(sensor)
    return sensors


def _check(sensor: Sensor, where: str, seen: set[str]) -> None:
    if not sensor.id:
        raise BadInputError(f"{where}: id", "empty", "a name of its own")
    if sensor.id in seen:
        raise BadInputError(f"{where}: id", "used twice", "ids that differ")
    if not (-90 <= sensor.lat <= 90 and -180 <= sensor.lon <= 180):
        raise BadInputError(f"{where}: lat, lon", f"{sensor.lat}, {sensor.lon}", "-90..90 and -180..180 degrees")
    for field in sensor.__struct_fields__:
        value = getattr(sensor, field)
        if isinstance(value, float) and not math.isfinite(value):
            raise BadInputError(f"{where}: {field}", str(value), "a finite number")
    if not abs(sensor.alt_m) <= HIGHEST_M:
        raise BadInputError(f"{where}: alt_m", str(sensor.alt_m), f"metres, within -{HIGHEST_M:.0f}..{HIGHEST_M:.0f}")
    for field in _POSITIVE:
        value = getattr(sensor, field)
        if value is not None and not value > 0:
            raise BadInputError(f"{where}: {field}", str(value), "a number above 0")
    chance = sensor.detection_probability
    if chance is not None and not 0 < chance <= 1:
        raise BadInputError(f"{where}: detection_probability", str(chance), "above 0 and at most 1")
    if sensor.clutter_per_scan < 0 or sensor.min_range_m < 0:
        raise BadInputError(f"{where}: clutter_per_scan, min_range_m", "negative", "0 or more")
    if sensor.min_range_m >= sensor.or_default("max_range_m"):
        raise BadInputError(f"{where}: min_range_m", str(sensor.min_range_m), "less than max_range_m")


def write_sensors(sensors: list[Sensor], comment: str = "") -> str:
    """A sensors TOML that `parse_sensors` reads back to the same sensors."""
    lines = [f"# {line}" for line in comment.splitlines()]
    for sensor in sensors:
        lines.append("\n[[sensor]]")
        for field in sensor.__struct_fields__:
            value = getattr(sensor, field)
            if value is None or value == "":
                continue
            lines.append(f"{field} = {msgspec.json.encode(value).decode()}")
    return "\n".join(lines) + "\n"
