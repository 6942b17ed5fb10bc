"""What waits for an operator, as the alerter tells it and the consoles show it (docs/operator-api.md)."""

from typing import Any

import msgspec

from perisai.alerting import Answer, Desk, Order


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it was carried out: at_us, behind the frame that ended at after_us; without an order, what time did.

    With these, a replay carries out the same orders at the same place.
    """

    at_us: int
    after_us: int
    answers: list[Answer]
    order: Order | None = None


def desk_view(desk: Desk) -> dict[str, Any]:
    """Orders that wait for a second operator, alerts that wait to be released, and areas kept by hand."""
    proposals = [
        {
            "order": waiting.order.identifier, "kind": waiting.order.kind, "by": waiting.order.by,
            "areas": list(waiting.order.areas), "people": waiting.people, "level": waiting.order.level,
            "threat": waiting.order.threat, "until_us": waiting.order.until_us, "text": waiting.order.reason,
            "expires_us": waiting.until_us,
        }
        for waiting in desk.waiting()
    ]  # fmt: skip
    pending = [
        {
            "identifier": one.alert.identifier, "area": one.alert.area, "level": one.alert.level,
            "threat": one.alert.threat, "probability": one.alert.probability, "eta_s": one.alert.eta_s,
            "tracks": list(one.alert.tracks), "reason": one.alert.reason, "since_us": one.since_us,
            "releases_us": one.releases_us,
        }
        for one in desk.proposals()
    ]  # fmt: skip
    return {"proposals": proposals, "pending": pending, "kept": desk.kept()}


EMPTY: dict[str, Any] = {"proposals": [], "pending": [], "kept": {}}
