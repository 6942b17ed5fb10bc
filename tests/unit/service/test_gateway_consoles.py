"""A slow console is skipped ahead, never queued without bound; what it then gets is the whole picture."""

import asyncio
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow as pa

from perisai.model import TIME, TRACKS
from perisai.service.picture import Picture
from perisai.service.roles.gateway import Console, Gateway

T0_US = 1_757_203_200_000_000
TRACK_COUNT = 200
BYTES_A_TRACK = 60


def frame(tick: int, count: int = TRACK_COUNT) -> pa.Table:
    at = pa.array(np.full(count, T0_US + tick * 1_000_000)).cast(TIME)
    columns: dict[str, Any] = {"time": at, "issued": at, "track": pa.array(np.arange(count))}
    columns |= {"lat": pa.array(48 + np.arange(count) * 1e-3 + tick * 1e-4), "lon": pa.array(np.full(count, 31.0))}
    columns["status"] = pa.array(["confirmed"] * count)
    return pa.table({n: columns.get(n, pa.nulls(count, TRACKS.field(n).type)) for n in TRACKS.names}).cast(TRACKS)


def run(ticks: int, reads: set[int]) -> tuple[Console, list[bytes], int]:
    """A console that reads only after some of the ticks: itself, what it read, and the most bytes it ever held."""
    gateway = Gateway(cast(Any, None), Picture("exercise", []))
    console = Console()
    gateway.consoles.add(console)
    got: list[bytes] = []
    most = 0
    for tick in range(ticks):
        gateway.picture.take_tracks(frame(tick), T0_US + tick * 1_000_000)
        gateway._send()  # pyright: ignore[reportPrivateUsage]
        most = max(most, len(console._message or b""))  # pyright: ignore[reportPrivateUsage]
        if tick in reads:
            got.append(asyncio.run(console.next()))
    return console, got, most


def test_a_console_that_reads_nothing_holds_one_picture_however_long() -> None:
    _, _, short = run(3, set())
    console, _, long = run(60, set())
    assert long <= short + 64
    assert console.skipped == 59


def test_it_then_gets_the_whole_newest_picture_once() -> None:
    console, got, _ = run(50, {49})
    message = msgspec.msgpack.decode(got[0])
    assert message["full"]
    assert message["now_us"] == T0_US + 49_000_000
    lat = np.frombuffer(message["tracks"]["lat"], "<f4")
    assert lat.size == TRACK_COUNT
    assert np.allclose(lat, 48 + np.arange(TRACK_COUNT) * 1e-3 + 49e-4, atol=1e-4)
    assert not console.waiting


def test_a_quick_console_gets_every_tick_as_a_compact_difference() -> None:
    gateway = Gateway(cast(Any, None), Picture("exercise", []))
    console = Console()
    gateway.consoles.add(console)
    gateway.picture.take_tracks(frame(0), T0_US)
    gateway._send()  # pyright: ignore[reportPrivateUsage]
    full = asyncio.run(console.next())
    gateway.picture.take_tracks(frame(1, count=3), T0_US + 1_000_000)
    gateway._send()  # pyright: ignore[reportPrivateUsage]
    part = msgspec.msgpack.decode(difference := asyncio.run(console.next()))
    assert not part["full"]
    assert np.frombuffer(part["tracks"]["id"], "<u4").tolist() == [0, 1, 2]
    assert len(difference) < len(full) / 8
    assert len(full) < BYTES_A_TRACK * TRACK_COUNT + 1000
    assert console.skipped == 0
