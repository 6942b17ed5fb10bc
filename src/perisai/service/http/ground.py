"""What lies under the picture and does not change while the service runs: areas, outlines, base map, neighbours."""

import gzip
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import shapely

from perisai.geodesy import distance_m
from perisai.model import Areas

NEIGHBOURS = 6
SIMPLIFY_DEG = 0.002
GZIP_LEVEL = 6


@dataclass(frozen=True)
class Ground:
    """The region as the pages need it, encoded once."""

    areas: Areas
    outlines_path: Path
    basemap_path: Path

    @cached_property
    def areas_geojson(self) -> bytes:
        """Areas with code, names, population and parent."""
        areas = self.areas
        features = [
            {
                "type": "Feature",
                "id": index,
                "properties": {
                    "code": areas.code[index],
                    **{f"name_{language}": name for language, name in areas.names[index].items()},
                    "population": areas.population[index],
                    "parent": areas.parent[index],
                    "lat": areas.lat[index],
                    "lon": areas.lon[index],
                },
                "geometry": msgspec.Raw(shapely.to_geojson(shapely.simplify(geometry, SIMPLIFY_DEG)).encode()),
            }
            for index, geometry in enumerate(areas.geometry)
        ]
        return msgspec.json.encode({"type": "FeatureCollection", "features": features}, enc_hook=float)

    @cached_property
    def outlines_geojson(self) -> bytes:
        """National outlines and the units between, as the region's own file gives them."""
        return self.outlines_path.read_bytes()

    @cached_property
    def basemap_geojson(self) -> bytes:
        return self.basemap_path.read_bytes()

    @cached_property
    def areas_gzipped(self) -> bytes:
        return gzip.compress(self.areas_geojson, GZIP_LEVEL)

    @cached_property
    def outlines_gzipped(self) -> bytes:
        return gzip.compress(self.outlines_geojson, GZIP_LEVEL)

    @cached_property
    def basemap_gzipped(self) -> bytes:
        return gzip.compress(self.basemap_geojson, GZIP_LEVEL)

    @cached_property
    def index(self) -> dict[str, int]:
        """Code to number."""
        return {code: number for number, code in enumerate(self.areas.code)}

    @cached_property
    def bounds(self) -> list[float]:
        """[west, south, east, north] in degrees."""
        return [round(float(value), 4) for value in shapely.total_bounds(self.areas.geometry)]

    def neighbours(self, number: int) -> list[int]:
        """The areas nearest to one, nearest first."""
        areas = self.areas
        distances = distance_m(areas.lat[number], areas.lon[number], areas.lat, areas.lon)
        return [int(i) for i in np.argsort(distances, kind="stable")[1 : NEIGHBOURS + 1]]

    def at(self, lat: float, lon: float) -> int | None:
        """The area that holds a place, else None."""
        inside = np.flatnonzero(shapely.contains_xy(self.areas.geometry, lon, lat))
        return int(inside[0]) if inside.size else None

    def named(self, text: str, limit: int = 10) -> list[int]:
        """Areas whose name (any language) or code begins with the text, then those that contain it; by population."""
        wanted = text.strip().casefold()
        if not wanted:
            return []
        ranked = []
        for number, names in enumerate(self.areas.names):
            folded = [name.casefold() for name in names.values()] + [self.areas.code[number].casefold()]
            if any(name.startswith(wanted) for name in folded):
                ranked.append((0, -self.areas.population[number], number))
            elif any(wanted in name for name in folded):
                ranked.append((1, -self.areas.population[number], number))
        return [number for _, _, number in sorted(ranked)[:limit]]
