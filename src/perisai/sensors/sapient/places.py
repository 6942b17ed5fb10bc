"""Places as SAPIENT tells them (location.proto, range_bearing.proto) to WGS84 degrees and metres."""

import math
import re
from functools import cache
from typing import Any, NamedTuple

from pyproj import Transformer
from sapient_msg.bsi_flex_335_v2_0 import location_pb2 as location
from sapient_msg.bsi_flex_335_v2_0 import range_bearing_pb2 as range_bearing

from perisai.geodesy import ecef_from_geodetic, ecef_offset_from_enu, geodetic_from_ecef
from perisai.model import Cone, Polygon

METRES_PER_DEGREE = 111_320.0
FARTHEST_M = 1e7
"""No sensor sees farther, and an error beyond it says nothing."""

LARGEST_ANGLE_DEG = 0.05
"""An error of a latitude beyond this is metres: nodes differ in whether they give it in the unit of the coordinate."""

_ZONE = re.compile(r"\s*(\d{1,2})\s*([C-HJ-NP-Xc-hj-np-x]?)\s*\Z")
_IN_DEGREES = (
    range_bearing.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_M,
    range_bearing.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM,
)
_IN_KILOMETRES = (
    range_bearing.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM,
    range_bearing.RANGE_BEARING_COORDINATE_SYSTEM_RADIANS_KM,
)
NAN = math.nan


class Place(NamedTuple):
    """Degrees and metres; NaN where not told. sigma_m: 1 sigma of each horizontal axis."""

    lat: float
    lon: float
    alt_m: float
    sigma_m: float


class Polar(NamedTuple):
    """Degrees from true north and from the horizon, metres; NaN where not told. sigma_*: 1 sigma."""

    azimuth_deg: float
    elevation_deg: float
    range_m: float
    sigma_azimuth_deg: float
    sigma_elevation_deg: float
    sigma_range_m: float


def place(told: Any, zone: str = "") -> Place | str:
    """A Location in WGS84, or why it cannot be used. zone: of UTM coordinates that name none themselves."""
    x, y = told.x, told.y
    if not (math.isfinite(x) and math.isfinite(y)):
        return "position not finite"
    alt_m = told.z if told.HasField("z") and math.isfinite(told.z) else NAN
    error_x = abs(told.x_error) if told.HasField("x_error") else NAN
    error_y = abs(told.y_error) if told.HasField("y_error") else NAN
    if told.coordinate_system == location.LOCATION_COORDINATE_SYSTEM_UTM_M:
        found = _from_utm(x, y, told.utm_zone or zone)
        if found is None:
            return "UTM zone not told or out of range"
        lat, lon = found
    elif told.coordinate_system == location.LOCATION_COORDINATE_SYSTEM_LAT_LNG_RAD_M:
        lat, lon = math.degrees(y), math.degrees(x)
        error_x, error_y = math.degrees(error_x), math.degrees(error_y)
        if max(error_x, error_y) > LARGEST_ANGLE_DEG:
            error_x, error_y = math.radians(error_x), math.radians(error_y)
    elif told.coordinate_system == location.LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M:
        lat, lon = y, x
    else:
        return "coordinate system not told"
    if abs(lat) > 90.0 or abs(lon) > 180.0:
        return "position out of range"
    if (
        told.coordinate_system != location.LOCATION_COORDINATE_SYSTEM_UTM_M
        and max(error_x, error_y) <= LARGEST_ANGLE_DEG
    ):
        error_y *= METRES_PER_DEGREE
        error_x *= METRES_PER_DEGREE * math.cos(math.radians(lat))
    sigma_m = math.hypot(error_x, error_y) / math.sqrt(2.0)
    return Place(lat, lon, alt_m, sigma_m if 0.0 < sigma_m < FARTHEST_M else NAN)


