"""What operators may ask of the alerts by hand, and what they are answered. Who may ask is for the service to check."""

from typing import Literal

import msgspec

from perisai.model import Alert, AlertChange, Level, Threat

OrderKind = Literal["alert", "release", "hold", "unhold", "extend", "cancel", "approve", "withdraw"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order of one operator. identifier: unique; an order that comes twice takes effect once. by: who gives it.

    alert: alert areas by hand, at `level`, because of `threat`, until until_us, with a reason people can read.
    release: let out what the decision proposes for areas (mode confirm). hold, unhold: let no alert of areas end or
    come down, until told otherwise. extend: the same until until_us. cancel: end the alerts of areas, or refuse
    what is proposed for them; only other tracks, or an alarm after a watch, raise one there again.
    approve: a second operator agrees to order `of`; withdraw: it is not to be done.
    until_us: us since 1970-01-01 UTC.
    """

    identifier: str
    kind: OrderKind
    by: str
    areas: tuple[str, ...] = ()
    level: Level = "alarm"
    threat: Threat = "other"
    until_us: int | None = None
    of: str = ""
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order: done, waiting for a second operator, or refused with why. people: residents it touches.

    An order that waited is answered again when it is done, withdrawn or nobody agreed in time.
    """

    order: Order
    status: Literal["done", "waiting", "refused"]
    at_us: int
    people: int = 0
    why: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that the decision proposes and an operator has to release.

    since_us: when it was proposed; releases_us: when it goes out by itself, null for never.
    """

    alert: Alert
    since_us: int
    releases_us: int | None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits for a second operator until until_us."""

    order: Order
    people: int
    until_us: int


class DeskStep(msgspec.Struct, frozen=True):
    """What one step of the desk gives: the changes that go out, and the answers to orders."""

    changes: list[AlertChange]
    answers: list[Answer]
