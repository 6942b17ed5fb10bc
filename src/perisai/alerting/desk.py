"""The operators' desk between decision and public: releases, holds, extends and cancels alerts, and alerts by hand."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from perisai.model import Alert, AlertChange, Areas, BadInputError

from . import reason
from .order_book import OrderBook
from .orders import DeskStep, Order, Proposal, Waiting
from .settings import AlertSettings

RANK = {"watch": 1, "alarm": 2}
SECOND_US = 1_000_000


class _Place(msgspec.Struct):
    """All that is going on in one area.

    proposed: what the decision has on; since_us: when it asked to be released; released: it may go out; why: how it
    was released. silenced: an operator ended what these tracks caused. manual: alerted by hand until manual_until_us.
    held, keep_until_us: nothing ends or comes down. shown: what the public was told. over: proposed's end, this step.
    """

    proposed: Alert | None = None
    since_us: int = 0
    released: bool = True
    why: str = ""
    silenced: tuple[int, ...] | None = None
    manual: Alert | None = None
    manual_until_us: int = 0
    held: bool = False
    keep_until_us: int = 0
    shown: Alert | None = None
    over: Alert | None = None
    ended_by: str = ""


class _State(msgspec.Struct):
    version: int
    places: dict[str, _Place]
    orders: bytes


class Desk:
    """Alert changes of the decision in, those that go out; operators' orders with their answers. Pure and exact.

    With release = "automatic" and no orders, what comes in goes out as it is. With "confirm" an alert waits until an
    operator releases it, or until `release_after_s` of its kind has passed; while it waits, what was on stays on.
    """

    def __init__(self, areas: Areas, settings: AlertSettings | None = None) -> None:
        self.settings = settings or AlertSettings()
        self._people = dict(zip(areas.code, (int(p) for p in np.asarray(areas.population)), strict=True))
        self._places: dict[str, _Place] = {}
        self._orders = OrderBook(self._people, self.settings.operators)

    def step(self, changes: Sequence[AlertChange], orders: Iterable[Order], end_us: int) -> DeskStep:
        """One frame that ended at end_us: the decision's changes (none between beats) and the orders given in it."""
        touched: dict[str, None] = {}
        for change in changes:
            touched[change.alert.area] = None
            self._take(change)
        shown = {area for area, place in self._places.items() if place.shown is not None}
        pending = {area for area, place in self._places.items() if _pends(place)}
        taken, answers = self._orders.step(orders, shown, pending, end_us)
        for order in taken:
            self._do(order, end_us)
        touched |= dict.fromkeys(sorted(self._places))
        out = [done for area in touched if area in self._places for done in self._settle(area, end_us)]
        return DeskStep(out, answers)

    def proposals(self) -> list[Proposal]:
        """What waits to be released, by area."""
        waiting = [place for _, place in sorted(self._places.items()) if _pends(place)]
        return [
            Proposal(alert=p.proposed, since_us=p.since_us, releases_us=self._releases_us(p))
            for p in waiting
            if p.proposed is not None
        ]

    def waiting(self) -> list[Waiting]:
        """The orders that wait for a second operator, oldest first."""
        return self._orders.waiting()

    def shown(self) -> list[Alert]:
        """What the public is told, by area."""
        return [place.shown for _, place in sorted(self._places.items()) if place.shown is not None]

    def kept(self) -> dict[str, int | None]:
        """Areas whose alert an operator holds (None) or has extended (until when, us)."""
        places = sorted(self._places.items())
        return {area: None if p.held else p.keep_until_us for area, p in places if p.held or p.keep_until_us}

    def checkpoint(self) -> bytes:
        """All that is needed to go on as if nothing had happened."""
        return msgspec.msgpack.encode(_State(1, self._places, self._orders.checkpoint()))

    @classmethod
    def restore(cls, blob: bytes, areas: Areas, settings: AlertSettings | None = None) -> "Desk":
        """The desk as it was at the checkpoint. Raises BadInputError when the blob is not one."""
        made = cls(areas, settings)
        try:
            state = msgspec.msgpack.decode(blob, type=_State)
            made._orders.restore(state.orders)
        except msgspec.MsgspecError as error:
            raise BadInputError("desk checkpoint", str(error), "bytes of Desk.checkpoint()") from error
        made._places = state.places
        return made

    def _take(self, change: AlertChange) -> None:
        """A change of the decision: what it proposes from now on for its area."""
        alert = change.alert
        place = self._places.setdefault(alert.area, _Place())
        if change.kind == "ended":
            place.over, place.proposed = alert, None
            return
        before = place.over if place.proposed is None and change.follows else place.proposed
        rises = before is None or RANK[alert.level] > RANK[before.level]
        fresh = place.silenced is not None and not set(alert.tracks) <= set(place.silenced)
        place.proposed = alert
        if fresh or (change.kind == "raised" and (rises or not change.follows)):
            place.silenced = None
            place.released, place.since_us, place.why = not self._confirm, change.at_us, ""

    @property
    def _confirm(self) -> bool:
        return self.settings.operators.release == "confirm"

    def _releases_us(self, place: _Place) -> int | None:
        assert place.proposed is not None
        after_s = self.settings.policy(place.proposed.threat).release_after_s
        return None if after_s is None else place.since_us + round(after_s * SECOND_US)

    def _do(self, order: Order, end_us: int) -> None:
        for area in order.areas:
            place = self._places.setdefault(area, _Place())
            if order.kind == "alert":
                said = reason.by_hand(order.level, order.reason)
                place.manual = self._made(area, order.level, order.threat, said, end_us)
                place.manual_until_us = order.until_us or end_us
            elif order.kind == "release" and _pends(place):
                place.released, place.why = True, reason.RELEASED
            elif order.kind == "hold":
                place.held = True
            elif order.kind == "unhold":
                place.held, place.keep_until_us = False, 0
            elif order.kind == "extend":
                place.keep_until_us = order.until_us or 0
            elif order.kind == "cancel":
                if place.proposed is not None:
                    place.silenced = place.proposed.tracks
                place.manual, place.held, place.keep_until_us = None, False, 0
                place.ended_by = reason.by_order(order.reason)

    def _made(self, area: str, level: str, threat: str, said: str, end_us: int) -> Alert:
        return Alert(
            identifier=reason.identifier(self.settings.prefix, area, level, end_us),
            area=area,
            level=level,  # pyright: ignore[reportArgumentType]
            threat=threat,  # pyright: ignore[reportArgumentType]
            start_us=end_us,
            probability=1.0,
            reason=said,
        )

    def _settle(self, area: str, end_us: int) -> list[AlertChange]:
        """Bring what is shown in line with what is wanted now; forget an area where nothing is left."""
        place = self._places[area]
        if _pends(place):
            due = self._releases_us(place)
            if due is not None and end_us >= due:
                place.released, place.why = True, reason.UNANSWERED
        if place.manual is not None and end_us >= place.manual_until_us:
            place.manual = None
            place.ended_by = reason.TIME_UP
        if place.keep_until_us and end_us >= place.keep_until_us:
            place.keep_until_us = 0
        changes = self._show(area, place, self._wanted(place), end_us)
        place.over, place.ended_by = None, ""
        if place.proposed is None:
            place.silenced = None
            if place.shown is None:
                del self._places[area]
        return changes

    def _wanted(self, place: _Place) -> Alert | None:
        """The alert that should be on: the higher of what is released and what was made by hand; or what is kept."""
        silent = place.proposed is None or not place.released or place.silenced is not None
        options = [alert for alert in (None if silent else place.proposed, place.manual) if alert is not None]
        want = max(options, key=lambda alert: RANK[alert.level]) if options else None
        if place.shown is None:
            return want
        kept = place.held or place.keep_until_us > 0 or _pends(place)
        if kept and RANK[place.shown.level] > (RANK[want.level] if want else 0):
            return place.shown
        return want

    def _show(self, area: str, place: _Place, want: Alert | None, end_us: int) -> list[AlertChange]:
        now = place.shown
        if want is None and now is None:
            return []
        if now is not None and want is not None and now.level == want.level:
            return self._update(place, now, want, end_us)
        changes: list[AlertChange] = []
        follows = ""
        if now is not None:
            changes.append(AlertChange("ended", self._ended(place, now, want, end_us), end_us))
            follows = now.identifier if want is not None else ""
            place.shown = None
        if want is not None:
            place.shown = self._started(area, place, want, end_us)
            changes.append(AlertChange("raised", place.shown, end_us, follows))
        return changes

    def _update(self, place: _Place, now: Alert, want: Alert, end_us: int) -> list[AlertChange]:
        if (now.threat, now.tracks) == (want.threat, want.tracks) or want is place.manual:
            return []
        place.shown = msgspec.structs.replace(now, threat=want.threat, tracks=want.tracks)
        return [AlertChange("updated", place.shown, end_us)]

    def _ended(self, place: _Place, now: Alert, want: Alert | None, end_us: int) -> Alert:
        if place.over is not None and place.over.identifier == now.identifier and not place.ended_by:
            return msgspec.structs.replace(place.over, threat=now.threat, tracks=now.tracks)
        raised = want is not None and RANK[want.level] > RANK[now.level]
        why = place.ended_by or (reason.RAISED if raised else reason.PASSED)
        return msgspec.structs.replace(now, end_us=end_us, reason=reason.ended(now.reason, why))

    def _started(self, area: str, place: _Place, want: Alert, end_us: int) -> Alert:
        """The alert as told from now on: it starts when it goes out, not when it was proposed."""
        if want.start_us == end_us and not place.why:
            return want
        eta_s = None if want.eta_s is None else max(0.0, want.eta_s - (end_us - want.start_us) / SECOND_US)
        said = want.reason if want is place.manual or not place.why else reason.ended(want.reason, place.why)
        return msgspec.structs.replace(
            want,
            identifier=reason.identifier(self.settings.prefix, area, want.level, end_us),
            start_us=end_us,
            eta_s=eta_s,
            reason=said,
        )


def _pends(place: _Place) -> bool:
    return place.proposed is not None and not place.released and place.silenced is None
