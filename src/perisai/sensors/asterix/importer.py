"""ASTERIX blocks to detections."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from perisai.model import Sensor, SensorHealth, empty

from ..imported import Imported, detections
from . import bearings as finders
from . import multilateration as system
from . import plots as radar
from . import positions as cooperative
from . import status
from .blocks import CATEGORIES, Block, split_datagram
from .decode import Decoder
from .memory import Memory

PLOTS, SERVICE, POSITIONS, TARGETS, BEARINGS = (1, 48), (2, 34), (21, 62), (10, 20), (205,)
ITEMS = {
    **dict.fromkeys(CATEGORIES, frozenset[str]()),
    **radar.ITEMS,
    **cooperative.ITEMS,
    **system.ITEMS,
    **finders.ITEMS,
    63: status.ITEMS[63],
    34: radar.ITEMS[34] | status.ITEMS[34],
}


class AsterixStream:
    """ASTERIX as it comes, datagram by datagram."""

    def __init__(self, sensors: Sequence[Sensor], live: bool = True) -> None:
        """sensors: of the sensors file, looked up as `SAC/SIC`. live: whether more than one call is to come."""
        self._sensors = {sensor.id: sensor for sensor in sensors}
        self._decoder = Decoder(ITEMS)
        self._memory = Memory(live)

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported:
        """Detections of datagrams: (time of receipt, microseconds since 1970 UTC; payload)."""
        rejects: Counter[str] = Counter()
        blocks = [block for received_us, data in chunks for block in split_datagram(data, received_us, rejects)]
        day = datetime.fromtimestamp(chunks[0][0] / 1e6, UTC).date() if chunks else date(1970, 1, 1)
        return self.blocks(blocks, day, rejects)

    def blocks(self, blocks: list[Block], day: date, rejects: Counter[str]) -> Imported:
        """Detections of blocks; arguments as of `import_blocks`."""
        counts: Counter[str] = Counter()
        records = self._decoder.decode(blocks, counts, rejects)
        health: list[SensorHealth] = []
        for category in SERVICE:
            if category in records:
                self._memory.turned(radar.turns(records[category], day))
        if 34 in records:
            health += status.radar_status(records[34], day)
        if 63 in records:
            health += status.sensor_status(records[63], day)
        parts: list[pa.Table] = []
        for category, found in records.items():
            columns: dict[str, Any] = {}
            if category in PLOTS:
                columns = radar.plots(found, self._sensors, day, rejects, self._memory)
            elif category in POSITIONS:
                columns = cooperative.positions(found, self._sensors, day, rejects, self._memory)
            elif category in TARGETS:
                columns = system.targets(found, self._sensors, day, rejects, self._memory)
            elif category in BEARINGS:
                columns = finders.bearings(found, self._sensors, day, rejects, self._memory)
            if columns:
                parts.append(detections(columns, rejects))
        table = pa.concat_tables(parts) if parts else empty("detections")
        return Imported(table.sort_by("received"), counts, rejects, tuple(health))


def import_blocks(blocks: list[Block], sensors: Sequence[Sensor], day: date, rejects: Counter[str]) -> Imported:
    """Detections of all blocks of a recording; a sensor is named `SAC/SIC`. Service messages are counted and make none.

    day: of the first time of day, where the recording itself has no times.
    """
    return AsterixStream(sensors, live=False).blocks(blocks, day, rejects)
