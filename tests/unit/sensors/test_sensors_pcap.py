"""Packet captures in the forms that others write them: scapy lays the packets and the files out, ASTERIX inside."""

import gzip
import json
import struct
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from peer_env import command, peer_python

from perisai.model import time_us
from perisai.sensors import parse_capture
from perisai.sensors.asterix import split_datagram
from perisai.sensors.pcap import udp_payloads

CAPTURES = Path(__file__).parents[2] / "golden/captures"
WHOLE = (CAPTURES / "cat_034_048.pcap").read_bytes()
PAYLOADS = udp_payloads(WHOLE, Counter())
DAY = date(2016, 5, 5)
FORMS = 17


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = peer_python("scapy==2.6.1")
    folder = tmp_path_factory.mktemp("captures")
    given = folder.with_suffix(".json")
    given.write_text(json.dumps([(at, payload.hex()) for at, payload in PAYLOADS]))
    subprocess.run(
        command(python, "captures.py", str(folder), str(given)), check=True, capture_output=True, timeout=120
    )
    return folder


@pytest.mark.oracle
def test_every_form_of_capture_gives_the_same_detections(made: Path) -> None:
    expected = parse_capture(WHOLE, "whole", [], DAY)
    forms = sorted(path for path in made.iterdir() if not path.name.endswith(".cut"))
    assert len(forms) == FORMS
    for path in forms:
        content = path.read_bytes()
        for given in (content, gzip.compress(content, 1)) if path.name == "pcapng" else (content,):
            imported = parse_capture(given, path.name, [], DAY)
            assert (imported.counts, imported.rejects) == (expected.counts, expected.rejects), path.name
            same = ["scan", "received"]
            assert imported.table.drop_columns(same) == expected.table.drop_columns(same), path.name
            late_us = time_us(imported.table["received"]) - time_us(expected.table["received"])
            assert abs(late_us).max() <= 1, path.name  # scapy keeps times as floats


@pytest.mark.oracle
def test_a_fragment_whose_others_never_come_is_counted(made: Path) -> None:
    rejects: Counter[str] = Counter()
    assert udp_payloads((made / "a fragment alone.cut").read_bytes(), rejects) == []
    assert rejects == {"pcap: IP fragment": 1}


def test_several_blocks_share_a_datagram() -> None:
    payload = PAYLOADS[0][1] + PAYLOADS[1][1] + struct.pack(">BH", 48, 3)
    rejects: Counter[str] = Counter()
    assert len(split_datagram(payload, 0, rejects)) >= 2
    assert rejects == {"asterix: block length does not fit": 1}


def test_a_capture_that_kept_too_little_still_gives_whole_blocks() -> None:
    at = 24
    size = struct.unpack_from("<I", WHOLE, at + 8)[0]
    head, packet = WHOLE[at : at + 8], WHOLE[at + 16 : at + 16 + size - 1]
    cut = WHOLE[:24] + head + struct.pack("<II", size - 1, size) + packet
    rejects: Counter[str] = Counter()
    assert len(udp_payloads(cut, rejects)) == 1
    assert rejects == {"pcap: UDP datagram cut off": 1}
