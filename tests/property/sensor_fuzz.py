# ruff: noqa: E501 (samples of messages)
"""Random and mutated messages for every parser of what comes from outside: none may crash it, hang it, or make it give
a detection that is none.

    make fuzz          100,000 random and 10,000 mutated messages for each parser
"""

import argparse
import gzip
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import numpy as np
import table_fuzz

from perisai.model import DETECTIONS, BadInputError, Sensor, time_us
from perisai.sensors import Imported, parse_capture
from perisai.sensors.asterix import CATEGORIES, AsterixStream
from perisai.sensors.beast import BeastStream
from perisai.sensors.pcap import udp_payloads
from perisai.sensors.remote_id import RemoteIdStream
from perisai.sensors.reports import ReportStream
from perisai.sensors.sapient import Framer, FusionNode, frame
from perisai.sensors.sbs import SbsStream

sys.path.append(str(Path(__file__).parents[1] / "support"))
from fuzz_seeds import asterix_datagrams, pcapng_samples, sapient_messages

CAPTURES = Path(__file__).parents[1] / "golden/captures"
NOW_US = 1_767_268_800_000_000
DAY = date(2026, 1, 1)
HANG_S = 20
BATCH = 250
SITES = (
    Sensor(id="25/201", kind="radar2d", lat=50.0, lon=30.0),
    Sensor(id="mic", kind="bearing", lat=50.0, lon=30.0),
    Sensor(id="node", kind="radar3d", lat=50.4, lon=30.5),
)
Take = Callable[[list[tuple[int, bytes]]], Imported]


class Parser(NamedTuple):
    """make: a new one; seeds: good messages; starts: what random messages often begin with."""

    make: Callable[[], Take]
    seeds: list[bytes]
    starts: list[bytes]


class Hang(Exception):
    """A parser took longer than HANG_S for one batch."""


def _sapient_take() -> Take:
    fusion, seeds = FusionNode(SITES), sapient_messages()

    def take(chunks: list[tuple[int, bytes]]) -> Imported:
        fusion.take(seeds[0], NOW_US)  # the node is registered again, whatever was made of it before
        for received_us, data in chunks:
            fusion.take(data, received_us)
        fusion.silent(NOW_US + 10**9)
        return fusion.drain()

    return take


def _framed_take() -> Take:
    def take(chunks: list[tuple[int, bytes]]) -> Imported:
        fusion, framer = FusionNode(SITES), Framer(100_000)
        for received_us, data in chunks:
            for message in framer.feed(data):
                fusion.take(message, received_us)
            if framer.too_long:
                framer = Framer(100_000)
        return fusion.drain()

    return take


def _file_take() -> Take:
    def take(chunks: list[tuple[int, bytes]]) -> Imported:
        last: Imported | None = None
        for _, data in chunks:
            try:
                last = checked(parse_capture(data, "fuzz", SITES, DAY))
            except BadInputError as error:
                assert "\n" not in str(error)
        return last or RemoteIdStream().take([])

    return take


def parsers() -> dict[str, Parser]:
    """Every parser with its seeds."""
    payloads = [
        payload
        for name in ("cat_034_048.pcap", "cat_062_065.pcap", "cat_001_002.pcap")
        for _, payload in udp_payloads((CAPTURES / name).read_bytes(), Counter())[:60]
    ] + asterix_datagrams()
    frames = [
        line.split(",")[1].strip('"')
        for line in gzip.decompress((CAPTURES / "sample_data_adsb.csv.gz").read_bytes()).decode().splitlines()[:300]
    ]
    beast = [
        b"\x1a3" + (k.to_bytes(6, "big") + b"\x40" + bytes.fromhex(one)).replace(b"\x1a", b"\x1a\x1a")
        for k, one in enumerate(frames)
        if len(one) == 28
    ]
    sbs = [
        b"MSG,3,1,1,4840D6,1,2026/01/01,14:00:01.500,2026/01/01,14:00:01.600,,37000,,,52.5,4.9,,,0,0,0,0\r\n",
        b"MSG,4,1,1,4840D6,1,2026/01/01,14:00:00.000,2026/01/01,14:00:00.100,,,450,90.0,,,-640,,,,,0\r\n",
        b"STA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,2008/11/28,14:58:51.153,RM\r\n",
    ]
    basic = b"\x02\x12" + b"1581F4TEST000000001".ljust(20, b"\0") + bytes(3)
    place = bytes.fromhex("122224280ace7f121e2c3b3112d0079808d0074b44400100 00".replace(" ", ""))
    documents = [
        {"mac": "aa:bb", "time": 1767268800, "raw": (b"\xf2\x19\x02" + basic + place).hex()},
        {"BasicID": {"UASID": "X1"}, "Location": {"Latitude": 50.4, "Longitude": 30.5, "AltitudeGeo": 120.0}},
        [
            {"Basic ID": {"id": "X1"}},
            {"Location/Vector Message": {"latitude": 50.4, "longitude": 30.5, "speed": "3 m/s"}},
        ],
    ]
    report = {
        "device": "mic", "time": "2026-01-01T12:00:00Z", "place": {"lat": 50.0, "lon": 30.0, "accuracy_m": 10},
        "bearing_deg": 10, "bearing_spread_deg": 5, "class": "drone", "confidence": 0.5,
    }  # fmt: skip
    texts = [json.dumps(one).encode() for one in (*documents, report, [report, report | {"device": "phone"}])]
    messages = sapient_messages()
    files = [
        (CAPTURES / "cat_034_048.pcap").read_bytes()[:4000], b"".join(payloads[:20]), b"".join(beast[:40]), b"".join(sbs),
        (basic + place) * 4, *texts, b"".join(map(frame, messages)), *pcapng_samples(payloads),
        gzip.decompress((CAPTURES / "opensky_cut.csv.gz").read_bytes())[:3000],
        gzip.decompress((CAPTURES / "tutorial_cut.jsonl.gz").read_bytes())[:3000],
        gzip.decompress((CAPTURES / "sample_data_adsb.csv.gz").read_bytes())[:3000],
    ]  # fmt: skip
    blocks = [bytes([category]) for category in CATEGORIES]
    return {
        "asterix": Parser(lambda: AsterixStream(SITES).take, payloads, blocks),
        "sapient": Parser(_sapient_take, messages, [b"\x0a\x04", b"\x12\x24", messages[-1][:50]]),
        "sapient frames": Parser(_framed_take, [frame(one) for one in messages], [b"\x10\0\0\0", b"\x05\0\0\0\x0a"]),
        "beast": Parser(lambda: BeastStream("adsb", 1.0).take, beast, [b"\x1a3", b"\x1a2", b"\x1a\x1a", b"\x1a\xe3"]),
        "basestation": Parser(lambda: SbsStream("adsb", 1.0).take, sbs, [b"MSG,3,", b"MSG,", b"\n"]),
        "remote id": Parser(
            lambda: RemoteIdStream(SITES).take, [basic, place, b"\xf2\x19\x02" + basic + place, *texts[:3]],
            [b"\x12\x20", b"\x02\x10", b"\xf2\x19", b"\x0d\x01", b'{"', b"["],
        ),
        "reports": Parser(lambda: ReportStream(SITES).take, texts[3:], [b'{"device":', b"[{", b"{"]),
        **{name: Parser(*made) for name, made in table_fuzz.parsers().items()},
        "files": Parser(_file_take, files, [b"\x0a\x0d\x0d\x0a", b"\xd4\xc3\xb2\xa1", b"\x1f\x8b", b"[", b"{", *blocks]),
    }  # fmt: skip


