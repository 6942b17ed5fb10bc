"""Accounts and sessions in one SQLite file: they outlive a crash, and the command line edits it while the service runs.

Of a password only its Argon2id hash is kept (RFC 9106), of a session only the SHA-256 of its token.
"""

import base64
import contextlib
import hashlib
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from perisai.model import BadInputError, ResourceError

from .roles import Role
from .totp import matching_step, new_secret

FILE = "identity.sqlite"
LEAST_PASSWORD = 12
MOST_PASSWORD = 256
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, secret TEXT NOT NULL DEFAULT '',
    used_step INTEGER NOT NULL DEFAULT 0, disabled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS session (
    token TEXT PRIMARY KEY, name TEXT NOT NULL REFERENCES account(name) ON DELETE CASCADE,
    csrf TEXT NOT NULL, expires_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outside (
    subject TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE REFERENCES account(name) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS begun (
    state TEXT PRIMARY KEY, browser TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL,
    expires_us INTEGER NOT NULL);
"""
_ACCOUNT = "a.name, a.role, a.secret, a.disabled, EXISTS (SELECT 1 FROM outside o WHERE o.name = a.name)"
BEGUN_US = 600_000_000
"""How long somebody may take to sign in at a provider."""
MOST_BEGUN = 1_000


class Account(msgspec.Struct, frozen=True):
    """One person or partner. outside: signs in through a provider, which gives the role, and has no password here."""

    name: str
    role: Role
    second_factor: bool = False
    disabled: bool = False
    outside: bool = False


class Begun(msgspec.Struct, frozen=True):
    """A sign-in at a provider that was begun: `state` goes there and comes back, `browser` is the cookie meanwhile."""

    state: str
    browser: str
    nonce: str
    verifier: str


class Session(msgspec.Struct, frozen=True):
    """One signed-in browser. csrf: what a page has to send back with everything that changes something."""

    account: Account
    csrf: str
    expires_us: int


class IdentityStore:
    """The file. Every method is one transaction; safe from threads and from several processes."""

    def __init__(self, directory: Path, hasher: PasswordHasher | None = None) -> None:
        """directory: of the service's data. hasher: Argon2id of RFC 9106 when not given.

        Raises ResourceError when it cannot be written.
        """
        self.path = directory / FILE
        self._hasher = hasher or PasswordHasher()
        self._hashing = threading.BoundedSemaphore(2)  # 64 MiB and some 50 ms of a core each
        self._decoy = _decoy(self._hasher)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            with self._open() as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ResourceError(f"{self.path}: cannot be written ({error})") from error

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=10.0)
        try:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA synchronous = FULL")
            with db:
                yield db
        finally:
            db.close()

    def add(self, name: str, role: str, password: str) -> None:
        """A new account. Raises BadInputError for a name in use or a bad name, role or password."""
        if not _NAME.fullmatch(name):
            raise BadInputError("name", repr(name), "1 to 40 of a-z, 0-9, dot, dash and underscore")
        hashed = self._hash(password)
        with self._open() as db:
            try:
                db.execute("INSERT INTO account (name, role, password) VALUES (?, ?, ?)", (name, _role(role), hashed))
            except sqlite3.IntegrityError as error:
                raise BadInputError("name", f"{name} is in use", "a new name") from error

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        with self._open() as db:
            return [_account(row) for row in db.execute(f"SELECT {_ACCOUNT} FROM account a ORDER BY 1")]

    def set_role(self, name: str, role: str) -> None:
        """Another role; the account is signed out everywhere."""
        self._change(name, "role", _role(role))

    def set_password(self, name: str, password: str) -> None:
        """Another password; the account is signed out everywhere."""
        self._change(name, "password", self._hash(password))

    def set_second_factor(self, name: str, on: bool = True) -> str:
        """A new secret for an authenticator app, or none; the account is signed out everywhere."""
        secret = new_secret() if on else ""
        self._change(name, "secret", secret)
        return secret

    def set_disabled(self, name: str, disabled: bool = True) -> None:
        """Lock an account out, at once, or let it in again."""
        self._change(name, "disabled", int(disabled))

    def remove(self, name: str) -> None:
        """Remove an account with its sessions."""
        with self._open() as db:
            if not db.execute("DELETE FROM account WHERE name = ?", (name,)).rowcount:
                raise BadInputError("name", f"no account {name}", "one that `perisai user list` shows")

    def check_password(self, name: str, password: str) -> Account | None:
        """The account, or None. Takes as long for a name that does not exist, so that the time tells nothing."""
        with self._open() as db:
            row = db.execute(f"SELECT {_ACCOUNT}, password FROM account a WHERE name = ?", (name,))
            found = row.fetchone()
        try:
            with self._hashing:
                self._hasher.verify(found[5] if found and found[5] else self._decoy, password[:MOST_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        return _account(found[:5]) if found and found[5] and not found[3] else None

    def check_code(self, name: str, code: str, now_s: float) -> bool:
        """Whether this is the account's code of now, not used before."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            found = db.execute("SELECT secret, used_step FROM account WHERE name = ?", (name,)).fetchone()
            step = matching_step(found[0], code, now_s, found[1]) if found and found[0] else None
            if step is not None:
                db.execute("UPDATE account SET used_step = ? WHERE name = ?", (step, name))
        return step is not None

    def sign_in(self, account: Account, now_us: int, lasts_s: float) -> str:
        """A new session; returns its token, which is kept nowhere."""
        token = secrets.token_urlsafe(32)
        row = (_digest(token), account.name, secrets.token_urlsafe(24), now_us + round(lasts_s * 1e6))
        with self._open() as db:
            db.execute("DELETE FROM session WHERE expires_us <= ?", (now_us,))
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?)", row)
        return token

    def session(self, token: str, now_us: int) -> Session | None:
        """The session of a token, while it lasts and the account is not locked."""
        with self._open() as db:
            found = db.execute(
                f"SELECT {_ACCOUNT}, s.csrf, s.expires_us FROM session s JOIN account a "
                "ON a.name = s.name WHERE s.token = ? AND s.expires_us > ? AND a.disabled = 0",
                (_digest(token), now_us),
            ).fetchone()
        return Session(_account(found[:5]), found[5], found[6]) if found else None

    def sign_out(self, token: str) -> None:
        with self._open() as db:
            db.execute("DELETE FROM session WHERE token = ?", (_digest(token),))

    def begin(self, now_us: int) -> Begun:
        """A sign-in at a provider begins; of so many at once the oldest are forgotten."""
        made = Begun(*(secrets.token_urlsafe(32) for _ in range(4)))
        row = (_digest(made.state), _digest(made.browser), made.nonce, made.verifier, now_us + BEGUN_US)
        with self._open() as db:
            db.execute("DELETE FROM begun WHERE expires_us <= ?", (now_us,))
            db.execute("INSERT INTO begun VALUES (?, ?, ?, ?, ?)", row)
            newest = "SELECT state FROM begun ORDER BY expires_us DESC LIMIT ?"
            db.execute(f"DELETE FROM begun WHERE state NOT IN ({newest})", (MOST_BEGUN,))
        return made

    def take_begun(self, state: str, browser: str, now_us: int) -> Begun | None:
        """What was begun with this state by this browser; once, and not after its time."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            asked = "SELECT nonce, verifier FROM begun WHERE state = ? AND browser = ? AND expires_us > ?"
            found = db.execute(asked, (_digest(state), _digest(browser), now_us)).fetchone()
            if found:
                db.execute("DELETE FROM begun WHERE state = ?", (_digest(state),))
        return Begun(state, browser, *found) if found else None

    def enter(self, subject: str, name: str, role: Role) -> Account:
        """The account of somebody for whom a provider vouches, made when it is new; it has the role said now.

        The name stays the one of the first time. Raises BadInputError when that is another account's.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            known = db.execute("SELECT name FROM outside WHERE subject = ?", (subject,)).fetchone()
            if known:
                name = known[0]
                db.execute("UPDATE account SET role = ? WHERE name = ?", (role, name))
            elif db.execute("SELECT 1 FROM account WHERE name = ?", (name,)).fetchone():
                raise BadInputError("name", f"{name} is in use", "a name that no other account has")
            else:
                db.execute("INSERT INTO account (name, role, password) VALUES (?, ?, '')", (name, role))
                db.execute("INSERT INTO outside VALUES (?, ?)", (subject, name))
            return _account(db.execute(f"SELECT {_ACCOUNT} FROM account a WHERE name = ?", (name,)).fetchone())

    def _change(self, name: str, column: str, value: str | int) -> None:
        with self._open() as db:
            if column != "disabled" and db.execute("SELECT 1 FROM outside WHERE name = ?", (name,)).fetchone():
                raise BadInputError(
                    "name", f"{name} signs in through a provider", "password, role and second factor from there"
                )
            if not db.execute(f"UPDATE account SET {column} = ? WHERE name = ?", (value, name)).rowcount:
                raise BadInputError("name", f"no account {name}", "one that `perisai user list` shows")
            db.execute("DELETE FROM session WHERE name = ?", (name,))

    def _hash(self, password: str) -> str:
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise BadInputError("password", f"{len(password)} characters", f"{LEAST_PASSWORD} to {MOST_PASSWORD}")
        with self._hashing:
            return self._hasher.hash(password)


def _account(row: tuple) -> Account:
    return Account(row[0], row[1], bool(row[2]), bool(row[3]), bool(row[4]))


def _role(role: str) -> str:
    if role not in get_args(Role):
        raise BadInputError("role", repr(role), f"one of {', '.join(get_args(Role))}")
    return role


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _decoy(hasher: PasswordHasher) -> str:
    """A hash of nothing: a password is held against it as long as against a real one, and never fits."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${cost}${salt}${digest}"
