"""Tracks from one centre to another over a leaf node, both ways, by the policy; and what a partner sends wrongly."""

import asyncio
import contextlib
import json
import time

import msgspec
import nats
import numpy as np
import pytest
from leaf_servers import leaf_pair
from made_up_region import chessboard

from perisai.model import BadInputError, Sensor, build
from perisai.recording import Recording, RecordingSettings
from perisai.service.bus import Bus
from perisai.service.bus_settings import BusSettings
from perisai.service.config import Config, ServiceSettings
from perisai.service.house import House
from perisai.service.partners.exchange import Exchange
from perisai.service.partners.layers import KEEP_US, SILENT_US, PartnerLayers
from perisai.service.partners.settings import PartnerSettings, TakeSettings, make_partners
from perisai.service.picture import Picture
from perisai.service.roles.gateway import Gateway
from perisai.service.roles.recorder import Recorder
from perisai.service.tasks import end
from perisai.sharing import SharePolicy, receive

SENSORS = [Sensor(id="radar", kind="radar2d", lat=50, lon=30), Sensor(id="secret", kind="radar2d", lat=50, lon=30)]
BOX = (26.0, 46.0, 29.0, 49.0)
US = 1_000_000


def now_us():
    return time.time_ns() // 1000


def frame(lons, end_us, status="confirmed"):
    """Tracks 1, 2, ... on one parallel, hostile drones seen by both radars."""
    n = len(lons)
    return build(
        "tracks",
        {
            "time": np.full(n, end_us), "track": np.arange(1, n + 1), "lat": np.full(n, 47.5),
            "lon": np.array(lons, float), "ve_mps": np.full(n, -50.0), "vn_mps": np.zeros(n),
            "p_ee": np.full(n, 100.0), "p_nn": np.full(n, 100.0),
            "status": [status] * n, "p_drone": np.full(n, 0.9), "sensors": [["radar", "secret"]] * n,
        },
    )  # fmt: skip


def exchange(bus, *partners):
    return Exchange(bus, make_partners(partners, chessboard(2, 2), SENSORS), "test", now_us)


