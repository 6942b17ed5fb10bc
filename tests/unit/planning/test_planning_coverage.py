"""Coverage against closed forms, and cell by cell against GDAL's viewshed on a real tile."""

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from perisai.geodesy import MEAN_RADIUS_M, distance_m, from_plane, plane_at
from perisai.model import BadInputError
from perisai.planning import (
    CATALOGUE,
    Grid,
    Placed,
    disc_share,
    hearing_radius_m,
    horizon_m,
    joint_detection,
    lowest_visible_m,
    lowest_visible_smooth_m,
    people_reached,
    read_terrain,
    siren_radius_m,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "planning" / "gdal_viewshed.npz"
GDAL_DIAMETER_M = 2 * 6_378_137 / 0.75
CELL = (74.4, 92.6)
FLAT = float("inf")


@pytest.mark.parametrize("number", range(5))
def test_every_cell_is_as_in_gdal(number):
    golden = np.load(GOLDEN)
    ground = golden["elevation_m"].astype(np.float32)
    row, col, antenna, radius, row0, col0 = (int(v) for v in golden[f"case{number}"])
    seen = golden[f"visible{number}"]
    part = slice(row0, row0 + seen.shape[0]), slice(col0, col0 + seen.shape[1])
    own = lowest_visible_m(ground, row, col, antenna, CELL, radius or 1e9, GDAL_DIAMETER_M)[part]
    inside = seen != 2
    np.testing.assert_array_equal(~np.isnan(own), inside)
    near = np.zeros_like(inside)
    near[max(row - row0 - 1, 0) : row - row0 + 2, max(col - col0 - 1, 0) : col - col0 + 2] = True
    cells = inside & ~near
    np.testing.assert_array_equal((own <= 100.0)[cells], (seen == 1)[cells])
    if f"ground{number}" not in golden:
        return
    # GDAL lets the ground under the observer hide the neighbours above and below it; raised so, all heights agree.
    raised = ground.copy()
    for a in (-1, 1):
        for b in (-1, 0, 1):
            if 0 <= row + a < ground.shape[0] and 0 <= col + b < ground.shape[1]:
                bend = ((a * CELL[1]) ** 2 + (b * CELL[0]) ** 2) / GDAL_DIAMETER_M
                raised[row + a, col + b] = max(raised[row + a, col + b], ground[row, col] + bend)
    own = lowest_visible_m(raised, row, col, antenna, CELL, radius or 1e9, GDAL_DIAMETER_M)[part]
    np.testing.assert_allclose(own[cells], golden[f"ground{number}"][cells] / 10.0, atol=0.051)


def test_flat_ground_has_the_horizon_of_the_closed_form():
    ground = np.zeros((601, 601), np.float32)
    lowest = lowest_visible_m(ground, 300, 300, 30.0, (200.0, 200.0), 60e3)
    x = (np.arange(601) - 300) * 200.0
    distance = np.hypot(x[:, None], x[None, :])
    inside = ~np.isnan(lowest)
    assert inside.sum() == (distance <= 60e3).sum()
    np.testing.assert_allclose(lowest[inside], lowest_visible_smooth_m(30.0, distance[inside]), atol=0.1)
    assert lowest[300, 600] == pytest.approx((60e3 - 22_588) ** 2 / (2 * 4 / 3 * MEAN_RADIUS_M), rel=1e-3)


def test_the_horizon_is_that_of_the_textbook():
    # 4.12 (sqrt h1 + sqrt h2) km
    for target, km in ((30, 45), (50, 52), (100, 64), (2000, 207)):
        assert horizon_m(30.0, target) / 1000 == pytest.approx(km, abs=0.6)
    assert lowest_visible_smooth_m(30.0, horizon_m(30.0, 77.0)) == pytest.approx(77.0)
    assert lowest_visible_smooth_m(30.0, 1000.0) == 0.0


def test_one_hill_casts_the_shadow_of_similar_triangles():
    ground = np.zeros((101, 201), np.float32)
    ground[:, 60] = 100.0
    lowest = lowest_visible_m(ground, 50, 10, 20.0, (100.0, 100.0), 1e9, FLAT)
    behind = np.arange(61, 201)
    # A wall 80 m above the eye at 50 cells: the sight line over it is at 20 + 80 (c - 10) / 50.
    np.testing.assert_allclose(lowest[50, behind], 20.0 + 80.0 * (behind - 10) / 50.0, rtol=1e-5)
    assert (lowest[50, :61] == 0.0).all()
    # Off the axis the wall is crossed at the same east, so the height it takes is the same on a flat Earth.
    np.testing.assert_allclose(lowest[20, 150:200], lowest[50, 150:200], rtol=1e-4)


def test_a_higher_antenna_never_sees_less():
    ground = np.load(GOLDEN)["elevation_m"].astype(np.float32)[:200, :200]
    low = lowest_visible_m(ground, 90, 80, 5.0, CELL, 12e3)
    high = lowest_visible_m(ground, 90, 80, 40.0, CELL, 12e3)
    inside = ~np.isnan(low)
    assert (high[inside] <= low[inside] + 1e-3).all()
    assert (low[inside] > 100).any()
    with pytest.raises(ValueError, match="site at cell"):
        lowest_visible_m(ground, 200, 0, 5.0, CELL, 12e3)


def test_sirens_reach_as_the_guide_says():
    for level, metres in ((115, 690), (120, 975), (125, 1380), (128, 1700), (130, 1950)):
        assert siren_radius_m(level) == pytest.approx(metres, rel=0.01)
    with pytest.raises(BadInputError, match="above 70"):
        siren_radius_m(70.0)


def test_louder_sources_are_heard_farther():
    assert hearing_radius_m(4800.0, 0.0) == pytest.approx(4800.0, rel=1e-9)
    # 20 log10(7/4.8) + 2.2 km of air = 5.48 dB
    assert hearing_radius_m(4800.0, 20 * math.log10(7 / 4.8) + 2.2) == pytest.approx(7000.0, rel=1e-6)


def test_the_lens_of_two_discs():
    assert disc_share(0.0, 1.0, 2.0) == 0.25
    assert disc_share(3.1, 1.0, 2.0) == 0.0
    assert disc_share(0.5, 3.0, 2.0) == 1.0
    lens = 2 * math.acos(0.5) - math.sqrt(3) / 2
    assert disc_share(1.0, 1.0, 1.0) == pytest.approx(lens / math.pi)
    reached = people_reached(
        [50.0], [30.0], [1000.0], np.array([50.0, 51.0]), np.array([30.0, 30.0]), np.array([900, 5]), np.array([3e3, 1])
    )
    assert reached == pytest.approx([100.0])


def test_joint_detection_multiplies_the_misses():
    plane = plane_at(50.0, 30.0)
    grid = Grid(plane, -50e3, 50e3, 1000.0, 100, 100)
    ear = CATALOGUE["acoustic"]
    radar = CATALOGUE["gap-filler"]
    placed = Placed((ear, ear, radar), np.full(3, 50.0), np.array([30.0, 30.0, 30.0]))
    p = joint_detection(placed, grid, (100.0, 6000.0), "drone")
    assert p.shape == (2, 100, 100)
    # Low and near: all three; high: out of the ears' hearing, in the radar's.
    assert p[0, 50, 50] == pytest.approx(1 - 0.2 * 0.2 * 0.1)
    assert p[1, 50, 50] == pytest.approx(0.9)
    # At 100 m the horizon of a 12 m antenna is 55 km, so range cuts at 40 km: at 45 km nothing.
    assert p[0, 50, 50 + 35] == pytest.approx(0.9)
    assert p[0, 50, 50 + 45] == 0.0
    cruise = joint_detection(placed, grid, (100.0,), "cruise")
    assert cruise[0, 50, 56] > p[0, 50, 56]


def _write(path, values, crs, transform, nodata=None):
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float32", crs=crs,
        transform=transform, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(values.astype(np.float32), 1)


def test_terrain_is_laid_where_it_belongs(tmp_path):
    """A slope written in degrees must come out at the plane's own latitudes: an oracle for the whole projection."""
    lat = 51.0 - (np.arange(240) + 0.5) / 120
    lon = 29.0 + (np.arange(240) + 0.5) / 120
    values = 1000 * (lat[:, None] - 49.0) + 100 * (lon[None, :] - 29.0)
    path = tmp_path / "slope.tif"
    _write(path, values, "EPSG:4326", from_origin(29.0, 51.0, 1 / 120, 1 / 120))
    plane = plane_at(50.1, 29.7)
    terrain = read_terrain(path, plane, (-40e3, -40e3, 40e3, 40e3), 500.0)
    assert terrain.ground_m.shape == (160, 160)
    for row, col in ((0, 0), (80, 80), (159, 20)):
        east, north = -40e3 + (col + 0.5) * 500, 40e3 - (row + 0.5) * 500
        at_lat, at_lon = from_plane(plane, np.array([east]), np.array([north]))
        assert terrain.ground_m[row, col] == pytest.approx(1000 * (at_lat[0] - 49) + 100 * (at_lon[0] - 29), abs=0.1)
        assert terrain.cell(at_lat[0], at_lon[0]) == (row, col)
        assert distance_m(50.1, 29.7, at_lat[0], at_lon[0]) == pytest.approx(math.hypot(east, north), rel=5e-3)
    assert terrain.cell(60.0, 30.0) is None


def test_a_ridge_hides_and_a_hilltop_sees_far(tmp_path):
    plane = plane_at(50.0, 30.0)
    values = np.zeros((400, 400), np.float32)
    values[:, 260:263] = 400.0
    values[200, 200] = 300.0
    path = tmp_path / "ridge.tif"
    from perisai.planning.terrain import plane_crs

    _write(path, values, plane_crs(plane), from_origin(-40e3, 40e3, 200.0, 200.0))
    terrain = read_terrain(path, plane, (-40e3, -40e3, 40e3, 40e3), 200.0)
    lat, lon = from_plane(plane, np.array([100.0]), np.array([-100.0]))
    placed = Placed((CATALOGUE["gap-filler"],), lat, lon)
    grid = Grid(plane, -40e3, 40e3, 1000.0, 80, 80)
    low = joint_detection(placed, grid, (50.0, 3000.0), "drone", terrain)
    assert low[0, 40, 40 + 20] == 0.0 and low[1, 40, 40 + 20] == pytest.approx(0.9)
    assert low[0, 40, 40 - 30] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("crs", "transform", "line"),
    [
        (None, from_origin(29, 51, 0.1, 0.1), "none given"),
        ("EPSG:32636", from_origin(29, 51, 0.1, 0.1), "lies elsewhere"),
        ("EPSG:4326", from_origin(300_000, 5_600_000, 90, 90), "not degrees"),
        ("EPSG:4326", from_origin(-84, 36, 0.1, 0.1), "lies elsewhere"),
    ],
)
def test_a_raster_in_the_wrong_projection_is_one_clear_line(tmp_path, crs, transform, line):
    path = tmp_path / "wrong.tif"
    _write(path, np.ones((20, 20)), crs, transform)
    with pytest.raises(BadInputError, match=line) as caught:
        read_terrain(path, plane_at(50, 30), (-50e3, -50e3, 50e3, 50e3), 1000.0)
    assert "\n" not in str(caught.value) and "GeoTIFF" in str(caught.value)


def test_what_is_no_raster_is_one_clear_line(tmp_path):
    path = tmp_path / "not.tif"
    path.write_text("hello")
    with pytest.raises(BadInputError, match=r"not\.tif"):
        read_terrain(path, plane_at(50, 30), (-1e3, -1e3, 1e3, 1e3))
