"""`perisai user` and `perisai audit`: accounts, and whether the audit log holds."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from perisai.model import BadInputError

from ..audit import verify
from ..audit.log import LOG_FILE, PUBLIC_FILE, read_public_key
from ..config import Config, load_config
from ..identity import FILE, IdentityStore, Role, provisioning_uri
from .output import say, show
from .stages import Json

user = App(name="user", help="Accounts of operators and partners.")
audit = App(name="audit", help="The log of what operators did.")
ConfigFile = Annotated[Path | None, Parameter(name="--config")]


@user.command
def add(name: str, /, *, role: Role, config: ConfigFile = None) -> None:
    """A new account; asks for its password, or reads one line of standard input.

    Example: perisai user add olena --role operator --config perisai.toml

    Args:
        name: 1 to 40 of a-z, 0-9, dot, dash and underscore.
        role: viewer, operator, supervisor, admin or partner.
        config: the perisai.toml of the service.
    """
    _store(config, make=True).add(name, role, _password())
    say(f"added {name} as {role}")


@user.command(name="list")
def list_accounts(*, config: ConfigFile = None, json: Json = False) -> None:
    """All accounts.

    Example: perisai user list --config perisai.toml

    Args:
        config: the perisai.toml of the service.
        json: print them as one JSON object.
    """
    rows = {
        account.name: {
            "role": account.role, "second_factor": account.second_factor, "disabled": account.disabled,
            "outside": account.outside,
        }
        for account in _store(config).accounts()
    }  # fmt: skip
    show({"accounts": rows} if json else rows, json)


@user.command(name="role")
def set_role(name: str, role: Role, /, *, config: ConfigFile = None) -> None:
    """Another role; the account is signed out everywhere.

    Example: perisai user role olena supervisor

    Args:
        name: the account.
        role: viewer, operator, supervisor, admin or partner.
        config: the perisai.toml of the service.
    """
    _store(config).set_role(name, role)


@user.command
def password(name: str, /, *, config: ConfigFile = None) -> None:
    """Another password; the account is signed out everywhere.

    Example: perisai user password olena

    Args:
        name: the account.
        config: the perisai.toml of the service.
    """
    _store(config).set_password(name, _password())


@user.command
def second_factor(
    name: str, /, *, config: ConfigFile = None, off: Annotated[bool, Parameter(negative="")] = False
) -> None:
    """A new secret for an authenticator app (six digits, RFC 6238); shown once.

    Example: perisai user second-factor olena

    Args:
        name: the account.
        config: the perisai.toml of the service.
        off: ask for no second factor any more.
    """
    secret = _store(config).set_second_factor(name, not off)
    if secret:
        show({"secret": secret, "uri": provisioning_uri(secret, name)}, False)


@user.command
def disable(name: str, /, *, config: ConfigFile = None) -> None:
    """Lock an account out, at once.

    Example: perisai user disable olena

    Args:
        name: the account.
        config: the perisai.toml of the service.
    """
    _store(config).set_disabled(name, True)


@user.command
def enable(name: str, /, *, config: ConfigFile = None) -> None:
    """Let a locked account in again.

    Example: perisai user enable olena

    Args:
        name: the account.
        config: the perisai.toml of the service.
    """
    _store(config).set_disabled(name, False)


@user.command
def remove(name: str, /, *, config: ConfigFile = None) -> None:
    """Remove an account with its sessions. What it did stays in the audit log.

    Example: perisai user remove olena

    Args:
        name: the account.
        config: the perisai.toml of the service.
    """
    _store(config).remove(name)


@audit.command(name="verify")
def verify_log(directory: Path, /, *, key: Path | None = None, head: str = "", json: Json = False) -> None:
    """Check the chain of the audit log and every signature in it. Exit code 1 when it does not hold.

    Example: perisai audit verify perisai-data/audit --key audit.pub

    Args:
        directory: the audit folder in the data directory.
        key: the public key noted when the log was begun; without it the one beside the log.
        head: hash of an entry noted earlier, which has to be there: shows that nothing was cut off.
        json: print the result as one JSON object.
    """
    path = directory / LOG_FILE
    try:
        with path.open("rb") as lines:
            entries, last, fault = verify(lines, read_public_key(key or directory / PUBLIC_FILE), head)
    except OSError as error:
        raise BadInputError(str(path), error.strerror or "cannot be read", "an audit log") from error
    result = {"holds": fault is None, "entries": entries, "head": last}
    show(result | ({"line": fault.line, "reason": fault.reason} if fault else {}), json)
    if fault:
        raise SystemExit(1)


def _store(config: Path | None, make: bool = False) -> IdentityStore:
    settings = load_config(config) if config else Config()
    directory = Path(settings.service.data)
    if not make and not (directory / FILE).exists():
        raise BadInputError(str(directory / FILE), "no accounts yet", "those that `perisai user add` makes")
    return IdentityStore(directory)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise BadInputError("password", "the two differ", "the same twice")
    return first


def keys(
    directory: Path,
    /,
    *,
    sensor: tuple[str, ...] = (),
    partner: tuple[str, ...] = (),
    hub: tuple[str, ...] = (),
    json: Json = False,
) -> None:
    """Keys and rights for a shared NATS bus: one nkey a role, sensor and partner, and accounts.conf for nats-server.

    Example: perisai keys keys/ --sensor radar-north --sensor 25/201 --partner ro --hub pl=ua

    Args:
        directory: where to write; seeds there already are kept.
        sensor: id of a sensor that publishes by itself (may be given several times).
        partner: id of a partner nation that connects to us; ID=PUBLICKEY when it made its own nkey.
        hub: a partner that we connect to, as ID=OURS: its id, and what we are called there.
        json: print the files as one JSON object.
    """
    from ..nats_accounts import write_accounts

    secrets = write_accounts(directory, sensor, partner, hub)
    show({"accounts": str(directory / "accounts.conf"), "seeds": [str(path) for path in secrets]}, json)
