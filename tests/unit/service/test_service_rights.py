"""Rights on a shared bus, held by a real nats-server; and input that would stop the house."""

import asyncio
import contextlib
import stat
import subprocess

import nats
import numpy as np
import pytest

from perisai.model import BadInputError, build, table_bytes
from perisai.service.bus import SENSOR, STREAMS, Bus, Message
from perisai.service.bus_settings import BusSettings
from perisai.service.lease import work_by_lease
from perisai.service.nats_accounts import RIGHTS, write_accounts
from perisai.service.nats_server import _program
from perisai.service.roles.frames import batch

SUBJECTS = ["perisai.in.detections.x", "perisai.in.sensor.north", "perisai.in.sensor.south", "perisai.in.tick"]
SUBJECTS += [subject for subjects, _ in STREAMS.values() for subject in subjects if ">" not in subject]
SUBJECTS += ["$KV.perisai-leases.tracker", "$KV.perisai-leases.alerter"]


@contextlib.asynccontextmanager
async def cluster(directory):
    """A nats-server with the accounts that `perisai keys` wrote."""
    keys = directory / "keys"
    write_accounts(keys, ["north", "south"])
    config = directory / "nats.conf"
    ports = directory / "ports"
    ports.mkdir()
    config.write_text(
        f'listen: "127.0.0.1:-1"\nports_file_dir: "{ports}"\njetstream {{ store_dir: "{directory}/js" }}\n'
        f'include "./keys/accounts.conf"\n'
    )
    process = subprocess.Popen([_program(), "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while not (found := list(ports.glob("*.ports"))) or not (text := found[0].read_text()):
                await asyncio.sleep(0.05)
        yield text.split('"nats":["')[1].split('"')[0], keys
    finally:
        process.terminate()
        process.wait()


async def test_each_key_publishes_its_own_subjects_and_no_other(tmp_path):
    async with cluster(tmp_path) as (url, keys):
        allowed = {role: {s for s in SUBJECTS if _matches(s, RIGHTS[role])} for role in RIGHTS}
        allowed |= {f"sensor-{name}": {f"{SENSOR}.{name}"} for name in ("north", "south")}
        assert "perisai.orders" in allowed["console"] and "perisai.orders" not in allowed["alerter"]
        for name, expected in allowed.items():
            refused: list[str] = []

            async def note(error, refused=refused):
                refused.append(str(error).lower())

            client = await nats.connect(url, nkeys_seed=str(keys / f"{name}.nk"), error_cb=note)
            for subject in SUBJECTS:
                await client.publish(subject, b"")
            await client.subscribe("perisai.>")
            await client.flush()
            await asyncio.sleep(0.05)
            await client.close()
            text = "\n".join(refused)
            assert {s for s in SUBJECTS if f'"{s.lower()}"' not in text} == expected, name
            assert 'subscription to "perisai.>"' in text, "no plain listening: the streams are read by their API"


async def test_the_roles_keys_are_enough_for_their_work(tmp_path):
    async with cluster(tmp_path) as (url, keys):
        async with Bus(url, BusSettings(nkey=str(keys / "console.nk"))) as bus:
            await bus.publish("perisai.orders", b"{}", "order-1")
        async with Bus(url, BusSettings(nkey=str(keys / "tracker.nk"))) as bus:
            done = asyncio.Event()

            async def work():
                await bus.publish("perisai.tracks", b"", "tracks-1", 1)
                done.set()

            await asyncio.wait_for(work_by_lease(bus, "tracker", work), 20)
            assert done.is_set() and await bus.last_sequence("TRACKS") == 2
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(bus.publish("perisai.orders", b"{}", "order-2"), 1.0)


async def test_nobody_connects_without_a_key(tmp_path):
    async with cluster(tmp_path) as (url, _):
        with pytest.raises(nats.errors.Error):
            await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=0)


def test_seeds_are_for_their_owner_only_and_stay(tmp_path):
    seeds = write_accounts(tmp_path, ["25/201"])
    before = [path.read_bytes() for path in seeds]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in seeds)
    assert [path.read_bytes() for path in write_accounts(tmp_path, ["25/201"])] == before
    with pytest.raises(BadInputError, match="without spaces"):
        write_accounts(tmp_path, ["a.>"])


def _rows(*sensors):
    return build("detections", {"time": np.arange(len(sensors)), "sensor": list(sensors)})


def test_no_message_can_stop_the_house():
    good = table_bytes(_rows("north"))
    for data in (b"", b"nonsense", good[:-9], good[:40], good.replace(b"sensor", b"sansor"), bytes(200)):
        assert batch(Message("perisai.in.detections.x", 1, 0, data)).num_rows in (0, 1)
    generator = np.random.default_rng(7)
    for _ in range(300):
        torn = bytearray(good)
        for place in generator.integers(0, len(torn), 3):
            torn[place] = generator.integers(0, 256)
        batch(Message("perisai.in.detections.x", 1, 0, bytes(torn)))


def test_a_sensor_speaks_for_itself_only():
    data = table_bytes(_rows("north", "south", "north"))
    assert batch(Message(f"{SENSOR}.north", 1, 0, data))["sensor"].to_pylist() == ["north", "north"]
    assert batch(Message("perisai.in.detections.hub", 1, 0, data)).num_rows == 3


def _matches(subject, patterns):
    return any(subject == one or (one.endswith(".>") and subject.startswith(one[:-1])) for one in patterns)
