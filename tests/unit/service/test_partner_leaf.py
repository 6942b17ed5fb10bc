"""What a partner's leaf node can read and say, held by two real nats-servers; a forged leaf speaks it itself."""

import asyncio
import base64
import contextlib
import json

import nats
import nkeys
import pytest
from leaf_servers import leaf_pair

from perisai.model import BadInputError
from perisai.service.bus import STREAMS, Bus
from perisai.service.bus_settings import BusSettings
from perisai.service.nats_accounts import write_accounts

OURS = [
    subject for subjects, _ in STREAMS.values() for subject in subjects if ">" not in subject and "*" not in subject
]
OURS += [
    "perisai.in.tick",
    "perisai.in.sensor.x",
    "perisai.in.detections.x",
    "perisai.partners.ro",
    "perisai.partners.pl",
]
OURS += ["perisai.share.pl.tracks", "perisai.partner.pl.tracks", "$KV.perisai-leases.alerter", "$JS.API.INFO"]
SETTLE_S = 0.3


async def all_heard(client, subjects):
    heard: list[tuple[str, bytes]] = []

    async def note(message):
        heard.append((message.subject, message.data))

    for subject in subjects:
        await client.subscribe(subject, cb=note)
    await client.flush()
    await asyncio.sleep(SETTLE_S)
    return heard


async def gateway(pair):
    return await nats.connect(pair.hub, nkeys_seed=str(pair.keys / "gateway.nk"))


async def test_a_partner_reads_and_says_what_is_its_own_and_nothing_else(tmp_path):
    async with leaf_pair(tmp_path, "ro", "pl") as pair:
        hub, leaf = await gateway(pair), await nats.connect(pair.leaf)
        async with Bus(pair.hub, BusSettings(nkey=str(pair.keys / "tracker.nk"))) as tracker:
            at_hub = await all_heard(hub, ["perisai.partner.ro.tracks", "perisai.partner.pl.tracks"])
            at_leaf = await all_heard(leaf, ["perisai.share.ro.>", "perisai.share.*.tracks", "perisai.>", ">", *OURS])
            before = {name: await tracker.last_sequence(name) for name in STREAMS}
            await tracker.publish("perisai.tracks", b"secret", "frame-1", 1)
            for subject in ("perisai.share.ro.tracks", "perisai.share.pl.tracks"):
                await hub.publish(subject, subject.encode())
            await hub.flush()
            await asyncio.sleep(SETTLE_S)
            told = {data for _, data in at_leaf}
            assert told == {b"perisai.share.ro.tracks"}

            await leaf.publish("perisai.partner.ro.tracks", b"theirs")
            for subject in OURS:
                await leaf.publish(subject, b"forged")
            await leaf.flush()
            await asyncio.sleep(SETTLE_S)
            assert at_hub == [("perisai.partner.ro.tracks", b"theirs")]
            after = {name: await tracker.last_sequence(name) for name in STREAMS}
            assert after == before | {"TRACKS": before["TRACKS"] + 1}, "only the tracker's own came into a stream"
        await hub.close()
        await leaf.close()


