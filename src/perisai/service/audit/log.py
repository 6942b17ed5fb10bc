"""The audit log on disk: one file that only grows, synced before an action counts as taken."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from perisai.model import BadInputError, ResourceError

from .chain import START, Entry, Outcome, seal

LOG_FILE, KEY_FILE, PUBLIC_FILE = "audit.jsonl", "audit.key", "audit.pub"
TAIL_BYTES = 1 << 20
log = structlog.get_logger("audit")


class AuditLog:
    """Appends sealed entries. One process writes a log; a second one in the same directory is refused.

    The key is made at the first start; keep a copy of audit.pub elsewhere: who can replace it can replace the log.
    A full disk never stops an order: entries that cannot be written are counted, kept in memory and written first
    when there is room again.
    """

    def __init__(self, directory: Path, now_us: Callable[[], int]) -> None:
        """now_us: the clock. Raises ResourceError when the directory cannot be written or another process writes it."""
        self.directory = directory
        self._now_us = now_us
        self._lock = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._key = _own_key(directory)
            self._file = os.open(directory / LOG_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise ResourceError(f"{directory}: the audit log cannot be written ({error.strerror})") from error
        try:
            os.lockf(self._file, os.F_TLOCK, 0)
        except OSError as error:
            os.close(self._file)
            raise ResourceError(f"{directory}: another process writes this audit log") from error
        self._number, self._last = self._resume()
        self._waiting, self.unwritten = b"", 0

    def close(self) -> None:
        """Leave the log to another process."""
        os.close(self._file)

    def add(
        self, who: str, role: str, what: str, on: str = "", *, address: str = "", detail: str = "",
        outcome: Outcome = "done",
    ) -> Entry:  # fmt: skip
        """Write one entry; it is on the disk when this returns, or counted in `unwritten`."""
        with self._lock:
            entry = Entry(
                number=self._number + 1, at_us=self._now_us(), who=who[:80], role=role, address=address, what=what,
                on=on[:200], outcome=outcome, detail=detail[:1000], after=self._last,
            )  # fmt: skip
            entry = seal(entry, self._key)
            self._number, self._last = entry.number, entry.hash
            self._waiting += msgspec.json.encode(entry) + b"\n"
            self.unwritten += 1
            self._write()
            return entry

    def _write(self) -> None:
        size = os.fstat(self._file).st_size
        try:
            _write_all(self._file, self._waiting)
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            log.error("audit entries not on disk yet", entries=self.unwritten, reason=error.strerror)
            return
        self._waiting, self.unwritten = b"", 0

    def newest(self, limit: int) -> list[Entry]:
        """The newest entries, newest first, as far as a megabyte reaches."""
        lines = _tail(self.directory / LOG_FILE)
        return [msgspec.json.decode(line, type=Entry) for line in reversed(lines[-limit:])]

    def _resume(self) -> tuple[int, str]:
        """Number and hash of the last whole entry; half a line that a crash left behind is cut off."""
        size = os.fstat(self._file).st_size
        if not size:
            return 0, START
        data = os.pread(self._file, min(size, TAIL_BYTES), max(0, size - TAIL_BYTES))
        whole = data.rfind(b"\n") + 1
        os.ftruncate(self._file, size - (len(data) - whole))
        lines = data[:whole].splitlines()
        if not lines:
            return 0, START
        try:
            last = msgspec.json.decode(lines[-1], type=Entry)
        except msgspec.DecodeError as error:
            raise BadInputError(
                str(self.directory / LOG_FILE), "its last line is no entry", "a log (see perisai audit verify)"
            ) from error
        return last.number, last.hash


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The key that a log's signatures are checked with. Raises BadInputError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInputError(str(path), "no public key", "the audit.pub of the log") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInputError(str(path), "another kind of key", "an Ed25519 public key")
    return key


def _own_key(directory: Path) -> Ed25519PrivateKey:
    path = directory / KEY_FILE
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        partial = path.with_suffix(".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        os.replace(partial, path)
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInputError(str(path), "another kind of key", "an Ed25519 private key")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (directory / PUBLIC_FILE).write_bytes(public)
    return key


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _tail(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read().splitlines()
    return lines if size <= TAIL_BYTES else lines[1:]
