"""The plain heading cone that the bench compares with."""

import numpy as np
from made_up_region import T0_US, chessboard

from perisai import geodesy
from perisai.model import build
from perisai.service.bench.cone import NARROW, WIDE, cone_alerts


def test_a_cone_alarms_what_lies_ahead_within_its_horizon_and_ends_the_alarm_after():
    areas = chessboard()
    middle = areas.code.index("3-3")
    start = geodesy.destination(areas.lat[middle], areas.lon[middle], 270.0, 40_000.0)
    at_s = np.arange(0.0, 1500.0, 30.0)
    lat, lon = geodesy.destination(*start, 90.0, 50.0 * at_s)
    tracks = build(
        "tracks",
        {
            "time": T0_US + (at_s * 1e6).astype(np.int64), "track": np.ones(at_s.size, np.int64),
            "lat": lat, "lon": lon, "ve_mps": np.full(at_s.size, 50.0), "vn_mps": np.zeros(at_s.size),
        },
    )  # fmt: skip
    spans = {}
    for cone in (WIDE, NARROW):
        alerts = cone_alerts(tracks, areas, cone).to_pylist()
        spans[cone] = {row["area"]: (row["start"].timestamp(), row["end"].timestamp()) for row in alerts}
        reach_s = (40_000.0 - 3_000.0 - areas.radius_m[middle]) / 50.0
        began, ended = (t - T0_US / 1e6 for t in spans[cone]["3-3"])
        assert reach_s - 430.0 < began < reach_s - 370.0
        gone_s = reach_s + 2.0 * (areas.radius_m[middle] + 3_000.0) / 50.0
        assert gone_s + 30.0 < ended < gone_s + 120.0
    on_s = {cone: sum(end - start for start, end in spans[cone].values()) for cone in spans}
    assert on_s[WIDE] > 1.1 * on_s[NARROW]
