"""Nobody is in two places: reports of one device that would have had to move faster than anybody does."""

from collections import OrderedDict

from perisai.geodesy import distance_m

from .report import Report

FASTEST_MPS = 300.0
SLACK_M = 5_000.0
"""Phones are now and then wrong by so much."""

REMEMBERED = 50_000


class Whereabouts:
    """Where each device was when it reported last."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[float, float, float]] = OrderedDict()

    def possible(self, report: Report) -> bool:
        """Whether the device can have been there; if not, it stays where it was, for the one who is wrong."""
        at_s, lat, lon = report.time.timestamp(), report.place.lat, report.place.lon
        before = self._last.get(report.device)
        if before is not None:
            away_m = float(distance_m(before[1], before[2], lat, lon))
            if away_m > SLACK_M + FASTEST_MPS * abs(at_s - before[0]):
                return False
        self._last[report.device] = (at_s, lat, lon)
        self._last.move_to_end(report.device)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return True
