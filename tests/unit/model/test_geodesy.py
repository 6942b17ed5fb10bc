"""Geodesy against pyproj, which somebody else wrote."""

import numpy as np
import pyproj
import pytest

from perisai import geodesy

PLANE = geodesy.plane_at(49.0, 31.0)
REFERENCE = pyproj.Proj("+proj=stere +lat_0=49 +lon_0=31 +k=1 +ellps=WGS84")
RANDOM = np.random.default_rng(7)
LAT = RANDOM.uniform(43.0, 55.0, 2000)
LON = RANDOM.uniform(21.0, 42.0, 2000)


def test_plane_agrees_with_pyproj_and_comes_back():
    east, north = geodesy.to_plane(PLANE, LAT, LON)
    reference_east, reference_north = REFERENCE(LON, LAT)
    assert np.abs(east - reference_east).max() < 1e-3
    assert np.abs(north - reference_north).max() < 1e-3
    lat, lon = geodesy.from_plane(PLANE, east, north)
    assert np.abs(lat - LAT).max() < 1e-10
    assert np.abs(lon - LON).max() < 1e-10


def test_scale_and_convergence_agree_with_pyproj():
    factors = REFERENCE.get_factors(LON, LAT)
    east, north = geodesy.to_plane(PLANE, LAT, LON)
    scale = np.array([geodesy.plane_scale(PLANE, e, n) for e, n in zip(east, north, strict=True)])
    assert np.abs(scale - factors.meridional_scale).max() < 5e-4
    gamma = np.degrees(
        [geodesy.plane_convergence(PLANE, np.radians(a), np.radians(o)) for a, o in zip(LAT, LON, strict=True)]
    )
    assert np.abs(gamma - factors.meridian_convergence).max() < 1e-3


def test_the_true_frame_is_the_inverse_and_the_convergence_together():
    for plane in (PLANE, geodesy.plane_at(-33.0, 150.0), geodesy.plane_at(0.5, 179.9)):
        for east, north in [*RANDOM.uniform(-7e5, 7e5, (200, 2)).tolist(), [0.0, 0.0]]:
            lat, lon, cosine, sine = geodesy.true_frame(plane, east, north)
            expected = geodesy.geodetic_from_plane(plane, east, north)
            gamma = geodesy.plane_convergence(plane, *expected)
            assert (lat, lon, cosine, sine) == pytest.approx([*expected, np.cos(gamma), np.sin(gamma)], abs=1e-13)


def test_ecef_agrees_with_pyproj_and_comes_back():
    transformer = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978")
    for lat, lon, alt in zip(LAT[:200], LON[:200], RANDOM.uniform(-100, 200e3, 200), strict=True):
        ours = geodesy.ecef_from_geodetic(np.radians(lat), np.radians(lon), alt)
        assert ours == pytest.approx(transformer.transform(lat, lon, alt), abs=1e-6)
        back = geodesy.geodetic_from_ecef(*ours)
        assert back == pytest.approx((np.radians(lat), np.radians(lon), alt), abs=1e-6)


def test_enu_is_a_rotation_that_comes_back():
    enu = geodesy.enu_from_ecef_offset(0.8, 0.5, 100.0, -40.0, 7.0)
    assert np.linalg.norm(enu) == pytest.approx(np.linalg.norm([100.0, -40.0, 7.0]))
    assert geodesy.ecef_offset_from_enu(0.8, 0.5, *enu) == pytest.approx((100.0, -40.0, 7.0))


def test_great_circle_goes_where_it_says():
    lat, lon = geodesy.destination(50.0, 30.0, 70.0, 100e3)
    assert geodesy.distance_m(50.0, 30.0, lat, lon) == pytest.approx(100e3, abs=0.01)
    assert geodesy.azimuth_deg(50.0, 30.0, lat, lon) == pytest.approx(70.0, abs=1e-6)
    true_azimuth, _, true_distance = pyproj.Geod(ellps="WGS84").inv(30.0, 50.0, lon, lat)
    assert true_distance == pytest.approx(100e3, rel=0.006)
    assert true_azimuth == pytest.approx(70.0, abs=0.3)
