"""Areas that can be alerted: any polygons of any country, from GeoJSON."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import shapely

from .errors import NOT_JSON, BadInputError

EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Areas:
    """n areas as a structure of arrays, in the order of the file.

    names: one dictionary of language -> name per area. population: residents, 0 where unknown.
    lat, lon: centroid in degrees; radius_m: radius of the circle of equal area, m. geometry: shapely, lon/lat degrees.
    """

    code: tuple[str, ...]
    names: tuple[dict[str, str], ...]
    parent: tuple[str, ...]
    population: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    radius_m: np.ndarray
    geometry: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    def name(self, index: int, language: str = "en") -> str:
        """The area's name in the language, else in English, else in any, else its code."""
        names = self.names[index]
        return names.get(language) or names.get("en") or next(iter(names.values()), self.code[index])


class _Feature(msgspec.Struct):
    properties: dict[str, Any]
    geometry: dict[str, Any] | None = None


class _Collection(msgspec.Struct):
    features: list[_Feature]


def parse_areas(content: bytes | str, source: str) -> Areas:
    """Areas of a GeoJSON FeatureCollection with properties code, name_xx, population, parent.

    A `centroid` and an `area_km2` property are taken when given, else computed from the polygon.
    Raises BadInputError naming the source and the feature at fault.
    """
    try:
        features = msgspec.json.decode(content, type=_Collection).features
    except NOT_JSON as error:
        raise BadInputError(source, f"{error}", "a GeoJSON FeatureCollection") from error
    if not features:
        raise BadInputError(source, "no features", "a GeoJSON FeatureCollection of polygons")
    codes: list[str] = []
    seen: set[str] = set()
    geometries: list[Any] = []
    for number, feature in enumerate(features, start=1):
        code, geometry = _feature(feature, f"{source}: feature {number}")
        if code in seen:
            raise BadInputError(f"{source}: feature {number}: code", f"{code!r} used twice", "codes that differ")
        seen.add(code)
        codes.append(code)
        geometries.append(geometry)
    properties: list[dict[str, Any]] = [feature.properties for feature in features]
    geometry = np.array(geometries, dtype=object)
    centroid = shapely.centroid(geometry)
    lon, lat = shapely.get_x(centroid), shapely.get_y(centroid)
    area_m2 = np.empty(len(geometries))
    for i, (row, shape) in enumerate(zip(properties, geometries, strict=True)):
        if row.get("centroid"):
            lon[i], lat[i] = _centroid(row["centroid"], f"{source}: feature {i + 1}")
        told_km2 = _not_negative(row, "area_km2", "km2", f"{source}: feature {i + 1}")
        area_m2[i] = told_km2 * 1e6 or _area_m2(shape)
    return Areas(
        code=tuple(codes),
        names=tuple(
            {key[5:]: str(value) for key, value in row.items() if key.startswith("name_") and value}
            for row in properties
        ),
        parent=tuple(str(row.get("parent") or "") for row in properties),
        population=np.array(
            [
                _not_negative(row, "population", "residents", f"{source}: feature {i}")
                for i, row in enumerate(properties, start=1)
            ]
        ),
        lat=lat,
        lon=lon,
        radius_m=np.sqrt(area_m2 / np.pi),
        geometry=geometry,
    )


def _feature(feature: _Feature, where: str) -> tuple[str, Any]:
    code = feature.properties.get("code")
    if code in (None, ""):
        raise BadInputError(f"{where}: properties.code", "missing", "a code that names the area")
    try:
        geometry = shapely.from_geojson(msgspec.json.encode(feature.geometry))
    except shapely.errors.GEOSException as error:
        raise BadInputError(f"{where}: geometry", str(error), "a Polygon or MultiPolygon") from error
    if geometry is None or geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty:
        raise BadInputError(f"{where}: geometry", getattr(geometry, "geom_type", "null"), "a Polygon or MultiPolygon")
    west, south, east, north = geometry.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise BadInputError(
            f"{where}: geometry", f"bounds {geometry.bounds}", "longitude and latitude in degrees (WGS84)"
        )
    return str(code), geometry if geometry.is_valid else shapely.make_valid(geometry)


def _not_negative(row: dict[str, Any], name: str, what: str, where: str) -> float:
    """The property, 0 where it is not told."""
    value = row.get(name)
    if value is None:
        return 0.0
    if not isinstance(value, (int, float)) or value < 0:
        raise BadInputError(f"{where}: properties.{name}", repr(value), f"a number of {what}, 0 or more")
    return float(value)


def _centroid(value: Any, where: str) -> tuple[float, float]:
    try:
        lon, lat = msgspec.convert(value, tuple[float, float])
    except msgspec.ValidationError:
        lon, lat = np.nan, np.nan
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise BadInputError(f"{where}: properties.centroid", repr(value), "[longitude, latitude] in degrees")
    return lon, lat


def _area_m2(geometry: Any) -> float:
    """Area on the sphere by the equal-area cylinder: x = R lon, y = R sin(lat)."""

    def flatten(lonlat: Any) -> Any:
        rad = np.radians(lonlat)
        return EARTH_RADIUS_M * np.column_stack([rad[:, 0], np.sin(rad[:, 1])])

    return float(abs(shapely.transform(geometry, flatten).area))
