"""Elevation as others write it: DTED and SRTM tiles from GDAL's own drivers, against the slope they were made of."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.transform import from_origin

from perisai.geodesy import from_plane, plane_at
from perisai.planning import read_terrain

# Posts to a degree, as each format has them: DTED level 0 below 50 degrees, SRTM of three seconds.
TILES = {"DTED": ("n46.dt0", 120), "SRTMHGT": ("N46E010.hgt", 1200)}
BOUNDS_M = (-20e3, -20e3, 20e3, 20e3)


def _height(lat, lon):
    """Even enough that neither bilinear reading nor whole metres lose more than half a metre."""
    return 200.0 + 900.0 * (lat - 46.0) + 400.0 * (lon - 10.0)


@pytest.fixture(params=sorted(TILES))
def tile(request, tmp_path):
    """One degree by one, posts on the edges: the outer posts lie on the whole degrees."""
    name, posts = TILES[request.param]
    lat, lon = 47.0 - np.arange(posts + 1) / posts, 10.0 + np.arange(posts + 1) / posts
    values = np.round(_height(lat[:, None], lon[None, :])).astype(np.int16)
    plain = tmp_path / "plain.tif"
    half = 0.5 / posts
    with rasterio.open(
        plain, "w", driver="GTiff", height=posts + 1, width=posts + 1, count=1, dtype="int16", crs="EPSG:4326",
        transform=from_origin(10.0 - half, 47.0 + half, 1 / posts, 1 / posts),
    ) as file:  # fmt: skip
        file.write(values, 1)
    made = tmp_path / name
    rasterio.shutil.copy(plain, made, driver=request.param)
    with rasterio.open(made) as file:
        assert file.driver == request.param
    return made


def test_a_tile_lies_where_its_degrees_say(tile):
    plane = plane_at(46.5, 10.5)
    terrain = read_terrain(tile, plane, BOUNDS_M, 500.0)
    assert terrain.holes == 0 and terrain.ground_m.shape == (80, 80)
    east = np.tile(BOUNDS_M[0] + (np.arange(80) + 0.5) * 500.0, 80)
    north = np.repeat(BOUNDS_M[3] - (np.arange(80) + 0.5) * 500.0, 80)
    lat, lon = from_plane(plane, east, north)
    assert terrain.ground_m.ravel() == pytest.approx(_height(lat, lon), abs=1.1)


def test_places_off_the_tile_are_counted_as_holes(tile):
    terrain = read_terrain(tile, plane_at(46.0, 10.5), BOUNDS_M, 1000.0)
    share = terrain.holes / terrain.ground_m.size
    assert share == pytest.approx(0.5, abs=0.03)
