"""The configuration: what `perisai init` writes is read back, and a fault is told with its line."""

from pathlib import Path

import pytest

from perisai.model import BadInputError, parse_sensors, write_sensors
from perisai.service.config import parse_config
from perisai.service.starter import CONFIG_TEXT, SENSORS_TEXT

HERE = Path("centre/perisai.toml")


def test_the_starter_files_are_valid_as_written():
    config = parse_config(CONFIG_TEXT, HERE)
    assert config.service.mode == "exercise"
    assert config.inputs.sensors == "centre/sensors.toml"
    assert len(parse_sensors(SENSORS_TEXT, "sensors.toml")) == 2


def test_every_commented_default_is_the_default():
    lines = [line.removeprefix("# ") for line in CONFIG_TEXT.splitlines() if not line.startswith("# Perisai")]
    uncommented = "\n".join(line for line in lines if "my-" not in line)
    assert parse_config(uncommented, HERE) == parse_config(CONFIG_TEXT, HERE)


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("[service]\nport = 'x'\n", 2, "port"),
        ("\n[service]\nmode = 'exercise'\nprot = 1\n", 4, "prot"),
        ("[service]\n[region]\nlanguages = 3\n", 3, "languages"),
        ("[nonsense]\n", 1, "nonsense"),
    ],
)
def test_a_fault_is_told_with_its_line(text, line, named):
    with pytest.raises(BadInputError) as caught:
        parse_config(text, HERE)
    assert f"line {line}" in str(caught.value)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sensors_come_back_as_written():
    sensors = parse_sensors(SENSORS_TEXT, "sensors.toml")
    assert parse_sensors(write_sensors(sensors, "a comment\nof two lines"), "again") == sensors


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('kind = "radar2d"|kind = "sonar"', "kind"),
        ("lat = 50.45|lat = 95.0", "lat"),
        ("period_s = 6.0|period_s = 0.0", "period_s"),
        ("detection_probability = 0.9|detection_probability = 1.5", "detection_probability"),
        ('owner = "Example"|ownr = "Example"', "ownr"),
        ('id = "microphone-1"|id = "radar-north"', "radar-north"),
    ],
)
def test_a_wrong_sensor_is_named_with_its_field(change, named):
    before, after = change.split("|")
    with pytest.raises(BadInputError) as caught:
        parse_sensors(SENSORS_TEXT.replace(before, after, 1), "s.toml")
    assert "s.toml" in str(caught.value)
    assert named in str(caught.value)
