"""Who somebody is and what that lets them do: accounts, sessions, second factor."""

from .roles import MAY, ROLES, Leave, Role
from .store import Account, IdentityStore, Session

__all__ = ["MAY", "ROLES", "Account", "IdentityStore", "Leave", "Role", "Session"]
