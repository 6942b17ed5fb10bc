"""The Pd map of a sensor from its status reports: where it sees, what is hidden, and what its state leaves of it."""

from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict
from sapient_msg.bsi_flex_335_v2_0.status_report_pb2 import StatusReport

from perisai.geodesy import destination
from perisai.sensors import Cone, PdMap, Polygon
from perisai.sensors.sapient.node import Node

DEGREES = {"coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M", "datum": "LOCATION_DATUM_WGS84_E"}
POLAR = {"coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM", "datum": "RANGE_BEARING_DATUM_TRUE"}


def at(pd_map: PdMap, azimuth: float, distance: float) -> float:
    lat, lon = destination(50.0, 30.0, azimuth, distance)
    return float(pd_map.at(np.array([lat]), np.array([lon]))[0])


def test_a_cone_across_north_and_a_polygon_less_what_is_hidden() -> None:
    square = Polygon(((50.1, 30.2), (50.1, 30.4), (50.2, 30.4), (50.2, 30.2)))
    hidden = Cone(azimuth_deg=10, extent_deg=4)
    pd_map = PdMap(lat=50, lon=30, pd=0.8, sees=(Cone(extent_deg=60, range_m=10_000), square), hidden=(hidden,))
    assert [at(pd_map, azimuth, 5_000) for azimuth in (0, 29, 331, 31, 180, 10)] == [0.8, 0.8, 0.8, 0.0, 0.0, 0.0]
    assert at(pd_map, 0, 11_000) == 0.0
    inside = pd_map.at(np.array([50.15, 50.15]), np.array([30.3, 30.5]))
    assert inside.tolist() == [0.8, 0.0]
    assert at(PdMap(lat=50, lon=30, pd=0.5), 200, 1e5) == 0.5


@pytest.mark.parametrize(
    ("status", "state", "ahead"),
    [
        ({"system": "SYSTEM_OK"}, "ok", 0.7),
        ({"system": "SYSTEM_WARNING"}, "degraded", 0.7),
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
    assert health.coverage is not None
    assert at(health.coverage, 90, 15_000) == ahead
    assert [at(health.coverage, *one) for one in ((0, 15_000), (90, 25_000), (120, 15_000))] == [0.0, 0.0, 0.0]
