"""The published record of raids, as counts by night, type and launch areas, and where those areas lie."""

import csv
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from perisai.model import BadInputError

TYPES = ("drone", "recon", "cruise", "ballistic", "glide_bomb")


@dataclass(frozen=True, slots=True)
class Wave:
    """One line of the record: `launched` objects of a type from some of the areas between two instants.

    areas: names of launch areas, empty where the record names none. stopped: shot down or lost on the way.
    start_us, end_us: the span the report covers, microseconds since 1970-01-01 UTC.
    """

    type: str
    areas: tuple[str, ...]
    start_us: int
    end_us: int
    launched: int
    stopped: int


@dataclass(frozen=True, slots=True)
class Night:
    """The attacks whose report ends on the date."""

    date: date
    waves: tuple[Wave, ...]

    @property
    def launched(self) -> int:
        """Objects launched, of all types."""
        return sum(wave.launched for wave in self.waves)


@dataclass(frozen=True, slots=True)
class LaunchArea:
    """A launch area: its middle (degrees) and the standard deviation of launch points about it, m."""

    lat: float
    lon: float
    spread_m: float


@cache
def nights() -> dict[date, Night]:
    """Every night of the record, in order of date."""
    waves: dict[date, list[Wave]] = {}
    with (files("perisai") / "data" / "raids" / "nights.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            waves.setdefault(date.fromisoformat(row["night"]), []).append(
                Wave(
                    row["type"],
                    tuple(row["areas"].split(";")) if row["areas"] else (),
                    _microseconds(row["start"]),
                    _microseconds(row["end"]),
                    int(row["launched"]),
                    int(row["stopped"]),
                )
            )
    return {day: Night(day, tuple(waves[day])) for day in sorted(waves)}


def night_of(day: date | str) -> Night:
    """The record of a night. Raises BadInputError naming the nearest listed dates when the record lacks it."""
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError as error:
            raise BadInputError("night", day, "a date as YYYY-MM-DD") from error
    listed = nights()
    if day in listed:
        return listed[day]
    days = list(listed)
    place = bisect_left(days, day)
    near = " or ".join(d.isoformat() for d in days[max(0, place - 1) : place + 1])
    raise BadInputError("night", f"{day} is not in the record", f"a listed date; nearest {near}")


@cache
def launch_areas() -> dict[str, LaunchArea]:
    """The launch areas of the record by name."""
    with (files("perisai") / "data" / "raids" / "launch_areas.csv").open(encoding="utf-8") as file:
        return {
            row["name"]: LaunchArea(float(row["lat"]), float(row["lon"]), float(row["spread_km"]) * 1e3)
            for row in csv.DictReader(file)
        }


def _microseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000
