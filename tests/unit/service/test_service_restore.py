"""A backup taken while the service runs, restored elsewhere: bus, state, accounts, audit log and recording."""

import shutil

import numpy as np
from service_support import PASSWORD, QUICK

from perisai.model import build
from perisai.recording import CONFIG_FILE, PartWriter, Recording
from perisai.service.audit import AuditLog, verify
from perisai.service.audit.log import read_public_key
from perisai.service.bus import Bus, State
from perisai.service.identity import IdentityStore
from perisai.service.nats_server import NatsServer

MESSAGES = 200


async def test_a_backup_of_a_running_service_is_restored_whole(tmp_path):
    live, restored = tmp_path / "live", tmp_path / "restored"
    async with NatsServer(live) as server, Bus(server.url) as bus:
        IdentityStore(live, QUICK).add("olena", "operator", PASSWORD)
        audit = AuditLog(live / "audit", lambda: 1)
        head = audit.add("olena", "operator", "cancel", "alert-1").hash
        writer = PartWriter(live, "detections")
        time = np.arange(5)
        writer.add(1, build("detections", {"time": time, "received": time, "sensor": ["a"] * 5}))
        writer.flush()
        (live / CONFIG_FILE).write_text("{}")
        for number in range(MESSAGES):
            await bus.publish("perisai.alerts", str(number).encode(), f"alert-{number}", number)
        await bus.save_state("alerter", State(7, b"state" * 100_000, {"ALERTS": MESSAGES}))
        shutil.copytree(live, restored)  # the service runs on
        await bus.publish("perisai.alerts", b"later", "later", 0)
        audit.close()
    shutil.rmtree(live)

    async with NatsServer(restored) as server, Bus(server.url) as bus:
        assert await bus.last_sequence("ALERTS") == MESSAGES
        got = []
        async for message in bus.follow("ALERTS"):
            got.append(int(message.data))
            if len(got) == MESSAGES:
                break
        assert got == list(range(MESSAGES))
        assert await bus.load_state("alerter") == State(7, b"state" * 100_000, {"ALERTS": MESSAGES})
        assert await bus.publish("perisai.alerts", b"again", "alert-3") == 4, "identities are remembered as well"
    assert IdentityStore(restored, QUICK).check_password("olena", PASSWORD) is not None
    with (restored / "audit/audit.jsonl").open("rb") as lines:
        assert verify(lines, read_public_key(restored / "audit/audit.pub"), head) == (1, head, None)
    assert Recording(restored).table("detections").num_rows == 5
