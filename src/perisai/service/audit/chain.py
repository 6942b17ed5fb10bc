"""The chain: every entry carries the hash of the one before, and a signature over its own.

An entry is one line of JSON. Changing, removing or inserting one breaks every hash behind it; making the hashes anew
needs the signing key. What a chain alone cannot show is that its newest lines are missing: for that the bus keeps a
copy of every entry, and `verify` can be told a head that was noted elsewhere.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Outcome = Literal["done", "refused", "failed"]
START = "0" * 64
"""The hash before the first entry."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what on what, when (us since 1970-01-01 UTC), and how it ended. `after`: hash of the entry before."""

    number: int
    at_us: int
    who: str
    role: str
    address: str
    what: str
    on: str
    outcome: Outcome
    detail: str
    after: str
    hash: str = ""
    signature: str = ""


class Fault(msgspec.Struct, frozen=True):
    """The first line (from 1) at which a log does not hold, and why."""

    line: int
    reason: str


def seal(entry: Entry, key: Ed25519PrivateKey) -> Entry:
    """The entry with its hash and its signature."""
    digest = _digest(entry)
    signature = base64.b64encode(key.sign(bytes.fromhex(digest))).decode()
    return msgspec.structs.replace(entry, hash=digest, signature=signature)


def verify(lines: Iterable[bytes], key: Ed25519PublicKey, head: str = "") -> tuple[int, str, Fault | None]:
    """(entries that hold, hash of the last of them, the first fault or None).

    head: hash of an entry noted earlier that has to be in the log.
    """
    number, last, seen = 0, START, not head
    for line in lines:
        fault = _fault(line, number + 1, last, key)
        if isinstance(fault, str):
            return number, last, Fault(number + 1, fault)
        number, last = number + 1, fault.hash
        seen = seen or last == head
    return number, last, None if seen else Fault(number + 1, f"the entry {head[:16]} noted earlier is missing")


def _fault(line: bytes, number: int, after: str, key: Ed25519PublicKey) -> Entry | str:
    try:
        entry = msgspec.json.decode(line, type=Entry)
        signature = base64.b64decode(entry.signature)
    except (msgspec.DecodeError, ValueError):
        return "not an entry"
    if entry.number != number:
        return f"number {entry.number} where {number} was expected: an entry is missing or was put in"
    if entry.after != after:
        return "does not follow the entry before"
    if entry.hash != _digest(entry):
        return "was changed: its content does not give its hash"
    try:
        key.verify(signature, bytes.fromhex(entry.hash))
    except InvalidSignature:
        return "its signature is not of this key"
    return entry


def _digest(entry: Entry) -> str:
    content: dict[str, Any] = msgspec.to_builtins(entry)
    del content["hash"], content["signature"]
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
