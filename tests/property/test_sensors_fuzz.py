"""No bytes crash or hang an importer, and every record comes out as a detection or as a counted reject."""

import gzip
import struct
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.model import DETECTIONS, BadInputError, time_us
from perisai.sensors import Imported, parse_capture
from perisai.sensors.asterix import CATEGORIES

CAPTURES = Path(__file__).parents[1] / "golden/captures"
DAY = date(2026, 1, 1)
ASTERIX = [(CAPTURES / name).read_bytes() for name in ("cat048.raw", "cat034.raw", "cat062cat065.raw", "cat21_re.ast")]
PCAPS = [(CAPTURES / name).read_bytes() for name in ("cat_001_002.pcap", "cat_062_065.pcap", "cat_034_048.pcap")]
TEXTS = [
    b"\n".join(gzip.decompress((CAPTURES / name).read_bytes()).splitlines()[:60]) + b"\n"
    for name in ("sample_data_adsb.csv.gz", "tutorial_cut.jsonl.gz", "opensky_cut.csv.gz")
]
FLIGHTS = b'[{"timestamp":1533101250000,"latitude":45.8,"longitude":9.2,"altitude":34975.0,"icao24":"3003ae"}]'

edits = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8)


def mutated(content: bytes, changes: list[tuple[float, int]], end: float) -> bytes:
    changed = bytearray(content)
    for place, value in changes:
        changed[int(place * len(changed))] = value
    return bytes(changed[: max(1, int(end * len(changed)))])


def checked(content: bytes) -> Imported | None:
    try:
        imported = parse_capture(content, "test", [], DAY)
    except BadInputError as error:
        assert "\n" not in str(error)
        return None
    table = imported.table
    assert table.schema == DETECTIONS
    assert (time_us(table["time"]) > -(10**17)).all()
    for lat, lon in zip(table["lat"].to_pylist(), table["lon"].to_pylist(), strict=True):
        assert lat is None or (-90 <= lat <= 90 and -180 <= lon <= 180)
    assert all(n > 0 for n in imported.rejects.values())
    assert all(n > 0 for n in imported.counts.values())
    return imported


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", *(bytes([c]) for c in CATEGORIES), b"[", b"{", b"\x1f\x8b"]))
def test_random_bytes(content: bytes, start: bytes) -> None:
    checked(start + content)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CATEGORIES), st.binary(min_size=1, max_size=120))
def test_random_records_of_each_category(category: int, records: bytes) -> None:
    imported = checked(struct.pack(">BH", category, 3 + len(records)) + records)
    assert imported is not None
    assert imported.counts.total() + imported.rejects.total() > 0


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ASTERIX + PCAPS), edits, st.floats(0.2, 1))
def test_mutated_asterix(content: bytes, changes: list[tuple[float, int]], end: float) -> None:
    changed = mutated(content, changes, end)
    imported = checked(changed)
    # Another first byte may make it another format, with rejects of its own.
    if imported is not None and changed[0] == content[0]:
        targets = sum(imported.counts[f"category {c:03d}"] for c in (1, 21, 48, 62))
        reasons = ("asterix", "pcap", "category", "time", "position", "range", "altitude", "speed", "half")
        assert all(reason.startswith(reasons) for reason in imported.rejects)
        refused = sum(n for reason, n in imported.rejects.items() if not reason.startswith(("asterix", "pcap")))
        assert imported.table.num_rows + refused == targets


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([*TEXTS, FLIGHTS]), edits, st.floats(0.2, 1))
def test_mutated_text(content: bytes, changes: list[tuple[float, int]], end: float) -> None:
    checked(mutated(content, changes, end))


@settings(max_examples=60, deadline=None)
@given(edits, st.floats(0.1, 1))
def test_mutated_gzip(changes: list[tuple[float, int]], end: float) -> None:
    checked(mutated((CAPTURES / "tutorial_cut.jsonl.gz").read_bytes(), changes, end))
