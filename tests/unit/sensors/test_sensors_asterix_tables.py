"""The compiled ASTERIX decoder, record by record against libasterix."""

import random
from collections import Counter
from pathlib import Path

import asterix_oracle as oracle
import numpy as np
import pytest

from perisai.sensors.asterix import CATEGORIES, Block, split_datagram, split_file
from perisai.sensors.asterix.decode import Decoder
from perisai.sensors.asterix.importer import ITEMS
from perisai.sensors.pcap import udp_payloads

CAPTURES = Path(__file__).parents[2] / "golden/captures"


def assert_same(category: int, records: bytes, share_of_good: list[bool] | None = None) -> None:
    """One block, decoded by both: the same verdict, the same records, the same items in each, the same values."""
    theirs = oracle.decode(category, records)
    counts: Counter[str] = Counter()
    rejects: Counter[str] = Counter()
    ours = Decoder().decode([Block(category, records, 0)], counts, rejects).get(category)
    if share_of_good is not None:
        share_of_good.append(theirs is not None)
    if theirs is None:
        assert ours is None
        assert rejects == {f"asterix: malformed block of category {category:03d}": 1}
        return
    assert not rejects
    assert ours is not None
    assert len(ours) == len(theirs)
    for row, expected in enumerate(theirs):
        found = {path: values[row] for path, values in ours.fields.items() if not np.isnan(values[row])}
        assert found == expected


@pytest.mark.parametrize("category", CATEGORIES)
def test_random_records_of_every_edition(category: int) -> None:
    rng = random.Random(category)
    for edition in oracle.editions(category):
        for record, selector, selecting in oracle.records_of(edition):
            for share in (0.15, 0.5, 1.0):
                made = [oracle.random_record(record, selector, selecting, rng, share) for _ in range(3)]
                assert_same(category, b"".join(made))


@pytest.mark.parametrize("category", CATEGORIES)
def test_mutated_and_cut_records(category: int) -> None:
    rng = random.Random(1000 + category)
    good: list[bool] = []
    for _ in range(40):
        record, selector, selecting = rng.choice(oracle.records_of(rng.choice(oracle.editions(category))))
        made = bytearray(oracle.random_record(record, selector, selecting, rng, 0.3))
        for _ in range(rng.randint(0, 2)):
            made[rng.randrange(min(len(made), 12))] = rng.randrange(256)
        assert_same(category, bytes(made[: rng.choice([len(made), len(made), rng.randint(1, len(made))])]), good)
    assert any(good)
    assert not all(good)


@pytest.mark.parametrize("name", sorted(path.name for path in CAPTURES.glob("cat*")))
def test_every_record_of_the_captures(name: str) -> None:
    content = (CAPTURES / name).read_bytes()
    if name.endswith("pcap"):
        blocks = [b for t, p in udp_payloads(content, Counter()) for b in split_datagram(p, t, Counter())]
    else:
        blocks = split_file(content, Counter())
    assert blocks
    for block in blocks:
        assert_same(block.category, block.records)


def test_profiles_may_alternate_in_a_block() -> None:
    rng = random.Random(3)
    (plot, zero, path), (track, one, _) = oracle.records_of(oracle.editions(1)[0])
    made = [oracle.random_record(*(((plot, zero), (track, one))[k % 2]), path, rng, 0.4) for k in range(8)]
    assert_same(1, b"".join(made))


def test_more_records_than_room_and_blocks_of_all_categories_together() -> None:
    rng = random.Random(4)
    blocks = []
    for k in range(3000):
        category = CATEGORIES[k % len(CATEGORIES)]
        record, selector, selecting = oracle.records_of(oracle.editions(category)[0])[0]
        made = [oracle.random_record(record, selector, selecting, rng, 0.03) for _ in range(rng.randint(1, 9))]
        blocks.append(Block(category, b"".join(made), k))
    counts: Counter[str] = Counter()
    rejects: Counter[str] = Counter()
    records = Decoder().decode(blocks, counts, rejects)
    expected = Counter()
    for block in blocks:
        expected[f"category {block.category:03d}"] += len(oracle.decode(block.category, block.records) or [])
    assert counts == expected
    assert not rejects
    for category, found in records.items():
        assert (np.diff(found.received_us) >= 0).all()
        assert set(found.received_us.tolist()) == {b.received_us for b in blocks if b.category == category}


def test_the_edition_that_explained_the_last_block_is_tried_first() -> None:
    """Edition 0.26 of 021 numbers its items differently; a short record of it fits edition 2 as well."""
    old = next(edition for edition in oracle.editions(21) if edition.cv_edition == (0, 26))
    record = oracle.records_of(old)[0][0]
    rng = random.Random(6)
    clear = next(
        made
        for made in (oracle.random_record(record, None, "", rng, 0.7) for _ in range(500))
        if all(
            isinstance(edition.cv_uap.parse(oracle.base.Bits.from_bytes(made)), ValueError)
            == (edition.cv_edition[0] == 2)
            for edition in oracle.editions(21)
        )
    )
    decoder = Decoder()
    short = bytes([0x80, 5, 6])
    decoder.decode([Block(21, clear, 0)], Counter(), Counter())
    assert decoder._preferred[21] != Decoder()._preferred[21]
    records = decoder.decode([Block(21, short, 0)], Counter(), Counter())[21]
    assert records.field("010/SAC").tolist() == [5.0]


def test_the_columns_that_are_read_exist() -> None:
    everything = Decoder().tables.columns
    for category, paths in ITEMS.items():
        assert paths <= set(everything[category]), category
