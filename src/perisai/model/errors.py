"""The one tree of exceptions. Every message says what was found, where, and what was expected."""


class PerisaiError(Exception):
    """Base of all errors a user can mend; the command line prints it as one line and exits with 2."""


class BadInputError(PerisaiError):
    """Something given from outside is not what it should be: a file, a row, a field, a setting."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        self.where, self.found, self.expected = where, found, expected
        super().__init__(f"{where}: {found}; expected {expected}")


class ResourceError(PerisaiError):
    """The machine cannot give what is needed: a port in use, a full disk, a server that does not start."""
