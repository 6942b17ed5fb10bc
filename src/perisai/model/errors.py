"""The one tree of exceptions. Every message says what was found, where, and what was expected."""

from collections.abc import Iterable

import msgspec

NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes from outside that are not the JSON expected: also for what is no UTF-8, and for a
thousand brackets within each other."""


class PerisaiError(Exception):
    """Base of all errors a user can mend; the command line prints it as one line and exits with 2."""


class BadInputError(PerisaiError):
    """Something given from outside is not what it should be: a file, a row, a field, a setting."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        self.where, self.found, self.expected = where, found, expected
        super().__init__(" ".join(f"{where}: {found}; expected {expected}".splitlines()))  # libraries say more than one


class ResourceError(PerisaiError):
    """The machine cannot give what is needed: a port in use, a full disk, a server that does not start."""


def check_distinct(table: str, field: str, names: Iterable[str]) -> None:
    """Raises BadInputError naming the second when two entries of a settings table have one name in a field."""
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            raise BadInputError(f"{table}.{number}.{field}", f"`{name}` used twice", "names that differ")
        seen.add(name)
