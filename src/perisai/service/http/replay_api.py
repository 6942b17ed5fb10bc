"""The past over HTTP: what is on disk, a replay of it as a socket of ticks, and why things were as they were then."""

import asyncio
from typing import Any

import msgspec
from litestar import Controller, WebSocket, get, websocket
from litestar.datastructures import State
from litestar.exceptions import NotFoundException, ValidationException, WebSocketDisconnect
from litestar.params import FromPath, FromQuery

from perisai.model import NOT_JSON
from perisai.recording import Reel

from ..partners.settings import layer_names
from ..picture import point_of
from ..rewind import Rewind, alarms_over, alerts_then, foreseen_then, track_then
from ..track_columns import is_neutral
from .guard import needs_view

TICK_S = 0.5
FASTEST = 1000.0
MOST_REPLAYS = 20
"""Replays at once: each reads files and keeps a picture of its own."""


class ReplayController(Controller):
    """`/api/v1/replay`: the recording this service writes."""

    path = "/api/v1/replay"

    @get("/", guards=[needs_view], sync_to_thread=True)
    def span(self, state: State) -> dict[str, Any]:
        """The time that can be gone back to, µs (null while nothing is on disk); areas under alarm over it."""
        span = state.reel.span()
        if span is None:
            return {"first_us": None, "last_us": None, "alarms": []}
        alerts = state.gateway.picture.book.all(since_us=span[0])
        return {"first_us": span[0], "last_us": span[1], "alarms": alarms_over(alerts, *span)}

    @get("/tracks/{track:int}/history", guards=[needs_view], sync_to_thread=True)
    def history(self, state: State, track: FromPath[int], at_us: FromQuery[int]) -> dict[str, Any]:
        """As `/tracks/{track}/history`, as it was known at a time."""
        rows = track_then(state.reel, track, at_us).to_pylist()
        if not rows:
            raise NotFoundException(detail=f"no track {track} in the picture of that time")
        points = [point_of(row, int(row["time"].timestamp() * 1e6)) for row in rows]
        foreseen = [row for row in foreseen_then(state.reel, at_us).to_pylist() if row["track"] == track]
        foreseen.sort(key=lambda row: -row["probability"])
        return {"track": rows[-1], "neutral": is_neutral(rows[-1]), "history": points, "forecasts": foreseen}

    @get("/areas/{code:str}/timeline", guards=[needs_view], sync_to_thread=True)
    def timeline(self, state: State, code: FromPath[str], at_us: FromQuery[int]) -> dict[str, Any]:
        """As `/areas/{code}/timeline`, as it was known at a time."""
        if code not in state.ground.index:
            raise NotFoundException(detail=f"no area with code {code}")
        foreseen = [row for row in foreseen_then(state.reel, at_us).to_pylist() if row["area"] == code]
        return {
            "code": code,
            "names": state.ground.areas.names[state.ground.index[code]],
            "alerts": [msgspec.to_builtins(alert) for alert in alerts_then(state.reel, code, at_us)],
            "forecasts": sorted(foreseen, key=lambda row: -row["probability"]),
            "now_us": at_us,
        }


@websocket("/api/v1/replay/live", guards=[needs_view])
async def replay(socket: WebSocket[Any, Any, Any], at_us: FromQuery[int], speed: FromQuery[float] = 1.0) -> None:
    """Ticks as `/live` sends them, of the past from `at_us` on at `speed` (0 holds).

    The console may send JSON: {"at_us": ...} to go elsewhere, {"speed": ...} to go on faster or slower. A slow console
    slows its own replay; nothing queues.
    """
    state = socket.app.state
    if state.replays >= MOST_REPLAYS:
        raise ValidationException(detail=f"{MOST_REPLAYS} replays run already")
    await socket.accept()
    state.replays += 1
    try:
        names = layer_names(state.config.partner)
        await _play(socket, Rewind(state.reel, state.config.service.mode, state.sensors, names), at_us, speed)
    except (WebSocketDisconnect, RuntimeError):
        pass
    except _BadOrder as error:
        await socket.close(code=1008, reason=str(error)[:120])
    finally:
        state.replays -= 1


async def _play(socket: WebSocket[Any, Any, Any], rewind: Rewind, at_us: int, speed: float) -> None:
    goto: int | None = at_us
    speed = _checked(speed)
    while True:
        if goto is not None:
            await asyncio.to_thread(rewind.seek, goto)
            seen = 0
        else:
            seen = rewind.picture.version
            await asyncio.to_thread(rewind.step, int(speed * TICK_S * 1e6))
        await socket.send_bytes(rewind.picture.tick(seen, 0.0))
        goto, speed = await _orders(socket, speed)


async def _orders(socket: WebSocket[Any, Any, Any], speed: float) -> tuple[int | None, float]:
    """What the console asks for within a tick; a held replay waits for it."""
    try:
        async with asyncio.timeout(TICK_S if speed > 0 else None):
            text = await socket.receive_text()
    except TimeoutError:
        return None, speed
    try:
        order = msgspec.json.decode(text, type=_Order)
    except NOT_JSON as error:
        raise _BadOrder(str(error)) from error
    return order.at_us, speed if order.speed is None else _checked(order.speed)


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    at_us: int | None = None
    speed: float | None = None


class _BadOrder(Exception):
    pass


def _checked(speed: float) -> float:
    if not 0 <= speed <= FASTEST:
        raise _BadOrder(f"speed {speed}: 0 to {FASTEST:g} expected")
    return speed


def replay_state(directory: str) -> dict[str, Any]:
    """What the handlers here need in the state of the application."""
    return {"reel": Reel(directory), "replays": 0}
