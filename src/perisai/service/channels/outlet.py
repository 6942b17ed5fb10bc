"""One running channel as the service sees it: fed with CAP messages and tracks, asked how it is."""

from collections import Counter
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from perisai.alerting import CapMessage
from perisai.channels.message import ChannelCount


class Outlet(Protocol):
    """kind: of its settings. name: unlike any other's. address: where it goes or listens. connected: None where that
    has no meaning. count: what went out."""

    kind: str
    name: str

    @property
    def address(self) -> str: ...
    @property
    def connected(self) -> bool | None: ...
    @property
    def count(self) -> ChannelCount: ...

    def take_message(self, message: CapMessage, sequence: int) -> None:
        """A CAP message, in the order they were sent. sequence: its place in the stream. Never waits."""
        ...

    def take_tracks(self, rows: pa.Table) -> None:
        """The rows of a frame. Never waits."""
        ...

    async def run(self) -> None:
        """Sends until cancelled."""
        ...


def status(outlet: Outlet, now_us: int) -> dict[str, Any]:
    """How a channel is: for the health of the service. age_s: since something last went out, None for never."""
    count = outlet.count
    return {
        "name": outlet.name,
        "kind": outlet.kind,
        "address": outlet.address,
        "connected": outlet.connected,
        "messages": count.messages,
        "bytes": count.bytes,
        "failures": dict(Counter(count.failures)),
        "age_s": (now_us - count.last_us) / 1e6 if count.last_us else None,
    }


class LatestTracks:
    """The newest row of each track since last asked, so that a channel sends no track more often than it wants."""

    def __init__(self, tentative: bool) -> None:
        self._tentative = tentative
        self._frames: list[pa.Table] = []

    def add(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._frames.append(rows)

    def take(self) -> pa.Table | None:
        """One row a track, or nothing when nothing came."""
        if not self._frames:
            return None
        rows = pa.concat_tables(self._frames)
        self._frames = []
        if not self._tentative:
            rows = rows.filter(pc.not_equal(pc.fill_null(rows["status"], "confirmed"), "tentative"))
        number = pa.array(range(rows.num_rows), pa.int64())
        last = rows.select(["track"]).append_column("n", number).group_by("track").aggregate([("n", "max")])
        return rows.take(last["n_max"])
