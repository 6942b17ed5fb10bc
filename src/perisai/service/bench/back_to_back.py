"""Detections over and over, each time behind the time before: runs that are longer than what was recorded."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import FRAME_US, TIME, time_us


def moved(detections: pa.Table, by_us: int, by_scans: int | pa.Array = 0) -> pa.Table:
    """Detections by_us microseconds later, and with numbers of their scans so much higher (of all, or one a row)."""
    for name in ("time", "received"):
        times = pa.array(time_us(detections[name]) + by_us).cast(TIME)
        detections = detections.set_column(detections.schema.get_field_index(name), name, times)
    scans = pc.add(detections["scan"], by_scans)
    return detections.set_column(detections.schema.get_field_index("scan"), "scan", scans)


class BackToBack:
    """Moves tables of one recording so that each round follows the one before."""

    def __init__(self, first_us: int, last_us: int, last_scan: int) -> None:
        """first_us, last_us: first and last receipt of the recording; last_scan: its highest number of a scan."""
        self._span_us = (last_us - first_us) // FRAME_US * FRAME_US + FRAME_US
        self._scans = last_scan + 1

    @classmethod
    def of(cls, detections: pa.Table) -> "BackToBack":
        """Of a recording that is in memory."""
        received = time_us(detections["received"])
        return cls(int(received.min()), int(received.max()), int(np.max(detections["scan"].fill_null(0).to_numpy())))

    def round(self, detections: pa.Table, number: int) -> pa.Table:
        """Some of its rows as they come in a round, the first of which is number 0."""
        return moved(detections, number * self._span_us, number * self._scans)
