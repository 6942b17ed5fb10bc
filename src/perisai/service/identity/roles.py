"""The roles of people and partners, and what each may do."""

from typing import Literal, get_args

Role = Literal["viewer", "operator", "supervisor", "admin", "partner"]
Leave = Literal["view", "act", "approve", "audit", "accounts", "share"]

ROLES: tuple[Role, ...] = get_args(Role)
MAY: dict[Role, frozenset[Leave]] = {
    "viewer": frozenset({"view"}),
    "operator": frozenset({"view", "act", "approve"}),
    "supervisor": frozenset({"view", "act", "approve", "audit"}),
    # Who makes accounts raises no alert: two accounts of one's own would be two operators.
    "admin": frozenset({"view", "audit", "accounts"}),
    "partner": frozenset({"share"}),
}
