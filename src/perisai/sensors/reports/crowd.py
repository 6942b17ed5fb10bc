"""Many reports of one crowd are one source.

A hundred people on one square who hear one drone know no more than one of them. A report that comes from the same
place, at the same time and with the same direction as one before it is counted to its crowd and gives no detection of
its own, until it is independent: from another place, or after `WINDOW_S`.
"""

import math
from collections import deque
from dataclasses import dataclass

from perisai.geodesy import distance_m

from .report import Report

NEAR_M = 300.0
"""Who stands nearer than this hears the same noises, and the same neighbours."""

WINDOW_S = 10.0
SIGMAS = 2.0
DEFAULT_SPREAD_DEG = 15.0
CELL_DEG = 0.01
MOST = 50_000


@dataclass(slots=True)
class Crowd:
    """The report that stands for a crowd, and how many joined it."""

    time_s: float
    lat: float
    lon: float
    bearing_deg: float | None
    spread_deg: float
    reports: int = 1


class Crowds:
    """The crowds of the last WINDOW_S, found by cells of 0.01 degrees."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Crowd]] = {}
        self._order: deque[tuple[tuple[int, int], Crowd]] = deque()

    def joins(self, report: Report) -> bool:
        """Whether the report belongs to a crowd that has given its detection; a new crowd begins when not."""
        time_s = report.time.timestamp()
        place = report.place
        spread_deg = report.bearing_spread_deg or DEFAULT_SPREAD_DEG
        row, column = math.floor(place.lat / CELL_DEG), math.floor(place.lon / CELL_DEG)
        # Meridians close up towards the poles: a cell is never narrower than the distance that joins.
        wide = min(8, math.ceil(NEAR_M / max(1.0, CELL_DEG * 111_320.0 * math.cos(math.radians(place.lat)))))
        for dy in (-1, 0, 1):
            for dx in range(-wide, wide + 1):
                for crowd in self._cells.get((row + dy, column + dx), ()):
                    if self._same(crowd, report, time_s, spread_deg):
                        crowd.reports += 1
                        return True
        crowd = Crowd(time_s, place.lat, place.lon, report.bearing_deg, spread_deg)
        self._cells.setdefault((row, column), []).append(crowd)
        self._order.append(((row, column), crowd))
        self._forget(time_s)
        return False

    def _same(self, crowd: Crowd, report: Report, time_s: float, spread_deg: float) -> bool:
        if abs(time_s - crowd.time_s) > WINDOW_S:
            return False
        if float(distance_m(crowd.lat, crowd.lon, report.place.lat, report.place.lon)) > NEAR_M:
            return False
        if crowd.bearing_deg is None or report.bearing_deg is None:
            # Who names no direction adds nothing to one who does; who names one says more than the crowd did.
            return report.bearing_deg is None
        apart = abs((crowd.bearing_deg - report.bearing_deg + 180.0) % 360.0 - 180.0)
        return apart <= SIGMAS * math.hypot(crowd.spread_deg, spread_deg)

    def _forget(self, now_s: float) -> None:
        while self._order and (now_s - self._order[0][1].time_s > 6.0 * WINDOW_S or len(self._order) > MOST):
            cell, crowd = self._order.popleft()
            mine = self._cells[cell]
            mine.remove(crowd)
            if not mine:
                del self._cells[cell]
