"""Reports as they come to detections."""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from perisai.geodesy import destination, distance_m
from perisai.model import NOT_JSON, Sensor

from ..imported import Imported
from ..rows import Rows
from .crowd import DEFAULT_SPREAD_DEG, Crowds
from .report import Report, parse_reports
from .whereabouts import Whereabouts

CITIZENS = "citizens"
HEARD_M = 5_000.0
"""How far off what is heard or seen may be, where no sensors file says it (../shared DEFAULTS.md: 3 to 5 km)."""

MOVED_M = 200.0
AHEAD_S = 60.0
LABELS = {"drone": "drone", "jet_drone": "drone", "cruise": "cruise", "ballistic": "ballistic"} | {
    "glide_bomb": "glide_bomb",
    "aircraft": "aircraft",
}


class ReportStream:
    """Reports of many devices. A device that the sensors file has (its key is the sensor's id) is that sensor; all
    others are booked on one sensor, of kind `position`, as places with the spread that what they say leaves open."""

    def __init__(self, sensors: Sequence[Sensor] = (), default: str = CITIZENS, live: bool = True) -> None:
        """live: whether a report with a time ahead of its receipt is refused; in a file, its time is its receipt."""
        self._sensors = {sensor.id: sensor for sensor in sensors}
        self._default = default or CITIZENS
        self._live = live
        self._crowds = Crowds()
        self._whereabouts = Whereabouts()
        self._rows = Rows(sensors)

    def take(self, chunks: list[tuple[int, bytes]]) -> Imported:
        """Detections of JSON documents: (time of receipt, microseconds since 1970 UTC; one report or a list)."""
        counts, rejects = Counter[str](), Counter[str]()
        for received_us, content in chunks:
            reports, _, refused = parse_reports(content)
            rejects.update(refused)
            for report in reports:
                self.add(report, received_us, counts, rejects)
        return self.drain(counts, rejects)

    def drain(self, counts: Counter[str], rejects: Counter[str]) -> Imported:
        return Imported(self._rows.take(rejects), counts, rejects)

    def add(self, report: Report, received_us: int, counts: Counter[str], rejects: Counter[str]) -> None:
        """One report: counted, and a detection unless its crowd has given one."""
        counts[f"report {report.class_}"] += 1
        time_us = round(report.time.timestamp() * 1e6)
        if self._live and time_us > received_us + AHEAD_S * 1e6:
            rejects["reports: time ahead of the clock"] += 1
            return
        if report.class_ == "explosion":
            # Nothing flies any more: kept in the counts for the report after the raid.
            rejects["reports: explosion, no object"] += 1
            return
        sensor = self._sensors.get(report.device)
        if sensor is None and not self._whereabouts.possible(report):
            rejects["reports: device in two places"] += 1
            return
        if sensor is None and self._crowds.joins(report):
            rejects["reports: same crowd"] += 1
            return
        received_us = received_us if self._live else time_us
        common = {"label": LABELS.get(report.class_), "confidence": report.confidence}
        if sensor is not None and _stands(sensor, report):
            self._rows.add(
                time_us,
                received_us,
                sensor.id,
                "",
                azimuth_deg=report.bearing_deg,
                elevation_deg=report.elevation_deg if report.bearing_deg is not None else None,
                sigma_azimuth_deg=report.bearing_spread_deg if report.bearing_deg is not None else None,
                **common,
            )
            return
        lat, lon, sigma_m = _place(report, HEARD_M if sensor is None else sensor.or_default("max_range_m"))
        place = {"lat": lat, "lon": lon, "sigma_m": sigma_m, "reporter": report.device}
        self._rows.add(time_us, received_us, self._default, "", **place, **common)


def _stands(sensor: Sensor, report: Report) -> bool:
    """Whether the device is where the sensors file has it, and of a kind that reports so."""
    place = report.place
    near = float(distance_m(sensor.lat, sensor.lon, place.lat, place.lon)) <= MOVED_M
    return near and (sensor.kind == "presence" or (sensor.kind == "bearing" and report.bearing_deg is not None))


def _place(report: Report, reach_m: float) -> tuple[float, float, float]:
    """Where the object may be, degrees, and 1 sigma of each axis, m: anywhere within reach (a disc: half its radius),
    or along the bearing, whose middle is half of the reach away."""
    place = report.place
    own_m = place.accuracy_m or 0.0
    if report.bearing_deg is None:
        return place.lat, place.lon, math.hypot(reach_m / 2.0, own_m)
    away_m = reach_m / 2.0
    lat, lon = destination(place.lat, place.lon, report.bearing_deg, away_m)
    along_m = reach_m / math.sqrt(12.0)
    across_m = away_m * math.radians(min(90.0, report.bearing_spread_deg or DEFAULT_SPREAD_DEG))
    return float(lat), float(lon), math.sqrt(0.5 * (along_m**2 + across_m**2) + own_m**2)


def looks_like_report(document: object) -> bool:
    """Whether a decoded JSON document is a report."""
    return isinstance(document, dict) and "device" in document and "place" in document and "time" in document


def import_report_lines(content: bytes, sensors: Sequence[Sensor]) -> Imported:
    """Reports kept as JSON: one a line, or one list."""
    stream = ReportStream(sensors, live=False)
    try:
        msgspec.json.decode(content)
        return stream.take([(0, content)])
    except NOT_JSON:
        return stream.take([(0, line) for line in content.splitlines() if line.strip()])