@contextlib.asynccontextmanager
async def running(*work):
    tasks = [asyncio.create_task(one()) for one in work]
    try:
        yield
    finally:
        await end(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


async def until(condition, what, timeout_s=15.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


def test_partners_need_a_bus_with_accounts(tmp_path):
    given = PartnerSettings(id="ro", take=TakeSettings())
    config = Config(service=ServiceSettings(data=str(tmp_path)), partner=(given,))
    with pytest.raises(BadInputError, match=r"docs/partners\.md"):
        House(config, SENSORS)


async def test_two_centres_see_of_one_another_what_each_gives(tmp_path):
    (tmp_path / "numbers").write_text("a secret of ours, long enough")
    policy = SharePolicy(box=BOX, without_sensors=("secret",), precision_m=500.0, classes=("drone",))
    ro = PartnerSettings(
        id="ro", name={"en": "Romania"}, give=policy, take=TakeSettings(), key_file=str(tmp_path / "numbers")
    )
    hub = PartnerSettings(
        id="ua", name={"en": "Ukraine"}, give=SharePolicy(box=BOX), take=TakeSettings(), known_as="ro"
    )
    async with contextlib.AsyncExitStack() as stack:
        pair = await stack.enter_async_context(leaf_pair(tmp_path, "ro", perisai_there=True))
        ours, theirs = [
            await stack.enter_async_context(Bus(url, BusSettings(nkey=str(keys / "gateway.nk"))))
            for url, keys in ((pair.hub, pair.keys), (pair.leaf, pair.partner_keys))
        ]
        our_tracker, their_tracker = [
            await stack.enter_async_context(Bus(url, BusSettings(nkey=str(keys / "tracker.nk"))))
            for url, keys in ((pair.hub, pair.keys), (pair.leaf, pair.partner_keys))
        ]
        our_exchange, their_exchange = exchange(ours, ro), exchange(theirs, hub)
        here = Gateway(ours, Picture("test", SENSORS, {"ro": {"en": "Romania"}}))
        there = Gateway(theirs, Picture("test", [], {"ua": {"en": "Ukraine"}}))
        recorder = Recorder(ours, tmp_path / "data", RecordingSettings(reserve_mb=0))
        await stack.enter_async_context(
            running(our_exchange.run, their_exchange.run, here.run, there.run, recorder.run)
        )

        async def frames(last_lon):
            end_us = now_us()
            await our_tracker.publish_table(
                "perisai.tracks", frame([27.0, 28.0, last_lon], end_us), f"us-{end_us}", end_us
            )
            await their_tracker.publish_table("perisai.tracks", frame([26.5], end_us), f"they-{end_us}", end_us)
            await asyncio.sleep(0.1)

        def seen(gateway):
            (layer,) = gateway.picture.partners.wire(0, now_us())
            ids = np.frombuffer(layer["tracks"]["id"], "<f8")
            return layer, dict(zip(ids, np.frombuffer(layer["tracks"]["lon"], "<f4"), strict=True))

        deadline = time.monotonic() + 20
        while len(seen(there)[1]) < 3 or len(seen(here)[1]) < 1:
            assert time.monotonic() < deadline, (our_exchange.status(), their_exchange.status())
            await frames(28.9)
        layer, tracks = seen(there)
        assert layer["state"] == "live" and layer["names"] == {"en": "Ukraine"} and 0 <= layer["age_s"] < 60
        assert all(number > 10 for number in tracks), "numbers that are not ours"
        assert all(
            abs(lon - true) < 0.006 for lon, true in zip(sorted(tracks.values()), (27.0, 28.0, 28.9), strict=True)
        )
        assert [list(seen(here)[1]), seen(here)[0]["state"]] == [[1.0], "live"]

        while len(seen(there)[1]) > 2:
            assert time.monotonic() < deadline, "a track that left the region ends over there"
            await frames(29.5)
        rows = [message.table() async for message in stored(theirs, "PARTNERS")]
        assert {sensor for table in rows for row in table["sensors"].to_pylist() for sensor in row} <= {"radar"}

        await until(lambda: recorder._writers["partners"].rows > 0, "recorded")
        recorder.flush()
        assert not our_exchange.status()[0]["rejects"] and not their_exchange.status()[0]["rejects"]
    (tmp_path / "data" / "perisai.json").write_text("{}")
    recorded = Recording(tmp_path / "data").table("partners")
    assert set(recorded["partner"].to_pylist()) == {"ro"} and set(recorded["track"].to_pylist()) == {1}


async def stored(bus, stream):
    last = await bus.last_sequence(stream)
    async for message in bus.follow(stream):
        yield message
        if message.sequence >= last:
            return


async def test_what_a_partner_sends_wrongly_is_refused_by_reason_and_slows_nobody(tmp_path):
    limits = TakeSettings(max_messages_per_s=10.0, max_message_bytes=5_000)
    good = {"time_us": 0, "track": 4, "lat": 47.0, "lon": 27.0, "ve_mps": 1, "vn_mps": 0}

    def message(**more):
        at = now_us()
        return json.dumps({"end_us": at, "mode": "test", "tracks": [good | {"time_us": at}]} | more).encode()

    async with leaf_pair(tmp_path, "ro") as pair:
        leaf = await nats.connect(pair.leaf)
        async with Bus(pair.hub, BusSettings(nkey=str(pair.keys / "gateway.nk"))) as bus:
            made = exchange(bus, PartnerSettings(id="ro", take=limits))
            async with running(made.run):
                status = {}

                async def say(data):
                    await leaf.publish("perisai.partner.ro.tracks", data)
                    await leaf.flush()

                while not status.get("taken_tracks"):
                    await say(message())
                    await asyncio.sleep(0.3)
                    (status,) = made.status()
                await say(b"\x00")
                await say(message(mode="actual"))
                await say(message(tracks=[good | {"time_us": now_us(), "lat": 95}]))
                await say(message(text="x" * 6_000))
                await asyncio.sleep(0.5)
                (status,) = made.status()
                assert status["rejects"] == {"not of this form": 1, "other mode": 1, "bad lat": 1, "too large": 1}
                before = await bus.last_sequence("PARTNERS")
                for _ in range(60):
                    await say(message())
                await asyncio.sleep(0.5)
                (status,) = made.status()
                stored = await bus.last_sequence("PARTNERS") - before
                assert stored <= 30 and status["rejects"]["too many messages"] >= 60 - 30
        await leaf.close()


async def test_after_a_restart_what_the_delay_holds_is_said_once_and_what_left_meanwhile_has_ended(tmp_path):
    ro = PartnerSettings(id="ro", give=SharePolicy(box=BOX, delay_s=3.0))
    async with leaf_pair(tmp_path, "ro") as pair:
        leaf = await nats.connect(pair.leaf)
        said: list[tuple[int, int, str]] = []

        async def note(received):
            got = receive(received.data, "test", now_us(), "x")
            said.extend(
                (row["track"], int(row["time"].timestamp() * 1e6), row["status"]) for row in got.table.to_pylist()
            )

        await leaf.subscribe("perisai.share.ro.tracks", cb=note)
        await leaf.flush()
        start_us = now_us() - 60 * US
        async with (
            Bus(pair.hub, BusSettings(nkey=str(pair.keys / "gateway.nk"))) as bus,
            Bus(pair.hub, BusSettings(nkey=str(pair.keys / "tracker.nk"))) as tracker,
        ):

            async def tick(second, lon):
                end_us = start_us + second * US
                await tracker.publish_table("perisai.tracks", frame([lon], end_us), f"f{second}", end_us)

            for second in range(5):
                await tick(second, 27.0)
            async with running(exchange(bus, ro).run):
                await asyncio.sleep(1.0)
                await tick(5, 27.0)
                await until(lambda: said, "given")
                # First what is shown by then, then what came of age with this frame: 2 s and nothing younger.
                assert [(at - start_us) // US for _, at, _ in said] == [1, 2]
            await tick(6, 30.0)
            for second in range(7, 12):
                await tick(second, 30.0)
            said.clear()
            async with running(exchange(bus, ro).run):
                await asyncio.sleep(1.0)
                await tick(12, 30.0)
                await until(lambda: said, "given again")
                assert [status for _, _, status in said] == ["ended"]
        await leaf.close()


def test_a_layer_tells_how_fresh_it_is_and_lets_go():
    layers = PartnerLayers({"ro": {"en": "Romania"}})
    (waiting,) = layers.wire(0, 100 * US)
    assert (waiting["state"], waiting["age_s"]) == ("waiting", None)

    def message(tracks, at_us):
        told = [{"time_us": at_us, "track": track, "lat": 47, "lon": 27, "ve_mps": 0, "vn_mps": 0} for track in tracks]
        return receive(msgspec.json.encode({"end_us": at_us, "mode": "test", "tracks": told}), "test", at_us, "ro")

    got = message([7, 9], 100 * US)
    layers.take("ro", got.table, got.end_us, 1)
    layers.take("nobody", got.table, got.end_us, 1)
    (layer,) = layers.wire(0, 103 * US)
    assert (layer["state"], layer["age_s"]) == ("live", 3.0)
    assert np.frombuffer(layer["tracks"]["id"], "<f8").tolist() == [7, 9]
    assert not layers.wire(1, 103 * US)[0]["tracks"]["id"], "nothing has changed since"
    assert layers.wire(1, 101 * US + SILENT_US)[0]["state"] == "silent"

    still = message([], 110 * US)
    layers.take("ro", still.table, still.end_us, 2)
    assert layers.wire(2, 111 * US + SILENT_US - US)[0]["state"] == "live", "an empty picture is a sign of life"
    again = message([7], 120 * US)
    layers.take("ro", again.table, again.end_us, 3)
    assert layers.forget_old(101 * US + KEEP_US, 4) and not layers.forget_old(101 * US + KEEP_US, 5)
    (layer,) = layers.wire(3, 101 * US + KEEP_US)
    assert np.frombuffer(layer["gone"], "<f8").tolist() == [9]
    assert np.frombuffer(layers.wire(0, 0)[0]["tracks"]["id"], "<f8").tolist() == [7]
    late = message([7], 119 * US)
    layers.take("ro", late.table, late.end_us, 6)
    assert not layers.wire(5, 0)[0]["tracks"]["id"], "older than what is known"
