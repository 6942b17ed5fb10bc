"""Who may say what on a shared bus: one nkey a role and a sensor, each with the subjects it needs and no other.

A role that is broken into can do what that role can: a tracker cannot order an alert, a recorder can say nothing. A
sensor can publish on its own subject only, and rows that name another sensor are refused where frames are cut.
"""

import base64
import json
import os
import re
from pathlib import Path

import nkeys

from perisai.model import BadInputError

from .bus import ABSENT, DETECTIONS, HEALTH, ORDERS, REGION, SENSOR, TICK, TRUST

JETSTREAM = ("$JS.API.>", "$JS.FC.>")
STATE = ("$O.perisai-state.>",)
RIGHTS: dict[str, tuple[str, ...]] = {
    "ingest": (f"{DETECTIONS}.>", f"{HEALTH}.>", TICK, *JETSTREAM),
    "tracker": (
        "perisai.tracks", f"{REGION}.*", ABSENT, "$KV.perisai-leases.tracker", "$KV.perisai-leases.tracker.*",
        "$KV.perisai-leases.stitcher", f"{TRUST}.*", *STATE, *JETSTREAM,
    ),
    "alerter": (
        "perisai.alerts", "perisai.cap", "perisai.forecasts", "perisai.answers", "perisai.desk",
        "$KV.perisai-leases.alerter", *STATE, *JETSTREAM,
    ),
    "gateway": ("$KV.perisai-leases.gateway", *JETSTREAM),
    "console": (ORDERS, f"{DETECTIONS}.>", *JETSTREAM),
    "recorder": JETSTREAM,
}  # fmt: skip
"""What each role may publish; all may read the streams."""
SENSOR_READS = ("_INBOX.>",)
_TOKEN = re.compile(r"[^\s.*>]{1,64}")


def write_accounts(directory: Path, sensors: list[str]) -> list[Path]:
    """Write `accounts.conf` for nats-server and a seed file (0600) for each role and sensor; seeds there already stay.

    Returns the seed files. Raises BadInputError for a sensor whose id is no token of a subject.
    """
    users, seeds = [], []
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for role, publish in RIGHTS.items():
        path, public = _key(directory / f"{role}.nk")
        seeds.append(path)
        users.append(_user(public, publish, ("_INBOX.>",)))
    for sensor in sensors:
        if not _TOKEN.fullmatch(sensor):
            raise BadInputError("sensor", repr(sensor), "1 to 64 characters without spaces, dots and wildcards")
        path, public = _key(directory / f"sensor-{sensor.replace('/', '_')}.nk")
        seeds.append(path)
        users.append(_user(public, (f"{SENSOR}.{sensor}",), SENSOR_READS))
    text = (
        "# Written by `perisai keys`; include it in nats.conf. Publish rights are the least each needs.\n"
        "accounts {\n  PERISAI {\n    jetstream: enabled\n    users: [\n" + "".join(users) + "    ]\n  }\n}\n"
    )
    (directory / "accounts.conf").write_text(text, encoding="utf-8")
    return seeds


def _user(public: str, publish: tuple[str, ...], subscribe: tuple[str, ...]) -> str:
    rights = {"publish": {"allow": list(publish)}, "subscribe": {"allow": list(subscribe)}}
    return f"      {{ nkey: {public}, permissions: {json.dumps(rights)} }}\n"


def _key(path: Path) -> tuple[Path, str]:
    if not path.exists():
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(seed)
    try:
        pair = nkeys.from_seed(bytearray(path.read_bytes().strip()))
        return path, bytes(pair.public_key).decode()
    except (nkeys.NkeysError, ValueError, base64.binascii.Error) as error:  # pyright: ignore[reportAttributeAccessIssue]
        raise BadInputError(str(path), "no nkey seed", "one that `perisai keys` wrote") from error
