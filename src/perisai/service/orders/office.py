"""What an operator asks for over HTTP, made into an order on the bus, and the alerter's answer to it."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec

from perisai.alerting import Answer, Order, OrderKind
from perisai.model import Areas, BadInputError, Level, Threat

from ..audit import AuditLog
from ..bus import ORDERS, Bus
from ..identity import Account
from ..picture import Picture
from .reach import areas_within, population

EXTEND_MINUTES = 10.0
ANSWER_S = 3.0
MINUTE_US = 60_000_000


class OrderRefused(Exception):
    """Why an order is not given, with the HTTP status that says so."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)


class Office:
    """One per console server. The time of an order is the picture's, so that it fits a night that is played."""

    def __init__(
        self, bus: Bus, picture: Picture, areas: Areas, audit: AuditLog, two_operators_people: int,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._bus, self._picture, self._areas, self._audit = bus, picture, areas, audit
        self._two_operators_people, self._clock_us = two_operators_people, clock_us
        self._codes = frozenset(areas.code)

    def on_alert(self, by: Account, identifier: str, what: str, minutes: float | None, reason: str) -> Order:
        """The order on an alert that is on or waits to be released. Raises OrderRefused."""
        desk = self._picture.desk
        waits = next((one["area"] for one in desk["pending"] if one["identifier"] == identifier), None)
        book = self._picture.book
        known = [alert for alert in book.alerts() if alert.identifier == identifier]
        known = known or [alert for alert in book.all() if alert.identifier == identifier]
        if waits is None and not known:
            raise OrderRefused(404, f"no alert {identifier[:80]}")
        if waits is None and known[-1].end_us is not None:
            raise OrderRefused(409, "the alert has ended")
        area = waits or known[-1].area
        kind: OrderKind = what  # pyright: ignore[reportAssignmentType]
        if what == "release" and waits is None:
            if area not in desk["kept"]:
                raise OrderRefused(409, "the alert neither waits to be released nor is it held")
            kind = "unhold"
        if what == "cancel" and not reason.strip():
            raise OrderRefused(400, "reason: empty; expected why the alert ends")
        until_us = None
        if what == "extend":
            until_us = self.now_us() + round((minutes or EXTEND_MINUTES) * MINUTE_US)
        return Order(
            identifier=_identifier(), kind=kind, by=by.name, areas=(area,), until_us=until_us, reason=reason.strip()
        )

    def by_hand(
        self, by: Account, codes: list[str], polygon: dict[str, Any] | None, level: Level, threat: Threat,
        minutes: float, text: str,
    ) -> Order:  # fmt: skip
        """The order that raises an alert by hand. Raises OrderRefused."""
        return Order(
            identifier=_identifier(), kind="alert", by=by.name, areas=self.reached(codes, polygon), level=level,
            threat=threat, until_us=self.now_us() + round(minutes * MINUTE_US), reason=text.strip(),
        )  # fmt: skip

    def reached(self, codes: list[str], polygon: dict[str, Any] | None) -> tuple[str, ...]:
        """Codes of the areas meant. Raises OrderRefused."""
        if bool(codes) == (polygon is not None):
            raise OrderRefused(400, "areas, polygon: expected one of the two")
        unknown = next((code for code in codes if code not in self._codes), None)
        if unknown is not None:
            raise OrderRefused(404, f"no area with code {unknown[:40]}")
        try:
            reached = tuple(dict.fromkeys(codes)) if polygon is None else areas_within(self._areas, polygon)
        except BadInputError as error:
            raise OrderRefused(400, str(error)) from error
        if not reached:
            raise OrderRefused(400, "polygon: covers no area; expected one that does")
        return reached

    def preview(self, areas: tuple[str, ...]) -> dict[str, Any]:
        """Whom an alert by hand for these areas would reach."""
        people = population(self._areas, areas)
        return {"areas": list(areas), "people": people, "two_operators": people > self._two_operators_people}

    def on_proposal(self, by: Account, of: str, kind: OrderKind, reason: str) -> Order:
        """The order on another order that waits for a second operator. Raises OrderRefused."""
        waits = next((one for one in self._picture.desk["proposals"] if one["order"] == of), None)
        if waits is None:
            raise OrderRefused(404, f"no proposal {of[:40]} waits")
        if kind == "approve" and waits["by"] == by.name:
            raise OrderRefused(403, "who proposes cannot approve; a second operator is needed")
        return Order(
            identifier=_identifier(), kind=kind, by=by.name, areas=tuple(waits["areas"]), of=of, reason=reason.strip()
        )

    async def give(self, by: Account, order: Order, address: str) -> tuple[int, dict[str, Any]]:
        """Write the order down, put it on the bus and wait a little for its answer: HTTP status and body."""
        people = population(self._areas, order.areas)
        heard = self._picture.await_answer(order.identifier)
        try:
            await asyncio.to_thread(self._write, by, order, people, address)
            data = msgspec.json.encode(order)
            await self._bus.publish(ORDERS, data, f"order-{order.identifier}", self.now_us())
            try:
                answer: Answer | None = await asyncio.wait_for(heard, ANSWER_S)
            except TimeoutError:
                answer = None
        finally:
            self._picture.forget_answer(order.identifier)
        if answer is not None and answer.status == "refused":
            await asyncio.to_thread(self._write, by, order, people, address, answer.why)
            raise OrderRefused(409, answer.why)
        status = answer.status if answer else "sent"
        body = {"order": order.identifier, "status": status, "why": answer.why if answer else ""}
        return 200 if answer else 202, body | {"people": people, "areas": list(order.areas)}

    def now_us(self) -> int:
        """The time of the picture; of the clock before there is one."""
        return max(self._picture.input_us, self._picture.now_us) or self._clock_us()

    def _write(self, by: Account, order: Order, people: int, address: str, refused: str = "") -> None:
        more = len(order.areas) - 20
        areas = " ".join(order.areas[:20]) + (f" and {more} more" if more > 0 else "")
        detail = refused or f"{order.level} {order.threat}, {people} people in {areas}: {order.reason}"
        subject = order.of or order.identifier
        outcome = "refused" if refused else "done"
        self._audit.add(by.name, by.role, order.kind, subject, address=address, detail=detail, outcome=outcome)


def _identifier() -> str:
    return secrets.token_hex(8)
