"""Regions' frames from the bus to one picture: what waits, what goes on without a region, and the same in a replay."""

import numpy as np
import pyarrow as pa
import pytest
from region_rows import EAST, T0_US, WEST, row, rows

from perisai.model import FRAME_US, BadInputError
from perisai.recording import ABSENCES
from perisai.service.bus import Message
from perisai.service.commands.past import absences_of
from perisai.service.config import parse_config
from perisai.service.roles.recorder import absences_table
from perisai.service.roles.stitcher import PATIENCE_US, Absent, Joint
from perisai.tracking import Stitcher


def frame(number: int) -> int:
    return T0_US + number * FRAME_US


def said(region: str, number: int) -> pa.Table:
    lon = 36.05 - 0.0007 * number
    return rows(row(7 if region == "east" else 3, number - 0.5, lon))


def take(joint: Joint, region: str, number: int) -> list[tuple[int, list[int], list[str]]]:
    joined = joint.take(region, frame(number), said(region, number))
    return [((end_us - T0_US) // FRAME_US, table["track"].to_pylist(), late) for end_us, table, late in joined]


def test_a_frame_waits_for_every_region_and_is_given_once():
    joint = Joint((WEST, EAST))
    assert take(joint, "east", 1) == []
    assert take(joint, "west", 1) == [(1, [1], [])]
    assert take(joint, "west", 1) == [], "the same frame again, as a restart gives it"
    assert take(joint, "east", 2) == []
    assert take(joint, "east", 3) == []
    assert take(joint, "west", 2) == [(2, [1], [])]
    assert take(joint, "west", 3) == [(3, [1], [])]


def test_a_region_that_died_holds_the_others_up_for_three_seconds_and_comes_back():
    joint, out = Joint((WEST, EAST)), []
    for number in range(1, 40):
        out += take(joint, "west", number)
        if not 10 <= number <= 30:
            out += take(joint, "east", number)
        if number == 30:  # its standby computes what it missed, then goes on
            for missed in range(10, 31):
                out += take(joint, "east", missed)
    # East lags behind at 30: the one number lives on all the time, without a gap.
    assert [number for number, _, _ in out] == list(range(1, 40))
    assert all(tracks == [1] for _, tracks, _ in out)
    late = [number for number, _, late in out if late == ["east"]]
    assert late and min(late) == 10 and max(late) <= 30
    assert 30 - PATIENCE_US // FRAME_US <= len(late) + 10 <= 31


def test_from_a_checkpoint_nothing_is_lost_or_said_twice():
    whole, cut = Joint((WEST, EAST)), Joint((WEST, EAST))
    order = [(region, number) for number in range(1, 20) for region in (("west",) if number > 8 else ("west", "east"))]
    expected = [one for region, number in order for one in take(whole, region, number)]
    found = []
    for k, (region, number) in enumerate(order):
        if k % 5 == 4:
            cut = Joint((WEST, EAST), cut.checkpoint())
        found += take(cut, region, number)
    assert found == expected


def test_a_replay_that_is_told_who_was_late_joins_the_very_same():
    joint, live, late_by = Joint((WEST, EAST)), [], {}
    for number in range(1, 30):
        for region in ("west", "east"):
            come = range(number, number + 1)
            if region == "east":
                come = range(0) if 10 <= number < 20 else range(10, 21) if number == 20 else come
            for one in come:
                for end_us, table, late in joint.take(region, frame(one), said(region, one)):
                    live.append((end_us, table))
                    late_by |= {end_us: late} if late else {}
    stitcher, waiting, again = Stitcher((WEST, EAST)), {"west": [], "east": []}, []
    for number in range(1, 30):
        heard = {}
        for region, tables in waiting.items():
            tables.append(said(region, number))
            if region not in late_by.get(frame(number), ()):
                heard[region] = pa.concat_tables(tables)
                tables.clear()
        again.append((frame(number), stitcher.step(frame(number), heard)))
    assert len(live) == len(again)
    for (end_us, table), (again_us, other) in zip(live, again, strict=True):
        assert end_us == again_us
        columns = [name for name in table.column_names if name != "issued"]
        assert table.select(columns).equals(other.select(columns))


def test_who_was_late_is_recorded_and_read_again():
    import msgspec

    message = Message("perisai.absent", 1, frame(3), msgspec.json.encode(Absent(frame(3), ["east", "west"])))
    table = absences_table(message)
    assert table.schema == ABSENCES
    assert absences_of(table) == {frame(3): ["east", "west"]}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id = 'a b'", "line 3: tracker_region.0.id"),
        ("id = 'a'\nsouth = 5.0", "line 4: tracker_region.0.south"),
        ("id = 'a'\neast = 200.0", "line 4: tracker_region.0.east"),
        ("id = 'a'\noverlap_km = 0.0", "line 4: tracker_region.0.overlap_km"),
    ],
)
def test_a_region_that_cannot_be_is_refused_with_its_line(text, line, tmp_path):
    box = {"south": 1.0, "west": 1.0, "north": 2.0, "east": 2.0}
    given = text + "".join(f"\n{name} = {value}" for name, value in box.items() if f"{name} =" not in text)
    with pytest.raises(BadInputError, match=line):
        parse_config(f"\n[[tracker_region]]\n{given}\n", tmp_path / "perisai.toml")


def test_two_regions_of_one_name_are_refused_with_the_line(tmp_path):
    box = "south = 1.0\nwest = 1.0\nnorth = 2.0\neast = 2.0\n"
    text = f"[[tracker_region]]\nid = 'a'\n{box}[[tracker_region]]\nid = 'a'\n{box}"
    with pytest.raises(BadInputError, match=r"line 8: tracker_region\.1\.id: `a` used twice"):
        parse_config(text, tmp_path / "perisai.toml")


def test_a_split_country_tracks_from_files_too():
    from perisai.service.pipeline import TrackStage
    from perisai.service.warm import drill_frames, drill_sensors

    text = "".join(
        f"[[tracker_region]]\nid = '{name}'\nsouth = 48.0\nnorth = 52.0\nwest = {west}\neast = {east}\n"
        for name, west, east in (("west", 33.0, 36.0), ("east", 36.0, 39.0))
    )
    from pathlib import Path

    config = parse_config(text, Path("perisai.toml"))
    stage, found = TrackStage(drill_sensors(), config), []
    for number, one in enumerate(drill_frames()):
        if number == 25:
            stage = TrackStage(drill_sensors(), config, stage.checkpoint())
        if number == 50:
            break
        found.append(stage.step(one))
    table = pa.concat_tables(found)
    assert np.asarray(table["issued"].is_valid()).all()
    assert len(set(table["track"].to_pylist())) >= 12
