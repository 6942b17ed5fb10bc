"""A row that cannot be used counts once, also in the overlap of two tracker regions and in a process a region."""

from collections import Counter

import msgspec
import pytest
from region_rows import EAST, T0_US, WEST

from perisai.model import Frame, Sensor, SensorHealth, build
from perisai.service.config import Config
from perisai.service.pipeline import TrackStage
from perisai.service.roles.tracker import RegionStage
from perisai.trust import TrustSettings

SECOND = 1_000_000
SENSORS = [
    Sensor(id="radar", kind="radar2d", lat=50.0, lon=35.9, max_range_m=150e3, period_s=5.0),
    Sensor(id="adsb", kind="modes", lat=50.0, lon=36.0),
]
OVERLAP = {"sensor": "adsb", "lat": 50.0, "lon": 36.1}
REGIONS = Config(tracker_region=(WEST, EAST))


def frame(number: int, *rows: dict, health: tuple[SensorHealth, ...] = ()) -> Frame:
    now = T0_US + number * SECOND
    rows = tuple({"time": now, "received": now} | row for row in rows)
    names = {name for row in rows for name in row}
    return Frame(now, build("detections", {name: [row.get(name) for row in rows] for name in names}), health)


def frames() -> list[Frame]:
    late = OVERLAP | {"time": T0_US, "address": "a1"}
    return [
        frame(
            0, OVERLAP | {"address": "a1"}, OVERLAP | {"address": "b2", "sigma_m": -1.0}, OVERLAP | {"alt_m": 2e6},
            OVERLAP | {"lat": None}, {"sensor": "radar", "range_m": 6e5, "azimuth_deg": 90.0},
            OVERLAP | {"lon": 34.5, "sigma_m": -1.0}, OVERLAP | {"lon": 37.5, "sigma_m": -1.0},
        ),
        frame(1, OVERLAP | {"sensor": "nobody"}, {"sensor": "nobody", "lat": None}, OVERLAP | {"lat": float("nan")}),
        frame(2, OVERLAP | {"time": None}, OVERLAP | {"time": T0_US - 3600 * SECOND},
              OVERLAP | {"time": T0_US + 3600 * SECOND}),
        frame(3, late, health=(SensorHealth(sensor="nobody", time_us=T0_US, state="failed"),)),
        frame(4, OVERLAP | {"ve_mps": 15e3, "vn_mps": 0.0}, {"sensor": "adsb", "lat": 50.0, "lon": 36.0}),
        frame(5, late),
    ]  # fmt: skip


EXPECTED = {
    "sigma_not_positive": 3, "incomplete": 1, "out_of_range": 1, "unknown_sensor": 2, "not_finite": 1,
    "time_missing": 1, "time_too_old": 1, "time_ahead": 1, "duplicate": 2, "health_of_unknown_sensor": 1,
    "trust: impossible": 2,
}  # fmt: skip


@pytest.mark.parametrize("config", [Config(), REGIONS], ids=["whole", "regions"])
def test_a_row_that_cannot_be_used_counts_once(config):
    stage = TrackStage(SENSORS, config)
    for number, one in enumerate(frames()):
        if number == 4:
            stage = TrackStage(SENSORS, config, stage.checkpoint())
        stage.step(one)
    assert dict(+stage.tracker.rejects) == EXPECTED


def test_it_counts_in_one_of_the_regions_processes():
    stages = [RegionStage(SENSORS, REGIONS, region) for region in REGIONS.tracker_region]
    for one in frames():
        for stage in stages:
            stage.step(one)
    assert dict(sum((stage.tracker.rejects for stage in stages), Counter[str]())) == EXPECTED


def test_what_is_not_held_back_is_no_reject():
    stage = TrackStage(SENSORS, msgspec.structs.replace(Config(), trust=TrustSettings(enabled=False)))
    stage.step(frame(0, OVERLAP | {"alt_m": 2e6}, OVERLAP | {"alt_m": 3e5}))
    assert dict(stage.tracker.rejects) == {"out_of_range": 1}
