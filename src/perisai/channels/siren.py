"""What a siren needs beside it: hears over MQTT whether its area is under alarm, and drives the siren accordingly.

Runs at the siren, on anything with Python, and needs no right clock. While the line stands the siren does what it is
told; when the line or the centre is lost, an alarm goes on for a while, because the threat does not end with the line,
and then ends by itself.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import aiomqtt
import msgspec

from perisai.model import NOT_JSON

from .mqtt_messages import topic_of
from .siren_reports import REPEAT_S, SirenReport

CHECK_S = 0.5
MAX_BYTES = 65_536


class Siren(Protocol):
    """The driver of a siren: a relay, a serial line, a loudspeaker. Called when it changes only; raises OSError when
    the hardware does not answer, and is then called again."""

    def sound(self) -> None: ...
    def silence(self) -> None: ...


class _State(msgspec.Struct):
    """Of the area's state message, what a siren needs."""

    state: str
    mode: str = "actual"
    identifier: str = ""


class SirenState:
    """Whether to sound, from what was heard and when. exercises: whether to sound in exercises and tests, too.

    hold_s: how long an alarm goes on after the line or the centre was lost. Times are of any steady clock, s.
    rejected: messages that were not understood; they change nothing.
    """

    def __init__(self, *, exercises: bool = False, hold_s: float = 1800.0) -> None:
        self._exercises, self._hold_s = exercises, hold_s
        self._alarm = False
        self.order = ""
        """Identifier of the message that was heard last, empty when none stands."""
        self._lost_s: float | None = None
        self.rejected = 0

    def hear(self, payload: bytes) -> None:
        """A state message of the area."""
        try:
            if len(payload) > MAX_BYTES:
                raise ValueError
            state = msgspec.json.decode(payload, type=_State)
        except (*NOT_JSON, ValueError):
            self.rejected += 1
            return
        self.order = state.identifier[:200]
        self._alarm = state.state == "alarm" and (state.mode == "actual" or self._exercises)

    def linked(self, *, there: bool, now_s: float) -> None:
        """Whether the centre is there."""
        if there:
            self._lost_s = None
        elif self._lost_s is None:
            self._lost_s = now_s

    def sounding(self, now_s: float) -> bool:
        return self._alarm and (self._lost_s is None or now_s < self._lost_s + self._hold_s)


class SirenRelay:
    """Drives a siren of an area and tells what it does, again every minute: PREFIX/AREA/siren/report, with /NAME where
    an area has several, is a `SirenReport`; `lost` when its own line is cut (last will). `run` ends only when
    cancelled, and silences the siren then."""

    def __init__(
        self,
        area: str,
        siren: Siren,
        *,
        name: str = "",
        host: str = "127.0.0.1",
        port: int = 1883,
        username: str = "",
        password: str = "",
        prefix: str = "perisai",
        exercises: bool = False,
        hold_s: float = 1800.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = SirenState(exercises=exercises, hold_s=hold_s)
        self._siren, self._host, self._port, self._clock_s = siren, host, port, clock_s
        self._login = (username or None, password or None)
        self._topic, self._status = f"{prefix}/{topic_of(area)}", f"{prefix}/status"
        self._reports = f"{self._topic}/siren/report" + (f"/{name}" if name else "")
        self._sounds: bool | None = None
        self._does: SirenReport | None = None

    async def run(self) -> None:
        """Listens, drives, and connects again whenever the broker is gone."""
        driving = asyncio.ensure_future(self._drive_alone())
        try:
            while True:
                with contextlib.suppress(aiomqtt.MqttError, OSError):
                    await self._listen()
                self.state.linked(there=False, now_s=self._clock_s())
                await asyncio.sleep(CHECK_S)
        finally:
            driving.cancel()
            self._siren.silence()

    async def _listen(self) -> None:
        will = aiomqtt.Will(self._reports, msgspec.json.encode(SirenReport("lost")), qos=1, retain=True)
        username, password = self._login
        async with aiomqtt.Client(self._host, self._port, username=username, password=password, will=will) as client:
            await client.subscribe([(f"{self._topic}/state", 1), (self._status, 1)])
            reporting = asyncio.ensure_future(self._report(client))
            try:
                async for message in client.messages:
                    payload = bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else b""
                    if str(message.topic) == self._status:
                        self.state.linked(there=payload == b"online", now_s=self._clock_s())
                    else:
                        self.state.hear(payload)
                    self._drive()
            finally:
                reporting.cancel()

    async def _report(self, client: aiomqtt.Client) -> None:
        told, due_s = None, 0.0
        while True:
            now_s = self._clock_s()
            if self._does is not None and (self._does != told or now_s >= due_s):
                told, due_s = self._does, now_s + REPEAT_S
                await client.publish(self._reports, msgspec.json.encode(told), qos=1, retain=True)
            await asyncio.sleep(CHECK_S / 5)

    async def _drive_alone(self) -> None:
        while True:
            self._drive()
            await asyncio.sleep(CHECK_S)

    def _drive(self) -> None:
        wanted, order, fault = self.state.sounding(self._clock_s()), self.state.order, ""
        if wanted != self._sounds:
            try:
                self._siren.sound() if wanted else self._siren.silence()
                self._sounds = wanted
            except OSError as error:
                fault = str(error)[:200] or type(error).__name__
        if fault and self._does is not None:  # it still follows the order before
            order = self._does.order
        elif fault:
            order = ""
        self._does = SirenReport("on" if self._sounds else "off", order, fault)
