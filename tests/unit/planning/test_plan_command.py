"""`perisai plan` end to end on a made-up region: what it writes is accepted as is, what is wrong is one clear line."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from perisai.cli import main
from perisai.model import parse_sensors
from perisai.service.files import read_areas
from perisai.simulation import made_up_night, observe

OFFERS = """\
country,type,count,ready,only_in,box,cost,crew
AA,radar3d,1,2027-01-01,,,,
BB,gap-filler,2,2027-04-01,,10;46;10.6;48,,5
CC,acoustic,12,2027-04-01,P1,,500,
DD,siren,3,2027-01-01,,,,
"""


def _areas(path: Path, population: int = 20_000, side: int = 5) -> Path:
    features = []
    for i in range(side * side):
        west, south = 10.0 + 0.2 * (i % side), 46.6 + 0.14 * (i // side)
        box = shapely.box(west, south, west + 0.2, south + 0.14)
        people = population * (1 + i % 3)
        properties = {"code": f"A{i:02d}", "name_en": f"Area {i}", "population": people, "parent": f"P{i % 2}"}
        features.append({"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(box))})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def region(tmp_path):
    (tmp_path / "offers.csv").write_text(OFFERS)
    return _areas(tmp_path / "areas.geojson"), tmp_path / "offers.csv", tmp_path / "plan.geojson"


def _plan(capsys, areas, offers, out, *more: str) -> dict:
    base = ["plan", "--inventory", str(offers), "--areas", str(areas), "-o", str(out), "--nights", "2", "--json"]
    main([*base, *more])
    return json.loads(capsys.readouterr().out)


def test_the_plan_its_sensors_and_its_report_are_whole(region, capsys):
    areas, offers, out = region
    told = _plan(capsys, areas, offers, out)
    assert told["gap"] <= 0.02 and told["value"] <= told["bound"]
    assert 0.0 == told["in_time_before"] < told["in_time"] <= 1.0
    assert told["units"] + told["spare_units"] == 18
    assert "smooth" in told["terrain"]
    shares = [stage["in_time"] for stage in told["stages"]]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(told["in_time"])
    fair = sum(row["shapley"] for row in told["contributions"])
    assert fair == pytest.approx(told["value"], rel=1e-6)
    assert {row["country"] for row in told["contributions"]} == {"AA", "BB", "CC", "DD"}
    assert next(row for row in told["contributions"] if row["country"] == "DD")["hear_a_siren"] > 0
    document = json.loads(out.read_text())
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in document["features"]]
    assert all(shape.is_valid and not shape.is_empty for shape in shapes)
    roles = {feature["properties"]["role"] for feature in document["features"]}
    assert roles == {"unit", "area", "watched", "corridor"}
    units = [f for f in document["features"] if f["properties"]["role"] == "unit"]
    assert len(units) == told["units"]
    for unit in units:
        lon, lat = unit["geometry"]["coordinates"]
        assert 9.9 < lon < 11.1 and 46.5 < lat < 47.4
        if unit["properties"]["country"] == "BB":
            assert lon <= 10.6 and unit["properties"]["crew"] == 5
        if unit["properties"]["country"] == "CC":
            assert int(unit["properties"]["area"][1:]) % 2 == 1 and unit["properties"]["cost"] == 500
    # The service and the simulator take the sensors as they are, and see the raid with them.
    sensors = parse_sensors(Path(told["files"]["sensors"]).read_text(), "plan")
    assert len(sensors) == len([u for u in units if u["properties"]["kind"] != "siren"])
    ground = read_areas(areas)
    assert observe(made_up_night(3, {"drone": 4}, 1.0, ground), sensors, 3).num_rows > 20
    drawn = {when: json.loads(Path(told["files"][when]).read_text())["features"] for when in ("before", "after")}
    assert all(feature["properties"]["name"] for features in drawn.values() for feature in features)
    assert sum(f["geometry"]["type"] == "Point" for f in drawn["after"]) == len(units)
    assert not [f for f in drawn["before"] if f["properties"]["role"] == "watched"]
    page = Path(told["files"]["report"]).read_text()
    assert page.startswith("<!doctype html>") and "http" not in page.replace("http://www.w3.org", "")
    assert page.count("<svg") == 6 and "What each contribution adds" in page


def test_watched_ground_in_one_piece_is_one_shape():
    from perisai.geodesy import plane_at
    from perisai.planning import Grid
    from perisai.service.plan.layers import watched

    # A cell that no float holds exactly: rows whose edges differ in the last bit fell apart into strips.
    grid = Grid(plane_at(50.0, 30.0), -123_456.7, 98_765.4, 1_234.5, 60, 60)
    joint = np.zeros((60, 60))
    joint[10:40, 5:50] = 1.0
    shape = watched(grid, joint)
    assert shape.geom_type == "Polygon" and not shape.interiors
    joint[20:25, 20:25] = 0.0
    assert len(watched(grid, joint).interiors) == 1


def test_the_same_seed_gives_the_same_plan_and_existing_sensors_count(region, capsys, tmp_path):
    areas, offers, out = region
    first = _plan(capsys, areas, offers, out)
    again = _plan(capsys, areas, offers, tmp_path / "again.geojson")
    assert {k: v for k, v in first.items() if k != "files"} == {k: v for k, v in again.items() if k != "files"}
    # What was planned stands now: before is what after was, and no plan makes it worse.
    more = _plan(capsys, areas, offers, tmp_path / "more.geojson", "--existing", first["files"]["sensors"])
    assert more["in_time_before"] == pytest.approx(first["in_time"], abs=1e-3)
    assert more["in_time"] >= more["in_time_before"] - 1e-9


@pytest.mark.parametrize("objective", ["covered", "expected", "backup", "corridor", "all"])
def test_every_objective_gives_a_plan(region, capsys, objective):
    areas, offers, out = region
    told = _plan(capsys, areas, offers, out, "--objective", objective)
    assert told["objective"] == objective and told["units"] > 0 and out.is_file()
    if objective == "covered":
        assert told["value"] <= told["population"]
    if objective == "corridor":
        assert told["gap"] is None
        assert told["corridors"][1]["open_after"] <= told["corridors"][1]["open_before"]
    if objective == "all":
        assert told["areas_out_of_reach"] == [] and told["bound"] <= told["cost"]


def test_a_limit_of_crew_holds_and_costs_people(region, capsys, tmp_path):
    areas, offers, out = region
    free = _plan(capsys, areas, offers, out)
    tight = _plan(capsys, areas, offers, tmp_path / "tight.geojson", "--crew", "6")
    assert tight["crew"] <= 6 < free["crew"]
    assert tight["value"] <= free["bound"]


def _raster(path: Path, crs, transform) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=60, width=60, count=1, dtype="float32", crs=crs, transform=transform
    ) as raster:
        raster.write(np.full((60, 60), 300.0, np.float32), 1)
    return path


def test_terrain_is_used_and_told(region, capsys, tmp_path):
    areas, offers, out = region
    raster = _raster(tmp_path / "dem.tif", "EPSG:4326", from_origin(9.5, 48.0, 0.04, 0.04))
    told = _plan(capsys, areas, offers, out, "--terrain", str(raster), "--terrain-cell", "500")
    assert "cells of 500 m" in told["terrain"]
    radar = next(s for s in parse_sensors(Path(told["files"]["sensors"]).read_text(), "p") if s.kind == "radar3d")
    assert radar.alt_m == pytest.approx(330.0, abs=1.0)


BAD = {
    "no units": ("country,type,count\nAA,radar3d,0\n", [], "no units offered"),
    "no type": ("country,type,count\nAA,laser,1\n", [], "'laser'"),
    "no number": ("country,type,count\nAA,radar3d,many\n", [], "many"),
    "no column": ("country,count\nAA,1\n", [], "columns of country"),
    "short line": ("country,type,count\nAA,radar3d\n", [], "line 2"),
    "nowhere": ("country,type,count,only_in\nAA,radar3d,1,XX\n", [], "'XX'"),
    "sea": ("country,type,count,box\nAA,radar3d,1,0;0;1;1\n", [], "no site"),
    "both limits": (OFFERS, ["--budget", "1", "--crew", "1"], "--budget, --crew"),
    "reach": (OFFERS, ["--app-reach", "1.5"], "--app-reach"),
    "nights": (OFFERS, ["--nights", "0"], "--nights"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line_and_nothing_is_written(tmp_path, capsys, name):
    text, more, expected = BAD[name]
    offers = tmp_path / "offers.csv"
    offers.write_text(text)
    _refused(capsys, _areas(tmp_path / "areas.geojson"), offers, tmp_path, more, expected)


def test_areas_where_nobody_lives_no_sites_and_a_raster_elsewhere_are_refused(tmp_path, capsys):
    offers = tmp_path / "offers.csv"
    offers.write_text(OFFERS)
    people = _areas(tmp_path / "areas.geojson")
    _refused(capsys, _areas(tmp_path / "empty.geojson", 0), offers, tmp_path, [], "nobody lives there")
    sites = tmp_path / "sites.geojson"
    sites.write_text('{"type": "FeatureCollection", "features": []}')
    _refused(capsys, people, offers, tmp_path, ["--sites", str(sites)], "no site")
    raster = _raster(tmp_path / "utm.tif", "EPSG:32636", from_origin(300_000, 5_600_000, 90, 90))
    _refused(capsys, people, offers, tmp_path, ["--terrain", str(raster)], "lies elsewhere than the areas")
    bare = _raster(tmp_path / "bare.tif", None, from_origin(9.5, 48.0, 0.04, 0.04))
    _refused(capsys, people, offers, tmp_path, ["--terrain", str(bare)], "coordinate system")
    _refused(capsys, people, tmp_path / "missing.toml", tmp_path, [], "no such file")


def _refused(capsys, areas, offers, folder: Path, more: list[str], expected: str) -> None:
    out = folder / "refused" / "plan.geojson"
    with pytest.raises(SystemExit) as caught:
        main(["plan", "--inventory", str(offers), "--areas", str(areas), "-o", str(out), "--nights", "1", *more])
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if not line.startswith("note:")]
    assert caught.value.code == 2 and printed.out == ""
    assert len(lines) == 1 and expected in lines[0] and lines[0].startswith("perisai: ")
    assert not out.parent.exists()


def test_simulated_nights_run_the_real_chain_before_and_after(region, capsys):
    areas, offers, out = region
    told = _plan(capsys, areas, offers, out, "--simulate", "1", "--hours", "0.5")["simulated"]
    assert told["nights"] == 1 and told["in_time_before"] == 0.0
    assert 0.3 < told["in_time"] <= 1.0
    assert told["people_warned_in_time"] > told["people_warned_in_time_before"] == 0.0
