"""The Pd map of a sensor from its status reports: where it sees, what is hidden, and what its state leaves of it."""

from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict
from sapient_msg.bsi_flex_335_v2_0.status_report_pb2 import StatusReport

from perisai.geodesy import destination, to_plane
from perisai.model import Cone, PdMap, Polygon, Sensor, SensorHealth
from perisai.sensors.sapient.node import Node
from perisai.tracking import Tracker
from perisai.tracking.coverage import detection_chance
from perisai.tracking.told import hear, sees

DEGREES = {"coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M", "datum": "LOCATION_DATUM_WGS84_E"}
POLAR = {"coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM", "datum": "RANGE_BEARING_DATUM_TRUE"}


RADAR = Sensor(id="radar", kind="radar3d", lat=50.0, lon=30.0, max_range_m=40_000.0, detection_probability=0.9)


def at(told: SensorHealth, azimuth: float, distance: float) -> float:
    """The detection probability that the tracker reckons with at a place, 3 km high."""
    tracker = Tracker([RADAR])
    hear([told], {"radar": 0}, tracker.places, tracker.plane)
    lat, lon = destination(50.0, 30.0, azimuth, distance)
    east, north = to_plane(tracker.plane, np.array([lat]), np.array([lon]))
    return round(float(detection_chance(tracker.places, 0, east[0], north[0], 3_000.0, True, False)), 6)


def well(coverage: PdMap) -> SensorHealth:
    return SensorHealth(sensor="radar", time_us=0, state="ok", coverage=coverage)


def test_a_cone_across_north_and_a_polygon_less_what_is_hidden() -> None:
    square = Polygon(((50.1, 30.2), (50.1, 30.4), (50.2, 30.4), (50.2, 30.2)))
    hidden = Cone(azimuth_deg=10, extent_deg=4)
    pd_map = PdMap(lat=50, lon=30, pd=0.8, sees=(Cone(extent_deg=60, range_m=10_000), square), hidden=(hidden,))
    lat, lon = destination(50.0, 30.0, np.array([0, 29, 331, 31, 180, 10]), np.full(6, 5_000))
    assert sees(pd_map, lat, lon).tolist() == [True, True, True, False, False, False]
    assert not sees(pd_map, *destination(50.0, 30.0, np.array([0.0]), np.array([11_000.0])))[0]
    assert sees(pd_map, np.array([50.15, 50.15]), np.array([30.3, 30.5])).tolist() == [True, False]
    assert [at(well(pd_map), azimuth, 5_000) for azimuth in (3, 22, 338, 32, 180, 10)] == [0.8, 0.8, 0.8, 0.0, 0.0, 0.0]
    assert at(well(pd_map), 3, 11_000) == 0.0
    assert at(well(PdMap(lat=50, lon=30, pd=0.5)), 200, 39_000) == 0.5
    assert at(well(PdMap(lat=50, lon=30)), 200, 39_000) == 0.9  # it does not say: as its file has it


@pytest.mark.parametrize(
    ("status", "state", "ahead"),
    [
        ({"system": "SYSTEM_OK"}, "ok", 0.7),
        ({"system": "SYSTEM_WARNING"}, "degraded", 0.35),
        ({"system": "SYSTEM_ERROR"}, "failed", 0.0),
        ({"system": "SYSTEM_OK", "status": [{"statusType": "STATUS_TYPE_NOT_DETECTING"}]}, "failed", 0.0),
        ({"system": "SYSTEM_GOODBYE"}, "off", 0.0),
    ],
)
def test_a_status_report_becomes_the_pd_map(status: dict[str, Any], state: str, ahead: float) -> None:
    told = {
        "info": "INFO_NEW",
        "nodeLocation": {"x": 30.0, "y": 50.0, **DEGREES},
        "fieldOfView": {"rangeBearing": {"azimuth": 90, "range": 20, "horizontalExtent": 90, **POLAR}},
        "coverage": [{"rangeBearing": {"azimuth": 0, "range": 100, "horizontalExtent": 360, **POLAR}}],
        "obscuration": [{"rangeBearing": {"azimuth": 120, "range": 30, "horizontalExtent": 10, **POLAR}}],
        **status,
    }
    told["status"] = [*told.get("status", []), {"statusType": "STATUS_TYPE_PD", "statusValue": "70 %"}]
    node = Node("n", sensor="radar")
    health = node.status(ParseDict(told, StatusReport()), 5)
    assert (health.sensor, health.state, health.time_us) == ("radar", state, 5)
    assert at(health, 87, 15_000) == ahead
    assert [at(health, *one) for one in ((0, 15_000), (90, 25_000), (120, 15_000))] == [0.0, 0.0, 0.0]
