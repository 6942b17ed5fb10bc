"""What anybody may ask: the state of a community, in the fewest words."""

from typing import Any

from litestar import Controller, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from perisai.model import Alert


class PublicController(Controller):
    """`/api/v1/public`: no account, no personal data, nothing kept about who asks."""

    path = "/api/v1/public"

    @get("/areas", sync_to_thread=False)
    def search(
        self,
        state: State,
        q: FromQuery[str] = "",
        lat: FromQuery[float | None] = None,
        lon: FromQuery[float | None] = None,
    ) -> list[dict[str, Any]]:
        """Areas by the beginning of a name, or the one that holds a place (degrees, WGS84)."""
        ground = state.ground
        if lat is not None and lon is not None:
            number = ground.at(lat, lon)
            numbers = [] if number is None else [number]
        else:
            numbers = ground.named(q[:80])
        return [_named(ground, number) | {"parent": ground.areas.parent[number]} for number in numbers]

    @get("/mode", sync_to_thread=False)
    def mode(self, state: State) -> dict[str, str]:
        """Whether what is told is actual, an exercise or a test."""
        return {"mode": state.gateway.picture.mode}

    @get("/areas/{code:str}", sync_to_thread=False)
    def area(self, state: State, code: FromPath[str]) -> dict[str, Any]:
        """One area: level, threat, time to arrival and those around it."""
        ground, picture = state.ground, state.gateway.picture
        if code not in ground.index:
            raise NotFoundException(detail=f"no area with code {code}")
        number = ground.index[code]
        worst = _worst(picture.book.active())
        alert = worst.get(code)
        return _named(ground, number) | {
            "level": alert.level if alert else "none",
            "threat": alert.threat if alert else None,
            "eta_s": _eta_now(alert, picture.now_us) if alert else None,
            "since_us": alert.start_us if alert else None,
            "reason": alert.reason if alert else None,
            "mode": picture.mode,
            "now_us": picture.now_us,
            "neighbours": [
                _named(ground, other)
                | {"level": worst[key].level if (key := ground.areas.code[other]) in worst else "none"}
                for other in ground.neighbours(number)
            ],
        }


def _named(ground: Any, number: int) -> dict[str, Any]:
    return {"code": ground.areas.code[number], "name": ground.areas.name(number), "names": ground.areas.names[number]}


def _worst(alerts: list[Alert]) -> dict[str, Alert]:
    worst: dict[str, Alert] = {}
    for alert in alerts:
        if alert.area not in worst or alert.level == "alarm":
            worst[alert.area] = alert
    return worst


def _eta_now(alert: Alert, now_us: int) -> float | None:
    return None if alert.eta_s is None else max(0.0, alert.eta_s - (now_us - alert.start_us) / 1e6)
