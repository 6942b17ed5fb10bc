"""ASTERIX blocks to detections."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import Sensor, empty

from ..imported import Imported, detections
from .blocks import Block
from .decode import decode
from .plots import plots, turns
from .positions import positions

PLOTS, SERVICE, POSITIONS = (1, 48), (2, 34), (21, 62)


def import_blocks(blocks: list[Block], sensors: Sequence[Sensor], day: date, rejects: Counter[str]) -> Imported:
    """Detections of all blocks; a sensor is named `SAC/SIC`. Service messages are counted and make none.

    day: of the first time of day, where the recording itself has no times.
    """
    counts: Counter[str] = Counter()
    records = decode(blocks, counts, rejects)
    known = {sensor.id: sensor for sensor in sensors}
    antenna: dict[str, tuple[np.ndarray, float]] = {}
    for category in SERVICE:
        if category in records:
            antenna |= turns(records[category], day)
    parts: list[pa.Table] = []
    for category, found in records.items():
        columns: dict[str, Any] = {}
        if category in PLOTS:
            columns = plots(found, antenna, known, day, rejects)
        elif category in POSITIONS:
            columns = positions(found, known, day, rejects)
        if columns:
            parts.append(detections(columns, rejects))
    table = pa.concat_tables(parts) if parts else empty("detections")
    return Imported(table.sort_by("received"), counts, rejects)
