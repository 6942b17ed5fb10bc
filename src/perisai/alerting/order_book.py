"""The orders operators give: checked, taken once, and those that touch many people only when a second one agrees."""

from collections.abc import Iterable, Mapping, Set

import msgspec

from .orders import Answer, Order, Waiting
from .settings import OperatorSettings

REMEMBERED = 4096
"""So many identifiers of orders are remembered, to know one that comes again."""
SECOND_US = 1_000_000
_NEEDS_SHOWN = ("hold", "extend")


class _State(msgspec.Struct):
    waiting: list[Waiting]
    known: list[str]
    alone: dict[str, list[tuple[int, str]]] = {}


class OrderBook:
    """Orders in; those to be done now, and answers, out.

    people: residents per area code. An alert by hand, or a cancel of what is on, for areas of more than
    `two_operators_people` residents is done when another operator approves it (the false alert of Hawaii came from
    one click). The areas that one operator touched alone in the last `sum_s` count together.
    """

    def __init__(self, people: Mapping[str, int], settings: OperatorSettings) -> None:
        self._people = people
        self._settings = settings
        self._waiting: dict[str, Waiting] = {}
        self._known: dict[str, None] = {}
        self._alone: dict[str, list[tuple[int, str]]] = {}

    def step(
        self, orders: Iterable[Order], shown: Set[str], pending: Set[str], end_us: int
    ) -> tuple[list[Order], list[Answer]]:
        """Orders to carry out, in order, and answers. shown, pending: areas with an alert on, or one to be released."""
        taken: list[Order] = []
        answers: list[Answer] = []
        for late in [w for w in self._waiting.values() if end_us >= w.until_us]:
            del self._waiting[late.order.identifier]
            answers.append(_refused(late.order, end_us, "no second operator agreed in time", late.people))
        for order in orders:
            if order.identifier in self._known:
                answers.append(_refused(order, end_us, "an order of this identifier was given before"))
                continue
            self._known[order.identifier] = None
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
            why = self._fault(order, shown, pending, end_us)
            if why:
                answers.append(_refused(order, end_us, why))
            elif order.kind in ("approve", "withdraw"):
                answers += self._second(order, taken, end_us)
            else:
                answers.append(self._first(order, shown, taken, end_us))
        return taken, answers

    def waiting(self) -> list[Waiting]:
        """The orders that wait for a second operator, oldest first."""
        return list(self._waiting.values())

    def checkpoint(self) -> bytes:
        return msgspec.msgpack.encode(_State(self.waiting(), list(self._known), self._alone))

    def restore(self, blob: bytes) -> None:
        """Raises msgspec.MsgspecError when the blob is not of `checkpoint`."""
        state = msgspec.msgpack.decode(blob, type=_State)
        self._waiting = {one.order.identifier: one for one in state.waiting}
        self._known = dict.fromkeys(state.known)
        self._alone = state.alone

    def _first(self, order: Order, shown: Set[str], taken: list[Order], end_us: int) -> Answer:
        people = sum(self._people[area] for area in order.areas)
        # What was only proposed may be refused by one: nobody was promised anything yet.
        touched = set(order.areas) if order.kind == "alert" else {a for a in order.areas if a in shown}
        counted = order.kind in ("alert", "cancel") and bool(touched)
        before = self._alone_of(order.by, end_us)
        whole = sum(self._people[area] for area in touched | {area for _, area in before})
        if counted and whole > self._settings.two_operators_people:
            until_us = end_us + round(self._settings.approval_s * SECOND_US)
            self._waiting[order.identifier] = Waiting(order=order, people=people, until_us=until_us)
            small = sum(self._people[area] for area in touched) <= self._settings.two_operators_people
            why = "needs a second operator" + (", with what you did alone just before" if small else "")
            return Answer(order=order, status="waiting", at_us=end_us, people=people, why=why)
        if counted:
            self._alone[order.by] = [*before, *((end_us, area) for area in sorted(touched))]
        taken.append(order)
        return Answer(order=order, status="done", at_us=end_us, people=people)

    def _alone_of(self, by: str, end_us: int) -> list[tuple[int, str]]:
        """Areas an operator touched without a second one in the last sum_s, and when."""
        since_us = end_us - round(self._settings.sum_s * SECOND_US)
        kept = self._alone[by] = [one for one in self._alone.get(by, []) if one[0] > since_us]
        return kept

    def _second(self, order: Order, taken: list[Order], end_us: int) -> list[Answer]:
        first = self._waiting.pop(order.of)
        if order.kind == "withdraw":
            why = f"withdrawn by {order.by}"
            return [Answer(order=order, status="done", at_us=end_us), _refused(first.order, end_us, why, first.people)]
        late = first.order.until_us is not None and first.order.until_us <= end_us
        if late:
            return [
                _refused(order, end_us, "the time it was to last until has passed"),
                _refused(first.order, end_us, "the time it was to last until has passed", first.people),
            ]
        taken.append(first.order)
        agreed = f"agreed by {order.by}"
        return [
            Answer(order=order, status="done", at_us=end_us, people=first.people),
            Answer(order=first.order, status="done", at_us=end_us, people=first.people, why=agreed),
        ]

    def _fault(self, order: Order, shown: Set[str], pending: Set[str], end_us: int) -> str:
        """What is wrong with an order, or nothing."""
        if not order.by:
            return "by: empty; expected the operator's name"
        if order.kind in ("approve", "withdraw"):
            first = self._waiting.get(order.of)
            if first is None:
                return f"of: {order.of!r}; expected an order that waits for a second operator"
            if order.kind == "approve" and first.order.by == order.by:
                return "the second operator must be another than the first"
            return ""
        unknown = next((area for area in order.areas if area not in self._people), None)
        if unknown is not None or not order.areas:
            return f"areas: {unknown!r}; expected codes of the areas file" if unknown else "areas: none; expected some"
        if order.kind in ("alert", "cancel") and not order.reason.strip():
            return "reason: empty; expected one sentence"
        if order.kind in ("alert", "extend"):
            last_us = end_us + round(self._settings.longest_s * SECOND_US)
            if order.until_us is None or not end_us < order.until_us <= last_us:
                return f"until: expected a time within the next {self._settings.longest_s:g} s"
        concerned = set(order.areas)
        if order.kind in _NEEDS_SHOWN and not concerned & shown:
            return "areas: no alert is on in any of them"
        if order.kind == "release" and not concerned & pending:
            return "areas: nothing waits to be released in any of them"
        if order.kind == "cancel" and not concerned & (shown | pending):
            return "areas: no alert is on or proposed in any of them"
        return ""


def _refused(order: Order, end_us: int, why: str, people: int = 0) -> Answer:
    return Answer(order=order, status="refused", at_us=end_us, people=people, why=why)
