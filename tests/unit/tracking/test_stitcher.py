"""A country in regions: who gets which detection, and which number a track has on either side of a border."""

import numpy as np
import pytest
from region_rows import EAST, M_DEG, T0_US, WEST, row, rows

from perisai.model import BadInputError, Frame, Sensor, build
from perisai.tracking import Router, Stitcher, TrackerRegion


def longitude(second: float, start: float = 36.25, speed: float = -50.0) -> float:
    return start + speed * second / (M_DEG * np.cos(np.radians(50.0)))


def cross(stitcher: Stitcher, seconds: range, **more: object) -> list[dict]:
    """One object from east to west, known to each region inside its box and overlap; the rows shown."""
    shown: list[dict] = []
    for second in seconds:
        lon, heard = longitude(second), {}
        for region, number in ((EAST, 7), (WEST, 3)):
            inside = region.beyond_m(np.array([50.0]), np.array([lon]))[0] <= 30_000.0
            heard[region.id] = rows(row(number, second, lon, **more)) if inside else rows()
        shown += stitcher.step(T0_US + (second + 1) * 1_000_000, heard).to_pylist()
    return shown


def test_a_track_keeps_its_number_across_a_border():
    shown = cross(Stitcher([WEST, EAST]), range(0, 1200, 6))
    assert {one["track"] for one in shown} == {1}
    times = [one["time"] for one in shown]
    assert len(times) == len(set(times)) == 200, "one row a time: no object twice, none lost"


@pytest.mark.parametrize("order", [[WEST, EAST], [EAST, WEST]])
def test_the_order_of_the_regions_changes_nothing(order):
    assert cross(Stitcher(order), range(0, 900, 6)) == cross(Stitcher([EAST, WEST]), range(0, 900, 6))


def test_there_and_back_under_one_number():
    stitcher, numbers = Stitcher([WEST, EAST]), set()
    for second in range(0, 2400, 6):
        # Three times over the border, a few kilometres to each side.
        lon = 36.0 + 0.15 * np.cos(second / 150.0)
        speed = -0.15 * np.sin(second / 150.0) / 150.0 * M_DEG * np.cos(np.radians(50.0))
        heard = {"west": rows(row(3, second, lon, speed=speed)), "east": rows(row(7, second, lon, speed=speed))}
        numbers |= set(stitcher.step(T0_US + (second + 1) * 1_000_000, heard)["track"].to_pylist())
    assert numbers == {1}


def test_from_a_checkpoint_it_goes_on_as_it_would_have():
    whole, cut = Stitcher([WEST, EAST]), Stitcher([WEST, EAST])
    shown = cross(whole, range(0, 900, 6))
    first = cross(cut, range(0, 450, 6))
    rest = cross(Stitcher.restore(cut.checkpoint(), [EAST, WEST]), range(450, 900, 6))
    assert first + rest == shown
    assert Stitcher.restore(whole.checkpoint(), [WEST, EAST]).checkpoint() == whole.checkpoint()


def test_two_side_by_side_do_not_change_places():
    stitcher, seen = Stitcher([WEST, EAST]), {}
    for second in range(0, 1200, 6):
        lon, heard = longitude(second), {}
        for region, numbers in ((EAST, (7, 8)), (WEST, (4, 3))):
            inside = region.beyond_m(np.array([50.0]), np.array([lon]))[0] <= 30_000.0
            two = [row(number, second, lon, lat=50.0 + 0.005 * k) for k, number in enumerate(numbers)]
            heard[region.id] = rows(*two) if inside else rows()
        for one in stitcher.step(T0_US + (second + 1) * 1_000_000, heard).to_pylist():
            seen.setdefault(one["track"], set()).add(one["lat"])
    assert sorted(seen.values(), key=min) == [{50.0}, {50.005}]


def test_while_a_region_is_away_its_neighbour_shows_what_both_know():
    stitcher, shown = Stitcher([WEST, EAST]), {}
    for second in range(0, 60, 2):
        heard = {"east": rows(row(7, second, 36.1, speed=0.0)), "west": rows(row(3, second, 36.1, speed=0.0))}
        if 20 <= second < 40:
            del heard["east"]
        shown[second] = stitcher.step(T0_US + (second + 1) * 1_000_000, heard)["track"].to_pylist()
    assert set(map(tuple, shown.values())) == {(1,)}


def test_what_begins_while_its_region_is_away_is_shown_and_taken_over():
    stitcher, shown = Stitcher([WEST, EAST]), []
    for second in range(0, 60, 2):
        heard = {"west": rows(row(3, second, 36.1, speed=0.0))}
        if second >= 30:
            heard["east"] = rows(row(7, second, 36.1, speed=0.0))
        shown += stitcher.step(T0_US + (second + 1) * 1_000_000, heard)["track"].to_pylist()
    assert shown == [1] * 30


