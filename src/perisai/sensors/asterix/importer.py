"""ASTERIX blocks to detections."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import Sensor, empty

from ..imported import Imported, detections
from . import plots as radar
from . import positions as cooperative
from .blocks import CATEGORIES, Block
from .decode import Decoder

PLOTS, SERVICE, POSITIONS = (1, 48), (2, 34), (21, 62)
ITEMS = {**dict.fromkeys(CATEGORIES, frozenset[str]()), **radar.ITEMS, **cooperative.ITEMS}


def import_blocks(blocks: list[Block], sensors: Sequence[Sensor], day: date, rejects: Counter[str]) -> Imported:
    """Detections of all blocks; a sensor is named `SAC/SIC`. Service messages are counted and make none.

    day: of the first time of day, where the recording itself has no times.
    """
    counts: Counter[str] = Counter()
    records = Decoder(ITEMS).decode(blocks, counts, rejects)
    known = {sensor.id: sensor for sensor in sensors}
    antenna: dict[str, tuple[np.ndarray, float]] = {}
    for category in SERVICE:
        if category in records:
            antenna |= radar.turns(records[category], day)
    parts: list[pa.Table] = []
    for category, found in records.items():
        columns: dict[str, Any] = {}
        if category in PLOTS:
            columns = radar.plots(found, antenna, known, day, rejects)
        elif category in POSITIONS:
            columns = cooperative.positions(found, known, day, rejects)
        if columns:
            parts.append(detections(columns, rejects))
    table = pa.concat_tables(parts) if parts else empty("detections")
    return Imported(table.sort_by("received"), counts, rejects)
