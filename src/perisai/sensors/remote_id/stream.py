"""Remote ID as it comes: raw payloads or JSON of a receiver, one to a datagram or MQTT message."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from perisai.model import NOT_JSON, Sensor

from ..imported import Imported
from ..rows import Rows
from .messages import GROUND, KINDS, NAN, BasicId, Location, decode, unpack
from .receivers import read

IDENTITY_S = 60.0
"""How long an identity holds for the later places of its transmitter: both are sent at least every 3 s."""

HOUR_S = 3600.0
AHEAD_S = 5.0
"""A receiver whose clock is farther ahead, or an hour behind, tells another zone or nothing: the receipt counts."""

CLOCK_S = 60.0
"""A drone's clock farther off than this is not used."""

MOST_TRANSMITTERS = 100_000


class RemoteIdStream:
    """What one receiver hears. Places take the identity that their transmitter told last.

    Detections bear no label: `drone` is the class of what attacks, and who tells of himself is not known to be that.
    """

    def __init__(self, sensors: Sequence[Sensor] = (), sensor: str = "", live: bool = True) -> None:
        """sensor: that detections are booked on; without one, the only sensor of kind `remote_id`, else `remote_id`.

        live: messages are taken as they are heard; in a file, the times that a receiver wrote are all there is.
        """
        self._live = live
        mine = [one.id for one in sensors if one.kind == "remote_id"]
        self._sensor = sensor or (mine[0] if len(mine) == 1 else "remote_id")
        self._rows = Rows(sensors)
        self._identities: dict[str, tuple[float, BasicId]] = {}

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported:
        """Detections of messages: (time of receipt, microseconds since 1970 UTC; one payload or JSON document)."""
        counts, rejects = Counter[str](), Counter[str]()
        for received_us, data in chunks:
            if data.lstrip()[:1] in (b"{", b"["):
                self.document(data, received_us, counts, rejects)
            else:
                self.payload(data, "", received_us, counts, rejects)
        return self.drain(counts, rejects)

    def drain(self, counts: Counter[str], rejects: Counter[str]) -> Imported:
        return Imported(self._rows.take(rejects), counts, rejects)

    def document(self, text: bytes, received_us: int, counts: Counter[str], rejects: Counter[str]) -> None:
        """A JSON document, or a list of documents of several drones."""
        try:
            document: Any = msgspec.json.decode(text)
        except NOT_JSON:
            rejects["remote_id: not JSON"] += 1
            return
        # DroneID writes the messages of one drone as a list of objects; others a list of drones, each with a place.
        several = isinstance(document, list) and sum(_has_place(one) for one in document) > 1
        for one in document if several else [document]:
            told = read(one)
            if isinstance(told, str):
                rejects[f"remote_id: {told}"] += 1
                continue
            at_us = received_us if told.time_s is None else round(told.time_s * 1e6)
            if self._live and not received_us - HOUR_S * 1e6 < at_us < received_us + AHEAD_S * 1e6:
                counts["remote_id clock of the receiver off"] += 1
                at_us = received_us
            if told.payload is not None:
                self.payload(told.payload, told.transmitter, at_us, counts, rejects)
                continue
            key = told.transmitter or (told.identity.identity if told.identity else "")
            if told.identity is not None:
                counts["remote_id basic id"] += 1
                self._remember(key, at_us / 1e6, told.identity)
            if told.location is not None:
                counts["remote_id location"] += 1
                self._place(told.location, key, at_us, at_us, rejects)

    def payload(
        self, data: bytes, transmitter: str, received_us: int, counts: Counter[str], rejects: Counter[str]
    ) -> None:
        """A raw message or a pack of them."""
        messages = unpack(data)
        if isinstance(messages, str):
            rejects[f"remote_id: {messages}"] += 1
            return
        decoded = [decode(message) for message in messages]
        # The identity of a pack holds for its place, whichever comes first.
        for one in decoded:
            if isinstance(one, BasicId):
                counts["remote_id basic id"] += 1
                self._remember(transmitter, received_us / 1e6, one)
        for one in decoded:
            if isinstance(one, Location):
                counts["remote_id location"] += 1
                self._place(one, transmitter, _time_us(one.tenths, received_us), received_us, rejects)
            elif isinstance(one, int):
                counts[f"remote_id {KINDS[one]}"] += 1
            elif isinstance(one, str):
                rejects[f"remote_id: {one}"] += 1

    def _remember(self, transmitter: str, at_s: float, told: BasicId) -> None:
        if not told.identity:
            return
        before = self._identities.get(transmitter)
        # A drone may tell its serial number and a session: the serial number stays.
        if before is not None and at_s - before[0] <= IDENTITY_S and before[1].kind == 1 and told.kind != 1:
            return
        if len(self._identities) >= MOST_TRANSMITTERS:
            self._identities.clear()
        self._identities[transmitter] = (at_s, told)

    def _place(self, told: Location, transmitter: str, time_us: int, received_us: int, rejects: Counter[str]) -> None:
        if told.status == GROUND:
            rejects["remote_id: on ground"] += 1
            return
        if math.isnan(told.lat):
            rejects["remote_id: no position"] += 1
            return
        at_s, basic = self._identities.get(transmitter, (-math.inf, None))
        identity = basic.identity if basic is not None and abs(received_us / 1e6 - at_s) <= IDENTITY_S else None
        angle = math.radians(told.track_deg)
        self._rows.add(
            time_us,
            received_us,
            self._sensor,
            identity or transmitter,
            lat=told.lat,
            lon=told.lon,
            alt_m=told.pressure_m if math.isnan(told.geodetic_m) else told.geodetic_m,
            ve_mps=told.speed_mps * math.sin(angle),
            vn_mps=told.speed_mps * math.cos(angle),
            vu_mps=NAN if math.isnan(told.speed_mps * angle) else told.climb_mps,
            sigma_m=told.sigma_m,
            address=identity,
        )


def _has_place(document: Any) -> bool:
    told = read(document)
    return not isinstance(told, str) and (told.location is not None or told.payload is not None)


def _time_us(tenths: int | None, received_us: int) -> int:
    """The time told, tenths of a second after the hour, in the hour that sets it nearest to the receipt."""
    if tenths is None:
        return received_us
    received_s = received_us / 1e6
    off_s = (tenths / 10.0 - received_s + HOUR_S / 2) % HOUR_S - HOUR_S / 2
    return received_us + round(off_s * 1e6) if abs(off_s) <= CLOCK_S else received_us
