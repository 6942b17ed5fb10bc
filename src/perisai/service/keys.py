"""Keys of this centre: made on the first start and kept in the data directory, unless the settings name others."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from perisai.alerting import Signer, make_key
from perisai.channels.web_push import make_vapid_key
from perisai.model import BadInputError, ResourceError

VAPID_FILE = "vapid.pem"
SIGNING_FILES = ("cap-key.pem", "cap-certificate.pem")
LOCK_FILE = "keys.lock"


class SigningSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[signing]`. sign: whether CAP messages bear a signature. key, certificate: PEM files, relative to the
    configuration file; empty: an elliptic-curve key with a certificate of its own, made in the data directory."""

    sign: bool = True
    key: str = ""
    certificate: str = ""

    def __post_init__(self) -> None:
        if bool(self.key) != bool(self.certificate):
            raise ValueError("key, certificate: one is missing; expected both or neither")


def vapid_key(given: str, data: Path) -> bytes:
    """The server key of Web Push, PEM. Raises BadInputError when a given file cannot be read."""
    if given:
        return _read(Path(given), "a P-256 private key in PEM")
    path = data / VAPID_FILE
    if not path.exists():
        with _alone(data):
            if not path.exists():
                _write(path, make_vapid_key())
    return _read(path, "a P-256 private key in PEM")


def signing_files(settings: SigningSettings, data: Path) -> tuple[Path, Path]:
    """Where the signing key and its certificate are."""
    if settings.key:
        return Path(settings.key), Path(settings.certificate)
    key, certificate = SIGNING_FILES
    return data / key, data / certificate


def cap_signer(settings: SigningSettings, data: Path, sender: str) -> Signer | None:
    """What signs the CAP messages, or nothing when the settings say so. Raises BadInputError naming the file."""
    if not settings.sign:
        return None
    key, certificate = signing_files(settings, data)
    if not settings.key and not (key.exists() and certificate.exists()):
        with _alone(data):
            if not (key.exists() and certificate.exists()):
                pair = make_key(sender[:64], time.time_ns() // 1000, "ec")
                _write(certificate, pair.certificate_pem)
                _write(key, pair.key_pem)
    try:
        return Signer(_read(key, "a private key in PEM"), _read(certificate, "a certificate in PEM"))
    except BadInputError as error:
        raise BadInputError(f"{key}, {certificate}: {error.where}", error.found, error.expected) from error


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One process at a time makes keys: the roles of a centre may start together."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / LOCK_FILE).open("ab")
    except OSError as error:
        raise ResourceError(f"{data / LOCK_FILE}: cannot be written ({error.strerror})") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path, expected: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(str(path), error.strerror or str(error), expected) from error


def _write(path: Path, content: bytes) -> None:
    """A file that only its owner reads, whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except OSError as error:
        raise ResourceError(f"{path}: cannot be written ({error.strerror})") from error