def random_messages(parser: Parser, rng: random.Random) -> Iterator[bytes]:
    while True:
        start = rng.choice(parser.starts) if rng.random() < 0.7 else b""
        body = rng.randbytes(rng.choice([0, 1, 3, 8, 25, 60, 150, 400]))
        if start and start[0] in CATEGORIES and rng.random() < 0.8:
            body = (3 + len(body)).to_bytes(2, "big") + body
        yield start + body


def mutated_messages(parser: Parser, rng: random.Random) -> Iterator[bytes]:
    while True:
        changed = bytearray(rng.choice(parser.seeds))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(changed) + 1)
            way = rng.random()
            if way < 0.5 and at < len(changed):
                changed[at] = rng.randrange(256)
            elif way < 0.6:
                changed[at:at] = rng.randbytes(rng.randint(1, 4))
            elif way < 0.7:
                del changed[at : at + rng.randint(1, 8)]
            elif way < 0.8:
                other = rng.choice(parser.seeds)
                changed[at:] = other[rng.randrange(len(other) + 1) :]
            elif way < 0.9:
                changed = changed[:at]
            else:
                number = rng.choice([b"NaN", b"1e400", b"-1", b"null", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00"])
                changed[at : at + len(number)] = number
        yield bytes(changed)


def checked(imported: Imported) -> Imported:
    """The result, when it is of the form and in the ranges that the next stage builds on."""
    table = imported.table
    assert table.schema == DETECTIONS
    for name, low, high in (("lat", -90, 90), ("lon", -180, 180), ("azimuth_deg", 0, 360), ("alt_m", -1000, 1e6)):
        values = table[name].drop_null().to_numpy()
        assert np.isfinite(values).all(), name
        assert ((values >= low) & (values <= high)).all(), name
    assert (time_us(table["time"]) > -(10**17)).all()
    assert all(number > 0 for number in imported.rejects.values())
    assert all(number > 0 for number in imported.counts.values())
    return imported


def run(name: str, parser: Parser, messages: Iterator[bytes], count: int) -> float:
    """Feed so many messages; returns the seconds taken. A batch that fails is told message by message."""

    def late(_: int, __: FrameType | None) -> None:
        raise Hang(f"{name}: longer than {HANG_S} s for {BATCH} messages")

    began = time.monotonic()
    take, done = parser.make(), 0
    checked(take([(NOW_US, one) for one in parser.seeds]))  # kernels are compiled before the clock runs
    before = signal.signal(signal.SIGALRM, late)
    try:
        while done < count:
            batch = [next(messages) for _ in range(min(BATCH, count - done))]
            signal.alarm(HANG_S)
            try:
                checked(take([(NOW_US + done, one) for one in batch]))
            except Exception as error:
                raise AssertionError(f"{name}: {type(error).__name__}: {error}; {fault(parser, batch)}") from error
            finally:
                signal.alarm(0)
            done += len(batch)
    finally:
        signal.signal(signal.SIGALRM, before)
    return time.monotonic() - began


def fault(parser: Parser, batch: list[bytes]) -> str:
    """The message of a batch that a new parser fails on."""
    for one in batch:
        try:
            checked(parser.make()([(NOW_US, one)]))
        except Exception:
            return one.hex()
    return "no single message"


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--random", type=int, default=100_000)
    options.add_argument("--mutated", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="")
    given = options.parse_args()
    for name, parser in parsers().items():
        if given.only and given.only != name:
            continue
        rng = random.Random(f"{name} {given.seed}")
        spent = run(name, parser, random_messages(parser, rng), given.random)
        spent += run(name, parser, mutated_messages(parser, rng), given.mutated)
        print(f"{name:16} {given.random} random, {given.mutated} mutated: no crash, no hang, {spent:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
