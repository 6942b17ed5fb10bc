"""Elevation: any raster GDAL reads (GeoTIFF, DTED, HGT), laid on the region's plane; none gives the smooth Earth."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perisai.geodesy import Plane, plane_from_geodetic
from perisai.model import BadInputError

EXPECTED = "a GeoTIFF, DTED or HGT with a coordinate system, heights in metres, over the areas"


@dataclass(frozen=True, slots=True)
class Terrain:
    """Heights above sea level, float32 (rows, cols) m, on a plane; rows from north to south, cells square.

    west_m, north_m: the outer corner of the first cell on the plane. holes: cells without a value, taken as 0 m.
    """

    plane: Plane
    ground_m: np.ndarray
    west_m: float
    north_m: float
    cell_m: float
    holes: int = 0

    def cell(self, lat_deg: float, lon_deg: float) -> tuple[int, int] | None:
        """Row and column of a place; None off the grid."""
        east, north = plane_from_geodetic(self.plane, math.radians(lat_deg), math.radians(lon_deg))
        row, col = math.floor((self.north_m - north) / self.cell_m), math.floor((east - self.west_m) / self.cell_m)
        rows, cols = self.ground_m.shape
        return (row, col) if 0 <= row < rows and 0 <= col < cols else None

    def window(self, row: int, col: int, radius_m: float) -> tuple[slice, slice]:
        """The part of the grid within a radius of a cell."""
        reach = math.ceil(radius_m / self.cell_m) + 1
        rows, cols = self.ground_m.shape
        return slice(max(row - reach, 0), min(row + reach + 1, rows)), slice(
            max(col - reach, 0), min(col + reach + 1, cols)
        )


def plane_crs(plane: Plane) -> str:
    """The plane as a PROJ string, so that GDAL can lay rasters on it."""
    lat0, lon0 = math.degrees(plane.lat0_rad), math.degrees(plane.lon0_rad)
    return f"+proj=stere +lat_0={lat0!r} +lon_0={lon0!r} +k_0=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"


def read_terrain(
    path: Path | str, plane: Plane, bounds_m: tuple[float, float, float, float], cell_m: float = 90.0
) -> Terrain:
    """The raster's heights on the plane, inside bounds_m (west, south, east, north, m), bilinear, in square cells.

    Raises BadInputError when the file is no raster, has no coordinate system or one that cannot be brought to WGS84,
    or lies elsewhere than the bounds (the sign of a wrong projection).
    """
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.errors import CRSError, RasterioError
    from rasterio.transform import from_origin
    from rasterio.vrt import WarpedVRT

    west, south, east, north = bounds_m
    cols, rows = max(1, math.ceil((east - west) / cell_m)), max(1, math.ceil((north - south) / cell_m))
    transform = from_origin(west, north, cell_m, cell_m)
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise BadInputError(f"{path}: coordinate system", "none given", EXPECTED)
            _check_place(str(path), raster, plane, bounds_m)
            with WarpedVRT(
                raster,
                crs=plane_crs(plane),
                transform=transform,
                width=cols,
                height=rows,
                resampling=Resampling.bilinear,
                nodata=np.nan,
                dtype="float32",
                tolerance=0.01,
            ) as laid:
                ground = laid.read(1)
    except (RasterioError, CRSError) as error:
        raise BadInputError(str(path), str(error).splitlines()[0], EXPECTED) from error
    holes = ~np.isfinite(ground)
    if holes.all():
        raise BadInputError(str(path), "no height over the areas", EXPECTED)
    ground[holes] = 0.0
    return Terrain(plane, ground, west, north, cell_m, int(holes.sum()))


def _check_place(path: str, raster, plane: Plane, bounds_m: tuple[float, float, float, float]) -> None:
    from rasterio.errors import CRSError, RasterioError
    from rasterio.warp import transform_bounds

    found = f"{raster.crs.to_string()[:60]} {tuple(round(v, 3) for v in raster.bounds)}"
    if raster.crs.is_geographic and not (
        -180.5 <= raster.bounds.left <= raster.bounds.right <= 360.5
        and -90.5 <= raster.bounds.bottom <= raster.bounds.top <= 90.5
    ):
        raise BadInputError(f"{path}: coordinate system", f"{found}: not degrees", EXPECTED)
    try:
        left, bottom, right, top = transform_bounds(raster.crs, plane_crs(plane), *raster.bounds, densify_pts=21)
    except (RasterioError, CRSError) as error:
        raise BadInputError(f"{path}: coordinate system", found, EXPECTED) from error
    west, south, east, north = bounds_m
    if not (left < east and right > west and bottom < north and top > south):
        raise BadInputError(f"{path}: coordinate system", f"{found}: lies elsewhere than the areas", EXPECTED)
