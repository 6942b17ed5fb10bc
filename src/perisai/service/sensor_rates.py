"""How many detections each sensor gave lately, in parts of half a minute of its own time."""

import pyarrow as pa

PART_S = 30
PARTS = 60


class SensorRates:
    """Counts by sensor and part, the last PARTS parts in which it gave any."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, int]] = {}

    def take(self, table: pa.Table, end_us: int) -> None:
        """Counts the rows of a frame that ends at end_us; column `sensor`."""
        part = end_us // (PART_S * 1_000_000)
        for row in table["sensor"].value_counts().to_pylist():
            counts = self._counts.setdefault(row["values"], {})
            counts[part] = counts.get(part, 0) + row["counts"]
            if len(counts) > PARTS:
                del counts[next(iter(counts))]

    def per_second(self, sensor: str, now_us: int) -> dict[str, list[float]]:
        """`time_us` (start of each part) and `per_s` up to now; the part that still runs is left out."""
        counts = self._counts.get(sensor)
        if not counts:
            return {"time_us": [], "per_s": []}
        running = now_us // (PART_S * 1_000_000)
        parts = range(max(min(counts), running - PARTS), running)
        return {
            "time_us": [part * PART_S * 1_000_000 for part in parts],
            "per_s": [round(counts.get(part, 0) / PART_S, 3) for part in parts],
        }
