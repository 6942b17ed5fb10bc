"""Who may say what on a shared bus: one nkey a role and a sensor, each with the subjects it needs and no other.

A role that is broken into can do what that role can: a tracker cannot order an alert, a recorder can say nothing. A
sensor can publish on its own subject only, and rows that name another sensor are refused where frames are cut.
"""

import base64
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nkeys

from perisai.model import BadInputError

from .bus import ABSENT, ASK, DETECTIONS, HEALTH, ORDERS, PARTNER, REGION, SENSOR, SUBSCRIBER, TICK, TRUST
from .partners.settings import GIVEN, TAKEN

JETSTREAM = ("$JS.API.>", "$JS.FC.>")
STATE = ("$O.perisai-state.>",)
RIGHTS: dict[str, tuple[str, ...]] = {
    "ingest": (f"{DETECTIONS}.>", f"{HEALTH}.>", TICK, *JETSTREAM),
    "tracker": (
        "perisai.tracks", f"{REGION}.*", ABSENT, "$KV.perisai-leases.tracker", "$KV.perisai-leases.tracker.*",
        "$KV.perisai-leases.stitcher", f"{TRUST}.>", *STATE, *JETSTREAM,
    ),
    "alerter": (
        "perisai.alerts", "perisai.cap", "perisai.forecasts", "perisai.answers", "perisai.desk",
        "$KV.perisai-leases.alerter", *STATE, *JETSTREAM,
    ),
    "gateway": (f"{PARTNER}.*", f"{SUBSCRIBER}.*", "$KV.perisai-leases.gateway", *JETSTREAM),
    "console": (ORDERS, f"{DETECTIONS}.>", f"{SUBSCRIBER}.*", f"{ASK}.>", *JETSTREAM),
    "recorder": JETSTREAM,
}  # fmt: skip
"""What each role may publish; all may read the streams."""
ANSWERS: dict[str, tuple[str, ...]] = {
    "gateway": (f"{ASK}.channels", f"{ASK}.sirens", f"{ASK}.partners", f"{ASK}.push"),
    "ingest": (f"{ASK}.inputs", f"{ASK}.tasks"),
}
"""What a role is asked by others; it may answer whoever asks, once, and nobody else."""
SENSOR_READS = ("_INBOX.>",)
LIMITS = "max_leafnodes: 2, max_connections: 4, max_subscriptions: 40, max_payload: 1MB"
"""Of a partner's account: two servers of its own may stand in for one another."""

LEAF_TEXT = """\
# For the partner {name}, with its secret: hand it over safely. Starts with: nats-server -c partner-{name}.conf
# Its programs connect to this server, read perisai.share.{name}.tracks and publish perisai.partner.{name}.tracks.
listen: 127.0.0.1:4222
leafnodes {{ remotes: [ {{ url: "tls://OUR-HOST:7422", nkey: "{seed}" }} ] }}
"""
_PUBLIC = re.compile(r"U[A-Z2-7]{55}")
_TOKEN = re.compile(r"[^\s.*>]{1,64}")


@dataclass(frozen=True, slots=True)
class Link:
    """An account through which a leaf node passes. account: its name; theirs: the id that the subjects bear.

    hub: whether the centre at the other end is the hub, and we connect to it.
    """

    account: str
    theirs: str
    public: str = ""
    hub: bool = False

    @property
    def ours(self) -> str:
        """What we say on it."""
        return f"{TAKEN}.{self.theirs}.tracks" if self.hub else f"{GIVEN}.{self.theirs}.>"

    @property
    def said(self) -> str:
        """What they say on it."""
        return f"{GIVEN}.{self.theirs}.>" if self.hub else f"{TAKEN}.{self.theirs}.tracks"