def test_a_region_shows_nothing_of_its_own_in_a_box_that_another_watches():
    stitcher = Stitcher([WEST, EAST])
    heard = {"west": rows(row(3, 0, 36.1)), "east": rows()}
    assert stitcher.step(T0_US + 1_000_000, heard).num_rows == 0


def test_the_end_of_one_regions_track_is_not_the_end_of_the_object():
    stitcher = Stitcher([WEST, EAST])
    both = {"west": rows(row(3, 0, 36.01)), "east": rows(row(7, 0, 36.01))}
    assert stitcher.step(T0_US + 1_000_000, both)["status"].to_pylist() == ["confirmed"]
    ends = {"west": rows(row(3, 2, 36.0)), "east": rows(row(7, 2, 36.0, status="ended"))}
    assert stitcher.step(T0_US + 3_000_000, ends).to_pylist()[0]["status"] == "confirmed"
    last = {"west": rows(row(3, 4, 36.0, status="ended")), "east": rows()}
    over = stitcher.step(T0_US + 5_000_000, last).to_pylist()
    assert [(one["track"], one["status"]) for one in over] == [(1, "ended")]


def test_one_object_that_began_under_two_numbers_becomes_one_and_the_other_ends():
    stitcher, shown = Stitcher([WEST, EAST]), []
    for second in range(0, 40, 2):
        # At first 6 km apart (one region's radar is not registered yet), then at one place.
        off = 0.08 if second < 10 else 0.0
        east, west = row(7, second, 36.0005 + off, speed=0.0), row(3, second, 35.9995, speed=0.0)
        out = stitcher.step(T0_US + second * 1_000_000, {"east": rows(east), "west": rows(west)})
        shown.append([(one["track"], one["status"]) for one in out.to_pylist()])
    assert [number for number, _ in shown[0]] == [1, 2]
    flat = [one for frame in shown for one in frame]
    assert (2, "ended") in flat
    assert shown[-1] == [(1, "confirmed")]


def test_an_address_is_evidence_not_proof():
    near = {"address": "4ca001"}
    stitcher = Stitcher([WEST, EAST])
    # 40 km apart: one address in two places stays two tracks.
    heard = {"east": rows(row(7, 0, 36.3, **near)), "west": rows(row(3, 0, 35.75, **near))}
    assert stitcher.step(T0_US + 1_000_000, heard)["track"].to_pylist() == [1, 2]


def sensors() -> list[Sensor]:
    return [
        Sensor(id="radar", kind="radar2d", lat=50.0, lon=35.9, max_range_m=150e3),
        Sensor(id="ear", kind="presence", lat=50.0, lon=37.0, max_range_m=5e3),
        Sensor(id="adsb", kind="modes", lat=0.0, lon=0.0),
    ]


def detections(**columns: list) -> Frame:
    n = len(columns["sensor"])
    return Frame(T0_US, build("detections", {"time": [T0_US] * n, "received": [T0_US] * n} | columns))


def test_detections_go_where_they_may_belong_and_none_is_lost():
    frame = detections(
        sensor=["radar", "radar", "ear", "adsb", "adsb", "nobody", "adsb"],
        range_m=[100_000.0, 10_000.0, None, None, None, None, None],
        azimuth_deg=[90.0, 270.0, None, None, None, None, None],
        lat=[None, None, None, 50.0, -20.0, None, 50.0],
        lon=[None, None, None, 36.1, 100.0, None, 60.0],
        label=["far east", "border", "heard in the east", "overlap", "nowhere", "unknown sensor", "east of all"],
    )
    east, west = (set(part.table["label"].to_pylist()) for part in Router([EAST, WEST], sensors()).split(frame))
    assert east == {"far east", "border", "heard in the east", "overlap", "unknown sensor", "nowhere", "east of all"}
    assert west == {"border", "overlap"}


def test_a_region_may_lie_across_the_antimeridian():
    region = TrackerRegion(id="fiji", south=-20.0, west=176.0, north=-15.0, east=-178.0)
    assert region.centre == pytest.approx((-17.5, 179.0))
    far = region.beyond_m(np.array([-17.0, -17.0, -17.0]), np.array([179.9, -179.9, -177.0]))
    assert far[:2].tolist() == [0.0, 0.0]
    assert far[2] == pytest.approx(M_DEG * np.cos(np.radians(17.0)), rel=1e-6)


def test_two_regions_of_one_name_are_refused():
    with pytest.raises(BadInputError, match=r"tracker_region\.1\.id: `west` used twice; expected names that differ"):
        Stitcher([WEST, WEST])
