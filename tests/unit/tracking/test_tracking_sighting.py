"""A plot beside a falling object's state: no residual where it flies, and the slope of what the sensor would see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.geodesy import ecef_from_geodetic, to_plane
from perisai.model import Sensor
from perisai.tracking.detections import NOTHING, Detections
from perisai.tracking.forms import FORM_BEARING, FORM_PLANE, FORM_POLAR
from perisai.tracking.settings import TrackerSettings
from perisai.tracking.sighting import beside
from perisai.tracking.sites import region_plane, sites

RADAR = Sensor(id="r", kind="radar3d", lat=48.0, lon=34.0, alt_m=120.0, max_range_m=450e3)
RULES = TrackerSettings(centre=(48.0, 34.0))
PLANE = region_plane([RADAR], RULES)
SITES = sites([RADAR], PLANE, RULES)


def plot(form: int, z: list[float], given: int) -> Detections:
    """One detection of the radar of which the first `given` components were measured."""
    values = np.zeros((1, 6))
    values[0, : len(z)] = z
    mask = np.arange(6)[None] < given
    return NOTHING._replace(
        t=np.zeros(1), sensor=np.zeros(1, np.int64), form=np.array([form], np.int8), z=values,
        var=np.full((1, 6), 4.0), mask=mask,
    )  # fmt: skip


def seen_by_hand(state: np.ndarray) -> np.ndarray:
    """Range, azimuth, elevation and range rate by the angles of the east, north and up axes written out."""
    lat, lon = np.radians([RADAR.lat, RADAR.lon])
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    north = np.cross(up, east)
    away = state[:3] - np.array(ecef_from_geodetic(lat, lon, RADAR.alt_m))
    far = np.linalg.norm(away)
    return np.array([far, np.arctan2(away @ east, away @ north), np.arcsin(away @ up / far), away @ state[3:6] / far])


@settings(deadline=None, max_examples=40)
@given(st.floats(46.5, 49.5), st.floats(32.0, 36.0), st.floats(5e3, 120e3), st.tuples(*[st.floats(-2e3, 2e3)] * 3))
def test_a_plot_of_the_state_itself_has_no_residual_and_the_slope_is_the_derivative(lat, lon, height, velocity):
    place = ecef_from_geodetic(*np.radians([lat, lon]), height)
    state = np.array([*place, *velocity, np.log(1e4)])
    z = seen_by_hand(state)
    residual, slope, noise = beside(SITES, PLANE, state, plot(FORM_POLAR, z.tolist(), 4), 0)
    assert abs(residual * [1.0, z[0], z[0], 1.0]).max() < 1e-5
    assert (noise == 4.0 * np.eye(4)).all()
    assert not slope[:, 6].any()
    for a, step in enumerate([1.0] * 3 + [0.1] * 3):
        ahead, behind = state.copy(), state.copy()
        ahead[a] += step
        behind[a] -= step
        change = seen_by_hand(ahead) - seen_by_hand(behind)
        change[1] = np.remainder(change[1] + np.pi, 2 * np.pi) - np.pi
        assert slope[:, a] * [1, z[0], z[0], 1] == pytest.approx(
            change / (2 * step) * [1, z[0], z[0], 1], rel=1e-4, abs=1e-4
        )


def test_a_position_with_height_is_compared_in_its_own_axes_and_without_height_not_at_all():
    east, north = to_plane(PLANE, np.array([48.5]), np.array([34.5]))
    state = np.array([*ecef_from_geodetic(*np.radians([48.5, 34.5]), 20_000.0), 0.0, 0.0, 0.0, 9.0])
    z = [float(east[0]), float(north[0]), 20_300.0]
    residual, slope, _ = beside(SITES, PLANE, state, plot(FORM_PLANE, z, 3), 0)
    assert residual == pytest.approx([0.0, 0.0, 300.0], abs=0.01)
    assert slope[:, :3] @ slope[:, :3].T == pytest.approx(np.eye(3))
    assert not beside(SITES, PLANE, state, plot(FORM_PLANE, z[:2], 2), 0)[0].size
    assert not beside(SITES, PLANE, state, plot(FORM_BEARING, [0.0, 1.0], 2), 0)[0].size