def write_accounts(
    directory: Path, sensors: Sequence[str], partners: Sequence[str] = (), hubs: Sequence[str] = ()
) -> list[Path]:
    """Write `accounts.conf` for nats-server and a seed file (0600) for each role, sensor and partner; those there stay.

    partners: ids, or `id=public key` of one who made his own seed. hubs: `id=what we are called there` of centres that
    we connect to. Returns the secret files. Raises BadInputError for a name that is no token of a subject.
    """
    users, secrets = [], []
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    links = [_partner(directory, one, secrets) for one in partners] + [_hub(one) for one in hubs]
    for role, publish in RIGHTS.items():
        path, public = _key(directory / f"{role}.nk")
        secrets.append(path)
        exchanges = role == "gateway"
        ours, said = (tuple(getattr(link, name) for link in links if exchanges) for name in ("ours", "said"))
        asked = ANSWERS.get(role, ())
        users.append(_user(public, (*publish, *ours), ("_INBOX.>", *said, *asked), answers=bool(asked)))
    for sensor in sensors:
        _token("sensor", sensor)
        path, public = _key(directory / f"sensor-{sensor.replace('/', '_')}.nk")
        secrets.append(path)
        users.append(_user(public, (f"{SENSOR}.{sensor}",), SENSOR_READS))
    text = (
        "# Written by `perisai keys`; include it in nats.conf. Publish rights are the least each needs.\n"
        "accounts {\n  PERISAI {\n    jetstream: enabled\n    users: [\n" + "".join(users) + "    ]\n"
        f"    exports: [{', '.join(_export(link.ours, link.account) for link in links)}]\n"
        f"    imports: [{', '.join(_import(link.said, link.account) for link in links)}]\n"
        "  }\n" + "".join(_account(link) for link in links) + "}\n"
    )
    (directory / "accounts.conf").write_text(text, encoding="utf-8")
    return secrets


def _partner(directory: Path, given: str, secrets: list[Path]) -> Link:
    """The account of a partner, its seed unless it has one, the secret of its numbers, and the settings it needs."""
    name, _, public = given.partition("=")
    _token("partner", name)
    numbers = directory / f"partner-{name}.numbers"
    if not numbers.exists():
        _write(numbers, os.urandom(32).hex().encode())
    secrets.append(numbers)
    if public:
        if not _PUBLIC.fullmatch(public):
            raise BadInputError(f"partner {name}", repr(public), "a public nkey: U and 55 letters and digits")
        return Link(f"PARTNER_{name}", name, public)
    path, public = _key(directory / f"partner-{name}.nk")
    leaf = directory / f"partner-{name}.conf"
    if not leaf.exists():
        _write(leaf, LEAF_TEXT.format(name=name, seed=path.read_text().strip()).encode())
    secrets += [path, leaf]
    return Link(f"PARTNER_{name}", name, public)


def _hub(given: str) -> Link:
    name, _, known_as = given.partition("=")
    _token("hub", name)
    _token(f"hub {name}", known_as)
    return Link(f"HUB_{name}", known_as, hub=True)


def _token(what: str, name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise BadInputError(what, repr(name), "1 to 64 characters without spaces, dots and wildcards")


def _account(link: Link) -> str:
    """An account that sees nothing but what is said to it, and says nothing but what is heard from it."""
    rights = {"publish": {"allow": [link.said]}, "subscribe": {"allow": [link.ours]}}
    user = f'{{ nkey: {link.public}, allowed_connection_types: ["LEAFNODE"], permissions: {json.dumps(rights)} }}'
    limits = "" if link.hub else f"    limits {{ {LIMITS} }}\n"
    return (
        f"  {link.account} {{\n    users: [{'' if link.hub else user}]\n{limits}"
        f"    exports: [{_export(link.said, 'PERISAI')}]\n    imports: [{_import(link.ours, 'PERISAI')}]\n  }}\n"
    )


def _export(subject: str, to: str) -> str:
    return f'{{ stream: "{subject}", accounts: ["{to}"] }}'


def _import(subject: str, whose: str) -> str:
    return f'{{ stream: {{ account: "{whose}", subject: "{subject}" }} }}'


def _user(public: str, publish: tuple[str, ...], subscribe: tuple[str, ...], *, answers: bool = False) -> str:
    rights: dict[str, Any] = {"publish": {"allow": list(publish)}, "subscribe": {"allow": list(subscribe)}}
    if answers:
        rights["allow_responses"] = {"max": 1, "expires": "30s"}
    return f"      {{ nkey: {public}, permissions: {json.dumps(rights)} }}\n"


def _key(path: Path) -> tuple[Path, str]:
    if not path.exists():
        _write(path, nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    try:
        pair = nkeys.from_seed(bytearray(path.read_bytes().strip()))
        return path, bytes(pair.public_key).decode()
    except (nkeys.NkeysError, ValueError, base64.binascii.Error) as error:  # pyright: ignore[reportAttributeAccessIssue]
        raise BadInputError(str(path), "no nkey seed", "one that `perisai keys` wrote") from error


def _write(path: Path, secret: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
