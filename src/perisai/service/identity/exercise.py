"""Accounts for an exercise on this machine: new passwords by chance each time, told to whoever sits at it."""

import ipaddress
import secrets

import msgspec

from .roles import Role
from .store import IdentityStore

_WHO: tuple[tuple[str, Role], ...] = (
    ("exercise-operator", "operator"),
    ("exercise-second", "operator"),
    ("exercise-supervisor", "supervisor"),
)


class ExerciseAccount(msgspec.Struct, frozen=True):
    """One account with its password in clear."""

    name: str
    password: str
    role: Role


def make_exercise_accounts(store: IdentityStore) -> list[ExerciseAccount]:
    """Two operators and a supervisor; those of an earlier start get new passwords."""
    known = {account.name for account in store.accounts()}
    made = [ExerciseAccount(name, secrets.token_urlsafe(12), role) for name, role in _WHO]
    for account in made:
        if account.name in known:
            store.set_password(account.name, account.password)
        else:
            store.add(account.name, account.role, account.password)
    return made


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
