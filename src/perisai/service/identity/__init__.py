"""Who somebody is and what that lets them do: accounts, sessions, second factor."""

from .exercise import ExerciseAccount, is_loopback, make_exercise_accounts
from .roles import MAY, ROLES, Leave, Role
from .settings import IdentitySettings, OidcSettings
from .store import FILE, Account, IdentityStore, Session
from .throttle import Throttle, per_minute
from .totp import provisioning_uri

__all__ = [
    "FILE",
    "MAY",
    "ROLES",
    "Account",
    "ExerciseAccount",
    "IdentitySettings",
    "IdentityStore",
    "Leave",
    "OidcSettings",
    "Role",
    "Session",
    "Throttle",
    "is_loopback",
    "make_exercise_accounts",
    "per_minute",
    "provisioning_uri",
]
