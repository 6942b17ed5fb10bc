"""The configuration: what `perisai init` writes is read back, and a fault is told with its line."""

from pathlib import Path
from typing import get_args

import pytest

from perisai.channels.cot_settings import CotSettings
from perisai.model import BadInputError, parse_sensors, write_sensors
from perisai.service.channels.settings import ChannelSettings
from perisai.service.config import parse_config
from perisai.service.files import read_sensors
from perisai.service.partners.settings import TakeSettings
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
        ("[service]\nport = 99999\n", 2, "port"),
        ("\n[service]\nmode = 'exercise'\nprot = 1\n", 4, "prot"),
        ("[service]\n[region]\nlanguages = 3\n", 3, "languages"),
        ("[service]\n[tracking]\ngait = 25\n", 3, "gait"),
        ("[nonsense]\n", 1, "nonsense"),
    ],
)
def test_a_fault_is_told_with_its_line(text, line, named):
    with pytest.raises(BadInputError) as caught:
        parse_config(text, HERE)
    assert f"line {line}" in str(caught.value)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_starter_shows_every_kind_of_channel_and_each_is_read():
    config = parse_config(CONFIG_TEXT.replace("#: ", ""), HERE)
    kinds = [one.__struct_config__.tag for one in config.channel]
    assert sorted(kinds) == sorted(kind.__struct_config__.tag for kind in get_args(ChannelSettings))
    (cot,) = (one for one in config.channel if isinstance(one, CotSettings))
    assert cot.certificate == "centre/centre.pem"


@pytest.mark.parametrize(
    ("wrong", "line", "named"),
    [
        ('kind = "pigeon"', 4, "pigeon"),
        ('kind = "cot"\nurl = "tcp://x:1"\nformta = "xml"', 6, "formta"),
        ('kind = "cot"\nurl = "ftp://x:1"', 5, "expected tcp://, tls://, udp://"),
        ('kind = "cot"', 3, "url"),
        ('kind = "cat062"\nurl = "udp://x:1"\nsac = 300', 6, "expected 0 to 255"),
        ('kind = "webhook"\nurl = "https://x/"\nsecret = "abc"', 3, "secret"),
        ('kind = "mqtt"\nport = "x"', 5, "port"),
        ('kind = "web_push"\nsubject = "me"', 5, "subject"),
    ],
)
def test_a_fault_in_a_channel_is_told_with_its_line(wrong, line, named):
    text = f'[[channel]]\nkind = "cap_feed"\n[[channel]]\n{wrong}\n[[channel]]\nkind = "alert_api"\n'
    with pytest.raises(BadInputError) as caught:
        parse_config(text, HERE)
    assert f"line {line}:" in str(caught.value)
    assert named in str(caught.value)


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
        ('id = "radar-north"|id = ""', "id: empty"),
        ("clutter_per_scan = 5.0|clutter_per_scan = nan", "clutter_per_scan"),
        ("alt_m = |min_range_m = inf\nalt_m = ", "min_range_m"),
        ("alt_m = |min_range_m = 900e3\nalt_m = ", "less than max_range_m"),
        ("alt_m = |alt_m = 1e9 # ", "alt_m"),
        ("\n[[sensor]]|\n[[sensors]]", "sensors: unknown"),
    ],
)
def test_a_wrong_sensor_is_named_with_its_field(change, named):
    before, after = change.split("|")
    with pytest.raises(BadInputError) as caught:
        parse_sensors(SENSORS_TEXT.replace(before, after, 1), "s.toml")
    assert "s.toml" in str(caught.value)
    assert named in str(caught.value)


def test_a_byte_order_mark_is_read_over(tmp_path):
    (tmp_path / "s.toml").write_text(SENSORS_TEXT, encoding="utf-8-sig")
    assert read_sensors(tmp_path / "s.toml") == parse_sensors(SENSORS_TEXT, "s.toml")


def test_the_starter_shows_a_partner_with_every_default_that_is_one():
    (partner,) = parse_config(CONFIG_TEXT.replace("#: ", ""), HERE).partner
    assert partner.give and partner.take == TakeSettings() and partner.key_file == "centre/keys/partner-ro.numbers"


@pytest.mark.parametrize(
    ("wrong", "line", "named"),
    [
        ('id = "r o"\n[partner.take]', 5, "letters"),
        ('id = "ro"', 5, "neither give nor take"),
        ('id = "pl"\n[partner.take]', 5, "used twice"),
        ('id = "ro"\n[partner.give]', 6, "no region, areas or box"),
        ('id = "ro"\n[partner.give]\nbox = [1, 2, 3]', 7, "length 4"),
        ('id = "ro"\n[partner.give]\nbox = [3, 2, 1, 4]', 7, "west, south, east, north"),
        ('id = "ro"\n[partner.give]\nareas = ["x"]\nprecision_m = -1', 8, "0 to 100000"),
        ('id = "ro"\n[partner.give]\nareas = ["x"]\nclasses = ["bird"]', 8, "bird"),
        ('id = "ro"\n[partner.give]\nareas = ["x"]\ndelay = 3', 8, "delay"),
        ('id = "ro"\n[partner.take]\nmax_messages_per_s = 0', 7, "max_messages_per_s"),
    ],
)
def test_a_fault_in_a_partner_is_told_with_its_line(wrong, line, named):
    text = f'[[partner]]\nid = "pl"\n[partner.take]\n[[partner]]\n{wrong}\n'
    with pytest.raises(BadInputError) as caught:
        parse_config(text, HERE)
    assert f"line {line}:" in str(caught.value), str(caught.value)
    assert named in str(caught.value)