async def test_a_forged_leaf_that_obeys_no_rule_is_held_by_ours(tmp_path):
    """A partner's server may be any program: it asks for everything and says everything, by the leaf node protocol."""
    async with leaf_pair(tmp_path, "ro", "pl") as pair:
        hub = await gateway(pair)
        at_hub = await all_heard(hub, ["perisai.partner.ro.tracks", "perisai.partner.pl.tracks"])

        async def attempt(*lines):
            """What a forged leaf that sends these lines is told while secrets pass, and what may be read."""
            reader, writer = await forged_leaf(pair.leaf_port, pair.keys / "partner-ro.nk")
            writer.write("".join(f"{line}\r\n" for line in lines).encode())
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0.03)
            await tracker.publish("perisai.tracks", b"secret", f"frame-{lines}", 1)
            await hub.publish("perisai.share.pl.tracks", b"secret")
            await hub.publish("perisai.share.ro.tracks", b"granted")
            await hub.flush()
            text = await read_all(reader, 0.05)
            writer.close()
            return text

        async with Bus(pair.hub, BusSettings(nkey=str(pair.keys / "tracker.nk"))) as tracker:
            async with asyncio.timeout(20):
                # The forgery works where it may, once the server has taken the subscription.
                while b"granted" not in await attempt("LS+ perisai.share.ro.tracks"):
                    pass
            async with asyncio.timeout(20):
                while not at_hub:
                    await attempt("LMSG perisai.partner.ro.tracks 6\r\nhonest")
                    await asyncio.sleep(0.1)
            assert set(at_hub) == {("perisai.partner.ro.tracks", b"honest")}
            before = {name: await tracker.last_sequence(name) for name in STREAMS if name != "TRACKS"}
            for subject in (">", "*.>", "perisai.>", "perisai.*", "perisai.share.>", "perisai.share.*.tracks", *OURS):
                assert b"secret" not in await attempt(f"LS+ {subject}"), subject
                assert b"secret" not in await attempt(f"LS+ {subject} queue 1"), subject
            for subject in OURS:
                assert b"secret" not in await attempt(f"LMSG {subject} 6\r\nforged"), subject
            assert before == {name: await tracker.last_sequence(name) for name in before}
            assert [data async for data in stored(tracker, "TRACKS")].count(b"forged") == 0
            assert set(at_hub) == {("perisai.partner.ro.tracks", b"honest")}
        await hub.close()


async def stored(bus, stream):
    """The data of all messages of a stream."""
    last = await bus.last_sequence(stream)
    async for message in bus.follow(stream, 0, ">"):
        yield message.data
        if message.sequence >= last:
            break


async def test_a_partners_key_is_for_leaf_nodes_and_no_other_key_is(tmp_path):
    async with leaf_pair(tmp_path, "ro") as pair:
        with pytest.raises(nats.errors.Error):
            await nats.connect(
                pair.hub, nkeys_seed=str(pair.keys / "partner-ro.nk"), allow_reconnect=False, max_reconnect_attempts=0
            )
        stranger = tmp_path / "stranger.nk"
        stranger.write_bytes(nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_USER))
        reader, writer = await forged_leaf(pair.leaf_port, stranger)
        assert b"Authorization Violation" in await read_all(reader)
        writer.close()


def test_what_a_partner_is_handed_is_for_its_owner_only_and_stays(tmp_path):
    secrets = write_accounts(tmp_path, [], ["ro"])
    before = [path.read_bytes() for path in secrets]
    assert [path.read_bytes() for path in write_accounts(tmp_path, [], ["ro"])] == before
    assert {"partner-ro.nk", "partner-ro.conf", "partner-ro.numbers"} <= {path.name for path in secrets}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets)


def test_a_partner_may_keep_its_seed_to_itself(tmp_path):
    public = bytes(nkeys.from_seed(nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_USER)).public_key).decode()
    secrets = write_accounts(tmp_path, [], [f"ro={public}"])
    assert "partner-ro.nk" not in {path.name for path in secrets} and public in (tmp_path / "accounts.conf").read_text()
    for wrong in ("ro=SUAB", "r.o", "ro=U"):
        with pytest.raises(BadInputError):
            write_accounts(tmp_path, [], [wrong])
    with pytest.raises(BadInputError):
        write_accounts(tmp_path, [], [], ["pl"])


async def forged_leaf(port, seed):
    """A connection that has said CONNECT as a leaf node would, with a seed's signature."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    info = json.loads((await reader.readline()).decode().removeprefix("INFO "))
    pair = nkeys.from_seed(bytearray(seed.read_bytes().strip()))
    signature = base64.urlsafe_b64encode(pair.sign(info["nonce"].encode())).decode().rstrip("=")
    connect = {
        "version": "2.15.0", "nkey": bytes(pair.public_key).decode(), "sig": signature, "server_id": "FORGED",
        "name": "forged", "headers": True, "hub": False, "tls_required": False,
    }  # fmt: skip
    writer.write(f"CONNECT {json.dumps(connect)}\r\nPING\r\n".encode())
    await writer.drain()
    return reader, writer


async def read_all(reader, within_s=0.5):
    """What comes until nothing has come for so long."""
    text = b""
    while True:
        try:
            more = await asyncio.wait_for(reader.read(65_536), within_s)
        except (TimeoutError, ConnectionError):
            return text
        if not more:
            return text
        text += more
