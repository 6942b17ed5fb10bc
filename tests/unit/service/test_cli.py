"""The command line: help with an example for every verb; bad input is one clear line and exit code 2."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from perisai.cli import app, main
from perisai.model import build, empty
from perisai.recording import write_table
from perisai.service.commands.live import _own_ground
from perisai.service.config import Config, InputSettings

START_US = 1_757_200_000_000_000
VERBS = ["demo", "run", "init", "import", "track", "alert", "simulate", "bench", "replay"]
SENSORS = '[[sensor]]\nid = "a"\nkind = "position"\nlat = 50.0\nlon = 30.0\n'
AREAS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": "A1", "name_en": "Somewhere", "population": 1000},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[30, 50], [30.2, 50], [30.2, 50.2], [30, 50.2], [30, 50]]],
            },
        }
    ],
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    times = [START_US, START_US + 4_000_000]
    columns = {
        "time": times,
        "received": times,
        "sensor": ["a", "a"],
        "scan": [1, 2],
        "lat": [50.0, 50.01],
        "lon": [30.0, 30.0],
    }
    write_table(build("detections", columns), tmp_path / "d.parquet")
    (tmp_path / "s.toml").write_text(SENSORS)
    (tmp_path / "a.geojson").write_text(json.dumps(AREAS))
    return tmp_path


def _fault(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said.err
    return lines[0]


@pytest.mark.parametrize("verb", [*VERBS, "evaluate tracks", "evaluate alerts"])
def test_every_verb_has_help_with_an_example(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        app([*verb.split(), "--help"])
    assert caught.value.code == 0
    assert f"Example: perisai {verb}" in " ".join(capsys.readouterr().out.split())


def test_a_missing_file(files, capsys):
    line = _fault(capsys, "track", files / "none.parquet", "--sensors", files / "s.toml", "-o", files / "t.parquet")
    assert "none.parquet" in line
    assert "no such file" in line


def test_a_wrong_column(files, capsys):
    write_table(pa.table({"tme": [1]}), files / "d.parquet")
    line = _fault(capsys, "track", files / "d.parquet", "--sensors", files / "s.toml", "-o", files / "t.parquet")
    assert "column time: missing" in line


def test_a_score_names_the_file_it_cannot_use(files, capsys):
    write_table(empty("truth"), files / "flown.parquet")
    write_table(build("alerts", {"area": ["nowhere"], "level": ["alarm"], "start": [START_US]}), files / "told.parquet")
    write_table(empty("tracks"), files / "t.parquet")
    truth = ("--truth", files / "flown.parquet")
    assert "flown.parquet: no rows" in _fault(capsys, "evaluate", "tracks", files / "t.parquet", *truth)
    told = ("evaluate", "alerts", files / "told.parquet", *truth, "--areas", files / "a.geojson")
    assert "flown.parquet: no hostile object" in _fault(capsys, *told)
    flown = {"time": [START_US], "object": [1], "lat": [50.1], "lon": [30.1], "kind": ["drone"], "hostile": [True]}
    write_table(build("truth", flown), files / "flown.parquet")
    assert "told.parquet: column area: 'nowhere'" in _fault(capsys, *told)


def test_a_corrupt_parquet(files, capsys):
    (files / "t.parquet").write_bytes((files / "d.parquet").read_bytes()[:200])
    line = _fault(capsys, "alert", files / "t.parquet", "--areas", files / "a.geojson", "-o", files / "x.parquet")
    assert "cannot be read" in line


def test_an_unknown_sensor_is_counted_not_silent(files, capsys):
    (files / "s.toml").write_text(SENSORS.replace('"a"', '"b"'))
    main(
        [
            "track",
            str(files / "d.parquet"),
            "--sensors",
            str(files / "s.toml"),
            "-o",
            str(files / "t.parquet"),
            "--json",
        ]
    )
    said = json.loads(capsys.readouterr().out)
    assert sum(said["rejects"].values()) == 2
    assert any("sensor" in reason for reason in said["rejects"])


def test_an_unlisted_night_names_the_nearest(files, capsys):
    line = _fault(capsys, "simulate", "--night", "2019-01-01", "-o", files / "night")
    assert re.search(r"2022-\d\d-\d\d", line)


def test_a_wrong_option_and_a_wrong_verb(files, capsys):
    assert "--sensrs" in _fault(capsys, "track", files / "d.parquet", "--sensrs", "x", "-o", files / "t.parquet")
    _fault(capsys, "trak")


@pytest.mark.parametrize(
    "wrong", ["demo --port 99999999", "demo --port -1", "demo --speed 0", "demo --speed nan", "replay x --speed 0"]
)
def test_a_number_out_of_bounds_is_told_before_anything_is_made(wrong, files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    _fault(capsys, *wrong.split())
    assert not (files / "demo-data").exists()


def test_a_taken_port_is_told_before_a_night_is_simulated(files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "in use" in _fault(capsys, "demo", "--port", taken.getsockname()[1])
    assert not (files / "demo-data").exists()


def test_a_recording_with_damaged_settings(files, capsys):
    (files / "perisai.json").write_text('{"service": 3}')
    (files / "sensors.toml").write_text(SENSORS)
    assert "perisai.json" in _fault(capsys, "replay", files)


def test_a_night_is_not_taken_from_another_network(files):
    first, second = (Config(inputs=InputSettings(sensors=str(files / name))) for name in ("s.toml", "t.toml"))
    (files / "t.toml").write_text(SENSORS.replace('"a"', '"b"'))
    names = {_own_ground(config) for config in (Config(), first, second)}
    assert len(names) == 3
    assert "" in names


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = tmp_path / "perisai.toml"
        config.write_text(f'[service]\nport = {port}\n[inputs]\nsensors = "s.toml"\n')
        (tmp_path / "s.toml").write_text(SENSORS)
        command = [sys.executable, "-m", "perisai.cli", "run", "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"127.0.0.1:{port}" in done.stderr
    assert "in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_init_writes_what_run_reads_and_overwrites_nothing(tmp_path, capsys):
    main(["init", str(tmp_path / "centre")])
    assert (tmp_path / "centre" / "perisai.toml").is_file()
    capsys.readouterr()
    assert "already there" in _fault(capsys, "init", tmp_path / "centre")
