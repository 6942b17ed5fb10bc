"""The picture as it was: a recording read back into a picture of its own, from any time at any speed."""

from collections.abc import Iterable

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import Alert, AlertChange, Mode, Sensor, time_us
from perisai.recording import Reel, thin

from .picture import HISTORY_STEP_US, Picture
from .pipeline import AlertBook

LIVING_US = 180_000_000
"""A track without a row for so long has ended: no need to look further back for it."""

FORESEEN_US = 60_000_000
"""Forecasts older than this are no longer held."""

HEARD_US = 120_000_000
HISTORY_US = 1_200_000_000


class Rewind:
    """A picture of the past that moves on by itself. Reads files: call it from a thread."""

    def __init__(
        self, reel: Reel, mode: Mode, sensors: list[Sensor], partners: dict[str, dict[str, str]] | None = None
    ) -> None:
        """partners: names by language of those whose tracks are taken."""
        self._reel, self._sensors, self._partners = reel, sensors, partners
        self._mode: Mode = mode
        self.picture = Picture(mode, sensors, partners, AlertBook(keep_us=0))
        self.at_us = 0

    def seek(self, at_us: int) -> None:
        """Begin anew with the picture as it was known at a time."""
        self.picture = Picture(self._mode, self._sensors, self._partners, AlertBook(keep_us=0))
        self._take(0, at_us)

    def step(self, by_us: int) -> None:
        """Move on; at the end of what is on disk the picture stays as it is."""
        span = self._reel.span()
        until_us = min(self.at_us + by_us, span[1]) if span else self.at_us
        if until_us > self.at_us:
            self._take(self.at_us, until_us)

    def _take(self, after_us: int, until_us: int) -> None:
        picture, reel = self.picture, self._reel
        for text in reel.rows("changes", after_us, until_us)["change"].to_pylist():
            picture.take_change(msgspec.json.decode(text, type=AlertChange))
        heard = reel.rows("detections", max(after_us, until_us - HEARD_US), until_us)
        for row in heard.group_by("sensor").aggregate([("received", "max")]).to_pylist():
            picture.hear(row["sensor"], int(row["received_max"].timestamp() * 1e6))
        rows = reel.rows("tracks", max(after_us, until_us - LIVING_US), until_us)
        picture.take_tracks(thin(rows, HISTORY_STEP_US), until_us)
        theirs = reel.rows("partners", max(after_us, until_us - LIVING_US), until_us)
        for partner in theirs["partner"].unique().to_pylist():
            given = theirs.filter(pc.equal(theirs["partner"], partner))
            picture.take_partner(partner, given, int(time_us(given["time"]).max()))
        foreseen = foreseen_then(reel, until_us)
        if foreseen.num_rows:
            picture.take_forecasts(foreseen)
        picture.input_us = picture.now_us
        self.at_us = until_us


def track_then(reel: Reel, track: int, at_us: int) -> pa.Table:
    """The rows of a track in the 20 minutes up to a time, the newest last; empty when it did not live then."""
    rows = reel.rows("tracks", at_us - HISTORY_US, at_us)
    return thin(rows.filter(pc.equal(rows["track"], track)), HISTORY_STEP_US)


def foreseen_then(reel: Reel, at_us: int) -> pa.Table:
    """The forecasts that were held at a time."""
    rows = reel.rows("forecasts", at_us - FORESEEN_US, at_us)
    if rows.num_rows == 0:
        return rows
    times = time_us(rows["time"])
    return rows.filter(pa.array(times == times.max()))


def alerts_then(reel: Reel, area: str, at_us: int) -> list[Alert]:
    """The alerts of an area as they stood at a time, the newest first."""
    book = AlertBook()
    for text in reel.rows("changes", 0, at_us)["change"].to_pylist():
        if area in text:
            book.apply(msgspec.json.decode(text, type=AlertChange))
    return sorted((alert for alert in book.alerts() if alert.area == area), key=lambda alert: -alert.start_us)


def alarms_over(alerts: Iterable[Alert], first_us: int, last_us: int, bins: int = 160) -> list[int]:
    """How many areas were under alarm in the middle of each of equal parts of a span."""
    middles = np.linspace(first_us, last_us, 2 * bins + 1)[1::2]
    change = np.zeros(bins + 1, dtype=int)
    for alert in alerts:
        if alert.level == "alarm":
            change[np.searchsorted(middles, alert.start_us)] += 1
            if alert.end_us is not None:
                change[np.searchsorted(middles, alert.end_us)] -= 1
    return np.cumsum(change[:bins]).tolist()