def _from_utm(east_m: float, north_m: float, zone: str) -> tuple[float, float] | None:
    match = _ZONE.match(zone)
    if match is None or not 1 <= int(match[1]) <= 60:
        return None
    # A zone is written with its hemisphere (N, S) or its band of latitude (C to X): from N on both are north.
    south = (bool(match[2]) and match[2].upper() < "N") or match[2].upper() == "S"
    lon, lat = _utm(int(match[1]), south).transform(east_m, north_m)
    return (float(lat), float(lon)) if math.isfinite(lat) and math.isfinite(lon) else None


@cache
def _utm(zone: int, south: bool) -> Any:
    return Transformer.from_crs(f"EPSG:{32700 + zone if south else 32600 + zone}", "EPSG:4326", always_xy=True)


def polar(told: Any) -> Polar | str:
    """A RangeBearing (or a cone's), or why it cannot be used: an azimuth must be from true north."""
    system = told.coordinate_system
    if system == range_bearing.RANGE_BEARING_COORDINATE_SYSTEM_UNSPECIFIED:
        return "coordinate system not told"
    if told.datum != range_bearing.RANGE_BEARING_DATUM_TRUE:
        return "azimuth not from true north"
    angle = 1.0 if system in _IN_DEGREES else 180.0 / math.pi
    length = 1000.0 if system in _IN_KILOMETRES else 1.0

    def read(field: str, unit: float) -> float:
        value = getattr(told, field) * unit if told.HasField(field) else NAN
        return value if math.isfinite(value) else NAN

    def error(field: str, unit: float) -> float:
        value = abs(read(field, unit))
        return value if 0.0 < value < FARTHEST_M else NAN

    azimuth = read("azimuth", angle)
    distance = read("range", length)
    if math.isnan(azimuth):
        return "no azimuth"
    if distance <= 0.0 or distance > FARTHEST_M:
        return "range out of range"
    return Polar(
        azimuth % 360.0,
        read("elevation", angle),
        distance,
        error("azimuth_error", angle),
        error("elevation_error", angle),
        error("range_error", length),
    )


def seen_from(origin: Place, told: Polar) -> Place:
    """The place that a node at `origin` sees at this range and azimuth; without an elevation, level with it."""
    elevation = 0.0 if math.isnan(told.elevation_deg) else math.radians(told.elevation_deg)
    azimuth = math.radians(told.azimuth_deg)
    lat, lon = math.radians(origin.lat), math.radians(origin.lon)
    height_m = 0.0 if math.isnan(origin.alt_m) else origin.alt_m
    level = told.range_m * math.cos(elevation)
    offset = ecef_offset_from_enu(
        lat, lon, level * math.sin(azimuth), level * math.cos(azimuth), told.range_m * math.sin(elevation)
    )
    at = ecef_from_geodetic(lat, lon, height_m)
    found = geodetic_from_ecef(at[0] + offset[0], at[1] + offset[1], at[2] + offset[2])
    across = level * math.radians(told.sigma_azimuth_deg)
    sigma_m = math.hypot(across, told.sigma_range_m) / math.sqrt(2.0)
    alt_m = NAN if math.isnan(told.elevation_deg) or math.isnan(origin.alt_m) else found[2]
    return Place(math.degrees(found[0]), math.degrees(found[1]), alt_m, sigma_m)


def region(told: Any, zone: str = "") -> Cone | Polygon | None:
    """A LocationOrRangeBearing as a region, None where it cannot be used."""
    if told.WhichOneof("fov_oneof") == "range_bearing":
        cone = told.range_bearing
        found = polar(cone)
        if isinstance(found, str):
            return None
        unit = 1.0 if cone.coordinate_system in _IN_DEGREES else 180.0 / math.pi
        extent = min(360.0, abs(cone.horizontal_extent * unit)) if cone.HasField("horizontal_extent") else 360.0
        range_m = None if math.isnan(found.range_m) else found.range_m
        return Cone(azimuth_deg=found.azimuth_deg, extent_deg=extent or 360.0, range_m=range_m)
    corners = [place(corner, zone) for corner in told.location_list.locations[:1000]]
    good = tuple((corner.lat, corner.lon) for corner in corners if isinstance(corner, Place))
    return Polygon(good) if len(good) > 2 else None
